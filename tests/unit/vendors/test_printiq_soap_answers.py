"""Cancelling a job by SOAP: what is sent, and what each answer means."""

from __future__ import annotations

import httpx2 as httpx
import pytest
from lxml import etree
from printiq_fakes import PrintIQ, job, sales_order
from vendor_fakes import Answer, html_answer, json_answer, run

from countermand.core import command
from countermand.core.command import Outcome, RefusalReason

SERVICE = "productionintegration.asmx"


def soap(inner: str, status: int = 200, content_type: str = "text/xml; charset=utf-8") -> httpx.Response:
    body = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    )
    return httpx.Response(status, content=body.encode(), headers={"Content-Type": content_type})


def result(text: str, status: int = 200) -> httpx.Response:
    return soap(
        f'<RunEventResponse xmlns="http://iq.co.nz/"><RunEventResult>{text}</RunEventResult></RunEventResponse>',
        status,
    )


def fault(text: str, status: int = 500) -> httpx.Response:
    return soap(
        f"<soap:Fault><faultcode>soap:Server</faultcode><faultstring>{text}</faultstring></soap:Fault>",
        status,
    )


def cancel(answer: Answer) -> command.Answer:
    printiq = PrintIQ()
    printiq.on(SERVICE, answer)
    said = run(printiq.mis().cancel(job()))
    assert len(printiq.requests) == 1, "a write is never repeated by itself"
    return said


def test_what_is_sent() -> None:
    printiq = PrintIQ()
    printiq.on(SERVICE, result("Success"))
    mis = printiq.mis(soap_system="esko", file_refs="a&b<.pdf")
    run(mis.cancel(job("J29328-01")))
    (request,) = printiq.requests
    assert (request.method, request.url.path) == ("POST", "/iq/WebService/ProductionIntegration.asmx")
    assert request.headers["SOAPAction"] == '"http://iq.co.nz/RunEvent"'
    assert request.headers["Content-Type"] == "text/xml; charset=utf-8"
    event = etree.fromstring(request.content).find(".//{http://iq.co.nz/}RunEvent")
    assert event is not None
    assert [(etree.QName(child).localname, child.text or "") for child in event] == [
        ("System", "esko"),
        ("EventType", "CHANGE_STATUS"),
        ("SystemData", '{"ProdStatusID":17}'),
        ("JobRef", "J29328-01"),
        ("FileRefs", "a&b<.pdf"),
        ("EventText", "Cancelled in the storefront"),
    ]


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (result("Success"), Outcome.APPLIED, None),
        (result("\n Success \n"), Outcome.APPLIED, None),
        # Only the literal counts.
        (result("success"), Outcome.REFUSED, RefusalReason.OTHER),
        (result("Success: but not really"), Outcome.REFUSED, RefusalReason.OTHER),
        (result("Unsuccessful"), Outcome.REFUSED, RefusalReason.OTHER),
        (result("Job J29328-01 is already cancelled"), Outcome.ALREADY, None),
        (result("Error: Sales order SO1 is cancelled already"), Outcome.ALREADY, None),
        (result("Job has already been canceled"), Outcome.ALREADY, None),
        (result("It has not been cancelled: it is dispatched"), Outcome.REFUSED, RefusalReason.DISPATCHED),
        (result("No job was cancelled"), Outcome.REFUSED, RefusalReason.OTHER),
        (result("Not possible: the job was cancelled already"), Outcome.ALREADY, None),
        (result("Cannot be cancelled"), Outcome.REFUSED, RefusalReason.OTHER),
        (result("Error: Job J1 not found"), Outcome.REFUSED, RefusalReason.NOT_FOUND),
        (result("Job is dispatched and cannot be cancelled"), Outcome.REFUSED, RefusalReason.DISPATCHED),
        (result("Delivery is on consignment C1"), Outcome.REFUSED, RefusalReason.DISPATCHED),
        (result("Job is invoiced and cannot be cancelled"), Outcome.REFUSED, RefusalReason.INVOICED),
        (result("Job is complete and cannot be cancelled"), Outcome.REFUSED, RefusalReason.MILESTONE),
        (result("Too late"), Outcome.REFUSED, RefusalReason.MILESTONE),
        (result("Permission denied"), Outcome.REFUSED, RefusalReason.NOT_ALLOWED),
        (result("Unknown System 'x'"), Outcome.REFUSED, RefusalReason.OTHER),
        # "Too late" has come as 400, 403, 409 and 500; the first three changed nothing, the last may have.
        (result("Too late", 400), Outcome.REFUSED, RefusalReason.MILESTONE),
        (fault("Too late", 403), Outcome.REFUSED, RefusalReason.MILESTONE),
        (json_answer({"Message": "Too late"}, 409), Outcome.REFUSED, RefusalReason.MILESTONE),
        (fault("Too late", 500), Outcome.UNKNOWN, None),
        (html_answer(401), Outcome.REFUSED, RefusalReason.NOT_ALLOWED),
        (html_answer(404), Outcome.REFUSED, RefusalReason.OTHER),
        # An error after which the job may be cancelled all the same.
        (result("Success", 500), Outcome.UNKNOWN, None),
        (html_answer(500), Outcome.UNKNOWN, None),
        (fault("Deadlock", 200), Outcome.UNKNOWN, None),
        (httpx.ReadTimeout(""), Outcome.UNKNOWN, None),
        (httpx.ConnectError("refused"), Outcome.UNKNOWN, None),
        (httpx.RemoteProtocolError("cut off"), Outcome.UNKNOWN, None),
        (httpx.Response(429), Outcome.UNKNOWN, None),
        # A success that is none.
        (html_answer(200), Outcome.UNKNOWN, None),
        (httpx.Response(200, content=b""), Outcome.UNKNOWN, None),
        (httpx.Response(302, headers={"Location": "/login"}), Outcome.UNKNOWN, None),
        (httpx.Response(200, text="Success"), Outcome.UNKNOWN, None),
        (json_answer("Success"), Outcome.UNKNOWN, None),
        (result(""), Outcome.UNKNOWN, None),
        (soap("<Other>Success</Other>"), Outcome.UNKNOWN, None),
        (httpx.Response(200, content=b"<a><RunEventResult>Succ"), Outcome.UNKNOWN, None),
        (
            httpx.Response(
                200,
                content=b'<!DOCTYPE a [<!ENTITY s "Success">]><a><RunEventResult>&s;</RunEventResult></a>',
                headers={"Content-Type": "text/xml"},
            ),
            Outcome.UNKNOWN,
            None,
        ),
    ],
)
def test_every_answer_is_one_of_the_closed_set(
    answer: httpx.Response | Exception, outcome: Outcome, reason: RefusalReason | None
) -> None:
    said = cancel(answer)
    assert (said.outcome, said.reason) == (outcome, reason)
    assert said.said


def test_the_words_are_kept_and_a_flood_of_them_is_not() -> None:
    assert cancel(result("Nope:   because")).said == "Nope: because"
    assert len(cancel(result("no " * 5000)).said) <= 300


def test_a_result_in_cdata_or_split_by_comments_is_read_whole() -> None:
    assert cancel(result("<![CDATA[Success]]>")).outcome is Outcome.APPLIED
    assert cancel(result("Suc<!-- x -->cess")).outcome is Outcome.APPLIED


def test_what_falls_into_a_pause_was_not_sent() -> None:
    printiq = PrintIQ()
    printiq.on(SERVICE, httpx.Response(429, headers={"Retry-After": "6"}))
    mis = printiq.mis()
    assert run(mis.cancel(job())).outcome is Outcome.UNKNOWN
    assert run(mis.cancel(job())).outcome is Outcome.NOT_SENT
    assert len(printiq.requests) == 1


def test_a_sales_order_is_unsupported_and_nothing_is_called() -> None:
    printiq = PrintIQ()
    said = run(printiq.mis().cancel(sales_order()))
    assert said.outcome is Outcome.UNSUPPORTED
    assert printiq.requests == []
