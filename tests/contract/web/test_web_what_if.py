"""What other rules would have done: played over what is stored, in plain words, writing nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from countermand.bridge.store import State
from countermand.core.status import OPEN
from countermand.web import what_if as page
from web_bench import CANCELLED, NOW, STARTED, Bench, Console, case


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Three orders cancelled before production, one after it began, one untouched, one from long ago."""
    bench = Bench(tmp_path_factory.mktemp("what-if"))
    for number in (1, 2, 3):
        bench.save(case(number, CANCELLED, OPEN), State.NEEDS_PERSON)
    bench.save(case(4, CANCELLED, STARTED), State.NEEDS_PERSON)
    bench.save(case(5))
    bench.save(case(6, CANCELLED, OPEN, at=NOW - timedelta(days=8)), at=NOW - timedelta(days=8))
    with bench.served() as served:
        yield served
    bench.engine.dispose()


def test_only_the_question_stands_there_until_a_rule_is_picked(console: Console) -> None:
    text = console.get("/rules/what-if")
    assert "Pick at least one way to act differently" in text
    assert "as it is: by hand" in text
    assert console.rows("/rules/what-if.json") == []


def test_each_order_says_what_is_done_now_and_what_would_have_been(console: Console) -> None:
    rows = console.rows("/rules/what-if.json?cancel_to_mis=automatic&days=7")
    assert [row["order"] for row in rows] == ["10001", "10002", "10003"]
    assert {(row["now"], row["then"]) for row in rows} == {
        ("A person: Cancel it in printIQ", "Cancelled in printIQ by itself")
    }


def test_the_page_counts_by_kind_and_says_of_how_many(console: Console) -> None:
    text = console.get("/rules/what-if?cancel_to_mis=automatic&days=7")
    assert "3 orders of 5 would have gone another way" in text
    assert re.search(r'data-label="orders:">3</td>', text)
    assert 'href="/orders/harbour-print/10002"' in text


def test_further_back_there_are_more(console: Console) -> None:
    rows = console.rows("/rules/what-if.json?cancel_to_mis=automatic&days=30")
    assert [row["order"] for row in rows] == ["10001", "10002", "10003", "10006"]


def test_the_same_rules_change_nothing(console: Console) -> None:
    text = console.get("/rules/what-if?cancel_to_mis=manual&days=7")
    assert "Nothing would have been different" in text


def test_watching_only_is_said_as_such(console: Console) -> None:
    rows = console.rows("/rules/what-if.json?cancel_to_mis=observe&days=7")
    assert "Cancelled in printIQ: only noted" in {row["then"] for row in rows}


def test_a_button_is_said_as_such(console: Console) -> None:
    rows = console.rows("/rules/what-if.json?cancel_to_mis=assisted&days=7")
    assert {row["then"] for row in rows} == {"A person: Cancel it in printIQ, with a button"}


@pytest.mark.parametrize("query", ["cancel_to_mis=boldly", "days=0", "days=x", "days=30000"])
def test_what_cannot_be_asked_is_said(console: Console, query: str) -> None:
    console.get(f"/rules/what-if?{query}", status=400)


def test_what_takes_too_long_is_cut_short_and_says_so(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_SECONDS", -1.0)
    assert "Not all of them were played" in console.get("/rules/what-if?cancel_to_mis=automatic")


def test_the_journal_holds_nothing_of_it(console: Console) -> None:
    before = console.rows("/journal.json?limit=1000")
    console.get("/rules/what-if?cancel_to_mis=automatic")
    assert console.rows("/journal.json?limit=1000") == before
