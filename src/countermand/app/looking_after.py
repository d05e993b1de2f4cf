"""Looking after connections: two loops for each, and one connection after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

import structlog

from countermand.app.clock import utc_now
from countermand.app.running import Running
from countermand.bridge.faults import in_short, traceback_of
from countermand.ledger.trouble import trouble

log = structlog.get_logger()

#: How long a connection's loop rests when nothing is due and nobody wakes it, in seconds. That is for what
#: another process stored; many connections share `LOOKS_A_SECOND` of such looks, and then it is longer.
REST_SECONDS = 0.25
LOOKS_A_SECOND = 10.0
#: So many connections begin in a second, and list from then on in turn: all at once, thousands would open
#: more than the machine can, and wait for each other until their calls time out.
BEGINNINGS_A_SECOND = 20.0
#: How long a sweep rests after an error of ours, before it takes the same orders on again.
SWEEP_FAILED_SECONDS = 60.0
#: How long the loop rests after an error of ours, or when nothing can be stored: each step reads in both
#: systems, and what it found would be thrown away.
FAILED_SECONDS = 2.0


class LookingAfter:
    """Runs the loops of all connections in one event loop.

    `running`: those that are looked after, by name; whoever begins is added. `next_due`: when a connection's
    next order is due, as far as is known.
    """

    def __init__(self, running: dict[str, Running], next_due: Callable[[str], datetime | None]) -> None:
        self._running = running
        self._next_due = next_due
        self._turn = asyncio.Lock()

    def begin_all(self, ready: Sequence[Running]) -> None:
        for number, one in enumerate(ready):
            self._running[one.settings.name] = one
            one.loop = asyncio.create_task(self._look_after(one, number / BEGINNINGS_A_SECOND))
            one.sweeping = asyncio.create_task(self._sweep(one, number / BEGINNINGS_A_SECOND))

    async def end_all(self, ending: Sequence[Running], patience: float) -> None:
        """Let each step end that is being taken; cut it off when it takes longer than `patience` seconds."""
        await asyncio.gather(*(self._end(one, patience) for one in ending))

    async def _end(self, one: Running, patience: float) -> None:
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

    # Steps

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
                _step_failed(one, error)
                await _pause(one, FAILED_SECONDS)
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
        due = [at for at in (one.bridge.lists_at, self._next_due(one.settings.name)) if at is not None]
        waits = (max(0.0, (at - utc_now()).total_seconds()) for at in due)
        return min((self._longest_rest(), *waits))

    def _longest_rest(self) -> float:
        return max(REST_SECONDS, len(self._running) / LOOKS_A_SECOND)

    # Sweeps

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
                _sweep_failed(one, error)
            if busy:
                one.woken.set()  # what it found may be due
                await _pause(one, pause)
            elif not one.ending:
                await _woken(one.sweep_woken, self._longest_rest())


async def _woken(event: asyncio.Event, seconds: float) -> bool:
    """Wait until somebody sets it, but not longer than so many seconds; whether somebody did."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def _pause(one: Running, seconds: float) -> None:
    """Rest so long, whatever wakes the others; the end of the connection's time ends it."""
    with suppress(TimeoutError):
        await asyncio.wait_for(one.ended.wait(), seconds)


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


def _sweep_failed(one: Running, error: Exception) -> None:
    """Say it; a disk in trouble is said by `storage`, and by whoever tries to store next."""
    mask = one.bridge.connection.mask
    one.sweep_failed = "" if trouble(error) else in_short(error, mask)
    said = traceback_of(error, mask)
    log.error("sweep.step.failed", connection=one.settings.name, exception=said)
