"""The three-way merge of one line's status: base, storefront, MIS -> verdict. Pure.

Gates first, in this order: our own open write, a settlement, a state that cannot be judged, a move back
from what both had agreed on; then the decision table (`core.table`). The result is level-triggered: the
same inputs give the same verdict, however often and however late it is asked.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from countermand.core.command import (
    MOST_ATTEMPTS,
    Change,
    Command,
    Outcome,
    effect_visible,
    next_read_back,
)
from countermand.core.policy import PartDispatch, Policy, direction_of
from countermand.core.status import (
    GONE,
    Facts,
    Gone,
    Intent,
    Pair,
    Progress,
    Reading,
    Side,
    Unmapped,
    Unreadable,
    Unseen,
)
from countermand.core.table import CONFLICTS, Decision, Row, decide
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A person left the two sides different: for exactly these pairs of values, with a name and a reason.

    `reported`: the person says that it was done where nothing can be read back; never called verified.
    """

    pairs: tuple[Pair, ...]
    by: str
    reason: str
    at: datetime
    reported: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """All that the merge knows about one line.

    `base`: the pair last in step or settled; none at first sight (an order placed after the connection
    went live has the implied base open/open). `command`: our newest write, if any.
    """

    storefront: Reading
    mis: Reading
    base: Pair | None = None
    command: Command | None = None
    settlement: Settlement | None = None

    def reading(self, side: Side) -> Reading:
        return self.storefront if side is Side.STOREFRONT else self.mis

    @property
    def pair(self) -> Pair:
        return Pair(self.storefront.status, self.mis.status)


def merge(line: Line, policy: Policy, now: datetime) -> Verdict:
    """What should happen to this line, as of `now` (aware UTC)."""
    verdict = (
        _awaiting(line)
        or _settled(line)
        or _cannot_judge(line, policy, now)
        or _moved_back(line)
        or _by_table(line, policy, now)
    )
    return first_sight(line, _not_again(line, verdict))


def _awaiting(line: Line) -> Wait | None:
    """Our own write is on its way: only a read that began after the answer tells. A conflict never waits."""
    command = line.command
    if command is None or command.verified_at is not None or _conflict(line):
        return None
    target = line.reading(command.target)
    if _shows(command, target):
        return None
    match command.effective_outcome:
        case Outcome.APPLIED | Outcome.ALREADY:
            until = next_read_back(command, target.began_at)
            return Wait("read-back", until) if until is not None else None
        case Outcome.UNKNOWN if target.began_at < command.settles_at:
            return Wait("unknown-outcome", command.settles_at)
        case _:
            return None


def _shows(command: Command, target: Reading) -> bool:
    """Whether a read that began after the answer shows what the write wanted."""
    return target.began_at >= (command.answered_at or command.sent_at) and effect_visible(command, target)


def _conflict(line: Line) -> bool:
    storefront, mis = line.storefront.status, line.mis.status
    if not (isinstance(storefront, Facts) and isinstance(mis, Facts)):
        return False
    return decide(storefront, mis).task in CONFLICTS


def _not_again(line: Line, verdict: Verdict) -> Verdict:
    """A write that failed is a person's, as long as it is still needed: never sent again by itself."""
    command = line.command
    if command is None or command.verified_at is not None or not isinstance(verdict, Push):
        return verdict
    same = direction_of(verdict.change, verdict.target) is direction_of(command.change, command.target)
    if not same or _shows(command, line.reading(command.target)):
        return verdict
    return _failed(command, line) or verdict


def _failed(command: Command, line: Line) -> Ask | None:
    match command.effective_outcome:
        case Outcome.APPLIED | Outcome.ALREADY:
            return Ask("written-not-visible", TaskKind.NOT_VISIBLE, command.change.value)
        case Outcome.UNKNOWN:
            asked_enough = command.attempts >= MOST_ATTEMPTS
            return Ask("write-unknown", TaskKind.WRITE_UNKNOWN, command.said) if asked_enough else None
        case Outcome.REFUSED | Outcome.UNSUPPORTED:
            source = line.reading(command.target.other).status
            if command.because is not None and not _same(command.because, source):
                return None
            said = command.said or command.effective_outcome.value
            return Ask("write-refused", TaskKind.WRITE_REFUSED, said)


def _settled(line: Line) -> Verdict | None:
    settlement = line.settlement
    if settlement is not None and any(_same_pair(pair, line.pair) for pair in settlement.pairs):
        return Settled("settled", settlement.by)
    return None


def _cannot_judge(line: Line, policy: Policy, now: datetime) -> Verdict | None:
    for side in Side:
        status = line.reading(side).status
        if isinstance(status, Unmapped):
            return Ask("unmapped", TaskKind.UNMAPPED, f"{side.value}: {status.raw}")
    unreadable = [side for side in Side if isinstance(line.reading(side).status, Unreadable)]
    if unreadable:
        return _unreadable(line, min(unreadable, key=lambda side: line.reading(side).since), policy, now)
    if isinstance(line.storefront.status, Gone) or isinstance(line.mis.status, Gone):
        return _gone(line, policy, now)
    return None


def _unreadable(line: Line, side: Side, policy: Policy, now: datetime) -> Verdict:
    """A cancel whose other side cannot be read is its own task; a quiet line joins the connection's."""
    reading, other = line.reading(side), line.reading(side.other).status
    ask_at = reading.since + policy.unreadable_after
    if now < ask_at:
        return Wait("unreadable", ask_at)
    urgent = isinstance(other, Facts) and other.cancelled
    return Ask("cannot-read-cancelled" if urgent else "cannot-read", TaskKind.CANNOT_READ, side.value)


def _gone(line: Line, policy: Policy, now: datetime) -> Verdict:
    readings = (line.storefront, line.mis)
    gone = [reading for reading in readings if isinstance(reading.status, Gone)]
    others = [reading.status for reading in readings if reading not in gone]
    over = all(isinstance(status, Facts) and status.cancelled and not status.sent for status in others)
    if over and all(reading.status == GONE for reading in gone):
        return InStep("gone", close=True)
    ask_at = max(reading.since for reading in gone) + policy.gone_after
    return Wait("gone", ask_at) if now < ask_at else Ask("gone", TaskKind.GONE)


def _moved_back(line: Line) -> Verdict | None:
    storefront, mis = line.storefront.status, line.mis.status
    if not (isinstance(storefront, Facts) and isinstance(mis, Facts)):
        return None
    for agreed in (line.base, _brought_about(line)):
        if agreed is not None and isinstance(agreed.storefront, Facts) and isinstance(agreed.mis, Facts):
            verdict = _undone(agreed.storefront, agreed.mis, storefront, mis)
            if verdict is not None:
                return verdict
    return None


def _brought_about(line: Line) -> Pair | None:
    """What our own newest write made both sides say: as good as a base, before it is stored as one.

    Without it, a side that is re-opened before the next pass would make our own write look like news.
    """
    command = line.command
    if command is None or command.change not in _AGREED:
        return None
    if command.verified_at is None and not effect_visible(command, line.reading(command.target)):
        return None
    return Pair(_AGREED[command.change], _AGREED[command.change])


_AGREED = {
    Change.CANCEL: Facts(Intent.CANCELLED, Progress.NONE),
    Change.SHIP: Facts(Intent.OPEN, Progress.DISPATCHED),
    Change.SHIP_PART: Facts(Intent.OPEN, Progress.PART_DISPATCHED),
}


def _undone(was_storefront: Facts, was_mis: Facts, storefront: Facts, mis: Facts) -> Verdict | None:
    reopened = was_storefront.cancelled and was_mis.cancelled and storefront.cancelled != mis.cancelled
    if reopened and decide(storefront, mis).task not in CONFLICTS:
        return Ask("re-opened", TaskKind.RE_OPENED, _opened_side(storefront))
    delivered = was_storefront.progress.value == was_mis.progress.value == "dispatched"
    newly_cancelled = storefront.cancelled > was_storefront.cancelled or mis.cancelled > was_mis.cancelled
    if delivered and newly_cancelled:
        return Ask("cancelled-after-delivery", TaskKind.CANCELLED_AFTER_DELIVERY)
    for was, now_is in ((was_storefront, storefront), (was_mis, mis)):
        if was.sent and now_is.progress.rank < was.progress.rank and not now_is.cancelled:
            return Ask("moved-back", TaskKind.MOVED_BACK)
    return None


def _opened_side(storefront: Facts) -> str:
    return (Side.MIS if storefront.cancelled else Side.STOREFRONT).value


def _by_table(line: Line, policy: Policy, now: datetime) -> Verdict:
    row = decide(line.storefront.status, line.mis.status)
    match row.decision:
        case Decision.IN_STEP:
            return _in_step(row, line)
        case Decision.CANCEL_IN_MIS:
            return Push(row.rule, Change.CANCEL, Side.MIS)
        case Decision.CANCEL_IN_STOREFRONT:
            return Push(row.rule, Change.CANCEL, Side.STOREFRONT)
        case Decision.SHIP:
            return Push(row.rule, Change.SHIP, Side.STOREFRONT, line.mis.tracking)
        case Decision.SHIP_PART if policy.part_dispatch is PartDispatch.PARTIAL:
            return Push(row.rule, Change.SHIP_PART, Side.STOREFRONT, line.mis.tracking)
        case Decision.SHIP_PART | Decision.NOT_OURS:
            return Wait(row.rule)
        case Decision.WAIT:
            return _wait(row, line, policy, now)
        case Decision.ASK:
            assert row.task is not None, f"row {row.rule} asks without a task"
            return Ask(row.rule, row.task)


def _in_step(row: Row, line: Line) -> Verdict:
    storefront = line.storefront.status
    missing = line.mis.tracking - line.storefront.tracking
    if missing and isinstance(storefront, Facts) and storefront.sent and not storefront.cancelled:
        return Push(row.rule, Change.TRACK, Side.STOREFRONT, line.mis.tracking)
    return InStep(row.rule)


def _wait(row: Row, line: Line, policy: Policy, now: datetime) -> Verdict:
    if row.task is None:
        return Wait(row.rule)
    ask_at = line.mis.since + policy.not_in_production_after
    return Wait(row.rule, ask_at) if now < ask_at else Ask(row.rule, row.task)


def first_sight(line: Line, verdict: Verdict) -> Verdict:
    """Years of old orders must not cancel jobs or mail customers: no base, no write."""
    if line.base is not None:
        return verdict
    if isinstance(verdict, Push) or (isinstance(verdict, Ask) and _compared(line) and line.command is None):
        return Ask(f"first-sight:{verdict.rule}", TaskKind.IMPORT_REVIEW)
    return verdict


def _compared(line: Line) -> bool:
    """Whether a disagreement of the two sides is what is asked about, and not a status nobody can judge."""
    return isinstance(line.storefront.status, Facts) and isinstance(line.mis.status, Facts | Unseen)


def _same(one: object, other: object) -> bool:
    """Equal as facts: whether the history is known is no part of a status."""
    if isinstance(one, Facts) and isinstance(other, Facts):
        return one.intent is other.intent and one.progress is other.progress
    if isinstance(one, Unreadable) and isinstance(other, Unreadable):
        return True
    return one == other


def _same_pair(one: Pair, other: Pair) -> bool:
    return _same(one.storefront, other.storefront) and _same(one.mis, other.mis)
