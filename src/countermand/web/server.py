"""The web application of a running service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from countermand.app import Installation, Service
from countermand.web.api import api_routes
from countermand.web.api_people import people_routes
from countermand.web.console import console_routes
from countermand.web.hooks import hook_routes


def create_app(installation: Installation) -> Starlette:
    """Console, API and hooks; the service itself lives as long as the application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with Service(installation) as service:
            app.state.service = service
            yield

    return Starlette(routes=[*hook_routes(), *api_routes(), *people_routes(), *console_routes()], lifespan=lifespan)
