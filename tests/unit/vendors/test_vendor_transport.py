"""What one HTTP call can end in, and what never gets out."""

from __future__ import annotations

import asyncio
import logging

import httpx2 as httpx
import pytest
from vendor_fakes import Answer, FakeClock, FakeVendor, html_answer, json_answer, run

from countermand.vendor_http import transport as transport_module
from countermand.vendor_http.bucket import TokenBucket
from countermand.vendor_http.reply import CallOutcome, Content, Reply
from countermand.vendor_http.transport import MOST_AT_ONCE, WRITE_PATIENCE, CallRecord, VendorHttp

BASE = "https://shop.example.com/sub"
TOKEN = "s3cret/token+value"


class Line:
    """A `VendorHttp` against a fake vendor, with its clock and the calls it counted."""

    def __init__(self, vendor: FakeVendor | httpx.AsyncBaseTransport, *, timeout: float = 20) -> None:
        self.clock = FakeClock()
        self.calls: list[CallRecord] = []
        self.http = VendorHttp(
            system="Infigo",
            base_url=BASE,
            timeout_seconds=timeout,
            bucket=TokenBucket(rate=100, burst=100, clock=self.clock, sleep=self.clock.sleep),
            clock=self.clock,
            secrets=[TOKEN],
            transport=vendor.transport if isinstance(vendor, FakeVendor) else vendor,
            on_call=self.calls.append,
        )

    def get(self, path: str = "thing", content: Content = Content.JSON) -> Reply:
        return run(self.http.call("thing", "GET", path, content=content))


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (json_answer({"a": 1}), CallOutcome.ANSWERED, ""),
        (json_answer(None), CallOutcome.ANSWERED, ""),
        (json_answer({"Message": "no"}, 400), CallOutcome.REFUSED, "HTTP 400"),
        (json_answer({"Message": "no"}, 403), CallOutcome.REFUSED, "HTTP 403"),
        (json_answer({"Message": "no"}, 409), CallOutcome.REFUSED, "HTTP 409"),
        (httpx.Response(408), CallOutcome.TIMED_OUT, "HTTP 408"),
        (httpx.Response(429), CallOutcome.THROTTLED, "HTTP 429"),
        (json_answer({"Message": "oops"}, 500), CallOutcome.SERVER_ERROR, "oops"),
        (html_answer(503), CallOutcome.SERVER_ERROR, "HTTP 503"),
        (html_answer(200), CallOutcome.UNEXPECTED, "login page"),
        (httpx.Response(200, text="<html>no type"), CallOutcome.UNEXPECTED, "login page"),
        (httpx.Response(200, text="Bonjour"), CallOutcome.UNEXPECTED, "no JSON"),
        (httpx.Response(200, content=b""), CallOutcome.UNEXPECTED, "empty"),
        (httpx.Response(204), CallOutcome.UNEXPECTED, "empty"),
        (httpx.Response(200, content=b'{"a": "\xff"}'), CallOutcome.UNEXPECTED, "not utf-8 text"),
        (httpx.Response(302, headers={"Location": "/login"}), CallOutcome.UNEXPECTED, "redirect"),
        (httpx.ConnectError("refused"), CallOutcome.UNREACHABLE, "could not be reached"),
        (httpx.RemoteProtocolError("cut off"), CallOutcome.UNREACHABLE, "cut off"),
        (httpx.ReadTimeout("late"), CallOutcome.TIMED_OUT, "20 s"),
    ],
)
def test_every_end_of_a_call_is_a_reply(
    answer: httpx.Response | Exception, outcome: CallOutcome, words: str
) -> None:
    line = Line(FakeVendor(thing=answer))
    reply = line.get()
    assert reply.outcome is outcome
    assert words in reply.said
    assert bool(reply.said) == (outcome is not CallOutcome.ANSWERED)
    assert [call.outcome for call in line.calls] == [outcome]


def test_json_of_an_error_is_kept() -> None:
    reply = Line(FakeVendor(thing=json_answer({"error": {"code": "forbidden"}}, 403))).get()
    assert reply.value == {"error": {"code": "forbidden"}}
    assert reply.is_json


def test_json_declared_in_another_encoding_is_read_by_it() -> None:
    body = '{"Name": "Müller"}'.encode("latin-1")
    answer = httpx.Response(200, content=body, headers={"Content-Type": "application/json; charset=latin-1"})
    assert Line(FakeVendor(thing=answer)).get().value == {"Name": "Müller"}


@pytest.mark.parametrize("charset", ["klingon", "zip_codec", "base64", "undefined", "idna"])
def test_an_encoding_that_is_none_is_an_unexpected_answer(charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    answer = httpx.Response(200, content=b'{"a": "xn--\x80"}', headers=headers)
    assert Line(FakeVendor(thing=answer)).get().outcome is CallOutcome.UNEXPECTED


@pytest.mark.parametrize(
    ("charset", "body"), [("utf-7", b'"+2AA-"'), ("unicode_escape", b'"\\ud800"'), ("punycode", b'"a-\x7f"')]
)
def test_text_that_is_no_text_is_an_unexpected_answer(charset: str, body: bytes) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    answer = httpx.Response(200, content=body, headers=headers)
    assert Line(FakeVendor(thing=answer)).get().outcome is CallOutcome.UNEXPECTED


def test_any_content_still_refuses_a_web_page() -> None:
    assert Line(FakeVendor(thing=httpx.Response(204))).get(content=Content.ANY).ok
    assert not Line(FakeVendor(thing=html_answer())).get(content=Content.ANY).ok


def test_a_redirect_is_not_followed() -> None:
    vendor = FakeVendor(
        thing=httpx.Response(307, headers={"Location": f"{BASE}/other"}), other=json_answer({})
    )
    Line(vendor).get()
    assert vendor.paths == ["/sub/thing"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/thing",
        "//evil.example.com/thing",
        "http://shop.example.com/thing",
        "https://shop.example.com:8443/thing",
        "https://shop.example.com@evil.example.com/thing",
        "https://shop.example.com.evil.example.com/thing",
    ],
)
def test_another_host_is_never_called(url: str) -> None:
    vendor = FakeVendor(thing=json_answer({}))
    line = Line(vendor)
    assert not line.http.is_own(url)
    with pytest.raises(ValueError, match=r"shop\.example\.com only"):
        line.get(url)
    assert vendor.requests == []


def test_a_whole_address_on_the_own_host_is_called() -> None:
    vendor = FakeVendor(thing=json_answer({}))
    assert Line(vendor).get("https://shop.example.com:443/thing?$skip=50").ok
    assert vendor.requests[0].url.query == b"$skip=50"


def test_a_leading_slash_stays_below_the_sub_path() -> None:
    vendor = FakeVendor(thing=json_answer({}))
    Line(vendor).get("/thing")
    assert vendor.paths == ["/sub/thing"]


def test_a_vendor_that_never_answers_is_timed_out_as_a_whole() -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    line = Line(httpx.MockTransport(never), timeout=0.05)
    assert line.get().outcome is CallOutcome.TIMED_OUT


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "MOST_BYTES", 1024)
    reply = Line(FakeVendor(thing=json_answer("x" * 5000))).get()
    assert reply.outcome is CallOutcome.UNEXPECTED
    assert reply.body == b""


@pytest.mark.parametrize(
    ("retry_after", "waited"), [("7", 7.0), ("Mon, 23 Nov 2026 10:00:09 GMT", 9.0), ("soon", 5.0), ("", 5.0)]
)
def test_too_many_requests_holds_the_next_call_back(retry_after: str, waited: float) -> None:
    answers: list[Answer] = [
        httpx.Response(429, headers={"Retry-After": retry_after}),
        json_answer({}),
    ]
    line = Line(FakeVendor(thing=answers))
    line.get()
    line.get()
    assert line.clock.slept == [waited]


@pytest.mark.parametrize(
    ("status", "retry_after", "date", "waited"),
    [
        (503, "7", "", [7.0]),
        (503, "Mon, 23 Nov 2026 10:00:09 GMT", "", [9.0]),
        (503, "", "", []),
        (503, "soon", "", []),
        (503, "-7", "", []),
        (500, "7", "", []),
        (429, "-7", "", [5.0]),
        (429, "Mon, 23 Nov 2026 09:00:00 GMT", "", []),
        # By the vendor's own clock, an hour behind ours.
        (429, "Mon, 23 Nov 2026 09:00:09 GMT", "Mon, 23 Nov 2026 09:00:02 GMT", [7.0]),
        (429, "Mon, 23 Nov 2026 10:00:09 -0000", "", [5.0]),
        (503, "Mon, 99 Nov 99999 10:00:09 GMT", "", []),
    ],
)
def test_a_pause_that_is_asked_for_is_made(
    status: int, retry_after: str, date: str, waited: list[float]
) -> None:
    headers = {"Retry-After": retry_after, "Date": date}
    answers: list[Answer] = [
        httpx.Response(status, headers={name: text for name, text in headers.items() if text}),
        json_answer({}),
    ]
    line = Line(FakeVendor(thing=answers))
    line.get()
    assert line.get().ok
    assert line.clock.slept == waited


def test_a_system_in_maintenance_is_asked_again_after_five_minutes_at_the_latest() -> None:
    away = httpx.Response(503, headers={"Retry-After": "86400"})
    line = Line(FakeVendor(thing=[away, json_answer({})]))
    assert line.get().outcome is CallOutcome.SERVER_ERROR
    assert "300 s" in line.get().said
    line.clock.advance(300)
    assert line.get().ok


def test_a_long_pause_is_answered_at_once_and_without_a_call() -> None:
    throttled = httpx.Response(429, headers={"Retry-After": "120"})
    vendor = FakeVendor(thing=[throttled, json_answer({})])
    line = Line(vendor)
    line.get()
    line.clock.advance(60)
    held_back = line.get()
    assert held_back.outcome is CallOutcome.HELD_BACK
    assert "60 s" in held_back.said
    assert (len(vendor.requests), len(line.calls), line.clock.slept) == (1, 1, [])
    line.clock.advance(60)
    assert line.get().ok


def test_who_waits_for_a_place_when_the_vendor_asks_for_a_pause_is_not_kept_for_all_of_it() -> None:
    """The fifth of five at once waited the whole pause out, and a write was then made on an old picture."""

    class Throttling(httpx.AsyncBaseTransport):
        asked = 0

        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            self.asked += 1
            await asyncio.sleep(0)
            return httpx.Response(429, headers={"Retry-After": "120"})

    vendor = Throttling()
    line = Line(vendor)

    async def together() -> list[Reply]:
        calls = (line.http.call("thing", "GET", "thing") for _ in range(MOST_AT_ONCE + 1))
        return list(await asyncio.gather(*calls))

    *_, last = run(together())
    assert last.outcome is CallOutcome.HELD_BACK
    assert (vendor.asked, line.clock.slept) == (MOST_AT_ONCE, [])


def test_a_write_waits_for_a_short_pause_only() -> None:
    throttled = httpx.Response(429, headers={"Retry-After": "6"})
    line = Line(FakeVendor(thing=[throttled, json_answer({})]))
    line.get()
    held_back = run(line.http.call("thing", "POST", "thing", patience=WRITE_PATIENCE))
    assert held_back.outcome is CallOutcome.HELD_BACK
    assert line.get().ok


def test_a_pause_of_absurd_length_is_a_long_one() -> None:
    throttled = httpx.Response(429, headers={"Retry-After": "9" * 5000})
    line = Line(FakeVendor(thing=throttled))
    line.get()
    assert "300 s" in line.get().said


def test_a_call_record_says_what_when_and_how_long() -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        line.clock.advance(2.5)
        return json_answer({})

    line = Line(FakeVendor(thing=slow))
    began_at = line.clock.now
    reply = line.get()
    assert reply.began_at == began_at
    assert line.calls == [
        CallRecord(
            system="Infigo", name="thing", began_at=began_at, seconds=2.5, outcome=CallOutcome.ANSWERED
        )
    ]


@pytest.mark.parametrize("spelling", [TOKEN, "s3cret%2Ftoken%2Bvalue"])
def test_secrets_are_struck_out_of_what_is_said(spelling: str) -> None:
    for answer in (
        json_answer({"Message": f"bad token {spelling}"}, 401),
        httpx.ConnectError(f"no way to {BASE}/auth/{spelling}"),
    ):
        reply = Line(FakeVendor(thing=answer)).get()
        assert spelling not in reply.said
        assert "***" in reply.said
        assert spelling not in repr(reply)


@pytest.mark.parametrize("before", [185, 195, 290, 595, 3995])
def test_no_part_of_a_secret_is_left_where_what_is_said_is_cut_off(before: int) -> None:
    for filler in ("x" * before, "x " * (before // 2), "x" + " " * before):
        reply = Line(FakeVendor(thing=httpx.Response(401, text=filler + TOKEN))).get()
        assert TOKEN[:4] not in reply.said
        assert len(reply.said) <= 300


def test_requests_are_not_logged_with_their_addresses(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Line(FakeVendor(auth=json_answer({}))).get(f"auth?Password={TOKEN}")
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Mon, 23 Nov 2026 10:00:00 GMT", ""),
        ("Mon, 23 Nov 2026 10:01:00 GMT", ""),
        ("Mon, 23 Nov 2026 09:59:00 GMT", ""),
        ("Mon, 23 Nov 2026 10:01:01 GMT", "clock is 0:01:01 behind that of shop.example.com"),
        ("Mon, 23 Nov 2026 09:58:59 GMT", "clock is 0:01:01 ahead of that of shop.example.com"),
        ("Sat, 21 Nov 2026 09:00:00 GMT", "clock is 2 days, 1:00:00 ahead of that of shop.example.com"),
        ("Mon, 23 Nov 2026 21:00:00 +1100", ""),
        ("yesterday", ""),
        ("Mon, 23 Nov 2026 10:01:01", ""),
        (None, ""),
    ],
)
def test_a_clock_that_differs_from_the_vendors_is_said(date: str | None, said: str) -> None:
    answer = json_answer({})
    if date:
        answer.headers["Date"] = date
    line = Line(FakeVendor(thing=answer))
    line.get()
    problem = line.http.clock_problem()
    assert (problem is None) == (not said)
    assert said in (problem or "")


def test_a_clock_that_was_put_right_is_no_problem_any_more() -> None:
    late, fine = json_answer({}), json_answer({})
    late.headers["Date"], fine.headers["Date"] = (
        "Mon, 23 Nov 2026 08:00:00 GMT",
        "Mon, 23 Nov 2026 10:00:00 GMT",
    )
    line = Line(FakeVendor(thing=[late, fine]))
    line.get()
    assert line.http.clock_problem() is not None
    line.get()
    assert line.http.clock_problem() is None
