"""Generated exports with known drift: what each key must come out as is known before they are written."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import xlsxwriter

from countermand.compare.classify import Class

Row = dict[str, str]

STOREFRONT_OPEN = [("Pending", "Not Yet Shipped"), ("Processing", "Not Yet Shipped"), ("20", "20")]
STOREFRONT_SENT = [("Processing", "Shipped"), ("Complete", "Delivered"), ("complete", "SHIPPED")]
STOREFRONT_CANCELLED = [("Cancelled", "Not Yet Shipped"), ("Canceled", "NotYetShipped"), ("40", "10")]
MIS_NOT_STARTED = ["22", "Awaiting Artwork", "PRE_PRODUCTION_STATUS_IN_PROCESS_2", "27"]
MIS_STARTED = ["In Production", "3", "PRODUCTION_STATUS_IN_PROCESS_4"]
MIS_MADE = ["Complete", "20", "PRODUCTION_STATUS_FINISHED_PRODUCTION"]
MIS_CANCELLED = ["Cancelled", "Canceled", "17", "PRODUCTION_STATUS_CANCELLED"]
MIS_SENT = ["Dispatched", "Shipped", "despatched"]
UNKNOWN = ["Zurück an Kunde", "Parked", "99"]
CUSTOMERS = ["Hawthorn Café", "Brontë & Söhne", "Łódź Tiles", "Ridge, Peak and Co", 'The "Quoted" Press']


@dataclass
class Exports:
    """Rows of both sides and, per key, the class that the comparison has to find."""

    by_line: bool
    storefront: list[Row] = field(default_factory=list)
    mis: list[Row] = field(default_factory=list)
    expected: dict[str, Class] = field(default_factory=dict)


class Generator:
    """Makes one order after another; `by_line` exports carry line ids that both systems know."""

    def __init__(self, seed: int, *, by_line: bool) -> None:
        self.random = random.Random(seed)
        self.exports = Exports(by_line=by_line)
        self._number = 100_000 + self.random.randrange(1000)

    def key(self) -> str:
        self._number += 1 + self.random.randrange(3)
        return f"s{self._number}" if self.exports.by_line else str(self._number)

    def storefront(self, key: str, status: tuple[str, str], *, quantity: int, tracking: str = "") -> Row:
        order = str(700_000 + int(key.lstrip("s"))) if self.exports.by_line else key
        row = {
            "Order ID": order,
            "Order Status": status[0],
            "Shipping Status": status[1],
            "Customer": self.random.choice(CUSTOMERS),
            "Quantity": str(quantity),
            "Price": f"{self.random.randrange(500, 90_000) / 100:.2f}",
            "Tracking Number": tracking,
        }
        if self.exports.by_line:
            row["Job ID"] = key if self.random.random() < 0.8 else f" {key.upper()} "
        self.exports.storefront.append(row)
        return row

    def mis(self, key: str, status: str, *, quantity: int, tracking: str = "", number: str = "") -> Row:
        self._number += 1
        row = {
            "Job No": number or f"J{self._number}-01",
            "Customer Reference": f"PO-{self._number}" if self.exports.by_line else key,
            "Status": status,
            "Quantity": str(quantity),
            "Tracking Code": tracking,
            "Customer": self.random.choice(CUSTOMERS),
        }
        if self.exports.by_line:
            row["External Job Reference"] = key
        self.exports.mis.append(row)
        return row

    def add(self, case: str) -> None:
        key = self.key()
        expected = CASES[case](self, key)
        self.exports.expected[key.upper()] = expected

    def pair(self, key: str, storefront: list[tuple[str, str]], mis: list[str], expected: Class) -> Class:
        """One row on each side, agreeing in quantity and tracking."""
        quantity = self.random.choice([1, 50, 250, 1000])
        tracking = f"TRK{self._number}"
        first, second = self.random.choice(storefront), self.random.choice(mis)
        self.storefront(
            key, first, quantity=quantity, tracking=tracking if storefront is STOREFRONT_SENT else ""
        )
        self.mis(key, second, quantity=quantity, tracking=tracking if mis is MIS_SENT else "")
        return expected


def _pair(
    storefront: list[tuple[str, str]], mis: list[str], expected: Class
) -> Callable[[Generator, str], Class]:
    return lambda make, key: make.pair(key, storefront, mis, expected)


def _quantity(make: Generator, key: str) -> Class:
    make.storefront(key, ("Processing", "Not Yet Shipped"), quantity=100)
    make.mis(key, "In Production", quantity=250)
    return Class.QUANTITY_DIFFERS


def _tracking(make: Generator, key: str) -> Class:
    make.storefront(key, ("Complete", "Shipped"), quantity=10, tracking=make.random.choice(["", "TRK1"]))
    make.mis(key, "Dispatched", quantity=10, tracking="TRK2")
    return Class.TRACKING_DIFFERS


def _tracking_spelled_otherwise(make: Generator, key: str) -> Class:
    make.storefront(key, ("Complete", "Shipped"), quantity=10, tracking="jd 01-46, AB 7")
    make.mis(key, "Dispatched", quantity=10, tracking="AB7;JD0146")
    return Class.IN_STEP


def _several_jobs(make: Generator, key: str) -> Class:
    make.storefront(key, ("Processing", "Not Yet Shipped"), quantity=300)
    for quantity in (100, 200):
        make.mis(key, make.random.choice(MIS_STARTED + MIS_NOT_STARTED + MIS_MADE), quantity=quantity)
    return Class.IN_STEP


def _same_quantity_in_each_job(make: Generator, key: str) -> Class:
    make.storefront(key, ("Processing", "Not Yet Shipped"), quantity=300)
    for _ in range(3):
        make.mis(key, "In Production", quantity=300)
    return Class.IN_STEP


def _one_of_two_jobs_sent(make: Generator, key: str) -> Class:
    make.storefront(key, ("Processing", "Not Yet Shipped"), quantity=2)
    make.mis(key, "Dispatched", quantity=1)
    make.mis(key, "In Production", quantity=1)
    return Class.SHIPPED_IN_MIS_ONLY


def _all_jobs_cancelled(make: Generator, key: str) -> Class:
    make.storefront(key, ("Pending", "Not Yet Shipped"), quantity=2)
    for _ in range(2):
        make.mis(key, make.random.choice(MIS_CANCELLED), quantity=1)
    return Class.CANCELLED_IN_MIS_ONLY


def _repeated_rows(make: Generator, key: str) -> Class:
    """The same row twice, word for word: harmless where the rows carry their own number."""
    make.mis(key, "In Production", quantity=5)
    make.exports.mis.append(dict(make.exports.mis[-1]))
    make.storefront(key, ("Processing", "Not Yet Shipped"), quantity=5)
    if make.exports.by_line:
        make.exports.storefront.append(dict(make.exports.storefront[-1]))
    return Class.IN_STEP


def _repeated_drift(make: Generator, key: str) -> Class:
    make.storefront(key, ("Cancelled", "Not Yet Shipped"), quantity=5)
    row = make.mis(key, "In Production", quantity=5)
    make.exports.mis.append(dict(row))
    return Class.CANCELLED_IN_STOREFRONT_ONLY


def _contradictory_job(make: Generator, key: str) -> Class:
    make.storefront(key, ("Processing", "Not Yet Shipped"), quantity=5)
    row = make.mis(key, "In Production", quantity=5)
    make.mis(key, "Cancelled", quantity=5, number=row["Job No"])
    return Class.AMBIGUOUS_KEY


def _mixed_order(make: Generator, key: str) -> Class:
    """Two lines and two jobs that cannot be paired; with line ids the line contradicts itself."""
    make.storefront(key, ("Cancelled", "Not Yet Shipped"), quantity=1)
    make.storefront(key, ("Processing", "Not Yet Shipped"), quantity=1)
    make.mis(key, "Cancelled", quantity=1)
    make.mis(key, "In Production", quantity=1)
    return Class.AMBIGUOUS_KEY


def _only_in_storefront(make: Generator, key: str) -> Class:
    make.storefront(
        key, make.random.choice(STOREFRONT_OPEN + STOREFRONT_SENT + STOREFRONT_CANCELLED), quantity=1
    )
    return Class.ONLY_IN_STOREFRONT


def _only_in_mis(make: Generator, key: str) -> Class:
    make.mis(key, make.random.choice(MIS_STARTED + MIS_CANCELLED + MIS_SENT + UNKNOWN), quantity=1)
    return Class.ONLY_IN_MIS


def _unmapped_in_mis(make: Generator, key: str) -> Class:
    make.storefront(key, make.random.choice(STOREFRONT_OPEN + STOREFRONT_CANCELLED), quantity=1)
    make.mis(key, make.random.choice([*UNKNOWN, ""]), quantity=1)
    return Class.UNMAPPED_STATUS


def _unmapped_in_storefront(make: Generator, key: str) -> Class:
    make.storefront(key, (make.random.choice(UNKNOWN), "Not Yet Shipped"), quantity=1)
    make.mis(key, make.random.choice(MIS_STARTED + MIS_CANCELLED), quantity=1)
    return Class.UNMAPPED_STATUS


def _not_from_the_web(make: Generator, key: str) -> Class:
    row = make.mis(key, "In Production", quantity=1)
    row["External Job Reference" if make.exports.by_line else "Customer Reference"] = make.random.choice(
        ["", "  "]
    )
    return Class.WITHOUT_KEY


CASES: dict[str, Callable[[Generator, str], Class]] = {
    "both open": _pair(STOREFRONT_OPEN, [*MIS_NOT_STARTED, *MIS_STARTED, *MIS_MADE], Class.IN_STEP),
    "both sent": _pair(STOREFRONT_SENT, MIS_SENT, Class.IN_STEP),
    "both cancelled": _pair(STOREFRONT_CANCELLED, MIS_CANCELLED, Class.IN_STEP),
    "cancelled, not started": _pair(
        STOREFRONT_CANCELLED, MIS_NOT_STARTED, Class.CANCELLED_IN_STOREFRONT_ONLY
    ),
    "cancelled, in production": _pair(STOREFRONT_CANCELLED, MIS_STARTED, Class.CANCELLED_IN_STOREFRONT_ONLY),
    "cancelled, made": _pair(STOREFRONT_CANCELLED, MIS_MADE, Class.CANCELLED_IN_STOREFRONT_ONLY),
    "cancelled, sent": _pair(STOREFRONT_CANCELLED, MIS_SENT, Class.CANCELLED_BUT_DISPATCHED),
    "sent, cancelled": _pair(STOREFRONT_SENT, MIS_CANCELLED, Class.CANCELLED_BUT_DISPATCHED),
    "open, cancelled": _pair(STOREFRONT_OPEN, MIS_CANCELLED, Class.CANCELLED_IN_MIS_ONLY),
    "open, sent": _pair(STOREFRONT_OPEN, MIS_SENT, Class.SHIPPED_IN_MIS_ONLY),
    "sent, in production": _pair(STOREFRONT_SENT, MIS_STARTED, Class.SHIPPED_IN_STOREFRONT_ONLY),
    "quantity": _quantity,
    "tracking": _tracking,
    "tracking spelled otherwise": _tracking_spelled_otherwise,
    "several jobs": _several_jobs,
    "same quantity in each job": _same_quantity_in_each_job,
    "one of two jobs sent": _one_of_two_jobs_sent,
    "all jobs cancelled": _all_jobs_cancelled,
    "repeated rows": _repeated_rows,
    "repeated drift": _repeated_drift,
    "contradictory job": _contradictory_job,
    "mixed order": _mixed_order,
    "only in storefront": _only_in_storefront,
    "only in mis": _only_in_mis,
    "unmapped in mis": _unmapped_in_mis,
    "unmapped in storefront": _unmapped_in_storefront,
    "not from the web": _not_from_the_web,
}


def generate(seed: int, orders: int, *, by_line: bool, drift: float = 0.5) -> Exports:
    """Exports of so many orders; the first is on both sides, so that there is always something to compare."""
    make = Generator(seed, by_line=by_line)
    make.add("both open")
    for _ in range(orders - 1):
        make.add(make.random.choice(list(CASES)) if make.random.random() < drift else "both open")
    make.random.shuffle(make.exports.storefront)
    make.random.shuffle(make.exports.mis)
    return make.exports


def write_export(path: Path, rows: list[Row], encoding: str = "utf-8") -> Path:
    """Write rows in the format that the file's ending names; `mixed` glues two encodings into one CSV."""
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    cells = [headings, *([row.get(heading, "") for heading in headings] for row in rows)]
    match path.suffix:
        case ".xlsx":
            with xlsxwriter.Workbook(str(path)) as book:
                sheet = book.add_worksheet()
                for number, line in enumerate(cells):
                    sheet.write_row(number, 0, line)
        case ".jsonl":
            path.write_text(
                "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
            )
        case ".parquet":
            _write_parquet(path, _delimited(cells, ",", "utf-8"))
        case _:
            path.write_bytes(_delimited(cells, "\t" if path.suffix == ".tsv" else ",", encoding))
    return path


def _delimited(cells: list[list[str]], delimiter: str, encoding: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(cells)
    if encoding != "mixed":
        return text.getvalue().encode(encoding, errors="replace")
    lines = text.getvalue().splitlines(keepends=True)
    return b"".join(
        line.encode("utf-8" if number % 2 else "cp1252", errors="replace")
        for number, line in enumerate(lines)
    )


def _write_parquet(path: Path, text: bytes) -> None:
    plain = path.with_suffix(".plain")
    plain.write_bytes(text)
    with duckdb.connect() as db:
        source = f"read_csv('{plain}', header=true, all_varchar=true, delim=',')"
        db.execute(f"COPY (FROM {source}) TO '{path}' (FORMAT parquet)")
