"""Each input read once into a table of the columns that matter, and its statuses turned into facts."""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec

from countermand.compare import source, statuses, values
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.layout import Layout
from countermand.compare.source import sql_name, sql_text
from countermand.compare.statuses import Meaning
from countermand.compare.words import words
from countermand.core.status import Facts, Intent, Progress, Side

_PROGRESSES = list(Progress)
#: A code per pair of facts (intent x 5 + progress); the last means unmapped.
FACTS: tuple[Facts, ...] = tuple(Facts(intent, progress) for intent in Intent for progress in _PROGRESSES)
UNMAPPED_CODE = len(FACTS)
_MOST_STATUSES = 5_000
DELIVERY_AXES = ("delivery_status", "dispatched")
_SHIPPED = {None: None, 1: Progress.PART_DISPATCHED, 2: Progress.DISPATCHED}


class StatusCount(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of raw statuses, how many rows have it, and what it is read as (none: unmapped).

    `own_code`: the same without what its deliveries say, because one job may have a row per delivery.
    """

    raw: tuple[str | None, ...]
    shipped: int | None
    rows: int
    facts: Facts | None
    code: int
    own_code: int


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """One side in the database: table `storefront` or `mis`, with its statuses coded in `<side>_codes`."""

    layout: Layout
    rows: int
    statuses: tuple[StatusCount, ...]
    unread_numbers: int
    unread_dates: int

    @property
    def side(self) -> Side:
        return self.layout.side


def load(
    db: Database, layout: Layout, work: Path, as_of: datetime | None, advance: Callable[[int], None]
) -> Loaded:
    """Read one input into the database. Raises CompareError when its rows cannot all be read."""
    layout = _read_rows(db, layout, work, as_of, advance)
    side = layout.side.value
    date_check = "count(*) FILTER (placed_unread)" if as_of and "placed" in layout.roles else "0"
    ((rows, unread_numbers, unread_dates),) = db.run(
        f"SELECT count(*), count(*) FILTER (quantity_unread), {date_check} FROM {side}"
    )
    if not rows:
        raise CompareError(f"{layout.source.name} has headings and no orders below them; export it again.")
    return Loaded(
        layout=layout,
        rows=rows,
        statuses=_code_statuses(db, layout),
        unread_numbers=unread_numbers,
        unread_dates=unread_dates,
    )


def _read_rows(
    db: Database, layout: Layout, work: Path, as_of: datetime | None, advance: Callable[[int], None]
) -> Layout:
    try:
        db.run(f"CREATE TEMP TABLE {layout.side.value} AS {_select(layout, as_of)}")
    except duckdb.Error as error:
        repaired = source.repair(layout.source, work, advance)
        if repaired is None:
            raise CompareError(_unreadable(layout, error)) from error
        return _read_rows(db, msgspec.structs.replace(layout, source=repaired), work, as_of, advance)
    return layout


def _select(layout: Layout, as_of: datetime | None) -> str:
    """Only columns that the file has: a column of nothing would cost memory as well."""
    texts = (*layout.key_roles, *layout.axes, "tracking", "customer", "product")
    columns = [f"{_column(layout, role)} AS {sql_name(role)}" for role in texts if role in layout.roles]
    if layout.price_role:
        columns.append(f"{_column(layout, layout.price_role)} AS price")
    columns += [*_quantities(layout), *_lateness(layout, as_of)]
    return f"SELECT {', '.join(columns)} FROM {layout.source.relation}"


def _column(layout: Layout, role: str) -> str:
    return f"c{layout.roles[role]}"


def _quantities(layout: Layout) -> list[str]:
    """The quantity; whether it could not be read; and what the shipped quantity says: 1 part, 2 all."""
    if "quantity" not in layout.roles:
        return ["NULL::DOUBLE AS quantity", "false AS quantity_unread", "NULL::UTINYINT AS shipped"]
    raw = _column(layout, "quantity")
    quantity = values.number_sql(raw, layout.numbers)
    unread = f"({quantity} IS NULL AND trim(coalesce({raw}, '')) <> '')"
    shipped = "NULL::UTINYINT"
    if "shipped_quantity" in layout.roles:
        sent = values.number_sql(_column(layout, "shipped_quantity"), layout.numbers)
        shipped = (
            f"(CASE WHEN {sent} >= {quantity} AND {quantity} > 0 THEN 2 WHEN {sent} > 0 THEN 1 END)::UTINYINT"
        )
    return [f"{quantity} AS quantity", f"{unread} AS quantity_unread", f"{shipped} AS shipped"]


def _lateness(layout: Layout, as_of: datetime | None) -> list[str]:
    if as_of is None or "placed" not in layout.roles or layout.dates is None:
        return ["false AS late", "false AS placed_unread"]
    raw = _column(layout, "placed")
    placed = values.timestamp_sql(raw, layout.dates)
    moment = as_of.strftime("%Y-%m-%d %H:%M:%S.%f")
    late = f"coalesce({placed} > TIMESTAMP {sql_text(moment)}, false)"
    return [f"{late} AS late", f"({placed} IS NULL AND trim(coalesce({raw}, '')) <> '') AS placed_unread"]


def _code_statuses(db: Database, layout: Layout) -> tuple[StatusCount, ...]:
    side, axes = layout.side, layout.axes
    selected = ", ".join([*axes, "shipped"])
    found = db.run(
        f"SELECT {selected}, count(*) AS n FROM {side.value} GROUP BY ALL ORDER BY n DESC LIMIT {_MOST_STATUSES + 1}"
    )
    if len(found) > _MOST_STATUSES:
        raise CompareError(
            f"{layout.source.name} has more than {_MOST_STATUSES:,} different values in "
            f"{' and '.join(layout.heading(axis) for axis in axes)}, so that is no status: name the right column "
            f"under [{side.value}.columns] in a mapping file (--map mapping.toml)."
        )
    corrections = {
        axis: {words(raw): meant for raw, meant in layout.choices.statuses.get(axis, {}).items()}
        for axis in axes
    }
    counted = tuple(_read_status(layout, corrections, row) for row in found)
    types = ", ".join(
        [*(f"{axis} VARCHAR" for axis in axes), "shipped UTINYINT", "code UTINYINT", "own_code UTINYINT"]
    )
    db.run(f"CREATE TEMP TABLE {side.value}_codes ({types})")
    db.fill(
        f"{side.value}_codes",
        [(*status.raw, status.shipped, status.code, status.own_code) for status in counted],
    )
    return counted


def _read_status(
    layout: Layout, corrections: dict[str, dict[str, Meaning]], row: tuple[object, ...]
) -> StatusCount:
    *raw, shipped, rows = row
    texts = tuple(None if cell is None else str(cell) for cell in raw)
    said = {
        axis: statuses.meaning(layout.side, axis, text, corrections[axis])
        for axis, text in zip(layout.axes, texts, strict=True)
    }
    assert isinstance(rows, int)
    amount = None if shipped is None else int(str(shipped))
    facts = statuses.facts(said, _SHIPPED[amount])
    of_job = {axis: word for axis, word in said.items() if axis not in DELIVERY_AXES}
    own = facts if layout.side is Side.STOREFRONT else statuses.facts(of_job, None)
    return StatusCount(
        raw=texts, shipped=amount, rows=rows, facts=facts, code=_code(facts), own_code=_code(own)
    )


def _code(facts: Facts | None) -> int:
    return UNMAPPED_CODE if facts is None else FACTS.index(facts)


_ON_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COLUMNS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_JSON_LINE = re.compile(r"in line (\d+)")


def _unreadable(layout: Layout, error: duckdb.Error) -> str:
    """One sentence from what DuckDB says about the first row that it cannot read."""
    text, file = str(error), layout.source
    line = _ON_LINE.search(text)
    if found := _COLUMNS.search(text):
        wanted, had = found.groups()
        where = int(line.group(1)) if line else 0
        if _is_last_line(file.path, where):
            return f"{file.name} was cut off: its last line, {where:,}, has {had} of {wanted} columns; export it again."
        return (
            f"{file.name} has {had} columns in line {where:,} where its headings have {wanted}: correct that line, "
            "or export it again with quotes around text."
        )
    if "unterminated quote" in text:
        opened = f"line {int(line.group(1)):,}" if line else "one of its lines"
        return f"{file.name} opens a quotation mark in {opened} and never closes it: it was cut off or damaged; export it again."
    if found := _JSON_LINE.search(text):
        return f"{file.name} has no valid JSON in line {int(found.group(1)):,}: it was cut off or damaged; export it again."
    reason = text.splitlines()[0].removeprefix("Invalid Input Error: ")
    return f"{file.name} cannot be read ({reason}): it is damaged or was cut off; export it again."


def _is_last_line(path: Path, number: int) -> bool:
    if not number:
        return False
    with path.open("rb") as file:
        return sum(1 for _ in file) <= number
