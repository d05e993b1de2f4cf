"""The loop: four calls a change, stored before sent, read back before believed, and safe to kill anywhere."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from bridge_fakes import AT_ONCE, DISPATCHED, START, STARTED, Crash, Small, run
from msgspec.structs import replace

from countermand.bridge import people
from countermand.bridge.case import first_seen
from countermand.bridge.sightings import see_items, see_order
from countermand.bridge.stopping import stop
from countermand.core.command import SETTLE_TIME, Outcome, RefusalReason
from countermand.core.events import Event
from countermand.core.policy import Direction, Mode
from countermand.core.status import GONE, OPEN, Facts, Intent, Progress, Side, Unreadable
from countermand.core.tasks import TaskKind

HELD = Facts(Intent.HELD, Progress.NONE, history_known=False)


async def cancelled_in_shop(small: Small, order_id: str = "10001") -> None:
    small.storefront.cancel_by_hand(order_id)
    small.order_hook(order_id)


# What a change costs


def test_a_change_costs_four_calls() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        await cancelled_in_shop(small)
        await small.step()
        assert dict(small.calls) == {"storefront read": 1, "mis read": 2, "mis write": 1}
        assert await small.rules() == {"both-cancelled"}
        assert small.state() == "in_step"

    run(story())


def test_a_dispatch_costs_four_calls() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.change("J10001-01", status=DISPATCHED, tracking=frozenset({"JD1"}))
        small.job_hook("J10001-01")
        await small.step()
        assert dict(small.calls) == {"mis read": 1, "storefront read": 2, "storefront write": 1}
        assert small.storefront.orders["10001"].tracking == {"JD1"}
        assert await small.rules() == {"both-dispatched"}

    run(story())


def test_many_orders_are_read_together() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=50, brake_daily=50))
        for number in range(10001, 10021):
            await small.in_production(str(number))
        for number in range(10001, 10021):
            await cancelled_in_shop(small, str(number))
        await small.step()
        assert small.storefront.calls["read"] == 1
        assert small.mis.calls["read"] == 2
        assert small.mis.calls["write"] == 20

    run(story())


def test_a_quiet_shop_makes_no_calls_and_no_journal() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        version = (await small.stored()).version
        for _ in range(5):
            small.clock.advance(30)
            assert await small.step() == 0
        assert small.calls.total() == 0
        assert (await small.stored()).version == version

    run(story())


# Stored, then sent


def test_a_write_is_stored_as_sent_before_the_call_is_made() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        seen: list[Any] = []
        honest = small.mis.cancel

        async def looking(ref: Any) -> Any:
            seen.append((await small.case()).writes[-1].command.answered_at)
            seen.append(len(small.events(Event.WRITE_SENT)))
            return await honest(ref)

        small.mis.cancel = looking  # type: ignore[method-assign]
        await cancelled_in_shop(small)
        await small.step()
        assert seen == [None, 1]

    run(story())


def test_the_cancel_is_counted_by_the_brake_before_anything_is_written() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=3))
        for number in range(10001, 10006):
            await small.in_production(str(number))
        for number in range(10001, 10006):
            await cancelled_in_shop(small, str(number))
        await small.settle()
        assert small.mis.writes == []
        task = small.task(TaskKind.BRAKE)
        assert small.orders_of_task(task.id) == {str(number) for number in range(10001, 10006)}
        assert len(small.events(Event.BRAKE_TRIPPED)) == 1

    run(story())


def test_the_brake_trips_on_the_order_that_is_one_too_many() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=3))
        for number in range(10001, 10006):
            await small.in_production(str(number))
        for number in range(10001, 10006):
            await cancelled_in_shop(small, str(number))
            await small.settle()
        assert len(small.mis.writes) == 3
        assert small.orders_of_task(small.task(TaskKind.BRAKE).id) == {"10004", "10005"}

    run(story())


def test_a_brake_in_one_direction_keeps_its_task_while_the_other_writes() -> None:
    """Line one goes to the MIS; line two, held towards the storefront, keeps waiting for its person."""

    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=0, cancel_to_mis=Mode.MANUAL))
        await small.in_production("10001", "s1", "s2")
        small.mis.cancel_by_hand("J10001-02")
        small.job_hook("J10001-02")
        await small.settle()
        held = small.task(TaskKind.BRAKE)
        assert small.storefront.writes == []
        small.clock.advance(60)
        small.connect(replace(AT_ONCE, cancel_to_storefront=Mode.AUTOMATIC))
        small.storefront.orders["10001"].lines[0].status = Facts(Intent.CANCELLED, Progress.NONE)
        small.order_hook("10001")
        await small.settle()
        assert small.mis.writes == ["J10001-01"]
        assert [(one.id, one.state, one.returned) for one in small.tasks(TaskKind.BRAKE)] == [
            (held.id, "open", 0)
        ]
        assert len(small.events(Event.TASK_CLOSED)) == 0

    run(story())


def test_what_comes_due_later_is_read_again_before_it_is_written() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, undo_window=timedelta(minutes=5)))
        await small.in_production()
        await cancelled_in_shop(small)
        await small.settle()
        assert small.mis.writes == []
        small.mis.change("J10001-01", status=STARTED)
        small.clock.advance(300)
        await small.settle()
        assert small.mis.writes == [], "it was written on an old reading"
        assert small.task(TaskKind.PAST_CUT_OFF).state == "open"

    run(story())


def test_a_cancel_taken_back_within_the_undo_window_writes_nothing() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, undo_window=timedelta(minutes=5)))
        await small.in_production()
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        small.mis.change("J10001-01", status=OPEN)
        small.clock.advance(300)
        await small.settle()
        assert small.storefront.writes == []
        assert small.cancellations() == ["withdrawn"]

    run(story())


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNSUPPORTED, Outcome.NOT_SENT])
def test_what_was_done_by_hand_after_a_write_that_did_nothing_is_in_step(outcome: Outcome) -> None:
    """It was called on its way for ever, and each sweep left it alone for that."""

    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [outcome]
        await cancelled_in_shop(small)
        await small.settle()
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        small.clock.advance(SETTLE_TIME.total_seconds())
        await small.settle()
        assert len(small.mis.writes) == 1
        assert (await small.rules(), small.state()) == ({"both-cancelled"}, "in_step")

    run(story())


@pytest.mark.parametrize("answer", [Outcome.UNKNOWN, (Outcome.APPLIED, False)])
def test_what_was_taken_back_after_a_write_that_did_not_show_is_in_step(answer: Any) -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.storefront.answers.script = [answer, answer]
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        assert small.state() == "on_the_way"
        small.clock.advance(300)
        await small.settle()
        small.mis.change("J10001-01", status=OPEN)
        small.job_hook("J10001-01")
        small.clock.advance(300)
        await small.settle()
        assert (await small.rules(), small.state()) == ({"both-open"}, "in_step")

    run(story())


# In a pause that the vendor asked for


def test_a_write_that_was_never_made_is_made_after_the_pause_and_nobody_is_asked() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [Outcome.NOT_SENT] * 4
        await cancelled_in_shop(small)
        for attempts in range(1, 5):
            await small.settle()
            assert len(small.mis.writes) == attempts
            assert await small.rules() == {"not-sent"}
            small.clock.advance(SETTLE_TIME.total_seconds())
        await small.settle()
        assert len(small.mis.writes) == 5
        assert await small.rules() == {"both-cancelled"}
        assert small.tasks() == []
        assert [written.command.attempts for written in (await small.case()).writes] == [1] * 5

    run(story())


def test_a_write_that_was_never_made_can_still_be_stopped_or_taken_back() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [Outcome.NOT_SENT]
        await cancelled_in_shop(small)
        await small.settle()
        way, now = Direction.CANCEL_TO_MIS, small.clock()
        await small.deed("10001", stop(way, "Priya Shah", now, "they want it after all"))
        small.clock.advance(SETTLE_TIME.total_seconds())
        await small.settle()
        assert len(small.mis.writes) == 1
        assert await small.rules() == {"settled"}

    run(story())


def test_what_was_never_made_does_not_use_up_the_one_repeat_after_no_clear_answer() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.UNKNOWN]
        await cancelled_in_shop(small)
        for _ in range(3):
            await small.settle()
            assert small.tasks() == []
            small.clock.advance(SETTLE_TIME.total_seconds())
        await small.settle()
        assert len(small.mis.writes) == 3
        assert small.task(TaskKind.WRITE_UNKNOWN).state == "open"

    run(story())


# Killed anywhere


def test_killed_after_sent_the_write_is_made_once_more_only_when_a_later_read_shows_no_effect() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [Crash]
        await cancelled_in_shop(small)
        with pytest.raises(Crash):
            await small.step()
        small.connect(AT_ONCE)
        await small.settle()
        assert len(small.mis.writes) == 1
        assert await small.rules() == {"unknown-outcome"}
        small.clock.advance(SETTLE_TIME.total_seconds())
        await small.settle()
        assert len(small.mis.writes) == 2
        assert await small.rules() == {"both-cancelled"}

    run(story())


def test_killed_after_it_took_effect_it_is_verified_and_never_sent_again() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [Crash]
        await cancelled_in_shop(small)
        with pytest.raises(Crash):
            await small.step()
        small.mis.cancel_by_hand("J10001-01")
        small.connect(AT_ONCE)
        await small.settle()
        assert len(small.mis.writes) == 1
        assert await small.rules() == {"both-cancelled"}
        (written,) = (await small.case()).writes
        assert written.command.verified_at is not None

    run(story())


@pytest.mark.parametrize("nth", range(1, 8))
def test_killed_before_any_of_its_savings_it_ends_the_same(nth: int) -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        honest, count = small.writer.write_async, 0

        async def dying(work: Any) -> Any:
            nonlocal count
            count += 1
            if count == nth:
                raise Crash
            return await honest(work)

        small.writer.write_async = dying  # type: ignore[method-assign]
        await cancelled_in_shop(small)
        try:
            await small.step()
        except Crash:
            small.connect(AT_ONCE)
        small.writer.write_async = honest  # type: ignore[method-assign]
        for _ in range(4):
            await small.settle()
            small.clock.advance(SETTLE_TIME.total_seconds())
        assert small.mis.writes == ["J10001-01"]
        assert await small.rules() == {"both-cancelled"}
        assert small.inbox()[-1][0] == "done"
        assert small.cancellations() == ["done"]

    run(story())


# Answers that lie


def test_an_error_that_was_applied_all_the_same_is_not_repeated() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [(Outcome.UNKNOWN, True)]
        await cancelled_in_shop(small)
        await small.settle()
        small.clock.advance(SETTLE_TIME.total_seconds())
        await small.settle()
        assert len(small.mis.writes) == 1
        assert await small.rules() == {"both-cancelled"}
        assert small.tasks() == []

    run(story())


def test_no_clear_answer_twice_is_a_persons_work() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [(Outcome.UNKNOWN, False), (Outcome.UNKNOWN, False)]
        await cancelled_in_shop(small)
        for _ in range(4):
            await small.settle()
            small.clock.advance(SETTLE_TIME.total_seconds())
        assert len(small.mis.writes) == 2
        assert small.task(TaskKind.WRITE_UNKNOWN).state == "open"

    run(story())


def test_each_of_a_lines_two_jobs_has_attempts_of_its_own() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.make("J10001-02", customer_reference="10001", external_reference="s10001")
        small.hook(Side.MIS, {"ref": "J10001-02", "kind": "job"})
        await small.settle()
        small.mis.answers.script = [(Outcome.UNKNOWN, False)] * 4
        await cancelled_in_shop(small)
        for _ in range(4):
            await small.settle()
            small.clock.advance(SETTLE_TIME.total_seconds())
        assert sorted(small.mis.writes) == ["J10001-01", "J10001-01", "J10001-02", "J10001-02"]
        attempts = [written.command.attempts for written in (await small.case()).writes]
        assert attempts == [1, 1, 2, 2]
        assert small.task(TaskKind.WRITE_UNKNOWN).state == "open"

    run(story())


_UNKNOWN, _APPLIED, _REFUSED = (Outcome.UNKNOWN, False), (Outcome.APPLIED, False), Outcome.REFUSED


@pytest.mark.parametrize(
    "answers", [each for each in product((_UNKNOWN, _APPLIED, _REFUSED), repeat=2) if set(each) != {_UNKNOWN}]
)
def test_what_one_of_two_jobs_answered_sends_nothing_twice_to_the_other(answers: tuple[object, ...]) -> None:
    """Only what had no clear answer is sent once more; then a person is asked."""

    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.make("J10001-02", customer_reference="10001", external_reference="s10001")
        small.hook(Side.MIS, {"ref": "J10001-02", "kind": "job"})
        await small.settle()
        small.mis.answers.script = [*answers, *[_UNKNOWN] * 4]
        await cancelled_in_shop(small)
        for _ in range(8):
            await small.settle()
            small.clock.advance(SETTLE_TIME.total_seconds())
        sent = {f"J10001-0{place}": answer for place, answer in enumerate(answers, start=1)}
        for ref, answer in sent.items():
            assert small.mis.writes.count(ref) <= (2 if answer == _UNKNOWN else 1), ref
        assert {task.state for task in small.tasks()} == {"open"}
        assert await small.rules() <= {"written-not-visible", "write-refused", "write-unknown"}

    run(story())


def test_a_refusal_is_a_task_with_the_words_that_were_said() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.answers.script = [Outcome.REFUSED]
        await cancelled_in_shop(small)
        await small.settle()
        small.clock.advance(600)
        await small.settle()
        assert len(small.mis.writes) == 1
        assert "refused" in small.task(TaskKind.WRITE_REFUSED).detail

    run(story())


def test_applied_and_not_visible_is_read_again_at_1_5_30_and_120_seconds_then_asked() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.lagging["J10001-01"] = OPEN
        await cancelled_in_shop(small)
        await small.step()
        answered, read_at = small.clock(), []
        while not small.tasks():
            due = small.due_at()
            assert due is not None
            small.clock.now = due
            before = small.mis.calls["read"]
            await small.step()
            if small.mis.calls["read"] > before:
                read_at.append((small.clock() - answered).total_seconds())
        assert read_at == [1, 5, 30, 120]
        assert small.task(TaskKind.NOT_VISIBLE).because == "written-not-visible"
        assert len(small.mis.writes) == 1

    run(story())


def test_an_effect_that_shows_late_closes_its_task() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.lagging["J10001-01"] = OPEN
        await cancelled_in_shop(small)
        for wait in (0, 1, 5, 30, 120):
            small.clock.advance(wait)
            await small.settle()
        assert small.task(TaskKind.NOT_VISIBLE).state == "open"
        small.mis.lagging.clear()
        small.job_hook("J10001-01")
        small.clock.advance(60)
        await small.settle()
        task = small.task(TaskKind.NOT_VISIBLE)
        assert (task.state, task.closed_how) == ("closed", "verified")
        assert len(small.mis.writes) == 1

    run(story())


# Reading


def test_a_read_that_began_earlier_is_older_news() -> None:
    async def story() -> None:
        small = Small()
        case = await small.in_production()
        early = small.storefront.shown("10001")
        small.clock.advance(5)
        small.storefront.cancel_by_hand("10001")
        late = see_order(case, small.storefront.shown("10001"), small.clock())
        assert see_order(late, early, small.clock()) == late
        item = small.mis.items["J10001-01"]
        older = replace(item, began_at=START - timedelta(seconds=1), status=DISPATCHED)
        after = see_items(case, [older], small.clock()).items[0]
        assert after.mis == case.items[0].mis
        assert after.furthest is Progress.DISPATCHED, "how far work ever came is no old news"

    run(story())


def test_an_unreadable_read_keeps_the_last_good_status_and_its_since() -> None:
    seen = first_seen(OPEN, START, START)
    for minute in range(1, 4):
        at = START + timedelta(minutes=minute)
        seen = seen.read(Unreadable("HTTP 503"), at, at)
    assert isinstance(seen.reading().status, Unreadable)
    assert seen.reading().since == START + timedelta(minutes=1)
    at = START + timedelta(minutes=9)
    again = seen.read(OPEN, at, at)
    assert (again.reading().status, again.reading().since) == (OPEN, START)
    changed = seen.read(STARTED, at, at)
    assert changed.reading().since == at


def test_tracking_codes_are_never_lost() -> None:
    seen = first_seen(OPEN, START, START, frozenset({"A"})).read(OPEN, START, START, frozenset({"B"}))
    assert seen.read(OPEN, START, START, frozenset()).tracking == {"A", "B"}


def test_absence_is_never_a_cancellation() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        del small.mis.items["J10001-01"]
        small.job_hook("J10001-01")
        await small.settle()
        small.clock.advance(120)
        await small.settle()
        assert (await small.case()).items[0].mis.status == GONE
        assert small.storefront.writes == []
        assert small.task(TaskKind.GONE).state == "open"

    run(story())


def test_a_line_made_by_two_jobs_is_cancelled_when_both_are() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production("10001", "s1")
        small.mis.make("J2", external_reference="s1", customer_reference="10001")
        small.job_hook("J2")
        await small.settle()
        small.clock.advance(60)
        small.mis.cancel_by_hand("J2")
        small.job_hook("J2")
        await small.settle()
        assert small.storefront.writes == []
        small.clock.advance(60)
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        assert small.storefront.writes == [("cancel", "10001", None)]

    run(story())


def test_on_hold_after_work_was_seen_counts_as_started() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        for status in (STARTED, HELD):
            small.mis.change("J10001-01", status=status)
            small.job_hook("J10001-01")
            await small.settle()
            small.clock.advance(60)
        await cancelled_in_shop(small)
        await small.settle()
        assert small.mis.writes == []
        assert small.task(TaskKind.PAST_CUT_OFF).state == "open"

    run(story())


def test_a_job_that_was_sent_back_still_counts_as_started() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        for status in (STARTED, OPEN):
            small.mis.change("J10001-01", status=status)
            small.job_hook("J10001-01")
            await small.settle()
            small.clock.advance(60)
        await cancelled_in_shop(small)
        await small.settle()
        assert small.mis.writes == []

    run(story())


def test_an_outage_heals_by_itself_and_nothing_was_guessed_meanwhile() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.down = "HTTP 503"
        await cancelled_in_shop(small)
        for _ in range(5):
            await small.settle()
            small.clock.advance(60)
        assert small.mis.writes == []
        assert small.task(TaskKind.CANNOT_READ).state == "open"
        small.mis.down = ""
        small.job_hook("J10001-01")
        await small.settle()
        assert small.mis.writes == ["J10001-01"]
        assert small.task(TaskKind.CANNOT_READ).closed_how == "verified"

    run(story())


def test_an_order_that_differs_at_first_sight_is_never_written_to() -> None:
    async def story() -> None:
        small = Small()
        order = small.storefront.place("10001")
        order.placed_at = START - timedelta(days=400)
        small.mis.make("J1", external_reference="s10001", customer_reference="10001")
        await cancelled_in_shop(small)
        for _ in range(3):
            await small.settle()
            small.clock.advance(3600)
            small.order_hook("10001")
        assert small.mis.writes == []
        assert small.task(TaskKind.IMPORT_REVIEW).state == "open"
        await small.deed("10001", people.accept_import("Priya Shah", small.clock()))
        await small.settle()
        assert small.mis.writes == ["J1"]

    run(story())


def test_both_at_the_same_moment_is_the_most_urgent_task_and_no_write() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        small.mis.change("J10001-01", status=DISPATCHED)
        small.job_hook("J10001-01")
        await cancelled_in_shop(small)
        await small.settle()
        assert small.mis.writes == []
        assert small.storefront.writes == []
        assert small.task(TaskKind.CANCELLED_BUT_MADE).state == "open"
        assert small.state() == "needs_person"

    run(story())


# Fences


def test_a_worker_that_was_overtaken_writes_nothing() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        await cancelled_in_shop(small)
        honest, raced = small.mis.read, False

        async def racing(refs: Any) -> Any:
            nonlocal raced
            if not raced:
                raced = True
                await small.deed("10001", people.look_again("Priya Shah", small.clock()))
            return await honest(refs)

        small.mis.read = racing  # type: ignore[method-assign]
        await small.bridge._intake.take()
        assert small.mis.writes == [], "it wrote on a version that somebody else had changed"
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


def test_two_workers_on_one_order_write_once() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        await cancelled_in_shop(small)
        other = type(small.bridge)(small.connection, small.store, small.bridge._intake._parsers, small.clock)
        await asyncio.gather(small.bridge.step(), other.step())
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


# Notes


def test_a_refused_cancellation_goes_back_as_a_note_once() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, cancel_to_mis=Mode.MANUAL))
        await small.in_production()
        await cancelled_in_shop(small)
        await small.settle()
        deed = people.refuse(
            Direction.CANCEL_TO_MIS,
            (),
            "Priya Shah",
            small.clock(),
            "already on the press",
            RefusalReason.MILESTONE,
        )
        await small.deed("10001", deed)
        await small.settle()
        (note,) = small.storefront.orders["10001"].notes
        assert "already on the press" in note
        assert "milestone" in note
        assert (await small.case()).notes_due == ()
        assert len(small.events(Event.NOTE_WRITTEN)) == 1
        assert small.cancellations() == ["refused"]

    run(story())


@pytest.mark.parametrize("side", list(Side))
def test_an_echo_is_simply_in_step(side: Side) -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        await cancelled_in_shop(small)
        await small.settle()
        for _ in range(5):
            small.clock.advance(20)
            if side is Side.MIS:
                small.job_hook("J10001-01")
            else:
                small.order_hook("10001")
            await small.settle()
        assert len(small.mis.writes) == 1
        assert not small.storefront.writes

    run(story())
