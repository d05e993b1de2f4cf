"""The one place where everything is put together: ledger, vendors, bridges, and the loop that drives them."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import structlog
from sqlalchemy import Engine

from countermand.bridge.bridge import Bridge
from countermand.bridge.connection import Connection, Polling
from countermand.bridge.intake import HookParser
from countermand.core.policy import Policy
from countermand.core.status import Side
from countermand.infigo import InfigoSettings, InfigoStorefront
from countermand.infigo import parse_hook as parse_infigo_hook
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import Durability, assert_durable, open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.store import DatabaseStore
from countermand.ledger.upgrade import assert_current, upgrade
from countermand.ledger.writer import GroupWriter, InlineWriter, Writer
from countermand.printiq import PrintIQMis, PrintIQSettings
from countermand.printiq import parse_hook as parse_printiq_hook
from countermand.vendor_http.transport import CallRecord

log = structlog.get_logger()

PARSERS: Mapping[Side, HookParser] = {Side.STOREFRONT: parse_infigo_hook, Side.MIS: parse_printiq_hook}

#: How long the loop rests when there is nothing to do and nobody wakes it, in seconds.
REST_SECONDS = 0.25


def utc_now() -> datetime:
    return datetime.now(UTC)


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One connection as set up: two systems and the rules between them.

    `live_since`: none means from the first start on. `hook_tokens`: the unguessable part of each side's
    hook address.
    """

    name: str
    infigo: InfigoSettings
    printiq: PrintIQSettings
    policy: Policy = Policy()
    polling: Polling = Polling()
    live_since: datetime | None = None
    hook_tokens: dict[Side, str] = {}


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one process serves. `database` is an SQLAlchemy URL.

    `banner`: a sentence that the console shows on its first page, such as what a demonstration does.
    """

    database: str
    connections: tuple[ConnectionSettings, ...] = ()
    banner: str = ""


class Calls:
    """Counts API calls by system and name; what was counted during polling is kept apart."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def __call__(self, record: CallRecord) -> None:
        self.counts[(record.system, record.name)] += 1


class Running(msgspec.Struct, kw_only=True):
    """One connection that is being looked after."""

    settings: ConnectionSettings
    bridge: Bridge
    storefront: InfigoStorefront
    mis: PrintIQMis
    failed: str = ""
    last_step_at: datetime | None = None


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
        self._wake = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Service:
        self.open()
        for settings in self.installation.connections:
            self.running[settings.name] = await self._start(settings)
        self._loops = [asyncio.create_task(self._look_after(one)) for one in self.running.values()]
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
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        for one in self.running.values():
            await one.storefront.aclose()
            await one.mis.aclose()
        self.writer.close()
        self.engine.dispose()

    async def _start(self, settings: ConnectionSettings) -> Running:
        now = utc_now()
        live_since = await self.writer.write_async(
            lambda database: remember_connection(database, settings.name, settings.live_since, now)
        )
        storefront = InfigoStorefront(settings.infigo, clock=utc_now, on_call=self.calls)
        mis = PrintIQMis(settings.printiq, clock=utc_now, on_call=self.calls)
        connection = Connection(
            name=settings.name,
            storefront=storefront,
            mis=mis,
            policy=settings.policy,
            live_since=live_since,
            polling=settings.polling,
        )
        bridge = Bridge(connection, self.store, PARSERS, utc_now)
        return Running(settings=settings, bridge=bridge, storefront=storefront, mis=mis)

    async def _look_after(self, one: Running) -> None:
        """Step after step, for ever. A failing step is logged, shown, and tried again after a rest."""
        while True:
            try:
                busy = await one.bridge.step()
                one.failed, one.last_step_at = "", utc_now()
            except Exception as error:
                busy, one.failed = 0, f"{type(error).__name__}: {error}"
                log.exception("bridge.step.failed", connection=one.settings.name)
            if not busy:
                await self._rest()

    async def _rest(self) -> None:
        self._wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), REST_SECONDS)

    def wake(self) -> None:
        """Somebody has something new: look now."""
        self._wake.set()

    # Messages

    def connections_by_token(self, side: Side, token: str) -> list[str]:
        """Names of the connections whose hook address on that side carries this token."""
        return [
            one.name
            for one in self.installation.connections
            if (right := one.hook_tokens.get(side)) and hmac.compare_digest(right.encode(), token.encode())
        ]

    async def receive(self, names: list[str], side: Side, content_type: str, body: bytes) -> None:
        """Store a message durably; it will be dealt with right after."""
        now = utc_now()
        await self.writer.write_async(
            lambda database: receive(database, names, side, content_type, body, now)
        )
        self.wake()
