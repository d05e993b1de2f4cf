"""Tasks open once and close by what is seen or said; money is asked about; cancellations live and end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from bridge_fakes import AT_ONCE, CANCELLED, DISPATCHED, SHOP, STARTED, Small, run
from msgspec.structs import replace

from countermand.bridge import people
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Polling
from countermand.bridge.people import RefusedError, do_for_all
from countermand.bridge.ports import LineKind, MisItemKind, Payment
from countermand.bridge.steps import _STEPS
from countermand.bridge.store import Closing, TaskEnd
from countermand.core.command import RefusalReason
from countermand.core.events import Event
from countermand.core.policy import Direction, Mode
from countermand.core.status import OPEN, Unmapped
from countermand.core.tasks import TaskKind
from countermand.ledger.brakes import clear_brake

MANUAL = replace(AT_ONCE, cancel_to_mis=Mode.MANUAL, cancel_to_storefront=Mode.MANUAL)
ASSISTED = replace(AT_ONCE, cancel_to_mis=Mode.ASSISTED)
PRIYA, TOM = "Priya Shah", "Tom Baker"


async def cancelled_in_shop(small: Small, order_id: str = "10001") -> None:
    small.storefront.cancel_by_hand(order_id)
    small.order_hook(order_id)
    await small.settle()


# Open once, close by what is seen


def test_a_manual_cancel_is_one_task_however_often_it_is_looked_at() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        for _ in range(4):
            await cancelled_in_shop(small)
            small.clock.advance(60)
        task = small.task(TaskKind.CANCEL_IN_MIS)
        assert (task.state, task.returned) == ("open", 0)
        assert len(small.events(Event.TASK_OPENED)) == 1
        assert small.mis.writes == []

    run(story())


def test_done_is_verified_by_reading_both_sides_again() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        await cancelled_in_shop(small)
        task = small.task(TaskKind.CANCEL_IN_MIS)
        small.mis.cancel_by_hand("J10001-01")
        small.clock.advance(60)
        small.mis.calls.clear()
        await small.deed("10001", people.check_now(task.id, PRIYA, small.clock()))
        await small.settle()
        assert small.mis.calls["read"] == 1
        closed = small.task(TaskKind.CANCEL_IN_MIS)
        assert (closed.state, closed.closed_how, closed.closed_by) == ("closed", "verified", PRIYA)
        assert "printIQ says cancelled" in closed.close_reason

    run(story())


def test_done_too_early_stays_open_and_says_what_was_seen() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        await cancelled_in_shop(small)
        task = small.task(TaskKind.CANCEL_IN_MIS)
        await small.deed("10001", people.check_now(task.id, PRIYA, small.clock()))
        await small.settle()
        still = small.task(TaskKind.CANCEL_IN_MIS)
        assert still.state == "open"
        assert "printIQ says open" in still.last_check
        assert (await small.case()).checking == ()
        assert len(small.events(Event.TASK_NOT_DONE)) == 1

    run(story())


def test_what_cannot_be_read_back_is_reported_and_never_verified() -> None:
    async def story() -> None:
        small = Small(AT_ONCE)
        await small.in_production()
        small.mis.down = "HTTP 503"
        await cancelled_in_shop(small)
        small.clock.advance(180)
        await small.settle()
        task = small.task(TaskKind.CANNOT_READ)
        await small.deed("10001", people.check_now(task.id, PRIYA, small.clock()))
        await small.settle()
        closed = small.task(TaskKind.CANNOT_READ)
        assert (closed.state, closed.closed_how, closed.closed_by) == ("closed", "reported", PRIYA)
        assert small.mis.writes == []

    run(story())


def test_a_task_that_comes_back_says_so() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        for _ in range(2):
            await cancelled_in_shop(small)
            small.storefront.orders["10001"].lines[0].status = OPEN
            small.storefront.orders["10001"].cancelled = False
            small.clock.advance(60)
            small.order_hook("10001")
            await small.settle()
        assert [(task.state, task.returned) for task in small.tasks()] == [("closed", 0), ("closed", 1)]

    run(story())


def test_an_unknown_status_is_one_task_for_all_its_orders() -> None:
    async def story() -> None:
        small = Small()
        for order_id in ("10001", "10002", "10003"):
            await small.in_production(order_id)
            small.mis.change(f"J{order_id}-01", status=Unmapped("99"))
            small.job_hook(f"J{order_id}-01")
            await small.settle()
        task = small.task(TaskKind.UNMAPPED)
        assert small.orders_of_task(task.id) == {"10001", "10002", "10003"}
        for order_id, left in (("10001", 2), ("10002", 1)):
            small.mis.change(f"J{order_id}-01", status=OPEN)
            small.clock.advance(60)
            small.job_hook(f"J{order_id}-01")
            await small.settle()
            assert len(small.orders_of_task(task.id)) == left
            assert small.task(TaskKind.UNMAPPED).state == "open"
        small.mis.change("J10003-01", status=OPEN)
        small.job_hook("J10003-01")
        await small.settle()
        assert small.task(TaskKind.UNMAPPED).state == "closed"

    run(story())


def test_another_unknown_status_is_another_task_and_the_first_is_left() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        for raw in ("99", "98"):
            small.mis.change("J10001-01", status=Unmapped(raw))
            small.job_hook("J10001-01")
            await small.settle()
            small.clock.advance(60)
        assert [(task.detail, task.state) for task in small.tasks(TaskKind.UNMAPPED)] == [
            ("mis: 99", "closed"),
            ("mis: 98", "open"),
        ]
        assert [task.kind for task in (await small.case()).tasks] == [TaskKind.UNMAPPED]

    run(story())


def test_an_order_never_carries_the_same_task_twice() -> None:
    """More lines join the question: it stays one task, with the lines of now."""

    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production("10001", "s1", "s2")
        for line in small.storefront.orders["10001"].lines:
            line.status = CANCELLED
            small.order_hook("10001")
            await small.settle()
            small.clock.advance(60)
        (task,) = (await small.case()).tasks
        assert task.line_ids == ("s1", "s2")
        assert len(small.tasks(TaskKind.CANCEL_IN_MIS)) == 1

    run(story())


def test_a_stock_line_is_always_a_task() -> None:
    async def story() -> None:
        small = Small()
        order = small.storefront.place("10001", "s1")
        order.lines[0].kind = LineKind.STOCK
        small.mis.make("SO7", kind=MisItemKind.SALES_ORDER, external_reference="s1")
        small.order_hook("10001")
        await small.settle()
        small.clock.advance(60)
        await cancelled_in_shop(small)
        assert small.mis.writes == []
        assert small.task(TaskKind.CANCEL_STOCK_LINE).state == "open"
        small.mis.cancel_by_hand("SO7")
        small.job_hook("SO7")
        await small.settle()
        assert small.task(TaskKind.CANCEL_STOCK_LINE).closed_how == "verified"

    run(story())


def test_every_kind_of_task_has_its_steps() -> None:
    assert set(_STEPS) == set(TaskKind)


# Money


def test_a_paid_order_that_is_cancelled_gets_one_refund_task_closed_only_by_a_word() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production(payment=Payment.PAID)
        await cancelled_in_shop(small)
        for _ in range(3):
            small.clock.advance(3600)
            small.order_hook("10001")
            await small.settle()
        task = small.task(TaskKind.REFUND)
        assert (task.state, task.detail) == ("open", "48.50")
        await small.deed("10001", people.check_now(task.id, PRIYA, small.clock(), "refunded by card"))
        await small.settle()
        closed = small.task(TaskKind.REFUND)
        assert (closed.closed_how, closed.closed_by, closed.close_reason) == (
            "word",
            PRIYA,
            "refunded by card",
        )
        assert small.state() == "in_step"

    run(story())


def test_an_invoiced_job_that_is_cancelled_gets_a_credit_note_task() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.change("J10001-01", invoiced=True)
        small.job_hook("J10001-01")
        await small.settle()
        await cancelled_in_shop(small)
        assert small.task(TaskKind.CREDIT_NOTE).state == "open"
        assert small.tasks(TaskKind.REFUND) == []

    run(story())


def test_cancelled_by_both_sides_at_once_is_a_refund_too() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production(payment=Payment.PAID)
        small.mis.cancel_by_hand("J10001-01")
        await cancelled_in_shop(small)
        small.job_hook("J10001-01")
        await small.settle()
        assert small.mis.writes == []
        assert small.task(TaskKind.REFUND).state == "open"

    run(story())


# The life of a cancellation


def test_it_is_done_when_every_line_is() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        await cancelled_in_shop(small)
        assert small.cancellations() == ["done"]
        moves = [body for _, _, body in small.events(Event.CANCELLATION_MOVED)]
        assert len(moves) == 3
        assert ['"after":"accepted"' in moves[0], '"after":"applying"' in moves[1]] == [True, True]

    run(story())


def test_it_expires_and_its_task_stays() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        await cancelled_in_shop(small)
        small.clock.advance(MANUAL.request_expires_after.total_seconds())
        await small.settle()
        assert small.cancellations() == ["expired"]
        assert small.task(TaskKind.CANCEL_IN_MIS).state == "open"
        small.clock.advance(MANUAL.request_expires_after.total_seconds())
        small.order_hook("10001")
        await small.settle()
        assert small.cancellations() == ["expired"], "the same wish began another life"

    run(story())


def test_an_expired_one_lives_again_when_a_person_agrees() -> None:
    async def story() -> None:
        small = Small(ASSISTED)
        await small.in_production()
        await cancelled_in_shop(small)
        small.clock.advance(ASSISTED.request_expires_after.total_seconds())
        await small.settle()
        await small.deed("10001", people.approve(Direction.CANCEL_TO_MIS, PRIYA, small.clock(), "yes"))
        await small.settle()
        assert small.mis.writes == ["J10001-01"]
        assert small.cancellations() == ["expired", "done"]

    run(story())


def test_it_is_withdrawn_when_the_customer_changes_their_mind() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        assert small.cancellations() == ["assessing"]
        small.mis.change("J10001-01", status=OPEN)
        small.clock.advance(60)
        small.job_hook("J10001-01")
        await small.settle()
        assert small.cancellations() == ["withdrawn"]
        assert small.task(TaskKind.CANCEL_IN_STOREFRONT).state == "closed"

    run(story())


def test_one_line_of_two_is_a_cancellation_of_one_line() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production("10001", "s1", "s2")
        small.mis.cancel_by_hand("J10001-02")
        small.job_hook("J10001-02")
        await small.settle()
        assert small.storefront.writes == [("cancel", "10001", ["s2"])]
        (one,) = (await small.case()).cancellations
        assert (one.line_ids, one.state.value) == (("s2",), "done")

    run(story())


# The brake


def test_a_cleared_brake_lets_everything_pass_and_counts_afresh() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=2))
        for number in range(10001, 10005):
            await small.in_production(str(number))
        for number in range(10001, 10005):
            small.storefront.cancel_by_hand(str(number))
            small.order_hook(str(number))
        await small.settle()
        assert small.mis.writes == []
        way, now = Direction.CANCEL_TO_MIS, small.clock()
        assert small.writer.write(lambda db: clear_brake(db, SHOP, way, TOM, "all meant", now))
        assert not small.writer.write(lambda db: clear_brake(db, SHOP, way, TOM, "again", now))
        small.clock.advance(1)
        await small.settle()
        assert len(small.mis.writes) == 4
        assert small.task(TaskKind.BRAKE).state == "closed"

    run(story())


def test_only_released_orders_pass_the_brake() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=1))
        for number in ("10001", "10002", "10003"):
            await small.in_production(number)
        for number in ("10001", "10002", "10003"):
            small.storefront.cancel_by_hand(number)
            small.order_hook(number)
        await small.settle()
        assert small.mis.writes == []
        await small.deed("10002", people.release(Direction.CANCEL_TO_MIS, PRIYA, small.clock(), "meant"))
        await small.settle()
        assert small.mis.writes == ["J10002-01"]

    run(story())


def test_orders_that_wait_behind_the_brake_are_not_judged_anew_at_each_look_but_when_it_is_cleared() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=0), Polling())
        small.storefront.lists = small.mis.lists = False
        await small.in_production()
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle(90, steps=8)
        judged = (await small.case()).judged
        assert judged is not None
        assert judged.brakes == frozenset({Direction.CANCEL_TO_MIS})
        looked_at = (await small.case()).mis_read_at
        with counted(small) as judgements:
            await small.settle(200, steps=4)
        assert (await small.case()).mis_read_at > looked_at
        assert judgements == []
        way, now = Direction.CANCEL_TO_MIS, small.clock()
        assert small.writer.write(lambda db: clear_brake(db, SHOP, way, TOM, "meant", now))
        small.clock.advance(3600)
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


@contextmanager
def counted(small: Small) -> Iterator[list[str]]:
    """The orders that are judged meanwhile."""
    judgements: list[str] = []
    converger = small.bridge._converger
    judge = converger._judge

    def counting(one: Pass, brakes: frozenset[Direction] | None) -> Pass:
        judgements.append(one.case.order_id)
        return judge(one, brakes)

    converger._judge = counting  # type: ignore[method-assign]
    try:
        yield judgements
    finally:
        converger._judge = judge  # type: ignore[method-assign]


def test_a_brake_that_trips_later_holds_an_order_that_waits_for_a_second_person() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=1, value_limit=10.0), Polling())
        small.storefront.lists = small.mis.lists = False
        for number in ("10001", "10002"):
            await small.in_production(number)
        await cancelled_in_shop(small, "10001")
        await small.settle()
        assert small.tasks(TaskKind.APPROVE)
        assert not small.tasks(TaskKind.BRAKE)
        await cancelled_in_shop(small, "10002")
        await small.settle(3600)
        assert small.task(TaskKind.BRAKE).state == "open"
        held = {(await small.case(number)).tasks[0].kind for number in ("10001", "10002")}
        assert held == {TaskKind.BRAKE}

    run(story())


def test_in_mode_manual_nothing_trips() -> None:
    async def story() -> None:
        small = Small(replace(MANUAL, brake_burst=1))
        for number in ("10001", "10002", "10003"):
            await small.in_production(number)
            await cancelled_in_shop(small, number)
        assert small.tasks(TaskKind.BRAKE) == []
        assert await small.store.brakes(SHOP) == frozenset()

    run(story())


# What people do


def test_assisted_waits_for_a_word_and_then_writes() -> None:
    async def story() -> None:
        small = Small(ASSISTED)
        await small.in_production()
        await cancelled_in_shop(small)
        assert small.mis.writes == []
        await small.deed("10001", people.approve(Direction.CANCEL_TO_MIS, PRIYA, small.clock(), "yes"))
        await small.settle()
        assert small.mis.writes == ["J10001-01"]
        assert (await small.case()).approvals == {}, "it was said about this cancellation only"

    run(story())


def test_two_different_people_are_needed_above_the_limit() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, value_limit=10.0))
        await small.in_production()
        await cancelled_in_shop(small)
        way = Direction.CANCEL_TO_MIS
        await small.deed("10001", people.approve(way, PRIYA, small.clock(), "yes"))
        await small.settle()
        assert small.mis.writes == []
        with pytest.raises(RefusedError, match="different person"):
            await small.deed("10001", people.approve(way, PRIYA, small.clock(), "yes again"))
        await small.deed("10001", people.approve(way, TOM, small.clock(), "agreed"))
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


def test_left_different_on_purpose_stays_so_until_something_changes() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        await cancelled_in_shop(small)
        await small.deed("10001", people.settle((), PRIYA, small.clock(), "made for the fair anyway"))
        await small.settle()
        assert small.state() == "settled"
        assert small.task(TaskKind.CANCEL_IN_MIS).state == "closed"
        small.mis.change("J10001-01", status=STARTED)
        small.clock.advance(60)
        small.job_hook("J10001-01")
        await small.settle()
        assert small.state() == "needs_person"

    run(story())


def test_a_refusal_holds_while_the_work_goes_on() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        await cancelled_in_shop(small)
        deed = people.refuse(
            Direction.CANCEL_TO_MIS, (), PRIYA, small.clock(), "on the press", RefusalReason.MILESTONE
        )
        await small.deed("10001", deed)
        await small.settle()
        for status in (STARTED, DISPATCHED):
            small.mis.change("J10001-01", status=status)
            small.clock.advance(60)
            small.job_hook("J10001-01")
            await small.settle()
            assert small.state() == "settled", status
        assert small.cancellations() == ["refused"]

    run(story())


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_leaving_it_different_needs_a_reason(reason: str) -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        before = await small.stored()
        with pytest.raises(RefusedError, match="say why"):
            await small.deed("10001", people.settle((), PRIYA, small.clock(), reason))
        assert await small.stored() == before

    run(story())


def test_what_cannot_be_done_is_refused_with_a_sentence_and_changes_nothing() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        before, now = await small.stored(), small.clock()
        item = small.mis.items["J10001-01"]
        for deed, says in (
            (people.check_now(99, PRIYA, now), "not open"),
            (people.release(Direction.CANCEL_TO_MIS, PRIYA, now, "x"), "no cancel waiting"),
            (people.link_item("s9", item, PRIYA, now), "no line s9"),
            (people.unlink_item("s9", "J1", PRIYA, now), "no line s9"),
        ):
            with pytest.raises(RefusedError, match=says):
                await small.deed("10001", deed)
        with pytest.raises(RefusedError, match="no order 77777"):
            await small.deed("77777", people.look_again(PRIYA, now))
        assert await small.stored() == before

    run(story())


def test_a_deed_is_tried_again_on_the_version_that_won() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        await cancelled_in_shop(small)
        honest, lost = small.store.save, 0

        async def overtaken(*args: object, **more: object) -> object:
            nonlocal lost
            lost += 1
            return {} if lost < 3 else await honest(*args, **more)  # type: ignore[arg-type]

        small.store.save = overtaken  # type: ignore[assignment]
        await small.deed("10001", people.settle((), PRIYA, small.clock(), "as agreed by phone"))
        assert lost == 3
        assert len(small.events(Event.LINE_SETTLED)) == 1

    run(story())


def test_a_deed_that_never_wins_gives_up_with_a_sentence() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()

        async def overtaken(*args: object, **more: object) -> dict[str, object]:
            return {}

        small.store.save = overtaken  # type: ignore[assignment]
        with pytest.raises(RefusedError, match="try again"):
            await small.deed("10001", people.look_again(PRIYA, small.clock()))

    run(story())


def test_a_bulk_deed_says_for_each_order_why_it_was_refused() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        deed = people.look_again(PRIYA, small.clock())
        refused = await do_for_all(small.store, SHOP, ["10001", "55555"], deed, small.clock())
        assert list(refused) == ["55555"]
        assert "no order 55555" in refused["55555"]

    run(story())


def test_a_task_closed_with_a_deed_is_gone_from_the_order() -> None:
    async def story() -> None:
        small = Small(MANUAL)
        await small.in_production()
        await cancelled_in_shop(small)
        task = small.task(TaskKind.CANCEL_IN_MIS)
        end = TaskEnd(id=task.id, how=Closing.WORD, by=PRIYA, reason="phoned")
        deed = people.settle((), PRIYA, small.clock(), "phoned")
        case = await small.deed("10001", deed, closes=(end,))
        assert case.tasks == ()
        assert small.task(TaskKind.CANCEL_IN_MIS).closed_how == "word"
        await small.settle()
        assert len(small.tasks()) == 1

    run(story())


def test_observing_records_what_would_have_been_written() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.OBSERVE))
        await small.in_production()
        await cancelled_in_shop(small)
        assert small.mis.writes == []
        assert len(small.events(Event.WRITE_OBSERVED)) == 1

    run(story())


def test_a_hold_is_journalled_once() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, undo_window=timedelta(minutes=5)))
        await small.in_production()
        await cancelled_in_shop(small)
        for _ in range(3):
            small.clock.advance(20)
            small.order_hook("10001")
            await small.settle()
        assert len(small.events(Event.WRITE_HELD)) == 1

    run(story())
