"""A person's "do it" and "no" to a task: which changes of its order they are about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from countermand.bridge.cancel_here import begun
from countermand.bridge.case import Case
from countermand.bridge.lives import without_approval
from countermand.bridge.people import Deed, RefusedError, approve, refuse
from countermand.bridge.store import Entry
from countermand.core.cancellation import Cancellation, CancellationState
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction
from countermand.core.tasks import TASK_TYPES, TaskKind

#: Tasks that hold a change of one direction.
_ONE_WAY: Mapping[TaskKind, Direction] = {
    TaskKind.CANCEL_IN_MIS: Direction.CANCEL_TO_MIS,
    TaskKind.CANCEL_IN_STOREFRONT: Direction.CANCEL_TO_STOREFRONT,
    TaskKind.SHIP_IN_STOREFRONT: Direction.SHIP_TO_STOREFRONT,
}
#: Tasks that hold a cancel of either direction: which one, the order's own cancellation tells.
_EITHER_WAY = frozenset({TaskKind.PAST_CUT_OFF, TaskKind.APPROVE})
#: Tasks of which the change can be written when a person says so, and those that hold a cancel to refuse.
APPROVABLE = _EITHER_WAY | _ONE_WAY.keys()
REFUSABLE = (APPROVABLE | {TaskKind.CANCEL_STOCK_LINE}) - {TaskKind.SHIP_IN_STOREFRONT}

_Ways = Mapping[Direction, tuple[str, ...]]


def approve_task(kind: TaskKind, line_ids: tuple[str, ...], by: str, at: datetime, reason: str) -> Deed:
    """ "Do it" to what a task of this kind asks about these lines."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if kind not in APPROVABLE:
            title = TASK_TYPES[kind].title
            raise RefusedError(f"“{title}” holds nothing that could be written: there is nothing to approve.")
        if all(task.kind is not kind for task in case.tasks):
            # Kept, it would let a later change of this order pass that nobody has been asked about.
            raise RefusedError(f"No change of order {case.order_id} waits for an answer any more.")
        for way, lines in _waiting(case, kind, line_ids).items():
            case, entry = approve(way, by, at, reason, lines)(case)
        return case, entry

    return deed


def refuse_task(
    kind: TaskKind, line_ids: tuple[str, ...], by: str, at: datetime, reason: str, why: RefusalReason
) -> Deed:
    """ "No" to the cancel that a task of this kind asks about."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if kind not in REFUSABLE:
            raise RefusedError(f"“{TASK_TYPES[kind].title}” holds no cancel: there is nothing to refuse.")
        for way, lines in _waiting(case, kind, line_ids).items():
            case, entry = refuse(way, lines, by, at, reason, why)(case)
        return case, entry

    return deed


def still_meant(before: Case, case: Case) -> Case:
    """The case without a "do it" to a cancel in the MIS that was said before production was seen to begin."""
    given = case.approvals.get(Direction.CANCEL_TO_MIS)
    if given is None:
        return case
    lines = tuple(line.line_id for line in case.lines if not given.line_ids or line.line_id in given.line_ids)
    since = set(begun(case, lines)) - set(begun(before, lines))
    return without_approval(case, Direction.CANCEL_TO_MIS) if since else case


def _waiting(case: Case, kind: TaskKind, line_ids: tuple[str, ...]) -> _Ways:
    """The directions that the task is about, each with its lines.

    Raises:
        RefusedError: nothing of it waits any more.
    """
    if kind is TaskKind.CANCEL_STOCK_LINE:
        return {Direction.CANCEL_TO_MIS: line_ids}
    if kind in _ONE_WAY:
        return {_ONE_WAY[kind]: line_ids}
    # The newest of each direction; one that expired still waits for a person's word.
    newest = {one.direction: one for one in case.cancellations}
    waiting = {way: _lines(one, line_ids) for way, one in newest.items() if _waits(one)}
    found = {way: lines for way, lines in waiting.items() if lines}
    if not found:
        raise RefusedError(f"No cancel of order {case.order_id} waits for an answer any more.")
    return found


def _waits(one: Cancellation) -> bool:
    return not one.state.ended or one.state is CancellationState.EXPIRED


def _lines(one: Cancellation, line_ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line_id for line_id in line_ids if line_id in one.line_ids)
