"""What is due when, kept beside the database: never anything else than what stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from sqlite3 import Connection as Driver

import pytest
from sqlalchemy import select

from countermand.bridge.store import StoredCase
from countermand.ledger.columns import from_micros, to_micros
from countermand.ledger.schema import orders
from countermand.simulation.agenda import Agenda, PutOff
from countermand.simulation.author import write_script
from countermand.simulation.history import World

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A shop after three days: some orders with looks that were left out."""
    world = World(write_script(2, days=3, orders=6))
    world.run()
    yield world
    world.engine.dispose()


@pytest.fixture
def driver(world: World) -> Iterator[Driver]:
    raw = world.engine.raw_connection()
    assert isinstance(raw.driver_connection, Driver)
    yield raw.driver_connection
    raw.close()


def _stored(driver: Driver) -> dict[str, datetime]:
    rows = driver.execute("SELECT order_ref, due_at FROM orders WHERE due_at IS NOT NULL")
    return {order_ref: from_micros(due_at) for order_ref, due_at in rows}


def _ids(driver: Driver) -> dict[str, int]:
    return dict(driver.execute("SELECT order_ref, id FROM orders"))


def test_it_tells_what_stands_in_the_database(driver: Driver) -> None:
    agenda, stored = Agenda(driver), _stored(driver)
    last = max(stored.values())
    assert agenda.next_order() == min(stored.values())
    assert sorted(agenda.due(min(stored.values()), last)) == sorted((at, ref) for ref, at in stored.items())


def test_what_is_overdue_is_due_now_and_what_is_later_is_left_out(driver: Driver) -> None:
    first, *later = sorted(_stored(driver).values())
    now = first + (later[0] - first) / 2
    assert [at for at, _ in Agenda(driver).due(now, now)] == [now]


def test_it_sees_what_anybody_else_has_changed(driver: Driver) -> None:
    agenda = Agenda(driver)
    before, message = agenda.next_order(), agenda.next_message()
    assert before is not None
    driver.execute("UPDATE orders SET due_at = due_at - ?", (3_600_000_000,))
    driver.execute(
        "INSERT INTO inbox (connection, side, received_at, content_type, body, state) "
        "VALUES ('shop', 'mis', ?, 'application/json', '', 'new')",
        (to_micros(before - 2 * HOUR),),
    )
    assert agenda.next_order() == before - HOUR
    assert message != agenda.next_message() == before - 2 * HOUR


def test_what_is_put_off_is_stored(driver: Driver) -> None:
    agenda, ids = Agenda(driver), _ids(driver)
    order_ref, other, *_ = sorted(_stored(driver))
    later = max(_stored(driver).values()) + HOUR
    agenda.put_off({ids[order_ref]: later, ids[other]: None})
    assert _stored(driver)[order_ref] == later
    assert other not in _stored(driver)
    assert agenda.next_order() == Agenda(driver).next_order() == min(_stored(driver).values())


def _read(world: World) -> dict[str, StoredCase]:
    with world.engine.begin() as database:
        rows = database.execute(select(orders.c.order_ref, orders.c.id, orders.c.version, orders.c.case_file))
        return {ref: StoredCase(id=row_id, version=version, case=case) for ref, row_id, version, case in rows}


def test_a_look_that_was_left_out_reads_as_if_it_were_stored_and_then_is(world: World) -> None:
    told: list[tuple[str, datetime | None]] = []
    put_off = PutOff(lambda order_ref, poll_at: told.append((order_ref, poll_at)))
    before = _read(world)
    (order_ref, stored), (other, _), *_ = before.items()
    poll_at = stored.case.first_seen_at + HOUR
    put_off.note(order_ref, poll_at)
    put_off.note(other, None)
    put_off.saved(other)
    laid_over = {ref: put_off.of(one) for ref, one in before.items()}
    assert laid_over[order_ref].case.poll_at == poll_at != stored.case.poll_at
    assert {ref for ref, one in laid_over.items() if one != before[ref]} == {order_ref}
    assert told == [(order_ref, poll_at), (other, None)]
    with world.engine.begin() as database:
        put_off.write(database)
    assert _read(world) == laid_over
    assert put_off.of(before[order_ref]) == before[order_ref]
