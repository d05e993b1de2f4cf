"""The shape of a delimited text file, found in its first rows: delimiter, header row, number of columns."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from statistics import mode

import msgspec

from countermand.compare.columns import is_heading
from countermand.compare.errors import CompareError
from countermand.compare.words import words

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
_LOOK_FOR_HEADER = 30
#: The delimiter shows in the first rows; so much text holds enough of them.
_LOOK_FOR_DELIMITER = 1 << 15


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """`header_line`: the number of the line with the headings, from 1; 0 where the file has none."""

    delimiter: str
    header_line: int
    headings: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]


def shape(text: str, name: str, delimiter: str = "", header_line: int | None = None) -> Shape:
    """Find the shape of a delimited file from the beginning of its text (whole lines).

    `delimiter`, `header_line`: as a mapping file sets them. Raises CompareError when there is no table in it.
    """
    delimiter = delimiter or _delimiter(text)
    rows = _rows(text, delimiter)
    if not rows:
        raise CompareError(f"{name} is empty; export it again with its orders.")
    width = mode(len(cells) for _, cells in rows)
    if header_line is None:
        header_line = _header_line(rows, width)
    if header_line == 0:
        headings = tuple(f"Column {number}" for number in range(1, width + 1))
    else:
        headings = next((cells for line, cells in rows if line == header_line), ())
        if not headings:
            raise CompareError(f"{name} has no line {header_line} to take the headings from.")
    sample = tuple(cells for line, cells in rows if line > header_line and len(cells) == len(headings))
    return Shape(delimiter=delimiter, header_line=header_line, headings=_named(headings), sample=sample)


def rows_like(text: str, shape: Shape) -> list[tuple[str, ...]]:
    """The rows of some text out of the middle of the same file."""
    return [cells for _, cells in _rows(text, shape.delimiter) if len(cells) == len(shape.headings)]


def _rows(text: str, delimiter: str) -> list[tuple[int, tuple[str, ...]]]:
    """Every row that is not blank, with the number of the line it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[int, tuple[str, ...]]] = []
    # A value that never ends swallows the rest of the sample; DuckDB will name the line.
    with suppress(csv.Error):
        rows += ((reader.line_num, tuple(cells)) for cells in reader if any(cell.strip() for cell in cells))
    return rows


def _delimiter(text: str) -> str:
    """The one that cuts most rows into the same number of cells, more than one; comma when none does."""
    best, best_score = ",", (0.0, 0)
    text = text[: text.find("\n", _LOOK_FOR_DELIMITER) + 1] or text
    for candidate in DELIMITERS:
        widths = Counter(len(cells) for _, cells in _rows(text, candidate))
        wide = {width: count for width, count in widths.items() if width > 1}
        if not wide:
            continue
        width, count = max(wide.items(), key=lambda item: (item[1], item[0]))
        score = (round(count / widths.total(), 1), width)
        if score > best_score:
            best, best_score = candidate, score
    return best


def _header_line(rows: Sequence[tuple[int, tuple[str, ...]]], width: int) -> int:
    head = rows[:_LOOK_FOR_HEADER]
    for line, cells in head:
        if sum(map(is_heading, cells)) >= min(2, width):
            return line
    line, first = next(((line, cells) for line, cells in head if len(cells) == width), head[0])
    filled = [words(cell) for cell in first]
    unlike_data = all(cell and not any(char.isdigit() for char in cell) for cell in filled)
    return line if unlike_data and len(set(filled)) == len(filled) and not _repeats(rows, first) else 0


def _repeats(rows: Sequence[tuple[int, tuple[str, ...]]], first: Sequence[str]) -> bool:
    """Whether a cell of the first row is found again below it: then the row is data."""
    below = {(index, cell) for _, cells in rows[1:] for index, cell in enumerate(cells)}
    return any(cell in below for cell in enumerate(first))


def _named(headings: Sequence[str]) -> tuple[str, ...]:
    """The headings, cleaned, and each one once."""
    cleaned = [heading.strip().lstrip("\ufeff") for heading in headings]
    named: list[str] = []
    for number, heading in enumerate(cleaned, start=1):
        name = heading or f"Column {number}"
        named.append(name if name not in named else f"{name} ({number})")
    return tuple(named)
