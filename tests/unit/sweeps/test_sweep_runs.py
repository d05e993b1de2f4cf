"""What a sweep leaves alone, when it begins and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace
from sqlalchemy import update
from sweep_world import CANCELLED, SHOP, START, Process, World

from countermand.bridge.case import Case, Checking, Written
from countermand.bridge.connection import Polling
from countermand.bridge.ports import MisItem
from countermand.bridge.sweep import (
    SKIP_MEANING,
    Batch,
    Found,
    Skip,
    Sweep,
    SweepMovedError,
    SweepState,
)
from countermand.bridge.sweeper import BLOCKED_FOR, MOST_BLOCKS, Sweeper
from countermand.core.command import Change, Command, Outcome
from countermand.core.status import Side, Unreadable
from countermand.ledger import schema, sweeps

T = TypeVar("T")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Process]:
    process = Process(World(orders=8, drifts=0, seed=1, change_every=1000), tmp_path / "ledger.db")
    process.fill()
    yield process
    process.end()


def run(process: Process) -> Sweep:
    return asyncio.run(process.sweep())


def alter(process: Process, number: int, **fields: object) -> None:
    """Put something into an order's case file behind everybody's back."""
    orders = schema.orders
    stored = asyncio.run(process.store.load(SHOP, [str(100_000 + number)]))[str(100_000 + number)]
    case: Case = replace(stored.case, **fields)
    with process.engine.execution_options(writing=True).begin() as database:
        database.execute(update(orders).where(orders.c.id == stored.id).values(case_file=case))


def skipped(process: Process) -> dict[int, str]:
    return process.found(process.newest(), "skipped")


# What is left alone


def test_an_order_that_is_about_to_be_looked_at_is_left_to_that_look(shop: Process) -> None:
    later = START + timedelta(minutes=1)
    alter(shop, 1, look_storefront_at=later)
    alter(shop, 2, look_mis_at=later)
    alter(shop, 3, checking=(Checking(task=7, by="Priya Shah", at=START),))
    sweep = asyncio.run(alone(shop))
    assert skipped(shop) == dict.fromkeys((1, 2, 3), Skip.LOOK_PENDING)
    assert (sweep.compared, sweep.skipped) == (5, 3)


async def alone(process: Process) -> Sweep:
    """A sweep with no loop beside it that would deal with the rest."""
    begun = await process.sweeper_store.begin_sweep(SHOP, "Priya Shah", None, process.world.clock())
    assert begun is not None
    while await process.sweeper_store.running_sweep(SHOP) is not None:
        await process.sweeper.step()
    return process.newest()


def test_an_order_with_a_write_of_ours_on_its_way_is_left_alone(shop: Process) -> None:
    command = Command(target=Side.MIS, change=Change.CANCEL, sent_at=START, attempts=1)
    alter(shop, 4, writes=(Written(id="w1", command=command, line_ids=("s100004",)),))
    asyncio.run(alone(shop))
    assert skipped(shop) == {4: Skip.WRITE_OPEN}


def test_an_order_with_a_write_of_ours_that_was_refused_is_compared(shop: Process) -> None:
    command = Command(
        target=Side.MIS, change=Change.CANCEL, sent_at=START, answered_at=START, outcome=Outcome.REFUSED
    )
    alter(shop, 4, writes=(Written(id="w1", command=command, line_ids=("s100004",)),))
    asyncio.run(alone(shop))
    assert skipped(shop) == {}


def test_a_change_of_a_moment_ago_is_left_to_the_loop(shop: Process) -> None:
    orders = schema.orders
    with shop.engine.execution_options(writing=True).begin() as database:
        of_it = orders.c.order_ref == "100005"
        database.execute(update(orders).where(of_it).values(changed_at=START - timedelta(seconds=30)))
    run(shop)
    assert skipped(shop) == {5: Skip.YOUNG_CHANGE}


def test_whoever_changes_an_order_while_it_is_read_wins(shop: Process) -> None:
    class Overtaken(type(shop.sweeper._connection.mis)):  # type: ignore[misc]  # the fake's own type
        async def read(self, refs: list[object]) -> list[MisItem]:
            found: list[MisItem] = await super().read(refs)
            orders = schema.orders
            with shop.engine.execution_options(writing=True).begin() as database:
                newer = update(orders).where(orders.c.order_ref == "100002")
                database.execute(newer.values(version=orders.c.version + 1))
            return found

    shop.world.truth[2].storefront = CANCELLED
    mis = Overtaken(shop.world)
    shop.sweeper = sweeper_with(shop, mis=mis)
    sweep = asyncio.run(alone(shop))
    assert skipped(shop) == {2: Skip.OVERTAKEN}
    assert sweep.differing == 0
    stored = asyncio.run(shop.store.load(SHOP, ["100002"]))["100002"]
    assert not stored.case.order_cancelled, "the sweep stored what it had read all the same"


def sweeper_with(process: Process, polling: Polling | None = None, **ports: object) -> Sweeper:
    connection = process.sweeper._connection
    fields = {"polling": polling or connection.polling, **ports}
    return Sweeper(replace(connection, **fields), process.sweeper_store, process.world.clock)


def test_one_order_that_cannot_be_read_is_skipped_and_its_case_stays_as_it_is(shop: Process) -> None:
    class Torn(type(shop.sweeper._connection.mis)):  # type: ignore[misc]  # the fake's own type
        async def read(self, refs: list[object]) -> list[MisItem]:
            found: list[MisItem] = await super().read(refs)
            return [
                replace(item, status=Unreadable("a login page")) if item.ref == "J100006-01" else item
                for item in found
            ]

    before = shop.versions()
    shop.sweeper = sweeper_with(shop, mis=Torn(shop.world))
    asyncio.run(alone(shop))
    assert skipped(shop) == {6: Skip.UNREADABLE}
    assert shop.versions() == before


def test_both_sides_changing_between_its_two_reads_is_no_difference(shop: Process) -> None:
    """The storefront is read, then the vendors' plugin cancels both, then the MIS is read."""

    class Quick(type(shop.sweeper._connection.mis)):  # type: ignore[misc]  # the fake's own type
        async def read(self, refs: list[object]) -> list[MisItem]:
            shop.world.truth[3].storefront = shop.world.truth[3].mis = CANCELLED
            found: list[MisItem] = await super().read(refs)
            return found

    shop.sweeper = sweeper_with(shop, mis=Quick(shop.world))
    sweep = asyncio.run(alone(shop))
    assert (sweep.differing, sweep.agreed) == (0, 8)
    case = asyncio.run(shop.store.load(SHOP, ["100003"]))["100003"].case
    assert ({line.rule for line in case.lines}, case.tasks) == ({"both-cancelled"}, ())


def test_every_reason_has_words_for_people() -> None:
    assert SKIP_MEANING.keys() == set(Skip)


# How it ends


class Down:
    """A port of which no read gets an answer."""

    def __init__(self, port: object) -> None:
        self._port = port
        self.down = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._port, name)

    async def read(self, refs: list[object]) -> list[MisItem]:
        found: list[MisItem] = await self._port.read(refs)  # type: ignore[attr-defined]  # a MisPort
        return [replace(item, status=Unreadable("no answer")) for item in found] if self.down else found


def test_a_system_that_is_down_is_waited_for_and_says_nothing_about_its_orders(shop: Process) -> None:
    down = Down(shop.sweeper._connection.mis)
    shop.sweeper = sweeper_with(shop, mis=down)
    asyncio.run(begin(shop))
    assert not asyncio.run(shop.sweeper.step())
    assert shop.newest().position == 0
    assert not asyncio.run(shop.sweeper.step()), "it did not wait"
    down.down = False
    shop.world.clock.now += BLOCKED_FOR
    while asyncio.run(shop.sweeper.step()):
        pass
    assert (shop.newest().state, shop.newest().agreed) == (SweepState.DONE, 8)


async def begin(process: Process, by: str = "Priya Shah") -> Sweep:
    begun = await process.sweeper_store.begin_sweep(SHOP, by, None, process.world.clock())
    assert begun is not None
    return begun


def test_a_system_that_stays_down_ends_the_sweep_with_the_reason_and_it_can_be_taken_up_again(
    shop: Process,
) -> None:
    down = Down(shop.sweeper._connection.mis)
    shop.sweeper = sweeper_with(shop, mis=down)
    asyncio.run(begin(shop))
    for _ in range(MOST_BLOCKS):
        asyncio.run(shop.sweeper.step())
        shop.world.clock.now += BLOCKED_FOR
    failed = shop.newest()
    assert (failed.state, failed.reason) == (SweepState.FAILED, "printIQ could not be read: no answer")
    down.down = False
    with shop.engine.execution_options(writing=True).begin() as database:
        assert sweeps.resume_sweep(database, SHOP, shop.world.clock()) is not None
    while asyncio.run(shop.sweeper.step()):
        pass
    assert (shop.newest().id, shop.newest().state) == (failed.id, SweepState.DONE)
    assert shop.newest().agreed == 8


def test_a_run_that_compared_nothing_is_an_error_and_says_why(shop: Process) -> None:
    for number in range(8):
        alter(shop, number, look_mis_at=START + timedelta(hours=1))
    sweep = asyncio.run(alone(shop))
    assert (sweep.state, sweep.compared, sweep.skipped) == (SweepState.FAILED, 0, 8)
    assert sweep.reason == (
        "Nothing was compared. All 8 orders were skipped (8: it is about to be looked at anyway)."
    )


def test_a_sweep_that_was_stopped_stores_nothing_more(shop: Process) -> None:
    sweep = asyncio.run(begin(shop))
    with shop.engine.execution_options(writing=True).begin() as database:
        assert sweeps.stop_sweep(database, sweep.id, "Tom Reed", START)
    batch = Batch(sweep=sweep.id, begins=0, ends=5, agreed=5, findings=(), calls=2, seconds=1.0, at=START)
    with pytest.raises(SweepMovedError):
        asyncio.run(shop.sweeper_store.save_batch(batch))
    assert (shop.newest().state, shop.newest().reason) == (SweepState.STOPPED, "stopped by Tom Reed")
    assert shop.newest().compared == 0


def test_a_batch_is_stored_once_even_if_two_processes_read_it(shop: Process) -> None:
    sweep = asyncio.run(begin(shop))
    batch = Batch(sweep=sweep.id, begins=0, ends=5, agreed=5, findings=(), calls=2, seconds=1.0, at=START)
    asyncio.run(shop.sweeper_store.save_batch(batch))
    with pytest.raises(SweepMovedError):
        asyncio.run(shop.sweeper_store.save_batch(batch))
    assert shop.newest().agreed == 5


def test_a_sweep_that_came_to_its_end_is_not_taken_up_again(shop: Process) -> None:
    run(shop)
    with shop.engine.execution_options(writing=True).begin() as database:
        assert sweeps.resume_sweep(database, SHOP, START) is None


def test_only_one_sweep_at_a_time(shop: Process) -> None:
    asyncio.run(begin(shop))
    again = shop.sweeper_store.begin_sweep(SHOP, "Tom Reed", None, START)
    assert asyncio.run(again) is None


# When it begins


def test_it_begins_by_itself_when_its_time_has_come_and_not_before(shop: Process) -> None:
    polling = Polling(sweep_every=timedelta(hours=24), stop_after=timedelta(days=60))
    shop.sweeper = sweeper_with(shop, polling)
    shop.world.clock.now = START + timedelta(hours=23)
    assert not asyncio.run(shop.sweeper.step())
    shop.world.clock.now = START + timedelta(hours=24)
    while asyncio.run(shop.sweeper.step()):
        pass
    first = shop.newest()
    assert (first.by, first.state, first.agreed) == ("countermand", SweepState.DONE, 8)
    shop.world.clock.now += timedelta(hours=23)
    assert not asyncio.run(shop.sweeper.step())
    shop.world.clock.now += timedelta(hours=2)
    assert asyncio.run(shop.sweeper.step())
    assert shop.newest().id > first.id


def test_by_schedule_what_rests_for_ever_is_left_out(shop: Process) -> None:
    orders, long_ago = schema.orders, START - timedelta(days=400)
    with shop.engine.execution_options(writing=True).begin() as database:
        old = orders.c.order_ref.in_(["100001", "100002"])
        database.execute(update(orders).where(old).values(changed_at=long_ago, placed_at=long_ago))
        resting = orders.c.order_ref == "100001"
        database.execute(update(orders).where(resting).values(due_at=None))
    shop.sweeper = sweeper_with(shop, Polling(sweep_every=timedelta(hours=1)))
    shop.world.clock.now = START + timedelta(hours=1)
    while asyncio.run(shop.sweeper.step()):
        pass
    assert shop.newest().agreed == 7, "the order that is still open has to be among them"
    assert run(shop).agreed == 8, "a person's sweep leaves nothing out"


def test_a_shop_without_orders_begins_no_sweep(tmp_path: Path) -> None:
    empty = Process(World(0, 0, 1, 1000), tmp_path / "ledger.db")
    empty.sweeper = sweeper_with(empty, Polling(sweep_every=timedelta(hours=1)))
    empty.world.clock.now = START + timedelta(days=2)
    assert not asyncio.run(empty.sweeper.step())
    with empty.engine.begin() as database:
        assert sweeps.list_sweeps(database) == []
    empty.end()


def test_findings_say_whether_they_were_known_before(shop: Process) -> None:
    shop.world.truth[3].mis = None
    first = run(shop)
    asyncio.run(shop.come_to_rest())
    shop.world.clock.now += timedelta(minutes=10)
    second = run(shop)
    with shop.engine.begin() as database:
        news = [row.is_new for row in sweeps.findings(database, first.id, Found.DIFFERING)]
        known = [row.is_new for row in sweeps.findings(database, second.id, Found.DIFFERING)]
    assert (news, known) == ([True], [False])
