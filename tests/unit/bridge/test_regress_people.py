"""What people said stays in force, and what they have not been asked about is never taken as said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_fakes import AT_ONCE, CANCELLED, START, Small, run
from msgspec.structs import replace

from countermand.bridge import people
from countermand.bridge.people import RefusedError
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction, Mode, OpeningHours, PartDispatch
from countermand.core.status import OPEN, Facts, Intent, Progress, Unmapped
from countermand.core.tasks import TaskKind

HELD = Facts(Intent.HELD, Progress.NONE, history_known=False)
TO_MIS = Direction.CANCEL_TO_MIS
PRIYA, TOM = "Priya Shah", "Tom Baker"


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


NO = ("on the press", RefusalReason.MILESTONE)


def test_there_is_nothing_to_refuse_where_nobody_cancelled() -> None:
    async def story() -> None:
        small = Small(AT_ONCE)
        await small.in_production()
        for direction in (TO_MIS, Direction.CANCEL_TO_STOREFRONT):
            with pytest.raises(RefusedError, match="nothing to refuse"):
                await small.deed("10001", people.refuse(direction, (), PRIYA, small.clock(), *NO))
        case = await small.case()
        assert (case.notes_due, case.lines[0].settlement) == ((), None)

    run(story())


async def two_cancelled_lines_of_three(small: Small) -> None:
    await small.in_production("10001", "s1", "s2", "s3")
    for line in small.storefront.orders["10001"].lines[:2]:
        line.status = CANCELLED
    await look_again(small)


@pytest.mark.parametrize("lines", [("zz",), ("s1", "zz"), ("s", "1")])
def test_a_line_that_is_not_there_cannot_be_decided_about(lines: tuple[str, ...]) -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.MANUAL))
        await two_cancelled_lines_of_three(small)
        for deed in (
            people.refuse(TO_MIS, lines, PRIYA, small.clock(), *NO),
            people.settle(lines, PRIYA, small.clock(), "made"),
        ):
            with pytest.raises(RefusedError, match="has no line"):
                await small.deed("10001", deed)
        assert small.cancellations() == ["assessing"]

    run(story())


def test_refusing_all_of_a_cancel_decides_nothing_about_the_lines_that_were_not_cancelled() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.MANUAL))
        await two_cancelled_lines_of_three(small)
        await small.deed("10001", people.refuse(TO_MIS, (), PRIYA, small.clock(), *NO))
        await small.settle()
        lines = (await small.case()).lines
        assert [line.settlement is not None for line in lines] == [True, True, False]
        assert small.cancellations() == ["refused"]

    run(story())


def test_leaving_what_one_task_asks_about_many_orders_is_about_the_lines_of_each() -> None:
    async def story() -> None:
        small = Small(AT_ONCE)
        for order_id, line_id in (("10001", "s1"), ("10002", "s2")):
            await small.in_production(order_id, line_id)
            small.mis.change(f"J{order_id}-01", status=Unmapped("production status 99"))
            await look_again(small, order_id)
        task = small.task(TaskKind.UNMAPPED)
        for order_id in sorted(small.orders_of_task(task.id)):
            await small.deed(order_id, people.settle_task(task.id, PRIYA, small.clock(), "known here"))
        await small.settle()
        assert (small.state("10001"), small.state("10002")) == ("settled", "settled")
        with pytest.raises(RefusedError, match="is not open"):
            await small.deed("10001", people.settle_task(task.id, PRIYA, small.clock(), "again"))

    run(story())


async def not_found_for_once(small: Small) -> None:
    """One read answers "no such job", as some do for a moment; the next shows it again."""
    item = small.mis.items.pop("J10001-01")
    small.mis.changed_at.pop("J10001-01")
    await look_again(small)
    assert (await small.case()).lines[0].rule == "gone"
    small.mis.items["J10001-01"] = item
    await look_again(small)


async def cancelled_in_both_and_re_opened(small: Small) -> None:
    await small.in_production()
    small.storefront.cancel_by_hand("10001")
    small.mis.cancel_by_hand("J10001-01")
    await look_again(small)
    small.mis.change("J10001-01", status=OPEN)


def test_what_somebody_left_different_stays_so_although_the_job_was_not_found_for_once() -> None:
    """Seed 1299: the job's next change was taken for a new wish, and cancelled without asking anybody."""

    async def story() -> None:
        small = Small(AT_ONCE)
        await cancelled_in_both_and_re_opened(small)
        await look_again(small)
        await small.deed("10001", people.settle(("s10001",), PRIYA, small.clock(), "wanted after all"))
        await look_again(small)
        await not_found_for_once(small)
        small.mis.change("J10001-01", status=HELD)
        await look_again(small)
        assert small.mis.writes == []
        assert small.tasks()[-1].state == "open"

    run(story())


def test_a_job_that_staff_re_opened_is_asked_about_although_it_was_not_found_for_once() -> None:
    async def story() -> None:
        small = Small(AT_ONCE)
        await cancelled_in_both_and_re_opened(small)
        await not_found_for_once(small)
        assert small.mis.writes == [], "staff wants it made after all"
        assert small.task(TaskKind.RE_OPENED).state == "open"

    run(story())


PART = Facts(Intent.OPEN, Progress.PART_DISPATCHED)
DISPATCHED_WHOLE = Facts(Intent.OPEN, Progress.DISPATCHED)


def test_a_go_ahead_for_one_parcel_says_nothing_about_the_next() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, ship_to_storefront=Mode.ASSISTED, part_dispatch=PartDispatch.PARTIAL))
        await small.in_production()
        small.mis.change("J10001-01", status=PART, tracking=frozenset({"T1"}))
        await look_again(small)
        assert small.task(TaskKind.SHIP_IN_STOREFRONT).state == "open"
        await small.deed(
            "10001", people.approve(Direction.SHIP_TO_STOREFRONT, PRIYA, small.clock(), "yes", ("s10001",))
        )
        await small.settle()
        assert [write[2] for write in small.storefront.writes] == ["T1"]
        small.mis.change("J10001-01", status=DISPATCHED_WHOLE, tracking=frozenset({"T1", "T2"}))
        await look_again(small)
        assert len(small.storefront.writes) == 1
        assert small.tasks(TaskKind.SHIP_IN_STOREFRONT)[-1].state == "open"
        await small.deed(
            "10001", people.approve(Direction.SHIP_TO_STOREFRONT, PRIYA, small.clock(), "yes", ("s10001",))
        )
        await small.settle()
        assert len(small.storefront.writes) == 2
        assert small.tasks(TaskKind.SHIP_IN_STOREFRONT)[-1].state == "closed"

    run(story())
