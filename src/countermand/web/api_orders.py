"""The HTTP API of orders: lists, one order with its journal, a look now, cancelling from here."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from countermand.app import utc_now
from countermand.bridge import people
from countermand.bridge.asking_again import ask_again
from countermand.bridge.cancel_here import cancel
from countermand.bridge.case import OpenTask, Written, as_order
from countermand.bridge.stopping import stop
from countermand.bridge.store import State
from countermand.core.cancellation import Cancellation
from countermand.core.command import Answer
from countermand.ledger import records, views
from countermand.ledger.finding import check_connection
from countermand.web.api import (
    ACT,
    PAGED,
    as_json,
    chosen,
    json_body,
    limit_of,
    lines_of,
    named,
    operation,
    order_of,
    reason_of,
    service_at,
    view,
)
from countermand.web.problem import Problem
from countermand.web.stopping import direction_of
from countermand.web.whose import WHOSE, named_order


def order_routes() -> list[Route]:
    return [
        Route("/api/orders", as_json(list_orders)),
        Route("/api/orders/{number:path}", as_json(show_order)),
        Route("/api/orders/{number:path}/look", as_json(order_look), methods=["POST"]),
        Route("/api/orders/{number:path}/cancel", as_json(order_cancel), methods=["POST"]),
        Route("/api/orders/{number:path}/stop", as_json(order_stop), methods=["POST"]),
        Route("/api/orders/{number:path}/ask-again", as_json(order_ask_again), methods=["POST"]),
    ]


class ApiLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line, both sides: statuses as `open/started`, `cancelled/none`, `unseen`, ..."""

    line: str
    name: str
    kind: str | None
    storefront: str
    mis: str
    tracking: list[str]
    jobs: list[str]
    rule: str


class ApiOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order. `timeline`: its journal, where one order is asked for."""

    connection: str
    order: str
    state: str
    customer: str
    po_number: str
    placed_at: datetime | None
    changed_at: datetime
    payment: str
    lines: list[ApiLine]
    writes: tuple[Written, ...]
    cancellations: tuple[Cancellation, ...]
    tasks: tuple[OpenTask, ...]
    timeline: list[records.JournalRow] | None = None


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders; `next` is the `after` of the following page, empty on the last."""

    orders: list[ApiOrder]
    next: str


@operation(
    answer=Orders,
    query={
        "state": "Only orders that stand so: needs_person, on_the_way, waiting, in_step, settled, closed.",
        "q": "Any number a person may hold (or its beginning), or part of a customer's name.",
        "connection": "Only this connection's.",
        **PAGED,
    },
)
async def list_orders(request: Request) -> object:
    """Orders, newest change first."""
    asked, limit = request.query_params, limit_of(request)
    await view(request, check_connection, asked.get("connection", ""))
    rows = await view(
        request,
        views.list_orders,
        state=chosen(request, "state", State),
        search=asked.get("q", "").strip(),
        connection=asked.get("connection", ""),
        limit=limit,
        after=asked.get("after", ""),
    )
    return Orders(orders=[_order(row) for row in rows], next=rows[-1].key if len(rows) == limit else "")


@operation(answer=ApiOrder, query=WHOSE)
async def show_order(request: Request) -> object:
    """One order by any number that leads to it, with its journal."""
    row = await order_of(request, beginning=True)
    events = await view(request, records.order_journal, row.connection, row.order)
    return msgspec.structs.replace(_order(row), timeline=events)


def _order(row: views.OrderRow) -> ApiOrder:
    return ApiOrder(
        connection=row.connection,
        order=row.order,
        state=row.state,
        customer=row.customer,
        po_number=row.po_number,
        placed_at=row.placed_at,
        changed_at=row.changed_at,
        payment=row.case.payment.value,
        lines=_lines(row),
        writes=row.case.writes,
        cancellations=row.case.cancellations,
        tasks=row.case.tasks,
    )


def _lines(row: views.OrderRow) -> list[ApiLine]:
    order = as_order(row.case, live_since=None)
    lines = {line.line_id: line for line in row.case.lines}
    return [
        ApiLine(
            line=entry.line_id,
            name=lines[entry.line_id].name,
            kind=entry.kind.value if entry.kind else None,
            storefront=str(entry.line.storefront.status),
            mis=str(entry.line.mis.status),
            tracking=sorted(entry.line.mis.tracking | entry.line.storefront.tracking),
            jobs=[job.ref for job in entry.jobs],
            rule=lines[entry.line_id].rule,
        )
        for entry in order.lines
    ]


@operation(answer=dict[str, str], query=WHOSE, body={"by": ACT["by"]}, needs=("by",))
async def order_look(request: Request) -> object:
    """Read both systems now."""
    row, said = await order_of(request), await json_body(request)
    by, at, service = named(request, said), utc_now(), service_at(request)
    await people.do(service.store, row.connection, row.order, people.look_again(by, at), at)
    service.wake(row.connection)
    return {"order": row.order}


@operation(
    answer=Answer,
    query=WHOSE,
    body={"by": ACT["by"], "reason": "Why it is cancelled.", "lines": "Only these lines; left out: all."},
    needs=("by", "reason"),
)
async def order_cancel(request: Request) -> object:
    """Cancel an order, or lines of it, in the storefront; the MIS follows with this person's go-ahead."""
    row, said = await order_of(request), await json_body(request)
    service = service_at(request)
    running = service.running.get(row.connection)
    if running is None:
        raise Problem(409, f"Nobody looks after the connection {row.connection} any more.")
    lines = lines_of(said)
    reason = reason_of(said)
    connection = running.bridge.connection
    answer = await cancel(service.store, connection, row.order, lines, named(request, said), reason, utc_now)
    service.wake(row.connection)
    return answer


@operation(
    answer=ApiOrder,
    query=WHOSE,
    body={
        "by": ACT["by"],
        "reason": "Why it is stopped.",
        "direction": "cancel_to_mis or cancel_to_storefront, where cancels wait in both.",
    },
    needs=("by", "reason"),
)
async def order_stop(request: Request) -> object:
    """Stop a cancel that waits, before it is sent; the two systems stay different in this person's name."""
    row, said = await order_of(request), await json_body(request)
    by, at, service = named(request, said), utc_now(), service_at(request)
    deed = stop(direction_of(str(said.get("direction", ""))), by, at, reason_of(said))
    await people.do(service.store, row.connection, row.order, deed, at)
    service.wake(row.connection)
    return _order(await view(request, named_order, row.order, row.connection))


@operation(
    answer=ApiOrder,
    query=WHOSE,
    body={"by": ACT["by"], "reason": "Why it is taken back."},
    needs=("by", "reason"),
)
async def order_ask_again(request: Request) -> object:
    """Take back that the two systems may differ: the rules judge the order anew, and may write at once."""
    row, said = await order_of(request), await json_body(request)
    by, at, service = named(request, said), utc_now(), service_at(request)
    deed = ask_again(by, at, reason_of(said))
    await people.do(service.store, row.connection, row.order, deed, at)
    service.wake(row.connection)
    return _order(await view(request, named_order, row.order, row.connection))
