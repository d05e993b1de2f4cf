"""Reading single fields of a vendor's JSON leniently: ids as text or number, flags, times, tracking.

Vendors answer the same field as `12`, `"12"` or not at all; what cannot be read comes back as none, and
the caller decides whether that is a gap or a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

import msgspec

_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
#: Milliseconds since 1970 in UTC; a zone behind them only says where they were written.
_DOTNET_TIME = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A piece that could be a whole tracking code on its own: long enough, and with a digit in it.
_WHOLE_CODE = re.compile(r"(?=\S*\d)[\w-]{8,}")


def pick(value: object, path: str) -> object:
    """The field at a dotted path (`Quote.Id`), whatever the case of its names; none when there is none."""
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = _member(value, name)
    return value


def _member(row: Mapping[object, object], name: str) -> object:
    if name in row:
        return row[name]
    lowered = name.lower()
    return next((row[key] for key in row if isinstance(key, str) and key.lower() == lowered), None)


def rows(value: object, path: str) -> list[object] | None:
    """The list at a dotted path; none when there is no list there."""
    found = pick(value, path) if path else value
    return list(found) if isinstance(found, list) else None


def as_text(value: object) -> str:
    """Text or a number as text; empty for everything else."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""


def as_int(value: object) -> int | None:
    text = as_text(value)
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None


def as_flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return _FLAGS.get(as_text(value).lower())


def as_time(value: object) -> datetime | None:
    """An ISO 8601 time, or one as older .NET writes it in JSON, in UTC.

    A time without a zone counts as UTC, as the vendors' field names say.
    """
    text = as_text(value)
    milliseconds = _DOTNET_TIME.fullmatch(text)
    try:
        if milliseconds:
            moment = _EPOCH + timedelta(milliseconds=int(milliseconds.group(1)))
        else:
            moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # The first and the last time that .NET knows are how it writes no time at all.
    return None if moment.year in (MINYEAR, MAXYEAR) else moment


def compact(value: object) -> str:
    """A decoded JSON value as compact JSON text."""
    return msgspec.json.encode(value).decode()


def tracking_codes(text: str) -> frozenset[str]:
    """The codes in one tracking text: between commas, semicolons or line breaks.

    Blanks separate codes only where every piece could be a code by itself, because some carriers print
    their codes in groups (`AB 1234 5678 9GB` is one code).
    """
    pieces = (piece.strip() for piece in re.split(r"[,;\r\n\t]+", text))
    return frozenset(code for piece in pieces if piece for code in _blank_separated(piece))


def _blank_separated(piece: str) -> list[str]:
    parts = piece.split()
    return parts if all(_WHOLE_CODE.fullmatch(part) for part in parts) else [" ".join(parts)]
