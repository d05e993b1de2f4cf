"""The one writer: many at once, nobody hurt by another's failure, nobody told too early."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from countermand.ledger.engine import open_engine
from countermand.ledger.writer import GroupWriter, InlineWriter, Writer


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'writer.db'}")
    with made.execution_options(writing=True).begin() as connection:
        connection.execute(text("CREATE TABLE number (n INTEGER PRIMARY KEY)"))
    yield made
    made.dispose()


@pytest.fixture(params=[InlineWriter, GroupWriter])
def writer(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Writer]:
    made: Writer = request.param(engine)
    yield made
    made.close()


@pytest.fixture
def group(engine: Engine) -> Iterator[GroupWriter]:
    made = GroupWriter(engine)
    yield made
    made.close()


def add(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO number VALUES (:n)"), {"n": number})
        return number

    return work


def numbers(engine: Engine) -> set[int]:
    with engine.begin() as connection:
        return set(connection.scalars(text("SELECT n FROM number")))


def test_what_returned_is_there(writer: Writer, engine: Engine) -> None:
    assert writer.write(add(1)) == 1
    assert numbers(engine) == {1}


def test_a_failing_piece_fails_alone(writer: Writer, engine: Engine) -> None:
    def half_done(connection: Connection) -> None:
        add(2)(connection)
        raise ValueError("half done")

    writer.write(add(1))
    with pytest.raises(ValueError, match="half done"):
        writer.write(half_done)
    writer.write(add(3))
    assert numbers(engine) == {1, 3}


def test_many_threads_lose_nothing_and_each_gets_its_own_answer(group: GroupWriter, engine: Engine) -> None:
    def work(number: int) -> int:
        if number % 10 == 0:
            with pytest.raises(Exception, match="UNIQUE"):
                group.write(add(-1))
        return group.write(add(number))

    group.write(add(-1))
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(400))) == list(range(400))
    assert numbers(engine) == {-1, *range(400)}


def held_up(group: GroupWriter) -> tuple[threading.Event, threading.Thread]:
    """Keep the writer busy until the event is set, so that what follows is done together."""
    go, began = threading.Event(), threading.Event()

    def wait(_connection: Connection) -> None:
        began.set()
        assert go.wait(10)

    thread = threading.Thread(target=group.write, args=(wait,))
    thread.start()
    assert began.wait(10)
    return go, thread


def test_one_that_fails_in_a_group_takes_no_other_with_it(group: GroupWriter, engine: Engine) -> None:
    go, thread = held_up(group)
    with ThreadPoolExecutor(3) as pool:
        good = [pool.submit(group.write, add(number)) for number in (1, 2)]
        bad = pool.submit(group.write, lambda connection: connection.execute(text("nonsense")))
        go.set()
        assert [one.result(10) for one in good] == [1, 2]
        with pytest.raises(Exception, match="syntax error"):
            bad.result(10)
    thread.join(10)
    assert numbers(engine) == {1, 2}


def test_when_the_commit_fails_nobody_is_told_that_it_is_done(group: GroupWriter, engine: Engine) -> None:
    def break_the_transaction(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    go, thread = held_up(group)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(group.write, add(1))
        while group._queue.qsize() < 1:
            pass
        breaking = pool.submit(group.write, break_the_transaction)
        while group._queue.qsize() < 2:
            pass
        go.set()
        with pytest.raises(Exception):  # noqa: B017 - whichever the driver says
            breaking.result(10)
        with pytest.raises(Exception):  # noqa: B017
            first.result(10)
    thread.join(10)
    assert numbers(engine) == set()
    assert group.write(add(2)) == 2


def test_who_stopped_waiting_does_not_get_it_done_behind_their_back(
    group: GroupWriter, engine: Engine
) -> None:
    async def story() -> None:
        waiting = asyncio.ensure_future(group.write_async(add(1)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go.set()
        assert await group.write_async(add(2)) == 2

    go, thread = held_up(group)
    asyncio.run(story())
    thread.join(10)
    assert numbers(engine) == {2}


def test_closing_finishes_what_is_queued(engine: Engine) -> None:
    group = GroupWriter(engine)
    go, thread = held_up(group)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(group.write, add(number)) for number in range(20)]
        while group._queue.qsize() < 20:
            pass
        go.set()
        group.close()
        assert [one.result(10) for one in answers] == list(range(20))
    thread.join(10)
    assert numbers(engine) == set(range(20))


def test_after_closing_nobody_waits_for_ever(engine: Engine) -> None:
    group = GroupWriter(engine)
    group.close()
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="closed"):
        pool.submit(group.write, add(1)).result(5)
    group.close()
