"""The decision table: one right answer per pair, every row reachable, none shadowed by those above it."""

from __future__ import annotations

import re
from itertools import product

import pytest
from core_space import FACTS, MIS_STATUSES, facts

from countermand.core.status import GONE, UNSEEN, Facts, LineStatus, Progress, Unmapped, Unreadable
from countermand.core.table import CONFLICTS, ROWS, Decision, Row, decide
from countermand.core.tasks import TASK_TYPES, TaskKind, Urgency

READABLE: tuple[LineStatus, ...] = (*FACTS, UNSEEN)

#: What a production manager would say, pair by pair; alternatives that share one answer stand together.
EXPECTED = [
    ("unseen", "open/none unseen cancelled/dispatched", "not-ours"),
    ("open/none held/none", "open/none held/none open/started held/produced open/produced", "both-open"),
    ("open/none open/part_dispatched", "open/dispatched held/dispatched", "dispatch-travels"),
    ("open/none", "open/part_dispatched held/part_dispatched", "part-dispatch-travels"),
    ("open/dispatched held/dispatched", "open/dispatched", "both-dispatched"),
    ("open/part_dispatched", "open/part_dispatched", "both-part-dispatched"),
    ("cancelled/none", "cancelled/none cancelled/started cancelled/produced", "both-cancelled"),
    ("cancelled/none", "open/none held/none open/started held/started", "cancel-travels-to-mis"),
    ("open/none held/none", "cancelled/none cancelled/started", "cancel-travels-to-storefront"),
    ("open/none", "cancelled/produced", "cancel-travels-to-storefront"),
    ("cancelled/none", "open/produced held/produced open/dispatched", "cancelled-but-made"),
    ("open/produced", "cancelled/none", "made-but-cancelled"),
    ("open/dispatched open/part_dispatched", "cancelled/none cancelled/started", "shipped-but-cancelled"),
    ("open/dispatched", "cancelled/produced", "made-but-cancelled"),
    ("cancelled/dispatched cancelled/part_dispatched", "cancelled/none", "sent-and-cancelled-here"),
    ("cancelled/dispatched", "open/dispatched cancelled/dispatched", "sent-and-cancelled-here"),
    ("cancelled/none", "cancelled/dispatched cancelled/part_dispatched", "sent-and-cancelled-there"),
    ("open/none", "cancelled/dispatched cancelled/part_dispatched", "sent-and-cancelled-there"),
    ("open/dispatched", "cancelled/dispatched", "sent-and-cancelled-there"),
    ("open/dispatched", "open/none open/produced open/part_dispatched", "marked-shipped-by-hand"),
    ("open/part_dispatched", "open/none held/produced", "marked-shipped-by-hand"),
    ("open/none held/none", "unseen", "not-yet-in-production"),
    ("open/dispatched open/part_dispatched", "unseen", "shipped-unlinked"),
    ("cancelled/none", "unseen", "cancelled-before-production"),
    ("cancelled/dispatched", "unseen", "sent-and-cancelled-unlinked"),
]  # fmt: skip

#: What a rule decides, where it does not ask a person.
DECISIONS = {
    "not-ours": Decision.NOT_OURS,
    "cancelled-before-production": Decision.WAIT,
    "not-yet-in-production": Decision.WAIT,
    "shipped-unlinked": Decision.WAIT,
    "both-cancelled": Decision.IN_STEP,
    "both-dispatched": Decision.IN_STEP,
    "both-part-dispatched": Decision.IN_STEP,
    "both-open": Decision.IN_STEP,
    "cancel-travels-to-mis": Decision.CANCEL_IN_MIS,
    "cancel-travels-to-storefront": Decision.CANCEL_IN_STOREFRONT,
    "dispatch-travels": Decision.SHIP,
    "part-dispatch-travels": Decision.SHIP_PART,
}


@pytest.mark.parametrize(
    ("storefront", "mis", "rule"),
    [
        (storefront, mis, rule)
        for storefronts, statuses, rule in EXPECTED
        for storefront, mis in product(storefronts.split(), statuses.split())
    ],
)
def test_the_right_answer_for_a_pair(storefront: str, mis: str, rule: str) -> None:
    assert decide(facts(storefront), facts(mis)).rule == rule


def right_answer(storefront: LineStatus, mis: LineStatus) -> str:
    """The table a second time, as questions instead of rows."""
    if not isinstance(storefront, Facts):
        return "not-ours"
    if not isinstance(mis, Facts):
        if storefront.cancelled:
            return "sent-and-cancelled-unlinked" if storefront.sent else "cancelled-before-production"
        return "shipped-unlinked" if storefront.sent else "not-yet-in-production"
    if storefront.cancelled or mis.cancelled:
        return _with_a_cancel(storefront, mis)
    if mis.progress is Progress.DISPATCHED:
        return "both-dispatched" if storefront.progress is Progress.DISPATCHED else "dispatch-travels"
    if not storefront.sent:
        return "part-dispatch-travels" if mis.sent else "both-open"
    same_part = storefront.progress is mis.progress is Progress.PART_DISPATCHED
    return "both-part-dispatched" if same_part else "marked-shipped-by-hand"


def _with_a_cancel(storefront: Facts, mis: Facts) -> str:
    made = Progress.PRODUCED.rank
    if storefront.cancelled and storefront.sent:
        return "sent-and-cancelled-here"
    if mis.cancelled and mis.sent:
        return "sent-and-cancelled-there"
    if storefront.cancelled and mis.cancelled:
        return "both-cancelled"
    if storefront.cancelled:
        return "cancelled-but-made" if mis.progress.rank >= made else "cancel-travels-to-mis"
    if storefront.sent and mis.progress.rank < made:
        return "shipped-but-cancelled"
    return "made-but-cancelled" if storefront.progress.rank >= made else "cancel-travels-to-storefront"


def test_the_table_agrees_with_the_questions_for_every_pair() -> None:
    for storefront, mis in product(READABLE, READABLE):
        row = decide(storefront, mis)
        assert row.rule == right_answer(storefront, mis), (str(storefront), str(mis))
        assert row.decision is DECISIONS.get(row.rule, Decision.ASK)


def test_every_rule_of_the_table_is_among_the_expected_answers() -> None:
    assert {rule for *_, rule in EXPECTED} == {row.rule for row in ROWS}


def test_the_table_is_total() -> None:
    for storefront, mis in product(READABLE, [status for status in MIS_STATUSES if status in READABLE]):
        assert isinstance(decide(storefront, mis), Row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_every_row_is_reached_and_none_is_shadowed(row: Row) -> None:
    assert any(decide(storefront, mis) is row for storefront, mis in product(READABLE, READABLE))


def test_a_row_is_named_once_and_says_why_in_a_sentence() -> None:
    assert len({row.rule for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.why.endswith("."), row.rule
        assert len(row.why) > 20, row.rule


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_row_has_a_task_exactly_where_a_person_may_be_asked(row: Row) -> None:
    may_ask = row.decision is Decision.ASK or row.rule in ("not-yet-in-production", "shipped-unlinked")
    assert (row.task is not None) == may_ask


@pytest.mark.parametrize("other", [GONE, Unreadable("x"), Unmapped("99")])
def test_what_the_gates_take_is_a_hole_in_the_table(other: LineStatus) -> None:
    for storefront, mis in ((other, UNSEEN), (facts("open/none"), other)):
        with pytest.raises(
            LookupError, match=f"No row of the decision table covers .*{re.escape(str(other))}"
        ):
            decide(storefront, mis)


def test_whether_the_history_is_known_never_changes_the_row() -> None:
    for storefront, mis in product(FACTS, FACTS):
        hidden = Facts(mis.intent, mis.progress, history_known=False)
        assert decide(storefront, hidden) is decide(storefront, mis)


def test_goods_nobody_wants_are_the_most_urgent_work() -> None:
    assert {kind.value for kind in CONFLICTS} == {"cancelled_but_made", "shipped_but_cancelled"}
    urgencies = [TASK_TYPES[kind].urgency.rank for kind in TaskKind]
    assert TASK_TYPES[TaskKind.CANCELLED_BUT_MADE].urgency is Urgency.MOST_URGENT
    assert urgencies.count(Urgency.MOST_URGENT.rank) == 1


# The kinds of work


@pytest.mark.parametrize("kind", list(TaskKind))
def test_every_kind_of_work_says_what_waiting_costs(kind: TaskKind) -> None:
    work = TASK_TYPES[kind]
    assert work.title[0].isupper()
    assert work.cost.endswith(".")
    assert work.due_in.total_seconds() > 0
    assert work.proof in ("read_back", "word")


def test_the_more_urgent_the_sooner_it_is_due() -> None:
    by_urgency = {
        urgency: [work.due_in for work in TASK_TYPES.values() if work.urgency is urgency]
        for urgency in Urgency
    }
    for sooner, later in zip(list(Urgency), list(Urgency)[1:], strict=False):
        assert sooner.rank < later.rank
        assert max(by_urgency[sooner]) <= min(by_urgency[later]), (sooner, later)
