"""The verdict of each line as a part of its order: what one line alone cannot know.

The storefront's shipping status is the order's, so a line may look shipped only because its neighbours
left; and of a line's several jobs one may be both cancelled and sent, which no neighbour may hide.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from countermand.core.merge import Line, first_sight, merge
from countermand.core.order import Job, Order, OrderLine
from countermand.core.policy import Policy
from countermand.core.status import Facts, LineStatus, Progress, Side, Unseen
from countermand.core.table import CANCELLED_UNSEEN
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Verdict, Wait


def judge(order: Order, policy: Policy, now: datetime) -> dict[str, Verdict]:
    """The verdict of each line, by line id."""
    return {entry.line_id: _judge(order, entry, policy, now) for entry in order.lines}


def _judge(order: Order, entry: OrderLine, policy: Policy, now: datetime) -> Verdict:
    verdict = merge(entry.line, policy, now)
    if isinstance(verdict, Ask) and _shipped_by_others(order, entry):
        verdict = merge(_unshipped(entry.line), policy, now)
    if isinstance(verdict, Wait) and verdict.rule == CANCELLED_UNSEEN:
        if not entry.searched:
            return _unsearched(entry.line, policy, now)
        if _missed_before(entry.line, policy):
            return Ask("cancelled-not-found", TaskKind.CANCELLED_UNSEEN, "searched in vain before")
    if isinstance(verdict, InStep | Push | Wait) and any(map(_cancelled_and_sent, entry.jobs)):
        return first_sight(entry.line, Ask("job-cancelled-and-sent", TaskKind.CANCELLED_BUT_MADE))
    return verdict


def _unsearched(line: Line, policy: Policy, now: datetime) -> Verdict:
    """A job may be made of what is cancelled: nobody could look for one since, so a person has to.

    An order that was older than this connection, and cancelled when it was first seen, is history.
    """
    cancelled_at = line.storefront.since
    if line.base is None and cancelled_at <= line.mis.since:
        return Wait(CANCELLED_UNSEEN)
    ask_at = cancelled_at + max(policy.undo_window, policy.unreadable_after)
    if now < ask_at:
        return Wait(CANCELLED_UNSEEN, ask_at)
    return Ask("cancelled-not-searched", TaskKind.CANCELLED_UNSEEN)


def _missed_before(line: Line, policy: Policy) -> bool:
    """Whether its job was missed already when it was cancelled: made under a number that nothing finds.

    Then the search that finds none now says no more than all those before it.
    """
    return line.storefront.since - line.mis.since >= policy.not_in_production_after


def _shipped_by_others(order: Order, entry: OrderLine) -> bool:
    """Whether the storefront calls the line shipped only because other lines of its order have left.

    *Partially* needs one other line that left; *shipped* on a cancelled line needs that every line which
    is not cancelled was dispatched.
    """
    if entry.sent_in(Side.MIS) or not isinstance(entry.line.mis.status, Facts | Unseen):
        return False
    others = [other for other in order.lines if other.line_id != entry.line_id]
    match entry.progress_in(Side.STOREFRONT):
        case Progress.PART_DISPATCHED:
            return any(other.sent_in(Side.MIS) and not other.cancelled_in(Side.MIS) for other in others)
        case Progress.DISPATCHED if entry.cancelled_in(Side.STOREFRONT):
            live = [other for other in others if not other.cancelled_in(Side.STOREFRONT)]
            return bool(live) and all(other.dispatched for other in live)
        case _:
            return False


def _unshipped(line: Line) -> Line:
    """The line without the shipping status that belongs to its neighbours."""
    base = line.base
    if base is not None and not (isinstance(base.mis, Facts) and base.mis.sent):
        base = replace(base, storefront=_not_sent(base.storefront))
    return replace(
        line, storefront=replace(line.storefront, status=_not_sent(line.storefront.status)), base=base
    )


def _not_sent(status: LineStatus) -> LineStatus:
    return replace(status, progress=Progress.NONE) if isinstance(status, Facts) else status


def _cancelled_and_sent(job: Job) -> bool:
    return isinstance(job.status, Facts) and job.status.cancelled and job.status.sent
