"""The printIQ simulator put together: one ASGI application, and how to run it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from socket import socket

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from countermand.simulators.kit import FaultsMiddleware, VendorCall, serve
from countermand.simulators.kit.ledger import utc_now
from countermand.simulators.printiq.control import printiq_control_routes
from countermand.simulators.printiq.instance import Instance
from countermand.simulators.printiq.json_api import METHODS, TOKEN_METHOD, json_routes
from countermand.simulators.printiq.odata import PATH as ODATA_PATH
from countermand.simulators.printiq.odata import odata_routes
from countermand.simulators.printiq.screens import screen_routes
from countermand.simulators.printiq.settings import PrintIQSettings
from countermand.simulators.printiq.soap import PATH as SOAP_PATH
from countermand.simulators.printiq.soap import soap_routes
from countermand.simulators.printiq.webhook_svc import PATH as WEBHOOK_SVC_PATH
from countermand.simulators.printiq.webhook_svc import webhook_svc_routes

_METHOD_NAMES = {name.lower(): name for name in (*METHODS, TOKEN_METHOD)}


def create_app(
    settings: PrintIQSettings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    seed: int = 0,
    control: bool = False,
) -> Starlette:
    """Build one printIQ instance; `control` adds `/_sim`. `app.state.instance` holds its plant."""
    instance = Instance(settings or PrintIQSettings(), clock=clock, seed=seed)
    app = Starlette(
        routes=[
            *json_routes(instance),
            *soap_routes(instance),
            *odata_routes(instance),
            *webhook_svc_routes(instance),
            *screen_routes(instance),
            *(printiq_control_routes(instance) if control else ()),
        ],
        middleware=[
            Middleware(
                FaultsMiddleware,
                plan=instance.plan,
                name_call=name_call,
                counts=instance.counts,
                remember=instance.past.remember,
            ),
            Middleware(AnyCasePaths),
        ],
        lifespan=_lifespan(instance),
    )
    app.state.instance = instance
    return app


def run(listener: socket, seed: int = 0, settings: PrintIQSettings | None = None) -> None:
    """Serve one instance with test control on a port that was taken for it, until interrupted."""
    serve(create_app(settings, seed=seed, control=True), listener)


def name_call(call: VendorCall) -> str | None:
    """Name a vendor call for faults and counts; None for screens and test control.

    JSON: the method (`AcceptQuote`). SOAP: `RunEvent`, or `wsdl`. OData: `OData.Jobs` and so on, as the
    caller spells the entity. `webhook.svc`: `webhook.customers`, `webhook.customerbycode`.
    """
    path = call.path.lower()
    if path.startswith("/api/quoteprocess/"):
        method = path.rpartition("/")[2]
        return _METHOD_NAMES.get(method, method)
    if path == SOAP_PATH:
        return "RunEvent" if call.method == "POST" else "wsdl"
    if path.startswith(f"{ODATA_PATH}/"):
        return f"OData.{call.path.rpartition('/')[2]}"
    if path.startswith(f"{WEBHOOK_SVC_PATH}/"):
        return f"webhook.{path.removeprefix(WEBHOOK_SVC_PATH).split('/')[1]}"
    return None


class AnyCasePaths:
    """IIS does not tell upper from lower case: vendor paths are brought to the casing of our routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].lower().startswith(("/api/", "/webservice/")):
            scope["path"] = scope["path"].lower()
        await self._app(scope, receive, send)


def _lifespan(instance: Instance) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def deliver_messages(_: Starlette) -> AsyncIterator[None]:
        delivery = asyncio.create_task(instance.outbox.run())
        yield
        delivery.cancel()
        with suppress(asyncio.CancelledError):
            await delivery

    return deliver_messages
