"""Durations as people write them: "5 min", "10 s", "3 days", "1 h 30 min"."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_SPELLINGS = {
    **{unit: unit for unit in _UNITS},
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "secs": "s",
    "m": "min",
    "mins": "min",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "d": "day",
    "days": "day",
    "weeks": "week",
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
#: A longer one is a slip of the pen, and would not fit a date.
LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: it is none, or longer than ten years.
    """
    total, at = timedelta(0), 0
    while at < len(text) or not text:
        part = _PART.match(text.lower(), at)
        if part is None or part[2] not in _SPELLINGS:
            raise ValueError(f"{text!r} is no duration")
        number = float(part[1])
        if number > LONGEST.total_seconds() * 1000:
            raise ValueError(f"{text!r} is longer than ten years")
        total += number * _UNITS[_SPELLINGS[part[2]]]
        at = part.end()
    if total > LONGEST:
        raise ValueError(f"{text!r} is longer than ten years")
    return total


def show_duration(duration: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back: whole days, hours, minutes, seconds."""
    if not duration:
        return "0 s"
    parts, rest = [], duration
    for unit in ("day", "h", "min", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            plural = "s" if unit == "day" and count > 1 else ""
            parts.append(f"{count} {unit}{plural}")
    return " ".join(parts)
