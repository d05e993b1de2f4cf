"""One seed is one history, to the byte; and what fails can be seen again, shorter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from mutants import asks_nobody_about_conflicts, records_no_sightings

from countermand.cli.simulate import simulate
from countermand.simulation.author import write_script
from countermand.simulation.history import Outcome, run_history
from countermand.simulation.invariants import CONFLICT, VERDICT
from countermand.simulation.script import Do, Script
from countermand.simulation.shorten import MOST_RUNS, Shortener

DAYS, ORDERS = 6, 10
_DIGESTS = """
from countermand.simulation.author import write_script
from countermand.simulation.history import run_history
for seed in (1, 2, 3):
    print(run_history(write_script(seed, {days}, {orders})).digest)
"""


def _digests(hash_seed: str) -> str:
    program = _DIGESTS.format(days=DAYS, orders=ORDERS)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    ).stdout


def test_one_seed_is_one_history_in_every_process() -> None:
    here = [run_history(write_script(seed, DAYS, ORDERS)).digest for seed in (1, 2, 3)]
    assert _digests("1").split() == here == _digests("4711").split()
    assert len(set(here)) == 3


def test_a_history_that_fails_fails_again_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asks_nobody_about_conflicts(monkeypatch)
    first, second = (run_history(write_script(3, DAYS, ORDERS)) for _ in range(2))
    assert first.invariant == CONFLICT
    assert first == second


def test_looks_that_could_find_nothing_change_nothing_that_is_promised() -> None:
    """With every look made, the same people meet the same two systems, and every promise holds as well."""
    script = write_script(2, days=3, orders=4)
    short, whole = run_history(script), run_history(script, every_look=True)
    assert short.violation == whole.violation == ""
    assert short.orders == whole.orders
    assert whole.counts["quiet saves"] > short.counts["quiet saves"]


def test_a_failing_history_gets_shorter_and_fails_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    records_no_sightings(monkeypatch)
    script = write_script(1, DAYS, ORDERS)
    outcome = run_history(script)
    short, again = Shortener(script, outcome).shorten()
    assert again.invariant == outcome.invariant == VERDICT
    assert len(short.acts) < len(script.acts) / 4
    assert run_history(short) == again


def _needs(orders: set[int]) -> object:
    """A history that fails as long as these orders are placed, and a kill is in it."""

    def run(script: Script) -> Outcome:
        placed = {act.order for act in script.acts if act.do is Do.PLACE}
        fails = orders <= placed and any(act.do is Do.KILL for act in script.acts)
        said = "promise: broken" if fails else ""
        return Outcome(
            seed=script.seed, days=script.days, orders=len(placed), digest="", violation=said,
            invariant="promise" if fails else "", ended=86400.0,
        )  # fmt: skip

    return run


def test_the_shortener_leaves_exactly_what_is_needed() -> None:
    script = write_script(5, DAYS, ORDERS)
    kill = replace(script.acts[0], do=Do.KILL, order=-1, line=-1)
    script = replace(script, acts=(kill, *script.acts))
    run = _needs({2, 7})
    outcome = run(script)  # type: ignore[operator]
    runs: list[Script] = []

    def counted(one: Script) -> Outcome:
        runs.append(one)
        return run(one)  # type: ignore[operator,no-any-return]

    short, _ = Shortener(script, outcome, counted).shorten()
    assert {act.order for act in short.acts if act.order >= 0} == {2, 7}
    assert [act.do for act in short.acts if act.do is not Do.PLACE] == [Do.KILL]
    assert short.spells == ()
    assert len(runs) <= MOST_RUNS


def test_the_command_says_how_to_see_a_failure_again(monkeypatch: pytest.MonkeyPatch) -> None:
    records_no_sightings(monkeypatch)
    said = CliRunner().invoke(simulate, ["--seed", "1", "--days", "3", "--orders", "2"])
    assert said.exit_code == 1
    assert "See it again: countermand simulate --seed 1 --days 3 --orders 2" in said.output
    assert f"broken: {VERDICT}" in said.output
    assert "place order" in said.output


def test_the_command_ends_well_when_every_promise_held() -> None:
    said = CliRunner().invoke(simulate, ["--seed", "1", "--days", "3", "--orders", "2", "--histories", "2"])
    assert said.exit_code == 0, said.output
    assert "2 of 2 histories kept every promise." in said.output
