"""Trying an Infigo connection names the setting that is wrong."""

from __future__ import annotations

import httpx2 as httpx
import pytest
from vendor_fakes import FakeClock, FakeVendor, html_answer, json_answer, run

from countermand.infigo import InfigoSettings, InfigoStorefront

GOOD = json_answer({"Name": "Acme Print Store"})
NO_LINE = json_answer(None)
PONG = json_answer({"ok": True, "script": "countermand", "version": 1})
LISTED = json_answer({"ok": True, "page": 0, "size": 1, "more": True, "orders": [{"id": 10001}]})
DENIED = json_answer({"Message": "Authorization has been denied."}, 401)
TOKEN = "token-of-the-shop"


def check(
    auth: httpx.Response | Exception = GOOD,
    line: httpx.Response | Exception = NO_LINE,
    script: httpx.Response | Exception = PONG,
    listing: httpx.Response | Exception = LISTED,
) -> str | None:
    vendor = FakeVendor(orderlineitem__get=line, countermand=[script, listing])
    vendor.on(f"auth/{TOKEN}", auth)
    clock = FakeClock()
    settings = InfigoSettings(
        base_url="https://shop.example.com", token=TOKEN, megascript_secret="secret-of-the-script"
    )
    shop = InfigoStorefront(settings, clock=clock, transport=vendor.transport, sleep=clock.sleep)
    problem = run(shop.check())
    assert problem is None or TOKEN not in problem
    return problem


def test_a_good_connection() -> None:
    assert check() is None
    assert check(auth=httpx.Response(204)) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"auth": httpx.ConnectError("Name or service not known")}, ["shop.example.com", "base_url"]),
        ({"auth": html_answer()}, ["base_url", "token"]),
        ({"auth": html_answer(404)}, ["base_url"]),
        ({"auth": httpx.Response(302, headers={"Location": "/login"})}, ["redirect", "base_url"]),
        ({"auth": json_answer({}, 500)}, ["HTTP 500", "later"]),
        ({"auth": DENIED}, ["did not accept the token", "check token"]),
        ({"line": DENIED}, ["auth_style"]),
        ({"line": html_answer()}, ["auth_style"]),
        (
            {"script": json_answer({"ok": False, "error": {"code": "forbidden"}}, 403)},
            ["megascript_secret"],
        ),
        ({"script": html_answer(404)}, ["megascript_path"]),
        ({"script": html_answer(200)}, ["megascript_path"]),
        ({"script": json_answer({"ok": True, "script": "other"})}, ["megascript_path"]),
        (
            {
                "script": json_answer(
                    {"ok": False, "error": {"code": "not_configured", "message": "Put"}}, 503
                )
            },
            ["not_configured", "Put"],
        ),
        ({"script": httpx.ReadTimeout("")}, ["did not answer", "base_url"]),
        (
            {"listing": json_answer({"ok": False, "error": {"code": "failed", "message": "no list"}}, 500)},
            ["cannot search for orders", "no list"],
        ),
        ({"listing": json_answer({"ok": True})}, ["cannot search for orders: its answer holds no list"]),
    ],
)
def test_what_is_wrong_is_one_sentence_with_the_setting(
    wrong: dict[str, httpx.Response | Exception], words: list[str]
) -> None:
    problem = check(**wrong)
    assert problem
    assert "\n" not in problem
    assert [word for word in words if word not in problem] == []


def test_without_a_script_only_rest_is_tried() -> None:
    vendor = FakeVendor(orderlineitem__get=NO_LINE)
    vendor.on(f"auth/{TOKEN}", GOOD)
    clock = FakeClock()
    settings = InfigoSettings(base_url="https://shop.example.com", token=TOKEN)
    shop = InfigoStorefront(settings, clock=clock, transport=vendor.transport, sleep=clock.sleep)
    assert run(shop.check()) is None
    assert [path.rpartition("/")[2] for path in vendor.paths] == [TOKEN, "get"]
