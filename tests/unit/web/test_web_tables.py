"""Lists as CSV and JSON, and their paging."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from countermand.web.problem import Problem
from countermand.web.tables import MOST_ROWS, as_csv, limit_of, next_page, query, rows_response, wanted_format


def request(path: str = "/orders", query_string: str = "") -> Request:
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": path, "scheme": "http", "server": ("console", 8100),
        "query_string": query_string.encode(), "headers": [],
    }  # fmt: skip
    return Request(scope)


@pytest.mark.parametrize(
    ("path", "format"),
    [("/orders", "html"), ("/orders.csv", "csv"), ("/orders.json", "json"), ("/a.b", "html")],
)
def test_the_address_says_the_format(path: str, format: str) -> None:
    assert wanted_format(request(path)) == format


def test_limits() -> None:
    assert limit_of(request()) == 50
    assert limit_of(request(query_string="limit=7")) == 7
    for bad in ("0", "-1", "x", str(MOST_ROWS + 1), "1.5", ""):
        with pytest.raises(Problem):
            limit_of(request(query_string=f"limit={bad}"))


def test_paging_keeps_the_filter() -> None:
    asked = request("/orders.csv", "state=in_step&after=1-2")
    assert next_page(asked, 2, ["5-6", "7-8"]) == "/orders.csv?state=in_step&after=7-8"
    assert next_page(asked, 2, ["5-6"]) == ""
    assert query(asked, after=None, state=None) == ""


def test_a_further_page_is_named_in_header_and_body() -> None:
    answer = rows_response(request("/orders.json"), "orders", [{"order": "1"}], "/orders.json?after=1-2")
    assert answer.headers["link"] == '</orders.json?after=1-2>; rel="next"'
    assert msgspec.json.decode(answer.body) == {"rows": [{"order": "1"}], "next": "/orders.json?after=1-2"}


def test_csv_cells_are_plain_values() -> None:
    at = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    text = as_csv([{"a": None, "b": at, "c": ("x", "y"), "d": 'say "hi", please', "e": 3}])
    assert list(csv.reader(io.StringIO(text))) == [
        ["a", "b", "c", "d", "e"],
        ["", "2026-11-23T14:05:00+00:00", "x, y", 'say "hi", please', "3"],
    ]


def test_no_rows_are_an_empty_file() -> None:
    assert as_csv([]) == ""


@given(st.text())
def test_a_cell_is_never_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(as_csv([{"a": text, "b": "end"}]), newline="")))
    assert rows[1][0][:1] not in ("=", "+", "-", "@")
    assert rows[1][0].removeprefix("'") == text.removeprefix("'")
