"""Our process: the real bridge on the real ledger, driven as the service drives it, and killed as scripted."""  # noqa: E501

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from countermand.bridge.bridge import Bridge
from countermand.bridge.connection import Connection
from countermand.bridge.intake import HookParser
from countermand.bridge.store import BrakeLimits, Change, HookEnd, StoredCase
from countermand.core.policy import Direction, Policy
from countermand.core.rules import Override
from countermand.core.status import Side
from countermand.infigo.hooks import parse_hook as parse_infigo_hook
from countermand.ledger.connections import remember_connection
from countermand.ledger.inbox import receive
from countermand.ledger.prepared import Prepared, Row, Values
from countermand.ledger.store import DatabaseStore
from countermand.printiq.hooks import parse_hook as parse_printiq_hook
from countermand.simulation.agenda import Agenda, PutOff
from countermand.simulation.dice import Dice
from countermand.simulation.idle import Idle, Rest
from countermand.simulation.life import Killed, Life, MortalWriter
from countermand.simulation.loop import SimulatedLoop
from countermand.simulation.ports import SimulatedMis, SimulatedStorefront

NAME = "shop"
PARSERS: Mapping[Side, HookParser] = {Side.STOREFRONT: parse_infigo_hook, Side.MIS: parse_printiq_hook}
#: How long the service's loop rests when there is nothing to do, in seconds.
REST = 0.25

#: So long listings are left out in which nothing could be found; then one is made all the same.
IDLE_LISTINGS = timedelta(hours=3)
#: The share of the idle looks with a fault that are made: one is like the other, and looks after something
#: has changed meet every fault.
IDLE_FAULTS = 0.25
_BRAKES = "SELECT direction FROM brake WHERE connection = 'shop' AND cleared_at IS NULL"

Saved = Callable[[Sequence[Change], Mapping[str, StoredCase], datetime], None]


@lru_cache(4096)
def _lateness(haste: int, due: datetime) -> timedelta:
    return timedelta(seconds=Dice(haste, str(due)).between(0.01, REST))


def _raise(_about: str, fault: Exception) -> None:
    """In production an error of ours is told, and what it is about is put off; here none may be."""
    raise fault


class WatchedStore(DatabaseStore):
    """The production store; each save is shown to a watcher the moment it is durable."""

    def __init__(self, engine: Engine, writer: MortalWriter, saved: Saved, put_off: PutOff) -> None:
        super().__init__(engine, writer)
        self._mortal = writer
        self._saved = saved
        self._put_off = put_off

    def _rows(self, statement: Prepared, wanted: Values) -> Sequence[Row]:
        """On the one connection that a database in memory has: none is taken from the pool for each query."""
        return statement.all(self._mortal.database, wanted)

    async def due(self, connection: str, now: datetime, limit: int) -> list[StoredCase]:
        return [self._put_off.of(stored) for stored in await super().due(connection, now, limit)]

    async def load(self, connection: str, order_ids: Sequence[str]) -> dict[str, StoredCase]:
        found = await super().load(connection, order_ids)
        return {order_id: self._put_off.of(stored) for order_id, stored in found.items()}

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
        exceptions: tuple[Override, ...],
        dice: Dice,
        live_since: datetime,
        changed_at: Callable[[], float],
        idle: Idle,
        put_off: PutOff,
    ) -> None:
        self._loop = loop
        self.life = life
        self.writer = writer
        self.store = store
        self._haste = dice.below(1 << 32)
        self._changed_at = changed_at
        self._idle = idle
        self._put_off = put_off
        self._storefront, self._mis = storefront, mis
        self._raw = engine.raw_connection()
        driver: Any = self._raw.driver_connection
        self._driver, self._agenda = driver, Agenda(driver)
        self._wake: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        live = writer.write(lambda database: remember_connection(database, NAME, live_since, life.clock()))
        self.connection = Connection(
            name=NAME, storefront=storefront, mis=mis, policy=policy, overrides=exceptions, live_since=live
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
        self.writer.close()

    # The service's loop

    async def _main(self) -> None:
        while True:
            self._leave_out_idle_listings()
            try:
                busy = self._leave_out_idle_looks() or await self.bridge.step()
            except OperationalError:
                busy = 0
            due = self._next()
            if not busy or due > self.life.clock():
                await self._rest(due)

    def _leave_out_idle_listings(self) -> None:
        """A listing of systems in which nothing has changed finds nothing: taken as made."""
        due, now = self.bridge._poll_at, self.life.clock()
        if due is not None and due <= now < self._listing_at():
            self.bridge._poll_at = now + self.connection.polling.interval

    def _leave_out_idle_looks(self) -> int:
        """Now, and until anything else happens: where every order due at a time rests, and the line is clear
        then, their looks are only put off. How many there were.
        """
        now = self.life.clock()
        last, listing = self.bridge._last_step, self.bridge._poll_at
        if last is None or now < last or listing is None:
            return 0
        until = max(self._undisturbed_until(now), now)
        due = self._agenda.due(now, until)
        left_out = 0
        put_off: dict[str, tuple[Rest, datetime | None, datetime | None]] = {}
        while due:
            at = due[0][0] if due[0][0] == now else self._awake_for(due[0][0])
            if at > now and at >= until:
                break
            together = []
            while due and due[0][0] <= at:
                together.append(heapq.heappop(due)[1])
            rests = self._idle.rests(together, at, self._brakes)
            if not rests or not self._may_be_left_out(at - now):
                break
            left_out += len(rests)
            for order_ref, rest in rests.items():
                poll_at, looks_at = rest.next_look(self.connection, at)
                put_off[order_ref] = rest, looks_at, poll_at
                if looks_at is not None:
                    heapq.heappush(due, (looks_at, order_ref))
            if len(rests) < len(together):
                break
        if put_off:
            self._agenda.put_off({rest.row_id: looks_at for rest, looks_at, _ in put_off.values()})
        for order_ref, (_, _, poll_at) in put_off.items():
            self._put_off.note(order_ref, poll_at)
        return left_out

    def _brakes(self) -> frozenset[Direction]:
        return frozenset(Direction(name) for (name,) in self._driver.execute(_BRAKES))

    def _undisturbed_until(self, now: datetime) -> datetime:
        """When something else than a look by schedule happens next, by our own clock."""
        anything = now + timedelta(seconds=self._loop.next_at() - self._loop.time())
        message = self._agenda.next_message()
        return min(anything, self._listing_at(), message or anything)

    def _may_be_left_out(self, later: timedelta) -> bool:
        """Whether an idle look so much later would meet no fault, or one of the many that are left out."""
        at = self._loop.time() + later.total_seconds()
        clear = self._storefront.reads_well(at) and self._mis.reads_well(at)
        return clear or not Dice(self._haste, f"fault {at:.3f}").chance(IDLE_FAULTS)

    async def _rest(self, due: datetime) -> None:
        """Rest until the service's next look that could find something; the looks between find nothing."""
        self._wake = self._loop.create_future()
        now = self.life.clock()
        delay = (self._awake_for(max(due, now)) - now).total_seconds()
        timer = self._loop.call_later(delay, self.wake)
        await self._wake
        timer.cancel()
        self._wake = None
        self.life.step("resting")

    def _awake_for(self, due: datetime) -> datetime:
        """When this process sees that something is due: a little later, the same whenever it is asked."""
        return due + _lateness(self._haste, due)

    def wake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _next(self) -> datetime:
        """When there is something to do next, by our own clock."""
        times = (self._listing_at(), self._agenda.next_order(), self._agenda.next_message())
        return min([time for time in times if time is not None])

    def _listing_at(self) -> datetime:
        """When the next listing is worth its while: one that finds nothing changed changes nothing."""
        due, now = self.bridge._poll_at, self.life.clock()
        if due is None or due > now + self.connection.polling.interval:
            return now  # a time from a clock that has been set back since
        if self._changed_at() >= self.life.listed_at or self._idle.every_look:
            return due
        return max(due, min(self.life.listed_by_clock, now) + IDLE_LISTINGS)

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
