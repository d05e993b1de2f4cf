"""The storefront's admin screens, used as a browser would: read the page, send its forms."""

import re
from collections.abc import Iterator

import httpx2 as httpx
import pytest
from infigo_support import place, state, storefront
from lxml import html


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with storefront() as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with storefront() as opened:
        opened.follow_redirects = True
        yield opened


def page(client: httpx.Client, path: str) -> html.HtmlElement:
    return html.fromstring(client.get(path).raise_for_status().text)


def said(answer: httpx.Response) -> str:
    return " ".join(texts(html.fromstring(answer.text), '//*[@role="status" or @role="alert"]//text()'))


def texts(shown: html.HtmlElement, path: str) -> list[str]:
    found = shown.xpath(path)
    assert isinstance(found, list)
    return [str(each) for each in found]


def test_the_first_page_is_the_order_list(client: httpx.Client) -> None:
    assert "No orders yet" in client.get("/").text
    client.post("/_sim/orders", json={"count": 30}).raise_for_status()
    listed = page(client, "/")
    numbers = listed.xpath("//tbody//td[1]/a/text()")
    assert (len(numbers), numbers[0]) == (25, "10030")
    older = page(client, "/admin/orders" + listed.xpath('//a[text()="Older"]/@href')[0])
    assert older.xpath("//tbody//td[1]/a/text()") == ["10005", "10004", "10003", "10002", "10001"]
    assert "stand-in simulator" in listed.text_content()


@pytest.mark.parametrize(
    "query",
    [
        "q=PO-SPECIAL",
        "q=10003",
        "q=special+co",
        "status=Cancelled",
        "status=Cancelled&shipping=NotYetShipped",
    ],
)
def test_orders_are_found(client: httpx.Client, query: str) -> None:
    client.post("/_sim/orders", json={"count": 2})
    place(client, PurchaseOrderNumber="PO-SPECIAL", Customer="Special Co")
    client.post("/_sim/orders/10003/cancel")
    assert page(client, f"/admin/orders?{query}").xpath("//tbody//td[1]/a/text()") == ["10003"]


@pytest.mark.parametrize(
    "query",
    ["q=nothing-like-it", "page=0", "page=-1", "page=" + "9" * 500, "status=Odd", "shipping=%00"],
)
def test_odd_searches_do_no_harm(shared: httpx.Client, query: str) -> None:
    place(shared)
    assert shared.get(f"/admin/orders?{query}").status_code == 200


def test_a_person_cancels_by_changing_the_status(client: httpx.Client) -> None:
    place(client)
    before = page(client, "/admin/orders/10001")
    assert before.xpath('//select[@name="status"]/option/@value') == [
        "Pending",
        "Processing",
        "Complete",
        "Cancelled",
    ]
    answer = client.post("/admin/orders/10001/status", data={"status": "Cancelled", "notify_customer": "1"})
    assert "has been cancelled" in said(answer)
    after = html.fromstring(answer.text)
    assert after.xpath('//select[@name="status"] | //button[text()="Cancel line"]') == []
    assert "cannot be opened again" in " ".join(texts(after, "//p/text()"))
    assert (state(client, 10001)["OrderStatus"], len(state(client, 10001)["Mails"])) == ("Cancelled", 1)
    again = client.post("/admin/orders/10001/status", data={"status": "Cancelled"})
    assert (again.status_code, said(again)) == (409, "Order 10001 is already cancelled.")
    back = client.post("/admin/orders/10001/status", data={"status": "Pending"})
    assert (back.status_code, "cannot be taken back" in said(back)) == (409, True)


def test_a_person_ships_cancels_a_line_notes_and_refunds(client: httpx.Client) -> None:
    place(client, IsPaymentPaid=True, OrderLineItems=[{"Quantity": 5}, {"Quantity": 6}])
    acts = [
        ("line", {"job_id": "d2001"}, "The line has been cancelled."),
        ("shipping", {"shipping": "Shipped", "tracking": "TRK1"}, "The shipping status has been saved."),
        ("note", {"note": "Rang the customer <b>", "display_to_customer": "1"}, "The note has been added."),
        ("refund", {}, "The payment has been marked as refunded."),
        ("status", {"status": "Complete"}, "The order status has been saved."),
    ]
    for act, data, says in acts:
        assert said(client.post(f"/admin/orders/10001/{act}", data=data)) == says
    found = state(client, 10001)
    assert [line["IsCancelled"] for line in found["OrderLineItems"]] == [True, False]
    assert (
        found["ShippingStatus"],
        found["TrackingNumber"],
        found["PaymentStatus"],
        found["OrderStatus"],
    ) == (
        "Shipped",
        "TRK1",
        "Refunded",
        "Complete",
    )
    assert "Rang the customer &lt;b&gt;" in client.get("/admin/orders/10001").text


@pytest.mark.parametrize(
    ("act", "data", "status"),
    [
        ("status", {}, 409),
        ("status", {"status": "Odd"}, 409),
        ("shipping", {"shipping": ""}, 409),
        ("note", {"note": "  "}, 409),
        ("line", {"job_id": "d9"}, 409),
        ("line", {"job_id": "d2001"}, 409),
        ("refund", {}, 409),
        ("send", {}, 409),
    ],
)
def test_a_form_that_cannot_be_used_says_so_on_the_page(
    shared: httpx.Client, act: str, data: dict[str, str], status: int
) -> None:
    _another, order_id = (place(shared)["Id"] for _ in "ab")
    before = state(shared, order_id)
    answer = shared.post(f"/admin/orders/{order_id}/{act}", data=data)
    assert (answer.status_code, said(answer).endswith(".")) == (status, True)
    assert state(shared, order_id) == before


def test_an_order_that_is_not_there(client: httpx.Client) -> None:
    assert client.get("/admin/orders/7").status_code == 404
    assert client.post("/admin/orders/7/status", data={"status": "Cancelled"}).status_code == 404
    assert client.post("/admin/orders/7/send").status_code == 404


def test_an_order_is_placed_by_the_form(client: httpx.Client) -> None:
    form = page(client, "/admin/orders/new")
    assert len(form.xpath('//select[@name="product"]')) == 3
    data = {
        "product": ["101", "201", ""],
        "quantity": ["250", "10", "100"],
        "customer": "52",
        "po_number": "PO-1",
        "delivery": "Pick up",
        "paid": "1",
    }
    placed = client.post("/admin/orders/new", data=data)
    assert "has been placed" in said(placed)
    found = state(client, 10001)
    assert [line["Sku"] for line in found["OrderLineItems"]] == ["BC-350-SILK", "STOCK-PEN-BLUE"]
    assert (found["ShippingStatus"], found["PaymentStatus"]) == ("ShippingNotRequired", "Paid")
    wrongs = [("product", "7"), ("product", ""), ("quantity", "0"), ("quantity", "²"), ("customer", "x")]
    for field, wrong in [*wrongs, ("customer", "3")]:
        answer = client.post("/admin/orders/new", data={**data, field: wrong})
        assert (answer.status_code, said(answer).endswith(".")) == (400, True)


def test_every_field_has_a_label_and_every_page_its_own_title(client: httpx.Client) -> None:
    place(client)
    titles = set()
    for path in (
        "/admin/orders",
        "/admin/orders/10001",
        "/admin/orders/new",
        "/admin/products",
        "/admin/messages",
    ):
        shown = page(client, path)
        titles.add(shown.findtext(".//title"))
        fields = shown.xpath("//select | //textarea | //input[not(@type='hidden')]")
        assert all(field.xpath("ancestor::label") for field in fields)
        assert len(shown.xpath("//h1")) == 1
    assert len(titles) == 5


def test_stock_goes_down_when_ordered_and_comes_back_when_cancelled(client: httpx.Client) -> None:
    def on_shelf() -> str:
        row = page(client, "/admin/products").xpath('//tr[td="STOCK-PEN-BLUE"]')[0]
        return str(row.xpath("./td[5]/text()")[0])

    place(client, OrderLineItems=[{"Sku": "STOCK-PEN-BLUE", "Quantity": 500}])
    assert on_shelf() == "11,500"
    client.post("/admin/orders/10001/status", data={"status": "Cancelled"})
    assert on_shelf() == "12,000"
    assert re.search(r"\+500 .*Branded ballpoint pen", client.get("/admin/orders/10001").text)
