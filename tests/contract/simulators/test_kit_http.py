"""The kit over real HTTP: serving, faults on calls, faults on outgoing messages."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from time import monotonic, sleep
from typing import Any

import httpx2 as httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from countermand.simulators.kit import (
    CallCounts,
    FaultPlan,
    FaultsMiddleware,
    Message,
    Outbox,
    ServerThread,
    SettingsBox,
    VendorCall,
    WriteLedger,
    control_routes,
    is_ignored,
)


class Knobs(msgspec.Struct, frozen=True, kw_only=True):
    label: str = "x"


def _name_call(call: VendorCall) -> str | None:
    return "count" if call.path == "/count" else None


def _counter_app() -> Starlette:
    """An application with one vendor call that counts, an inbox for messages, and test control."""
    plan, counts, ledger = FaultPlan(), CallCounts(), WriteLedger()
    outbox = Outbox(plan)
    inbox: list[str] = []

    async def count(request: Request) -> Response:
        if not is_ignored(request):
            ledger.record("count", "it", "counted")
        return PlainTextResponse(str(len(ledger)))

    async def receive(request: Request) -> Response:
        inbox.append((await request.body()).decode())
        return Response(status_code=204)

    async def show_inbox(_: Request) -> Response:
        return PlainTextResponse(",".join(inbox))

    async def send(request: Request) -> Response:
        url = str(request.url.replace(path="/inbox", query=""))
        outbox.enqueue(*(Message(url=url, body=str(n).encode(), kind="number") for n in range(5)))
        return Response(status_code=204)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(outbox.run())
        yield
        task.cancel()

    settings = SettingsBox(Knobs())
    return Starlette(
        routes=[
            Route("/count", count, methods=["GET", "POST"]),
            Route("/inbox", receive, methods=["POST"]),
            Route("/inbox", show_inbox),
            Route("/send", send, methods=["POST"]),
            *control_routes(ledger=ledger, plan=plan, counts=counts, outbox=outbox, settings=settings),
        ],
        middleware=[Middleware(FaultsMiddleware, plan=plan, name_call=_name_call, counts=counts)],
        lifespan=lifespan,
    )


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with ServerThread(_counter_app()) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        yield http


def _set(client: httpx.Client, **faults: object) -> None:
    assert client.put("/_sim/faults", json=faults).status_code == 200


def _one(kind: str, **more: object) -> dict[str, Any]:
    return {"calls": [{"match": "count", "kind": kind, "times": 1, **more}]}


def _effects(client: httpx.Client) -> int:
    return len(client.get("/_sim/ledger").json())


def _until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 5
    while not condition():
        assert monotonic() < deadline, "the condition did not come true within 5 s"
        sleep(0.01)


@pytest.mark.parametrize(
    ("kind", "status", "effects"),
    [("error-but-applied", 500, 1), ("5xx", 503, 0), ("429", 429, 0), ("ok-but-ignored", 200, 0)],
)
def test_a_fault_answers_and_acts_as_its_name_says(
    client: httpx.Client, kind: str, status: int, effects: int
) -> None:
    _set(client, **_one(kind))
    assert client.post("/count").status_code == status
    assert _effects(client) == effects
    assert client.post("/count").status_code == 200
    assert _effects(client) == effects + 1


def test_too_many_requests_says_when_to_come_back(client: httpx.Client) -> None:
    _set(client, **_one("429", seconds=7))
    assert client.post("/count").headers["retry-after"] == "7"


def test_an_html_page_comes_with_200(client: httpx.Client) -> None:
    _set(client, **_one("html-200"))
    answer = client.post("/count")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert _effects(client) == 0


def test_a_dropped_connection_gives_no_answer_and_no_effect(client: httpx.Client) -> None:
    _set(client, **_one("drop"))
    with pytest.raises(httpx.TransportError):
        client.post("/count")
    assert _effects(client) == 0


def test_a_timeout_withholds_the_answer_of_work_that_was_done(client: httpx.Client) -> None:
    _set(client, **_one("timeout", seconds=30))
    with pytest.raises(httpx.ReadTimeout):
        client.post("/count", timeout=0.2)
    assert _effects(client) == 1


def test_latency_delays_and_then_works(client: httpx.Client) -> None:
    _set(client, **_one("latency", seconds=0.2))
    started = monotonic()
    assert client.post("/count").text == "1"
    assert monotonic() - started >= 0.2


def test_a_stale_read_gives_the_earlier_answer(client: httpx.Client) -> None:
    assert client.get("/count?LoginToken=a").text == "1"
    _set(client, **_one("stale-read", seconds=0))
    assert client.get("/count?LoginToken=b").text == "1"
    assert client.get("/count?LoginToken=b").text == "3"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ('{"calls": [{"match": "x", "kind": "explode"}]}', "explode"),
        ('{"calls": [{"kind": "5xx", "colour": 1}]}', "colour"),
        ('{"hooks": {"drop": 2}}', "<= 1"),
        ("[]", "object"),
        ("{", "truncated"),
        (b'{"calls": [{"kind": "5xx", "match": "\xff"}]}', "decode"),
    ],
)
def test_unusable_faults_are_refused_with_a_sentence(
    client: httpx.Client, body: str | bytes, part: str
) -> None:
    answer = client.put("/_sim/faults", content=body)
    assert answer.status_code == 400
    assert part in answer.json()["error"]


def test_settings_are_merged_and_unknown_ones_named(client: httpx.Client) -> None:
    assert client.put("/_sim/settings", json={"label": "y"}).json() == {"label": "y"}
    answer = client.put("/_sim/settings", json={"lable": "z"})
    assert (answer.status_code, answer.json()) == (400, {"error": "There is no setting lable."})
    assert client.get("/_sim/settings").json() == {"label": "y"}


def test_calls_are_counted_and_control_is_not(client: httpx.Client) -> None:
    client.get("/count")
    client.post("/count")
    assert client.get("/_sim/calls").json() == {"count": 2}


def test_an_oversized_body_is_refused(client: httpx.Client) -> None:
    assert client.post("/count", content=b"x" * (4 * 1024 * 1024 + 1)).status_code == 413


def test_messages_arrive_in_order(client: httpx.Client) -> None:
    client.post("/send")
    _until(lambda: client.get("/inbox").text == "0,1,2,3,4")
    log = client.get("/_sim/outbox").json()
    assert [attempt["outcome"] for attempt in log["attempts"]] == ["delivered"] * 5


def test_messages_are_doubled_dropped_and_reordered_as_planned(client: httpx.Client) -> None:
    _set(client, hooks={"duplicate": 1.0})
    client.post("/send")
    _until(lambda: client.get("/inbox").text.count(",") == 9)
    _set(client, hooks={"drop": 1.0})
    client.post("/send")
    log = client.get("/_sim/outbox").json()
    assert [attempt["outcome"] for attempt in log["attempts"][-5:]] == ["dropped"] * 5
    _set(client, seed=3, hooks={"reorder": 0.5})
    client.post("/send")
    _until(lambda: client.get("/inbox").text.count(",") == 14)
    arrived = client.get("/inbox").text.split(",")[10:]
    assert sorted(arrived) == list("01234")
    assert arrived != list("01234")


def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match=f"Port {port} on 127.0.0.1 cannot be used"):
            ServerThread(_counter_app(), port)


def test_a_stopped_server_frees_its_port() -> None:
    with ServerThread(_counter_app()) as server:
        port = server.port
        assert httpx.get(f"{server.url}/count", trust_env=False).text == "1"
    with ServerThread(_counter_app(), port) as again:
        assert httpx.get(f"{again.url}/count", trust_env=False).text == "1"
