"""What a person may do to an order: pure functions from a case to a case, and how they are stored.

Everything a person does goes through the same fenced save as everything else; when somebody or something
else changed the order meanwhile, it is tried again on the new version.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.case import Case, Checking, as_order
from countermand.bridge.store import Change, Entry, State, Store, StoredCase
from countermand.core.events import Event
from countermand.core.guards import Approval
from countermand.core.merge import Settlement
from countermand.core.policy import Direction
from countermand.core.status import Pair

Deed = Callable[[Case], tuple[Case, Entry]]

_MOST_TRIES = 10


class RefusedError(Exception):
    """What a person asked for cannot be done; the text says why and what to do instead."""


async def do(store: Store, connection: str, order_id: str, deed: Deed, now: datetime) -> Case:
    """Apply a deed to an order and store it, due at once.

    Raises:
        RefusedError: there is no such order, or the deed itself refuses.
    """
    for _ in range(_MOST_TRIES):
        stored = (await store.load(connection, [order_id])).get(order_id)
        if stored is None:
            raise RefusedError(f"There is no order {order_id} in connection {connection}.")
        case, entry = deed(stored.case)
        saved = await store.save(connection, [_change(stored, case, entry, now)], now, {})
        if saved:
            return saved[order_id].case
    raise RefusedError(f"Order {order_id} is being changed all the time; please try again.")


def _change(stored: StoredCase, case: Case, entry: Entry, now: datetime) -> Change:
    changed = tuple(one for one in case.cancellations if one not in stored.case.cancellations)
    return Change(
        stored=stored,
        case=case,
        state=State.NEEDS_PERSON if case.tasks else State.ON_THE_WAY,
        due_at=now,
        cancellations=changed,
        journal=(entry,),
    )


def check_now(task_id: int, by: str, at: datetime) -> Deed:
    """ "I did it, check now": the next pass reads both sides before the task may close."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if all(task.id != task_id for task in case.tasks):
            raise RefusedError(f"Task {task_id} is not open for order {case.order_id}.")
        others = tuple(each for each in case.checking if each.task != task_id)
        checking = (*others, Checking(task=task_id, by=by, at=at))
        entry = _entry(case, Event.TASK_CHANGED, by, at, "says it is done; reading both systems", task_id)
        return replace(case, checking=checking), entry

    return deed


def approve(direction: Direction, by: str, at: datetime, reason: str) -> Deed:
    """ "Do it": a write that waits for a person may go; the second name counts where two are needed."""

    def deed(case: Case) -> tuple[Case, Entry]:
        given = case.approvals.get(direction)
        if given is not None and given.by == by:
            raise RefusedError(f"{by} has agreed already; a second, different person is needed.")
        approval = replace(given, second=by) if given else Approval(direction=direction, by=by)
        entry = _entry(case, Event.APPROVAL_GIVEN, by, at, reason)
        return replace(case, approvals={**case.approvals, direction: approval}), entry

    return deed


def settle(line_ids: tuple[str, ...], by: str, at: datetime, reason: str) -> Deed:
    """Leave the two sides different, for exactly what they show now."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if not reason.strip():
            raise RefusedError("Please say why the two systems may stay different.")
        for entry in as_order(case, live_since=None).lines:
            line = case.line(entry.line_id)
            if line is not None and (not line_ids or entry.line_id in line_ids):
                pairs = (Pair(entry.line.storefront.status, entry.line.mis.status),)
                case = case.with_line(
                    replace(line, settlement=Settlement(pairs=pairs, by=by, reason=reason, at=at))
                )
        return case, _entry(case, Event.LINE_SETTLED, by, at, reason)

    return deed


def release(direction: Direction, by: str, at: datetime, reason: str) -> Deed:
    """Let this order pass the mass-cancel brake."""

    def deed(case: Case) -> tuple[Case, Entry]:
        cancellation = case.open_cancellation(direction)
        if cancellation is None:
            raise RefusedError(f"Order {case.order_id} has no cancel waiting in this direction.")
        released = replace(cancellation, released_by=by)
        return case.with_cancellation(released), _entry(case, Event.BRAKE_RELEASED, by, at, reason)

    return deed


def _entry(case: Case, event: Event, by: str, at: datetime, why: str, task: int | None = None) -> Entry:
    extra = {"task": str(task)} if task is not None else {}
    return Entry(at=at, event=event, subject=f"order/{case.order_id}", actor=by, why=why, extra=extra)
