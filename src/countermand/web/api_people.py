"""The HTTP API's second half: what a person may decide about an order, beyond a task's own buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from countermand.access import Role
from countermand.app import Service, utc_now
from countermand.bridge import people
from countermand.bridge.ports import MisItemKind, MisRef
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction
from countermand.core.status import Facts
from countermand.ledger import views
from countermand.ledger.brakes import clear_brake
from countermand.web.api import ACT, as_json, json_body, lines_of, named, operation, order_of, reason_of
from countermand.web.problem import Problem
from countermand.web.whose import WHOSE


def people_routes() -> list[Route]:
    return [
        Route("/api/orders/{number:path}/link", as_json(link), methods=["POST"]),
        Route("/api/orders/{number:path}/unlink", as_json(unlink), methods=["POST"]),
        Route("/api/orders/{number:path}/refuse", as_json(refuse), methods=["POST"]),
        Route("/api/orders/{number:path}/release", as_json(release), methods=["POST"]),
        Route("/api/orders/{number:path}/accept", as_json(accept), methods=["POST"]),
        Route("/api/connections/{name}/brakes/{direction}/clear", as_json(clear), methods=["POST"]),
    ]


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """It is kept; what follows shows at the order."""

    accepted: bool
    order: str


class Cleared(msgspec.Struct, frozen=True):
    """The brake is off."""

    cleared: bool


_BY, _WHY = {"by": ACT["by"]}, {"by": ACT["by"], "reason": ACT["reason"]}
_WAY = {"direction": "cancel_to_mis or cancel_to_storefront."}
_REF = {"line": "Which line of the order.", "ref": "Number of the job or sales order."}


@operation(
    answer=Acted,
    query=WHOSE,
    body={**_BY, **_REF, "kind": "job (as always) or sales_order."},
    needs=("by", "line", "ref"),
)
async def link(request: Request) -> object:
    """Say which job or sales order makes a line; it is read first."""
    row, said = await order_of(request), await json_body(request)
    kind = _one_of(MisItemKind, said.get("kind", "job"), "kind")
    ref = MisRef(ref=_text(said, "ref"), kind=kind)
    running = _service(request).running.get(row.connection)
    if running is None:
        raise Problem(409, f"Nobody looks after the connection {row.connection} any more.")
    items = await running.mis.read([ref])
    if not items or not isinstance(items[0].status, Facts):
        raise Problem(409, f"{ref.ref} cannot be read in the MIS; please check the number.")
    line = _text(said, "line")
    return await _do(request, row, said, lambda by: people.link_item(line, items[0], by, utc_now()))


@operation(answer=Acted, query=WHOSE, body={**_BY, **_REF}, needs=("by", "line", "ref"))
async def unlink(request: Request) -> object:
    """Say that a job or sales order does not make a line."""
    row, said = await order_of(request), await json_body(request)
    line, ref = _text(said, "line"), _text(said, "ref")
    return await _do(request, row, said, lambda by: people.unlink_item(line, ref, by, utc_now()))


@operation(
    answer=Acted,
    query=WHOSE,
    body={
        **_WHY,
        **_WAY,
        "why": f"One of {', '.join(RefusalReason)}; left out: other.",
        "lines": "Only these lines; left out: all.",
    },
    needs=("by", "reason", "direction"),
)
async def refuse(request: Request) -> object:
    """Say no to a cancellation, with a reason that goes back as a note on the order."""
    row, said = await order_of(request), await json_body(request)
    direction, why = _direction(said), _one_of(RefusalReason, said.get("why", "other"), "why")
    lines, reason = lines_of(said), _reason(said)
    return await _do(
        request, row, said, lambda by: people.refuse(direction, lines, by, utc_now(), reason, why)
    )


@operation(
    answer=Acted,
    query=WHOSE,
    body={**_WHY, **_WAY},
    needs=("by", "reason", "direction"),
    role=Role.APPROVER,
)
async def release(request: Request) -> object:
    """Let this order pass the mass-cancel brake."""
    row, said = await order_of(request), await json_body(request)
    direction, reason = _direction(said), _reason(said)
    return await _do(request, row, said, lambda by: people.release(direction, by, utc_now(), reason))


@operation(answer=Acted, query=WHOSE, body=_BY, needs=("by",), role=Role.APPROVER)
async def accept(request: Request) -> object:
    """After a look at an order that differed when first seen: bring it in step."""
    row, said = await order_of(request), await json_body(request)
    return await _do(request, row, said, lambda by: people.accept_import(by, utc_now()))


@operation(answer=Cleared, body=_WHY, needs=("by", "reason"), role=Role.APPROVER)
async def clear(request: Request) -> object:
    """End the mass-cancel brake's hold; counting starts afresh."""
    said, name = await json_body(request), request.path_params["name"]
    direction = _one_of(Direction, request.path_params["direction"], "direction")
    by, reason, service = named(request, said), _reason(said), _service(request)
    cleared = await service.writer.write_async(
        lambda database: clear_brake(database, name, direction, by, reason, utc_now())
    )
    if not cleared:
        raise Problem(409, f"The brake of {name} is not on in this direction.")
    service.wake(name)
    return Cleared(cleared=True)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _do(
    request: Request, row: views.OrderRow, said: dict[str, Any], deed: Callable[[str], people.Deed]
) -> object:
    service, by = _service(request), named(request, said)
    await people.do(service.store, row.connection, row.order, deed(by), utc_now())
    service.wake(row.connection)
    return Acted(accepted=True, order=row.order)


def _direction(said: dict[str, Any]) -> Direction:
    direction: Direction = _one_of(Direction, said.get("direction", ""), "direction")
    return direction


def _one_of(names: Any, value: object, field: str) -> Any:
    try:
        return names(value)
    except ValueError:
        known = ", ".join(name.value for name in names)
        raise Problem(400, f"`{field}` must be one of {known}; got {value!r}.") from None


def _reason(said: dict[str, Any]) -> str:
    if reason := reason_of(said):
        return reason
    raise Problem(400, "The field `reason` is missing.")


def _text(said: dict[str, Any], field: str) -> str:
    value = said.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Problem(400, f"The field `{field}` is missing.")
    return value.strip()
