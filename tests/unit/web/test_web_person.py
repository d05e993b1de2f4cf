"""Who acts, and that only a page of ours can act."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

import pytest
from starlette.requests import Request
from starlette.responses import Response

from countermand.access import MOST_NAME
from countermand.web.console import own_address
from countermand.web.person import (
    acting,
    clean_name,
    forget,
    form_token,
    must_act,
    read_form,
    refuse_elsewhere,
    remember,
    send_form_token,
)
from countermand.web.problem import Problem


def request(cookie: str = "", body: bytes = b"", **headers: str) -> Request:
    given = {"host": "console:8100", "content-type": "application/x-www-form-urlencoded"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie:
        given["cookie"] = cookie
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


def test_nobody_acts_before_saying_who_they_are() -> None:
    assert acting(request()) is None
    with pytest.raises(Problem) as told:
        must_act(request())
    assert told.value.status == 403


def test_a_name_is_remembered_whatever_its_letters() -> None:
    response = Response()
    remember(response, "  Zoë   Ó Briain ")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    person = acting(request(cookie.partition(";")[0]))
    assert person is not None
    assert person.name == "Zoë Ó Briain"


def test_a_name_is_one_short_line() -> None:
    assert clean_name("Priya\r\nSet-Cookie: x") == "Priya Set-Cookie: x"
    assert len(clean_name("x" * 500)) == MOST_NAME
    assert clean_name(" \t ") == ""


def test_forgetting_takes_the_cookie_away() -> None:
    response = Response()
    forget(response)
    assert "countermand_name" in response.headers["set-cookie"]
    assert "Max-Age=0" in response.headers["set-cookie"]


def test_a_form_of_ours_is_taken() -> None:
    token = "a" * 32
    form = asyncio.run(read_form(request(f"countermand_form={token}", f"_form={token}&reason=late".encode())))
    assert form["reason"] == "late"


@pytest.mark.parametrize("body", [b"", b"_form=", b"_form=other", b"token=right"])
def test_a_form_without_the_right_mark_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as told:
        asyncio.run(read_form(request("countermand_form=right", body)))
    assert told.value.status == 403


def test_a_form_is_refused_when_the_browser_holds_no_mark() -> None:
    with pytest.raises(Problem):
        asyncio.run(read_form(request("", b"_form=")))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_another_sites_page_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Problem):
        refuse_elsewhere(request("", b"", **headers))


def test_our_own_page_and_a_program_are_taken() -> None:
    refuse_elsewhere(request(origin="http://console:8100", sec_fetch_site="same-origin"))
    refuse_elsewhere(request())


def test_a_browser_gets_its_mark_once() -> None:
    first, response = request(), Response()
    made = form_token(first)
    send_form_token(first, response)
    assert made in response.headers["set-cookie"]
    assert "SameSite=strict" in response.headers["set-cookie"]
    again, silent = request(f"countermand_form={quote(made)}"), Response()
    assert form_token(again) == made
    send_form_token(again, silent)
    assert "set-cookie" not in silent.headers


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/orders?q=1", "/orders?q=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_one_never_lands_elsewhere(asked: str, leads_to: str) -> None:
    assert own_address(asked) == leads_to
