"""The Mis.PrintIQ plugin without a network: what it sends, what it never repeats, what it takes in."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from infigo_shops import BANNER, BY, CARDS, PENS, UNPRICED, open_shop, place

from countermand.simulators.infigo.book import NotFoundError
from countermand.simulators.infigo.mishandler import HANDLERS, MisMessage, handler_is_on
from countermand.simulators.infigo.orders import ShippingStatus
from countermand.simulators.infigo.plugin import (
    Call,
    DeclinedError,
    NoAnswerError,
    NotAskedError,
    SendingError,
    UnsureError,
    send_order,
)
from countermand.simulators.infigo.settings import InfigoSettings, PluginSettings
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.infigo.submission import Acceptance

Json = dict[str, Any]
Fault = Callable[[Call], SendingError | None]


def settings(**plugin: Any) -> InfigoSettings:
    return InfigoSettings(plugin=PluginSettings(printiq_url="http://printiq.example", **plugin))


class FakePrintIQ:
    """Quotes and jobs as far as the plugin can see them; a fault may spoil a call before or after."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.quotes: dict[str, list[Json]] = {}
        self.accepted: list[str] = []
        self.before: Fault = lambda _: None
        self.after: Fault = lambda _: None

    def names(self) -> list[str]:
        return [call.name for call in self.calls]

    def make(self, call: Call) -> Mapping[str, object]:
        self.calls.append(call)
        if error := self.before(call):
            raise error
        answer = self._answer(call)
        if error := self.after(call):
            raise error
        return answer

    def _answer(self, call: Call) -> Json:
        if call.odata_filter:
            quote_no = call.odata_filter.split("'")[1]
            return {
                "value": self._jobs(quote_no) * self.accepted.count(quote_no) if call.name == "Jobs" else []
            }
        if call.name == "GetPrice":
            return self._price(dict(call.body))
        if call.name == "AcceptQuote":
            quote_no = str(call.body["QuoteNo"])
            self.accepted.append(quote_no)
            return {"AcceptanceDetails": {"Products": self._jobs(quote_no)}}
        return {}

    def _price(self, body: Json) -> Json:
        quote_no = body.get("QuoteNo") or f"Q{len(self.quotes) + 1}"
        self.quotes.setdefault(quote_no, []).append(body)
        price = None if body["ProductCode"] == "CUSTOM-QUOTE" else 12.5
        products = [{"Quantities": [{"Price": 1.0}]} for _ in self.quotes[quote_no][:-1]]
        return {
            "QuoteDetails": {"QuoteNo": quote_no, "Products": [*products, {"Quantities": [{"Price": price}]}]}
        }

    def _jobs(self, quote_no: str) -> list[Json]:
        bodies = [body for body in self.quotes[quote_no] if body["ExternalJobReference"]]
        return [
            {"JobNo": f"J{quote_no}-{n:02}", "ExternalJobReference": body["ExternalJobReference"]}
            for n, body in enumerate(bodies, 1)
        ]


def drive(shop: Shop, chosen: InfigoSettings, printiq: FakePrintIQ, *, by_hand: bool = False) -> None:
    steps = send_order(shop, chosen, 10001, by_hand=by_hand)
    try:
        call = next(steps)
        while True:
            try:
                answer = printiq.make(call)
            except SendingError as error:
                call = steps.throw(error)
            else:
                call = steps.send(answer)
    except StopIteration:
        return


def once(name: str, error: SendingError) -> Fault:
    left = [error]
    return lambda call: left.pop() if call.name == name and left else None


def test_per_line_makes_a_quote_and_an_acceptance_for_each_line() -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS, BANNER)
    drive(shop, settings(), printiq)
    assert printiq.names() == [*["GetPrice"] * 2, *["AcceptQuote"] * 2, *["UploadArtworkURL"] * 2]
    assert [line.quote_id for line in shop.order(10001).lines] == printiq.accepted == ["Q1", "Q2"]
    artwork = printiq.calls[-1].body
    assert artwork["JobNo"] == "JQ2-01"
    assert artwork["ArtworkUrl"] == "http://127.0.0.1:8101/services/api/orderlineitem/download/m2002"


def test_per_order_appends_to_one_quote_and_accepts_it_once() -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS, PENS, BANNER)
    drive(shop, settings(quote_mode="per_order"), printiq)
    assert [call.body.get("QuoteNo") for call in printiq.calls[:3]] == [None, "Q1", "Q1"]
    assert printiq.accepted == ["Q1"]
    uploads = [call.body["JobNo"] for call in printiq.calls if call.name == "UploadArtworkURL"]
    assert uploads == ["JQ1-01", "JQ1-02"]


@pytest.mark.parametrize(("kind", "expected"), [("order_id", "10001"), ("po_number", "PO-1")])
def test_the_references_say_whose_line_it_is(kind: str, expected: str) -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS, PENS)
    drive(shop, settings(customer_reference=kind), printiq)
    card, pens = (call.body for call in printiq.calls[:2])
    assert card["CustomerReference"] == pens["CustomerReference"] == expected
    assert (card["ExternalJobReference"], card["Notes"]) == ("d2001", "")
    assert (pens["ExternalJobReference"], pens["Notes"]) == ("", "10001/s2002")


@pytest.mark.parametrize("mode", ["per_line", "per_order"])
def test_one_unpriced_line_keeps_the_whole_order_back(mode: str) -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS, UNPRICED)
    with pytest.raises(DeclinedError, match=r"m2002 .* has no price in printIQ, so the whole order stays"):
        drive(shop, settings(quote_mode=mode), printiq)
    assert printiq.accepted == []
    assert all(not line.quote_id for line in shop.order(10001).lines)


def test_an_accept_that_did_not_answer_is_looked_up_and_not_repeated() -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS)
    printiq.after = once("AcceptQuote", NoAnswerError("no answer"))
    with pytest.raises(NoAnswerError):
        drive(shop, settings(), printiq)
    drive(shop, settings(), printiq)
    assert printiq.accepted == ["Q1"]
    assert shop.submission(10001).acceptances == {"Q1": Acceptance.DONE}
    assert printiq.names()[2:] == ["Jobs", "SalesOrders", "UploadArtworkURL"]
    assert printiq.calls[-1].body["JobNo"] == "JQ1-01"


@pytest.mark.parametrize("plugin", [{}, {"odata_token": ""}], ids=["nothing found", "nowhere to look"])
def test_an_accept_that_cannot_be_found_waits_for_a_person(plugin: Json) -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS)
    printiq.before = once("AcceptQuote", NoAnswerError("no answer"))
    with pytest.raises(NoAnswerError):
        drive(shop, settings(**plugin), printiq)
    for _ in range(3):
        with pytest.raises(UnsureError, match="quote Q1 is not known; look there first"):
            drive(shop, settings(**plugin), printiq)
    assert printiq.names().count("AcceptQuote") == 1
    drive(shop, settings(**plugin), printiq, by_hand=True)
    assert printiq.accepted == ["Q1"]


def test_an_accept_that_was_never_asked_may_be_asked_again() -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS)
    printiq.before = once("AcceptQuote", NotAskedError("not reached"))
    with pytest.raises(NotAskedError):
        drive(shop, settings(), printiq)
    drive(shop, settings(), printiq)
    assert printiq.accepted == ["Q1"]


def test_artwork_that_failed_is_sent_without_accepting_again() -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    place(shop, CARDS, BANNER)
    printiq.before = once("UploadArtworkURL", NoAnswerError("no answer"))
    with pytest.raises(NoAnswerError):
        drive(shop, settings(), printiq)
    drive(shop, settings(), printiq)
    assert printiq.accepted == ["Q1", "Q2"]
    uploaded = [call.body["JobNo"] for call in printiq.calls if call.name == "UploadArtworkURL"]
    assert uploaded == ["JQ1-01", "JQ1-01", "JQ2-01"]


def test_cancelled_lines_and_orders_are_not_sent() -> None:
    shop, printiq = open_shop(), FakePrintIQ()
    order = place(shop, CARDS, BANNER)
    by = HANDLERS["updatejobstatus"]
    by(shop, MisMessage(external_job_reference=order.lines[0].job_id, status="Cancelled"))
    drive(shop, settings(), printiq)
    assert [call.body["ProductCode"] for call in printiq.calls if call.name == "GetPrice"] == [
        "BAN-ROLLER-850"
    ]
    by(shop, MisMessage(external_job_reference=order.lines[1].job_id, status="Cancelled"))
    with pytest.raises(DeclinedError, match="order is cancelled"):
        drive(shop, settings(), printiq)


@pytest.mark.parametrize("answer", [{}, {"QuoteDetails": None}, {"QuoteDetails": {"QuoteNo": ""}}])
def test_a_price_without_a_quote_number_is_no_answer(answer: Json) -> None:
    shop = open_shop()
    place(shop)
    steps = send_order(shop, settings(), 10001)
    next(steps)
    with pytest.raises(NoAnswerError, match="without a quote number"):
        steps.send(answer)


# The inbound handlers


def test_dispatched_becomes_shipped_with_tracking_once() -> None:
    shop = open_shop()
    place(shop)
    message = MisMessage(order_id="10001", job_no="J1", status="Dispatched", tracking_number="TRK1")
    for _ in range(2):
        assert HANDLERS["changestatus"](shop, message).success
    order = shop.order(10001)
    assert (order.shipping, order.tracking) == (ShippingStatus.Shipped, "TRK1")
    assert [entry["effect"] for entry in shop.ledger.entries()] == ["applied", "applied", "already"]
    another = MisMessage(order_id=10001, status="Dispatched", tracking_number="TRK2")
    assert HANDLERS["changestatus"](shop, another).success
    assert shop.order(10001).tracking == "TRK1, TRK2"


def test_dispatched_never_moves_a_delivered_order_back() -> None:
    shop = open_shop()
    place(shop)
    shop.set_shipping(10001, ShippingStatus.Delivered, BY)
    HANDLERS["changestatus"](shop, MisMessage(order_id=10001, status="Dispatched"))
    assert shop.order(10001).shipping is ShippingStatus.Delivered


def test_an_order_is_found_by_a_po_number_that_only_one_has() -> None:
    shop = open_shop()
    place(shop, po_number="PO-7")
    assert HANDLERS["changestatus"](shop, MisMessage(order_id="PO-7", status="Dispatched")).success
    place(shop, po_number="PO-7")
    with pytest.raises(NotFoundError, match="no single order for PO-7"):
        HANDLERS["changestatus"](shop, MisMessage(order_id="PO-7", status="Dispatched"))
    with pytest.raises(NotFoundError, match="none given"):
        HANDLERS["changestatus"](shop, MisMessage(status="Dispatched"))


def test_cancelled_jobs_cancel_their_lines_and_the_last_one_the_order() -> None:
    shop = open_shop()
    order = place(shop, CARDS, PENS)
    print_line, stock_line = (line.job_id for line in order.lines)
    job = MisMessage(external_job_reference=print_line, status="Cancelled")
    for _ in range(2):
        assert HANDLERS["updatejobstatus"](shop, job).success
    assert not shop.order(10001).is_cancelled
    stock = MisMessage(notes=f"10001/{stock_line}", sales_order_no="SO1", status="Cancelled")
    assert HANDLERS["updateorderstatus"](shop, stock).success
    assert shop.order(10001).is_cancelled
    assert HANDLERS["updateorderstatus"](shop, stock).success
    calls = [(entry["call"], entry["effect"]) for entry in shop.ledger.entries()][1:]
    assert calls == [
        ("updatejobstatus", "applied"),
        ("updatejobstatus", "already"),
        ("updateorderstatus", "applied"),
        ("updateorderstatus", "applied"),
        ("updateorderstatus", "already"),
    ]


def test_the_only_stock_line_needs_no_reference() -> None:
    shop = open_shop()
    place(shop, CARDS, PENS)
    assert HANDLERS["updateorderstatus"](shop, MisMessage(order_id=10001, status="Cancelled")).success
    assert [line.is_cancelled for line in shop.order(10001).lines] == [False, True]
    place(shop, PENS, PENS)
    with pytest.raises(NotFoundError, match="does not say which order line"):
        HANDLERS["updateorderstatus"](shop, MisMessage(order_id=10002, status="Cancelled"))


@pytest.mark.parametrize("name", list(HANDLERS))
def test_other_statuses_are_left_alone(name: str) -> None:
    shop = open_shop()
    place(shop)
    answer = HANDLERS[name](shop, MisMessage(order_id=10001, status="On Hold"))
    assert (answer.success, answer.message) == (False, "The status On Hold is not handled here.")
    assert len(shop.ledger) == 1


def test_only_dispatch_is_handled_unless_a_shop_switches_more_on() -> None:
    as_shipped = PluginSettings()
    assert [name for name in HANDLERS if handler_is_on(name, as_shipped)] == ["changestatus"]
    assert not handler_is_on("changestatus", PluginSettings(enabled=False))
    assert handler_is_on("updatejobstatus", PluginSettings(handler_updatejobstatus=True))
