"""The HTTP API of sweeps: begin one, take one up again, stop one, and see what each found."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from countermand.app import Service, utc_now
from countermand.bridge.sweep import SKIP_MEANING, Found, Skip, Sweep
from countermand.ledger import sweeps
from countermand.web.api import ACT, as_json, json_body, named, operation, view
from countermand.web.problem import Problem

_MOST_SHOWN = 1000


def sweep_routes() -> list[Route]:
    return [
        Route("/api/sweeps", as_json(list_sweeps)),
        Route("/api/sweeps", as_json(begin), methods=["POST"]),
        Route("/api/sweeps/{id:number}", as_json(show)),
        Route("/api/sweeps/{id:number}/stop", as_json(stop), methods=["POST"]),
    ]


class Sweeps(msgspec.Struct, frozen=True, kw_only=True):
    """The last sweeps, newest first."""

    sweeps: list[Sweep]


class ApiSweep(Sweep, frozen=True, kw_only=True):
    """One sweep with what it found. `skipped_because`: for each reason how many, and what it means."""

    skipped_because: dict[str, tuple[int, str]]
    differences: list[sweeps.FindingRow]


class Stopped(msgspec.Struct, frozen=True):
    """The number of the sweep that was stopped."""

    stopped: int


_CONNECTION = {"connection": "Which connection; needed where there are several."}


@operation(answer=Sweeps, query={"connection": "Only this connection's."})
async def list_sweeps(request: Request) -> object:
    """Sweeps, newest first."""
    connection = request.query_params.get("connection", "")
    rows: list[Sweep] = await view(request, sweeps.list_sweeps, connection=connection)
    return Sweeps(sweeps=rows)


@operation(answer=ApiSweep)
async def show(request: Request) -> object:
    """One sweep with its counts, and the orders that differ."""
    found = await _find(request)
    skipped = await view(request, sweeps.findings_by, found.id, Found.SKIPPED)
    differing = await view(request, sweeps.findings, found.id, Found.DIFFERING, _MOST_SHOWN)
    return ApiSweep(
        **msgspec.structs.asdict(found),
        skipped_because={why: (count, SKIP_MEANING[Skip(why)]) for why, count in skipped.items()},
        differences=differing,
    )


@operation(
    answer=Sweep,
    body={
        "by": ACT["by"],
        **_CONNECTION,
        "since": "Only orders placed or changed since then, and open ones; left out: all.",
        "resume": "Go on with the last one where it was stopped or failed.",
    },
    needs=("by",),
)
async def begin(request: Request) -> object:
    """Begin a sweep, or with `resume` let the last one go on where it was."""
    said, service = await json_body(request), _service(request)
    name, by, now = connection_named(service, said), named(request, said), utc_now()
    if said.get("resume"):
        going_on = await service.writer.write_async(lambda database: sweeps.resume_sweep(database, name, now))
        if going_on is None:
            raise Problem(409, f"The last sweep of {name} came to its end; begin a new one.")
        service.wake(name)
        return going_on
    since = moment(said, "since")
    begun = await service.writer.write_async(
        lambda database: sweeps.begin_sweep(database, name, by, since, now)
    )
    if begun is None:
        running: Sweep | None = await view(request, sweeps.running_sweep, name)
        raise Problem(409, _why_not(name, running))
    service.wake(name)
    return begun


def _why_not(name: str, running: Sweep | None) -> str:
    if running is None:
        return f"Nothing to compare: {name} has no such orders yet."
    return f"Sweep {running.id} of {name} is under way, begun by {running.by}; wait for it, or stop it first."


@operation(answer=Stopped, body={"by": ACT["by"]}, needs=("by",))
async def stop(request: Request) -> object:
    """Stop a sweep that is under way; what it found so far stays."""
    found, by = await _find(request), named(request, await json_body(request))
    stopped = await _service(request).writer.write_async(
        lambda database: sweeps.stop_sweep(database, found.id, by, utc_now())
    )
    if not stopped:
        raise Problem(409, f"Sweep {found.id} is not under way any more.")
    return Stopped(stopped=found.id)


async def _find(request: Request) -> Sweep:
    number = request.path_params["id"]
    found: Sweep | None = await view(request, sweeps.find_sweep, number)
    if found is None:
        raise Problem(404, f"There is no sweep {number}.")
    return found


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


# What requests say, for imports too


def connection_named(service: Service, said: dict[str, Any]) -> str:
    """The connection that is meant; where there is only one, it need not be named."""
    names = sorted(service.running)
    name = said.get("connection") or (names[0] if len(names) == 1 else "")
    if name in names:
        return str(name)
    known = ", ".join(names) or "none is set up"
    asked = f"There is no connection {name}" if name else "Please name the connection"
    raise Problem(404 if name else 400, f"{asked}: {known}.")


def moment(said: dict[str, Any], field: str) -> datetime | None:
    """A date (its beginning) or a time; UTC unless it says otherwise."""
    text = said.get(field)
    if text in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Problem(
            400, f"`{field}` is no date: write 2026-11-23 or 2026-11-23T09:30, not “{text}”."
        ) from None
    if len(str(text)) <= len("2026-11-23"):
        found = datetime.combine(found, time.min)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
