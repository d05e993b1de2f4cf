"""The HTTP API of tasks: the worklist, and what a person may do about a task."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from countermand.access import Role
from countermand.app import utc_now
from countermand.bridge import people
from countermand.bridge.go_ahead import approve_task
from countermand.core.tasks import TASK_TYPES, Owner, TaskKind
from countermand.ledger import views
from countermand.ledger.tasks import touch
from countermand.web.api import (
    ACT,
    PAGED,
    as_json,
    chosen,
    json_body,
    limit_of,
    named,
    operation,
    reason_of,
    service_at,
    view,
)
from countermand.web.person import clean_name
from countermand.web.problem import Problem
from countermand.web.task_view import must_approve, task_steps


def task_routes() -> list[Route]:
    return [
        Route("/api/tasks", as_json(list_tasks)),
        Route("/api/tasks/{id:number}", as_json(show_task)),
        Route("/api/tasks/{id:number}/done", as_json(task_done), methods=["POST"]),
        Route("/api/tasks/{id:number}/settle", as_json(task_settle), methods=["POST"]),
        Route("/api/tasks/{id:number}/approve", as_json(task_approve), methods=["POST"]),
        Route("/api/tasks/{id:number}/assign", as_json(task_assign), methods=["POST"]),
        Route("/api/tasks/{id:number}/snooze", as_json(task_snooze), methods=["POST"]),
        Route("/api/tasks/{id:number}/note", as_json(task_note), methods=["POST"]),
    ]


class ApiTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task: the stored row with its title, what waiting costs, and its urgency in words."""

    id: int
    connection: str
    kind: str
    title: str
    cost: str
    urgency: str
    owner: str
    because: str
    detail: str
    line_ids: str
    assisted: bool
    opened_at: datetime
    due_at: datetime
    state: str
    closed_at: datetime | None
    closed_by: str
    closed_how: str
    close_reason: str
    assigned_to: str
    snoozed_until: datetime | None
    returned: int
    last_check: str
    version: int
    touched_by: str
    touched_how: str
    touched_at: datetime | None
    orders: tuple[str, ...]
    order_count: int
    customer: str
    #: What to do, where one task is asked for.
    steps: tuple[str, ...] = ()


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """A page of tasks; `next` is the `after` of the following page, empty on the last."""

    tasks: list[ApiTask]
    next: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """It was taken on; what comes of it shows at the task."""

    accepted: bool
    task: int


@operation(
    answer=Tasks,
    query={
        "state": "open (as always) or closed.",
        "kind": "Only tasks of this kind.",
        "owner": "Only tasks for these: order desk, production, accounts, set-up.",
        **PAGED,
    },
)
async def list_tasks(request: Request) -> object:
    """Tasks by cost of delay; closed ones, which cost nothing any more, newest first."""
    asked, limit = request.query_params, limit_of(request)
    rows = await view(
        request,
        views.list_tasks,
        state=chosen(request, "state", ("open", "closed"), "open"),
        kind=chosen(request, "kind", TaskKind),
        owner=chosen(request, "owner", Owner),
        limit=limit,
        after=asked.get("after", ""),
    )
    return Tasks(tasks=[_task(row) for row in rows], next=rows[-1].key if len(rows) == limit else "")


@operation(answer=ApiTask)
async def show_task(request: Request) -> object:
    """One task, with what to do."""
    row = await _task_row(request)
    found = await view(request, views.task_order_rows, row.id, 1)
    case, running = (found[0].case if found else None), service_at(request).running.get(row.connection)
    steps = task_steps(row, case, running, row.order_count <= 1)
    return msgspec.structs.replace(_task(row), steps=tuple(step.text for step in steps))


async def _task_row(request: Request) -> views.TaskRow:
    task_id = request.path_params["id"]
    rows = await view(request, views.list_tasks, task_id=task_id)
    if not rows:
        raise Problem(404, f"There is no task {task_id}.")
    row: views.TaskRow = rows[0]
    return row


def _task(row: views.TaskRow) -> ApiTask:
    kind = TASK_TYPES[TaskKind(row.kind)]
    stored = msgspec.structs.asdict(row) | {"urgency": kind.urgency.value}
    return ApiTask(**stored, title=kind.title, cost=kind.cost)


@operation(answer=Accepted, body=ACT, needs=("by",))
async def task_done(request: Request) -> object:
    """ "I did it, check now": both systems are read before the task may close."""
    row, said = await _task_row(request), await json_body(request)
    reason = reason_of(said)
    how = "says it is done"
    return await _do(request, row, lambda by: people.check_now(row.id, by, utc_now(), reason), said, how)


@operation(answer=Accepted, body=ACT, needs=("by", "reason"))
async def task_settle(request: Request) -> object:
    """Leave the two systems different, with a reason."""
    row, said = await _task_row(request), await json_body(request)
    reason = reason_of(said)
    if not reason:
        raise people.RefusedError("Please say why the two systems may stay different.")
    how = "left the two systems different"
    return await _do(request, row, lambda by: people.settle_task(row.id, by, utc_now(), reason), said, how)


@operation(answer=Accepted, body=ACT, needs=("by",), role=Role.APPROVER)
async def task_approve(request: Request) -> object:
    """Let the write that this task holds go ahead; a task that holds none says what it needs instead."""
    row, said = await _task_row(request), await json_body(request)
    must_approve(row)
    kind, reason = TaskKind(row.kind), reason_of(said)
    lines = tuple(filter(None, row.line_ids.split(", ")))
    how = "gave the go-ahead"
    return await _do(request, row, lambda by: approve_task(kind, lines, by, utc_now(), reason), said, how)


async def _do(
    request: Request,
    row: views.TaskRow,
    deed: Callable[[str], people.Deed],
    said: dict[str, Any],
    how: str,
) -> object:
    """A deed on every order of the task, once it is certain that nobody was faster."""
    by = await _touch(request, row, said, how)
    service = service_at(request)
    orders = [order for _, order in await view(request, views.orders_of_task, row.id)]
    refused = await people.do_for_all(service.store, row.connection, orders, deed(by), utc_now())
    service.wake(row.connection)
    if refused and len(refused) == len(orders):
        raise people.RefusedError(next(iter(refused.values())))
    return Accepted(accepted=True, task=row.id)


async def _touch(request: Request, row: views.TaskRow, said: dict[str, Any], how: str, **news: object) -> str:
    by, version, note = named(request, said), said.get("version"), reason_of(said)
    if version is not None and type(version) is not int:
        raise Problem(400, "`version` is the number that the task was shown with.")
    await service_at(request).writer.write_async(
        lambda database: touch(database, row.id, version, by, how, utc_now(), news, note)
    )
    return by


@operation(answer=Accepted, body={**ACT, "to": "Whose it is from now on; empty: nobody's."}, needs=("by",))
async def task_assign(request: Request) -> object:
    """Say whose task it is."""
    row, said = await _task_row(request), await json_body(request)
    to = clean_name(str(said.get("to", "")))
    how = f"assigned it to {to}" if to else "took everybody's name off it"
    await _touch(request, row, said, how, assigned_to=to)
    return Accepted(accepted=True, task=row.id)


@operation(
    answer=Accepted, body={**ACT, "minutes": "For how long; 0: back on the list."}, needs=("by", "minutes")
)
async def task_snooze(request: Request) -> object:
    """Put a task off for some time, up to 14 days."""
    row, said = await _task_row(request), await json_body(request)
    minutes = said.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= 14 * 24 * 60:
        raise Problem(400, "`minutes` is a number from 0 to 20160, which is 14 days.")
    until = utc_now() + timedelta(minutes=minutes) if minutes else None
    how = f"put it off until {until:%d %b %H:%M} UTC" if until else "put it back on the list"
    await _touch(request, row, said, how, snoozed_until=until)
    return Accepted(accepted=True, task=row.id)


@operation(answer=Accepted, body=ACT, needs=("by", "reason"))
async def task_note(request: Request) -> object:
    """Write a note on a task; `reason` is its text."""
    row, said = await _task_row(request), await json_body(request)
    if not reason_of(said):
        raise Problem(400, "The note is empty: its text goes into `reason`.")
    await _touch(request, row, said, "wrote a note")
    return Accepted(accepted=True, task=row.id)
