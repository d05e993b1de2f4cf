"""Tasks that stayed open without a reason: found by simulation."""

from __future__ import annotations

from bridge_fakes import AT_ONCE, DISPATCHED, STARTED, Small, run
from msgspec.structs import replace

from countermand.bridge.ports import LineKind, MisItemKind
from countermand.core.policy import Mode
from countermand.core.tasks import TaskKind


def test_cannot_read_ends_when_it_can_be_read_although_another_line_waits_for_a_person() -> None:
    """Seed 10: a stock line waited for a person, and the order was said to be unreadable for days."""

    async def story() -> None:
        small = Small()
        order = small.storefront.place("10001", "s1", "d2")
        order.lines[0].kind = LineKind.STOCK
        small.mis.make("SO1", kind=MisItemKind.SALES_ORDER, external_reference="s1")
        small.mis.make("J2", external_reference="d2")
        small.order_hook("10001")
        await small.settle()
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.task(TaskKind.CANCEL_STOCK_LINE).state == "open"
        small.storefront.down = "502"
        small.order_hook("10001")
        await small.settle(60)
        assert small.task(TaskKind.CANNOT_READ).state == "open"
        small.storefront.down = ""
        small.order_hook("10001")
        await small.settle(60)
        assert small.task(TaskKind.CANNOT_READ).state == "closed"
        assert small.tasks(TaskKind.CANCEL_STOCK_LINE)[-1].state == "open"

    run(story())


def test_cannot_read_ends_when_it_can_be_read_although_a_dispatch_waits_for_the_rest_of_its_order() -> None:
    """Seed 39 of ten days and twenty orders: said to be unreadable for as long as the rest was being made."""

    async def story() -> None:
        small = Small()
        await small.in_production("10001", "s1", "s2")
        small.mis.change("J10001-01", status=DISPATCHED)
        small.job_hook("J10001-01")
        await small.settle()
        assert small.storefront.writes == []
        small.storefront.down = "502"
        small.order_hook("10001")
        await small.settle(60)
        await small.settle(600)
        assert small.task(TaskKind.CANNOT_READ).state == "open"
        small.storefront.down = ""
        small.order_hook("10001")
        await small.settle(60)
        assert small.storefront.writes == []
        assert small.task(TaskKind.CANNOT_READ).state == "closed"

    run(story())


def test_when_the_work_begins_meanwhile_the_older_question_ends_and_the_new_one_stands_alone() -> None:
    """One order stood twice on the worklist: cancel it, and decide, for production has begun."""

    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.ASSISTED))
        await small.in_production()
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.task(TaskKind.CANCEL_IN_MIS).state == "open"
        small.mis.change("J10001-01", status=STARTED)
        small.clock.advance(60)
        small.job_hook("J10001-01")
        await small.settle()
        older = small.task(TaskKind.CANCEL_IN_MIS)
        assert (older.state, older.closed_how) == ("closed", "moot")
        assert [task.kind for task in (await small.case()).tasks] == [TaskKind.PAST_CUT_OFF]
        assert small.state() == "needs_person"

    run(story())


def test_a_question_stays_while_another_line_of_it_is_still_being_written() -> None:
    """What is asked of one line says nothing about another whose change is on its way."""

    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.ASSISTED))
        await small.in_production("10001", "s1", "s2")
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        task = small.task(TaskKind.CANCEL_IN_MIS)
        small.mis.cancel_by_hand("J10001-01")
        small.clock.advance(60)
        small.job_hook("J10001-01")
        await small.settle()
        assert small.task(TaskKind.CANCEL_IN_MIS).id == task.id
        assert small.task(TaskKind.CANCEL_IN_MIS).state == "open"

    run(story())
