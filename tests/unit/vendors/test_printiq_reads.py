"""Reading jobs and sales orders back by acceptance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import msgspec
import pytest
from printiq_fakes import (
    DETAILS,
    PrintIQ,
    acceptance,
    delivery,
    envelope,
    job,
    sales_order,
    stock_row,
)
from vendor_fakes import START, html_answer, json_answer, run

from countermand.bridge.ports import MisItem, MisItemKind, MisRef
from countermand.core.status import GONE, Facts, Intent, Progress, Unmapped, Unreadable
from countermand.printiq.settings import AcceptanceNames, ODataNames

SO_KEY = "quoteprocess_getqqakeyfromsonumber"


def read(printiq: PrintIQ, refs: list[MisRef], **values: Any) -> list[MisItem]:
    return list(run(printiq.mis(**values).read(refs)))


def requests_of(printiq: PrintIQ) -> list[object]:
    return [
        msgspec.json.decode(request.content)
        for request in printiq.requests
        if request.url.path.endswith("GetAcceptanceDetails")
    ]


def test_one_acceptance_is_one_call() -> None:
    printiq = PrintIQ()
    rows = [delivery(), delivery("J29328-02", ExternalJobReference="s2003", ProductionStatusID=5)]
    printiq.on(DETAILS, acceptance(*rows, stock=(stock_row(),)))
    refs = [sales_order(), job("J29328-02"), job(), job()]
    items = read(printiq, refs)
    assert [item.ref for item in items] == [ref.ref for ref in refs]
    assert requests_of(printiq) == [{"AcceptanceKey": 7001}]
    stock, second, first, again = items
    assert first == again
    assert first.began_at == START
    assert (first.customer_reference, first.external_reference, first.group) == ("10001", "s2001", "7001")
    assert first.status == Facts(Intent.OPEN, Progress.NONE)
    assert second.status == Facts(Intent.OPEN, Progress.STARTED)
    assert (stock.kind, stock.notes, stock.quantity) == (MisItemKind.SALES_ORDER, "10001/s2002", 5)
    assert msgspec.json.decode(first.raw) == rows[0]


def test_two_acceptances_are_two_calls() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, [acceptance(delivery()), acceptance(delivery("J29329-01", AcceptanceKey=7002))])
    items = read(printiq, [job(), job("J29329-01", "7002")])
    assert [type(item.status) for item in items] == [Facts, Facts]
    assert requests_of(printiq) == [{"AcceptanceKey": 7001}, {"AcceptanceKey": 7002}]


def test_a_job_of_an_unknown_acceptance_is_read_by_its_number() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery()))
    (item,) = read(printiq, [job(group="")])
    assert item.group == "7001"
    assert requests_of(printiq) == [{"JobNo": "J29328-01"}]


@pytest.mark.parametrize("key", [0, "0", None, ""])
def test_a_row_without_an_acceptance_key_keeps_the_one_that_is_known(key: object) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery(AcceptanceKey=key)))
    assert [item.group for item in read(printiq, [job(), job(group="")])] == ["7001", ""]


def test_sales_orders_of_an_unknown_acceptance_are_looked_up_and_read_together() -> None:
    printiq = PrintIQ()
    printiq.on(SO_KEY, envelope(QQAKey=7001))
    printiq.on(DETAILS, acceptance(delivery(), stock=(stock_row(), stock_row("SO881-001"))))
    items = read(printiq, [sales_order(group=""), sales_order("SO881-001", group=""), job()])
    assert [type(item.status) for item in items] == [Facts, Facts, Facts]
    assert requests_of(printiq) == [{"AcceptanceKey": 7001}]


def test_deliveries_of_a_job_are_counted_and_their_tracking_gathered() -> None:
    printiq = PrintIQ()
    parcels = [
        delivery(
            FDKey=1,
            Quantity=100,
            ConsignmentNo="C1",
            ConsignmentTrackingCode="JD0001;JD0002",
            ConsignmentTrackingURL="https://track.example.com/?a=1,2",
        ),
        delivery(FDKey=2, Quantity=150),
    ]
    printiq.on(DETAILS, acceptance(*parcels))
    (item,) = read(printiq, [job()])
    assert item.status == Facts(Intent.OPEN, Progress.PART_DISPATCHED)
    assert item.tracking == {"JD0001", "JD0002"}
    assert item.tracking_urls == {"https://track.example.com/?a=1,2"}
    assert item.quantity == 250


@pytest.mark.parametrize("quantity", [None, "", "1,000", "about 150"])
def test_a_quantity_of_which_a_part_cannot_be_read_is_unknown(quantity: object) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery(Quantity="100"), delivery(FDKey=2, Quantity=quantity)))
    (item,) = read(printiq, [job()])
    assert item.quantity is None


def test_a_cancelled_job_whose_parcel_has_left_says_both() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery(ProductionStatusID=17, ConsignmentNo="C1")))
    (item,) = read(printiq, [job()])
    assert item.status == Facts(Intent.CANCELLED, Progress.DISPATCHED)


def test_a_label_is_never_looked_at() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery(ProductionStatus="CANCELLED")))
    (item,) = read(printiq, [job()])
    assert item.status == Facts(Intent.OPEN, Progress.NONE)


def test_rows_that_disagree_are_combined_and_not_chosen_from() -> None:
    printiq = PrintIQ()
    rows = [delivery(FDKey=1, ProductionStatusID=17), delivery(FDKey=2, ProductionStatusID=5)]
    printiq.on(DETAILS, acceptance(*rows))
    (item,) = read(printiq, [job()])
    assert isinstance(item.status, Facts)
    assert not item.status.cancelled


def test_items_of_a_sales_order_count_together() -> None:
    printiq = PrintIQ()
    rows = (stock_row(Status="Cancelled"), stock_row(FDKey=9102, Status="Picked", Notes="10001/s2004"))
    printiq.on(DETAILS, acceptance(stock=rows))
    (item,) = read(printiq, [sales_order()])
    assert item.notes == "10001/s2002\n10001/s2004"
    assert isinstance(item.status, Facts)
    assert not item.status.cancelled


def test_an_item_that_the_answer_leaves_out_is_gone() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery("J29328-02")))
    printiq.on(SO_KEY, envelope(QQAKey=7001))
    items = read(printiq, [job(), sales_order()])
    assert [item.status for item in items] == [GONE, GONE]


@pytest.mark.parametrize("text", ["Job J29328-01 not found", "That acceptance does not exist."])
def test_what_printiq_does_not_know_is_gone(text: str) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, envelope(text))
    (item,) = read(printiq, [job(group="")])
    assert item.status == GONE
    assert text in item.raw


def test_the_texts_that_mean_gone_are_a_setting() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, envelope("Kein solcher Auftrag"))
    (item,) = read(printiq, [job()], not_found_texts=("kein solcher",))
    assert item.status == GONE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (envelope("Object reference not set"), "Object reference not set"),
        (envelope("Login token not found"), "token not found"),
        (envelope("The user of this session does not exist"), "does not exist"),
        (json_answer({"IsError": True}), "without a message"),
        (json_answer({"IsError": "perhaps", "AcceptanceProductDeliveryDetails": []}), "without a message"),
        (json_answer({"Message": "Job not found"}, 404), "HTTP 404"),
        (html_answer(404), "HTTP 404"),
        (html_answer(200), "login page"),
        (json_answer({"Message": "oops"}, 500), "HTTP 500"),
        (json_answer(None), "envelope"),
        (json_answer([]), "envelope"),
        (envelope(), "neither AcceptanceProductDeliveryDetails nor"),
        (envelope(AcceptanceProductDeliveryDetails="none"), "neither"),
        (acceptance({"FDKey": 1, "ProductionStatusID": 22}), "no JobNo"),
        (httpx.ReadTimeout(""), "did not answer"),
    ],
)
def test_a_wrong_answer_is_unreadable_and_never_gone(answer: httpx.Response | Exception, words: str) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, answer)
    items = read(printiq, [job(), sales_order()])
    for item in items:
        assert isinstance(item.status, Unreadable)
        assert words in item.status.reason
        assert item.group == "7001"


def test_an_acceptance_without_statuses_is_unreadable_but_keeps_its_references() -> None:
    printiq = PrintIQ()
    row = delivery()
    del row["ProductionStatusID"]
    printiq.on(DETAILS, acceptance(row))
    (item,) = read(printiq, [job()])
    assert isinstance(item.status, Unreadable)
    assert item.customer_reference == "10001"


def test_an_unknown_id_is_unmapped() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery(ProductionStatusID=99)))
    (item,) = read(printiq, [job()])
    assert item.status == Unmapped("production status 99")


def test_one_acceptance_that_fails_leaves_the_other() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, [json_answer({}, 500), acceptance(delivery("J29329-01"))])
    first, second = read(printiq, [job(), job("J29329-01", "7002")])
    assert isinstance(first.status, Unreadable)
    assert isinstance(second.status, Facts)


@pytest.mark.parametrize("answer", [envelope("Sales order SO881 not found"), envelope(), html_answer()])
def test_a_sales_order_that_cannot_be_looked_up(answer: httpx.Response) -> None:
    printiq = PrintIQ()
    printiq.on(SO_KEY, answer)
    (item,) = read(printiq, [sales_order(group="")])
    assert item.status == GONE or isinstance(item.status, Unreadable)
    assert requests_of(printiq) == []


def test_the_paths_are_settings() -> None:
    printiq = PrintIQ()
    row = {"Job": {"No": "J29328-01"}, "StatusId": 17}
    printiq.on(DETAILS, envelope(Order={"Jobs": [row]}))
    names = {"jobs": "Order.Jobs", "job_no": "Job.No", "status_id": "StatusId"}
    mis = printiq.mis(acceptance=AcceptanceNames(**names))
    (item,) = run(mis.read([job()]))
    assert isinstance(item.status, Facts)
    assert item.status.cancelled


def test_read_by_none_reads_nothing() -> None:
    printiq = PrintIQ()
    (item,) = read(printiq, [job()], read_by="none")
    assert isinstance(item.status, Unreadable)
    assert "read_by" in item.status.reason
    assert printiq.requests == []


def test_nothing_to_read_is_no_call() -> None:
    printiq = PrintIQ()
    assert read(printiq, []) == []
    assert printiq.requests == []


def test_pages_for_people() -> None:
    mis = PrintIQ().mis()
    assert mis.item_url(job()) == "https://acme.example.com/iq/jobs/J29328-01"
    assert mis.item_url(sales_order("SO 1/2")) == "https://acme.example.com/iq/salesorders/SO%201%2F2"


def test_capabilities_follow_the_settings() -> None:
    names = {"find", "list", "read", "cancel_job", "cancel_sales_order"}

    def offered(**values: Any) -> set[str]:
        rows = PrintIQ().mis(**values).capabilities
        assert set(rows) == names
        assert all(row.name == name and row.how for name, row in rows.items())
        return {name for name, row in rows.items() if row.offered}

    assert offered() == {"find", "list", "read", "cancel_job"}
    assert offered(odata_token="") == {"read", "cancel_job"}
    assert offered(odata=ODataNames(job_entity="")) == {"read", "cancel_job"}
    assert offered(odata=ODataNames(sales_order_entity="")) == {"find", "list", "read", "cancel_job"}
    assert offered(find_by="person") == {"list", "read", "cancel_job"}
    assert offered(read_by="none", odata_token="") == {"cancel_job"}


@pytest.mark.parametrize("lists", [{}, {"AcceptanceProductDeliveryDetails": None}])
def test_an_answer_without_the_list_of_jobs_does_not_say_that_a_job_is_gone(lists: dict[str, Any]) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, envelope(AcceptanceItemDeliveryDetails=[stock_row()], **lists))
    lost, stock = read(printiq, [job(), sales_order()])
    assert isinstance(lost.status, Unreadable)
    assert "AcceptanceProductDeliveryDetails" in lost.status.reason
    assert isinstance(stock.status, Facts)


def _by_key(answers: dict[tuple[str, object], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    """Answers `GetAcceptanceDetails` by the one key that it was asked with."""

    def answer(request: httpx.Request) -> httpx.Response:
        ((name, value),) = msgspec.json.decode(request.content).items()
        return answers[name, value]

    return answer


@pytest.mark.parametrize("other", [acceptance(delivery("J4")), envelope("Acceptance 6999 not found")])
def test_a_job_that_its_acceptance_does_not_list_is_read_by_its_number(other: httpx.Response) -> None:
    """A message may have named the wrong acceptance: absence there proves nothing."""
    printiq = PrintIQ()
    known = acceptance(delivery(ProductionStatusID=5))
    printiq.on(DETAILS, _by_key({("AcceptanceKey", 6999): other, ("JobNo", "J29328-01"): known}))
    (item,) = read(printiq, [job(group="6999")])
    assert item.status == Facts(Intent.OPEN, Progress.STARTED)
    assert item.group == "7001"


def test_a_sales_order_that_its_acceptance_does_not_list_is_looked_up_by_its_number() -> None:
    printiq = PrintIQ()
    printiq.on(SO_KEY, envelope(QQAKey=7001))
    other, known = acceptance(delivery("J4")), acceptance(stock=(stock_row(),))
    printiq.on(DETAILS, _by_key({("AcceptanceKey", 6999): other, ("AcceptanceKey", 7001): known}))
    (item,) = read(printiq, [sales_order(group="6999")])
    assert item.status == Facts(Intent.OPEN, Progress.NONE)
    assert item.group == "7001"


def test_what_is_found_by_neither_key_is_gone() -> None:
    printiq = PrintIQ()
    printiq.on(SO_KEY, envelope("Sales order SO881 not found"))
    answers = {("AcceptanceKey", 7001): acceptance(), ("JobNo", "J29328-01"): envelope("Job not found")}
    printiq.on(DETAILS, _by_key(answers))
    assert [item.status for item in read(printiq, [job(), sales_order()])] == [GONE, GONE]


@pytest.mark.parametrize("number", ["", None, 0, "0", " "])
def test_a_delivery_without_a_consignment_has_not_left(number: object) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery(ConsignmentNo=number)))
    (item,) = read(printiq, [job()])
    assert item.status == Facts(Intent.OPEN, Progress.NONE)


def test_how_a_sales_order_is_looked_up_is_a_setting() -> None:
    printiq = PrintIQ()
    printiq.on(SO_KEY, envelope(Schluessel=7001))
    printiq.on(DETAILS, acceptance(stock=(stock_row(),)))
    names = AcceptanceNames(sales_order_asked="SONumber", sales_order_key="Schluessel")
    (item,) = read(printiq, [sales_order(group="")], acceptance=names)
    assert item.status == Facts(Intent.OPEN, Progress.NONE)
    asked = next(each for each in printiq.requests if each.url.path.lower().endswith(SO_KEY))
    assert msgspec.json.decode(asked.content) == {"SONumber": "SO881"}


@pytest.mark.parametrize("key", [0, "0", "", None])
def test_an_acceptance_key_of_0_is_none_and_nothing_is_gone(key: object) -> None:
    printiq = PrintIQ()
    printiq.on(SO_KEY, envelope(QQAKey=key))
    printiq.on(DETAILS, envelope("Acceptance 0 not found"))
    (item,) = read(printiq, [sales_order(group="")])
    assert isinstance(item.status, Unreadable)
    assert "no acceptance key" in item.status.reason
