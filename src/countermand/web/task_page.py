"""One task: its steps, both systems, what people did, and everything that can be done about it."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from countermand.bridge.faults import fault_task
from countermand.core.tasks import TaskKind
from countermand.ledger import views
from countermand.web import words
from countermand.web.clock import zone_of
from countermand.web.judging import explained, judged
from countermand.web.order_view import brakes_of, names_of, order_view
from countermand.web.pages import service_of, show
from countermand.web.task_view import find_task, task_steps, task_view
from countermand.web.timeline import task_timeline

MOST_ORDERS_SHOWN = 100


def task_page(request: Request) -> Response:
    service = service_of(request)
    with service.engine.begin() as database:
        return render_task(request, database, int(request.path_params["id"]))


def render_task(
    request: Request, database: Connection, task_id: int, *, problem: str = "", status_code: int = 200
) -> Response:
    """The page of one task; `problem` says why the last act was not done."""
    service = service_of(request)
    row = find_task(database, task_id)
    running = service.running.get(row.connection)
    found = views.task_order_rows(database, task_id, MOST_ORDERS_SHOWN)
    listed = [order_view(order, running) for order in found]
    alone = listed[0] if len(listed) == 1 else None
    if alone is not None and running is not None and not fault_task(found[0].case):
        wanted = judged(found[0].case, running, brakes_of(database, row.connection))
        alone = explained(alone, wanted, running, zone_of(request))
    task = task_view(row, running, alone)
    first = found[0].case if found else None
    return show(
        request,
        "task.html",
        database,
        here=f"/needs-a-person/{task_id}",
        status_code=status_code,
        task=task,
        row=row,
        orders=listed,
        order=task.order,
        steps=task_steps(row, first, running, row.order_count <= 1),
        doubts=first.doubts if first is not None and row.kind == TaskKind.AMBIGUOUS_LINK else (),
        timeline=task_timeline(database, row, names_of(running)),
        brake_id=_brake_id(database, row),
        problem=problem,
        done=words.DONE.get(request.query_params.get("done", ""), ""),
    )


def _brake_id(database: Connection, row: views.TaskRow) -> int | None:
    on = (each.id for each in views.brakes_on(database) if each.connection == row.connection)
    return next(on, None) if row.kind == TaskKind.BRAKE else None
