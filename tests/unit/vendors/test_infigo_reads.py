"""Reading Infigo orders by script and by REST, and everything that can come instead of an order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2 as httpx
import msgspec
import pytest
from vendor_fakes import START, FakeClock, FakeVendor, html_answer, json_answer, run

from countermand.bridge.ports import LineKind, OrderNotRead, Payment, StorefrontOrder
from countermand.core.status import GONE, Facts, Intent, Progress, Unmapped, Unreadable
from countermand.infigo import InfigoSettings, InfigoStorefront, orders, reading
from countermand.infigo.mapping import payment

SECRET = "secret-of-the-script"


def storefront(vendor: FakeVendor, **settings: Any) -> InfigoStorefront:
    clock = FakeClock()
    values = {"base_url": "https://shop.example.com", "token": "shop-token"} | settings
    return InfigoStorefront(
        InfigoSettings(**values), clock=clock, transport=vendor.transport, sleep=clock.sleep
    )


def script_order(order_id: int = 10001, **fields: Any) -> dict[str, Any]:
    line = {
        "jobId": "s2001",
        "opvId": 501,
        "quantity": 250,
        "shippedQuantity": 0,
        "isCancelled": False,
        "status": "Ordered",
        "typeLetter": "s",
        "quoteId": "Q5001",
    }
    order = {
        "id": order_id,
        "orderStatus": "Processing",
        "shippingStatus": "NotYetShipped",
        "paymentStatus": "Paid",
        "trackingNumber": "",
        "createdOnUtc": "2026-11-20T08:30:00.000Z",
        "lines": [line],
    }
    return order | fields


def rest_order(order_id: int = 10001, **fields: Any) -> dict[str, Any]:
    line = {
        "Id": "s2001",
        "Quantity": 250,
        "ShippedQuantity": 0,
        "IsCancelled": False,
        "Name": "Business cards, 400 gsm",
        "ProductType": "print",
        "Quote": {"Id": "Q5001"},
    }
    order = {
        "Id": order_id,
        "OrderTotal": 84.5,
        "OrderStatus": "Processing",
        "ShippingStatus": "Shipped",
        "PaymentStatus": "Paid",
        "TrackingNumber": "JD0001, JD0002",
        "CustomerId": 55,
        "PurchaseOrderNumber": "PO-7781",
        "CreatedOnUtc": "2026-11-20T08:30:00",
        "OrderLineItems": [line],
    }
    return order | fields


def only(results: Any) -> StorefrontOrder:
    (result,) = results
    assert isinstance(result, StorefrontOrder), result
    return result


def not_read(results: Any) -> OrderNotRead:
    (result,) = results
    assert isinstance(result, OrderNotRead), result
    return result


class TestByScript:
    def test_an_order_is_read_whole(self) -> None:
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": [script_order()], "missing": []}))
        order = only(run(storefront(vendor, megascript_secret=SECRET).read_orders(["10001"])))
        assert order.began_at == START
        assert order.placed_at == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
        assert order.payment is Payment.PAID
        assert not order.order_cancelled
        (line,) = order.lines
        assert (line.line_id, line.quote_id, line.quantity, line.shipped_quantity) == (
            "s2001",
            "Q5001",
            250,
            0,
        )
        assert line.status == Facts(Intent.OPEN, Progress.NONE)
        assert msgspec.json.decode(order.raw) == script_order()
        request = vendor.requests[0]
        assert request.url.path == "/services/api/megascript/countermand"
        assert request.headers["X-Countermand-Secret"] == SECRET
        assert vendor.bodies() == [{"action": "orders.read", "orderIds": ["10001"]}]

    def test_results_stand_in_the_order_asked_for(self) -> None:
        rows = [script_order(10003), script_order(10001)]
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": rows, "missing": [10002]}))
        asked = ["10001", "10002", "10003", "10004", "10001", "PO-7"]
        results = run(storefront(vendor, megascript_secret=SECRET).read_orders(asked))
        assert [result.order_id for result in results] == asked
        kinds = [type(result).__name__ for result in results]
        assert kinds == ["StorefrontOrder", "OrderNotRead"] + ["StorefrontOrder", "OrderNotRead"] * 2
        assert [result.status for result in results if isinstance(result, OrderNotRead)] == [
            GONE,
            Unreadable("The script's answer leaves out order 10004"),
            GONE,
        ]

    def test_a_hundred_orders_are_one_call(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            ids = msgspec.json.decode(request.content)["orderIds"]
            rows = [script_order(int(order_id)) for order_id in ids]
            return json_answer({"ok": True, "orders": rows, "missing": []})

        vendor = FakeVendor(countermand=answer)
        asked = [str(number) for number in range(10001, 10252)]
        results = run(storefront(vendor, megascript_secret=SECRET).read_orders(asked))
        assert [result.order_id for result in results] == asked
        assert [len(body["orderIds"]) for body in vendor.bodies()] == [100, 100, 51]

    def test_one_bad_order_does_not_hide_the_others(self) -> None:
        rows = [script_order(10001, lines="none"), script_order(10002)]
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": rows, "missing": []}))
        bad, good = run(storefront(vendor, megascript_secret=SECRET).read_orders(["10001", "10002"]))
        assert isinstance(bad, OrderNotRead)
        assert isinstance(bad.status, Unreadable)
        assert '"lines":"none"' in bad.raw
        assert isinstance(good, StorefrontOrder)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (html_answer(), "login page"),
            (json_answer({"ok": False, "error": {"code": "forbidden", "message": "Wrong."}}, 403), "Wrong."),
            (json_answer({"ok": False, "error": {"code": "script_error", "message": "Oh"}}, 500), "Oh"),
            (json_answer({"hello": 1}), "megascript_path"),
            (json_answer(None), "megascript_path"),
            (httpx.Response(429), "HTTP 429"),
            (httpx.ConnectError("refused"), "could not be reached"),
            (httpx.ReadTimeout(""), "did not answer"),
        ],
    )
    def test_anything_else_is_unreadable_with_its_reason(
        self, answer: httpx.Response | Exception, words: str
    ) -> None:
        vendor = FakeVendor(countermand=answer)
        result = not_read(run(storefront(vendor, megascript_secret=SECRET).read_orders(["10001"])))
        assert isinstance(result.status, Unreadable)
        assert words in result.status.reason
        assert SECRET not in result.status.reason

    @pytest.mark.parametrize("value", ["perhaps", 2, [], {}])
    def test_a_cancelled_flag_that_is_none_makes_the_line_unreadable(self, value: object) -> None:
        line = script_order()["lines"][0] | {"isCancelled": value}
        rows = [script_order(lines=[line])]
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": rows, "missing": []}))
        order = only(run(storefront(vendor, megascript_secret=SECRET).read_orders(["10001"])))
        assert isinstance(order.lines[0].status, Unreadable)

    @pytest.mark.parametrize(
        ("others", "progress"),
        [
            ([], Progress.DISPATCHED),
            ([{"isCancelled": True, "shippedQuantity": 0}], Progress.DISPATCHED),
            ([{"isCancelled": True, "shippedQuantity": 250}], Progress.NONE),
            ([{"isCancelled": True, "shippedQuantity": None}], Progress.NONE),
            ([{"isCancelled": False}], Progress.NONE),
        ],
    )
    def test_a_shipped_order_whose_lines_were_all_taken_out_has_left_all_the_same(
        self, others: list[dict[str, Any]], progress: Progress
    ) -> None:
        """Its shipping status is nobody else's, so the cancelled line must not look as if it were here."""
        line = script_order()["lines"][0]
        lines = [line | {"isCancelled": True}]
        lines += [line | {"jobId": "s2002"} | other for other in others]
        rows = [script_order(shippingStatus="Shipped", lines=lines)]
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": rows, "missing": []}))
        order = only(run(storefront(vendor, megascript_secret=SECRET).read_orders(["10001"])))
        assert order.lines[0].status == Facts(Intent.CANCELLED, progress)

    def test_no_order_is_no_call(self) -> None:
        vendor = FakeVendor()
        assert run(storefront(vendor, megascript_secret=SECRET).read_orders([])) == []
        assert vendor.requests == []


class TestByRest:
    def test_an_order_is_read_whole(self) -> None:
        vendor = FakeVendor(order__detail__10001=json_answer(rest_order()))
        order = only(run(storefront(vendor).read_orders(["10001"])))
        assert (order.po_number, order.customer, order.total) == ("PO-7781", "55", "84.5")
        assert order.tracking == {"JD0001", "JD0002"}
        (line,) = order.lines
        assert (line.kind, line.name) == (LineKind.PRINT, "Business cards, 400 gsm")
        assert line.quote_id == "Q5001"
        assert line.status == Facts(Intent.OPEN, Progress.DISPATCHED)
        assert vendor.requests[0].headers["Authorization"] == "Basic shop-token"

    def test_the_token_as_a_user_name(self) -> None:
        vendor = FakeVendor(order__detail__10001=json_answer(rest_order()))
        run(storefront(vendor, auth_style="username").read_orders(["10001"]))
        assert vendor.requests[0].headers["Authorization"] == "Basic c2hvcC10b2tlbjo="

    def test_lines_given_as_ids_are_read_one_by_one(self) -> None:
        whole = {"Id": "s2001", "OrderId": 10001, "Status": 23, "Quote": {"Id": 77}, "IsCancelled": True}
        vendor = FakeVendor(
            order__detail__10001=json_answer(rest_order(OrderLineItems=["s2001"])),
            orderlineitem__get=json_answer(whole),
        )
        (line,) = only(run(storefront(vendor).read_orders(["10001"]))).lines
        assert (line.line_id, line.quote_id) == ("s2001", "77")
        assert line.status == Facts(Intent.CANCELLED, Progress.DISPATCHED)
        assert vendor.requests[1].url.query == b"id=s2001"

    def test_a_line_that_cannot_be_read_makes_the_order_unreadable(self) -> None:
        vendor = FakeVendor(
            order__detail__10001=json_answer(rest_order(OrderLineItems=["s2001", "s2002"])),
            orderlineitem__get=[json_answer({"Id": "s2001"}), json_answer(None)],
        )
        result = not_read(run(storefront(vendor).read_orders(["10001"])))
        assert isinstance(result.status, Unreadable)

    def test_without_status_fields_every_line_is_unreadable(self) -> None:
        order = rest_order()
        del order["OrderStatus"], order["ShippingStatus"]
        vendor = FakeVendor(order__detail__10001=json_answer(order))
        (line,) = only(run(storefront(vendor).read_orders(["10001"]))).lines
        assert line.status == Unreadable("Infigo's answer has no order status")

    def test_the_status_fields_are_settings(self) -> None:
        order = rest_order(Status=40, Shipping={"State": 20})
        vendor = FakeVendor(order__detail__10001=json_answer(order))
        settings = {"order_status_field": "Status", "shipping_status_field": "Shipping.State"}
        (line,) = only(run(storefront(vendor, **settings).read_orders(["10001"]))).lines
        assert line.status == Facts(Intent.CANCELLED, Progress.NONE)

    def test_what_a_line_calls_its_own_is_a_setting(self) -> None:
        row = {"Id": "s2001", "Copies": 250, "Sent": {"Copies": "100"}, "Product": "Cards"}
        vendor = FakeVendor(
            order__detail__10001=json_answer(rest_order(ShippingStatus=20, OrderLineItems=[row]))
        )
        settings = {
            "line_quantity_field": "Copies",
            "line_shipped_field": "Sent.Copies",
            "line_name_field": "Product",
        }
        (line,) = only(run(storefront(vendor, **settings).read_orders(["10001"]))).lines
        assert (line.quantity, line.shipped_quantity, line.name) == (250, 100, "Cards")
        assert line.status == Facts(Intent.OPEN, Progress.PART_DISPATCHED)

    def test_an_unknown_status_is_unmapped_and_the_rest_is_kept(self) -> None:
        vendor = FakeVendor(order__detail__10001=json_answer(rest_order(OrderStatus="On hold")))
        order = only(run(storefront(vendor).read_orders(["10001"])))
        assert order.lines[0].status == Unmapped("order status On hold")
        assert order.po_number == "PO-7781"

    @pytest.mark.parametrize(
        "answer", [json_answer(None), json_answer({"Message": "There is no order 10001."}, 404)]
    )
    def test_no_such_order_is_gone(self, answer: httpx.Response) -> None:
        vendor = FakeVendor(order__detail__10001=answer)
        assert not_read(run(storefront(vendor).read_orders(["10001"]))).status == GONE

    @pytest.mark.parametrize(
        "answer",
        [
            html_answer(404),
            httpx.Response(404),
            json_answer({"Message": "No HTTP resource was found that matches the request URI."}, 404),
            json_answer({"Message": "Authorization has been denied."}, 401),
            html_answer(200),
            json_answer([]),
            json_answer({"Id": 10002, "OrderLineItems": []}),
            json_answer({"OrderLineItems": []}),
            json_answer({"Id": 10001}),
            json_answer({"Id": 10001, "OrderLineItems": [{"Quantity": 1}]}),
            json_answer({"Id": 10001, "OrderLineItems": [None]}),
            json_answer(rest_order(OrderLineItems=[])),
            json_answer(rest_order(OrderLineItems=None)),
            json_answer(rest_order(OrderLineItems=2 * rest_order()["OrderLineItems"])),
        ],
    )
    def test_a_wrong_answer_is_never_an_order_and_never_gone(self, answer: httpx.Response) -> None:
        vendor = FakeVendor(order__detail__10001=answer)
        result = not_read(run(storefront(vendor).read_orders(["10001"])))
        assert isinstance(result.status, Unreadable)
        assert result.status.reason

    def test_a_script_that_is_set_up_can_be_left_aside(self) -> None:
        vendor = FakeVendor(order__detail__10001=json_answer(rest_order()))
        run(storefront(vendor, megascript_secret=SECRET, read_by="rest").read_orders(["10001"]))
        assert vendor.paths == ["/services/api/order/detail/10001"]

    @pytest.mark.parametrize("order_id", ["../auth/x", "10001?x=1", "", "0", "1e5", "PO 1", "９"])
    def test_an_id_that_is_no_order_number_is_never_sent(self, order_id: str) -> None:
        vendor = FakeVendor()
        assert not_read(run(storefront(vendor).read_orders([order_id]))).status == GONE
        assert vendor.requests == []


class TestListing:
    SINCE = datetime(2026, 11, 20, tzinfo=UTC)

    def test_pages_are_read_to_the_end(self) -> None:
        pages = [
            json_answer({"ok": True, "orders": [script_order(10001), script_order(10002)], "more": True}),
            json_answer({"ok": True, "orders": [script_order(10002), script_order(10003)], "more": False}),
        ]
        vendor = FakeVendor(countermand=list(pages))
        found = run(storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE))
        assert found is not None
        assert [order.order_id for order in found] == ["10001", "10002", "10003"]
        assert [body["page"] for body in vendor.bodies()] == [0, 1]
        assert vendor.bodies()[0]["since"] == "2026-11-20T00:00:00Z"
        assert "orderStatus" not in vendor.bodies()[0]

    def test_only_cancelled_ones(self) -> None:
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": [], "more": False}))
        found = run(
            storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE, cancelled_only=True)
        )
        assert found == []
        assert vendor.bodies()[0]["orderStatus"] == "Cancelled"

    @pytest.mark.parametrize(
        "second", [html_answer(), json_answer({"ok": True}), httpx.ReadTimeout(""), json_answer({}, 500)]
    )
    def test_a_listing_that_breaks_off_is_no_listing(self, second: httpx.Response | Exception) -> None:
        first = json_answer({"ok": True, "orders": [script_order()], "more": True})
        vendor = FakeVendor(countermand=[first, second])
        assert run(storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE)) is None

    def test_an_order_on_which_our_code_fails_is_named_and_holds_up_no_other(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stumbles(raw: str) -> Payment:
            if raw == "Voided":
                raise KeyError(raw)
            return payment(raw)

        monkeypatch.setattr(orders, "payment", stumbles)
        rows = [script_order(10001), script_order(10002, paymentStatus="Voided"), script_order(10003)]
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": rows, "more": False}))
        found = run(storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE))
        assert found is not None
        assert [order.order_id for order in found] == ["10001", "10002", "10003"]
        failed = not_read(found[1:2])
        assert isinstance(failed.status, Unreadable)
        assert "fault of ours" in failed.status.reason

    @pytest.mark.parametrize("odd", [{"lines": []}, {"lines": [{"id": "s1"}, {"id": "s1"}]}])
    def test_an_order_that_cannot_be_read_is_named_and_holds_up_no_other(self, odd: dict[str, Any]) -> None:
        rows = [script_order(10001), script_order(10002, **odd), script_order(10003)]
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": rows, "more": False}))
        found = run(storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE))
        assert found is not None
        assert [order.order_id for order in found] == ["10001", "10002", "10003"]
        assert isinstance(not_read(found[1:2]).status, Unreadable)

    def test_where_our_code_fails_on_an_order_without_a_number_it_is_no_listing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stumbles(_row: object) -> list[object]:
            raise KeyError("lines")

        monkeypatch.setattr(reading, "script_lines", stumbles)
        answer = json_answer({"ok": True, "orders": [script_order(id=None)], "more": False})
        with pytest.raises(KeyError):
            run(
                storefront(FakeVendor(countermand=answer), megascript_secret=SECRET).list_orders(
                    since=self.SINCE
                )
            )

    def test_an_empty_page_ends_the_listing_whatever_it_promises(self) -> None:
        vendor = FakeVendor(countermand=json_answer({"ok": True, "orders": [], "more": True}))
        assert run(storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE)) == []
        assert len(vendor.requests) == 1

    def test_pages_that_show_nothing_new_end_it_too(self) -> None:
        page = json_answer({"ok": True, "orders": [script_order(10001), script_order(10002)], "more": True})
        vendor = FakeVendor(countermand=page)
        found = run(storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE))
        assert found is not None
        assert [order.order_id for order in found] == ["10001", "10002"]
        assert len(vendor.requests) == 3

    def test_pages_may_count_from_one(self) -> None:
        first = json_answer({"ok": True, "orders": [script_order(10001)], "more": True})
        second = json_answer({"ok": True, "orders": [script_order(10002)], "more": False})
        vendor = FakeVendor(countermand=[first, first, second])
        found = run(storefront(vendor, megascript_secret=SECRET).list_orders(since=self.SINCE))
        assert found is not None
        assert [order.order_id for order in found] == ["10001", "10002"]

    def test_rest_cannot_list(self) -> None:
        vendor = FakeVendor()
        assert run(storefront(vendor).list_orders(since=self.SINCE)) is None
        assert vendor.requests == []


class TestOrderOfLine:
    @pytest.mark.parametrize(
        ("answer", "order_id"),
        [
            (json_answer({"Id": "s2001", "OrderId": 10001}), "10001"),
            (json_answer({"Id": "S2001", "OrderId": "10001"}), "10001"),
            (json_answer(None), None),
            (json_answer({"Id": "s2001"}), None),
            (json_answer({"Id": "s9999", "OrderId": 10001}), None),
            (httpx.Response(404), None),
        ],
    )
    def test_the_order_or_none(self, answer: httpx.Response, order_id: str | None) -> None:
        vendor = FakeVendor(orderlineitem__get=answer)
        assert run(storefront(vendor).find_order_of_line("s2001")) == order_id

    @pytest.mark.parametrize("answer", [html_answer(), httpx.Response(401), httpx.ConnectError("x")])
    def test_what_is_no_answer_does_not_say_that_there_is_none(
        self, answer: httpx.Response | Exception
    ) -> None:
        vendor = FakeVendor(orderlineitem__get=answer)
        assert isinstance(run(storefront(vendor).find_order_of_line("s2001")), Unreadable)


@pytest.mark.parametrize("answered", ["s2001", "S2001", 2001, "2001"])
def test_a_line_is_known_by_its_number_with_its_letter_or_without(answered: object) -> None:
    vendor = FakeVendor(orderlineitem__get=json_answer({"Id": answered, "Type": "s", "OrderId": 10001}))
    assert run(storefront(vendor).find_order_of_line("s2001")) == "10001"


@pytest.mark.parametrize("answered", ["s2002", 2002, "d2001", "", None, 1])
def test_the_order_of_another_line_is_not_taken_for_it(answered: object) -> None:
    vendor = FakeVendor(orderlineitem__get=json_answer({"Id": answered, "OrderId": 10001}))
    assert run(storefront(vendor).find_order_of_line("s2001")) is None


def test_the_order_page() -> None:
    shop = storefront(FakeVendor(), base_url="https://shop.example.com/")
    assert shop.order_url("10001") == "https://shop.example.com/Admin/Order/Edit/10001"


def test_capabilities_follow_the_settings() -> None:
    names = {"read", "list", "cancel_order", "cancel_line", "ship", "track", "note"}
    with_script = storefront(FakeVendor(), megascript_secret=SECRET).capabilities
    without = storefront(FakeVendor()).capabilities
    assert set(with_script) == set(without) == names
    assert all(row.offered for row in with_script.values())
    assert [name for name, row in without.items() if row.offered] == ["read"]
    assert all(row.name == name and row.how for name, row in without.items())
