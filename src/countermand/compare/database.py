"""The DuckDB behind one comparison: bounded memory, spilling to a folder of its own, never online."""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from countermand.compare.errors import CompareError
from countermand.compare.offline import OFFLINE

_POLL_SECONDS = 0.1
# DuckDB only counts its progress while its own bar is on; printing it is ours.
_SESSION = (
    "enable_progress_bar = true",
    "enable_progress_bar_print = false",
    "progress_bar_time = 0",
    "TimeZone = 'UTC'",
    # It takes a CSV of unknown length for a short one and would hold it whole: the smaller side of every
    # join stands on the right in our own SQL.
    "disabled_optimizers = 'build_side_probe_side'",
)


class Database:
    """Runs queries beside a progress callback, and turns what can go wrong into one sentence."""

    def __init__(
        self, work: Path, memory: str, on_progress: Callable[[float], None] = lambda _: None
    ) -> None:
        settings = OFFLINE | {
            "memory_limit": memory,
            "temp_directory": str(work / "spill"),
            # The order of rows means nothing to most steps, and keeping it costs memory.
            "preserve_insertion_order": False,
        }
        try:
            self._connection = duckdb.connect(config=settings)
        except duckdb.Error as error:
            raise CompareError(
                f"The memory limit {memory!r} is none: write one such as 1200MB or 4GB."
            ) from error
        for setting in _SESSION:
            self._connection.execute(f"SET {setting}")
        self._on_progress = on_progress
        self._worker = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._connection.interrupt()
        self._worker.shutdown()
        self._connection.close()

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute one statement and return all of its (few) rows, reporting 0..1 meanwhile."""
        done = self._worker.submit(lambda: self._connection.execute(sql).fetchall())
        while True:
            try:
                rows = done.result(timeout=_POLL_SECONDS)
            except TimeoutError:
                self._on_progress(max(self._connection.query_progress(), 0.0) / 100)
                continue
            except duckdb.OutOfMemoryException as error:
                raise CompareError(_out_of_room(error)) from error
            except duckdb.IOException as error:
                if "No space" not in str(error):
                    raise
                raise CompareError(_out_of_room(error)) from error
            self._on_progress(1.0)
            return rows

    def stream(self, sql: str, size: int = 2048) -> _Stream:
        """Iterate over a large result without holding it."""
        return _Stream(self._connection.execute(sql), size)

    def column(self, sql: str, size: int = 65_536) -> Iterator[Any]:
        """Iterate over the only column of a large result. Nothing else may be run meanwhile."""
        result = self._connection.execute(sql)
        while rows := result.fetchmany(size):
            yield from (row[0] for row in rows)

    @contextmanager
    def in_file_order(self) -> Iterator[None]:
        """Within, a table made from a file keeps the file's order: `rowid` is a row's number, from 0."""
        self._connection.execute("SET preserve_insertion_order = true")
        try:
            yield
        finally:
            self._connection.execute("SET preserve_insertion_order = false")

    def fill(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """Put rows into a table that exists."""
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


class _Stream:
    def __init__(self, result: duckdb.DuckDBPyConnection, size: int) -> None:
        self._result = result
        self._size = size
        self.columns = [column[0] for column in result.description or ()]

    def __iter__(self) -> Any:
        while rows := self._result.fetchmany(self._size):
            for row in rows:
                yield dict(zip(self.columns, row, strict=True))


def _out_of_room(error: Exception) -> str:
    if isinstance(error, duckdb.OutOfMemoryException) and "temp" not in str(error).lower():
        return (
            "The memory limit is too small for these files: run again with a larger one, such as "
            "--memory 4GB."
        )
    return (
        "The disk is full: the comparison needs room for its working copies, about twice the size of both "
        "files together; set TMPDIR to a folder with more room and run again."
    )
