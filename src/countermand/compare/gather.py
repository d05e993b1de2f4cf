"""Pass two: the rows of suspect keys, read from the files again and grouped exactly, by the key itself."""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb

from countermand.compare.columns import IDENTITY
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.keys import KeyPair
from countermand.compare.layout import Layout
from countermand.compare.lines import copy_lines
from countermand.compare.load import Loaded, key_sql, late_sql, quantity_sql
from countermand.compare.source import Source
from countermand.compare.values import number_sql
from countermand.core.status import Side

#: So many ids and statuses of one key are kept to be shown; a key may have a million rows.
_SHOWN = 6
#: Rows that are grouped at a time: lists of ids and statuses cannot be spilled to disk while they grow.
_SLICE_ROWS = 250_000
_ORDER = {Side.STOREFRONT: "order", Side.MIS: "customer_reference"}


def gather(db: Database, loaded: Loaded, keys: KeyPair, work: Path) -> None:
    """Leave table `<side>_keys`: one row per suspect key with all that is needed to judge and to show it.

    `work`: a folder for copies. Raises CompareError when the file is not what it was in pass one.
    """
    name = loaded.side.value
    rows = _read_suspects(db, loaded, keys, work / f"{name}-suspects.txt")
    slices = 1 + rows // _SLICE_ROWS
    for number in range(slices):
        _equal_rows_together(db, loaded, f"hash(k) % {slices} = {number}")
        into = f"INSERT INTO {name}_keys" if number else f"CREATE TEMP TABLE {name}_keys AS"
        _rows_of_a_key_together(db, loaded, into)
    db.run(f"DROP TABLE {name}_suspects")


def _read_suspects(db: Database, loaded: Loaded, keys: KeyPair, copy: Path) -> int:
    layout, name = loaded.layout, loaded.side.value
    key = key_sql(layout, keys.role(loaded.side))
    rows = _read_again(db, loaded, keys, copy)
    db.run(f"""
        CREATE TEMP TABLE {name}_suspects AS
        SELECT {key} AS k, {_text(layout, IDENTITY[loaded.side])} AS own, {loaded.coding.sql},
               {_raw(layout)} AS raw,
               {quantity_sql(layout)} AS quantity, {_tracking(layout)} AS tracking, {_price(layout)} AS price,
               {late_sql(layout, loaded.as_of)} AS late, {_text(layout, _ORDER[loaded.side])} AS order_id,
               {_text(layout, "customer")} AS customer, {_text(layout, "product")} AS product
        FROM {name}_rows
    """)
    db.run(f"DROP TABLE {name}_rows")
    return rows


def _read_again(db: Database, loaded: Loaded, keys: KeyPair, copy: Path) -> int:
    """Leave the suspects' whole rows in table `<side>_rows`: from a copy of their lines where possible."""
    name, role = loaded.side.value, keys.role(loaded.side)
    suspects = f"{name} SEMI JOIN suspects ON {role}_hash = suspects.h"
    wanted = db.run(f"SELECT count(*), sum({role}_hash) FROM {suspects}")
    numbers = db.column(f"SELECT rowid FROM {suspects} ORDER BY rowid")
    if (lines := copy_lines(loaded.layout.source, numbers, copy)) is not None:
        with suppress(duckdb.Error):
            if _rows_of(db, loaded, keys, lines) == wanted:
                return int(wanted[0][0])
    if _rows_of(db, loaded, keys, loaded.layout.source) != wanted:
        raise CompareError(f"{loaded.layout.source.name} changed while it was read: compare again.")
    return int(wanted[0][0])


def _rows_of(db: Database, loaded: Loaded, keys: KeyPair, source: Source) -> list[tuple[int, int | None]]:
    """Read the suspects' rows from a source; returns how many there are, and the sum of their hashes."""
    layout, name = loaded.layout, loaded.side.value
    used = sorted(set(layout.roles.values()))
    key = f"hash({key_sql(layout, keys.role(loaded.side))})"
    db.run(f"""
        CREATE OR REPLACE TEMP TABLE {name}_rows AS
        SELECT {", ".join(f"c{index}" for index in used)} FROM {source.relation}
             SEMI JOIN suspects ON {key} = suspects.h
    """)
    return db.run(f"SELECT count(*), sum({key}) FROM {name}_rows")


def _equal_rows_together(db: Database, loaded: Loaded, chosen: str) -> None:
    """A row that says the same twice counts once; a row without an id of its own is never a duplicate."""
    name = loaded.side.value
    db.run(f"""
        CREATE TEMP TABLE {name}_lines AS
        SELECT k, coalesce(own, uuid()::VARCHAR) AS id, own IS NOT NULL AS named, code, own_code, quantity,
               tracking, order_id, any_value(raw) AS raw, any_value(customer) AS customer,
               any_value(product) AS product, max(price) AS price, count(*) AS copies, bool_or(late) AS late
        FROM {name}_suspects AS t JOIN {name}_codes AS codes
             ON t.status IS NOT DISTINCT FROM codes.status AND t.odd IS NOT DISTINCT FROM codes.odd
        WHERE {chosen}
        GROUP BY ALL
    """)


def _rows_of_a_key_together(db: Database, loaded: Loaded, into: str) -> None:
    side, layout, name = loaded.side, loaded.layout, loaded.side.value
    contradictory = (
        "count(*) > count(DISTINCT id)"
        if side is Side.STOREFRONT
        else "count(DISTINCT (id, own_code)) > count(DISTINCT id)"
    )
    value = "max(price)" if layout.price_role == "order_total" else "sum(price)"
    db.run(f"""
        {into}
        SELECT k, sum(copies)::BIGINT AS rows, count(DISTINCT id) AS lines, {contradictory} AS contradictory,
               bit_or(1::UINTEGER << code) AS mask, bool_or(late) AS late,
               CASE WHEN count(quantity) = count(*) THEN sum(quantity) END AS quantity,
               min(quantity) AS least, max(quantity) AS most, {value} AS value,
               list_sort(list_distinct(flatten(list(tracks)))) AS tracking,
               min(id, {_SHOWN}) FILTER (named) AS ids, min(order_id, {_SHOWN}) AS order_ids,
               list_distinct(min(raw, {_SHOWN * 4})) AS statuses,
               any_value(customer) AS customer, any_value(product) AS product
        FROM (SELECT *, list_filter(string_split_regex(tracking, '[,;|/\\n]+'), lambda x: x <> '') AS tracks
              FROM {name}_lines)
        GROUP BY k
    """)
    db.run(f"DROP TABLE {name}_lines")


def _text(layout: Layout, role: str) -> str:
    return f"nullif(trim(c{layout.roles[role]}), '')" if role in layout.roles else "NULL::VARCHAR"


def _raw(layout: Layout) -> str:
    texts = ", ".join(_text(layout, axis) for axis in layout.axes)
    return f"coalesce(nullif(concat_ws(' / ', {texts}), ''), '(blank)')"


def _price(layout: Layout) -> str:
    if not layout.price_role:
        return "NULL::DOUBLE"
    return number_sql(f"c{layout.roles[layout.price_role]}", layout.numbers)


def _tracking(layout: Layout) -> str:
    """Upper case, without the spaces and hyphens that some people type into the numbers."""
    return f"regexp_replace(upper(coalesce({_text(layout, 'tracking')}, '')), '[ -]', '', 'g')"
