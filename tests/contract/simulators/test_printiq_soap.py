"""The SOAP service by an ordinary SOAP client (zeep) that takes the description from the instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import pytest
import zeep
from zeep.exceptions import Error as ZeepError
from zeep.transports import Transport

from countermand.simulators.kit import ServerThread
from countermand.simulators.printiq import PrintIQSettings, create_app

ASMX = "/WebService/ProductionIntegration.asmx"


class Shop:
    """A running simulator with one job, and a SOAP client on it."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self.http = http
        orders = http.post("/_sim/orders", json={"count": 1}).json()["orders"]
        self.job_no = str(orders[0]["jobs"][0])
        transport = Transport(timeout=10, operation_timeout=10)  # type: ignore[no-untyped-call]  # no types in zeep
        self.soap: Any = zeep.Client(f"{url}{ASMX}?wsdl", transport=transport)  # type: ignore[no-untyped-call]

    def run_event(self, **changes: str) -> str:
        event = {
            "System": "EnfocusSwitchScript",
            "EventType": "CHANGE_STATUS",
            "SystemData": '{"ProdStatusID":17}',
            "JobRef": self.job_no,
            "FileRefs": "",
            "EventText": "Cancelled in the storefront",
        }
        return str(self.soap.service.RunEvent(**(event | changes)))

    def status(self) -> int:
        return int(self.http.get(f"/_sim/orders/{self.job_no}").json()["ProductionStatusID"])

    def effects(self) -> list[str]:
        ledger = self.http.get("/_sim/ledger").json()
        return [entry["effect"] for entry in ledger if entry["call"] == "RunEvent"]


@contextmanager
def _running(**settings: Any) -> Iterator[Shop]:
    app = create_app(PrintIQSettings(**settings), control=True)
    with ServerThread(app) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        shop = Shop(http, server.url)
        yield shop
        shop.soap.transport.session.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with _running() as shop:
        yield shop


def test_a_job_is_cancelled_and_a_second_time_changes_nothing(shop: Shop) -> None:
    assert shop.run_event() == "Success"
    assert shop.status() == 17
    assert shop.run_event() == "Success"
    assert shop.effects() == ["cancelled", "no change"]


@pytest.mark.parametrize("system", ["prinergy", "esko"])
def test_each_known_system_may_call(shop: Shop, system: str) -> None:
    assert shop.run_event(System=system, SystemData='{"ProdStatusID": 2}') == "Success"
    assert shop.status() == 2


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"System": "Countermand"}, "Unknown System"),
        ({"EventType": "DELETE"}, "Unknown EventType"),
        ({"SystemData": '{"ProdStatusID":99}'}, "Invalid production status 99"),
        ({"SystemData": "17"}, "SystemData is not valid"),
        ({"SystemData": ""}, "SystemData is not valid"),
        ({"JobRef": "J1-01"}, "Job J1-01 not found"),
        ({"JobRef": ""}, "not found"),
    ],
)
def test_anything_but_success_is_an_error_text(shop: Shop, changes: dict[str, str], part: str) -> None:
    result = shop.run_event(**changes)
    assert result.startswith("Error: ")
    assert part in result
    assert shop.status() == 22
    assert shop.effects() == [f"refused: {result.removeprefix('Error: ')}"]


def test_file_refs_may_be_required_and_dispatched_jobs_refused() -> None:
    with _running(require_file_refs=True, refuse_cancel_when=("dispatched",)) as shop:
        assert "FileRefs is required" in shop.run_event()
        shop.http.post(f"/_sim/jobs/{shop.job_no}/dispatch", json={})
        assert "is dispatched and cannot be cancelled" in shop.run_event(FileRefs="a.pdf")
        assert shop.run_event(FileRefs="a.pdf", SystemData='{"ProdStatusID":21}') == "Success"


def test_soap_12_works_too(shop: Shop) -> None:
    service = shop.soap.bind("ProductionIntegration", "ProductionIntegrationSoap12")
    result = service.RunEvent(
        System="esko", EventType="CHANGE_STATUS", SystemData='{"ProdStatusID":17}', JobRef=shop.job_no
    )
    assert (result, shop.status()) == ("Success", 17)


def test_faults_strike_the_call_by_name(shop: Shop) -> None:
    faults = [{"match": "RunEvent", "kind": kind, "times": 1} for kind in ("ok-but-ignored", "html-200")]
    shop.http.put("/_sim/faults", json={"calls": faults[:1]})
    assert shop.run_event() == "Success"
    assert shop.status() == 22
    shop.http.put("/_sim/faults", json={"calls": faults[1:]})
    with pytest.raises(ZeepError, match="root element found is html"):
        shop.run_event()
    assert shop.status() == 22


SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>{doctype}
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
<RunEvent xmlns="http://iq.co.nz/"><System>esko</System><EventType>CHANGE_STATUS</EventType>
<SystemData>{{"ProdStatusID":17}}</SystemData><JobRef>{job}</JobRef></RunEvent>
</soap:Body></soap:Envelope>"""
EXPANSION = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'


def _post(shop: Shop, body: str, action: str = '"http://iq.co.nz/RunEvent"') -> httpx.Response:
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}
    return shop.http.post(ASMX.lower(), content=body.encode(), headers=headers)


def test_a_hand_made_envelope_works(shop: Shop) -> None:
    answer = _post(shop, ENVELOPE.format(doctype="", job=shop.job_no))
    assert answer.headers["content-type"].startswith("text/xml")
    assert "<RunEventResult>Success</RunEventResult>" in answer.text


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (ENVELOPE.format(doctype=EXPANSION, job="&b;"), "document type declaration"),
        (ENVELOPE.format(doctype=OUTSIDE, job="&e;"), "document type declaration"),
        ("<not-closed>", "not well-formed"),
        ("", "not well-formed"),
        ("<a/>", "not a SOAP envelope"),
        (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
            "RunEvent",
        ),
    ],
)
def test_unusable_xml_is_a_fault_and_nothing_happens(shop: Shop, body: str, part: str) -> None:
    answer = _post(shop, body)
    assert answer.status_code == 500
    assert part in answer.text
    assert shop.effects() == []


def test_a_wrong_action_is_a_fault(shop: Shop) -> None:
    answer = _post(shop, ENVELOPE.format(doctype="", job=shop.job_no), action="http://iq.co.nz/Other")
    assert answer.status_code == 500
    assert "SOAPAction" in answer.text
    assert shop.status() == 22
