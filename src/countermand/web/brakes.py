"""The mass-cancel brake: what is held, letting chosen orders pass, and taking it off."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.access import Role
from countermand.app import utc_now
from countermand.bridge import people
from countermand.core.policy import Direction
from countermand.core.tasks import TaskKind
from countermand.ledger import views
from countermand.ledger.brakes import clear_brake, not_yet_sent
from countermand.web import words
from countermand.web.order_list import flat
from countermand.web.order_view import OrderView, names_of, order_view
from countermand.web.pages import service_of, show
from countermand.web.person import must_act, read_form, reason_in
from countermand.web.problem import Problem
from countermand.web.tables import limit_of, rows_response, wanted_format

MOST_HELD_SHOWN = 500


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A brake that is on, its task, and the orders that it holds."""

    brake: views.BrakeRow
    task: views.TaskRow | None
    orders: list[OrderView]
    total: int


def brake_page(request: Request) -> Response:
    with service_of(request).engine.begin() as database:
        return _render(request, database)


def _render(
    request: Request, database: Connection, problem: str = "", reason: str = "", chosen: Sequence[str] = ()
) -> Response:
    """The page; after a refusal with what was typed and chosen, so that nobody does it twice."""
    held = _held(request, database)
    if wanted_format(request) != "html":
        return rows_response(request, "held", [flat(order) for order in held.orders], "")
    return show(
        request,
        "brake.html",
        database,
        here=f"/brakes/{held.brake.id}",
        status_code=409 if problem else 200,
        brake=held.brake,
        task=held.task,
        orders=held.orders,
        total=held.total,
        target=_target(request, held.brake),
        for_good=Direction(held.brake.direction) is Direction.CANCEL_TO_STOREFRONT,
        reason=reason,
        chosen=chosen,
        problem=problem,
        done=words.DONE.get(request.query_params.get("done", ""), ""),
    )


def _target(request: Request, brake: views.BrakeRow) -> str:
    """The system in which what is let past is cancelled, as the shop calls it."""
    names = names_of(service_of(request).running.get(brake.connection))
    return names.side(Direction(brake.direction).target.value)


def _held(request: Request, database: Connection) -> Held:
    service = service_of(request)
    brake = _brake(request, database)
    task = views.find_group(database, brake.connection, f"{TaskKind.BRAKE.value}:{brake.direction}")
    limit = min(max(limit_of(request), MOST_HELD_SHOWN), 5000)
    rows = views.task_order_rows(database, task.id, limit) if task else []
    # Those in their time to be taken back are held too, and asked about only when that is over.
    known = {row.id for row in rows}
    waiting = not_yet_sent(database, brake.connection, brake.direction, brake.tripped_at, limit)
    early = [row_id for row_id in waiting if row_id not in known] if len(rows) < limit else []
    rows += views.orders_by_id(database, early)
    running = service.running.get(brake.connection)
    return Held(
        brake=brake,
        task=task,
        orders=[order_view(row, running) for row in rows],
        total=(task.order_count if task else 0) + len(early),
    )


def _brake(request: Request, database: Connection) -> views.BrakeRow:
    number = int(request.path_params["id"])
    found = next((brake for brake in views.brakes_on(database) if brake.id == number), None)
    if found is None:
        raise Problem(404, "This brake is off already, or there never was one.")
    return found


async def release(request: Request) -> Response:
    """Let the chosen orders pass, with a reason; never all that are held at once."""
    person, form, service = must_act(request, Role.APPROVER), await read_form(request), service_of(request)
    reason, at = reason_in(form), utc_now()
    chosen = [str(order) for order in form.getlist("order")]
    with service.engine.begin() as database:
        held = _held(request, database)
        why = "Choose the orders that were meant to be cancelled." if not chosen else ""
        why = why or ("" if reason else "Please say why these may be cancelled.")
        if why:
            return _render(request, database, why, reason, chosen)
    direction = Direction(held.brake.direction)
    known = {order.number for order in held.orders}
    refused = await people.do_for_all(
        service.store,
        held.brake.connection,
        [order for order in chosen if order in known],
        people.release(direction, person.name, at, reason),
        at,
    )
    service.wake(held.brake.connection)
    if refused:
        with service.engine.begin() as database:
            return _render(request, database, " ".join(refused.values()), reason, tuple(refused))
    return RedirectResponse(f"/brakes/{held.brake.id}?done=released", 303)


async def clear(request: Request) -> Response:
    """Take the brake off: whatever is still held goes on by the rules, and counting starts afresh."""
    person, form, service = must_act(request, Role.APPROVER), await read_form(request), service_of(request)
    reason, at = reason_in(form), utc_now()
    with service.engine.begin() as database:
        held = _held(request, database)
        if not reason:
            return _render(request, database, "Please say why the brake may come off.")
    connection, direction = held.brake.connection, Direction(held.brake.direction)
    cleared = await service.writer.write_async(
        lambda database: clear_brake(database, connection, direction, person.name, reason, at)
    )
    if not cleared:
        raise Problem(409, "Somebody else has just taken this brake off.")
    service.wake(held.brake.connection)
    return RedirectResponse("/needs-a-person?done=cleared", 303)
