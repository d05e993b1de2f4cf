"""What both simulators really send is read as the right hints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from vendor_systems import running_infigo, running_printiq

from countermand.bridge.ports import Hint, MisItemKind, UnreadableHookError
from countermand.infigo import parse_hook as parse_infigo_hook
from countermand.printiq import parse_hook as parse_printiq_hook
from countermand.simulators.kit import ServerThread

DEADLINE_SECONDS = 10.0
Parser = Callable[[bytes, str], tuple[Hint, ...]]


class Collector:
    """Takes hooks, and reads them with the parser under test."""

    def __init__(self, parse: Parser) -> None:
        self.hints: list[Hint] = []
        self.unreadable: list[str] = []
        self._parse = parse

    async def take(self, request: Request) -> Response:
        try:
            self.hints += self._parse(*await _message(request))
        except UnreadableHookError as error:
            self.unreadable.append(str(error))
        return Response(status_code=204)

    @contextmanager
    def listening(self) -> Iterator[str]:
        with ServerThread(Starlette(routes=[Route("/take", self.take, methods=["GET", "POST"])])) as server:
            yield f"{server.url}/take"

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = monotonic() + DEADLINE_SECONDS
        while not condition():
            assert monotonic() < deadline, f"got {self.hints} and could not read {self.unreadable}"
            sleep(0.01)

    def claimed(self, event: str) -> set[str]:
        """What the hints of one event name."""
        return {
            hint.order_id or hint.line_id or hint.mis_ref
            for hint in self.hints
            if hint.claims.startswith(event)
        }


async def _message(request: Request) -> tuple[bytes, str]:
    """As the hook addresses store it."""
    if request.method == "GET":
        return request.scope["query_string"], "application/x-www-form-urlencoded"
    return await request.body(), request.headers.get("content-type", "")


@pytest.mark.parametrize("format_", ["json", "xml"])
def test_printiq_events(format_: str) -> None:
    collector = Collector(parse_printiq_hook)
    with collector.listening() as url, running_printiq() as printiq:
        printiq.settings(hooks=[{"url": url, "format": format_}])
        job: dict[str, Any] = {"CustomerReference": "10001", "ExternalJobReference": "s2001"}
        placed = printiq.place(job, job, stock=({"CustomerReference": "10001", "Notes": "10001/s2002"},))
        (first, second), (order,) = placed["jobs"], placed["salesorders"]
        collector.wait_for(lambda: collector.claimed("CreateJob") == {first, second})
        printiq.post(f"jobs/{first}/status", {"ProdStatusID": 17})
        collector.wait_for(lambda: collector.claimed("JobStatusChanged 17") == {first})
        printiq.post(f"jobs/{second}/dispatch", {"ConsignmentNo": "C77"})
        collector.wait_for(lambda: collector.claimed("CreateConsignment C77") == {second})
        printiq.post(f"salesorders/{order}/cancel")
        collector.wait_for(lambda: collector.claimed("SalesOrderItemStatusChanged Cancelled") == {order})
    kinds = {hint.mis_ref: hint.mis_kind for hint in collector.hints if hint.mis_ref}
    assert kinds == {
        first: MisItemKind.JOB,
        second: MisItemKind.JOB,
        order: MisItemKind.SALES_ORDER,
    }
    assert {hint.mis_group for hint in collector.hints if hint.claims == "CreateJob"} == {str(placed["Id"])}
    assert all("CreateQuote" in why for why in collector.unreadable)


@pytest.mark.parametrize("delivery", ["Immediate", "Delayed"])
def test_infigo_webhooks(delivery: str) -> None:
    collector = Collector(parse_infigo_hook)
    with collector.listening() as url, running_infigo() as infigo:
        infigo.settings(webhooks=[{"url": url, "delivery": delivery, "delay_seconds": 0.05}])
        order_id, (first, _) = infigo.place(100, 200)
        collector.wait_for(lambda: collector.claimed("OrderPlaced") == {order_id})
        infigo.post(f"lines/{first}/cancel")
        collector.wait_for(lambda: collector.claimed("OrderLineItemStatusChanged") == {order_id})
        infigo.post(f"orders/{order_id}/ship", {"TrackingNumber": "JD0001"})
        collector.wait_for(lambda: collector.claimed("OrderStatusChanged") == {order_id})
    assert collector.unreadable == []


@pytest.mark.parametrize("delivery", ["Immediate", "Delayed"])
def test_infigo_webhooks_by_get(delivery: str) -> None:
    collector = Collector(parse_infigo_hook)
    with collector.listening() as url, running_infigo() as infigo:
        hook = {"url": f"{url}?key=k", "method": "GET", "delivery": delivery, "delay_seconds": 0.05}
        infigo.settings(webhooks=[hook])
        order_id, lines = infigo.place(100, 200)
        collector.wait_for(lambda: collector.claimed("OrderPlaced OrderLineItem") == set(lines))
        infigo.post(f"lines/{lines[0]}/cancel")
        collector.wait_for(lambda: collector.claimed("OrderLineItemStatusChanged") == {lines[0]})
        infigo.post(f"orders/{order_id}/ship", {"TrackingNumber": "JD0001"})
        collector.wait_for(lambda: collector.claimed("OrderStatusChanged") == set(lines))
    assert collector.unreadable == []
