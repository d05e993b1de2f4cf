"""The mass-cancel brake in storage: what it holds before a person is asked, and ending its hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from countermand.bridge.store import Entry
from countermand.core.cancellation import CancellationState
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.core.tasks import TaskKind
from countermand.ledger.journal import append
from countermand.ledger.schema import brake, cancellation, orders, task, task_order


def clear_brake(
    database: Connection, connection: str, direction: Direction, by: str, reason: str, now: datetime
) -> bool:
    """End the hold of one direction and make every order that it held due; false when it was not on."""
    cleared = database.execute(
        update(brake)
        .where(
            brake.c.connection == connection,
            brake.c.direction == direction.value,
            brake.c.cleared_at.is_(None),
        )
        .values(cleared_at=now, cleared_by=by, reason=reason)
    )
    if cleared.rowcount == 0:
        return False
    held = (
        select(task_order.c.order_id)
        .join(task, task.c.id == task_order.c.task_id)
        .where(
            task.c.connection == connection,
            task.c.group_key == f"{TaskKind.BRAKE.value}:{direction.value}",
            task.c.state == "open",
        )
    )
    database.execute(update(orders).where(orders.c.id.in_(held)).values(due_at=now))
    entry = Entry(at=now, event=Event.BRAKE_CLEARED, subject=f"brake/{direction.value}", actor=by, why=reason)
    append(database, connection, [entry])
    return True


#: The longest that a cancel may wait before a brake that trips later finds it.
_LOOK_BACK = timedelta(days=8)
_UNSENT = (CancellationState.REQUESTED, CancellationState.ASSESSING, CancellationState.ACCEPTED)


def not_yet_sent(
    database: Connection, connection: str, direction: str, tripped_at: datetime, limit: int
) -> list[int]:
    """Orders whose cancel waits behind a brake that is on, also while it can still be taken back.

    Their ids in the ledger, the longest waiting first; what somebody let past is left out.
    """
    statement = (
        select(cancellation.c.order_id)
        .where(
            cancellation.c.connection == connection,
            cancellation.c.direction == direction,
            cancellation.c.requested_at >= tripped_at - _LOOK_BACK,
            cancellation.c.state.in_([state.value for state in _UNSENT]),
            cancellation.c.released_by == "",
        )
        .order_by(cancellation.c.requested_at)
        .limit(limit)
    )
    return list(dict.fromkeys(database.scalars(statement)))
