"""A cancel that waits can be stopped by a person; one that was sent cannot be called back."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from bridge_fakes import AT_ONCE, CANCELLED, DISPATCHED, START, STARTED, Small, run
from msgspec.structs import replace

from countermand.bridge import people
from countermand.bridge.asking_again import ask_again, left_different
from countermand.bridge.people import RefusedError
from countermand.bridge.stopping import stop, waiting
from countermand.core.command import Outcome, RefusalReason
from countermand.core.events import Event
from countermand.core.policy import Direction, Mode
from countermand.core.status import OPEN
from countermand.core.tasks import TaskKind

TO_MIS, TO_SHOP = Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT
#: Long enough to press a button in.
PATIENT = replace(AT_ONCE, undo_window=timedelta(minutes=5))
PRIYA = "Priya Shah"
WHY = "the customer rang: it is wanted after all"


async def cancelled_in_shop(small: Small, order_id: str = "10001", *lines: str) -> None:
    small.storefront.cancel_by_hand(order_id, *lines)
    small.order_hook(order_id)
    await small.settle()


async def past_the_window(small: Small) -> None:
    small.clock.advance(3600)
    small.order_hook("10001")
    await small.settle()


def test_a_stopped_cancel_is_never_written_and_the_two_sides_stay_different_by_name() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        await cancelled_in_shop(small)
        assert [one.direction for one in waiting(await small.case())] == [TO_MIS]
        await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
        await past_the_window(small)
        assert small.mis.writes == []
        assert (small.state(), small.cancellations(), small.tasks()) == ("settled", ["refused"], [])
        (line,) = (await small.case()).lines
        assert line.settlement is not None
        assert (line.settlement.by, line.settlement.reason) == (PRIYA, WHY)
        assert waiting(await small.case()) == ()

    run(story())


def test_it_stands_in_the_journal_once_with_name_reason_and_lines_and_on_the_order_as_a_note() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        await cancelled_in_shop(small)
        await small.deed("10001", stop(None, PRIYA, small.clock(), WHY))
        await small.settle()
        ((subject, actor, body),) = small.events(Event.CANCELLATION_STOPPED)
        told = msgspec.json.decode(body)
        assert (subject, actor, told["why"]) == ("order/10001", PRIYA, WHY)
        assert told["extra"]["direction"] == TO_MIS.value
        assert told["extra"]["lines"] == ", ".join(line.line_id for line in (await small.case()).lines)
        assert any(WHY in note for note in small.storefront.orders["10001"].notes)

    run(story())


def test_the_work_may_go_on_and_be_sent_without_another_question() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        await cancelled_in_shop(small)
        await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
        for status in (STARTED, DISPATCHED):
            small.mis.change("J10001-01", status=status)
            small.clock.advance(60)
            small.job_hook("J10001-01")
            await small.settle()
            assert (small.state(), small.tasks()) == ("settled", []), status

    run(story())


def test_towards_the_storefront_it_ends_when_the_job_is_opened_again() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        await small.deed("10001", stop(TO_SHOP, PRIYA, small.clock(), "a slip of the hand"))
        await past_the_window(small)
        assert (small.storefront.writes, small.state()) == ([], "settled")
        small.mis.change("J10001-01", status=OPEN)
        small.job_hook("J10001-01")
        await small.settle()
        assert (small.state(), small.tasks()) == ("in_step", [])

    run(story())


def test_what_has_been_sent_cannot_be_stopped_whatever_was_answered() -> None:
    async def story(outcome: Outcome) -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [(outcome, False)]
        await cancelled_in_shop(small)
        assert small.mis.writes == ["J10001-01"]
        assert waiting(await small.case()) == ()
        before = await small.stored()
        with pytest.raises(RefusedError, match="too late to stop it"):
            await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
        assert await small.stored() == before

    for outcome in (Outcome.APPLIED, Outcome.UNKNOWN):
        run(story(outcome))


def test_a_write_that_was_prepared_on_the_old_picture_is_not_sent() -> None:
    """The loop has decided to write, and the person is faster by a moment."""

    async def story() -> None:
        small = Small()
        await small.in_production()
        honest, stopped = small.store.save, False

        async def overtaken(connection: str, changes: object, *more: object, **named: object) -> object:
            nonlocal stopped
            writing = any(one.case.open_writes for one in changes)  # type: ignore[attr-defined]
            if writing and not stopped:
                stopped = True
                await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
            return await honest(connection, changes, *more, **named)  # type: ignore[arg-type]

        small.store.save = overtaken  # type: ignore[assignment,method-assign]
        await cancelled_in_shop(small)
        await past_the_window(small)
        assert stopped
        assert (small.mis.writes, small.state()) == ([], "settled")

    run(story())


def test_a_cancel_that_a_person_could_do_by_hand_is_stopped_with_its_task() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.MANUAL))
        await small.in_production()
        await cancelled_in_shop(small)
        await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
        await small.settle()
        assert small.task(TaskKind.CANCEL_IN_MIS).state == "closed"
        assert small.state() == "settled"

    run(story())


def test_only_what_was_not_done_yet_is_left_different() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production("10001", "s1", "s2")
        await cancelled_in_shop(small)
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
        await past_the_window(small)
        lines = {line.line_id: line for line in (await small.case()).lines}
        assert (lines["s1"].rule, lines["s1"].settlement) == ("both-cancelled", None)
        assert lines["s2"].rule == "settled"
        assert small.mis.writes == []

    run(story())


def test_another_change_asks_again_and_an_older_go_ahead_counts_no_more() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        await small.deed("10001", people.approve(TO_SHOP, "Tom Baker", small.clock(), "yes"))
        await small.deed("10001", stop(TO_SHOP, PRIYA, small.clock(), WHY))
        assert (await small.case()).approvals == {}
        for status in (OPEN, CANCELLED):
            small.mis.change("J10001-01", status=status)
            small.clock.advance(60)
            small.job_hook("J10001-01")
            await small.settle()
        assert small.storefront.writes == [], "the window begins anew, for the old word is spent"
        assert small.cancellations()[-1] == "accepted"

    run(story())


def test_a_refusal_spends_the_go_ahead_too() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        await cancelled_in_shop(small)
        now = small.clock()
        await small.deed("10001", people.approve(TO_MIS, "Tom Baker", now, "yes"))
        await small.deed("10001", people.refuse(TO_MIS, (), PRIYA, now, "no", RefusalReason.OTHER))
        assert (await small.case()).approvals == {}

    run(story())


@pytest.mark.parametrize(
    ("reason", "says"), [("", "say why"), ("  \n", "say why"), ("a reason", "nothing to stop")]
)
def test_without_a_reason_or_a_cancel_nothing_changes(reason: str, says: str) -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        before = await small.stored()
        with pytest.raises(RefusedError, match=says):
            await small.deed("10001", stop(None, PRIYA, START, reason))
        assert await small.stored() == before

    run(story())


# Taking it back


def test_what_was_left_different_is_taken_back_and_the_rules_go_on() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        await cancelled_in_shop(small)
        await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
        await past_the_window(small)
        assert [line.line_id for line in left_different(await small.case())]
        await small.deed("10001", ask_again("Tom Baker", small.clock(), "it was the wrong order"))
        await small.settle()
        assert small.mis.writes == ["J10001-01"], "the time to take it back is long over"
        assert (small.state(), small.cancellations()) == ("in_step", ["refused", "done"])
        ((subject, actor, body),) = small.events(Event.LINE_ASKED_AGAIN)
        assert (subject, actor) == ("order/10001", "Tom Baker")
        assert msgspec.json.decode(body)["why"] == "it was the wrong order"

    run(story())


def test_taken_back_it_meets_every_limit_as_any_other_does() -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        await cancelled_in_shop(small)
        await small.deed("10001", stop(TO_MIS, PRIYA, small.clock(), WHY))
        small.mis.change("J10001-01", status=STARTED)
        small.job_hook("J10001-01")
        await small.settle()
        await small.deed("10001", ask_again(PRIYA, small.clock(), "the customer rang again"))
        await small.settle()
        assert small.mis.writes == []
        assert small.task(TaskKind.PAST_CUT_OFF).state == "open"

    run(story())


def test_what_differed_at_first_sight_is_reviewed_again_when_it_is_taken_back() -> None:
    """Else two acts that need no go-ahead would bring an old order in step."""

    async def story() -> None:
        small = Small()
        small.storefront.place("10001").placed_at = START - timedelta(days=400)
        small.mis.make("J1", external_reference="s10001", customer_reference="10001")
        await cancelled_in_shop(small)
        for status in (OPEN, STARTED):
            small.mis.change("J1", status=status)
            small.job_hook("J1")
            await past_the_window(small)
            task = (await small.case()).tasks[0].id
            await small.deed("10001", people.settle_task(task, PRIYA, small.clock(), "it is history"))
            await small.settle()
            assert small.state() == "settled"
        await small.deed("10001", ask_again(PRIYA, small.clock(), "on second thoughts"))
        await small.settle()
        assert small.mis.writes == []
        (asked,) = (task.kind for task in small.tasks() if task.state == "open")
        assert asked is TaskKind.IMPORT_REVIEW
        await small.deed("10001", people.accept_import("Tom Baker", small.clock()))
        await small.settle()
        (asked,) = (task.kind for task in small.tasks() if task.state == "open")
        assert asked is TaskKind.PAST_CUT_OFF

    run(story())


@pytest.mark.parametrize(("reason", "says"), [(" ", "say why"), ("a reason", "left different now")])
def test_only_what_is_left_different_can_be_taken_back_and_with_a_reason(reason: str, says: str) -> None:
    async def story() -> None:
        small = Small(PATIENT)
        await small.in_production()
        before = await small.stored()
        with pytest.raises(RefusedError, match=says):
            await small.deed("10001", ask_again(PRIYA, START, reason))
        assert await small.stored() == before

    run(story())
