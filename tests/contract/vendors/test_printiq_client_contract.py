"""The printIQ client against the simulated MIS, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from vendor_systems import Json, PrintIQ, now, running_printiq

from countermand.bridge.ports import MisItem, MisItemKind, MisRef, OrderKeys
from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.core.status import GONE, Facts, Intent, Progress, Unreadable
from countermand.printiq import PrintIQMis
from countermand.printiq.mapping import PRODUCTION_STATUSES, Deliveries, job_status
from countermand.simulators import printiq as printiq_simulator

LOGIN, DETAILS, CANCEL = "GetApplicationLogInToken", "GetAcceptanceDetails", "RunEvent"


@pytest.fixture(scope="module")
def _server() -> Iterator[PrintIQ]:
    with running_printiq() as printiq:
        yield printiq


FIRST_SETTINGS = {
    name: getattr(printiq_simulator.PrintIQSettings(), name)
    for name in (
        "acceptance_carries_status",
        "deliveries_per_job",
        "odata_job_entity",
        "refuse_cancel_when",
        "require_file_refs",
        "token_styles",
    )
}


@pytest.fixture
def printiq(_server: PrintIQ) -> PrintIQ:
    """The running MIS without faults, at its first settings, with nothing counted."""
    _server.no_faults()
    _server.settings(**FIRST_SETTINGS)
    _server.calls.clear()
    return _server


def print_line(order_id: str = "10001", line_id: str = "s2001", **fields: object) -> Json:
    line: Json = {"CustomerReference": order_id, "ExternalJobReference": line_id, "JobTitle": "Roller banner"}
    return line | fields


def stock_line(order_id: str = "10001", line_id: str = "s2002") -> Json:
    return {"CustomerReference": order_id, "Notes": f"{order_id}/{line_id}", "Quantity": 5}


def refs(placed: Json, *, group: bool = True) -> list[MisRef]:
    key = str(placed["Id"]) if group else ""
    jobs = [MisRef(ref=number, kind=MisItemKind.JOB, group=key) for number in placed["jobs"]]
    orders = [MisRef(ref=number, kind=MisItemKind.SALES_ORDER, group=key) for number in placed["salesorders"]]
    return [*jobs, *orders]


def read(printiq: PrintIQ, wanted: list[MisRef], **settings: Any) -> list[MisItem]:
    async def work(mis: PrintIQMis) -> list[MisItem]:
        return list(await mis.read(wanted))

    return printiq.use(work, **settings)


def cancel(printiq: PrintIQ, ref: MisRef, **settings: Any) -> Answer:
    return printiq.use(lambda mis: mis.cancel(ref), **settings)


class TestFinding:
    def test_by_order_id_line_id_and_notes(self, printiq: PrintIQ) -> None:
        order_id = "30001"
        by_order = printiq.place(print_line(order_id, "x1"))
        by_line = printiq.place(print_line("PO-9", "s30011"))
        by_notes = printiq.place(stock=(stock_line(order_id, "s30012"),))
        printiq.place(print_line("30002", "s30021"))
        keys = OrderKeys(order_id=order_id, line_ids=("s30011", "s30012"))
        found = printiq.use(lambda mis: mis.find(keys))
        assert found is not None
        placed = [*by_order["jobs"], *by_line["jobs"], *by_notes["salesorders"]]
        assert sorted(item.ref for item in found) == sorted(placed)
        assert {item.group for item in found} == {str(each["Id"]) for each in (by_order, by_line, by_notes)}

    def test_by_po_number_with_a_quote_in_it(self, printiq: PrintIQ) -> None:
        placed = printiq.place(print_line("O'Brien & Co/7 +1", "s1"))
        keys = OrderKeys(order_id="31001", po_number="O'Brien & Co/7 +1")
        found = printiq.use(lambda mis: mis.find(keys))
        assert found is not None
        assert [(item.ref, item.customer_reference) for item in found] == [
            (placed["jobs"][0], "O'Brien & Co/7 +1")
        ]

    def test_nothing_found_is_an_empty_answer_and_a_failure_is_none(self, printiq: PrintIQ) -> None:
        keys = OrderKeys(order_id="39999")
        assert printiq.use(lambda mis: mis.find(keys)) == []
        assert printiq.use(lambda mis: mis.find(keys), odata_token="wrong-token") is None
        printiq.settings(odata_job_entity="")
        assert printiq.use(lambda mis: mis.find(keys)) is None

    def test_many_line_ids(self, printiq: PrintIQ) -> None:
        placed = printiq.place(print_line("x", "s88119"))
        keys = OrderKeys(order_id="32001", line_ids=tuple(f"s{number}" for number in range(88000, 88120)))
        found = printiq.use(lambda mis: mis.find(keys))
        assert found is not None
        assert [item.ref for item in found] == placed["jobs"]


class TestListing:
    def test_pages_by_next_link(self) -> None:
        with running_printiq() as printiq:
            placed = printiq.post("orders", {"count": 130})["orders"]
            found = printiq.use(lambda mis: mis.list_changed(now() - timedelta(days=3650)))
            assert found is not None
            numbers = [number for order in placed for number in (*order["jobs"], *order["salesorders"])]
            assert sorted(item.ref for item in found) == sorted(numbers)
            assert printiq.calls["OData.Jobs"] == len([n for o in placed for n in o["jobs"]]) // 50 + 1

    def test_a_search_and_a_list_show_no_status_where_none_can_be_read_back(self, printiq: PrintIQ) -> None:
        """Else an order would go back and forth between what a list shows and what cannot be read."""
        placed = printiq.place(print_line("30500", "s305001"))

        async def work(mis: PrintIQMis) -> list[MisItem]:
            listed = await mis.list_changed(now() - timedelta(days=3650)) or []
            found = await mis.find(OrderKeys(order_id="30500")) or []
            own = [item for item in (*listed, *found) if item.ref == placed["jobs"][0]]
            return [*own, *await mis.read(refs(placed))]

        items = printiq.use(work, read_by="none")
        assert len(items) == 3
        assert {item.status for item in items} == {items[2].status}
        assert isinstance(items[2].status, Unreadable)

    def test_only_what_changed_since(self, printiq: PrintIQ) -> None:
        printiq.place(print_line())
        assert printiq.use(lambda mis: mis.list_changed(now() + timedelta(minutes=1))) == []


class TestReading:
    @pytest.mark.parametrize("read_by", ["acceptance", "odata"])
    def test_every_status_id(self, printiq: PrintIQ, read_by: str) -> None:
        placed = printiq.place(*(print_line() for _ in PRODUCTION_STATUSES))
        for number, status_id in zip(placed["jobs"], PRODUCTION_STATUSES, strict=True):
            printiq.post(f"jobs/{number}/status", {"ProdStatusID": status_id})
        items = read(printiq, refs(placed), read_by=read_by)
        assert [item.status for item in items] == [
            job_status(status_id, Deliveries(1, 0), "all_deliveries") for status_id in PRODUCTION_STATUSES
        ]

    def test_one_order_is_one_call(self, printiq: PrintIQ) -> None:
        placed = printiq.place(print_line(), print_line(line_id="s2003"), stock=(stock_line(),))
        before = printiq.seen()
        items = read(printiq, refs(placed))
        assert [type(item.status) for item in items] == [Facts] * 3
        assert printiq.seen() - before == {LOGIN: 1, DETAILS: 1}
        assert printiq.calls == {LOGIN: 1, DETAILS: 1}

    @pytest.mark.parametrize("read_by", ["acceptance", "odata"])
    def test_dispatch_in_two_parcels(self, printiq: PrintIQ, read_by: str) -> None:
        printiq.settings(deliveries_per_job=2)
        placed = printiq.place(print_line())
        (job,) = refs(placed)
        parcel = {
            "ConsignmentTrackingCode": "JD0001",
            "ConsignmentTrackingURL": "https://t.example.com/JD0001",
        }
        printiq.post(f"jobs/{job.ref}/dispatch", {**parcel, "deliveries": 1})
        (item,) = read(printiq, [job], read_by=read_by)
        assert item.status == Facts(Intent.OPEN, Progress.PART_DISPATCHED)
        assert item.tracking == {"JD0001"}
        assert item.tracking_urls == {"https://t.example.com/JD0001"}
        (item,) = read(printiq, [job], read_by=read_by, dispatched_when="first_consignment")
        assert item.status == Facts(Intent.OPEN, Progress.DISPATCHED)
        printiq.post(f"jobs/{job.ref}/dispatch", {"ConsignmentTrackingCode": "JD0002"})
        (item,) = read(printiq, [job], read_by=read_by)
        assert item.status == Facts(Intent.OPEN, Progress.DISPATCHED)
        assert item.tracking == {"JD0001", "JD0002"}

    @pytest.mark.parametrize("read_by", ["acceptance", "odata"])
    def test_a_sales_order_through_its_life(self, printiq: PrintIQ, read_by: str) -> None:
        placed = printiq.place(stock=(stock_line(),))
        (order,) = refs(placed)

        def status() -> object:
            (item,) = read(printiq, [order], read_by=read_by)
            assert (item.kind, item.notes) == (MisItemKind.SALES_ORDER, "10001/s2002")
            return item.status

        assert status() == Facts(Intent.OPEN, Progress.NONE)
        printiq.post(f"salesorders/{order.ref}/status", {"Status": "Picked"})
        assert status() == Facts(Intent.OPEN, Progress.STARTED)
        printiq.post(f"salesorders/{order.ref}/cancel")
        assert status() == Facts(Intent.CANCELLED, Progress.NONE, history_known=False)
        printiq.post(f"salesorders/{order.ref}/reactivate")
        printiq.post(f"salesorders/{order.ref}/dispatch", {"ConsignmentTrackingCode": "JD0009"})
        assert status() == Facts(Intent.OPEN, Progress.DISPATCHED)

    def test_without_a_known_acceptance(self, printiq: PrintIQ) -> None:
        placed = printiq.place(print_line(), stock=(stock_line(),))
        items = read(printiq, refs(placed, group=False))
        assert [type(item.status) for item in items] == [Facts, Facts]
        assert {item.group for item in items} == {str(placed["Id"])}

    @pytest.mark.parametrize("read_by", ["acceptance", "odata"])
    @pytest.mark.parametrize("group", ["", "99999999"])
    @pytest.mark.parametrize("kind", list(MisItemKind))
    def test_what_is_not_there_is_gone(
        self, printiq: PrintIQ, read_by: str, group: str, kind: MisItemKind
    ) -> None:
        (item,) = read(printiq, [MisRef(ref="J99999-01", kind=kind, group=group)], read_by=read_by)
        assert item.status == GONE

    def test_an_instance_whose_acceptance_says_no_status(self, printiq: PrintIQ) -> None:
        placed = printiq.place(print_line(), stock=(stock_line(),))
        printiq.settings(acceptance_carries_status=False)
        for item in read(printiq, refs(placed)):
            assert isinstance(item.status, Unreadable)
            assert item.customer_reference == "10001"
        assert all(isinstance(item.status, Facts) for item in read(printiq, refs(placed), read_by="odata"))

    def test_an_invoice_shows_in_odata(self, printiq: PrintIQ) -> None:
        placed = printiq.place(print_line())
        (job,) = refs(placed)
        assert read(printiq, [job], read_by="odata")[0].invoiced is False
        printiq.post(f"jobs/{job.ref}/invoice")
        assert read(printiq, [job], read_by="odata")[0].invoiced is True
        assert read(printiq, [job])[0].invoiced is None


class TestLogin:
    @pytest.mark.parametrize(("style", "logins"), [("query", 1), ("form", 2), ("get", 3)])
    def test_every_way_of_logging_in(self, printiq: PrintIQ, style: str, logins: int) -> None:
        placed = printiq.place(print_line())
        printiq.settings(token_styles=[style])
        (item,) = read(printiq, refs(placed))
        assert isinstance(item.status, Facts)
        assert printiq.calls[LOGIN] == logins

    def test_an_expired_token_is_replaced_once(self, printiq: PrintIQ) -> None:
        wanted = refs(printiq.place(print_line()))

        async def work(mis: PrintIQMis) -> list[MisItem]:
            await mis.read(wanted)
            printiq.fault(DETAILS, "expired-token", times=1)
            return list(await mis.read(wanted))

        (item,) = printiq.use(work)
        assert isinstance(item.status, Facts)
        assert printiq.calls == {LOGIN: 2, DETAILS: 3}

    def test_a_wrong_password(self, printiq: PrintIQ) -> None:
        (item,) = read(printiq, refs(printiq.place(print_line())), password="wrong-word")
        assert isinstance(item.status, Unreadable)
        assert "login" in item.status.reason
        assert "wrong-word" not in item.status.reason


class TestCancelling:
    def test_a_cancel_and_its_repetition(self, printiq: PrintIQ) -> None:
        (job,) = refs(printiq.place(print_line()))
        assert cancel(printiq, job).outcome is Outcome.APPLIED
        assert cancel(printiq, job).outcome in (Outcome.APPLIED, Outcome.ALREADY)
        (item,) = read(printiq, [job])
        assert item.status == Facts(Intent.CANCELLED, Progress.NONE, history_known=False)
        assert printiq.state(job.ref)["ProductionStatusID"] == 17
        assert printiq.effects(CANCEL)[-2:] == ["cancelled", "no change"]

    @pytest.mark.parametrize("system", ["EnfocusSwitchScript", "prinergy", "esko"])
    def test_each_system_name(self, printiq: PrintIQ, system: str) -> None:
        (job,) = refs(printiq.place(print_line()))
        assert cancel(printiq, job, soap_system=system).outcome is Outcome.APPLIED

    def test_file_refs_where_they_are_required(self, printiq: PrintIQ) -> None:
        printiq.settings(require_file_refs=True)
        (job,) = refs(printiq.place(print_line()))
        refused = cancel(printiq, job)
        assert (refused.outcome, refused.reason) == (Outcome.REFUSED, RefusalReason.OTHER)
        assert "FileRefs" in refused.said
        assert cancel(printiq, job, file_refs="artwork.pdf").outcome is Outcome.APPLIED

    def test_an_unknown_job(self, printiq: PrintIQ) -> None:
        answer = cancel(printiq, MisRef(ref="J99999-01", kind=MisItemKind.JOB))
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, RefusalReason.NOT_FOUND)

    @pytest.mark.parametrize(
        ("obstacle", "act", "body", "reason"),
        [
            ("dispatched", "dispatch", {}, RefusalReason.DISPATCHED),
            ("complete", "status", {"ProdStatusID": 21}, RefusalReason.MILESTONE),
            ("invoiced", "invoice", {}, RefusalReason.INVOICED),
        ],
    )
    def test_what_an_instance_may_refuse(
        self, printiq: PrintIQ, obstacle: str, act: str, body: Json, reason: RefusalReason
    ) -> None:
        printiq.settings(refuse_cancel_when=[obstacle])
        (job,) = refs(printiq.place(print_line()))
        printiq.post(f"jobs/{job.ref}/{act}", body)
        answer = cancel(printiq, job)
        assert (answer.outcome, answer.reason) == (Outcome.REFUSED, reason)
        assert printiq.state(job.ref)["ProductionStatusID"] != 17

    def test_a_sales_order_is_never_called_about(self, printiq: PrintIQ) -> None:
        (order,) = refs(printiq.place(stock=(stock_line(),)))
        assert cancel(printiq, order).outcome is Outcome.UNSUPPORTED
        assert not printiq.calls

    @pytest.mark.parametrize(
        ("kind", "outcome", "cancelled"),
        [
            ("error-but-applied", Outcome.UNKNOWN, True),
            ("timeout", Outcome.UNKNOWN, True),
            ("ok-but-ignored", Outcome.APPLIED, False),
            ("drop", Outcome.UNKNOWN, False),
            ("5xx", Outcome.UNKNOWN, False),
            ("429", Outcome.UNKNOWN, False),
            ("html-200", Outcome.UNKNOWN, False),
        ],
    )
    def test_what_a_broken_cancel_is_called_and_what_a_read_says(
        self, printiq: PrintIQ, kind: str, outcome: Outcome, cancelled: bool
    ) -> None:
        (job,) = refs(printiq.place(print_line()))
        printiq.fault(CANCEL, kind, times=1, seconds=5)
        assert cancel(printiq, job, timeout_seconds=0.5).outcome is outcome
        assert printiq.seen()[CANCEL] >= 1
        (item,) = read(printiq, [job])
        assert isinstance(item.status, Facts)
        assert item.status.cancelled is cancelled
        assert printiq.calls[CANCEL] == 1, "a write is never repeated by itself"


class TestFaults:
    @pytest.mark.parametrize("kind", ["drop", "5xx", "429", "html-200", "error-but-applied"])
    @pytest.mark.parametrize("read_by", ["acceptance", "odata"])
    def test_a_broken_read_is_unreadable(self, printiq: PrintIQ, kind: str, read_by: str) -> None:
        wanted = refs(printiq.place(print_line()))
        printiq.fault("OData.Jobs" if read_by == "odata" else DETAILS, kind)
        (item,) = read(printiq, wanted, read_by=read_by, timeout_seconds=2)
        assert isinstance(item.status, Unreadable)
        assert item.status.reason

    @pytest.mark.parametrize("entity", ["OData.Jobs", "OData.SalesOrders"])
    def test_half_a_search_is_none(self, printiq: PrintIQ, entity: str) -> None:
        printiq.fault(entity, "html-200")
        assert printiq.use(lambda mis: mis.find(OrderKeys(order_id="10001"))) is None
        assert printiq.use(lambda mis: mis.list_changed(now())) is None


class TestChecking:
    def test_a_good_connection_writes_nothing(self, printiq: PrintIQ) -> None:
        before = len(printiq.get("ledger"))
        assert printiq.use(lambda mis: mis.check()) is None
        assert len(printiq.get("ledger")) == before

    @pytest.mark.parametrize(
        ("settings", "word"),
        [
            ({"password": "wrong-word"}, "password"),
            ({"application_key": "wrong-word"}, "application_key"),
            ({"odata_token": "wrong-word"}, "odata_token"),
            ({"soap_path": "/WebService/Other.asmx"}, "soap_path"),
            ({"base_url": "http://127.0.0.1:9"}, "base_url"),
        ],
    )
    def test_a_wrong_setting_is_named(self, printiq: PrintIQ, settings: dict[str, str], word: str) -> None:
        problem = printiq.use(lambda mis: mis.check(), **settings)
        assert problem
        assert word in problem
        assert "wrong-word" not in problem

    def test_an_entity_that_is_not_there(self, printiq: PrintIQ) -> None:
        printiq.settings(odata_job_entity="Orders")
        problem = printiq.use(lambda mis: mis.check())
        assert problem
        assert "odata.job_entity" in problem
