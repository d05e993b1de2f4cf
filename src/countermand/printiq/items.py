"""printIQ's rows as `MisItem`s: a row per delivery (acceptance) or per job and stock item (OData).

One job can have several deliveries and one sales order several items, so rows are gathered by number
first; what the rows of one number say is combined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from countermand.bridge.faults import FAULTS
from countermand.bridge.ports import MisItem, MisItemKind
from countermand.core.status import LineStatus, combine
from countermand.printiq.mapping import Deliveries, invoiced, job_status, sales_order_status
from countermand.printiq.settings import AcceptanceNames, ODataNames, PrintIQSettings
from countermand.vendor_http.fields import as_int, as_text, as_time, compact, pick, tracking_codes

Names = AcceptanceNames | ODataNames


class NamelessRowsError(ValueError):
    """Rows without a job or sales order number; the text is a sentence that names the setting."""


class _Shipping(msgspec.Struct, frozen=True):
    """What the rows of one number say about its way out of the house."""

    deliveries: Deliveries
    codes: frozenset[str]
    urls: frozenset[str]


#: What to put in place of an item on which our own code fails.
Instead = Callable[[str, Exception, datetime], MisItem]


def raising(_number: str, fault: Exception, _began_at: datetime) -> MisItem:
    raise fault


def items_from(
    rows: Iterable[object],
    kind: MisItemKind,
    names: Names,
    settings: PrintIQSettings,
    began_at: datetime,
    instead: Instead = raising,
) -> dict[str, MisItem]:
    """Jobs or sales orders by their number. `instead`: where it must hold up no other; as always, it does.

    Raises:
        NamelessRowsError: rows have no number where the settings say it is.
    """
    number_field = names.job_no if kind is MisItemKind.JOB else names.sales_order_no
    gathered: dict[str, list[object]] = {}
    for row in rows:
        number = as_text(pick(row, number_field))
        if not number:
            raise NamelessRowsError(f"printIQ's rows have no {number_field}: check the names in the settings")
        gathered.setdefault(number, []).append(row)
    items = {}
    for number, own in gathered.items():
        try:
            items[number] = _item(number, kind, own, names, settings, began_at)
        except FAULTS as fault:
            items[number] = instead(number, fault, began_at)
    return items


def _item(
    number: str,
    kind: MisItemKind,
    rows: Sequence[object],
    names: Names,
    settings: PrintIQSettings,
    began_at: datetime,
) -> MisItem:
    shipping = _shipping(rows, names)
    quantities = [as_int(pick(row, names.quantity)) for row in rows]
    whole = [quantity for quantity in quantities if quantity is not None]
    return MisItem(
        ref=number,
        kind=kind,
        began_at=began_at,
        status=_status(rows, kind, shipping.deliveries, names, settings),
        customer_reference=_first(rows, names.customer_reference),
        external_reference=_first(rows, names.external_reference),
        notes="\n".join(dict.fromkeys(_texts(rows, names.notes))),
        quote_no=_first(rows, names.quote_no),
        group=key_in(_texts(rows, names.group)),
        title=_first(rows, names.title),
        # Part of a quantity would fit another line, so one that is missing leaves all of it unknown.
        quantity=sum(whole) if len(whole) == len(quantities) else None,
        tracking=shipping.codes,
        tracking_urls=shipping.urls,
        invoiced=_invoiced(rows, names, settings),
        changed_at=_changed_at(rows, names),
        raw=compact(rows[0] if len(rows) == 1 else rows),
    )


def _changed_at(rows: Iterable[object], names: Names) -> datetime | None:
    """The last time that any of the rows shows; an acceptance shows none."""
    if not isinstance(names, ODataNames):
        return None
    shown = (as_time(pick(row, names.modified)) for row in rows)
    return max((time for time in shown if time is not None), default=None)


def _status(
    rows: Sequence[object],
    kind: MisItemKind,
    deliveries: Deliveries,
    names: Names,
    settings: PrintIQSettings,
) -> LineStatus:
    read: Callable[[object], LineStatus]
    if kind is MisItemKind.JOB:
        values = [pick(row, names.status_id) for row in rows]

        def read(value: object) -> LineStatus:
            return job_status(value, deliveries, settings.dispatched_when)
    else:
        values = [as_text(pick(row, names.sales_order_status)) for row in rows]

        def read(value: object) -> LineStatus:
            return sales_order_status(str(value), deliveries, settings)

    distinct = {compact(value): value for value in values}
    return combine(read(value) for value in distinct.values())


def _shipping(rows: Sequence[object], names: Names) -> _Shipping:
    if isinstance(names, ODataNames):
        total = sum(as_int(pick(row, names.deliveries_total)) or 0 for row in rows)
        consigned = sum(as_int(pick(row, names.deliveries_consigned)) or 0 for row in rows)
        codes, urls = names.tracking_codes, names.tracking_urls
    else:
        total = len(rows)
        # A number that is none is written as 0 by the systems that keep it as a number.
        consigned = sum(1 for row in rows if as_text(pick(row, names.consignment_no)) not in ("", "0"))
        codes, urls = names.tracking_code, names.tracking_url
    return _Shipping(
        deliveries=Deliveries(total, consigned),
        codes=frozenset(code for text in _texts(rows, codes) for code in tracking_codes(text)),
        urls=frozenset(url for text in _texts(rows, urls) for url in _addresses(text)),
    )


def _addresses(text: str) -> list[str]:
    """The web addresses in a joined text; a comma inside an address does not end it."""
    parts = re.split(r"[,;\s]+(?=https?://)", text.strip())
    return [part for part in parts if re.match(r"https?://", part)]


def _invoiced(rows: Sequence[object], names: Names, settings: PrintIQSettings) -> bool | None:
    if not isinstance(names, ODataNames):
        return None
    values = [pick(row, names.invoice_status) for row in rows]
    said = [invoiced(as_text(value), settings) for value in values if value is not None]
    return any(said) if said else None


def key_in(texts: Iterable[str]) -> str:
    """The first key among the texts; 0 is how systems that keep keys as numbers write none."""
    return next((text for text in texts if text not in ("", "0")), "")


def _first(rows: Sequence[object], name: str) -> str:
    return next(iter(_texts(rows, name)), "")


def _texts(rows: Sequence[object], name: str) -> list[str]:
    return [text for row in rows if (text := as_text(pick(row, name)))]
