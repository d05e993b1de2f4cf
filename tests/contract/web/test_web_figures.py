"""The overview's figures against a second way of counting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, insert, select

from countermand.ledger import schema
from countermand.ledger.figures import figures
from web_bench import SHOP, Bench, case

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    for number in range(4):
        made.save(case(number, at=NOW - timedelta(days=30)), at=NOW - timedelta(days=30))
    yield made
    made.engine.dispose()


def write(
    bench: Bench, name: str, proven: datetime | None, seen: datetime, *, change: str = "ship", order: int = 0
) -> None:
    """A write of ours towards the storefront, because the MIS was seen to have changed."""
    target = "mis" if change == "cancel" else "storefront"
    side = "storefront" if target == "mis" else "mis"

    def work(database: Connection) -> None:
        row_id = database.scalar(
            select(schema.orders.c.id).where(schema.orders.c.order_ref == str(10_000 + order))
        )
        database.execute(
            insert(schema.command).values(
                id=name, order_id=row_id, connection=SHOP, target=target, change=change, about="order",
                sent_at=(proven or seen) - timedelta(milliseconds=300), attempts=1, verified_at=proven,
            )
        )  # fmt: skip
        database.execute(
            insert(schema.sighting).values(
                order_id=row_id, side=side, ref="J1", began_at=seen, before="open/none", after="x"
            )
        )

    bench.writer.write(work)


def test_days_are_the_viewers(bench: Bench) -> None:
    # 23:30 UTC is the next day in Auckland.
    late = NOW.replace(hour=23, minute=30) - timedelta(days=2)
    write(bench, "w1", late, late - timedelta(seconds=2))
    with bench.engine.begin() as database:
        utc = figures(database, NOW, timedelta(0))
        offset = NOW.astimezone(ZoneInfo("Pacific/Auckland")).utcoffset()
        assert offset is not None
        there = figures(database, NOW, offset)
    (here_on,) = (day.number for day in utc.days if day.total)
    (there_on,) = (day.number for day in there.days if day.total)
    assert there_on == here_on + 1
    assert utc.days[-1].number == there.days[-1].number - 1
    assert len(utc.days) == len(there.days) == 14


def test_what_is_counted(bench: Bench) -> None:
    yesterday = NOW - timedelta(days=1)
    write(bench, "w1", yesterday, yesterday - timedelta(seconds=2), order=0)
    write(bench, "w2", yesterday, yesterday - timedelta(seconds=4), change="cancel", order=1)
    write(bench, "w3", None, yesterday, order=2)
    write(bench, "w4", NOW - timedelta(days=20), NOW - timedelta(days=20), order=3)
    with bench.engine.begin() as database:
        found = figures(database, NOW, timedelta(0))
    assert (found.dispatches, found.cancels, found.saved, found.jobs_stopped) == (1, 1, 2, 1)
    assert found.timed == 2
    assert found.half_within == timedelta(seconds=4)
    assert found.most_within == timedelta(seconds=4)


def test_percentiles_over_many(bench: Bench) -> None:
    for number in range(20):
        at = NOW - timedelta(hours=number + 1)
        write(bench, f"w{number}", at, at - timedelta(seconds=number + 1), order=number % 4)
    with bench.engine.begin() as database:
        found = figures(database, NOW, timedelta(0))
    assert found.timed == 20
    assert found.most_within is not None
    assert found.half_within is not None
    assert found.half_within < found.most_within


def test_nothing_yet(bench: Bench) -> None:
    with bench.engine.begin() as database:
        found = figures(database, NOW, timedelta(0))
    assert (found.saved, found.timed, found.half_within) == (0, 0, None)
    assert [day.total for day in found.days] == [0] * 14
