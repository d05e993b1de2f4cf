"""Reading for people: lists and single orders, as rows with plain fields.

Lists are paged by key, never by offset: the last row's key is where the next page begins, so that page
thousand costs what page one does, and nothing is skipped while orders change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, literal, select, tuple_

from countermand.bridge.case import Case
from countermand.ledger.columns import Moment, from_micros, to_micros
from countermand.ledger.numbers import searched
from countermand.ledger.prepared import Prepared
from countermand.ledger.schema import brake, orders, task, task_order

Row = TypeVar("Row")


class ListPlaceError(ValueError):
    """The place to go on from is none that a list of ours gave out."""

    def __init__(self, place: str) -> None:
        super().__init__(f"“{place[:40]}” is no place in a list; start again from its first page.")


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

    @property
    def key(self) -> str:
        """Where a page that ends with this row goes on."""
        return f"{to_micros(self.changed_at)}-{self.id}"


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
    touched_by: str = ""
    touched_how: str = ""
    touched_at: datetime | None = None
    orders: tuple[str, ...] = ()
    order_count: int = 0
    customer: str = ""

    @property
    def key(self) -> str:
        return f"{self.urgency}-{to_micros(self.opened_at)}-{self.id}"


class BrakeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A mass-cancel brake that is on."""

    id: int
    connection: str
    direction: str
    tripped_at: datetime
    because: str


_ORDER = (
    orders.c.id, orders.c.connection, orders.c.order_ref.label("order"), orders.c.state,
    orders.c.urgency, orders.c.customer, orders.c.po_number, orders.c.placed_at, orders.c.changed_at,
    orders.c.case_file.label("case"),
)  # fmt: skip


def rows_of(database: Connection, statement: Select[Any], row_type: type[Row]) -> list[Row]:
    return [row_type(**row._mapping) for row in database.execute(statement)]


# Orders


def list_orders(
    database: Connection,
    *,
    state: str = "",
    search: str = "",
    connection: str = "",
    limit: int = 100,
    after: str = "",
) -> list[OrderRow]:
    """Orders, newest change first; `search` takes any number a person may hold, or part of a customer.

    `after`: the key of the last row already seen.
    """
    chosen = select(orders.c.id).order_by(orders.c.changed_at.desc(), orders.c.id.desc()).limit(limit)
    if state:
        chosen = chosen.where(orders.c.state == state)
    if connection:
        chosen = chosen.where(orders.c.connection == connection)
    if search:
        chosen = chosen.where(searched(database, search, connection))
    if after:
        chosen = chosen.where(tuple_(orders.c.changed_at, orders.c.id) < _moment_key(after))
    # The case files are large: choose by the indexes first, then fetch only what is shown.
    ids = list(database.scalars(chosen))
    return orders_by_id(database, ids)


def orders_by_id(database: Connection, ids: Sequence[int]) -> list[OrderRow]:
    """These orders, by the ledger's ids, in this order."""
    found = {row.id: row for row in rows_of(database, select(*_ORDER).where(orders.c.id.in_(ids)), OrderRow)}
    return [found[each] for each in ids if each in found]


def _moment_key(key: str) -> Any:
    micros, _, row_id = key.partition("-")
    try:
        return tuple_(_literal(int(micros)), int(row_id))
    except (ValueError, OverflowError):
        raise ListPlaceError(key) from None


def _literal(micros: int) -> Any:
    return literal(from_micros(micros), Moment)


def orders_named(database: Connection, connection: str, order_refs: Iterable[str]) -> list[OrderRow]:
    """Orders of one connection by their storefront ids."""
    statement = select(*_ORDER).where(orders.c.connection == connection, orders.c.order_ref.in_(order_refs))
    return rows_of(database, statement, OrderRow)


def count_states(database: Connection) -> dict[str, int]:
    statement = select(orders.c.state, func.count()).group_by(orders.c.state)
    return {str(row[0]): int(row[1]) for row in database.execute(statement)}


# Tasks


def list_tasks(
    database: Connection,
    *,
    state: str = "open",
    limit: int = 200,
    task_id: int | None = None,
    kind: str = "",
    owner: str = "",
    assigned_to: str | None = None,
    snoozed: bool | None = None,
    now: datetime | None = None,
    after: str = "",
) -> list[TaskRow]:
    """Open tasks by cost of delay: most urgent first, then oldest. Closed ones cost nothing: newest first.

    `assigned_to`: none for anybody's, empty for nobody's. `snoozed`: none for all; else as of `now`.
    """
    newest_first = state == "closed"
    order = (task.c.id.desc(),) if newest_first else (task.c.urgency, task.c.opened_at, task.c.id)
    statement = select(task).order_by(*order).limit(limit)
    statement = (
        statement.where(task.c.id == task_id)
        if task_id is not None
        else statement.where(task.c.state == state)
    )
    if kind:
        statement = statement.where(task.c.kind == kind)
    if owner:
        statement = statement.where(task.c.owner == owner)
    if assigned_to is not None:
        statement = statement.where(task.c.assigned_to == assigned_to)
    if snoozed is not None and now is not None:
        asleep = func.coalesce(task.c.snoozed_until, _literal(0)) > now
        statement = statement.where(asleep if snoozed else ~asleep)
    if after:
        urgency, micros, last = _task_key(after)
        place = tuple_(urgency, _literal(micros), last)
        further = tuple_(task.c.urgency, task.c.opened_at, task.c.id) > place
        statement = statement.where(task.c.id < last if newest_first else further)
    rows = [dict(row._mapping) for row in database.execute(statement)]
    about = _orders_of_tasks(database, [row["id"] for row in rows])
    return [_task_row(row, *about.get(row["id"], ((), 0, ""))) for row in rows]


def find_group(database: Connection, connection: str, group_key: str) -> TaskRow | None:
    """The open task that joins many orders under one question."""
    statement = select(task.c.id).where(
        task.c.connection == connection, task.c.group_key == group_key, task.c.state == "open"
    )
    found = database.scalar(statement)
    return list_tasks(database, task_id=found)[0] if found is not None else None


def _task_key(key: str) -> tuple[int, int, int]:
    try:
        urgency, micros, row_id = (int(part) for part in key.split("-"))
        return urgency, micros, row_id
    except (ValueError, OverflowError):
        raise ListPlaceError(key) from None


_SHOWN_ORDERS = 5


def _task_row(row: dict[str, Any], about: Sequence[str], order_count: int, customer: str) -> TaskRow:
    row.pop("group_key")
    return TaskRow(**row, orders=tuple(about), order_count=order_count, customer=customer)


def _orders_of_tasks(
    database: Connection, task_ids: Sequence[int]
) -> dict[int, tuple[tuple[str, ...], int, str]]:
    """The first few orders of each task, how many it has, and the first one's customer."""
    about: dict[int, tuple[tuple[str, ...], int, str]] = {}
    for task_id, total, order_ref, customer in _ORDERS_OF_TASKS.all(database, {"task_ids": task_ids}):
        known, _, first = about.get(task_id, ((), 0, customer))
        about[task_id] = ((*known, order_ref), total, first)
    return about


_PLACE = func.row_number().over(partition_by=task_order.c.task_id, order_by=task_order.c.order_id)
_RANKED = (
    select(
        task_order.c.task_id,
        task_order.c.order_id,
        _PLACE.label("place"),
        func.count().over(partition_by=task_order.c.task_id).label("total"),
    )
    .where(task_order.c.task_id.in_(bindparam("task_ids", expanding=True)))
    .subquery()
)
_ORDERS_OF_TASKS = Prepared(
    select(_RANKED.c.task_id, _RANKED.c.total, orders.c.order_ref, orders.c.customer)
    .join(orders, orders.c.id == _RANKED.c.order_id)
    .where(_RANKED.c.place <= _SHOWN_ORDERS)
    .order_by(_RANKED.c.task_id, _RANKED.c.place)
)


def orders_of_task(
    database: Connection, task_id: int, limit: int = 1_000_000, after: int = 0
) -> list[tuple[int, str]]:
    """Every order that a task is about: the ledger's id and the storefront's."""
    statement = (
        select(orders.c.id, orders.c.order_ref)
        .join(task_order, task_order.c.order_id == orders.c.id)
        .where(task_order.c.task_id == task_id, orders.c.id > after)
        .order_by(orders.c.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in database.execute(statement)]


def task_order_rows(database: Connection, task_id: int, limit: int) -> list[OrderRow]:
    """The orders of a task as list rows."""
    return orders_by_id(database, [row_id for row_id, _ in orders_of_task(database, task_id, limit)])


def tasks_of_order(database: Connection, order_row_id: int) -> list[int]:
    """Ids of all tasks, open and closed, that are about an order."""
    statement = select(task_order.c.task_id).where(task_order.c.order_id == order_row_id)
    return sorted(database.scalars(statement))


def count_open_tasks(database: Connection, now: datetime) -> int:
    """Open tasks that nobody has put off."""
    statement = select(func.count()).where(
        task.c.state == "open", func.coalesce(task.c.snoozed_until, _literal(0)) <= now
    )
    return database.scalar(statement) or 0


def count_tasks_by(database: Connection, column: str) -> dict[str, int]:
    """Open tasks by `kind`, `owner`, `assigned_to` or `urgency`."""
    by = task.c[column]
    statement = select(by, func.count()).where(task.c.state == "open").group_by(by)
    return {str(row[0]): int(row[1]) for row in database.execute(statement)}


def count_snoozed(database: Connection, now: datetime) -> int:
    statement = select(func.count()).where(task.c.state == "open", task.c.snoozed_until > now)
    return database.scalar(statement) or 0


def brakes_on(database: Connection) -> list[BrakeRow]:
    """Brakes that hold cancels at this moment."""
    columns = (brake.c.id, brake.c.connection, brake.c.direction, brake.c.tripped_at, brake.c.because)
    return rows_of(
        database, select(*columns).where(brake.c.cleared_at.is_(None)).order_by(brake.c.id), BrakeRow
    )
