"""Our process: the real bridge on the real ledger, driven as the service drives it, and killed as scripted."""  # noqa: E501

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from countermand.bridge.bridge import Bridge
from countermand.bridge.connection import Connection, Polling
from countermand.bridge.intake import HookParser
from countermand.bridge.store import BrakeLimits, Change, HookEnd, StoredCase
from countermand.core.policy import Direction, Policy
from countermand.core.status import Side
from countermand.infigo.hooks import parse_hook as parse_infigo_hook
from countermand.ledger.columns import from_micros, to_micros
from countermand.ledger.connections import remember_connection
from countermand.ledger.inbox import receive
from countermand.ledger.store import DatabaseStore
from countermand.printiq.hooks import parse_hook as parse_printiq_hook
from countermand.simulation.dice import Dice
from countermand.simulation.idle import Idle
from countermand.simulation.life import Killed, Life, MortalWriter
from countermand.simulation.loop import SimulatedLoop
from countermand.simulation.ports import SimulatedMis, SimulatedStorefront

NAME = "shop"
PARSERS: Mapping[Side, HookParser] = {Side.STOREFRONT: parse_infigo_hook, Side.MIS: parse_printiq_hook}
#: How long the service's loop rests when there is nothing to do, in seconds.
REST = 0.25

#: So long listings are left out in which nothing could be found; then one is made all the same.
IDLE_LISTINGS = timedelta(hours=3)
_NEXT_DUE = (
    "SELECT min(due_at) FROM orders",
    "SELECT min(due_at) FROM inbox WHERE connection = 'shop' AND state = 'waiting'",
    "SELECT min(received_at) FROM inbox WHERE connection = 'shop' AND state = 'new'",
)
_DUE = "SELECT order_ref FROM orders WHERE due_at <= ?"
_MESSAGES = (
    "SELECT 1 FROM inbox WHERE connection = 'shop' AND state IN ('new', 'waiting') "
    "AND (state = 'new' OR due_at <= ?) LIMIT 1"
)
_PUT_OFF = "UPDATE orders SET due_at = ? WHERE id = ?"

Saved = Callable[[Sequence[Change], Mapping[str, StoredCase], datetime], None]


def _raise(_order_id: str, fault: Exception) -> None:
    """In production such an order is put off and logged; here no such order may be."""
    raise fault


class WatchedStore(DatabaseStore):
    """The production store; each save is shown to a watcher the moment it is durable."""

    def __init__(self, engine: Engine, writer: MortalWriter, saved: Saved) -> None:
        super().__init__(engine, writer)
        self._mortal = writer
        self._saved = saved

    async def save(
        self,
        connection: str,
        changes: Sequence[Change],
        now: datetime,
        limits: Mapping[Direction, BrakeLimits],
    ) -> dict[str, StoredCase]:
        self._mortal.committed = lambda result: self._saved(changes, result, now)  # type: ignore[arg-type]
        return await super().save(connection, changes, now, limits)

    async def finish_hooks(self, connection: str, ends: Sequence[HookEnd], now: datetime) -> None:
        self._mortal.committed = None
        await super().finish_hooks(connection, ends, now)


class Process:
    """One life, with everything that lives in it."""

    def __init__(
        self,
        engine: Engine,
        loop: SimulatedLoop,
        life: Life,
        writer: MortalWriter,
        store: DatabaseStore,
        storefront: SimulatedStorefront,
        mis: SimulatedMis,
        policy: Policy,
        dice: Dice,
        live_since: datetime,
        changed_at: Callable[[], float],
        idle: Idle,
    ) -> None:
        self._engine = engine
        self._loop = loop
        self.life = life
        self.writer = writer
        self.store = store
        self._dice = dice
        self._changed_at = changed_at
        self._idle = idle
        self._storefront, self._mis = storefront, mis
        self._raw = engine.raw_connection()
        self._driver: Any = self._raw.driver_connection
        self._wake: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        live = writer.write(lambda database: remember_connection(database, NAME, live_since, life.clock()))
        self.connection = Connection(
            name=NAME, storefront=storefront, mis=mis, policy=policy, live_since=live, polling=Polling()
        )
        self.bridge = Bridge(self.connection, store, PARSERS, life.clock, _raise)

    def start(self) -> None:
        self.run(self._main())

    def run(self, work: object) -> None:
        """Run a coroutine in this life; it ends with it."""
        task: asyncio.Task[None] = self._loop.create_task(self._until_killed(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _until_killed(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except Killed:
            return
        except OperationalError:
            return

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._loop.failure is None:
            self._loop.failure = error

    def bury(self) -> None:
        """Stop what still runs; nothing of it has any effect any more."""
        for task in self._tasks:
            task.cancel()
        self._raw.close()

    # The service's loop

    async def _main(self) -> None:
        while True:
            self._leave_out_idle_listings()
            try:
                busy = self._leave_out_idle_looks() or await self.bridge.step()
            except OperationalError:
                busy = 0
            if not busy or self._next() > self.life.clock():
                await self._rest()

    def _leave_out_idle_listings(self) -> None:
        """A listing of systems in which nothing has changed finds nothing: taken as made."""
        due, now = self.bridge._poll_at, self.life.clock()
        if due is not None and due <= now < self._listing_at():
            self.bridge._poll_at = now + self.connection.polling.interval

    def _leave_out_idle_looks(self) -> int:
        """Where every order that is due rests and the line is clear, only put off their looks; how many."""
        now, driver = self.life.clock(), self._driver
        last, listing = self.bridge._last_step, self.bridge._poll_at
        if last is None or now < last or listing is None or listing <= now:
            return 0
        micros = to_micros(now)
        due = driver.execute(_DUE, (micros,)).fetchall()
        rests = self._idle.rests((order_ref for (order_ref,) in due), now)
        if not rests or not (self._storefront.reads_well() and self._mis.reads_well()):
            return 0
        if driver.execute(_MESSAGES, (micros,)).fetchone() is not None:
            return 0
        for rest in rests:
            looks = rest.next_look(self.connection, now)
            driver.execute(_PUT_OFF, (looks and to_micros(looks), rest.row_id))
        return len(rests)

    async def _rest(self) -> None:
        """Rest until the service's next look that could find something; the looks between find nothing."""
        self._wake = self._loop.create_future()
        delay = max(self._next() - self.life.clock(), timedelta(0)).total_seconds()
        timer = self._loop.call_later(delay + self._dice.between(0.01, REST), self.wake)
        await self._wake
        timer.cancel()
        self._wake = None
        self.life.step("resting")

    def wake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _next(self) -> datetime:
        """When there is something to do next, by our own clock."""
        times = [self._listing_at()]
        for query in _NEXT_DUE:
            (due,) = self._driver.execute(query).fetchone()
            if due is not None:
                times.append(from_micros(due))
        return min(times)

    def _listing_at(self) -> datetime:
        """When the next listing is worth its while: one that finds nothing changed changes nothing."""
        due = self.bridge._poll_at or self.life.clock()
        if self._changed_at() >= self.life.listed_at or self._idle.every_look:
            return due
        return max(due, self.life.listed_by_clock + IDLE_LISTINGS)

    # Messages

    def take(self, side: Side, body: bytes) -> bool:
        """A hook arrives: true once it is stored."""
        if not self.life.alive:
            return False
        try:
            self.writer.write(
                lambda database: receive(database, [NAME], side, "application/json", body, self.life.clock())
            )
        except (Killed, OperationalError):
            return False
        self.wake()
        return True
