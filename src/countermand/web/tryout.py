"""The guided try-out of the demonstration: two minutes on the real screens, ticked as things happen."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import Running, Service
from countermand.bridge.case import Case
from countermand.core.order import MisItemKind
from countermand.core.policy import Direction, Mode
from countermand.core.status import Facts, Progress
from countermand.ledger import views
from countermand.ledger.finding import NoConnectionError, find_order
from countermand.web.order_view import AGREES, OrderView, names_of, order_view
from countermand.web.pages import service_of, show
from countermand.web.problem import Problem
from countermand.web.words import Names


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the try-out; `done` when both systems show that it happened."""

    text: str
    done: bool
    url: str = ""
    place: str = ""
    outside: bool = True


def tryout(request: Request) -> Response:
    """The page; `first` and `second` name its two orders, so that a reload keeps them."""
    service = service_of(request)
    with service.engine.begin() as database:
        first, second = _orders(request, database)
        if first is None or second is None:
            return show(request, "try.html", database, parts_of=None, waiting=True)
        if not request.query_params.get("first"):
            kept = urlencode({"first": _key(first), "second": _key(second)}, safe="/")
            return RedirectResponse(f"/try?{kept}", 303)
        return show(
            request,
            "try.html",
            database,
            waiting=False,
            parts_of=[_cancelling(service, first), _dispatching(service, second)],
        )


def _orders(request: Request, database: Connection) -> tuple[views.OrderRow | None, views.OrderRow | None]:
    asked = request.query_params
    if asked.get("first") and asked.get("second"):
        first, second = (_named(database, asked[name]) for name in ("first", "second"))
        return first, second
    fresh = [row for row in views.list_orders(database, state="in_step", limit=50) if _untouched(row.case)]
    return (fresh[0], fresh[1]) if len(fresh) > 1 else (None, None)


def _key(row: views.OrderRow) -> str:
    return f"{row.connection}/{row.order}"


def _named(database: Connection, key: str) -> views.OrderRow:
    """The order of a key, or of a number alone where only one shop has it."""
    connection, _, number = key.rpartition("/")
    try:
        row = find_order(database, number, connection)
    except NoConnectionError:
        row = None
    if row is None:
        raise Problem(404, "These orders are not known; start the try-out again.")
    return row


def _untouched(case: Case) -> bool:
    statuses = [line.storefront.status for line in case.lines] + [item.mis.status for item in case.items]
    linked = bool(case.lines) and all(line.links for line in case.lines)
    one_job = [item.kind for item in case.items] == [MisItemKind.JOB]
    return (
        linked
        and one_job
        and all(
            isinstance(each, Facts) and not each.cancelled and each.progress is Progress.NONE
            for each in statuses
        )
    )


def _cancelling(service: Service, row: views.OrderRow) -> tuple[str, OrderView, list[Tick]]:
    running, case = service.running.get(row.connection), row.case
    order, names = order_view(row, running), names_of(running)
    here = all(
        isinstance(each.storefront.status, Facts) and each.storefront.status.cancelled for each in case.lines
    )
    there = all(isinstance(each.mis.status, Facts) and each.mis.status.cancelled for each in case.items)
    mode = _mode(running, Direction.CANCEL_TO_MIS)
    proven = any(written.command.verified_at for written in case.writes)
    if mode is not Mode.AUTOMATIC:
        proven = order.stands == AGREES
    job = order.lines[0].items[0]
    ticks = [
        Tick(
            text=f"Play the shop's staff: open order {row.order} in {names.storefront} and cancel it.",
            done=here,
            url=order.url,
            place=f"Order {row.order} in {names.storefront}",
        ),
        Tick(
            text=_then_cancelled(mode, names),
            done=here and there,
            url=job.url,
            place=f"Job {job.ref} in {names.mis}",
        ),
        Tick(
            text="Look at the proof: what was read, decided, written and read back, in its order.",
            done=here and there and proven,
            url=order.address,
            place=f"Order {row.order} here",
            outside=False,
        ),
    ]
    title = {
        Mode.AUTOMATIC: "Cancel once, and it is cancelled in both",
        Mode.OBSERVE: "Cancel once, and see what would be done",
    }.get(mode, "Cancel once, and a person is asked to do the rest")
    return title, order, ticks


def _mode(running: Running | None, direction: Direction) -> Mode:
    return running.settings.policy.mode(direction) if running else Mode.AUTOMATIC


def _then_cancelled(mode: Mode, names: Names) -> str:
    """What follows a cancel in the storefront; what the rules leave to people, this page must not promise."""
    if mode is Mode.AUTOMATIC:
        return f"Watch: Countermand sees it, waits a moment, and cancels the job in {names.mis}."
    if mode is Mode.OBSERVE:
        return (
            "Countermand only watches here: “Needs a person” says what it would have done. "
            f"Cancel the job in {names.mis} yourself."
        )
    return (
        f"Play the order desk: “Needs a person” asks for the job to be cancelled in {names.mis}. "
        "Do what its steps say, and press “I did it, check now”."
    )


def _then_shipped(mode: Mode, names: Names) -> str:
    if mode is Mode.AUTOMATIC:
        return f"Watch: the order becomes Shipped in {names.storefront}, with the tracking number."
    watches = "Countermand only watches here. " if mode is Mode.OBSERVE else ""
    return f"{watches}Mark the order shipped in {names.storefront} yourself, with the tracking number."


def _dispatching(service: Service, row: views.OrderRow) -> tuple[str, OrderView, list[Tick]]:
    running, case = service.running.get(row.connection), row.case
    order, names = order_view(row, running), names_of(running)
    sent = all(isinstance(each.mis.status, Facts) and each.mis.status.sent for each in case.items)
    shipped = all(
        isinstance(each.storefront.status, Facts) and each.storefront.status.sent for each in case.lines
    )
    ticks = [
        Tick(
            text=f"Play the plant's staff: open the job in {names.mis}, dispatch it with a tracking number.",
            done=sent,
            url=order.lines[0].items[0].url,
            place=f"Job {order.lines[0].items[0].ref} in {names.mis}",
        ),
        Tick(
            text=_then_shipped(_mode(running, Direction.SHIP_TO_STOREFRONT), names),
            done=sent and shipped,
            url=order.url,
            place=f"Order {row.order} in {names.storefront}",
        ),
        Tick(
            text="Find it by its tracking number: press / and type it.",
            done=sent and shipped,
            url=order.address,
            place=f"Order {row.order} here",
            outside=False,
        ),
    ]
    return "Dispatch once, and the customer's order says so", order, ticks
