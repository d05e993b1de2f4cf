"""An order on which the program itself fails: a task for it, and no other order waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from bridge_fakes import CANCELLED, NEVER, PARSERS, START, FakeStorefront, Small, run
from sqlalchemy import select, update

from countermand.bridge import converge as converge_module
from countermand.bridge.act import prepare
from countermand.bridge.bridge import Bridge
from countermand.bridge.case import Written
from countermand.bridge.conclude import Pass, conclude
from countermand.bridge.converge import AtFault, Converger
from countermand.bridge.faults import FAULT_REST
from countermand.bridge.people import RefusedError, check_now, look_again, settle_task
from countermand.bridge.ports import OrderNotRead, StorefrontOrder
from countermand.bridge.store import Change, State, StoredCase
from countermand.core.events import Event
from countermand.core.order import Payment
from countermand.core.tasks import TaskKind, Urgency
from countermand.ledger import schema
from countermand.ledger.journal import chains, verify
from countermand.ledger.store import DatabaseStore
from countermand.simulation.process import _raise as no_fault_may_be

FAULT = ValueError("a status of 7 parts")
SAID = "ValueError: a status of 7 parts"
KIND = TaskKind.PROGRAM_ERROR


async def failing(order_id: str = "10001") -> Small:
    """A shop with an order in step, on the next look at which our own code fails."""
    small = Small()
    await small.in_production(order_id)
    small.storefront.faults[order_id] = FAULT
    small.order_hook(order_id)
    await small.step()
    return small


async def rest(small: Small, times: int = 1) -> None:
    """Wait until the order is tried again, and let it be."""
    for _ in range(times):
        small.clock.advance(FAULT_REST.total_seconds() + 1)
        await small.step(2)


def consistent(small: Small) -> None:
    """The rows beside the case files say what the case files say, and the journal holds."""
    orders, task = schema.orders, schema.task
    with small.engine.begin() as database:
        cases = list(database.scalars(select(orders.c.case_file)))
        rows = list(database.execute(select(task.c.id, task.c.state)))
        pairs = set(database.execute(select(schema.task_order.c.task_id)).scalars())
        assert [fault for chain in chains(database) for fault in verify(database, chain)] == []
    assert {row.id for row in rows if row.state == "open"} == {one.id for case in cases for one in case.tasks}
    assert pairs == {row.id for row in rows}
    assert len(rows) == len(small.events(Event.TASK_OPENED))
    assert len(small.events(Event.TASK_CLOSED)) == sum(row.state == "closed" for row in rows)
    assert len(small.events(Event.ORDER_SEEN)) == len(cases)


# Opened


def test_an_order_on_which_the_program_fails_has_a_task_that_says_what_happened() -> None:
    async def story() -> None:
        small = await failing()
        task = small.task(KIND)
        assert (task.state, task.because, task.detail) == ("open", "program-error", SAID)
        assert small.orders_of_task(task.id) == {"10001"}
        assert small.state() == State.NEEDS_PERSON.value
        assert small.due_at() == small.clock() + FAULT_REST
        consistent(small)

    run(story())


def test_it_is_ordered_by_what_waiting_costs() -> None:
    async def story() -> None:
        small = await failing()
        with small.engine.begin() as database:
            assert database.scalar(select(schema.orders.c.urgency)) == Urgency.HIGH.rank
            assert database.scalar(select(schema.task.c.urgency)) == Urgency.HIGH.rank

    run(story())


def test_the_journal_says_it_once_however_often_the_error_comes_back() -> None:
    async def story() -> None:
        small = await failing()
        for _ in range(3):
            small.order_hook("10001")
            await rest(small)
        assert small.task(KIND).returned == 0
        ((subject, _, body),) = small.events(Event.ORDER_FAILED)
        assert subject == "order/10001"
        assert SAID in body
        assert len(small.events(Event.TASK_OPENED)) == 1
        consistent(small)

    run(story())


def test_another_error_has_a_task_in_place_of_the_one_before() -> None:
    async def story() -> None:
        small = await failing()
        small.storefront.faults["10001"] = KeyError("s10001")
        await rest(small)
        before, now = small.tasks(KIND)
        assert (before.state, before.closed_how) == ("closed", "moot")
        assert (now.state, now.detail) == ("open", "KeyError: 's10001'")
        assert [task.id for task in (await small.case()).tasks] == [now.id]

    run(story())


def test_one_error_on_many_orders_is_one_task_that_each_order_leaves_by_itself() -> None:
    """Else a field that a vendor renames would fill the worklist."""

    async def story() -> None:
        small = Small()
        order_ids = [str(10001 + number) for number in range(8)]
        for order_id in order_ids:
            await small.in_production(order_id)
            small.storefront.faults[order_id] = FAULT
            small.order_hook(order_id)
        await small.step()
        assert small.orders_of_task(small.task(KIND).id) == set(order_ids)
        for order_id in order_ids[1:]:
            del small.storefront.faults[order_id]
        await rest(small)
        assert small.orders_of_task(small.task(KIND).id) == {"10001"}
        assert small.task(KIND).state == "open"
        small.storefront.faults.clear()
        await rest(small)
        assert small.task(KIND).state == "closed"

    run(story())


def test_a_long_error_of_many_lines_is_one_short_line() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.storefront.faults["10001"] = ValueError("first\nsecond\n" + "x" * 5000)
        small.order_hook("10001")
        await small.step()
        detail = small.task(KIND).detail
        assert detail.startswith("ValueError: first second xxx")
        assert len(detail) <= 300

    run(story())


def test_what_was_known_of_the_order_and_its_other_tasks_stay() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production(payment=Payment.PAID)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        (refund,) = (await small.case()).tasks
        before = await small.case()
        small.storefront.faults["10001"] = FAULT
        small.order_hook("10001")
        await small.step()
        after = await small.case()
        assert {task.kind for task in after.tasks} == {refund.kind, KIND}
        assert (after.lines, after.items, after.writes) == (before.lines, before.items, before.writes)
        del small.storefront.faults["10001"]
        await rest(small)
        assert (await small.case()).tasks == (refund,)
        consistent(small)

    run(story())


def test_the_others_go_on() -> None:
    async def story() -> None:
        small = await failing()
        await small.in_production("10002")
        small.storefront.cancel_by_hand("10002")
        small.order_hook("10001")
        small.order_hook("10002")
        await small.settle()
        assert small.mis.writes == ["J10002-01"]
        assert small.task(KIND).state == "open"
        consistent(small)

    run(story())


# What asked for the look


def test_a_message_about_it_is_done_with_because_both_systems_are_read_after_the_rest() -> None:
    async def story() -> None:
        small = await failing()
        assert [state for state, _, _ in small.inbox()][-1] == "done"
        del small.storefront.faults["10001"]
        small.storefront.cancel_by_hand("10001")
        await rest(small)
        assert small.mis.writes == ["J10001-01"]

    run(story())


def test_it_is_tried_each_five_minutes_whatever_is_heard_of_it() -> None:
    async def story() -> None:
        small = await failing()
        small.storefront.calls.clear()
        await rest(small, times=3)
        # Alone, because it was due alone.
        assert small.storefront.calls["read"] == 3

    run(story())


# Closed


def test_it_closes_by_itself_when_a_look_goes_well_and_the_order_is_read_in_both_systems() -> None:
    async def story() -> None:
        small = await failing()
        del small.storefront.faults["10001"]
        small.mis.calls.clear()
        await rest(small)
        task = small.task(KIND)
        assert (task.state, task.closed_how, task.closed_by) == ("closed", "verified", "countermand")
        assert "looked at without an error" in task.close_reason
        assert small.mis.calls["read"] >= 1
        assert small.state() == State.IN_STEP.value
        assert (await small.case()).tasks == ()
        consistent(small)

    run(story())


def test_a_look_at_one_system_alone_does_not_close_it() -> None:
    async def story() -> None:
        small = await failing()
        small.job_hook("J10001-01")
        await small.settle()
        assert small.task(KIND).state == "open"
        assert small.state() == State.NEEDS_PERSON.value
        await rest(small)
        assert small.task(KIND).state == "open"
        del small.storefront.faults["10001"]
        await rest(small)
        assert small.task(KIND).state == "closed"

    run(story())


def test_the_same_error_later_is_a_new_task_that_came_back() -> None:
    async def story() -> None:
        small = await failing()
        del small.storefront.faults["10001"]
        await rest(small)
        small.storefront.faults["10001"] = FAULT
        small.order_hook("10001")
        await small.step()
        assert [(task.state, task.returned) for task in small.tasks(KIND)] == [("closed", 0), ("open", 1)]
        assert len(small.events(Event.ORDER_FAILED)) == 2
        consistent(small)

    run(story())


def test_it_outlives_a_restart() -> None:
    async def story() -> None:
        small = await failing()
        small.connect(small.connection.policy)
        await small.settle()
        assert small.task(KIND).state == "open"
        small.connect(small.connection.policy)
        del small.storefront.faults["10001"]
        await rest(small)
        assert small.task(KIND).state == "closed"

    run(story())


def test_while_the_task_is_open_both_systems_are_read_each_five_minutes() -> None:
    async def story() -> None:
        small = await failing()
        stored = await small.stored()
        assert stored.case.poll_at == small.clock() + FAULT_REST
        small.job_hook("J10001-01")
        await small.settle(1)
        assert (await small.case()).poll_at is not None
        due = small.due_at()
        assert due is not None
        assert due <= small.clock() + FAULT_REST

    run(story())


# What people do


def test_check_now_tries_at_once_and_says_when_it_failed_again() -> None:
    async def story() -> None:
        small = await failing()
        task = small.task(KIND)
        await small.deed("10001", check_now(task.id, "Priya Shah", small.clock()))
        await small.step()
        assert small.task(KIND).last_check == f"It failed again: {SAID}"
        assert len(small.events(Event.TASK_NOT_DONE)) == 1
        await rest(small)
        assert len(small.events(Event.TASK_NOT_DONE)) == 1

    run(story())


def test_check_now_closes_it_in_the_name_of_who_pressed() -> None:
    async def story() -> None:
        small = await failing()
        del small.storefront.faults["10001"]
        task = small.task(KIND)
        await small.deed("10001", check_now(task.id, "Priya Shah", small.clock()))
        await small.step()
        assert (small.task(KIND).state, small.task(KIND).closed_by) == ("closed", "Priya Shah")
        consistent(small)

    run(story())


def test_there_is_nothing_to_leave_different_about_it() -> None:
    async def story() -> None:
        small = await failing()
        task = small.task(KIND)
        with pytest.raises(RefusedError, match="an error of the program"):
            await small.deed("10001", settle_task(task.id, "Priya Shah", small.clock(), "never mind"))

    run(story())


def test_what_a_person_asks_meanwhile_is_kept() -> None:
    async def story() -> None:
        small = await failing()
        await small.deed("10001", look_again("Priya Shah", small.clock()))
        await small.step()
        assert small.task(KIND).state == "open"
        assert (await small.case()).look_mis_at is not None

    run(story())


# Orders seen for the first time


def test_an_order_that_fails_at_first_sight_is_kept_by_its_number_with_a_task() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.place("10001")
        small.mis.faults["10001"] = FAULT
        small.order_hook("10001")
        await small.step()
        assert small.task(KIND).detail == SAID
        case = await small.case()
        assert (case.order_id, case.lines) == ("10001", ())
        assert small.inbox()[0][0] == "done"
        await rest(small, times=2)
        assert len(small.events(Event.ORDER_FAILED)) == 1
        consistent(small)

    run(story())


def test_it_is_taken_in_like_any_other_when_the_error_is_gone() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.place("10001", po_number="PO-7")
        small.mis.make("J1", customer_reference="10001", external_reference="s10001")
        small.mis.faults["10001"] = FAULT
        small.order_hook("10001")
        await small.step()
        small.mis.faults.clear()
        await rest(small)
        assert small.task(KIND).state == "closed"
        case = await small.case()
        assert case.po_number == "PO-7"
        assert case.described
        assert [link.ref for line in case.lines for link in line.links] == ["J1"]
        assert await small.rules() == {"both-open"}
        assert small.state() == State.IN_STEP.value
        consistent(small)

    run(story())


@pytest.mark.parametrize("fails", [False, True])
def test_an_order_first_seen_cancelled_on_both_sides_has_no_refund_task(fails: bool) -> None:
    """It was over before anybody saw it; a try that failed has seen nothing of it either."""

    async def story() -> None:
        small = Small()
        small.storefront.place("10001", payment=Payment.PAID)
        small.storefront.cancel_by_hand("10001")
        small.mis.make("J1", customer_reference="10001", status=CANCELLED, invoiced=True)
        if fails:
            small.mis.faults["10001"] = FAULT
        small.order_hook("10001")
        await small.step()
        small.mis.faults.clear()
        await rest(small)
        assert await small.rules() == {"both-cancelled"}
        assert (await small.case()).tasks == ()
        assert {task.kind for task in small.tasks()} == ({KIND} if fails else set())
        consistent(small)

    run(story())


def test_one_that_is_cancelled_after_it_was_taken_in_has_its_refund_task() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.place("10001", payment=Payment.PAID)
        small.mis.make("J1", customer_reference="10001")
        small.mis.faults["10001"] = FAULT
        small.order_hook("10001")
        await small.step()
        small.mis.faults.clear()
        await rest(small)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.mis.writes == ["J1"]
        assert [task.kind for task in (await small.case()).tasks] == [TaskKind.REFUND]

    run(story())


def test_a_listing_shows_it_again_and_again_and_it_is_tried_once() -> None:
    async def story() -> None:
        small = Small(polling=msgspec.structs.replace(NEVER, interval=timedelta(minutes=1)))
        small.mis.faults["10001"] = FAULT
        small.storefront.place("10001")
        for _ in range(4):
            await small.step()
            small.clock.advance(61)
        assert small.mis.calls["find"] == 1
        consistent(small)

    run(story())


# Others at work on the same order


class Overtaking(DatabaseStore):
    """Somebody else saves the order between our load and our save, so many times."""

    def __init__(self, small: Small, times: int) -> None:
        super().__init__(small.engine, small.writer)
        self._small, self._times = small, times

    async def load(self, connection: str, order_ids: object) -> dict[str, StoredCase]:
        loaded = await super().load(connection, ["10001"])
        if self._times and loaded:
            self._times -= 1
            await self._small.deed("10001", look_again("Priya Shah", self._small.clock()))
        return loaded


def test_it_is_not_lost_when_another_worker_saves_the_order_meanwhile() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.storefront.faults["10001"] = FAULT
        stored = await small.stored()
        case = msgspec.structs.replace(stored.case, look_storefront_at=small.clock())
        store = Overtaking(small, times=3)
        converger = Converger(small.connection, store, small.clock, small.at_fault)
        await converger.converge([Pass(stored=stored, case=case)])
        assert small.task(KIND).state == "open"
        assert small.state() == State.NEEDS_PERSON.value
        assert (await small.case()).look_storefront_at is not None, "what the other worker saved is lost"
        consistent(small)

    run(story())


def test_an_order_that_fails_in_company_after_its_first_save_gets_its_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it is tried alone with is what is stored by then, or it would only lose to itself."""

    def stumbles(one: Pass, now: datetime) -> tuple[Pass, tuple[Written, ...]]:
        if one.case.order_id == "10001":
            raise FAULT
        return prepare(one, now)

    async def story() -> None:
        small = Small()
        for order_id in ("10001", "10002"):
            await small.in_production(order_id)
        for order_id in ("10001", "10002"):
            small.storefront.cancel_by_hand(order_id)
            small.order_hook(order_id)
        monkeypatch.setattr(converge_module, "prepare", stumbles)
        await small.step()
        assert small.orders_of_task(small.task(KIND).id) == {"10001"}
        assert small.mis.writes == ["J10002-01"]
        assert small.due_at("10001") == small.clock() + FAULT_REST
        monkeypatch.setattr(converge_module, "prepare", prepare)
        await rest(small)
        assert small.task(KIND).state == "closed"
        assert small.mis.writes == ["J10002-01", "J10001-01"]
        consistent(small)

    run(story())


# Assertions, and what fails in company only


def test_an_assertion_about_one_order_stops_that_order_alone() -> None:
    async def story() -> None:
        small = Small()
        for order_id in ("10001", "10002"):
            await small.in_production(order_id)
        for order_id in ("10001", "10002"):
            small.storefront.cancel_by_hand(order_id)
            small.order_hook(order_id)
        small.storefront.faults["10001"] = AssertionError("order 10001 has no line s9")
        await small.settle()
        assert small.mis.writes == ["J10002-01"]
        assert small.task(KIND).detail == "AssertionError: order 10001 has no line s9"
        assert len(small.events(Event.ORDER_FAILED)) == 1
        small.storefront.faults.clear()
        await rest(small)
        assert small.mis.writes == ["J10002-01", "J10001-01"]
        assert small.task(KIND).state == "closed"
        consistent(small)

    run(story())


def test_where_the_ledger_refuses_an_order_nothing_of_it_is_stored_and_the_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its assertions stand before the change they are about, in the transaction that would make it."""
    real = conclude

    def unjudged(one: Pass, *more: Any) -> Change:
        change = real(one, *more)
        return msgspec.structs.replace(change, state=None) if one.case.order_id == "10001" else change

    async def story() -> None:
        small = Small()
        small.storefront.lists = False
        monkeypatch.setattr(converge_module, "conclude", unjudged)
        for order_id in ("10001", "10002"):
            small.storefront.place(order_id)
            small.order_hook(order_id)
        await small.step()
        assert (await small.case("10001")).lines == ()
        assert (await small.case("10002")).lines != ()
        assert small.orders_of_task(small.task(KIND).id) == {"10001"}
        assert "without having been judged" in small.task(KIND).detail
        consistent(small)

    run(story())


class OneByOne(FakeStorefront):
    """Our code fails on it whenever several orders are read together."""

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[StorefrontOrder | OrderNotRead]:
        if len(order_ids) > 1:
            raise FAULT
        return await super().read_orders(order_ids)


async def two_hints(at_fault: AtFault | None = None) -> Small:
    small = Small()
    small.storefront = OneByOne(small.clock)
    small.connect(small.connection.policy)
    if at_fault is not None:
        small.bridge = Bridge(small.connection, small.store, PARSERS, small.clock, at_fault)
    for order_id in ("10001", "10002"):
        small.storefront.place(order_id)
        small.order_hook(order_id)
    await small.step()
    return small


def test_what_fails_in_company_only_is_told_although_each_goes_well_alone() -> None:
    async def story() -> None:
        small = await two_hints()
        assert small.known() == {"10001", "10002"}
        assert small.tasks(KIND) == []
        assert small.faults == [("orders/2", FAULT)]

    run(story())


def test_in_the_simulation_it_ends_the_history() -> None:
    async def story() -> None:
        with pytest.raises(ValueError, match="a status of 7 parts"):
            await two_hints(no_fault_may_be)

    run(story())


# What cannot be loaded


def test_a_case_file_that_cannot_be_read_is_trouble_of_the_ledger_and_stops_the_step() -> None:
    """It is damage of what is stored: the step fails and says so, and no order is dropped unseen."""

    async def story() -> None:
        small = Small()
        await small.in_production()
        orders = schema.orders
        with small.engine.execution_options(writing=True).begin() as database:
            damaged = {"order_id": "10001"}
            text = msgspec.json.encode(damaged).decode()
            database.exec_driver_sql("UPDATE orders SET case_file = ?, due_at = 0", (text,))
            assert database.scalar(select(orders.c.due_at)) is not None
            database.execute(update(orders).values(due_at=START))
        with pytest.raises(msgspec.ValidationError, match="missing required field"):
            await small.step()

    run(story())
