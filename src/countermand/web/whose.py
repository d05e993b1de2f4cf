"""The address of an order, and the order that an address means: by its connection and its number there."""

from __future__ import annotations

from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request

from countermand.ledger.finding import find_order
from countermand.ledger.views import OrderRow
from countermand.web.problem import Problem

#: What a call of the API about one order may say beside its number.
WHOSE = {"connection": "Whose order it is; needed where several connections have one of this number."}


def order_address(connection: str, number: str) -> str:
    """Where the console shows this very order."""
    return f"/orders/{quote(connection, safe='')}/{quote(number, safe='')}"


def order_at(request: Request, database: Connection, *, beginning: bool = False) -> OrderRow:
    """The order that a page's address names.

    Raises:
        Problem: there is none.
    """
    return named_order(
        database,
        request.path_params["number"],
        request.path_params.get("connection", ""),
        beginning=beginning,
    )


def named_order(
    database: Connection, number: str, connection: str = "", *, beginning: bool = False
) -> OrderRow:
    """As `find_order`; an order that is not there is an answer."""
    row = find_order(database, number, connection, beginning=beginning)
    if row is None:
        within = f" in {connection}" if connection else ""
        raise Problem(404, f"No order is known by the number {number}{within}.")
    return row
