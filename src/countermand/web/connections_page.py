"""Connections: what each can do and how that is known, whether it works, and what it has cost in calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import Running, Service, utc_now
from countermand.bridge.ports import Capability
from countermand.core.status import Side
from countermand.ledger import records
from countermand.web.order_view import names_of
from countermand.web.pages import service_of, show
from countermand.web.person import read_form
from countermand.web.problem import Problem
from countermand.web.shops import FEW_CONNECTIONS, shown_of
from countermand.web.tables import Flat, rows_response, wanted_format
from countermand.web.words import EVENTS

#: What each capability is called on the screen; a test holds that none is missing.
CAPABILITIES: Mapping[str, str] = {
    "read": "Read by number",
    "list": "List what changed",
    "find": "Find jobs by reference",
    "cancel_order": "Cancel an order",
    "cancel_line": "Cancel a line",
    "cancel_job": "Cancel a job",
    "cancel_sales_order": "Cancel a stock line",
    "ship": "Mark shipped",
    "track": "Add tracking",
    "note": "Write an order note",
}


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a try of both systems said; empty texts mean good."""

    at: datetime
    storefront: str
    mis: str


class System(msgspec.Struct, frozen=True, kw_only=True):
    """One system of a connection, as the page shows it."""

    side: str
    name: str
    address: str
    capabilities: tuple[Capability, ...]
    hook_address: str
    last_message: datetime | None
    budget: str = ""


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A connection with both of its systems."""

    name: str
    failed: str
    faults: tuple[str, ...]
    trouble: str
    last_step_at: datetime | None
    live_since: datetime
    systems: tuple[System, System]
    tried: Tried | None


def connections(request: Request) -> Response:
    """Every connection; of many, those that are asked for or in trouble."""
    service, html = service_of(request), wanted_format(request) == "html"
    shops = shown_of(request, service)
    drawn = shops.connections if html or shops.asked else service.running.values()
    tried: dict[str, Tried] = request.app.state.tried
    with service.engine.begin() as database:
        shown = [
            _view(one, records.last_messages(database, one.settings.name), tried.get(one.settings.name))
            for one in drawn
        ]
        if not html:
            rows = [row for one in shown for row in flat(one)]
            return rows_response(request, "connections", rows, "")
        return show(
            request,
            "connections.html",
            database,
            connections=shown,
            shops=shops,
            durability=getattr(service, "durability", None),
            calls=_calls(service),
            telling=_telling(service),
            CAPABILITIES=CAPABILITIES,
            origin=f"{request.url.scheme}://{request.headers.get('host', '')}",
            set_up_refused=service.set_up_refused,
            needs_restart=service.needs_restart,
        )


def _view(one: Running, last: Mapping[str, datetime], tried: Tried | None) -> ConnectionView:
    names, settings, connection = names_of(one), one.settings, one.bridge.connection
    return ConnectionView(
        name=settings.name,
        failed=one.failed,
        faults=tuple(one.faults),
        trouble=one.trouble,
        last_step_at=one.last_step_at,
        live_since=connection.live_since,
        systems=(
            System(
                side=Side.STOREFRONT,
                name=names.storefront,
                address=settings.infigo.base_url,
                capabilities=tuple(one.storefront.capabilities.values()),
                hook_address=_hook_address(one, Side.STOREFRONT),
                last_message=last.get(Side.STOREFRONT),
                budget=_budget(settings.infigo.calls_per_second, settings.infigo.burst),
            ),
            System(
                side=Side.MIS,
                name=names.mis,
                address=settings.printiq.base_url,
                capabilities=tuple(one.mis.capabilities.values()),
                hook_address=_hook_address(one, Side.MIS),
                last_message=last.get(Side.MIS),
                budget=_budget(settings.printiq.calls_per_second, settings.printiq.burst),
            ),
        ),
        tried=tried,
    )


def _budget(rate: float, burst: int) -> str:
    return f"{rate:g} calls a second, {burst:,} at once"


def _hook_address(one: Running, side: Side) -> str:
    """Where that system sends its messages; the secret part never stands on a screen."""
    return f"/hooks/{side.value}/••••••••" if one.settings.hook_tokens.get(side) else ""


def _telling(service: Service) -> list[tuple[str, str, str, datetime | None]]:
    """Destination, what it is told of, why it does not hear, and when it last did."""
    return [
        (
            name,
            ", ".join(EVENTS[event] for event in one.teller.destination.events),
            one.teller.trouble,
            one.teller.told_at,
        )
        for name, one in sorted(service.telling.by_name.items())
    ]


def _calls(service: Service) -> list[tuple[str, str, int, int]]:
    """System, call, how often it was made, and how often no good answer came."""
    counts = sorted(service.clients.calls.counts.items(), key=lambda item: (item[0][0], -item[1]))
    failed = service.clients.calls.failed
    return [(system, name, number, failed[(system, name)]) for (system, name), number in counts]


def flat(one: ConnectionView) -> list[Flat]:
    """The capability matrix as rows."""
    return [
        {
            "connection": one.name,
            "system": system.name,
            "capability": capability.name,
            "offered": capability.offered,
            "how": capability.how,
            "address": system.address,
            "last_message": system.last_message,
            "trouble": one.trouble,
        }
        for system in one.systems
        for capability in system.capabilities
    ]


async def try_connection(request: Request) -> Response:
    """Try both systems of a connection now: read only, nothing is written."""
    await read_form(request)
    service, name = service_of(request), request.path_params["name"]
    one = service.running.get(name)
    if one is None:
        raise Problem(404, "There is no such connection.")
    storefront, mis = await one.storefront.check(), await one.mis.check()
    request.app.state.tried[name] = Tried(at=utc_now(), storefront=storefront or "", mis=mis or "")
    only = f"?connection={name}" if len(service.running) > FEW_CONNECTIONS else ""
    return RedirectResponse(f"/connections{only}", 303)
