"""Bad input over real HTTP: a clear answer or quarantine, nothing lost, nothing crashed."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from countermand_process import demo

from countermand.core.status import Side
from countermand.demo.world import NEVER, World, WorldSettings, wait_until
from countermand.web.hooks import MOST_BYTES

JSON = {"content-type": "application/json"}
XML = {"content-type": "text/xml"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hooks")


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[World]:
    with World(WorldSettings(polling=NEVER), folder) as made:
        yield made


def address(world: World, side: Side) -> str:
    """A side's hook address, as its system was told it."""
    base = world.infigo if side is Side.STOREFRONT else world.printiq
    name = "webhooks" if side is Side.STOREFRONT else "hooks"
    return str(world.get(base, "/_sim/settings")[name][0]["url"])


def messages(folder: Path) -> dict[int, tuple[str, str, bytes]]:
    """(state, reason, body) of every stored message, read from the file itself."""
    with closing(sqlite3.connect(folder / "countermand.db")) as plain:
        rows = plain.execute("SELECT id, state, reason, body FROM inbox").fetchall()
    return {row[0]: (row[1], row[2], bytes(row[3])) for row in rows}


def send(world: World, folder: Path, side: Side, body: bytes, headers: dict[str, str]) -> tuple[str, str]:
    """Post a message, wait until it is dealt with; what became of it and why."""
    before = set(messages(folder))
    answer = world.http.post(address(world, side), content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    (new,) = [number for number in messages(folder) if number not in before]
    assert messages(folder)[new][2] == body, "it was not stored as it came"
    wait_until("the message to be dealt with", lambda: messages(folder)[new][0] != "new")
    return messages(folder)[new][:2]


def still_works(world: World) -> None:
    health = world.get(world.console, "/api/health")
    assert "failing" not in health or not health["failing"], health


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", JSON),
        (b"null", JSON),
        (b"[]", JSON),
        (b"{}", JSON),
        (b'"text"', JSON),
        (b"12345678901234567890", JSON),
        (b"1e999", JSON),
        (b'{"data": [{"Id": null}]}', JSON),
        (b'{"data": [[[[{"Id": {}}]]]]}', JSON),
        (b"\xff\xfe\x00\xd8", JSON),
        (b'{"data": [{"Id": "\xe9\xe8"}]}', JSON),
        (b'{"data": [{"Id": "s1\\ud800"}]}', JSON),
        (b"\x00" * 2000, JSON),
        (b"[" * 200_000, JSON),
        (b'{"a":' * 100_000, JSON),
        (b"<order", XML),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", XML),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', XML),
        (
            b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;</a>',
            XML,
        ),
        (b"<a>" * 60_000, XML),
        (b"Job=J1&Status=17", {"content-type": "application/x-www-form-urlencoded"}),
        (b"hello", {}),
        (b"hello", {"content-type": "application/json; charset=klingon"}),
        (b"\x1f\x8b\x08\x00junk", {"content-encoding": "gzip"} | JSON),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_what_cannot_be_read_is_kept_with_the_reason(
    world: World, folder: Path, side: Side, body: bytes, headers: dict[str, str]
) -> None:
    state, reason = send(world, folder, side, body, headers)
    assert state == "quarantined"
    assert reason
    assert "fault of ours" not in reason, reason
    still_works(world)


@pytest.mark.parametrize(
    ("side", "body"),
    [
        (Side.STOREFRONT, b'{"webhook": {"action": "exploded"}, "data": [{"Id": 99999999}]}'),
        (Side.STOREFRONT, b'{"webhook": {}, "data": [{"Id": "s99999999", "OrderId": 99999999}]}'),
        (Side.MIS, b'{"Event": "FailXMPieJob", "JobNo": "J99999-01"}'),
        (Side.MIS, b"<Event name='NeverHeardOf'><JobNumber>J99999-02</JobNumber></Event>"),
        (Side.MIS, b'{"JobNo": "J1\\u0000\\u202e\' OR 1=1 --"}'),
    ],
)
def test_an_unknown_event_or_number_waits_for_what_it_names(
    world: World, folder: Path, side: Side, body: bytes
) -> None:
    headers = XML if body.startswith(b"<") else JSON
    state, reason = send(world, folder, side, body, headers)
    assert state in ("waiting", "unlinked")
    assert "Nothing is known yet of" in reason
    still_works(world)


def refused(answer: httpx.Response, status: int, says: str) -> None:
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]


@pytest.mark.parametrize("side", list(Side))
def test_what_cannot_be_a_message_is_refused_and_not_stored(world: World, folder: Path, side: Side) -> None:
    url, before = address(world, side), messages(folder)
    base, _, token = url.rpartition("/")
    other = address(world, Side(side).other).rpartition("/")[2]
    http = world.http
    refused(http.post(url, content=b""), 400, "empty")
    refused(http.post(url, content=b" \r\n\t"), 400, "empty")
    refused(http.post(f"{base}/{token}x", content=b"{}"), 404, "token")
    refused(http.post(f"{base}/{token.swapcase()}", content=b"{}"), 404, "token")
    refused(http.post(f"{base}/{other}", content=b"{}"), 404, "token")
    refused(http.post(f"{base}/%ff%00%c3%a9", content=b"{}"), 404, "token")
    refused(http.post(f"{world.console}/hooks/nobody/{token}", content=b"{}"), 404, "sides are")
    assert http.get(url).status_code == (400 if side is Side.STOREFRONT else 405)
    assert http.delete(url).status_code == 405
    assert http.post(base, content=b"{}").status_code == 404
    assert messages(folder) == before


def test_the_largest_message_is_taken_and_one_byte_more_is_not(world: World, folder: Path) -> None:
    url = address(world, Side.MIS)
    state, _ = send(world, folder, Side.MIS, b"x" * MOST_BYTES, JSON)
    assert state == "quarantined"
    before = messages(folder)
    refused(world.http.post(url, content=b"x" * (MOST_BYTES + 1)), 413, str(MOST_BYTES))
    assert messages(folder) == before


def test_a_stream_without_a_length_is_cut_off_at_the_limit(world: World, folder: Path) -> None:
    url, before = urlsplit(address(world, Side.MIS)), messages(folder)
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = b""
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=20) as plain:
        plain.sendall(head.encode())
        sent = 0
        with suppress(OSError):
            while sent < 64 * MOST_BYTES:
                plain.sendall(chunk)
                sent += 0x10000
        with suppress(OSError):
            answer = plain.recv(4096)
    assert sent < 32 * MOST_BYTES, "it went on reading"
    assert not answer or b" 413 " in answer.splitlines()[0]
    assert messages(folder) == before
    still_works(world)


def test_a_message_that_breaks_off_is_not_stored(world: World, folder: Path) -> None:
    url, before = urlsplit(address(world, Side.MIS)), messages(folder)
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=20) as plain:
        plain.sendall(head.encode() + b'{"JobNo": "J1')
    still_works(world)
    assert messages(folder) == before


def test_after_all_this_an_honest_message_is_dealt_with(world: World, folder: Path) -> None:
    placed = world.post(world.infigo, "/_sim/orders", {"count": 1})["orders"][0]["Id"]
    wait_until(
        "the order to be known",
        lambda: world.http.get(f"{world.console}/api/orders/{placed}").status_code == 200,
    )


def test_an_acknowledged_message_is_on_disk_when_the_process_is_killed(tmp_path: Path) -> None:
    with demo(tmp_path, "--orders", "0") as (running, http):
        settings = http.get(f"{running.infigo}/_sim/settings").json()
        url = settings["webhooks"][0]["url"]
        bodies = [b'{"data": [{"Id": %d}]}' % number for number in range(900001, 900021)]
        for body in bodies:
            answer = http.post(url, content=body, headers=JSON)
            assert answer.status_code == 202
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(10)
        kept = {body for _, _, body in messages(tmp_path / "data").values()}
        assert set(bodies) <= kept
