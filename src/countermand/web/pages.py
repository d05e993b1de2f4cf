"""Rendering: one Jinja environment, and what every page shows around its own part."""

from __future__ import annotations

import hashlib
from datetime import UTC
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from countermand.app import Service, utc_now
from countermand.ledger import records, views
from countermand.web import clock, words
from countermand.web.person import acting, form_token, send_form_token, signed_in
from countermand.web.whose import order_address

_HERE = Path(__file__).parent
THEME_COOKIE = "countermand_theme"

#: The places of the console: address, name, icon, and the key that goes there after `g`.
NAVIGATION = (
    ("/", "Overview", "overview"),
    ("/needs-a-person", "Needs a person", "person"),
    ("/orders", "Orders", "orders"),
    ("/sweeps", "Sweeps", "sweeps"),
    ("/connections", "Connections", "connections"),
    ("/rules", "Rules", "rules"),
    ("/journal", "Journal", "journal"),
)

_SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


def _stamp() -> str:
    """Changes with every file that browsers keep, so that none serves an old one."""
    digest = hashlib.sha256()
    for path in sorted((_HERE / "static").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


STATIC_FOLDER = _HERE / "static"
STATIC_PREFIX = f"/static/{_stamp()}"


@cache
def _icon(name: str) -> Markup:
    """A page of fifty rows has hundreds of icons, and a few dozen different ones."""
    use = Markup('<use href="{}/icons.svg#{}"></use>').format(STATIC_PREFIX, name)
    return Markup('<svg class="icon" aria-hidden="true" width="20" height="20">{}</svg>').format(use)


environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals.update(
    static=STATIC_PREFIX,
    navigation=NAVIGATION,
    STATES=words.STATES,
    URGENCIES=words.URGENCIES,
    MODES=words.MODES,
    CLOSED_HOW=words.CLOSED_HOW,
    count=words.count,
    names=words.Names(),
    drawn=_icon,
    order_address=order_address,
)
environment.filters.update(
    in_storefront=partial(words.status, side="storefront"),
    in_mis=words.status,
    tone=words.tone,
    sentence=words.sentence,
    inline=words.inline,
    customer=words.customer,
    po=words.po,
    money=words.money,
    span=clock.span,
)


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def show(
    request: Request, template: str, database: Connection, /, *, status_code: int = 200, **context: Any
) -> Response:
    """A page, with its frame: navigation, counts, banners, who is acting."""
    body = environment.get_template(template).render({**_frame(request, database), **context})
    response = HTMLResponse(body, status_code, headers=_SECURITY)
    send_form_token(request, response)
    return response


def show_bare(template: str, status_code: int, **context: Any) -> Response:
    """A page without the frame: it tells nothing of what is kept here."""
    body = environment.get_template(template).render(context)
    return HTMLResponse(body, status_code, headers=_SECURITY)


def render_part(template: str, macro: str, value: object, many: bool) -> str:
    """One row of a list by itself, as the live updates send it."""
    module = environment.get_template(template).module
    return str(getattr(module, macro)(value, _plain_time, many))


def _plain_time(moment: Any, style: str = "relative") -> Any:
    return clock.time_tag(moment, UTC, utc_now(), style)


def _frame(request: Request, database: Connection) -> dict[str, Any]:
    service = service_of(request)
    now = utc_now()
    return {
        "request": request,
        "path": request.url.path,
        "now": now,
        "zone": clock.zone_of(request),
        "now_tag": partial(_time, clock.zone_of(request), now),
        "person": acting(request),
        "you": signed_in(request) or acting(request),
        "looking": signed_in(request) is not None and acting(request) is None,
        "token": form_token(request),
        "theme": theme(request),
        "open_tasks": views.count_open_tasks(database, now),
        "brakes": views.brakes_on(database),
        "failing": {name: one.failed for name, one in service.running.items() if one.failed or one.faults},
        "unlisted": [why for one in service.running.values() for why in one.unlisted],
        "banner": service.installation.banner,
        "set_up": bool(service.installation.connections),
        "many": len(service.installation.connections) > 1,
        "pulse": sum(records.journal_ends(database).values()),
        "search": "",
        "here": _here(request),
    }


def _here(request: Request) -> str:
    """The address that shows this page again; what it said after an act is said once."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "done"]
    return request.url.path + (f"?{urlencode(asked)}" if asked else "")


def _time(zone: Any, now: Any, moment: Any, style: str = "relative") -> Any:
    return clock.time_tag(moment, zone, now, style)


def theme(request: Request) -> str:
    """`light`, `dark`, or empty to follow the system."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in ("light", "dark") else ""
