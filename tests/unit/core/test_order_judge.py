"""A line as a part of its order: the shipping status is the order's, and one job may contradict the line."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from core_space import AUTOMATIC, LATE, T0, command, job, line, order, order_line, pair, settlement
from msgspec.structs import replace

from countermand.core.command import Change
from countermand.core.judge import judge
from countermand.core.merge import Line
from countermand.core.policy import Policy
from countermand.core.status import OPEN, Pair, Side
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait


def beside(own: Line, *others: Line) -> Verdict:
    """The verdict of a line beside others of its order."""
    rest = [order_line(f"s{number}", other) for number, other in enumerate(others, start=2)]
    return judge(order(order_line("s1", own), *rest), AUTOMATIC, T0)["s1"]


SENT = line("open/dispatched", "open/dispatched")
SENT_UNTOLD = line("open/part_dispatched", "open/dispatched")
PART_SENT = line("open/part_dispatched", "open/part_dispatched")
WAITING = line("open/none", "open/none")


@pytest.mark.parametrize(("shipping", "other"), [("dispatched", SENT), ("part_dispatched", SENT_UNTOLD)])
def test_a_line_cancelled_on_both_sides_of_a_shipped_order_is_in_step(shipping: str, other: Line) -> None:
    """Infigo's shipping axis is the order's: the line reads cancelled *and* shipped."""
    assert beside(line(f"cancelled/{shipping}", "cancelled/none"), other) == InStep("both-cancelled")


def test_a_cancel_still_travels_when_the_rest_of_the_order_was_shipped_meanwhile() -> None:
    own = line("cancelled/dispatched", "open/none")
    assert beside(own, SENT) == Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)
    assert beside(line("cancelled/dispatched", "unseen"), SENT) == Wait("cancelled-before-production")


def unsearched(own: Line, policy: Policy, now: datetime) -> Verdict:
    entry = replace(order_line("s1", own, []), searched=False)
    return judge(order(entry), policy, now)["s1"]


def test_a_cancel_of_what_nobody_could_look_for_is_asked_about_when_its_undo_window_is_over() -> None:
    own, policy = line("cancelled/none", "unseen"), replace(AUTOMATIC, undo_window=timedelta(minutes=5))
    ask_at = T0 + timedelta(minutes=5)
    waiting = Wait("cancelled-before-production", ask_at)
    assert unsearched(own, policy, ask_at - timedelta(seconds=1)) == waiting
    assert unsearched(own, policy, ask_at) == Ask("cancelled-not-searched", TaskKind.CANCELLED_UNSEEN)
    assert judge(order(order_line("s1", own, [])), policy, LATE)["s1"] == Wait("cancelled-before-production")


def test_without_an_undo_window_a_search_still_gets_the_time_that_a_failed_read_gets() -> None:
    own = line("cancelled/produced", "unseen")
    assert unsearched(own, AUTOMATIC, T0) == Wait(
        "cancelled-before-production", T0 + AUTOMATIC.unreadable_after
    )


def test_an_old_order_that_was_cancelled_when_first_seen_is_history() -> None:
    own = line("cancelled/none", "unseen", base=None)
    assert unsearched(own, AUTOMATIC, LATE) == Wait("cancelled-before-production")
    later = replace(own, storefront=replace(own.storefront, since=T0 + timedelta(seconds=1)))
    assert unsearched(later, AUTOMATIC, LATE) == Ask("cancelled-not-searched", TaskKind.CANCELLED_UNSEEN)


@pytest.mark.parametrize("base", [None, WAITING.base])
def test_what_was_missed_already_when_it_was_cancelled_is_looked_for_by_a_person(base: Pair | None) -> None:
    policy = AUTOMATIC
    asked = Ask("cancelled-not-found", TaskKind.CANCELLED_UNSEEN, "searched in vain before")
    for early, verdict in (
        (timedelta(0), asked),
        (timedelta(seconds=1), Wait("cancelled-before-production")),
    ):
        at = T0 + policy.not_in_production_after - early
        own = line("cancelled/none", "unseen", base=base)
        own = replace(own, storefront=replace(own.storefront, since=at))
        assert judge(order(order_line("s1", own, [])), policy, LATE)["s1"] == verdict


@pytest.mark.parametrize("mis", ["open/none", "cancelled/none", "unreadable"])
def test_a_line_whose_job_is_known_needs_no_search(mis: str) -> None:
    own = line("cancelled/none", mis)
    assert unsearched(own, AUTOMATIC, LATE) == beside_nothing(own, LATE)


def beside_nothing(own: Line, now: datetime) -> Verdict:
    return judge(order(order_line("s1", own)), AUTOMATIC, now)["s1"]


@pytest.mark.parametrize(
    "others",
    [
        [],
        [WAITING],
        [SENT, WAITING],
        [line("open/dispatched", "open/part_dispatched")],
        [line("cancelled/dispatched", "open/dispatched")],
        [line("open/dispatched", "cancelled/dispatched")],
        [line("open/dispatched", "unreadable")],
    ],
)
def test_shipped_and_cancelled_stays_most_urgent_when_the_other_lines_do_not_explain_it(
    others: list[Line],
) -> None:
    verdict = beside(line("cancelled/dispatched", "cancelled/none"), *others)
    assert verdict == Ask("sent-and-cancelled-here", TaskKind.CANCELLED_BUT_MADE)


@pytest.mark.parametrize("mis", ["cancelled/dispatched", "cancelled/part_dispatched", "open/dispatched"])
def test_a_line_that_left_itself_is_never_explained_away(mis: str) -> None:
    verdict = beside(line("cancelled/dispatched", mis), SENT)
    assert isinstance(verdict, Ask)
    assert verdict.task is TaskKind.CANCELLED_BUT_MADE


def test_the_rest_of_a_partly_shipped_order_is_in_step_also_at_first_sight() -> None:
    for base in (pair("open/none", "open/none"), pair("open/part_dispatched", "open/none"), None):
        for other in (SENT_UNTOLD, PART_SENT):
            assert beside(line("open/part_dispatched", "open/none", base=base), other) == InStep("both-open")


def test_partly_shipped_without_a_line_that_left_was_marked_by_hand() -> None:
    for others in ([], [WAITING], [line("open/part_dispatched", "cancelled/dispatched")]):
        verdict = beside(line("open/part_dispatched", "open/none"), *others)
        assert verdict == Ask("marked-shipped-by-hand", TaskKind.MARKED_BY_HAND)


def test_shipped_as_a_whole_while_a_line_is_open_in_production_was_marked_by_hand() -> None:
    verdict = beside(line("open/dispatched", "open/none"), SENT)
    assert verdict == Ask("marked-shipped-by-hand", TaskKind.MARKED_BY_HAND)


@pytest.mark.parametrize("base", [pair("open/none", "open/none"), pair("open/part_dispatched", "open/none")])
def test_a_line_cancelled_in_production_while_others_left_travels_to_the_storefront(base: Pair) -> None:
    own = line("open/part_dispatched", "cancelled/none", base=base)
    verdict = beside(own, SENT_UNTOLD)
    assert verdict == Push("cancel-travels-to-storefront", Change.CANCEL, Side.STOREFRONT)


def test_a_line_cancelled_in_production_of_an_order_shipped_as_a_whole_is_asked_about() -> None:
    verdict = beside(line("open/dispatched", "cancelled/none"), SENT)
    assert verdict == Ask("shipped-but-cancelled", TaskKind.SHIPPED_BUT_CANCELLED)


def test_a_settlement_for_the_values_shown_still_counts() -> None:
    kept = settlement(pair("cancelled/dispatched", "open/none"))
    assert beside(line("cancelled/dispatched", "open/none", settlement=kept), SENT) == Settled(
        "settled", "Ana"
    )


def test_an_own_write_is_awaited_also_on_a_line_of_a_shipped_order() -> None:
    own = line("cancelled/dispatched", "open/none", command=command(Side.MIS, Change.CANCEL))
    assert isinstance(beside(own, SENT), Wait)


def test_a_delivered_line_is_judged_by_what_was_agreed_on() -> None:
    both = pair("open/dispatched", "open/dispatched")
    verdict = beside(line("cancelled/dispatched", "open/none", base=both), SENT)
    assert verdict == Ask("cancelled-after-delivery", TaskKind.CANCELLED_AFTER_DELIVERY)


# One of several jobs


def test_one_job_both_cancelled_and_sent_is_not_hidden_by_its_neighbour() -> None:
    jobs = [job("J1", "cancelled/dispatched"), job("J2", "open/none")]
    for mis in ("open/part_dispatched", "open/dispatched"):
        own = order_line("s1", line("open/none", mis), jobs)
        assert judge(order(own), AUTOMATIC, T0) == {
            "s1": Ask("job-cancelled-and-sent", TaskKind.CANCELLED_BUT_MADE)
        }


def test_at_first_sight_it_joins_the_review() -> None:
    jobs = [job("J1", "cancelled/dispatched"), job("J2", "open/dispatched")]
    own = order_line("s1", line("open/dispatched", "open/dispatched", base=None), jobs)
    assert judge(order(own), AUTOMATIC, T0) == {
        "s1": Ask("first-sight:job-cancelled-and-sent", TaskKind.IMPORT_REVIEW)
    }


@pytest.mark.parametrize("other", ["cancelled/none", "gone", "open/dispatched"])
def test_other_jobs_say_nothing_beyond_the_line(other: str) -> None:
    jobs = [job("J1", other), job("J2", OPEN)]
    own = order_line("s1", line("open/none", "open/none"), jobs)
    assert judge(order(own), AUTOMATIC, T0) == {"s1": InStep("both-open")}


def test_a_person_may_settle_it() -> None:
    jobs = [job("J1", "cancelled/dispatched"), job("J2", "open/dispatched")]
    kept = settlement(pair("open/dispatched", "open/dispatched"))
    own = order_line("s1", line("open/dispatched", "open/dispatched", settlement=kept), jobs)
    assert judge(order(own), AUTOMATIC, T0) == {"s1": Settled("settled", "Ana")}


# What belongs to the neighbours is taken out of the base too, and out of nothing else


def test_re_opened_in_a_partly_shipped_order_is_still_asked_about() -> None:
    base = pair("cancelled/part_dispatched", "cancelled/none")
    verdict = beside(line("cancelled/part_dispatched", "open/none", base=base), SENT_UNTOLD)
    assert verdict == Ask("re-opened", TaskKind.RE_OPENED, "mis")


@pytest.mark.parametrize("base", [pair("unseen", "open/none"), pair("open/none", "unseen")])
def test_a_base_that_is_no_pair_of_facts_is_left_as_it_is(base: Pair) -> None:
    verdict = beside(line("cancelled/part_dispatched", "open/none", base=base), SENT_UNTOLD)
    assert verdict == Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)


def test_a_line_of_a_partly_shipped_order_may_still_be_on_its_way_to_production() -> None:
    of = order(order_line("s1", line("open/part_dispatched", "unseen")), order_line("s2", SENT_UNTOLD))
    policy = replace(AUTOMATIC, not_in_production_after=timedelta(hours=2))
    late = judge(of, policy, T0 + timedelta(hours=2))["s1"]
    assert late == Ask("not-yet-in-production", TaskKind.NOT_IN_PRODUCTION)
    early = judge(of, policy, T0 + timedelta(hours=1))["s1"]
    assert isinstance(early, Wait)


@pytest.mark.parametrize("mis", ["gone", "unreadable", "unmapped"])
def test_a_job_that_cannot_be_judged_is_not_explained_by_its_neighbours(mis: str) -> None:
    of = order(order_line("s1", line("cancelled/dispatched", mis)), order_line("s2", SENT))
    assert isinstance(judge(of, AUTOMATIC, LATE)["s1"], Ask)


def test_a_line_that_is_not_shipped_is_judged_by_itself() -> None:
    verdict = beside(line("cancelled/none", "open/produced"), SENT)
    assert verdict == Ask("cancelled-but-made", TaskKind.CANCELLED_BUT_MADE)


def test_a_neighbour_cancelled_in_production_has_not_left() -> None:
    gone_back = line("open/part_dispatched", "cancelled/part_dispatched")
    verdict = beside(line("open/part_dispatched", "open/none"), gone_back)
    assert verdict == Ask("marked-shipped-by-hand", TaskKind.MARKED_BY_HAND)


def test_a_neighbour_shipped_only_by_its_status_in_the_storefront_has_not_left() -> None:
    verdict = beside(line("open/part_dispatched", "open/none"), line("open/part_dispatched", "open/produced"))
    assert verdict == Ask("marked-shipped-by-hand", TaskKind.MARKED_BY_HAND)
