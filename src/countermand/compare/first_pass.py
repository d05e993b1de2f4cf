"""Pass one: every key of both sides, grouped by its hash; what is in step is counted, the rest is suspect.

A key is *clean* when it has one row on each side, their facts are in step, and key, quantity and (where
goods were sent) tracking agree. Hashes only ever make more suspects, never fewer: the hash that groups and
the seal that has to agree as well are independent, 64 bits each.
"""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from collections.abc import Iterable

from countermand.compare.classify import Class, judge
from countermand.compare.coding import FACTS, UNMAPPED_CODE, StatusCount
from countermand.compare.database import Database
from countermand.compare.keys import KeyPair
from countermand.compare.load import Loaded, is_dated
from countermand.core.status import Facts, Side

#: Rows of both sides together that are grouped at a time: bounds the memory of the grouping.
_SLICE_ROWS = 6_000_000
#: More raw statuses than this are rare ones: their rows are looked at in the second pass.
_MOST_CODED = 64
#: Where the number of the MIS's status stands above the storefront's, in the number of a pair.
_MIS_SHIFT = 32


def find_suspects(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair) -> int:
    """Leave the hashes of the suspect keys in table `suspects`; returns how many keys are in step."""
    tracking = all("tracking" in loaded.layout.roles for loaded in (storefront, mis))
    clean = _clean(storefront, mis, tracking=tracking)
    # A power of two, so that a slice is told by bits of the hash.
    slices = 1 << ((storefront.rows + mis.rows) // _SLICE_ROWS).bit_length()
    db.run("CREATE TEMP TABLE suspects (h UBIGINT)")
    for number in range(slices):
        sides = (
            _hashed(loaded, keys, tracking=tracking, slices=slices, number=number)
            for loaded in (storefront, mis)
        )
        db.run(f"""
            INSERT INTO suspects
            SELECT h FROM (
                SELECT h, count(*) AS n, bit_xor(pair) AS pair, bit_xor(seal) AS seal
                       {", bit_xor(tracking) AS tracking" if tracking else ""}
                FROM ({" UNION ALL ".join(sides)}) GROUP BY h)
            WHERE {clean} IS NOT TRUE
        """)
    in_step, same = (_without_suspects(db, loaded, keys) for loaded in (storefront, mis))
    assert in_step == same, "a key that is in step has one row on each side"
    return in_step


def _without_suspects(db: Database, loaded: Loaded, keys: KeyPair) -> int:
    key = f"{keys.role(loaded.side)}_hash"
    ((rows,),) = db.run(
        f"SELECT count(*) FROM {loaded.side.value} ANTI JOIN suspects ON {key} = h WHERE {key} IS NOT NULL"
    )
    return int(rows)


def _hashed(loaded: Loaded, keys: KeyPair, *, tracking: bool, slices: int, number: int) -> str:
    role = keys.role(loaded.side)
    columns = [f"{role}_hash AS h", f"{_status(loaded)} AS pair", f"{role}_seal AS seal"]
    if tracking:
        columns.append("tracking")
    chosen = f"{role}_hash & {slices - 1} = {number}" if slices > 1 else f"{role}_hash IS NOT NULL"
    return f"SELECT {', '.join(columns)} FROM {loaded.side.value} WHERE {chosen}"


def _status(loaded: Loaded) -> str:
    """One side's half of a pair: its status as a number from 1, or NULL for a row that needs a look."""
    number = "(status::UBIGINT + 1)"
    if loaded.side is Side.MIS:
        number = f"({number} << {_MIS_SHIFT})"
    return f"CASE WHEN NOT late THEN {number} END" if is_dated(loaded) else number


def _clean(storefront: Loaded, mis: Loaded, *, tracking: bool) -> str:
    """SQL: two rows that are a pair of statuses in step, one of each side, and nothing that differs."""
    pairs: dict[bool, list[int]] = {True: [], False: []}
    for first in _read(storefront.statuses):
        for second in _read(mis.statuses):
            one, other = FACTS[first.code], FACTS[second.code]
            if judge(one, other).kind is Class.IN_STEP:
                assert first.index is not None
                assert second.index is not None
                pair = (first.index + 1) | (second.index + 1 << _MIS_SHIFT)
                pairs[_tracking_matters(one, other)].append(pair)
    sent = f"pair IN ({_numbers(pairs[True])})"
    if tracking:
        sent = f"({sent} AND tracking = 0)"
    return f"(n = 2 AND seal = 0 AND (pair IN ({_numbers(pairs[False])}) OR {sent}))"


def _read(statuses: Iterable[StatusCount]) -> list[StatusCount]:
    """The most common statuses that have a number and a meaning."""
    coded = [one for one in statuses if one.index is not None and one.code != UNMAPPED_CODE]
    return coded[:_MOST_CODED]


def _numbers(pairs: list[int]) -> str:
    return ", ".join(map(str, pairs)) or "0"


def _tracking_matters(storefront: Facts, mis: Facts) -> bool:
    return storefront.sent and mis.sent and not storefront.cancelled
