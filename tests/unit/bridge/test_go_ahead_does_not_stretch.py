"""A person's "do it" is about what they were shown: not about a job that production has begun with since."""

from __future__ import annotations

from datetime import timedelta

from bridge_fakes import AT_ONCE, STARTED, Small, run
from msgspec.structs import replace

from countermand.bridge.go_ahead import approve_task
from countermand.core.policy import Mode
from countermand.core.tasks import TaskKind

ASSISTED = replace(AT_ONCE, cancel_to_mis=Mode.ASSISTED)


async def asked_about(small: Small) -> None:
    await small.in_production()
    small.storefront.cancel_by_hand("10001")
    small.order_hook("10001")
    await small.settle()
    assert small.task(TaskKind.CANCEL_IN_MIS).state == "open"
    small.clock.advance(60)


async def do_it(small: Small, kind: TaskKind) -> None:
    await small.deed("10001", approve_task(kind, ("s10001",), "Priya Shah", small.clock(), "do it"))
    await small.settle()


def test_work_that_began_before_the_go_ahead_was_used_is_asked_about() -> None:
    async def story() -> None:
        small = Small(ASSISTED)
        await asked_about(small)
        small.mis.change("J10001-01", status=STARTED)
        await do_it(small, TaskKind.CANCEL_IN_MIS)
        assert small.mis.writes == []
        assert small.task(TaskKind.PAST_CUT_OFF).state == "open"
        assert (await small.case()).approvals == {}
        # Who says it to that knows what it costs.
        await do_it(small, TaskKind.PAST_CUT_OFF)
        assert small.mis.writes == ["J10001-01"]
        assert small.task(TaskKind.PAST_CUT_OFF).state == "closed"

    run(story())


def test_a_go_ahead_waits_for_a_system_that_cannot_be_read_for_a_while() -> None:
    async def story() -> None:
        small = Small(replace(ASSISTED, unreadable_after=timedelta(hours=1)))
        await asked_about(small)
        small.mis.down = "HTTP 503"
        await do_it(small, TaskKind.CANCEL_IN_MIS)
        assert small.mis.writes == []
        small.mis.down = ""
        small.job_hook("J10001-01")
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


def test_a_go_ahead_to_work_that_had_begun_holds() -> None:
    async def story() -> None:
        small = Small(ASSISTED)
        await small.in_production()
        small.mis.change("J10001-01", status=STARTED)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        small.job_hook("J10001-01")
        await small.settle()
        await do_it(small, TaskKind.PAST_CUT_OFF)
        assert small.mis.writes == ["J10001-01"]

    run(story())
