"""What a soak has found so far, kept in a file: runs add up, and a stopped one goes on where it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec

from countermand.simulation.history import Outcome

_SCHEMA = """
CREATE TABLE IF NOT EXISTS history (
    seed INTEGER NOT NULL, days REAL NOT NULL, orders INTEGER NOT NULL,
    version TEXT NOT NULL, digest TEXT NOT NULL,
    placed INTEGER NOT NULL, kills INTEGER NOT NULL, writes INTEGER NOT NULL, seconds REAL NOT NULL,
    violation TEXT NOT NULL, found TEXT NOT NULL,
    PRIMARY KEY (seed, days, orders)
)
"""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was run, over all runs. `found`: histories that ever broke a promise, `open`: still do."""  # noqa: E501

    histories: int
    days: float
    orders: int
    kills: int
    writes: int
    seconds: float
    found: int
    open: int


class SoakBook:
    """One row for each history. `days` and `orders`: the size of the histories of this run."""

    def __init__(self, path: Path, days: float, orders: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = sqlite3.connect(path)
        self._size = (days, orders)
        with self._rows:
            self._rows.execute(_SCHEMA)

    def close(self) -> None:
        self._rows.close()

    def seeds(self) -> Iterator[int]:
        """Seeds to run now: those that still break a promise, then those never run, without end."""
        size = "days = ? AND orders = ?"
        known = f"SELECT seed, violation FROM history WHERE {size} ORDER BY seed"  # noqa: S608 - a constant
        done = dict(self._rows.execute(known, self._size).fetchall())
        yield from (seed for seed, violation in done.items() if violation)
        yield from (seed for seed in count(1) if seed not in done)

    def add(self, outcome: Outcome, version: str, seconds: float) -> None:
        """Keep what came of a history; what it once found stays known when it is run again."""
        counts = outcome.counts
        kills = sum(number for name, number in counts.items() if name.startswith("killed "))
        writes = sum(number for name, number in counts.items() if name.startswith("write "))
        with self._rows:
            self._rows.execute(
                "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " version = excluded.version, digest = excluded.digest, placed = excluded.placed,"
                " kills = excluded.kills, writes = excluded.writes, seconds = excluded.seconds,"
                " violation = excluded.violation,"
                " found = CASE WHEN found = '' THEN excluded.found ELSE found END",
                (
                    outcome.seed, *self._size, version, outcome.digest, outcome.orders, kills, writes,
                    seconds, outcome.violation, outcome.violation,
                ),
            )  # fmt: skip

    def totals(self) -> Totals:
        row = self._rows.execute(
            "SELECT count(*), total(days), total(placed), total(kills), total(writes), total(seconds),"
            " count(*) FILTER (WHERE found <> ''), count(*) FILTER (WHERE violation <> '') FROM history"
        ).fetchone()
        histories, days, placed, kills, writes, seconds, found, still = row
        return Totals(
            histories=histories, days=days, orders=int(placed), kills=int(kills), writes=int(writes),
            seconds=seconds, found=found, open=still,
        )  # fmt: skip

    def failing(self) -> list[tuple[int, str]]:
        """Seeds that broke a promise when they were last run, with the promise."""
        failing = "SELECT seed, violation FROM history WHERE violation <> '' ORDER BY seed"
        return [(seed, violation) for seed, violation in self._rows.execute(failing)]
