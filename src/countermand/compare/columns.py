"""Which column holds what: the names that Infigo and printIQ use, and common spellings of them.

Vendor names: Infigo Academy (order and line fields), printIQ help desk (`CustomerReference`,
`ExternalJobReference`, `JobNo`, `ProdStatusID`). The rest are everyday headings for the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from countermand.compare.words import words
from countermand.core.status import Side

#: Role -> the headings it is known by, in words, best first. An earlier role takes a column first.
STOREFRONT: Mapping[str, tuple[str, ...]] = {
    "order": (
        *("order id", "order no", "order number", "order #", "infigo order id", "web order id", "order"),
        *("order ref", "order reference", "id"),
    ),
    "line": (
        *("job id", "order line id", "line id", "line item id", "order line item id", "order item id"),
        *("opv id", "order product variant id", "item id"),
    ),
    "mis_job": (
        *("job no", "job number", "print iq job no", "printiq job no", "printiq job", "printiq job number"),
        *("piq job no", "mis job no", "mis job number", "mis job"),
    ),
    "po": ("po number", "purchase order number", "purchase order", "po no", "po", "customer po"),
    "order_status": ("order status", "status", "order state", "state"),
    "shipping_status": (
        *("shipping status", "shipment status", "delivery status", "dispatch status", "despatch status"),
        *("fulfilment status", "fulfillment status"),
    ),
    "line_status": (
        *("job status", "line status", "line item status", "item status", "order product status"),
        "order line status",
    ),
    "line_cancelled": ("is cancelled", "is canceled", "line cancelled", "cancelled", "canceled"),
    "quantity": ("quantity", "qty", "ordered quantity", "order quantity", "qty ordered", "quantity ordered"),
    "shipped_quantity": ("shipped quantity", "quantity shipped", "shipped qty", "qty shipped"),
    "tracking": (
        *("tracking number", "tracking no", "tracking code", "tracking", "tracking numbers"),
        "tracking reference",
    ),
    "price": (
        *("line total", "line price", "line value", "total price", "price", "net price", "amount", "value"),
        *("sell price", "price ex tax", "price ex vat", "price inc vat"),
    ),
    "order_total": ("order total", "grand total", "order value", "total"),
    "placed": (
        *("order date", "created on utc", "created on", "date placed", "placed on", "date ordered"),
        *("ordered on", "order placed", "date created", "created", "date"),
    ),
    "customer": ("customer", "customer name", "company", "company name", "account", "account name", "client"),
    "product": ("product", "product name", "item", "description", "job title", "title", "job name"),
}

MIS: Mapping[str, tuple[str, ...]] = {
    "job": (
        *("job no", "job number", "job", "job #", "job ref", "sales order no", "sales order number"),
        *("so number", "job id"),
    ),
    "customer_reference": (
        *("customer reference", "customer ref", "cust reference", "cust ref", "customer order reference"),
        *("customer order no", "customer order number", "client reference", "web order id", "web order no"),
        *("web order", "infigo order id", "infigo order", "storefront order", "storefront order id"),
        *("order reference", "order ref", "order id", "order no", "order number"),
    ),
    "job_reference": (
        *("external job reference", "external job ref", "external job id", "external reference"),
        *("external ref", "job reference", "infigo job id", "web job id", "storefront job id"),
    ),
    "notes": ("notes", "job notes", "note"),
    "status_id": ("prod status id", "production status id", "status id", "job status id"),
    "status": ("status", "job status", "production status", "prod status", "current status", "job state"),
    "delivery_status": (
        *("delivery status", "dispatch status", "despatch status", "consignment status", "shipping status"),
        "shipment status",
    ),
    "dispatched": ("dispatched", "despatched", "is dispatched", "is despatched"),
    "quantity": (
        "quantity",
        "qty",
        "job quantity",
        "ordered quantity",
        "order quantity",
        "selected quantity",
    ),
    "shipped_quantity": (
        *("dispatched quantity", "quantity dispatched", "despatched quantity", "quantity despatched"),
        *("delivered quantity", "quantity delivered", "shipped quantity", "quantity shipped"),
    ),
    "tracking": (
        *("consignment tracking code", "tracking code", "tracking number", "tracking no", "tracking"),
        *("delivery tracking code", "tracking numbers", "tracking reference"),
    ),
    "price": ("job value", "job price", "price", "sell price", "value", "amount", "total", "total price"),
    "placed": (
        *("date accepted", "accepted on", "acceptance date", "date created", "created on", "created"),
        *("job date", "order date", "date"),
    ),
    "customer": ("customer", "customer name", "company", "account", "client"),
    "product": ("job title", "title", "job description", "description", "product", "job name"),
}

ROLES: Mapping[Side, Mapping[str, tuple[str, ...]]] = {Side.STOREFRONT: STOREFRONT, Side.MIS: MIS}
STATUS_AXES: Mapping[Side, tuple[str, ...]] = {
    Side.STOREFRONT: ("order_status", "shipping_status", "line_status", "line_cancelled"),
    Side.MIS: ("status_id", "status", "delivery_status", "dispatched"),
}
KEY_ROLES: Mapping[Side, tuple[str, ...]] = {
    Side.STOREFRONT: ("order", "line", "mis_job", "po"),
    Side.MIS: ("customer_reference", "job_reference", "job", "notes"),
}
#: The role that names one row's own line or job; the same one twice is a duplicate.
IDENTITY: Mapping[Side, str] = {Side.STOREFRONT: "line", Side.MIS: "job"}

# Headings that only one of the two systems uses: they tell a swapped pair of files.
_MARKERS: Mapping[Side, frozenset[str]] = {
    Side.STOREFRONT: frozenset({"order id", "order status", "shipping status", "payment status", "job id"}),
    Side.MIS: frozenset(
        {
            *("job no", "job number", "customer reference", "customer ref", "external job reference"),
            *("production status", "prod status id", "status id", "production status id"),
        }
    ),
}


def recognise(side: Side, headings: Sequence[str]) -> dict[str, int]:
    """Role -> index of its column, by name; a column serves one role."""
    known = [words(heading) for heading in headings]
    found: dict[str, int] = {}
    taken: set[int] = set()
    for role, names in ROLES[side].items():
        index = next((known.index(name) for name in names if name in known), None)
        if index is not None and index not in taken:
            found[role] = index
            taken.add(index)
    return found


def marks(side: Side, headings: Sequence[str]) -> int:
    """How many headings only this side's system uses."""
    return len(_MARKERS[side] & {words(heading) for heading in headings})


def is_heading(cell: str) -> bool:
    """Whether a cell is a heading known on either side."""
    return words(cell) in _ALL_NAMES


_ALL_NAMES = frozenset(name for roles in ROLES.values() for names in roles.values() for name in names)
