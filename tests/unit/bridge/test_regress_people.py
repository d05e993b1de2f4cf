"""What people said stays in force, and what they have not been asked about is never taken as said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_fakes import AT_ONCE, CANCELLED, START, Small, run
from msgspec.structs import replace

from countermand.bridge import people
from countermand.bridge.people import RefusedError
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction, Mode, OpeningHours
from countermand.core.status import Facts, Intent, Progress

HELD = Facts(Intent.HELD, Progress.NONE, history_known=False)
TO_MIS = Direction.CANCEL_TO_MIS
PRIYA, TOM, ANA = "Priya Shah", "Tom Baker", "Ana Lima"


async def look_again(small: Small, order_id: str = "10001") -> None:
    small.clock.advance(60)
    await small.deed(order_id, people.look_again(PRIYA, small.clock()))
    await small.settle()


async def one_line_then_the_other(small: Small) -> None:
    """Priya agrees to cancel the first line; before it is written, the second is cancelled too."""
    await small.in_production("10001", "s1", "s2")
    order = small.storefront.orders["10001"]
    order.lines[0].status = CANCELLED
    await look_again(small)
    await small.deed("10001", people.approve(TO_MIS, PRIYA, small.clock(), "yes", ("s1",)))
    await small.settle()
    order.lines[1].status = CANCELLED
    await look_again(small)
    assert small.mis.writes == []


def test_a_go_ahead_can_be_given_again_for_a_line_that_wants_it_later() -> None:
    async def story() -> None:
        closed = OpeningHours(days=frozenset(range(7)), opens=(START + timedelta(hours=2)).time())
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.ASSISTED, opening_hours=closed))
        await one_line_then_the_other(small)
        await small.deed("10001", people.approve(TO_MIS, PRIYA, small.clock(), "both", ("s1", "s2")))
        small.clock.advance(3 * 3600)
        await small.settle()
        assert len(small.mis.writes) == 2

    run(story())


def test_two_people_have_to_agree_to_the_line_that_wants_it_later_too() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, value_limit=1.0))
        await one_line_then_the_other(small)
        await small.deed("10001", people.approve(TO_MIS, TOM, small.clock(), "both", ("s1", "s2")))
        await small.settle()
        assert small.mis.writes == [], "only Tom was asked about the second line"
        await small.deed("10001", people.approve(TO_MIS, PRIYA, small.clock(), "both", ("s1", "s2")))
        await small.settle()
        assert len(small.mis.writes) == 2

    run(story())


@pytest.mark.parametrize("deed", ["refuse", "settle"])
def test_a_job_that_was_to_be_made_all_the_same_is_not_cancelled_because_it_is_put_on_hold(deed: str) -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.MANUAL))
        await small.in_production()
        small.storefront.cancel_by_hand("10001")
        await look_again(small)
        said = {
            "refuse": people.refuse(TO_MIS, (), PRIYA, small.clock(), "made", RefusalReason.OTHER),
            "settle": people.settle((), PRIYA, small.clock(), "make it"),
        }[deed]
        await small.deed("10001", said)
        await small.settle()
        small.connect(AT_ONCE)
        small.mis.change("J10001-01", status=HELD)
        await look_again(small)
        assert small.mis.writes == [], "a person had decided that it is made"

    run(story())


def test_orders_held_by_the_brake_over_a_long_weekend_can_still_be_let_pass() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=1))
        for order_id in ("10001", "10002"):
            await small.in_production(order_id)
            small.storefront.cancel_by_hand(order_id)
        for order_id in ("10001", "10002"):
            small.order_hook(order_id)
        await small.settle()
        assert small.mis.writes == []
        small.clock.advance(AT_ONCE.request_expires_after.total_seconds() + 60)
        await small.settle()
        await small.deed("10001", people.release(TO_MIS, TOM, small.clock(), "meant"))
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


@pytest.mark.parametrize("ref", ["J10001-02", "", "j10001-01"])
def test_a_number_that_was_mistyped_is_not_taken_for_a_link_that_was_removed(ref: str) -> None:
    async def story() -> None:
        small = Small(AT_ONCE)
        case = await small.in_production()
        line_id = case.lines[0].line_id
        with pytest.raises(RefusedError, match="is not linked"):
            await small.deed("10001", people.unlink_item(line_id, ref, PRIYA, small.clock()))
        assert [link.ref for link in (await small.case()).lines[0].links] == ["J10001-01"]
        await small.deed("10001", people.unlink_item(line_id, "J10001-01", PRIYA, small.clock()))
        assert (await small.case()).lines[0].links == ()

    run(story())
