"""The database of a set-up, seen from outside: does it answer, is its schema right, what does it promise."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from countermand.ledger.engine import Durability, LedgerError, assert_durable, open_engine
from countermand.ledger.trouble import trouble
from countermand.ledger.upgrade import assert_current, upgrade

_KINDS = "write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"


def _address(url: str) -> URL:
    """Raises LedgerError, which does not show what may be a password."""
    try:
        return make_url(url)
    except ArgumentError as error:
        raise LedgerError(f"The address of the database cannot be read; {_KINDS}.") from error


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """The database, closed afterwards.

    Raises:
        LedgerError: it cannot be reached; the text does not show a password.
    """
    shown = _address(url).render_as_string(hide_password=True)
    try:
        engine = open_engine(url)
    except NoSuchModuleError as error:
        raise LedgerError(f"The database {shown} is of a kind that is not known; {_KINDS}.") from error
    except ImportError as error:
        raise LedgerError(f"The database {shown} needs the package {error.name}: install it.") from error
    try:
        yield engine
    except (DBAPIError, sqlite3.Error) as error:
        why = trouble(error) or f"{_said(error)}."
        raise LedgerError(f"The database {shown} cannot be used. {why}") from error
    finally:
        engine.dispose()


def _said(error: DBAPIError | sqlite3.Error) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__


def missing_file(url: str) -> Path | None:
    """The SQLite file of this address if there is none yet.

    Raises:
        LedgerError: it is no address.
    """
    parts = _address(url)
    if parts.get_backend_name() != "sqlite" or parts.database in (None, "", ":memory:"):
        return None
    path = Path(str(parts.database))
    return None if path.exists() else path


def inspect_database(url: str) -> Durability | None:
    """What the database promises; none when the first start will make it. Changes nothing.

    Raises:
        LedgerError: it cannot be used, or lacks what this version needs.
    """
    if (path := missing_file(url)) is not None:
        _assert_writable(path)
        return None
    with opened(url) as engine:
        if engine.dialect.name != "sqlite":
            assert_current(engine)
        return assert_durable(engine)


def _assert_writable(path: Path) -> None:
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise LedgerError(f"The database {path} cannot be made, since {folder} is not writable.")


def upgrade_database(url: str) -> str:
    """Bring the schema up to date; returns the revision it is at.

    Raises:
        LedgerError: it cannot be used.
    """
    with opened(url) as engine:
        return upgrade(engine)


def assert_usable(url: str) -> None:
    """Whether a service can start on it; an SQLite file is made and brought up to date by the way.

    Raises:
        LedgerError: it cannot.
    """
    if make_url(url).get_backend_name() == "sqlite":
        upgrade_database(url)
    inspect_database(url)
