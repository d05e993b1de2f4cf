"""Orders: the list, its filters and its search, as page, CSV and JSON."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import utc_now
from countermand.ledger import views
from countermand.ledger.finding import check_connection
from countermand.web import words
from countermand.web.memo import Memo
from countermand.web.order_view import OrderView, order_view
from countermand.web.pages import service_of, show
from countermand.web.problem import Problem
from countermand.web.shops import FEW_CONNECTIONS
from countermand.web.tables import Flat, limit_of, next_page, query, rows_response, wanted_format

MOST_SEARCH = 100


def order_list(request: Request) -> Response:
    """The orders that the filters in the address choose, newest change first."""
    service = service_of(request)
    with service.engine.begin() as database:
        rows, following = _chosen(request, database)
        found = [order_view(row, service.running.get(row.connection)) for row in rows]
        if wanted_format(request) != "html":
            return rows_response(request, "orders", [flat(order) for order in found], following)
        search = request.query_params.get("q", "").strip()
        if search and len(found) == 1 and not request.query_params.get("after"):
            return RedirectResponse(f"{found[0].address}?from=search", 303)
        memo: Memo = request.app.state.memo
        counts = memo.counts(database, utc_now())
        return show(
            request,
            "orders.html",
            database,
            orders=found,
            next=following,
            counts=counts,
            total=sum(counts.values()),
            state=request.query_params.get("state", ""),
            search=search,
            connection=request.query_params.get("connection", ""),
            connections=[each.name for each in service.installation.connections],
            few_connections=len(service.installation.connections) <= FEW_CONNECTIONS,
            with_query=lambda **changes: query(request, after=None, **changes),
        )


def _chosen(request: Request, database: Connection) -> tuple[list[views.OrderRow], str]:
    asked = request.query_params
    state, search = asked.get("state", ""), asked.get("q", "").strip()
    if state and state not in words.STATES:
        raise Problem(400, f"There is no state “{state[:20]}”; the states are {', '.join(words.STATES)}.")
    limit, connection = limit_of(request), asked.get("connection", "")
    check_connection(database, connection)

    def found(wanted: str) -> list[views.OrderRow]:
        return views.list_orders(
            database,
            state=state,
            search=wanted[:MOST_SEARCH],
            connection=connection,
            limit=limit,
            after=asked.get("after", ""),
        )

    rows = found(search)
    if not rows and (number := words.number_in(search)):
        rows = found(number)
    return rows, next_page(request, limit, [row.key for row in rows])


def flat(order: OrderView) -> Flat:
    """An order as one row of plain values."""
    return {
        "connection": order.connection,
        "order": order.number,
        "state": order.state,
        "customer": order.customer,
        "po_number": order.po_number,
        "title": order.title,
        "storefront": order.storefront,
        "mis": order.mis,
        "jobs": order.jobs,
        "tracking": tuple(dict.fromkeys(code for line in order.lines for code in line.tracking_mis)),
        "payment": order.payment,
        "total": order.total,
        "placed_at": order.placed_at,
        "changed_at": order.changed_at,
    }
