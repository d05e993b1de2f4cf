"""The bridge of one connection: messages, listings and due orders, round after round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from countermand.bridge.clocks import TOLERANCE
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.converge import AtFault, Converger, log_fault
from countermand.bridge.intake import HookParser, Intake
from countermand.bridge.poll import Poll
from countermand.bridge.store import Store
from countermand.core.status import Side

#: How many orders one pass takes on together.
BATCH = 50


class Bridge:
    """Keeps one connection in step; the caller says when to take a step, and what time it is."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        parsers: Mapping[Side, HookParser],
        clock: Callable[[], datetime],
        at_fault: AtFault = log_fault,
    ) -> None:
        self.connection = connection
        self._store = store
        self._clock = clock
        self._converger = Converger(connection, store, clock, at_fault)
        self._intake = Intake(connection, store, self._converger, parsers, clock)
        self._poll = Poll(connection, store, self._converger, clock)
        self._poll_at: datetime | None = None
        self._last_step: datetime | None = None

    @property
    def faults(self) -> list[str]:
        """What fails by an error of ours while every known order is looked after, in a sentence each."""
        names = {"storefront": self.connection.storefront_name, "mis": self.connection.mis_name}
        return [
            f"What {names[side]} lists cannot be taken in, by an error of the program: {why}."
            for side, why in self._poll.failed.items()
        ]

    @property
    def unlisted(self) -> list[str]:
        """Which system could not be listed for long, in a sentence each."""
        names = {"storefront": self.connection.storefront_name, "mis": self.connection.mis_name}
        return [
            f"{names[side]} could not be listed since {since:%H:%M UTC on %-d %B %Y}: what is new there is "
            "noticed only when a message tells of it."
            for side, since in self._poll.unlisted_since.items()
        ]

    @property
    def lists_at(self) -> datetime | None:
        """When it is time to list what is new; none before the first step."""
        return self._poll_at

    async def step(self) -> int:
        """Messages first, then listings when their time has come, then every order that is due.

        Returns how many messages and orders were dealt with; nought means that there is nothing to do now.
        """
        await self._mind_the_clock()
        dealt_with = await self._intake.take()
        now, interval = self._clock(), self.connection.polling.interval
        if self._poll_at is None or not now < self._poll_at <= now + interval:
            self._poll_at = now + interval
            await self._poll.look()
        due = await self._store.due(self.connection.name, self._clock(), BATCH)
        await self._converger.converge([Pass(stored=one, case=one.case) for one in due])
        return dealt_with + len(due)

    async def _mind_the_clock(self) -> None:
        """At the start, and when the clock was set back: nothing may be due later than it can be."""
        now, last = self._clock(), self._last_step
        if last is None or now < last:
            await self._store.bring_forward(
                self.connection.name, now + self.connection.polling.slowest + TOLERANCE, now
            )
        self._last_step = now
