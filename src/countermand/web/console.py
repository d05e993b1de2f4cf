"""The console's first page: what this is, what it does right now, and where to look."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from countermand.app import Service
from countermand.ledger import views


def console_routes() -> list[Route]:
    return [Route("/", overview), Route("/health", health)]


def overview(request: Request) -> Response:
    service: Service = request.app.state.service
    with service.engine.begin() as database:
        counts = views.count_states(database)
    return HTMLResponse(f"<!doctype html><title>Countermand</title><h1>Countermand</h1><p>{counts}</p>")


def health(request: Request) -> Response:
    """Whether every connection is being looked after, and what the database promises."""
    service: Service = request.app.state.service
    failing = {name: one.failed for name, one in service.running.items() if one.failed}
    return JSONResponse({"ok": not failing, "failing": failing}, status_code=503 if failing else 200)
