"""Statuses as small numbers: raw text -> index while reading, index -> facts after counting.

Most rows carry one of the few statuses seen in the sample; those become an index in the first read. A
status that only turns up later is kept as text (`odd`), so nothing has to be known before the file is read.
"""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from countermand.compare import statuses, values
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.layout import Layout
from countermand.compare.source import sql_text
from countermand.compare.statuses import Meaning
from countermand.compare.words import words
from countermand.core.status import Facts, Intent, Progress, Side

#: A code per pair of facts; the one after the last means unmapped.
FACTS: tuple[Facts, ...] = tuple(Facts(intent, progress) for intent in Intent for progress in Progress)
UNMAPPED_CODE = len(FACTS)
#: What the shipped quantity says, by the number that SQL gives it.
_SHIPPED = (None, Progress.PART_DISPATCHED, Progress.DISPATCHED)
_DELIVERY_AXES = ("delivery_status", "dispatched")
_MOST_STATUSES = 5_000
_MOST_KNOWN = 60
_BETWEEN = "\x1f"


class StatusCount(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of raw statuses, how many rows have it, and what it is read as (none: unmapped).

    `index`: its number in the loaded table, none for one that the sample does not show.
    `own_code`: the same without what its deliveries say, because one job may have a row per delivery.
    """

    index: int | None
    raw: tuple[str, ...]
    rows: int
    facts: Facts | None
    code: int
    own_code: int


class Coding(msgspec.Struct, frozen=True, kw_only=True):
    """The statuses of one input that the sample shows, axis by axis."""

    layout: Layout
    known: tuple[tuple[str, ...], ...]

    @property
    def sql(self) -> str:
        """Two columns of the input: `status` (an index, NULL when some value is not known) and `odd`."""
        digits = [self._digit(axis, known) for axis, known in zip(self.layout.axes, self.known, strict=True)]
        index, stride = _shipped_sql(self.layout), len(_SHIPPED)
        for digit, known in zip(digits, self.known, strict=True):
            index = f"{index} + {stride} * ({digit})"
            stride *= len(known) + 1
        texts = [_trimmed(self.layout, axis) for axis in self.layout.axes]
        odd = f"concat_ws({sql_text(_BETWEEN)}, {_shipped_sql(self.layout)}, {', '.join(texts)})"
        return f"({index})::UINTEGER AS status, CASE WHEN ({index}) IS NULL THEN {odd} END AS odd"

    def _digit(self, axis: str, known: Sequence[str]) -> str:
        column = f"c{self.layout.roles[axis]}"
        cases = [f"WHEN {sql_text(raw)} THEN {number}" for number, raw in enumerate(known, start=1)]
        blank = f"CASE WHEN trim(coalesce({column}, '')) = '' THEN 0 END"
        return f"CASE {column} {' '.join(cases)} ELSE {blank} END" if cases else blank

    def raw(self, status: int | None, odd: str | None) -> tuple[int, tuple[str, ...]]:
        """What the shipped quantity says, and the raw text of each axis."""
        if status is None:
            assert odd is not None, "a status without an index is kept as text"
            shipped, *texts = odd.split(_BETWEEN)
            return int(shipped), tuple(texts)
        status, shipped_index = divmod(status, len(_SHIPPED))
        texts = []
        for known in self.known:
            status, index = divmod(status, len(known) + 1)
            texts.append(known[index - 1] if index else "")
        return shipped_index, tuple(texts)


def coding(layout: Layout) -> Coding:
    """The coding for an input, from the statuses in its sample."""
    known = tuple(_common(layout, layout.roles[axis]) for axis in layout.axes)
    return Coding(layout=layout, known=known)


def _common(layout: Layout, index: int) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for row in layout.source.sample:
        if row[index].strip():
            seen[row[index]] = None
        if len(seen) == _MOST_KNOWN:
            break
    return tuple(seen)


def _trimmed(layout: Layout, axis: str) -> str:
    return f"trim(coalesce(c{layout.roles[axis]}, ''))"


def _shipped_sql(layout: Layout) -> str:
    if "shipped_quantity" not in layout.roles or "quantity" not in layout.roles:
        return "0"
    sent, wanted = (
        values.number_sql(f"c{layout.roles[role]}", layout.numbers)
        for role in ("shipped_quantity", "quantity")
    )
    return f"(CASE WHEN {sent} >= {wanted} AND {wanted} > 0 THEN 2 WHEN {sent} > 0 THEN 1 ELSE 0 END)"


def count_statuses(db: Database, how: Coding) -> tuple[StatusCount, ...]:
    """Count and read the statuses of a loaded input; leaves table `<side>_codes` for the passes to come."""
    layout, side = how.layout, how.layout.side.value
    found = db.run(
        f"SELECT status, odd, count(*) AS n FROM {side} GROUP BY ALL ORDER BY n DESC LIMIT "
        f"{_MOST_STATUSES + 1}"
    )
    if len(found) > _MOST_STATUSES:
        raise CompareError(
            f"{layout.source.name} has more than {_MOST_STATUSES:,} different values in "
            f"{' and '.join(layout.heading(axis) for axis in layout.axes)}, so that is no status: name "
            "the right "
            f"column under [{side}.columns] in a mapping file (--map mapping.toml)."
        )
    corrections = {
        axis: {words(raw): meant for raw, meant in layout.choices.statuses.get(axis, {}).items()}
        for axis in layout.axes
    }
    counted = [_read(how, corrections, status, odd, rows) for status, odd, rows in found]
    db.run(f"CREATE TEMP TABLE {side}_codes (status UINTEGER, odd VARCHAR, code UTINYINT, own_code UTINYINT)")
    rows = zip(found, counted, strict=True)
    db.fill(f"{side}_codes", [(row[0], row[1], one.code, one.own_code) for row, one in rows])
    return tuple(counted)


def _read(
    how: Coding, corrections: dict[str, dict[str, Meaning]], status: int | None, odd: str | None, rows: int
) -> StatusCount:
    layout = how.layout
    shipped, texts = how.raw(status, odd)
    said = {
        axis: statuses.meaning(layout.side, axis, text, corrections[axis])
        for axis, text in zip(layout.axes, texts, strict=True)
    }
    facts = statuses.facts(said, _SHIPPED[shipped])
    of_job = {axis: word for axis, word in said.items() if axis not in _DELIVERY_AXES}
    own = facts if layout.side is Side.STOREFRONT else statuses.facts(of_job, None)
    return StatusCount(
        index=status,
        raw=tuple(text.strip() for text in texts),
        rows=rows,
        facts=facts,
        code=_code(facts),
        own_code=_code(own),
    )


def _code(facts: Facts | None) -> int:
    return UNMAPPED_CODE if facts is None else FACTS.index(facts)


def merged(counted: Iterable[StatusCount]) -> list[StatusCount]:
    """Spellings that differ only in surrounding space, counted together, most rows first."""
    together: dict[tuple[str, ...], StatusCount] = {}
    for one in counted:
        before = together.get(one.raw)
        rows = one.rows + (before.rows if before and before.code == one.code else 0)
        together[one.raw] = msgspec.structs.replace(one, rows=rows)
    return sorted(together.values(), key=lambda one: -one.rows)
