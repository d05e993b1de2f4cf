"""An order emptied line by line is closed by one more cancel, which its lines cannot prove."""

from typing import Any

import pytest
from bridge_fakes import AT_ONCE, Crash, Small, run
from msgspec.structs import replace

from countermand.core.command import READ_BACK_AFTER, SETTLE_TIME, Outcome
from countermand.core.events import Event
from countermand.core.policy import EmptiedOrder
from countermand.core.tasks import TaskKind

CLOSING = replace(AT_ONCE, close_emptied_order=EmptiedOrder.CANCEL)
ITSELF = ("cancel", "10001", None)


async def emptied(answer: Any) -> Small:
    """Both jobs are cancelled one by one, and what is said to the closing cancel is `answer`."""
    small = Small(CLOSING)
    await small.in_production("10001", "s1", "s2")
    for number in (1, 2):
        if number == 2:
            small.storefront.answers.script = [Outcome.APPLIED, answer]
        small.mis.cancel_by_hand(f"J10001-{number:02}")
        small.job_hook(f"J10001-{number:02}")
        try:
            await small.settle()
        except Crash:
            await small.settle()
    return small


def proofs(small: Small) -> int:
    return len(small.events(Event.WRITE_VERIFIED))


def test_a_closing_that_shows_is_verified() -> None:
    async def story() -> None:
        small = await emptied(Outcome.APPLIED)
        assert small.storefront.writes[-1] == ITSELF
        assert (proofs(small), small.tasks()) == (3, [])
        assert small.state() == "in_step"

    run(story())


def test_a_closing_that_fell_into_a_pause_is_sent_after_it() -> None:
    async def story() -> None:
        small = await emptied(Outcome.NOT_SENT)
        assert small.storefront.writes.count(ITSELF) == 1
        small.clock.advance(SETTLE_TIME.total_seconds())
        await small.settle()
        assert small.storefront.writes.count(ITSELF) == 2
        assert (proofs(small), small.tasks(), small.state()) == (3, [], "in_step")

    run(story())


@pytest.mark.parametrize(
    "answer", [(Outcome.APPLIED, False), (Outcome.ALREADY, False), (Outcome.UNKNOWN, False), Crash]
)
def test_a_closing_that_was_not_done_is_never_verified_and_a_person_is_asked(answer: Any) -> None:
    """A storm found: the lines, which were cancelled before, were taken for its proof."""

    async def story() -> None:
        small = await emptied(answer)
        assert small.tasks() == [], "it may still show"
        small.clock.advance(READ_BACK_AFTER[-1].total_seconds() + 1)
        await small.settle()
        assert small.storefront.writes.count(ITSELF) == 1
        assert proofs(small) == 2
        assert small.task(TaskKind.CLOSE_EMPTIED_ORDER).state == "open"
        assert small.state() == "needs_person"
        small.clock.advance(600)
        small.order_hook("10001")
        await small.settle()
        assert (proofs(small), small.storefront.writes.count(ITSELF)) == (2, 1)

        small.storefront.orders["10001"].cancelled = True
        small.order_hook("10001")
        await small.settle()
        assert proofs(small) == 3
        assert small.task(TaskKind.CLOSE_EMPTIED_ORDER).state != "open"
        assert small.state() == "in_step"

    run(story())
