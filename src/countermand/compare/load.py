"""Each input read once into a narrow table: hashed keys, status index, quantity, hashed tracking.

Text stays in the file; the rows that turn out to matter are read from it again (`engine`). That keeps the
memory for ten million rows a side within a gigabyte.
"""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec

from countermand.compare import source, values
from countermand.compare.coding import Coding, StatusCount, coding, count_statuses
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.layout import Layout
from countermand.compare.source import sql_text
from countermand.core.status import Side


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """One side in the database: table `storefront` or `mis`, its statuses in `<side>_codes`."""

    layout: Layout
    coding: Coding
    as_of: datetime | None
    rows: int
    statuses: tuple[StatusCount, ...]
    unread_numbers: int
    unread_dates: int

    @property
    def side(self) -> Side:
        return self.layout.side


def load(
    db: Database,
    layout: Layout,
    key_roles: Iterable[str],
    work: Path,
    as_of: datetime | None,
    *,
    sealed: bool,
    advance: Callable[[int], None] = lambda _: None,
) -> Loaded:
    """Read one input into the database, with a hash of each column in `key_roles`.

    `sealed`: both sides have quantities, so a key is only in step at first sight when they agree. Raises
    CompareError when its rows cannot all be read.
    """
    how = coding(layout)
    side, dated = layout.side.value, _is_dated(layout, as_of)
    columns = [_hashes(layout, role, sealed) for role in key_roles]
    columns += [how.sql, *_measures(layout), *_lateness(layout, as_of)]
    keyed = ", ".join(["*", *(f"{key_sql(layout, role)} AS {role}_key" for role in key_roles)])
    rows_read = f"(SELECT {keyed} FROM {layout.source.relation})"
    try:
        with db.in_file_order():
            db.run(f"CREATE TEMP TABLE {side} AS SELECT {', '.join(columns)} FROM {rows_read}")
    except duckdb.Error as error:
        repaired = source.repair(layout.source, work, advance)
        if repaired is None:
            raise CompareError(_unreadable(layout, error)) from error
        layout = msgspec.structs.replace(layout, source=repaired)
        return load(db, layout, key_roles, work, as_of, sealed=sealed, advance=advance)
    quantities = "count(*) FILTER (quantity_unread)" if "quantity" in layout.roles else "0"
    dates = "count(*) FILTER (placed_unread)" if dated else "0"
    ((rows, unread_numbers, unread_dates),) = db.run(f"SELECT count(*), {quantities}, {dates} FROM {side}")
    if not rows:
        raise CompareError(f"{layout.source.name} has headings and no orders below them; export it again.")
    return Loaded(
        layout=layout,
        coding=how,
        as_of=as_of,
        rows=rows,
        statuses=count_statuses(db, how),
        unread_numbers=unread_numbers,
        unread_dates=unread_dates,
    )


def key_sql(layout: Layout, role: str) -> str:
    """A key as it is compared, NULL if empty: no case, no space around it, no leading `#`, no final `.0`."""
    column, pattern = f"c{layout.roles[role]}", layout.choices.key_pattern
    if pattern:
        group = 1 if re.compile(pattern).groups else 0
        column = f"regexp_extract({column}, {sql_text(pattern)}, {group})"
    bare = f"ltrim(upper(trim({column}, ' \t\n\u00a0')), '#')"
    thorough = f"regexp_replace({bare}, '^(\\d+)\\.0+$', '\\1')"
    odd = " OR ".join([f"ends_with({column}, '.0')", *(f"contains({column}, {mark})" for mark in _UNUSUAL)])
    # Most keys are plain; what is slow only runs for the rare one that needs it.
    return (
        f"CASE WHEN regexp_full_match({column}, '{_PLAIN}') THEN {column} "
        f"WHEN {cut_sql(column)} THEN NULL "
        f"WHEN {odd} THEN nullif({thorough}, '') ELSE nullif(upper(trim({column})), '') END"
    )


def cut_sql(column: str) -> str:
    """Whether a spreadsheet has cut the end off a key: 1.23457E+11 stands for any of a million orders."""
    return f"regexp_full_match({column}, '\\s*[0-9]+([.,][0-9]+)?[eE]\\+[0-9]+\\s*')"


_PLAIN = "[0-9A-Z_/-]+"
_UNUSUAL = ("'#'", "chr(160)", "chr(9)", "chr(10)")


def _hashes(layout: Layout, role: str, sealed: bool) -> str:
    """A key as the hash to group by, and a seal from another hash of it that has to agree as well."""
    seal = f"hash('~' || {role}_key)"
    if sealed:
        seal = f"xor({seal}, hash({quantity_sql(layout)}))"
    return f"CASE WHEN {role}_key IS NOT NULL THEN hash({role}_key) END AS {role}_hash, {seal} AS {role}_seal"


def quantity_sql(layout: Layout) -> str:
    if "quantity" not in layout.roles:
        return "NULL::DOUBLE"
    return values.number_sql(f"c{layout.roles['quantity']}", layout.numbers)


def late_sql(layout: Layout, as_of: datetime | None) -> str:
    """Whether a row was placed after the moment compared; a date that cannot be read is not."""
    if not _is_dated(layout, as_of):
        return "false"
    assert as_of is not None
    assert layout.dates is not None
    placed = values.timestamp_sql(f"c{layout.roles['placed']}", layout.dates)
    return f"coalesce({placed} > TIMESTAMP {sql_text(as_of.strftime('%Y-%m-%d %H:%M:%S.%f'))}, false)"


def is_dated(loaded: Loaded) -> bool:
    """Whether the loaded table has a column `late`."""
    return _is_dated(loaded.layout, loaded.as_of)


def _is_dated(layout: Layout, as_of: datetime | None) -> bool:
    return as_of is not None and "placed" in layout.roles and layout.dates is not None


def _measures(layout: Layout) -> list[str]:
    measures = []
    if "quantity" in layout.roles:
        raw = f"c{layout.roles['quantity']}"
        measures.append(f"{_unread(quantity_sql(layout), raw)} AS quantity_unread")
    if "tracking" in layout.roles:
        measures.append(f"hash(nullif(c{layout.roles['tracking']}, '')) AS tracking")
    return measures


def _lateness(layout: Layout, as_of: datetime | None) -> list[str]:
    if not _is_dated(layout, as_of):
        return []
    assert layout.dates is not None
    raw = f"c{layout.roles['placed']}"
    placed = values.timestamp_sql(raw, layout.dates)
    return [f"{late_sql(layout, as_of)} AS late", f"{_unread(placed, raw)} AS placed_unread"]


def _unread(value: str, raw: str) -> str:
    """Whether there is text that gave no value. (CASE, as AND would trim every text.)"""
    return f"CASE WHEN {value} IS NULL THEN trim(coalesce({raw}, '')) <> '' ELSE false END"


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
            return (
                f"{file.name} was cut off: its last line, {where:,}, has {had} of {wanted} columns; export "
                "it again."
            )
        return (
            f"{file.name} has {had} columns in line {where:,} where its headings have {wanted}: correct "
            "that line, "
            "or export it again with quotes around text."
        )
    if "unterminated quote" in text:
        opened = f"line {int(line.group(1)):,}" if line else "one of its lines"
        return (
            f"{file.name} opens a quotation mark in {opened} and never closes it: it was cut off or damaged; "
            "export it again."
        )
    if found := _JSON_LINE.search(text):
        return (
            f"{file.name} has no valid JSON in line {int(found.group(1)):,}: it was cut off or damaged; "
            "export it again."
        )
    reason = text.splitlines()[0].removeprefix("Invalid Input Error: ")
    return f"{file.name} cannot be read ({reason}): it is damaged or was cut off; export it again."


def _is_last_line(path: Path, number: int) -> bool:
    if not number:
        return False
    with path.open("rb") as file:
        return sum(1 for _ in file) <= number
