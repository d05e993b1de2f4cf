"""What stands between wanting a write and sending it. Every guard is asked again right before a write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from countermand.core.policy import Direction, Mode, OpeningHours, Policy
from countermand.core.status import Facts, Progress, Reading
from countermand.core.tasks import TaskKind


class Go(msgspec.Struct, frozen=True, tag="go"):
    """Nothing stands in the way."""


class Hold(msgspec.Struct, frozen=True, tag="hold"):
    """Not yet: look again at `until` (none: when a person or another event changes something)."""

    guard: str
    until: datetime | None = None


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Not by itself: a person gets this task. `assisted`: the task carries a button that writes."""

    guard: str
    task: TaskKind
    assisted: bool = False


Gate: TypeAlias = Go | Hold | Stop

GO = Go()


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A person said "do it" for one order and direction. `second` is a second, different person.

    `line_ids`: the lines they were asked about; empty means whatever the order's lines want.
    """

    direction: Direction
    by: str
    second: str = ""
    line_ids: frozenset[str] = frozenset()


class BrakeState(msgspec.Struct, frozen=True, kw_only=True):
    """The mass-cancel brake of one connection and direction, as it bears on one order."""

    tripped: bool = False
    released: bool = False


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """All that the guards look at for one order and direction, beside the lines themselves.

    `source_since`: when the newest of the lines concerned first showed the change; waits run from it.
    `value`: what the order is worth, none when unknown.
    `left_different`: a person had let the two systems differ on one of the lines, and it has changed since.
    `of_others_too`: a job of the lines makes, or may make, another order too.
    """

    direction: Direction
    offered: bool
    source_since: datetime
    brake: BrakeState = BrakeState()
    approval: Approval | None = None
    value: float | None = None
    left_different: bool = False
    of_others_too: bool = False


def past_cut_off(mis: Reading, direction: Direction) -> bool:
    """Whether production may have started.

    Towards the MIS an unknown history counts as started (a job on hold that was never seen earlier);
    towards the storefront only work that was really seen does, because there nothing can be wasted by it.
    """
    status = mis.status
    if not isinstance(status, Facts):
        return True
    if status.progress is not Progress.NONE:
        return True
    return direction is Direction.CANCEL_TO_MIS and not status.history_known


def guard_cancel(around: Circumstances, mis: list[Reading], policy: Policy, now: datetime) -> Gate:
    """Whether a cancel may be written now; the first guard that objects is the answer."""
    approved = around.approval is not None
    mode = policy.mode(around.direction)
    if not around.offered:
        return Stop("not-offered", by_hand(around.direction))
    button = mode in (Mode.ASSISTED, Mode.AUTOMATIC)
    if not approved and any(past_cut_off(reading, around.direction) for reading in mis):
        return Stop("cut-off", TaskKind.PAST_CUT_OFF, assisted=button)
    if not approved and around.left_different:
        return Stop("left-different", by_hand(around.direction), assisted=button)
    if not approved and around.of_others_too and around.direction is Direction.CANCEL_TO_STOREFRONT:
        return Stop("of-others-too", by_hand(around.direction), assisted=button)
    if mode is Mode.OBSERVE or (mode is not Mode.AUTOMATIC and not approved):
        return Stop(f"mode-{mode.value}", by_hand(around.direction), assisted=mode is Mode.ASSISTED)
    return (
        _waits(around, policy, now) or _brake(around) or _value(around, policy) or _hours(policy, now) or GO
    )


def by_hand(direction: Direction) -> TaskKind:
    """The task for doing one direction's change by hand."""
    return {
        Direction.CANCEL_TO_MIS: TaskKind.CANCEL_IN_MIS,
        Direction.CANCEL_TO_STOREFRONT: TaskKind.CANCEL_IN_STOREFRONT,
        Direction.SHIP_TO_STOREFRONT: TaskKind.SHIP_IN_STOREFRONT,
    }[direction]


def _waits(around: Circumstances, policy: Policy, now: datetime) -> Gate | None:
    undo_ends = around.source_since + (timedelta(0) if around.approval else policy.undo_window)
    grace_ends = around.source_since + (policy.vendor_grace if policy.vendor_may_cancel else timedelta(0))
    if now < undo_ends:
        return Hold("undo-window", max(undo_ends, grace_ends))
    return Hold("vendor-grace", grace_ends) if now < grace_ends else None


def _brake(around: Circumstances) -> Gate | None:
    held = around.brake.tripped and not around.brake.released
    return Stop("brake", TaskKind.BRAKE) if held else None


def _value(around: Circumstances, policy: Policy) -> Gate | None:
    """A worth that is not known counts as over the limit."""
    limit, approval = policy.value_limit, around.approval
    if limit is None or (around.value is not None and around.value <= limit):
        return None
    two_people = approval is not None and approval.second not in ("", approval.by)
    return None if two_people else Stop("value-limit", TaskKind.APPROVE, assisted=True)


def _hours(policy: Policy, now: datetime) -> Gate | None:
    hours = policy.opening_hours
    if hours is None or _is_open(hours, now):
        return None
    return Hold("opening-hours", _next_opening(hours, now))


def _is_open(hours: OpeningHours, now: datetime) -> bool:
    return any(opens <= now < closes for opens, closes in _openings(hours, now))


def _next_opening(hours: OpeningHours, now: datetime) -> datetime | None:
    return next((opens for opens, _ in _openings(hours, now) if opens > now), None)


def _openings(hours: OpeningHours, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From yesterday's to next week's; hours that close no later than they open end on the next day."""
    overnight = timedelta(days=1 if hours.closes <= hours.opens else 0)
    for days in range(-1, 8):
        day = now.date() + timedelta(days=days)
        if day.weekday() in hours.days:
            closes = datetime.combine(day, hours.closes, now.tzinfo) + overnight
            yield datetime.combine(day, hours.opens, now.tzinfo), closes


def guard_ship(around: Circumstances, policy: Policy, now: datetime) -> Gate:
    """Whether *shipped* or its tracking may be written now."""
    if not around.offered:
        return Stop("not-offered", TaskKind.SHIP_IN_STOREFRONT)
    mode = policy.mode(around.direction)
    if mode is Mode.OBSERVE or (mode is not Mode.AUTOMATIC and around.approval is None):
        return Stop(f"mode-{mode.value}", TaskKind.SHIP_IN_STOREFRONT, assisted=mode is Mode.ASSISTED)
    grace_ends = around.source_since + (policy.vendor_grace if policy.vendor_may_ship else timedelta(0))
    return Hold("vendor-grace", grace_ends) if now < grace_ends else GO
