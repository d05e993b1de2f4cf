"""How often orders are read without having been told: what simulated months showed to be too often."""

from __future__ import annotations

from datetime import timedelta

from bridge_fakes import START, Small, run
from msgspec.structs import replace

from countermand.bridge.connection import Polling

MINUTE = timedelta(minutes=1)
POLLING = Polling()


def waits(*, resting: timedelta, from_second: int) -> timedelta:
    now = START + timedelta(seconds=from_second)
    due = POLLING.next_after(now, now - resting, False)
    assert due is not None
    return due - now


def test_an_order_that_rests_is_read_later_and_later_and_never_later_than_the_slowest() -> None:
    for second in range(0, 3600, 7):
        last = timedelta(0)
        for minutes in (0, 10, 40, 120, 600, 2400, 9000):
            wait = waits(resting=minutes * MINUTE, from_second=second)
            assert POLLING.interval <= wait <= POLLING.slowest
            assert wait > last / 2
            last = wait
        assert last > POLLING.slowest / 2


def test_orders_that_rest_come_due_together() -> None:
    due = {waits(resting=timedelta(days=2), from_second=s) + timedelta(seconds=s) for s in range(0, 1800, 60)}
    assert len(due) <= 2


def test_a_fresh_order_is_read_every_interval() -> None:
    assert waits(resting=timedelta(0), from_second=13) == POLLING.interval


def test_an_old_order_is_no_news_because_a_clock_moved_on_while_it_was_taken_in() -> None:
    async def story() -> None:
        small = Small(polling=POLLING)
        small.clock.tick = timedelta(microseconds=5)
        order = small.storefront.place("10001")
        order.placed_at = START - timedelta(days=10)
        small.mis.make("J1", customer_reference="10001", external_reference="s10001")
        await small.settle()
        due = (await small.case()).poll_at
        assert due is not None
        assert due - small.clock() > timedelta(hours=3)

    run(story())


def test_a_system_in_trouble_does_not_have_every_old_order_read_at_full_speed() -> None:
    async def story() -> None:
        small = Small(polling=replace(POLLING, slowest=timedelta(hours=6)))
        await small.in_production()
        small.clock.advance(timedelta(days=3).total_seconds())
        await small.step()
        rested = (await small.case()).poll_at
        assert rested is not None
        assert rested - small.clock() > timedelta(hours=3)
        small.storefront.down = "502"
        small.clock.now = rested
        await small.step()
        failing = (await small.case()).poll_at
        assert failing is not None
        assert failing - small.clock() <= 2 * MINUTE
        small.storefront.down = ""
        small.clock.now = failing
        await small.step()
        again = (await small.case()).poll_at
        assert again is not None
        assert again - small.clock() > timedelta(hours=2)

    run(story())
