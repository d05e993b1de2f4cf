"""What happens in a history, written down beforehand: the shop's set-up, its people's acts, and the faults."""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from countermand.core.order import LineKind
from countermand.core.policy import Direction, Policy
from countermand.core.rules import Override
from countermand.simulation.weather import Spell

DAY = 86400.0
CUSTOMERS = ("Harbour Coffee Roasters", "Northgate Dental", "Orchard & Vine", "Bright Sparks Electrical")


class Do(StrEnum):
    """One thing that somebody or something does."""

    PLACE = "place"
    STATUS = "status"
    DISPATCH = "dispatch"
    DISPATCH_PART = "dispatch-part"
    CANCEL_ORDER = "cancel-order"
    CANCEL_LINE = "cancel-line"
    CANCEL_JOB = "cancel-job"
    HOLD = "hold"
    REACTIVATE = "reactivate"
    SHIP_BY_HAND = "ship-by-hand"
    REFUND = "refund"
    INVOICE = "invoice"
    REPRINT = "reprint"
    DELETE_JOB = "delete-job"
    DELETE_ORDER = "delete-order"
    RULES = "other-rules"
    DESK = "desk"
    NOISE = "noise"
    KILL = "kill"
    OVERLAP = "second-process"
    CLOCK = "clock"
    BUSY = "busy-database"


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At a second of the history: what, to which order (by its place in the script) and line.

    `number`: a production status, the steps until a kill, the seconds of a clock jump or an overlap, the place of rules. `text`: how it is done.
    """  # noqa: E501

    at: float
    do: Do
    order: int = -1
    line: int = -1
    number: float = 0
    text: str = ""

    def __str__(self) -> str:
        when = timedelta(seconds=round(self.at))
        about = f" order {self.order}" if self.order >= 0 else ""
        about += f" line {self.line}" if self.line >= 0 else ""
        number = f" {self.number:g}" if self.number else ""
        return f"{when} {self.do.value}{about}{number} {self.text}".rstrip()


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """How the two systems and the connection between them are set up in one history."""

    policy: Policy
    hooks: bool = True
    hooks_lost: float = 0.1
    reference: str = "line"
    plugin_ships: bool = True
    plugin_cancels: bool = False
    cancelled_can_ship: bool = False
    cancelled_can_dispatch: bool = True
    refuses_cancel_of: frozenset[str] = frozenset()
    mis_readable: bool = True
    #: What the two systems do not offer, by the names of their capabilities.
    storefront_lacks: frozenset[str] = frozenset()
    mis_lacks: frozenset[str] = frozenset()
    #: Orders placed before this second are older than the connection: seen first, they are written nowhere.
    live_since: float = 0.0
    #: Where the policy differs for some orders.
    exceptions: tuple[Override, ...] = ()
    steady: float = 0.02
    busy: float = 0.002

    def policies(self) -> Iterator[Policy]:
        """The connection's own, and what each exception by itself makes of it."""
        yield self.policy
        for one in self.exceptions:
            yield replace(self.policy, **one.settings)

    def policy_for(self, customer: str, kind: LineKind, direction: Direction) -> Policy:
        """What holds for one customer's products of one kind: the more specific an exception, the later."""
        policy = self.policy
        for one in sorted(self.exceptions, key=lambda each: each.weight):
            if (
                (not one.customers or customer in one.customers)
                and one.kind in (None, kind)
                and one.direction in (None, direction)
            ):
                policy = replace(policy, **one.settings)
        return policy


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody sets while orders are under way: the policy, and where it differs."""

    policy: Policy
    exceptions: tuple[Override, ...] = ()


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """One history before it happens. `seed`: of everything that is not written here.

    `rules`: those that the acts `other-rules` set, by their number.
    """

    seed: int
    days: float
    setup: Setup
    rules: tuple[Rules, ...] = ()
    acts: tuple[Act, ...]
    spells: tuple[Spell, ...] = ()

    @property
    def end(self) -> float:
        return self.days * DAY
