"""The HTTP API: orders, tasks, the journal, and what a person may do, as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.app import Health, Service, utc_now
from countermand.bridge import people
from countermand.bridge.cancel_here import cancel
from countermand.bridge.case import OpenTask, Written, as_order
from countermand.core.cancellation import Cancellation
from countermand.core.command import Answer
from countermand.core.policy import Direction
from countermand.core.table import ROWS, Row
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.ledger import views
from countermand.ledger.tasks import OvertakenError, touch
from countermand.web.person import refuse_elsewhere
from countermand.web.problem import Problem
from countermand.web.worklist import task_steps

Endpoint = Callable[[Request], Awaitable[object]]

#: Rows in one answer.
USUAL_ROWS, MOST_ROWS = 100, 1000


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What the API's description says about one call beside its sentence.

    `query` and `body`: name to what it is for; a name in `needs` has to be given.
    """

    answer: Any = None
    query: Mapping[str, str] = {}
    body: Mapping[str, str] = {}
    needs: tuple[str, ...] = ()


def operation(**about: Any) -> Callable[[Endpoint], Endpoint]:
    """Describe a call for the OpenAPI document."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__api__ = Operation(**about)  # type: ignore[attr-defined]  # read back in openapi.py
        return endpoint

    return mark


def as_json(answer: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The answer as JSON; what cannot be done is one sentence under `error`."""

    @wraps(answer)
    async def respond(request: Request) -> Response:
        try:
            if request.method == "POST":
                _from_a_program(request)
            value, status = await answer(request), 200
        except Problem as problem:
            value, status = {"error": problem.why}, problem.status
        except (people.RefusedError, OvertakenError) as refused:
            value, status = {"error": str(refused)}, 409
        body = msgspec.json.encode(value)
        return Response(body, status_code=status, media_type="application/json")

    return respond


def _from_a_program(request: Request) -> None:
    """A page of another site could make a browser send text, but never JSON without being asked first.

    Raises:
        Problem: it comes from such a page, or is something else than JSON.
    """
    refuse_elsewhere(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json":
        raise Problem(415, f"Send JSON with the content type application/json, not {kind}.")


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def view(request: Request, read: Callable[..., Any], *args: object, **kwargs: object) -> Any:
    engine = _service(request).engine

    def look() -> Any:
        with engine.begin() as database:
            return read(database, *args, **kwargs)

    return await run_in_threadpool(look)


def api_routes() -> list[Route]:
    return [
        Route("/api/orders", as_json(list_orders)),
        Route("/api/orders/{number}", as_json(show_order)),
        Route("/api/orders/{number}/look", as_json(order_look), methods=["POST"]),
        Route("/api/orders/{number}/cancel", as_json(order_cancel), methods=["POST"]),
        Route("/api/tasks", as_json(list_tasks)),
        Route("/api/tasks/{id:int}", as_json(show_task)),
        Route("/api/tasks/{id:int}/done", as_json(task_done), methods=["POST"]),
        Route("/api/tasks/{id:int}/settle", as_json(task_settle), methods=["POST"]),
        Route("/api/tasks/{id:int}/approve", as_json(task_approve), methods=["POST"]),
        Route("/api/tasks/{id:int}/assign", as_json(task_assign), methods=["POST"]),
        Route("/api/tasks/{id:int}/snooze", as_json(task_snooze), methods=["POST"]),
        Route("/api/tasks/{id:int}/note", as_json(task_note), methods=["POST"]),
        Route("/api/journal", as_json(list_journal)),
        Route("/api/decisions", as_json(decisions)),
        Route("/api/health", as_json(health)),
    ]


# What the answers hold


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
    timeline: list[views.JournalRow] | None = None


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders; `next` is the `after` of the following page, empty on the last."""

    orders: list[ApiOrder]
    next: str


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


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the journal, newest first."""

    entries: list[views.JournalRow]
    next: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """It was taken on; what comes of it shows at the task."""

    accepted: bool
    task: int


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """The decision table, tried from the top."""

    rows: tuple[Row, ...]


_PAGED = {"limit": f"How many rows, at most {MOST_ROWS}.", "after": "Where to go on: the `next` of a page."}
_ACT = {
    "by": "Who does it; stands in the journal.",
    "reason": "Why, in their words.",
    "version": "The version of the task that was seen; refused if somebody changed it since.",
}


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(USUAL_ROWS))
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_ROWS:
        raise Problem(400, f"`limit` is a number from 1 to {MOST_ROWS}, not “{text[:20]}”.")
    return int(text)


# Orders


@operation(
    answer=Orders,
    query={
        "state": "Only orders that stand so: needs_person, on_the_way, waiting, in_step, settled, closed.",
        "q": "Any number a person may hold (or its beginning), or part of a customer's name.",
        "connection": "Only this connection's.",
        **_PAGED,
    },
)
async def list_orders(request: Request) -> object:
    """Orders, newest change first."""
    asked, limit = request.query_params, _limit(request)
    rows = await view(
        request,
        views.list_orders,
        state=asked.get("state", ""),
        search=asked.get("q", "").strip(),
        connection=asked.get("connection", ""),
        limit=limit,
        after=asked.get("after", ""),
    )
    return Orders(orders=[_order(row) for row in rows], next=rows[-1].key if len(rows) == limit else "")


@operation(answer=ApiOrder)
async def show_order(request: Request) -> object:
    """One order by any number that leads to it, with its journal."""
    row = await _order_row(request)
    events = await view(request, views.order_journal, row.connection, row.order)
    return msgspec.structs.replace(_order(row), timeline=events)


async def _order_row(request: Request) -> views.OrderRow:
    number = request.path_params["number"]
    row: views.OrderRow | None = await view(request, views.find_order, number)
    if row is None:
        raise Problem(404, f"No order is known by the number {number}.")
    return row


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


@operation(answer=dict[str, str], body={"by": _ACT["by"]}, needs=("by",))
async def order_look(request: Request) -> object:
    """Read both systems now."""
    row, said = await _order_row(request), await json_body(request)
    by, at, service = _by(said), utc_now(), _service(request)
    await people.do(service.store, row.connection, row.order, people.look_again(by, at), at)
    service.wake()
    return {"order": row.order}


@operation(
    answer=Answer,
    body={"by": _ACT["by"], "reason": "Why it is cancelled.", "lines": "Only these lines; left out: all."},
    needs=("by", "reason"),
)
async def order_cancel(request: Request) -> object:
    """Cancel an order, or lines of it, in the storefront; the MIS follows with this person's go-ahead."""
    row, said = await _order_row(request), await json_body(request)
    service = _service(request)
    running = service.running.get(row.connection)
    if running is None:
        raise Problem(409, f"Nobody looks after the connection {row.connection} any more.")
    lines = said.get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Problem(400, "`lines` is a list of line numbers.")
    reason = str(said.get("reason", ""))
    connection = running.bridge.connection
    answer = await cancel(service.store, connection, row.order, tuple(lines), _by(said), reason, utc_now)
    service.wake()
    return answer


# Tasks


@operation(
    answer=Tasks,
    query={
        "state": "open (as always) or closed.",
        "kind": "Only tasks of this kind.",
        "owner": "Only tasks for these: order desk, production, accounts, set-up.",
        **_PAGED,
    },
)
async def list_tasks(request: Request) -> object:
    """Tasks by cost of delay."""
    asked, limit = request.query_params, _limit(request)
    rows = await view(
        request,
        views.list_tasks,
        state=asked.get("state", "open"),
        kind=asked.get("kind", ""),
        owner=asked.get("owner", ""),
        limit=limit,
        after=asked.get("after", ""),
    )
    return Tasks(tasks=[_task(row) for row in rows], next=rows[-1].key if len(rows) == limit else "")


@operation(answer=ApiTask)
async def show_task(request: Request) -> object:
    """One task, with what to do."""
    row = await _task_row(request)
    found = await view(request, views.task_order_rows, row.id, 1)
    case, running = (found[0].case if found else None), _service(request).running.get(row.connection)
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


@operation(answer=Accepted, body=_ACT, needs=("by",))
async def task_done(request: Request) -> object:
    """ "I did it, check now": both systems are read before the task may close."""
    row, said = await _task_row(request), await json_body(request)
    reason = str(said.get("reason", ""))
    how = "says it is done"
    return await _do(request, row, lambda by: people.check_now(row.id, by, utc_now(), reason), said, how)


@operation(answer=Accepted, body=_ACT, needs=("by", "reason"))
async def task_settle(request: Request) -> object:
    """Leave the two systems different, with a reason."""
    row, said = await _task_row(request), await json_body(request)
    lines = tuple(filter(None, row.line_ids.split(", ")))
    reason = str(said.get("reason", ""))
    if not reason.strip():
        raise people.RefusedError("Please say why the two systems may stay different.")
    how = "left the two systems different"
    return await _do(request, row, lambda by: people.settle(lines, by, utc_now(), reason), said, how)


@operation(answer=Accepted, body=_ACT, needs=("by",))
async def task_approve(request: Request) -> object:
    """Let the write that this task holds go ahead."""
    row, said = await _task_row(request), await json_body(request)
    direction, reason = _direction(row), str(said.get("reason", ""))
    lines = tuple(filter(None, row.line_ids.split(", ")))
    how = "gave the go-ahead"
    return await _do(
        request, row, lambda by: people.approve(direction, by, utc_now(), reason, lines), said, how
    )


def _direction(row: views.TaskRow) -> Direction:
    kind = TaskKind(row.kind)
    if kind is TaskKind.SHIP_IN_STOREFRONT:
        return Direction.SHIP_TO_STOREFRONT
    if kind is TaskKind.CANCEL_IN_STOREFRONT:
        return Direction.CANCEL_TO_STOREFRONT
    return Direction.CANCEL_TO_MIS


async def _do(
    request: Request,
    row: views.TaskRow,
    deed: Callable[[str], people.Deed],
    said: dict[str, Any],
    how: str,
) -> object:
    """A deed on every order of the task, once it is certain that nobody was faster."""
    by = await _touch(request, row, said, how)
    service = _service(request)
    orders = [order for _, order in await view(request, views.orders_of_task, row.id)]
    refused = await people.do_for_all(service.store, row.connection, orders, deed(by), utc_now())
    service.wake()
    if refused and len(refused) == len(orders):
        raise people.RefusedError(next(iter(refused.values())))
    return Accepted(accepted=True, task=row.id)


async def _touch(request: Request, row: views.TaskRow, said: dict[str, Any], how: str, **news: object) -> str:
    by, version, note = _by(said), said.get("version"), str(said.get("reason", ""))
    if version is not None and not isinstance(version, int):
        raise Problem(400, "`version` is the number that the task was shown with.")
    await _service(request).writer.write_async(
        lambda database: touch(database, row.id, version, by, how, utc_now(), news, note)
    )
    return by


def _by(said: Mapping[str, Any]) -> str:
    by = said.get("by")
    if not isinstance(by, str) or not by.strip():
        raise Problem(400, "Please say who you are: the field `by` is missing.")
    return by.strip()


@operation(answer=Accepted, body={**_ACT, "to": "Whose it is from now on; empty: nobody's."}, needs=("by",))
async def task_assign(request: Request) -> object:
    """Say whose task it is."""
    row, said = await _task_row(request), await json_body(request)
    to = str(said.get("to", "")).strip()[:60]
    how = f"assigned it to {to}" if to else "took everybody's name off it"
    await _touch(request, row, said, how, assigned_to=to)
    return Accepted(accepted=True, task=row.id)


@operation(
    answer=Accepted, body={**_ACT, "minutes": "For how long; 0: back on the list."}, needs=("by", "minutes")
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


@operation(answer=Accepted, body=_ACT, needs=("by", "reason"))
async def task_note(request: Request) -> object:
    """Write a note on a task; `reason` is its text."""
    row, said = await _task_row(request), await json_body(request)
    if not str(said.get("reason", "")).strip():
        raise Problem(400, "The note is empty: its text goes into `reason`.")
    await _touch(request, row, said, "wrote a note")
    return Accepted(accepted=True, task=row.id)


# Everything else


@operation(
    answer=Entries,
    query={
        "event": "Only this event, such as write.verified.",
        "about": "Only this order's number.",
        "who": "Only what this person did.",
        "chain": "Only this connection's.",
        **_PAGED,
    },
)
async def list_journal(request: Request) -> object:
    """The journal, newest first."""
    asked, limit = request.query_params, _limit(request)
    event, about = asked.get("event", ""), asked.get("about", "")
    wanted = views.JournalFilter(
        events=(event,) if event else (),
        subject=f"order/{about}" if about else "",
        actor=asked.get("who", ""),
        chain=asked.get("chain", ""),
    )
    rows = await view(request, views.list_journal, wanted, limit=limit, after=asked.get("after", ""))
    return Entries(entries=rows, next=rows[-1].key if len(rows) == limit else "")


@operation(answer=Decisions)
async def decisions(_request: Request) -> object:
    """The decision table: what is decided for every pair of states."""
    return Decisions(rows=ROWS)


@operation(answer=Health)
async def health(request: Request) -> object:
    """Whether every connection is being looked after."""
    return _service(request).health()


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        Problem: it is none.
    """
    try:
        value = msgspec.json.decode(await request.body() or b"{}")
    except msgspec.DecodeError as error:
        raise Problem(400, f"The request is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The request must be a JSON object.")
    return value
