"""Whole histories: a fixed hundred on every run, and fresh ones: about five minutes of two processors in all.

A month of forty orders each, with every fault. `COUNTERMAND_SEEDS=first-last` runs exactly those instead of
fresh ones, to repeat what an earlier run printed; `COUNTERMAND_SIMULATION_SECONDS` is how much time of a
processor the fresh ones are given together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from countermand.simulation.author import write_script
from countermand.simulation.history import run_history
from countermand.simulation.shorten import Shortener
from countermand.simulation.telling import line_of, replay, story_of

DAYS, ORDERS = 30, 40
CHUNK, FIXED = 4, 100
BUDGET = float(os.environ.get("COUNTERMAND_SIMULATION_SECONDS", "380"))
REPEATED = os.environ.get("COUNTERMAND_SEEDS", "")
#: Several processes run the tests: parts with seeds of their own, so that none is left with all of them.
PARTS = range(8)

RecordProperty = Callable[[str, object], None]


def _run(seed: int) -> None:
    script = write_script(seed, DAYS, ORDERS)
    outcome = run_history(script)
    if not outcome.violation:
        return
    story = "\n".join(story_of(*Shortener(script, outcome).shorten()))
    pytest.fail(f"{line_of(outcome)}\nSee it again: {replay(seed, DAYS, ORDERS)}\n{story}", pytrace=False)


@pytest.mark.parametrize("first", range(1, FIXED + 1, CHUNK))
def test_fixed_histories_keep_every_promise(first: int) -> None:
    for seed in range(first, first + CHUNK):
        _run(seed)


@pytest.mark.parametrize("part", PARTS)
def test_fresh_histories_keep_every_promise(part: int, record_property: RecordProperty) -> None:
    ran: list[int] = []
    try:
        for seed in _fresh_seeds(part):
            ran.append(seed)
            _run(seed)
    finally:
        if ran:
            again = f"COUNTERMAND_SEEDS={ran[0]}-{ran[-1]}"
            record_property(
                "summary", f"histories: seeds 1 to {FIXED}; fresh: {len(ran)}, again with {again}"
            )


def _fresh_seeds(part: int) -> Iterator[int]:
    if REPEATED:
        low, _, high = REPEATED.partition("-")
        yield from range(int(low) + part, int(high or low) + 1, len(PARTS))
        return
    seed = int(time.time()) % 100_000_000 * 10 + part * 1_000_000_000
    began = time.process_time()
    while time.process_time() - began < BUDGET / len(PARTS):
        yield seed
        seed += 1
