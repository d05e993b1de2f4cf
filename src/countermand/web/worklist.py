"""Needs a person: the worklist, by cost of delay."""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from countermand.app import utc_now
from countermand.core.tasks import Owner, TaskKind
from countermand.ledger import views
from countermand.web import words
from countermand.web.pages import service_of, show
from countermand.web.person import acting
from countermand.web.problem import Problem
from countermand.web.tables import limit_of, next_page, query, rows_response, wanted_format
from countermand.web.task_view import TaskView, flat, task_views


def worklist(request: Request) -> Response:
    """Open tasks by cost of delay; the address filters them."""
    return render_worklist(request)


def render_worklist(request: Request, problem: str = "", status_code: int = 200) -> Response:
    """The list; `problem` says why the last act was not done, or not for all."""
    service = service_of(request)
    with service.engine.begin() as database:
        rows, following = _chosen(request, database)
        tasks = task_views(database, rows, service)
        if wanted_format(request) != "html":
            return rows_response(request, "needs-a-person", [flat(task) for task in tasks], following)
        now = utc_now()
        groups = _groups(tasks)
        return show(
            request,
            "worklist.html",
            database,
            status_code=status_code,
            problem=problem,
            groups=groups,
            tasks=tasks,
            done=words.DONE.get(request.query_params.get("done", ""), ""),
            next=following,
            asked=dict(request.query_params),
            kinds=views.count_tasks_by(database, "kind"),
            owners=views.count_tasks_by(database, "owner"),
            people=views.count_tasks_by(database, "assigned_to"),
            snoozed=views.count_snoozed(database, now),
            with_query=lambda **changes: query(request, after=None, done=None, **changes),
        )


def _groups(tasks: list[TaskView]) -> list[tuple[int | None, list[TaskView]]]:
    """Open tasks by how urgent they are; what is closed is not urgent any more."""
    if tasks and tasks[0].row.state == "closed":
        return [(None, tasks)]
    return [(rank, list(group)) for rank, group in groupby(tasks, key=lambda task: task.row.urgency)]


def _chosen(request: Request, database: Connection) -> tuple[list[views.TaskRow], str]:
    asked = request.query_params
    kind, owner, state = asked.get("kind", ""), asked.get("owner", ""), asked.get("state", "open")
    if kind and kind not in list(TaskKind):
        raise Problem(400, f"There is no kind of task “{kind[:40]}”.")
    if owner and owner not in list(Owner):
        raise Problem(400, f"There is no owner “{owner[:40]}”; owners are {', '.join(Owner)}.")
    if state not in ("open", "closed"):
        raise Problem(400, "`state` is open or closed.")
    limit = limit_of(request)
    snoozed = None if state == "closed" else asked.get("snoozed") == "1"
    rows = views.list_tasks(
        database,
        state=state,
        kind=kind,
        owner=owner,
        assigned_to=_assigned(request),
        snoozed=snoozed,
        now=utc_now(),
        limit=limit,
        after=asked.get("after", ""),
    )
    return rows, next_page(request, limit, [row.key for row in rows])


def _assigned(request: Request) -> str | None:
    who = request.query_params.get("who", "")
    if who == "me":
        person = acting(request)
        return person.name if person else ""
    return {"": None, "nobody": ""}.get(who, who)
