"""How printIQ's statuses read as facts: the table, as data.

Job ids are fixed while their labels can be renamed per tenant, so a job is mapped by its id and never by
its label; ids are names, never compared by size (printIQ help desk: api-soap-status-update). Dispatch is
no production status: it lives on deliveries and consignments (add-external-consigment-23-8-2023).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from countermand.core.status import Facts, Intent, LineStatus, Progress, Unmapped, Unreadable
from countermand.printiq.settings import DispatchedWhen, PrintIQSettings
from countermand.vendor_http.fields import as_int

ON_HOLD = 16
CANCELLED = 17
COMPLETE = 21


class ProductionStatus(msgspec.Struct, frozen=True):
    """One fixed id. A progress of none means that the status hides how far work had come."""

    constant: str
    intent: Intent
    progress: Progress | None


def _pre_production(number: int) -> ProductionStatus:
    return ProductionStatus(f"PRE_PRODUCTION_STATUS_IN_PROCESS_{number}", Intent.OPEN, Progress.NONE)


def _in_production(number: int) -> ProductionStatus:
    return ProductionStatus(f"PRODUCTION_STATUS_IN_PROCESS_{number}", Intent.OPEN, Progress.STARTED)


PRODUCTION_STATUSES: Mapping[int, ProductionStatus] = {
    22: _pre_production(1),
    23: _pre_production(2),
    24: _pre_production(3),
    18: _pre_production(4),
    1: _pre_production(5),
    26: _pre_production(6),
    25: ProductionStatus("PRODUCTION_STATUS_AWAITING_PAYMENT", Intent.OPEN, Progress.NONE),
    27: ProductionStatus("PRODUCTION_STATUS_AWAITING_ARTWORK", Intent.OPEN, Progress.NONE),
    2: _in_production(1),
    3: _in_production(2),
    4: _in_production(3),
    5: _in_production(4),
    6: _in_production(5),
    7: _in_production(6),
    8: _in_production(7),
    ON_HOLD: ProductionStatus("PRODUCTION_STATUS_ON_HOLD", Intent.HELD, None),
    CANCELLED: ProductionStatus("PRODUCTION_STATUS_CANCELLED", Intent.CANCELLED, None),
    20: ProductionStatus("PRODUCTION_STATUS_FINISHED_PRODUCTION", Intent.OPEN, Progress.PRODUCED),
    COMPLETE: ProductionStatus("PRODUCTION_STATUS_COMPLETE", Intent.OPEN, Progress.PRODUCED),
}

#: Sales orders have no known ids, only words (v47-webservice-updateall, sales-order-item-limits). The
#: end states are settings; how far *picked* and *packed* are is our reading.
SALES_ORDER_STATUSES: Mapping[str, Progress] = {
    "confirmed": Progress.NONE,
    "paid": Progress.NONE,
    "on backorder": Progress.NONE,
    "picked": Progress.STARTED,
    "packed": Progress.PRODUCED,
}


class Deliveries(msgspec.Struct, frozen=True):
    """How many deliveries there are (0 where that is not known), and how many a consignment covers."""

    total: int = 0
    consigned: int = 0


def job_status(raw_id: object, deliveries: Deliveries, dispatched_when: DispatchedWhen) -> LineStatus:
    """A job's facts from its production status id and its deliveries."""
    if raw_id is None or raw_id == "":
        return Unreadable("printIQ's answer has no production status id")
    status_id = as_int(raw_id)
    known = PRODUCTION_STATUSES.get(status_id) if status_id is not None else None
    if known is None:
        return Unmapped(f"production status {raw_id}")
    sent = _sent(
        deliveries, dispatched_when, complete=status_id == COMPLETE, judged=known.progress is not None
    )
    if sent is not None:
        return Facts(known.intent, sent)
    if known.progress is None:
        return Facts(known.intent, Progress.NONE, history_known=False)
    return Facts(known.intent, known.progress)


def _sent(
    deliveries: Deliveries, dispatched_when: DispatchedWhen, *, complete: bool, judged: bool
) -> Progress | None:
    """Part or all dispatched, or none when nothing has left.

    On hold and cancelled (`judged` false) hide whether the job was complete, so under `complete` its
    deliveries speak alone.
    """
    if dispatched_when == "complete" and judged:
        if complete:
            return Progress.DISPATCHED
        return Progress.PART_DISPATCHED if deliveries.consigned > 0 else None
    if deliveries.consigned <= 0:
        return None
    if dispatched_when == "first_consignment" or deliveries.consigned >= deliveries.total > 0:
        return Progress.DISPATCHED
    return Progress.PART_DISPATCHED


def sales_order_status(raw: str, deliveries: Deliveries, settings: PrintIQSettings) -> LineStatus:
    """A sales order's facts from its status word and its deliveries."""
    if not raw:
        return Unreadable("printIQ's answer has no sales order status")
    word = _word(raw)
    cancelled = word in map(_word, settings.sales_order_cancelled)
    left = word in map(_word, settings.sales_order_dispatched)
    if not cancelled and not left and word not in SALES_ORDER_STATUSES:
        return Unmapped(f"sales order status {raw}")
    sent = _sent(deliveries, settings.dispatched_when, complete=left, judged=not cancelled)
    if left:
        sent = Progress.DISPATCHED
    if cancelled:
        return Facts(Intent.CANCELLED, sent or Progress.NONE, history_known=sent is not None)
    return Facts(Intent.OPEN, sent or SALES_ORDER_STATUSES[word])


def _word(raw: str) -> str:
    return " ".join(raw.lower().split())


def invoiced(raw: str | None, settings: PrintIQSettings) -> bool | None:
    """Whether an invoice stands that only a credit note undoes; none where printIQ does not say."""
    return None if raw is None else _word(raw) not in map(_word, settings.not_invoiced)
