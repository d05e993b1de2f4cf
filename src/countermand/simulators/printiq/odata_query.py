"""The part of OData's query language that clients of printIQ use: `$filter` and `$orderby`.

`Field eq 'text' and (Other ge 2026-11-23T10:00:00Z or Number lt 12)`. Field names are checked, so that
a misspelt one is an error and never an empty answer.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, object]
Condition = Callable[[Row], bool]


class QueryError(ValueError):
    """A query that cannot be answered."""


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<time>\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<bracket>[()])
    )""",
    re.VERBOSE,
)

#: Both sides are checked to be of one kind before they are compared.
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
MAX_DEPTH = 20


def parse_filter(text: str, fields: Collection[str]) -> Condition:
    """Return what a `$filter` selects. Raises `QueryError`."""
    return _FilterParser(_tokens(text), fields).whole()


def parse_orderby(text: str, fields: Collection[str]) -> tuple[str, bool]:
    """Return the field of an `$orderby` and whether it runs downwards. Raises `QueryError`."""
    name, _, direction = text.strip().partition(" ")
    if name not in fields:
        raise QueryError(f"Could not find a property named '{name}'.")
    if direction.strip() not in ("", "asc", "desc"):
        raise QueryError(f"Cannot order by '{text}'.")
    return name, direction.strip() == "desc"


def sort_key(field: str) -> Callable[[Row], Any]:
    """Return the sort key of a field; all its values are of one kind."""
    return lambda row: row[field]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise QueryError(f"Syntax error at position {position} in '{text}'.")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


class _FilterParser:
    """Recursive descent: `or` binds looser than `and`; brackets group."""

    def __init__(self, tokens: list[tuple[str, str]], fields: Collection[str]) -> None:
        self._tokens = tokens
        self._fields = fields
        self._at = 0
        self._depth = 0

    def whole(self) -> Condition:
        condition = self._any()
        if self._at < len(self._tokens):
            raise QueryError(f"Syntax error near '{self._tokens[self._at][1]}'.")
        return condition

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise QueryError("The filter ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, kind: str, value: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == (kind, value)
        self._at += found
        return found

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._takes("word", "or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._takes("word", "and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self) -> Condition:
        if not self._takes("bracket", "("):
            return self._comparison()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError("The filter is nested too deeply.")
        condition = self._any()
        if not self._takes("bracket", ")"):
            raise QueryError("A bracket is not closed.")
        self._depth -= 1
        return condition

    def _comparison(self) -> Condition:
        kind, name = self._next()
        if kind != "word" or name not in self._fields:
            raise QueryError(f"Could not find a property named '{name}'.")
        _, word = self._next()
        if word not in _COMPARISONS:
            raise QueryError(f"'{word}' is not a comparison this service knows.")
        compare, wanted = _COMPARISONS[word], _literal(*self._next())

        def holds(row: Row) -> bool:
            value = row[name]
            if not _comparable(value, wanted):
                raise QueryError(f"'{name}' cannot be compared with {wanted!r}.")
            return compare(value, wanted)

        return holds


def _comparable(value: object, wanted: object) -> bool:
    kinds = (str, datetime, int | float)
    return any(isinstance(value, kind) and isinstance(wanted, kind) for kind in kinds)


def _literal(kind: str, text: str) -> object:
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "number" and len(text) < 20:
        return float(text) if "." in text else int(text)
    if kind == "time":
        return _time(text)
    raise QueryError(f"'{text}' is not a value.")


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(f"'{text}' is not a date.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
