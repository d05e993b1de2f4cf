"""One order: both systems side by side, what happens next, and everything that ever happened to it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import utc_now
from countermand.bridge import people
from countermand.bridge.asking_again import left_different
from countermand.bridge.cancel_here import anything_to_cancel
from countermand.bridge.case import Case, Written
from countermand.bridge.faults import fault_task
from countermand.bridge.stopping import waiting
from countermand.core.plan import Plan
from countermand.ledger import views
from countermand.ledger.finding import SeveralOrdersError
from countermand.web import words
from countermand.web.clock import zone_of
from countermand.web.judging import Next, explained, judged, next_of, would_follow
from countermand.web.order_list import flat
from countermand.web.order_view import brakes_of, names_of, order_view
from countermand.web.pages import service_of, show
from countermand.web.person import must_act, read_form
from countermand.web.task_view import task_view
from countermand.web.timeline import order_timeline
from countermand.web.whose import order_address, order_at
from countermand.web.words import Names


def order_page(request: Request) -> Response:
    """The page of the one order that a number leads to."""
    service = service_of(request)
    asked = request.path_params
    with service.engine.begin() as database:
        row = order_at(request, database, beginning=True)
        if (row.connection, row.order) != (asked.get("connection"), asked["number"]):
            return RedirectResponse(order_address(row.connection, row.order), 303)
        return render_order(request, database, row)


def choice_page(request: Request, several: SeveralOrdersError) -> Response:
    """Which order a number means, where it leads to several: a person says it by opening one."""
    service = service_of(request)
    with service.engine.begin() as database:
        return show(
            request,
            "choice.html",
            database,
            status_code=409,
            title="Which shop’s order?" if several.shops else "Which order?",
            why=f"{several.leads} Open the one that is meant.",
            number=several.number,
            orders=[order_view(row, service.running.get(row.connection)) for row in several.rows],
            shops=several.shops,
            more=several.more,
        )


def render_order(
    request: Request, database: Connection, row: views.OrderRow, *, problem: str = "", status_code: int = 200
) -> Response:
    """The page of one order; `problem` says why the last act was not done."""
    running = service_of(request).running.get(row.connection)
    names = names_of(running)
    tasks = [views.list_tasks(database, task_id=task.id) for task in row.case.tasks]
    order, nexts = order_view(row, running), _unattended()
    following: tuple[Next, ...] = ()
    if fault_task(row.case):
        nexts = ()  # our own code fails on it, so the page judges nothing: its task says so
    elif running is not None:
        found = judged(row.case, running, brakes_of(database, row.connection))
        order = explained(order, found, running, zone_of(request))
        following = would_follow(row.case, running, brakes_of(database, row.connection))
        asked = {task.kind for found_tasks in tasks for task in found_tasks}
        nexts = _nexts(row.case, found.plan, names, asked)
    cards = [task_view(each, running, order) for found_tasks in tasks for each in found_tasks]
    return show(
        request,
        "order.html",
        database,
        here=order_address(row.connection, row.order),
        status_code=status_code,
        order=order,
        case=row.case,
        can_cancel=anything_to_cancel(row.case),
        names=names,
        cards=cards,
        nexts=nexts,
        following=following,
        left=left_different(row.case),
        writes=[_written(each, names) for each in reversed(row.case.writes)],
        cancellations=list(reversed(row.case.cancellations)),
        timeline=order_timeline(database, row, names, views.tasks_of_order(database, row.id)),
        problem=problem,
        done=words.DONE.get(request.query_params.get("done", ""), ""),
        LIVES=words.LIVES,
        MONEY=words.MONEY,
    )


def _nexts(case: Case, plan: Plan, names: Names, asked: set[str]) -> tuple[Next, ...]:
    """What happens next, and what of it can be stopped.

    `asked`: the kinds of tasks that have a card above already; they are not said again.
    """
    stoppable = {one.direction.value for one in waiting(case)}
    found = (next_of(action, names) for action in plan.actions)
    return tuple(
        msgspec.structs.replace(one, stops=one.stops if one.stops in stoppable else "")
        for one in found
        if one.task not in asked
    )


def order_file(request: Request) -> Response:
    """The same order as JSON: its lines, its writes, its timeline."""
    service = service_of(request)
    with service.engine.begin() as database:
        row = order_at(request, database, beginning=True)
        running = service.running.get(row.connection)
        order, names = order_view(row, running), names_of(running)
        timeline = order_timeline(database, row, names, views.tasks_of_order(database, row.id))
    body = {**flat(order), "lines": order.lines, "writes": row.case.writes, "timeline": timeline}
    return Response(msgspec.json.encode(body), media_type="application/json")


def _unattended() -> tuple[Next, ...]:
    return (Next(icon="connections", tone="warn", text="Nobody looks after this connection any more."),)


def _written(written: Written, names: Names) -> dict[str, object]:
    command = written.command
    side = names.side(command.target.value)
    return {
        "text": f"{words.sentence(words.CHANGES[command.change])} in {side}",
        "about": written.job_ref
        or ("the whole order" if written.whole_order else ", ".join(written.line_ids)),
        "sent_at": command.sent_at,
        "answered_at": command.answered_at,
        "answer": words.OUTCOMES[command.outcome] if command.outcome else "no answer yet",
        "said": command.said,
        "verified_at": command.verified_at,
        "tone": "good" if command.verified_at else "warn",
    }


async def order_look(request: Request) -> Response:
    """Read both systems now."""
    await read_form(request)
    person, service = must_act(request), service_of(request)
    with service.engine.begin() as database:
        row = order_at(request, database)
    now = utc_now()
    await people.do(service.store, row.connection, row.order, people.look_again(person.name, now), now)
    service.wake(row.connection)
    return RedirectResponse(f"{order_address(row.connection, row.order)}?done=looking", 303)
