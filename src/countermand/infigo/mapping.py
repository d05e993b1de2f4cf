"""How Infigo's three status axes read as facts: the table, as data.

The values are nopCommerce's, which Infigo grew out of; that Infigo kept exactly these is inferred. They
are understood by name and by number. Only the axes that decide are used: a shop's own line status, or an
unknown payment status, leaves a line readable.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from countermand.bridge.ports import LineKind, Payment
from countermand.core.status import Facts, Intent, LineStatus, Progress, Unmapped, Unreadable
from countermand.vendor_http.fields import as_text

#: Order axis: name -> (number, intent).
ORDER_STATUSES: Mapping[str, tuple[int, Intent]] = {
    "Pending": (10, Intent.OPEN),
    "Processing": (20, Intent.OPEN),
    "Complete": (30, Intent.OPEN),
    "Cancelled": (40, Intent.CANCELLED),
}
#: Shipping axis: name -> (number, progress).
SHIPPING_STATUSES: Mapping[str, tuple[int, Progress]] = {
    "ShippingNotRequired": (10, Progress.NONE),
    "NotYetShipped": (20, Progress.NONE),
    "PartiallyShipped": (25, Progress.PART_DISPATCHED),
    "Shipped": (30, Progress.DISPATCHED),
    "Delivered": (40, Progress.DISPATCHED),
}
#: Payment axis: name -> (number, payment). Authorized money was never taken, and voided money was let go.
PAYMENT_STATUSES: Mapping[str, tuple[int, Payment]] = {
    "Pending": (10, Payment.UNPAID),
    "Authorized": (20, Payment.UNPAID),
    "Paid": (30, Payment.PAID),
    "PartiallyRefunded": (35, Payment.PAID),
    "Refunded": (40, Payment.REFUNDED),
    "Voided": (50, Payment.UNPAID),
}
#: What a line may call its kind (a guess, as the field is).
KINDS: Mapping[str, LineKind] = {"print": LineKind.PRINT, "stock": LineKind.STOCK}


class Axes(msgspec.Struct, frozen=True, kw_only=True):
    """The raw values that decide one line's status; empty text where the answer has no such field.

    `others_left`: the order has lines that may have left, so that its shipping status may be theirs alone.
    """

    order: str
    shipping: str
    line_cancelled: bool = False
    quantity: int | None = None
    shipped_quantity: int | None = None
    others_left: bool = True


def name_of(raw: str, statuses: Mapping[str, tuple[int, object]]) -> str | None:
    """The axis value that a raw text stands for, by name (any case, blanks allowed) or by number."""
    wanted = raw.replace(" ", "").lower()
    return next(
        (name for name, (number, _) in statuses.items() if wanted in (name.lower(), str(number))), None
    )


def line_status(axes: Axes, *, pickup_counts: bool) -> LineStatus:
    """One line's facts.

    `pickup_counts`: a Complete order that needs no shipping was handed over (a guess, a setting).
    """
    order = name_of(axes.order, ORDER_STATUSES)
    shipping = name_of(axes.shipping, SHIPPING_STATUSES)
    if order is None and not axes.line_cancelled:
        return _unknown("order status", axes.order)
    if shipping is None:
        return _unknown("shipping status", axes.shipping)
    cancelled = axes.line_cancelled or order == "Cancelled"
    progress = SHIPPING_STATUSES[shipping][1]
    if progress is Progress.NONE and _some_shipped(axes, cancelled=cancelled):
        progress = Progress.PART_DISPATCHED
    if pickup_counts and order == "Complete" and shipping == "ShippingNotRequired":
        progress = Progress.DISPATCHED
    if axes.line_cancelled and order != "Cancelled" and axes.shipped_quantity == 0 and axes.others_left:
        # The shipping axis is the whole order's: the other lines left, this one was taken out before.
        progress = Progress.NONE
    return Facts(Intent.CANCELLED if cancelled else Intent.OPEN, progress)


def _some_shipped(axes: Axes, *, cancelled: bool) -> bool:
    """Part of a line; of a cancelled one anything at all, for it must never look as if nothing had left."""
    shipped = axes.shipped_quantity or 0
    return shipped > 0 and (cancelled or shipped < (axes.quantity or 0))


def _unknown(axis: str, raw: str) -> LineStatus:
    if not raw:
        return Unreadable(f"Infigo's answer has no {axis}")
    return Unmapped(f"{axis} {raw}")


def is_cancelled(order_status: str) -> bool:
    return name_of(order_status, ORDER_STATUSES) == "Cancelled"


def payment(raw: str) -> Payment:
    name = name_of(raw, PAYMENT_STATUSES)
    return PAYMENT_STATUSES[name][1] if name else Payment.UNKNOWN


def line_kind(raw: object) -> LineKind | None:
    return KINDS.get(as_text(raw).lower())
