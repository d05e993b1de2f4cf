"""The classes follow the core's decision table, state by state."""

from __future__ import annotations

from itertools import product

import pytest

from countermand.compare.classify import Class, Rows, Urgency, judge, judge_rows
from countermand.core.status import UNSEEN, Facts, Intent, Progress
from countermand.core.table import decide

STATES = [Facts(intent, progress) for intent, progress in product(Intent, Progress)]
OPEN, STARTED, SENT = (
    Facts(Intent.OPEN, step) for step in (Progress.NONE, Progress.STARTED, Progress.DISPATCHED)
)
CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)

#: The class that each row of the core's table stands for.
CLASS_OF_RULE = {
    "not-ours": {Class.ONLY_IN_MIS},
    "sent-and-cancelled-unlinked": {Class.CANCELLED_BUT_DISPATCHED},
    "cancelled-before-production": {Class.ONLY_IN_STOREFRONT},
    "shipped-unlinked": {Class.ONLY_IN_STOREFRONT},
    "not-yet-in-production": {Class.ONLY_IN_STOREFRONT},
    "shipped-but-cancelled": {Class.CANCELLED_BUT_DISPATCHED},
    "sent-and-cancelled-here": {Class.CANCELLED_BUT_DISPATCHED},
    "sent-and-cancelled-there": {Class.CANCELLED_BUT_DISPATCHED},
    "cancelled-but-made": {Class.CANCELLED_BUT_DISPATCHED, Class.CANCELLED_IN_STOREFRONT_ONLY},
    "made-but-cancelled": {Class.CANCELLED_BUT_DISPATCHED, Class.CANCELLED_IN_MIS_ONLY},
    "both-cancelled": {Class.IN_STEP},
    "cancel-travels-to-mis": {Class.CANCELLED_IN_STOREFRONT_ONLY},
    "cancel-travels-to-storefront": {Class.CANCELLED_IN_MIS_ONLY},
    "both-dispatched": {Class.IN_STEP},
    "dispatch-travels": {Class.SHIPPED_IN_MIS_ONLY},
    "both-part-dispatched": {Class.IN_STEP},
    "part-dispatch-travels": {Class.SHIPPED_IN_MIS_ONLY},
    "marked-shipped-by-hand": {Class.SHIPPED_IN_STOREFRONT_ONLY},
    "both-open": {Class.IN_STEP},
}
URGENT = {"sent-and-cancelled-here", "sent-and-cancelled-there", "cancelled-but-made", "made-but-cancelled"}


@pytest.mark.parametrize(("storefront", "mis"), list(product(STATES, [*STATES, None])))
def test_every_pair_of_states_agrees_with_the_core_table(storefront: Facts, mis: Facts | None) -> None:
    rule = decide(storefront, mis or UNSEEN).rule
    finding = judge(storefront, mis)
    assert finding.kind in CLASS_OF_RULE[rule], rule
    if rule in URGENT:
        assert finding.urgency is Urgency.NOW
    assert bool(finding.advice) == finding.kind.is_drift


@pytest.mark.parametrize("mis", STATES)
def test_what_only_the_mis_has(mis: Facts) -> None:
    assert judge(None, mis).kind in CLASS_OF_RULE[decide(UNSEEN, mis).rule]


def rows(*facts: Facts | None, lines: int | None = None) -> Rows:
    return Rows(facts=frozenset(facts), lines=lines or len(facts))


@pytest.mark.parametrize(
    ("storefront", "mis", "by_order", "expected"),
    [
        (rows(OPEN), rows(CANCELLED, STARTED), False, Class.IN_STEP),
        (rows(OPEN), rows(CANCELLED, STARTED), True, Class.CANCELLED_IN_MIS_ONLY),
        (rows(CANCELLED), rows(CANCELLED, STARTED), True, Class.CANCELLED_IN_STOREFRONT_ONLY),
        (rows(CANCELLED), rows(CANCELLED, SENT), True, Class.CANCELLED_BUT_DISPATCHED),
        (rows(OPEN, CANCELLED), rows(CANCELLED, lines=2), True, Class.CANCELLED_IN_MIS_ONLY),
        (rows(OPEN, CANCELLED), rows(CANCELLED, lines=1), True, Class.AMBIGUOUS_KEY),
        (rows(OPEN, CANCELLED), rows(STARTED, CANCELLED), True, Class.AMBIGUOUS_KEY),
        (rows(OPEN), rows(STARTED, None), True, Class.UNMAPPED_STATUS),
        (rows(None), Rows(), True, Class.ONLY_IN_STOREFRONT),
        (rows(OPEN, CANCELLED), Rows(), True, Class.ONLY_IN_STOREFRONT),
        (Rows(), rows(None), True, Class.ONLY_IN_MIS),
    ],
)
def test_several_rows_of_one_key(storefront: Rows, mis: Rows, by_order: bool, expected: Class) -> None:
    assert judge_rows(storefront, mis, by_order=by_order).kind is expected


def test_contradictory_duplicates_are_ambiguous_whatever_they_say() -> None:
    twice = Rows(facts=frozenset({CANCELLED}), lines=1, contradictory=True)
    assert judge_rows(twice, rows(CANCELLED), by_order=False).kind is Class.AMBIGUOUS_KEY
