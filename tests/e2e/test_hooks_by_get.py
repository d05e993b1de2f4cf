"""Messages by GET over real HTTP: the same tokens, stored before the answer, the same quarantine."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from msgspec.structs import replace

from countermand.core.policy import Mode
from countermand.demo.world import DEMO_POLICY, NEVER, World, WorldSettings, wait_until

QUERY = "application/x-www-form-urlencoded"
Stored = tuple[str, str, str, bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("by-get")


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[World]:
    policy = replace(DEMO_POLICY, cancel_to_mis=Mode.AUTOMATIC)
    with World(WorldSettings(polling=NEVER, policy=policy), folder) as made:
        yield made


@pytest.fixture(scope="module")
def url(world: World) -> str:
    return str(world.get(world.infigo, "/_sim/settings")["webhooks"][0]["url"])


def stored(folder: Path) -> dict[int, Stored]:
    """(state, reason, content type, body) of every message, read from the file itself."""
    with closing(sqlite3.connect(folder / "countermand.db")) as plain:
        rows = plain.execute("SELECT id, state, reason, content_type, body FROM inbox").fetchall()
    return {row[0]: (row[1], row[2], row[3], bytes(row[4])) for row in rows}


def send(world: World, folder: Path, url: str, query: str) -> Stored:
    before = stored(folder)
    answer = world.http.get(f"{url}?{query}")
    assert (answer.status_code, answer.json()) == (202, {"stored": True})
    (new,) = stored(folder).keys() - before.keys()
    assert stored(folder)[new][2:] == (QUERY, query.encode()), "it was not stored as it came"
    wait_until("the message to be dealt with", lambda: stored(folder)[new][0] != "new")
    return stored(folder)[new]


@pytest.mark.parametrize(
    "query",
    [
        "hello",
        "action=OrderPlaced",
        "id=",
        "id=%00%ff%2e%2e",
        "%00=1",
        "id='%20OR%201=1%20--",
        "data=%5B%7B%22Id%22%3A%22s1%22%7D%5D",
        "&&&==",
        "a" * 8000,
    ],
)
def test_nonsense_is_kept_with_the_reason(world: World, folder: Path, url: str, query: str) -> None:
    state, reason, _, _ = send(world, folder, url, query)
    assert state == "quarantined"
    assert reason.startswith("The query ")


def test_an_unknown_number_waits_for_what_it_names(world: World, folder: Path, url: str) -> None:
    state, reason, _, _ = send(world, folder, url, "action=exploded&entity=Order&id=99999999,s99999998")
    assert (state, reason) == ("waiting", "Nothing is known yet of 99999999, s99999998")


def refused(answer: httpx.Response, status: int, says: str) -> None:
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]
    assert answer.headers["cache-control"] == "no-store"


def test_what_cannot_be_a_message_is_refused_and_not_stored(world: World, folder: Path, url: str) -> None:
    before, (base, _, token) = stored(folder), url.rpartition("/")
    mis = str(world.get(world.printiq, "/_sim/settings")["hooks"][0]["url"])
    refused(world.http.get(url), 400, "empty")
    refused(world.http.get(f"{url}?"), 400, "empty")
    refused(world.http.get(f"{base}/{token}x?id=s1"), 404, "token")
    refused(world.http.get(f"{base}/{mis.rpartition('/')[2]}?id=s1"), 404, "token")
    refused(world.http.get(f"{world.console}/hooks/nobody/{token}?id=s1"), 404, "sides are")
    assert world.http.head(f"{url}?id=s1").status_code == 405
    refused(world.http.get(f"{mis}?JobNo=J1"), 405, "by POST")
    assert world.http.get(f"{mis}?JobNo=J1").headers["allow"] == "POST"
    assert stored(folder) == before


def test_an_address_without_end_is_not_read_to_its_end(world: World, folder: Path, url: str) -> None:
    before, parts = stored(folder), urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as plain:
        plain.sendall(f"GET {parts.path}?id=".encode())
        answer = b""
        try:
            for _ in range(64):
                plain.sendall(b"s1," * 0x10000)
            plain.sendall(b" HTTP/1.1\r\nHost: here\r\n\r\n")
            answer = plain.recv(4096)
        except OSError:
            pass  # it hung up, which is an answer too
    assert not answer or answer.split()[1].startswith(b"4"), answer
    assert stored(folder) == before
    assert world.get(world.console, "/api/health")["ok"]


def test_what_the_stand_in_sends_by_get_brings_a_cancel_over(world: World, folder: Path, url: str) -> None:
    world.put(world.infigo, "/_sim/settings", {"webhooks": [{"url": url, "method": "GET"}]})
    before = stored(folder).keys()
    placed = world.post(world.infigo, "/_sim/orders", {"count": 1})["orders"][0]["Id"]
    wait_until(
        "the order to be known",
        lambda: world.http.get(f"{world.console}/api/orders/{placed}").status_code == 200,
    )
    world.post(world.infigo, f"/_sim/orders/{placed}/cancel")
    wait_until("the cancel to arrive in printIQ", lambda: _in_printiq(world, placed) == {"cancelled"})
    by_get = [one for number, one in stored(folder).items() if number not in before and one[2] == QUERY]
    assert any(body.startswith(b"action=OrderPlaced&entity=OrderLineItem&id=") for *_, body in by_get)
    assert not [reason for state, reason, *_ in by_get if state == "quarantined"]


def _in_printiq(world: World, order: str) -> set[str]:
    lines = world.get(world.console, f"/api/orders/{order}")["lines"]
    return {line["mis"].partition("/")[0] for line in lines}
