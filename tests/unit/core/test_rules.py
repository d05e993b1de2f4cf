"""Which rules hold for an order: the most specific exception, the most careful value, and the reasons."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from countermand.core.merge import Line
from countermand.core.order import Job, LineKind, MisItemKind, OrderLine
from countermand.core.policy import Direction, EmptiedOrder, Mode, OpeningHours, PartDispatch, Policy
from countermand.core.rules import (
    BY_DIRECTION,
    MODE_SETTINGS,
    MORE_CAREFUL,
    Choice,
    OrderFacts,
    Override,
    _possible,
    facts_of,
    may_be,
    resolve,
)
from countermand.core.status import OPEN, UNSEEN, Reading

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PRINT, STOCK = LineKind.PRINT, LineKind.STOCK
TO_MIS, TO_SHOP = Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT
SHIP = Direction.SHIP_TO_STOREFRONT
BOLD = Policy(
    cancel_to_mis=Mode.AUTOMATIC, cancel_to_storefront=Mode.AUTOMATIC, ship_to_storefront=Mode.AUTOMATIC
)


def order(customer: str = "1042", *kinds: LineKind | None) -> OrderFacts:
    return OrderFacts(customer=customer, kinds=frozenset(kinds or (PRINT,)))


def rule(name: str, customer: str = "", **more: Any) -> Override:
    matchers = {key: more.pop(key) for key in ("kind", "direction") if key in more}
    customers = frozenset(customer.split(",")) if customer else frozenset()
    return Override(name=name, customers=customers, settings=more, **matchers)


# Which exception wins


def test_without_exceptions_the_connections_own_rules_hold() -> None:
    found = resolve(BOLD, (), order())
    assert found.policy is BOLD
    assert all(found.towards(way) is BOLD for way in Direction)
    assert (found.trail, found.considered) == ((), ())


def test_a_matching_exception_changes_what_it_says_and_nothing_else() -> None:
    found = resolve(BOLD, [rule("slow", "1042", undo_window=HOUR)], order())
    assert found.policy == replace(BOLD, undo_window=HOUR)
    assert {way: found.towards(way) for way in Direction} == dict.fromkeys(Direction, found.policy)


def test_an_exception_for_others_changes_nothing() -> None:
    found = resolve(BOLD, [rule("slow", "1077", undo_window=HOUR)], order())
    assert found.policy == BOLD
    assert found.trail[0].rule == ""
    assert found.trail[0].why == "no exception matches"


def test_customers_are_matched_whatever_their_case() -> None:
    found = resolve(BOLD, [rule("slow", "Northwind Estates", undo_window=HOUR)], order("NORTHWIND estates"))
    assert found.policy.undo_window == HOUR


RANKED = [
    rule("everybody", undo_window=1 * MINUTE),
    rule("direction", direction=TO_MIS, undo_window=2 * MINUTE),
    rule("product", kind=PRINT, undo_window=3 * MINUTE),
    rule("product and direction", kind=PRINT, direction=TO_MIS, undo_window=4 * MINUTE),
    rule("customer", "1042", undo_window=5 * MINUTE),
    rule("customer and direction", "1042", direction=TO_MIS, undo_window=6 * MINUTE),
    rule("customer and product", "1042", kind=PRINT, undo_window=7 * MINUTE),
    rule("all three", "1042", kind=PRINT, direction=TO_MIS, undo_window=8 * MINUTE),
]


@pytest.mark.parametrize(("low", "high"), [*combinations(range(len(RANKED)), 2)])
def test_the_more_specific_exception_wins_wherever_it_stands(low: int, high: int) -> None:
    for pair in permutations((RANKED[low], RANKED[high])):
        # The values go against the ranks, so that "the most careful" cannot pass for "the most specific".
        values = {RANKED[low].name: HOUR, RANKED[high].name: MINUTE}
        rules = [replace(one, settings={"undo_window": values[one.name]}) for one in pair]
        found = resolve(BOLD, rules, order())
        assert found.towards(TO_MIS).undo_window == MINUTE
        (choice,) = [one for one in found.trail if one.direction is TO_MIS]
        assert choice == Choice(
            setting="undo_window",
            direction=TO_MIS,
            value=MINUTE,
            rule=RANKED[high].name,
            why=f"more specific than {RANKED[low].name}",
        )


def test_every_beaten_exception_is_named() -> None:
    found = resolve(BOLD, RANKED, order())
    (choice,) = [one for one in found.trail if one.direction is TO_MIS]
    assert choice.why == "more specific than " + ", ".join(one.name for one in RANKED[:-1])


def test_settings_are_decided_one_by_one() -> None:
    rules = [
        rule("shop", kind=PRINT, undo_window=HOUR, value_limit=10.0),
        rule("one", "1042", value_limit=99.0),
    ]
    found = resolve(BOLD, rules, order()).policy
    assert (found.undo_window, found.value_limit) == (HOUR, 99.0)


def test_an_exception_may_lift_what_the_connection_limits() -> None:
    limited = replace(BOLD, value_limit=100.0, opening_hours=OpeningHours())
    found = resolve(limited, [rule("free", "1042", value_limit=None, opening_hours=None)], order())
    assert (found.policy.value_limit, found.policy.opening_hours) == (None, None)


def test_equally_specific_exceptions_give_the_more_careful_value() -> None:
    rules = [rule("a", "1042", undo_window=MINUTE), rule("b", "1042,1077", undo_window=HOUR)]
    for pair in permutations(rules):
        assert resolve(BOLD, pair, order()).policy.undo_window == HOUR


# Directions


def test_a_mode_is_a_directions_own() -> None:
    found = resolve(BOLD, [rule("ask", "1042", direction=TO_MIS, cancel_to_mis=Mode.MANUAL)], order()).policy
    modes = [found.mode(way) for way in Direction]
    assert modes == [Mode.MANUAL, Mode.AUTOMATIC, Mode.AUTOMATIC]


def test_a_guard_may_differ_by_direction_and_the_whole_takes_the_most_careful() -> None:
    found = resolve(BOLD, [rule("slow", direction=TO_SHOP, undo_window=HOUR)], order())
    own = [found.towards(way).undo_window for way in Direction]
    assert own == [BOLD.undo_window, HOUR, BOLD.undo_window]
    assert found.policy.undo_window == HOUR
    quick = resolve(BOLD, [rule("quick", direction=TO_SHOP, undo_window=MINUTE)], order())
    assert quick.policy.undo_window == BOLD.undo_window
    assert quick.towards(TO_SHOP).undo_window == MINUTE


@pytest.mark.parametrize("setting", sorted(set(MORE_CAREFUL) - BY_DIRECTION - set(MODE_SETTINGS)))
def test_what_concerns_the_whole_order_has_no_direction(setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} cannot be set for one direction only"):
        rule("odd", direction=TO_MIS, **{setting: getattr(BOLD, setting)})


def test_the_mode_of_another_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="cancel_to_storefront cannot be set for one direction"):
        rule("odd", direction=TO_MIS, cancel_to_storefront=Mode.MANUAL)


@pytest.mark.parametrize("setting", sorted({one.name for one in fields(Policy)} - set(MORE_CAREFUL)))
def test_what_belongs_to_the_connection_cannot_differ_by_order(setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} cannot differ from order to order"):
        rule("odd", **{setting: getattr(BOLD, setting)})


def test_only_real_settings_may_differ() -> None:
    assert set(MORE_CAREFUL) <= {one.name for one in fields(Policy)}
    assert set(MODE_SETTINGS) == set(Direction)
    with pytest.raises(ValueError, match="undo_windw"):
        rule("odd", undo_windw=HOUR)


# What is not known


def test_of_several_kinds_the_more_careful_value_holds() -> None:
    rules = [rule("cards", kind=PRINT, undo_window=MINUTE), rule("pens", kind=STOCK, undo_window=HOUR)]
    assert resolve(BOLD, rules, order("1042", PRINT)).policy.undo_window == MINUTE
    assert resolve(BOLD, rules, order("1042", STOCK)).policy.undo_window == HOUR
    found = resolve(BOLD, rules, order("1042", PRINT, STOCK))
    assert found.policy.undo_window == HOUR
    assert found.trail[0].rule == "pens"
    assert found.trail[0].why == "the more careful one; cards may hold as well"


def test_a_bold_exception_for_some_of_the_lines_does_not_carry_the_others_along() -> None:
    careful = replace(BOLD, cancel_to_mis=Mode.MANUAL)
    found = resolve(
        careful, [rule("cards", kind=PRINT, cancel_to_mis=Mode.AUTOMATIC)], order("", PRINT, STOCK)
    )
    assert found.policy.cancel_to_mis is Mode.MANUAL
    assert found.trail[0].rule == ""
    assert found.trail[0].why == "the more careful one; cards may hold as well"


@pytest.mark.parametrize("kinds", [frozenset(), frozenset({None}), frozenset({None, PRINT})])
def test_a_line_of_unknown_kind_may_be_any(kinds: frozenset[LineKind | None]) -> None:
    rules = [rule("pens", kind=STOCK, cancel_to_mis=Mode.MANUAL)]
    found = resolve(BOLD, rules, OrderFacts(customer="1042", kinds=kinds))
    assert found.policy.cancel_to_mis is Mode.MANUAL
    assert found.considered[0].matches is None


def test_an_unknown_customer_may_be_any() -> None:
    careful = rule("hospital", "1042,1043", cancel_to_mis=Mode.MANUAL)
    bold = rule("friends", "1077", undo_window=timedelta(0))
    found = resolve(BOLD, [careful, bold], order(""))
    assert found.policy == replace(BOLD, cancel_to_mis=Mode.MANUAL)
    assert [one.matches for one in found.considered] == [None, None]
    mode = next(one for one in found.trail if one.setting == "cancel_to_mis")
    assert (mode.rule, mode.why) == (
        "hospital",
        "the more careful one; the connection's own rule may hold as well",
    )


def test_facts_come_from_the_lines_and_what_makes_them() -> None:
    facts = facts_of("55", [_line(PRINT), _line(None, MisItemKind.SALES_ORDER)])
    assert facts == OrderFacts(customer="55", kinds=frozenset({PRINT, STOCK}))
    assert facts_of("55", [_line(None, MisItemKind.JOB)]).kinds == {PRINT}
    assert facts_of("55", [_line(STOCK, MisItemKind.JOB)]).kinds == {STOCK}
    assert facts_of("55", [_line(None)]).kinds == {None}
    assert facts_of("55", [_line(None, MisItemKind.JOB, MisItemKind.SALES_ORDER)]).kinds == {None}


def _line(kind: LineKind | None, *made_by: MisItemKind) -> OrderLine:
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    reading = Reading(status=OPEN, began_at=now, since=now)
    jobs = [Job(ref=f"J{n}", kind=one, status=UNSEEN, line_ids=frozenset()) for n, one in enumerate(made_by)]
    line = Line(storefront=reading, mis=reading)
    return OrderLine(line_id="s1", line=line, kind=kind, jobs=tuple(jobs))


# Which of two values is the more careful one

WEEK = OpeningHours(days=frozenset(range(5)), opens=time(7), closes=time(19))
CAREFUL = [
    ("cancel_to_mis", Mode.OBSERVE, Mode.MANUAL),
    ("cancel_to_mis", Mode.MANUAL, Mode.ASSISTED),
    ("cancel_to_storefront", Mode.ASSISTED, Mode.AUTOMATIC),
    ("ship_to_storefront", Mode.OBSERVE, Mode.AUTOMATIC),
    ("undo_window", HOUR, MINUTE),
    ("vendor_grace", HOUR, MINUTE),
    ("vendor_may_ship", True, False),
    ("vendor_may_cancel", True, False),
    ("part_dispatch", PartDispatch.WAIT, PartDispatch.PARTIAL),
    ("close_emptied_order", EmptiedOrder.ASK, EmptiedOrder.CANCEL),
    ("not_in_production_after", MINUTE, HOUR),
    ("value_limit", 10.0, 20.0),
    ("value_limit", 10.0, None),
    ("opening_hours", WEEK, None),
]


@pytest.mark.parametrize(("setting", "careful", "bold"), CAREFUL)
def test_the_more_careful_of_two(setting: str, careful: Any, bold: Any) -> None:
    for one, other in permutations((careful, bold)):
        rules = [rule("print", kind=PRINT, **{setting: one}), rule("stock", kind=STOCK, **{setting: other})]
        assert getattr(resolve(BOLD, rules, order("1042", PRINT, STOCK)).policy, setting) == careful
    assert MORE_CAREFUL[setting](bold, bold) == bold


def test_every_setting_has_its_careful_side_tested() -> None:
    assert {setting for setting, _, _ in CAREFUL} == set(MORE_CAREFUL)


@pytest.mark.parametrize(
    ("other", "both"),
    [
        (OpeningHours(opens=time(9), closes=time(21)), OpeningHours(opens=time(9), closes=time(19))),
        (OpeningHours(opens=time(6), closes=time(8)), OpeningHours(opens=time(7), closes=time(8))),
        (OpeningHours(days=frozenset({4, 5})), OpeningHours(days=frozenset({4}))),
        (
            OpeningHours(opens=time(19), closes=time(23)),
            OpeningHours(days=frozenset(), opens=time(0), closes=time(0)),
        ),
    ],
)
def test_hours_hold_only_while_both_are_open(other: OpeningHours, both: OpeningHours) -> None:
    assert MORE_CAREFUL["opening_hours"](WEEK, other) == both
    assert MORE_CAREFUL["opening_hours"](other, WEEK) == both


# Reasons


ELSEWHERE = (
    "it names customer 1042; the order's is 1042; it is for stock lines; the order's are print; "
    "for ship_to_storefront only"
)


def test_each_exception_says_why_it_matches_or_not() -> None:
    rules = [
        rule("all", undo_window=HOUR),
        rule("trade", "1077,1043", undo_window=HOUR),
        rule("stock abroad", "1042", kind=STOCK, direction=SHIP, vendor_grace=HOUR),
    ]
    found = resolve(BOLD, rules, order("1042", PRINT)).considered
    assert [(one.rule, one.matches, one.why) for one in found] == [
        ("all", True, "it is for every order"),
        ("trade", False, "it names customer 1043, 1077; the order's is 1042"),
        (
            "stock abroad",
            False,
            ELSEWHERE,
        ),
    ]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (OrderFacts(customer="", kinds=frozenset({PRINT})), "the order's is not known; .* are print"),
        (OrderFacts(customer="1042"), "the order's is 1042; .* are unknown"),
        (order("1042", STOCK, PRINT), "are print and stock"),
        (order("1042", STOCK, None), "are stock and unknown"),
    ],
)
def test_what_is_not_known_is_said(facts: OrderFacts, words: str) -> None:
    (found,) = resolve(BOLD, [rule("x", "1042", kind=STOCK, undo_window=HOUR)], facts).considered
    assert re.search(words, found.why), found.why


def test_a_single_match_says_so() -> None:
    found = resolve(BOLD, [rule("slow", "1042", vendor_may_ship=False)], order())
    assert found.trail == (
        Choice(
            setting="vendor_may_ship", direction=None, value=False, rule="slow", why="the exception matches"
        ),
    )


def test_the_trail_has_every_touched_setting_once_per_direction_in_a_fixed_order() -> None:
    rules = [
        rule("b", "1042", value_limit=5.0, undo_window=HOUR),
        rule("a", kind=PRINT, part_dispatch="partial"),
    ]
    found = [(one.setting, one.direction) for one in resolve(BOLD, rules, order()).trail]
    assert found == [
        *(("undo_window", way) for way in Direction),
        ("part_dispatch", None),
        *(("value_limit", way) for way in Direction),
    ]


def test_which_directions_may_have_a_mode() -> None:
    manual = Policy(ship_to_storefront=Mode.MANUAL)
    assert may_be(Mode.AUTOMATIC, manual, []) == set()
    assert may_be(Mode.MANUAL, manual, []) == set(Direction)
    bold = rule("x", "1042", direction=TO_MIS, cancel_to_mis=Mode.AUTOMATIC)
    assert may_be(Mode.AUTOMATIC, manual, [bold]) == {TO_MIS}
    assert may_be(Mode.AUTOMATIC, BOLD, [bold]) == set(Direction)


# In general

_values: dict[str, st.SearchStrategy[Any]] = {
    "cancel_to_mis": st.sampled_from(Mode),
    "undo_window": st.sampled_from([MINUTE, HOUR, timedelta(0)]),
    "value_limit": st.sampled_from([None, 1.0, 100.0]),
    "vendor_may_ship": st.booleans(),
}


@st.composite
def overrides(draw: st.DrawFn) -> list[Override]:
    made = []
    for number in range(draw(st.integers(0, 5))):
        setting = draw(st.sampled_from(sorted(_values)))
        directed = setting != "vendor_may_ship" and draw(st.booleans())
        made.append(
            Override(
                name=str(number),
                customers=draw(st.sampled_from([frozenset(), frozenset({"a"}), frozenset({"a", "b"})])),
                kind=draw(st.sampled_from([None, *LineKind])),
                direction=TO_MIS if directed else None,
                settings={setting: draw(_values[setting])},
            )
        )
    return made


@given(overrides(), st.sampled_from(["a", "b", "c"]), st.frozensets(st.sampled_from(LineKind), min_size=1))
def test_knowing_less_never_makes_bolder(
    rules: list[Override], customer: str, kinds: frozenset[LineKind]
) -> None:
    known = resolve(BOLD, rules, OrderFacts(customer=customer, kinds=kinds)).policy
    for less in (
        OrderFacts(customer="", kinds=kinds),
        OrderFacts(customer=customer),
        OrderFacts(customer=customer, kinds=kinds | {None}),
        OrderFacts(),
    ):
        vague = resolve(BOLD, rules, less).policy
        for setting, careful in MORE_CAREFUL.items():
            one, other = getattr(vague, setting), getattr(known, setting)
            assert careful(one, other) == one, setting


@given(overrides(), st.randoms())
def test_the_order_in_the_file_changes_nothing(rules: list[Override], random: Any) -> None:
    shuffled = random.sample(rules, len(rules))
    one, other = resolve(BOLD, rules, order("a")), resolve(BOLD, shuffled, order("a"))
    assert (one.policy, one.by_direction) == (other.policy, other.by_direction)


def test_many_named_customers_cost_no_more_than_the_choices_between_them() -> None:
    """An unknown customer is tried once per choice of exceptions, however long their lists are."""
    crowd = ",".join(str(number) for number in range(500))
    rules = [
        rule("crowd", crowd, undo_window=MINUTE),
        rule("one", "499,x", direction=TO_MIS, undo_window=HOUR),
    ]
    cases = list(_possible(order(""), rules))
    assert len(cases) == 4  # one that no list has, one of the crowd, 499, and x
    assert resolve(BOLD, rules, OrderFacts()).policy.undo_window == HOUR
