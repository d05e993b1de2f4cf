"""One life of our process: from its start until it is killed, at any step that it takes.

Whatever belongs to a life stops with it: a call that was on its way comes back to nobody, and nothing more is
written. What a system was told before stays told, and what was committed stays committed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection as Database
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

Result = TypeVar("Result")


class Killed(BaseException):
    """The process is dead."""


class Life:
    """Counts the steps of one process and ends it where the script says."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.on_death: Callable[[str], None] = lambda _where: None
        self.alive = True
        self._steps_left: int | None = None
        #: When the last listing began that met no fault: in seconds of the history, and by our clock.
        self.listed_at = -1.0
        self.listed_by_clock = clock()
        self._listing = self.listed_at, self.listed_by_clock

    def listing_begins(self, at: float) -> None:
        self._listing = at, self.clock()

    def listing_fails(self) -> None:
        """What it shows is not all that there is: it counts for none."""
        self._listing = self.listed_at, self.listed_by_clock

    def listing_ends(self) -> None:
        self.listed_at, self.listed_by_clock = self._listing

    def doom(self, steps: int) -> None:
        """Let it be killed at the so manyth step from now on."""
        self._steps_left = steps

    def step(self, where: str) -> None:
        """A point at which the process may be killed.

        Raises:
            Killed: it is dead, or dies here.
        """
        if self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left < 0:
                self.kill(where)
        if not self.alive:
            raise Killed(where)

    def kill(self, where: str) -> None:
        if self.alive:
            self.alive = False
            self.on_death(where)


class MortalWriter:
    """The writer of simulated time, on a database that may be locked and in a process that may die.

    `committed`: called with the result of a piece of work as soon as it is durable.
    """

    def __init__(self, engine: Engine, life: Life, busy: Callable[[], bool]) -> None:
        self.database = engine.connect()
        driver: Any = self.database.connection.driver_connection
        self._driver = driver
        # SQLAlchemy is told of one transaction that never ends: beginning and ending each one by the driver
        # itself is many times as fast.
        self.database.begin()
        self._driver.commit()
        self._life = life
        self._busy = busy
        self.committed: Callable[[object], None] | None = None

    def write(self, work: Callable[[Database], Result]) -> Result:
        self._life.step("before a commit")
        then, self.committed = self.committed, None
        if self._busy():
            raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))
        self._driver.execute("BEGIN IMMEDIATE")
        try:
            result = work(self.database)
            self._life.step("inside a transaction")
        except BaseException:
            self._driver.rollback()
            raise
        self._driver.commit()
        if then is not None:
            then(result)
        self._life.step("after a commit")
        return result

    async def write_async(self, work: Callable[[Database], Result]) -> Result:
        return self.write(work)

    def close(self) -> None:
        self.database.close()
