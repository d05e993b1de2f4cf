"""From a value in the file to the value that the program works with, and back for the sample and the docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, cast

import msgspec
from msgspec import inspect

from countermand.config.durations import parse_duration, show_duration
from countermand.config.specs import Spec
from countermand.core.policy import OpeningHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WrongValueError(ValueError):
    """The value does not fit; the text says what would, as in "must be ..."."""


def read_value(spec: Spec, value: object) -> Any:
    """The value of one setting.

    Raises:
        WrongValueError: it is of the wrong kind or outside the limits.
    """
    kind = inspect.type_info(spec.kind)
    if _is_optional(kind) and value == _unset(kind):
        return None
    reader = _READERS.get(_class(kind))
    found = reader(value) if reader else _converted(spec.kind, value)
    if found is None or not _within(spec, found):
        raise WrongValueError(f"must be {expected(spec)}")
    return found


def expected(spec: Spec) -> str:
    """What would be right, in words."""
    kind = inspect.type_info(spec.kind)
    unset = f', or "{_unset(kind)}"' if _is_optional(kind) else ""
    return f"{_words(_bare(kind))}{_limits(spec)}{unset}"


def show_value(spec: Spec, value: object) -> str:
    """A value of this setting as it would be written in the file."""
    match value:
        case None:
            return f'"{_unset(inspect.type_info(spec.kind))}"'
        case timedelta():
            return f'"{show_duration(value)}"'
        case datetime():
            return value.isoformat()
        case OpeningHours():
            days = ", ".join(f'"{DAYS[day]}"' for day in sorted(value.days))
            return f'{{ days = [{days}], opens = "{value.opens:%H:%M}", closes = "{value.closes:%H:%M}" }}'
    return msgspec.json.encode(value).decode()


def show_default(spec: Spec) -> str:
    """The default as it would be written in the file."""
    return show_value(spec, spec.default)


# Kinds of values


def _is_optional(kind: inspect.Type) -> bool:
    kind = kind.type if isinstance(kind, inspect.Metadata) else kind
    return isinstance(kind, inspect.UnionType) and kind.includes_none


def _bare(kind: inspect.Type) -> inspect.Type:
    """The kind without its description, and without "or none"."""
    kind = kind.type if isinstance(kind, inspect.Metadata) else kind
    if not _is_optional(kind):
        return kind
    assert isinstance(kind, inspect.UnionType)
    return next(one for one in kind.types if not isinstance(one, inspect.NoneType))


def _class(kind: inspect.Type) -> type:
    bare = _bare(kind)
    if isinstance(bare, inspect.StructType):
        return bare.cls
    return {inspect.TimeDeltaType: timedelta, inspect.DateTimeType: datetime}.get(type(bare), object)


def _unset(kind: inspect.Type) -> str:
    """How "not set" is written, for there is no null in TOML."""
    return "always" if _class(kind) is OpeningHours else "none"


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.TimeDeltaType():
            return 'a duration such as "10 s", "5 min" or "3 days"'
        case inspect.DateTimeType():
            return "a time with its zone, such as 2026-10-01T08:00:00Z"
        case inspect.StructType():
            return 'hours such as { days = ["mon", "tue"], opens = "07:00", closes = "19:00" }'
        case inspect.EnumType(cls):
            return _one_of([str(one.value) for one in cls])
        case inspect.LiteralType(values):
            return _one_of([str(value) for value in values])
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType():
            return "a number"
        case inspect.VarTupleType():
            return 'a list of texts, such as ["one", "two"]'
    return "a text in quotes"


def _one_of(names: Sequence[str]) -> str:
    *others, last = (f'"{name}"' for name in names)
    return f"{', '.join(others)} or {last}"


def _limits(spec: Spec) -> str:
    if spec.least is None or spec.most is None:
        return ""
    if isinstance(spec.least, timedelta):
        return f", from {show_duration(spec.least)} to {show_duration(cast(timedelta, spec.most))}"
    return f" from {spec.least:.15g} to {spec.most:.15g}"


def _within(spec: Spec, value: Any) -> bool:
    return (spec.least is None or value >= spec.least) and (spec.most is None or value <= spec.most)


# Readers: none for what they cannot read


def _converted(kind: Any, value: object) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _duration(value: object) -> timedelta | None:
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) and value.tzinfo else None


def _hours(value: object) -> OpeningHours | None:
    if not isinstance(value, dict) or not value.keys() <= {"days", "opens", "closes"}:
        return None
    days = value.get("days", [DAYS[day] for day in sorted(OpeningHours().days)])
    if not isinstance(days, list) or not days or not all(isinstance(day, str) for day in days):
        return None
    numbers = [DAYS.index(day[:3].lower()) for day in days if day[:3].lower() in DAYS]
    opens, closes = _time(value.get("opens", "07:00")), _time(value.get("closes", "19:00"))
    if len(numbers) != len(days) or opens is None or closes is None or opens >= closes:
        return None
    return OpeningHours(days=frozenset(numbers), opens=opens, closes=closes)


def _time(value: object) -> time | None:
    if isinstance(value, time):
        return value
    try:
        found = time.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is None else None


_READERS: Mapping[type, Callable[[object], Any]] = {
    timedelta: _duration,
    datetime: _moment,
    OpeningHours: _hours,
}
