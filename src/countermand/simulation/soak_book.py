"""What the soaks of this machine have found: runs add up, and a stopped one goes on where it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from countermand.simulation.history import Outcome
from countermand.simulation.soak_record import RecordedRun, SoakRecord, Totals, digest_of, ranges

_SCHEMA = """
CREATE TABLE IF NOT EXISTS history (
    seed INTEGER NOT NULL, days REAL NOT NULL, orders INTEGER NOT NULL,
    version TEXT NOT NULL, digest TEXT NOT NULL,
    placed INTEGER NOT NULL, kills INTEGER NOT NULL, writes INTEGER NOT NULL, seconds REAL NOT NULL,
    violation TEXT NOT NULL, found TEXT NOT NULL,
    PRIMARY KEY (seed, days, orders)
)
"""


class SoakBook:
    """One row for each history that is not in the record yet. `days` and `orders`: the size of this run's."""

    def __init__(self, path: Path, record: SoakRecord, days: float, orders: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = sqlite3.connect(path)
        self._record = record
        self._size = (days, orders)
        with self._rows:
            self._rows.execute(_SCHEMA)
        self._forget_recorded()

    def close(self) -> None:
        self._rows.close()

    def seeds(self) -> Iterator[int]:
        """Seeds to run now: those that still break a promise, then those never run, without end."""
        size = "days = ? AND orders = ?"
        known = f"SELECT seed, violation FROM history WHERE {size} ORDER BY seed"  # noqa: S608 - a constant
        done = dict(self._rows.execute(known, self._size).fetchall())
        yield from (seed for seed, violation in done.items() if violation)
        recorded = self._record.seeds(*self._size)
        yield from (seed for seed in count(1) if seed not in done and seed not in recorded)

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
        """The record's, and those of this book."""
        row = self._rows.execute(
            "SELECT count(*), total(days), total(placed), total(kills), total(writes), total(seconds),"
            " count(*) FILTER (WHERE found <> ''), count(*) FILTER (WHERE violation <> '') FROM history"
        ).fetchone()
        histories, days, placed, kills, writes, seconds, found, still = row
        return self._record.totals() + Totals(
            histories=histories, days=days, orders=int(placed), kills=int(kills), writes=int(writes),
            seconds=seconds, found=found, open=still,
        )  # fmt: skip

    def failing(self) -> list[tuple[int, str]]:
        """Seeds that broke a promise when they were last run, with the promise."""
        failing = "SELECT seed, violation FROM history WHERE violation <> '' ORDER BY seed"
        return [(seed, violation) for seed, violation in self._rows.execute(failing)]

    def record(self) -> list[RecordedRun]:
        """Move the histories to the record, a line for each version. Those of a version that was never
        committed (`-dirty`) stay. Raises `ValueError` while one breaks a promise.
        """
        if failing := self.failing():
            raise ValueError(f"seed {failing[0][0]} breaks a promise: mend that and run it again first")
        groups = self._rows.execute(
            "SELECT version, days, orders FROM history WHERE version NOT LIKE '%-dirty'"
            " GROUP BY 1, 2, 3 ORDER BY min(seed)"
        )
        runs = [self._run(*group) for group in groups.fetchall()]
        self._record.add(runs)
        self._forget_recorded()
        return runs

    def _run(self, version: str, days: float, orders: int) -> RecordedRun:
        rows = self._rows.execute(
            "SELECT seed, digest, placed, kills, writes, seconds, found FROM history"
            " WHERE version = ? AND days = ? AND orders = ? ORDER BY seed",
            (version, days, orders),
        ).fetchall()
        seeds, digests, placed, kills, writes, seconds, found = zip(*rows, strict=True)
        return RecordedRun(
            seeds=ranges(seeds), days=days, orders_each=orders, version=version, orders=sum(placed),
            kills=sum(kills), writes=sum(writes), seconds=round(sum(seconds), 1),
            found=tuple(seed for seed, promise in zip(seeds, found, strict=True) if promise),
            digest=digest_of(zip(seeds, digests, strict=True)),
        )  # fmt: skip

    def _forget_recorded(self) -> None:
        """What the record holds is counted there: a stop between the two leaves nothing counted twice."""
        sizes = self._rows.execute("SELECT DISTINCT days, orders FROM history").fetchall()
        with self._rows:
            self._rows.executemany(
                "DELETE FROM history WHERE seed = ? AND days = ? AND orders = ?",
                [(seed, days, orders) for days, orders in sizes for seed in self._record.seeds(days, orders)],
            )
