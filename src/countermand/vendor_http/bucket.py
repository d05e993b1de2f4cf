"""A token bucket: the budget of API calls that one connection may make."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]

#: A vendor that asks for a longer pause than this gets asked again anyway.
LONGEST_PAUSE = timedelta(minutes=5)


class TokenBucket:
    """At most `burst` calls at once and `rate` calls a second over time; callers are served in order.

    Instead of counting tokens it keeps the moment at which the budget will be whole again: a caller
    pushes that moment on by one call and sleeps until its own place is reached, holding no lock.
    """

    def __init__(self, *, rate: float, burst: int, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(
                f"A budget needs a rate above 0 and a burst of 1 or more, not {rate} and {burst}"
            )
        self._interval = timedelta(seconds=1 / rate)
        self._allowance = self._interval * burst
        self._clock = clock
        self._sleep = sleep
        self._whole_at = clock()
        self._paused_until = self._whole_at

    async def take(self) -> None:
        """Wait for one call's worth of budget."""
        now = self._clock()
        self._whole_at = max(self._whole_at, now) + self._interval
        ready_at = self._whole_at - self._allowance
        try:
            await self._sleep_until(max(ready_at, self._paused_until))
            while (pause := self._paused_until) > max(ready_at, self._clock()):
                ready_at = pause
                await self._sleep_until(pause)
        except asyncio.CancelledError:
            self._whole_at -= self._interval
            raise

    def pause(self, wait: timedelta) -> None:
        """Hold every call back because the vendor said so (HTTP 429)."""
        self._paused_until = max(self._paused_until, self._clock() + min(wait, LONGEST_PAUSE))

    def pause_left(self) -> float:
        """Seconds until calls may go out again after a 429; zero when they may now."""
        return max(0.0, (self._paused_until - self._clock()).total_seconds())

    async def _sleep_until(self, moment: datetime) -> None:
        wait = (moment - self._clock()).total_seconds()
        if wait > 0:
            await self._sleep(wait)
