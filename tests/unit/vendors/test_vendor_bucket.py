"""The budget of API calls."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from vendor_fakes import START, FakeClock, run

from countermand.vendor_http.bucket import LONGEST_PAUSE, TokenBucket


def _bucket(clock: FakeClock, *, rate: float = 2, burst: int = 3) -> TokenBucket:
    return TokenBucket(rate=rate, burst=burst, clock=clock, sleep=clock.sleep)


def _take(bucket: TokenBucket, times: int) -> None:
    async def take() -> None:
        for _ in range(times):
            await bucket.take()

    run(take())


def test_burst_is_free_and_then_calls_are_spaced() -> None:
    clock = FakeClock()
    _take(_bucket(clock), 6)
    assert clock.slept == [0.5, 0.5, 0.5]


def test_budget_comes_back_but_never_above_the_burst() -> None:
    clock = FakeClock()
    bucket = _bucket(clock)
    _take(bucket, 3)
    clock.advance(3600)
    _take(bucket, 4)
    assert clock.slept == [0.5]


def test_a_clock_that_goes_back_does_not_grant_or_take_budget() -> None:
    clock = FakeClock()
    bucket = _bucket(clock)
    _take(bucket, 3)
    clock.advance(-0.25)
    _take(bucket, 1)
    assert clock.slept == [0.75]
    assert clock.now == START + timedelta(seconds=0.5)


def test_a_clock_that_is_put_back_by_an_hour_makes_nobody_wait_an_hour() -> None:
    clock = FakeClock()
    bucket = _bucket(clock)
    _take(bucket, 3)
    bucket.pause(timedelta(seconds=30))
    clock.advance(-3600)
    assert bucket.pause_left() == 30
    _take(bucket, 1)
    assert clock.slept == [30]
    clock.advance(-3600)
    _take(bucket, 1)
    assert sum(clock.slept) <= 31


def test_callers_at_the_same_time_wait_for_different_places() -> None:
    clock = FakeClock()
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    bucket = TokenBucket(rate=1, burst=1, clock=clock, sleep=sleep)

    async def take_together() -> None:
        await asyncio.gather(*(bucket.take() for _ in range(4)))

    run(take_together())
    assert asked == [1, 2, 3]


def test_a_cancelled_caller_gives_its_place_back() -> None:
    clock = FakeClock()
    forever = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await forever.wait()

    bucket = TokenBucket(rate=1, burst=1, clock=clock, sleep=sleep)

    async def give_up() -> None:
        await bucket.take()
        waiting = asyncio.create_task(bucket.take())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        clock.advance(1)
        await bucket.take()

    run(asyncio.wait_for(give_up(), 5))


def test_a_pause_holds_even_a_full_budget_back() -> None:
    clock = FakeClock()
    bucket = _bucket(clock)
    bucket.pause(timedelta(seconds=7))
    _take(bucket, 1)
    assert clock.slept == [7]


def test_a_pause_that_comes_while_waiting_counts_too() -> None:
    clock = FakeClock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds)
        if len(slept) == 1:
            bucket.pause(timedelta(seconds=4))

    bucket = TokenBucket(rate=1, burst=1, clock=clock, sleep=sleep)
    _take(bucket, 2)
    assert slept == [1, 4]


def test_an_absurd_pause_is_capped() -> None:
    clock = FakeClock()
    bucket = _bucket(clock)
    bucket.pause(timedelta(days=400))
    _take(bucket, 1)
    assert clock.slept == [LONGEST_PAUSE.total_seconds()]


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_budget_of_nothing_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="budget"):
        _bucket(FakeClock(), rate=rate, burst=burst)


@pytest.mark.parametrize(("patience", "granted"), [(7, True), (6.9, False), (0, False)])
def test_a_pause_that_is_too_long_is_not_waited_for(patience: float, granted: bool) -> None:
    clock = FakeClock()
    bucket = _bucket(clock, burst=1)
    bucket.pause(timedelta(seconds=7))
    assert run(bucket.take(patience)) is granted
    assert clock.slept == ([7] if granted else [])


def test_what_gave_up_in_a_pause_has_taken_nothing() -> None:
    clock = FakeClock()
    bucket = _bucket(clock, rate=1, burst=1)
    bucket.pause(timedelta(seconds=7))
    assert not run(bucket.take(0))
    clock.advance(7)
    _take(bucket, 1)
    assert clock.slept == []
