"""The one place where everything is put together: ledger, vendors, bridges, and the loop that drives them."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from time import monotonic

import msgspec
import structlog
from sqlalchemy import Connection as Database
from sqlalchemy import Engine, update

from countermand.access import SignIn
from countermand.bridge.bridge import Bridge
from countermand.bridge.connection import Connection, Polling
from countermand.bridge.converge import log_fault
from countermand.bridge.faults import Mask, in_short, traceback_of
from countermand.bridge.intake import HookParser
from countermand.bridge.store import State
from countermand.bridge.sweep import count_call
from countermand.bridge.sweeper import Sweeper
from countermand.core.policy import Policy
from countermand.core.rules import Override
from countermand.core.status import Side
from countermand.infigo import InfigoSettings, InfigoStorefront
from countermand.infigo import parse_hook as parse_infigo_hook
from countermand.ledger.columns import forget_values
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import Durability, assert_durable, open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.schema import orders
from countermand.ledger.store import DatabaseStore
from countermand.ledger.sweeps import SweepDatabaseStore
from countermand.ledger.trouble import trouble
from countermand.ledger.upgrade import assert_current, upgrade
from countermand.ledger.writer import GroupWriter, InlineWriter, Writer
from countermand.outbound.destination import Destination
from countermand.outbound.teller import Teller
from countermand.printiq import PrintIQMis, PrintIQSettings
from countermand.printiq import parse_hook as parse_printiq_hook
from countermand.vendor_http.reply import CallOutcome
from countermand.vendor_http.transport import CallRecord

log = structlog.get_logger()

#: How long a connection's loop rests when nothing is due and nobody wakes it, in seconds. That is for what
#: another process stored; many connections share `LOOKS_A_SECOND` of such looks, and then it is longer.
REST_SECONDS = 0.25
LOOKS_A_SECOND = 10.0
#: So many connections begin in a second, and list from then on in turn: all at once, thousands would open
#: more than the machine can, and wait for each other until their calls time out.
BEGINNINGS_A_SECOND = 20.0
#: How long a step may go on when the service stops, and when its connection changes. Cutting a step off is
#: safe (what was sent and not answered is read back later), but a step that ends costs nobody a look.
STOP_SECONDS = 5.0
CHANGE_SECONDS = 60.0
#: How long a sweep rests after an error of ours, before it takes the same orders on again.
SWEEP_FAILED_SECONDS = 60.0
#: How long the loop rests after an error of ours, or when nothing can be stored: each step reads in both
#: systems, and what it found would be thrown away.
FAILED_SECONDS = 2.0
#: How often values that were read are forgotten, in seconds: what was erased stays in memory no longer.
FORGET_SECONDS = 600.0
#: How often it is looked whether there is something to tell others, in seconds.
TELL_SECONDS = 1.0
#: Orders that have come to rest need no new look when rules change.
_AT_REST = (State.IN_STEP.value, State.CLOSED.value)


def utc_now() -> datetime:
    return datetime.now(UTC)


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One connection as set up: two systems and the rules between them.

    `live_since`: none means from the first start on. `hook_tokens`: the unguessable part of each side's
    hook address. `overrides`: for which orders the policy differs, and how.
    """

    name: str
    infigo: InfigoSettings
    printiq: PrintIQSettings
    policy: Policy = Policy()
    overrides: tuple[Override, ...] = ()
    polling: Polling = Polling()
    live_since: datetime | None = None
    hook_tokens: dict[Side, str] = {}

    def __repr__(self) -> str:
        return f"ConnectionSettings({self.name!r})"  # the tokens are secrets


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one process serves. `database` is an SQLAlchemy URL.

    `banner`: a sentence that the console shows on its first page, such as what a demonstration does.
    """

    database: str
    connections: tuple[ConnectionSettings, ...] = ()
    banner: str = ""
    sign_in: SignIn = SignIn()
    destinations: tuple[Destination, ...] = ()

    def __repr__(self) -> str:
        return f"Installation({list(self.connections)!r})"  # the address may hold a password


async def _forget_now_and_then() -> None:
    while True:
        await asyncio.sleep(FORGET_SECONDS)
        forget_values()


async def _woken(event: asyncio.Event, seconds: float) -> bool:
    """Wait until somebody sets it, but not longer than so many seconds; whether somebody did."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _judge_anew(connection: str, now: datetime, database: Database) -> None:
    """Under other rules another thing may be right for every order that has not come to rest."""
    unsettled = (orders.c.connection == connection) & orders.c.state.not_in(_AT_REST)
    database.execute(update(orders).where(unsettled).values(due_at=now))


def _parsers(settings: ConnectionSettings) -> Mapping[Side, HookParser]:
    """How each side's messages are read."""
    return {
        Side.STOREFRONT: partial(parse_infigo_hook, names=settings.infigo.hook_query),
        Side.MIS: partial(parse_printiq_hook, names=settings.printiq.hook),
    }


def siblings(installation: Installation) -> dict[str, dict[str, InfigoSettings]]:
    """By connection, the others of its MIS, and their storefronts: each numbers its orders for itself."""
    sharing = defaultdict(list)
    for one in installation.connections:
        sharing[one.printiq.base_url.rstrip("/").casefold()].append(one)
    return {
        one.name: {other.name: other.infigo for other in each if other.name != one.name}
        for each in sharing.values()
        for one in each
    }


def _mask(settings: ConnectionSettings, storefront: InfigoStorefront, mis: PrintIQMis) -> Mask:
    """Strikes out what must not be seen: both systems' secrets, and the hook addresses' secret parts."""

    def mask(text: str) -> str:
        for token in settings.hook_tokens.values():
            text = text.replace(token, "***") if token else text
        return mis.without_secrets(storefront.without_secrets(text))

    return mask


class Calls:
    """Counts API calls by system and name; what was counted during polling is kept apart."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str]] = Counter()

    def __call__(self, record: CallRecord) -> None:
        self.counts[(record.system, record.name)] += 1
        if record.outcome is not CallOutcome.ANSWERED:
            self.failed[(record.system, record.name)] += 1
        count_call()


class Running(msgspec.Struct, kw_only=True):
    """One connection that is being looked after."""

    settings: ConnectionSettings
    bridge: Bridge
    sweeper: Sweeper
    storefront: InfigoStorefront
    mis: PrintIQMis
    failed: str = ""
    sweep_failed: str = ""
    last_step_at: datetime | None = None
    loop: asyncio.Task[None] | None = None
    sweeping: asyncio.Task[None] | None = None
    ending: bool = False
    ended: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    #: Set when there is something new for the one loop, and for the other.
    woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    sweep_woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look now, whatever is being waited for."""
        self.woken.set()
        self.sweep_woken.set()

    @property
    def faults(self) -> list[str]:
        """What fails while the orders are looked after all the same, in a sentence each."""
        sweeps = [f"Sweeps cannot go on: {self.sweep_failed}."] if self.sweep_failed else []
        return self.bridge.faults + sweeps

    @property
    def unlisted(self) -> list[str]:
        """Which system could not be listed for long, in a sentence each."""
        return self.bridge.unlisted

    @property
    def trouble(self) -> str:
        """All that is wrong with it; empty when all goes well."""
        return " ".join(filter(None, (self.failed, *self.faults, *self.unlisted)))


class Telling(msgspec.Struct, kw_only=True):
    """One destination outside that is told what happens."""

    teller: Teller
    loop: asyncio.Task[None]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How a running service is. `ok` is whether every connection is being looked after, without an error.

    `storage`: why nothing can be stored at the moment; messages are then refused, so that they come again.
    `refused`: why the newest set-up file was not taken over (the one before goes on). `needs_restart`:
    settings of it that only a restart takes over. `systems`: what was found when a system was last tried.
    `untold`: destinations outside that do not hear what happens; it waits for them.
    """

    ok: bool
    failing: dict[str, str] = {}
    storage: str = ""
    refused: str = ""
    needs_restart: tuple[str, ...] = ()
    systems: dict[str, str] = {}
    untold: dict[str, str] = {}


class NotStoredError(Exception):
    """A message could not be stored; the text says why, in one sentence."""


class Service:
    """A running installation. Use it within one event loop: `async with Service(installation) as service`."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.engine: Engine = open_engine(installation.database)
        self.writer: Writer
        self.store: DatabaseStore
        self.durability: Durability
        self.calls = Calls()
        self.running: dict[str, Running] = {}
        self.telling: dict[str, Telling] = {}
        self.set_up_refused = ""
        self.needs_restart: tuple[str, ...] = ()
        self.systems_failing: dict[str, str] = {}
        self._storefronts: dict[InfigoSettings, InfigoStorefront] = {}
        self._mises: dict[PrintIQSettings, PrintIQMis] = {}
        self._turn = asyncio.Lock()
        self._forgetting: asyncio.Task[None]

    async def __aenter__(self) -> Service:
        self.open()
        self._begin_all(await self._prepare_all(self.installation.connections, self.installation))
        for destination in self.installation.destinations:
            self._begin_telling(destination)
        self._forgetting = asyncio.create_task(_forget_now_and_then())
        return self

    def open(self) -> None:
        """Open the ledger: on SQLite bring the schema up to date, elsewhere insist that somebody did."""
        if self.engine.dialect.name == "sqlite":
            upgrade(self.engine)
        else:
            assert_current(self.engine)
        in_memory = self.engine.url.database in (None, "", ":memory:")
        if not in_memory:
            self.durability = assert_durable(self.engine)
        self.writer = InlineWriter(self.engine) if in_memory else GroupWriter(self.engine)
        self.store = DatabaseStore(self.engine, self.writer)

    async def __aexit__(self, *_exc: object) -> None:
        self._forgetting.cancel()
        await asyncio.gather(*(self._end(one, STOP_SECONDS) for one in self.running.values()))
        for name in list(self.telling):
            await self._end_telling(name)
        await self._close_clients(())
        self.writer.close()
        self.engine.dispose()

    async def reconfigure(self, installation: Installation) -> tuple[str, ...]:
        """Take over other settings while running; returns the connections that changed, came or went.

        What did not change goes on undisturbed. What did ends the step it is in first; messages that come
        meanwhile are stored and wait. The database stays as it is.
        """
        old = {one.name: one for one in self.installation.connections}
        new = {one.name: one for one in installation.connections}
        sharing, shared = siblings(self.installation), siblings(installation)
        changed = tuple(
            name
            for name in {**old, **new}
            if old.get(name) != new.get(name) or sharing.get(name) != shared.get(name)
        )
        ready = await self._prepare_all([new[name] for name in changed if name in new], installation)
        self.installation = msgspec.structs.replace(installation, database=self.installation.database)
        await asyncio.gather(
            *(self._end(self.running[name], CHANGE_SECONDS) for name in changed if name in old)
        )
        for name in old.keys() - new.keys():
            del self.running[name]
        self._begin_all(ready)
        now = utc_now()
        await asyncio.gather(
            *(self.writer.write_async(partial(_judge_anew, one.settings.name, now)) for one in ready)
        )
        self.wake(*(one.settings.name for one in ready))
        await self._close_clients(installation.connections)
        await self._tell_others(installation.destinations)
        return changed

    def health(self) -> Health:
        failing = {name: one.trouble for name, one in self.running.items() if one.trouble}
        storage = self.writer.trouble if isinstance(self.writer, GroupWriter) else ""
        return Health(
            ok=not failing and not storage,
            failing=failing,
            storage=storage,
            refused=self.set_up_refused,
            needs_restart=self.needs_restart,
            systems=self.systems_failing,
            untold={name: one.teller.trouble for name, one in self.telling.items() if one.teller.trouble},
        )

    # Connections

    async def _prepare_all(
        self, connections: Sequence[ConnectionSettings], installation: Installation
    ) -> list[Running]:
        """All at once, so that they share a commit."""
        sharing = siblings(installation)
        return list(await asyncio.gather(*(self._prepare(one, sharing[one.name]) for one in connections)))

    async def _prepare(self, settings: ConnectionSettings, sharing: Mapping[str, InfigoSettings]) -> Running:
        now = utc_now()
        live_since = await self.writer.write_async(
            lambda database: remember_connection(database, settings.name, settings.live_since, now)
        )
        storefront, mis = self._storefront(settings.infigo), self._mis(settings.printiq)
        connection = Connection(
            name=settings.name,
            storefront=storefront,
            mis=mis,
            policy=settings.policy,
            overrides=settings.overrides,
            siblings={other: self._storefront(infigo) for other, infigo in sharing.items()},
            live_since=live_since,
            polling=settings.polling,
            mask=_mask(settings, storefront, mis),
        )
        at_fault = partial(log_fault, mask=connection.mask)
        bridge = Bridge(connection, self.store, _parsers(settings), utc_now, at_fault)
        sweeper = Sweeper(connection, SweepDatabaseStore(self.engine, self.writer), utc_now, at_fault)
        return Running(settings=settings, bridge=bridge, sweeper=sweeper, storefront=storefront, mis=mis)

    def _storefront(self, settings: InfigoSettings) -> InfigoStorefront:
        """One client per system, so that connections which share a system share its budget and login."""
        if settings not in self._storefronts:
            self._storefronts[settings] = InfigoStorefront(settings, clock=utc_now, on_call=self.calls)
        return self._storefronts[settings]

    def _mis(self, settings: PrintIQSettings) -> PrintIQMis:
        if settings not in self._mises:
            self._mises[settings] = PrintIQMis(settings, clock=utc_now, on_call=self.calls)
        return self._mises[settings]

    async def _close_clients(self, kept: Sequence[ConnectionSettings]) -> None:
        storefronts, mises = {one.infigo for one in kept}, {one.printiq for one in kept}
        for infigo in self._storefronts.keys() - storefronts:
            await self._storefronts.pop(infigo).aclose()
        for printiq in self._mises.keys() - mises:
            await self._mises.pop(printiq).aclose()

    def _begin_all(self, ready: Sequence[Running]) -> None:
        for number, one in enumerate(ready):
            self.running[one.settings.name] = one
            one.loop = asyncio.create_task(self._look_after(one, number / BEGINNINGS_A_SECOND))
            one.sweeping = asyncio.create_task(self._sweep(one, number / BEGINNINGS_A_SECOND))

    async def _end(self, one: Running, patience: float) -> None:
        """Let the step end that is being taken; cut it off when it takes longer than `patience` seconds."""
        loops = [loop for loop in (one.loop, one.sweeping) if loop is not None]
        if not loops:
            return
        one.ending = True
        one.ended.set()
        one.wake()
        _, late = await asyncio.wait(loops, timeout=patience)
        for loop in late:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    async def _look_after(self, one: Running, begin: float) -> None:
        """Step after step. A failing one is logged, shown, and tried again after a rest.

        `begin`: so many seconds from now, or when it is woken.
        """
        woken = await _woken(one.woken, begin)
        while not one.ending:
            if not woken:
                await self._wait_for_turn(one)
            one.woken.clear()
            try:
                busy = await one.bridge.step()
                rest = 0.0 if busy else self._until_due(one)
                one.failed, one.last_step_at = "", utc_now()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next step may go well
                self._step_failed(one, error)
                await self._pause(one, FAILED_SECONDS)
                woken = False
                continue
            woken = await _woken(one.woken, rest) if not busy and not one.ending else False

    async def _wait_for_turn(self, one: Running) -> None:
        """One connection after the other, each when everything that was ready by then has had its turn.

        So when there is more to do than the processor can, looks come later, in order; messages, people and
        what was begun do not wait behind thousands of looks. Whoever waits for an answer holds nobody up, and
        whoever is woken goes ahead.
        """
        turn, news = asyncio.create_task(self._next_turn()), asyncio.create_task(one.woken.wait())
        try:
            await asyncio.wait((turn, news), return_when=asyncio.FIRST_COMPLETED)
        finally:
            turn.cancel()
            news.cancel()

    async def _next_turn(self) -> None:
        async with self._turn:
            await asyncio.sleep(0)

    def _until_due(self, one: Running) -> float:
        """How long there is nothing to do for it, as far as is known, in seconds; not longer than a rest."""
        due = [at for at in (one.bridge.lists_at, self.store.next_due(one.settings.name)) if at is not None]
        waits = (max(0.0, (at - utc_now()).total_seconds()) for at in due)
        return min((self._longest_rest(), *waits))

    def _longest_rest(self) -> float:
        return max(REST_SECONDS, len(self.running) / LOOKS_A_SECOND)

    @staticmethod
    def _step_failed(one: Running, error: Exception) -> None:
        """Say it; of a disk in trouble only once and in one sentence, for the log may be on it."""
        why = trouble(error)
        if not why:
            mask = one.bridge.connection.mask
            one.failed = in_short(error, mask)
            said = traceback_of(error, mask)
            log.error("bridge.step.failed", connection=one.settings.name, exception=said)
        elif why != one.failed:
            one.failed = why
            log.error("bridge.step.failed", connection=one.settings.name, why=why)

    async def _sweep(self, one: Running, begin: float) -> None:
        """Batch after batch; a sweep takes at most half of the time, so that other calls find a place."""
        await _woken(one.sweep_woken, begin)
        while not one.ending:
            one.sweep_woken.clear()
            began = monotonic()
            try:
                busy = await one.sweeper.step()
                pause, one.sweep_failed = monotonic() - began, ""
            except Exception as error:  # noqa: BLE001 - whatever it is, the next step may go well
                busy, pause = True, SWEEP_FAILED_SECONDS
                self._sweep_failed(one, error)
            if busy:
                one.woken.set()  # what it found may be due
                await self._pause(one, pause)
            elif not one.ending:
                await _woken(one.sweep_woken, self._longest_rest())

    @staticmethod
    def _sweep_failed(one: Running, error: Exception) -> None:
        """Say it; a disk in trouble is said by `storage`, and by whoever tries to store next."""
        mask = one.bridge.connection.mask
        one.sweep_failed = "" if trouble(error) else in_short(error, mask)
        said = traceback_of(error, mask)
        log.error("sweep.step.failed", connection=one.settings.name, exception=said)

    async def _pause(self, one: Running, seconds: float) -> None:
        """Rest so long, whatever wakes the others; the end of the connection's time ends it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(one.ended.wait(), seconds)

    # Telling others

    async def _tell_others(self, destinations: Sequence[Destination]) -> None:
        """Take over other destinations; what did not change goes on."""
        wanted = {one.name: one for one in destinations}
        for name, one in list(self.telling.items()):
            if wanted.get(name) != one.teller.destination:
                await self._end_telling(name)
        for name in wanted.keys() - self.telling.keys():
            self._begin_telling(wanted[name])

    def _begin_telling(self, destination: Destination) -> None:
        teller = Teller(destination, self.engine, self.writer, utc_now)
        loop = asyncio.create_task(self._tell(teller))
        self.telling[destination.name] = Telling(teller=teller, loop=loop)

    async def _end_telling(self, name: str) -> None:
        """Cut off what is being said: it was not answered, so it is said again."""
        one = self.telling.pop(name)
        one.loop.cancel()
        await asyncio.gather(one.loop, return_exceptions=True)
        await one.teller.aclose()

    @staticmethod
    async def _tell(teller: Teller) -> None:
        while True:
            try:
                busy = await teller.step()
                teller.failed = ""
            except Exception as error:
                busy, name, why = False, teller.destination.name, trouble(error)
                if not why:
                    log.exception("outbound.step.failed", destination=name)
                elif why != teller.failed:
                    log.error("outbound.step.failed", destination=name, why=why)  # noqa: TRY400 - see _step_failed
                teller.failed = why or f"An error of the program: {type(error).__name__}"
            if not busy:
                await asyncio.sleep(TELL_SECONDS)

    def wake(self, *names: str) -> None:
        """Somebody has something new for these connections: look now."""
        for name in names:
            if (one := self.running.get(name)) is not None:
                one.wake()

    # Messages

    def connections_by_token(self, side: Side, token: str) -> list[str]:
        """Names of the connections whose hook address on that side carries this token."""
        return [
            one.name
            for one in self.installation.connections
            if (right := one.hook_tokens.get(side)) and hmac.compare_digest(right.encode(), token.encode())
        ]

    async def receive(self, names: list[str], side: Side, content_type: str, body: bytes) -> None:
        """Store a message durably; it will be dealt with right after.

        Raises:
            NotStoredError: it is not stored.
        """
        now = utc_now()
        try:
            await self.writer.write_async(
                lambda database: receive(database, names, side, content_type, body, now)
            )
        except Exception as error:
            if not (why := trouble(error)):
                raise
            raise NotStoredError(why) from error
        self.wake(*names)
