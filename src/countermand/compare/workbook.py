"""The result as an Excel workbook: one sheet of differences, one of counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter

from countermand.compare.errors import CompareError
from countermand.compare.result import Comparison
from countermand.compare.table import COLUMNS, Differences, cells
from countermand.compare.titles import TITLES

_SHEET_ROWS = 1_048_575
_WIDTHS = {"What is wrong": 28, "What to do": 70, "Customer": 26, "Product": 26, "Storefront status": 26}


def write_xlsx(path: Path, comparison: Comparison, differences: Differences) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            bold = book.add_format({"bold": True, "bottom": 1})
            _difference_sheet(book, bold, differences)
            _count_sheet(book, bold, comparison)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise CompareError(f"{path.with_suffix('')} cannot be written: {error}.") from error


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
