"""Lenient reading of single fields, and the one tracking text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.vendor_http.fields import (
    as_flag,
    as_int,
    as_text,
    as_time,
    pick,
    rows,
    tracking_codes,
)


def test_pick_follows_a_path_in_any_case() -> None:
    assert pick({"Quote": {"Id": "Q5"}}, "quote.id") == "Q5"
    assert pick({"Id": 1, "id": 2}, "id") == 2
    assert pick({"Quote": None}, "Quote.Id") is None
    assert pick([1], "Id") is None


def test_rows_are_a_list_or_nothing() -> None:
    assert rows({"Lines": [1, 2]}, "lines") == [1, 2]
    assert rows({"Lines": {"Id": 1}}, "Lines") is None
    assert rows(None, "Lines") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(" a ", "a"), (5, "5"), (5.0, "5"), (1.5, "1.5"), (True, ""), (None, ""), ({}, ""), ([], "")],
)
def test_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [("12", 12), (12, 12), (12.0, 12), ("-3", -3), ("1.5", None), ("", None), ("١٢", None), (True, None)],
)
def test_as_int(value: object, number: int | None) -> None:
    assert as_int(value) == number


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), ("True", True), (0, False), ("no", False), ("maybe", None), (None, None), (2, None)],
)
def test_as_flag(value: object, flag: bool | None) -> None:
    assert as_flag(value) is flag


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00",
        "2026-11-23T12:00:00+02:00",
        "2026-11-23T10:00:00.0000000",
        "/Date(1795428000000)/",
        "/Date(1795428000000+1300)/",
    ],
)
def test_times_are_utc(text: str) -> None:
    assert as_time(text) == datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "23/11/2026",
        None,
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "0001-01-01T00:00:00-10:00",
        "9999-12-31T23:59:59.9999999",
        "9999-12-31T23:59:59-10:00",
        "/Date(-62135596800000)/",
        "/Date(999999999999999)/",
        "/Date()/",
    ],
)
def test_what_is_no_time_is_none(text: object) -> None:
    assert as_time(text) is None


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", set()),
        (" , ;\n", set()),
        ("1Z999AA10123456784", {"1Z999AA10123456784"}),
        ("JD0001,JD0002; JD0003", {"JD0001", "JD0002", "JD0003"}),
        ("JD014600003828, JD014600003828", {"JD014600003828"}),
        ("1Z999AA10123456784 1Z999AA10123456785", {"1Z999AA10123456784", "1Z999AA10123456785"}),
        ("AB 1234 5678 9GB", {"AB 1234 5678 9GB"}),
        ("AB 1234  5678 9GB;JD0002", {"AB 1234 5678 9GB", "JD0002"}),
        ("JD0001\nJD0002\r\nJD0003", {"JD0001", "JD0002", "JD0003"}),
        ("by courier", {"by courier"}),
    ],
)
def test_tracking_texts_are_taken_apart(text: str, codes: set[str]) -> None:
    assert tracking_codes(text) == codes


@given(st.sets(st.from_regex(r"[A-Z0-9]{1,20}( [A-Z0-9]{1,4}){0,3}", fullmatch=True)))
def test_joining_and_taking_apart_settles(codes: set[str]) -> None:
    once = tracking_codes(", ".join(sorted(codes)))
    assert tracking_codes(", ".join(sorted(once))) == once


@given(st.text())
def test_any_text_can_be_taken_apart(text: str) -> None:
    assert all(code == code.strip() and code for code in tracking_codes(text))
