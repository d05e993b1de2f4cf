"""Sweeps, first imports and exports on the command line, against a real service and both simulators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from countermand.cli import main
from countermand.core.policy import Mode
from countermand.core.status import Side
from countermand.demo.stage import Stage
from countermand.demo.world import DEMO_POLICY, NEVER, World, WorldSettings, wait_until

#: Nothing is looked at by schedule, so that what no message tells stays unknown until a sweep comes by.
SETTINGS = WorldSettings(
    policy=replace(
        DEMO_POLICY,
        cancel_to_mis=Mode.AUTOMATIC,
        undo_window=timedelta(0),
        vendor_grace=timedelta(0),
        vendor_may_ship=False,
    ),
    polling=replace(NEVER, sweep_grace=timedelta(0)),
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with World(SETTINGS, tmp_path) as world:
        yield Stage(world)


def command(stage: Stage, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--url", stage.world.console])


def swept(stage: Stage, *more: str) -> tuple[int, dict[str, object]]:
    result = command(stage, "sweep", "--json", *more)
    return result.exit_code, json.loads(result.stdout)


def hush(stage: Stage) -> None:
    """From now on no message reaches us, and none is left that would have an order read beside a sweep."""
    stage.world.put(stage.world.infigo, "/_sim/settings", {"webhooks": []})
    stage.world.put(stage.world.printiq, "/_sim/settings", {"hooks": []})
    stage.rest()


def test_a_sweep_finds_what_no_message_told_and_it_is_put_right(stage: Stage) -> None:
    orders = stage.place_many(4)
    hush(stage)
    stage.cancel_in_infigo(orders[1])
    stage.dispatch(orders[2].jobs[0], "TRK-1")
    code, found = swept(stage)
    assert (code, found["state"], found["compared"], found["differing"]) == (1, "done", 4, 2), found
    assert {one["order"] for one in found["differences"]} == {orders[1].id, orders[2].id}  # type: ignore[attr-defined]
    assert isinstance(found["calls"], int)
    assert found["calls"] > 0
    stage.prove_job_cancelled(orders[1].jobs[0])
    stage.prove_order(orders[2], ShippingStatus="Shipped")
    assert len(stage.writes("printiq", "RunEvent")) == 1

    def agreed() -> bool:
        code, found = swept(stage)
        return code == 0 and found["agreed"] == 4

    wait_until("a sweep to find all in step", agreed)


def test_a_sweep_of_nothing_is_an_error(stage: Stage) -> None:
    result = command(stage, "sweep", "--json")
    assert result.exit_code == 2
    assert "Nothing to compare" in result.output


def test_only_one_sweep_at_a_time_and_none_to_go_on_with(stage: Stage) -> None:
    stage.place_many(1)
    assert swept(stage)[0] == 0
    result = command(stage, "sweep", "--resume")
    assert result.exit_code == 2
    assert "came to its end" in result.output


def test_old_orders_by_search_are_reviewed_and_nothing_is_written(stage: Stage, tmp_path: Path) -> None:
    hush(stage)
    old = [stage.place_only(CreatedOnUtc=f"2025-0{month}-03T09:00:00Z") for month in (3, 5, 7)]
    for order_id in old:
        assert stage.job_in_printiq(order_id)
    stage.world.post(stage.world.infigo, f"/_sim/orders/{old[1]}/cancel")
    before = len(stage.writes("infigo")), len(stage.writes("printiq"))
    brought = command(stage, "import", "--since", "2025-01-01", "--slice-days", "60")
    assert brought.exit_code == 0, brought.output
    assert "3 orders taken in: 2 in step, 1 differ" in brought.output
    listed = command(stage, "import", "review")
    assert [line.split()[0] for line in listed.output.splitlines()[2:]] == [old[1]]
    left = command(
        stage, "import", "review", "--leave", "--all", "--reason", "delivered in 2025", "--by", "Priya Shah"
    )
    assert left.output == "1 orders left as they are.\n"
    wait_until("the review to end", lambda: "No order waits" in command(stage, "import", "review").output)
    assert (len(stage.writes("infigo")), len(stage.writes("printiq"))) == before
    again = command(stage, "import", "--orders", ",".join([*old, "999999"]))
    assert "3 were known, 1 not found" in again.output


def test_the_lines_of_a_running_service_are_exported_and_compared(stage: Stage, tmp_path: Path) -> None:
    orders = stage.place_many(3)
    stage.world.put(stage.world.infigo, "/_sim/settings", {"webhooks": []})
    stage.dispatch(orders[0].jobs[0], "TRK-9")
    stage.prove_order(orders[0], ShippingStatus="Shipped")
    database = f"sqlite:///{tmp_path / 'countermand.db'}"
    out = tmp_path / "today.csv"

    def compared() -> int:
        exported = CliRunner().invoke(main, ["export", "lines", "--database", database, "--out", str(out)])
        assert exported.exit_code == 0, exported.output
        files = [str(out.with_name(f"today-{side.value}.csv")) for side in Side]
        return CliRunner().invoke(main, ["compare", *files, "--quiet"]).exit_code

    wait_until("both sides of every line to be stored as they are", lambda: compared() == 0)
