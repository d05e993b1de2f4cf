"""Cancelled before a job of it is known: where nobody could look for one, a person has to."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from bridge_fakes import START, Small, run

from countermand.bridge import people
from countermand.bridge.connection import Polling
from countermand.bridge.ports import LineKind, MisItemKind
from countermand.core.status import Side
from countermand.core.tasks import TaskKind

KIND = TaskKind.CANCELLED_UNSEEN
PRIYA = "Priya Shah"
#: As long as a failed read is given before a person is asked, and a moment.
WAIT = 121


def unsearchable() -> Small:
    """A shop without OData: jobs are known by their messages alone."""
    small = Small()
    small.mis.finds = small.mis.lists = False
    small.mis.offers -= {"find", "list"}
    return small


async def cancelled_before_its_job_is_known(small: Small) -> None:
    small.storefront.place("10001")
    small.order_hook("10001")
    await small.settle()
    small.clock.advance(600)
    small.storefront.cancel_by_hand("10001")
    small.order_hook("10001")
    await small.settle()
    assert await small.rules() == {"cancelled-before-production"}
    assert small.tasks() == []


def test_where_nothing_can_be_searched_a_person_is_asked_and_their_word_is_taken() -> None:
    async def story() -> None:
        small = unsearchable()
        await cancelled_before_its_job_is_known(small)
        small.clock.advance(WAIT)
        await small.settle()
        task = small.task(KIND)
        assert (task.state, task.because) == ("open", "cancelled-not-searched")
        await small.deed("10001", people.check_now(task.id, PRIYA, small.clock(), "no job of it there"))
        await small.settle()
        closed = small.task(KIND)
        assert (closed.state, closed.closed_how, closed.closed_by) == ("closed", "reported", PRIYA)
        assert await small.rules() == {"settled"}

    run(story())


@pytest.mark.parametrize("word_given", [False, True])
def test_a_job_that_appears_later_is_cancelled_whatever_a_person_said_before(word_given: bool) -> None:
    async def story() -> None:
        small = unsearchable()
        await cancelled_before_its_job_is_known(small)
        small.clock.advance(WAIT)
        await small.settle()
        if word_given:
            task = small.task(KIND)
            await small.deed("10001", people.check_now(task.id, PRIYA, small.clock(), "none there"))
            await small.settle()
        small.mis.make("J1", customer_reference="10001", external_reference="s10001")
        small.hook(Side.MIS, {"order": "10001", "ref": "J1", "kind": "job"})
        await small.settle()
        assert small.mis.writes == ["J1"]
        assert await small.rules() == {"both-cancelled"}
        assert small.task(KIND).state == "closed"

    run(story())


def test_a_search_that_finds_nothing_is_an_answer() -> None:
    async def story() -> None:
        small = Small()
        await cancelled_before_its_job_is_known(small)
        small.mis.calls.clear()
        small.clock.advance(WAIT)
        await small.settle()
        small.clock.advance(86400)
        await small.settle()
        assert small.mis.calls["find"] >= 1
        assert small.tasks() == []
        assert await small.rules() == {"cancelled-before-production"}

    run(story())


def test_while_searching_fails_a_person_is_asked_and_once_it_works_the_task_closes_by_itself() -> None:
    async def story() -> None:
        small = Small(polling=Polling())
        small.storefront.place("10001")
        await small.settle()
        small.mis.down = "503"
        small.clock.advance(600)
        small.storefront.cancel_by_hand("10001")
        await small.settle(seconds=WAIT)
        assert small.task(KIND).state == "open"
        small.mis.down = ""
        await small.settle(seconds=600)
        closed = small.task(KIND)
        assert (closed.state, closed.closed_how) == ("closed", "moot")

    run(story())


def listing_only() -> Small:
    small = Small(polling=Polling())
    small.mis.finds = False
    small.mis.offers.discard("find")
    return small


def test_where_jobs_are_listed_nobody_has_to_look_for_one() -> None:
    async def story() -> None:
        small = listing_only()
        await cancelled_before_its_job_is_known(small)
        await small.settle(seconds=61, steps=8)
        assert small.tasks() == []
        assert await small.rules() == {"cancelled-before-production"}

    run(story())


def test_while_listing_fails_a_person_is_asked_and_once_it_works_the_task_closes_by_itself() -> None:
    async def story() -> None:
        small = listing_only()
        small.storefront.place("10001")
        await small.settle()
        small.mis.down = "503"
        small.clock.advance(600)
        small.storefront.cancel_by_hand("10001")
        await small.settle(seconds=WAIT)
        assert small.task(KIND).state == "open"
        small.mis.down = ""
        await small.settle(seconds=600)
        assert small.task(KIND).state == "closed"

    run(story())


def test_old_orders_that_were_cancelled_when_first_listed_ask_for_nothing() -> None:
    """With a clock that moves on while they are taken in."""

    async def story() -> None:
        small = unsearchable()
        small.clock.tick = timedelta(microseconds=5)
        for number in range(20):
            order = small.storefront.place(str(10001 + number))
            order.placed_at = START - timedelta(days=10)
            small.storefront.cancel_by_hand(order.order_id)
        await small.settle(seconds=WAIT)
        assert len(small.known()) == 20
        assert small.tasks() == []

    run(story())


# What only the storefront's slower interface tells


def test_an_order_that_could_not_be_described_is_asked_about_again() -> None:
    """Rules that hold for some customers only would else be the most careful ones for ever."""

    async def story() -> None:
        small = Small()
        small.storefront.descriptions["10001"] = {"customer": "Northgate Dental"}
        small.storefront.undescribed.add("10001")
        await small.in_production("10001")
        assert not (await small.case()).described
        small.storefront.undescribed.clear()
        small.order_hook("10001")
        await small.settle()
        case = await small.case()
        assert (case.customer, case.described) == ("Northgate Dental", True)

    run(story())


def test_an_interface_that_tells_nothing_for_a_day_is_left_alone() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.undescribed.add("10001")
        await small.in_production("10001")
        small.clock.advance(timedelta(days=1).total_seconds())
        small.order_hook("10001")
        await small.settle()
        assert (await small.case()).described
        asked = small.storefront.calls["describe"]
        small.order_hook("10001")
        await small.settle()
        assert small.storefront.calls["describe"] == asked

    run(story())


def test_sales_orders_that_are_listed_where_jobs_are_not_are_linked_and_prove_nothing_about_jobs() -> None:
    """As where printIQ's OData has an entity for sales orders alone."""

    async def story() -> None:
        small = unsearchable()
        small.use(msgspec.structs.replace(small.connection, polling=Polling(interval=timedelta(minutes=1))))
        small.mis.lists = True
        order = small.storefront.place("10001", "s1", "s2")
        order.lines[1].kind = LineKind.STOCK
        small.order_hook("10001")
        await small.settle()
        small.mis.make("SO1", kind=MisItemKind.SALES_ORDER, customer_reference="10001", notes="10001/s2")
        small.clock.advance(60)
        await small.settle()
        links = {line.line_id: [link.ref for link in line.links] for line in (await small.case()).lines}
        assert links == {"s1": [], "s2": ["SO1"]}
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        small.clock.advance(WAIT)
        await small.settle()
        assert small.task(KIND).because == "cancelled-not-searched"

    run(story())


# Searched in vain long before it was cancelled


async def missed_for_hours(small: Small) -> None:
    """Its job was typed in under another number; people know, Countermand cannot."""
    small.storefront.place("10001")
    small.mis.make("J1", customer_reference="WEB 10001")
    small.order_hook("10001")
    await small.settle()
    small.clock.advance(5 * 3600)
    await small.settle()
    assert small.task(TaskKind.NOT_IN_PRODUCTION).state == "open"
    small.storefront.cancel_by_hand("10001")
    small.order_hook("10001")
    await small.settle()
    small.clock.advance(WAIT)
    await small.settle()


def test_a_cancelled_order_whose_job_was_missed_already_is_looked_for_by_a_person() -> None:
    async def story() -> None:
        small = Small()
        await missed_for_hours(small)
        assert small.task(TaskKind.NOT_IN_PRODUCTION).state == "closed"
        task = small.task(KIND)
        assert (task.state, task.because) == ("open", "cancelled-not-found")
        await small.deed("10001", people.check_now(task.id, PRIYA, small.clock(), "cancelled it there"))
        await small.settle()
        closed = small.task(KIND)
        assert (closed.state, closed.closed_how, closed.closed_by) == ("closed", "reported", PRIYA)
        small.clock.advance(86400)
        await small.settle()
        assert small.state() == "settled"

    run(story())


def test_a_job_that_was_missed_and_is_found_at_last_is_cancelled() -> None:
    async def story() -> None:
        small = Small()
        await missed_for_hours(small)
        small.mis.change("J1", customer_reference="10001")
        small.job_hook("J1")
        await small.settle()
        assert small.mis.writes == ["J1"]
        assert small.task(KIND).state == "closed"

    run(story())
