"""Infigo's three axes as facts: every combination of them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.bridge.ports import LineKind, Payment
from countermand.core.status import Facts, Intent, Progress, Unmapped, Unreadable
from countermand.infigo.mapping import (
    ORDER_STATUSES,
    SHIPPING_STATUSES,
    Axes,
    line_kind,
    line_status,
    payment,
)


def _status(order: str, shipping: str, *, pickup: bool = True, **line: int | bool) -> object:
    cancelled = bool(line.get("cancelled", False))
    axes = Axes(
        order=order,
        shipping=shipping,
        line_cancelled=cancelled,
        quantity=line.get("quantity"),
        shipped_quantity=line.get("shipped"),
    )
    return line_status(axes, pickup_counts=pickup)


@pytest.mark.parametrize(
    ("order", "shipping", "intent", "progress"),
    [
        ("Pending", "NotYetShipped", Intent.OPEN, Progress.NONE),
        ("Pending", "ShippingNotRequired", Intent.OPEN, Progress.NONE),
        ("Processing", "NotYetShipped", Intent.OPEN, Progress.NONE),
        ("Processing", "ShippingNotRequired", Intent.OPEN, Progress.NONE),
        ("Processing", "PartiallyShipped", Intent.OPEN, Progress.PART_DISPATCHED),
        ("Processing", "Shipped", Intent.OPEN, Progress.DISPATCHED),
        ("Complete", "Delivered", Intent.OPEN, Progress.DISPATCHED),
        ("Complete", "NotYetShipped", Intent.OPEN, Progress.NONE),
        ("Complete", "ShippingNotRequired", Intent.OPEN, Progress.DISPATCHED),
        ("Cancelled", "NotYetShipped", Intent.CANCELLED, Progress.NONE),
        ("Cancelled", "ShippingNotRequired", Intent.CANCELLED, Progress.NONE),
        ("Cancelled", "PartiallyShipped", Intent.CANCELLED, Progress.PART_DISPATCHED),
        ("Cancelled", "Shipped", Intent.CANCELLED, Progress.DISPATCHED),
        ("Cancelled", "Delivered", Intent.CANCELLED, Progress.DISPATCHED),
    ],
)
def test_the_table(order: str, shipping: str, intent: Intent, progress: Progress) -> None:
    assert _status(order, shipping) == Facts(intent, progress)


def test_every_pair_of_known_values_is_facts() -> None:
    for order, shipping in product(ORDER_STATUSES, SHIPPING_STATUSES):
        assert isinstance(_status(order, shipping), Facts)


def test_values_are_understood_by_number_and_in_any_spelling() -> None:
    assert _status("40", "30") == Facts(Intent.CANCELLED, Progress.DISPATCHED)
    assert _status("processing", "Not Yet Shipped") == Facts(Intent.OPEN, Progress.NONE)


def test_pick_up_is_a_setting() -> None:
    assert _status("Complete", "ShippingNotRequired", pickup=False) == Facts(Intent.OPEN, Progress.NONE)


@pytest.mark.parametrize(
    ("shipped", "progress"),
    [(0, Progress.NONE), (40, Progress.PART_DISPATCHED), (100, Progress.NONE), (120, Progress.NONE)],
)
def test_some_of_a_line_shipped_is_part_dispatched(shipped: int, progress: Progress) -> None:
    status = _status("Processing", "NotYetShipped", quantity=100, shipped=shipped)
    assert status == Facts(Intent.OPEN, progress)


def test_a_shipped_order_is_not_taken_back_by_a_lines_quantity() -> None:
    status = _status("Processing", "Shipped", quantity=100, shipped=40)
    assert status == Facts(Intent.OPEN, Progress.DISPATCHED)


def test_a_cancelled_line_of_an_open_order_is_cancelled() -> None:
    assert _status("Processing", "Shipped", cancelled=True) == Facts(Intent.CANCELLED, Progress.DISPATCHED)


@pytest.mark.parametrize("shipping", ["PartiallyShipped", "Shipped", "Delivered", "ShippingNotRequired"])
def test_a_line_taken_out_before_the_others_left_has_not_left(shipping: str) -> None:
    taken_out = _status("Complete", shipping, cancelled=True, quantity=100, shipped=0)
    assert taken_out == Facts(Intent.CANCELLED, Progress.NONE)
    with_the_order = _status("Cancelled", "Shipped", cancelled=True, quantity=100, shipped=0)
    assert with_the_order == Facts(Intent.CANCELLED, Progress.DISPATCHED)


@pytest.mark.parametrize("shipped", [1, 100, 120])
def test_of_a_cancelled_line_anything_that_was_shipped_has_left(shipped: int) -> None:
    for order, cancelled in (("Processing", True), ("Cancelled", False)):
        status = _status(order, "NotYetShipped", cancelled=cancelled, quantity=100, shipped=shipped)
        assert status == Facts(Intent.CANCELLED, Progress.PART_DISPATCHED)


def test_an_unknown_value_is_unmapped_with_its_axis() -> None:
    assert _status("Parked", "Shipped") == Unmapped("order status Parked")
    assert _status("Pending", "InTransit") == Unmapped("shipping status InTransit")
    assert _status("15", "Shipped") == Unmapped("order status 15")


def test_a_missing_value_is_unreadable() -> None:
    assert isinstance(_status("", "Shipped"), Unreadable)
    assert isinstance(_status("Pending", ""), Unreadable)


def test_only_the_axes_that_decide_are_used() -> None:
    cancelled = Facts(Intent.CANCELLED, Progress.NONE)
    assert _status("Parked", "NotYetShipped", cancelled=True) == cancelled
    assert _status("Parked", "InTransit", cancelled=True) == Unmapped("shipping status InTransit")


@given(st.text(), st.text(), st.booleans())
def test_no_text_breaks_it(order: str, shipping: str, cancelled: bool) -> None:
    assert isinstance(_status(order, shipping, cancelled=cancelled), Facts | Unmapped | Unreadable)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Pending", Payment.UNPAID),
        ("Authorized", Payment.UNPAID),
        ("Paid", Payment.PAID),
        ("30", Payment.PAID),
        ("PartiallyRefunded", Payment.PAID),
        ("Refunded", Payment.REFUNDED),
        ("Voided", Payment.UNPAID),
        ("Bitcoin", Payment.UNKNOWN),
        ("", Payment.UNKNOWN),
    ],
)
def test_payment(raw: str, expected: Payment) -> None:
    assert payment(raw) is expected


def test_kinds_of_lines() -> None:
    assert line_kind("Stock") is LineKind.STOCK
    assert line_kind("print") is LineKind.PRINT
    assert line_kind("voucher") is None
    assert line_kind(None) is None
