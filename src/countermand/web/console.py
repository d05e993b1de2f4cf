"""The console's pages and their addresses, and what is said when one of them cannot be shown."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from countermand.ledger.finding import NoConnectionError, SeveralOrdersError
from countermand.ledger.trouble import trouble
from countermand.ledger.views import ListPlaceError
from countermand.web.acts import task_act
from countermand.web.brakes import brake_page, clear, release
from countermand.web.cancelling import cancel_act, cancel_page
from countermand.web.connections_page import connections, try_connection
from countermand.web.journal_page import journal_list, verify
from countermand.web.live import live
from countermand.web.many import many_act
from countermand.web.order_list import order_list
from countermand.web.order_page import choice_page, order_file, order_look, order_page
from countermand.web.overview import overview
from countermand.web.pages import STATIC_FOLDER, STATIC_PREFIX, THEME_COOKIE, service_of, show, show_bare
from countermand.web.person import forget, read_form, remember, signed_in
from countermand.web.problem import Problem
from countermand.web.raw import raw_answer, raw_message
from countermand.web.rules_page import rules
from countermand.web.start import start, start_file, try_system
from countermand.web.stopping import ask_again_act, stop_act
from countermand.web.sweeps_page import begin_sweep, stop_sweep, sweep_list, sweep_page
from countermand.web.tables import list_routes
from countermand.web.task_page import task_page
from countermand.web.tryout import tryout
from countermand.web.what_if import what_if
from countermand.web.words import ROLES
from countermand.web.worklist import worklist

log = structlog.get_logger()


class _Kept(StaticFiles):
    """Files whose address changes with their content: browsers may keep them for ever."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def console_routes() -> list[BaseRoute]:
    return [
        Route("/", overview),
        Route("/health", health),
        *list_routes("/orders", order_list),
        Route("/orders/{number}.json", order_file),
        Route("/orders/{number}", order_page),
        Route("/orders/{connection}/{number:path}/look", order_look, methods=["POST"]),
        Route("/orders/{connection}/{number:path}/cancel", cancel_page),
        Route("/orders/{connection}/{number:path}/cancel", cancel_act, methods=["POST"]),
        Route("/orders/{connection}/{number:path}/stop", stop_act, methods=["POST"]),
        Route("/orders/{connection}/{number:path}/ask-again", ask_again_act, methods=["POST"]),
        Route("/orders/{connection}/{number:path}.json", order_file),
        Route("/orders/{connection}/{number:path}", order_page),
        *list_routes("/needs-a-person", worklist),
        Route("/needs-a-person/many", many_act, methods=["POST"]),
        Route("/needs-a-person/{id:number}", task_page),
        Route("/needs-a-person/{id:number}/{act}", task_act, methods=["POST"]),
        *list_routes("/brakes/{id:number}", brake_page),
        Route("/brakes/{id:number}/release", release, methods=["POST"]),
        Route("/brakes/{id:number}/clear", clear, methods=["POST"]),
        *list_routes("/sweeps", sweep_list),
        Route("/sweeps/begin", begin_sweep, methods=["POST"]),
        *list_routes("/sweeps/{id:number}", sweep_page),
        Route("/sweeps/{id:number}/stop", stop_sweep, methods=["POST"]),
        *list_routes("/connections", connections),
        Route("/connections/{name}/try", try_connection, methods=["POST"]),
        *list_routes("/rules", rules),
        *list_routes("/rules/what-if", what_if),
        *list_routes("/journal", journal_list),
        Route("/journal/verify", verify, methods=["POST"]),
        Route("/start", start),
        Route("/start/countermand.toml", start_file),
        Route("/start/{system}", try_system, methods=["POST"]),
        Route("/try", tryout),
        Route("/raw/answers/{id:number}", raw_answer),
        Route("/raw/messages/{id:number}", raw_message),
        Route("/you", you),
        Route("/you", set_you, methods=["POST"]),
        Route("/you/theme", set_theme, methods=["POST"]),
        Route("/live", live),
        Mount(STATIC_PREFIX, _Kept(directory=STATIC_FOLDER)),
    ]


def health(request: Request) -> Response:
    """Whether every connection is being looked after: 200, or 503 with what is wrong."""
    found = service_of(request).health()
    body = msgspec.json.encode(found)
    return Response(body, status_code=200 if found.ok else 503, media_type="application/json")


# Who is acting, and how it looks


def you(request: Request) -> Response:
    with service_of(request).engine.begin() as database:
        back = own_address(request.query_params.get("next", "/"))
        return show(
            request, "you.html", database, next=back, signed_in=signed_in(request), roles=ROLES.items()
        )


async def set_you(request: Request) -> Response:
    form = await read_form(request)
    response = RedirectResponse(own_address(str(form.get("next", "/"))), 303)
    name = str(form.get("name", ""))
    if name.strip():
        remember(response, name)
    else:
        forget(response)
    return response


async def set_theme(request: Request) -> Response:
    form = await read_form(request)
    response = RedirectResponse(own_address(str(form.get("next", "/"))), 303)
    chosen = str(form.get("theme", ""))
    if chosen in ("light", "dark"):
        response.set_cookie(THEME_COOKIE, chosen, max_age=365 * 24 * 3600, samesite="lax", path="/")
    return response


def own_address(address: str) -> str:
    """An address within this console, whatever was asked for."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//")
    return address if own and "\\" not in address else "/"


# What went wrong


def problem_page(request: Request, error: Exception) -> Response:
    """Say in one sentence what is wrong, on a page or to a program."""
    status, why = _said(error)
    path = request.url.path
    if path.startswith(("/api", "/hooks")) or path.endswith(".json"):
        return JSONResponse({"error": why, **_which(error)}, status_code=status)
    if path.endswith(".csv"):
        return PlainTextResponse(why, status_code=status)
    if _is_outside(request):
        return show_bare("door.html", status, title=_AT_THE_DOOR.get(status, _title(status)), why=why)
    if isinstance(error, SeveralOrdersError):
        return choice_page(request, error)
    with service_of(request).engine.begin() as database:
        return show(
            request,
            "problem.html",
            database,
            status_code=status,
            title=_title(status),
            why=why,
            back=_back(request),
        )


def _title(status: int) -> str:
    return {404: "Not found", 403: "Not allowed", 409: "Not done"}.get(status, "That did not work")


_AT_THE_DOOR = {401: "Please sign in", 403: "You are not let in"}


def _is_outside(request: Request) -> bool:
    """Whether somebody asks who has not been let in: nothing of the installation is told to them."""
    return bool(service_of(request).installation.sign_in.header) and signed_in(request) is None


def _which(error: Exception) -> dict[str, object]:
    """The orders that a program may have meant."""
    if not isinstance(error, SeveralOrdersError):
        return {}
    return {"orders": [{"connection": row.connection, "order": row.order} for row in error.rows]}


def storage_page(request: Request, error: Exception) -> Response:
    """The same for what the database could not do; only what is no trouble of the disk leaves a stack."""
    known = trouble(error)
    log.error("page.failed", path=request.url.path, why=known, exc_info=None if known else error)
    return problem_page(request, error)


def _said(error: Exception) -> tuple[int, str]:
    if isinstance(error, Problem):
        return error.status, error.why
    if isinstance(error, ListPlaceError):
        return 400, str(error)
    if isinstance(error, SeveralOrdersError):
        return 409, str(error)
    if isinstance(error, NoConnectionError):
        return 404, str(error)
    if why := trouble(error):
        return 503, why
    status = getattr(error, "status_code", 500)
    return status, {404: "There is no such page.", 405: "This page cannot be used that way."}.get(
        status, "Something went wrong here. It is in the log; nothing was lost."
    )


def _back(request: Request) -> str:
    referer = urlsplit(request.headers.get("referer", ""))
    return own_address(referer.path or "/") if referer.netloc == request.headers.get("host") else "/"
