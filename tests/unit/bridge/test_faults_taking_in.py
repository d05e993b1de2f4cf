"""An error of ours about one listed order, one item or one message: it has a task, and no other waits."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from bridge_fakes import AT_ONCE, CANCELLED, NEVER, STARTED, Small, run
from sqlalchemy import select

from countermand.bridge.connection import Polling
from countermand.bridge.faults import FAULT_REST
from countermand.bridge.intake import RETRY_AFTER
from countermand.bridge.poll import THOROUGH_EVERY
from countermand.core.events import Event
from countermand.core.status import Side
from countermand.core.tasks import TaskKind
from countermand.ledger import schema

OFTEN = Polling(interval=timedelta(minutes=1), slowest=timedelta(hours=6), lookback=timedelta(days=30))
KIND = TaskKind.PROGRAM_ERROR
FAULT = ValueError("a status of 7 parts")


@pytest.fixture
def small() -> Small:
    """A shop that hears by listings alone."""
    return Small(AT_ONCE, OFTEN)


async def next_listing(small: Small) -> None:
    small.clock.advance(60)
    await small.settle(1)


async def rest(small: Small) -> None:
    small.clock.advance(FAULT_REST.total_seconds())
    await small.settle(1)


def orders_with_a_task(small: Small) -> set[str]:
    return {order for task in small.tasks(KIND) for order in small.orders_of_task(task.id)}


# Listed orders


def test_a_new_order_that_cannot_be_taken_in_holds_up_no_other(small: Small) -> None:
    async def story() -> None:
        for order_id in ("10001", "10002", "10003"):
            small.storefront.place(order_id)
        small.storefront.garbled.add("10002")
        await small.settle(1)
        assert small.known() == {"10001", "10002", "10003"}
        assert orders_with_a_task(small) == {"10002"}
        assert [about for about, _ in small.faults] == ["orders/3", "order/10002"]
        assert [subject for subject, _, _ in small.events(Event.ORDER_FAILED)] == ["order/10002"]

    run(story())


def test_it_is_read_by_its_number_when_it_has_rested(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001", po_number="PO-7")
        small.storefront.garbled.add("10001")
        await small.settle(1)
        assert (await small.case()).lines == ()
        await rest(small)
        case = await small.case()
        assert (case.po_number, [line.line_id for line in case.lines]) == ("PO-7", ["s10001"])
        assert small.task(KIND).state == "closed"

    run(story())


def test_a_known_order_that_is_listed_so_keeps_what_was_known_of_it(small: Small) -> None:
    async def story() -> None:
        await small.in_production("10001")
        await small.in_production("10002")
        before = await small.case("10001")
        small.storefront.garbled.add("10001")
        for order_id in ("10001", "10002"):
            small.storefront.cancel_by_hand(order_id)
        small.mis.lists = False
        await next_listing(small)
        after = await small.case("10001")
        assert (after.lines, after.items) == (before.lines, before.items)
        assert small.mis.writes == ["J10002-01"]
        await rest(small)
        assert small.mis.writes == ["J10002-01", "J10001-01"]

    run(story())


def test_orders_that_are_due_go_on_although_a_listed_one_cannot_be_taken_in(small: Small) -> None:
    async def story() -> None:
        await small.in_production("10001")
        small.storefront.place("10002")
        small.storefront.garbled.add("10002")
        small.mis.cancel_by_hand("J10001-01")
        small.mis.lists = False
        small.clock.advance(60)
        await small.settle(1)
        assert small.storefront.writes == [("cancel", "10001", None)]

    run(story())


def test_a_new_order_that_a_listing_only_names_is_read_by_its_number(small: Small) -> None:
    async def story() -> None:
        for order_id in ("10001", "10002"):
            small.storefront.place(order_id)
        small.storefront.named_only.add("10001")
        await small.settle(1)
        assert [line.line_id for line in (await small.case("10001")).lines] == ["s10001"]
        assert small.known() == {"10001", "10002"}
        assert small.tasks(KIND) == []

    run(story())


def test_when_that_fails_as_well_it_has_its_task(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001")
        small.storefront.named_only.add("10001")
        small.storefront.faults["10001"] = FAULT
        await small.settle(1)
        assert orders_with_a_task(small) == {"10001"}

    run(story())


def test_one_that_cannot_be_read_by_its_number_now_is_listed_again_until_it_can(small: Small) -> None:
    async def story() -> None:
        await small.step()
        small.storefront.place("10001")
        small.storefront.named_only.add("10001")
        small.storefront.unreadable.add("10001")
        for _ in range(20):
            await next_listing(small)
        assert small.known() == set()
        (said,) = small.bridge.faults
        assert said.endswith("10001: a fault.")
        small.storefront.unreadable.clear()
        await next_listing(small)
        assert small.known() == {"10001"}
        assert small.bridge.faults == []

    run(story())


def test_a_known_order_that_a_listing_only_names_is_read_at_once(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.clock.advance(3600)
        await small.settle(1)
        small.storefront.named_only.add("10001")
        small.storefront.cancel_by_hand("10001")
        small.mis.lists = False
        await next_listing(small)
        assert small.mis.writes == ["J10001-01"]
        assert "unreadable" not in "".join(body for _, _, body in small.events(Event.LINE_SIGHTED))

    run(story())


def test_a_later_cancel_of_it_is_read_as_well_although_the_listing_says_the_same(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.mis.lists = False
        small.storefront.named_only.add("10001")
        small.clock.advance(THOROUGH_EVERY.total_seconds())
        await small.settle(1)
        small.clock.advance(timedelta(days=1).total_seconds())
        await small.settle(1)
        small.storefront.cancel_by_hand("10001")
        small.clock.advance(THOROUGH_EVERY.total_seconds())
        await small.settle(1)
        assert small.mis.writes == ["J10001-01"]

    run(story())


# Listed items


def test_an_item_that_cannot_be_taken_in_holds_up_no_other(small: Small) -> None:
    async def story() -> None:
        for order_id in ("10001", "10002"):
            await small.in_production(order_id)
        small.mis.garbled.add("J10001-01")
        for ref in ("J10001-01", "J10002-01"):
            small.mis.change(ref, status=STARTED)
        await next_listing(small)
        assert orders_with_a_task(small) == {"10001"}
        (item,) = (await small.case("10002")).items
        assert item.mis.status == STARTED
        await rest(small)
        (item,) = (await small.case("10001")).items
        assert item.mis.status == STARTED

    run(story())


def test_an_item_that_names_an_order_which_cannot_be_read_holds_up_no_other(small: Small) -> None:
    """Nobody has told of the order itself: it is known by its number from then on."""

    async def story() -> None:
        for order_id in ("10001", "10002"):
            small.storefront.place(order_id)
            small.mis.make(f"J{order_id}", customer_reference=order_id)
        small.storefront.lists = False
        small.storefront.faults["10001"] = FAULT
        await small.settle(1)
        assert orders_with_a_task(small) == {"10001"}
        assert (await small.case("10002")).items
        small.storefront.faults.clear()
        await rest(small)
        assert (await small.case("10001")).items
        assert small.task(KIND).state == "closed"

    run(story())


def test_an_item_that_names_no_order_of_ours_is_still_nobodys(small: Small) -> None:
    async def story() -> None:
        small.mis.make("J1", customer_reference="of another shop")
        await small.settle(1)
        assert small.known() == set()
        assert small.unlinked() == {"J1"}

    run(story())


# Listings as such


@pytest.mark.parametrize("system", ["storefront", "mis"])
def test_a_listing_on_which_our_code_fails_holds_up_no_order_that_is_due(small: Small, system: str) -> None:
    async def story() -> None:
        await small.in_production()
        small.mis.cancel_by_hand("J10001-01")
        (small.mis if system == "mis" else small.storefront).listing_fault = FAULT
        small.clock.advance(60)
        await small.settle(1)
        assert small.storefront.writes == [("cancel", "10001", None)]

    run(story())


def test_the_other_system_is_listed_although_our_code_fails_on_the_first(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.storefront.listing_fault = FAULT
        small.mis.change("J10001-01", status=STARTED)
        small.mis.calls.clear()
        await next_listing(small)
        assert small.mis.calls["list"] == 1

    run(story())


def test_it_is_said_until_a_listing_goes_well_and_then_nothing_was_missed(small: Small) -> None:
    async def story() -> None:
        await small.step()
        small.storefront.listing_fault = FAULT
        small.storefront.place("10001")
        small.clock.advance(60)
        await small.settle(1)
        (said,) = small.bridge.faults
        assert said.startswith("What Infigo lists cannot be taken in, by an error of the program: ValueError")
        assert small.faults == [("listing/storefront", FAULT)]
        assert small.known() == set()
        small.storefront.listing_fault = None
        await next_listing(small)
        assert small.bridge.faults == []
        assert small.known() == {"10001"}

    run(story())


@pytest.mark.parametrize("by", ["message", "listing"])
def test_a_case_file_that_cannot_be_read_still_stops_the_step(small: Small, by: str) -> None:
    """It is damage of what is stored, and no fault of the one who tells of the order."""

    async def story() -> None:
        await small.in_production()
        orders = schema.orders
        with small.engine.execution_options(writing=True).begin() as database:
            damaged = {"case_file": '{"order_id": "10001"}', "due": None}
            database.exec_driver_sql("UPDATE orders SET case_file = :case_file, due_at = :due", damaged)
            assert database.scalar(select(orders.c.due_at)) is None
        small.storefront.cancel_by_hand("10001")
        if by == "message":
            small.order_hook("10001")
        small.clock.advance(60)
        with pytest.raises(msgspec.ValidationError, match="missing required field"):
            await small.step()

    run(story())


# Messages


def test_a_message_about_an_order_which_cannot_be_read_holds_up_no_other() -> None:
    async def story() -> None:
        small = Small()
        for order_id in ("10001", "10002", "10003"):
            small.storefront.place(order_id)
            small.order_hook(order_id)
        small.storefront.faults["10002"] = FAULT
        await small.step()
        assert small.known() == {"10001", "10002", "10003"}
        assert orders_with_a_task(small) == {"10002"}
        assert [state for state, _, _ in small.inbox()] == ["done", "done", "done"]

    run(story())


def test_an_unknown_order_and_a_known_one_are_read_in_one_call() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production("10001")
        small.storefront.place("10002")
        for order_id in ("10001", "10002"):
            small.order_hook(order_id)
        await small.step()
        assert small.storefront.calls["read"] == 1
        assert small.known() == {"10001", "10002"}

    run(story())


@pytest.mark.parametrize("hook", [{"line": "s1"}, {"ref": "J1"}])
def test_a_message_that_cannot_be_followed_is_tried_again_and_holds_up_no_other(hook: dict[str, str]) -> None:
    async def story() -> None:
        small = Small()
        side = Side.MIS if "ref" in hook else Side.STOREFRONT
        small.storefront.place("10001", "s1")
        small.storefront.place("10002")
        small.mis.make("J1", customer_reference="10001", external_reference="s1", status=CANCELLED)
        small.storefront.find_faults["s1"] = small.mis.read_faults["J1"] = FAULT
        if side is Side.MIS:
            small.order_hook("10001")
        small.hook(side, hook)
        small.order_hook("10002")
        small.mis.faults["10001"] = FAULT
        await small.step()
        assert "10002" in small.known()
        state, reason, tries = next(row for row in small.inbox() if row[0] != "done")
        assert (state, tries) == ("waiting", 1)
        assert reason == "Following it failed, which is a fault of ours: ValueError: a status of 7 parts"
        small.storefront.find_faults.clear()
        small.mis.read_faults.clear()
        small.clock.advance(RETRY_AFTER[0].total_seconds())
        await small.step()
        assert [state for state, _, _ in small.inbox()] == ["done"] * len(small.inbox())

    run(story())


def test_a_message_that_can_never_be_followed_is_kept_with_the_reason() -> None:
    async def story() -> None:
        small = Small(polling=NEVER)
        small.storefront.find_faults["s1"] = FAULT
        small.hook(Side.STOREFRONT, {"line": "s1"})
        for wait in (*RETRY_AFTER, timedelta(0)):
            await small.step()
            small.clock.advance(wait.total_seconds())
        ((state, reason, _),) = small.inbox()
        assert state == "quarantined"
        assert "a fault of ours" in reason
        assert len(small.events(Event.HOOK_QUARANTINED)) == 1

    run(story())
