"""What a comparison found: counts that add up, and the differences, worst first."""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from countermand.compare.classify import Class, Urgency
from countermand.compare.coding import FACTS, merged
from countermand.compare.database import Database
from countermand.compare.keys import KeyPair
from countermand.compare.layout import described
from countermand.compare.load import Loaded, cut_sql
from countermand.compare.titles import counted
from countermand.core.status import Facts

URGENCY_WORDS = {
    Urgency.NOW: "now",
    Urgency.TODAY: "today",
    Urgency.SOON: "soon",
    Urgency.WHEN_CONVENIENT: "when convenient",
    Urgency.NONE: "",
}


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """One class: how many orders or lines (`found`), the rows of each side in it, the value at stake."""

    found: int = 0
    storefront_rows: int = 0
    mis_rows: int = 0
    value: float | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One order or line on which the two systems disagree."""

    kind: Class
    stage: str
    urgency: Urgency
    advice: str
    key: str
    order: str
    lines: str
    jobs: str
    customer: str
    product: str
    storefront_status: str
    mis_status: str
    storefront_read_as: str
    mis_read_as: str
    storefront_quantity: float | None
    mis_quantity: float | None
    storefront_tracking: str
    mis_tracking: str
    value: float | None
    storefront_rows: int
    mis_rows: int


class SideReport(msgspec.Struct, frozen=True, kw_only=True):
    """One input as it was read: `statuses` is raw text, what it is read as ("" unmapped), rows."""

    name: str
    rows: int
    facts: tuple[tuple[str, str], ...]
    statuses: tuple[tuple[str, str, int], ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The whole result; the differences themselves stay in the database and are streamed from it."""

    made_at: datetime
    as_of: datetime | None
    storefront: SideReport
    mis: SideReport
    matched_by: str
    unit: str
    currency: str
    counts: dict[Class, Count]
    value_at_stake: float | None
    notes: tuple[str, ...]

    @property
    def drift(self) -> int:
        return sum(count.found for kind, count in self.counts.items() if kind.is_drift)

    @property
    def compared(self) -> int:
        return sum(count.found for count in self.counts.values())


def summarise(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair, in_step: int) -> Comparison:
    """Count everything; `in_step`: keys with one row on each side that the first pass settled.

    The counts add up to the rows of both inputs, or this raises AssertionError.
    """
    counts = _counts(db, storefront, mis, keys, in_step)
    for side, rows in (("storefront_rows", storefront.rows), ("mis_rows", mis.rows)):
        counted = sum(getattr(count, side) for count in counts.values())
        assert counted == rows, f"{counted} {side} counted of {rows} read: please report this"
    return Comparison(
        made_at=datetime.now(UTC).replace(microsecond=0),
        as_of=storefront.as_of,
        storefront=_side(storefront),
        mis=_side(mis),
        matched_by=_matched_by(storefront, mis, keys),
        unit="orders" if keys.by_order else "order lines",
        currency=storefront.layout.currency or mis.layout.currency,
        counts=counts,
        value_at_stake=_value_at_stake(db),
        notes=(*_key_notes(db, storefront, mis, keys, counts), *_notes(storefront, mis, keys, counts)),
    )


def _counts(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair, in_step: int) -> dict[Class, Count]:
    found = {
        Class(kind): Count(found=n, storefront_rows=first, mis_rows=second, value=value)
        for kind, n, first, second, value in db.run(
            "SELECT class, count(*), sum(storefront_rows)::BIGINT, sum(mis_rows)::BIGINT, sum(value) "
            "FROM differences GROUP BY class"
        )
    }
    looked_at = found.get(Class.IN_STEP, Count())
    step = Count(
        found=looked_at.found + in_step,
        storefront_rows=looked_at.storefront_rows + in_step,
        mis_rows=looked_at.mis_rows + in_step,
    )
    blank = [_without_key(db, loaded, keys) for loaded in (storefront, mis)]
    without = Count(found=sum(blank), storefront_rows=blank[0], mis_rows=blank[1])
    found |= {Class.IN_STEP: step, Class.WITHOUT_KEY: without}
    return {kind: found.get(kind, Count()) for kind in Class}


def _without_key(db: Database, loaded: Loaded, keys: KeyPair) -> int:
    key = keys.role(loaded.side)
    ((rows,),) = db.run(f"SELECT count(*) FROM {loaded.side.value} WHERE {key}_hash IS NULL")
    return int(rows)


_DRIFT = ", ".join(f"'{kind.value}'" for kind in Class if kind.is_drift)


def _value_at_stake(db: Database) -> float | None:
    ((value,),) = db.run(f"SELECT sum(value) FROM differences WHERE class IN ({_DRIFT})")
    return None if value is None else round(float(value), 2)


def differences(db: Database, limit: int | None = None) -> Iterator[Difference]:
    """The differences, most urgent first, then by value."""
    ends = f"LIMIT {limit}" if limit is not None else ""
    for row in db.stream(
        f"SELECT * FROM differences WHERE class IN ({_DRIFT}) "
        f"ORDER BY urgency, value DESC NULLS LAST, class, key {ends}"
    ):
        yield _difference(row)


def _difference(row: dict[str, Any]) -> Difference:
    return Difference(
        kind=Class(row["class"]),
        stage=row["stage"],
        urgency=Urgency(row["urgency"]),
        advice=row["advice"],
        key=row["key"],
        order=_joined(row["order_ids"]),
        lines=_joined(row["line_ids"], row["line_count"]),
        jobs=_joined(row["job_ids"], row["job_count"]),
        customer=row["customer"] or "",
        product=row["product"] or "",
        storefront_status=_joined(row["storefront_statuses"], separator="; "),
        mis_status=_joined(row["mis_statuses"], separator="; "),
        storefront_read_as=_read_as(row["s_mask"]),
        mis_read_as=_read_as(row["m_mask"]),
        storefront_quantity=row["storefront_quantity"],
        mis_quantity=row["mis_quantity"],
        storefront_tracking=_joined(row["storefront_tracking"]),
        mis_tracking=_joined(row["mis_tracking"]),
        value=row["value"],
        storefront_rows=row["storefront_rows"],
        mis_rows=row["mis_rows"],
    )


def _joined(values: list[str] | None, total: int | None = None, separator: str = ", ") -> str:
    if not values or len(values) == 1:
        return values[0] if values else ""
    shown = list(dict.fromkeys(values or ()))
    text = separator.join(shown[:5])
    more = max(total or 0, len(shown)) - 5
    return f"{text} and {more} more" if more > 0 and len(shown) > 5 else text


@lru_cache(maxsize=1024)
def _read_as(mask: int) -> str:
    return "; ".join(
        status_words(FACTS[code]) if code < len(FACTS) else "unmapped"
        for code in range(len(FACTS) + 1)
        if mask >> code & 1
    )


def status_words(facts: Facts) -> str:
    """`cancelled, in production`; the intent alone when nothing has been started."""
    progress = {
        "none": "not started",
        "started": "in production",
        "produced": "made",
        "part_dispatched": "partly sent",
        "dispatched": "sent",
    }[facts.progress.value]
    intent = {"open": "open", "held": "on hold", "cancelled": "cancelled"}[facts.intent.value]
    return intent if facts.progress.value == "none" else f"{intent}, {progress}"


def _side(loaded: Loaded) -> SideReport:
    statuses = tuple(
        (
            " / ".join(text for text in status.raw if text) or "(blank)",
            status_words(status.facts) if status.facts else "",
            status.rows,
        )
        for status in merged(loaded.statuses)
    )
    return SideReport(
        name=loaded.layout.source.name,
        rows=loaded.rows,
        facts=tuple(described(loaded.layout)),
        statuses=statuses,
    )


def _matched_by(storefront: Loaded, mis: Loaded, keys: KeyPair) -> str:
    return f"{storefront.layout.heading(keys.storefront)} = {mis.layout.heading(keys.mis)}"


def _key_notes(
    db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair, counts: dict[Class, Count]
) -> Iterator[str]:
    """What a spreadsheet has done to order numbers, so that they do not find each other."""
    blank = counts[Class.WITHOUT_KEY]
    for loaded, rows in ((storefront, blank.storefront_rows), (mis, blank.mis_rows)):
        layout, role = loaded.layout, keys.role(loaded.side)
        column = f"c{layout.roles[role]}"
        ask = f"SELECT count(*), any_value({column}) FROM {layout.source.relation} WHERE {cut_sql(column)}"
        ((cut, one),) = db.run(ask) if rows else ((0, ""),)
        if cut:
            yield (
                f"{counted(cut, 'row')} in {layout.source.name} whose {layout.heading(role)} is like "
                f"{one.strip()}: a spreadsheet has cut it off, so they were not compared. Export again, and "
                "do not save the file in a spreadsheet first."
            )
    ((found,),) = db.run(_WITHOUT_ZEROS)
    if found:
        yield (
            f"{counted(found, 'key')} would be found on the other side without the zeros in front: a "
            "spreadsheet may have taken them away. Export again, or set key_pattern = '0*(.+)' for both "
            "files in a mapping file (--map mapping.toml)."
        )


def _only_in(kind: Class) -> str:
    return f"SELECT ltrim(key, '0') AS bare FROM differences WHERE class = '{kind.value}'"


_WITHOUT_ZEROS = (
    f"SELECT count(*) FROM ({_only_in(Class.ONLY_IN_STOREFRONT)}) "
    f"SEMI JOIN ({_only_in(Class.ONLY_IN_MIS)}) USING (bare)"
)


def _notes(storefront: Loaded, mis: Loaded, keys: KeyPair, counts: dict[Class, Count]) -> Iterator[str]:
    blank = counts[Class.WITHOUT_KEY]
    if blank.mis_rows:
        yield (
            f"{counted(blank.mis_rows, 'job')} in {mis.layout.source.name} without a reference: no web "
            f"{'order' if blank.mis_rows == 1 else 'orders'}, not compared."
        )
    if blank.storefront_rows:
        yield (
            f"{counted(blank.storefront_rows, 'row')} in {storefront.layout.source.name} without an order "
            "number: not compared."
        )
    for loaded in (storefront, mis):
        name = loaded.layout.source.name
        if loaded.unread_numbers:
            unread = loaded.unread_numbers
            yield f"{counted(unread, 'quantity', 'quantities')} in {name} not a number: not compared."
        if loaded.unread_dates:
            yield (
                f"{counted(loaded.unread_dates, 'date')} in {name} could not be read: counted as placed "
                "before."
            )
    if counts[Class.AFTER_AS_OF].found:
        yield (
            f"{counts[Class.AFTER_AS_OF].found:,} were placed after the moment given with --as-of and are "
            "set aside."
        )
    if storefront.layout.price_role == "order_total" and not keys.by_order:
        yield "The value of a line is the total of its order: lines of one order count it once each."
    made = [status for status in mis.statuses if status.facts and status.facts.progress.value == "produced"]
    if made and counts[Class.SHIPPED_IN_STOREFRONT_ONLY].found:
        raw = " / ".join(text for text in made[0].raw if text)
        yield (
            f"“{raw}” in {mis.layout.source.name} is read as made and not yet sent; if it means sent in "
            "your shop, "
            "say so in the mapping file."
        )
