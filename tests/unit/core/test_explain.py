"""Plain words for people: every name that the judgement produces has them, and no others are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta, timezone
from itertools import product

import pytest
from core_space import (
    AUTOMATIC,
    FEW_PAIRS,
    LATE,
    MIS_STATUSES,
    STOREFRONT_STATUSES,
    T0,
    command,
    command_states,
    facts,
    job,
    line,
    order,
    order_line,
    pair,
    settlement,
)
from msgspec.structs import replace

from countermand.core.command import Change
from countermand.core.explain import REASONS, SystemNames, explain
from countermand.core.gates import CANCEL_GUARDS, GATES, ORDER_RULES, SHIP_GUARDS, names
from countermand.core.guards import BrakeState
from countermand.core.line import Line
from countermand.core.merge import merge
from countermand.core.order import OrderLine
from countermand.core.plan import Later, NeedsPerson, plan
from countermand.core.policy import Direction, Mode, OpeningHours, Policy
from countermand.core.status import Gone, Side
from countermand.core.table import ROWS
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait

NAMES = SystemNames()
BANNED = re.compile(
    r"\b(authority|posture|phase|verdicts?|merged?|facts?|intent|push(ed)?|converge|None|storefront|mis)\b",
    re.I,
)
#: Answers for a line that come from its order.
OF_ORDER = {"job-cancelled-and-sent", "cancelled-not-searched", "cancelled-not-found"}
RULES = {row.rule for row in ROWS} | names(GATES) | OF_ORDER
GUARDS = names(CANCEL_GUARDS) | names(SHIP_GUARDS) | (names(ORDER_RULES) - OF_ORDER)

SOME = [facts(one) for one in ("open/none", "cancelled/none", "open/dispatched", "unreadable")]


def whole_space() -> Iterator[tuple[Line, Verdict]]:
    """Every pair of statuses, with and without a base, and every state of a write for some of them."""
    for storefront, mis, base in product(STOREFRONT_STATUSES, MIS_STATUSES, (None, *FEW_PAIRS)):
        own = line(storefront, mis, base=base)
        yield from ((own, merge(own, AUTOMATIC, now)) for now in (T0, LATE))
    for storefront, mis in product(SOME, SOME):
        for write in command_states(mis):
            own = line(storefront, mis, command=write)
            yield own, merge(own, AUTOMATIC, LATE)
    kept = settlement(pair("cancelled/none", "open/none"))
    own = line("cancelled/none", "open/none", settlement=kept)
    yield own, merge(own, AUTOMATIC, T0)


# The names


def test_every_rule_that_the_judgement_produces_is_named_as_data_and_the_other_way_round() -> None:
    made = {verdict.rule.split(":")[0] for _, verdict in whole_space()} | OF_ORDER
    assert made == RULES


def test_every_guard_that_the_plan_produces_is_named_as_data_and_the_other_way_round() -> None:
    made = set()
    for action in every_guarded_action():
        if isinstance(action, Later):
            made.add(action.guard)
        elif action.direction is not None or action.because == "close-emptied-order":
            made.add(action.because)
    assert made == GUARDS


def every_guarded_action() -> Iterator[Later | NeedsPerson]:
    for own, policy, changes in guarded():
        of = replace(order(*own), **changes)
        yield from (one for one in plan(of, policy, T0).actions if isinstance(one, Later | NeedsPerson))


def guarded() -> Iterator[tuple[tuple[OrderLine, ...], Policy, dict[str, object]]]:
    to_cancel, shipped = line("cancelled/none", "open/none"), line("open/none", "open/dispatched")
    one = (order_line("s1", to_cancel),)
    for mode in (Mode.OBSERVE, Mode.MANUAL, Mode.ASSISTED):
        yield one, replace(AUTOMATIC, cancel_to_mis=mode), {}
    yield one, AUTOMATIC, {"offered": frozenset[str]()}
    yield (order_line("s1", line("cancelled/none", "open/started")),), AUTOMATIC, {}
    left = settlement(pair("cancelled/none", "open/started"))
    yield (order_line("s1", line("cancelled/none", "open/none", settlement=left)),), AUTOMATIC, {}
    yield one, replace(AUTOMATIC, undo_window=timedelta(minutes=5)), {}
    yield one, replace(AUTOMATIC, vendor_grace=timedelta(minutes=5), vendor_may_cancel=True), {}
    yield one, AUTOMATIC, {"brakes": {Direction.CANCEL_TO_MIS: BrakeState(tripped=True)}}
    yield one, replace(AUTOMATIC, value_limit=5.0), {}
    yield one, replace(AUTOMATIC, opening_hours=OpeningHours(days=frozenset({6}))), {}
    shared = job("J1", line_ids=["s1", "s2"])
    other = order_line("s2", line("open/none", "open/none"), [shared])
    yield (order_line("s1", to_cancel, [shared]), other), AUTOMATIC, {}
    others = job("J1", "cancelled/none", line_ids=["s1", "another order"])
    yield (order_line("s1", line("open/none", "cancelled/none"), [others]),), AUTOMATIC, {}
    waits = replace(AUTOMATIC, part_dispatch=Policy().part_dispatch)
    yield (order_line("s1", shipped), order_line("s2", line("open/none", "open/none"))), waits, {}
    ours = command(Side.STOREFRONT, Change.CANCEL, verified=True)
    yield (order_line("s1", line("cancelled/none", "cancelled/none", command=ours)),), AUTOMATIC, {}


def test_every_name_has_words_and_no_words_are_left_over() -> None:
    assert set(REASONS) == RULES | GUARDS


# The sentences


def test_no_word_of_the_programs_own_reaches_a_person() -> None:
    for own, verdict in whole_space():
        for gate in (None, "cut-off"):
            sentence = explain(own, verdict, AUTOMATIC, NAMES, gate)
            assert not BANNED.search(sentence), sentence
            assert re.fullmatch(r"[A-Zp][^{}_]*[^.]\.", sentence), sentence
            assert "  " not in sentence, sentence


@pytest.mark.parametrize("gate", sorted(GUARDS))
def test_every_guard_says_what_it_does(gate: str) -> None:
    own = line("cancelled/none", "open/none")
    push = Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)
    policy = Policy(value_limit=250.0)
    sentence = explain(own, push, policy, NAMES, gate)
    assert sentence != explain(own, push, policy, NAMES)
    assert not BANNED.search(sentence)


ELSEWHERE = T0 - timedelta(days=3)
ASKED = Ask("x", next(row.task for row in ROWS if row.task))
CANCEL = Push("cancel-travels-to-mis", Change.CANCEL, Side.MIS)


@pytest.mark.parametrize(
    ("storefront", "mis", "verdict", "gate", "sentence"),
    [
        (
            "cancelled/none", "open/started", CANCEL, "cut-off",
            ("Cancelled in Infigo at 10:00 UTC; printIQ has it in production (started), past this shop's "
            "cut-off, so a person must decide."),
        ),
        (
            "cancelled/none", "open/none", CANCEL, None,
            ("Cancelled in Infigo at 10:00 UTC; printIQ has it open, not started, so it has to be "
            "cancelled in printIQ too."),
        ),
        (
            "open/none", "cancelled/produced",
            Push("cancel-travels-to-storefront", Change.CANCEL, Side.STOREFRONT), "undo-window",
            ("Cancelled in printIQ at 10:00 UTC, after it was finished; Infigo has it open; it is passed on "
            "5 minutes after the cancel, so that it can still be taken back."),
        ),
        (
            "open/none", "open/dispatched", Push("dispatch-travels", Change.SHIP, Side.STOREFRONT), None,
            ("printIQ has it dispatched since 10:00 UTC; Infigo has it open, so it has to be marked "
            "shipped in Infigo."),
        ),
        (
            "open/part_dispatched", "open/part_dispatched", InStep("both-part-dispatched"), None,
            ("printIQ has it partly dispatched since 10:00 UTC; Infigo has it partly shipped since 10:00 "
            "UTC, so both agree."),
        ),
        (
            "held/none", "held/none?", InStep("both-open"), None,
            ("Infigo has it on hold (open); printIQ has it on hold (open, perhaps started before), so both "
            "agree."),
        ),
        (
            "gone", "gone", InStep("gone", close=True), None,
            "Infigo no longer has it; printIQ no longer has it, so there is nothing left to do.",
        ),
        (
            "open/none", "unmapped", Ask("unmapped", ASKED.task, "mis: status 99"), None,
            ("Infigo has it open; printIQ shows a status that this set-up does not know (status 99), so a "
            "person must say what that status means."),
        ),
        (
            "cancelled/none", "unreadable", Ask("cannot-read-cancelled", ASKED.task, "mis"), None,
            ("Cancelled in Infigo at 10:00 UTC; printIQ cannot be read since 10:00 UTC: nobody knows whether "
            "it follows the cancel, so a person must look there."),
        ),
        (
            "cancelled/none", "unseen", Ask("cancelled-not-searched", ASKED.task), None,
            ("Cancelled in Infigo at 10:00 UTC; no job of it is known, and printIQ could not be "
            "searched since, so a person must look there."),
        ),
        (
            "open/none", "unseen", Wait("not-yet-in-production"), None,
            ("Infigo has it open; no job of it is known, so it is looked for again, and after a while a "
            "person is asked."),
        ),
        (
            "cancelled/none", "open/none", Ask("first-sight:cancel-travels-to-mis", ASKED.task), None,
            ("Cancelled in Infigo at 10:00 UTC; printIQ has it open, not started; it was so when first seen, "
            "so nothing is written before a look at all such orders."),
        ),
        (
            "cancelled/none", "open/none", Ask("write-refused", ASKED.task, "Job is {locked}"), None,
            ("Cancelled in Infigo at 10:00 UTC; printIQ has it open, not started; our change was refused "
            "(Job is {locked}), so a person must decide."),
        ),
        (
            "cancelled/none", "open/none", Settled("settled", "Priya Shah"), None,
            ("Cancelled in Infigo at 10:00 UTC; printIQ has it open, not started; Priya Shah has decided "
            "that the two may differ in just this way."),
        ),
        (
            "cancelled/none", "open/none", Settled("settled"), None,
            ("Cancelled in Infigo at 10:00 UTC; printIQ has it open, not started; a person has decided that "
            "the two may differ in just this way."),
        ),
        (
            "cancelled/none", "open/none", Wait("a-rule-from-tomorrow"), "a-guard-from-tomorrow",
            "Cancelled in Infigo at 10:00 UTC; printIQ has it open, not started.",
        ),
    ],
)  # fmt: skip
def test_what_people_read(
    storefront: str, mis: str, verdict: Verdict, gate: str | None, sentence: str
) -> None:
    assert explain(line(storefront, mis), verdict, Policy(), NAMES, gate) == sentence


def test_every_progress_and_a_missing_job_can_be_said() -> None:
    seen = {
        status: explain(line("open/none", status), InStep(""), Policy(), NAMES).split("; ")[0]
        for status in (f"cancelled/{one}" for one in ("none", "started", "part_dispatched", "dispatched"))
    }  # fmt: skip
    assert [words.removeprefix("Cancelled in printIQ at 10:00 UTC") for words in seen.values()] == [
        "", ", after production had started", ", after part of it had left", ", after it had left",
    ]  # fmt: skip
    finished = explain(line("open/dispatched", "open/produced"), InStep(""), Policy(), NAMES)
    assert finished == "Infigo has it shipped since 10:00 UTC; printIQ has it finished."
    partly = explain(line("open/none", Gone(partly=True)), InStep(""), Policy(), NAMES)
    assert partly == "Infigo has it open; printIQ no longer has all of its jobs."


def test_a_time_on_another_day_has_its_date_and_the_shops_own_clock() -> None:
    own = line("cancelled/none", "unreadable", since=ELSEWHERE)
    said = explain(own, Wait("unreadable"), Policy(), NAMES)
    cancelled, unreadable = said.split("; ")
    assert cancelled == "Cancelled in Infigo on 27 February 2026 at 10:00 UTC"
    assert unreadable.startswith("printIQ cannot be read since 27 February 2026 at 10:00 UTC")
    shop = SystemNames(storefront="Shop", mis="Works", zone=timezone(timedelta(hours=13)))
    local = explain(line("cancelled/none", "open/none"), CANCEL, Policy(), shop)
    assert local.startswith("Cancelled in Shop at 23:00; Works has it open")


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(0), "0 seconds"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(days=2), "2 days"),
        (timedelta(hours=36), "36 hours"),
    ],
)
def test_a_length_of_time_as_people_say_it(window: timedelta, words: str) -> None:
    own, policy = line("cancelled/none", "open/none"), Policy(undo_window=window, vendor_grace=window)
    for gate in ("undo-window", "vendor-grace"):
        assert f" {words} " in explain(own, CANCEL, policy, NAMES, gate)


@pytest.mark.parametrize(
    ("limit", "words"),
    [(250.0, "worth more than 250,"), (99.5, "worth more than 99.5,"), (None, "than the limit,")],
)
def test_the_value_limit_is_said(limit: float | None, words: str) -> None:
    own = line("cancelled/none", "open/none")
    assert words in explain(own, CANCEL, Policy(value_limit=limit), NAMES, "value-limit")


def test_a_refusal_without_words_says_so() -> None:
    said = explain(line("cancelled/none", "open/none"), Ask("write-refused", ASKED.task), Policy(), NAMES)
    assert "(no reason given)" in said


def test_a_reason_that_names_the_row_behind_it_is_found_by_its_first_part() -> None:
    own, verdict = line("open/none", "open/dispatched"), Wait("dispatch-travels")
    said = explain(own, verdict, Policy(), NAMES, "first-sight:dispatch-travels")
    assert said.endswith(
        "; it was so when first seen, so nothing is written before a look at all such orders."
    )


def test_where_both_are_cancelled_the_storefront_comes_first() -> None:
    said = explain(line("cancelled/none", "cancelled/none"), InStep("both-cancelled"), Policy(), NAMES)
    assert said == "Cancelled in Infigo at 10:00 UTC; cancelled in printIQ at 10:00 UTC, so both agree."


def test_whether_it_was_another_day_is_a_matter_of_the_shops_clock() -> None:
    shop = SystemNames(zone=timezone(timedelta(hours=13)))
    own = line("cancelled/none", "open/none", began_at=T0 + timedelta(hours=2))
    assert explain(own, CANCEL, Policy(), NAMES).startswith("Cancelled in Infigo at 10:00 UTC;")
    assert explain(own, CANCEL, Policy(), shop).startswith("Cancelled in Infigo on 2 March 2026 at 23:00;")
