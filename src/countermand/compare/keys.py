"""Which column of one side names the same order as which column of the other."""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

import msgspec

from countermand.compare.columns import IDENTITY
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.layout import Layout
from countermand.compare.load import Loaded
from countermand.compare.mapping import Keys
from countermand.compare.source import sql_name, sql_text
from countermand.core.status import Side

#: Pairs of roles in order of preference; the first that links (nearly) the most orders is used. The
#: correlation fields are printIQ's; what the storefront's plugin puts there is a setting of the shop.
_PAIRS = (
    ("line", "job_reference"),
    ("mis_job", "job"),
    ("order", "customer_reference"),
    ("line", "customer_reference"),
    ("order", "job_reference"),
    ("order", "notes"),
    ("line", "notes"),
    ("order", "job"),
)
#: Never used by itself: a purchase order number is the customer's and may cover several orders.
_HINT = ("po", "customer_reference")
_NEARLY = 0.98
_SAMPLE_KEYS = 20_000
#: Every row joins the sample below this number of rows.
_ALL_ROWS = 200_000


class KeyPair(msgspec.Struct, frozen=True, kw_only=True):
    """The link in use. `by_order`: the storefront key names an order, so its rows are taken together."""

    storefront: str
    mis: str
    by_order: bool

    def role(self, side: Side) -> str:
        return self.storefront if side is Side.STOREFRONT else self.mis


def key_sql(column: str, pattern: str = "") -> str:
    """A key as it is compared: without case, surrounding space and a leading `#`; NULL when empty."""
    value = f"ltrim(upper(trim({column}, ' \t\u00a0')), '#')"
    if pattern:
        found = f"regexp_extract({column}, {sql_text(pattern)}, {1 if _has_group(pattern) else 0})"
        value = f"upper(trim({found}))"
    return f"nullif({value}, '')"


def _has_group(pattern: str) -> bool:
    return "(" in pattern.replace("\\(", "").replace("(?:", "")


def choose(db: Database, storefront: Loaded, mis: Loaded, wanted: Keys) -> KeyPair:
    """Pick the pair of columns that links the orders. Raises CompareError when none links any."""
    offered = _offered(storefront.layout, mis.layout, wanted)
    overlap = {pair: _overlap(db, storefront, mis, pair) for pair in offered}
    most = max(overlap.values())
    if most == 0:
        raise CompareError(_nothing_matches(db, storefront, mis, offered))
    best = next(pair for pair in offered if overlap[pair] >= _NEARLY * most)
    return KeyPair(
        storefront=best[0], mis=best[1], by_order=best[0] not in (IDENTITY[Side.STOREFRONT], "mis_job")
    )


def _offered(storefront: Layout, mis: Layout, wanted: Keys) -> list[tuple[str, str]]:
    for layout, role in ((storefront, wanted.storefront), (mis, wanted.mis)):
        if role and role not in layout.key_roles:
            raise CompareError(
                f"The mapping file compares by {role!r}, which {layout.source.name} does not have; "
                f"it has {', '.join(layout.key_roles) or 'none'}."
            )
    if wanted.storefront and wanted.mis:
        return [(wanted.storefront, wanted.mis)]
    pairs = [
        pair
        for pair in (*_PAIRS, *([_HINT] if wanted.storefront == "po" else []))
        if pair[0] in storefront.key_roles
        and pair[1] in mis.key_roles
        and wanted.storefront in ("", pair[0])
        and wanted.mis in ("", pair[1])
    ]
    if not pairs:
        raise CompareError(
            f"{storefront.source.name} and {mis.source.name} have no columns that could name the same order "
            f"({_named(storefront)} against {_named(mis)}); name them under [keys] in a mapping file "
            "(--map mapping.toml)."
        )
    return pairs


def _named(layout: Layout) -> str:
    return ", ".join(layout.heading(role) for role in layout.key_roles) or "no key"


def _overlap(db: Database, storefront: Loaded, mis: Loaded, pair: tuple[str, str]) -> int:
    """How many storefront keys of a sample are found among the MIS's keys (the same sample on both sides)."""
    one_in = max(1, max(storefront.rows, mis.rows) // _ALL_ROWS)
    sides = []
    for loaded, role in ((storefront, pair[0]), (mis, pair[1])):
        key = key_sql(sql_name(role), loaded.layout.choices.key_pattern)
        chosen = f"AND hash(k) % {one_in} = 0" if one_in > 1 else ""
        sides.append(
            f"SELECT DISTINCT k FROM (SELECT {key} AS k FROM {loaded.side.value}) WHERE k IS NOT NULL {chosen}"
        )
    ((found,),) = db.run(f"SELECT count(*) FROM ({sides[0]}) SEMI JOIN ({sides[1]}) USING (k)")
    return int(found)


def _nothing_matches(db: Database, storefront: Loaded, mis: Loaded, tried: list[tuple[str, str]]) -> str:
    first, second = storefront.layout, mis.layout
    pairs = " or ".join(f"{first.heading(one)} = {second.heading(other)}" for one, other in tried)
    text = f"No order of {first.source.name} is in {second.source.name}: tried {pairs}"
    if _HINT[0] in first.key_roles and _HINT[1] in second.key_roles and _overlap(db, storefront, mis, _HINT):
        return (
            f"{text}; the {first.heading('po')} would match {second.heading('customer_reference')}, so if that is "
            'how your shop links them, set storefront = "po" under [keys] in a mapping file (--map mapping.toml).'
        )
    return f"{text}; check that both exports cover the same days, or name the keys in a mapping file (--map mapping.toml)."


def find_by_content(db: Database, storefront: Layout, mis: Layout) -> tuple[Layout, Layout]:
    """Give a key role to a column under an unknown heading, where its values are found on the other side.

    Only for a side on which no heading told; the columns stay as they are when nothing matches.
    """
    if storefront.key_roles and mis.key_roles:
        return storefront, mis
    best: tuple[int, int, int] = (0, -1, -1)
    for one in _candidates(storefront):
        for other in _candidates(mis):
            found = _common(db, storefront, one, mis, other)
            if found > best[0]:
                best = (found, one, other)
    if not best[0]:
        return storefront, mis
    return _with_key(storefront, best[1], "order"), _with_key(mis, best[2], "customer_reference")


def _candidates(layout: Layout) -> list[int]:
    """Its key columns, or columns without a role that are filled and mostly different in every row."""
    if layout.key_roles:
        return [layout.roles[role] for role in layout.key_roles]
    sample = layout.source.sample
    free = [index for index in range(len(layout.source.headings)) if index not in layout.roles.values()]
    return [index for index in free if _is_varied([row[index] for row in sample])]


def _is_varied(values: list[str]) -> bool:
    filled = [value for value in values if value.strip()]
    return len(filled) >= 0.5 * len(values) and len(set(filled)) >= 0.3 * len(filled)


def _common(db: Database, storefront: Layout, one: int, mis: Layout, other: int) -> int:
    sides = [
        f"SELECT DISTINCT k FROM (SELECT {key_sql(f'c{index}')} AS k FROM {layout.source.relation}) "
        f"WHERE k IS NOT NULL ORDER BY hash(k) LIMIT {_SAMPLE_KEYS}"
        for layout, index in ((storefront, one), (mis, other))
    ]
    ((found,),) = db.run(f"SELECT count(*) FROM ({sides[0]}) SEMI JOIN ({sides[1]}) USING (k)")
    return int(found)


def _with_key(layout: Layout, index: int, role: str) -> Layout:
    if layout.key_roles:
        return layout
    return msgspec.structs.replace(
        layout, roles=layout.roles | {role: index}, by_content=layout.by_content | {role}
    )
