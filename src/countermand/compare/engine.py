"""From two loaded tables to the list of differences, in three passes.

1. One pass over both sides, grouped by the hash of the key: a key with one row on each side whose facts,
   quantities and tracking agree is in step and only counted. Everything else is a *suspect*.
2. The suspects' rows are grouped again, exactly, by the key itself.
3. The distinct combinations of facts among them (few) are judged in Python by `classify`.

Hashes only ever sort rows out: two keys that share a hash make each other suspects (a second hash of the
key has to agree as well), so the result does not depend on luck.
"""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from typing import Any

from countermand.compare.classify import (
    QUANTITY_DIFFERS,
    TRACKING_DIFFERS,
    Class,
    Finding,
    Rows,
    judge,
    judge_rows,
)
from countermand.compare.columns import IDENTITY
from countermand.compare.database import Database
from countermand.compare.keys import KeyPair, key_sql
from countermand.compare.load import FACTS, UNMAPPED_CODE, Loaded
from countermand.compare.source import sql_name
from countermand.compare.values import number_sql
from countermand.core.status import Facts, Side

_ONE_EACH = 1 + (1 << 32)
_SHOWN = 6
_TRACKING = "regexp_replace(upper(coalesce(tracking, '')), '[ -]', '', 'g')"


def compare(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair) -> None:
    """Leave two tables in the database: `differences` (one row per key that was looked at) and `settled`
    (one row: how many keys and rows were in step at first sight)."""
    _first_pass(db, storefront, mis, keys)
    for loaded in (storefront, mis):
        _gather(db, loaded, keys)
    _judge_all(db, storefront, mis, keys)


def _has(loaded: Loaded, role: str) -> bool:
    return role in loaded.layout.roles


def _both_have(storefront: Loaded, mis: Loaded, role: str) -> bool:
    return _has(storefront, role) and _has(mis, role)


def _key(loaded: Loaded, keys: KeyPair) -> str:
    return key_sql(f"t.{sql_name(keys.role(loaded.side))}", loaded.layout.choices.key_pattern)


def _coded(loaded: Loaded) -> str:
    """The side's table with the code of each row's facts."""
    side = loaded.side.value
    same = [f"t.{axis} IS NOT DISTINCT FROM codes.{axis}" for axis in (*loaded.layout.axes, "shipped")]
    return f"{side} AS t JOIN {side}_codes AS codes ON {' AND '.join(same)}"


def _first_pass(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair) -> None:
    quantities = _both_have(storefront, mis, "quantity")
    tracking = _both_have(storefront, mis, "tracking")
    sides = " UNION ALL ".join(_hashed(loaded, keys, quantities, tracking) for loaded in (storefront, mis))
    clean = _clean(storefront, mis, quantities=quantities, tracking=tracking)
    db.run(f"""
        CREATE TEMP TABLE first_pass AS
        SELECT CASE WHEN clean THEN NULL ELSE h END AS h, count(*) AS keys,
               sum(rows & 4294967295) AS storefront_rows, sum(rows >> 32) AS mis_rows
        FROM (
            SELECT h, rows, {clean} AS clean FROM (
                SELECT h, sum(one)::BIGINT AS rows, bit_or(mask) AS mask, bit_xor(h2) AS h2
                       {", sum(quantity) AS quantity" if quantities else ""}
                       {", bit_xor(tracking) AS tracking" if tracking else ""}
                FROM ({sides}) GROUP BY h))
        GROUP BY 1
    """)


def _hashed(loaded: Loaded, keys: KeyPair, quantities: bool, tracking: bool) -> str:
    first = loaded.side is Side.STOREFRONT
    shift, one, late_bit = (0, 1, 62) if first else (UNMAPPED_CODE + 1, 1 << 32, 63)
    columns = [
        "hash(k) AS h",
        "hash('~' || k) AS h2",
        f"{one}::BIGINT AS one",
        f"(1::UBIGINT << (code + {shift})) | (CASE WHEN late THEN 1::UBIGINT << {late_bit} ELSE 0 END) AS mask",
    ]
    if quantities:
        columns.append(f"{'' if first else '-'}coalesce(quantity, 0) AS quantity")
    if tracking:
        columns.append("hash(tracking) AS tracking")
    wanted = ["code", "late", *(["quantity"] if quantities else []), *(["tracking"] if tracking else [])]
    inner = f"SELECT {_key(loaded, keys)} AS k, {', '.join(wanted)} FROM {_coded(loaded)}"
    return f"SELECT {', '.join(columns)} FROM ({inner}) WHERE k IS NOT NULL"


def _clean(storefront: Loaded, mis: Loaded, *, quantities: bool, tracking: bool) -> str:
    """SQL: one row on each side, in step, and nothing that differs."""
    masks: dict[bool, list[int]] = {True: [], False: []}
    for first in _facts_present(storefront):
        for second in _facts_present(mis):
            if judge(FACTS[first], FACTS[second]).kind is Class.IN_STEP:
                mask = (1 << first) | (1 << (UNMAPPED_CODE + 1 + second))
                masks[_tracking_matters(FACTS[first], FACTS[second])].append(mask)
    agree = [f"mask IN ({_numbers(masks[False])})"]
    sent = f"mask IN ({_numbers(masks[True])})"
    agree.append(f"({sent} AND tracking = 0)" if tracking else sent)
    quantity = " AND quantity = 0" if quantities else ""
    return f"(rows = {_ONE_EACH} AND h2 = 0 AND ({' OR '.join(agree)}){quantity})"


def _facts_present(loaded: Loaded) -> list[int]:
    return sorted({status.code for status in loaded.statuses if status.code != UNMAPPED_CODE})


def _numbers(masks: list[int]) -> str:
    return ", ".join(map(str, masks)) or "0"


def _tracking_matters(storefront: Facts, mis: Facts) -> bool:
    return storefront.sent and mis.sent and not storefront.cancelled


def _gather(db: Database, loaded: Loaded, keys: KeyPair) -> None:
    """Group the suspects' rows by key: first equal rows into one, then all rows of a key."""
    side, layout = loaded.side, loaded.layout
    name = side.value
    number = number_sql("price", layout.numbers) if layout.price_role else "NULL::DOUBLE"
    identity = IDENTITY[side]
    own = f"nullif(trim(t.{identity}), '')" if _has(loaded, identity) else "NULL"
    raw = ", ".join(f"nullif(trim(t.{axis}), '')" for axis in layout.axes)
    db.run(f"""
        CREATE TEMP TABLE {name}_suspects AS
        SELECT k, id, code, own_code, quantity, tracking, order_id, any_value(raw) AS raw,
               any_value(customer) AS customer, any_value(product) AS product, max(price) AS price, count(*) AS copies, bool_or(late) AS late,
               bool_or(named) AS named
        FROM (
            SELECT {_key(loaded, keys)} AS k, {own} IS NOT NULL AS named,
                   coalesce({own}, 'row ' || row_number() OVER ()) AS id, code,
                   coalesce(nullif(concat_ws(' / ', {raw}), ''), '(blank)') AS raw,
                   own_code, quantity,
                   {_TRACKING if _has(loaded, "tracking") else "''"} AS tracking, {number} AS price, late,
                   {_order_id(loaded)} AS order_id,
                   {_text(loaded, "customer")} AS customer, {_text(loaded, "product")} AS product
            FROM {_coded(loaded)}
        ) SEMI JOIN first_pass ON hash(k) = first_pass.h
        GROUP BY ALL
    """)
    contradictory = (
        "count(*) > count(DISTINCT id)"
        if side is Side.STOREFRONT
        else "count(DISTINCT (id, own_code)) > count(DISTINCT id)"
    )
    value = "max(price)" if layout.price_role == "order_total" else "sum(price)"
    db.run(f"""
        CREATE TEMP TABLE {name}_keys AS
        SELECT k, sum(copies)::BIGINT AS rows, count(DISTINCT id) AS lines, {contradictory} AS contradictory,
               bit_or(1::UINTEGER << code) AS mask, bool_or(late) AS late,
               CASE WHEN count(quantity) = count(*) THEN sum(quantity) END AS quantity,
               min(quantity) AS least, max(quantity) AS most, {value} AS value,
               list_sort(list_distinct(flatten(list(tracks)))) AS tracking,
               min(id, {_SHOWN}) FILTER (named) AS ids, min(order_id, {_SHOWN}) AS order_ids,
               list_distinct(min(raw, {_SHOWN * 4})) AS statuses,
               any_value(customer) AS customer, any_value(product) AS product
        FROM (SELECT *, list_filter(string_split_regex(tracking, '[,;|/\\n]+'), lambda x: x <> '') AS tracks
              FROM {name}_suspects)
        GROUP BY k
    """)
    db.run(f"DROP TABLE {name}_suspects")


def _text(loaded: Loaded, role: str) -> str:
    return f"nullif(trim(t.{sql_name(role)}), '')" if _has(loaded, role) else "NULL::VARCHAR"


def _order_id(loaded: Loaded) -> str:
    if loaded.side is Side.STOREFRONT:
        return _text(loaded, "order")
    return _text(loaded, "customer_reference")


def _judge_all(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair) -> None:
    quantities = _both_have(storefront, mis, "quantity")
    differs = """s.quantity IS NOT NULL AND m.quantity IS NOT NULL AND s.quantity <> m.quantity
                 AND NOT (s.lines = 1 AND m.least = s.quantity AND m.most = s.quantity)"""
    tracking = "len(m.tracking) > 0 AND s.tracking <> m.tracking"
    db.run(f"""
        CREATE TEMP TABLE joined AS
        SELECT coalesce(s.k, m.k) AS key, coalesce(s.rows, 0) AS storefront_rows, coalesce(m.rows, 0) AS mis_rows,
               coalesce(s.mask, 0) AS s_mask, coalesce(m.mask, 0) AS m_mask,
               least(coalesce(s.lines, 0), 2)::INTEGER AS s_lines, least(coalesce(m.lines, 0), 2)::INTEGER AS m_lines,
               coalesce(s.lines = m.lines, false) AS even,
               coalesce(s.contradictory, false) AS s_contradictory, coalesce(m.contradictory, false) AS m_contradictory,
               coalesce(s.late, false) OR coalesce(m.late, false) AS late,
               {f"coalesce({differs}, false)" if quantities else "false"} AS quantity_differs,
               coalesce({tracking}, false) AS tracking_differs,
               coalesce(s.value, m.value) AS value, coalesce(s.customer, m.customer) AS customer,
               coalesce(s.product, m.product) AS product,
               s.order_ids, s.ids AS line_ids, m.ids AS job_ids, s.lines AS line_count, m.lines AS job_count,
               s.statuses AS storefront_statuses, m.statuses AS mis_statuses, m.order_ids AS references,
               s.quantity AS storefront_quantity, m.quantity AS mis_quantity,
               s.tracking AS storefront_tracking, m.tracking AS mis_tracking
        FROM storefront_keys AS s FULL JOIN mis_keys AS m ON s.k = m.k
    """)
    facts = "s_mask, m_mask, s_lines, m_lines, even, s_contradictory, m_contradictory, late, quantity_differs, tracking_differs"
    combinations = db.run(f"SELECT DISTINCT {facts} FROM joined")
    db.run(f"""
        CREATE TEMP TABLE verdicts AS
        SELECT {facts}, '' AS class, '' AS stage, 0::UTINYINT AS urgency, '' AS advice FROM joined LIMIT 0
    """)
    verdicts = [(*row, *_verdict(row, keys)) for row in combinations]
    db.fill("verdicts", verdicts)
    db.run(f"""
        CREATE TEMP TABLE differences AS
        SELECT joined.* EXCLUDE ({facts}), class, stage, urgency, advice, s_mask, m_mask
        FROM joined JOIN verdicts USING ({facts})
    """)
    db.run("DROP TABLE joined")


def _verdict(row: tuple[Any, ...], keys: KeyPair) -> tuple[str, str, int, str]:
    s_mask, m_mask, s_lines, m_lines, even, s_bad, m_bad, late, quantity, tracking = row
    if late:
        return (Class.AFTER_AS_OF.value, "", 5, "")
    storefront = Rows(facts=_unmask(s_mask), lines=s_lines, contradictory=s_bad)
    # The number of lines only matters as "none", "one" and "as many as on the other side".
    mis = Rows(
        facts=_unmask(m_mask), lines=s_lines if even else (m_lines and s_lines + 1), contradictory=m_bad
    )
    finding = judge_rows(storefront, mis, by_order=keys.by_order)
    if finding.kind is Class.IN_STEP and not _all_cancelled(storefront):
        finding = _detail(storefront, mis, finding, quantity=quantity, tracking=tracking)
    return (finding.kind.value, finding.stage, int(finding.urgency), finding.advice)


def _detail(storefront: Rows, mis: Rows, finding: Finding, *, quantity: bool, tracking: bool) -> Finding:
    if quantity:
        return QUANTITY_DIFFERS
    sent = all(facts and facts.sent for facts in storefront.facts) and any(
        facts and facts.sent for facts in mis.facts
    )
    return TRACKING_DIFFERS if tracking and sent else finding


def _all_cancelled(rows: Rows) -> bool:
    return all(facts is not None and facts.cancelled for facts in rows.facts)


def _unmask(mask: int) -> frozenset[Facts | None]:
    codes = [code for code in range(UNMAPPED_CODE + 1) if mask >> code & 1]
    return frozenset(None if code == UNMAPPED_CODE else FACTS[code] for code in codes)
