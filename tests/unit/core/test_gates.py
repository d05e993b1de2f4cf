"""The gates before and after the table: settlement, states that cannot be judged, moves back, first sight."""

from __future__ import annotations

from datetime import timedelta

import pytest
from core_space import AUTOMATIC, LATE, T0, line, pair, reading, settlement

from countermand.core.command import Change
from countermand.core.merge import Line, merge
from countermand.core.policy import PartDispatch, Policy
from countermand.core.status import Pair, Side, Unmapped, Unreadable
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait

DELIVERED = pair("open/dispatched", "open/dispatched")
PART = pair("open/part_dispatched", "open/part_dispatched")
BOTH_CANCELLED = pair("cancelled/none", "cancelled/none")


def judged(own: Line, policy: Policy = AUTOMATIC, after: timedelta = timedelta(0)) -> Verdict:
    return merge(own, policy, T0 + after)


# Settlement


@pytest.mark.parametrize("shown", ["open/started", "open/started?"])
def test_a_settlement_holds_for_exactly_the_values_seen(shown: str) -> None:
    kept = settlement(pair("cancelled/none", "open/started"))
    assert judged(line("cancelled/none", shown, settlement=kept)) == Settled("settled", "Ana")


@pytest.mark.parametrize(
    ("storefront", "mis"),
    [("cancelled/none", "open/none"), ("cancelled/none", "held/started"), ("open/none", "open/started")],
)
def test_any_other_change_reopens_a_settled_question(storefront: str, mis: str) -> None:
    kept = settlement(pair("cancelled/none", "open/started"))
    assert not isinstance(judged(line(storefront, mis, settlement=kept)), Settled)


def test_a_settlement_can_list_later_values_too() -> None:
    listed = (pair("cancelled/none", "open/started"), pair("cancelled/none", "open/dispatched"))
    for one in listed:
        own = line(one.storefront, one.mis, settlement=settlement(*listed))
        assert judged(own) == Settled("settled", "Ana")


def test_a_settlement_holds_at_first_sight_and_after_a_move_back() -> None:
    kept = settlement(pair("open/none", "open/dispatched"))
    for base in (None, DELIVERED):
        own = line("open/none", "open/dispatched", base=base, settlement=kept)
        assert judged(own) == Settled("settled", "Ana")


@pytest.mark.parametrize("now_says", ["timed out", "answered with a page"])
def test_a_reported_settlement_holds_while_the_side_stays_unreadable(now_says: str) -> None:
    kept = settlement(pair("cancelled/none", "unreadable"), reported=True)
    own = line("cancelled/none", Unreadable(now_says), settlement=kept)
    assert judged(own, after=timedelta(days=9)) == Settled("settled", "Ana")
    readable = line("cancelled/none", "open/none", settlement=kept)
    assert judged(readable) == Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)


def test_a_settled_unmapped_status_says_nothing_about_another_unmapped_one() -> None:
    kept = settlement(pair("open/none", "unmapped"))
    own = line("open/none", Unmapped("status 98"), settlement=kept)
    assert judged(own) == Ask("unmapped", TaskKind.UNMAPPED, "mis: status 98")


# Unmapped, unreadable


@pytest.mark.parametrize("base", [None, pair("open/none", "open/none")])
@pytest.mark.parametrize("other", ["open/none", "cancelled/dispatched", "unseen", "gone", "unreadable"])
def test_an_unmapped_status_is_asked_about_and_never_guessed(other: str, base: Pair | None) -> None:
    """Also at first sight: one task per unknown raw value, and not an import review per order."""
    own = line("unmapped", other, base=base)
    assert judged(own) == Ask("unmapped", TaskKind.UNMAPPED, "storefront: status 99")
    turned = line(other, "unmapped", base=own.base)
    assert judged(turned) == Ask("unmapped", TaskKind.UNMAPPED, "mis: status 99")


@pytest.mark.parametrize("base", [None, pair("open/none", "open/none")])
@pytest.mark.parametrize(
    ("storefront", "mis", "rule", "side"),
    [
        ("cancelled/none", "unreadable", "cannot-read-cancelled", "mis"),
        ("unreadable", "cancelled/none", "cannot-read-cancelled", "storefront"),
        ("open/none", "unreadable", "cannot-read", "mis"),
        ("unreadable", "open/none", "cannot-read", "storefront"),
        ("unreadable", "gone", "cannot-read", "storefront"),
        ("unreadable", "unseen", "cannot-read", "storefront"),
    ],
)
def test_an_unreadable_side_waits_and_then_asks(
    storefront: str, mis: str, rule: str, side: str, base: Pair | None
) -> None:
    policy = Policy(unreadable_after=timedelta(minutes=2))
    own = line(storefront, mis, base=base)
    assert judged(own, policy, timedelta(seconds=119)) == Wait("unreadable", T0 + timedelta(minutes=2))
    assert judged(own, policy, timedelta(minutes=2)) == Ask(rule, TaskKind.CANNOT_READ, side)


def test_with_both_sides_unreadable_the_one_that_is_so_for_longer_is_asked_about() -> None:
    own = Line(
        storefront=reading("unreadable", since=T0),
        mis=reading("unreadable", since=T0 - timedelta(minutes=5)),
        base=pair("open/none", "open/none"),
    )
    assert judged(own) == Ask("cannot-read", TaskKind.CANNOT_READ, "mis")
    turned = Line(storefront=own.mis, mis=own.storefront, base=own.base)
    assert judged(turned) == Ask("cannot-read", TaskKind.CANNOT_READ, "storefront")


# Gone: absence is never a cancellation


@pytest.mark.parametrize(
    ("storefront", "mis"),
    [
        ("gone", "gone"),
        ("gone", "cancelled/none"),
        ("cancelled/none", "gone"),
        ("gone", "cancelled/produced"),
    ],
)
def test_gone_on_both_sides_or_beside_a_cancel_is_looked_at_again_and_then_closed(
    storefront: str, mis: str
) -> None:
    policy, own = Policy(gone_after=timedelta(minutes=1)), line(storefront, mis)
    assert judged(own, policy, timedelta(seconds=59)) == Wait("gone", T0 + timedelta(minutes=1))
    assert judged(own, policy, timedelta(minutes=1)) == InStep("gone", close=True)


@pytest.mark.parametrize("base", [None, pair("open/none", "open/none")])
@pytest.mark.parametrize(
    ("storefront", "mis"),
    [
        ("open/none", "gone"),
        ("gone", "open/started"),
        ("gone", "cancelled/dispatched"),
        ("cancelled/part_dispatched", "gone"),
        ("gone", "unseen"),
    ],
)
def test_gone_beside_anything_else_is_looked_at_again_and_then_asked_about(
    storefront: str, mis: str, base: Pair | None
) -> None:
    policy = Policy(gone_after=timedelta(minutes=1))
    own = line(storefront, mis, base=base)
    assert judged(own, policy, timedelta(seconds=59)) == Wait("gone", T0 + timedelta(minutes=1))
    assert judged(own, policy, timedelta(minutes=1)) == Ask("gone", TaskKind.GONE)


def test_the_wait_for_something_gone_runs_from_when_the_gone_side_was_missed() -> None:
    own = Line(
        storefront=reading("open/none", since=T0 + timedelta(hours=1)),
        mis=reading("gone", since=T0),
        base=pair("open/none", "open/none"),
    )
    assert judged(own, Policy(gone_after=timedelta(minutes=1)), timedelta(minutes=1)) == Ask(
        "gone", TaskKind.GONE
    )


# Moved back from what both had agreed on


@pytest.mark.parametrize(
    ("storefront", "mis", "side"),
    [
        ("cancelled/none", "open/none", "mis"),
        ("cancelled/none", "held/started", "mis"),
        ("open/none", "cancelled/none", "storefront"),
    ],
)
def test_re_opened_after_both_were_cancelled_is_asked_about_and_never_cancelled_again(
    storefront: str, mis: str, side: str
) -> None:
    verdict = judged(line(storefront, mis, base=BOTH_CANCELLED))
    assert verdict == Ask("re-opened", TaskKind.RE_OPENED, side)


@pytest.mark.parametrize("mis", ["open/produced", "open/part_dispatched", "held/dispatched"])
def test_re_opened_and_made_is_the_most_urgent_task(mis: str) -> None:
    verdict = judged(line("cancelled/none", mis, base=BOTH_CANCELLED))
    assert verdict == Ask("cancelled-but-made", TaskKind.CANCELLED_BUT_MADE)


def test_re_opened_in_both_systems_is_in_step() -> None:
    assert judged(line("open/none", "open/none", base=BOTH_CANCELLED)) == InStep("both-open")


@pytest.mark.parametrize(
    ("storefront", "mis"),
    [
        ("cancelled/dispatched", "open/dispatched"),
        ("open/dispatched", "cancelled/dispatched"),
        ("open/dispatched", "cancelled/none"),
        ("cancelled/none", "open/none"),
        ("cancelled/dispatched", "cancelled/dispatched"),
    ],
)
def test_cancelled_after_delivery_is_a_question_and_never_a_cancel(storefront: str, mis: str) -> None:
    verdict = judged(line(storefront, mis, base=DELIVERED))
    assert verdict == Ask("cancelled-after-delivery", TaskKind.CANCELLED_AFTER_DELIVERY)


@pytest.mark.parametrize("one", ["part_dispatched", "produced"])
def test_a_cancel_after_a_dispatch_on_one_side_only_is_no_return(one: str) -> None:
    own = line("cancelled/none", "open/dispatched", base=pair(f"open/{one}", "open/dispatched"))
    assert judged(own) == Ask("cancelled-but-made", TaskKind.CANCELLED_BUT_MADE)


@pytest.mark.parametrize(
    ("base", "storefront", "mis"),
    [
        (DELIVERED, "open/dispatched", "open/produced"),
        (DELIVERED, "open/part_dispatched", "open/dispatched"),
        (DELIVERED, "open/none", "open/none"),
        (PART, "open/part_dispatched", "open/started"),
        (PART, "open/none", "open/part_dispatched"),
        (PART, "cancelled/none", "open/none"),
        (pair("open/none", "open/dispatched"), "open/none", "open/started"),
    ],
)
def test_a_late_shipped_or_an_undone_delivery_is_asked_about(
    base: Pair | None, storefront: str, mis: str
) -> None:
    verdict = judged(line(storefront, mis, base=base))
    assert verdict == Ask("moved-back", TaskKind.MOVED_BACK)


def test_a_delivery_undone_in_part_is_still_goods_that_were_cancelled_and_made() -> None:
    """A person had left it so; then the job was copied, and not all of it is dispatched any more."""
    own = line("cancelled/none", "open/part_dispatched", base=pair("cancelled/none", "open/dispatched"))
    assert merge(own, AUTOMATIC, T0) == Ask("cancelled-but-made", TaskKind.CANCELLED_BUT_MADE)


def test_work_that_moves_back_within_production_is_no_concern_of_the_storefront() -> None:
    own = line("open/none", "open/none", base=pair("open/none", "open/produced"))
    assert judged(own) == InStep("both-open")


@pytest.mark.parametrize("base", [pair("gone", "open/dispatched"), pair("open/dispatched", "unseen")])
def test_a_base_that_is_no_pair_of_facts_says_nothing_about_moves(base: Pair | None) -> None:
    assert judged(line("open/none", "open/none", base=base)) == InStep("both-open")


# First sight never writes


@pytest.mark.parametrize(
    ("storefront", "mis", "rule"),
    [
        ("cancelled/none", "open/none", "cancel-travels-to-mis"),
        ("open/none", "cancelled/none", "cancel-travels-to-storefront"),
        ("open/none", "open/dispatched", "dispatch-travels"),
        ("open/none", "open/part_dispatched", "part-dispatch-travels"),
        ("cancelled/none", "open/dispatched", "cancelled-but-made"),
        ("open/dispatched", "open/none", "marked-shipped-by-hand"),
        ("cancelled/dispatched", "unseen", "sent-and-cancelled-unlinked"),
        ("open/none", "unseen", "not-yet-in-production"),
    ],
)
def test_a_disagreement_at_first_sight_is_one_grouped_review(storefront: str, mis: str, rule: str) -> None:
    verdict = merge(line(storefront, mis, base=None), AUTOMATIC, LATE)
    assert verdict == Ask(f"first-sight:{rule}", TaskKind.IMPORT_REVIEW)


def test_old_parcels_mail_nobody() -> None:
    own = line("open/dispatched", "open/dispatched", base=None, mis_tracking=["1Z999"])
    assert judged(own) == Ask("first-sight:both-dispatched", TaskKind.IMPORT_REVIEW)


@pytest.mark.parametrize(
    ("storefront", "mis", "verdict"),
    [
        ("open/none", "open/started", InStep("both-open")),
        ("cancelled/none", "cancelled/none", InStep("both-cancelled")),
        ("unseen", "open/none", Wait("not-ours")),
        ("cancelled/none", "unseen", Wait("cancelled-before-production")),
        ("gone", "gone", InStep("gone", close=True)),
    ],
)
def test_agreement_at_first_sight_is_agreement(storefront: str, mis: str, verdict: Verdict) -> None:
    policy = Policy()
    assert judged(line(storefront, mis, base=None), policy, policy.gone_after) == verdict


# Not yet in production


def test_an_order_that_does_not_reach_production_waits_and_then_asks() -> None:
    policy = Policy(not_in_production_after=timedelta(hours=4))
    own = line("open/none", "unseen")
    assert judged(own, policy, timedelta(hours=3)) == Wait("not-yet-in-production", T0 + timedelta(hours=4))
    assert judged(own, policy, timedelta(hours=4)) == Ask("not-yet-in-production", TaskKind.NOT_IN_PRODUCTION)


@pytest.mark.parametrize("storefront", ["open/part_dispatched", "held/dispatched"])
def test_shipped_and_never_found_in_production_was_marked_by_hand(storefront: str) -> None:
    verdict = merge(line(storefront, "unseen"), AUTOMATIC, LATE)
    assert verdict == Ask("shipped-unlinked", TaskKind.MARKED_BY_HAND)


# What a push carries


@pytest.mark.parametrize(
    ("storefront", "mis", "change"),
    [
        ("open/none", "open/dispatched", Change.SHIP),
        ("open/none", "open/part_dispatched", Change.SHIP_PART),
        ("open/dispatched", "open/dispatched", Change.TRACK),
        ("open/part_dispatched", "open/part_dispatched", Change.TRACK),
    ],
)
def test_a_dispatch_carries_its_tracking(storefront: str, mis: str, change: Change) -> None:
    verdict = judged(line(storefront, mis, mis_tracking=["1Z1", "1Z2"]))
    assert isinstance(verdict, Push)
    assert (verdict.change, verdict.target) == (change, Side.STOREFRONT)
    assert verdict.tracking == {"1Z1", "1Z2"}


def test_tracking_is_added_only_where_it_is_missing_and_the_line_is_shipped() -> None:
    for storefront, mis in (("open/none", "open/started"), ("cancelled/none", "cancelled/none")):
        assert isinstance(judged(line(storefront, mis, mis_tracking=["1Z1"])), InStep)
    known = line("open/dispatched", "open/dispatched", storefront_tracking=["1Z1"], mis_tracking=["1Z1"])
    assert judged(known) == InStep("both-dispatched")


def test_waiting_for_the_rest_is_a_choice() -> None:
    own = line("open/none", "open/part_dispatched")
    assert judged(own, Policy(part_dispatch=PartDispatch.WAIT)) == Wait("part-dispatch-travels")
    assert isinstance(judged(own, Policy(part_dispatch=PartDispatch.PARTIAL)), Push)
