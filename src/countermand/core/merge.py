"""The three-way merge of one line's status: base, storefront, MIS -> verdict. Pure.

Gates first, in this order: a write of ours that is still awaited, a settlement, a state that cannot be
judged, a move back from what both had agreed on; then the decision table (`core.table`). Two gates look at
the answer: a write that failed is not sent again, and nothing is written at first sight. The result is
level-triggered: the same inputs give the same verdict, however often and however late it is asked.
"""

from __future__ import annotations

from datetime import datetime

from countermand.core.command import Change
from countermand.core.line import Line as Line
from countermand.core.line import Settlement as Settlement
from countermand.core.own_write import awaiting, brought_about, not_again
from countermand.core.policy import PartDispatch, Policy
from countermand.core.status import GONE, Facts, Gone, Side, Unmapped, Unreadable, Unseen, same_pair
from countermand.core.table import CONFLICTS, Decision, Row, decide
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait


def merge(line: Line, policy: Policy, now: datetime) -> Verdict:
    """What should happen to this line, as of `now` (aware UTC)."""
    verdict = (
        awaiting(line)
        or _settled(line)
        or _cannot_judge(line, policy, now)
        or _moved_back(line)
        or _by_table(line, policy, now)
    )
    return first_sight(line, not_again(line, verdict))


def _settled(line: Line) -> Verdict | None:
    settlement = line.settlement
    if settlement is not None and any(same_pair(pair, line.pair) for pair in settlement.pairs):
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
    believed_at = max(reading.since for reading in gone) + policy.gone_after
    if now < believed_at:
        return Wait("gone", believed_at)  # one answer proves nothing: both sides are read again first
    if over and all(reading.status == GONE for reading in gone):
        return InStep("gone", close=True)
    return Ask("gone", TaskKind.GONE)


def _moved_back(line: Line) -> Verdict | None:
    storefront, mis = line.storefront.status, line.mis.status
    if not (isinstance(storefront, Facts) and isinstance(mis, Facts)):
        return None
    for agreed in (line.base, brought_about(line)):
        if agreed is not None and isinstance(agreed.storefront, Facts) and isinstance(agreed.mis, Facts):
            verdict = _undone(agreed.storefront, agreed.mis, storefront, mis)
            if verdict is not None:
                return verdict
    return None


def _undone(was_storefront: Facts, was_mis: Facts, storefront: Facts, mis: Facts) -> Verdict | None:
    reopened = was_storefront.cancelled and was_mis.cancelled and storefront.cancelled != mis.cancelled
    if reopened and decide(storefront, mis).task not in CONFLICTS:
        return Ask("re-opened", TaskKind.RE_OPENED, _opened_side(storefront))
    delivered = was_storefront.progress.value == was_mis.progress.value == "dispatched"
    newly_cancelled = storefront.cancelled > was_storefront.cancelled or mis.cancelled > was_mis.cancelled
    if delivered and newly_cancelled:
        return Ask("cancelled-after-delivery", TaskKind.CANCELLED_AFTER_DELIVERY)
    if decide(storefront, mis).task in CONFLICTS:
        return None
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
