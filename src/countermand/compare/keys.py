"""Which column of one side names the same order as which column of the other."""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

import re

import msgspec

from countermand.compare.columns import IDENTITY
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.layout import Layout
from countermand.compare.load import Loaded, key_sql
from countermand.compare.mapping import Keys
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
)
#: Never used by itself: a purchase order number is the customer's and may cover several orders.
_HINT = ("po", "customer_reference")
_NEARLY = 0.98
_SAMPLE_KEYS = 20_000
#: Every row joins the sample below this number of rows.
_ALL_ROWS = 50_000


class KeyPair(msgspec.Struct, frozen=True, kw_only=True):
    """The link in use. `by_order`: the storefront key names an order, so its rows are taken together."""

    storefront: str
    mis: str
    by_order: bool

    def role(self, side: Side) -> str:
        return self.storefront if side is Side.STOREFRONT else self.mis


def offered(storefront: Layout, mis: Layout, wanted: Keys) -> list[tuple[str, str]]:
    """The pairs of roles that could link these inputs, best first. Raises CompareError if there are none."""
    for layout, role in ((storefront, wanted.storefront), (mis, wanted.mis)):
        if role and role not in layout.key_roles:
            raise CompareError(
                f"The mapping file compares by {role!r}, which {layout.source.name} does not have; "
                f"it has {', '.join(layout.key_roles) or 'none'}."
            )
    if wanted.storefront and wanted.mis:
        return [(wanted.storefront, wanted.mis)]
    known = (*_PAIRS, *([_HINT] if wanted.storefront == _HINT[0] else []))
    pairs = [
        (one, other)
        for one, other in known
        if one in storefront.key_roles
        and other in mis.key_roles
        and wanted.storefront in ("", one)
        and wanted.mis in ("", other)
    ]
    if not pairs:
        raise CompareError(
            f"{storefront.source.name} and {mis.source.name} have no columns that could name the same order "
            f"({_named(storefront)} against {_named(mis)}): export the MIS's jobs with their Customer "
            "Reference or External Job Reference, or name the columns in a mapping file (--map mapping.toml)."
        )
    return [pair for pair in pairs if _look_alike(storefront, pair[0], mis, pair[1])] or pairs


def _look_alike(storefront: Layout, one: str, mis: Layout, other: str) -> bool:
    """Whether the sampled values have a shape in common (`s501` and `s77` have, `s501` and `77` have not)."""
    first, second = (
        {_shape(row[layout.roles[role]]) for row in layout.source.sample} - {""}
        for layout, role in ((storefront, one), (mis, other))
    )
    return not (first and second) or bool(first & second)


def _shape(value: str) -> str:
    return re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "9", value.strip().lstrip("#").upper()))


def choose(db: Database, storefront: Loaded, mis: Loaded, pairs: list[tuple[str, str]]) -> KeyPair:
    """Pick the pair of columns that links the orders. Raises CompareError when none links any."""
    overlap = {pair: _overlap(db, storefront, mis, pair) for pair in pairs}
    most = max(overlap.values())
    if most == 0:
        raise CompareError(_nothing_matches(db, storefront.layout, mis.layout, pairs))
    best = next(pair for pair in pairs if overlap[pair] >= _NEARLY * most)
    return KeyPair(
        storefront=best[0], mis=best[1], by_order=best[0] not in (IDENTITY[Side.STOREFRONT], "mis_job")
    )


def _named(layout: Layout) -> str:
    return ", ".join(layout.heading(role) for role in layout.key_roles) or "no key"


def _overlap(db: Database, storefront: Loaded, mis: Loaded, pair: tuple[str, str]) -> int:
    """How many storefront keys of a sample are found among the MIS's keys (the same sample on both sides)."""
    one_in = max(1, max(storefront.rows, mis.rows) // _ALL_ROWS)
    sides = [
        f"SELECT DISTINCT {role}_hash AS h FROM {loaded.side.value} WHERE {role}_hash % {one_in} = 0"
        for loaded, role in ((storefront, pair[0]), (mis, pair[1]))
    ]
    ((found,),) = db.run(f"SELECT count(*) FROM ({sides[0]}) SEMI JOIN ({sides[1]}) USING (h)")
    return int(found)


def _nothing_matches(db: Database, storefront: Layout, mis: Layout, tried: list[tuple[str, str]]) -> str:
    pairs = " or ".join(f"{storefront.heading(one)} = {mis.heading(other)}" for one, other in tried)
    text = f"No order of {storefront.source.name} is in {mis.source.name}: tried {pairs}"
    po, reference = _HINT
    if po in storefront.key_roles and reference in mis.key_roles and _HINT not in tried:
        found = _common(db, storefront, po, mis, reference)
        if found:
            return (
                f"{text}; the {storefront.heading(po)} would match {mis.heading(reference)}, so if "
                "that is how "
                'your shop links them, set storefront = "po" under [keys] in a mapping file (--map '
                "mapping.toml)."
            )
    return (
        f"{text}; check that both exports cover the same days, or name the keys in a mapping file "
        "(--map mapping.toml)."
    )


def find_by_content(db: Database, storefront: Layout, mis: Layout) -> tuple[Layout, Layout]:
    """Give a key role to a column under an unknown heading, where its values are found on the other side.

    Only for a side on which no heading told; the columns stay as they are when nothing matches.
    """
    if storefront.key_roles and mis.key_roles:
        return storefront, mis
    best: tuple[int, Layout, Layout] = (0, storefront, mis)
    for one in _candidates(storefront, "order"):
        for other in _candidates(mis, "customer_reference"):
            found = _common(db, one, _any_key(one), other, _any_key(other))
            if found > best[0]:
                best = (found, one, other)
    return best[1], best[2]


def _any_key(layout: Layout) -> str:
    return layout.key_roles[0]


def _candidates(layout: Layout, role: str) -> list[Layout]:
    """The layout itself where a heading told; else one for each column that could be the key."""
    if layout.key_roles:
        return [layout]
    sample = layout.source.sample
    free = [index for index in range(len(layout.source.headings)) if index not in layout.roles.values()]
    return [
        msgspec.structs.replace(
            layout, roles=layout.roles | {role: index}, by_content=layout.by_content | {role}
        )
        for index in free
        if _is_varied([row[index] for row in sample])
    ]


def _is_varied(values: list[str]) -> bool:
    filled = [value for value in values if value.strip()]
    return len(filled) >= 0.5 * len(values) and len(set(filled)) >= 0.3 * len(filled)


def _common(db: Database, storefront: Layout, one: str, mis: Layout, other: str) -> int:
    """How many keys the two columns share, in a sample of the files themselves."""
    sides = [
        f"SELECT DISTINCT k FROM (SELECT {key_sql(layout, role)} AS k FROM {layout.source.relation}) "
        f"WHERE k IS NOT NULL ORDER BY hash(k) LIMIT {_SAMPLE_KEYS}"
        for layout, role in ((storefront, one), (mis, other))
    ]
    ((found,),) = db.run(f"SELECT count(*) FROM ({sides[0]}) SEMI JOIN ({sides[1]}) USING (k)")
    return int(found)
