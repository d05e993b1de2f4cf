"""An order on which the program itself fails in a sweep: it has a task, and the sweep comes to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import select
from sweep_world import CANCELLED, POLICY, SHOP, Process, World

from countermand.bridge.case import Case
from countermand.bridge.ports import MisItem, MisRef
from countermand.bridge.sweep import Skip, Sweep, SweepState
from countermand.bridge.sweeper import Sweeper
from countermand.core.command import Answer, Outcome
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Verdict
from countermand.ledger import schema

FAULT = ValueError("a status of 7 parts")
SAID = "ValueError: a status of 7 parts"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Process]:
    process = Process(World(orders=8, drifts=0, seed=1, change_every=1000), tmp_path / "ledger.db")
    process.fill()
    yield process
    process.end()


def sweeping(process: Process, **fields: object) -> list[str]:
    """Use such a connection for the sweep; returns what it will tell of our errors."""
    told: list[str] = []
    connection = replace(process.sweeper._connection, **fields)
    process.sweeper = Sweeper(
        connection, process.sweeper_store, process.world.clock, lambda about, _fault: told.append(about)
    )
    return told


async def sweep_alone(process: Process, most_steps: int = 60) -> Sweep:
    """A sweep to its end with no loop beside it."""
    assert await process.sweeper_store.begin_sweep(SHOP, "Priya Shah", None, process.world.clock())
    for _ in range(most_steps):
        if await process.sweeper_store.running_sweep(SHOP) is None:
            return process.newest()
        await process.sweeper.step()
    raise AssertionError(f"the sweep is stuck: {process.newest()}")


def tasks(process: Process) -> dict[str, str]:
    """What the tasks about errors of ours say, by order."""
    task, pair, orders = schema.task, schema.task_order, schema.orders
    statement = (
        select(orders.c.order_ref, task.c.detail)
        .join(pair, pair.c.order_id == orders.c.id)
        .join(task, task.c.id == pair.c.task_id)
        .where(task.c.kind == TaskKind.PROGRAM_ERROR.value)
    )
    with process.engine.begin() as database:
        return {str(row[0]): str(row[1]) for row in database.execute(statement)}


def skipped(process: Process) -> dict[int, str]:
    return process.found(process.newest(), "skipped")


def test_one_order_that_our_code_fails_to_read_does_not_stop_the_sweep(shop: Process) -> None:
    class Failing(type(shop.sweeper._connection.mis)):  # type: ignore[misc]  # the fake's own type
        async def read(self, refs: Sequence[MisRef]) -> list[MisItem]:
            if any(ref.ref == "J100003-01" for ref in refs):
                raise FAULT
            found: list[MisItem] = await super().read(refs)
            return found

    shop.world.truth[5].storefront = CANCELLED
    told = sweeping(shop, mis=Failing(shop.world))
    sweep = asyncio.run(sweep_alone(shop))
    assert (sweep.state, sweep.compared, sweep.differing, sweep.skipped) == (SweepState.DONE, 7, 1, 1)
    assert skipped(shop) == {3: Skip.LOOK_PENDING}
    assert tasks(shop) == {"100003": SAID}
    assert "order/100003" in told


@pytest.mark.parametrize("differing", [False, True])
def test_nor_one_that_it_fails_to_judge(
    shop: Process, differing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Sweeper._verdicts

    def stumbles(self: Sweeper, case: Case) -> dict[str, Verdict]:
        if case.order_id == "100003":
            raise FAULT
        return real(self, case)

    monkeypatch.setattr(Sweeper, "_verdicts", stumbles)
    if differing:
        for number in (2, 3, 5):
            shop.world.truth[number].storefront = CANCELLED
    sweeping(shop)
    sweep = asyncio.run(sweep_alone(shop))
    assert sweep.state is SweepState.DONE
    assert (sweep.compared, sweep.differing, sweep.skipped) == (7, 2 if differing else 0, 1)
    assert tasks(shop) == {"100003": SAID}


def test_what_fails_while_it_is_stored_is_not_counted_as_if_it_agreed(
    shop: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts are stored with the orders' changes: none of them may be stored without the others."""
    real = Sweeper._finding

    def stumbles(self: Sweeper, change: object, saved: bool) -> object:
        if change.case.order_id == "100003":  # type: ignore[attr-defined]  # a Change
            raise FAULT
        return real(self, change, saved)  # type: ignore[arg-type]

    monkeypatch.setattr(Sweeper, "_finding", stumbles)
    for number in (2, 3, 5):
        shop.world.truth[number].storefront = CANCELLED
    sweeping(shop)
    sweep = asyncio.run(sweep_alone(shop))
    assert (sweep.agreed, sweep.differing, sweep.skipped) == (5, 2, 1)
    assert set(shop.found(sweep, "differing")) == {2, 5}
    assert tasks(shop) == {"100003": SAID}


def test_what_the_others_were_answered_is_stored_where_one_write_fails(shop: Process) -> None:
    class Failing(type(shop.sweeper._connection.mis)):  # type: ignore[misc]  # the fake's own type
        async def cancel(self, ref: MisRef) -> Answer:
            if ref.ref == "J100003-01":
                raise FAULT
            answer: Answer = await super().cancel(ref)
            return answer

    for number in (2, 3, 4):
        shop.world.truth[number].storefront = CANCELLED
    at_once = replace(POLICY, undo_window=timedelta(0), vendor_grace=timedelta(0))
    told = sweeping(shop, mis=Failing(shop.world), policy=at_once)
    sweep = asyncio.run(sweep_alone(shop))
    assert (sweep.state, sweep.compared, sweep.differing) == (SweepState.DONE, 8, 3)
    outcomes = {}
    for order_id, stored in asyncio.run(shop.store.load(SHOP, ["100002", "100003", "100004"])).items():
        (written,) = stored.case.writes
        outcomes[order_id] = written.command.outcome
    assert outcomes == {
        "100002": Outcome.APPLIED, "100003": Outcome.UNKNOWN, "100004": Outcome.APPLIED,
    }  # fmt: skip
    (about,) = told
    assert about.startswith("write/100003-")


def test_an_error_at_its_end_is_no_orders_and_is_said(shop: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stumbles(_self: Sweeper, _sweep: Sweep) -> None:
        raise FAULT

    monkeypatch.setattr(Sweeper, "_end", stumbles)
    sweeping(shop)
    with pytest.raises(ValueError, match="a status of 7 parts"):
        asyncio.run(sweep_alone(shop))
    assert tasks(shop) == {}


def test_damage_of_the_ledger_is_said_and_no_order_is_passed_over(shop: Process) -> None:
    with shop.engine.execution_options(writing=True).begin() as database:
        database.exec_driver_sql("UPDATE orders SET case_file = '{}' WHERE order_ref = '100003'")
    told = sweeping(shop)
    with pytest.raises(msgspec.ValidationError):
        asyncio.run(sweep_alone(shop))
    assert shop.newest().position == 0
    assert told == []
