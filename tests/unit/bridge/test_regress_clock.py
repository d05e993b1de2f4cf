"""A clock that was ahead and is put right again (found by simulation, seed 1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_fakes import AT_ONCE, CANCELLED, STARTED, Small, run

from countermand.bridge.connection import Polling
from countermand.core.status import OPEN
from countermand.core.tasks import TaskKind

DAY = timedelta(days=1).total_seconds()
OFTEN = Polling()


async def watched_by_a_clock_a_day_ahead(small: Small) -> None:
    """An order is read while the clock is a day ahead; then the clock is put right."""
    await small.in_production()
    small.clock.advance(DAY)
    await small.settle()
    small.clock.advance(-DAY)


def test_a_change_is_seen_although_the_last_read_claims_to_be_from_tomorrow() -> None:
    async def story() -> None:
        small = Small(polling=OFTEN)
        await watched_by_a_clock_a_day_ahead(small)
        small.mis.change("J10001-01", status=STARTED)
        small.clock.advance(120)
        await small.step()
        case = await small.case()
        assert case.items[0].mis.status == STARTED
        assert case.items[0].mis.began_at <= small.clock()

    run(story())


@pytest.mark.parametrize("ahead", [DAY, 1800])
def test_what_is_listed_counts_although_the_last_read_claims_to_be_from_later(ahead: float) -> None:
    """Also where no read is due soon: it is taken in a moment after the listing began."""

    async def story() -> None:
        small = Small(polling=OFTEN)
        await small.in_production()
        small.clock.advance(DAY + ahead)
        small.order_hook("10001")
        small.job_hook("J10001-01")
        await small.settle()
        small.clock.advance(-ahead)
        small.clock.tick = timedelta(microseconds=5)
        small.mis.cancel_by_hand("J10001-01")
        await small.bridge._poll.look()
        assert (await small.case()).items[0].mis.status == CANCELLED

    run(story())


def test_an_order_that_is_not_made_is_asked_about_in_time_although_the_clock_was_ahead() -> None:
    """Seed 9341: an order first seen on a clock a day ahead was waited for a day longer."""

    async def story() -> None:
        small = Small(polling=OFTEN)
        small.clock.advance(DAY)
        small.storefront.place("10001")
        small.order_hook("10001")
        await small.settle()
        small.clock.advance(-DAY)
        for _ in range(10):
            small.clock.advance(1800)
            await small.settle()
        assert small.task(TaskKind.NOT_IN_PRODUCTION).state == "open"

    run(story())


def test_an_order_is_due_again_although_it_was_put_off_until_tomorrow() -> None:
    async def story() -> None:
        small = Small(polling=OFTEN)
        small.mis.lists = small.storefront.lists = False
        await watched_by_a_clock_a_day_ahead(small)
        small.mis.change("J10001-01", status=STARTED)
        for _ in range(3):
            small.clock.advance(timedelta(hours=2).total_seconds())
            await small.step()
        assert (await small.case()).items[0].mis.status == STARTED

    run(story())


def test_an_order_placed_while_the_clock_was_ahead_is_found() -> None:
    async def story() -> None:
        small = Small(polling=OFTEN)
        await small.in_production()
        small.clock.advance(DAY)
        await small.step()
        small.storefront.place("10002").placed_at -= timedelta(days=1)
        await small.step()
        small.clock.advance(-DAY)
        for _ in range(40):
            small.clock.advance(60)
            await small.step()
        assert "10002" in small.known()

    run(story())


def test_a_cancel_that_was_sent_tomorrow_is_still_read_back() -> None:
    async def story() -> None:
        small = Small(AT_ONCE, polling=OFTEN)
        await small.in_production()
        small.clock.advance(DAY)
        small.storefront.cancel_by_hand("10001")
        small.mis.lagging["J10001-01"] = OPEN
        small.order_hook("10001")
        await small.step()
        small.clock.advance(-DAY)
        small.mis.lagging.clear()
        for _ in range(10):
            small.clock.advance(60)
            await small.step()
        case = await small.case()
        assert case.items[0].mis.status == CANCELLED
        assert case.writes[0].command.verified_at is not None

    run(story())


@pytest.mark.parametrize("days", [1, 2, 20])
def test_an_order_is_found_although_the_clock_is_days_ahead_and_stays_so(days: int) -> None:
    """Seeds 7018, 1497: listings began where the storefront's own clock had not come to yet, and no message
    came. How far they have come is told by its own times.
    """

    async def story() -> None:
        small = Small(polling=OFTEN)
        await small.in_production()
        small.clock.advance(days * DAY)
        await small.step()
        small.clock.advance(60)
        small.storefront.place("10002").placed_at -= timedelta(days=days)
        small.clock.advance(60)
        await small.step()
        assert "10002" in small.known()

    run(story())
