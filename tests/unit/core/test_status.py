"""Line statuses: what several jobs make of one line, and what a status on hold or cancelled hides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from core_space import AUTOMATIC, FACTS, STEADY, T0, UNCERTAIN, facts, line, pair
from hypothesis import given
from hypothesis import strategies as st

from countermand.core.merge import merge
from countermand.core.status import (
    GONE,
    UNSEEN,
    Facts,
    Gone,
    Intent,
    LineStatus,
    Progress,
    Side,
    Unmapped,
    Unreadable,
    combine,
    furthest,
    parse_status,
    with_history,
)
from countermand.core.verdict import InStep

some_facts = st.sampled_from([*FACTS, *UNCERTAIN])
lists_of_facts = st.lists(some_facts, min_size=1, max_size=5)
some_status: st.SearchStrategy[LineStatus] = st.one_of(
    some_facts, st.sampled_from([UNSEEN, GONE, Unreadable("timed out"), Unmapped("99")])
)


def test_each_side_has_the_other() -> None:
    assert Side.MIS.other is Side.STOREFRONT
    assert Side.STOREFRONT.other is Side.MIS


def test_statuses_say_themselves_in_the_journal() -> None:
    shown = [str(one) for one in (facts("held/started?"), UNSEEN, GONE, Unreadable("x"), Unmapped("99"))]
    assert shown == ["held/started", "unseen", "gone", "unreadable", "unmapped(99)"]
    assert str(Gone(partly=True)) == "partly gone"


def test_progress_has_an_order() -> None:
    assert sorted(Progress, key=lambda one: one.rank) == list(Progress)
    assert furthest([]) is Progress.NONE
    assert furthest([Progress.STARTED, Progress.DISPATCHED, Progress.PRODUCED]) is Progress.DISPATCHED


# combine


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], "unseen"),
        (["open/started"], "open/started"),
        (["held/none?"], "held/none?"),
        (["open/none", "open/produced"], "open/produced"),
        (["open/none", "held/none"], "held/none"),
        (["open/none", "cancelled/none"], "open/none"),
        (["cancelled/none", "cancelled/started"], "cancelled/started"),
        (["held/none", "cancelled/started"], "held/started"),
        (["open/dispatched", "open/dispatched"], "open/dispatched"),
        (["open/dispatched", "open/produced"], "open/part_dispatched"),
        (["open/part_dispatched", "open/none"], "open/part_dispatched"),
        (["open/dispatched", "cancelled/none"], "open/dispatched"),
        (["open/none", "open/started?"], "open/started?"),
        (["unseen", "unseen"], "unseen"),
        (["gone", "gone"], "gone"),
    ],
)
def test_several_jobs_make_one_line(parts: list[str], whole: str) -> None:
    assert combine(map(facts, parts)) == facts(whole)
    assert combine(map(facts, reversed(parts))) == facts(whole)


@pytest.mark.parametrize("other", ["open/none", "cancelled/none", "open/dispatched", "unseen"])
def test_one_missing_job_of_several_is_not_the_absence_of_the_line(other: str) -> None:
    """Else a cancelled order would be closed while one of its two jobs goes on to the press."""
    whole = combine([GONE, facts(other)])
    assert whole == Gone(partly=True)
    for storefront in ("cancelled/none", "gone"):
        verdict = merge(line(storefront, whole), AUTOMATIC, T0 + timedelta(days=1))
        assert not isinstance(verdict, InStep)


@pytest.mark.parametrize("other", ["open/none", "cancelled/started"])
def test_one_job_that_was_never_found_leaves_the_line_unreadable(other: str) -> None:
    """Not unseen: a cancelled order would wait for its job for ever, while the other job is made."""
    assert combine([facts(other), UNSEEN]) == Unreadable("not all of its jobs were found")


@STEADY
@given(st.lists(some_status, min_size=1, max_size=5))
def test_anything_unknown_about_one_job_makes_the_line_unknown(parts: list[LineStatus]) -> None:
    whole = combine(parts)
    assert isinstance(whole, Facts) == all(isinstance(part, Facts) for part in parts)
    if any(isinstance(part, Unreadable) for part in parts):
        assert isinstance(whole, Unreadable)
    elif any(isinstance(part, Unmapped) for part in parts):
        assert whole == Unmapped("99")


@STEADY
@given(lists_of_facts)
def test_a_line_is_cancelled_only_when_every_job_is(parts: list[Facts]) -> None:
    whole = combine(parts)
    assert isinstance(whole, Facts)
    assert whole.cancelled == all(part.cancelled for part in parts)


@STEADY
@given(lists_of_facts)
def test_a_line_is_dispatched_only_when_every_job_that_was_not_cancelled_is(parts: list[Facts]) -> None:
    whole = combine(parts)
    live = [part for part in parts if not part.cancelled] or parts
    assert isinstance(whole, Facts)
    assert (whole.progress is Progress.DISPATCHED) == all(
        part.progress is Progress.DISPATCHED for part in live
    )
    assert whole.sent == any(part.sent for part in parts)
    assert whole.progress.rank >= min(part.progress.rank for part in live)


@STEADY
@given(lists_of_facts)
def test_work_once_seen_is_never_lost_and_order_does_not_matter(parts: list[Facts]) -> None:
    whole = combine(parts)
    assert isinstance(whole, Facts)
    if not any(part.sent for part in parts):
        assert whole.progress is furthest(part.progress for part in parts)
    assert whole.history_known == all(part.history_known for part in parts)
    assert combine(list(reversed(parts))) == whole
    assert combine([*parts, *parts]) == whole


@STEADY
@given(lists_of_facts)
def test_a_line_is_on_hold_when_a_job_that_was_not_cancelled_is(parts: list[Facts]) -> None:
    whole = combine(parts)
    assert isinstance(whole, Facts)
    if not whole.cancelled:
        assert (whole.intent is Intent.HELD) == any(part.intent is Intent.HELD for part in parts)


# with_history


@pytest.mark.parametrize(
    ("status", "seen", "filled"),
    [
        ("held/none?", Progress.STARTED, "held/started"),
        ("cancelled/none?", Progress.NONE, "cancelled/none"),
        ("cancelled/part_dispatched?", Progress.STARTED, "cancelled/part_dispatched"),
        ("held/none?", None, "held/none?"),
        ("open/none", None, "open/none"),
        ("open/none", Progress.NONE, "open/none"),
        ("open/produced", Progress.STARTED, "open/produced"),
        ("unseen", Progress.STARTED, "unseen"),
        ("gone", None, "gone"),
    ],
)
def test_what_a_status_hides_is_filled_in_from_what_was_seen(
    status: str, seen: Progress | None, filled: str
) -> None:
    assert with_history(facts(status), seen) == facts(filled)


@pytest.mark.parametrize("seen", [Progress.STARTED, Progress.PRODUCED, Progress.DISPATCHED])
@pytest.mark.parametrize("status", ["open/none", "held/none"])
def test_a_job_sent_back_to_pre_production_is_not_taken_for_untouched(status: str, seen: Progress) -> None:
    """Automatic only while no production status was *ever* seen: the paper may be printed already."""
    assert with_history(facts(status), seen) == facts(status + "?")


def test_a_pair_has_two_sides() -> None:
    both = pair("open/none", "cancelled/none")
    assert both.side(Side.STOREFRONT) == facts("open/none")
    assert both.side(Side.MIS) == facts("cancelled/none")


@pytest.mark.parametrize("text", ["open/none)", "unmapped(99", "99)"])
def test_half_a_bracket_makes_no_unmapped_status(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_status(text)
