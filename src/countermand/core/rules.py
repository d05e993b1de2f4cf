"""Which rules hold for one order: a connection's own, and over them the exceptions that match the order.

The most specific exception wins, setting by setting: one that names customers over one that names a kind
of product, that over one that names a direction only, and every exception over the connection's own rules.

What is not known about an order is never taken to be harmless. Lines of several kinds, a line whose kind is
not known, or an unknown customer make several cases possible; each is resolved by itself, and the most
careful value holds for the whole order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import time
from functools import lru_cache, reduce
from itertools import product
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from countermand.core.order import LineKind, MisItemKind, OrderLine
from countermand.core.policy import Direction, EmptiedOrder, Mode, OpeningHours, PartDispatch, Policy

MODE_SETTINGS: Mapping[str, Direction] = {way.value: way for way in Direction}
#: From the most careful to the boldest.
_MODES = (Mode.OBSERVE, Mode.MANUAL, Mode.ASSISTED, Mode.AUTOMATIC)


def _careful_mode(one: Mode, other: Mode) -> Mode:
    return min(one, other, key=_MODES.index)


def _careful_limit(one: float | None, other: float | None) -> float | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _careful_hours(one: OpeningHours | None, other: OpeningHours | None) -> OpeningHours | None:
    """Only while both are open; where they never are, nothing is written."""
    if one is None or other is None:
        return one or other
    opens, closes = max(one.opens, other.opens), min(one.closes, other.closes)
    if opens >= closes:
        return OpeningHours(days=frozenset(), opens=time(0), closes=time(0))
    return OpeningHours(days=one.days & other.days, opens=opens, closes=closes)


def _first_of(careful: Any) -> Callable[[Any, Any], Any]:
    return lambda one, other: careful if careful in (one, other) else one


#: What an exception may set, and which of two values is the more careful one. The brake counts a whole
#: connection, and what a failed read means does not depend on the order, so neither is among them.
MORE_CAREFUL: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(MODE_SETTINGS, _careful_mode),
    "undo_window": max,
    "vendor_grace": max,
    "vendor_may_ship": max,
    "vendor_may_cancel": max,
    "part_dispatch": _first_of(PartDispatch.WAIT),
    "close_emptied_order": _first_of(EmptiedOrder.ASK),
    "not_in_production_after": min,
    "value_limit": _careful_limit,
    "opening_hours": _careful_hours,
}
#: Those which an exception may set for one direction only; the others concern the order as a whole.
BY_DIRECTION = frozenset({"undo_window", "vendor_grace", "value_limit", "opening_hours"})


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What exceptions are matched on: the customer as the storefront names it, and the kinds of the lines.

    An empty customer and the kind none are not known.
    """

    customer: str = ""
    kinds: frozenset[LineKind | None] = frozenset()


def facts_of(customer: str, lines: Iterable[OrderLine]) -> OrderFacts:
    """The facts of an order; a line's jobs tell its kind where the storefront does not."""
    return OrderFacts(customer=customer, kinds=frozenset(map(_kind, lines)))


def _kind(line: OrderLine) -> LineKind | None:
    if line.kind is not None:
        return line.kind
    made_by = {job.kind for job in line.jobs}
    if made_by == {MisItemKind.JOB}:
        return LineKind.PRINT
    return LineKind.STOCK if made_by == {MisItemKind.SALES_ORDER} else None


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """An exception: settings of `Policy` that differ for the orders it matches. Empty matchers match all.

    `name`: how people know it. `settings`: by name of the `Policy` field, only such as in `MORE_CAREFUL`.

    Raises:
        ValueError: it sets what no exception may, or for a direction what concerns the whole order.
    """

    name: str
    customers: frozenset[str] = frozenset()
    kind: LineKind | None = None
    direction: Direction | None = None
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        for setting in self.settings:
            if setting not in MORE_CAREFUL:
                raise ValueError(f"{setting} cannot differ from order to order")
            own = {*BY_DIRECTION, self.direction} if self.direction else {setting}
            if setting not in own:
                raise ValueError(f"{setting} cannot be set for one direction only")

    @property
    def weight(self) -> int:
        """How specific it is; the heaviest one wins."""
        return 4 * bool(self.customers) + 2 * (self.kind is not None) + (self.direction is not None)

    def holds(self, case: _Case, direction: Direction | None) -> bool:
        return (
            (not self.customers or case[0].casefold() in self.names)
            and self.kind in (None, case[1])
            and self.direction in (None, direction)
        )

    @property
    def names(self) -> frozenset[str]:
        """The customers, spelled so that case does not matter."""
        return _folded(self.customers)


@lru_cache(maxsize=1024)
def _folded(customers: frozenset[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in customers)


#: One possibility: a customer (empty: one that no exception names) and a kind of product.
_Case: TypeAlias = tuple[str, LineKind]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Where one setting of an order came from. `rule`: an exception's name, empty for the connection's own.

    `direction`: none for what concerns the order as a whole.
    """

    setting: str
    direction: Direction | None
    value: Any
    rule: str
    why: str


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an exception matched the order (none: perhaps, too little is known), and why."""

    rule: str
    matches: bool | None
    why: str


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one order, and how they came about.

    `policy` holds for the order as a whole; where directions differ, it has the most careful value.
    """

    policy: Policy
    by_direction: dict[Direction, Policy] = {}
    trail: tuple[Choice, ...] = ()
    considered: tuple[Considered, ...] = ()

    def towards(self, direction: Direction) -> Policy:
        """The rules for changes in one direction."""
        return self.by_direction.get(direction, self.policy)


def resolve(policy: Policy, overrides: Sequence[Override], facts: OrderFacts) -> Resolved:
    """The rules that hold for an order; deterministic, and the connection's own without exceptions."""
    if not overrides:
        return Resolved(policy=policy)
    cases = list(_possible(facts, overrides))
    trail = tuple(_choose(setting, way, policy, overrides, cases) for setting, way in _slots(overrides))
    whole = policy
    for setting in {choice.setting for choice in trail}:
        values = (choice.value for choice in trail if choice.setting == setting)
        whole = replace(whole, **{setting: reduce(MORE_CAREFUL[setting], values)})
    return Resolved(
        policy=whole,
        by_direction={way: replace(whole, **_values(trail, way)) for way in Direction},
        trail=trail,
        considered=tuple(_consider(one, facts, cases) for one in overrides),
    )


def may_be(mode: Mode, policy: Policy, overrides: Iterable[Override]) -> frozenset[Direction]:
    """Directions in which some order may have this mode."""
    return frozenset(
        way
        for name, way in MODE_SETTINGS.items()
        if policy.mode(way) is mode or any(one.settings.get(name) is mode for one in overrides)
    )


def _slots(overrides: Iterable[Override]) -> Iterator[tuple[str, Direction | None]]:
    """Every setting that some exception touches, once for each direction in which it may differ."""
    touched = {setting for one in overrides for setting in one.settings}
    for setting in filter(touched.__contains__, MORE_CAREFUL):
        if setting in BY_DIRECTION:
            yield from ((setting, way) for way in Direction)
        else:
            yield setting, MODE_SETTINGS.get(setting)


def _possible(facts: OrderFacts, overrides: Iterable[Override]) -> Iterator[_Case]:
    customers: tuple[str, ...] = (facts.customer,)
    if not facts.customer:
        customers += _one_of_each(tuple(one.names for one in overrides))
    kinds = set(LineKind) if None in facts.kinds or not facts.kinds else facts.kinds
    return product(customers, (kind for kind in LineKind if kind in kinds))


@lru_cache(maxsize=64)
def _one_of_each(named: tuple[frozenset[str], ...]) -> tuple[str, ...]:
    """Of all named customers, one for each different choice of exceptions that name them."""
    every = sorted(frozenset().union(*named))
    return tuple({tuple(name in names for names in named): name for name in every}.values())


def _choose(
    setting: str,
    direction: Direction | None,
    policy: Policy,
    overrides: Sequence[Override],
    cases: Sequence[_Case],
) -> Choice:
    """The winner of each possible case, and of those the most careful one."""
    setters = [one for one in overrides if setting in one.settings]
    won = {
        one.name if one else "": one.settings[setting] if one else getattr(policy, setting)
        for case in cases
        for one in _winners([each for each in setters if each.holds(case, direction)])
    }
    value = reduce(MORE_CAREFUL[setting], won.values())
    rule = next((name for name, own in won.items() if own == value), "")
    others = [_called(name) for name in won if name != rule]
    why = f"the more careful one; {', '.join(others)} may hold as well" if others else _reason(setters, rule)
    return Choice(setting=setting, direction=direction, value=value, rule=rule, why=why)


def _winners(setters: Sequence[Override]) -> Sequence[Override | None]:
    """The most specific ones (several only where they are equally so), or none: the connection's rules."""
    heaviest = max((one.weight for one in setters), default=0)
    return [one for one in setters if one.weight == heaviest] or [None]


def _reason(setters: Sequence[Override], rule: str) -> str:
    if not rule:
        return "no exception matches"
    weight = next(one.weight for one in setters if one.name == rule)
    beaten = [one.name for one in setters if one.weight < weight]
    return f"more specific than {', '.join(beaten)}" if beaten else "the exception matches"


def _called(rule: str) -> str:
    return rule or "the connection's own rule"


def _values(trail: Iterable[Choice], way: Direction) -> dict[str, Any]:
    return {one.setting: one.value for one in trail if one.direction is way and one.setting in BY_DIRECTION}


def _consider(one: Override, facts: OrderFacts, cases: Sequence[_Case]) -> Considered:
    held = [one.holds(case, one.direction) for case in cases]
    matches = True if all(held) else None if any(held) else False
    return Considered(rule=one.name, matches=matches, why="; ".join(_comparisons(one, facts)))


def _comparisons(one: Override, facts: OrderFacts) -> Iterator[str]:
    if one.customers:
        customer = facts.customer or "not known"
        yield f"it names customer {', '.join(sorted(one.customers))}; the order's is {customer}"
    if one.kind is not None:
        kinds = sorted(kind.value if kind else "unknown" for kind in facts.kinds) or ["unknown"]
        yield f"it is for {one.kind.value} lines; the order's are {' and '.join(kinds)}"
    if one.direction is not None:
        yield f"for {one.direction.value} only"
    if not one.weight:
        yield "it is for every order"
