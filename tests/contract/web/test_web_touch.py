"""Two people on one task: the second is told, and nothing of theirs is written over the first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from countermand.core.events import Event
from countermand.ledger import records, views
from countermand.ledger.schema import task
from countermand.ledger.tasks import OvertakenError, touch
from countermand.ledger.writer import GroupWriter
from web_bench import NOW, PRIYA, TOM, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.task(1)
    yield made
    made.engine.dispose()


def row(bench: Bench) -> views.TaskRow:
    with bench.engine.begin() as database:
        return views.list_tasks(database)[0]


def assign(bench: Bench, by: str, version: int | None) -> None:
    bench.writer.write(
        lambda database: touch(
            database, 1, version, by, f"assigned it to {by}", NOW, {"assigned_to": by}, "mine"
        )
    )


def test_an_act_is_kept_and_journaled(bench: Bench) -> None:
    seen = row(bench)
    assign(bench, PRIYA, seen.version)
    after = row(bench)
    assert (after.assigned_to, after.version) == (PRIYA, seen.version + 1)
    with bench.engine.begin() as database:
        (entry,) = records.journal_about(database, after.connection, ["task/1"])
    assert entry.event == Event.TASK_CHANGED
    assert entry.actor == PRIYA
    assert "mine" in entry.body


def test_the_second_person_is_told_who_did_what(bench: Bench) -> None:
    seen = row(bench)
    assign(bench, PRIYA, seen.version)
    with pytest.raises(OvertakenError, match=r"Priya Shah assigned it to Priya Shah at .*Nothing of yours"):
        assign(bench, TOM, seen.version)
    assert row(bench).assigned_to == PRIYA


def test_without_a_version_the_newest_is_meant(bench: Bench) -> None:
    assign(bench, PRIYA, None)
    assign(bench, TOM, None)
    assert row(bench).assigned_to == TOM


def test_a_change_by_the_program_is_told_too(bench: Bench) -> None:
    seen = row(bench)
    bench.writer.write(
        lambda database: (
            database.execute(task.update().values(version=task.c.version + 1, last_check="no")) and None
        )
    )
    with pytest.raises(OvertakenError, match="something new was seen"):
        assign(bench, TOM, seen.version)


def test_a_closed_task_takes_nothing_more(bench: Bench) -> None:
    bench.writer.write(
        lambda database: database.execute(task.update().values(state="closed", closed_by=TOM)) and None
    )
    with pytest.raises(OvertakenError, match="closed already, by Tom"):
        assign(bench, PRIYA, None)


def test_a_task_that_never_was(bench: Bench) -> None:
    with pytest.raises(OvertakenError, match="no task 99"):
        bench.writer.write(lambda database: touch(database, 99, None, PRIYA, "x", NOW))


def test_of_many_at_the_same_moment_exactly_one_wins(bench: Bench) -> None:
    version, writer = row(bench).version, GroupWriter(bench.engine)
    start = threading.Barrier(8)
    outcomes: list[int | None] = []

    def try_it(number: int) -> None:
        start.wait()
        try:
            writer.write(
                lambda database: touch(
                    database,
                    1,
                    version,
                    f"person {number}",
                    "took it",
                    NOW + timedelta(seconds=number),
                    {"assigned_to": f"person {number}"},
                )
            )
            outcomes.append(number)
        except OvertakenError:
            outcomes.append(None)

    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    winners = [each for each in outcomes if each is not None]
    assert len(outcomes) == 8
    assert len(winners) == 1
    with bench.engine.begin() as database:
        assert database.scalar(select(task.c.assigned_to)) == f"person {winners[0]}"
        assert len(records.journal_about(database, row(bench).connection, ["task/1"])) == 1
