"""The mapping file as it is first written: what was detected, with the choices beside it as comments."""

from __future__ import annotations

from collections.abc import Sequence

from countermand.compare.columns import ROLES
from countermand.compare.keys import KeyPair
from countermand.compare.layout import Layout
from countermand.compare.load import Loaded
from countermand.compare.mapping import quoted, table
from countermand.compare.statuses import Meaning, meaning
from countermand.core.status import Side

_INTRODUCTION = """\
# How `countermand compare` read your two exports. Correct what is wrong, and run the same command again
# with --map and this file. A line that you delete is detected again.
#
# A status means one of: {meanings}.
# "complete" is sent unless the shipping status says otherwise; "nothing" leaves the word to other columns.
# "unmapped" is not known: such orders are listed and never guessed."""


def mapping_text(layouts: Sequence[Layout], loaded: Sequence[Loaded], pair: KeyPair | None) -> str:
    """The text of a mapping file that, read back, detects exactly what was detected now."""
    lines = [_INTRODUCTION.format(meanings=", ".join(meant.value for meant in Meaning))]
    if pair is not None:
        keys = [("storefront", quoted(pair.storefront), ""), ("mis", quoted(pair.mis), "")]
        lines += table("keys", keys)
    for layout in layouts:
        lines += _side(layout)
        statuses = next((one for one in loaded if one.side is layout.side), None)
        if statuses is not None:
            lines += _statuses(statuses)
    return "\n".join(lines) + "\n"


def _side(layout: Layout) -> list[str]:
    source, side = layout.source, layout.side.value
    settings: list[tuple[str, str, str]] = []
    if source.encoding:
        settings.append(("encoding", quoted(source.encoding), ""))
    if source.delimiter and not source.sheet:
        settings.append(("delimiter", quoted(source.delimiter), ""))
    if source.delimiter:
        settings.append(("header_line", str(source.header_line), "0: the file has no headings"))
    if source.sheet:
        settings.append(("sheet", quoted(source.sheet), ""))
    if layout.dates:
        settings.append(
            ("dates", quoted(layout.dates.value), "or year-month-day, day/month/year, month/day/year")
        )
    settings.append(("numbers", quoted(layout.numbers.value), "or 1,234.56 or 1.234,56"))
    if layout.choices.key_pattern:
        settings.append(("key_pattern", quoted(layout.choices.key_pattern), ""))
    lines = table(side, settings)
    lines.insert(1, f"# {source.name.replace(chr(10), ' ')}")
    return lines + _columns(layout)


def _columns(layout: Layout) -> list[str]:
    headings = layout.source.headings
    used = [(role, quoted(layout.heading(role)), "") for role in layout.roles]
    lines = table(f"{layout.side.value}.columns", used)
    free = [quoted(name) for index, name in enumerate(headings) if index not in layout.roles.values()]
    if free:
        lines.append(f"# Not used: {', '.join(free)}")
    open_roles = [role for role in ROLES[layout.side] if role not in layout.roles]
    lines.append(f"# Could be named too: {', '.join(open_roles)}")
    return lines


def _statuses(loaded: Loaded) -> list[str]:
    lines: list[str] = []
    for position, axis in enumerate(loaded.layout.axes):
        rows: dict[str, int] = {}
        for status in loaded.statuses:
            raw = status.raw[position]
            if raw:
                rows[raw] = rows.get(raw, 0) + status.rows
        entries = [(raw, quoted(_meant(loaded, axis, raw)), f"{count:,} rows") for raw, count in rows.items()]
        lines += table(f"{loaded.side.value}.statuses.{axis}", entries)
    return lines


def _meant(loaded: Loaded, axis: str, raw: str) -> str:
    corrected = loaded.layout.choices.statuses.get(axis, {}).get(raw)
    found = corrected or meaning(Side(loaded.side), axis, raw, {})
    assert found is not None, "a raw status that is not blank has a meaning"
    return found.value
