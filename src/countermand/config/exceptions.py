"""`[[connections.NAME.when]]`: for which orders the rules differ, and how."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Any

import msgspec

from countermand.config.document import Document, dotted
from countermand.config.lines import Place
from countermand.config.problems import shown
from countermand.config.specs import RULES, Spec, specs_of
from countermand.core.order import LineKind
from countermand.core.policy import Direction, Mode
from countermand.core.rules import MODE_SETTINGS, MORE_CAREFUL, Override
from countermand.vendor_http.settings import setting

#: More than anybody can oversee; and each order is held against every one of them.
_MOST = 100
_MOST_CUSTOMERS = 500


class Matchers(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders an exception is for; what is left out matches every order."""

    name: Annotated[str, setting("What to call it where it is explained.")] = ""
    customer: Annotated[
        tuple[str, ...],
        setting("Customers as the storefront names them (Infigo: the customer's id), one or a list."),
    ] = ()
    product: Annotated[LineKind | None, setting("Kind of product: `print` or `stock`.")] = None
    direction: Annotated[
        Direction | None,
        setting("One direction: `cancel_to_mis`, `cancel_to_storefront` or `ship_to_storefront`."),
    ] = None
    mode: Annotated[
        Mode | None,
        setting("The mode of that direction; of all three when no direction is named."),
    ] = None


MATCHERS = specs_of(Matchers)
#: What an exception may say beside its matchers: some of the rules.
OVERRIDABLE = tuple(spec for spec in RULES if spec.name in MORE_CAREFUL)
_SPECS: tuple[Spec, ...] = (*MATCHERS, *OVERRIDABLE)


def read_exceptions(document: Document, place: Place, values: object) -> tuple[Override, ...]:
    """All exceptions of one connection, in the order of the file."""
    if not isinstance(values, list) or len(values) > _MOST:
        at_most = f"at most {_MOST} tables, each under [[{dotted(place)}]]"
        document.wrong(place, f"{dotted(place)} is {shown(values)}; it must be {at_most}")
        return ()
    found = [_exception(document, (*place, number), one) for number, one in enumerate(values)]
    overrides = [one for one in found if one is not None]
    if len(overrides) == len(values):
        _refuse_doubles(document, place, overrides)
    return tuple(overrides)


def _exception(document: Document, place: Place, values: object) -> Override | None:
    table = dict(document.table(place, values))
    if isinstance(table.get("customer"), str):
        table["customer"] = [table["customer"]]
    if (found := document.read(place, table, _SPECS)) is None:
        return None
    settings: dict[str, Any] = {}
    if (mode := found.get("mode")) is not None:
        direction = found.get("direction")
        settings |= dict.fromkeys([direction.value] if direction else MODE_SETTINGS, mode)
    settings |= {name: value for name, value in found.items() if name in MORE_CAREFUL}
    return _override(document, place, found, settings)


def _override(
    document: Document, place: Place, found: Mapping[str, Any], settings: dict[str, Any]
) -> Override | None:
    customers = frozenset(name.strip() for name in found.get("customer", ()))
    if not settings:
        document.wrong(place, f"{dotted(place)} changes no setting: give it a mode or a rule")
    if "customer" in found and ("" in customers or not 1 <= len(customers) <= _MOST_CUSTOMERS):
        says = f"{dotted(place)}.customer must name 1 to {_MOST_CUSTOMERS} customers"
        document.wrong((*place, "customer"), says)
    try:
        return Override(
            name=found.get("name") or f"when {int(place[-1]) + 1}",
            customers=customers,
            kind=found.get("product"),
            direction=found.get("direction"),
            settings=settings,
        )
    except ValueError as error:
        document.wrong(place, f"{dotted(place)}: {error}")
        return None


def _refuse_doubles(document: Document, place: Place, overrides: list[Override]) -> None:
    """Two exceptions that are equally specific, match the same orders and say different things."""
    for (first, one), (second, other) in combinations(enumerate(overrides), 2):
        if one.name == other.name:
            document.wrong((*place, second), f"two exceptions of {dotted(place)} are called {one.name!r}")
        same = sorted(name for name in one.settings if name in other.settings)
        if same and _overlap(one, other) and one.settings[same[0]] != other.settings[same[0]]:
            document.wrong(
                (*place, second),
                f"{dotted((*place, second))} and {dotted((*place, first))} match the same orders and both "
                f"set {same[0]}: make one of them more specific",
            )


def _overlap(one: Override, other: Override) -> bool:
    return (
        (one.weight, one.kind, one.direction) == (other.weight, other.kind, other.direction)
        and (not one.customers or bool(one.names & other.names))
    )  # fmt: skip
