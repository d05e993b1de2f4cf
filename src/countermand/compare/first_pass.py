"""Pass one: every key of both sides, grouped by its hash; what is in step is counted, the rest is suspect.

A key is *clean* when it has one row on each side, their facts are in step, and key, quantity and (where
goods were sent) tracking agree. Hashes only ever make more suspects, never fewer: the hash that groups and
the seal that has to agree as well are independent, 64 bits each.
"""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from countermand.compare.classify import Class, judge
from countermand.compare.coding import FACTS, UNMAPPED_CODE
from countermand.compare.database import Database
from countermand.compare.keys import KeyPair
from countermand.compare.load import Loaded, is_dated
from countermand.core.status import Facts, Side

#: Rows of both sides together that are grouped at a time: bounds the memory of the grouping.
_SLICE_ROWS = 6_000_000
#: More raw statuses than this are rare ones: their rows are looked at in the second pass.
_MOST_CODED = 64
_MIS_SHIFT = UNMAPPED_CODE + 1


def find_suspects(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair) -> int:
    """Leave the hashes of the suspect keys in table `suspects`; returns how many keys are in step."""
    tracking = all("tracking" in loaded.layout.roles for loaded in (storefront, mis))
    clean = _clean(storefront, mis, tracking=tracking)
    slices = 1 + (storefront.rows + mis.rows) // _SLICE_ROWS
    db.run("CREATE TEMP TABLE grouped (h UBIGINT, keys BIGINT)")
    for number in range(slices):
        sides = (
            _hashed(loaded, keys, tracking=tracking, slices=slices, number=number)
            for loaded in (storefront, mis)
        )
        db.run(f"""
            INSERT INTO grouped
            SELECT CASE WHEN {clean} THEN NULL ELSE h END, count(*)
            FROM (
                SELECT h, count(*) AS n, bit_or(mask) AS mask, bit_xor(seal) AS seal
                       {", bit_xor(tracking) AS tracking" if tracking else ""}
                FROM ({" UNION ALL ".join(sides)}) GROUP BY h)
            GROUP BY 1
        """)
    db.run("CREATE TEMP TABLE suspects AS SELECT h FROM grouped WHERE h IS NOT NULL")
    ((in_step,),) = db.run("SELECT coalesce(sum(keys), 0)::BIGINT FROM grouped WHERE h IS NULL")
    db.run("DROP TABLE grouped")
    return int(in_step)


def _hashed(loaded: Loaded, keys: KeyPair, *, tracking: bool, slices: int, number: int) -> str:
    role = keys.role(loaded.side)
    columns = [f"{role}_hash AS h", f"{_mask(loaded)} AS mask", f"{role}_seal AS seal"]
    if tracking:
        columns.append("tracking")
    chosen = f"{role}_hash % {slices} = {number}" if slices > 1 else f"{role}_hash IS NOT NULL"
    return f"SELECT {', '.join(columns)} FROM {loaded.side.value} WHERE {chosen}"


def _mask(loaded: Loaded) -> str:
    """A bit per code of facts, the MIS's beside the storefront's; rows that need a look count as unmapped."""
    shift = 0 if loaded.side is Side.STOREFRONT else _MIS_SHIFT
    cases = [
        f"WHEN {status.index} THEN {1 << (status.code + shift)}"
        for status in loaded.statuses[:_MOST_CODED]
        if status.index is not None
    ]
    other = 1 << (UNMAPPED_CODE + shift)
    mask = f"CASE status {' '.join(cases)} ELSE {other} END" if cases else str(other)
    return (
        f"(CASE WHEN late THEN {other} ELSE {mask} END)::UINTEGER"
        if is_dated(loaded)
        else f"({mask})::UINTEGER"
    )


def _clean(storefront: Loaded, mis: Loaded, *, tracking: bool) -> str:
    """SQL: two rows with one bit of each side in the mask, in step, and nothing that differs."""
    masks: dict[bool, list[int]] = {True: [], False: []}
    for first in _codes_present(storefront):
        for second in _codes_present(mis):
            if judge(FACTS[first], FACTS[second]).kind is Class.IN_STEP:
                mask = (1 << first) | (1 << (_MIS_SHIFT + second))
                masks[_tracking_matters(FACTS[first], FACTS[second])].append(mask)
    sent = f"mask IN ({_numbers(masks[True])})"
    if tracking:
        sent = f"({sent} AND tracking = 0)"
    return f"(n = 2 AND seal = 0 AND (mask IN ({_numbers(masks[False])}) OR {sent}))"


def _codes_present(loaded: Loaded) -> list[int]:
    return sorted({status.code for status in loaded.statuses if status.code != UNMAPPED_CODE})


def _numbers(masks: list[int]) -> str:
    return ", ".join(map(str, masks)) or "0"


def _tracking_matters(storefront: Facts, mis: Facts) -> bool:
    return storefront.sent and mis.sent and not storefront.cancelled
