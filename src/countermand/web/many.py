"""Several tasks at once, where that is safe: whose they are, and until when they are put off.

Each is done on the version that the person saw. Where somebody was faster, that one task is left as it is,
and the page says who did what; the others are done.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import utc_now
from countermand.ledger.tasks import OvertakenError, touch
from countermand.web import words
from countermand.web.pages import service_of
from countermand.web.person import Person, must_act, read_form
from countermand.web.problem import Problem
from countermand.web.worklist import render_worklist

MOST_CHOSEN = 500
MOST_SNOOZE = timedelta(days=14)


async def many_act(request: Request) -> Response:
    """Do one thing with every task that was chosen, then show the list again."""
    form, person, service = await read_form(request), must_act(request), service_of(request)
    chosen, now = _chosen(form), utc_now()
    how, news, done = _act(form, person, now)

    def touch_all(database: Connection) -> list[str]:
        overtaken = []
        for task_id, version in chosen:
            try:
                touch(database, task_id, version, person.name, how, now, news)
            except OvertakenError as late:
                overtaken.append(f"Task {task_id}: {late}")
        return overtaken

    overtaken = await service.writer.write_async(touch_all)
    address = urlsplit(str(form.get("next", "")))
    if overtaken:
        done = f"{words.count(len(chosen) - len(overtaken), 'task')} of {len(chosen)} done. "
        return render_worklist(_again(request, address.query), done + " ".join(overtaken), 409)
    query = f"{address.query}&" if address.query else ""
    return RedirectResponse(f"/needs-a-person?{query}done={done}", 303)


def _chosen(form: FormData) -> list[tuple[int, int]]:
    """The tasks and the version of each that was on the page.

    Raises:
        Problem: none was chosen, too many were, or one is no task.
    """
    try:
        pairs = [str(each).split(":") for each in form.getlist("task")]
        chosen = [(int(task_id), int(version)) for task_id, version in pairs]
    except ValueError:
        raise Problem(400, "That is no choice of tasks.") from None
    if not chosen:
        raise Problem(400, "No task was chosen.")
    if len(chosen) > MOST_CHOSEN:
        raise Problem(400, f"At most {MOST_CHOSEN} tasks can be chosen at once.")
    return chosen


def _act(form: FormData, person: Person, now: datetime) -> tuple[str, dict[str, object], str]:
    """How the journal says it, what changes, and what the page says afterwards."""
    act = str(form.get("do", ""))
    if act == "assign":
        return f"assigned it to {person.name}", {"assigned_to": person.name}, "assigned-many"
    minutes = str(form.get("minutes", ""))
    put_off = timedelta(minutes=int(minutes[:9])) if minutes.isdecimal() else timedelta(0)
    if act == "snooze" and timedelta(0) < put_off <= MOST_SNOOZE:
        until = now + put_off
        return f"put it off until {until:%d %b %H:%M} UTC", {"snoozed_until": until}, "snoozed-many"
    raise Problem(400, "That cannot be done with several tasks at once.")


def _again(request: Request, query: str) -> Request:
    """The request for the list that the person came from."""
    return Request(
        {**request.scope, "path": "/needs-a-person", "query_string": query.encode(), "method": "GET"}
    )
