"""The storefront's rules: nopCommerce's cancel, the three axes, stock, and what leaves the shop."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infigo_shops import BY, CARDS, PENS, FakeClock, open_shop, place

from countermand.simulators.infigo.book import NotFoundError, RefusedError
from countermand.simulators.infigo.events import Action
from countermand.simulators.infigo.orders import (
    JobStatus,
    NewOrder,
    OrderStatus,
    PaymentStatus,
    ShippingStatus,
)
from countermand.simulators.infigo.settings import InfigoSettings, PluginSettings
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.infigo.submission import SubmissionState

PLUGIN_ON = InfigoSettings(plugin=PluginSettings(printiq_url="http://printiq.example"))


def test_numbers_are_sequential_and_the_same_for_every_seed() -> None:
    first, second = place(open_shop(seed=1)), place(open_shop(seed=99))
    assert first.id == second.id == 10001
    assert [line.job_id for line in first.lines] == ["d2001"]
    assert first.lines[0].opv_id == second.lines[0].opv_id


def test_the_same_seed_invents_the_same_orders() -> None:
    one, two, other = (open_shop(seed=seed).place_samples(5, BY) for seed in (7, 7, 8))
    assert one == two
    assert [order.po_number for order in one] != [order.po_number for order in other]


@pytest.mark.parametrize("status", [OrderStatus.Pending, OrderStatus.Processing, OrderStatus.Complete])
@pytest.mark.parametrize("shipping", list(ShippingStatus))
def test_cancel_is_allowed_from_every_other_state_and_leaves_the_other_axes_alone(
    status: OrderStatus, shipping: ShippingStatus
) -> None:
    shop = open_shop()
    order = place(shop)
    shop.set_shipping(order.id, shipping, BY, tracking="TRK1")
    shop.set_order_status(order.id, status, BY)
    before = shop.order(order.id)
    after = shop.cancel_order(order.id, BY)
    assert after.is_cancelled
    assert (after.shipping, after.payment, after.tracking) == (before.shipping, before.payment, "TRK1")
    assert [line.is_cancelled for line in after.lines] == [False]
    assert after.notes[-1].text == "Order has been cancelled"


def test_a_second_cancel_is_an_error_and_there_is_no_way_back() -> None:
    shop = open_shop()
    order = place(shop)
    shop.cancel_order(order.id, BY)
    with pytest.raises(RefusedError, match="already cancelled"):
        shop.cancel_order(order.id, BY)
    with pytest.raises(RefusedError, match="cannot be taken back"):
        shop.set_order_status(order.id, OrderStatus.Processing, BY)
    assert [entry["effect"] for entry in shop.ledger.entries()] == [
        "applied",
        "applied",
        "refused",
        "refused",
    ]


def test_cancelling_returns_stock_once_and_only_what_was_still_ordered() -> None:
    shop = open_shop()
    start = dict(shop.on_shelf)
    order = place(shop, PENS, PENS, CARDS)
    shop.cancel_line(order.lines[0].job_id, BY)
    shop.cancel_order(order.id, BY)
    shop.cancel_line(order.lines[1].job_id, BY)
    assert shop.on_shelf == start
    assert [move.quantity for move in shop.stock_movements] == [-50, -50, 50, 50]


def test_cancelling_never_refunds_and_a_refund_is_its_own_act() -> None:
    shop = open_shop()
    order = place(shop, paid=True)
    assert shop.cancel_order(order.id, BY).payment is PaymentStatus.Paid
    assert shop.refund(order.id, BY).payment is PaymentStatus.Refunded
    with pytest.raises(RefusedError, match="nothing to refund"):
        shop.refund(order.id, BY)


def test_the_customer_is_mailed_about_a_cancel_only_if_asked() -> None:
    shop = open_shop()
    quiet, told = place(shop), place(shop)
    shop.cancel_order(quiet.id, BY)
    shop.cancel_order(told.id, BY, notify_customer=True)
    assert [mail.order_id for mail in shop.mails] == [told.id]


def test_line_and_order_cancel_do_not_imply_each_other() -> None:
    shop = open_shop()
    order = place(shop, CARDS, CARDS)
    for line in order.lines:
        shop.cancel_line(line.job_id, BY)
    assert shop.order(order.id).status is OrderStatus.Processing
    with pytest.raises(RefusedError, match="already cancelled"):
        shop.cancel_line(order.lines[0].job_id, BY)


@pytest.mark.parametrize("can_ship", [False, True])
def test_whether_a_cancelled_order_can_be_shipped_is_a_setting(can_ship: bool) -> None:
    shop = open_shop(InfigoSettings(cancelled_order_can_ship=can_ship))
    order = place(shop)
    shop.cancel_order(order.id, BY)
    if can_ship:
        assert shop.set_shipping(order.id, ShippingStatus.Shipped, BY).is_cancelled
    else:
        with pytest.raises(RefusedError, match="cannot be shipped"):
            shop.set_shipping(order.id, ShippingStatus.Shipped, BY)


def test_shipped_sends_every_line_that_is_not_cancelled_and_mails_the_tracking() -> None:
    shop = open_shop()
    order = place(shop, CARDS, PENS)
    shop.cancel_line(order.lines[0].job_id, BY)
    shipped = shop.set_shipping(order.id, ShippingStatus.Shipped, BY, tracking="TRK9")
    assert [line.shipped_quantity for line in shipped.lines] == [0, 50]
    assert shop.mails[-1].subject == f"Your order {order.id} has been shipped TRK9"


def test_shipping_moves_a_pending_order_on_and_paid_and_delivered_completes_it() -> None:
    shop = open_shop()
    unpaid, paid = place(shop, paid=False), place(shop)
    assert shop.set_shipping(unpaid.id, ShippingStatus.Shipped, BY).status is OrderStatus.Processing
    assert shop.set_shipping(paid.id, ShippingStatus.Delivered, BY).status is OrderStatus.Complete


def test_a_write_that_changes_nothing_is_noted_as_already() -> None:
    shop = open_shop()
    order = place(shop)
    for _ in range(2):
        shop.set_shipping(order.id, ShippingStatus.Shipped, BY, tracking="T")
    assert [entry["effect"] for entry in shop.ledger.entries()] == ["applied", "applied", "already"]
    assert len(shop.mails) == 1


def test_collected_orders_need_no_shipping() -> None:
    order = place(open_shop(), delivery_method="Pick up")
    assert order.shipping is ShippingStatus.ShippingNotRequired


@pytest.mark.parametrize(
    ("job_id", "found"),
    [
        ("d2001", True), ("D2001", True), ("2001", True), ("s2001", False), ("", False), ("d", False),
        ("x1", False), ("d²", False), ("9" * 400, False),
    ],
)  # fmt: skip
def test_lines_are_found_by_job_id_with_or_without_its_letter(job_id: str, found: bool) -> None:
    shop = open_shop()
    place(shop)
    assert (shop.find_line(job_id) is not None) is found


def test_unknown_orders_lines_customers_and_doubled_ids_are_refused() -> None:
    shop = open_shop()
    place(shop, external_id="E1")
    with pytest.raises(NotFoundError, match="no order 1"):
        shop.cancel_order(1, BY)
    with pytest.raises(NotFoundError, match="no order line s9"):
        shop.cancel_line("s9", BY)
    with pytest.raises(RefusedError, match="ExternalOrderId E1"):
        place(shop, external_id="E1")
    with pytest.raises(RefusedError, match="no customer 3"):
        shop.place(NewOrder(customer_id=3, lines=place(shop).lines), BY)  # type: ignore[arg-type]  # never read
    with pytest.raises(RefusedError, match="at least one line"):
        shop.place(NewOrder(customer_id=51, lines=()), BY)


def test_a_line_takes_the_vendors_statuses_and_the_shops_own() -> None:
    shop = open_shop()
    job_id = place(shop).lines[0].job_id
    assert shop.set_line_status(job_id, "Approved", "ok", BY).status is JobStatus.Approved
    custom = shop.set_line_status(job_id, "On the folder", "", BY)
    assert (custom.status, custom.custom_status) == (JobStatus.Approved, "On the folder")


def test_everything_that_changes_is_told_once() -> None:
    shop = open_shop()
    order = place(shop, CARDS, PENS)
    shop.cancel_line(order.lines[1].job_id, BY)
    shop.cancel_order(order.id, BY)
    told = [(event.action, event.job_ids) for event in shop.drain_events()]
    every_line = tuple(line.job_id for line in order.lines)
    assert told == [
        (Action.ORDER_PLACED, every_line),
        (Action.LINE_STATUS_CHANGED, (order.lines[1].job_id,)),
        (Action.ORDER_STATUS_CHANGED, every_line),
    ]
    assert shop.drain_events() == []


def test_search_is_by_status_and_by_the_time_of_placing() -> None:
    shop = open_shop()
    clock = shop.clock
    assert isinstance(clock, FakeClock)
    old = place(shop)
    clock.advance(days=2)
    new = place(shop)
    # Since looks at the placing date: a late cancel of an old order is not found by it.
    shop.cancel_order(old.id, BY)
    since = new.created
    assert [order.id for order in shop.search(since=since)] == [new.id]
    assert [order.id for order in shop.search(until=old.created)] == [old.id]
    assert [order.id for order in shop.search(order_status="Cancelled")] == [old.id]
    assert list(shop.search(shipping_status="Shipped")) == []


def test_only_orders_with_a_plugin_and_an_address_wait_for_printiq() -> None:
    assert open_shop().submission(place(open_shop()).id).state is SubmissionState.NOT_SENT
    shop = open_shop(PLUGIN_ON)
    assert shop.submission(place(shop).id).state is SubmissionState.WAITING


def test_without_effect_leaves_nothing_but_a_word_in_the_ledger() -> None:
    shop = open_shop()
    order = place(shop, PENS)
    shop.drain_events()
    shelf = dict(shop.on_shelf)
    with shop.without_effect():
        assert shop.cancel_order(order.id, BY, notify_customer=True).is_cancelled
        place(shop)
    assert shop.order(order.id) == order
    assert (shop.on_shelf, shop.mails, shop.drain_events()) == (shelf, [], [])
    assert place(shop).id == 10002
    effects = [entry["effect"] for entry in shop.ledger.entries()]
    assert effects[1] == "ignored by fault, would have been: applied"


@dataclass(frozen=True)
class Step:
    kind: str
    order: int
    line: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["cancel", "line", "ship", "deliver", "refund", "reopen"]),
        st.integers(0, 1),
        st.integers(0, 1),
    ),
    max_size=12,
)


def _do(shop: Shop, step: Step) -> None:
    order = shop.order(10001 + step.order)
    if step.kind == "cancel":
        shop.cancel_order(order.id, BY)
    elif step.kind == "line":
        shop.cancel_line(order.lines[step.line].job_id, BY)
    elif step.kind == "ship":
        shop.set_shipping(order.id, ShippingStatus.Shipped, BY)
    elif step.kind == "deliver":
        shop.set_shipping(order.id, ShippingStatus.Delivered, BY)
    elif step.kind == "refund":
        shop.refund(order.id, BY)
    else:
        shop.set_order_status(order.id, OrderStatus.Pending, BY)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_cancelled_stays_cancelled_and_the_shelf_adds_up_whatever_happens(steps: list[Step]) -> None:
    shop = open_shop()
    start = shop.on_shelf[PENS]
    for _ in range(2):
        place(shop, CARDS, PENS)
    for step in steps:
        before = {order.id: order for order in shop.orders()}
        try:
            _do(shop, step)
        except RefusedError:
            assert {order.id: order for order in shop.orders()} == before
        for order in shop.orders():
            assert order.is_cancelled or not before[order.id].is_cancelled
    gone = sum(
        line.quantity
        for order in shop.orders()
        if not order.is_cancelled
        for line in order.lines
        if line.product_id == PENS and not line.is_cancelled
    )
    assert shop.on_shelf[PENS] == start - gone
