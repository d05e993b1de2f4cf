"""A token bucket: the budget of API calls that one connection may make."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]

#: A vendor that asks for a longer pause than this gets asked again anyway.
LONGEST_PAUSE = timedelta(minutes=5)
#: A clock that goes back by more than this was put right: what was to be waited for goes back with it.
_PUT_RIGHT = timedelta(seconds=2)


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
        self._latest = self._whole_at

    async def take(self, patience: float = LONGEST_PAUSE.total_seconds()) -> bool:
        """Wait for one call's worth of budget; false, and none taken, where a pause outlasts `patience` (s).

        The vendor may ask for a pause while a call waits for its turn.
        """
        if self.pause_left() > patience:
            return False
        self._whole_at = max(self._whole_at, self._now()) + self._interval
        ready_at = max(self._whole_at - self._allowance, self._paused_until)
        try:
            await self._sleep_until(ready_at)
            while (pause := self.pause_left()) and self._paused_until > ready_at:
                if pause > patience:
                    self._whole_at -= self._interval
                    return False
                ready_at = self._paused_until
                await self._sleep_until(ready_at)
        except asyncio.CancelledError:
            self._whole_at -= self._interval
            raise
        return True

    def pause(self, wait: timedelta) -> None:
        """Hold every call back because the vendor said so (HTTP 429, or 503 with a time)."""
        now = self._now()
        self._paused_until = max(self._paused_until, now + min(wait, LONGEST_PAUSE))

    def pause_left(self) -> float:
        """Seconds until calls may go out again; zero when they may now."""
        now = self._now()
        return max(0.0, (self._paused_until - now).total_seconds())

    def _now(self) -> datetime:
        """The time; where the clock was put back, what is waited for is no further away than before."""
        now = self._clock()
        if now < self._latest - _PUT_RIGHT:
            back = self._latest - now
            self._whole_at -= back
            self._paused_until -= back
            self._latest = now
        self._latest = max(self._latest, now)
        return now

    async def _sleep_until(self, moment: datetime) -> None:
        wait = (moment - self._clock()).total_seconds()
        if wait > 0:
            await self._sleep(wait)
