"""The HTTP API of first imports: bring orders in, batch after batch, and settle what differed."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from countermand.access import Role
from countermand.app import Running, Service, utc_now
from countermand.bridge.ports import StorefrontOrder
from countermand.imports import review
from countermand.imports.batch import ImportBatch, Taken
from countermand.imports.take_in import take_in
from countermand.web.api import ACT, as_json, json_body, named, operation, reason_of, view
from countermand.web.api_sweeps import connection_named, moment
from countermand.web.problem import Problem

_MOST_ORDERS = 500


def import_routes() -> list[Route]:
    return [
        Route("/api/imports", as_json(bring_in), methods=["POST"]),
        Route("/api/imports/known", as_json(known), methods=["POST"]),
        Route("/api/imports/list", as_json(list_placed), methods=["POST"]),
        Route("/api/imports/review", as_json(show_review)),
        Route("/api/imports/review", as_json(settle), methods=["POST"]),
    ]


class Known(msgspec.Struct, frozen=True):
    """Those that the storefront knows."""

    found: list[str]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that are not known here yet, and how many are."""

    new: list[str]
    known: int


class Waiting(msgspec.Struct, frozen=True):
    """Orders to look at; each line as number, storefront, MIS, why."""

    orders: list[review.Difference]


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """How many it was done for, and why not for the others."""

    done: int
    refused: dict[str, str]


_CONNECTION = {"connection": "Which connection; needed where there are several."}


@operation(
    answer=Taken,
    body={**_CONNECTION, "batch": "`orders` and `items` as an export shows them, `order_ids` to be read."},
    needs=("batch",),
    role=Role.APPROVER,
)
async def bring_in(request: Request) -> object:
    """Take in a batch of orders, as an export shows them or read by id; known ones are left alone."""
    said = await json_body(request)
    running, service = _running(request, said), _service(request)
    try:
        batch = msgspec.convert(said.get("batch", {}), ImportBatch)
    except msgspec.ValidationError as error:
        raise Problem(400, f"The batch does not fit: {error}.") from None
    if batch.size > _MOST_ORDERS:
        raise Problem(400, f"A batch holds at most {_MOST_ORDERS} orders; this one has {batch.size}.")
    made = [order.began_at for order in batch.orders] + [item.began_at for item in batch.items]
    if max(made, default=utc_now()) > utc_now():
        raise Problem(400, "The export is from the future; please check the clock and the file's date.")
    taken = await take_in(batch, running.bridge.connection, service.store, utc_now)
    service.wake(running.settings.name)
    return taken


@operation(answer=Known, body={**_CONNECTION, "orders": "Numbers of orders."}, needs=("orders",))
async def known(request: Request) -> object:
    """Which of some order numbers the storefront knows; reads each by id."""
    said = await json_body(request)
    order_ids = _texts(said, "orders")
    read = await _running(request, said).storefront.read_orders(order_ids)
    return Known([one.order_id for one in read if isinstance(one, StorefrontOrder)])


@operation(
    answer=Listed,
    body={**_CONNECTION, "since": "From this date or moment on.", "until": "Up to this one."},
    needs=("since", "until"),
)
async def list_placed(request: Request) -> object:
    """Numbers of the orders placed within a span of time, and which of them are known here already."""
    said = await json_body(request)
    since, until = moment(said, "since"), moment(said, "until")
    if since is None or until is None or until <= since:
        raise Problem(400, "Please give `since` and a later `until`.")
    running = _running(request, said)
    listed = await running.storefront.placed_between(since, until)
    if listed is None:
        raise Problem(
            409,
            "The storefront cannot be searched: that needs the MegaScript (megascript_secret). Bring the "
            "orders in from an export, or by their numbers.",
        )
    order_ids = [order.order_id for order in listed]
    here = await _service(request).store.load(running.settings.name, order_ids)
    return Listed(new=[one for one in order_ids if one not in here], known=len(here))


@operation(answer=Waiting, query={"connection": "Only this connection's."})
async def show_review(request: Request) -> object:
    """Orders that differed when they were first seen, and wait for somebody to look at them."""
    connection = request.query_params.get("connection", "")
    return Waiting(await view(request, review.waiting, connection))


@operation(
    answer=Reviewed,
    body={
        "by": ACT["by"],
        **_CONNECTION,
        "act": "leave or bring_in_step.",
        "orders": "Numbers of orders.",
        "all": "Every order that waits, instead of `orders`.",
        "reason": "Why; needed to leave them.",
    },
    needs=("by", "act"),
    role=Role.APPROVER,
)
async def settle(request: Request) -> object:
    """Leave some of them as they are, or bring them in step; `all` for every one that waits."""
    said = await json_body(request)
    by, service = named(request, said), _service(request)
    name = connection_named(service, said)
    try:
        act = review.Act(said.get("act", ""))
    except ValueError:
        raise Problem(400, "`act` must be leave or bring_in_step.") from None
    order_ids = _texts(said, "orders") if not said.get("all") else await _waiting(request, name)
    refused = await review.review(service.store, name, order_ids, act, by, reason_of(said), utc_now())
    service.wake(name)
    return Reviewed(done=len(order_ids) - len(refused), refused=refused)


async def _waiting(request: Request, connection: str) -> list[str]:
    found: list[review.Difference] = await view(request, review.waiting, connection, 1_000_000)
    return [one.order for one in found]


def _texts(said: dict[str, Any], field: str) -> list[str]:
    values = said.get(field)
    if not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
        raise Problem(400, f"`{field}` must be a list of order numbers.")
    return values


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _running(request: Request, said: dict[str, Any]) -> Running:
    service = _service(request)
    return service.running[connection_named(service, said)]
