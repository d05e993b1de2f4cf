"""A person's "do it" and "no" to a task go the way that the order's own change goes."""

from __future__ import annotations

import pytest
from bridge_fakes import AT_ONCE, CANCELLED, STARTED, Small, TaskRow, run
from msgspec.structs import replace

from countermand.bridge.go_ahead import approve_task, refuse_task
from countermand.bridge.people import RefusedError
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction, Mode
from countermand.core.status import OPEN
from countermand.core.tasks import TaskKind


async def cancelled_in_production(small: Small) -> None:
    """Production cancelled a job that it had begun: towards the storefront the cut-off asks."""
    await small.in_production()
    small.mis.change("J10001-01", status=STARTED)
    small.job_hook("J10001-01")
    await small.settle()
    small.mis.cancel_by_hand("J10001-01")
    small.job_hook("J10001-01")
    await small.settle()


async def cancelled_after_the_start(small: Small) -> None:
    await small.in_production()
    small.mis.change("J10001-01", status=STARTED)
    small.storefront.cancel_by_hand("10001")
    small.order_hook("10001")
    await small.settle()


async def agree(small: Small, task: TaskRow, by: str) -> None:
    line_ids = ("s10001",)
    await small.deed("10001", approve_task(task.kind, line_ids, by, small.clock(), "checked by phone"))
    await small.settle()


def test_past_the_cut_off_the_cancel_goes_on_to_the_storefront() -> None:
    async def story() -> None:
        small = Small()
        await cancelled_in_production(small)
        await agree(small, small.task(TaskKind.PAST_CUT_OFF), "Priya Shah")
        assert small.storefront.writes == [("cancel", "10001", None)]
        assert small.task(TaskKind.PAST_CUT_OFF).state == "closed"

    run(story())


def test_past_the_cut_off_the_cancel_goes_on_to_the_mis() -> None:
    async def story() -> None:
        small = Small()
        await cancelled_after_the_start(small)
        await agree(small, small.task(TaskKind.PAST_CUT_OFF), "Priya Shah")
        assert small.mis.writes == ["J10001-01"]

    run(story())


def test_two_people_let_a_dear_order_be_cancelled_in_the_storefront() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, value_limit=40.0))
        await small.in_production()
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        task = small.task(TaskKind.APPROVE)
        await agree(small, task, "Priya Shah")
        assert small.storefront.writes == []
        await agree(small, task, "Tom Becker")
        assert small.storefront.writes == [("cancel", "10001", None)]

    run(story())


def test_a_no_to_the_storefronts_cancel_leaves_the_two_different() -> None:
    async def story() -> None:
        small = Small()
        await cancelled_in_production(small)
        task = small.task(TaskKind.PAST_CUT_OFF)
        deed = refuse_task(
            task.kind, ("s10001",), "Priya Shah", small.clock(), "made anew", RefusalReason.OTHER
        )
        await small.deed("10001", deed)
        await small.settle()
        assert small.cancellations() == ["refused"]
        assert small.storefront.writes == []
        assert small.task(TaskKind.PAST_CUT_OFF).state == "closed"

    run(story())


def test_a_request_that_expired_can_still_be_agreed_to() -> None:
    async def story() -> None:
        small = Small()
        await cancelled_in_production(small)
        small.clock.advance(AT_ONCE.request_expires_after.total_seconds() + 1)
        await small.settle()
        assert small.cancellations() == ["expired"]
        await agree(small, small.task(TaskKind.PAST_CUT_OFF), "Priya Shah")
        assert small.storefront.writes == [("cancel", "10001", None)]

    run(story())


def test_one_task_about_both_ways_is_agreed_to_both_ways() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production("10001", "s1", "s2")
        for ref in ("J10001-01", "J10001-02"):
            small.mis.change(ref, status=STARTED)
            small.job_hook(ref)
        await small.settle()
        small.storefront.orders["10001"].lines[0].status = CANCELLED
        small.mis.cancel_by_hand("J10001-02")
        small.order_hook("10001")
        small.job_hook("J10001-02")
        await small.settle()
        task = small.task(TaskKind.PAST_CUT_OFF)
        deed = approve_task(task.kind, ("s1", "s2"), "Priya Shah", small.clock(), "both")
        case = await small.deed("10001", deed)
        assert set(case.approvals) == {Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT}

    run(story())


@pytest.mark.parametrize("kind", [TaskKind.PAST_CUT_OFF, TaskKind.APPROVE])
def test_where_no_cancel_waits_there_is_nothing_to_agree_to(kind: TaskKind) -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        with pytest.raises(RefusedError, match="waits"):
            await small.deed("10001", approve_task(kind, ("s10001",), "Priya Shah", small.clock(), ""))

    run(story())


@pytest.mark.parametrize(
    "kind",
    [kind for kind in TaskKind if kind not in (
        TaskKind.CANCEL_IN_MIS, TaskKind.CANCEL_IN_STOREFRONT, TaskKind.SHIP_IN_STOREFRONT,
        TaskKind.PAST_CUT_OFF, TaskKind.APPROVE,
    )],
)  # fmt: skip
def test_no_other_kind_of_task_holds_anything_to_agree_to(kind: TaskKind) -> None:
    async def story() -> None:
        small = Small()
        await cancelled_after_the_start(small)
        with pytest.raises(RefusedError, match="nothing that could be written"):
            await small.deed("10001", approve_task(kind, ("s10001",), "Priya Shah", small.clock(), ""))

    run(story())


def test_a_go_ahead_that_comes_after_its_task_was_over_is_not_kept_for_a_later_cancel() -> None:
    """The task was open when the page was sent, and closed between the click and its storing."""

    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_storefront=Mode.ASSISTED))
        await small.in_production()
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        task = small.task(TaskKind.CANCEL_IN_STOREFRONT)
        small.mis.change("J10001-01", status=OPEN)
        small.job_hook("J10001-01")
        await small.settle()
        assert small.task(task.kind).state == "closed"
        with pytest.raises(RefusedError, match="waits for an answer any more"):
            await agree(small, task, "Priya Shah")
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        assert small.storefront.writes == [], "written on a word that was about another cancel"

    run(story())
