"""Taking what was read into a case: pure, and deaf to old news."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from countermand.bridge.case import Case, CaseItem, CaseLine, first_seen, further
from countermand.bridge.ports import MisItem, OrderNotRead, StorefrontLine, StorefrontOrder
from countermand.core.status import GONE, Gone, LineStatus, Side, Unseen

#: What stands where a person's words were, and there has to be something.
ERASED = "erased"


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A system showed something new about a line or an item: what it was before, and what it is."""

    side: Side
    ref: str
    began_at: datetime
    before: LineStatus
    after: LineStatus
    raw: str = ""


def open_case(order: StorefrontOrder, answered_at: datetime) -> Case:
    """A new case file from the first read of an order, which was answered at `answered_at`."""
    return see_order(blank_case(order.order_id, answered_at, order.began_at), order, answered_at)


def blank_case(order_id: str, first_seen_at: datetime, read_at: datetime) -> Case:
    """A case file of which nothing but the number is known."""
    return Case(
        order_id=order_id, first_seen_at=first_seen_at, storefront_read_at=read_at, mis_read_at=read_at
    )


def see_order(case: Case, seen: StorefrontOrder | OrderNotRead, answered_at: datetime) -> Case:
    """The case after a read of its order in the storefront, which was answered at `answered_at`."""
    if seen.began_at < case.storefront_read_at:
        return case
    seen = to_be_kept(case, seen)
    if isinstance(seen, OrderNotRead):
        lines = tuple(
            replace(line, storefront=line.storefront.read(seen.status, seen.began_at, answered_at))
            for line in case.lines
        )
        return replace(case, lines=lines, storefront_read_at=seen.began_at)
    return replace(
        case,
        # Seen first when its lines are: else what it showed from the beginning would look like news.
        first_seen_at=case.first_seen_at if case.lines else answered_at,
        storefront_read_at=seen.began_at,
        placed_at=seen.placed_at or case.placed_at,
        po_number=seen.po_number or case.po_number,
        customer=seen.customer or case.customer,
        payment=seen.payment,
        total=seen.total or case.total,
        order_cancelled=seen.order_cancelled,
        fence=seen.fence,
        lines=_lines(case, seen, answered_at),
    )


Shown = TypeVar("Shown", StorefrontOrder | OrderNotRead, StorefrontOrder, MisItem)


def to_be_kept(case: Case, shown: Shown) -> Shown:
    """What may be stored of what a system shows: of an erased order nothing that is about people."""
    if not case.erased or isinstance(shown, OrderNotRead):
        return shown
    if isinstance(shown, MisItem):
        return replace(shown, title="", notes="", raw="")
    lines = tuple(replace(line, name="") for line in shown.lines)
    return replace(shown, po_number="", customer="", lines=lines, raw="")


def to_be_kept_unlinked(
    items: Iterable[MisItem], named_by: Mapping[str, Iterable[str]], cases: Mapping[str, Case]
) -> list[MisItem]:
    """What may be stored of items that make no order yet.

    `named_by`: by item, the orders that it names. `cases`: by order id, those that are known.
    """
    kept = []
    for item in items:
        for order_id in named_by[item.ref]:
            item = to_be_kept(cases[order_id], item) if order_id in cases else item
        kept.append(item)
    return kept


def without_people(case: Case) -> Case:
    """The case without whom it is for and what people and systems said about it; nothing brings that back.

    What it takes to keep the order in step stays: its numbers, its statuses, who let a cancel pass.
    """
    return replace(
        case,
        erased=True,
        po_number="",
        customer="",
        lines=tuple(_without_words(line) for line in case.lines),
        items=tuple(replace(item, title="") for item in case.items),
        writes=tuple(replace(one, command=replace(one.command, said="")) for one in case.writes),
        cancellations=tuple(
            replace(one, wanted_because="", refused_because="") for one in case.cancellations
        ),
        checking=tuple(replace(one, reason="") for one in case.checking),
        doubts=tuple(replace(one, reasons=()) for one in case.doubts),
    )


def _without_words(line: CaseLine) -> CaseLine:
    settlement = replace(line.settlement, reason=ERASED) if line.settlement else None
    return replace(line, name="", settlement=settlement)


def _lines(case: Case, seen: StorefrontOrder, answered_at: datetime) -> tuple[CaseLine, ...]:
    known = {line.line_id: line for line in case.lines}
    shown = {line.line_id for line in seen.lines}
    updated = [_line(known.get(line.line_id), line, seen, answered_at) for line in seen.lines]
    missing = [
        replace(line, storefront=line.storefront.read(GONE, seen.began_at, answered_at))
        for line in case.lines
        if line.line_id not in shown
    ]
    return (*updated, *missing)


def _line(
    known: CaseLine | None, seen: StorefrontLine, order: StorefrontOrder, answered_at: datetime
) -> CaseLine:
    if known is None:
        return CaseLine(
            line_id=seen.line_id,
            storefront=first_seen(seen.status, order.began_at, answered_at, order.tracking),
            kind=seen.kind,
            name=seen.name,
            quantity=seen.quantity,
            quote_id=seen.quote_id,
        )
    return replace(
        known,
        storefront=known.storefront.read(seen.status, order.began_at, answered_at, order.tracking),
        kind=seen.kind or known.kind,
        name=seen.name or known.name,
        quantity=seen.quantity if seen.quantity is not None else known.quantity,
        quote_id=seen.quote_id or known.quote_id,
    )


def described(case: Case, order: StorefrontOrder) -> Case:
    """The case with what it lacked filled in; statuses are never taken from a description."""
    order = to_be_kept(case, order)
    by_id = {line.line_id: line for line in order.lines}
    lines = tuple(
        line if (known := by_id.get(line.line_id)) is None else _described_line(line, known)
        for line in case.lines
    )
    return replace(
        case,
        lines=lines,
        po_number=case.po_number or order.po_number,
        customer=case.customer or order.customer,
        total=case.total or order.total,
        placed_at=case.placed_at or order.placed_at,
    )


def _described_line(line: CaseLine, known: StorefrontLine) -> CaseLine:
    return replace(line, name=line.name or known.name, kind=line.kind or known.kind)


def see_items(case: Case, seen: Iterable[MisItem], answered_at: datetime) -> Case:
    """The case after reads of some of its jobs and sales orders; others' items are ignored."""
    for item in seen:
        known = case.item(item.ref)
        if known is not None:
            case = case.with_item(_item(known, to_be_kept(case, item), answered_at))
    return _note_mis_read(case)


def _item(known: CaseItem, seen: MisItem, answered_at: datetime) -> CaseItem:
    # "Not found" for an item that was seen before means gone, whatever the client calls it.
    status: LineStatus = GONE if isinstance(seen.status, Unseen | Gone) else seen.status
    return replace(
        known.read(status, seen.began_at, answered_at, seen.tracking),
        group=seen.group or known.group,
        title=seen.title or known.title,
        quantity=seen.quantity if seen.quantity is not None else known.quantity,
        invoiced=seen.invoiced if seen.invoiced is not None else known.invoiced,
    )


def _note_mis_read(case: Case) -> Case:
    if not case.items:
        return case
    return replace(case, mis_read_at=min(item.mis.began_at for item in case.items))


def new_item(seen: MisItem, linked_at: datetime) -> CaseItem:
    """A case's own record of an item that has just been linked."""
    return CaseItem(
        ref=seen.ref,
        kind=seen.kind,
        mis=first_seen(seen.status, seen.began_at, linked_at, seen.tracking),
        furthest=further(None, seen.status),
        group=seen.group,
        title=seen.title,
        quantity=seen.quantity,
        invoiced=seen.invoiced,
    )


def differences(before: Case | None, after: Case, raw: dict[str, str]) -> list[Sighting]:
    """What the reads between two versions of a case showed anew; `raw` by line id or item reference."""
    if after.erased:
        raw = {}
    return [*_line_differences(before, after, raw), *_item_differences(before, after, raw)]


def _line_differences(before: Case | None, after: Case, raw: dict[str, str]) -> Iterable[Sighting]:
    for line in after.lines:
        was = before.line(line.line_id) if before else None
        if was is line:
            continue
        old = was.storefront.reading() if was else None
        new = line.storefront.reading()
        if old is None or old.status != new.status or old.tracking != new.tracking:
            yield Sighting(
                side=Side.STOREFRONT,
                ref=line.line_id,
                began_at=new.began_at,
                before=old.status if old else Unseen(),
                after=new.status,
                raw=raw.get(after.order_id, ""),
            )


def _item_differences(before: Case | None, after: Case, raw: dict[str, str]) -> Iterable[Sighting]:
    for item in after.items:
        was = before.item(item.ref) if before else None
        if was is item:
            continue
        old, new = (was.reading() if was else None), item.reading()
        if old is None or old.status != new.status or old.tracking != new.tracking:
            yield Sighting(
                side=Side.MIS,
                ref=item.ref,
                began_at=new.began_at,
                before=old.status if old else Unseen(),
                after=new.status,
                raw=raw.get(item.ref, ""),
            )
