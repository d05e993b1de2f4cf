"""The running service: ledger, vendors and bridges put together, and what comes in from outside."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec
from sqlalchemy import Connection as Database
from sqlalchemy import Engine, update

from countermand.app.clients import Clients
from countermand.app.clock import utc_now
from countermand.app.installation import ConnectionSettings, Installation, siblings
from countermand.app.looking_after import LookingAfter
from countermand.app.running import Running
from countermand.app.telling import Tellings
from countermand.bridge.bridge import Bridge
from countermand.bridge.connection import Connection
from countermand.bridge.converge import log_fault
from countermand.bridge.faults import Mask
from countermand.bridge.intake import HookParser
from countermand.bridge.store import State
from countermand.bridge.sweeper import Sweeper
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
from countermand.printiq import PrintIQMis
from countermand.printiq import parse_hook as parse_printiq_hook

#: How long a step may go on when the service stops, and when its connection changes. Cutting a step off is
#: safe (what was sent and not answered is read back later), but a step that ends costs nobody a look.
STOP_SECONDS = 5.0
CHANGE_SECONDS = 60.0
#: How often values that were read are forgotten, in seconds: what was erased stays in memory no longer.
FORGET_SECONDS = 600.0
#: Orders that have come to rest need no new look when rules change.
_AT_REST = (State.IN_STEP.value, State.CLOSED.value)


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
        self.clients = Clients()
        self.running: dict[str, Running] = {}
        self.telling: Tellings
        self.set_up_refused = ""
        self.needs_restart: tuple[str, ...] = ()
        self.systems_failing: dict[str, str] = {}
        self._looking_after: LookingAfter
        self._forgetting: asyncio.Task[None]

    async def __aenter__(self) -> Service:
        self.open()
        self._looking_after.begin_all(
            await self._prepare_all(self.installation.connections, self.installation)
        )
        await self.telling.take_over(self.installation.destinations)
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
        self.telling = Tellings(self.engine, self.writer)
        self._looking_after = LookingAfter(self.running, self.store.next_due)

    async def __aexit__(self, *_exc: object) -> None:
        self._forgetting.cancel()
        await self._looking_after.end_all(list(self.running.values()), STOP_SECONDS)
        await self.telling.take_over(())
        await self.clients.close_all_but(())
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
        ending = [self.running[name] for name in changed if name in old]
        await self._looking_after.end_all(ending, CHANGE_SECONDS)
        for name in old.keys() - new.keys():
            del self.running[name]
        self._looking_after.begin_all(ready)
        now = utc_now()
        await asyncio.gather(
            *(self.writer.write_async(partial(_judge_anew, one.settings.name, now)) for one in ready)
        )
        self.wake(*(one.settings.name for one in ready))
        await self.clients.close_all_but(installation.connections)
        await self.telling.take_over(installation.destinations)
        return changed

    def wake(self, *names: str) -> None:
        """Somebody has something new for these connections: look now."""
        for name in names:
            if (one := self.running.get(name)) is not None:
                one.wake()

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
            untold=self.telling.untold,
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
        storefront, mis = self.clients.storefront(settings.infigo), self.clients.mis(settings.printiq)
        connection = Connection(
            name=settings.name,
            storefront=storefront,
            mis=mis,
            policy=settings.policy,
            overrides=settings.overrides,
            siblings={other: self.clients.storefront(infigo) for other, infigo in sharing.items()},
            live_since=live_since,
            polling=settings.polling,
            mask=_mask(settings, storefront, mis),
        )
        at_fault = partial(log_fault, mask=connection.mask)
        bridge = Bridge(connection, self.store, _parsers(settings), utc_now, at_fault)
        sweeper = Sweeper(connection, SweepDatabaseStore(self.engine, self.writer), utc_now, at_fault)
        return Running(settings=settings, bridge=bridge, sweeper=sweeper, storefront=storefront, mis=mis)

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


async def _forget_now_and_then() -> None:
    while True:
        await asyncio.sleep(FORGET_SECONDS)
        forget_values()


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


def _mask(settings: ConnectionSettings, storefront: InfigoStorefront, mis: PrintIQMis) -> Mask:
    """Strikes out what must not be seen: both systems' secrets, and the hook addresses' secret parts."""

    def mask(text: str) -> str:
        for token in settings.hook_tokens.values():
            text = text.replace(token, "***") if token else text
        return mis.without_secrets(storefront.without_secrets(text))

    return mask
