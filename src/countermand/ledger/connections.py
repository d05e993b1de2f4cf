"""Connections in storage: when each began to be looked after."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.ledger.journal import append
from countermand.ledger.schema import connection


def remember_connection(
    database: Connection, name: str, live_since: datetime | None, now: datetime
) -> datetime:
    """Make the connection known; returns since when its orders count as watched from the start."""
    found = database.scalar(select(connection.c.live_since).where(connection.c.name == name))
    if found is None:
        since = live_since or now
        row = {"name": name, "live_since": since, "created_at": now}
        database.execute(insert(connection), row)
        append(database, name, [Entry(at=now, event=Event.CONNECTION_STARTED, subject=f"connection/{name}")])
        return since
    return live_since or found


def live_since(database: Connection, name: str) -> datetime | None:
    """Since when a connection is looked after; none when it never was."""
    return database.scalar(select(connection.c.live_since).where(connection.c.name == name))


def known_connections(database: Connection) -> list[str]:
    """The names of all connections that were ever looked after."""
    return list(database.scalars(select(connection.c.name).order_by(connection.c.name)))
