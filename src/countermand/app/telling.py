"""Telling destinations outside what happens: a loop for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import Engine

from countermand.app.clock import utc_now
from countermand.ledger.trouble import trouble
from countermand.ledger.writer import Writer
from countermand.outbound.destination import Destination
from countermand.outbound.teller import Teller

log = structlog.get_logger()

#: How often it is looked whether there is something to tell others, in seconds.
TELL_SECONDS = 1.0


class Telling(msgspec.Struct, kw_only=True):
    """One destination outside that is told what happens."""

    teller: Teller
    loop: asyncio.Task[None]


class Tellings:
    """All destinations that are told. `by_name`: each with its loop."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self.by_name: dict[str, Telling] = {}
        self._engine = engine
        self._writer = writer

    @property
    def untold(self) -> dict[str, str]:
        """Those that do not hear what happens, with the reason."""
        return {name: one.teller.trouble for name, one in self.by_name.items() if one.teller.trouble}

    async def take_over(self, destinations: Sequence[Destination]) -> None:
        """Tell these and no others; where nothing changed it goes on."""
        wanted = {one.name: one for one in destinations}
        for name, one in list(self.by_name.items()):
            if wanted.get(name) != one.teller.destination:
                await self._end(name)
        for name in wanted.keys() - self.by_name.keys():
            self._begin(wanted[name])

    def _begin(self, destination: Destination) -> None:
        teller = Teller(destination, self._engine, self._writer, utc_now)
        self.by_name[destination.name] = Telling(
            teller=teller, loop=asyncio.create_task(keep_telling(teller))
        )

    async def _end(self, name: str) -> None:
        """Cut off what is being said: it was not answered, so it is said again."""
        one = self.by_name.pop(name)
        one.loop.cancel()
        await asyncio.gather(one.loop, return_exceptions=True)
        await one.teller.aclose()


async def keep_telling(teller: Teller) -> None:
    """Step after step, without end. A failing one is logged, shown, and tried again after a rest."""
    while True:
        try:
            busy = await teller.step()
            teller.failed = ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the next step may go well
            busy = False
            _tell_failed(teller, error)
        if not busy:
            await asyncio.sleep(TELL_SECONDS)


def _tell_failed(teller: Teller, error: Exception) -> None:
    """Say it; of a disk in trouble only once and in one sentence, for the log may be on it."""
    name, why = teller.destination.name, trouble(error)
    if not why:
        log.error("outbound.step.failed", destination=name, exc_info=error)
    elif why != teller.failed:
        log.error("outbound.step.failed", destination=name, why=why)
    teller.failed = why or f"An error of the program: {type(error).__name__}"
