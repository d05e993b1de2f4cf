"""On which line of a TOML text each table and key stands; the standard library's reader does not say.

Works on texts that `tomllib` has read without complaint, so it only has to tell statements apart.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import TypeAlias

#: Names of tables and keys from the outermost in; a number is a place in an array of tables.
Place: TypeAlias = tuple[str | int, ...]

_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})'''  # texts over several lines
    r"""|"(?:\\.|[^"\\\n])*"|'[^'\n]*\'"""
    r"""|\#[^\n]*|[\[\]{}=\n]|[^\[\]{}=\n\#"']+""",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Place, int]:
    """Line number, from 1, of every table header and every key outside of inline tables."""
    found: dict[Place, int] = {}
    arrays: dict[Place, int] = {}
    table: Place = ()
    for line, left, is_header in _statements(text):
        if is_header:
            table = _header(left, arrays)
            found.setdefault(table, line)
        else:
            place = table
            for name in _names(f"{left} = 0"):
                place = (*place, name)
                found.setdefault(place, line)
    return found


def line_of(lines: dict[Place, int], place: Place) -> int | None:
    """The line of a place, or of the nearest one around it that has a line."""
    while place:
        if place in lines:
            return lines[place]
        place = place[:-1]
    return None


def _statements(text: str) -> Iterator[tuple[int, str, bool]]:
    """Line, header or key, and which of the two, statement by statement."""
    line, depth, start = 1, 0, 0
    left, after_equals = "", False
    for piece in _TOKEN.findall(text):
        if piece == "\n" and depth == 0:
            if left.strip():
                yield start, left.strip(), left.strip().startswith("[")
            left, after_equals = "", False
        elif piece == "=" and depth == 0:
            after_equals = True
        elif not piece.startswith("#"):
            depth += (piece in ("[", "{")) - (piece in ("]", "}"))
            if not after_equals:
                start = start if left.strip() else line
                left += piece
        line += piece.count("\n")
    if left.strip():
        yield start, left.strip(), left.strip().startswith("[")


def _header(text: str, arrays: dict[Place, int]) -> Place:
    is_array = text.startswith("[[")
    names = _names(text.strip("[]") + " = 0")
    place: Place = ()
    for name in names[:-1]:
        place = _newest((*place, name), arrays)
    place = (*place, names[-1])
    if is_array:
        arrays[place] = arrays.get(place, 0) + 1
    return _newest(place, arrays)


def _newest(place: Place, arrays: dict[Place, int]) -> Place:
    """Inside an array of tables: its last element, which is what a later header goes on with."""
    return (*place, arrays[place] - 1) if place in arrays else place


def _names(statement: str) -> list[str]:
    """The parts of a dotted key, quotes undone, by the standard library's own reader."""
    names, value = [], tomllib.loads(statement)
    while isinstance(value, dict):
        ((name, value),) = value.items()
        names.append(name)
    return names
