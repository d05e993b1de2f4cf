"""Erasing personal data without breaking the journal's chain, and not keeping raw messages for ever."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.ledger.journal import append, erase
from countermand.ledger.schema import inbox, orders, sighting


class NotErasedError(LookupError):
    """There is no such order."""


def erase_order(database: Connection, connection: str, order_ref: str, by: str, now: datetime) -> int:
    """Erase who and what of an order's journal entries, its raw answers, and its customer; how many entries.

    Raises:
        NotErasedError: there is no such order.
    """
    row = database.execute(
        select(orders.c.id, orders.c.case_file).where(
            orders.c.connection == connection, orders.c.order_ref == order_ref
        )
    ).one_or_none()
    if row is None:
        raise NotErasedError(f"There is no order {order_ref} in connection {connection}.")
    count = erase(database, connection, [f"order/{order_ref}"])
    database.execute(update(sighting).where(sighting.c.order_id == row.id).values(raw=""))
    case = replace(row.case_file, customer="", po_number="")
    database.execute(
        update(orders)
        .where(orders.c.id == row.id)
        .values(customer="", po_number="", case_file=case, version=orders.c.version + 1)
    )
    entry = Entry(at=now, event=Event.DATA_ERASED, subject=f"order/{order_ref}", actor=by, why="asked for")
    append(database, connection, [entry])
    return count


def drop_raw(database: Connection, older_than: datetime) -> tuple[int, int]:
    """Empty raw messages and raw answers that are older; what they meant stays in the journal."""
    messages = database.execute(
        update(inbox).where(inbox.c.received_at < older_than, inbox.c.state == "done").values(body=b"")
    )
    answers = database.execute(update(sighting).where(sighting.c.began_at < older_than).values(raw=""))
    return messages.rowcount, answers.rowcount
