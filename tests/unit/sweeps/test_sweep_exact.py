"""A sweep finds exactly what differs, whoever changes what meanwhile, however often it is killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sweep_world import Process, World, differ, sweep_killed

from countermand.bridge.sweep import SweepState
from countermand.core.status import Side


def _world(tmp_path: Path, orders: int, drifts: int, seed: int, change_every: float) -> World:
    world = World(orders, drifts, seed, change_every)
    process = Process(world, tmp_path / "ledger.db")
    process.fill()
    process.end()
    world.drift()
    return world


@pytest.mark.parametrize(("seed", "orders"), [(1, 2000), (2, 400), (3, 400)])
def test_exactly_the_drifts_are_found_while_orders_change_and_the_process_is_killed(
    tmp_path: Path, seed: int, orders: int
) -> None:
    world = _world(tmp_path, orders=orders, drifts=orders // 20, seed=seed, change_every=0.02)
    world.keep_changing()
    process, sweep = sweep_killed(world, tmp_path / "ledger.db", kills=[15, 25, 20])
    world.stop_changing()
    found, skipped = process.found(sweep, "differing"), process.found(sweep, "skipped")
    assert world.changed, "nobody changed anything meanwhile, so this test shows nothing"
    assert world.hooks_lost
    untouched = set(world.drifted) - world.changed
    assert found.keys() - world.changed == untouched
    for number in found.keys() & world.changed:
        seen = world.swept[number]
        assert differ(seen[Side.STOREFRONT], seen[Side.MIS]), (number, found[number], seen)
    assert skipped.keys() <= world.changed
    assert sweep.compared + sweep.skipped == sweep.total == orders
    assert (sweep.differing, sweep.skipped) == (len(found), len(skipped))
    assert sweep.agreed == orders - len(found) - len(skipped)
    _everything_arrives(world, process)
    process.end()


def _everything_arrives(world: World, process: Process) -> None:
    """What was found, and what a second sweep finds, is put right once, and nothing else is written."""
    asyncio.run(process.come_to_rest())
    world.clock.now += timedelta(minutes=5)
    unheard = world.still_differing()
    second = asyncio.run(process.sweep())
    assert second.state is SweepState.DONE
    assert not process.found(second, "skipped")
    assert process.found(second, "differing").keys() == unheard
    asyncio.run(process.come_to_rest())
    assert world.needless() == []
    assert len(world.writes) == len({write.number for write in world.writes}), "an order was written to twice"
    assert world.still_differing() <= set(world.drifted) | world.changed
    assert all(world.waits_for_a_person(number) for number in world.still_differing())


def test_orders_that_nobody_touched_are_not_even_stored_anew(tmp_path: Path) -> None:
    world = _world(tmp_path, orders=300, drifts=10, seed=5, change_every=1000)
    process = Process(world, tmp_path / "ledger.db")
    before = process.versions()
    sweep = asyncio.run(process.sweep())
    after = process.versions()
    assert {number for number in after if after[number] != before[number]} == set(world.drifted)
    assert (sweep.compared, sweep.agreed, sweep.differing, sweep.skipped) == (300, 290, 10, 0)
    assert process.found(sweep, "differing").keys() == set(world.drifted)
    process.end()


def test_a_sweep_reads_many_orders_in_few_calls(tmp_path: Path) -> None:
    world = _world(tmp_path, orders=1000, drifts=0, seed=6, change_every=1000)
    process = Process(world, tmp_path / "ledger.db")
    sweep = asyncio.run(process.sweep())
    assert sweep.agreed == 1000
    assert sweep.calls == sum(world.calls.values()) <= 2 * (1000 // 100 + 3)
    process.end()
