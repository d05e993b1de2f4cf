"""Closed tasks: how, by whom and when, the newest first; nothing of them waits or costs anything any more."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.ledger import schema, views
from web_bench import NOW, TOM, Bench, Console

KINDS = (TaskKind.REFUND, TaskKind.CANCEL_IN_MIS, TaskKind.CANCELLED_BUT_MADE)
COSTS = [html.escape(TASK_TYPES[kind].cost) for kind in KINDS]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Seven tasks, opened one after another, each closed by Tom two hours after it was opened."""
    made = Bench(tmp_path)
    for number in range(1, 8):
        made.task(number, KINDS[number % 3])
    task = schema.task
    closed = {
        "state": "closed", "closed_by": TOM, "closed_how": "word", "close_reason": "told the customer",
        "opened_at": NOW - timedelta(hours=5), "closed_at": NOW - timedelta(hours=3),
    }  # fmt: skip
    made.writer.write(lambda database: database.execute(task.update().values(closed)) and None)
    yield made
    made.engine.dispose()


@pytest.fixture
def console(bench: Bench) -> Iterator[Console]:
    with bench.served() as served:
        yield served


def plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_the_newest_stands_first_however_urgent_and_page_by_page(bench: Bench) -> None:
    seen: list[int] = []
    after = ""
    with bench.engine.begin() as database:
        while rows := views.list_tasks(database, state="closed", limit=3, after=after):
            seen += [row.id for row in rows]
            after = rows[-1].key
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_the_list_says_how_each_ended_and_not_what_waiting_would_cost(console: Console) -> None:
    text = console.get("/needs-a-person?state=closed")
    rows = re.findall(r"<article.*?</article>", text, re.S)
    assert len(rows) == 7
    for row in rows:
        assert "Waited 2 h Closed 3 h ago , Tom Óg" in plain(row)
        assert "told the customer" in row
        assert not any(cost in row for cost in COSTS)
        assert "<dt>Due</dt>" not in row
    assert 'class="badge stop"' not in text, "nothing of it is urgent any more"


def test_the_page_of_one_counts_no_further_and_is_not_due(console: Console) -> None:
    text = console.get("/needs-a-person/5")
    assert "<dt>Waited</dt><dd>2 h</dd>" in text
    assert "<dt>Due</dt>" not in text
    assert not any(cost in text for cost in COSTS)
