"""The result as a file: CSV, XLSX or JSON (HTML has a module of its own)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import xlsxwriter

from countermand.compare.errors import CompareError
from countermand.compare.page import write_html
from countermand.compare.result import URGENCY_WORDS, Comparison, Difference, SideReport
from countermand.compare.titles import TITLES

Differences = Callable[[], Iterator[Difference]]

_SHEET_ROWS = 1_048_575
_WIDTHS = {"What is wrong": 28, "What to do": 70, "Customer": 26, "Product": 26, "Storefront status": 26}


def write(path: Path, comparison: Comparison, differences: Differences) -> None:
    """Write one report; its ending says which. Raises CompareError when it cannot be written."""
    writer = {".html": write_html, ".htm": write_html, ".csv": _csv, ".xlsx": _xlsx, ".json": _json}[
        path.suffix.lower()
    ]
    try:
        writer(path, comparison, differences)
    except OSError as error:
        raise CompareError(f"{path} cannot be written: {error.strerror}.") from error


#: Heading -> the cell, in the order of the table that people read.
COLUMNS: dict[str, Callable[[Difference], str | float | int | None]] = {
    "Urgency": lambda found: URGENCY_WORDS[found.urgency],
    "What is wrong": lambda found: TITLES[found.kind],
    "Stage": lambda found: found.stage,
    "Order": lambda found: found.order or found.key,
    "Order lines": lambda found: found.lines,
    "Jobs": lambda found: found.jobs,
    "Customer": lambda found: found.customer,
    "Product": lambda found: found.product,
    "Storefront status": lambda found: found.storefront_status,
    "MIS status": lambda found: found.mis_status,
    "Storefront quantity": lambda found: found.storefront_quantity,
    "MIS quantity": lambda found: found.mis_quantity,
    "Storefront tracking": lambda found: found.storefront_tracking,
    "MIS tracking": lambda found: found.mis_tracking,
    "Value": lambda found: found.value,
    "What to do": lambda found: found.advice,
    "Class": lambda found: found.kind.value,
    "Key": lambda found: found.key,
}


def cells(difference: Difference) -> list[str | float | int | None]:
    return [cell(difference) for cell in COLUMNS.values()]


def _csv(path: Path, comparison: Comparison, differences: Differences) -> None:
    """With a byte-order mark, so that Excel shows names with accents as they are."""
    del comparison
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_safe(cell) for cell in cells(found)] for found in differences())


def _safe(cell: str | float | int | None) -> str | float | int | None:
    """No cell that a spreadsheet would run as a formula: exports carry text that customers typed."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + cell
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _json(path: Path, comparison: Comparison, differences: Differences) -> None:
    """One object; the differences are streamed, one a line, so that a long list needs no memory."""
    head = msgspec.json.encode(summary(comparison))
    with path.open("wb") as file:
        file.write(head[:-1] + b',"differences":[')
        for number, found in enumerate(differences()):
            file.write((b",\n" if number else b"\n") + msgspec.json.encode(as_object(found)))
        file.write(b"\n]}\n")


def summary(comparison: Comparison) -> dict[str, Any]:
    """The JSON without its differences. `counts` add up to `rows`, side by side."""
    return {
        "made_at": comparison.made_at,
        "as_of": comparison.as_of,
        "in_step": comparison.drift == 0,
        "matched_by": comparison.matched_by,
        "unit": comparison.unit,
        "rows": {"storefront": comparison.storefront.rows, "mis": comparison.mis.rows},
        "counts": {
            kind.value: {
                "found": count.found,
                "storefront_rows": count.storefront_rows,
                "mis_rows": count.mis_rows,
                "value": count.value,
            }
            for kind, count in comparison.counts.items()
        },
        "drift": comparison.drift,
        "value_at_stake": comparison.value_at_stake,
        "currency": comparison.currency,
        "notes": comparison.notes,
        "inputs": {"storefront": _input(comparison.storefront), "mis": _input(comparison.mis)},
    }


def _input(side: SideReport) -> dict[str, Any]:
    read = {term.lower(): what for term, what in side.facts}
    statuses = [{"raw": raw, "read_as": meant or None, "rows": rows} for raw, meant, rows in side.statuses]
    return {"name": side.name, "rows": side.rows, **read, "statuses": statuses}


def as_object(found: Difference) -> dict[str, Any]:
    """One difference for programs: class, keys, both sides' statuses, advice."""
    return {
        "class": found.kind.value,
        "stage": found.stage,
        "urgency": URGENCY_WORDS[found.urgency],
        "key": found.key,
        "order": found.order,
        "order_lines": found.lines,
        "jobs": found.jobs,
        "customer": found.customer,
        "product": found.product,
        "storefront": {
            "status": found.storefront_status,
            "read_as": found.storefront_read_as,
            "quantity": found.storefront_quantity,
            "tracking": found.storefront_tracking,
            "rows": found.storefront_rows,
        },
        "mis": {
            "status": found.mis_status,
            "read_as": found.mis_read_as,
            "quantity": found.mis_quantity,
            "tracking": found.mis_tracking,
            "rows": found.mis_rows,
        },
        "value": found.value,
        "advice": found.advice,
    }


def _xlsx(path: Path, comparison: Comparison, differences: Differences) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            bold = book.add_format({"bold": True, "bottom": 1})
            _difference_sheet(book, bold, differences)
            _count_sheet(book, bold, comparison)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise CompareError(f"{path} cannot be written: {error}.") from error


def _difference_sheet(book: Any, bold: Any, differences: Differences) -> None:
    sheet = book.add_worksheet("Differences")
    sheet.freeze_panes(1, 0)
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for column, heading in enumerate(COLUMNS):
        sheet.set_column(column, column, _WIDTHS.get(heading, 16), wrapped)
        sheet.write(0, column, heading, bold)
    last = 0
    for last, found in enumerate(differences(), start=1):
        if last > _SHEET_ROWS:
            raise CompareError(
                f"There are more than {_SHEET_ROWS:,} differences, and an Excel sheet holds no more: "
                "write --out report.csv."
            )
        for column, cell in enumerate(cells(found)):
            if cell is not None and cell != "":
                sheet.write(last, column, cell)
    sheet.autofilter(0, 0, max(last, 1), len(COLUMNS) - 1)


def _count_sheet(book: Any, bold: Any, comparison: Comparison) -> None:
    sheet = book.add_worksheet("Counts")
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 4, 16)
    for column, heading in enumerate(
        ("Result", comparison.unit.capitalize(), "Storefront rows", "MIS rows", "Value")
    ):
        sheet.write(0, column, heading, bold)
    line = 0
    for line, (kind, count) in enumerate(comparison.counts.items(), start=1):
        values = (TITLES[kind], count.found, count.storefront_rows, count.mis_rows, count.value)
        for column, value in enumerate(values):
            sheet.write(line, column, value)
    for side, read in (("Storefront", comparison.storefront), ("MIS", comparison.mis)):
        line += 2
        sheet.write(line, 0, f"{side}: {read.name}, {read.rows:,} rows", bold)
        for term, what in read.facts:
            line += 1
            sheet.write(line, 0, f"{term}: {what}")
