"""Copies of a SQLite ledger while it is in use, and putting one back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from countermand.ledger.engine import LedgerError, open_engine
from countermand.ledger.inspection import FILE, inspect

#: Pages copied at a time; writers get their turn in between.
_PAGES = 500


def back_up(source: Path, target: Path) -> int:
    """Copy a ledger while it is in use, then check the copy; returns its size in bytes.

    Raises:
        LedgerError: the source is no ledger, the target exists, or the copy does not hold.
    """
    _must_exist(source)
    if target.exists():
        raise LedgerError(f"{target} exists already; a backup never overwrites anything.")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".unfinished")
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(unfinished)) as copy:
        live.backup(copy, pages=_PAGES)
        copy.execute("PRAGMA journal_mode=DELETE")
    try:
        check(unfinished)
    except LedgerError:
        unfinished.unlink()
        raise
    unfinished.rename(target)
    return target.stat().st_size


def restore(backup: Path, target: Path) -> Path | None:
    """Put a checked backup in place; returns where the ledger that was there went, none when there was none.

    Raises:
        LedgerError: the backup does not hold, or the ledger is in use.
    """
    check(backup)
    previous = _set_aside(target) if target.exists() else None
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(backup)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return previous


def check(path: Path) -> None:
    """Whether a file is a ledger whose pages and journal hold.

    Raises:
        LedgerError: with what is wrong.
    """
    _must_exist(path)
    engine = open_engine(f"sqlite:///{path}")
    try:
        faults = inspect(engine)
    finally:
        engine.dispose()
    for fault in faults:
        if fault.chain == FILE:
            raise LedgerError(f"{path} is no ledger that can be used: it {fault.what}.")
        raise LedgerError(f"The journal in {path} does not hold: {fault.chain} {fault.seq}, {fault.what}.")


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise LedgerError(f"There is no file {path}.")


def _set_aside(target: Path) -> Path:
    """Move the present ledger away, having made sure that nobody writes to it."""
    with closing(sqlite3.connect(target, timeout=1)) as database:
        try:
            database.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise LedgerError(f"{target} is in use: stop `countermand serve` first ({error}).") from error
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return target.rename(target.with_name(f"{target.name}.before-restore-{stamp}"))
