"""Luck that comes from the seed alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.simulation.author import write_script
from countermand.simulation.dice import Dice, dice_of
from countermand.simulation.script import DAY, Do
from countermand.simulation.weather import READ_FAULTS, WRITE_FAULTS, Fault


def test_the_numbers_of_a_seed_never_change() -> None:
    """A seed in the docs has to mean the same history in every version of Python."""
    dice = Dice(7, "script")
    assert [round(dice.random(), 6) for _ in range(3)] == [0.303517, 0.243699, 0.287714]


def test_neighbouring_seeds_share_no_luck() -> None:
    """Or a thousand histories in a row would be about the same few accidents."""
    streams = [Dice(seed, "script") for seed in range(100)]
    assert len({dice.random() for dice in streams for _ in range(200)}) == 100 * 200


def test_streams_do_not_disturb_each_other() -> None:
    first, second = dice_of(1, "staff"), dice_of(1, "staff")
    for _ in range(10):
        first("10001").random()
    assert first("10002").random() == second("10002").random()
    assert first("10001").random() != second("10001").random()


@given(st.integers(0, 2**63), st.floats(0.001, 1e6), st.floats(1.0, 100.0))
def test_soon_is_never_after_the_most(seed: int, typical: float, times: float) -> None:
    assert 0 <= Dice(seed).soon(typical, typical * times) <= typical * times + 0.001


@given(st.integers(0, 2**63))
def test_weights_of_nothing_are_never_picked(seed: int) -> None:
    dice = Dice(seed)
    assert all(dice.weighted([("never", 0), ("always", 1)]) == "always" for _ in range(20))


@pytest.mark.parametrize("seed", range(20))
def test_a_script_of_a_month_has_every_fault_and_all_of_its_orders(seed: int) -> None:
    script = write_script(seed, days=30, orders=40)
    assert script == write_script(seed, days=30, orders=40)
    assert sum(act.do is Do.PLACE for act in script.acts) == 40
    assert [act.at for act in script.acts] == sorted(act.at for act in script.acts)
    assert script.end == 30 * DAY
    faults = {(spell.side, spell.fault) for spell in script.spells}
    for side in ("storefront", "mis"):
        assert {(side, fault) for fault in (*READ_FAULTS, *WRITE_FAULTS)} <= faults


def test_scripts_of_some_seeds_together_do_everything() -> None:
    scripts = [write_script(seed, days=30, orders=40) for seed in range(20)]
    assert {act.do for script in scripts for act in script.acts} == set(Do)
    assert Fault.UNREACHABLE in {spell.fault for script in scripts for spell in script.spells}
