"""One writer with group commit: many small changes, one transaction, one flush to disk.

Each piece of work is a function of an open connection. Pieces that arrive while a commit is on its way are
done together in the next one, each behind its own savepoint, so that one failing piece takes nothing else
with it. Nobody is told "done" before the commit that holds their piece has returned.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from countermand.ledger.engine import LedgerError
from countermand.ledger.trouble import trouble

Result = TypeVar("Result")
Work = Callable[[Connection], Any]

#: At most so many pieces share a commit, so that the first of them does not wait for ever.
MOST_TOGETHER = 200


class Writer(Protocol):
    """Runs work in a write transaction and returns when it is durable."""

    def write(self, work: Callable[[Connection], Result]) -> Result: ...

    async def write_async(self, work: Callable[[Connection], Result]) -> Result: ...

    def close(self) -> None: ...


class InlineWriter:
    """Each piece in its own transaction, in the caller's thread: for tests and simulated time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(writing=True)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.begin() as connection:
            return work(connection)

    async def write_async(self, work: Callable[[Connection], Result]) -> Result:
        return self.write(work)

    def close(self) -> None:
        """Nothing is kept open."""


class GroupWriter:
    """A thread of its own that owns all writing.

    `trouble`: why the newest attempt to store failed, if that was the database's or the disk's doing.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(writing=True)
        self._queue: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._open, self._entrance = True, threading.Lock()
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="countermand-writer", daemon=True)
        self._thread.start()

    def write(self, work: Callable[[Connection], Result]) -> Result:
        return self._submit(work).result()

    async def write_async(self, work: Callable[[Connection], Result]) -> Result:
        return await asyncio.wrap_future(self._submit(work))

    def _submit(self, work: Callable[[Connection], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        with self._entrance:
            if not self._open:
                raise RuntimeError("The ledger is closed; nothing more can be written.")
            self._queue.put((work, future))
        return future

    def close(self) -> None:
        """Finish what is queued, then stop; who comes later is refused."""
        with self._entrance:
            if self._open:
                self._open = False
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, stop = [first], False
            while len(batch) < MOST_TOGETHER and not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    stop = True
                    break
                batch.append(item)
            self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[tuple[Work, Future[Any]]]) -> None:
        # Whoever stopped waiting before the work began does not get it done behind their back.
        batch = [item for item in batch if item[1].set_running_or_notify_cancel()]
        done: list[tuple[Future[Any], Any]] = []
        said = ""
        try:
            with self._engine.begin() as connection:
                for work, future in batch:
                    try:
                        with connection.begin_nested():
                            result = work(connection)
                        done.append((future, result))
                    except Exception as error:  # noqa: BLE001 - it belongs to the one who asked
                        self.trouble = said = trouble(error) or said
                        future.set_exception(error)
                        _assert_open(connection, said)
        except Exception as error:  # noqa: BLE001 - the commit failed: nobody's work is durable
            self.trouble = said or trouble(error)
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        self.trouble = said
        for future, result in done:
            future.set_result(result)


def _assert_open(connection: Connection, said: str) -> None:
    """SQLite gives up a whole transaction on a full disk or a failed read; committing would then say yes."""
    driver = connection.connection.dbapi_connection
    if getattr(driver, "in_transaction", True) is False:
        raise LedgerError(said or "The database gave up the whole transaction; nothing in it was kept.")
