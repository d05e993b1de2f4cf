"""Searching and reading printIQ by OData: filters, pages, and the traps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx2 as httpx
import pytest
from printiq_fakes import PrintIQ, job, sales_order
from vendor_fakes import START, Answer, html_answer, json_answer, run

from countermand.bridge.ports import MisItem, MisItemKind, OrderKeys
from countermand.core.status import GONE, Facts, Intent, LineStatus, Progress, Unreadable
from countermand.printiq import PrintIQMis, items
from countermand.printiq.mapping import job_status
from countermand.printiq.settings import ODataNames

JOBS, SALES_ORDERS = "odata/jobs", "odata/salesorders"
KEYS = OrderKeys(order_id="10001", po_number="PO'7", line_ids=("s2001", "s2002"), quote_ids=("Q5001",))


def row(number: int = 1, **fields: Any) -> dict[str, Any]:
    values = {
        "JobNo": f"J{number:05}-01",
        "AcceptanceKey": 7000 + number,
        "CustomerReference": "10001",
        "ExternalJobReference": "s2001",
        "QuoteNo": "Q5001",
        "JobTitle": "Roller banner, 850 mm",
        "Quantity": 4,
        "ProductionStatusID": 24,
        "DeliveriesTotal": 2,
        "DeliveriesConsigned": 1,
        "TrackingCodes": "JD0001,JD0002",
        "TrackingURLs": "https://t.example.com/1,https://t.example.com/2",
        "InvoiceStatus": "Invoiced",
    }
    return values | fields


def page(*rows: dict[str, Any], link: str = "") -> httpx.Response:
    return json_answer({"value": rows, **({"@odata.nextLink": link} if link else {})})


def printiq_with(jobs: Answer | list[Answer], sales_orders: Answer | list[Answer] | None = None) -> PrintIQ:
    printiq = PrintIQ()
    printiq.on(JOBS, jobs)
    printiq.on(SALES_ORDERS, sales_orders or page())
    return printiq


def find(printiq: PrintIQ, **values: Any) -> Sequence[MisItem] | None:
    return run(printiq.mis(**values).find(KEYS))


def filters(printiq: PrintIQ, entity: str) -> list[str]:
    return [
        request.url.params["$filter"] for request in printiq.requests if request.url.path.endswith(entity)
    ]


class TestFinding:
    def test_a_job_is_found_with_all_that_links_it(self) -> None:
        printiq = printiq_with(page(row()))
        found = find(printiq)
        assert found is not None
        (item,) = found
        assert (item.ref, item.group, item.quote_no) == ("J00001-01", "7001", "Q5001")
        assert (item.title, item.quantity, item.invoiced) == ("Roller banner, 850 mm", 4, True)
        assert item.status == Facts(Intent.OPEN, Progress.PART_DISPATCHED)
        assert item.tracking == {"JD0001", "JD0002"}
        assert item.tracking_urls == {"https://t.example.com/1", "https://t.example.com/2"}

    @pytest.mark.parametrize(
        ("shown", "changed_at"),
        [
            ("2026-03-02T09:30:00Z", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
            ("2026-03-02T09:30:00", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
            ("2026-03-02T19:30:00+10:00", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
            ("0001-01-01T00:00:00+10:00", None),
            ("yesterday", None),
            (None, None),
        ],
    )
    def test_when_it_was_changed_last(self, shown: str | None, changed_at: datetime | None) -> None:
        found = find(printiq_with(page(row(ModifiedDate=shown))))
        assert found is not None
        assert [item.changed_at for item in found] == [changed_at]

    def test_of_several_rows_of_one_number_the_last_change_counts(self) -> None:
        days = ("2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z", "2026-03-02T00:00:00Z")
        found = find(printiq_with(page(*(row(ModifiedDate=day) for day in days))))
        assert found is not None
        assert [item.changed_at for item in found] == [datetime(2026, 3, 5, tzinfo=UTC)]

    def test_what_is_searched_by(self) -> None:
        printiq = printiq_with(page())
        assert find(printiq) == []
        references = "CustomerReference eq '10001' or CustomerReference eq 'PO''7'"
        lines = "ExternalJobReference eq 's2001' or ExternalJobReference eq 's2002'"
        notes = "Notes eq '10001/s2001' or Notes eq '10001/s2002'"
        assert filters(printiq, "Jobs") == [f"{references} or {lines} or QuoteNo eq 'Q5001'"]
        assert filters(printiq, "SalesOrders") == [f"{references} or {notes}"]
        assert printiq.requests[0].headers["PrintIQ-Access-Token"] == "token-of-odata"
        assert b"+" not in printiq.requests[0].url.query
        assert printiq.minted == 0

    def test_many_lines_are_asked_for_in_addresses_that_are_short_enough(self) -> None:
        printiq = printiq_with(page())
        keys = OrderKeys(order_id="10001", line_ids=tuple(f"s{number}" for number in range(2000, 2120)))
        assert run(printiq.mis().find(keys)) == []
        asked = filters(printiq, "Jobs")
        assert len(asked) > 1
        assert " or ".join(asked).count("ExternalJobReference eq 's2") == 120
        assert all(len(request.url.query) < 2048 for request in printiq.requests)

    @pytest.mark.parametrize("letter", ["Dear printers, " * 200, "印" * 200])
    def test_a_po_number_that_no_address_can_hold_does_not_fail_the_search(self, letter: str) -> None:
        printiq = printiq_with(page())
        keys = OrderKeys(order_id="10001", line_ids=("s2001",), po_number=letter)
        assert run(printiq.mis().find(keys)) == []
        assert filters(printiq, "Jobs") == ["CustomerReference eq '10001' or ExternalJobReference eq 's2001'"]
        assert all(len(request.url.query) < 2048 for request in printiq.requests)

    def test_a_job_that_two_searches_find_is_one_item(self) -> None:
        printiq = printiq_with(page(row(), row()))
        found = find(printiq)
        assert found is not None
        assert len(found) == 1

    def test_items_of_one_sales_order_are_one_item(self) -> None:
        rows = [
            {"SalesOrderNo": "SO1", "Status": "Confirmed", "Notes": "10001/s1", "Quantity": 2},
            {"SalesOrderNo": "SO1", "Status": "Confirmed", "Notes": "10001/s2", "Quantity": 3},
        ]
        found = find(printiq_with(page(), page(*rows)))
        assert found is not None
        assert [(item.ref, item.notes, item.quantity) for item in found] == [("SO1", "10001/s1\n10001/s2", 5)]

    def test_an_entity_that_is_switched_off_is_not_asked(self) -> None:
        printiq = printiq_with(page(row()))
        assert find(printiq, odata=ODataNames(sales_order_entity=""))
        assert printiq.calls == ["Jobs"]

    @pytest.mark.parametrize("values", [{"find_by": "person"}, {"find_by": "hook"}, {"odata_token": ""}])
    def test_where_nothing_can_be_searched_nothing_is_asked(self, values: dict[str, str]) -> None:
        printiq = PrintIQ()
        assert find(printiq, **values) is None
        assert printiq.requests == []

    @pytest.mark.parametrize(
        "failure",
        [
            html_answer(200),
            json_answer({"error": {"message": "The resource 'Jobs' was not found."}}, 404),
            json_answer({"error": {"message": "Unknown field"}}, 400),
            json_answer({"value": {"JobNo": "J1"}}),
            json_answer([]),
            json_answer(None),
            json_answer({}, 500),
            page({"Number": "J1"}),
            httpx.ReadTimeout(""),
        ],
    )
    def test_half_a_search_is_no_search(self, failure: httpx.Response | Exception) -> None:
        assert find(printiq_with(failure)) is None
        assert find(printiq_with(page(row()), failure)) is None


class TestWithoutAJobEntity:
    """Where OData has sales orders only, nothing may say that jobs were looked for."""

    def mis(self) -> PrintIQMis:
        self.printiq = printiq_with(page(row()), page({"SalesOrderNo": "SO1", "Status": "Paid"}))
        return self.printiq.mis(odata=ODataNames(job_entity=""))

    def test_neither_a_search_nor_a_list_of_jobs_is_offered(self) -> None:
        rows = self.mis().capabilities
        for name in ("find", "list"):
            assert not rows[name].offered
            assert "odata.job_entity" in rows[name].how

    def test_a_search_says_that_there_was_none(self) -> None:
        mis = self.mis()
        assert run(mis.find(KEYS)) is None
        assert self.printiq.requests == []

    def test_sales_orders_are_listed_all_the_same(self) -> None:
        mis = self.mis()
        found = run(mis.list_changed(START))
        assert found is not None
        assert [(item.ref, item.kind) for item in found] == [("SO1", MisItemKind.SALES_ORDER)]
        assert self.printiq.calls == ["SalesOrders"]


class TestPaging:
    def rows(self, first: int, count: int) -> list[dict[str, Any]]:
        return [row(number) for number in range(first, first + count)]

    def read(self, printiq: PrintIQ) -> list[str]:
        found = run(printiq.mis(odata=ODataNames(sales_order_entity="")).list_changed(START))
        assert found is not None
        return [item.ref for item in found]

    def test_next_links_are_followed(self) -> None:
        link = "https://acme.example.com/iq/api/v1/odata/Jobs?$skip=50&$filter=x"
        printiq = printiq_with([page(*self.rows(1, 50), link=link), page(*self.rows(51, 7))])
        assert len(self.read(printiq)) == 57
        assert str(printiq.requests[1].url) == link
        assert printiq.requests[1].headers["PrintIQ-Access-Token"] == "token-of-odata"

    def test_without_a_next_link_a_full_page_is_followed_by_counting(self) -> None:
        printiq = printiq_with([page(*self.rows(1, 50)), page(*self.rows(51, 50)), page()])
        assert len(self.read(printiq)) == 100
        skips = [request.url.params.get("$skip") for request in printiq.requests]
        assert skips == [None, "50", "100"]

    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example.com/iq/api/v1/odata/Jobs?$skip=50",
            "http://acme.example.com/iq/api/v1/odata/Jobs?$skip=50",
            "//evil.example.com/Jobs",
            "https://acme.example.com@evil.example.com/Jobs",
            "file:///etc/passwd",
            "Jobs?$skip=50",
        ],
    )
    def test_a_next_link_to_elsewhere_is_counted_past_instead(self, link: str) -> None:
        printiq = printiq_with([page(*self.rows(1, 50), link=link), page(*self.rows(51, 3))])
        assert len(self.read(printiq)) == 53
        assert {request.url.host for request in printiq.requests} == {"acme.example.com"}
        assert {request.url.scheme for request in printiq.requests} == {"https"}
        assert printiq.requests[1].url.params["$skip"] == "50"

    def test_a_next_link_that_goes_round_in_circles_ends(self) -> None:
        link = "https://acme.example.com/iq/api/v1/odata/Jobs?$skip=0"
        full = page(*self.rows(1, 50), link=link)
        printiq = printiq_with([full, full, page()])
        assert len(self.read(printiq)) == 50
        assert len(printiq.requests) == 3

    def test_pages_without_end_are_no_answer(self) -> None:
        numbers = iter(range(1, 10_000_000, 50))

        def endless(_: httpx.Request) -> httpx.Response:
            first = next(numbers)
            return page(*({"JobNo": f"J{number}"} for number in range(first, first + 50)))

        printiq = printiq_with(endless)
        mis = printiq.mis(odata=ODataNames(sales_order_entity=""), calls_per_second=1000)
        assert run(mis.list_changed(START)) is None
        assert len(printiq.requests) < 500

    def test_a_page_that_fails_fails_the_whole(self) -> None:
        printiq = printiq_with([page(*self.rows(1, 50)), html_answer(200)])
        assert run(printiq.mis().list_changed(START)) is None


class TestListing:
    def test_changed_since_a_time_in_utc(self) -> None:
        printiq = printiq_with(page(row()), page({"SalesOrderNo": "SO1", "Status": "Paid"}))
        since = datetime.fromisoformat("2026-11-23T10:00:00.999+02:00")
        found = run(printiq.mis().list_changed(since))
        assert found is not None
        assert [item.ref for item in found] == ["J00001-01", "SO1"]
        assert filters(printiq, "Jobs") == ["ModifiedDate ge 2026-11-23T08:00:00Z"]
        assert [request.url.params["$orderby"] for request in printiq.requests] == ["JobNo", "SalesOrderNo"]

    def test_a_job_on_which_our_code_fails_is_named_and_holds_up_no_other(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stumbles(value: object, *more: Any) -> LineStatus:
            if value == 77:
                raise KeyError(value)
            return job_status(value, *more)

        monkeypatch.setattr(items, "job_status", stumbles)
        printiq = printiq_with(page(row(1), row(2, ProductionStatusID=77), row(3)))
        found = run(printiq.mis().list_changed(START))
        assert found is not None
        by_ref = {item.ref: item for item in found}
        assert sorted(by_ref) == ["J00001-01", "J00002-01", "J00003-01"]
        failed = by_ref["J00002-01"]
        assert isinstance(failed.status, Unreadable)
        assert "fault of ours" in failed.status.reason
        assert failed.raw == ""
        assert all(item.raw for ref, item in by_ref.items() if ref != failed.ref)
        with pytest.raises(KeyError):
            find(printiq_with(page(row(2, ProductionStatusID=77))))

    def test_where_nothing_can_be_read_back_such_a_job_still_says_why(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stumbles(*_given: Any) -> LineStatus:
            raise KeyError(77)

        monkeypatch.setattr(items, "job_status", stumbles)
        (item,) = run(printiq_with(page(row())).mis(read_by="none").list_changed(START)) or ()
        assert isinstance(item.status, Unreadable)
        assert "fault of ours" in item.status.reason

    def test_it_is_offered_with_a_token_only(self) -> None:
        printiq = PrintIQ()
        assert run(printiq.mis(odata_token="").list_changed(datetime.now(UTC))) is None
        assert printiq.requests == []


class TestReading:
    def test_jobs_and_sales_orders_are_two_calls(self) -> None:
        printiq = printiq_with(
            page(row(1, AcceptanceKey=None), row(2)), page({"SalesOrderNo": "SO881", "Status": "Paid"})
        )
        refs = [job("J00002-01"), sales_order(), job("J00001-01"), job("J00003-01")]
        items = run(printiq.mis(read_by="odata").read(refs))
        assert [item.ref for item in items] == [ref.ref for ref in refs]
        assert [type(item.status) for item in items[:3]] == [Facts, Facts, Facts]
        assert items[3].status == GONE
        assert items[2].group == "7001"
        assert filters(printiq, "Jobs") == [
            "JobNo eq 'J00002-01' or JobNo eq 'J00001-01' or JobNo eq 'J00003-01'"
        ]
        assert len(printiq.requests) == 2

    @pytest.mark.parametrize("failure", [html_answer(200), json_answer({}, 404), httpx.ReadTimeout("")])
    def test_a_failure_is_unreadable_and_never_gone(self, failure: httpx.Response | Exception) -> None:
        (item,) = run(printiq_with(failure).mis(read_by="odata").read([job()]))
        assert isinstance(item.status, Unreadable)
        assert item.status.reason

    def test_a_kind_without_an_entity_is_unreadable(self) -> None:
        printiq = printiq_with(page(row()))
        mis = printiq.mis(read_by="odata", odata=ODataNames(sales_order_entity=""))
        (item,) = run(mis.read([sales_order()]))
        assert isinstance(item.status, Unreadable)
        assert "odata.sales_order_entity" in item.status.reason


def test_a_job_that_changed_between_two_pages_is_what_the_later_one_shows() -> None:
    """It would else be half cancelled, with twice its deliveries, until somebody reads it again."""
    before = row(7, ProductionStatusID=22, DeliveriesTotal=1, DeliveriesConsigned=0)
    after = row(7, ProductionStatusID=17, DeliveriesTotal=1, DeliveriesConsigned=1, Quantity=4)
    full = [before, *(row(number) for number in range(100, 149))]
    printiq = printiq_with([page(*full), page(after)])
    found = run(printiq.mis().list_changed(START))
    assert found is not None
    (item,) = (each for each in found if each.ref == "J00007-01")
    assert (item.status, item.quantity) == (Facts(Intent.CANCELLED, Progress.DISPATCHED), 4)
