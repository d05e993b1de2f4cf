"""Exports of both systems, read as `countermand compare` reads them, cut into batches for a first import.

An order is taken from the file only when the file says everything about it: each of its lines has a number
and one status that is known. Every other order is named by its number, to be read from the storefront.
"""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import msgspec

from countermand.bridge.ports import MisItem, MisItemKind, StorefrontLine, StorefrontOrder
from countermand.compare import mapping, statuses, values
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.layout import Layout, check_sides, lay_out, what_is_missing
from countermand.compare.load import cut_sql
from countermand.compare.source import open_source, repair
from countermand.compare.statuses import Meaning
from countermand.compare.words import words
from countermand.core.status import (
    Facts,
    Intent,
    LineStatus,
    Progress,
    Side,
    Unmapped,
    combine,
)
from countermand.imports.batch import ImportBatch

Result = TypeVar("Result")

#: How sales order numbers begin in printIQ is not known: a guess.
SALES_ORDER_PREFIX = "SO"
#: Orders in one batch: what one request to the service brings in.
BATCH_ORDERS = 50

_SHIPPED = (None, Progress.PART_DISPATCHED, Progress.DISPATCHED)
_TEXTS = ("line", "mis_job", "po", "customer", "product", "tracking", "order_total")
_NUMBERS = ("order", "line", "mis_job", "job", "customer_reference", "job_reference")
_MIS_TEXTS = ("customer_reference", "job_reference", "notes", "product", "tracking")


class ExportFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Two exports laid out for import. `storefront_as_of`, `mis_as_of`: when each was made."""

    db: Database
    storefront: Layout
    mis: Layout | None
    storefront_as_of: datetime
    mis_as_of: datetime
    sales_order_prefix: str
    orders: int
    batch_count: int


@contextmanager
def open_files(
    storefront: Path,
    mis: Path | None,
    work: Path,
    as_of: datetime | None = None,
    map_path: Path | None = None,
    sales_order_prefix: str = SALES_ORDER_PREFIX,
) -> Iterator[ExportFiles]:
    """Read the exports into a database of their own in `work`.

    `as_of`: when they were made; by default each file's own time. `sales_order_prefix`: how sales order
    numbers begin; the default is a guess of ours.

    Raises:
        CompareError: in one sentence, when a file is no export of its system.
    """
    corrections = mapping.read(map_path) if map_path is not None else mapping.Corrections()
    source = open_source(str(storefront), work, corrections.storefront)
    other = open_source(str(mis), work, corrections.mis) if mis is not None else None
    if other is not None:
        check_sides(source, other)
    layout = _complete(lay_out(Side.STOREFRONT, source, corrections.storefront), "order")
    mis_layout = _complete(lay_out(Side.MIS, other, corrections.mis), "job") if other is not None else None
    with Database(work, "1200MB") as db:
        orders = _readable(layout, work, lambda whole: _load_orders(db, whole))
        if mis_layout is None:
            db.run("CREATE TEMP TABLE jobs AS SELECT 0 AS batch, NULL AS job WHERE false")
        else:
            _readable(mis_layout, work, lambda whole: _load_jobs(db, whole))
        ((count,),) = db.run("SELECT coalesce(max(batch) + 1, 0) FROM shop")
        yield ExportFiles(
            db=db,
            storefront=layout,
            mis=mis_layout,
            storefront_as_of=as_of or _made_at(storefront),
            mis_as_of=as_of or _made_at(mis or storefront),
            sales_order_prefix=sales_order_prefix.upper(),
            orders=orders,
            batch_count=int(count),
        )


def _complete(layout: Layout, role: str) -> Layout:
    """The layout, if it has its statuses and the numbers that an import goes by."""
    if missing := what_is_missing(layout):
        raise CompareError(missing)
    if role not in layout.roles:
        raise CompareError(
            f"{layout.source.name} has no column of {role} numbers; name it under "
            f"[{layout.side.value}.columns] in a mapping file (--map mapping.toml)."
        )
    return layout


def _made_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def batches(files: ExportFiles) -> Iterator[ImportBatch]:
    """Every order of the storefront's export, with the jobs that carry one of its keys."""
    for number in range(files.batch_count):
        rows = _rows(files.db, f"SELECT * FROM shop WHERE batch = {number} ORDER BY order_id, n")
        orders, unclear = _orders(files, rows)
        yield ImportBatch(orders=orders, order_ids=unclear, items=_items(files, number))


def some_orders(files: ExportFiles, most: int = 5) -> list[str]:
    """A few order numbers from all over the file, to see whether the storefront knows them at all."""
    found = files.db.run(f"SELECT DISTINCT order_id FROM shop ORDER BY hash(order_id) LIMIT {most}")
    return [str(row[0]) for row in found]


# Loading


def _readable(layout: Layout, work: Path, load: Callable[[Layout], Result]) -> Result:
    """Load an input; one whose later part is written in another encoding is cleaned first.

    Raises:
        CompareError: its rows cannot be read.
    """
    try:
        return load(layout)
    except duckdb.Error as error:
        repaired = repair(layout.source, work)
        if repaired is None:
            reason = str(error).partition("\n")[0]
            raise CompareError(
                f"{layout.source.name} cannot be read ({reason}): it is damaged or was cut off; "
                "export it again."
            ) from error
        return _readable(msgspec.structs.replace(layout, source=repaired), work, load)


def _load_orders(db: Database, layout: Layout) -> int:
    columns = [f"{_text(layout, role)} AS {role}" for role in _TEXTS]
    columns += [f"{_text(layout, axis)} AS {axis}" for axis in layout.axes]
    columns += [f"{_number(layout, 'quantity')} AS quantity", f"{_placed(layout)} AS placed"]
    columns.append(f"{_shipped(layout)} AS shipped")
    key = f"ltrim({_text(layout, 'order')}, '#')"
    db.run(f"""
        CREATE TEMP TABLE shop AS
        SELECT *, (dense_rank() OVER (ORDER BY order_id) - 1) // {BATCH_ORDERS} AS batch
        FROM (SELECT row_number() OVER () AS n, {key} AS order_id, {", ".join(columns)}
              FROM {layout.source.relation})
        WHERE order_id IS NOT NULL
        ORDER BY batch
    """)
    ((orders,),) = db.run("SELECT count(DISTINCT order_id) FROM shop")
    if not orders:
        raise CompareError(f"{layout.source.name} has headings and no orders below them; export it again.")
    ((cut, one),) = db.run(f"SELECT count(*), any_value(order_id) FROM shop WHERE {cut_sql('order_id')}")
    if cut:
        raise CompareError(
            f"{layout.source.name} has order numbers like {one}: a spreadsheet has cut them off. Export it "
            "again, and do not save it in a spreadsheet first."
        )
    return int(orders)


def _load_jobs(db: Database, layout: Layout) -> None:
    """Each job with the batches whose orders it names, by any key that could link them."""
    columns = [f"{_text(layout, role)} AS {role}" for role in _MIS_TEXTS]
    columns += [f"{_text(layout, axis)} AS {axis}" for axis in layout.axes]
    columns += [f"{_number(layout, 'quantity')} AS quantity", f"{_shipped(layout)} AS shipped"]
    db.run(f"""
        CREATE TEMP TABLE every_job AS
        SELECT row_number() OVER () AS n, {_text(layout, "job")} AS job, {", ".join(columns)}
        FROM {layout.source.relation}
        WHERE {_text(layout, "job")} IS NOT NULL
    """)
    db.run(r"""
        CREATE TEMP TABLE named AS
        SELECT n, upper(ltrim(customer_reference, '#')) AS key FROM every_job
        UNION SELECT n, upper(job_reference) FROM every_job
        UNION SELECT n, upper(job) FROM every_job
        UNION SELECT n, upper(unnest(string_split_regex(notes, '[^\w-]+'))) FROM every_job
    """)
    db.run("""
        CREATE TEMP TABLE keys AS
        SELECT DISTINCT batch, upper(key) AS key
        FROM (SELECT batch, unnest([order_id, line, mis_job, po]) AS key FROM shop)
        WHERE key IS NOT NULL
    """)
    db.run("""
        CREATE TEMP TABLE jobs AS
        SELECT batch, every_job.*
        FROM (SELECT DISTINCT batch, n FROM named JOIN keys USING (key)) JOIN every_job USING (n)
        ORDER BY batch
    """)


def _text(layout: Layout, role: str) -> str:
    if role not in layout.roles:
        return "NULL::VARCHAR"
    text = f"nullif(trim(c{layout.roles[role]}), '')"
    # A program that takes numbers for decimals writes 10001.0.
    return f"regexp_replace({text}, '^(\\d+)\\.0+$', '\\1')" if role in _NUMBERS else text


def _number(layout: Layout, role: str) -> str:
    if role not in layout.roles:
        return "NULL::DOUBLE"
    return values.number_sql(f"c{layout.roles[role]}", layout.numbers)


def _placed(layout: Layout) -> str:
    if "placed" not in layout.roles or layout.dates is None:
        return "NULL::TIMESTAMP"
    return values.timestamp_sql(f"c{layout.roles['placed']}", layout.dates)


def _shipped(layout: Layout) -> str:
    sent, wanted = _number(layout, "shipped_quantity"), _number(layout, "quantity")
    return f"(CASE WHEN {sent} >= {wanted} AND {wanted} > 0 THEN 2 WHEN {sent} > 0 THEN 1 ELSE 0 END)"


def _rows(db: Database, sql: str) -> list[dict[str, Any]]:
    return list(db.stream(sql))


# Orders


def _orders(
    files: ExportFiles, rows: list[dict[str, Any]]
) -> tuple[tuple[StorefrontOrder, ...], tuple[str, ...]]:
    """Orders that the file tells everything about, and the numbers of the others."""
    whole, unclear = [], []
    for order_id, own in groupby(rows, key=lambda row: str(row["order_id"])):
        order = _order(files, order_id, list(own))
        if order is None:
            unclear.append(order_id)
        else:
            whole.append(order)
    return tuple(whole), tuple(unclear)


def _order(files: ExportFiles, order_id: str, rows: list[dict[str, Any]]) -> StorefrontOrder | None:
    lines: dict[str, StorefrontLine] = {}
    for row in rows:
        status = _status(files.storefront, row)
        if not row["line"] or not isinstance(status, Facts):
            return None
        line = StorefrontLine(
            line_id=_line_id(row["line"]),
            status=status,
            name=row["product"] or "",
            quantity=_whole(row["quantity"]),
        )
        if lines.setdefault(line.line_id, line) != line:
            return None
    first = rows[0]
    cancelled = [_meaning(files.storefront, "order_status", row) is Meaning.CANCELLED for row in rows]
    return StorefrontOrder(
        order_id=order_id,
        began_at=files.storefront_as_of,
        lines=tuple(lines.values()),
        placed_at=first["placed"].replace(tzinfo=UTC) if first["placed"] is not None else None,
        po_number=first["po"] or "",
        customer=first["customer"] or "",
        total=first["order_total"] or "",
        tracking=frozenset(code for row in rows for code in _codes(row["tracking"])),
        order_cancelled=all(cancelled),
        raw=_raw(files.storefront, rows),
    )


def _line_id(text: str) -> str:
    """Infigo writes a type letter in lower case and a number; some exports write it large."""
    return text.lower() if re.fullmatch(r"[A-Za-z]\d+", text) else text


def _codes(text: str | None) -> list[str]:
    return [code for part in re.split(r"[,;|/\n]+", text or "") if (code := part.strip())]


def _whole(number: float | None) -> int | None:
    return int(number) if number is not None and number == int(number) else None


def _raw(layout: Layout, rows: list[dict[str, Any]]) -> str:
    """What the file says, as the order's timeline shows it."""
    shown = [
        {layout.heading(role): row[role] for role in ("line", *layout.axes) if role in layout.roles}
        for row in rows
    ]
    return msgspec.json.encode({"export": layout.source.name, "rows": shown}).decode()


# Jobs


def _items(files: ExportFiles, batch: int) -> tuple[MisItem, ...]:
    if files.mis is None:
        return ()
    rows = _rows(files.db, f"SELECT * FROM jobs WHERE batch = {batch} ORDER BY job, n")
    return tuple(
        _item(files, files.mis, ref, list(own)) for ref, own in groupby(rows, key=lambda row: str(row["job"]))
    )


def _item(files: ExportFiles, layout: Layout, ref: str, rows: list[dict[str, Any]]) -> MisItem:
    first = rows[0]
    reference = first["job_reference"] or ""
    return MisItem(
        ref=ref,
        kind=_kind(layout, ref, files.sales_order_prefix),
        began_at=files.mis_as_of,
        status=combine({str(one): one for one in (_job_status(layout, row) for row in rows)}.values()),
        customer_reference=(first["customer_reference"] or "").lstrip("#"),
        external_reference=_line_id(reference),
        notes=first["notes"] or "",
        title=first["product"] or "",
        quantity=_whole(first["quantity"]),
        tracking=frozenset(code for row in rows for code in _codes(row["tracking"])),
        raw=_raw_job(layout, rows),
    )


def _raw_job(layout: Layout, rows: list[dict[str, Any]]) -> str:
    shown = [{layout.heading(axis): row[axis] for axis in layout.axes} for row in rows]
    return msgspec.json.encode({"export": layout.source.name, "rows": shown}).decode()


def _kind(layout: Layout, ref: str, prefix: str) -> MisItemKind:
    """A sales order by the heading of its number, or by how the number begins."""
    by_heading = words(layout.heading("job")).startswith(("so ", "sales order"))
    by_number = bool(prefix) and ref.upper().startswith(prefix)
    return MisItemKind.SALES_ORDER if by_heading or by_number else MisItemKind.JOB


def _job_status(layout: Layout, row: Mapping[str, Any]) -> LineStatus:
    """Cancelled and on hold hide how far the work had come; an export cannot tell."""
    status = _status(layout, row)
    if not isinstance(status, Facts) or status.intent is Intent.OPEN or status.sent:
        return status
    return msgspec.structs.replace(status, history_known=False)


# Statuses


def _status(layout: Layout, row: Mapping[str, Any]) -> LineStatus:
    said = {axis: _meaning(layout, axis, row) for axis in layout.axes}
    facts = statuses.facts(said, _SHIPPED[row["shipped"]])
    if facts is not None:
        return facts
    return Unmapped(" / ".join(str(row[axis]) for axis in layout.axes if row[axis]) or "(blank)")


def _meaning(layout: Layout, axis: str, row: Mapping[str, Any]) -> Meaning | None:
    if axis not in layout.axes:
        return None
    corrections = {words(raw): meant for raw, meant in layout.choices.statuses.get(axis, {}).items()}
    return statuses.meaning(layout.side, axis, row[axis], corrections)
