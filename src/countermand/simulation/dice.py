"""Randomness from the seed alone: small, fast, and the same in every Python version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from zlib import crc32

Value = TypeVar("Value")

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


#: A stream for each name (an order's number, say): what happens to one does not change another's luck.
DiceOf = Callable[[str], "Dice"]


class Dice:
    """A stream of random numbers (SplitMix64), named so that streams do not disturb one another."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, name: str = "") -> None:
        # A stream walks in steps of one size from where it begins: those of neighbouring seeds would be the
        # same numbers, each a place later, if their beginnings were not scattered first.
        begin = (seed * 0xD1342543DE82EF95 + (crc32(name.encode()) << 17) + 1) & _MASK
        begin = ((begin ^ (begin >> 32)) * 0xDABA0B6EB09322E3) & _MASK
        self._state = begin ^ (begin >> 32)

    def random(self) -> float:
        """From 0 up to, not including, 1."""
        self._state = state = (self._state + _STEP) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((state ^ (state >> 31)) >> 11) * 2.0**-53

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def between(self, low: float, high: float) -> float:
        """Evenly spread, in whole milliseconds, so that times print and compare exactly."""
        return round(low + (high - low) * self.random(), 3)

    def soon(self, typical: float, most: float) -> float:
        """Mostly around `typical`, now and then much later, never after `most`."""
        spread = self.random()
        return round(min(typical * (0.1 + 1.5 * spread + 30.0 * spread**12), most), 3)

    def below(self, count: int) -> int:
        return int(self.random() * count)

    def pick(self, values: Sequence[Value]) -> Value:
        return values[self.below(len(values))]

    def weighted(self, weights: Sequence[tuple[Value, float]]) -> Value:
        point = self.random() * sum(weight for _, weight in weights)
        for value, weight in weights:
            point -= weight
            if point < 0:
                return value
        return weights[-1][0]


def dice_of(seed: int, what: str) -> DiceOf:
    """Streams by name, each kept as far as it has come."""
    streams: dict[str, Dice] = {}

    def of(name: str) -> Dice:
        if name not in streams:
            streams[name] = Dice(seed, f"{what} {name}")
        return streams[name]

    return of
