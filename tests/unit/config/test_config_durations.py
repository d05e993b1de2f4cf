"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.config.durations import LONGEST, parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10 s", 10),
        ("10s", 10),
        ("5 min", 300),
        ("5 minutes", 300),
        ("1 hour", 3600),
        ("1 h 30 min", 5400),
        ("3 days", 3 * 86400),
        ("2 weeks", 14 * 86400),
        ("1.5 h", 5400),
        ("250 ms", 0.25),
        ("0 s", 0),
        (" 1 DAY ", 86400),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5",
        "min",
        "-5 min",
        "5 parsecs",
        "5 min and",
        "5, min",
        "1e3 s",
        "11 years",
        "9" * 400 + " s",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no duration|longer than ten years"):
        parse_duration(text)


def test_nothing_lasts_longer_than_ten_years() -> None:
    assert parse_duration("3660 days") == LONGEST
    for text in ("3661 days", "600 weeks", "3660 days 1 s"):
        with pytest.raises(ValueError, match="longer than ten years"):
            parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(minutes=90), "1 h 30 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=60), "60 days"),
        (timedelta(milliseconds=1500), "1 s 500 ms"),
    ],
)
def test_durations_are_shown(duration: timedelta, text: str) -> None:
    assert show_duration(duration) == text


@given(st.integers(0, LONGEST // timedelta(milliseconds=1)))
def test_what_is_shown_reads_back_the_same(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(show_duration(duration)) == duration
