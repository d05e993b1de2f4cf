"""Looking without having been told: listings, and orders whose own time has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from bridge_fakes import AT_ONCE, NEVER, SHOP, START, Small, run

from countermand.bridge import people
from countermand.bridge.connection import Polling
from countermand.bridge.poll import OVERLAP, THOROUGH, THOROUGH_EVERY
from countermand.bridge.ports import LineKind, MisItem, MisItemKind, OrderNotRead, StorefrontOrder
from countermand.bridge.store import StoredCase
from countermand.core.status import Side
from countermand.core.tasks import TaskKind

OFTEN = Polling(interval=timedelta(seconds=60), slowest=timedelta(hours=6), lookback=timedelta(days=30))


@pytest.fixture
def small() -> Small:
    return Small(AT_ONCE, OFTEN)


def test_both_directions_work_by_listings_alone(small: Small) -> None:
    async def story() -> None:
        for order_id in ("10001", "10002"):
            small.storefront.place(order_id)
            small.mis.make(f"J{order_id}", external_reference=f"s{order_id}", customer_reference=order_id)
        await small.settle()
        assert await small.rules("10001") == await small.rules("10002") == {"both-open"}
        small.storefront.cancel_by_hand("10001")
        small.mis.cancel_by_hand("J10002")
        small.clock.advance(60)
        await small.settle()
        assert small.mis.writes == ["J10001"]
        assert small.storefront.writes == [("cancel", "10002", None)]
        assert await small.rules("10001") == await small.rules("10002") == {"both-cancelled"}

    run(story())


def test_it_works_with_no_message_and_no_listing_at_all(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.storefront.lists = small.mis.lists = False
        small.mis.cancel_by_hand("J10001-01")
        for _ in range(5):
            small.clock.advance(60)
            await small.settle()
        assert small.storefront.writes == [("cancel", "10001", None)]

    run(story())


def newest(small: Small) -> datetime:
    """One order and one job of no order, both as new as it gets, seen in a listing later on; their time."""
    small.storefront.place(str(10001 + len(small.storefront.orders)))
    small.mis.make(f"J{1 + len(small.mis.items)}", customer_reference="of another shop")
    at = small.clock()
    small.clock.advance(60)
    return at


def listed_since(small: Small) -> set[datetime]:
    """Where the last listing of each system began."""
    return {small.storefront.listed_since[-1], small.mis.listed_since[-1]}


def test_a_listing_begins_a_little_before_the_newest_that_was_shown(small: Small) -> None:
    async def story() -> None:
        await small.step()
        assert listed_since(small) == {START - OFTEN.lookback - OVERLAP}
        at = newest(small)
        await small.step()
        for _ in range(3):
            small.clock.advance(60)
            await small.step()
            assert listed_since(small) == {at - OVERLAP}

    run(story())


def test_a_newest_that_is_gone_takes_nothing_back(small: Small) -> None:
    async def story() -> None:
        newest(small)
        await small.step()
        at = newest(small)
        await small.step()
        small.storefront.orders.popitem()
        small.mis.changed_at.popitem()
        for _ in range(2):
            small.clock.advance(60)
            await small.step()
        assert listed_since(small) == {at - OVERLAP}

    run(story())


def test_times_that_have_not_come_yet_count_as_now(small: Small) -> None:
    async def story() -> None:
        newest(small)
        small.storefront.orders["10001"].placed_at += timedelta(days=365)
        small.mis.changed_at["J1"] += timedelta(days=365)
        await small.step()
        at = small.clock()
        small.clock.advance(60)
        await small.step()
        assert listed_since(small) == {at - OVERLAP}

    run(story())


def test_where_a_system_shows_no_times_our_own_clock_counts(small: Small) -> None:
    async def story() -> None:
        newest(small)
        small.mis.shows_times = False
        await small.step()
        at = small.clock()
        small.clock.advance(60)
        await small.step()
        assert small.mis.listed_since[-1] == at - OVERLAP

    run(story())


def test_what_became_visible_late_is_still_found(small: Small) -> None:
    """An order committed before the last listing and visible only after it."""

    async def story() -> None:
        order = small.storefront.place("10001")
        small.storefront.orders.pop("10001")
        small.clock.advance(60)
        await small.step()
        small.storefront.orders["10001"] = order
        small.clock.advance(60)
        await small.step()
        assert small.known() == {"10001"}

    run(story())


@pytest.mark.parametrize("side", list(Side))
def test_a_listing_that_failed_does_not_move_the_mark(small: Small, side: Side) -> None:
    async def story() -> None:
        at = newest(small)
        await small.step()
        port = small.storefront if side is Side.STOREFRONT else small.mis
        port.down = "HTTP 503"
        for _ in range(3):
            newest(small)
            small.clock.advance(600)
            await small.step()
        assert await small.store.watermark(SHOP, side.value) == at
        port.down = ""
        latest = newest(small)
        await small.step()
        assert port.listed_since[-1] == at - OVERLAP
        assert await small.store.watermark(SHOP, side.value) == latest

    run(story())


def test_a_listing_is_asked_for_once_per_interval(small: Small) -> None:
    async def story() -> None:
        await small.step(3)
        assert len(small.mis.listed_since) == 1
        small.clock.advance(59)
        await small.step()
        assert len(small.mis.listed_since) == 1
        small.clock.advance(1)
        await small.step()
        assert len(small.mis.listed_since) == 2

    run(story())


def test_the_mark_survives_a_restart(small: Small) -> None:
    async def story() -> None:
        at = newest(small)
        await small.step()
        small.clock.advance(5)
        small.connect(AT_ONCE, OFTEN)
        await small.step()
        assert listed_since(small) == {at - OVERLAP}

    run(story())


def test_a_listing_that_shows_nothing_new_reads_and_writes_nothing(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        await small.step()
        before = (await small.stored()).version
        small.clock.advance(60)
        small.storefront.calls.clear()
        await small.bridge._poll.look()
        assert small.storefront.calls["read"] == 0
        assert (await small.stored()).version == before

    run(story())


def test_a_job_that_names_an_order_not_known_yet_brings_the_order_in(small: Small) -> None:
    async def story() -> None:
        small.storefront.lists = False
        small.storefront.place("10001", "s1")
        small.mis.make("J1", customer_reference="10001", external_reference="s1")
        await small.settle()
        assert [link.ref for link in (await small.case()).lines[0].links] == ["J1"]
        assert small.unlinked() == set()

    run(story())


def test_a_listing_that_goes_far_back_looks_at_nothing_that_was_taken_in(small: Small) -> None:
    """Every half hour; also a copy of a job, about which a person is asked, is not searched for each time."""

    async def story() -> None:
        await small.in_production("10001", "s1", "s2")
        small.mis.make("J10001-01-1", customer_reference="10001")
        small.clock.advance(60)
        await small.settle()
        assert small.task(TaskKind.AMBIGUOUS_LINK).state == "open"
        await far_back(small)
        before = (await small.stored()).version
        small.storefront.calls.clear()
        small.mis.calls.clear()
        loaded: list[object] = []
        load = small.store.load

        async def watched(connection: str, order_ids: Sequence[str]) -> dict[str, StoredCase]:
            loaded.extend(order_ids)
            return await load(connection, order_ids)

        small.store.load = watched  # type: ignore[method-assign]
        await far_back(small)
        assert small.mis.listed_since[-1] < small.clock() - THOROUGH
        assert loaded == []
        assert (small.storefront.calls["read"], small.mis.calls["find"]) == (0, 0)
        assert (await small.stored()).version == before

    run(story())


async def far_back(small: Small) -> None:
    small.clock.advance(THOROUGH_EVERY.total_seconds())
    await small.bridge._poll.look()


def test_a_job_whose_order_could_not_be_read_is_asked_about_again(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001", "s1")
        small.mis.make("J1", customer_reference="10001", external_reference="s1")
        small.storefront.down = "down"
        await small.settle()
        assert small.known() == set()
        small.storefront.down, small.storefront.lists = "", False
        await small.bridge._poll.look()
        assert small.known() == set(), (
            "not at every listing: most jobs that name no known order are no web order's"
        )
        await far_back(small)
        assert [link.ref for link in (await small.case()).lines[0].links] == ["J1"]

    run(story())


def test_a_job_that_a_person_took_from_an_order_is_found_for_the_one_that_it_names(small: Small) -> None:
    """Where the MIS is listed and not searched: what is linked is not kept, and nothing of it changes."""

    async def story() -> None:
        small.mis.finds = False
        small.mis.offers.discard("find")
        for order_id in ("10001", "10002"):
            small.storefront.place(order_id)
        small.mis.make("J1", customer_reference="10001")
        await small.settle()
        small.mis.change("J1", customer_reference="10002")
        small.clock.advance(60)
        await small.settle()
        await small.deed("10001", people.unlink_item("s10001", "J1", "Priya Shah", small.clock()))
        await small.settle()
        await far_back(small)
        assert [link.ref for link in (await small.case("10002")).lines[0].links] == ["J1"]

    run(story())


def test_what_was_listed_is_kept_as_long_as_a_listing_shows_it(small: Small) -> None:
    """However long it runs, it remembers no more than one listing that goes far back shows."""

    async def story() -> None:
        await small.in_production()
        small.mis.make("J900", customer_reference="Walk-in, Mrs Okafor")
        await far_back(small)
        assert set(small.bridge._poll._items.known) == {"J10001-01", "J900"}
        del small.mis.items["J900"], small.mis.changed_at["J900"]
        await far_back(small)
        assert set(small.bridge._poll._items.known) == {"J10001-01"}
        assert set(small.bridge._poll._orders.known) == {"10001"}
        small.storefront.orders.clear()
        await far_back(small)
        assert set(small.bridge._poll._orders.known) == set()

    run(story())


def test_nothing_is_kept_for_ever_where_no_listing_that_goes_far_back_succeeds(small: Small) -> None:
    """One that asks for much may always take too long, while those of every minute go well."""

    async def story() -> None:
        await small.in_production()
        jobs, orders = small.mis.list_changed, small.storefront.list_orders

        async def list_changed(since: datetime) -> Sequence[MisItem] | None:
            return await jobs(since) if small.clock() - since < THOROUGH else None

        async def list_orders(
            *, since: datetime, cancelled_only: bool = False
        ) -> Sequence[StorefrontOrder | OrderNotRead] | None:
            return None if cancelled_only else await orders(since=since)

        small.mis.list_changed = list_changed  # type: ignore[method-assign]
        small.storefront.list_orders = list_orders  # type: ignore[method-assign]
        for order_id in ("10002", "10003", "10004", "10005"):
            small.clock.advance(timedelta(days=1).total_seconds())
            await far_back(small)
            small.storefront.place(order_id)
            small.mis.make(f"J{order_id}", external_reference=f"s{order_id}")
            small.clock.advance(60)
            await small.settle()
            assert f"J{order_id}" in small.bridge._poll._items.known
            assert order_id in small.bridge._poll._orders.known
        await far_back(small)
        assert set(small.bridge._poll._items.known) == set()
        assert set(small.bridge._poll._orders.known) == {"10004", "10005"}

    run(story())


def test_jobs_that_are_no_web_orders_are_remembered_and_no_more(small: Small) -> None:
    async def story() -> None:
        small.mis.make("J900", customer_reference="Walk-in, Mrs Okafor")
        await small.step()
        assert small.unlinked() == {"J900"}
        assert small.known() == set()
        assert small.tasks() == []

    run(story())


def test_a_split_sales_order_is_found_by_its_number(small: Small) -> None:
    async def story() -> None:
        order = small.storefront.place("10001", "s1")
        order.lines[0].kind = LineKind.STOCK
        small.mis.make("SO7", kind=MisItemKind.SALES_ORDER, external_reference="s1")
        await small.settle()
        small.mis.make("SO7-001", kind=MisItemKind.SALES_ORDER)
        small.clock.advance(60)
        await small.settle()
        assert [link.ref for link in (await small.case()).lines[0].links] == ["SO7", "SO7-001"]

    run(story())


def test_reading_rests_longer_the_longer_nothing_happens(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.storefront.lists = small.mis.lists = False
        waits = []
        for _ in range(90):
            due = small.due_at()
            assert due is not None
            waits.append(due - small.clock())
            small.clock.now = due
            await small.step()
        # Orders come due together, so one wait may be a little shorter than the one before.
        assert all(later > 0.6 * earlier for earlier, later in pairwise(waits))
        assert 0.75 * OFTEN.slowest < max(waits) <= OFTEN.slowest
        assert waits[0] < 0.1 * max(waits)

    run(story())


def test_an_order_that_is_over_for_good_rests_for_ever(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.storefront.cancel_by_hand("10001")
        small.mis.cancel_by_hand("J10001-01")
        small.clock.advance(60)
        await small.settle()
        assert await small.rules() == {"both-cancelled"}
        small.clock.advance(61 * 86400)
        await small.settle()
        assert small.due_at() is None

    run(story())


def test_an_order_that_is_open_never_rests_for_ever(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.clock.advance(365 * 86400)
        await small.settle()
        due = small.due_at()
        assert due is not None
        assert due - small.clock() <= OFTEN.slowest

    run(story())


def test_polling_never_wakes_a_shop_that_only_listens() -> None:
    async def story() -> None:
        small = Small(AT_ONCE, NEVER)
        await small.in_production()
        small.clock.advance(3600)
        assert await small.step() == 0
        assert small.calls.total() == 0

    run(story())


@pytest.mark.parametrize("side", list(Side))
def test_a_system_that_cannot_be_listed_for_long_is_told_until_it_can(small: Small, side: Side) -> None:
    """An order that nobody knows yet has no task that could say that its system does not answer."""

    async def story() -> None:
        name = {Side.STOREFRONT: "Infigo", Side.MIS: "printIQ"}[side]
        port = small.storefront if side is Side.STOREFRONT else small.mis
        await small.step()
        port.down = "HTTP 200, with rows that have no number"
        for _ in range(30):
            small.clock.advance(60)
            await small.step()
            assert small.bridge.unlisted == []
        small.clock.advance(60)
        await small.step()
        (said,) = small.bridge.unlisted
        assert said.startswith(f"{name} could not be listed since 10:01 UTC on 23 November 2026")
        assert small.bridge.faults == []
        port.down = ""
        small.clock.advance(60)
        await small.step()
        assert small.bridge.unlisted == []

    run(story())


def test_what_cannot_be_listed_by_set_up_is_no_news(small: Small) -> None:
    async def story() -> None:
        small.storefront.lists = small.mis.lists = False
        small.storefront.offers.discard("list")
        small.mis.offers.discard("list")
        for _ in range(5):
            small.clock.advance(3600)
            await small.step()
        assert small.bridge.unlisted == []

    run(story())
