"""Both simulators together: what the vendors' own plugin carries across, and what it does not."""

from collections.abc import Iterator
from typing import NamedTuple

import httpx2 as httpx
import pytest
from infigo_support import AUTH, Json, eventually, place, state, storefront

from countermand.simulators.infigo import InfigoSettings, PluginSettings
from countermand.simulators.kit import ServerThread
from countermand.simulators.printiq import PrintIQSettings
from countermand.simulators.printiq import create_app as create_printiq

HANDLER = "/mishandler/acme-print/Mis.PrintIQ"
PRINT: Json = {"Sku": "BC-350-SILK", "Quantity": 250}
BANNER: Json = {"Sku": "BAN-ROLLER-850", "Quantity": 2}
STOCK: Json = {"Sku": "STOCK-PEN-BLUE", "Quantity": 50}
UNPRICED: Json = {"Sku": "CUSTOM-QUOTE", "Quantity": 1}


class Pair(NamedTuple):
    infigo: httpx.Client
    printiq: httpx.Client

    def plugin(self, **change: object) -> None:
        self.infigo.put("/_sim/settings", json={"plugin": change}).raise_for_status()

    def fault(self, match: str, kind: str, **more: object) -> None:
        """Spoil the next call that printIQ gets."""
        rule = {"match": match, "kind": kind, "times": 1, **more}
        self.printiq.put("/_sim/faults", json={"calls": [rule]}).raise_for_status()

    def order(self, *lines: Json, **more: object) -> Json:
        return place(self.infigo, OrderLineItems=list(lines or (PRINT,)), **more)

    def submission(self, order_id: int) -> Json:
        found: Json = state(self.infigo, order_id)["PrintIQ"]
        return found

    def settled(self, order_id: int, wanted: str) -> Json:
        """Wait until the plugin is done with an order in the wanted way."""
        eventually(lambda: self.submission(order_id)["State"] == wanted, f"order {order_id} {wanted}")
        return self.submission(order_id)

    def link(self, order_id: int) -> tuple[list[Json], list[Json]]:
        """The jobs and sales orders that printIQ made of an order."""
        link = self.printiq.get("/_sim/link", params={"order": str(order_id)}).json()
        jobs, orders = (
            [self.printiq.get(f"/_sim/orders/{number}").json() for number in link[kind]]
            for kind in ("jobs", "salesorders")
        )
        return jobs, orders

    def calls(self) -> dict[str, int]:
        counted: dict[str, int] = self.printiq.get("/_sim/calls").json()
        return counted

    def accepted(self) -> int:
        ledger: list[Json] = self.printiq.get("/_sim/ledger").json()
        return sum(entry["call"] == "AcceptQuote" and entry["effect"] == "accepted" for entry in ledger)


@pytest.fixture
def pair() -> Iterator[Pair]:
    app = create_printiq(PrintIQSettings(), control=True)
    with ServerThread(app) as server, httpx.Client(base_url=server.url, trust_env=False) as printiq:
        plugin = PluginSettings(printiq_url=server.url, retry_seconds=0.05, timeout_seconds=1.0)
        with storefront(InfigoSettings(plugin=plugin)) as infigo:
            yield Pair(infigo, printiq)


@pytest.mark.parametrize(("mode", "accepts"), [("per_line", 3), ("per_order", 1)])
@pytest.mark.parametrize(("reference", "expected"), [("order_id", "10001"), ("po_number", "PO-55")])
def test_an_order_becomes_jobs_and_a_sales_order(
    pair: Pair, mode: str, accepts: int, reference: str, expected: str
) -> None:
    pair.plugin(quote_mode=mode, customer_reference=reference)
    placed = pair.order(PRINT, STOCK, BANNER, PurchaseOrderNumber="PO-55")
    card, pens, banner = (line["Id"] for line in placed["OrderLineItems"])
    pair.settled(10001, "sent")
    jobs, orders = pair.link(10001)
    assert [job["ExternalJobReference"] for job in jobs] == [card, banner]
    assert [job["CustomerReference"] for job in jobs] == [expected] * 2
    assert (len(orders), orders[0]["CustomerReference"]) == (1, expected)
    assert f"10001/{pens}" in str(orders[0])
    assert pair.accepted() == accepts
    # The storefront keeps the quote number, and the job number nowhere.
    quotes = {line["Quote"]["Id"] for line in state(pair.infigo, 10001)["OrderLineItems"]}
    assert len(quotes) == accepts
    assert not any(job["JobNo"] in str(state(pair.infigo, 10001)) for job in jobs)


def test_each_print_job_gets_a_link_to_its_artwork(pair: Pair) -> None:
    pair.order(PRINT, STOCK)
    pair.settled(10001, "sent")
    assert pair.calls()["UploadArtworkURL"] == 1
    jobs, _ = pair.link(10001)
    assert "/services/api/orderlineitem/download/d2001" in str(jobs[0])


def test_dispatch_travels_by_itself_and_a_cancel_does_not(pair: Pair) -> None:
    change = {"infigo_changestatus_url": f"{pair.infigo.base_url}{HANDLER}/changestatus"}
    pair.printiq.put("/_sim/settings", json=change).raise_for_status()
    for _ in range(2):
        pair.order()
    pair.settled(10001, "sent")
    pair.settled(10002, "sent")
    (shipped,), (cancelled,) = (pair.link(number)[0] for number in (10001, 10002))
    dispatch = {"ConsignmentTrackingCode": "TRK77"}
    pair.printiq.post(f"/_sim/jobs/{cancelled['JobNo']}/status", json={"ProdStatusID": 17}).raise_for_status()
    pair.printiq.post(f"/_sim/jobs/{shipped['JobNo']}/dispatch", json=dispatch).raise_for_status()
    eventually(lambda: state(pair.infigo, 10001)["ShippingStatus"] == "Shipped", "shipped")
    assert state(pair.infigo, 10001)["TrackingNumber"] == "TRK77"
    assert state(pair.infigo, 10002)["OrderStatus"] == "Pending"
    # The other way round as well.
    pair.infigo.post("/_sim/orders/10002/cancel").raise_for_status()
    before = pair.printiq.get(f"/_sim/orders/{shipped['JobNo']}").json()
    pair.infigo.post("/_sim/orders/10001/cancel").raise_for_status()
    assert pair.printiq.get(f"/_sim/orders/{shipped['JobNo']}").json() == before


def test_cancels_travel_where_a_shop_has_switched_the_handlers_on(pair: Pair) -> None:
    base = f"{pair.infigo.base_url}{HANDLER}"
    change = {f"infigo_{name}_url": f"{base}/{name}" for name in ("updatejobstatus", "updateorderstatus")}
    pair.printiq.put("/_sim/settings", json=change).raise_for_status()
    pair.plugin(handler_updatejobstatus=True, handler_updateorderstatus=True)
    pair.order(PRINT, STOCK)
    pair.settled(10001, "sent")
    (job,), (order,) = pair.link(10001)
    pair.printiq.post(f"/_sim/salesorders/{order['SalesOrderNo']}/cancel").raise_for_status()
    eventually(
        lambda: state(pair.infigo, 10001)["OrderLineItems"][1]["IsCancelled"] is True, "the stock line"
    )
    assert state(pair.infigo, 10001)["OrderStatus"] == "Pending"
    pair.printiq.post(f"/_sim/jobs/{job['JobNo']}/status", json={"ProdStatusID": 17}).raise_for_status()
    eventually(lambda: state(pair.infigo, 10001)["OrderStatus"] == "Cancelled", "the whole order")


@pytest.mark.parametrize("mode", ["per_line", "per_order"])
def test_one_unpriced_line_keeps_the_whole_order_back(pair: Pair, mode: str) -> None:
    pair.plugin(quote_mode=mode)
    pair.order(PRINT, UNPRICED)
    failed = pair.settled(10001, "failed")
    assert "m2002 (Special work, price on request) has no price in printIQ" in failed["Reason"]
    assert pair.link(10001) == ([], [])
    shown = pair.infigo.get("/admin/orders/10001").text
    assert "has no price in printIQ" in shown
    assert "Send again" in shown


def test_a_person_sends_again_from_the_order_page(pair: Pair) -> None:
    pair.order(PRINT, UNPRICED)
    pair.settled(10001, "failed")
    # The line that nobody can price is taken off the order, and the rest goes through.
    pair.infigo.post("/admin/orders/10001/line", data={"job_id": "m2002"})
    assert pair.infigo.post("/admin/orders/10001/send").status_code == 303
    pair.settled(10001, "sent")
    assert len(pair.link(10001)[0]) == 1
    assert pair.infigo.post("/admin/orders/10001/send").status_code == 409


@pytest.mark.parametrize("kind", ["timeout", "error-but-applied"])
def test_an_accept_whose_answer_was_lost_is_looked_up(pair: Pair, kind: str) -> None:
    pair.fault("AcceptQuote", kind, seconds=3)
    pair.order()
    pair.settled(10001, "sent")
    assert (pair.accepted(), pair.calls()["AcceptQuote"], pair.calls()["OData.Jobs"]) == (1, 1, 1)
    assert len(pair.link(10001)[0]) == 1


@pytest.mark.parametrize("kind", ["drop", "html-200", "ok-but-ignored"])
def test_an_accept_that_left_nothing_behind(pair: Pair, kind: str) -> None:
    pair.fault("AcceptQuote", kind)
    pair.order()
    if kind == "ok-but-ignored":
        # printIQ said yes and made no job: its artwork has nowhere to go, which is how it shows.
        failed = pair.settled(10001, "failed")
        assert failed["Reason"]
    else:
        unsure = pair.settled(10001, "unsure")
        assert "is not known; look there first" in unsure["Reason"]
        assert pair.calls()["AcceptQuote"] == 1
        pair.infigo.post("/_sim/orders/10001/send").raise_for_status()
        pair.settled(10001, "sent")
        assert pair.accepted() == 1


@pytest.mark.parametrize("kind", ["5xx", "429", "expired-token", "drop"])
@pytest.mark.parametrize("match", ["GetPrice", "GetApplicationLogInToken", "UploadArtworkURL"])
def test_passing_trouble_is_tried_again(pair: Pair, match: str, kind: str) -> None:
    pair.fault(match, kind)
    pair.order()
    pair.settled(10001, "sent")
    assert (pair.accepted(), len(pair.link(10001)[0])) == (1, 1)


def test_trying_ends_and_the_order_page_says_why(pair: Pair) -> None:
    pair.plugin(printiq_url="http://127.0.0.1:1")
    pair.order()
    failed = pair.settled(10001, "failed")
    assert (failed["Attempts"], failed["Reason"]) == (3, "printIQ cannot be reached at http://127.0.0.1:1.")


def test_a_wrong_password_is_not_tried_again(pair: Pair) -> None:
    pair.plugin(printiq_password="wrong")
    pair.order()
    assert "no login token" in pair.settled(10001, "failed")["Reason"]


def test_orders_that_are_kept_back_are_sent_when_asked(pair: Pair) -> None:
    pair.order(send_to_printiq=False)
    assert pair.submission(10001)["State"] == "not sent"
    pair.infigo.post("/_sim/orders/10001/send").raise_for_status()
    pair.settled(10001, "sent")
    assert len(pair.link(10001)[0]) == 1


def test_an_order_that_is_cancelled_before_it_leaves_is_not_sent(pair: Pair) -> None:
    pair.plugin(delay_seconds=0.2)
    pair.order()
    pair.infigo.post("/_sim/orders/10001/cancel").raise_for_status()
    assert pair.settled(10001, "not sent")["Reason"] == "The order is cancelled, so it is not sent."
    assert pair.link(10001) == ([], [])


def test_many_orders_arrive_in_order(pair: Pair) -> None:
    pair.infigo.post("/_sim/orders", json={"count": 8}).raise_for_status()
    pair.settled(10008, "sent")
    jobs = [job["JobNo"] for number in range(10001, 10009) for job in pair.link(number)[0]]
    lines = [
        pair.infigo.get(f"/services/api/order/detail/{number}", headers=AUTH).json()["OrderLineItems"]
        for number in range(10001, 10009)
    ]
    assert len(jobs) == sum(map(len, lines))
    assert jobs == sorted(jobs)
