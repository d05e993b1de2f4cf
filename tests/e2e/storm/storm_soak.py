"""Storm after storm, each with the next seed, until enough kills are in the book."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
from storm_book import StormBook
from storm_round import Plan, storm
from storm_shop import StormShop


def soak(
    data: Path, kills: int, *, at_a_time: int, database: str | None, say: Callable[[str], None]
) -> StormBook:
    """Run storms until so many more kills are in the book; returns the book.

    `database`: an SQLAlchemy URL that all of them share; none: a new SQLite file for each. The folder of
    a storm that broke a promise is kept.
    """
    book, left = StormBook(data / "storms.jsonl"), kills
    while left > 0:
        plan = Plan(seed=book.next_seed(), kills=min(at_a_time, left))
        folder = data.resolve() / f"storm-{plan.seed}"
        shutil.rmtree(folder, ignore_errors=True)
        url = database or f"sqlite:///{folder / 'countermand.db'}"
        with StormShop(folder, url, f"storm-{plan.seed}", plan.seed) as shop:
            report, evidence = storm(shop, plan, say)
        book.add(report)
        left -= plan.kills
        for violation in report.violations:
            say(f"  {violation.wrong.value}: {violation.what}")
        if report.violations:
            (folder / "evidence.json").write_bytes(msgspec.json.encode(evidence))
            say(f"  what is on record: {folder}")
        else:
            shutil.rmtree(folder)
        wrong = f"{len(report.violations)} violations"
        say(f"seed {plan.seed}: {plan.kills} kills, {wrong}, {report.seconds:.0f} s")
    return book
