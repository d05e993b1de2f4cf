"""What is erased is gone from every table and stays gone, and the order is kept in step all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from bridge_fakes import AT_ONCE, SHOP, STARTED, Small, run
from msgspec.structs import replace
from sqlalchemy import Engine, select

from countermand.bridge import people
from countermand.bridge.ports import StorefrontOrder
from countermand.bridge.sightings import described
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction, Mode
from countermand.core.status import Side
from countermand.core.tasks import TaskKind
from countermand.ledger import schema
from countermand.ledger.columns import forget_values
from countermand.ledger.engine import open_engine
from countermand.ledger.inspection import inspect
from countermand.ledger.privacy import drop_raw, erase_order
from countermand.ledger.proof import prove
from countermand.ledger.tasks import touch
from countermand.ledger.upgrade import upgrade
from countermand.proof import verify_proof
from postgres_server import postgres_database

#: Stands in whatever is about the customer of order 10001, and in nothing else.
ZOE = "Zoe"
MANUAL = replace(AT_ONCE, cancel_to_mis=Mode.MANUAL)


@pytest.fixture(params=["sqlite", "postgresql"])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Small]:
    with ExitStack() as stack:
        sqlite = f"sqlite:///{tmp_path / 'ledger.db'}"
        url = sqlite if request.param == "sqlite" else stack.enter_context(postgres_database())
        engine = open_engine(url)
        stack.callback(engine.dispose)
        upgrade(engine)
        small = Small(MANUAL, engine=engine)
        shown = small.storefront.shown

        def with_names(order_id: str) -> StorefrontOrder:
            order = shown(order_id)
            if order_id != "10001":
                return order
            lines = tuple(replace(line, name=f"Cards for {ZOE}") for line in order.lines)
            return replace(order, lines=lines, raw=f'{{"customer": "{ZOE}"}}')

        small.storefront.shown = with_names  # type: ignore[method-assign]
        yield small


def everything(engine: Engine) -> str:
    """All rows of all tables, messages left out: they stay until `retain` empties them."""
    with engine.begin() as database:
        tables = [table for table in schema.metadata.sorted_tables if table is not schema.inbox]
        rows = [list(map(str, row)) for table in tables for row in database.execute(select(table))]
        texts = [list(map(str, row)) for row in database.exec_driver_sql("SELECT case_file FROM orders")]
    return json.dumps([rows, texts], ensure_ascii=False)


def erase(small: Small, order_id: str = "10001") -> None:
    small.writer.write(lambda database: erase_order(database, SHOP, order_id, "Priya Shah", small.clock()))


def note(small: Small, task_id: int, words: str) -> None:
    now = small.clock()
    small.writer.write(
        lambda database: touch(database, task_id, None, "Priya Shah", "wrote a note", now, note=words)
    )


async def cancelled_with_many_words(small: Small) -> None:
    """An order on which everybody had something to say: its customer, people at the desk, both systems."""
    await small.in_production("10001", customer=f"{ZOE} Harbour", po_number=f"PO-{ZOE}-1")
    small.mis.change("J10001-01", title=f"Cards for {ZOE}", raw=ZOE, status=STARTED)
    small.mis.make("J9", customer_reference=f"PO-{ZOE}-1", external_reference="s10001", notes=f"for {ZOE}")
    small.job_hook("J10001-01")
    small.job_hook("J9")
    await small.settle()
    small.storefront.cancel_by_hand("10001")
    small.order_hook("10001")
    await small.settle()
    for task in small.tasks():
        note(small, task.id, f"{ZOE} phoned")
    lines, way = ("s10001",), Direction.CANCEL_TO_MIS
    no = people.refuse(way, lines, "Priya", small.clock(), f"{ZOE} pays", RefusalReason.OTHER)
    await small.deed("10001", no)
    await small.settle()


def test_nothing_about_its_people_is_left_in_any_table(small: Small) -> None:
    run(cancelled_with_many_words(small))
    assert everything(small.engine).count(ZOE) > 10
    erase(small)
    assert ZOE not in everything(small.engine)
    assert inspect(small.engine) == []
    with small.engine.begin() as database:
        proof = json.loads(msgspec.json.encode(prove(database, SHOP, "10001")))
    assert verify_proof.problems(proof) == []


def test_what_both_systems_go_on_to_show_brings_nothing_back(small: Small) -> None:
    async def story() -> None:
        await cancelled_with_many_words(small)
        erase(small)
        small.storefront.orders["10001"].tracking.add("1Z999")
        small.mis.change("J10001-01", title=f"New cards for {ZOE}")
        small.order_hook("10001")
        small.job_hook("J10001-01")
        await small.settle()
        assert "1Z999" in str(await small.case())
        small.connect(MANUAL, replace(small.connection.polling, interval=timedelta(seconds=1)))
        small.clock.advance(60)
        await small.settle()  # as a listing shows it
        case = await small.case()
        assert described(case, small.storefront.shown("10001")) == case

    run(story())
    assert ZOE not in everything(small.engine)


def test_a_job_that_may_be_its_own_brings_nothing_back(small: Small) -> None:
    async def story() -> None:
        await small.in_production("10001")
        small.mis.make("J9", customer_reference="10001", title=f"Copy for {ZOE}", notes=ZOE)
        small.job_hook("J9")
        await small.settle()
        assert ZOE in everything(small.engine)
        erase(small)
        small.mis.change("J9", title=f"Second copy for {ZOE}", raw=ZOE)
        small.job_hook("J9")
        await small.settle()
        assert ZOE not in everything(small.engine), "told by a message"
        small.mis.change("J9", title=f"Third copy for {ZOE}")
        small.connect(MANUAL, replace(small.connection.polling, interval=timedelta(seconds=1)))
        small.clock.advance(60)
        await small.settle()

    run(story())
    assert ZOE not in everything(small.engine), "shown in a listing"
    assert small.unlinked() == {"J9"}


def test_it_is_kept_in_step_all_the_same(small: Small) -> None:
    async def story() -> None:
        await small.in_production("10001", customer=f"{ZOE} Harbour", po_number=f"PO-{ZOE}-1")
        small.connect(AT_ONCE)
        erase(small)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle(steps=6)
        assert small.mis.writes == ["J10001-01"]
        assert await small.rules() == {"both-cancelled"}

    run(story())
    assert ZOE not in everything(small.engine)
    assert inspect(small.engine) == []


def test_a_question_about_other_orders_too_keeps_what_was_said_of_it(small: Small) -> None:
    async def story() -> None:
        for order_id in ("10001", "10002"):
            await small.in_production(order_id)
            small.mis.change(f"J{order_id}-01", status=small.mis.items[f"J{order_id}-01"].status)
        small.storefront.down = "login page"
        for order_id in ("10001", "10002"):
            small.order_hook(order_id)
        await small.settle(seconds=400)

    run(story())
    task = small.task(TaskKind.CANNOT_READ)
    assert small.orders_of_task(task.id) == {"10001", "10002"}
    note(small, task.id, "rang Infigo")
    erase(small)
    assert "rang Infigo" in everything(small.engine)
    assert inspect(small.engine) == []


def test_values_that_were_read_are_forgotten(small: Small) -> None:
    run(small.in_production("10001", customer=f"{ZOE} Harbour"))
    decoded = schema.orders.c.case_file.type._decoded  # type: ignore[attr-defined]
    assert decoded.cache_info().currsize > 0
    forget_values()
    assert decoded.cache_info().currsize == 0


def test_messages_that_nobody_follows_any_more_are_emptied_with_the_others(small: Small) -> None:
    small.hook(Side.STOREFRONT, body=f"not JSON, from {ZOE}".encode())
    small.order_hook("99999")
    run(small.settle())
    for _ in range(8):
        small.clock.advance(4000)
        run(small.settle())
    small.order_hook("99998")
    later = small.clock() + timedelta(days=1)
    assert small.writer.write(lambda database: drop_raw(database, later)) == (2, 0)
    with small.engine.begin() as database:
        bodies = {row.state: bool(row.body) for row in database.execute(select(schema.inbox))}
    assert bodies == {"quarantined": False, "unlinked": False, "new": True}
    assert small.writer.write(lambda database: drop_raw(database, later)) == (0, 0), "counted once"
