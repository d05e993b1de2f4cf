"""Excel workbooks, read by calamine and written out as a UTF-8 CSV that DuckDB can read."""

from __future__ import annotations

import csv
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from countermand.compare.columns import is_heading
from countermand.compare.errors import CompareError

_Cell = int | float | str | bool | time | date | datetime | timedelta


def sheet_to_csv(path: Path, target: Path, name: str, wanted: str = "") -> str:
    """Write the sheet that holds the orders as CSV to `target`; returns the sheet's name.

    `wanted`: a sheet name from a mapping file; else the first visible sheet with known headings, else the
    first that has rows at all.
    """
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheet = _sheet(book, name, wanted)
        with target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerows([_text(cell) for cell in row] for row in sheet.iter_rows())
    except (CalamineError, OSError) as error:
        raise CompareError(
            f"{name} is an Excel workbook that cannot be opened: it is damaged, was cut off or has a "
            "password; "
            "export it again."
        ) from error
    return sheet.name


def _sheet(book: CalamineWorkbook, name: str, wanted: str) -> CalamineSheet:
    if wanted:
        if wanted not in book.sheet_names:
            raise CompareError(
                f"{name} has no sheet {wanted!r}; it has {', '.join(book.sheet_names)}: correct the "
                "mapping file."
            )
        return book.get_sheet_by_name(wanted)
    visible = [meta.name for meta in book.sheets_metadata if meta.visible is SheetVisibleEnum.Visible]
    sheets = [sheet for title in visible if (sheet := book.get_sheet_by_name(title)).total_height]
    if not sheets:
        raise CompareError(f"{name} is a workbook without any rows; export it again with its orders.")
    return next((sheet for sheet in sheets if _has_headings(sheet)), sheets[0])


def _has_headings(sheet: CalamineSheet) -> bool:
    for number, row in enumerate(sheet.iter_rows()):
        if sum(1 for cell in row if isinstance(cell, str) and is_heading(cell)) >= 2:
            return True
        if number > 30:
            break
    return False


def _text(cell: _Cell) -> str:
    """A cell as the CSV export would write it: whole numbers without `.0`, dates as ISO."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime():
            return cell.isoformat(sep=" ", timespec="seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)
