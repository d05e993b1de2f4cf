"""Time that jumps, and order that is always the same."""

from __future__ import annotations

import asyncio

import pytest

from countermand.simulation.loop import EPOCH, SimulatedLoop


@pytest.fixture
def loop() -> SimulatedLoop:
    return SimulatedLoop()  # type: ignore[abstract]


def test_timers_come_in_the_order_of_their_time_and_then_of_their_making(loop: SimulatedLoop) -> None:
    seen: list[str] = []
    loop.call_at(5, seen.append, "late")
    loop.call_at(1, seen.append, "first")
    loop.call_at(1, seen.append, "second")
    loop.run_until(10)
    assert seen == ["first", "second", "late"]
    assert loop.time() == 10


def test_a_year_of_sleep_takes_no_time(loop: SimulatedLoop) -> None:
    woke: list[float] = []

    async def sleeper() -> None:
        await asyncio.sleep(365 * 86400.0)
        woke.append(loop.time())

    loop.create_task(sleeper())
    loop.run_until(366 * 86400.0)
    assert woke == [365 * 86400.0]
    assert (loop.moment() - EPOCH).days == 366


def test_nothing_happens_after_the_end(loop: SimulatedLoop) -> None:
    seen: list[str] = []
    loop.call_at(11, seen.append, "too late")
    loop.run_until(10)
    assert seen == []


def test_a_cancelled_timer_never_comes(loop: SimulatedLoop) -> None:
    seen: list[str] = []
    loop.call_later(1, seen.append, "cancelled").cancel()
    loop.run_until(10)
    assert seen == []


def test_what_a_callback_raises_ends_the_run(loop: SimulatedLoop) -> None:
    def fail() -> None:
        raise ValueError("broken")

    loop.call_later(1, fail)
    with pytest.raises(ValueError, match="broken"):
        loop.run_until(10)


def test_it_is_looked_at_after_every_callback(loop: SimulatedLoop) -> None:
    looks: list[float] = []
    loop.after_each = lambda: looks.append(loop.time())
    for moment in (1.0, 2.0, 2.0):
        loop.call_at(moment, lambda: None)
    loop.run_until(10)
    assert looks == [1.0, 2.0, 2.0]
