"""Whatever is stored, a page reads by indexes: no statement of a page walks through a whole large table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from countermand.core.tasks import TaskKind
from web_bench import CANCELLED, NOW, SENT, STARTED, Bench, case

PAGES = (
    "/", "/orders", "/orders?state=needs_person", "/orders?q=J290", "/orders?q=coffee", "/orders?q=nothing",
    "/orders?q=J290&connection=harbour-print", "/orders/harbour-print/10001", "/orders/10001.json",
    "/orders/harbour-print/10001/cancel", "/needs-a-person", "/needs-a-person?owner=production",
    "/needs-a-person/1", "/sweeps", "/connections", "/rules", "/rules/what-if?cancel_to_mis=automatic",
    "/journal", "/journal?event=line.sighted",
    "/journal?about=10001", "/journal?who=Priya",
)  # fmt: skip
#: Tables with a row or more for every order.
LARGE = ("orders", "reference", "sighting", "inbox", "journal", "task_order")
#: Counted at most every few seconds for all pages together, and from an index alone.
COUNTED_ONCE = re.compile(r"SELECT orders\.state, count\(\*\)")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("reads"))
    bench.task(1)
    bench.task(2, TaskKind.CANCELLED_BUT_MADE)
    for number in range(3, 40):
        bench.save(case(number, *(SENT, SENT) if number % 2 else (CANCELLED, STARTED)))
    bench.message('{"data": [{"Id": "s20010"}]}', at=NOW - timedelta(minutes=1))
    yield bench
    bench.engine.dispose()


@pytest.fixture(scope="module")
def asked(bench: Bench) -> dict[str, list[tuple[str, Any]]]:
    """Every statement that the pages asked, with its values, by page."""
    asked: dict[str, list[tuple[str, Any]]] = {}
    now: list[tuple[str, Any]] = []

    def note(_database: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            now.append((statement, values))

    with bench.served() as console:
        event.listen(Engine, "before_cursor_execute", note)
        for page in PAGES:
            now.clear()
            console.get(page)
            asked[page] = list(now)
        event.remove(Engine, "before_cursor_execute", note)
    return asked


def walks(bench: Bench, statement: str, values: Any) -> list[str]:
    """The steps of the database's plan that go through a large table from end to end.

    A walk along an index is fine where it ends after a page's worth of rows, whatever they hold.
    """
    with bench.engine.begin() as database:
        plan = [row[3] for row in database.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    ends = " LIMIT " in statement and " WHERE " not in statement
    return [
        step
        for step in plan
        if step.startswith("SCAN ")
        and step.split()[1] in LARGE
        and not (ends and " USING " in step and not any("TEMP B-TREE FOR ORDER" in each for each in plan))
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_never_walks_through_a_large_table(
    bench: Bench, asked: dict[str, list[tuple[str, Any]]], page: str
) -> None:
    assert asked[page], "no statement was seen"
    for statement, values in asked[page]:
        if not COUNTED_ONCE.match(statement):
            found = walks(bench, statement, values)
            assert not found, f"{found} in {statement}"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM orders WHERE order_ref = '10001' LIMIT 1",
        "SELECT chain FROM journal_head UNION SELECT chain FROM journal",
        "SELECT id FROM orders ORDER BY po_number LIMIT 10",
    ],
)
def test_a_walk_is_noticed(bench: Bench, statement: str) -> None:
    assert walks(bench, statement, ())
