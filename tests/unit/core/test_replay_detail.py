"""Playing a history again takes in all that the live judgement does: jobs, kinds, customers, the past."""

from __future__ import annotations

from datetime import timedelta

from core_space import AUTOMATIC, EVERYTHING, T0, facts
from msgspec.structs import replace

from countermand.core.order import LineKind, MisItemKind
from countermand.core.policy import Direction, Mode, Policy
from countermand.core.replay import Answer, History, HistoryLine, Shown, answers
from countermand.core.rules import Override
from countermand.core.status import Side

TO_MIS = Direction.CANCEL_TO_MIS
BY_HAND = Override(name="by hand", customers=frozenset({"Acme"}), settings={"cancel_to_mis": Mode.MANUAL})


def here(minutes: float, status: str, line_id: str = "s1") -> Shown:
    at = T0 + timedelta(minutes=minutes)
    return Shown(at=at, side=Side.STOREFRONT, ref=line_id, status=facts(status))


def there(minutes: float, status: str, job: str = "J1") -> Shown:
    return Shown(at=T0 + timedelta(minutes=minutes), side=Side.MIS, ref=job, status=facts(status))


def history(*shown: Shown, lines: tuple[HistoryLine, ...] | None = None, **more: object) -> History:
    made = History(
        order_id="1001",
        lines=lines or (HistoryLine(line_id="s1", jobs=("J1",)),),
        shown=shown,
        offered=EVERYTHING,
    )
    return replace(made, **more) if more else made


def told(found: tuple[Answer, ...]) -> list[tuple[float, str, str]]:
    return [((one.at - T0).total_seconds() / 60, one.what, one.because) for one in found]


WRITTEN = ("written", "no guard objects")
PAST = ("asked: past_cut_off", "cut-off")


def test_on_hold_counts_as_the_furthest_status_seen_before() -> None:
    beginning = (here(0, "open/none"), there(1, "open/none"))
    held = history(*beginning, there(2, "open/started"), there(3, "held/none?"), here(9, "cancelled/none"))
    assert told(answers(held, AUTOMATIC)) == [(9, *PAST)]
    untouched = history(*beginning, there(3, "held/none?"), here(9, "cancelled/none"))
    assert told(answers(untouched, AUTOMATIC)) == [(9, *WRITTEN)]
    sent_back = history(
        *beginning, there(2, "open/started"), there(3, "open/none"), here(9, "cancelled/none")
    )
    assert told(answers(sent_back, AUTOMATIC)) == [(9, *PAST)]
    never_known = history(here(0, "open/none"), there(1, "held/none?"), here(9, "cancelled/none"))
    assert told(answers(never_known, AUTOMATIC)) == [(9, *PAST)]


def test_each_job_has_a_past_of_its_own() -> None:
    lines = (HistoryLine(line_id="s1", jobs=("J1",)), HistoryLine(line_id="s2", jobs=("J2",)))
    shown = (
        here(0, "open/none"), here(0, "open/none", "s2"),
        there(1, "open/started", "J1"), there(2, "held/none?", "J2"), here(9, "cancelled/none", "s2"),
    )  # fmt: skip
    assert told(answers(history(*shown, lines=lines), AUTOMATIC)) == [(9, *PAST)]
    seen = (*shown[:3], there(2, "open/none", "J2"), *shown[3:])
    assert told(answers(history(*seen, lines=lines), AUTOMATIC)) == [(9, *WRITTEN)]


def test_a_line_of_two_jobs_counts_as_both() -> None:
    lines = (HistoryLine(line_id="s1", jobs=("J1", "J2")),)
    both = (here(0, "open/none"), there(1, "open/none", "J1"), there(2, "open/none", "J2"))
    cancelled = (there(5, "cancelled/none", "J1"), there(7, "cancelled/none", "J2"))
    assert told(answers(history(*both, *cancelled, lines=lines), AUTOMATIC)) == [(7, *WRITTEN)]


def test_a_job_shared_with_an_open_line_is_a_persons() -> None:
    lines = (HistoryLine(line_id="s1", jobs=("J1",)), HistoryLine(line_id="s2", jobs=("J1",)))
    shown = (
        here(0, "open/none"),
        here(0, "open/none", "s2"),
        there(1, "open/none"),
        here(9, "cancelled/none"),
    )
    found = answers(history(*shown, lines=lines), AUTOMATIC)
    assert told(found) == [(9, "asked: job_shared_with_open_lines", "shared-job")]


def test_stock_is_known_by_the_sales_order_or_by_the_line() -> None:
    shown = (here(0, "open/none"), there(1, "open/none"), here(9, "cancelled/none"))
    stock = (9, "asked: cancel_stock_line", "not-offered")
    sales_order = history(*shown, job_kinds={"J1": MisItemKind.SALES_ORDER})
    assert told(answers(sales_order, AUTOMATIC)) == [stock]
    assert told(answers(history(*shown, job_kinds={"J9": MisItemKind.SALES_ORDER}), AUTOMATIC)) == [
        (9, *WRITTEN)
    ]


def test_an_exception_for_a_customer_or_a_kind_holds() -> None:
    shown = (here(0, "open/none"), there(1, "open/none"), here(9, "cancelled/none"))
    asked = (9, "asked: cancel_in_mis", "mode-manual")
    assert told(answers(history(*shown, customer="Acme"), AUTOMATIC, [BY_HAND])) == [asked]
    assert told(answers(history(*shown, customer="Other"), AUTOMATIC, [BY_HAND])) == [(9, *WRITTEN)]
    prints = Override(name="print", kind=LineKind.PRINT, settings={"cancel_to_mis": Mode.MANUAL})
    line = HistoryLine(line_id="s1", kind=LineKind.STOCK, jobs=("J1",))
    assert told(answers(history(*shown, lines=(line,)), AUTOMATIC, [prints])) == [(9, *WRITTEN)]
    assert told(answers(history(*shown), AUTOMATIC, [prints])) == [asked]


def test_an_exception_for_one_direction_has_its_own_window() -> None:
    shown = (here(0, "open/none"), there(1, "open/none"), here(9, "cancelled/none"))
    slow = Override(name="slow", direction=TO_MIS, settings={"undo_window": timedelta(minutes=30)})
    assert told(answers(history(*shown), AUTOMATIC, [slow])) == [(39, *WRITTEN)]
    other = replace(slow, direction=Direction.CANCEL_TO_STOREFRONT)
    assert told(answers(history(*shown), AUTOMATIC, [other])) == [(9, *WRITTEN)]


def test_the_value_counts() -> None:
    shown = (here(0, "open/none"), there(1, "open/none"), here(9, "cancelled/none"))
    limited = replace(AUTOMATIC, value_limit=100.0)
    assert told(answers(history(*shown, value=99.0), limited)) == [(9, *WRITTEN)]
    assert told(answers(history(*shown, value=101.0), limited)) == [
        (9, "asked: second_person", "value-limit")
    ]


def test_what_both_agreed_on_is_remembered() -> None:
    """Re-opened and delivered lines are questions of their own, which no direction answers."""
    reopened = history(
        here(0, "open/none"), there(1, "open/none"), here(5, "cancelled/none"), there(6, "cancelled/none"),
        there(9, "open/none"),
    )  # fmt: skip
    assert told(answers(reopened, AUTOMATIC)) == [(5, *WRITTEN)]
    first = history(here(0, "cancelled/none"), there(1, "cancelled/none"), there(9, "open/none"))
    assert answers(replace(first, watched=False), AUTOMATIC) == ()
    agreed = history(here(0, "open/none"), there(1, "open/none"), here(9, "cancelled/none"))
    assert told(answers(replace(agreed, watched=False), AUTOMATIC)) == [(9, *WRITTEN)]


def test_an_order_seen_while_watching_began_as_open() -> None:
    early = (here(0, "cancelled/none"), there(5, "open/none"))
    assert told(answers(history(*early), AUTOMATIC)) == [(5, *WRITTEN)]
    assert answers(history(*early, watched=False), AUTOMATIC) == ()


def test_waits_are_followed_until_the_next_sighting_only() -> None:
    policy = replace(AUTOMATIC, undo_window=timedelta(minutes=10))
    cancelled = (here(0, "open/none"), there(1, "open/none"), there(20, "cancelled/none"))
    assert told(answers(history(*cancelled), policy)) == [(30, *WRITTEN)]
    just_in_time = history(*cancelled, there(30, "open/none"))
    assert answers(just_in_time, policy) == ()
    too_late = history(*cancelled, there(30.5, "open/none"))
    assert told(answers(too_late, policy)) == [(30, *WRITTEN)]


def test_a_wish_in_each_direction_is_answered_once() -> None:
    lines = (HistoryLine(line_id="s1", jobs=("J1",)), HistoryLine(line_id="s2", jobs=("J2",)))
    shown = (
        here(0, "open/none"), here(0, "open/none", "s2"), there(1, "open/none", "J1"),
        there(1, "open/none", "J2"), here(5, "cancelled/none"), there(6, "cancelled/none", "J2"),
        here(7, "cancelled/none"),
    )  # fmt: skip
    found = answers(history(*shown, lines=lines), Policy())
    assert [(one.direction.value, one.what) for one in found] == [
        ("cancel_to_mis", "asked: cancel_in_mis"),
        ("cancel_to_storefront", "asked: cancel_in_storefront"),
    ]
