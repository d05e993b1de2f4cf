"""Which orders a number leads to, or its beginning, or a part of a customer's name: ids, by indexes alone."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, and_, func, select

from countermand.bridge.case import REFERENCE_KINDS
from countermand.ledger.schema import orders, reference

Fits = Callable[[ColumnElement[str], str], ColumnElement[bool]]

_SPELLINGS = (str, str.upper, str.lower)
_MOST_FOUND = 5000
_MOST_CUSTOMERS = 200


def begins_with(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """ "Begins with" as a range, which an index on the column serves in every database."""
    return and_(column >= text, column < text + "\U0010ffff")


def searched(database: Connection, search: str, connection: str = "") -> ColumnElement[bool]:
    """Orders that a number leads to, or its beginning; customers only where no number does."""
    ids = carrying(database, search, begins_with, connection)
    return orders.c.id.in_(ids) if ids else orders.c.customer.in_(_customers(database, search))


def carrying(database: Connection, number: str, fits: Fits, connection: str = "") -> set[int]:
    """Orders, of one connection where one is named, one of whose numbers fits, however it is spelt."""
    ids: set[int] = set()
    for text in {spell(number) for spell in _SPELLINGS}:
        by_number = select(reference.c.order_id).where(fits(reference.c.value, text))
        if connection:
            # The kinds are named so that the key's index leads to the very rows, however many others have.
            within = reference.c.kind.in_(REFERENCE_KINDS)
            by_number = by_number.where(reference.c.connection == connection, within)
        ids.update(database.scalars(by_number.limit(_MOST_FOUND)))
    return ids


def _customers(database: Connection, search: str) -> list[str]:
    """Customers whose name holds this text: walks the index from name to name, not through all orders."""
    names = (
        select(func.min(orders.c.customer).label("name")).where(orders.c.customer > "").cte(recursive=True)
    )
    following = select(func.min(orders.c.customer)).where(orders.c.customer > names.c.name).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    matching = select(names.c.name).where(names.c.name.icontains(search, autoescape=True))
    return [name for name in database.scalars(matching.limit(_MOST_CUSTOMERS)) if name]
