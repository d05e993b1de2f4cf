"""Every storefront status x MIS status x base x own write x settlement: the rules that must always hold.

Two sweeps cover the space: one over every base without a write of ours, one over every state of every
write with the bases that matter. The counts are printed at the end of the test run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import product

from core_space import (
    AUTOMATIC,
    BASES,
    FEW_PAIRS,
    LATE,
    MIS_STATUSES,
    STOREFRONT_STATUSES,
    T0,
    UNCERTAIN,
    RecordProperty,
    applied,
    cancelled_and_sent,
    command_states,
    conflict,
    settlement,
)

from countermand.core.command import Change, Command, Outcome, effect_visible
from countermand.core.merge import Line, merge
from countermand.core.status import Facts, LineStatus, Pair, Reading, Side
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait

#: Bases for the sweep over writes: first sight, and the usual ones.
FEW_BASES = (None, *FEW_PAIRS)
_READ = {status: Reading(status=status, began_at=T0, since=T0) for status in MIS_STATUSES}


def lines_without_write() -> Iterator[Line]:
    for storefront, mis in product(STOREFRONT_STATUSES, MIS_STATUSES):
        here, there = _READ[storefront], _READ[mis]
        as_settled = settlement(Pair(storefront, mis))
        for base in BASES:
            yield Line(storefront=here, mis=there, base=base)
        for base in FEW_BASES:
            yield Line(storefront=here, mis=there, base=base, settlement=as_settled)


def lines_with_write() -> Iterator[Line]:
    """Whether the history is known matters to the guards only, so three such states stand for all."""
    for storefront, mis in product(STOREFRONT_STATUSES, (*STOREFRONT_STATUSES, *UNCERTAIN[::5])):
        here, there = _READ[storefront], _READ[mis]
        as_settled = settlement(Pair(storefront, mis))
        for base in FEW_BASES:
            for write in command_states(there.status):
                yield Line(storefront=here, mis=there, base=base, command=write)
        for write in command_states(there.status):
            yield Line(storefront=here, mis=there, base=FEW_BASES[1], command=write, settlement=as_settled)


def _broken(line: Line, verdict: Verdict) -> str:
    """Which rule a verdict breaks, in words; empty when none."""
    storefront, mis = line.storefront.status, line.mis.status
    if not isinstance(verdict, InStep | Push | Ask | Settled | Wait):
        return "no verdict"
    if not verdict.rule:
        return "a verdict without a rule"
    if isinstance(verdict, InStep):
        if cancelled_and_sent(storefront) or cancelled_and_sent(mis):
            return "cancelled and dispatched is called in step"
        if conflict(storefront, mis):
            return "a conflict is called in step"
        if verdict.close != _nowhere(storefront, mis):
            return "closed while a side still has it"
    if isinstance(verdict, Settled) and line.settlement is None:
        return "settled by nobody"
    return _broken_write(line, verdict) if isinstance(verdict, Push) else ""


def _nowhere(storefront: LineStatus, mis: LineStatus) -> bool:
    return any(str(status) == "gone" for status in (storefront, mis))


def _broken_write(line: Line, push: Push) -> str:
    storefront, mis = line.storefront.status, line.mis.status
    source, target = line.reading(push.target.other).status, line.reading(push.target).status
    if not (isinstance(source, Facts) and isinstance(target, Facts)):
        return "a write on something absent or unknown"
    if line.base is None:
        return "first sight writes"
    if line.settlement is not None:
        return "a settled difference is written over"
    if conflict(storefront, mis):
        return "a write although the sides conflict"
    becomes = applied(target, push.change)
    assert isinstance(becomes, Facts)
    if becomes == target and push.change is not Change.TRACK:
        return "a write to a side that already agrees"
    if becomes.progress.rank < target.progress.rank:
        return "a status moves back"
    if target.cancelled and not becomes.cancelled:
        return "an un-cancel"
    if push.target is Side.MIS and push.change is not Change.CANCEL:
        return "a dispatch is written to the MIS"
    return _broken_by_base(line, push, source, target) or _broken_by_command(line, push)


def _broken_by_base(line: Line, push: Push, source: Facts, target: Facts) -> str:
    if push.change is Change.CANCEL and not source.cancelled:
        return "a cancel that nobody wanted"
    if push.change is not Change.CANCEL and (source.cancelled or not source.sent):
        return "shipped although nothing was sent"
    base = line.base
    if base is None or not (isinstance(base.storefront, Facts) and isinstance(base.mis, Facts)):
        return ""
    if base.storefront.cancelled and base.mis.cancelled and push.change is Change.CANCEL:
        return "re-opened work is cancelled"
    if base.mis.progress == base.storefront.progress and base.mis.progress.value == "dispatched":
        return "a cancel after delivery" if push.change is Change.CANCEL else ""
    return ""


def _broken_by_command(line: Line, push: Push) -> str:
    own = line.command
    if own is None:
        return ""
    target = line.reading(own.target)
    seen = effect_visible(own, target) and target.began_at >= (own.answered_at or own.sent_at)
    if own.verified_at is None and _awaited(own) and target.began_at < own.settles_at and not seen:
        return "a read from before the write has settled causes a write"
    same = own.target is push.target and (own.change is Change.CANCEL) == (push.change is Change.CANCEL)
    if same and own.outcome in (Outcome.APPLIED, Outcome.ALREADY) and not seen:
        if own.verified_at is not None and own.change is not push.change:
            return ""
        return "a write is repeated after it was applied"
    if own.change is Change.CANCEL and own.target is not push.target and push.change is Change.CANCEL:
        return "our own cancel bounces back"
    return ""


def _awaited(own: Command) -> bool:
    return own.effective_outcome in (Outcome.APPLIED, Outcome.ALREADY, Outcome.UNKNOWN)


def _check(line: Line, now: datetime, broken: dict[str, Line]) -> None:
    reason = _broken(line, merge(line, AUTOMATIC, now))
    if reason:
        broken.setdefault(reason, line)


def _report(broken: dict[str, Line]) -> str:
    return "\n".join(
        f"{reason}: {line.storefront.status} | {line.mis.status}, base {line.base}, write {line.command}"
        for reason, line in broken.items()
    )


def test_every_situation_without_a_write_of_ours(record_property: RecordProperty) -> None:
    broken: dict[str, Line] = {}
    count = 0
    for line in lines_without_write():
        _check(line, T0, broken)
        _check(line, LATE, broken)
        count += 2
    assert not broken, _report(broken)
    assert count == 2 * len(STOREFRONT_STATUSES) * len(MIS_STATUSES) * (len(BASES) + len(FEW_BASES))
    record_property("summary", f"core: {count:,} situations without a write of ours")


def test_every_situation_with_a_write_of_ours(record_property: RecordProperty) -> None:
    broken: dict[str, Line] = {}
    count = 0
    for line in lines_with_write():
        _check(line, LATE, broken)
        count += 1
    assert not broken, _report(broken)
    record_property("summary", f"core: {count:,} situations with a write of ours")
