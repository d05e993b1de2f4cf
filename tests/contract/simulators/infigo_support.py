"""A running storefront for the contract tests, a collector of messages, and waiting on a condition."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import httpx2 as httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.simulators.infigo import InfigoSettings, create_app
from countermand.simulators.kit import ServerThread

AUTH = {"Authorization": "Basic demo-infigo-token"}
SECRET = {"X-Countermand-Secret": "demo-megascript-secret"}
SCRIPT = "/services/api/megascript/countermand"
DEADLINE_SECONDS = 10.0
Json = dict[str, Any]


@contextmanager
def storefront(settings: InfigoSettings | None = None) -> Iterator[httpx.Client]:
    """Serve a storefront; gives a client that has its address."""
    with (
        ServerThread(create_app(settings, control=True)) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=DEADLINE_SECONDS) as client,
    ):
        yield client


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds; fails with `what` after the deadline."""
    deadline = monotonic() + DEADLINE_SECONDS
    while not condition():
        assert monotonic() < deadline, f"did not happen in time: {what}"
        sleep(0.01)


def place(client: httpx.Client, **order: object) -> Json:
    """Place one full order by test control."""
    body = {"OrderLineItems": [{"Sku": "BC-350-SILK", "Quantity": 500}], **order}
    answer = client.post("/_sim/orders", json=body)
    assert answer.status_code == 201, answer.text
    placed: Json = answer.json()["orders"][0]
    return placed


def state(client: httpx.Client, order_id: int) -> Json:
    found: Json = client.get(f"/_sim/orders/{order_id}").raise_for_status().json()
    return found


def script(client: httpx.Client, **request: object) -> Json:
    answer: Json = client.post(SCRIPT, json=request, headers=SECRET).json()
    return answer


class Collector:
    """Takes whatever is sent to it."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, bytes]] = []

    async def take(self, request: Request) -> Response:
        self.received.append((request.method, str(request.query_params), await request.body()))
        return Response(status_code=204)

    @contextmanager
    def listening(self) -> Iterator[str]:
        with ServerThread(Starlette(routes=[Route("/take", self.take, methods=["GET", "POST"])])) as server:
            yield f"{server.url}/take"
