"""Taking what was deleted or overwritten out of the file itself, not only out of the rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

from sqlalchemy import Engine

#: How long to wait for others who use the ledger.
PATIENCE = timedelta(seconds=10)


def wipe_freed(engine: Engine) -> bool:
    """Write the file anew without its freed bytes, and empty its log; false when somebody was in the way.

    Rows that were rewritten long ago left copies behind, so wiping only what is freed now is not enough. Of
    PostgreSQL nothing is done: there the database's own tools decide.
    """
    if engine.dialect.name != "sqlite":
        return True
    # The driver itself: a connection of the engine begins a transaction, in which no file is written anew.
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        try:
            cursor.execute(f"PRAGMA busy_timeout={int(PATIENCE.total_seconds() * 1000)}")
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            ended = cursor.fetchone()
        except sqlite3.OperationalError:  # locked, or no room for the second copy that it takes
            return False
    return ended is not None and ended[0] == 0  # the first column says whether somebody was in the way
