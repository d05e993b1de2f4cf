"""Opening a database, and making sure that what it acknowledges survives a power failure."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

#: How long a statement waits for another writer, in seconds.
BUSY_SECONDS = 10


class LedgerError(Exception):
    """The ledger cannot be used; the text says what was found and what to do."""


class DurabilityError(LedgerError):
    """The database would acknowledge work that a power failure could take away."""


class Durability(msgspec.Struct, frozen=True, kw_only=True):
    """What the database promises, as read back from it; shown on the health page."""

    database: str
    journal_mode: str
    synchronous: str
    survives_power_failure: bool


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (in memory) or a PostgreSQL URL.

    Raises:
        LedgerError: the folder or file cannot be used.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    in_memory = url in ("sqlite://", "sqlite:///:memory:")
    if not in_memory:
        _make_folder(Path(url.removeprefix("sqlite:///")))
    engine = (
        create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        if in_memory
        else create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    )
    event.listen(engine, "connect", _prepare_memory if in_memory else _prepare_file)
    event.listen(engine, "begin", _begin)
    return engine


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"The data folder {path.parent} cannot be made: {error.strerror}.") from error


def _prepare_file(dbapi: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    with closing(dbapi.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
    _leave_transactions_to_us(dbapi)


def _prepare_memory(dbapi: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    _leave_transactions_to_us(dbapi)


def _leave_transactions_to_us(dbapi: DBAPIConnection) -> None:
    # The driver's own implicit BEGIN is deferred: a reader that turns writer then fails when it is busy.
    dbapi.isolation_level = None


def _begin(connection: Connection) -> None:
    # By the driver itself: this runs once or twice for every look at an order.
    driver: Any = connection.connection.driver_connection
    writing = connection.get_execution_options().get("writing", False)
    statement = "BEGIN IMMEDIATE" if writing else "BEGIN"
    try:
        driver.execute(statement)
    except sqlite3.OperationalError as error:
        raise OperationalError(statement, None, error) from error


def durability(engine: Engine) -> Durability:
    """Read back what the database promises."""
    if engine.dialect.name != "sqlite":
        return _postgres_durability(engine)
    with engine.connect() as connection:
        mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        level = int(connection.exec_driver_sql("PRAGMA synchronous").scalar() or 0)
    names = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
    return Durability(
        database="SQLite",
        journal_mode=mode,
        synchronous=names.get(level, str(level)),
        survives_power_failure=mode == "wal" and level >= 2,
    )


def _postgres_durability(engine: Engine) -> Durability:
    with engine.connect() as connection:
        level = str(connection.exec_driver_sql("SHOW synchronous_commit").scalar())
        fsync = str(connection.exec_driver_sql("SHOW fsync").scalar())
    return Durability(
        database="PostgreSQL",
        journal_mode="wal",
        synchronous=level,
        survives_power_failure=fsync == "on" and level != "off",
    )


def assert_durable(engine: Engine) -> Durability:
    """Refuse to start on a database that could lose acknowledged work.

    Raises:
        DurabilityError: with the setting that was found.
    """
    found = durability(engine)
    if not found.survives_power_failure:
        raise DurabilityError(
            f"{found.database} runs with journal_mode={found.journal_mode} and "
            f"synchronous={found.synchronous}; Countermand needs WAL and FULL, or acknowledged work could be "
            "lost in a power failure."
        )
    return found
