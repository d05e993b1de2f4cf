"""Times on screens: relative words, exact on hover, in the viewer's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from countermand.web import clock

NOW = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=40), "40 s ago"),
        (timedelta(minutes=90), "1 h ago"),
        (timedelta(days=3), "3 d ago"),
        (timedelta(days=800), "2 y ago"),
        (-timedelta(minutes=29, seconds=30), "in 29 min"),
    ],
)
def test_relative(gap: timedelta, said: str) -> None:
    assert clock.relative(NOW - gap, NOW) == said


def test_short_spans_are_exact_to_a_tenth() -> None:
    assert clock.span(timedelta(seconds=2.24)) == "2.2 s"
    assert clock.span(timedelta(seconds=7)) == "7 s"
    assert clock.span(timedelta(seconds=75)) == "1 min"


def test_the_exact_time_is_the_viewers() -> None:
    tag = clock.time_tag(NOW, ZoneInfo("Pacific/Auckland"), NOW)
    assert 'title="Tue 24 Nov 2026, 03:05:09 NZDT"' in tag
    assert 'datetime="2026-11-23T14:05:09.000+00:00"' in tag
    assert ">just now<" in tag


def test_no_time_is_a_dash() -> None:
    assert "–" in clock.time_tag(None, UTC, NOW)


def test_styles() -> None:
    earlier = NOW - timedelta(hours=2)
    assert ">2 h<" in clock.time_tag(earlier, UTC, NOW, "age")
    assert ">23 Nov, 12:05<" in clock.time_tag(earlier, UTC, NOW, "short")
