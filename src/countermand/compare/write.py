"""The result as a file: CSV or JSON (the page and the workbook have modules of their own)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from countermand.compare.errors import CompareError
from countermand.compare.result import URGENCY_WORDS, Comparison, Difference, SideReport
from countermand.compare.table import COLUMNS, Differences, cells


def write(path: Path, comparison: Comparison, differences: Differences) -> None:
    """Write one report, whole or not at all; its ending says which.

    Raises CompareError when it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        _writer(path.suffix.lower())(unfinished, comparison, differences)
        unfinished.replace(path)
    except OSError as error:
        raise CompareError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _writer(ending: str) -> Callable[[Path, Comparison, Differences], None]:
    """The libraries for pages and workbooks take a tenth of a second to load: only where one is asked for."""
    if ending == ".xlsx":
        from countermand.compare.workbook import write_xlsx

        return write_xlsx
    if ending in (".html", ".htm"):
        from countermand.compare.page import write_html

        return write_html
    return _csv if ending == ".csv" else _json


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
