"""Staff screens and test control of the printIQ simulator, over HTTP as a browser would."""

from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest
from lxml import html

from countermand.simulators.kit import ServerThread
from countermand.simulators.printiq import PrintIQSettings, create_app

ORDER = {
    "jobs": [
        {
            "CustomerReference": "10001",
            "ExternalJobReference": "s2001",
            "JobTitle": "Menu <A5>",
            "Quantity": 500,
        }
    ],
    "salesorders": [{"CustomerReference": "10001", "Notes": "10001/s2003", "Quantity": 24}],
}


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    app = create_app(PrintIQSettings(deliveries_per_job=2, status_labels={17: "Killed"}), control=True)
    with (
        ServerThread(app) as server,
        httpx.Client(base_url=server.url, trust_env=False, follow_redirects=True) as client,
    ):
        yield client


def _made(http: httpx.Client) -> tuple[str, str, int]:
    order = http.post("/_sim/orders", json=ORDER).json()["orders"][0]
    return order["jobs"][0], order["salesorders"][0], order["Id"]


def _sim(http: httpx.Client, number: object) -> dict[str, Any]:
    return dict(http.get(f"/_sim/orders/{number}").json())


def _found(page: str, xpath: str) -> list[str]:
    """Return what an XPath that ends in an attribute or text finds."""
    found = html.fromstring(page).xpath(xpath)
    assert isinstance(found, list)
    return [str(each) for each in found]


def _rows(http: httpx.Client, query: str = "") -> list[str]:
    return _found(http.get(f"/board{query}").text, "//tbody//a/text()")


def test_the_front_page_is_the_board(http: httpx.Client) -> None:
    answer = http.get("/")
    assert answer.url.path == "/board"
    assert "No orders yet" in answer.text
    assert "not the vendor's product" in answer.text.replace("&#39;", "'")


def test_the_board_filters_searches_and_pages(http: httpx.Client) -> None:
    job_no, number, _ = _made(http)
    assert _rows(http) == [number, job_no]
    assert _rows(http, "?q=S2001") == [job_no]
    assert _rows(http, "?q=10001+menu") == [job_no]
    assert _rows(http, "?tab=cancelled") == []
    http.post("/_sim/orders", json={"count": 70})
    assert len(_rows(http)) == 60
    assert len(_rows(http, "?page=2")) == 12
    assert len(_rows(http, "?page=zero&tab=nonsense")) == 60


def test_what_people_type_is_escaped(http: httpx.Client) -> None:
    job_no, _, _ = _made(http)
    page = http.get(f"/jobs/{job_no}").text
    assert "Menu &lt;A5&gt;" in page
    assert "Menu <A5>" not in page
    assert "<script>alert" not in http.get("/board?q=<script>alert(1)</script>").text


def test_staff_cancel_a_job_on_its_page(http: httpx.Client) -> None:
    job_no, _, _ = _made(http)
    page = http.get(f"/jobs/{job_no}").text
    assert "17 · Killed" in _found(page, "//select[@name='status']/option/text()")
    answer = http.post(f"/jobs/{job_no}/status", data={"status": "17"})
    assert "Killed" in answer.text
    assert _sim(http, job_no)["ProductionStatusID"] == 17
    assert http.get("/_sim/ledger").json()[-1]["call"] == "staff.change-status"
    assert _rows(http, "?tab=cancelled") == [job_no]


def test_staff_dispatch_chosen_deliveries(http: httpx.Client) -> None:
    job_no, _, _ = _made(http)
    first, second = _found(http.get(f"/jobs/{job_no}").text, "//input[@name='delivery']/@value")
    form = {"delivery": first, "consignment_no": "C1", "tracking_code": "T1", "tracking_url": "javascript:x"}
    answer = http.post(f"/jobs/{job_no}/dispatch", data=form)
    assert "1 of 2 deliveries consigned" in answer.text
    assert 'href="javascript' not in answer.text
    http.post(f"/jobs/{job_no}/dispatch", data={"delivery": second})
    assert _sim(http, job_no)["DeliveriesConsigned"] == 2
    assert _rows(http, "?tab=dispatched") == [job_no]
    assert "CON003401" in http.get("/consignments").text


@pytest.mark.parametrize(
    ("path", "form", "part"),
    [
        ("status", {"status": "99"}, "Invalid production status 99"),
        ("status", {}, "Invalid production status"),
        ("dispatch", {}, "Choose at least one delivery"),
        ("dispatch", {"delivery": "1"}, "Choose at least one delivery of this job"),
    ],
)
def test_a_refusal_is_shown_on_the_page(
    http: httpx.Client, path: str, form: dict[str, str], part: str
) -> None:
    job_no, _, _ = _made(http)
    answer = http.post(f"/jobs/{job_no}/{path}", data=form)
    assert answer.status_code == 409
    assert part in " ".join(_found(answer.text, "//*[@role='alert']/text()"))


def test_staff_work_on_a_sales_order(http: httpx.Client) -> None:
    _, number, _ = _made(http)
    path = f"/salesorders/{number}/act"
    for act, status in ("Picked", "Picked"), ("split", "Picked"), ("cancel", "Cancelled"):
        http.post(path, data={"act": act})
        assert _sim(http, number)["Status"] == status
    refused = http.post(path, data={"act": "Packed"})
    assert (refused.status_code, "it can become: nothing" in refused.text) == (409, True)
    assert "Reactivate" in http.post(path, data={"act": "cancel"}).text
    http.post(path, data={"act": "reactivate"})
    http.post(f"/salesorders/{number}/dispatch", data={"tracking_code": "PF1"})
    assert (_sim(http, number)["Status"], _sim(http, number)["TrackingCodes"]) == ("Dispatched", "PF1")


@pytest.mark.parametrize("path", ["/jobs/J1-01", "/salesorders/SO1"])
def test_what_does_not_exist_is_said_so(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404
    assert http.post("/jobs/J1-01/status", data={"status": "17"}).status_code == 404


@pytest.mark.parametrize("kind", ["jobs", "salesorders"])
def test_an_act_says_that_it_was_saved_once(http: httpx.Client, kind: str) -> None:
    job_no, sales_order_no, _ = _made(http)
    page = f"/jobs/{job_no}" if kind == "jobs" else f"/salesorders/{sales_order_no}"
    act = (f"{page}/status", {"status": "17"}) if kind == "jobs" else (f"{page}/act", {"act": "cancel"})
    done = http.post(act[0], data=act[1])
    assert _found(done.text, "//*[@role='status' and @class='saved']/text()") == ["Saved."]
    assert not _found(http.get(page).text, "//*[@class='saved']/text()")
    refused = http.post(f"{page}/dispatch", data={"delivery": "no such"})
    assert not _found(refused.text, "//*[@class='saved']/text()")


def test_a_page_tells_its_version_so_that_others_changes_show(http: httpx.Client) -> None:
    job_no, _, _ = _made(http)

    def version(path: str) -> str:
        return _found(http.get(path).text, "//body/@data-version")[0]

    before = version("/board"), version(f"/jobs/{job_no}")
    http.post(f"/_sim/jobs/{job_no}/status", json={"ProdStatusID": 2})
    after = version("/board"), version(f"/jobs/{job_no}")
    assert before[0] != after[0]
    assert before[1] != after[1]


# Test control


def test_full_state_by_any_number(http: httpx.Client) -> None:
    job_no, number, key = _made(http)
    assert [_sim(http, each)["Kind"] for each in (job_no, number, key)] == ["job", "salesorder", "acceptance"]
    whole = _sim(http, key)
    assert [job["JobNo"] for job in whole["jobs"]] == [job_no]
    assert [order["SalesOrderNo"] for order in whole["salesorders"]] == [number]
    assert http.get("/_sim/link", params={"order": "10001"}).json() == {
        "jobs": [job_no],
        "salesorders": [number],
    }
    assert http.get("/_sim/orders").json()["orders"] == [
        {"Id": key, "jobs": [job_no], "salesorders": [number]}
    ]
    assert http.get("/_sim/orders/nothing").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "part"),
    [
        ("orders", "{", 400, "cannot be made"),
        ("orders", b'{"count": "\xff"}', 400, "cannot be made"),
        ("orders", '{"count": -1}', 400, "count is 0 to"),
        ("orders", '{"jobs": [{"Colour": "red"}]}', 400, "Colour"),
        ("orders", "{}", 400, "at least one job"),
        ("jobs/J1-01/status", '{"ProdStatusID": 17}', 404, "J1-01"),
        ("jobs/J29301-01/status", '{"ProdStatusID": "17"}', 400, "Expected `int`"),
        ("jobs/J29301-01/status", "{}", 400, "ProdStatusID"),
        ("jobs/J29301-01/dispatch", '{"deliveries": 3}', 409, "cannot dispatch 3"),
        ("salesorders/SO005101/reactivate", "", 409, "not Cancelled"),
        ("salesorders/J29301-01/cancel", "", 409, "not found"),
    ],
)
def test_unusable_test_control_is_a_sentence(
    http: httpx.Client, path: str, body: str | bytes, status: int, part: str
) -> None:
    _made(http)
    answer = http.post(f"/_sim/{path}", content=body)
    assert answer.status_code == status
    assert part in answer.json()["error"]


def test_the_plugin_may_tell_whose_order_it_is(http: httpx.Client) -> None:
    login = {
        "UserName": "infigo",
        "Password": "demo-printiq-password",
        "ApplicationName": "Infigo",
        "ApplicationKey": "demo-printiq-application-key",
    }
    token = http.post("/api/QuoteProcess/GetApplicationLogInToken", params=login).json()
    price = {
        "CustomerCode": "WEBSHOP",
        "ProductCode": "FLY-A5-150",
        "SelectedQuantity": {"Quantity": 10},
        "CustomerReference": "PO-778",
        "AcceptQuote": True,
    }
    answer = http.post(
        "/api/QuoteProcess/GetPrice",
        params={"LoginToken": token},
        json=price,
        headers={"X-Sim-Order": "10005"},
    )
    job_no = answer.json()["AcceptanceDetails"]["Products"][0]["JobNo"]
    assert http.get("/_sim/link", params={"order": "10005"}).json()["jobs"] == [job_no]
    assert _sim(http, job_no)["CustomerReference"] == "PO-778"


def test_there_is_no_test_control_unless_it_is_asked_for() -> None:
    with ServerThread(create_app()) as server:
        for path in ("ledger", "orders", "faults", "settings", "outbox", "calls", "link"):
            assert httpx.get(f"{server.url}/_sim/{path}", trust_env=False).status_code == 404
        assert httpx.get(f"{server.url}/board", trust_env=False).status_code == 200
