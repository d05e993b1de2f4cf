"""Stop a cancel that waits, or take such a decision back: from an order's page, with a name and a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import utc_now
from countermand.bridge import people
from countermand.bridge.asking_again import ask_again
from countermand.bridge.stopping import stop
from countermand.core.policy import Direction
from countermand.web.order_page import render_order
from countermand.web.pages import service_of
from countermand.web.person import must_act, read_form, reason_in
from countermand.web.problem import Problem
from countermand.web.whose import order_address, order_at


async def stop_act(request: Request) -> Response:
    """Stop it, or say why it is too late."""
    form = await read_form(request)
    way = direction_of(str(form.get("direction", "")))
    return await _decide(request, form, "stopped", lambda by, at, why: stop(way, by, at, why))


async def ask_again_act(request: Request) -> Response:
    """Take back that the two systems may differ; the rules judge the order anew."""
    return await _decide(request, await read_form(request), "asked-again", ask_again)


async def _decide(
    request: Request, form: FormData, done: str, deed: Callable[[str, datetime, str], people.Deed]
) -> Response:
    """Do it in this person's name, then show the order again; `done`: what its page says then."""
    person, service = must_act(request), service_of(request)
    with service.engine.begin() as database:
        row = order_at(request, database)
    reason, now = reason_in(form), utc_now()
    try:
        await people.do(service.store, row.connection, row.order, deed(person.name, now, reason), now)
    except people.RefusedError as refused:
        with service.engine.begin() as database:
            row = order_at(request, database)
            return render_order(request, database, row, problem=str(refused), status_code=409)
    service.wake(row.connection)
    return RedirectResponse(f"{order_address(row.connection, row.order)}?done={done}", 303)


def direction_of(text: str) -> Direction | None:
    """The direction that was named, none where none was.

    Raises:
        Problem: there is no such direction.
    """
    if not text:
        return None
    try:
        return Direction(text)
    except ValueError:
        raise Problem(400, f"There is no direction “{text[:40]}”.") from None
