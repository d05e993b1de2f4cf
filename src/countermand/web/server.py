"""The web application of a running service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from countermand.app import Installation, Service
from countermand.ledger.engine import LedgerError
from countermand.ledger.finding import NoConnectionError, SeveralOrdersError
from countermand.ledger.views import ListPlaceError
from countermand.web.api_imports import import_routes
from countermand.web.api_orders import order_routes
from countermand.web.api_people import people_routes
from countermand.web.api_records import record_routes
from countermand.web.api_sweeps import sweep_routes
from countermand.web.api_tasks import task_routes
from countermand.web.bounds import Bounds
from countermand.web.console import console_routes, problem_page, storage_page
from countermand.web.hooks import hook_routes
from countermand.web.hosts import Hosts
from countermand.web.live import Live
from countermand.web.memo import Memo
from countermand.web.openapi import openapi
from countermand.web.problem import Problem
from countermand.web.sign_in import SignedIn
from countermand.web.start import FirstRun


def create_app(installation: Installation, hosts: Iterable[str] = ()) -> Starlette:
    """Console, API and hooks; the service itself lives as long as the application.

    `hosts`: names under which it is reached, beside those of this machine.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with Service(installation) as service:
            app.state.service = service
            app.state.memo = Memo()
            app.state.live = Live(service, app.state.memo)
            app.state.tried = {}
            app.state.checked, app.state.checking = None, False
            app.state.first_run = FirstRun()
            telling = asyncio.create_task(app.state.live.run())
            yield
            app.state.live.close()
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    return Starlette(
        routes=[
            *hook_routes(),
            *order_routes(),
            *task_routes(),
            *record_routes(),
            *people_routes(),
            *sweep_routes(),
            *import_routes(),
            Route("/api/openapi.json", openapi),
            *console_routes(),
        ],
        middleware=[Middleware(Hosts, names=tuple(hosts)), Middleware(Bounds), Middleware(SignedIn)],
        lifespan=lifespan,
        exception_handlers={
            Problem: problem_page,
            HTTPException: problem_page,
            ListPlaceError: problem_page,
            SeveralOrdersError: problem_page,
            NoConnectionError: problem_page,
            DBAPIError: storage_page,
            LedgerError: storage_page,
            Exception: problem_page,
        },
    )
