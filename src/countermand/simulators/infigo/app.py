"""The Infigo simulator put together: one ASGI application, and how to run it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from socket import socket

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import Lifespan

from countermand.simulators.infigo.control import infigo_control_routes
from countermand.simulators.infigo.inbound import is_script_path, mishandler_route, script_endpoint
from countermand.simulators.infigo.mishandler import HANDLERS
from countermand.simulators.infigo.rest import API, CALLS, Rest
from countermand.simulators.infigo.screens import Screens
from countermand.simulators.infigo.settings import InfigoSettings
from countermand.simulators.infigo.storefront import Storefront
from countermand.simulators.kit import FaultsMiddleware, NameCall, VendorCall, port_of, serve
from countermand.simulators.kit.ledger import utc_now


def create_app(
    settings: InfigoSettings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    seed: int = 0,
    control: bool = False,
) -> Starlette:
    """Build one storefront; `control` adds `/_sim`. `app.state.storefront` holds its shop."""
    storefront = Storefront(settings or InfigoSettings(), clock=clock, seed=seed)
    app = Starlette(
        routes=[
            *Rest(storefront).routes(),
            mishandler_route(storefront),
            *Screens(storefront).routes(),
            *(infigo_control_routes(storefront) if control else ()),
            script_endpoint(storefront),
        ],
        middleware=[
            Middleware(
                FaultsMiddleware,
                plan=storefront.plan,
                name_call=call_names(storefront),
                counts=storefront.counts,
                remember=storefront.past.remember,
            )
        ],
        lifespan=_lifespan(storefront),
    )
    app.state.storefront = storefront
    return app


def run(listener: socket, seed: int = 0, settings: InfigoSettings | None = None) -> None:
    """Serve one storefront with test control on a port that was taken for it, until interrupted."""
    settings = settings or InfigoSettings()
    if settings.public_url == InfigoSettings().public_url:
        settings = msgspec.structs.replace(settings, public_url=f"http://127.0.0.1:{port_of(listener)}")
    serve(create_app(settings, seed=seed, control=True), listener)


def call_names(storefront: Storefront) -> NameCall:
    """Name vendor calls for faults and counts; None for screens and test control.

    REST: the path without its numbers (`order/detail`). MegaScript: `megascript/` and the action it was
    asked for (`megascript/order.cancel`). Plugin handlers: `changestatus` and so on.
    """

    def name_call(call: VendorCall) -> str | None:
        path = call.path.lower().rstrip("/")
        if is_script_path(path, storefront):
            return f"megascript/{_action(call.body)}"
        if path.startswith("/mishandler/"):
            handler = path.rpartition("/")[2]
            return handler if handler in HANDLERS else None
        if path.startswith(f"{API}/"):
            return _rest_name(path.removeprefix(API))
        return None

    return name_call


def _rest_name(path: str) -> str | None:
    """Return the name of the longest call whose path this is, or begins."""
    names = {name for _, _, name in CALLS}
    fitting = [name for name in names if path == f"/{name}" or path.startswith(f"/{name}/")]
    return max(fitting, key=len, default=None)


def _action(body: bytes) -> str:
    try:
        request = msgspec.json.decode(body)
        if isinstance(request, str):
            request = msgspec.json.decode(request)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "unreadable"
    action = request.get("action") if isinstance(request, dict) else None
    return action if isinstance(action, str) and len(action) < 40 else "unreadable"


def _lifespan(storefront: Storefront) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def work_in_background(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each.run()) for each in (storefront.outbox, storefront.sender)]
        yield
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    return work_in_background
