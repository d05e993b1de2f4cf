"""The Infigo client against the simulated storefront, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from vendor_systems import Infigo, now, running_infigo

from countermand.bridge.ports import LineKind, OrderNotRead, Payment, StorefrontOrder
from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.core.status import GONE, Facts, Intent, Progress, Unreadable
from countermand.infigo import InfigoStorefront

OPEN = Facts(Intent.OPEN, Progress.NONE)
SHIPPED = Facts(Intent.OPEN, Progress.DISPATCHED)
CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)


@pytest.fixture(scope="module")
def _server() -> Iterator[Infigo]:
    with running_infigo() as infigo:
        yield infigo


@pytest.fixture
def infigo(_server: Infigo) -> Infigo:
    """The running storefront without faults, at its first settings, with nothing counted."""
    _server.no_faults()
    _server.settings(cancelled_order_can_ship=False, rest_status_fields=True)
    _server.calls.clear()
    return _server


def read(infigo: Infigo, order_id: str, **settings: Any) -> StorefrontOrder:
    async def work(shop: InfigoStorefront) -> StorefrontOrder:
        (order,) = await shop.read_orders([order_id])
        assert isinstance(order, StorefrontOrder), order
        return order

    return infigo.use(work, **settings)


def cancel(infigo: Infigo, order_id: str, lines: list[str] | None = None, **settings: Any) -> Answer:
    return infigo.use(lambda shop: shop.cancel(order_id, lines, note="cancelled in printIQ"), **settings)


class TestReading:
    @pytest.mark.parametrize("read_by", ["megascript", "rest"])
    def test_an_order_from_placing_to_shipping(self, infigo: Infigo, read_by: str) -> None:
        order_id, lines = infigo.place(500, 250, PurchaseOrderNumber="PO-7781", IsPaymentPaid=True)
        order = read(infigo, order_id, read_by=read_by)
        assert [line.line_id for line in order.lines] == lines
        assert [line.status for line in order.lines] == [OPEN, OPEN]
        assert [line.quantity for line in order.lines] == [500, 250]
        assert order.payment is Payment.PAID
        assert order.placed_at
        assert abs(now() - order.placed_at) < timedelta(minutes=1)
        infigo.post(f"orders/{order_id}/ship", {"TrackingNumber": "JD0001, JD0002"})
        order = read(infigo, order_id, read_by=read_by)
        assert [line.status for line in order.lines] == [SHIPPED, SHIPPED]
        assert order.tracking == {"JD0001", "JD0002"}

    def test_both_ways_to_read_say_the_same(self, infigo: Infigo) -> None:
        order_id, lines = infigo.place(100, 200, 300)
        infigo.post(f"lines/{lines[1]}/cancel")
        by_script = read(infigo, order_id, read_by="megascript")
        by_rest = read(infigo, order_id, read_by="rest")
        assert [line.status for line in by_rest.lines] == [OPEN, CANCELLED, OPEN]
        for name in ("order_id", "payment", "tracking", "order_cancelled"):
            assert getattr(by_script, name) == getattr(by_rest, name)
        for script_line, rest_line in zip(by_script.lines, by_rest.lines, strict=True):
            for name in ("line_id", "status", "quantity", "shipped_quantity", "quote_id"):
                assert getattr(script_line, name) == getattr(rest_line, name)

    def test_rest_knows_more_than_the_script(self, infigo: Infigo) -> None:
        placed = infigo.post(
            "orders",
            {
                "PurchaseOrderNumber": "PO-12",
                "OrderLineItems": [{"Name": "White mug", "ProductType": "stock"}, {"Name": "Flyer A5"}],
            },
        )["orders"][0]
        order = read(infigo, str(placed["Id"]), read_by="rest")
        assert order.po_number == "PO-12"
        assert order.customer
        assert float(order.total) > 0
        assert [line.kind for line in order.lines] == [LineKind.STOCK, LineKind.PRINT]

    @pytest.mark.parametrize("auth_style", ["raw", "username"])
    def test_both_spellings_of_the_token(self, infigo: Infigo, auth_style: str) -> None:
        order_id, _ = infigo.place()
        assert read(infigo, order_id, read_by="rest", auth_style=auth_style).order_id == order_id

    def test_many_orders_are_one_call_by_script(self, infigo: Infigo) -> None:
        ids = [infigo.place()[0] for _ in range(3)]
        before = infigo.seen()
        results = infigo.use(lambda shop: shop.read_orders([*ids, "99999999"]))
        assert [result.order_id for result in results] == [*ids, "99999999"]
        assert isinstance(results[3], OrderNotRead)
        assert results[3].status == GONE
        assert infigo.seen() - before == {"megascript/orders.read": 1}

    @pytest.mark.parametrize("read_by", ["megascript", "rest"])
    def test_an_order_that_is_not_there_is_gone(self, infigo: Infigo, read_by: str) -> None:
        (result,) = infigo.use(lambda shop: shop.read_orders(["99999999"]), read_by=read_by)
        assert isinstance(result, OrderNotRead)
        assert result.status == GONE

    def test_a_storefront_whose_rest_says_no_status(self, infigo: Infigo) -> None:
        order_id, lines = infigo.place(500, 250)
        infigo.settings(rest_status_fields=False)
        order = read(infigo, order_id, read_by="rest")
        assert [line.line_id for line in order.lines] == lines
        assert all(isinstance(line.status, Unreadable) for line in order.lines)
        assert read(infigo, order_id, read_by="megascript").lines[0].status == OPEN

    def test_the_order_of_a_line(self, infigo: Infigo) -> None:
        order_id, (line,) = infigo.place()
        assert infigo.use(lambda shop: shop.find_order_of_line(line)) == order_id
        assert infigo.use(lambda shop: shop.find_order_of_line("s999999")) is None

    def test_the_observer_counts_what_the_storefront_counts(self, infigo: Infigo) -> None:
        order_id, _ = infigo.place()
        before = infigo.seen()
        read(infigo, order_id, read_by="rest")
        read(infigo, order_id)
        cancel(infigo, order_id)
        infigo.use(lambda shop: shop.check())
        assert infigo.seen() - before == infigo.calls


class TestListing:
    def test_more_than_a_page_and_only_the_cancelled_ones(self) -> None:
        with running_infigo() as infigo:
            infigo.post("orders", {"count": 230})
            since = now() - timedelta(days=3650)
            ids = {str(order["Id"]) for order in infigo.get("orders")["orders"]}
            everything = infigo.use(lambda shop: shop.list_orders(since=since))
            assert everything is not None
            assert {order.order_id for order in everything} == ids
            assert len(everything) == len(ids) == 230
            chosen = sorted(ids)[7]
            infigo.post(f"orders/{chosen}/cancel")
            found = infigo.use(lambda shop: shop.list_orders(since=since, cancelled_only=True))
            assert found is not None
            assert chosen in {order.order_id for order in found}
            assert all(isinstance(order, StorefrontOrder) and order.order_cancelled for order in found)

    def test_since_is_when_it_was_placed(self, infigo: Infigo) -> None:
        old, _ = infigo.place(CreatedOnUtc="2026-01-05T09:00:00Z")
        new, _ = infigo.place()
        found = infigo.use(lambda shop: shop.list_orders(since=now() - timedelta(hours=1)))
        assert found is not None
        ids = {order.order_id for order in found}
        assert new in ids
        assert old not in ids


class TestWriting:
    def test_a_cancel_and_its_repetition(self, infigo: Infigo) -> None:
        order_id, _ = infigo.place(IsPaymentPaid=True)
        assert cancel(infigo, order_id).outcome is Outcome.APPLIED
        assert cancel(infigo, order_id).outcome is Outcome.ALREADY
        order = read(infigo, order_id)
        assert order.order_cancelled
        assert [line.status for line in order.lines] == [CANCELLED]
        assert order.payment is Payment.PAID, "cancelling never refunds"
        state = infigo.order(order_id)
        assert any("cancelled in printIQ" in note["Note"] for note in state["Notes"])
        assert state["Mails"] == [] or not any("cancel" in mail["Subject"].lower() for mail in state["Mails"])

    @pytest.mark.parametrize(
        "note", ["J29010-01, " * 300, "\U0001f5a8" * 1500], ids=["long", "long in UTF-16"]
    )
    def test_no_length_of_a_note_stops_a_cancel(self, infigo: Infigo, note: str) -> None:
        """An order of two hundred jobs is cancelled with a note that names them all."""
        order_id, _ = infigo.place(500)
        answer = infigo.use(lambda shop: shop.cancel(order_id, None, note=note))
        assert answer.outcome is Outcome.APPLIED, answer
        (kept,) = [each for each in infigo.order(order_id)["Notes"] if note[:5] in each["Note"]]
        assert kept["Note"].endswith("…")

    def test_one_line_of_three(self, infigo: Infigo) -> None:
        order_id, lines = infigo.place(1, 2, 3)
        assert cancel(infigo, order_id, [lines[1]]).outcome is Outcome.APPLIED
        assert cancel(infigo, order_id, [lines[1]]).outcome is Outcome.ALREADY
        order = read(infigo, order_id)
        assert [line.status for line in order.lines] == [OPEN, CANCELLED, OPEN]
        assert not order.order_cancelled

    def test_shipping_with_tracking_and_its_repetition(self, infigo: Infigo) -> None:
        order_id, _ = infigo.place()

        async def work(shop: InfigoStorefront) -> list[Outcome]:
            answers = [
                await shop.ship(order_id, tracking="JD0001", partial=True),
                await shop.ship(order_id, tracking="JD0001, JD0002", partial=False),
                await shop.ship(order_id, tracking="JD0002", partial=False),
                await shop.track(order_id, tracking="JD0003"),
                await shop.track(order_id, tracking="JD0003"),
            ]
            return [answer.outcome for answer in answers]

        assert infigo.use(work) == [
            Outcome.APPLIED,
            Outcome.APPLIED,
            Outcome.ALREADY,
            Outcome.APPLIED,
            Outcome.ALREADY,
        ]
        order = read(infigo, order_id)
        assert order.lines[0].status == SHIPPED
        assert order.tracking == {"JD0001", "JD0002", "JD0003"}

    def test_a_note(self, infigo: Infigo) -> None:
        order_id, _ = infigo.place()
        answer = infigo.use(lambda shop: shop.note(order_id, "Refund the customer."))
        assert answer.outcome is Outcome.APPLIED
        (note,) = [note for note in infigo.order(order_id)["Notes"] if note["Note"] == "Refund the customer."]
        assert not note["DisplayToCustomer"]

    @pytest.mark.parametrize("can_ship", [False, True])
    def test_a_cancelled_order_is_never_marked_shipped(self, infigo: Infigo, can_ship: bool) -> None:
        infigo.settings(cancelled_order_can_ship=can_ship)
        order_id, _ = infigo.place()
        cancel(infigo, order_id)
        answer = infigo.use(lambda shop: shop.ship(order_id, tracking="JD0001", partial=False))
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, RefusalReason.NOT_ALLOWED)
        assert infigo.order(order_id)["ShippingStatus"] == "NotYetShipped"

    @pytest.mark.parametrize("read_by", ["megascript", "rest"])
    def test_a_shipped_order_is_not_cancelled_when_it_was_seen_unshipped(
        self, infigo: Infigo, read_by: str
    ) -> None:
        order_id, _ = infigo.place()

        async def work(shop: InfigoStorefront) -> Answer:
            (seen,) = await shop.read_orders([order_id])
            assert isinstance(seen, StorefrontOrder)
            infigo.post(f"orders/{order_id}/ship", {"TrackingNumber": "JD0001"})
            return await shop.cancel(order_id, None, note="", fence=seen.fence)

        answer = infigo.use(work, read_by=read_by)
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, RefusalReason.DISPATCHED)
        assert infigo.order(order_id)["OrderStatus"] != "Cancelled"

    @pytest.mark.parametrize("lines", [None, ["s1"]])
    def test_an_order_that_is_not_there(self, infigo: Infigo, lines: list[str] | None) -> None:
        answer = cancel(infigo, "99999999", lines)
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, RefusalReason.NOT_FOUND)

    def test_a_line_of_another_order_cancels_nothing(self, infigo: Infigo) -> None:
        order_id, lines = infigo.place()
        _, others = infigo.place()
        answer = cancel(infigo, order_id, [lines[0], others[0]])
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, RefusalReason.NOT_FOUND)
        assert read(infigo, order_id).lines[0].status == OPEN


class TestFaults:
    CALL = "megascript/order.cancel"

    @pytest.mark.parametrize(
        ("kind", "outcome", "cancelled"),
        [
            ("error-but-applied", Outcome.UNKNOWN, True),
            ("timeout", Outcome.UNKNOWN, True),
            ("drop", Outcome.UNKNOWN, False),
            ("5xx", Outcome.UNKNOWN, False),
            ("429", Outcome.UNKNOWN, False),
            ("html-200", Outcome.UNKNOWN, False),
        ],
    )
    def test_what_a_broken_cancel_is_called_and_what_it_did(
        self, infigo: Infigo, kind: str, outcome: Outcome, cancelled: bool
    ) -> None:
        order_id, _ = infigo.place()
        infigo.fault(self.CALL, kind, times=1, seconds=5)
        assert cancel(infigo, order_id, timeout_seconds=0.5).outcome is outcome
        assert read(infigo, order_id).order_cancelled is cancelled
        again = cancel(infigo, order_id).outcome
        assert again is (Outcome.ALREADY if cancelled else Outcome.APPLIED)

    def test_a_success_without_effect_is_not_seen_in_the_next_read(self, infigo: Infigo) -> None:
        order_id, _ = infigo.place()
        infigo.fault(self.CALL, "ok-but-ignored", times=1)
        assert cancel(infigo, order_id).outcome in (Outcome.APPLIED, Outcome.UNKNOWN)
        assert not read(infigo, order_id).order_cancelled

    @pytest.mark.parametrize("kind", ["drop", "5xx", "429", "html-200", "error-but-applied"])
    @pytest.mark.parametrize("read_by", ["megascript", "rest"])
    def test_a_broken_read_is_unreadable(self, infigo: Infigo, kind: str, read_by: str) -> None:
        order_id, _ = infigo.place()
        infigo.fault("*", kind)
        (result,) = infigo.use(lambda shop: shop.read_orders([order_id]), read_by=read_by)
        assert isinstance(result, OrderNotRead)
        assert isinstance(result.status, Unreadable)
        assert result.status.reason

    def test_an_expired_token(self, infigo: Infigo) -> None:
        order_id, _ = infigo.place()
        infigo.fault("order/detail", "expired-token")
        (result,) = infigo.use(lambda shop: shop.read_orders([order_id]), read_by="rest")
        assert isinstance(result.status if isinstance(result, OrderNotRead) else None, Unreadable)


class TestChecking:
    def test_a_good_connection(self, infigo: Infigo) -> None:
        assert infigo.use(lambda shop: shop.check()) is None
        assert infigo.use(lambda shop: shop.check(), auth_style="username") is None

    @pytest.mark.parametrize(
        ("settings", "word"),
        [
            ({"token": "wrong-token"}, "token"),
            ({"megascript_secret": "wrong-secret-of-the-script"}, "megascript_secret"),
            ({"megascript_path": "/services/api/megascript/other"}, "megascript_path"),
            ({"base_url": "http://127.0.0.1:9"}, "base_url"),
        ],
    )
    def test_a_wrong_setting_is_named(self, infigo: Infigo, settings: dict[str, str], word: str) -> None:
        problem = infigo.use(lambda shop: shop.check(), **settings)
        assert problem
        assert word in problem
        assert "wrong-" not in problem

    def test_a_wrong_secret_writes_nothing(self, infigo: Infigo) -> None:
        order_id, _ = infigo.place()
        answer = cancel(infigo, order_id, megascript_secret="wrong-secret-of-the-script")
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, RefusalReason.NOT_ALLOWED)
        assert not read(infigo, order_id).order_cancelled
