"""`demo --once`: every scenario in a world of its own, with its proofs, calls and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from countermand.demo.scenarios import SCENARIOS, Scenario
from countermand.demo.stage import Proof, Stage
from countermand.demo.world import World

#: So many worlds stand side by side; most of their time is spent waiting for windows to pass.
AT_ONCE = 4


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report. `calls`: API calls by name, from the change on, polling aside."""

    name: str
    title: str
    passed: bool
    seconds: float
    calls: dict[str, int]
    proofs: tuple[Proof, ...]
    failure: str = ""

    @property
    def call_count(self) -> int:
        return sum(self.calls.values())


def play(scenario: Scenario) -> Result:
    """Play one scenario in a fresh world."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="countermand-") as folder, World(scenario.world, Path(folder)) as world:
        stage, failure = Stage(world), ""
        try:
            scenario.play(stage)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is this scenario's result
            failure = f"{type(error).__name__}: {error}"
        calls = dict(sorted(stage.calls().items()))
    return Result(
        name=scenario.name,
        title=scenario.title,
        passed=not failure,
        seconds=round(time.monotonic() - began, 2),
        calls=calls,
        proofs=tuple(stage.proofs),
        failure=failure,
    )


def play_all(
    scenarios: Sequence[Scenario] = SCENARIOS, tell: Callable[[Result], None] = lambda _: None
) -> list[Result]:
    """Play scenarios side by side; `tell` hears each result in the report's order."""
    results = []
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for result in pool.map(play, scenarios):
            tell(result)
            results.append(result)
    return results
