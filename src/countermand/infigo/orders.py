"""Infigo's order answers as `StorefrontOrder`s: the REST shape and the MegaScript's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from countermand.bridge.ports import StorefrontLine, StorefrontOrder
from countermand.core.status import LineStatus, Unreadable
from countermand.infigo.mapping import (
    SHIPPING_STATUSES,
    Axes,
    is_cancelled,
    line_kind,
    line_status,
    name_of,
    payment,
)
from countermand.infigo.settings import InfigoSettings
from countermand.vendor_http.fields import (
    as_flag,
    as_int,
    as_text,
    as_time,
    compact,
    pick,
    rows,
    tracking_codes,
)


class BadAnswerError(ValueError):
    """An answer about an order that cannot be read as one; the text is a sentence about why."""


class OrderNames(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer shape calls the fields of an order and of its lines."""

    order_id: str
    order_status: str
    shipping_status: str
    payment_status: str
    tracking: str
    created: str
    po_number: str
    customer: str
    total: str
    line_id: str
    line_cancelled: str
    line_kind: str
    line_name: str
    quantity: str
    shipped_quantity: str
    quote_id: str


#: The script is ours, so its names are no guess; it gives neither customer, total nor product names.
SCRIPT_NAMES = OrderNames(
    order_id="id",
    order_status="orderStatus",
    shipping_status="shippingStatus",
    payment_status="paymentStatus",
    tracking="trackingNumber",
    created="createdOnUtc",
    po_number="purchaseOrderNumber",
    customer="customerId",
    total="orderTotal",
    line_id="jobId",
    line_cancelled="isCancelled",
    line_kind="productType",
    line_name="name",
    quantity="quantity",
    shipped_quantity="shippedQuantity",
    quote_id="quoteId",
)


def rest_names(settings: InfigoSettings) -> OrderNames:
    return OrderNames(
        order_id="Id",
        order_status=settings.order_status_field,
        shipping_status=settings.shipping_status_field,
        payment_status=settings.payment_status_field,
        tracking=settings.tracking_field,
        created=settings.created_field,
        po_number=settings.po_number_field,
        customer=settings.customer_field,
        total="OrderTotal",
        line_id="Id",
        line_cancelled=settings.line_cancelled_field,
        line_kind=settings.line_kind_field,
        line_name=settings.line_name_field,
        quantity=settings.line_quantity_field,
        shipped_quantity=settings.line_shipped_field,
        quote_id="Quote.Id",
    )


class OrderReader:
    """Reads orders out of one answer shape, by this storefront's settings."""

    def __init__(self, names: OrderNames, settings: InfigoSettings) -> None:
        self._names = names
        self._pickup_counts = settings.complete_means_dispatched_for_pickup

    def order(
        self, row: object, lines: Sequence[object], began_at: datetime, *, asked_for: str = ""
    ) -> StorefrontOrder:
        """One order with its lines.

        Raises:
            BadAnswerError: it is no order, another order than the one asked for, has no lines, or has lines
                that cannot be told apart.
        """
        names = self._names
        if not isinstance(row, Mapping):
            raise BadAnswerError("Infigo's answer is not an order")
        order_id = as_text(pick(row, names.order_id))
        if not order_id or (asked_for and order_id != asked_for):
            raise BadAnswerError(
                f"Infigo's answer is about order {order_id or '(no id)'}, not {asked_for or 'any'}"
            )
        if not lines:
            # Every order has some; taken for none, those known of it would look deleted.
            raise BadAnswerError("Infigo's answer has an order without lines")
        order_status = as_text(pick(row, names.order_status))
        shipping = as_text(pick(row, names.shipping_status))
        return StorefrontOrder(
            order_id=order_id,
            began_at=began_at,
            lines=self._lines(lines, order_status, shipping),
            placed_at=as_time(pick(row, names.created)),
            po_number=as_text(pick(row, names.po_number)),
            customer=as_text(pick(row, names.customer)),
            payment=payment(as_text(pick(row, names.payment_status))),
            total=as_text(pick(row, names.total)),
            tracking=tracking_codes(as_text(pick(row, names.tracking))),
            order_cancelled=is_cancelled(order_status),
            # The script compares names; REST may spell the status by its number.
            fence=shipping if names is SCRIPT_NAMES else (name_of(shipping, SHIPPING_STATUSES) or ""),
            raw=compact(row),
        )

    def _lines(self, rows: Sequence[object], order_status: str, shipping: str) -> tuple[StorefrontLine, ...]:
        """The lines by ids of their own: of two that share one, a cancel would reach either."""
        lines: dict[str, StorefrontLine] = {}
        some_left = any(map(self._may_have_left, rows))
        for row in rows:
            line = self._line(row, order_status, shipping, some_left)
            if line.line_id in lines:
                raise BadAnswerError(f"Infigo's answer has two lines called {line.line_id}")
            lines[line.line_id] = line
        return tuple(lines.values())

    def _may_have_left(self, row: object) -> bool:
        """Whether the order's shipping status may be this line's: it was not taken out before that."""
        cancelled = as_flag(pick(row, self._names.line_cancelled))
        return cancelled is not True or as_int(pick(row, self._names.shipped_quantity)) != 0

    def _line(self, row: object, order_status: str, shipping: str, some_left: bool) -> StorefrontLine:
        names = self._names
        line_id = as_text(pick(row, names.line_id))
        if not line_id:
            raise BadAnswerError("Infigo's answer has a line without an id")
        return StorefrontLine(
            line_id=line_id,
            status=self._status(row, order_status, shipping, some_left),
            kind=line_kind(pick(row, names.line_kind)),
            name=as_text(pick(row, names.line_name)),
            quantity=as_int(pick(row, names.quantity)),
            shipped_quantity=as_int(pick(row, names.shipped_quantity)),
            quote_id=as_text(pick(row, names.quote_id)),
        )

    def _status(self, row: object, order_status: str, shipping: str, some_left: bool) -> LineStatus:
        names = self._names
        value = pick(row, names.line_cancelled)
        # A storefront whose lines do not carry the field shows cancelled orders only, not cancelled lines.
        cancelled = False if value is None else as_flag(value)
        if cancelled is None:
            return Unreadable(f"The field {names.line_cancelled} of a line is neither true nor false")
        axes = Axes(
            order=order_status,
            shipping=shipping,
            line_cancelled=cancelled,
            quantity=as_int(pick(row, names.quantity)),
            shipped_quantity=as_int(pick(row, names.shipped_quantity)),
            others_left=some_left,
        )
        return line_status(axes, pickup_counts=self._pickup_counts)


def script_lines(row: object) -> list[object]:
    """The lines of one order of the script's answers.

    Raises:
        BadAnswerError: there is no list of lines.
    """
    lines = rows(row, "lines")
    if lines is None:
        raise BadAnswerError("The script's answer has an order without a list of lines")
    return lines
