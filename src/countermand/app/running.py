"""One connection that is being looked after, and what is wrong with it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from countermand.app.installation import ConnectionSettings
from countermand.bridge.bridge import Bridge
from countermand.bridge.sweeper import Sweeper
from countermand.infigo import InfigoStorefront
from countermand.printiq import PrintIQMis


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
