"""From two loaded tables to the list of differences, in three passes.

1. `first_pass`: all keys by their hash; those in step are only counted, the rest are *suspects*.
2. `gather`: the suspects' rows are read from the files again, whole, and grouped by the key itself.
3. Here: the distinct combinations of facts among them (few) are judged in Python by `classify`.
"""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from pathlib import Path
from typing import Any

from countermand.compare.classify import (
    QUANTITY_DIFFERS,
    TRACKING_DIFFERS,
    Class,
    Finding,
    Rows,
    judge_rows,
)
from countermand.compare.coding import FACTS, UNMAPPED_CODE
from countermand.compare.database import Database
from countermand.compare.first_pass import find_suspects
from countermand.compare.gather import gather
from countermand.compare.keys import KeyPair
from countermand.compare.load import Loaded
from countermand.core.status import Facts


def compare(db: Database, storefront: Loaded, mis: Loaded, keys: KeyPair, work: Path) -> int:
    """Leave table `differences` (a row per suspect key, judged); returns how many other keys agree."""
    in_step = find_suspects(db, storefront, mis, keys)
    for loaded in (storefront, mis):
        gather(db, loaded, keys, work)
    _judge_all(db, keys)
    return in_step


#: What a verdict depends on; few combinations of these occur, however many keys there are.
_FACTS = (
    *("s_mask", "m_mask", "s_lines", "m_lines", "even", "s_contradictory", "m_contradictory"),
    *("late", "quantity_differs", "tracking_differs"),
)
# One line may be several jobs that each carry the whole quantity (cover and text of one book).
_QUANTITY_DIFFERS = """(
    s.quantity IS NOT NULL AND m.quantity IS NOT NULL AND s.quantity <> m.quantity
    AND NOT (s.lines = 1 AND m.least = s.quantity AND m.most = s.quantity))"""
_TRACKING_DIFFERS = "(len(m.tracking) > 0 AND s.tracking <> m.tracking)"


def _judge_all(db: Database, keys: KeyPair) -> None:
    facts = ", ".join(_FACTS)
    db.run(f"""
        CREATE TEMP TABLE joined AS
        SELECT coalesce(s.k, m.k) AS key,
               coalesce(s.rows, 0) AS storefront_rows, coalesce(m.rows, 0) AS mis_rows,
               coalesce(s.mask, 0) AS s_mask, coalesce(m.mask, 0) AS m_mask,
               least(coalesce(s.lines, 0), 2)::INTEGER AS s_lines,
               least(coalesce(m.lines, 0), 2)::INTEGER AS m_lines,
               coalesce(s.lines = m.lines, false) AS even,
               coalesce(s.contradictory, false) AS s_contradictory,
               coalesce(m.contradictory, false) AS m_contradictory,
               coalesce(s.late, false) OR coalesce(m.late, false) AS late,
               coalesce({_QUANTITY_DIFFERS}, false) AS quantity_differs,
               coalesce({_TRACKING_DIFFERS}, false) AS tracking_differs,
               coalesce(s.value, m.value) AS value, coalesce(s.customer, m.customer) AS customer,
               coalesce(s.product, m.product) AS product, s.order_ids, s.ids AS line_ids, m.ids AS job_ids,
               s.lines AS line_count, m.lines AS job_count,
               s.statuses AS storefront_statuses, m.statuses AS mis_statuses,
               s.quantity AS storefront_quantity, m.quantity AS mis_quantity,
               s.tracking AS storefront_tracking, m.tracking AS mis_tracking
        FROM storefront_keys AS s FULL JOIN mis_keys AS m ON s.k = m.k
    """)
    combinations = db.run(f"SELECT DISTINCT {facts} FROM joined")
    db.run(f"""
        CREATE TEMP TABLE verdicts AS
        SELECT {facts}, '' AS class, '' AS stage, 0::UTINYINT AS urgency, '' AS advice FROM joined LIMIT 0
    """)
    db.fill("verdicts", [(*row, *_verdict(row, keys)) for row in combinations])
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
