"""What soaks have found, kept with the code: one line for the histories of one version, from any machine.

A soak's own book stays on the machine that ran it. Its histories are moved here, so that runs of several
machines add up, and each history can be run again with the version that is named.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What was run, over all runs. `found`: histories that ever broke a promise, `open`: still do."""

    histories: int = 0
    days: float = 0.0
    orders: int = 0
    kills: int = 0
    writes: int = 0
    seconds: float = 0.0
    found: int = 0
    open: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class RecordedRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Histories of one version and size, none of which breaks a promise.

    `seeds`: as in `1-40 43`. `days` and `orders_each`: of one history. `orders`, `kills`, `writes` and
    `seconds` (of a processor): of all. `found`: seeds that broke a promise with an earlier version.
    `digest`: of the histories' digests; empty where they were not kept.
    """

    seeds: str
    days: float
    orders_each: int
    version: str
    orders: int
    kills: int
    writes: int
    seconds: float = 0.0
    found: tuple[int, ...] = ()
    digest: str = ""

    def totals(self) -> Totals:
        histories = sum(1 for _ in seeds_of(self.seeds))
        return Totals(
            histories=histories, days=self.days * histories, orders=self.orders, kills=self.kills,
            writes=self.writes, seconds=self.seconds, found=len(self.found),
        )  # fmt: skip


class SoakRecord:
    """The file of recorded runs. A history that two lines name is an error: it would be counted twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs: list[RecordedRun] = []
        self._known: set[tuple[int, float, int]] = set()
        for line in path.read_bytes().splitlines() if path.exists() else []:
            self._take(msgspec.json.decode(line, type=RecordedRun))

    def _take(self, run: RecordedRun) -> None:
        named = {(seed, run.days, run.orders_each) for seed in seeds_of(run.seeds)}
        if twice := named & self._known:
            seeds = ranges(seed for seed, *_ in twice)
            raise ValueError(f"{self._path} names histories more than once: seeds {seeds}")
        self._known |= named
        self._runs.append(run)

    def seeds(self, days: float, orders: int) -> frozenset[int]:
        """Seeds of the histories of this size that are recorded."""
        return frozenset(seed for seed, *size in self._known if size == [days, orders])

    def totals(self) -> Totals:
        return sum((run.totals() for run in self._runs), Totals())

    def add(self, runs: Iterable[RecordedRun]) -> None:
        """Durable when it returns; the file is the old one or the new one, whatever happens."""
        for run in runs:
            self._take(run)
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.writelines(msgspec.json.encode(run) + b"\n" for run in self._runs)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def ranges(seeds: Iterable[int]) -> str:
    """Seeds as in `1-40 43`."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and parts[-1][1] == seed - 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in parts)


def seeds_of(text: str) -> Iterator[int]:
    """The seeds that `ranges` wrote. Raises `ValueError` for anything else."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def digest_of(digests: Iterable[tuple[int, str]]) -> str:
    """Of the digests of histories, each with its seed."""
    lines = (f"{seed} {digest}\n" for seed, digest in sorted(digests))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
