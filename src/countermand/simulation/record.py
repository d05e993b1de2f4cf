"""The two systems' own record of what was done to them and by whom: the truth that we are measured by."""

from __future__ import annotations

import msgspec


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One change that was asked of a system. `by`: `us`, `staff`, `customer` or `plugin`."""

    at: float
    side: str
    by: str
    what: str
    target: str
    lines: tuple[str, ...] = ()
    applied: bool


class Record:
    """Every effect, in order."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []

    def add(self, effect: Effect) -> None:
        self.effects.append(effect)
