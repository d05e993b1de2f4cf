"""An error of ours while a batch of writes is sent: what the others were answered is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from bridge_fakes import Small, run

from countermand.bridge import converge as converge_module
from countermand.bridge.case import Case, Written
from countermand.bridge.faults import FAULT_REST
from countermand.bridge.verification import answered
from countermand.core.command import SETTLE_TIME, Command, Outcome
from countermand.core.events import Event
from countermand.core.tasks import TaskKind

FAULT = RuntimeError("this event loop is already running")
ORDERS = ("10001", "10002", "10003")


async def three_cancelled(small: Small, answers: Sequence[Any] = ()) -> None:
    """Three orders in production, cancelled in the storefront and told of together."""
    for order_id in ORDERS:
        await small.in_production(order_id)
    small.mis.answers.script.extend(answers)
    for order_id in ORDERS:
        small.storefront.cancel_by_hand(order_id)
        small.order_hook(order_id)
    await small.step()


async def command(small: Small, order_id: str) -> Command:
    (written,) = (await small.case(order_id)).writes
    return written.command


def test_the_answers_of_the_other_writes_are_stored() -> None:
    async def story() -> None:
        small = Small()
        await three_cancelled(small, [Outcome.APPLIED, FAULT])
        for order_id in ("10001", "10003"):
            assert (await command(small, order_id)).verified_at is not None
            assert await small.rules(order_id) == {"both-cancelled"}
        assert len(small.events(Event.WRITE_ANSWERED)) == 3
        assert small.faults == [("write/10002-w2", FAULT)]

    run(story())


def test_the_one_that_failed_has_no_clear_answer_and_is_read_before_it_is_repeated() -> None:
    async def story() -> None:
        small = Small()
        await three_cancelled(small, [Outcome.APPLIED, FAULT])
        failed = await command(small, "10002")
        assert failed.outcome is Outcome.UNKNOWN
        assert failed.said == (
            "Sending it failed, which is a fault of ours: RuntimeError: this event loop is already running"
        )
        assert small.mis.writes == ["J10001-01", "J10002-01", "J10003-01"]
        small.clock.advance(SETTLE_TIME.total_seconds() + 1)
        await small.settle()
        assert small.mis.writes == ["J10001-01", "J10002-01", "J10003-01", "J10002-01"]
        assert await small.rules("10002") == {"both-cancelled"}

    run(story())


def test_one_that_took_effect_all_the_same_is_not_sent_again() -> None:
    async def story() -> None:
        small = Small()
        await three_cancelled(small, [Outcome.APPLIED, FAULT])
        small.mis.cancel_by_hand("J10002-01")
        small.clock.advance(SETTLE_TIME.total_seconds() + 1)
        await small.settle()
        assert small.mis.writes.count("J10002-01") == 1
        assert await small.rules("10002") == {"both-cancelled"}

    run(story())


def test_an_answer_that_cannot_be_taken_in_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbles(case: Case, written: Written, *more: Any) -> Case:
        if case.order_id == "10002":
            raise ValueError("a status of 7 parts")
        return answered(case, written, *more)

    async def story() -> None:
        small = Small()
        monkeypatch.setattr(converge_module, "answered", stumbles)
        await three_cancelled(small)
        for order_id in ("10001", "10003"):
            assert (await command(small, order_id)).verified_at is not None
        assert (await command(small, "10002")).answered_at is None
        assert small.orders_of_task(small.task(TaskKind.PROGRAM_ERROR).id) == {"10002"}
        assert [about for about, _ in small.faults] == ["orders/3", "order/10002"]
        monkeypatch.setattr(converge_module, "answered", answered)
        small.clock.advance(FAULT_REST.total_seconds())
        await small.settle()
        assert small.mis.writes == ["J10001-01", "J10002-01", "J10003-01"]
        assert await small.rules("10002") == {"both-cancelled"}
        assert small.task(TaskKind.PROGRAM_ERROR).state == "closed"

    run(story())


def test_a_task_about_an_error_stays_when_the_same_pass_fails_on_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The look went well, which would end it; what came after did not."""

    def stumbles(*_given: Any) -> Case:
        raise ValueError("a status of 8 parts")

    async def story() -> None:
        small = Small()
        await small.in_production()
        small.storefront.faults["10001"] = ValueError("a status of 7 parts")
        small.order_hook("10001")
        await small.step()
        small.storefront.faults.clear()
        small.storefront.cancel_by_hand("10001")
        monkeypatch.setattr(converge_module, "answered", stumbles)
        small.clock.advance(FAULT_REST.total_seconds())
        await small.step()
        assert small.mis.writes == ["J10001-01"]
        _, task = small.tasks(TaskKind.PROGRAM_ERROR)
        assert (task.state, task.detail) == ("open", "ValueError: a status of 8 parts")
        assert [each.id for each in (await small.case()).tasks] == [task.id]

    run(story())
