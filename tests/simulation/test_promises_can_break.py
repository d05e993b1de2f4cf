"""For each promise: the code is broken on purpose, and a simulated history finds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta

import pytest
from msgspec.structs import replace
from mutants import (
    MUTANTS,
    Break,
    has_no_brake,
    is_always_open,
    knows_no_exceptions,
    needs_no_second_person,
    repeats_what_was_applied,
    takes_lines_for_the_order,
    writes_at_first_sight,
    writes_what_is_not_offered,
)

from countermand.core.policy import EmptiedOrder, Mode, OpeningHours
from countermand.core.rules import Override
from countermand.simulation.author import write_script
from countermand.simulation.history import run_history
from countermand.simulation.invariants import MEANING
from countermand.simulation.script import CUSTOMERS, DAY, Act, Do, Script
from countermand.simulation.weather import Fault, Spell

#: So many seeds are tried with a mutant, and as many without.
SEEDS = range(1, 9)

#: The rules in which the shop of some mutants differs, and what else is different there.
_RULES: dict[Break, dict[str, object]] = {
    has_no_brake: {"brake_burst": 0},
    needs_no_second_person: {"value_limit": 50.0},
    is_always_open: {"opening_hours": OpeningHours(opens=time(9), closes=time(12))},
    takes_lines_for_the_order: {"close_emptied_order": EmptiedOrder.CANCEL},
}
_SET_UPS: dict[Break, dict[str, object]] = {
    knows_no_exceptions: {
        "exceptions": (
            Override(
                name="by hand", customers=frozenset(CUSTOMERS[:3]), settings={"cancel_to_mis": Mode.MANUAL}
            ),
        )
    },
    writes_at_first_sight: {"live_since": 3 * DAY},
    writes_what_is_not_offered: {"storefront_lacks": frozenset({"cancel_line", "ship", "track"})},
}

#: What goes wrong there besides: a system says yes and does nothing.
_SPELLS: dict[Break, tuple[Spell, ...]] = {
    repeats_what_was_applied: tuple(
        Spell(start=0, end=4 * DAY, side=side, fault=Fault.IGNORED, rate=0.5)
        for side in ("storefront", "mis")
    ),
    takes_lines_for_the_order: (
        Spell(start=0, end=4 * DAY, side="storefront", fault=Fault.IGNORED, rate=0.5),
    ),
}


def _one_by_one(script: Script) -> tuple[Act, ...]:
    """In production the jobs of every order are cancelled one by one, some hours apart."""
    return tuple(
        Act(at=placed.at + hours * 3600, do=Do.CANCEL_JOB, order=placed.order, line=line, text="anyway")
        for placed in script.acts
        if placed.do is Do.PLACE
        for line, hours in enumerate((2, 4, 6))
    )


#: What people do there besides.
_ACTS: dict[Break, Callable[[Script], tuple[Act, ...]]] = {takes_lines_for_the_order: _one_by_one}

_CASES = [(promise, mutant) for promise, mutants in MUTANTS.items() for mutant in mutants]


def _small(seed: int, mutant: Break | None = None) -> Script:
    """Four days of a shop that lets everything happen by itself, and nothing within half an hour.

    Most of the time two processes of ours run, so that they get into each other's way.
    """
    script = write_script(seed, days=4, orders=24)
    overlaps = (Act(at=hour * 3600.0, do=Do.OVERLAP, number=5 * 3600.0) for hour in range(6, 90, 12))
    besides = _ACTS[mutant](script) if mutant in _ACTS else ()
    acts = tuple(sorted((*script.acts, *overlaps, *besides), key=lambda act: act.at))
    policy = replace(
        script.setup.policy,
        cancel_to_mis=Mode.AUTOMATIC,
        cancel_to_storefront=Mode.AUTOMATIC,
        ship_to_storefront=Mode.AUTOMATIC,
        undo_window=timedelta(minutes=30),
        vendor_grace=timedelta(0),
        value_limit=None,
        opening_hours=None,
        brake_burst=99,
        brake_daily=99,
    )
    if mutant is not None:
        policy = replace(policy, **_RULES.get(mutant, {}))
    plain = replace(
        script.setup,
        policy=policy,
        exceptions=(),
        storefront_lacks=frozenset(),
        mis_lacks=frozenset(),
        live_since=0.0,
    )
    setup = replace(plain, **_SET_UPS.get(mutant, {})) if mutant is not None else plain
    spells = _SPELLS.get(mutant, ()) if mutant is not None else ()
    return replace(script, acts=acts, setup=setup, spells=(*script.spells, *spells))


@pytest.mark.parametrize(
    ("promise", "mutant"), _CASES, ids=[f"{promise}:{mutant.__name__}" for promise, mutant in _CASES]
)
def test_a_broken_promise_is_found(promise: str, mutant: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    found = set()
    for seed in SEEDS:
        found.add(run_history(_small(seed, mutant)).invariant)
        if promise in found:
            return
    pytest.fail(f"{mutant.__name__} was not found by {promise}; found were {found}")


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_the_same_histories_break_nothing_by_themselves(seed: int) -> None:
    assert run_history(_small(seed)).violation == ""


def test_every_promise_has_a_mutant() -> None:
    assert set(MUTANTS) == set(MEANING)
