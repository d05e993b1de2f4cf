"""Writes to Infigo: the closed set of outcomes, whatever came back."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import msgspec
import pytest
from vendor_fakes import FakeClock, FakeVendor, html_answer, json_answer, run

from countermand.bridge.ports import StorefrontOrder
from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.infigo import InfigoSettings, InfigoStorefront

SECRET = "secret-of-the-script"


def storefront(vendor: FakeVendor, **settings: Any) -> InfigoStorefront:
    values = {
        "base_url": "https://shop.example.com",
        "token": "shop-token",
        "megascript_secret": SECRET,
    } | settings
    clock = FakeClock()
    return InfigoStorefront(
        InfigoSettings(**values), clock=clock, transport=vendor.transport, sleep=clock.sleep
    )


def result(name: str, reason: str | None = None, order_id: int = 10001) -> httpx.Response:
    answer: dict[str, Any] = {"ok": True, "result": name, "order": {"id": order_id}}
    return json_answer(answer | ({"reason": reason} if reason else {}))


def error(code: str, message: str, status: int) -> httpx.Response:
    return json_answer({"ok": False, "error": {"code": code, "message": message}}, status)


def cancel(answer: httpx.Response | Exception) -> Answer:
    return run(storefront(FakeVendor(countermand=answer)).cancel("10001", None, note="why"))


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (result("applied"), Outcome.APPLIED, None),
        (result("already"), Outcome.ALREADY, None),
        (result("already", "The whole order is cancelled."), Outcome.ALREADY, None),
        (
            result("refused", "The order is Shipped, not NotYetShipped."),
            Outcome.REFUSED,
            RefusalReason.DISPATCHED,
        ),
        (
            result("refused", "The order is PartiallyShipped, not NotYetShipped."),
            Outcome.REFUSED,
            RefusalReason.DISPATCHED,
        ),
        (
            result("refused", "The order is ShippingNotRequired, not NotYetShipped."),
            Outcome.REFUSED,
            RefusalReason.OTHER,
        ),
        (
            result("refused", "The order is NotYetShipped, not PartiallyShipped."),
            Outcome.REFUSED,
            RefusalReason.OTHER,
        ),
        (result("refused", "Order is already cancelled."), Outcome.ALREADY, None),
        (result("refused", "The order has been invoiced."), Outcome.REFUSED, RefusalReason.INVOICED),
        (result("refused", "It is in production."), Outcome.REFUSED, RefusalReason.MILESTONE),
        (result("refused", "Infigo did not say why."), Outcome.REFUSED, RefusalReason.OTHER),
        (result("refused"), Outcome.REFUSED, RefusalReason.OTHER),
        (error("forbidden", "Wrong secret.", 403), Outcome.REFUSED, RefusalReason.NOT_ALLOWED),
        (error("not_found", "There is no order 10001.", 404), Outcome.REFUSED, RefusalReason.NOT_FOUND),
        (error("bad_request", "note is too long.", 400), Outcome.REFUSED, RefusalReason.OTHER),
        (error("not_configured", "Put a secret first.", 503), Outcome.REFUSED, RefusalReason.NOT_ALLOWED),
        # "Too late" has come as 400, 403, 409 and 500; the first three changed nothing, the last may have.
        (json_answer({"Message": "Too late."}, 400), Outcome.REFUSED, RefusalReason.MILESTONE),
        (json_answer({"Message": "Too late."}, 403), Outcome.REFUSED, RefusalReason.MILESTONE),
        (json_answer({"Message": "Too late."}, 409), Outcome.REFUSED, RefusalReason.MILESTONE),
        (json_answer({"Message": "Too late."}, 500), Outcome.UNKNOWN, None),
        (json_answer({"Message": "No."}, 401), Outcome.REFUSED, RefusalReason.NOT_ALLOWED),
        (html_answer(404), Outcome.REFUSED, RefusalReason.OTHER),
        # An error after which the order may be cancelled all the same.
        (error("script_error", "Object reference not set.", 500), Outcome.UNKNOWN, None),
        (error("script_error", "Object reference not set.", 200), Outcome.UNKNOWN, None),
        (html_answer(502), Outcome.UNKNOWN, None),
        # A success that is none.
        (html_answer(200), Outcome.UNKNOWN, None),
        (json_answer({"ok": True}), Outcome.UNKNOWN, None),
        (json_answer({"ok": "true", "result": "applied", "order": {"id": 10001}}), Outcome.UNKNOWN, None),
        (json_answer({"Success": True}), Outcome.UNKNOWN, None),
        (json_answer(None), Outcome.UNKNOWN, None),
        (result("done"), Outcome.UNKNOWN, None),
        (result("applied", order_id=10002), Outcome.UNKNOWN, None),
        (httpx.Response(302, headers={"Location": "/login"}), Outcome.UNKNOWN, None),
        (httpx.Response(429), Outcome.UNKNOWN, None),
        (httpx.Response(408), Outcome.UNKNOWN, None),
        (httpx.ConnectError("refused"), Outcome.UNKNOWN, None),
        (httpx.ReadTimeout(""), Outcome.UNKNOWN, None),
        (httpx.RemoteProtocolError("cut off"), Outcome.UNKNOWN, None),
    ],
)
def test_every_answer_is_one_of_the_closed_set(
    answer: httpx.Response | Exception, outcome: Outcome, reason: RefusalReason | None
) -> None:
    said = cancel(answer)
    assert (said.outcome, said.reason) == (outcome, reason)
    assert said.said or outcome in (Outcome.APPLIED, Outcome.ALREADY)
    assert SECRET not in said.said


def test_what_falls_into_a_pause_was_not_sent() -> None:
    throttled = httpx.Response(503, headers={"Retry-After": "6"})
    vendor = FakeVendor(countermand=[throttled, result("applied")])
    shop = storefront(vendor)
    assert run(shop.cancel("10001", None, note="why")).outcome is Outcome.UNKNOWN
    held_back = run(shop.cancel("10001", None, note="why"))
    assert (held_back.outcome, len(vendor.requests)) == (Outcome.NOT_SENT, 1)
    assert run(shop.note("10001", "decided on no old picture")).outcome is Outcome.APPLIED


def test_already_cancelled_is_no_answer_to_shipping() -> None:
    vendor = FakeVendor(
        countermand=result("refused", "The order is cancelled; a cancelled order is never marked shipped.")
    )
    said = run(storefront(vendor).ship("10001", tracking="JD0001", partial=False))
    assert (said.outcome, said.reason) == (Outcome.REFUSED, RefusalReason.NOT_ALLOWED)


def test_a_wrong_path_says_which_setting() -> None:
    assert "megascript_path" in cancel(html_answer(404)).said


def test_what_each_write_sends() -> None:
    vendor = FakeVendor(countermand=result("applied"))
    shop = storefront(vendor)

    async def write_all() -> None:
        await shop.cancel("10001", None, note="cancelled in printIQ")
        await shop.cancel("10001", ["s2001", "s2002"], note="cancelled in printIQ")
        await shop.ship("10001", tracking="JD0001, JD0002", partial=False)
        await shop.ship("10001", tracking="", partial=True)
        await shop.track("10001", tracking="JD0003")
        await shop.note("10001", "seen")

    run(write_all())
    assert vendor.bodies() == [
        {
            "action": "order.cancel",
            "orderId": "10001",
            "note": "cancelled in printIQ",
            "notifyCustomer": False,
            "notifyMis": False,
        },
        {
            "action": "lines.cancel",
            "orderId": "10001",
            "note": "cancelled in printIQ",
            "jobIds": ["s2001", "s2002"],
        },
        {
            "action": "order.ship",
            "orderId": "10001",
            "shippingStatus": "Shipped",
            "trackingNumber": "JD0001, JD0002",
        },
        {
            "action": "order.ship",
            "orderId": "10001",
            "shippingStatus": "PartiallyShipped",
            "trackingNumber": "",
        },
        {"action": "order.track", "orderId": "10001", "trackingNumber": "JD0003"},
        {"action": "order.note", "orderId": "10001", "note": "seen", "displayToCustomer": False},
    ]
    assert len(vendor.requests) == 6


def test_who_is_told_is_a_setting() -> None:
    vendor = FakeVendor(countermand=result("applied"))
    run(storefront(vendor, notify_mis=True, notify_customer=True).cancel("10001", None, note=""))
    (body,) = vendor.bodies()
    assert (body["notifyMis"], body["notifyCustomer"]) == (True, True)


def test_a_cancel_can_depend_on_what_was_seen() -> None:
    order = {
        "id": 10001,
        "orderStatus": "Processing",
        "shippingStatus": "NotYetShipped",
        "lines": [{"jobId": "s2001"}],
    }
    read = json_answer({"ok": True, "orders": [order], "missing": []})
    vendor = FakeVendor(countermand=[read, result("refused", "The order is Shipped, not NotYetShipped.")])
    shop = storefront(vendor)

    async def read_then_cancel() -> Answer:
        (seen,) = await shop.read_orders(["10001"])
        assert isinstance(seen, StorefrontOrder)
        return await shop.cancel("10001", None, note="", fence=seen.fence)

    answer = run(read_then_cancel())
    assert vendor.bodies()[1]["expect"] == {"shippingStatus": "NotYetShipped"}
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, RefusalReason.DISPATCHED)


@pytest.mark.parametrize("spelt", ["NotYetShipped", "Not yet shipped", "20", 20])
def test_what_rest_showed_is_told_to_the_script_by_its_name(spelt: object) -> None:
    order = {"Id": 10001, "OrderStatus": "Processing", "ShippingStatus": spelt}
    rest = json_answer({**order, "OrderLineItems": [{"Id": "s2001"}]})
    vendor = FakeVendor(order__detail__10001=rest, countermand=result("applied"))
    shop = storefront(vendor, read_by="rest")

    async def read_then_cancel() -> Answer:
        (seen,) = await shop.read_orders(["10001"])
        assert isinstance(seen, StorefrontOrder)
        return await shop.cancel("10001", None, note="", fence=seen.fence)

    run(read_then_cancel())
    assert msgspec.json.decode(vendor.requests[-1].content)["expect"] == {"shippingStatus": "NotYetShipped"}


def test_without_the_script_nothing_can_be_written_and_nothing_is_called() -> None:
    vendor = FakeVendor()
    shop = storefront(vendor, megascript_secret="")

    async def write_all() -> list[Answer]:
        return [
            await shop.cancel("10001", None, note=""),
            await shop.cancel("10001", ["s2001"], note=""),
            await shop.ship("10001", tracking="", partial=False),
            await shop.track("10001", tracking="JD0001"),
            await shop.note("10001", "x"),
        ]

    answers = run(write_all())
    assert {answer.outcome for answer in answers} == {Outcome.UNSUPPORTED}
    assert all("megascript_secret" in answer.said for answer in answers)
    assert vendor.requests == []
