"""The HTTP API: orders, tasks, and what a person may do, as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.app import Service, utc_now
from countermand.bridge import people
from countermand.bridge.case import as_order
from countermand.core.policy import Direction
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.ledger import views
from countermand.web.problem import Problem


def api_routes() -> list[Route]:
    return [
        Route("/api/orders", as_json(list_orders)),
        Route("/api/orders/{number}", as_json(show_order)),
        Route("/api/tasks", as_json(list_tasks)),
        Route("/api/tasks/{id:int}", as_json(show_task)),
        Route("/api/tasks/{id:int}/done", as_json(task_done), methods=["POST"]),
        Route("/api/tasks/{id:int}/settle", as_json(task_settle), methods=["POST"]),
        Route("/api/tasks/{id:int}/approve", as_json(task_approve), methods=["POST"]),
    ]


def as_json(answer: Callable[[Request], Awaitable[object]]) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            value, status = await answer(request), 200
        except Problem as problem:
            value, status = {"error": problem.why}, problem.status
        except people.RefusedError as refused:
            value, status = {"error": str(refused)}, 409
        body = msgspec.json.encode(value)
        return Response(body, status_code=status, media_type="application/json")

    return respond


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def view(request: Request, read: Callable[..., Any], *args: object, **kwargs: object) -> Any:
    engine = _service(request).engine

    def look() -> Any:
        with engine.begin() as database:
            return read(database, *args, **kwargs)

    return await run_in_threadpool(look)


# Orders


async def list_orders(request: Request) -> object:
    query = request.query_params
    rows = await view(request, views.list_orders, state=query.get("state", ""), search=query.get("q", ""))
    return {"orders": [_order_summary(row) for row in rows]}


async def show_order(request: Request) -> object:
    number = request.path_params["number"]
    row = await view(request, views.find_order, number)
    if row is None:
        raise Problem(404, f"No order is known by the number {number}.")
    events = await view(request, views.order_journal, row.connection, row.order)
    return {**_order_summary(row), "timeline": events}


def _order_summary(row: views.OrderRow) -> dict[str, object]:
    return {
        "connection": row.connection,
        "order": row.order,
        "state": row.state,
        "customer": row.customer,
        "po_number": row.po_number,
        "placed_at": row.placed_at,
        "changed_at": row.changed_at,
        "payment": row.case.payment,
        "lines": _lines(row),
        "writes": row.case.writes,
        "cancellations": row.case.cancellations,
        "tasks": row.case.tasks,
    }


def _lines(row: views.OrderRow) -> list[dict[str, object]]:
    order = as_order(row.case, live_since=None)
    lines = {line.line_id: line for line in row.case.lines}
    return [
        {
            "line": entry.line_id,
            "name": lines[entry.line_id].name,
            "kind": entry.kind,
            "storefront": str(entry.line.storefront.status),
            "mis": str(entry.line.mis.status),
            "tracking": sorted(entry.line.mis.tracking | entry.line.storefront.tracking),
            "jobs": [job.ref for job in entry.jobs],
            "rule": lines[entry.line_id].rule,
        }
        for entry in order.lines
    ]


# Tasks


async def list_tasks(request: Request) -> object:
    state = request.query_params.get("state", "open")
    rows = await view(request, views.list_tasks, state=state)
    return {"tasks": [_task(row) for row in rows]}


async def show_task(request: Request) -> object:
    return _task(await _task_row(request))


async def _task_row(request: Request) -> views.TaskRow:
    task_id = request.path_params["id"]
    rows = await view(request, views.list_tasks, task_id=task_id)
    if not rows:
        raise Problem(404, f"There is no task {task_id}.")
    row: views.TaskRow = rows[0]
    return row


def _task(row: views.TaskRow) -> dict[str, object]:
    kind = TASK_TYPES[TaskKind(row.kind)]
    return {**msgspec.structs.asdict(row), "title": kind.title, "cost": kind.cost, "urgency": kind.urgency}


async def task_done(request: Request) -> object:
    """ "I did it, check now": both systems are read before the task may close."""
    row, said = await _task_row(request), await json_body(request)
    return await _do(request, row, lambda by: people.check_now(row.id, by, utc_now()), said)


async def task_settle(request: Request) -> object:
    """Leave the two systems different, with a reason."""
    row, said = await _task_row(request), await json_body(request)
    lines = tuple(filter(None, row.line_ids.split(", ")))
    reason = str(said.get("reason", ""))
    return await _do(request, row, lambda by: people.settle(lines, by, utc_now(), reason), said)


async def task_approve(request: Request) -> object:
    """Let the write that this task holds go ahead."""
    row, said = await _task_row(request), await json_body(request)
    direction, reason = _direction(row), str(said.get("reason", ""))
    return await _do(request, row, lambda by: people.approve(direction, by, utc_now(), reason), said)


def _direction(row: views.TaskRow) -> Direction:
    kind = TaskKind(row.kind)
    if kind is TaskKind.SHIP_IN_STOREFRONT:
        return Direction.SHIP_TO_STOREFRONT
    if kind is TaskKind.CANCEL_IN_STOREFRONT:
        return Direction.CANCEL_TO_STOREFRONT
    return Direction.CANCEL_TO_MIS


async def _do(
    request: Request, row: views.TaskRow, deed: Callable[[str], people.Deed], said: dict[str, Any]
) -> object:
    by = str(said.get("by", "")).strip()
    if not by:
        raise Problem(400, "Please say who you are: the field `by` is missing.")
    if row.state != "open":
        raise Problem(409, f"Task {row.id} is closed already, by {row.closed_by}.")
    service = _service(request)
    for order_id in row.orders:
        await people.do(service.store, row.connection, order_id, deed(by), utc_now())
    service.wake()
    return {"accepted": True, "task": row.id}


async def json_body(request: Request) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(await request.body() or b"{}")
    except msgspec.DecodeError as error:
        raise Problem(400, f"The request is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The request must be a JSON object.")
    return value
