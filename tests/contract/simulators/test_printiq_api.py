"""The JSON API, OData and webhook.svc of the printIQ simulator, by a plain HTTP client."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2 as httpx
import pytest

from countermand.simulators.kit import ServerThread
from countermand.simulators.printiq import PrintIQSettings, create_app

LOGIN = {
    "UserName": "countermand",
    "Password": "demo-printiq-password",
    "ApplicationName": "Countermand",
    "ApplicationKey": "demo-printiq-application-key",
}
PRICE = {
    "CustomerCode": "WEBSHOP",
    "ProductCode": "FLY-A5-150",
    "SelectedQuantity": {"Quantity": 500, "Kinds": 2},
    "Deliveries": [],
    "JobTitle": "Spring sale",
    "CustomerReference": "10001",
    "ExternalJobReference": "s2001",
}
TOKEN_PATH = "/api/QuoteProcess/GetApplicationLogInToken"


class Clock:
    """A clock that tests move by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Client:
    """An integrator's client: logs in once, then calls methods."""

    def __init__(self, http: httpx.Client, clock: Clock) -> None:
        self.http = http
        self.clock = clock
        self.token = self.log_in()

    def log_in(self) -> str:
        token = self.http.post(TOKEN_PATH, params=LOGIN).json()
        assert isinstance(token, str)
        return token

    def call(self, method: str, body: object, **headers: str) -> dict[str, Any]:
        answer = self.http.post(
            f"/api/QuoteProcess/{method}", params={"LoginToken": self.token}, json=body, headers=headers
        )
        assert answer.status_code == 200
        found = answer.json()
        assert {"IsError", "ErrorMessage", "IsWarning", "WarningMessage"} <= set(found)
        assert found["IsError"] is bool(found["ErrorMessage"])
        return dict(found)

    def good(self, method: str, body: object, **headers: str) -> dict[str, Any]:
        answer = self.call(method, body, **headers)
        assert not answer["IsError"], answer["ErrorMessage"]
        return answer

    def order(self, **price: object) -> str:
        """Quote and accept one product; return the job's number."""
        quote_no = self.good("GetPrice", PRICE | price)["QuoteDetails"]["QuoteNo"]
        accepted = self.good("AcceptQuote", {"QuoteNo": quote_no})
        return str(accepted["AcceptanceDetails"]["Products"][0]["JobNo"])

    def sim(self, path: str) -> Any:
        return self.http.get(f"/_sim/{path}").json()

    def odata(self, entity: str, **query: object) -> dict[str, Any]:
        answer = self.http.get(
            f"/api/v1/odata/{entity}",
            params={f"${name}": str(value) for name, value in query.items()},
            headers={"PrintIQ-Access-Token": "demo-odata-token"},
        )
        assert answer.headers["content-type"] == "application/json"
        return dict(answer.json())


@contextmanager
def printiq(**settings: Any) -> Iterator[Client]:
    clock = Clock()
    app = create_app(PrintIQSettings(**settings), clock=clock, control=True)
    with ServerThread(app) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        yield Client(http, clock)


@pytest.fixture
def client() -> Iterator[Client]:
    with printiq() as client:
        yield client


# The token


def test_the_token_needs_encoding_and_each_spelling_of_the_call_gives_one(client: Client) -> None:
    assert {"+", "/", "="} & set(client.token)
    by_form = client.http.post(TOKEN_PATH, data=LOGIN)
    by_get = client.http.get(TOKEN_PATH.lower(), params=LOGIN)
    assert len({client.token, by_form.json(), by_get.json()}) == 3


@pytest.mark.parametrize("style", ["query", "form", "get"])
def test_an_instance_may_offer_only_one_spelling(style: str) -> None:
    with printiq_http(token_styles=(style,)) as http:
        answers = {
            "query": http.post(TOKEN_PATH, params=LOGIN).json(),
            "form": http.post(TOKEN_PATH, data=LOGIN).json(),
            "get": http.get(TOKEN_PATH, params=LOGIN).json(),
        }
    assert [name for name, answer in answers.items() if isinstance(answer, str)] == [style]
    refused = [answer for answer in answers.values() if not isinstance(answer, str)]
    assert all(answer["IsError"] for answer in refused)


@contextmanager
def printiq_http(**settings: Any) -> Iterator[httpx.Client]:
    with (
        ServerThread(create_app(PrintIQSettings(**settings))) as server,
        httpx.Client(base_url=server.url, trust_env=False) as http,
    ):
        yield http


def test_a_wrong_login_is_an_error_in_the_envelope(client: Client) -> None:
    answer = client.http.post(TOKEN_PATH, params=LOGIN | {"Password": "x"})
    assert answer.status_code == 200
    assert answer.json()["ErrorMessage"] == "Invalid login details"


def test_a_token_dies_of_age_and_of_the_fault(client: Client) -> None:
    client.http.put("/_sim/faults", json={"calls": [{"kind": "expired-token", "times": 1}]})
    assert client.call("GetPrice", PRICE)["ErrorMessage"] == "Invalid or expired login token"
    assert client.call("GetPrice", PRICE)["IsError"]
    client.token = client.log_in()
    client.good("GetPrice", PRICE)
    client.clock.now += timedelta(seconds=600)
    assert client.call("GetPrice", PRICE)["IsError"]


# Quotes and acceptance


def test_a_price_comes_with_its_quote(client: Client) -> None:
    answer = client.good("GetPrice", PRICE)
    (product,) = answer["QuoteDetails"]["Products"]
    (quantity,) = product["Quantities"]
    assert answer["ProductKey"] == product["ProductKey"]
    assert quantity["Quantity"] == 500
    assert quantity["Price"] == quantity["RetailPrice"] == quantity["WholesalePrice"] == 60.0
    assert quantity["MiddlewareProductDetail"]["QQDKey"] > 0


def test_lines_can_be_appended_and_accepted_together(client: Client) -> None:
    number = client.good("GetPrice", PRICE)["QuoteDetails"]["QuoteNo"]
    again = client.good("GetPrice", PRICE | {"QuoteNo": number})
    assert again["QuoteDetails"]["QuoteNo"] == number
    products = client.good("AcceptQuote", {"QuoteNo": number})["AcceptanceDetails"]["Products"]
    assert [product["JobNo"] for product in products] == ["J29301-01", "J29301-02"]
    assert all(product["MiddlewareProductDetail"]["Sections"][0]["QSTKey"] for product in products)


def test_accept_quote_is_not_idempotent(client: Client) -> None:
    number = client.good("GetPrice", PRICE)["QuoteDetails"]["QuoteNo"]
    for _ in range(2):
        client.good("AcceptQuote", {"QuoteNo": number})
    rows = client.odata("Jobs", filter="CustomerReference eq '10001'")["value"]
    assert [row["JobNo"] for row in rows] == ["J29301-01", "J29302-01"]


def test_a_quote_with_delivery_takes_its_numbers_as_text(client: Client) -> None:
    body = {
        "Accept": "true",
        "CustomerCode": "WEBSHOP",
        "ProductCode": "BAN-ROLLER-850",
        "Quantity": {"Kinds": "1", "Quantity": "3"},
        "JobTitle": "Roller banner",
        "CustomerReference": "10002",
        "ExternalJobReference": "d2002",
        "Notes": "Call before delivery",
        "Address": {"AddressName": "Front desk", "City": "Leeds", "PostCode": "LS1 4AP"},
        "QuoteContact": {"FirstName": "Ann"},
        "ValidUntill": "2026-12-31",
    }
    answer = client.good("CreateQuoteWithDelivery", body)
    assert answer["QuoteDetails"]["QuoteNo"]
    assert answer["QQDKey"] > 0
    (row,) = client.odata("Jobs", filter="ExternalJobReference eq 'd2002'")["value"]
    assert (row["Quantity"], row["Notes"]) == (3, "Call before delivery")
    assert "Front desk, Leeds, LS1 4AP" in client.http.get(f"/jobs/{row['JobNo']}").text
    assert "AcceptanceDetails" not in client.good("CreateQuoteWithDelivery", body | {"Accept": "false"})


def test_a_stock_code_becomes_a_sales_order_line(client: Client) -> None:
    stock = PRICE | {"ProductCode": "STOCK-MUG-WHITE", "Notes": "10001/s2003"}
    number = client.good("GetPrice", stock)["QuoteDetails"]["QuoteNo"]
    details = client.good("AcceptQuote", {"QuoteNo": number, "CreateInvoiceAsPaid": True})[
        "AcceptanceDetails"
    ]
    assert details["Products"] == []
    sales_order_no = details["SalesOrders"][0]["SalesOrderNo"]
    key = client.good("QuoteProcess_GetQQAKeyFromSONumber", {"SalesOrderNo": sales_order_no})["QQAKey"]
    (item,) = client.good("GetAcceptanceDetails", {"AcceptanceKey": key})["AcceptanceItemDeliveryDetails"]
    assert (item["SalesOrderNo"], item["Notes"], item["Status"]) == (sales_order_no, "10001/s2003", "Paid")
    assert client.good("QuoteProcess_GetQQAKeyFromSONumber", sales_order_no)["QQAKey"] == key


@pytest.mark.parametrize(
    ("method", "body", "part"),
    [
        ("GetPrice", PRICE | {"ProductCode": ""}, "Invalid Product Code"),
        ("GetPrice", PRICE | {"QuoteNo": "Q999999"}, "Invalid Quote Number"),
        ("GetPrice", [], "request is invalid"),
        ("GetPrice", PRICE | {"SelectedQuantity": {"Quantity": "many"}}, "request is invalid"),
        ("GetPrice", PRICE | {"SelectedQuantity": {"Quantity": 10**18}}, "Invalid Quantity"),
        ("GetPrice", PRICE | {"SelectedQuantity": {"Quantity": -1}}, "Invalid Quantity"),
        ("AcceptQuote", {}, "Invalid Quote Number"),
        ("GetAcceptanceDetails", {"JobNo": "J1-01"}, "not found"),
        ("GetAcceptanceDetails", {"AcceptanceKey": 7}, "not found"),
        ("GetAcceptanceDetails", {"AcceptanceDetailKey": 7}, "not found"),
        ("GetAcceptanceDetails", {}, "Give JobNo"),
        ("QuoteProcess_GetQQAKeyFromSONumber", {"SalesOrderNo": "SO1"}, "not found"),
        ("UploadArtworkURL", {"JobNo": "J1-01", "ArtworkUrl": "http://x/"}, "not found"),
        ("AddExternalConsignment", {"ExternalConsignment": {}}, "at least one delivery"),
        ("AddExternalConsignment", {}, "request is invalid"),
    ],
)
def test_an_error_comes_with_200_and_its_text(client: Client, method: str, body: object, part: str) -> None:
    answer = client.call(method, body)
    assert answer["IsError"]
    assert part in answer["ErrorMessage"]


def test_a_body_that_is_no_json_is_an_error_too(client: Client) -> None:
    for content in (b"", b"{", b"\xff\xfe"):
        answer = client.http.post(
            "/api/QuoteProcess/GetPrice", params={"LoginToken": client.token}, content=content
        )
        assert (answer.status_code, answer.json()["IsError"]) == (200, True)


def test_an_unpriced_line_fails_the_accept(client: Client) -> None:
    number = client.good("GetPrice", PRICE | {"ProductCode": "CUSTOM-QUOTE"})["QuoteDetails"]["QuoteNo"]
    answer = client.call("AcceptQuote", {"QuoteNo": number})
    assert answer["ErrorMessage"] == "Unable to accept a quote that has unpriced lines"


def test_an_unknown_method_is_no_method(client: Client) -> None:
    answer = client.http.post("/api/QuoteProcess/CancelJob", params={"LoginToken": client.token}, json={})
    assert answer.status_code == 404


# Reading back and writing


def test_acceptance_details_carry_the_status_unless_switched_off(client: Client) -> None:
    job_no = client.order()
    client.http.put("/_sim/settings", json={"status_labels": {"22": "With prepress"}})
    (row,) = client.good("GetAcceptanceDetails", {"JobNo": job_no})["AcceptanceProductDeliveryDetails"]
    assert (row["ProductionStatusID"], row["ProductionStatus"]) == (22, "With prepress")
    client.http.put("/_sim/settings", json={"acceptance_carries_status": False})
    (row,) = client.good("GetAcceptanceDetails", {"AcceptanceDetailKey": row["AcceptanceDetailKey"]})[
        "AcceptanceProductDeliveryDetails"
    ]
    assert row["FDKey"]
    assert not [name for name in row if "Status" in name or "Consignment" in name]


def test_a_consignment_from_outside_dispatches(client: Client) -> None:
    job_no = client.order()
    (row,) = client.good("GetAcceptanceDetails", {"JobNo": job_no})["AcceptanceProductDeliveryDetails"]
    consignment = {
        "ConsignmentNo": "DPD-1",
        "ConsignmentPrice": 6.5,
        "ConsignmentTrackingCode": "1550",
        "ConsignmentTrackingURL": "https://track.example/1550",
        "ExternalConsignmentDeliveries": [{"DeliveryKey": row["FDKey"], "DeliveryTrackingCode": "1550-1"}],
    }
    client.good("AddExternalConsignment", {"ExternalConsignment": consignment})
    (row,) = client.good("GetAcceptanceDetails", {"JobNo": job_no})["AcceptanceProductDeliveryDetails"]
    assert row["ConsignmentNo"] == "DPD-1"
    assert row["ConsignmentTrackingCode"] == "1550-1"
    assert row["ConsignmentTrackingURL"] == "https://track.example/1550"
    assert client.call("AddExternalConsignment", {"ExternalConsignment": consignment})["IsError"]


def test_a_reference_field_of_a_wrong_type_is_silently_ignored(client: Client) -> None:
    job_no = client.order()
    field = {"Customer": "WEBSHOP", "Job": job_no, "ReferenceName": "Shelf", "ReferenceValue": "B7"}
    client.good("UpdateReferenceField", field)
    client.good("UpdateReferenceField", field | {"ReferenceValue": 8})
    assert client.sim(f"orders/{job_no}")["References"] == {"Shelf": "B7"}
    effects = [e["effect"] for e in client.sim("ledger") if e["call"] == "UpdateReferenceField"]
    assert effects == ["reference set", "ignored: wrong type"]


def test_artwork_is_attached(client: Client) -> None:
    job_no = client.order()
    body = {"JobNo": job_no, "ArtworkUrl": "https://shop.example/s2001.pdf", "IsLastArtworkFile": True}
    client.good("UploadArtworkURL", body)
    assert client.sim(f"orders/{job_no}")["Artwork"] == ["https://shop.example/s2001.pdf"]


def test_every_write_is_in_the_ledger_in_order(client: Client) -> None:
    client.order()
    calls = [(entry["seq"], entry["call"], entry["effect"]) for entry in client.sim("ledger")]
    assert calls == [(1, "GetPrice", "quote line added"), (2, "AcceptQuote", "accepted")]
    assert client.sim("calls") == {"AcceptQuote": 1, "GetApplicationLogInToken": 1, "GetPrice": 1}


def test_an_ignored_write_answers_success_and_leaves_a_note(client: Client) -> None:
    number = client.good("GetPrice", PRICE)["QuoteDetails"]["QuoteNo"]
    client.http.put("/_sim/faults", json={"calls": [{"match": "AcceptQuote", "kind": "ok-but-ignored"}]})
    assert client.good("AcceptQuote", {"QuoteNo": number})["AcceptanceDetails"]["Products"]
    assert client.odata("Jobs")["value"] == []
    assert client.sim("ledger")[-1]["effect"] == "ignored by fault, would have been: accepted"


def test_a_lagging_read_shows_what_was_there_whatever_was_asked_before(client: Client) -> None:
    job_no = client.order()
    calls = [{"match": name, "kind": "lagging-read", "seconds": 60, "times": 1}
             for name in ("OData.Jobs", "GetAcceptanceDetails")]  # fmt: skip
    client.http.put("/_sim/faults", json={"calls": calls})
    client.http.post(f"/_sim/jobs/{job_no}/status", json={"ProdStatusID": 17}).raise_for_status()
    client.order()

    def both() -> tuple[object, object]:
        listed = client.odata("Jobs", filter=f"JobNo eq '{job_no}'")["value"][0]
        (row,) = client.good("GetAcceptanceDetails", {"JobNo": job_no})["AcceptanceProductDeliveryDetails"]
        return listed["ProductionStatusID"], row["ProductionStatusID"]

    assert both() == (22, 22)
    assert both() == (17, 17)


def test_a_write_under_a_lagging_read_leaves_nothing_but_a_note(client: Client) -> None:
    client.http.put("/_sim/faults", json={"calls": [{"kind": "lagging-read", "seconds": 60}]})
    assert client.good("GetPrice", PRICE)["QuoteDetails"]["QuoteNo"]
    assert client.sim("ledger")[-1]["effect"] == "ignored by fault, would have been: quote line added"


def test_an_error_may_come_although_it_was_applied(client: Client) -> None:
    number = client.good("GetPrice", PRICE)["QuoteDetails"]["QuoteNo"]
    client.http.put("/_sim/faults", json={"calls": [{"match": "AcceptQuote", "kind": "error-but-applied"}]})
    answer = client.http.post(
        "/api/QuoteProcess/AcceptQuote", params={"LoginToken": client.token}, json={"QuoteNo": number}
    )
    assert answer.status_code == 500
    assert len(client.odata("Jobs")["value"]) == 1


# OData


def test_odata_pages_through_everything_once(client: Client) -> None:
    client.http.post("/_sim/orders", json={"count": 120})
    page = client.odata("Jobs", orderby="JobNo desc", filter="ProductionStatusID eq 22")
    seen = [row["JobNo"] for row in page["value"]]
    while "@odata.nextLink" in page:
        answer = client.http.get(
            page["@odata.nextLink"], headers={"PrintIQ-Access-Token": "demo-odata-token"}
        )
        page = answer.json()
        assert len(page["value"]) <= 50
        seen += [row["JobNo"] for row in page["value"]]
    assert len(set(seen)) == len(seen) == 120
    assert seen == sorted(seen, reverse=True)


def test_odata_skips_and_takes(client: Client) -> None:
    client.http.post("/_sim/orders", json={"count": 70})
    numbers = [row["JobNo"] for row in client.odata("Jobs", skip=3, top=2)["value"]]
    assert numbers == ["J29304-01", "J29305-01"]
    page = client.odata("Jobs", top=60)
    assert len(page["value"]) == 50
    rest = client.http.get(page["@odata.nextLink"], headers={"PrintIQ-Access-Token": "demo-odata-token"})
    assert len(rest.json()["value"]) == 10
    assert "@odata.nextLink" not in rest.json()


def test_odata_finds_what_changed(client: Client) -> None:
    client.order()
    client.clock.now += timedelta(minutes=5)
    later = client.order(CustomerReference="10009")
    rows = client.odata("Jobs", filter="ModifiedDate ge 2026-11-23T09:05:00Z")["value"]
    assert [row["JobNo"] for row in rows] == [later]
    assert rows[0]["ModifiedDate"] == "2026-11-23T09:05:00Z"


def test_a_job_row_shows_dispatch_beside_the_status(client: Client) -> None:
    client.http.put("/_sim/settings", json={"deliveries_per_job": 2})
    job_no = client.order()
    client.http.post(f"/_sim/jobs/{job_no}/dispatch", json={"deliveries": 1, "ConsignmentTrackingCode": "A"})
    client.http.post(f"/_sim/jobs/{job_no}/dispatch", json={"ConsignmentTrackingCode": "B"})
    (row,) = client.odata("Jobs", filter=f"JobNo eq '{job_no}'")["value"]
    assert (row["DeliveriesConsigned"], row["DeliveriesTotal"]) == (2, 2)
    assert (row["ProductionStatusID"], row["TrackingCodes"]) == (22, "A,B")


def test_sales_orders_have_an_entity_of_their_own(client: Client) -> None:
    client.http.post(
        "/_sim/orders",
        json={"salesorders": [{"Notes": "10001/s1"}, {"Notes": "10001/s2", "Quantity": 3}]},
    )
    rows = client.odata("SalesOrders", filter="Notes eq '10001/s2'")["value"]
    assert [(row["SalesOrderNo"], row["Quantity"], row["Status"]) for row in rows] == [
        ("SO005101", 3, "Confirmed")
    ]


@pytest.mark.parametrize("entity", ["StockDefinitions", "processes"])
def test_master_data_can_be_read(client: Client, entity: str) -> None:
    assert client.odata(entity)["value"]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_bad_odata_token_gets_a_page_with_200(client: Client, token: str) -> None:
    answer = client.http.get("/api/v1/odata/Jobs", headers={"PrintIQ-Access-Token": token})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_unusable_odata_queries_say_why(client: Client) -> None:
    for query in ({"filter": "Nope eq 1"}, {"orderby": "Nope"}, {"top": "-1"}, {"skip": "x"}):
        assert "message" in client.odata("Jobs", **query)["error"]
    assert "not found" in client.odata("Customers")["error"]["message"]


def test_the_guessed_entities_can_be_switched_off() -> None:
    with printiq(odata_job_entity="", odata_sales_order_entity="Orders") as client:
        assert "error" in client.odata("Jobs")
        assert "error" in client.odata("SalesOrders")
        assert client.odata("Orders")["value"] == []


# webhook.svc


def test_customers_are_found_by_code(client: Client) -> None:
    keys = {"PrintIQ-API-Name": "countermand", "PrintIQ-API-Key": "demo-webhook-key"}
    base = "/webservice/webhook.svc/json"
    everyone = client.http.get(f"{base}/customers/", headers=keys).json()
    assert "MARLOWE" in {customer["CustomerCode"] for customer in everyone}
    assert client.http.get(f"{base}/customerbycode/NOBODY", headers=keys).json() == []
    (one,) = client.http.get(f"{base}/CustomerByCode/MARLOWE", headers=keys).json()
    assert one["CustomerName"] == "Marlowe Estates"
    assert client.http.get(f"{base}/customers/", headers=keys | {"PrintIQ-API-Key": "x"}).status_code == 401
