"""printIQ's login token: minted in three ways, kept, and minted again once when it fails."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2 as httpx
import pytest
from printiq_fakes import DETAILS, PASSWORD, TOKEN_PATH, PrintIQ, acceptance, delivery, envelope, job
from vendor_fakes import html_answer, json_answer, run

from countermand.bridge.ports import MisItem
from countermand.core.status import Facts, Unreadable


def read_one(printiq: PrintIQ, **values: Any) -> MisItem:
    (item,) = run(printiq.mis(**values).read([job()]))
    return item


def test_a_token_is_minted_once_and_used_for_ten_minutes() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery()))
    mis = printiq.mis()

    async def read_for_a_while() -> None:
        await mis.read([job()])
        printiq.clock.advance(599)
        await mis.read([job()])
        printiq.clock.advance(2)
        await mis.read([job()])

    run(read_for_a_while())
    assert printiq.minted == 2
    tokens = [
        request.url.params["LoginToken"] for request in printiq.requests if "LoginToken" in request.url.params
    ]
    assert tokens == ["token-1", "token-1", "token-2"]


def test_readers_at_the_same_time_share_one_login() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, acceptance(delivery()))
    mis = printiq.mis()

    async def read_together() -> None:
        await asyncio.gather(*(mis.read([job()]) for _ in range(5)))

    run(read_together())
    assert printiq.minted == 1


def test_a_token_is_sent_as_an_address_needs_it() -> None:
    printiq = PrintIQ()
    printiq.on(TOKEN_PATH, json_answer("a+b/c=&d"))
    printiq.on(DETAILS, acceptance(delivery()))
    read_one(printiq)
    assert printiq.requests[-1].url.query == b"LoginToken=a%2Bb%2Fc%3D%26d"


@pytest.mark.parametrize(
    "not_understood",
    [httpx.Response(404), httpx.Response(405), httpx.Response(411), html_answer(200), html_answer(404)],
)
def test_the_other_ways_to_ask_are_tried(not_understood: httpx.Response) -> None:
    printiq = PrintIQ()
    printiq.on(TOKEN_PATH, [not_understood, not_understood, json_answer("token-9")])
    printiq.on(DETAILS, acceptance(delivery()))
    assert isinstance(read_one(printiq).status, Facts)
    first, second, third = printiq.requests[:3]
    assert (first.method, first.url.params["Password"], first.content) == ("POST", PASSWORD, b"")
    assert (second.method, second.url.query) == ("POST", b"")
    assert b"ApplicationKey=key-of-the-application" in second.content
    assert (third.method, third.url.params["UserName"]) == ("GET", "countermand")


WRONG_LOGINS = [
    envelope("Invalid login details"),
    json_answer({"Message": "Denied"}, 401),
    json_answer(""),
    json_answer(None),
    json_answer(17),
]


@pytest.mark.parametrize("wrong_login", WRONG_LOGINS)
def test_a_wrong_login_is_tried_in_every_way_once_and_then_rests(wrong_login: httpx.Response) -> None:
    printiq = PrintIQ()
    printiq.on(TOKEN_PATH, wrong_login)
    mis = printiq.mis()

    async def read_again_and_again() -> list[MisItem]:
        items = [(await mis.read([job()]))[0] for _ in range(5)]
        assert len(printiq.requests) == 3
        printiq.clock.advance(31)
        return [*items, (await mis.read([job()]))[0]]

    for item in run(read_again_and_again()):
        assert isinstance(item.status, Unreadable)
        assert item.status.reason.startswith("The login to printIQ failed")
        assert PASSWORD not in item.status.reason
    assert len(printiq.requests) == 6


@pytest.mark.parametrize("wrong_login", WRONG_LOGINS)
def test_a_way_that_has_worked_is_the_only_one_from_then_on(wrong_login: httpx.Response) -> None:
    printiq = PrintIQ()
    printiq.on(TOKEN_PATH, [httpx.Response(404), json_answer("token-1"), wrong_login])
    printiq.on(DETAILS, acceptance(delivery()))
    mis = printiq.mis()

    async def read_twice() -> None:
        await mis.read([job()])
        printiq.clock.advance(3600)
        await mis.read([job()])

    run(read_twice())
    logins = [request for request in printiq.requests if TOKEN_PATH in request.url.path.lower()]
    assert [(login.method, bool(login.content)) for login in logins] == [
        ("POST", False),
        ("POST", True),
        ("POST", True),
    ]


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("refused"), httpx.ReadTimeout(""), json_answer({}, 500), json_answer({}, 429)],
)
def test_a_login_that_did_not_get_through_is_tried_again_at_the_next_read(
    failure: httpx.Response | Exception,
) -> None:
    printiq = PrintIQ()
    printiq.on(TOKEN_PATH, [failure, json_answer("token-1")])
    printiq.on(DETAILS, acceptance(delivery()))
    mis = printiq.mis()

    async def read_twice() -> list[MisItem]:
        return [*(await mis.read([job()])), *(await mis.read([job()]))]

    first, second = run(read_twice())
    assert isinstance(first.status, Unreadable)
    assert isinstance(second.status, Facts)
    assert len(printiq.requests) == 3


@pytest.mark.parametrize(
    "expired",
    [
        envelope("Invalid or expired login token"),
        envelope("Please log in"),
        json_answer({"Message": "Unauthorized"}, 401),
        json_answer({"Message": "Forbidden"}, 403),
        html_answer(200),
    ],
)
def test_a_failure_that_may_be_the_tokens_is_tried_once_more(expired: httpx.Response) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, [expired, acceptance(delivery())])
    assert isinstance(read_one(printiq).status, Facts)
    assert printiq.calls == [
        "GetApplicationLogInToken",
        "GetAcceptanceDetails",
        "GetApplicationLogInToken",
        "GetAcceptanceDetails",
    ]
    assert printiq.requests[-1].url.params["LoginToken"] == "token-2"


def test_and_only_once() -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, envelope("Invalid or expired login token"))
    assert isinstance(read_one(printiq).status, Unreadable)
    assert printiq.minted == 2
    assert len(printiq.requests) == 4


@pytest.mark.parametrize("failure", [envelope("Job 7 is odd"), json_answer({}, 500), httpx.ReadTimeout("")])
def test_another_failure_costs_no_second_login(failure: httpx.Response | Exception) -> None:
    printiq = PrintIQ()
    printiq.on(DETAILS, failure)
    assert isinstance(read_one(printiq).status, Unreadable)
    assert len(printiq.requests) == 2


def test_many_readers_with_an_expired_token_log_in_once() -> None:
    printiq = PrintIQ()

    def answer(request: httpx.Request) -> httpx.Response:
        stale = request.url.params["LoginToken"] == "token-1"
        return envelope("Invalid or expired login token") if stale else acceptance(delivery())

    printiq.on(DETAILS, answer)
    mis = printiq.mis()

    async def read_together() -> list[MisItem]:
        return [
            item for items in await asyncio.gather(*(mis.read([job()]) for _ in range(4))) for item in items
        ]

    items = run(read_together())
    assert all(isinstance(item.status, Facts) for item in items)
    assert printiq.minted == 2


def test_an_issued_token_is_struck_out_of_what_is_said() -> None:
    printiq = PrintIQ()
    printiq.on(TOKEN_PATH, json_answer("issued-token-77"))
    printiq.on(DETAILS, json_answer({"Message": "bad request for issued-token-77"}, 400))
    status = read_one(printiq).status
    assert isinstance(status, Unreadable)
    assert "issued-token-77" not in status.reason
    assert "***" in status.reason


def test_a_login_that_is_answered_with_its_own_password_does_not_tell_it() -> None:
    printiq = PrintIQ()
    printiq.on(TOKEN_PATH, envelope(f"The password {PASSWORD} is not that of countermand"))
    status = read_one(printiq).status
    assert isinstance(status, Unreadable)
    assert PASSWORD not in status.reason
    assert "is not that of countermand" in status.reason
