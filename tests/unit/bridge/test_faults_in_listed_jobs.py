"""An error of ours about one listed job: the list only names it, so it is read by its number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_fakes import AT_ONCE, STARTED, Small, run

from countermand.bridge.connection import Polling
from countermand.bridge.faults import FAULT_REST
from countermand.bridge.poll import THOROUGH, THOROUGH_EVERY
from countermand.core.tasks import TaskKind

OFTEN = Polling(interval=timedelta(minutes=1), slowest=timedelta(hours=6), lookback=timedelta(days=30))
FAULT = ValueError("a status of 7 parts")


@pytest.fixture
def small() -> Small:
    """A shop whose MIS is not searched: a job that no order has yet is known by being listed alone."""
    small = Small(AT_ONCE, OFTEN)
    small.mis.finds = False
    small.mis.offers.discard("find")
    return small


async def next_listing(small: Small) -> None:
    small.clock.advance(60)
    await small.settle(2)


async def an_order_whose_job_is_only_named(small: Small) -> None:
    small.storefront.place("10001")
    await small.settle()
    small.mis.named_only.add("J1")
    small.mis.make("J1", customer_reference="10001", external_reference="s10001")


# Jobs that no order has yet


def test_it_is_read_by_its_number_and_found_to_be_an_orders(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        await next_listing(small)
        assert await small.rules() == {"both-open"}
        assert small.bridge.faults == []
        small.storefront.cancel_by_hand("10001")
        await next_listing(small)
        assert small.mis.writes == ["J1"]

    run(story())


def test_one_that_names_no_order_of_ours_is_read_once_and_kept(small: Small) -> None:
    async def story() -> None:
        await small.settle()
        small.mis.named_only.add("J1")
        small.mis.make("J1", customer_reference="of another shop")
        for _ in range(5):
            await next_listing(small)
        assert small.unlinked() == {"J1"}
        assert small.mis.calls["read"] == 1

    run(story())


def test_many_are_read_a_few_in_each_round(small: Small) -> None:
    async def story() -> None:
        await small.settle()
        for number in range(30):
            small.mis.make(f"J{number}", customer_reference="of another shop")
            small.mis.named_only.add(f"J{number}")
            small.mis.read_faults[f"J{number}"] = FAULT
        await next_listing(small)
        assert small.mis.calls["read"] == 20
        (said,) = small.bridge.faults
        assert "(one of 30)" in said
        del small.mis.read_faults["J29"]
        await next_listing(small)
        assert small.unlinked() == {"J29"}

    run(story())


def test_where_that_fails_too_it_is_said_until_it_can_be_read(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        small.mis.read_faults["J1"] = FAULT
        for _ in range(40):
            await next_listing(small)
        (said,) = small.bridge.faults
        assert said.startswith("What printIQ lists cannot be taken in, by an error of the program: J1: Value")
        assert ("item/J1", FAULT) in small.faults
        small.mis.read_faults.clear()
        await next_listing(small)
        assert small.bridge.faults == []
        assert await small.rules() == {"both-open"}

    run(story())


def test_where_it_cannot_be_read_now_the_listings_own_reason_is_said(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        small.mis.unreadable.add("J1")
        await next_listing(small)
        (said,) = small.bridge.faults
        assert said.endswith("J1: a fault.")
        small.mis.unreadable.clear()
        await next_listing(small)
        assert small.bridge.faults == []
        assert await small.rules() == {"both-open"}

    run(story())


def test_it_holds_up_no_other(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        for number in (2, 3):
            small.storefront.place(f"1000{number}")
            small.mis.make(f"J{number}", customer_reference=f"1000{number}")
        small.mis.named_only.add("J2")
        small.mis.read_faults["J1"] = FAULT
        await next_listing(small)
        assert await small.rules("10002") == await small.rules("10003") == {"both-open"}

    run(story())


def test_what_was_kept_of_it_before_stays(small: Small) -> None:
    async def story() -> None:
        small.mis.make("J1", customer_reference="10001", external_reference="s10001")
        await small.settle()
        small.mis.named_only.add("J1")
        small.mis.read_faults["J1"] = FAULT
        small.mis.change("J1", quantity=300)
        await next_listing(small)
        assert small.bridge.faults
        small.mis.read_faults.clear()
        small.mis.unreadable.add("J1")
        small.storefront.place("10001")
        await next_listing(small)
        (line,) = (await small.case()).lines
        assert [link.ref for link in line.links] == ["J1"]

    run(story())


def test_it_is_listed_again_after_a_restart_however_long_it_could_not_be_read(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        small.mis.read_faults["J1"] = FAULT
        for _ in range(40):
            await next_listing(small)
        small.clock.advance(THOROUGH.total_seconds() * 2)
        await small.settle()
        small.mis.read_faults.clear()
        small.connect(AT_ONCE, OFTEN)
        await small.settle()
        assert await small.rules() == {"both-open"}

    run(story())


def test_while_it_is_not_read_no_cancelled_order_is_taken_for_one_without_a_job(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        small.mis.read_faults["J1"] = FAULT
        await next_listing(small)
        small.storefront.cancel_by_hand("10001")
        for _ in range(10):
            await next_listing(small)
        task = small.task(TaskKind.CANCELLED_UNSEEN)
        assert (task.state, task.because) == ("open", "cancelled-not-searched")
        small.mis.read_faults.clear()
        await next_listing(small)
        assert small.mis.writes == ["J1"]
        assert small.task(TaskKind.CANCELLED_UNSEEN).state == "closed"

    run(story())


def test_the_listing_itself_does_not_grow_for_it(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        small.mis.read_faults["J1"] = FAULT
        for _ in range(20):
            await next_listing(small)
        small.mis.make("J2", customer_reference="of another shop")
        await next_listing(small)
        await next_listing(small)
        assert small.clock() - small.mis.listed_since[-1] < timedelta(minutes=5)

    run(story())


def test_one_that_is_listed_well_later_needs_no_reading(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        small.mis.read_faults["J1"] = FAULT
        await next_listing(small)
        small.mis.named_only.clear()
        small.mis.read_faults.clear()
        small.mis.unreadable.add("J1")
        small.mis.change("J1", quantity=300)
        await next_listing(small)
        assert small.bridge.faults == []
        assert small.unlinked() == set()
        assert [link.ref for line in (await small.case()).lines for link in line.links] == ["J1"]

    run(story())


def test_one_that_is_gone_is_nobodys(small: Small) -> None:
    async def story() -> None:
        await an_order_whose_job_is_only_named(small)
        small.mis.read_faults["J1"] = FAULT
        await next_listing(small)
        small.mis.read_faults.clear()
        del small.mis.items["J1"], small.mis.changed_at["J1"]
        await next_listing(small)
        assert small.bridge.faults == []
        assert small.unlinked() == set()

    run(story())


def test_one_whose_order_could_not_be_read_is_asked_about_again(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001")
        small.mis.named_only.add("J1")
        small.mis.make("J1", customer_reference="10001", external_reference="s10001")
        small.storefront.down = "down"
        await small.settle()
        assert small.known() == set()
        small.storefront.down, small.storefront.lists = "", False
        small.clock.advance(THOROUGH_EVERY.total_seconds())
        await small.settle()
        assert await small.rules() == {"both-open"}

    run(story())


# Jobs that an order has


def test_an_orders_job_is_read_by_its_number_at_once(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.mis.named_only.add("J10001-01")
        small.mis.change("J10001-01", status=STARTED)
        await next_listing(small)
        (item,) = (await small.case()).items
        assert item.mis.status == STARTED
        assert small.bridge.faults == []

    run(story())


def test_a_later_change_of_it_is_read_as_well_although_the_list_says_the_same(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.clock.advance(timedelta(days=3).total_seconds())
        small.mis.named_only.add("J10001-01")
        small.mis.change("J10001-01", quantity=300)
        await next_listing(small)
        await next_listing(small)
        small.mis.change("J10001-01", status=STARTED)
        small.clock.advance(THOROUGH_EVERY.total_seconds())
        await next_listing(small)
        await next_listing(small)
        (item,) = (await small.case()).items
        assert item.mis.status == STARTED

    run(story())


def test_where_that_fails_the_order_has_its_task(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.mis.named_only.add("J10001-01")
        small.mis.read_faults["J10001-01"] = FAULT
        small.mis.change("J10001-01", status=STARTED)
        await next_listing(small)
        assert small.orders_of_task(small.task(TaskKind.PROGRAM_ERROR).id) == {"10001"}
        small.mis.read_faults.clear()
        small.clock.advance(FAULT_REST.total_seconds())
        await small.settle()
        (item,) = (await small.case()).items
        assert item.mis.status == STARTED
        assert small.task(TaskKind.PROGRAM_ERROR).state == "closed"

    run(story())
