"""Following the journal, and telling one destination outside what happened.

There is no queue that could be lost or run full: the journal is the queue, and what is stored is how far in
it the destination was told. A message is repeated until it is answered with 2xx, at longer and longer
intervals, and what comes after it waits, so that no task closes before it was opened. After a crash the last
one may come twice, under the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import httpx2 as httpx
import structlog
from sqlalchemy import Engine

from countermand.ledger.journal import INSTALLATION
from countermand.ledger.records import JournalRow, journal_ends, journal_since
from countermand.ledger.told import note_told, told_up_to
from countermand.ledger.writer import Writer
from countermand.outbound.destination import Destination
from countermand.outbound.message import message_id, message_of
from countermand.outbound.sending import client, send

log = structlog.get_logger()

#: How long after each failure in a row the next attempt is made; the last goes on for as long as it fails.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))
#: Entries looked through at once, and how many may be looked through again after a restart.
_BATCH, _STORE_EVERY = 200, 1000


class Teller:
    """Tells one destination of all connections.

    `failed`: an error of ours, until a step goes well. `told_at`: when it last heard, since the start.
    """

    def __init__(
        self,
        destination: Destination,
        engine: Engine,
        writer: Writer,
        clock: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.destination = destination
        self.failed = ""
        self.told_at: datetime | None = None
        self._engine = engine
        self._writer = writer
        self._clock = clock
        self._refused = ""
        self._failures = 0
        self._failed_at: datetime | None = None
        self._reached: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        self._client = client(transport)

    @property
    def trouble(self) -> str:
        """Why it does not hear, in one sentence."""
        return self.failed or self._refused

    async def aclose(self) -> None:
        """Note what was passed and not stored yet, so that the next life does not begin before it."""
        await self._client.aclose()
        if behind := {chain: seq for chain, seq in self._reached.items() if seq != self._stored[chain]}:
            with suppress(Exception):  # it is no more than after a crash
                await self._store(behind)

    async def step(self) -> bool:
        """Tell of the next entries of each chain; whether there were any."""
        if self._rests():
            return False
        went_on = False
        for chain, reached in (await self._places()).items():
            with self._engine.begin() as database:
                entries = journal_since(database, chain, reached, _BATCH)
            for entry in entries:
                wanted = entry.event in self.destination.events
                if wanted and not await self._tell(entry):
                    return False
                await self._pass(entry, wanted)
            went_on = went_on or bool(entries)
        return went_on

    def _rests(self) -> bool:
        """Whether it is too early to try again; a clock that was set back ends the rest."""
        if self._failed_at is None:
            return False
        wait = WAITS[min(self._failures, len(WAITS)) - 1]
        return timedelta(0) <= self._clock() - self._failed_at < wait

    async def _places(self) -> dict[str, int]:
        """How far each chain was told of that has gone on since; most rest, where there are many.

        What was there before the destination was is no news. Where it begins is stored whole or not at all,
        and also where no chain has begun, so that the next life does not take it for a new one.
        """
        with self._engine.begin() as database:
            if not self._reached:
                self._reached = told_up_to(database, self.destination.name)
                self._stored = dict(self._reached)
            ends = journal_ends(database)
        if not self._reached:
            await self._store({INSTALLATION: 0} | ends)
        elif begun := ends.keys() - self._reached.keys():
            await self._store(dict.fromkeys(begun, 0))
        return {chain: seq for chain, seq in self._reached.items() if ends.get(chain, 0) > seq}

    async def _pass(self, entry: JournalRow, told: bool) -> None:
        self._reached[entry.chain] = entry.seq
        if told or entry.seq - self._stored[entry.chain] >= _STORE_EVERY:
            await self._store({entry.chain: entry.seq})

    async def _store(self, places: dict[str, int]) -> None:
        name = self.destination.name
        await self._writer.write_async(lambda database: note_told(database, name, places))
        self._reached |= places
        self._stored |= places

    # One message

    async def _tell(self, entry: JournalRow) -> bool:
        """Whether it has arrived."""
        with self._engine.begin() as database:
            # As it stands now: its personal data may have been erased while those before it were told.
            (entry,) = journal_since(database, entry.chain, entry.seq - 1, 1)
            message = message_of(database, entry, self.destination)
        trouble = await send(self._client, self.destination, message_id(entry), message, self._clock())
        if trouble != self._refused:
            log.info("outbound.told", destination=self.destination.name, trouble=trouble)
        self._refused = trouble
        self._failures = self._failures + 1 if trouble else 0
        self._failed_at = self._clock() if trouble else None
        self.told_at = self.told_at if trouble else self._clock()
        return not trouble
