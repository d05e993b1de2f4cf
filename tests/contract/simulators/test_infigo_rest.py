"""The storefront's REST API over real HTTP, by a client that knows only the vendor page."""

import base64
import json
from collections.abc import Iterator

import httpx2 as httpx
import pytest
from infigo_support import AUTH, Collector, Json, eventually, place, state, storefront
from lxml import etree

from countermand.simulators.infigo import InfigoSettings

API = "/services/api"


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with storefront() as client:
        yield client


@pytest.fixture
def fresh() -> Iterator[httpx.Client]:
    with storefront() as client:
        yield client


def encoded(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header", ["Basic demo-infigo-token", "basic demo-infigo-token", encoded("demo-infigo-token:")]
)
def test_both_spellings_of_basic_are_good(shared: httpx.Client, header: str) -> None:
    assert shared.get(f"{API}/order?CustomerId=51", headers={"Authorization": header}).json() == []


@pytest.mark.parametrize(
    "header",
    [
        "", "Basic", "Basic wrong", "Bearer demo-infigo-token", encoded("demo-infigo-token:secret"),
        encoded(":"), "Basic tökén", "Basic ====", encoded("x") + "é",
    ],
)  # fmt: skip
def test_any_other_authorization_is_refused(shared: httpx.Client, header: str) -> None:
    headers = [(b"authorization", header.encode("latin-1"))] if header else []
    answer = shared.get(f"{API}/order?CustomerId=51", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Basic")
    assert "token" in answer.json()["Message"]


def test_the_token_call_needs_no_header(shared: httpx.Client) -> None:
    assert shared.get(f"{API}/auth/demo-infigo-token").json()["StorefrontId"] == "acme-print"
    assert shared.get(f"{API}/AUTH/demo-infigo-token").status_code == 200
    assert shared.get(f"{API}/auth/DEMO-INFIGO-TOKEN").status_code == 401


def test_paths_are_not_case_sensitive(fresh: httpx.Client) -> None:
    order = place(fresh)
    for path in (f"/services/api/order/detail/{order['Id']}", f"/Services/API/Order/Detail/{order['Id']}"):
        assert fresh.get(path, headers=AUTH).json()["Id"] == order["Id"]


RECORDED: Json = {
    "ExternalOrderId": "EXT-1",
    "CatfishCustomerId": 51,
    "CatfishDeliveryMethod": "Courier",
    "IsPaymentPaid": True,
    "PurchaseOrderNumber": "PO-88",
    "CallbackUrl": "http://127.0.0.1:1/never",
    "DeliveryAddress": {"City": "Leeds"},
    "BillingAddress": {"City": "Leeds"},
    "CheckoutAttributes": [{"Key": "Cost centre", "Value": "C14"}],
    "OrderLineItems": [
        {
            "NopProductId": 101,
            "Quantity": 250,
            "ProductVariantAttributes": [{"Key": "Paper", "Value": "Silk"}],
            "DeliveryType": "x",
        },
        {
            "ExternalProductId": "BAN-ROLLER-850",
            "Quantity": 2,
            "JobId": "m7001",
            "PdfExternalUrl": "http://files.example/a.pdf",
        },
    ],
    "ExtraData": {"PurchaseOrderNumber": "PO-88"},
}


def test_an_order_is_recorded_and_read_back(fresh: httpx.Client) -> None:
    answer = fresh.post(f"{API}/order/recordorder", json=RECORDED, headers=AUTH)
    assert answer.json() == {"Id": 10001, "Success": True, "Errors": []}
    detail = fresh.get(f"{API}/order/detail/10001", headers=AUTH).json()
    assert detail["CheckoutAttributes"] == [{"Name": "Cost centre", "Values": [{"Content": "C14"}]}]
    assert (detail["OrderTotal"], detail["CaptureTransactionId"]) == (146.5, "TX10001")
    assert (detail["OrderStatus"], detail["ShippingStatus"], detail["PaymentStatus"]) == (
        "Processing",
        "NotYetShipped",
        "Paid",
    )
    assert [line["Id"] for line in detail["OrderLineItems"]] == ["d2001", "m7001"]
    assert fresh.get(f"{API}/order?customerid=51", headers=AUTH).json() == [10001]
    line = fresh.get(f"{API}/orderlineitem/get?id=m7001", headers=AUTH).json()
    assert line == {
        "Id": "m7001",
        "Type": "Upload",
        "OpvId": 50002,
        "OrderId": 10001,
        "CustomerId": 51,
        "Status": 3,
        "Price": 124.0,
        "Quote": None,
        "ProductAttributes": [],
        "Variables": [],
        "MisConfigurations": [{"SystemName": "Mis.PrintIQ", "ProductCode": "BAN-ROLLER-850"}],
    }


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"CatfishCustomerId": 3}, 200, "no customer 3"),
        ({"OrderLineItems": []}, 200, "at least one line"),
        ({"OrderLineItems": [{"NopProductId": 9}]}, 200, "no product 9"),
        ({"OrderLineItems": [{}]}, 200, "(none given)"),
        ({"OrderLineItems": [{"NopProductId": 101, "JobId": "q1"}]}, 200, "q1 is not a job id"),
        ({"OrderLineItems": [{"NopProductId": 101, "JobId": job} for job in (5, "m5")]}, 200, "only once"),
        ({"OrderLineItems": [{"NopProductId": 101, "Quantity": 0}]}, 400, "Quantity"),
        ({"OrderLineItems": None}, 400, "OrderLineItems"),
        ({"CatfishCustomerId": "many"}, 400, "CatfishCustomerId"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_recorded_says_why(
    shared: httpx.Client, change: Json, status: int, says: str
) -> None:
    before = len(shared.get("/_sim/orders").json()["orders"])
    answer = shared.post(f"{API}/order/recordorder", json={**RECORDED, **change}, headers=AUTH)
    result = answer.json()
    assert (answer.status_code, result["Id"], result["Success"]) == (status, 0, False)
    assert says in result["Errors"][0]
    assert len(shared.get("/_sim/orders").json()["orders"]) == before


def test_an_external_order_id_is_taken_once(fresh: httpx.Client) -> None:
    assert fresh.post(f"{API}/order/recordorder", json=RECORDED, headers=AUTH).json()["Success"]
    again = fresh.post(f"{API}/order/recordorder", json=RECORDED, headers=AUTH).json()
    assert (again["Success"], len(fresh.get("/_sim/orders").json()["orders"])) == (False, 1)
    assert "EXT-1" in again["Errors"][0]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b'"text"', 400), (b" " * (1024 * 1024 + 1), 413)],
)
def test_bodies_that_cannot_be_read_get_a_sentence(shared: httpx.Client, body: bytes, status: int) -> None:
    answer = shared.post(f"{API}/order/recordorder", content=body, headers=AUTH)
    assert answer.status_code == status
    assert answer.json()["Errors"][0].startswith("The body ")


def test_an_unknown_line_is_the_literal_null(shared: httpx.Client) -> None:
    for job_id in ("s99999", "99999", "", "nonsense"):
        answer = shared.get(f"{API}/orderlineitem/get", params={"id": job_id}, headers=AUTH)
        assert (answer.status_code, answer.text) == (200, "null")
        assert answer.headers["content-type"] == "application/json"


def test_job_ids_are_taken_as_text_and_as_a_number(fresh: httpx.Client) -> None:
    job_id = place(fresh)["OrderLineItems"][0]["Id"]
    for spelling in (job_id, job_id.upper(), job_id[1:]):
        line = fresh.get(f"{API}/orderlineitem/get", params={"id": spelling}, headers=AUTH).json()
        assert line["Id"] == job_id


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("order/detail/5", 404),
        ("order/detail/x", 400),
        ("order", 400),
        ("order?CustomerId=me", 400),
        ("orderlineitem/download/s5", 404),
        ("catalog/v2/product/5", 404),
        ("catalog/v2/product?pageSize=0", 400),
        ("catalog/v2/product?pageIndex=-1", 400),
        ("nothing", 404),
        ("order/detail/10001/cancel", 404),
    ],
)
def test_what_is_not_there_is_said_in_json(shared: httpx.Client, path: str, status: int) -> None:
    answer = shared.get(f"{API}/{path}", headers=AUTH)
    assert answer.status_code == status
    assert answer.json()["Message"].endswith(".")


def test_xml_is_supplied_on_request(fresh: httpx.Client) -> None:
    order = place(fresh, CatfishDeliveryMethod="Courier")
    headers = {**AUTH, "Accept": "application/xml"}
    detail = fresh.get(f"{API}/order/detail/{order['Id']}", headers=headers)
    assert detail.headers["content-type"].startswith("application/xml")
    root = etree.fromstring(detail.content)
    assert (root.tag, root.findtext("Id"), root.findtext("OrderStatus")) == ("Order", "10001", "Pending")
    assert root.findtext("OrderLineItems/OrderLineItem/IsCancelled") == "false"
    job_id = order["OrderLineItems"][0]["Id"]
    line = fresh.get(f"{API}/orderlineitem/get?id={job_id}", headers=headers)
    assert etree.fromstring(line.content).findtext("Id") == job_id
    missing = etree.fromstring(fresh.get(f"{API}/orderlineitem/get?id=s1", headers=headers).content)
    assert missing.get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"
    browser = {**AUTH, "Accept": "text/html, application/json;q=0.9, application/xml;q=0.8"}
    assert fresh.get(f"{API}/order/detail/10001", headers=browser).json()["Id"] == 10001


def test_without_the_guessed_fields_order_detail_is_what_is_documented() -> None:
    with storefront(InfigoSettings(rest_status_fields=False)) as client:
        job_id = place(client)["OrderLineItems"][0]["Id"]
        detail = client.get(f"{API}/order/detail/10001", headers=AUTH).json()
    assert set(detail) == {"Id", "OrderLineItems", "CheckoutAttributes", "CaptureTransactionId", "OrderTotal"}
    assert detail["OrderLineItems"] == [job_id]


def test_the_catalogue_is_paged_from_nought(shared: httpx.Client) -> None:
    whole = shared.get(f"{API}/catalog/v2/product", headers=AUTH).json()
    pages = [
        shared.get(f"{API}/catalog/v2/product?pageIndex={index}&pageSize=5", headers=AUTH).json()["Items"]
        for index in range(4)
    ]
    assert [len(page) for page in pages] == [5, 5, 2, 0]
    assert [item for page in pages for item in page] == whole["Items"]
    one = shared.get(f"{API}/catalog/v2/product/101", headers=AUTH).json()
    assert one == whole["Items"][0]


def test_an_output_file_is_made_in_the_background_and_called_back(fresh: httpx.Client) -> None:
    collector = Collector()
    place(fresh, OrderLineItems=[{"Sku": "BC-350-SILK", "TypeLetter": "d"}])
    download = f"{API}/orderlineitem/download/d2001"
    assert fresh.get(download, headers=AUTH).status_code == 404
    with collector.listening() as url:
        body = {"CallbackUrl": url, "DirectDownload": True}
        made = fresh.post(f"{API}/orderlineitem/createoutputfor/d2001", json=body, headers=AUTH)
        assert made.json() == {"Id": "d2001", "Success": True}
        eventually(lambda: len(collector.received) == 1, "the callback")
    assert json.loads(collector.received[0][2])["Status"] == "OutputCreated"
    file = fresh.get(download, headers=AUTH)
    assert (file.headers["content-type"], file.content[:5]) == ("application/pdf", b"%PDF-")
    assert fresh.get(f"{API}/orderlineitem/get?id=d2001", headers=AUTH).json()["Status"] == 7
    bad = fresh.post(
        f"{API}/orderlineitem/createoutputfor/d2001", json={"CallbackUrl": "file:///etc/passwd"}, headers=AUTH
    )
    assert bad.status_code == 400


def test_each_storefront_links_its_own_description(shared: httpx.Client) -> None:
    page = shared.get(API)
    assert f'href="{API}/openapi.json"' in page.text
    described = shared.get(f"{API}/openapi.json").json()
    assert f"{API}/order/detail/{{order_id}}" in described["paths"]


def test_no_call_of_the_rest_api_cancels_or_ships(shared: httpx.Client) -> None:
    """No such call is known (vendors/infigo.md, section 1)."""
    methods = {
        (method, path)
        for path, calls in shared.get(f"{API}/openapi.json").json()["paths"].items()
        for method in calls
    }
    writes = {path.removeprefix(API) for method, path in methods if method != "get"}
    assert writes == {"/order/recordorder", "/orderlineitem/createoutputfor/{job_id}"}


# Faults


def faults(client: httpx.Client, match: str, kind: str, **more: object) -> None:
    rule = {"match": match, "kind": kind, "times": 1, **more}
    client.put("/_sim/faults", json={"calls": [rule]}).raise_for_status()


def test_an_expired_token_is_a_401_once(fresh: httpx.Client) -> None:
    place(fresh)
    faults(fresh, "order/detail", "expired-token")
    statuses = [fresh.get(f"{API}/order/detail/10001", headers=AUTH).status_code for _ in "ab"]
    assert statuses == [401, 200]


def test_ok_but_ignored_answers_success_and_keeps_nothing(fresh: httpx.Client) -> None:
    faults(fresh, "order/recordorder", "ok-but-ignored")
    first = fresh.post(f"{API}/order/recordorder", json=RECORDED, headers=AUTH).json()
    assert first["Success"] is True
    assert fresh.get("/_sim/orders").json()["orders"] == []
    assert fresh.get("/_sim/ledger").json()[0]["effect"] == "ignored by fault, would have been: applied"
    faults(fresh, "orderlineitem/createoutputfor", "ok-but-ignored")
    place(fresh)
    assert fresh.post(f"{API}/orderlineitem/createoutputfor/d2001", json={}, headers=AUTH).json()["Success"]
    assert state(fresh, 10001)["OrderLineItems"][0]["Status"] == 3


def test_calls_are_counted_by_name_and_screens_are_not(fresh: httpx.Client) -> None:
    place(fresh)
    fresh.get(f"{API}/ORDER/detail/10001", headers=AUTH)
    fresh.get(f"{API}/catalog/v2/product/101", headers=AUTH)
    fresh.get("/admin/orders")
    assert fresh.get("/_sim/calls").json() == {"catalog/v2/product": 1, "order/detail": 1}
