"""Copies of a SQLite ledger while it is in use, and putting one back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_IMODE, S_IRUSR, S_IWUSR
from time import monotonic

from countermand.ledger.engine import LedgerError, open_engine
from countermand.ledger.inspection import FILE, inspect
from countermand.ledger.trouble import trouble
from countermand.ledger.upgrade import assert_not_newer

#: Pages copied at a time; writers get their turn in between.
_PAGES = 500
#: How long a copy may stand still because somebody else holds one of the two files.
PATIENCE = timedelta(seconds=30)
#: What SQLite keeps beside a database.
_BESIDE = ("-wal", "-shm", "-journal")
#: What a file says of itself that is no database, or damaged; anything else is about the disk or its user.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def back_up(source: Path, target: Path) -> int:
    """Copy a ledger while it is in use, then check the copy; returns its size in bytes.

    Raises:
        LedgerError: the source is no ledger, the target exists, or the copy cannot be made or does not hold.
    """
    _must_exist(source)
    if target.exists():
        raise LedgerError(f"{target} exists already; a backup never overwrites anything.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _checked_copy(source, target, like=source) as copy:
        copy.rename(target)
    return target.stat().st_size


def restore(backup: Path, target: Path) -> Path | None:
    """Put a copy of a backup in place; returns where the ledger that was there went, if there was one.

    The ledger that is there stays in its place until the copy is whole and checked.

    Raises:
        LedgerError: the backup does not hold or is of a newer version, or the ledger is in use.
    """
    _must_exist(backup)
    there = target.exists()
    if there and backup.samefile(target):
        raise LedgerError(f"{backup} is the ledger itself: name the backup to put in its place.")
    _assert_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _checked_copy(backup, target, like=target if there else backup) as copy:
        _assert_not_newer(copy, backup)
        _assert_free(target)  # it took a while
        previous = _set_aside(target)
        copy.rename(target)
    return previous if there else None


@contextmanager
def _checked_copy(source: Path, target: Path, like: Path) -> Iterator[Path]:
    """A copy beside the target that holds, for whoever puts it in its place; what is left of it goes.

    `like`: the file whose readers may read the copy.
    """
    copy = target.with_name(f"{target.name}.unfinished")
    _remove(copy)
    try:
        copy.touch()
        copy.chmod(S_IMODE(like.stat().st_mode) | S_IRUSR | S_IWUSR)
        _copy(source, copy)
        check(copy, called=source)
        # Without a log of its own it is one file, which can also be read where nothing can be written.
        with closing(sqlite3.connect(copy)) as done:
            done.execute("PRAGMA journal_mode=DELETE")
        yield copy
    finally:
        _remove(copy)


def _copy(source: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as from_it, closing(sqlite3.connect(copy)) as to_it:
            from_it.backup(to_it, pages=_PAGES, progress=_patiently(source))
    except sqlite3.Error as error:
        if _code(error) in _DAMAGED:
            raise LedgerError(
                f"{source} is no ledger that can be used: it cannot be read: {error}."
            ) from error
        why = trouble(error) or f"{error}."
        raise LedgerError(f"{source} cannot be copied to {copy}. {why}") from error


def _patiently(source: Path) -> Callable[[int, int, int], None]:
    """Told of each step of a copy, which by itself would wait for ever."""
    moved = monotonic()

    def step(status: int, _left: int, _pages: int) -> None:
        nonlocal moved
        if status not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            moved = monotonic()
        elif monotonic() - moved > PATIENCE.total_seconds():
            raise LedgerError(f"{source} cannot be copied: another process holds it. Try again later.")

    return step


def check(path: Path, called: Path | None = None) -> None:
    """Whether a file is a ledger whose pages and journal hold. `called`: the file that it is a copy of.

    Raises:
        LedgerError: with what is wrong.
    """
    _must_exist(path)
    engine = open_engine(f"sqlite:///{path}")
    try:
        faults = inspect(engine)
    finally:
        engine.dispose()
    called = called or path
    for fault in faults:
        if fault.chain == FILE:
            raise LedgerError(f"{called} is no ledger that can be used: it {fault.what}.")
        raise LedgerError(f"The journal in {called} does not hold: {fault.chain} {fault.seq}, {fault.what}.")


def _assert_not_newer(copy: Path, called: Path) -> None:
    engine = open_engine(f"sqlite:///{copy}")
    try:
        assert_not_newer(engine)
    except LedgerError as error:
        raise LedgerError(f"{called} cannot be put back. {error}") from error
    finally:
        engine.dispose()


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise LedgerError(f"There is no file {path}.")


def _assert_free(target: Path) -> None:
    """Make sure that nobody uses a ledger, and take its log into it. A damaged one can be used by nobody."""
    if not target.exists():
        return
    try:
        with closing(sqlite3.connect(target, timeout=1)) as database:
            database.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LedgerError(f"{target} is in use: stop `countermand serve` first ({error}).") from error
        if _code(error) not in _DAMAGED:
            raise LedgerError(f"{target} cannot be replaced. {trouble(error) or error}") from error


def _code(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _set_aside(target: Path) -> Path:
    """Move the present ledger away with all that is beside it: its log must never be read into another."""
    aside = target.with_name(f"{target.name}.before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
    for ending in ("", *_BESIDE):
        if (part := Path(f"{target}{ending}")).exists():
            part.rename(f"{aside}{ending}")
    return aside


def _remove(path: Path) -> None:
    for ending in ("", *_BESIDE):
        Path(f"{path}{ending}").unlink(missing_ok=True)
