"""What is wrong with the database or its disk, in one sentence for a person."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from countermand.ledger.engine import LedgerError

#: By SQLite's primary result codes (sqlite.org/rescode.html).
_SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk is full: nothing can be stored until there is room on it",
    sqlite3.SQLITE_READONLY: "The database file, its folder or its disk is read-only: nothing can be stored",
    sqlite3.SQLITE_PERM: "The database file may not be used by this user: nothing can be stored",
    sqlite3.SQLITE_BUSY: "Another process holds the database: nothing can be stored until it lets go",
    sqlite3.SQLITE_IOERR: "The disk gives errors: nothing can be stored until it works again",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged: put a backup back (countermand restore)",
    sqlite3.SQLITE_NOTADB: "The database file is no database: put a backup back (countermand restore)",
}


def trouble(error: BaseException) -> str:
    """The sentence, or an empty text when the error is about something else than storing.

    What SQLite gave up a whole transaction for stands behind the error of whoever then asked for it.
    """
    seen: BaseException | None = error
    found = ""
    while seen is not None:
        found = _said(seen) or found
        seen = seen.__cause__ or seen.__context__
    return found


def _said(error: BaseException) -> str:
    if isinstance(error, LedgerError):
        return str(error)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "The database does not answer: nothing can be stored until it does."
    return ""


def _of_sqlite(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    sentence = _SENTENCES.get(code & 0xFF, "") if isinstance(code, int) else ""
    return f"{sentence} ({error})." if sentence else ""
