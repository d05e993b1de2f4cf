"""What each column of an input is taken for and how its values are written: found, and open to correction."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from countermand.compare import columns, statuses, values
from countermand.compare.errors import CompareError
from countermand.compare.mapping import FileChoices
from countermand.compare.source import Source
from countermand.compare.values import DateStyle, NumberStyle
from countermand.core.status import Side


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """An input with its columns' roles. `by_content`: roles that were found by looking at the values."""

    side: Side
    source: Source
    roles: dict[str, int]
    by_content: frozenset[str] = frozenset()
    dates: DateStyle | None = None
    dates_proven: bool = True
    numbers: NumberStyle = NumberStyle.POINT
    currency: str = ""
    choices: FileChoices = FileChoices()

    @property
    def axes(self) -> tuple[str, ...]:
        """The status columns that this input has."""
        return tuple(axis for axis in columns.STATUS_AXES[self.side] if axis in self.roles)

    @property
    def key_roles(self) -> tuple[str, ...]:
        return tuple(role for role in columns.KEY_ROLES[self.side] if role in self.roles)

    @property
    def price_role(self) -> str:
        """`price` (of a line or job), `order_total` (of the whole order), or nothing."""
        return next((role for role in ("price", "order_total") if role in self.roles), "")

    def heading(self, role: str) -> str:
        return self.source.headings[self.roles[role]]


def lay_out(side: Side, source: Source, choices: FileChoices) -> Layout:
    """Give the columns of one input their roles. Raises CompareError when a correction does not fit."""
    roles = columns.recognise(side, source.headings)
    by_content = _status_by_content(side, source, roles)
    roles |= by_content
    _apply(choices, source, side, roles)
    layout = Layout(side=side, source=source, roles=roles, by_content=frozenset(by_content), choices=choices)
    return _with_styles(layout)


def _column(source: Source, index: int) -> list[str]:
    return [row[index] for row in source.sample if index < len(row) and row[index].strip()]


def _status_by_content(side: Side, source: Source, roles: dict[str, int]) -> dict[str, int]:
    """Status columns under a heading of their own, where no column has a known status heading."""
    axes = [axis for axis in columns.STATUS_AXES[side] if axis in roles and axis != "line_cancelled"]
    if axes:
        return {}
    free = [index for index in range(len(source.headings)) if index not in roles.values()]
    found: dict[str, int] = {}
    for axis in ("shipping_status", "order_status") if side is Side.STOREFRONT else ("status",):
        fits = (i for i in free if i not in found.values())
        match = next((i for i in fits if statuses.looks_like_statuses(side, axis, _column(source, i))), None)
        if match is not None:
            found[axis] = match
    if list(found) == ["shipping_status"]:
        # One column with everyday words says both; the order axis knows all of them.
        return {"order_status": found["shipping_status"]}
    return found


def _apply(choices: FileChoices, source: Source, side: Side, roles: dict[str, int]) -> None:
    for role, heading in choices.columns.items():
        if role not in columns.ROLES[side]:
            known = ", ".join(columns.ROLES[side])
            raise CompareError(
                f"The mapping file names a column role {role!r} for {source.name}, which does not exist; "
                f"the roles are {known}."
            )
        if not heading:
            roles.pop(role, None)
            continue
        if heading not in source.headings:
            raise CompareError(
                f"The mapping file takes {role} of {source.name} from a column {heading!r}, which the "
                "file does "
                f"not have; it has {_listed(source.headings)}."
            )
        index = source.headings.index(heading)
        for other in [
            other for other, used in roles.items() if used == index and other not in choices.columns
        ]:
            del roles[other]
        roles[role] = index


def _with_styles(layout: Layout) -> Layout:
    source, roles, choices = layout.source, layout.roles, layout.choices
    style, proven = values.date_style(_column(source, roles["placed"])) if "placed" in roles else (None, True)
    amounts = [role for role in ("price", "order_total") if role in roles]
    prices = [value for role in amounts for value in _column(source, roles[role])]
    quantities = _column(source, roles["quantity"]) if "quantity" in roles else []
    return msgspec.structs.replace(
        layout,
        dates=choices.dates or style,
        dates_proven=proven or choices.dates is not None,
        numbers=choices.numbers or values.number_style(prices or quantities),
        currency=values.currency(prices),
    )


def check_sides(storefront: Source, mis: Source) -> None:
    """Raise CompareError when the two files are given the wrong way round, or are of the same system."""
    first = columns.marks(Side.STOREFRONT, storefront.headings) - columns.marks(Side.MIS, storefront.headings)
    second = columns.marks(Side.MIS, mis.headings) - columns.marks(Side.STOREFRONT, mis.headings)
    if first < 0 and second < 0:
        raise CompareError(
            f"{storefront.name} looks like the MIS's export and {mis.name} like the storefront's: "
            "give the storefront's file first and the MIS's second."
        )
    if storefront.headings == mis.headings and (first < 0 or second < 0):
        both = "MIS" if first < 0 else "storefront"
        raise CompareError(
            f"{storefront.name} and {mis.name} both look like {both} exports: give one of each system."
        )


def what_is_missing(layout: Layout) -> str:
    """One sentence when the input lacks a column without which nothing can be compared; else nothing."""
    if not [axis for axis in layout.axes if axis != "line_cancelled"]:
        return _no_status(layout)
    return "" if layout.key_roles else no_key(layout)


def _no_status(layout: Layout) -> str:
    side, source = layout.side, layout.source
    wanted = "Order Status or Shipping Status" if side is Side.STOREFRONT else "Status or Status ID"
    return (
        f"{source.name} has no status column: looked for {wanted} and found {_listed(source.headings)}; "
        f"name the right one under [{side.value}.columns] in a mapping file (--map mapping.toml)."
    )


def no_key(layout: Layout) -> str:
    side, source = layout.side, layout.source
    wanted = (
        "Order ID or Job ID"
        if side is Side.STOREFRONT
        else "Customer Reference, External Job Reference or Job No"
    )
    return (
        f"{source.name} has no column that names the order: looked for {wanted} and found "
        f"{_listed(source.headings)}; name the right one under [{side.value}.columns] in a mapping file "
        "(--map mapping.toml)."
    )


def _listed(headings: Sequence[str]) -> str:
    shown = ", ".join(headings[:12])
    return f"{shown} and {len(headings) - 12} more" if len(headings) > 12 else shown or "nothing"


def described(layout: Layout) -> list[tuple[str, str]]:
    """How the file was read, as pairs of a term and what was found: shown on screen and in every report."""
    source = layout.source
    form = [source.kind]
    if source.sheet:
        form.append(f"sheet {source.sheet!r}")
    elif source.delimiter:
        form.append(f"{_delimiter_word(source.delimiter)} between columns")
    if source.encoding:
        form.append(source.encoding)
    if source.delimiter:
        form.append(f"headings in line {source.header_line}" if source.header_line else "no headings")
    facts = [("Format", ", ".join(form))]
    used = [f"{role.replace('_', ' ')} = {layout.heading(role)}" for role in layout.roles]
    facts.append(("Columns", "; ".join(used)))
    if layout.dates:
        doubt = "" if layout.dates_proven else " (nothing in the file proves it)"
        facts.append(("Dates", f"{layout.dates.value}{doubt}"))
    if "price" in layout.roles or "order_total" in layout.roles or "quantity" in layout.roles:
        facts.append(("Numbers", f"{layout.numbers.value} {layout.currency}".strip()))
    return facts


def _delimiter_word(delimiter: str) -> str:
    known = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
    return known.get(delimiter, repr(delimiter))
