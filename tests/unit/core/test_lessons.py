"""What went wrong elsewhere, one test per mistake: those that the judgement alone can make or avoid."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from core_space import (
    AUTOMATIC,
    LATE,
    MIS_STATUSES,
    STOREFRONT_STATUSES,
    T0,
    command,
    facts,
    line,
    one_line_order,
    order,
    order_line,
    pair,
)
from msgspec.structs import replace

from countermand.core.command import SETTLE_TIME, Change, Command, Outcome, RefusalReason
from countermand.core.line import Line
from countermand.core.merge import merge
from countermand.core.plan import NeedsPerson, plan
from countermand.core.status import Facts, Side
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Wait

CANCELLED = facts("cancelled/none")
DELIVERED = pair("open/dispatched", "open/dispatched")


def writes(own: Line) -> list[Change]:
    return [write.change for write in plan(one_line_order(own), AUTOMATIC, LATE).writes]


# Cancelling


def test_after_an_error_it_is_read_back_before_it_is_repeated() -> None:
    """The call returned an error, and the order was cancelled anyway."""
    own = command(Side.MIS, Change.CANCEL, Outcome.UNKNOWN, answered=timedelta(seconds=-1))
    assert writes(line("cancelled/none", "open/none", command=own)) == []
    assert writes(line("cancelled/none", "cancelled/none", command=own)) == []


def test_a_yes_that_changed_nothing_is_not_believed() -> None:
    """The call "succeeded" with a login page, and nothing was cancelled."""
    own = command(Side.MIS, Change.CANCEL, Outcome.APPLIED, answered=timedelta(minutes=-3))
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, LATE)
    assert verdict == Ask("written-not-visible", TaskKind.NOT_VISIBLE, "cancel")


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_cancelled_and_dispatched_at_the_same_moment_is_the_most_urgent_task(outcome: Outcome | None) -> None:
    """One cancelled while another had the dispatch page open; both went through."""
    own = command(Side.MIS, Change.CANCEL, outcome, because=CANCELLED)
    for mis in ("open/dispatched", "cancelled/dispatched"):
        verdict = merge(line("cancelled/none", mis, command=own), AUTOMATIC, LATE)
        assert isinstance(verdict, Ask)
        assert verdict.task is TaskKind.CANCELLED_BUT_MADE


def test_a_cancelled_line_that_is_shipped_is_asked_about_and_not_overwritten() -> None:
    for base in (pair("cancelled/none", "cancelled/none"), pair("open/none", "open/none")):
        verdict = merge(line("cancelled/none", "open/dispatched", base=base), AUTOMATIC, LATE)
        assert verdict == Ask("cancelled-but-made", TaskKind.CANCELLED_BUT_MADE)


def test_cancelling_a_line_says_nothing_about_lines_that_had_shipped_already() -> None:
    """Cancelling some units marked those that had already shipped."""
    shipped = line("open/part_dispatched", "open/dispatched", base=pair("open/none", "open/none"))
    cancelled = line("open/part_dispatched", "cancelled/none")
    planned = plan(order(order_line("s1", shipped), order_line("s2", cancelled)), AUTOMATIC, LATE)
    cancels = [write for write in planned.writes if write.change is Change.CANCEL]
    assert [write.line_ids for write in cancels] == [("s2",)]
    assert not any(write.whole_order for write in cancels)


def test_every_sighting_ends_in_an_answer() -> None:
    """A cancel was recognised at the edge, and then silently ignored."""
    for storefront, mis, base in product(STOREFRONT_STATUSES, MIS_STATUSES, (None, DELIVERED)):
        planned = plan(one_line_order(line(storefront, mis, base=base)), AUTOMATIC, LATE)
        verdict = planned.verdicts["s1"]
        assert planned.actions or isinstance(verdict, InStep | Wait), verdict


@pytest.mark.parametrize("reason", list(RefusalReason))
def test_too_late_is_a_refusal_whatever_it_came_as_and_its_words_are_kept(reason: RefusalReason) -> None:
    own = replace(
        command(Side.MIS, Change.CANCEL, Outcome.REFUSED, because=CANCELLED),
        reason=reason,
        said="HTTP 409: no",
    )
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, LATE)
    assert verdict == Ask("write-refused", TaskKind.WRITE_REFUSED, "HTTP 409: no")


def test_that_our_call_worked_and_that_it_took_effect_are_two_things() -> None:
    """One status for "machine worked" and "business said no"."""
    own = command(Side.MIS, Change.CANCEL, Outcome.APPLIED)
    assert own.outcome is Outcome.APPLIED
    assert own.verified_at is None
    assert own.reason is None


# Events


def test_a_late_shipped_does_not_move_a_delivered_line_back() -> None:
    verdict = merge(line("open/part_dispatched", "open/dispatched", base=DELIVERED), AUTOMATIC, LATE)
    assert verdict == Ask("moved-back", TaskKind.MOVED_BACK)


def test_a_second_parcel_does_not_overwrite_the_first() -> None:
    own = line("open/dispatched", "open/dispatched", storefront_tracking=["A"], mis_tracking=["B"])
    (write,) = plan(one_line_order(own), AUTOMATIC, LATE).writes
    assert write.tracking == {"A", "B"}


@pytest.mark.parametrize("source", ["storefront", "mis"])
def test_our_own_echo_is_agreement(source: str) -> None:
    """An integration reacted to its own echo and looped."""
    target = Side(source).other
    for verified in (True, False):
        own = command(target, Change.CANCEL, because=CANCELLED, verified=verified)
        echoed = line("cancelled/none", "cancelled/none", command=own)
        assert merge(echoed, AUTOMATIC, LATE) == InStep("both-cancelled")
    for bounced in ("open/none", "held/started"):
        own = command(target, Change.CANCEL, because=CANCELLED)
        sides = ("cancelled/none", bounced) if target is Side.STOREFRONT else (bounced, "cancelled/none")
        assert writes(line(*sides, command=own)) == []


def test_a_cancel_that_came_before_the_job_waits_for_it() -> None:
    """A hook arrived before the order it was about."""
    assert merge(line("cancelled/none", "unseen"), AUTOMATIC, LATE) == Wait("cancelled-before-production")
    assert writes(line("cancelled/none", "open/none")) == [Change.CANCEL]


# Sweeps


def test_an_old_read_does_not_repair_a_fresh_cancel_backwards() -> None:
    """Whatever a lagging read shows after both had agreed, it writes nothing."""
    bases = (pair("cancelled/none", "cancelled/none"), DELIVERED)
    older = ("open/none", "open/started", "held/none", "open/part_dispatched")
    for base, mis in product(bases, older):
        agreed = [str(base.storefront), str(base.mis)]
        assert writes(line(agreed[0], mis, base=base)) == []
        assert writes(line(mis, agreed[1], base=base)) == []


@pytest.mark.parametrize("absent", ["gone", "unseen", "unreadable", "unmapped"])
def test_absence_proves_nothing(absent: str) -> None:
    """An unstable page order skipped live orders, which then looked deleted."""
    for other, base in product(STOREFRONT_STATUSES, (None, DELIVERED, pair("open/none", "open/none"))):
        for own in (line(other, absent, base=base), line(absent, other, base=base)):
            verdict = merge(own, AUTOMATIC, LATE)
            assert not isinstance(verdict, Push)
            status = own.storefront.status if absent == str(own.mis.status) else own.mis.status
            if isinstance(status, Facts) and not status.cancelled:
                assert not isinstance(verdict, InStep)


# Storage


def test_a_write_whose_answer_was_lost_in_a_crash_is_looked_up_first() -> None:
    lost = Command(target=Side.MIS, change=Change.CANCEL, sent_at=T0)
    soon = line("cancelled/none", "open/none", command=lost, began_at=T0 + timedelta(seconds=5))
    assert merge(soon, AUTOMATIC, LATE) == Wait("unknown-outcome", T0 + SETTLE_TIME)
    settled = line("cancelled/none", "open/none", command=lost, began_at=T0 + SETTLE_TIME)
    assert writes(settled) == [Change.CANCEL]


# Screens


def test_what_cannot_be_done_from_outside_is_a_task_and_never_silence() -> None:
    for storefront, mis in (("cancelled/none", "open/none"), ("open/none", "cancelled/none"),
                            ("open/none", "open/dispatched")):  # fmt: skip
        of = order(order_line("s1", line(storefront, mis)), offered=frozenset())
        (action,) = plan(of, AUTOMATIC, LATE).actions
        assert isinstance(action, NeedsPerson)
        assert action.because == "not-offered"
