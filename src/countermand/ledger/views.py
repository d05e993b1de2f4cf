"""Reading for people: lists and single orders, as rows with plain fields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, or_, select

from countermand.bridge.case import Case
from countermand.ledger.schema import journal, orders, reference, sighting, task, task_order


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order in a list."""

    id: int
    connection: str
    order: str
    state: str
    urgency: int | None
    customer: str
    po_number: str
    placed_at: datetime | None
    changed_at: datetime
    case: Case


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task in the worklist. `orders`: storefront order ids, at most a few; `order_count`: all of them."""

    id: int
    connection: str
    kind: str
    urgency: int
    owner: str
    because: str
    detail: str
    line_ids: str
    assisted: bool
    opened_at: datetime
    due_at: datetime
    state: str
    closed_at: datetime | None
    closed_by: str
    closed_how: str
    close_reason: str
    assigned_to: str
    snoozed_until: datetime | None
    returned: int
    last_check: str
    version: int
    orders: tuple[str, ...] = ()
    order_count: int = 0


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    chain: str
    seq: int
    at: datetime
    event: str
    actor: str
    subject: str
    body: str
    hash: str


class SightingRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    side: str
    ref: str
    began_at: datetime
    before: str
    after: str
    raw: str


_ORDER = (
    orders.c.id, orders.c.connection, orders.c.order_ref.label("order"), orders.c.state,
    orders.c.urgency, orders.c.customer, orders.c.po_number, orders.c.placed_at, orders.c.changed_at,
    orders.c.case_file.label("case"),
)  # fmt: skip


def _rows(database: Connection, statement: Select[Any], row_type: type[Any]) -> list[Any]:
    return [row_type(**row._mapping) for row in database.execute(statement)]


def list_orders(
    database: Connection,
    *,
    state: str = "",
    search: str = "",
    limit: int = 100,
    before_id: int | None = None,
) -> list[OrderRow]:
    """Orders, newest change first; `search` takes any number a person may hold, or part of a customer."""
    statement = select(*_ORDER).order_by(orders.c.changed_at.desc(), orders.c.id.desc()).limit(limit)
    if state:
        statement = statement.where(orders.c.state == state)
    if search:
        by_number = select(reference.c.order_id).where(reference.c.value == search)
        statement = statement.where(
            or_(orders.c.id.in_(by_number), orders.c.customer.icontains(search, autoescape=True))
        )
    if before_id is not None:
        statement = statement.where(orders.c.id < before_id)
    return _rows(database, statement, OrderRow)


def find_order(database: Connection, number: str) -> OrderRow | None:
    """The one order that a number leads to: its own first, then a line, a job, a PO and so on."""
    own = select(*_ORDER).where(orders.c.order_ref == number).limit(1)
    found = _rows(database, own, OrderRow)
    return found[0] if found else next(iter(list_orders(database, search=number, limit=1)), None)


def count_states(database: Connection) -> dict[str, int]:
    statement = select(orders.c.state, func.count()).group_by(orders.c.state)
    return {str(row[0]): int(row[1]) for row in database.execute(statement)}


def list_tasks(
    database: Connection, *, state: str = "open", limit: int = 200, task_id: int | None = None
) -> list[TaskRow]:
    """Tasks by cost of delay: most urgent first, then oldest."""
    statement = select(task).order_by(task.c.urgency, task.c.opened_at, task.c.id).limit(limit)
    statement = (
        statement.where(task.c.id == task_id)
        if task_id is not None
        else statement.where(task.c.state == state)
    )
    rows = [dict(row._mapping) for row in database.execute(statement)]
    about = _orders_of_tasks(database, [row["id"] for row in rows])
    return [_task_row(row, about.get(row["id"], ())) for row in rows]


_SHOWN_ORDERS = 5


def _task_row(row: dict[str, Any], about: Sequence[str]) -> TaskRow:
    row.pop("group_key")
    return TaskRow(**row, orders=tuple(about[:_SHOWN_ORDERS]), order_count=len(about))


def _orders_of_tasks(database: Connection, task_ids: Sequence[int]) -> dict[int, list[str]]:
    statement = (
        select(task_order.c.task_id, orders.c.order_ref)
        .join(orders, orders.c.id == task_order.c.order_id)
        .where(task_order.c.task_id.in_(task_ids))
        .order_by(orders.c.id)
    )
    about: dict[int, list[str]] = {}
    for task_id, order_ref in database.execute(statement):
        about.setdefault(task_id, []).append(order_ref)
    return about


def order_journal(database: Connection, connection: str, order_ref: str) -> list[JournalRow]:
    """Everything that happened to one order, oldest first."""
    subject = f"order/{order_ref}"
    statement = (
        select(
            journal.c.chain, journal.c.seq, journal.c.at, journal.c.event, journal.c.actor,
            journal.c.subject, journal.c.body, journal.c.hash,
        )
        .where(
            journal.c.chain == connection,
            or_(journal.c.subject == subject, journal.c.subject.startswith(f"{subject}/", autoescape=True)),
        )
        .order_by(journal.c.seq)
    )  # fmt: skip
    return _rows(database, statement, JournalRow)


def order_sightings(database: Connection, order_row_id: int) -> list[SightingRow]:
    """What either system showed anew of one order, with the raw answers, oldest first."""
    statement = (
        select(
            sighting.c.id, sighting.c.side, sighting.c.ref, sighting.c.began_at,
            sighting.c.before, sighting.c.after, sighting.c.raw,
        )
        .where(sighting.c.order_id == order_row_id)
        .order_by(sighting.c.id)
    )  # fmt: skip
    return _rows(database, statement, SightingRow)
