"""Erasing personal data without breaking the journal's chain, and not keeping raw messages for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, update

from countermand.bridge.case import Case
from countermand.bridge.sightings import ERASED, to_be_kept, without_people
from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.ledger.journal import append, erase
from countermand.ledger.schema import (
    command,
    inbox,
    orders,
    reference,
    sighting,
    task,
    task_order,
    unlinked_item,
)

#: Messages that nobody is going to follow any more.
_ENDED = ("done", "unlinked", "quarantined")


class NotErasedError(LookupError):
    """There is no such order."""


def erase_order(database: Connection, connection: str, order_ref: str, by: str, now: datetime) -> int:
    """Erase who and what of an order's journal entries, and whatever else names its people; how many entries.

    That is its customer and PO number, names of products and jobs, raw answers, what the systems and people
    said, and the notes on tasks that are about nothing else. It goes on being kept in step, and nothing of
    this is taken in again (`Case.erased`).

    Raises:
        NotErasedError: there is no such order.
    """
    row = database.execute(
        select(orders.c.id, orders.c.case_file)
        .where(orders.c.connection == connection, orders.c.order_ref == order_ref)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotErasedError(f"There is no order {order_ref} in connection {connection}.")
    case = without_people(row.case_file)
    database.execute(
        update(orders)
        .where(orders.c.id == row.id)
        .values(customer="", po_number="", case_file=case, version=orders.c.version + 1)
    )
    po_number = (reference.c.order_id == row.id) & (reference.c.kind == "po")
    database.execute(delete(reference).where(po_number))
    database.execute(update(sighting).where(sighting.c.order_id == row.id).values(raw=""))
    database.execute(update(command).where(command.c.order_id == row.id).values(said=""))
    _erase_unlinked(database, connection, row.case_file)
    subjects = [f"order/{order_ref}", *_erase_tasks(database, row.id)]
    counts = {subject: erase(database, connection, [subject]) for subject in subjects}
    asked = [
        Entry(at=now, event=Event.DATA_ERASED, subject=subject, actor=by, why="asked for")
        for subject, count in counts.items()
        if count or subject == subjects[0]
    ]
    append(database, connection, asked)
    return sum(counts.values())


def _erase_tasks(database: Connection, order_id: int) -> list[str]:
    """Empty what people wrote on the tasks that are about this order alone; the subjects of their entries."""
    own = select(task_order.c.task_id).where(task_order.c.order_id == order_id)
    alone = (
        select(task_order.c.task_id)
        .where(task_order.c.task_id.in_(own))
        .group_by(task_order.c.task_id)
        .having(func.count() == 1)
    )
    ids = sorted(database.scalars(alone))
    database.execute(
        update(task).where(task.c.id.in_(ids), task.c.close_reason != "").values(close_reason=ERASED)
    )
    return [f"task/{number}" for number in ids]


def _erase_unlinked(database: Connection, connection: str, case: Case) -> None:
    """Empty what jobs say that name this order and may be made for it."""
    erased = without_people(case)
    named = [number for number in (case.order_id, case.po_number) if number]
    lines = [line.line_id for line in case.lines]
    rows = database.execute(
        select(unlinked_item.c.ref, unlinked_item.c.item).where(
            unlinked_item.c.connection == connection,
            or_(unlinked_item.c.customer_reference.in_(named), unlinked_item.c.external_reference.in_(lines)),
        )
    ).all()
    for row in rows:
        item = to_be_kept(erased, row.item)
        where = (unlinked_item.c.connection == connection) & (unlinked_item.c.ref == row.ref)
        database.execute(update(unlinked_item).where(where).values(item=item))


def drop_raw(database: Connection, older_than: datetime) -> tuple[int, int]:
    """Empty raw messages and raw answers that are older; what they meant stays in the journal.

    A message that is still to be followed keeps its body, however old it is. Counted is what held something.
    """
    messages = database.execute(
        update(inbox)
        .where(inbox.c.received_at < older_than, inbox.c.state.in_(_ENDED), inbox.c.body != b"")
        .values(body=b"")
    )
    answers = database.execute(
        update(sighting).where(sighting.c.began_at < older_than, sighting.c.raw != "").values(raw="")
    )
    return messages.rowcount, answers.rowcount
