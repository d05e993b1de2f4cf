"""Trying a printIQ connection names the setting that is wrong."""

from __future__ import annotations

import httpx2 as httpx
import pytest
from printiq_fakes import PASSWORD, TOKEN_PATH, PrintIQ, envelope
from vendor_fakes import Answer, html_answer, json_answer, run

WSDL = httpx.Response(
    200,
    content=b"<definitions><operation name='RunEvent'/></definitions>",
    headers={"Content-Type": "text/xml"},
)
SERVICE = "productionintegration.asmx"


def good_printiq() -> PrintIQ:
    printiq = PrintIQ()
    printiq.on("odata/jobs", json_answer({"value": []}))
    printiq.on("odata/salesorders", json_answer({"value": []}))
    printiq.on(SERVICE, WSDL)
    return printiq


def test_a_good_connection() -> None:
    printiq = good_printiq()
    assert run(printiq.mis().check()) is None
    assert all(request.method == "GET" or "token" in request.url.path.lower() for request in printiq.requests)


def test_a_clock_that_is_wrong_is_said() -> None:
    printiq = good_printiq()
    wsdl = httpx.Response(
        200, content=WSDL.content, headers={**WSDL.headers, "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}
    )
    printiq.on(SERVICE, wsdl)
    said = run(printiq.mis().check())
    assert said is not None
    assert "clock is 2 days, 0:00:00 ahead of that of acme.example.com: set it right" in said


def test_without_odata_it_is_not_tried() -> None:
    printiq = good_printiq()
    assert run(printiq.mis(odata_token="").check()) is None
    assert "Jobs" not in printiq.calls


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        (TOKEN_PATH, httpx.ConnectError("Name or service not known"), ["acme.example.com", "base_url"]),
        (TOKEN_PATH, html_answer(404), ["base_url"]),
        (TOKEN_PATH, html_answer(200), ["login page", "base_url"]),
        (TOKEN_PATH, envelope("Invalid login details"), ["Invalid login details", "username, password"]),
        (TOKEN_PATH, json_answer({}, 401), ["application_key"]),
        (TOKEN_PATH, json_answer({}, 503), ["later"]),
        ("odata/jobs", html_answer(200), ["odata_token"]),
        ("odata/jobs", json_answer({}, 404), ["Jobs", "odata.job_entity"]),
        ("odata/salesorders", json_answer({}, 404), ["SalesOrders", "odata.sales_order_entity"]),
        ("odata/jobs", json_answer({}, 400), ["odata.job_entity"]),
        (SERVICE, html_answer(404), ["soap_path"]),
        (SERVICE, html_answer(200), ["soap_path"]),
        (
            SERVICE,
            httpx.Response(200, content=b"<other/>", headers={"Content-Type": "text/xml"}),
            ["RunEvent"],
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_with_the_setting(path: str, answer: Answer, words: list[str]) -> None:
    printiq = good_printiq()
    printiq.on(path, answer)
    problem = run(printiq.mis().check())
    assert problem
    assert "\n" not in problem
    assert PASSWORD not in problem
    assert [word for word in words if word not in problem] == []


def test_a_login_that_still_holds_does_not_hide_that_the_next_one_fails() -> None:
    printiq = good_printiq()
    mis = printiq.mis()

    async def twice() -> tuple[str | None, str | None]:
        first = await mis.check()
        printiq.on(TOKEN_PATH, envelope("Invalid login details"))
        return first, await mis.check()

    first, second = run(twice())
    assert first is None
    assert second is not None
    assert "Invalid login details" in second
