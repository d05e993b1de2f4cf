"""The HTTP API of what is on record: the journal, the decision table, and how the service is."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from countermand.app import Health
from countermand.core.events import Event
from countermand.core.table import ROWS, Row
from countermand.ledger import records
from countermand.web.api import PAGED, as_json, chosen, limit_of, operation, service_at, view


def record_routes() -> list[Route]:
    return [
        Route("/api/journal", as_json(list_journal)),
        Route("/api/decisions", as_json(decisions)),
        Route("/api/health", as_json(health)),
    ]


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the journal, newest first."""

    entries: list[records.JournalRow]
    next: str


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """The decision table, tried from the top."""

    rows: tuple[Row, ...]


@operation(
    answer=Entries,
    query={
        "event": "Only this event, such as write.verified.",
        "about": "Only this order's number.",
        "who": "Only what this person did.",
        "chain": "Only this connection's.",
        **PAGED,
    },
)
async def list_journal(request: Request) -> object:
    """The journal, newest first."""
    asked, limit = request.query_params, limit_of(request)
    event, about = chosen(request, "event", Event), asked.get("about", "")
    wanted = records.JournalFilter(
        events=(event,) if event else (),
        subject=f"order/{about}" if about else "",
        actor=asked.get("who", ""),
        chain=asked.get("chain", ""),
    )
    rows = await view(request, records.list_journal, wanted, limit=limit, after=asked.get("after", ""))
    return Entries(entries=rows, next=rows[-1].key if len(rows) == limit else "")


@operation(answer=Decisions)
async def decisions(_request: Request) -> object:
    """The decision table: what is decided for every pair of states."""
    return Decisions(rows=ROWS)


@operation(answer=Health)
async def health(request: Request) -> object:
    """Whether every connection is being looked after."""
    return service_at(request).health()
