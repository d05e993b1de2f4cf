"""What stands between wanting a write and sending it, and in which order."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from core_space import AUTOMATIC, FACTS, STEADY, T0, UNCERTAIN, ZERO, reading
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from countermand.core.guards import (
    GO,
    Approval,
    BrakeState,
    Circumstances,
    Gate,
    Go,
    Hold,
    Stop,
    by_hand,
    guard_cancel,
    guard_ship,
    past_cut_off,
)
from countermand.core.policy import Direction, Mode, OpeningHours, Policy
from countermand.core.status import Facts, Progress, Reading, Side
from countermand.core.tasks import TaskKind

TO_MIS, TO_STOREFRONT, SHIP = (
    Direction.CANCEL_TO_MIS,
    Direction.CANCEL_TO_STOREFRONT,
    Direction.SHIP_TO_STOREFRONT,
)
CANCELS = (TO_MIS, TO_STOREFRONT)
UNTOUCHED = reading("open/none")
STARTED = reading("open/started")
ONE = Approval(direction=TO_MIS, by="Ana")
TWO = Approval(direction=TO_MIS, by="Ana", second="Ben")
#: Every guard at once would object under this policy; each test switches some off.
STRICT = Policy(
    cancel_to_mis=Mode.AUTOMATIC,
    cancel_to_storefront=Mode.AUTOMATIC,
    undo_window=timedelta(minutes=5),
    vendor_grace=timedelta(minutes=10),
    vendor_may_cancel=True,
    value_limit=100.0,
    opening_hours=OpeningHours(days=frozenset({6})),
)


def around(
    direction: Direction = TO_MIS,
    *,
    offered: bool = True,
    since: datetime = T0,
    tripped: bool = False,
    released: bool = False,
    approval: Approval | None = None,
    value: float | None = 20.0,
) -> Circumstances:
    return Circumstances(
        direction=direction,
        offered=offered,
        source_since=since,
        brake=BrakeState(tripped=tripped, released=released),
        approval=approval,
        value=value,
    )


def cancel(
    circumstances: Circumstances, policy: Policy, mis: Reading = UNTOUCHED, minutes: float = 0
) -> Gate:
    return guard_cancel(circumstances, [mis], policy, T0 + timedelta(minutes=minutes))


# Cut-off


@pytest.mark.parametrize("direction", CANCELS)
@pytest.mark.parametrize("status", [*FACTS, *UNCERTAIN])
def test_anything_that_was_seen_in_production_is_past_the_cut_off(
    status: Facts, direction: Direction
) -> None:
    seen = status.progress is not Progress.NONE
    unknown = direction is TO_MIS and not status.history_known
    assert past_cut_off(reading(status), direction) == (seen or unknown)


@pytest.mark.parametrize("status", ["unseen", "gone", "unreadable", "unmapped"])
@pytest.mark.parametrize("direction", CANCELS)
def test_a_target_that_cannot_be_judged_is_past_the_cut_off(status: str, direction: Direction) -> None:
    assert past_cut_off(reading(status), direction)


def test_one_line_past_the_cut_off_asks_for_all() -> None:
    gate = guard_cancel(around(), [UNTOUCHED, STARTED, UNTOUCHED], AUTOMATIC, T0)
    assert gate == Stop("cut-off", TaskKind.PAST_CUT_OFF, assisted=True)


@pytest.mark.parametrize("mode", list(Mode))
def test_past_the_cut_off_a_button_is_offered_only_where_writes_are_allowed(mode: Mode) -> None:
    gate = cancel(around(), replace(AUTOMATIC, cancel_to_mis=mode), STARTED)
    assisted = mode in (Mode.ASSISTED, Mode.AUTOMATIC)
    assert gate == Stop("cut-off", TaskKind.PAST_CUT_OFF, assisted=assisted)


# Modes


@pytest.mark.parametrize("direction", CANCELS)
@pytest.mark.parametrize(
    ("mode", "approved", "goes"),
    [
        (Mode.OBSERVE, False, False),
        (Mode.OBSERVE, True, False),
        (Mode.MANUAL, False, False),
        (Mode.MANUAL, True, True),
        (Mode.ASSISTED, False, False),
        (Mode.ASSISTED, True, True),
        (Mode.AUTOMATIC, False, True),
        (Mode.AUTOMATIC, True, True),
    ],
)
def test_each_mode_with_and_without_a_persons_word(
    direction: Direction, mode: Mode, approved: bool, goes: bool
) -> None:
    field = {TO_MIS: "cancel_to_mis", TO_STOREFRONT: "cancel_to_storefront"}[direction]
    approval = Approval(direction=direction, by="Ana") if approved else None
    gate = cancel(around(direction, approval=approval), replace(AUTOMATIC, **{field: mode}))
    task = Stop(f"mode-{mode.value}", by_hand(direction), assisted=mode is Mode.ASSISTED)
    assert gate == (GO if goes else task)


def test_in_production_a_person_does_it_until_someone_says_otherwise() -> None:
    assert cancel(around(), Policy()) == Stop("mode-manual", TaskKind.CANCEL_IN_MIS)
    assert cancel(around(TO_STOREFRONT), Policy()) == Stop("mode-manual", TaskKind.CANCEL_IN_STOREFRONT)


def test_each_direction_has_its_own_task_target_and_mode() -> None:
    policy = Policy(
        cancel_to_mis=Mode.OBSERVE, cancel_to_storefront=Mode.ASSISTED, ship_to_storefront=Mode.MANUAL
    )
    assert [(by_hand(one).value, one.target, policy.mode(one).value) for one in Direction] == [
        ("cancel_in_mis", Side.MIS, "observe"),
        ("cancel_in_storefront", Side.STOREFRONT, "assisted"),
        ("ship_in_storefront", Side.STOREFRONT, "manual"),
    ]


# The first guard that objects is the answer


def test_what_is_not_offered_comes_before_everything_else() -> None:
    blocked = around(offered=False, tripped=True, value=1e6)
    assert cancel(blocked, STRICT, STARTED) == Stop("not-offered", TaskKind.CANCEL_IN_MIS)


def test_the_guards_in_their_order() -> None:
    order = []
    steps: list[tuple[Circumstances, Reading, float]] = [
        (around(tripped=True, value=500.0), STARTED, 0),
        (around(tripped=True, value=500.0), UNTOUCHED, 4),
        (around(tripped=True, value=500.0), UNTOUCHED, 9),
        (around(tripped=True, value=500.0), UNTOUCHED, 10),
        (around(tripped=True, released=True, value=500.0), UNTOUCHED, 10),
        (around(value=100.0), UNTOUCHED, 10),
    ]
    for circumstances, mis, minutes in steps:
        gate = cancel(circumstances, STRICT, mis, minutes)
        assert not isinstance(gate, Go)
        order.append(gate.guard)
    assert order == ["cut-off", "undo-window", "vendor-grace", "brake", "value-limit", "opening-hours"]


@pytest.mark.parametrize("direction", CANCELS)
@pytest.mark.parametrize(
    ("mode", "assisted"),
    [(Mode.OBSERVE, False), (Mode.MANUAL, False), (Mode.ASSISTED, True), (Mode.AUTOMATIC, True)],
)
def test_what_a_person_had_decided_against_is_asked_about_again(
    direction: Direction, mode: Mode, assisted: bool
) -> None:
    decided = replace(around(direction), left_different=True)
    policy = replace(AUTOMATIC, cancel_to_mis=mode, cancel_to_storefront=mode)
    assert cancel(decided, policy, UNTOUCHED) == Stop("left-different", by_hand(direction), assisted=assisted)
    assert cancel(decided, policy, STARTED) == Stop("cut-off", TaskKind.PAST_CUT_OFF, assisted=assisted)


def test_a_person_may_decide_otherwise_later() -> None:
    decided = replace(around(approval=ONE), left_different=True)
    assert cancel(decided, AUTOMATIC, UNTOUCHED) == GO


@pytest.mark.parametrize(
    ("direction", "gate"),
    [
        (Direction.CANCEL_TO_STOREFRONT, Stop("of-others-too", TaskKind.CANCEL_IN_STOREFRONT, assisted=True)),
        (Direction.CANCEL_TO_MIS, GO),
    ],
)
def test_the_cancel_of_a_job_that_makes_other_orders_does_not_say_which_is_meant(
    direction: Direction, gate: Gate
) -> None:
    """Towards the MIS the plan leaves such a job alone, and may cancel the line's other jobs."""
    shared = replace(around(direction), of_others_too=True)
    assert cancel(shared, AUTOMATIC, UNTOUCHED) == gate
    assert cancel(replace(shared, approval=ONE), AUTOMATIC, UNTOUCHED) == GO


# Undo window and vendor grace


@STEADY
@given(
    window=st.integers(0, 3600), grace=st.integers(0, 3600), passed=st.integers(0, 8000), plugin=st.booleans()
)
def test_nothing_is_written_inside_the_undo_window_or_the_vendors_grace(
    window: int, grace: int, passed: int, plugin: bool
) -> None:
    policy = replace(
        AUTOMATIC,
        undo_window=timedelta(seconds=window),
        vendor_grace=timedelta(seconds=grace),
        vendor_may_cancel=plugin,
    )
    ends = max(window, grace if plugin else 0)
    now = T0 + timedelta(seconds=passed)
    gate = guard_cancel(around(), [UNTOUCHED], policy, now)
    if passed < ends:
        assert isinstance(gate, Hold)
        assert gate.until == T0 + timedelta(seconds=ends)
        assert gate.guard == ("undo-window" if passed < window else "vendor-grace")
    else:
        assert gate == GO


def test_a_persons_word_ends_the_undo_window_but_not_the_vendors_grace() -> None:
    policy = replace(AUTOMATIC, undo_window=timedelta(hours=1), vendor_grace=timedelta(minutes=2))
    assert cancel(around(approval=ONE), policy) == GO
    racing = replace(policy, vendor_may_cancel=True)
    assert cancel(around(approval=ONE), racing) == Hold("vendor-grace", T0 + timedelta(minutes=2))


# Brake


@pytest.mark.parametrize("approval", [None, TWO])
def test_a_tripped_brake_holds_all_but_released_orders(approval: Approval | None) -> None:
    assert cancel(around(tripped=True, approval=approval), AUTOMATIC) == Stop("brake", TaskKind.BRAKE)
    assert cancel(around(tripped=True, released=True, approval=approval), AUTOMATIC) == GO
    assert cancel(around(released=True), AUTOMATIC) == GO


# Value limit


@pytest.mark.parametrize(
    ("value", "approval", "goes"),
    [
        (99.99, None, True),
        (100.0, None, True),
        (100.01, None, False),
        (100.01, ONE, False),
        (100.01, Approval(direction=TO_MIS, by="Ana", second="Ana"), False),
        (100.01, TWO, True),
        (None, None, False),
        (None, TWO, True),
    ],
)
def test_above_the_value_limit_two_different_people_have_to_agree(
    value: float | None, approval: Approval | None, goes: bool
) -> None:
    """A value that is not known counts as above the limit."""
    gate = cancel(around(value=value, approval=approval), replace(AUTOMATIC, value_limit=100.0))
    assert gate == (GO if goes else Stop("value-limit", TaskKind.APPROVE, assisted=True))


@pytest.mark.parametrize("value", [None, 1e9])
def test_without_a_limit_the_value_does_not_matter(value: float | None) -> None:
    assert cancel(around(value=value), AUTOMATIC) == GO


# Opening hours: T0 is Monday 2 March 2026, 10:00 UTC


@pytest.mark.parametrize(
    ("hours", "opens_after"),
    [
        (OpeningHours(), None),
        (OpeningHours(opens=time(10)), None),
        (OpeningHours(closes=time(10)), timedelta(hours=21)),
        (OpeningHours(opens=time(10, 1)), timedelta(minutes=1)),
        (OpeningHours(days=frozenset({2})), timedelta(hours=45)),
        (OpeningHours(days=frozenset({0}), closes=time(9)), timedelta(days=6, hours=21)),
        (OpeningHours(opens=time(22), closes=time(6)), timedelta(hours=12)),
        (OpeningHours(opens=time(22), closes=time(10, 1), days=frozenset({6})), None),
        (OpeningHours(opens=time(22), closes=time(10), days=frozenset({6})), timedelta(days=6, hours=12)),
        (OpeningHours(opens=time(7), closes=time(0)), None),
        (OpeningHours(opens=time(11), closes=time(11), days=frozenset({6})), None),
    ],
)
def test_outside_opening_hours_it_waits_until_they_begin(
    hours: OpeningHours, opens_after: timedelta | None
) -> None:
    gate = cancel(around(), replace(AUTOMATIC, opening_hours=hours))
    assert gate == (GO if opens_after is None else Hold("opening-hours", T0 + opens_after))


def test_a_shop_that_never_opens_writes_nothing_by_itself() -> None:
    hours = OpeningHours(days=frozenset())
    assert cancel(around(), replace(AUTOMATIC, opening_hours=hours)) == Hold("opening-hours", None)


times = st.times(timezones=st.none())


@STEADY
@given(
    days=st.frozensets(st.integers(0, 6), min_size=1), opens=times, closes=times, minute=st.integers(0, 20000)
)
def test_an_announced_opening_really_is_one(
    days: frozenset[int], opens: time, closes: time, minute: int
) -> None:
    hours = OpeningHours(days=days, opens=opens, closes=closes)
    policy = replace(AUTOMATIC, opening_hours=hours)
    now = T0 + timedelta(minutes=minute)
    gate = guard_cancel(around(), [UNTOUCHED], policy, now)
    if isinstance(gate, Hold):
        assert gate.until is not None
        assert now < gate.until <= now + timedelta(days=7)
        assert guard_cancel(around(), [UNTOUCHED], policy, gate.until) == GO
        just_before = gate.until - timedelta(microseconds=1)
        assert guard_cancel(around(), [UNTOUCHED], policy, just_before) != GO
    else:
        assert gate == GO


# Shipping


@pytest.mark.parametrize(
    ("mode", "approved", "goes"),
    [
        (Mode.OBSERVE, True, False),
        (Mode.MANUAL, False, False),
        (Mode.MANUAL, True, True),
        (Mode.ASSISTED, False, False),
        (Mode.ASSISTED, True, True),
        (Mode.AUTOMATIC, False, True),
    ],
)
def test_shipping_has_its_own_mode(mode: Mode, approved: bool, goes: bool) -> None:
    approval = Approval(direction=SHIP, by="Ana") if approved else None
    policy = replace(AUTOMATIC, ship_to_storefront=mode)
    gate = guard_ship(around(SHIP, approval=approval), policy, T0)
    stop = Stop(f"mode-{mode.value}", TaskKind.SHIP_IN_STOREFRONT, assisted=mode is Mode.ASSISTED)
    assert gate == (GO if goes else stop)


def test_what_the_storefront_does_not_offer_is_a_persons() -> None:
    gate = guard_ship(around(SHIP, offered=False), AUTOMATIC, T0)
    assert gate == Stop("not-offered", TaskKind.SHIP_IN_STOREFRONT)


def test_the_vendors_plugin_gets_its_time_to_ship_first() -> None:
    policy = replace(AUTOMATIC, vendor_grace=timedelta(minutes=10))
    just_before = T0 + timedelta(minutes=10) - timedelta(microseconds=1)
    assert guard_ship(around(SHIP), policy, just_before) == Hold("vendor-grace", T0 + timedelta(minutes=10))
    assert guard_ship(around(SHIP), policy, T0 + timedelta(minutes=10)) == GO
    assert guard_ship(around(SHIP), replace(policy, vendor_may_ship=False), T0) == GO


def test_brake_value_and_hours_do_not_hold_a_dispatch() -> None:
    policy = replace(STRICT, vendor_grace=ZERO)
    assert guard_ship(around(SHIP, tripped=True, value=1e6), policy, T0) == GO
