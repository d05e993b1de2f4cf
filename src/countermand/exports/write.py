"""Rows as CSV, JSON, XLSX or Parquet, streamed: memory does not grow with the number of rows."""

# ruff: noqa: S608 - every name put into SQL is quoted by sql_name/sql_text
from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import duckdb
import msgspec
import xlsxwriter

from countermand.compare.offline import OFFLINE
from countermand.compare.source import sql_name, sql_text
from countermand.exports.tables import Columns, Row

_SHEET_ROWS = 1_048_575
_CELL_TEXT = 32_767
_MARKS = ("=", "+", "-", "@", "\t", "\r")
_SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "yes_no": "BOOLEAN",
    "time": "TIMESTAMP",
}


class ExportError(RuntimeError):
    """The rows do not fit the format, or cannot be written; the text says what to do."""


def write_csv(file: BinaryIO, columns: Columns, rows: Iterable[Row]) -> int:
    """With a byte-order mark, so that Excel shows names with accents as they are."""
    # Bytes that are no text, which only damage leaves behind, are written as they are.
    text = io.TextIOWrapper(
        file, encoding="utf-8-sig", errors="surrogateescape", newline="", write_through=True
    )
    writer, count = csv.writer(text), 0
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
        count += 1
    text.flush()
    text.detach()
    return count


def _cell(value: object) -> object:
    """No cell that a spreadsheet would run as a formula: rows carry text that customers typed."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str) and value.startswith(_MARKS):
        return f"'{value}"
    return "" if value is None else value


def write_json(file: BinaryIO, columns: Columns, rows: Iterable[Row]) -> int:
    """One list of objects, one object a line."""
    count = 0
    file.write(b"[")
    for count, row in enumerate(rows, start=1):
        file.write(
            (b",\n" if count > 1 else b"\n") + msgspec.json.encode({name: row[name] for name in columns})
        )
    file.write(b"\n]\n")
    return count


def write_xlsx(file: BinaryIO, columns: Columns, rows: Iterable[Row]) -> int:
    """One sheet; times are text in UTC, as everywhere.

    Raises:
        ExportError: more rows than a sheet holds.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet("Export")
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True, "bottom": 1})
        for place, name in enumerate(columns):
            sheet.write(0, place, name, bold)
        for count, row in enumerate(rows, start=1):
            if count > _SHEET_ROWS:
                raise ExportError(
                    f"An Excel sheet holds {_SHEET_ROWS:,} rows, and there are more: choose csv."
                )
            for place, name in enumerate(columns):
                sheet.write(count, place, _sheet_cell(row[name]))
    return count


def _sheet_cell(value: object) -> object:
    """No more text than a cell holds: what is longer would not be written at all."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and len(value) > _CELL_TEXT:
        return f"{value[: _CELL_TEXT - 1]}…"
    return value


def write_parquet(file: BinaryIO, columns: Columns, rows: Iterable[Row]) -> int:
    """Typed columns; times are UTC without a zone."""
    with tempfile.TemporaryDirectory(prefix="countermand-") as folder:
        lines, target = Path(folder) / "rows.json", Path(folder) / "rows.parquet"
        count = _spool(lines, columns, rows)
        types = {name: _SQL_TYPES[kind] for name, kind in columns.items()}
        read = _reading(lines, types) if count else _nothing(types)
        with duckdb.connect(config=OFFLINE) as db:
            db.execute(f"COPY ({read}) TO {sql_text(str(target))} (FORMAT parquet)")
        with target.open("rb") as made:
            while block := made.read(1 << 20):
                file.write(block)
    return count


def _reading(lines: Path, types: Mapping[str, str]) -> str:
    names = ", ".join(map(sql_name, types))
    typed = ", ".join(f"{sql_text(name)}: '{kind}'" for name, kind in types.items())
    source = f"read_json({sql_text(str(lines))}, format='newline_delimited', columns={{{typed}}})"
    return f"SELECT {names} FROM {source}"


def _nothing(types: Mapping[str, str]) -> str:
    columns = ", ".join(f"NULL::{kind} AS {sql_name(name)}" for name, kind in types.items())
    return f"SELECT {columns} LIMIT 0"


def _spool(path: Path, columns: Columns, rows: Iterable[Row]) -> int:
    count = 0
    with path.open("wb") as file:
        for row in rows:
            plain = {name: _without_zone(row[name]) for name in columns}
            file.write(msgspec.json.encode(plain) + b"\n")
            count += 1
    return count


def _without_zone(value: object) -> object:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


Writer = Callable[[BinaryIO, Columns, Iterable[Row]], int]
FORMATS: Mapping[str, Writer] = {
    "csv": write_csv,
    "json": write_json,
    "xlsx": write_xlsx,
    "parquet": write_parquet,
}
