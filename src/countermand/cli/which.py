"""Which order a command is about, where several connections have one of the same number."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from countermand.ledger.finding import SeveralOrdersError, find_order
from countermand.ledger.views import OrderRow

connection_option = click.option(
    "--connection", default="", help="Whose order it is; needed where several connections have this number."
)


def by_option(sentence: str) -> str:
    """A sentence that asks for the connection, with the option that says it."""
    return f"{sentence.removesuffix('.')}: --connection NAME."


def one_order(database: Connection, number: str, connection: str, *, beginning: bool = False) -> OrderRow:
    """The one order that is meant, beyond doubt.

    Raises:
        ClickException: there is none, or several; it names them.
    """
    try:
        row = find_order(database, number, connection, beginning=beginning)
    except SeveralOrdersError as error:
        raise click.ClickException(by_option(str(error)) if error.shops else str(error)) from error
    if row is None:
        within = f" in {connection}" if connection else ""
        raise click.ClickException(f"No order is known by the number {number}{within}.")
    return row
