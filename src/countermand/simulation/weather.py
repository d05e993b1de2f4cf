"""What goes wrong on the way to the two systems, and when: spells of bad weather over a little steady rain."""  # noqa: E501

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from countermand.simulation.dice import Dice


class Fault(StrEnum):
    """One way in which a call can go wrong."""

    SLOW = "slow"
    TIME_OUT = "time-out"
    TIME_OUT_APPLIED = "time-out, but applied"
    ERROR = "5xx"
    ERROR_APPLIED = "5xx, but applied"
    HTML = "HTML with 200"
    THROTTLED = "429"
    EXPIRED = "expired token"
    IGNORED = "200, but ignored"
    STALE = "stale read"
    MISSING = "404"
    PARTIAL = "part of the answer"
    UNREACHABLE = "unreachable"


READ_FAULTS = (
    Fault.SLOW, Fault.TIME_OUT, Fault.ERROR, Fault.HTML, Fault.THROTTLED, Fault.EXPIRED, Fault.STALE,
    Fault.MISSING, Fault.PARTIAL,
)  # fmt: skip
WRITE_FAULTS = (
    Fault.SLOW, Fault.TIME_OUT, Fault.TIME_OUT_APPLIED, Fault.ERROR, Fault.ERROR_APPLIED, Fault.HTML,
    Fault.THROTTLED, Fault.EXPIRED, Fault.IGNORED,
)  # fmt: skip


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """From `start` to `end` (seconds), calls to one side fail in one way, each with this chance."""

    start: float
    end: float
    side: str
    fault: Fault
    rate: float

    def __str__(self) -> str:
        hours = f"{self.start / 3600:.1f} h to {self.end / 3600:.1f} h"
        return f"{hours}: {self.fault.value} at the {self.side}, {self.rate:.0%} of calls"


class Weather:
    """Which fault a call meets. `steady`: the chance of any one fault outside of all spells."""

    def __init__(self, spells: Sequence[Spell], steady: float) -> None:
        self._steady = steady
        self._edges: dict[str, list[float]] = {}
        self._active: dict[str, list[tuple[Spell, ...]]] = {}
        for side in ("storefront", "mis"):
            own = [spell for spell in spells if spell.side == side]
            edges = sorted({edge for spell in own for edge in (spell.start, spell.end)})
            self._edges[side] = edges
            self._active[side] = [
                tuple(spell for spell in own if spell.start <= edge < spell.end) for edge in edges
            ]

    def meets(self, side: str, now: float, faults: Sequence[Fault], dice: Dice) -> Fault | None:
        """The fault that a call meets now, out of those that can happen to such a call."""
        place = bisect_right(self._edges[side], now)
        for spell in self._active[side][place - 1] if place else ():
            possible = spell.fault in faults or spell.fault is Fault.UNREACHABLE
            if possible and dice.chance(spell.rate):
                return spell.fault
        if dice.chance(self._steady):
            return dice.pick(faults)
        return None
