"""Writes the script of a history from its seed: orders and how they go, people who interfere, and trouble."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

from msgspec.structs import replace

from countermand.core.order import LineKind
from countermand.core.policy import Direction, EmptiedOrder, Mode, OpeningHours, PartDispatch, Policy
from countermand.core.rules import Override
from countermand.simulation.dice import Dice
from countermand.simulation.script import CUSTOMERS, DAY, Act, Do, Rules, Script, Setup
from countermand.simulation.weather import READ_FAULTS, WRITE_FAULTS, Fault, Spell

HOUR = 3600.0
PRE_PRODUCTION = (22, 23, 24, 18, 1, 26, 25, 27)
PRODUCTION = (2, 3, 4, 5, 6, 7, 8)
FINISHED, COMPLETE = 20, 21


def write_script(seed: int, days: float, orders: int) -> Script:
    """The script of one seed."""
    dice = Dice(seed, "script")
    setup = _setup(Dice(seed, "setup"), Dice(seed, "set-up by set-up"))
    acts: list[Act] = []
    for order in range(orders):
        acts += _order(order, dice, days)
    acts += _trouble(Dice(seed, "trouble"), days)
    rules = tuple(_rules(setup, Dice(seed, "rules")))
    acts += _changes_of_rules(len(rules), Dice(seed, "changes of rules"), days)
    acts += _desk(Dice(seed, "desk"), days)
    ordered = tuple(sorted(acts, key=lambda act: act.at))
    spells = tuple(_spells(Dice(seed, "spells"), days))
    return Script(seed=seed, days=days, setup=setup, rules=rules, acts=ordered, spells=spells)


# The shop's set-up


#: What a storefront does not offer: without its script no writes at all, with an older one not all of them.
_STOREFRONT_LACKS = (
    (frozenset[str](), 8), (frozenset({"cancel_line"}), 1), (frozenset({"track"}), 1),
    (frozenset({"cancel_order", "cancel_line"}), 0.5), (frozenset({"ship", "track"}), 0.5),
    (frozenset({"cancel_order", "cancel_line", "ship", "track", "note"}), 1),
)  # fmt: skip
#: Without OData nothing can be searched nor listed: jobs are known by messages alone.
_MIS_LACKS = (
    (frozenset[str](), 9), (frozenset({"find"}), 1), (frozenset({"find", "list"}), 1),
)  # fmt: skip
#: What an exception may say of a whole order, and what of one direction.
_EXCEPTIONS: tuple[tuple[Direction | None, dict[str, Any]], ...] = (
    (None, {"cancel_to_mis": Mode.MANUAL}),
    (None, {"cancel_to_mis": Mode.AUTOMATIC, "cancel_to_storefront": Mode.AUTOMATIC}),
    (None, {"cancel_to_storefront": Mode.ASSISTED, "ship_to_storefront": Mode.MANUAL}),
    (None, {"undo_window": timedelta(minutes=45)}),
    (None, {"part_dispatch": PartDispatch.WAIT, "close_emptied_order": EmptiedOrder.ASK}),
    (None, {"vendor_may_ship": True, "vendor_may_cancel": True, "vendor_grace": timedelta(minutes=20)}),
    (Direction.CANCEL_TO_MIS, {"value_limit": 100.0}),
    (Direction.CANCEL_TO_STOREFRONT, {"opening_hours": OpeningHours(opens=time(8), closes=time(16))}),
    (Direction.CANCEL_TO_STOREFRONT, {"undo_window": timedelta(0)}),
)


def _storefront_lacks(lists: bool, dice: Dice) -> frozenset[str]:
    lacks = dice.weighted(_STOREFRONT_LACKS)
    return lacks if lists else lacks | {"list"}


def _exceptions(dice: Dice) -> Iterator[Override]:
    """At most one for customers, one for a kind of product and one for all: no two are equally specific."""
    if dice.chance(0.3):
        customers = frozenset({dice.pick(CUSTOMERS), dice.pick(CUSTOMERS)})
        direction, settings = dice.pick(_EXCEPTIONS)
        yield Override(name="customers", customers=customers, direction=direction, settings=settings)
    if dice.chance(0.15):
        kind = dice.pick((LineKind.PRINT, LineKind.STOCK))
        direction, settings = dice.pick(_EXCEPTIONS)
        yield Override(name="kind", kind=kind, direction=direction, settings=settings)
    if dice.chance(0.15):
        direction, settings = dice.pick([each for each in _EXCEPTIONS if each[0]])
        yield Override(name="direction", direction=direction, settings=settings)


def _rules(setup: Setup, dice: Dice) -> Iterator[Rules]:
    """What is set later; what the vendors' plugin does stays as it is."""
    for _ in range(dice.weighted([(0, 6), (1, 2), (3, 1)])):
        own = setup.policy
        policy = _policy(dice, plugin_cancels=setup.plugin_cancels)
        kept = replace(policy, vendor_may_ship=own.vendor_may_ship, vendor_may_cancel=own.vendor_may_cancel)
        yield Rules(policy=kept, exceptions=tuple(_exceptions(dice)))


def _changes_of_rules(count: int, dice: Dice, days: float) -> Iterator[Act]:
    for number in range(count):
        yield Act(at=dice.between(0, days * DAY), do=Do.RULES, number=number)


def _policy(dice: Dice, *, plugin_cancels: bool) -> Policy:
    modes = [(Mode.AUTOMATIC, 8), (Mode.MANUAL, 1), (Mode.ASSISTED, 1), (Mode.OBSERVE, 0.5)]
    return Policy(
        cancel_to_mis=dice.weighted(modes),
        cancel_to_storefront=dice.weighted(modes),
        ship_to_storefront=dice.weighted(modes),
        undo_window=timedelta(minutes=dice.pick((0, 1, 5, 5, 30))),
        vendor_grace=timedelta(minutes=dice.pick((0, 2, 10))),
        vendor_may_ship=dice.chance(0.6),
        vendor_may_cancel=plugin_cancels or dice.chance(0.1),
        brake_burst=dice.pick((2, 10, 10)),
        brake_daily=dice.pick((4, 30, 30)),
        part_dispatch=dice.pick((PartDispatch.WAIT, PartDispatch.PARTIAL)),
        close_emptied_order=dice.pick((EmptiedOrder.ASK, EmptiedOrder.CANCEL)),
        value_limit=dice.pick((None, None, 500.0)),
        opening_hours=OpeningHours(opens=time(6), closes=time(18)) if dice.chance(0.15) else None,
    )


def _setup(dice: Dice, more: Dice) -> Setup:
    plugin_cancels = dice.chance(0.25)
    policy = _policy(dice, plugin_cancels=plugin_cancels)
    return Setup(
        policy=policy,
        hooks=dice.chance(0.8),
        hooks_lost=dice.pick((0.0, 0.1, 0.5)),
        reference=dice.weighted([("line", 6), ("order", 2), ("po", 2)]),
        plugin_ships=policy.vendor_may_ship and dice.chance(0.7),
        plugin_cancels=plugin_cancels,
        cancelled_can_ship=dice.chance(0.5),
        cancelled_can_dispatch=dice.chance(0.7),
        refuses_cancel_of=frozenset(
            name for name in ("dispatched", "complete", "invoiced") if dice.chance(0.3)
        ),
        mis_readable=dice.chance(0.95),
        storefront_lacks=_storefront_lacks(dice.chance(0.85), more),
        mis_lacks=more.weighted(_MIS_LACKS),
        live_since=more.pick((0, 0, 0, 0, 0, 0, 0, 5 * DAY)),
        exceptions=tuple(_exceptions(more)),
        steady=dice.pick((0.002, 0.01, 0.03)),
        busy=dice.pick((0.0, 0.002, 0.01)),
    )


# One order


def _order(order: int, dice: Dice, days: float) -> Iterator[Act]:
    """How one order goes by itself, and what people do to it on the way."""
    placed = dice.between(0, (days - 2) * DAY)
    lines = dice.weighted([(1, 5), (2, 3), (3, 2), (4, 1)])
    kinds = "".join(dice.weighted([("p", 7), ("s", 2)]) for _ in range(lines))
    yield Act(at=placed, do=Do.PLACE, order=order, text=kinds)
    leaves = placed
    for line in range(lines):
        acts = list(_production(order, line, dice, placed))
        leaves = max(leaves, *(act.at for act in acts)) if acts else leaves
        yield from acts
    for _ in range(dice.weighted([(0, 5), (1, 5), (2, 2), (4, 1)])):
        at = dice.between(placed + 30, max(leaves, placed + 2 * HOUR))
        yield from _interference(order, dice.below(lines), dice, at)


def _production(order: int, line: int, dice: Dice, placed: float) -> Iterator[Act]:
    at = placed + dice.soon(4 * HOUR, 2 * DAY)
    for status in PRE_PRODUCTION[: 1 + dice.below(3)]:
        at += dice.soon(3 * HOUR, DAY)
        yield Act(at=at, do=Do.STATUS, order=order, line=line, number=status)
    if dice.chance(0.1):
        return
    for status in PRODUCTION[: 1 + dice.below(3)]:
        at += dice.soon(6 * HOUR, 2 * DAY)
        yield Act(at=at, do=Do.STATUS, order=order, line=line, number=status)
    at += dice.soon(6 * HOUR, 2 * DAY)
    yield Act(at=at, do=Do.STATUS, order=order, line=line, number=FINISHED)
    if dice.chance(0.2):
        at += dice.soon(2 * HOUR, DAY)
        yield Act(at=at, do=Do.DISPATCH_PART, order=order, line=line)
    at += dice.soon(5 * HOUR, 3 * DAY)
    yield Act(at=at, do=Do.DISPATCH, order=order, line=line, text="anyway" if dice.chance(0.2) else "")
    if dice.chance(0.4):
        at += dice.soon(20 * HOUR, 3 * DAY)
        yield Act(at=at, do=Do.STATUS, order=order, line=line, number=COMPLETE)
    if dice.chance(0.1):
        yield Act(at=at + dice.between(0, DAY), do=Do.INVOICE, order=order, line=line)


_INTERFERENCE = (
    (Do.CANCEL_ORDER, 5), (Do.CANCEL_LINE, 3), (Do.CANCEL_JOB, 5), (Do.HOLD, 2), (Do.REACTIVATE, 1),
    (Do.SHIP_BY_HAND, 1), (Do.REFUND, 0.5), (Do.DISPATCH, 1.5), (Do.STATUS, 1), (Do.REPRINT, 0.7),
    (Do.DELETE_JOB, 0.4), (Do.DELETE_ORDER, 0.2),
)  # fmt: skip


def _interference(order: int, line: int, dice: Dice, at: float) -> Iterator[Act]:
    """Somebody does something, now and then two people at the same moment, or takes it back."""
    do = dice.weighted(_INTERFERENCE)
    number = dice.pick((*PRE_PRODUCTION, *PRODUCTION, FINISHED, COMPLETE)) if do is Do.STATUS else 0
    yield Act(at=at, do=do, order=order, line=line, number=number, text="anyway")
    if dice.chance(0.3):
        other = dice.weighted(_INTERFERENCE)
        if other is not Do.STATUS:
            yield Act(
                at=at + dice.pick((0, 0, 0.2, 3, 40, 400)), do=other, order=order, line=line, text="anyway"
            )
    if do in (Do.CANCEL_JOB, Do.HOLD) and dice.chance(0.4):
        back = at + dice.soon(0.5 * HOUR, 3 * DAY)
        yield Act(at=back, do=Do.REACTIVATE, order=order, line=line)


# Trouble


def _trouble(dice: Dice, days: float) -> Iterator[Act]:
    for _ in range(dice.weighted([(0, 1), (3, 3), (12, 3), (40, 1)])):
        at = dice.between(0, days * DAY)
        steps = dice.pick((0, 0, 1, 2, 3, 5, 8, 13, 21))
        yield Act(at=at, do=Do.KILL, number=steps)
    for _ in range(dice.weighted([(0, 5), (1, 2), (5, 1)])):
        yield Act(at=dice.between(0, days * DAY), do=Do.OVERLAP, number=dice.soon(600, DAY))
    for _ in range(dice.weighted([(0, 4), (1, 3), (4, 1)])):
        at = dice.between(0, days * DAY)
        jump = dice.pick((-0.5, 2, -3, 45, -90, 600, -900, 7200, -7200, DAY))
        yield Act(at=at, do=Do.CLOCK, number=jump)
        if dice.chance(0.8):
            yield Act(at=at + dice.soon(2 * HOUR, DAY), do=Do.CLOCK, number=-jump)
    for _ in range(dice.below(6)):
        yield Act(at=dice.between(0, days * DAY), do=Do.NOISE, number=dice.below(8))
    for _ in range(dice.below(3)):
        yield Act(at=dice.between(0, days * DAY), do=Do.BUSY, number=dice.soon(20, 600))


def _spells(dice: Dice, days: float) -> Iterator[Spell]:
    every, share = tuple(dict.fromkeys((*READ_FAULTS, *WRITE_FAULTS))), days / 30
    for fault in every:
        for side in ("storefront", "mis"):
            start = dice.between(0, days * DAY)
            end = start + share * dice.soon(8 * HOUR, 3 * DAY)
            rate = 0.05 if fault is Fault.MISSING else dice.pick((0.02, 0.05, 0.3))
            yield Spell(start=start, end=end, side=side, fault=fault, rate=rate)
    for _ in range(dice.weighted([(0, 2), (1, 2), (3, 1)])):
        start = dice.between(0, days * DAY)
        side, end = dice.pick(("storefront", "mis")), start + share * dice.soon(HOUR, 6 * HOUR)
        yield Spell(start=start, end=end, side=side, fault=Fault.UNREACHABLE, rate=1.0)


def _desk(dice: Dice, days: float) -> Iterator[Act]:
    """Somebody works on the list of tasks now and then; some shops never do."""
    if dice.chance(0.15):
        return
    pause = dice.pick((1.5 * HOUR, 6 * HOUR, DAY))
    at = dice.between(0, pause)
    while at < days * DAY:
        yield Act(at=at, do=Do.DESK, number=1 + dice.below(4))
        at += dice.soon(pause, 4 * DAY)
