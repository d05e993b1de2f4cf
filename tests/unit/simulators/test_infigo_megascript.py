"""The MegaScript that we ship, run in QuickJS against the shop."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import quickjs
from infigo_shops import BY, CARDS, PENS, open_shop, place

from countermand.simulators.infigo.megascript import (
    SCRIPT,
    ScriptRequest,
    installed_script,
    run_script,
)
from countermand.simulators.infigo.settings import InfigoSettings
from countermand.simulators.infigo.shop import Shop
from countermand.vendor_http.fields import tracking_codes

SECRET = "a-secret-of-this-test"
#: The members that vendors/infigo.md names, section 4, and the `List` of a page that a search answers with,
#: which Infigo's published types name; the script may use no other.
NAMED = {
    "Request", "Response", "Orders", "ExternalApi",
    "Method", "Form", "Query", "Headers", "Body", "ClientIpAddress", "ReturnData", "ReturnText",
    "FindById", "FindByOrderProductVariantId", "StartSearch", "WithOrderStatus", "WithShippingStatus",
    "Since", "Until", "FindAll", "List", "PostJson",
    "Id", "OrderStatus", "ShippingStatus", "PaymentStatus", "TrackingNumber", "OrderNotes", "OrderLineItems",
    "ExtraData", "CreatedOnUtc", "Cancel", "SetStatus", "UpdateShippingStatus", "SetTrackingNumber",
    "AddOrderNotes", "SetExtraData",
    "OrderId", "JobId", "TypeLetter", "Quantity", "ShippedQuantity", "OrderProductStatus", "IsCancelled",
    "Quote", "GetLatestStatus", "Info", "Status", "CustomStatus",
}  # fmt: skip
#: Capitalised names after a dot that are not the vendor's: an order's own extra field, if a shop keeps one.
OURS = {"PurchaseOrderNumber"}

Json = dict[str, Any]


def ask(shop: Shop, /, secret: str = SECRET, **request: object) -> Json:
    status, answer = send(shop, json.dumps(request), secret)
    assert status == (200 if answer["ok"] else status)
    return answer


def send(
    shop: Shop, body: str, secret: str = SECRET, header: str = "X-Countermand-Secret"
) -> tuple[int, Json]:
    request = ScriptRequest(headers={header: secret}, body=body)
    response = run_script(installed_script(SECRET), request, shop)
    assert response.content_type == "application/json"
    return response.status, json.loads(response.content)


def effects(shop: Shop) -> list[tuple[str, str]]:
    return [(entry["call"], entry["effect"]) for entry in shop.ledger.entries() if entry["call"] != "test"]


# The text of the script


def _code(path: Path) -> str:
    """The script without its comments and texts."""
    source = path.read_text("utf-8")
    return re.sub(r"/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"", " ", source, flags=re.DOTALL)


def test_only_members_that_infigo_names_are_used() -> None:
    code = _code(SCRIPT)
    used = set(re.findall(r"\.\s*([A-Z]\w*)", code))
    assert used - NAMED - OURS == set()
    assert {"FindById", "Cancel", "UpdateShippingStatus", "ReturnData"} <= used
    after_run = set(re.findall(r"\bRun\s*\.\s*(\w+)", code))
    assert after_run == {"Request", "Response", "Orders"}
    # Nothing is reached by a computed name, except the headers and the notes, whose keys are data.
    assert set(re.findall(r"\w+\[\w+\]\[\w+\]|headers\[\w+\]", code)) == {"headers[key]", "notes[i][key]"}


def test_the_script_is_plain_es5() -> None:
    assert not re.search(r"\b(let|const|class|async|await|yield)\b|=>|`|\.\.\.", _code(SCRIPT))


# Who may ask, and how


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper()])
def test_a_wrong_secret_is_refused_before_anything_else(secret: str) -> None:
    shop = open_shop()
    place(shop)
    status, answer = send(shop, "this is not even JSON", secret)
    assert (status, answer["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("header", ["X-Countermand-Secret", "x-countermand-secret", "X-COUNTERMAND-SECRET"])
def test_the_header_is_read_in_any_letter_case(header: str) -> None:
    assert send(open_shop(), '{"action": "ping"}', header=header)[1]["ok"] is True


@pytest.mark.parametrize("source", [SCRIPT.read_text("utf-8"), installed_script("short")])
def test_a_script_without_a_proper_secret_does_nothing(source: str) -> None:
    for secret in ("PUT-YOUR-OWN-SECRET-HERE", "short", ""):
        request = ScriptRequest(headers={"X-Countermand-Secret": secret}, body='{"action": "ping"}')
        response = run_script(source, request, open_shop())
        assert (response.status, json.loads(response.content)["error"]["code"]) == (503, "not_configured")


@pytest.mark.parametrize(
    "body",
    ['{"action": "ping"}', json.dumps('{"action": "ping"}'), '\ufeff{"action": "ping"}'],
    ids=["json", "json in a json string", "with a byte order mark"],
)
def test_both_spellings_of_the_body_are_understood(body: str) -> None:
    assert send(open_shop(), body) == (200, {"ok": True, "script": "countermand", "version": 1})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "body is empty"),
        ("{", "not JSON"),
        ('"{"', "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("7", "not a JSON object"),
        ('{"action": "' + "x" * 70000 + '"}', "longer than"),
        ('{"action": "order.read"}', "orderId is not an order number"),
        ('{"action": "order.read", "orderId": -1}', "orderId is not an order number"),
        ('{"action": "order.read", "orderId": 1.5}', "orderId is not an order number"),
        ('{"action": "order.read", "orderId": "1e3"}', "orderId is not an order number"),
        ('{"action": "orders.read", "orderIds": []}', "list of 1 to 100"),
        ('{"action": "orders.read", "orderIds": 7}', "list of 1 to 100"),
        (json.dumps({"action": "orders.read", "orderIds": list(range(1, 102))}), "list of 1 to 100"),
        ('{"action": "lines.cancel", "orderId": 10001, "jobIds": []}', "list of 1 to 100"),
        ('{"action": "order.cancel", "orderId": 10001, "notifyCustomer": "yes"}', "not true or false"),
        ('{"action": "order.cancel", "orderId": 10001, "note": 7}', "note is not a text"),
        ('{"action": "order.cancel", "orderId": 10001, "note": "' + "x" * 2001 + '"}', "at most 2000"),
        ('{"action": "order.cancel", "orderId": 10001, "expect": "open"}', "expect is not an object"),
        ('{"action": "order.cancel", "orderId": 10001, "expect": {"status": "x"}}', "not status"),
        ('{"action": "order.ship", "orderId": 10001, "shippingStatus": "Delivered"}', "not Shipped or"),
        ('{"action": "order.track", "orderId": 10001}', "trackingNumber is missing"),
        ('{"action": "order.note", "orderId": 10001, "note": ""}', "note is missing"),
        ('{"action": "orders.list"}', "since is not a date"),
        ('{"action": "orders.list", "since": "soon"}', "since is not a date"),
        ('{"action": "orders.list", "since": "2026-01-01", "size": 101}', "whole number from 1 to 100"),
        ('{"action": "orders.list", "since": "2026-01-01", "page": -1}', "whole number from 0"),
    ],
)  # fmt: skip
def test_bad_requests_get_a_sentence_and_change_nothing(body: str, says: str) -> None:
    shop = open_shop()
    place(shop)
    status, answer = send(shop, body)
    assert (status, answer["ok"], answer["error"]["code"]) == (400, False, "bad_request")
    assert says in answer["error"]["message"]
    assert effects(shop) == []


@pytest.mark.parametrize("action", ["order.delete", "toString", "__proto__", None, 7])
def test_unknown_actions_are_refused_by_name(action: object) -> None:
    status, answer = send(open_shop(), json.dumps({"action": action}))
    assert (status, answer["error"]["code"]) == (400, "unknown_action")
    assert "Known: ping, order.read" in answer["error"]["message"]


@pytest.mark.parametrize(
    "action", ["order.read", "order.cancel", "order.ship", "order.track", "order.note", "lines.cancel"]
)
def test_a_missing_order_is_not_found(action: str) -> None:
    more = {"shippingStatus": "Shipped", "trackingNumber": "T", "note": "n", "jobIds": ["s1"]}
    status, answer = send(open_shop(), json.dumps({"action": action, "orderId": 5, **more}))
    assert (status, answer["error"]["code"]) == (404, "not_found")


# Reading


def test_an_order_is_read_with_its_lines() -> None:
    shop = open_shop()
    order = place(shop, CARDS, PENS)
    shop.set_quote(order.lines[0].job_id, "Q005218")
    answer = ask(shop, action="order.read", orderId="10001")
    assert answer["order"] == {
        "id": 10001,
        "orderStatus": "Processing",
        "shippingStatus": "NotYetShipped",
        "paymentStatus": "Paid",
        "trackingNumber": "",
        "createdOnUtc": "2026-11-23T10:00:00.000Z",
        "lines": [
            {
                "jobId": "d2001", "opvId": 50001, "quantity": 50, "shippedQuantity": 0, "isCancelled": False,
                "status": "Ordered", "typeLetter": "d", "quoteId": "Q005218",
            },
            {
                "jobId": "s2002", "opvId": 50002, "quantity": 50, "shippedQuantity": 0, "isCancelled": False,
                "status": "Ordered", "typeLetter": "s", "quoteId": None,
            },
        ],
    }  # fmt: skip


def test_a_purchase_order_number_is_told_where_a_shop_keeps_one_in_extra_data() -> None:
    shop = open_shop()
    place(shop)
    assert "purchaseOrderNumber" not in ask(shop, action="order.read", orderId=10001)["order"]
    shop.set_extra(10001, "PurchaseOrderNumber", "PO-9", BY)
    assert ask(shop, action="order.read", orderId=10001)["order"]["purchaseOrderNumber"] == "PO-9"


def test_many_orders_are_read_at_once_and_missing_ones_are_named() -> None:
    shop = open_shop()
    shop.place_samples(98, BY)
    answer = ask(shop, action="orders.read", orderIds=[*range(10001, 10099), 7, "8"])
    assert [order["id"] for order in answer["orders"]] == list(range(10001, 10099))
    assert answer["missing"] == [7, 8]


def test_orders_are_listed_by_status_and_time_in_pages() -> None:
    shop = open_shop()
    for _ in range(5):
        place(shop)
    shop.cancel_order(10002, BY)
    first = ask(shop, action="orders.list", since="2026-11-23T09:00:00Z", size=3)
    second = ask(shop, action="orders.list", since="2026-11-23T09:00:00Z", size=3, page=1)
    assert ([order["id"] for order in first["orders"]], first["more"]) == ([10001, 10002, 10003], True)
    assert ([order["id"] for order in second["orders"]], second["more"]) == ([10004, 10005], False)
    cancelled = ask(shop, action="orders.list", since="2026-11-23", orderStatus="Cancelled")
    assert [order["id"] for order in cancelled["orders"]] == [10002]
    later = ask(shop, action="orders.list", since="2026-11-23T10:00:01Z")
    earlier = ask(shop, action="orders.list", since="2020-01-01", until="2026-11-23T09:59:59Z")
    shipped = ask(shop, action="orders.list", since="2020-01-01", shippingStatus="Shipped")
    assert later["orders"] == earlier["orders"] == shipped["orders"] == []


@pytest.mark.parametrize(("orders", "more"), [(9, False), (10, True), (12, True)])
def test_a_page_shorter_than_what_was_asked_for_may_not_be_the_last(orders: int, *, more: bool) -> None:
    shop = open_shop()
    for _ in range(orders):
        place(shop)
    answer = ask(shop, action="orders.list", since="2026-11-23T09:00:00Z", size=100)
    assert (len(answer["orders"]), answer["more"]) == (orders, more)


def test_a_status_that_does_not_exist_is_a_script_error_with_infigos_words() -> None:
    status, answer = send(
        open_shop(), '{"action": "orders.list", "since": "2026-01-01", "orderStatus": "Gone"}'
    )
    assert (status, answer["error"]["code"]) == (500, "script_error")
    assert "no order status Gone" in answer["error"]["message"]


# Writing


def test_an_order_is_cancelled_once() -> None:
    shop = open_shop()
    place(shop)
    first = ask(shop, action="order.cancel", orderId=10001, note="Cancelled in printIQ (J29328-01)")
    again = ask(shop, action="order.cancel", orderId=10001, note="Cancelled in printIQ (J29328-01)")
    assert (first["result"], again["result"]) == ("applied", "already")
    assert first["order"]["orderStatus"] == again["order"]["orderStatus"] == "Cancelled"
    assert effects(shop) == [("Order.Cancel", "applied"), ("Order.AddOrderNotes", "applied")]
    assert shop.order(10001).notes[-1].text == "Cancelled in printIQ (J29328-01)"
    assert shop.mails == []


def test_the_notify_flags_reach_the_call() -> None:
    shop = open_shop()
    place(shop)
    ask(shop, action="order.cancel", orderId=10001, notifyCustomer=True, notifyMis=True)
    detail = next(entry["detail"] for entry in shop.ledger.entries() if entry["call"] == "Order.Cancel")
    assert (detail["notifyCustomer"], detail["notifyMis"]) == (True, True)
    assert len(shop.mails) == 1
    assert ("notifyMis", "no effect") in effects(shop)


@pytest.mark.parametrize("action", ["order.cancel", "lines.cancel", "order.ship", "order.track"])
def test_a_write_is_refused_if_the_order_has_moved_on_since_the_caller_looked(action: str) -> None:
    shop = open_shop()
    order = place(shop)
    expected = {"orderStatus": "Processing", "shippingStatus": "PartiallyShipped"}
    more: Json = {"jobIds": [order.lines[0].job_id], "shippingStatus": "Shipped", "trackingNumber": "T"}
    answer = ask(shop, action=action, orderId=10001, expect=expected, **more)
    assert answer["result"] == "refused"
    assert answer["reason"] == "The order is NotYetShipped, not PartiallyShipped."
    assert effects(shop) == []
    expected["shippingStatus"] = "NotYetShipped"
    assert ask(shop, action=action, orderId=10001, expect=expected, **more)["result"] == "applied"


def test_only_the_named_lines_are_cancelled() -> None:
    shop = open_shop()
    order = place(shop, CARDS, PENS, CARDS)
    jobs = [order.lines[1].job_id.upper(), order.lines[1].job_id]
    answer = ask(shop, action="lines.cancel", orderId=10001, jobIds=jobs, note="by line")
    assert answer["result"] == "applied"
    assert [line["isCancelled"] for line in answer["order"]["lines"]] == [False, True, False]
    assert answer["order"]["orderStatus"] == "Processing"
    assert ask(shop, action="lines.cancel", orderId=10001, jobIds=jobs)["result"] == "already"
    both = [line.job_id for line in order.lines[:2]]
    assert ask(shop, action="lines.cancel", orderId=10001, jobIds=both)["result"] == "applied"
    calls = [call for call, _ in effects(shop)]
    assert calls.count("OrderProductVariant.Cancel") == 2


@pytest.mark.parametrize("job_id", ["2002", 2002, "S2002"])
def test_a_line_is_known_by_its_number_with_its_letter_or_without(job_id: object) -> None:
    shop = open_shop()
    place(shop, CARDS, PENS)
    answer = ask(shop, action="lines.cancel", orderId=10001, jobIds=[job_id])
    assert answer["result"] == "applied"
    assert [line.is_cancelled for line in shop.order(10001).lines] == [False, True]


def test_a_number_that_two_lines_have_is_neither() -> None:
    find = """
      order.OrderLineItems = [line, { Id: 2, JobId: "d77", IsCancelled: false }]; return order;"""
    request = {"action": "lines.cancel", "orderId": 10001, "jobIds": ["77"]}
    status, answer, log = other_infigo(request, read=find)
    assert (status, answer["error"]["code"], log) == (404, "not_found", [])


def test_an_unknown_line_cancels_none_of_the_others() -> None:
    shop = open_shop()
    order = place(shop, CARDS)
    status, answer = send(
        shop,
        json.dumps({"action": "lines.cancel", "orderId": 10001, "jobIds": [order.lines[0].job_id, "s9999"]}),
    )
    assert (status, answer["error"]["code"]) == (404, "not_found")
    assert effects(shop) == []


def test_lines_of_a_cancelled_order_are_cancelled_already() -> None:
    shop = open_shop()
    order = place(shop)
    shop.cancel_order(10001, BY)
    answer = ask(shop, action="lines.cancel", orderId=10001, jobIds=[order.lines[0].job_id])
    assert (answer["result"], answer["reason"]) == ("already", "The whole order is cancelled.")


def test_shipping_adds_tracking_numbers_and_never_moves_back() -> None:
    shop = open_shop()
    place(shop)
    first = ask(
        shop, action="order.ship", orderId=10001, shippingStatus="PartiallyShipped", trackingNumber="A1"
    )
    second = ask(
        shop, action="order.ship", orderId=10001, shippingStatus="Shipped", trackingNumber=" A2 , A1"
    )
    assert (first["order"]["shippingStatus"], second["order"]["shippingStatus"]) == (
        "PartiallyShipped",
        "Shipped",
    )
    assert second["order"]["trackingNumber"] == "A1, A2"
    for status in ("PartiallyShipped", "Shipped"):
        late = ask(shop, action="order.ship", orderId=10001, shippingStatus=status, trackingNumber="A1")
        assert (late["result"], late["order"]["shippingStatus"]) == ("already", "Shipped")
    # The mail about the parcel went out with the numbers already in place.
    assert [mail.subject for mail in shop.mails] == ["Your order 10001 has been shipped A1, A2"]


@pytest.mark.parametrize(
    ("present", "together"),
    [
        ("A1; A2", "A1, A2, A3"),
        ("A1\nA2", "A1, A2, A3"),
        ("JD00000001 JD00000002", "JD00000001, JD00000002, A2, A3"),
        ("AB 1234 5678 9GB", "AB 1234 5678 9GB, A2, A3"),
    ],
)
def test_a_tracking_text_is_taken_apart_as_countermand_reads_it(present: str, together: str) -> None:
    shop = open_shop()
    place(shop)
    shop.set_tracking(10001, present, BY)
    codes = ", ".join(sorted(tracking_codes(present)))
    assert ask(shop, action="order.track", orderId=10001, trackingNumber=codes)["result"] == "already"
    added = ask(shop, action="order.track", orderId=10001, trackingNumber="A2, A3")
    assert added["order"]["trackingNumber"] == together


def test_an_order_of_many_parcels_keeps_all_their_numbers() -> None:
    shop = open_shop()
    place(shop)
    codes = ", ".join(f"1Z999AA1012345{number:04}" for number in range(300))
    answer = ask(shop, action="order.ship", orderId=10001, shippingStatus="Shipped", trackingNumber=codes)
    assert (answer["result"], answer["order"]["trackingNumber"]) == ("applied", codes)


def test_shipping_without_a_number_and_tracking_without_shipping() -> None:
    shop = open_shop()
    place(shop)
    assert ask(shop, action="order.ship", orderId=10001, shippingStatus="Shipped")["result"] == "applied"
    assert ask(shop, action="order.track", orderId=10001, trackingNumber="B1")["result"] == "applied"
    assert ask(shop, action="order.track", orderId=10001, trackingNumber="B1")["result"] == "already"
    assert shop.order(10001).tracking == "B1"


@pytest.mark.parametrize("can_ship", [False, True])
def test_a_cancelled_order_is_never_shipped_from_here(can_ship: bool) -> None:
    shop = open_shop(InfigoSettings(cancelled_order_can_ship=can_ship))
    place(shop)
    shop.cancel_order(10001, BY)
    answer = ask(shop, action="order.ship", orderId=10001, shippingStatus="Shipped", trackingNumber="T")
    assert (answer["result"], answer["order"]["shippingStatus"]) == ("refused", "NotYetShipped")
    assert "order is cancelled" in answer["reason"]
    assert effects(shop) == []


def test_a_note_is_written_once() -> None:
    shop = open_shop()
    place(shop)
    results = [
        ask(shop, action="order.note", orderId=10001, note="Hold", displayToCustomer=True)["result"]
        for _ in "ab"
    ]
    assert results == ["applied", "already"]
    assert [(note.text, note.display_to_customer) for note in shop.order(10001).notes][1:] == [("Hold", True)]


# Other shapes of Infigo than our stand-in's, by a Run that is written here

OTHER_RUN = """
  var log = [];
  var line = { Id: 1, OrderId: 10001, JobId: "s77", TypeLetter: "s", Quantity: 1, ShippedQuantity: 0,
    OrderProductStatus: "Ordered", IsCancelled: false, Quote: null, ExtraData: null,
    Cancel: function () { log.push("line"); %(line_cancel)s } };
  var order = { Id: 10001, OrderStatus: "Pending", ShippingStatus: "NotYetShipped", PaymentStatus: "Paid",
    TrackingNumber: null, OrderNotes: ["a plain text"], OrderLineItems: [line], ExtraData: null,
    CreatedOnUtc: "2026-11-23T10:00:00Z",
    Cancel: function () { log.push("order"); %(cancel)s },
    UpdateShippingStatus: function (s) { log.push(s); return false; },
    SetTrackingNumber: function (s) { log.push(s); return true; },
    AddOrderNotes: function (s) { throw new Error("no notes today"); } };
  var answer;
  var Run = { Request: { Headers: { "X-Countermand-Secret": ["%(secret)s"] }, Body: %(body)s },
    Response: { ReturnData: function (text, type, status) { answer = [status, JSON.parse(text), log]; } },
    Orders: { FindById: function (id) { %(read)s return id === 10001 ? order : undefined; },
      StartSearch: function () { return { Since: function () { return this; },
        FindAll: function (page, size) { log.push(page); %(find)s } }; } } };
"""


def other_infigo(
    request: Json, *, cancel: str = "", line_cancel: str = "", find: str = "", read: str = ""
) -> tuple[int, Json, list[Any]]:
    context = quickjs.Context()
    body = json.dumps(json.dumps(request))
    vendor = {"cancel": cancel, "line_cancel": line_cancel, "find": find, "read": read}
    context.eval(OTHER_RUN % {"secret": SECRET, "body": body, **vendor})
    context.eval(installed_script(SECRET))
    status, answer, log = json.loads(context.eval("JSON.stringify(answer)"))
    return status, answer, log


def test_job_ids_with_a_letter_dates_as_text_and_plain_notes_are_understood() -> None:
    _, answer, _ = other_infigo({"action": "order.read", "orderId": 10001})
    assert (answer["order"]["lines"][0]["jobId"], answer["order"]["createdOnUtc"]) == (
        "s77",
        "2026-11-23T10:00:00Z",
    )
    _, noted, _ = other_infigo({"action": "order.note", "orderId": 10001, "note": "a plain text"})
    assert noted["result"] == "already"


@pytest.mark.parametrize("job_id", ["null", "undefined", '""', "0", '"0"'])
def test_a_line_without_a_job_is_known_by_its_own_number(job_id: str) -> None:
    """Else all of them would be called the same, and a cancel of one would reach another."""
    find = f"line.JobId = {job_id}; return [order];"
    _, answer, _ = other_infigo({"action": "orders.list", "since": "2026-11-01"}, find=find)
    assert [line["jobId"] for line in answer["orders"][0]["lines"]] == ["opv1"]


@pytest.mark.parametrize("lines", ["null", "undefined", "{ Count: 1 }"])
def test_an_order_without_a_list_of_lines_is_not_told_as_one_without_lines(lines: str) -> None:
    find = f"order.OrderLineItems = {lines}; return [order];"
    _, answer, _ = other_infigo({"action": "orders.list", "since": "2026-11-01"}, find=find)
    assert answer["orders"][0]["lines"] is None


@pytest.mark.parametrize(
    "find",
    [
        "return { TotalCount: 1, PageIndex: page, PageSize: size, List: [order] };",
        "return [order];",
        "return { List: [{ Id: 10001, OrderLineItems: null }] };",
        "return { List: [{ Id: 10001, OrderLineItems: [] }] };",
    ],
    ids=["a page with a list", "a plain list", "orders without lines", "orders whose lines were not loaded"],
)
def test_orders_are_listed_whole_from_the_first_page_on(find: str) -> None:
    _, answer, log = other_infigo({"action": "orders.list", "since": "2026-11-01"}, find=find)
    assert [[line["jobId"] for line in order["lines"]] for order in answer["orders"]] == [["s77"]]
    assert log == [1]


def test_an_order_that_is_listed_and_not_found_by_its_number_holds_up_no_other() -> None:
    find = "return { List: [{ Id: 77777, OrderLineItems: null }, { Id: 10001, OrderLineItems: null }] };"
    status, answer, _ = other_infigo({"action": "orders.list", "since": "2026-11-01"}, find=find)
    assert (status, [order["id"] for order in answer["orders"]]) == (200, [77777, 10001])
    assert answer["orders"][0]["lines"] is None


@pytest.mark.parametrize("find", ["return null;", "return {};", "return { List: {} };", "return;"])
def test_a_search_without_a_list_is_an_error_and_not_an_empty_listing(find: str) -> None:
    status, answer, _ = other_infigo({"action": "orders.list", "since": "2026-11-01"}, find=find)
    assert (status, answer["error"]["code"]) == (500, "script_error")
    assert "list of orders" in answer["error"]["message"]


def test_an_error_that_cancelled_the_order_anyway_counts_as_applied() -> None:
    cancel = 'order.OrderStatus = "Cancelled"; throw new Error("mail server down");'
    _, answer, _ = other_infigo({"action": "order.cancel", "orderId": 10001, "note": "n"}, cancel=cancel)
    assert (answer["result"], answer["order"]["orderStatus"]) == ("applied", "Cancelled")


@pytest.mark.parametrize(
    ("cancel", "reason"),
    [
        ("return true;", "Infigo did not cancel the order and did not say why."),
        ("return false;", "Infigo answered false."),
        ('throw new Error("The order is invoiced.");', "The order is invoiced."),
    ],
)
def test_a_cancel_that_had_no_effect_is_refused_whatever_it_answered(cancel: str, reason: str) -> None:
    status, answer, log = other_infigo({"action": "order.cancel", "orderId": 10001}, cancel=cancel)
    assert (status, answer["result"], answer["reason"], log) == (200, "refused", reason, ["order"])


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (
            {"action": "order.ship", "shippingStatus": "Shipped", "trackingNumber": "T"},
            "Infigo answered false",
        ),
        ({"action": "order.track", "trackingNumber": "T"}, "Infigo did not keep the tracking number"),
        ({"action": "order.note", "note": "n"}, "no notes today"),
        ({"action": "lines.cancel", "jobIds": ["s77"]}, "Infigo did not cancel line s77"),
    ],
)
def test_other_writes_without_effect_are_refused_too(request_: Json, reason: str) -> None:
    _, answer, _ = other_infigo({"orderId": 10001, **request_})
    assert answer["result"] == "refused"
    assert answer["reason"].startswith(reason)


@pytest.mark.parametrize(
    ("request_", "change"),
    [
        ({"action": "lines.cancel", "jobIds": ["s77"]}, {"line_cancel": "order.OrderLineItems = [];"}),
        ({"action": "order.cancel"}, {"cancel": "Run.Orders.FindById = function () { return null; };"}),
    ],
)
def test_what_is_not_found_only_after_the_work_is_no_refusal(request_: Json, change: dict[str, str]) -> None:
    """A storefront may hide what it has cancelled; `not_found` says that nothing was changed."""
    status, answer, log = other_infigo({"orderId": 10001, **request_}, **change)
    assert (status, answer["error"]["code"], len(log)) == (500, "script_error", 1)
    assert "10001" in answer["error"]["message"]
