"""What is due when, kept beside the database: it is asked many times between two changes of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime
from sqlite3 import Connection

from msgspec.structs import replace
from sqlalchemy import Connection as Database

from countermand.bridge.store import StoredCase
from countermand.ledger.columns import encode, from_micros, to_micros

#: All that it needs is in one index.
_ORDERS = "SELECT id, due_at FROM orders WHERE connection = 'shop' AND due_at IS NOT NULL"
_NAMES = "SELECT id, order_ref FROM orders WHERE connection = 'shop'"
_MESSAGE = (
    "SELECT min(CASE state WHEN 'new' THEN received_at ELSE due_at END) FROM inbox "
    "WHERE connection = 'shop' AND state IN ('new', 'waiting')"
)
_LATER = "UPDATE orders SET due_at = ? WHERE id = ?"
_POLL_AT = "UPDATE orders SET case_file = json_set(case_file, '$.poll_at', json(?)) WHERE order_ref = ?"


class Agenda:
    """When each stored order and the next message are due; read anew after any change of the database."""

    def __init__(self, driver: Connection) -> None:
        self._driver = driver
        self._changes = -1
        self._orders: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._message: datetime | None = None

    def due(self, now: datetime, until: datetime) -> list[tuple[datetime, str]]:
        """A heap of the orders that are due by then; those that are overdue count as due now."""
        self._refresh()
        latest = to_micros(until)
        rows = [row_id for row_id, at in self._orders.items() if at <= latest]
        due = [(max(from_micros(self._orders[row_id]), now), self._name(row_id)) for row_id in rows]
        heapq.heapify(due)
        return due

    def next_order(self) -> datetime | None:
        self._refresh()
        return from_micros(min(self._orders.values())) if self._orders else None

    def next_message(self) -> datetime | None:
        self._refresh()
        return self._message

    def put_off(self, looks_at: Mapping[int, datetime | None]) -> None:
        """The next look at each of these rows is then, or never; stored."""
        self._refresh()
        for row_id, at in looks_at.items():
            self._orders.pop(row_id, None)
            if at is not None:
                self._orders[row_id] = to_micros(at)
        self._driver.executemany(_LATER, [(self._orders.get(row_id), row_id) for row_id in looks_at])
        self._changes = self._driver.total_changes

    def _name(self, row_id: int) -> str:
        if row_id not in self._names:
            self._names = dict(self._driver.execute(_NAMES))
        return self._names[row_id]

    def _refresh(self) -> None:
        if self._changes != self._driver.total_changes:
            self._orders = dict(self._driver.execute(_ORDERS))
            (message,) = self._driver.execute(_MESSAGE).fetchone()
            self._message = None if message is None else from_micros(message)
            self._changes = self._driver.total_changes


class PutOff:
    """The schedules of orders of which only idle looks were left out since they were last saved.

    It stands beside the database like what is in it, for every life, and is laid over what is read from
    there: to write a whole case file for each such look takes longer than to make it. A poll that is overdue
    would have both systems read, whatever was asked for.

    `noted`: told of each.
    """

    def __init__(self, noted: Callable[[str, datetime | None], None]) -> None:
        self._noted = noted
        self._poll_at: dict[str, datetime | None] = {}

    def note(self, order_ref: str, poll_at: datetime | None) -> None:
        self._poll_at[order_ref] = poll_at
        self._noted(order_ref, poll_at)

    def saved(self, order_ref: str) -> None:
        """What was saved has its own schedule."""
        self._poll_at.pop(order_ref, None)

    def of(self, stored: StoredCase) -> StoredCase:
        """What a look would have left."""
        case = stored.case
        if case.order_id not in self._poll_at:
            return stored
        return replace(stored, case=replace(case, poll_at=self._poll_at[case.order_id]))

    def write(self, database: Database) -> None:
        """Store all of them."""
        for order_ref, poll_at in self._poll_at.items():
            database.exec_driver_sql(_POLL_AT, (encode(poll_at).decode(), order_ref))
        self._poll_at.clear()
