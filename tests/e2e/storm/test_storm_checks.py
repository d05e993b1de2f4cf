"""The storm's checks find what they are for: each kind of damage, put into evidence that is good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from storm_checks import Wrong, asked, violations
from storm_evidence import Effect, Evidence, Sent
from storm_staff import Kind, Story

from countermand.core.tasks import TaskKind

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def order(
    *lines: str, cancelled: bool = False, shipped: str = "", gone: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "OrderStatus": "Cancelled" if cancelled else "Pending",
        "ShippingStatus": "Shipped" if shipped else "NotYetShipped",
        "TrackingNumber": shipped,
        "OrderLineItems": [{"Id": line, "IsCancelled": line in gone} for line in lines],
    }


def job(number: str, status: int = 22, *, left: bool = False) -> dict[str, Any]:
    return {
        "JobNo": number,
        "ProductionStatusID": status,
        "DeliveriesTotal": 1,
        "DeliveriesConsigned": int(left),
    }


def story(kind: Kind, number: int, *jobs: str, tracking: tuple[str, ...] = ()) -> Story:
    lines = tuple(f"s{number}{place}" for place in range(len(jobs)))
    return Story(
        kind=kind, order=str(number), lines=lines, jobs=dict(zip(lines, jobs, strict=True)),
        tracking=tracking, finished=True,
    )  # fmt: skip


def effect(system: str, target: str, what: str, seconds: float, effect: str = "applied") -> Effect:
    return Effect(system=system, at=at(seconds), what=what, target=target, effect=effect)


def sent(number: int, what: str, about: str, seconds: float, answer: str = "applied") -> Sent:
    return Sent(
        id=f"{number}-w{seconds:g}", order=str(number), at=at(seconds), what=what, about=about,
        answer=answer, why="the other side is cancelled",
    )  # fmt: skip


GOOD = Evidence(
    stories=(
        story(Kind.CANCEL_IN_INFIGO, 1, "J1"),
        story(Kind.CANCEL_IN_PRINTIQ, 2, "J2"),
        story(Kind.DISPATCH, 3, "J3", tracking=("T-J3",)),
        story(Kind.CANCEL_AFTER_START, 4, "J4"),
        story(Kind.CANCEL_LINE, 5, "J5", "J6"),
        story(Kind.LEFT_ALONE, 6, "J7"),
    ),
    storefront={
        "1": order("s10", cancelled=True),
        "2": order("s20", cancelled=True),
        "3": order("s30", shipped="T-J3"),
        "4": order("s40", cancelled=True),
        "5": order("s50", "s51", gone=("s50",)),
        "6": order("s60"),
    },
    jobs={
        "J1": job("J1", 17), "J2": job("J2", 17), "J3": job("J3", left=True), "J4": job("J4", 4),
        "J5": job("J5", 17), "J6": job("J6"), "J7": job("J7"),
    },
    effects=(
        effect("printIQ", "J1", "status 17", 1.5, "cancelled"),
        effect("Infigo", "order 2", "Order.Cancel", 2.5),
        effect("Infigo", "order 3", "Order.UpdateShippingStatus Shipped", 3.5),
        effect("Infigo", "order 3", "Order.SetTrackingNumber T-J3", 3.6),
        effect("printIQ", "J5", "status 17", 5.5, "cancelled"),
    ),
    sent=(
        sent(1, "cancel in mis", "J1", 1, ""),
        sent(2, "cancel in storefront", "order", 2),
        sent(3, "ship in storefront", "order", 3),
        sent(5, "cancel in mis", "J5", 5),
    ),
    tasks={"4": frozenset({TaskKind.PAST_CUT_OFF.value})},
    states={str(number): "in_step" for number in range(1, 7)},
    acknowledged=("a", "b", "b"),
    inbox=("a", "b", "b", "c"),
    journal_said="",
    journal_holds=True,
)  # fmt: skip


def found(evidence: Evidence) -> list[Wrong]:
    return [one.wrong for one in violations(evidence)]


def with_job(number: str, **changes: object) -> Evidence:
    return replace(GOOD, jobs=GOOD.jobs | {number: GOOD.jobs[number] | changes})


def with_order(number: str, **changes: object) -> Evidence:
    return replace(GOOD, storefront=GOOD.storefront | {number: GOOD.storefront[number] | changes})


def test_a_good_storm_has_nothing_wrong() -> None:
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    "evidence",
    [
        with_job("J1", ProductionStatusID=22),
        with_job("J5", ProductionStatusID=22),
        with_job("J7", ProductionStatusID=17),
        with_job("J1", DeliveriesConsigned=1),
        with_job("J3", DeliveriesConsigned=0),
        with_job("J4", ProductionStatusID=17),
        with_order("6", ShippingStatus="Shipped"),
        replace(
            with_order("6", OrderLineItems=order("s60", gone=("s60",))["OrderLineItems"]), tasks=GOOD.tasks
        ),
        replace(GOOD, sent=(*GOOD.sent, sent(6, "cancel in mis", "J7", 6, "refused"))),
        with_order("2", OrderStatus="Pending"),
        with_order("3", ShippingStatus="NotYetShipped"),
        with_order("3", ShippingStatus="PartiallyShipped"),
        with_order("3", TrackingNumber=""),
        with_order("5", OrderStatus="Cancelled"),
        replace(GOOD, tasks={}),
        replace(GOOD, states={number: state for number, state in GOOD.states.items() if number != "6"}),
        replace(
            with_job("J1", ProductionStatusID=22),
            tasks=GOOD.tasks | {"1": frozenset({TaskKind.REFUND.value})},
        ),
    ],
)
def test_what_did_not_arrive_is_lost(evidence: Evidence) -> None:
    assert found(evidence) == [Wrong.LOST]


def test_a_job_that_was_cancelled_past_the_cut_off_is_found_in_spite_of_its_task() -> None:
    both = replace(with_job("J4", ProductionStatusID=17), tasks=GOOD.tasks)
    order_open = both.storefront | {"4": order("s40")}
    assert found(replace(both, storefront=order_open)) == [Wrong.LOST]


def asking(evidence: Evidence, kind: TaskKind, *attempts: Sent, effects: tuple[Effect, ...] = ()) -> Evidence:
    """Job J5 stayed open, its order has a task, and these are the only writes about it."""
    job_open = evidence.jobs | {"J5": job("J5")}
    others = tuple(one for one in evidence.sent if one.about != "J5")
    arrived = tuple(one for one in evidence.effects if one.target != "J5")
    return replace(
        evidence, jobs=job_open, tasks=evidence.tasks | {"5": frozenset({kind.value})},
        sent=(*others, *attempts), effects=(*arrived, *effects),
    )  # fmt: skip


FIRST, SECOND = (sent(5, "cancel in mis", "J5", seconds, "unknown") for seconds in (5, 40))
CUT_OFF = replace(FIRST, answer="")
SAID_WELL = replace(FIRST, answer="applied")
REFUSED = replace(FIRST, answer="refused")
IGNORED = effect("printIQ", "J5", "status 17", 5.5, "ignored by fault, would have been: cancelled")


@pytest.mark.parametrize(
    "evidence",
    [
        asking(GOOD, TaskKind.WRITE_UNKNOWN, FIRST, SECOND),
        asking(GOOD, TaskKind.WRITE_UNKNOWN, CUT_OFF, SECOND),
        asking(GOOD, TaskKind.NOT_VISIBLE, SAID_WELL, effects=(IGNORED,)),
        asking(
            GOOD, TaskKind.NOT_VISIBLE, CUT_OFF, replace(SAID_WELL, at=at(5.2)), effects=(IGNORED, IGNORED)
        ),
        asking(GOOD, TaskKind.WRITE_REFUSED, REFUSED),
    ],
)
def test_a_task_excuses_the_write_that_it_is_about(evidence: Evidence) -> None:
    assert found(evidence) == []
    assert asked(evidence) == ["5"]


@pytest.mark.parametrize(
    "evidence",
    [
        asking(GOOD, TaskKind.WRITE_UNKNOWN, FIRST),
        asking(GOOD, TaskKind.WRITE_UNKNOWN, FIRST, sent(5, "cancel in storefront", "order", 9, "unknown")),
        asking(GOOD, TaskKind.WRITE_UNKNOWN, SAID_WELL, effects=(IGNORED,)),
        asking(GOOD, TaskKind.NOT_VISIBLE, FIRST, SECOND),
        asking(GOOD, TaskKind.NOT_VISIBLE, SAID_WELL, effects=(replace(IGNORED, effect="refused: busy"),)),
        asking(GOOD, TaskKind.NOT_VISIBLE, SAID_WELL, effects=(replace(IGNORED, target="J6"),)),
        asking(GOOD, TaskKind.NOT_VISIBLE, SAID_WELL, effects=(replace(IGNORED, at=at(4)),)),
        asking(GOOD, TaskKind.WRITE_REFUSED, FIRST, SECOND),
        asking(GOOD, TaskKind.PAST_CUT_OFF, FIRST, SECOND),
    ],
)
def test_a_task_excuses_nothing_that_its_write_did_not_meet(evidence: Evidence) -> None:
    assert Wrong.LOST in found(evidence)


def test_one_task_excuses_one_thing() -> None:
    """What else the order lacks is lost, whatever its task says."""
    excused = asking(GOOD, TaskKind.WRITE_UNKNOWN, FIRST, SECOND)
    both = replace(excused, jobs=excused.jobs | {"J6": job("J6", 17)})
    assert found(both) == [Wrong.LOST]


def test_a_write_that_was_ignored_may_be_done_by_a_later_one() -> None:
    attempts = (CUT_OFF, replace(SECOND, answer="applied"))
    done = effect("printIQ", "J5", "status 17", 40.5, "cancelled")
    evidence = asking(GOOD, TaskKind.WRITE_UNKNOWN, *attempts, effects=(IGNORED, done))
    mended = replace(evidence, jobs=GOOD.jobs, tasks=GOOD.tasks)
    assert found(mended) == []
    again = replace(mended, effects=(*mended.effects, replace(done, at=at(50))))
    assert Wrong.DOUBLED in found(again)
    after = replace(mended, effects=(*mended.effects, replace(IGNORED, at=at(50))))
    assert Wrong.DOUBLED in found(after)


@pytest.mark.parametrize("kind", [TaskKind.NOT_VISIBLE, TaskKind.RE_OPENED, TaskKind.PROGRAM_ERROR])
def test_a_task_that_outlives_its_reason_is_found(kind: TaskKind) -> None:
    assert found(replace(GOOD, tasks=GOOD.tasks | {"1": frozenset({kind.value})})) == [Wrong.NEEDLESS]
    money = frozenset({TaskKind.REFUND.value})
    assert found(replace(GOOD, tasks=GOOD.tasks | {"1": money})) == []


def test_a_conflict_needs_its_task() -> None:
    one = story(Kind.CANCEL_AND_DISPATCH, 7, "J8")
    conflict = replace(
        GOOD,
        stories=(*GOOD.stories, one),
        storefront=GOOD.storefront | {"7": order("s70", cancelled=True)},
        jobs=GOOD.jobs | {"J8": job("J8", left=True)},
        states=GOOD.states | {"7": "needs_person"},
    )
    assert found(conflict) == [Wrong.LOST]
    told = conflict.tasks | {"7": frozenset({TaskKind.CANCELLED_BUT_MADE.value})}
    assert found(replace(conflict, tasks=told)) == []


def test_a_write_that_was_answered_and_never_arrived_is_found() -> None:
    without = tuple(one for one in GOOD.effects if one.target != "J5")
    assert found(replace(GOOD, effects=without)) == [Wrong.CLAIMED]


@pytest.mark.parametrize(
    ("damaged", "proven"),
    [
        (with_job("J5", ProductionStatusID=22), "5"),
        (with_order("2", OrderStatus="Pending"), "2"),
        (with_order("3", ShippingStatus="NotYetShipped"), "3"),
        (
            with_order(
                "2", OrderStatus="Pending", OrderLineItems=order("s20", gone=("s20",))["OrderLineItems"]
            ),
            "2",
        ),
    ],
)
def test_a_proof_of_what_is_not_so_is_found(damaged: Evidence, proven: str) -> None:
    verified = tuple(replace(one, verified=one.order == proven) for one in GOOD.sent)
    assert violations(replace(GOOD, sent=verified)) == []
    assert Wrong.UNPROVEN in found(replace(damaged, sent=verified))
    assert Wrong.UNPROVEN not in found(damaged)


def test_an_emptied_order_that_stayed_open_needs_its_task_and_its_reason() -> None:
    emptied = with_order(
        "2", OrderStatus="Pending", OrderLineItems=order("s20", gone=("s20",))["OrderLineItems"]
    )
    told = replace(emptied, tasks=GOOD.tasks | {"2": frozenset({TaskKind.CLOSE_EMPTIED_ORDER.value})})
    closed = effect("Infigo", "order 2", "Order.Cancel", 2.5, "ignored by fault, would have been: applied")
    ignored = tuple(closed if one.target == "order 2" else one for one in GOOD.effects)
    assert found(told) == [Wrong.LOST]
    assert found(replace(emptied, effects=ignored)) == [Wrong.LOST]
    assert found(replace(told, effects=ignored)) == []


def test_a_write_without_a_reason_is_found() -> None:
    silent = tuple(replace(one, why="") if one.order == "5" else one for one in GOOD.sent)
    assert found(replace(GOOD, sent=silent)) == [Wrong.UNEXPLAINED]


def test_an_unfinished_story_counts_for_nothing() -> None:
    unfinished = replace(GOOD.stories[0], finished=False)
    assert found(replace(GOOD, stories=(unfinished, *GOOD.stories[1:]))) == [Wrong.UNTOLD]


@pytest.mark.parametrize(
    "again",
    [
        effect("printIQ", "J1", "status 17", 9, "no change"),
        effect("printIQ", "J1", "status 17", 9, "cancelled"),
        effect("Infigo", "order 2", "Order.Cancel", 9),
        effect("Infigo", "order 2", "Order.Cancel", 9, "refused"),
        effect("Infigo", "order 3", "Order.UpdateShippingStatus Shipped", 9, "already"),
    ],
)
def test_a_write_that_comes_again_after_it_had_effect_is_doubled(again: Effect) -> None:
    assert Wrong.DOUBLED in found(replace(GOOD, effects=(*GOOD.effects, again)))


@pytest.mark.parametrize(
    "again",
    [
        sent(1, "cancel in mis", "J1", 9),
        sent(2, "cancel in storefront", "order", 9),
        sent(3, "ship in storefront", "order", 9),
    ],
)
def test_a_write_sent_again_after_it_had_effect_is_doubled(again: Sent) -> None:
    """Also when the system itself says `already` and keeps no record of it."""
    assert Wrong.DOUBLED in found(replace(GOOD, sent=(*GOOD.sent, again)))


def test_a_write_that_had_no_effect_may_be_sent_once_more() -> None:
    ignored = effect("printIQ", "J1", "status 17", 1.2, "refused: busy")
    first = sent(1, "cancel in mis", "J1", 0.5)
    assert found(replace(GOOD, effects=(ignored, *GOOD.effects), sent=(first, *GOOD.sent))) == []


@pytest.mark.parametrize("order_ref", ["1", "2", "3", "5"])
def test_a_write_that_nobody_wrote_down_is_found(order_ref: str) -> None:
    fewer = tuple(one for one in GOOD.sent if one.order != order_ref)
    assert set(found(replace(GOOD, sent=fewer))) == {Wrong.UNEXPLAINED}


def test_a_write_that_was_written_down_only_afterwards_is_found() -> None:
    late = tuple(replace(one, at=at(8)) if one.order == "1" else one for one in GOOD.sent)
    assert Wrong.UNEXPLAINED in found(replace(GOOD, sent=late))


def test_a_missing_copy_of_a_message_is_found() -> None:
    assert found(replace(GOOD, inbox=("a", "b", "c"))) == [Wrong.HOOK_LOST]


def test_a_journal_that_does_not_hold_is_said() -> None:
    assert found(replace(GOOD, journal_holds=False, journal_said="storm 3: entry missing")) == [Wrong.JOURNAL]
