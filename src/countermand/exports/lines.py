"""Order lines as both systems would export them: one row per line, and one per job of a line.

Headings and status words are those that `countermand compare` knows, so that it finds in the two files the
disagreements that are stored. What a system has no row for (not found, gone) has no row here either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from countermand.bridge.case import Case, CaseItem, CaseLine
from countermand.core.status import Facts, Gone, Intent, LineStatus, Progress, Unseen

STOREFRONT_COLUMNS: Mapping[str, str] = {
    "Order ID": "text", "Job ID": "text", "Order Status": "text", "Shipping Status": "text",
    "Quantity": "integer", "Tracking Number": "text", "Order Total": "text", "Order Date": "time",
    "PO Number": "text", "Customer": "text", "Product": "text", "Read At": "time", "Connection": "text",
}  # fmt: skip
MIS_COLUMNS: Mapping[str, str] = {
    "Job No": "text", "Customer Reference": "text", "External Job Reference": "text", "Status": "text",
    "Delivery Status": "text", "Quantity": "integer", "Tracking Code": "text", "Customer": "text",
    "Job Title": "text", "Read At": "time", "Connection": "text",
}  # fmt: skip

_ORDER_STATUS = {Intent.OPEN: "Processing", Intent.HELD: "On Hold", Intent.CANCELLED: "Cancelled"}
_SHIPPING_STATUS = {Progress.PART_DISPATCHED: "Partially Shipped", Progress.DISPATCHED: "Shipped"}
_JOB_STATUS = {
    Progress.NONE: "Not Started",
    Progress.STARTED: "In Production",
    Progress.PRODUCED: "Finished Production",
    Progress.PART_DISPATCHED: "Finished Production",
    Progress.DISPATCHED: "Finished Production",
}
_DELIVERY_STATUS = {Progress.PART_DISPATCHED: "Partially Dispatched", Progress.DISPATCHED: "Dispatched"}


def storefront_rows(connection: str, case: Case) -> Iterator[dict[str, object]]:
    """The order's lines as the storefront last showed them."""
    for line in case.lines:
        status = line.storefront.status
        if isinstance(status, Unseen | Gone):
            continue
        yield {
            "Order ID": case.order_id,
            "Job ID": line.line_id,
            "Order Status": _order_status(status),
            "Shipping Status": _progress(status, _SHIPPING_STATUS, "Not Yet Shipped"),
            "Quantity": line.quantity,
            "Tracking Number": _codes(line.storefront.tracking),
            "Order Total": case.total,
            "Order Date": case.placed_at,
            "PO Number": case.po_number,
            "Customer": case.customer,
            "Product": line.name,
            "Read At": line.storefront.began_at,
            "Connection": connection,
        }


def mis_rows(connection: str, case: Case) -> Iterator[dict[str, object]]:
    """The jobs and sales orders of each line as the MIS last showed them."""
    for line in case.lines:
        for link in line.links:
            item = case.item(link.ref)
            if item is not None and not isinstance(item.mis.status, Unseen | Gone):
                yield _job(connection, case, line, item)


def _job(connection: str, case: Case, line: CaseLine, item: CaseItem) -> dict[str, object]:
    status = item.reading().status
    return {
        "Job No": item.ref,
        "Customer Reference": case.order_id,
        "External Job Reference": line.line_id,
        "Status": _job_status(status),
        "Delivery Status": _progress(status, _DELIVERY_STATUS, "Not Dispatched"),
        "Quantity": item.quantity,
        "Tracking Code": _codes(item.mis.tracking),
        "Customer": case.customer,
        "Job Title": item.title,
        "Read At": item.mis.began_at,
        "Connection": connection,
    }


def _order_status(status: LineStatus) -> str:
    return _ORDER_STATUS[status.intent] if isinstance(status, Facts) else _raw(status)


def _job_status(status: LineStatus) -> str:
    if not isinstance(status, Facts):
        return _raw(status)
    if status.intent is Intent.OPEN:
        return _JOB_STATUS[status.progress]
    return "Cancelled" if status.cancelled else "On Hold"


def _raw(status: LineStatus) -> str:
    """A status that nobody can map stays what it is: nothing is guessed from it."""
    return str(getattr(status, "raw", "") or status)


def _progress(status: LineStatus, words: Mapping[Progress, str], otherwise: str) -> str:
    return words.get(status.progress, otherwise) if isinstance(status, Facts) else ""


def _codes(tracking: frozenset[str]) -> str:
    return ", ".join(sorted(tracking))
