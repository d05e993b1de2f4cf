"""An error of ours while notes are written on orders: no note is written again for it, and none is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_fakes import Small, run

from countermand.bridge import people
from countermand.bridge.people import look_again
from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.core.events import Event
from countermand.core.policy import Direction, Policy
from countermand.core.tasks import TaskKind

FAULT = KeyError("OrderNoteId")
ORDERS = ("10001", "10002", "10003")


async def three_refused(small: Small) -> None:
    """Three orders whose cancel a person refused, so that each gets a note, all of them due together."""
    for order_id in ORDERS:
        await small.in_production(order_id)
    for order_id in ORDERS:
        small.storefront.cancel_by_hand(order_id)
        small.order_hook(order_id)
    await small.settle()
    for order_id in ORDERS:
        await refuse(small, order_id)


async def refuse(small: Small, order_id: str) -> None:
    deed = people.refuse(
        Direction.CANCEL_TO_MIS, (), "Priya Shah", small.clock(), "on the press", RefusalReason.OTHER
    )
    await small.deed(order_id, deed)


async def an_hour(small: Small) -> None:
    for _ in range(48):
        await small.step()
        small.clock.advance(75)


def notes(small: Small) -> list[int]:
    return [len(small.storefront.orders[order_id].notes) for order_id in ORDERS]


@pytest.fixture
def small() -> Small:
    return Small(policy=Policy(undo_window=timedelta(0)))


@pytest.mark.parametrize("failing", ORDERS)
def test_each_note_is_written_once_although_we_fail_on_what_one_was_answered(
    small: Small, failing: str
) -> None:
    async def story() -> None:
        small.storefront.note_answer_faults[failing] = FAULT
        await three_refused(small)
        await an_hour(small)
        assert notes(small) == [1, 1, 1]
        for order_id in ORDERS:
            assert (await small.case(order_id)).notes_due == ()
        assert small.faults == [(f"note/{failing}", FAULT)]
        assert small.tasks(TaskKind.PROGRAM_ERROR) == []

    run(story())


def test_the_journal_says_that_it_is_not_known_whether_the_note_is_there(small: Small) -> None:
    async def story() -> None:
        small.storefront.note_answer_faults["10002"] = FAULT
        await three_refused(small)
        await small.step()
        told = {subject: body for subject, _, body in small.events(Event.NOTE_WRITTEN)}
        assert sorted(told) == [f"order/{order_id}" for order_id in ORDERS]
        assert f'"{Outcome.UNKNOWN}"' in told["order/10002"]
        assert "a fault of ours: KeyError" in told["order/10002"]
        assert f'"{Outcome.APPLIED}"' in told["order/10001"]

    run(story())


def test_an_order_goes_on_after_such_a_note(small: Small) -> None:
    async def story() -> None:
        small.storefront.note_answer_faults["10002"] = FAULT
        await three_refused(small)
        await small.settle()
        assert len({small.state(order_id) for order_id in ORDERS}) == 1
        assert small.cancellations() == ["refused"] * 3

    run(story())


def test_a_note_is_written_once_although_a_person_acts_on_the_order_meanwhile(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        await refuse(small, "10001")
        honest = small.storefront.note

        async def slow(order_id: str, text: str) -> Answer:
            answer = await honest(order_id, text)
            await small.deed(order_id, look_again("Priya Shah", small.clock()))
            return answer

        small.storefront.note = slow  # type: ignore[method-assign]
        await an_hour(small)
        assert len(small.storefront.orders["10001"].notes) == 1

    run(story())
