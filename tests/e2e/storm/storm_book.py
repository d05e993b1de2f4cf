"""What all storms so far came to: one line per storm in a file, so that runs add up and may be stopped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from storm_round import Report


class StormBook:
    """Finished storms. A storm that was interrupted counts for nothing and is begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_bytes().splitlines() if path.exists() else []
        self.reports = [msgspec.json.decode(line, type=Report) for line in lines]

    def next_seed(self) -> int:
        return max((one.seed for one in self.reports), default=0) + 1

    def add(self, report: Report) -> None:
        self.reports.append(report)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(report) + b"\n")

    @property
    def violations(self) -> int:
        return sum(len(one.violations) for one in self.reports)

    def told(self) -> Iterator[str]:
        """The sums, one sentence each, by kind of database."""
        for database in sorted({one.database for one in self.reports}):
            yield from _told(database, [one for one in self.reports if one.database == database])


def _told(database: str, reports: Sequence[Report]) -> Iterator[str]:
    def total(name: str) -> int:
        return sum(getattr(one, name) for one in reports)

    starting, writing = total("kills_while_starting"), total("kills_during_a_write")
    yield (
        f"{database}: {total('kills')} kills in {len(reports)} storms "
        f"(seeds {reports[0].seed} to {reports[-1].seed}), {starting} of them while it started, "
        f"{writing} in the moment of a write"
    )
    yield (
        f"  {total('orders')} orders, {total('writes_sent')} writes sent, {total('cut_off')} of them cut off "
        f"by a kill, {total('asked')} orders that ended with a person over a write without a clear answer"
    )
    yield (
        f"  {total('ignored')} writes answered with success and not done, "
        f"{total('lagging_reads')} reads that showed an earlier state"
    )
    yield f"  {total('acknowledged')} messages acknowledged, {total('stored')} stored"
    starts = [start for one in reports for start in one.starts]
    yield (
        "  "
        + ", ".join(
            f"{name}: " + ", ".join(f"p{each} {percentile(values, each):.1f} s" for each in (50, 90, 99))
            for name, values in (
                ("start until it answers", [start.answers for start in starts]),
                ("until what was open was looked at", [start.looked for start in starts]),
            )
        )
        + f" ({len(starts)} starts)"
    )
    yield f"  violations: {sum(len(one.violations) for one in reports)}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed; nought for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
