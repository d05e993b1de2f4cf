"""What the service asks its database at every step is found by an index, however much is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from bridge_fakes import AT_ONCE, DISPATCHED, Small, run

from countermand.bridge.connection import Polling

#: Tables that grow for years.
LARGE = {
    "orders",
    "inbox",
    "sighting",
    "journal",
    "reference",
    "command",
    "cancellation",
    "task",
    "task_order",
    "unlinked_item",
}
#: A walk from end to end, or through everything of one shop.
WALK = re.compile(r"SCAN (\w+)|SEARCH (\w+) USING .*\((?:connection|chain)=\?\)$")


@contextmanager
def heard(small: Small) -> Iterator[set[str]]:
    """Every statement that reaches the database, with its values in it."""
    said: set[str] = set()
    with closing(small.engine.raw_connection()) as connection:
        driver: Any = connection.driver_connection
        driver.set_trace_callback(said.add)
        try:
            yield said
        finally:
            driver.set_trace_callback(None)


def walks(small: Small, statement: str) -> list[str]:
    with small.engine.begin() as database:
        plan = [row[3] for row in database.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    found = [match for step in plan if (match := WALK.match(step))]
    return [match[0] for match in found if (match[1] or match[2]) in LARGE]


async def busy_hour(small: Small) -> None:
    """Orders come, a job is dispatched, one cancelled, and both systems are listed."""
    await small.in_production("10001", "s1", "s2")
    await small.in_production("10002")
    small.mis.change("J10001-01", status=DISPATCHED)
    small.job_hook("J10001-01")
    await small.settle(60)
    small.storefront.cancel_by_hand("10002")
    small.order_hook("10002")
    small.mis.cancel_by_hand("J10001-02")
    for _ in range(30):
        await small.settle(120)


def test_no_step_walks_through_a_table_that_grows() -> None:
    small = Small(AT_ONCE, Polling())
    with heard(small) as said:
        run(busy_hour(small))
    asked = {each for each in said if each.startswith(("SELECT", "UPDATE", "DELETE"))}
    assert sum("inbox" in each for each in asked) > 3
    assert {found: each for each in asked for found in walks(small, each)} == {}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id, body FROM inbox WHERE connection = 'shop' AND (state = 'new' OR due_at < 9) ORDER BY id",
        "SELECT id FROM orders WHERE po_number = '4711'",
    ],
)
def test_a_walk_is_noticed(statement: str) -> None:
    assert walks(Small(), statement)
