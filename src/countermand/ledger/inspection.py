"""Everything that can be wrong with a stored ledger: its file, and every chain of its journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from countermand.ledger.journal import Fault, chains, emptied, verify

#: What a fault names when it is about the file, not about an entry.
FILE = "the file"
#: After so many the rest would be the same thing again.
_MOST_ABOUT_PAGES = 20


def inspect(engine: Engine) -> list[Fault]:
    """Each place where the ledger does not hold; empty when all of it does.

    In SQLite a row stands in its table and again in every index, and a change of one of the copies does not
    show in the other; so the pages are compared too.
    """
    found: list[Fault] = []
    for look in (_pages, _journal):
        try:
            with engine.begin() as database:
                found += look(database)
        except (DBAPIError, sqlite3.DatabaseError) as error:
            said = str(getattr(error, "orig", None) or error).strip().rstrip(".")
            found.append(Fault(chain=FILE, seq=0, what=f"cannot be read: {said}"))
    return found


def _pages(database: Connection) -> Iterator[Fault]:
    if database.dialect.name != "sqlite":
        return  # PostgreSQL has checksums and tools of its own
    for text in database.exec_driver_sql(f"PRAGMA integrity_check({_MOST_ABOUT_PAGES})").scalars():
        if text != "ok":
            yield Fault(chain=FILE, seq=0, what=f"is damaged: {text}")


def _journal(database: Connection) -> Iterator[Fault]:
    yield from emptied(database)
    for chain in chains(database):
        yield from verify(database, chain)
