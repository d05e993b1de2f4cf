"""The one order that is meant by a number. Each storefront numbers its orders for itself, so that the same
number may stand in many connections: then the connection has to be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import eq

from sqlalchemy import Connection, select

from countermand.ledger import schema
from countermand.ledger.numbers import begins_with, carrying
from countermand.ledger.schema import orders
from countermand.ledger.views import OrderRow, orders_by_id

#: So many of the orders that a number leads to are told; a sentence names fewer.
MOST_TOLD = 50
_MOST_NAMED = 3


class SeveralOrdersError(RuntimeError):
    """A number that several orders carry; which one is meant has to be said.

    `rows`: the first of them. `leads`: where the number leads, without what to do about it.
    """

    def __init__(self, number: str, rows: Sequence[OrderRow]) -> None:
        self.number, self.rows = number, tuple(rows[:MOST_TOLD])
        self.shops = len({row.connection for row in rows}) > 1
        self.more = len(rows) > MOST_TOLD
        named = [f"{row.order} of {row.connection}" if self.shops else row.order for row in rows]
        first = ", ".join(named[:_MOST_NAMED]) + (" and more" if len(named) > _MOST_NAMED else "")
        needed = "Say which connection is meant." if self.shops else "Give one of their numbers."
        self.leads = f"“{number[:40]}” leads to several orders: {first}."
        super().__init__(f"{self.leads} {needed}")


class NoConnectionError(RuntimeError):
    """A connection that was named and never was one."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no connection “{name[:64]}”.")


def find_order(
    database: Connection, number: str, connection: str = "", *, beginning: bool = False
) -> OrderRow | None:
    """The one order that a number leads to: its own first, then a line, a job, a PO and so on.

    `connection`: whose order it is; needed where several have one of this number.
    `beginning`: the beginning of such a number will do, which is for looking only: nobody should act on an
    order that they have not named.

    Raises:
        SeveralOrdersError: it leads to more than one.
        NoConnectionError: there is no such connection.
    """
    ids = _own(database, number, connection)
    if not ids:
        check_connection(database, connection)
    ids = ids or sorted(carrying(database, number, eq, connection))
    if not ids and beginning:
        ids = sorted(carrying(database, number, begins_with, connection))
    return _only(database, number, ids)


def check_connection(database: Connection, connection: str) -> None:
    """Whether there ever was a connection of that name; none named is fine.

    Raises:
        NoConnectionError: there never was.
    """
    name = schema.connection.c.name
    if connection and database.scalar(select(name).where(name == connection)) is None:
        raise NoConnectionError(connection)


def _own(database: Connection, number: str, connection: str) -> list[int]:
    """Orders that have this number from their storefront, by connection."""
    # An index holds an order's number within its connection: one look per connection, not one per order.
    within = (
        orders.c.connection == connection
        if connection
        else orders.c.connection.in_(select(schema.connection.c.name))
    )
    own = select(orders.c.id).where(within, orders.c.order_ref == number)
    return list(database.scalars(own.order_by(orders.c.connection).limit(MOST_TOLD + 1)))


def _only(database: Connection, number: str, ids: Iterable[int]) -> OrderRow | None:
    rows = orders_by_id(database, list(ids)[: MOST_TOLD + 1])
    if len(rows) > 1:
        raise SeveralOrdersError(number, rows)
    return next(iter(rows), None)
