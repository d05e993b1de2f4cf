"""Column types: times as UTC microseconds, values as JSON by msgspec."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import BigInteger, Dialect, LargeBinary, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

Value = TypeVar("Value")

#: So many of the values read last are kept, of each column of JSON.
_KEPT = 256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC.

    Raises:
        ValueError: the time has no zone; a naive time is a bug, never "probably UTC".
    """
    if moment.tzinfo is None:
        raise ValueError(f"A time without a zone cannot be stored: {moment.isoformat()}")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, stored as microseconds: exact, small, and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:  # noqa: ARG002
        return lambda value: None if value is None else to_micros(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:  # noqa: ARG002
        return lambda value: None if value is None else from_micros(value)


def storable(text: str, length: int | None = None) -> str:
    """The text as every database can hold it: PostgreSQL takes no NUL, and no more than `length`."""
    return text.replace("\x00", "\ufffd")[:length]


class Words(TypeDecorator[str]):
    """Text, also such that came from outside: no message and no vendor's answer may fail to be stored.

    `by_bytes`: it sorts by its bytes in every database, so that a range of it is "begins with".
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int | None = None, *, by_bytes: bool = False) -> None:
        super().__init__()
        self.length, self.by_bytes = length, by_bytes

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        collation = "C" if self.by_bytes and dialect.name == "postgresql" else None
        return Text() if self.length is None else String(self.length, collation=collation)

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None] | None:
        """SQLite takes any text of any length, and is not slowed down."""
        if dialect.name != "postgresql":
            return None
        return lambda value: None if value is None else storable(value, self.length)


_encoder = msgspec.json.Encoder(order="deterministic")


def encode(value: object) -> bytes:
    """JSON with keys and sets in a fixed order, so that equal values are equal bytes."""
    return _encoder.encode(value)


_caches: list[Callable[[], None]] = []


def forget_values() -> None:
    """Keep no value that was read: what another process erases must not stay in the memory of this one."""
    for clear in _caches:
        clear()


class Json(TypeDecorator[Value], Generic[Value]):
    """A msgspec value as JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, value_type: type[Value]) -> None:
        super().__init__()
        self.value_type = value_type
        # Values are frozen, and most of what is read has been read before: the same text is the same value.
        self._decoded = lru_cache(_KEPT)(msgspec.json.Decoder(value_type).decode)
        _caches.append(self._decoded.cache_clear)

    def bind_processor(self, dialect: Dialect) -> Callable[[Value | None], str | None]:  # noqa: ARG002
        return lambda value: None if value is None else encode(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Value | None]:  # noqa: ARG002
        return lambda value: None if value is None else self._decoded(value)


Bytes = LargeBinary
