"""What our own newest write means for the judgement: wait for it, trust only a later read, never bounce."""

from __future__ import annotations

from datetime import timedelta

import pytest
from core_space import AUTOMATIC, T0, command, facts, line, pair, reading, settlement
from msgspec.structs import replace

from countermand.core.command import (
    MOST_ATTEMPTS,
    READ_BACK_AFTER,
    SETTLE_TIME,
    Change,
    Command,
    Outcome,
    effect_visible,
    next_read_back,
)
from countermand.core.merge import merge
from countermand.core.status import Side
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Settled, Wait

CANCELLED = facts("cancelled/none")
NOT_READ = ("gone", "unseen", "unreadable", "unmapped")


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_our_own_cancel_never_bounces_back_to_the_side_it_came_from(outcome: Outcome, verified: bool) -> None:
    """Cancelled in printIQ, written to Infigo, and re-opened in printIQ before the next look."""
    own = command(Side.STOREFRONT, Change.CANCEL, outcome, because=CANCELLED, verified=verified)
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0)
    assert verdict == Ask("re-opened", TaskKind.RE_OPENED, "mis")


@pytest.mark.parametrize(
    ("storefront", "mis", "rule"),
    [("open/dispatched", "open/produced", "moved-back"), ("open/none", "open/dispatched", "moved-back")],
)
def test_a_verified_dispatch_that_is_undone_on_either_side_is_asked_about(
    storefront: str, mis: str, rule: str
) -> None:
    own = command(Side.STOREFRONT, Change.SHIP, because=facts("open/dispatched"), verified=True)
    assert merge(line(storefront, mis, command=own), AUTOMATIC, T0) == Ask(rule, TaskKind.MOVED_BACK)


def test_a_lagging_read_after_a_verified_cancel_writes_nothing() -> None:
    own = command(Side.STOREFRONT, Change.CANCEL, because=CANCELLED, verified=True)
    verdict = merge(line("open/none", "cancelled/none", command=own), AUTOMATIC, T0 + timedelta(hours=1))
    assert verdict == Ask("re-opened", TaskKind.RE_OPENED, "storefront")


# A conflict beats an open or failed write


@pytest.mark.parametrize("answered", [timedelta(seconds=1), timedelta(seconds=-1), timedelta(minutes=-5)])
@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_a_dispatch_that_overtakes_our_cancel_is_the_most_urgent_task(
    outcome: Outcome | None, answered: timedelta
) -> None:
    """Cancelled while dispatched: neither waiting for a read-back nor a refusal may hide it."""
    own = command(Side.MIS, Change.CANCEL, outcome, answered=answered, attempts=2, because=CANCELLED)
    verdict = merge(line("cancelled/none", "open/dispatched", command=own), AUTOMATIC, T0)
    assert verdict == Ask("cancelled-but-made", TaskKind.CANCELLED_BUT_MADE)


# Waiting for the effect


@pytest.mark.parametrize(
    ("read_after_answer", "again_after"),
    [(-5.0, 0), (-0.5, 0), (0.0, 1), (0.9, 1), (1.0, 5), (4.9, 5), (5.0, 30), (30.0, 120), (119.0, 120)],
)
@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.ALREADY])
def test_an_applied_write_is_read_back_at_1_5_30_and_120_seconds(
    outcome: Outcome, read_after_answer: float, again_after: int
) -> None:
    own = command(Side.MIS, Change.CANCEL, outcome, answered=timedelta(seconds=-read_after_answer))
    assert own.answered_at is not None
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0)
    assert verdict == Wait("read-back", own.answered_at + timedelta(seconds=again_after))


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.ALREADY])
def test_after_the_last_read_back_a_person_is_asked_and_nothing_is_repeated(outcome: Outcome) -> None:
    own = command(Side.MIS, Change.CANCEL, outcome, answered=timedelta(seconds=-120))
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0)
    assert verdict == Ask("written-not-visible", TaskKind.NOT_VISIBLE, "cancel")


def test_a_read_that_began_before_the_answer_proves_nothing() -> None:
    """The person cancelled it by hand a moment before us; our write is verified by a later read only."""
    own = command(Side.MIS, Change.CANCEL, Outcome.APPLIED, answered=timedelta(seconds=1))
    verdict = merge(line("cancelled/none", "cancelled/none", command=own), AUTOMATIC, T0)
    assert verdict == Wait("read-back", own.answered_at)


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.ALREADY, Outcome.UNKNOWN, None])
def test_a_read_since_the_answer_that_shows_the_effect_ends_the_wait(outcome: Outcome | None) -> None:
    own = command(Side.MIS, Change.CANCEL, outcome, answered=timedelta(0))
    verdict = merge(line("cancelled/none", "cancelled/none", command=own), AUTOMATIC, T0)
    assert verdict == InStep("both-cancelled")


# No clear answer


@pytest.mark.parametrize(("outcome", "answered"), [(Outcome.UNKNOWN, True), (None, True), (None, False)])
def test_without_a_clear_answer_nothing_is_repeated_before_the_settle_time(
    outcome: Outcome | None, answered: bool
) -> None:
    at = T0 - SETTLE_TIME + timedelta(seconds=1)
    own = Command(
        target=Side.MIS,
        change=Change.CANCEL,
        sent_at=at,
        answered_at=at if answered else None,
        outcome=outcome,
    )
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0 + timedelta(days=1))
    assert verdict == Wait("unknown-outcome", T0 + timedelta(seconds=1))


def test_after_the_settle_time_it_is_repeated_once_and_then_a_person_is_asked() -> None:
    """The call returned an error and the order was cancelled anyway: read back before repeating."""
    once = command(Side.MIS, Change.CANCEL, Outcome.UNKNOWN, answered=-SETTLE_TIME)
    again = merge(line("cancelled/none", "open/none", command=once), AUTOMATIC, T0)
    assert again == Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)
    twice = replace(once, attempts=2, said="504 Gateway Time-out")
    verdict = merge(line("cancelled/none", "open/none", command=twice), AUTOMATIC, T0)
    assert verdict == Ask("write-unknown", TaskKind.WRITE_UNKNOWN, "504 Gateway Time-out")


# Refused


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNSUPPORTED])
def test_a_refusal_is_asked_about_until_the_other_side_changes(outcome: Outcome) -> None:
    own = command(Side.MIS, Change.CANCEL, outcome, because=CANCELLED)
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0)
    assert verdict == Ask("write-refused", TaskKind.WRITE_REFUSED, outcome.value)
    changed = merge(line("cancelled/started", "open/none", command=own), AUTOMATIC, T0)
    assert changed == Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)


def test_the_task_says_what_the_other_system_said() -> None:
    own = replace(command(Side.MIS, Change.CANCEL, Outcome.REFUSED), said="Job is locked by Hanna")
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0)
    assert verdict == Ask("write-refused", TaskKind.WRITE_REFUSED, "Job is locked by Hanna")


def test_a_source_whose_history_became_known_is_no_change() -> None:
    own = command(Side.STOREFRONT, Change.CANCEL, Outcome.REFUSED, because=facts("cancelled/none?"))
    verdict = merge(line("open/none", "cancelled/none", command=own), AUTOMATIC, T0)
    assert verdict == Ask("write-refused", TaskKind.WRITE_REFUSED, "refused")


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.APPLIED, Outcome.UNKNOWN])
def test_a_failed_partial_shipment_is_not_sent_again_as_the_line_wants_shipped(
    outcome: Outcome,
) -> None:
    """The plan turns a line's *shipped* into *partially shipped* while other lines are open."""
    source = facts("open/dispatched")
    own = command(
        Side.STOREFRONT, Change.SHIP_PART, outcome, answered=timedelta(minutes=-5), attempts=2, because=source
    )
    verdict = merge(line("open/none", "open/dispatched", command=own), AUTOMATIC, T0)
    assert isinstance(verdict, Ask)


def test_a_failed_write_the_other_way_does_not_stop_a_write() -> None:
    own = command(
        Side.STOREFRONT, Change.TRACK, Outcome.REFUSED, because=facts("open/none"), tracking=["1Z9"]
    )
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0)
    assert verdict == Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)


def test_a_verified_write_stops_nothing_new() -> None:
    own = command(Side.STOREFRONT, Change.SHIP_PART, because=facts("open/part_dispatched"), verified=True)
    verdict = merge(line("open/part_dispatched", "open/dispatched", command=own), AUTOMATIC, T0)
    assert verdict == Push("dispatch-travels", Change.SHIP, Side.STOREFRONT)


# A failed write that is not needed any more, or that a person has settled


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_failed_write_is_forgotten_when_both_sides_agree_again(outcome: Outcome) -> None:
    own = command(
        Side.MIS, Change.CANCEL, outcome, answered=timedelta(minutes=-5), attempts=2, because=CANCELLED
    )
    assert merge(line("open/none", "open/none", command=own), AUTOMATIC, T0) == InStep("both-open")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_refused_cancellation_can_be_settled(outcome: Outcome) -> None:
    own = command(
        Side.MIS, Change.CANCEL, outcome, answered=timedelta(minutes=-5), attempts=2, because=CANCELLED
    )
    kept = settlement(pair("cancelled/none", "open/none"))
    verdict = merge(line("cancelled/none", "open/none", command=own, settlement=kept), AUTOMATIC, T0)
    assert verdict == Settled("settled", "Ana")


def test_a_settlement_does_not_hide_that_a_write_is_still_on_its_way() -> None:
    own = command(Side.MIS, Change.CANCEL, Outcome.APPLIED, answered=timedelta(seconds=-2))
    kept = settlement(pair("cancelled/none", "open/none"))
    verdict = merge(line("cancelled/none", "open/none", command=own, settlement=kept), AUTOMATIC, T0)
    assert isinstance(verdict, Wait)


def test_after_an_applied_write_a_side_that_cannot_be_read_is_not_said_to_show_the_old_status() -> None:
    own = command(Side.MIS, Change.CANCEL, Outcome.APPLIED, answered=timedelta(minutes=-5))
    now = T0 + timedelta(hours=1)
    verdict = merge(line("cancelled/none", "unreadable", command=own), AUTOMATIC, now)
    assert verdict == Ask("cannot-read-cancelled", TaskKind.CANNOT_READ, "mis")


@pytest.mark.parametrize("now_shows", ["unreadable", "unmapped", "gone", "unseen"])
def test_while_the_effect_is_awaited_a_failed_read_is_just_read_again(now_shows: str) -> None:
    own = command(Side.MIS, Change.CANCEL, Outcome.APPLIED, answered=timedelta(seconds=-2))
    verdict = merge(line("cancelled/none", now_shows, command=own), AUTOMATIC, T0)
    assert verdict == Wait("read-back", T0 + timedelta(seconds=3))


# What counts as the effect


@pytest.mark.parametrize(
    ("change", "shown", "visible"),
    [
        (Change.CANCEL, "cancelled/none", True),
        (Change.CANCEL, "cancelled/dispatched", True),
        (Change.CANCEL, "open/dispatched", False),
        (Change.SHIP, "open/dispatched", True),
        (Change.SHIP, "open/part_dispatched", False),
        (Change.SHIP, "cancelled/none", False),
        (Change.SHIP_PART, "open/part_dispatched", True),
        (Change.SHIP_PART, "open/dispatched", True),
        (Change.SHIP_PART, "open/produced", False),
        *(
            (change, other, False)
            for change in Change
            for other in ("gone", "unseen", "unreadable", "unmapped")
        ),
    ],
)
def test_the_effect_of_each_change(change: Change, shown: str, visible: bool) -> None:
    own = command(Side.STOREFRONT, change)
    assert effect_visible(own, reading(shown)) == visible


@pytest.mark.parametrize(
    ("shown", "visible"),
    [([], False), (["1Z1"], False), (["1Z1", "1Z2"], True), (["1Z1", "1Z2", "1Z3"], True)],
)
def test_every_tracking_code_has_to_arrive(shown: list[str], visible: bool) -> None:
    own = command(Side.STOREFRONT, Change.TRACK, tracking=["1Z1", "1Z2"])
    assert effect_visible(own, reading("open/dispatched", tracking=shown)) == visible


def test_an_unanswered_write_counts_as_unknown_from_when_it_was_sent() -> None:
    """We crashed between sending and storing the answer."""
    own = Command(target=Side.MIS, change=Change.CANCEL, sent_at=T0)
    assert own.effective_outcome is Outcome.UNKNOWN
    assert own.settles_at == T0 + SETTLE_TIME
    assert next_read_back(own, T0) == T0 + timedelta(seconds=1)
    answered = replace(own, answered_at=T0 + timedelta(seconds=9), outcome=Outcome.REFUSED)
    assert answered.settles_at == answered.answered_at
    assert replace(answered, outcome=None).settles_at == T0 + timedelta(seconds=9) + SETTLE_TIME


def test_the_settings_of_the_loop() -> None:
    """Named in the docs: a read-back at 0, 1, 5, 30 and 120 s, 30 s to settle, two attempts."""
    assert [wait.total_seconds() for wait in READ_BACK_AFTER] == [0, 1, 5, 30, 120]
    assert SETTLE_TIME.total_seconds() == 30
    assert MOST_ATTEMPTS == 2
