"""What reaches the storefront beside REST, and what leaves it: script, handlers, webhooks, control."""

import json
from collections.abc import Iterator

import httpx2 as httpx
import pytest
from infigo_support import AUTH, SCRIPT, SECRET, Collector, Json, eventually, place, script, state, storefront

from countermand.simulators.infigo import InfigoSettings, PluginSettings, Webhook, create_app
from countermand.simulators.kit import ServerThread

HANDLER = "/mishandler/acme-print/Mis.PrintIQ"


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with storefront() as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with storefront() as opened:
        yield opened


def put_settings(client: httpx.Client, **change: object) -> None:
    client.put("/_sim/settings", json=change).raise_for_status()


def put_fault(client: httpx.Client, match: str, kind: str, **more: object) -> None:
    rule = {"match": match, "kind": kind, "times": 1, **more}
    client.put("/_sim/faults", json={"calls": [rule]}).raise_for_status()


# The MegaScript trigger


def test_the_script_runs_where_the_setting_says(client: httpx.Client) -> None:
    place(client)
    cancelled = script(client, action="order.cancel", orderId=10001, note="Cancelled in printIQ")
    assert (cancelled["result"], state(client, 10001)["OrderStatus"]) == ("applied", "Cancelled")
    put_settings(client, megascript_path="/scripts/run/7")
    assert client.post(SCRIPT, json={"action": "ping"}, headers=SECRET).status_code == 404
    assert client.post("/Scripts/Run/7", json={"action": "ping"}, headers=SECRET).json()["ok"] is True


def test_a_wrong_secret_is_forbidden(client: httpx.Client) -> None:
    for headers in ({}, {"X-Countermand-Secret": "wrong"}):
        answer = client.post(SCRIPT, json={"action": "ping"}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_unreadable_bodies_are_refused(client: httpx.Client) -> None:
    assert client.post(SCRIPT, content=b"\xff\xff", headers=SECRET).status_code == 400
    assert client.post(SCRIPT, content=b"not json", headers=SECRET).json()["error"]["code"] == "bad_request"
    form = client.post(SCRIPT, data={"action": "ping"}, headers=SECRET)
    assert form.json()["error"]["code"] == "bad_request"
    assert client.get(SCRIPT, headers=SECRET).json()["error"]["code"] == "bad_request"


def test_a_script_that_takes_too_long_answers_500_with_a_sentence(client: httpx.Client) -> None:
    put_settings(client, megascript_seconds=0.0001)
    answer = client.post(SCRIPT, json={"action": "ping"}, headers=SECRET)
    assert (answer.status_code, answer.json()["Message"]) == (
        500,
        "The MegaScript took too long and was stopped.",
    )


def test_faults_know_a_script_call_by_its_action(client: httpx.Client) -> None:
    place(client)
    put_fault(client, "megascript/order.cancel", "error-but-applied")
    assert script(client, action="order.read", orderId=10001)["order"]["orderStatus"] == "Pending"
    assert (
        client.post(SCRIPT, json={"action": "order.cancel", "orderId": 10001}, headers=SECRET).status_code
        == 500
    )
    assert script(client, action="order.cancel", orderId=10001)["result"] == "already"
    assert client.get("/_sim/calls").json() == {"megascript/order.cancel": 2, "megascript/order.read": 1}


def test_a_write_that_is_answered_and_ignored(client: httpx.Client) -> None:
    place(client)
    put_fault(client, "megascript/order.cancel", "ok-but-ignored")
    answer = script(client, action="order.cancel", orderId=10001)
    assert (answer["result"], answer["order"]["orderStatus"]) == ("applied", "Cancelled")
    assert state(client, 10001)["OrderStatus"] == "Pending"
    put_fault(client, "*", "expired-token")
    assert script(client, action="ping")["error"]["code"] == "forbidden"


@pytest.mark.parametrize("asked_before", [(), (10001,)])
def test_a_lagging_read_shows_what_was_there_whatever_was_asked_before(
    client: httpx.Client, asked_before: tuple[int, ...]
) -> None:
    place(client)
    for order_id in asked_before:
        script(client, action="order.read", orderId=order_id)
    put_fault(client, "megascript/order.read", "lagging-read", seconds=60)
    client.post("/_sim/orders/10001/cancel", json={}).raise_for_status()
    place(client)
    shown = [script(client, action="order.read", orderId=10001)["order"]["orderStatus"] for _ in "ab"]
    assert shown == ["Pending", "Cancelled"]


def test_a_lagging_read_of_what_was_not_there_yet_finds_nothing(client: httpx.Client) -> None:
    put_fault(client, "order/detail", "lagging-read", seconds=60)
    place(client)
    found = [client.get("/services/api/order/detail/10001", headers=AUTH).status_code for _ in "ab"]
    assert found == [404, 200]


def test_a_write_under_a_lagging_read_leaves_nothing_but_a_note(client: httpx.Client) -> None:
    place(client)
    put_fault(client, "*", "lagging-read", seconds=60)
    assert script(client, action="order.cancel", orderId=10001)["result"] == "applied"
    assert state(client, 10001)["OrderStatus"] == "Pending"
    assert client.get("/_sim/ledger").json()[-1]["effect"].startswith("ignored by fault")


# The plugin's inbound handlers


def test_dispatch_in_printiq_arrives_as_shipped_with_tracking(client: httpx.Client) -> None:
    place(client)
    body = {"OrderId": "10001", "JobNo": "J1-01", "Status": "Dispatched", "TrackingNumber": "TRK5"}
    for path in (f"{HANDLER}/changestatus", f"{HANDLER}/ChangeStatus".upper()):
        assert client.post(path, json=body).json() == {"Success": True, "Message": ""}
    found = state(client, 10001)
    assert (found["ShippingStatus"], found["TrackingNumber"]) == ("Shipped", "TRK5")
    assert [entry["effect"] for entry in client.get("/_sim/ledger").json()] == [
        "applied",
        "applied",
        "already",
    ]


def test_the_cancel_handlers_are_off_until_a_shop_switches_them_on(client: httpx.Client) -> None:
    job_id = place(client)["OrderLineItems"][0]["Id"]
    body = {"OrderId": 10001, "ExternalJobReference": job_id, "Status": "Cancelled"}
    for name in ("updatejobstatus", "updateorderstatus"):
        assert client.post(f"{HANDLER}/{name}", json=body).status_code == 404
    assert state(client, 10001)["OrderStatus"] == "Pending"
    put_settings(client, plugin={"handler_updatejobstatus": True})
    assert client.post(f"{HANDLER}/updatejobstatus", json=body).json()["Success"] is True
    assert state(client, 10001)["OrderStatus"] == "Cancelled"
    assert client.post(f"{HANDLER}/updateorderstatus", json=body).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{HANDLER}/changestatus", {"OrderId": 5, "Status": "Dispatched"}, 404),
        (f"{HANDLER}/changestatus", {"Status": "Dispatched"}, 404),
        (f"{HANDLER}/changestatus", {"OrderId": [1]}, 400),
        (f"{HANDLER}/changestatus", [], 400),
        (f"{HANDLER}/somethingelse", {}, 404),
        ("/mishandler/other-shop/Mis.PrintIQ/changestatus", {"OrderId": 10001}, 404),
    ],
)
def test_messages_that_mean_nothing_here_are_refused(
    shared: httpx.Client, path: str, body: object, status: int
) -> None:
    answer = shared.post(path, json=body)
    assert (answer.status_code, answer.json()["Success"]) == (status, False)
    assert answer.json()["Message"].endswith(".")


def test_a_cancelled_order_is_shipped_only_where_the_storefront_allows_it(client: httpx.Client) -> None:
    place(client)
    client.post("/_sim/orders/10001/cancel").raise_for_status()
    body = {"OrderId": 10001, "Status": "Dispatched", "TrackingNumber": "T"}
    refused = client.post(f"{HANDLER}/changestatus", json=body).json()
    assert refused == {"Success": False, "Message": "Order 10001 is cancelled and cannot be shipped."}
    put_settings(client, cancelled_order_can_ship=True)
    assert client.post(f"{HANDLER}/changestatus", json=body).json()["Success"] is True


# Webhooks


def test_an_immediate_webhook_sends_each_change_at_once(client: httpx.Client) -> None:
    collector = Collector()
    with collector.listening() as url:
        put_settings(client, webhooks=[{"url": url}])
        place(client, OrderLineItems=[{"Sku": "BC-350-SILK"}, {"Sku": "STOCK-PEN-BLUE"}])
        client.post("/_sim/lines/s2002/cancel").raise_for_status()
        client.post("/_sim/orders/10001/ship", json={"TrackingNumber": "T"}).raise_for_status()
        client.post("/_sim/orders/10001/cancel").raise_for_status()
        eventually(lambda: len(collector.received) == 4, "four webhooks")
    bodies = [json.loads(body) for _, _, body in collector.received]
    assert bodies[0] == {
        "webhook": {"action": "OrderPlaced", "entity": "OrderLineItem"},
        "data": [
            {"Id": "d2001", "OrderId": 10001, "CustomerId": 51, "Status": 3},
            {"Id": "s2002", "OrderId": 10001, "CustomerId": 51, "Status": 3},
        ],
    }
    sent = [(body["webhook"]["action"], [row["Id"] for row in body["data"]]) for body in bodies[1:]]
    assert sent == [
        ("OrderLineItemStatusChanged", ["s2002"]),
        ("OrderStatusChanged", ["d2001", "s2002"]),
        ("OrderStatusChanged", ["d2001", "s2002"]),
    ]


def test_a_delayed_webhook_gathers_rows_and_names_each_line_once() -> None:
    collector = Collector()
    with collector.listening() as url:
        hook = Webhook(url=url, delivery="Delayed", delay_seconds=0.2)
        with storefront(InfigoSettings(webhooks=(hook,))) as client:
            client.post("/_sim/orders", json={"orders": [{"OrderLineItems": [{"Quantity": 1}]}] * 3})
            for status in ("order.ship", "order.cancel"):
                script(client, action=status, orderId=10001, shippingStatus="Shipped")
            eventually(lambda: len(collector.received) == 2, "one webhook for each action")
    placed, changed = (json.loads(body) for _, _, body in collector.received)
    assert [row["OrderId"] for row in placed["data"]] == [10001, 10002, 10003]
    assert [row["OrderId"] for row in changed["data"]] == [10001]


def test_a_get_webhook_names_the_lines_in_its_address(client: httpx.Client) -> None:
    collector = Collector()
    with collector.listening() as url:
        put_settings(client, webhooks=[{"url": f"{url}?key=k", "method": "GET"}])
        place(client)
        eventually(lambda: len(collector.received) == 1, "the webhook")
    assert collector.received[0][:2] == ("GET", "key=k&action=OrderPlaced&entity=OrderLineItem&id=d2001")


def test_webhooks_can_be_dropped_and_doubled(client: httpx.Client) -> None:
    collector = Collector()
    with collector.listening() as url:
        put_settings(client, webhooks=[{"url": url}])
        client.put("/_sim/faults", json={"hooks": {"drop": 1.0}}).raise_for_status()
        place(client)
        client.put("/_sim/faults", json={"hooks": {"duplicate": 1.0}}).raise_for_status()
        client.post("/_sim/orders/10001/cancel").raise_for_status()
        eventually(lambda: len(collector.received) == 2, "the doubled webhook")
    assert {json.loads(body)["webhook"]["action"] for _, _, body in collector.received} == {
        "OrderStatusChanged"
    }


# Test control


def test_orders_are_made_in_three_ways(client: httpx.Client) -> None:
    counted = client.post("/_sim/orders", json={"count": 2}).json()["orders"]
    listed = client.post("/_sim/orders", json={"orders": [{"OrderLineItems": [{}]}]}).json()["orders"]
    full = place(
        client,
        Customer="Rowan Tate",
        PurchaseOrderNumber="PO-77",
        IsPaymentPaid=True,
        CreatedOnUtc="2025-01-02T03:04:05",
        OrderLineItems=[
            {"Name": "Menu cards", "Quantity": 40, "TypeLetter": "m", "Price": 31.5},
            {"Name": "Pens", "ProductType": "stock"},
        ],
    )
    assert [order["Id"] for order in (*counted, *listed, full)] == [10001, 10002, 10003, 10004]
    found = state(client, 10004)
    assert (found["PurchaseOrderNumber"], found["PaymentStatus"]) == ("PO-77", "Paid")
    assert found["CreatedOnUtc"] == "2025-01-02T03:04:05+00:00"
    menu, pens = found["OrderLineItems"]
    assert (menu["Name"], menu["Id"][0], menu["Price"], menu["ProductType"]) == (
        "Menu cards",
        "m",
        31.5,
        "print",
    )
    assert (pens["ProductType"], found["StockMovements"][0]["Quantity"]) == ("stock", -100)
    again = place(client, Customer="Rowan Tate")
    assert state(client, again["Id"])["CustomerId"] == found["CustomerId"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("orders", b"", 400),
        ("orders", b"[]", 400),
        ("orders", b"{}", 400),
        ("orders", b'{"count": 0}', 400),
        ("orders", b'{"cuont": 1}', 400),
        ("orders", b'{"OrderLineItems": []}', 400),
        ("orders", b'{"OrderLineItems": [{"ProductType": "gas"}]}', 400),
        ("orders", b'{"OrderLineItems": [{"Sku": "NONE"}]}', 409),
        ("orders", b'{"OrderLineItems": [{}], "Customer": 3}', 409),
        ("orders/5/cancel", b"", 404),
        ("orders/5/send", b"", 404),
        ("lines/s5/cancel", b"", 404),
        ("orders/5/ship", b'{"Tracking": "T"}', 400),
    ],
)
def test_control_says_what_is_wrong(shared: httpx.Client, path: str, body: bytes, status: int) -> None:
    answer = shared.post(f"/_sim/{path}", content=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_staff_acts_without_the_screen(client: httpx.Client) -> None:
    place(client, IsPaymentPaid=True)
    client.post("/_sim/lines/d2001/cancel").raise_for_status()
    client.post("/_sim/orders/10001/cancel", json={"NotifyCustomer": True}).raise_for_status()
    assert client.post("/_sim/orders/10001/cancel").status_code == 409
    refunded: Json = client.post("/_sim/orders/10001/refund").json()
    assert (refunded["OrderStatus"], refunded["PaymentStatus"]) == ("Cancelled", "Refunded")
    assert len(refunded["Mails"]) == 1
    assert [note["Note"] for note in refunded["Notes"]] == [
        "Order placed",
        "Line d2001 has been cancelled",
        "Order has been cancelled",
        "Order has been refunded",
    ]
    assert client.post("/_sim/orders/10001/send").status_code == 409
    assert client.get("/_sim/orders/5").status_code == 404


def test_settings_can_be_changed_while_it_runs_and_unknown_ones_are_named(client: httpx.Client) -> None:
    put_settings(client, plugin={"quote_mode": "per_order"})
    shown = client.get("/_sim/settings").json()
    assert shown["plugin"]["quote_mode"] == "per_order"
    assert shown["plugin"]["enabled"] is PluginSettings().enabled
    answer = client.put("/_sim/settings", json={"plugin": {"qoute_mode": "x"}})
    assert (answer.status_code, "plugin.qoute_mode" in answer.json()["error"]) == (400, True)


def test_without_control_there_is_no_sim() -> None:
    with ServerThread(create_app()) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        assert client.get("/admin/orders").status_code == 200
        assert [client.get(f"/_sim/{path}").status_code for path in ("ledger", "orders", "settings")] == [
            404
        ] * 3
