"""Sweeps: every run over all orders with its counts, and what each did not find in step."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import utc_now
from countermand.bridge.sweep import SKIP_MEANING, Found, Skip, Sweep, SweepState
from countermand.ledger import sweeps
from countermand.web import words
from countermand.web.order_view import names_of
from countermand.web.pages import service_of, show
from countermand.web.person import must_act, read_form
from countermand.web.problem import Problem
from countermand.web.shops import Shown, shown_of
from countermand.web.tables import Flat, limit_of, next_page, query, rows_response, wanted_format

STATES = {
    SweepState.RUNNING: ("Under way", "moving", "go"),
    SweepState.DONE: ("Done", "check", "good"),
    SweepState.STOPPED: ("Stopped", "hand", "quiet"),
    SweepState.FAILED: ("Failed", "alert", "stop"),
}


def sweep_list(request: Request) -> Response:
    """Runs, newest first."""
    service, asked = service_of(request), request.query_params
    limit, connection = limit_of(request), asked.get("connection", "")
    shops = shown_of(request, service) if not connection or connection in service.running else Shown([])
    with service.engine.begin() as database:
        rows = sweeps.list_sweeps(
            database, connection=connection, limit=limit, before=_place(asked.get("after", ""))
        )
        following = next_page(request, limit, [str(row.id) for row in rows])
        if wanted_format(request) != "html":
            return rows_response(request, "sweeps", [flat(row) for row in rows], following)
        return show(
            request,
            "sweeps.html",
            database,
            sweeps=rows,
            next=following,
            states=STATES,
            share=share,
            shops=shops,
            idle=_idle(database, shops),
            with_query=lambda **changes: query(request, after=None, **changes),
        )


def _idle(database: Connection, shops: Shown) -> list[str]:
    """Of which a sweep can be begun here: of many shops, the one that is named."""
    if shops.left_out and not shops.asked:
        return []
    names = (one.settings.name for one in shops.connections)
    return [name for name in names if sweeps.running_sweep(database, name) is None]


def _place(text: str) -> int | None:
    if text and not text.isdecimal():
        raise Problem(400, f"“{text[:20]}” is no place in this list; start again from its first page.")
    return int(text[:18]) if text else None


def share(sweep: Sweep) -> int:
    """How much of a run is done, in parts of a hundred."""
    dealt_with = sweep.compared + sweep.skipped
    return min(100, dealt_with * 100 // sweep.total) if sweep.total else 100


def flat(sweep: Sweep) -> Flat:
    return {
        "sweep": sweep.id,
        "connection": sweep.connection,
        "state": sweep.state.value,
        "by": sweep.by,
        "reason": sweep.reason,
        "since": sweep.since,
        "started_at": sweep.started_at,
        "finished_at": sweep.finished_at,
        "total": sweep.total,
        "compared": sweep.compared,
        "agreed": sweep.agreed,
        "differing": sweep.differing,
        "skipped": sweep.skipped,
        "calls": sweep.calls,
        "seconds": round(sweep.seconds, 1),
    }


def sweep_page(request: Request) -> Response:
    """One run: its counts, and the orders that it did not find in step."""
    service, asked = service_of(request), request.query_params
    kind = _kind(asked.get("kind", ""))
    with service.engine.begin() as database:
        found = _found(request, database)
        limit = limit_of(request)
        rows = sweeps.findings(database, found.id, kind, limit, _place(asked.get("after", "")) or 0)
        names = names_of(service.running.get(found.connection))
        if wanted_format(request) != "html":
            return rows_response(request, f"sweep-{found.id}", [_flat_finding(row) for row in rows], "")
        return show(
            request,
            "sweep.html",
            database,
            sweep=found,
            states=STATES,
            share=share,
            kind=kind,
            findings=[(row, _why(row, names)) for row in rows],
            skipped={
                _skip(why): number
                for why, number in sweeps.findings_by(database, found.id, Found.SKIPPED).items()
            },
        )


def _kind(text: str) -> Found | None:
    if text not in ("", Found.DIFFERING, Found.SKIPPED):
        raise Problem(400, "`kind` is differing or skipped.")
    return Found(text) if text else None


def _why(row: sweeps.FindingRow, names: words.Names) -> str:
    return _skip(row.why) if row.kind is Found.SKIPPED else names.why(row.why)


def _skip(why: str) -> str:
    return words.sentence(SKIP_MEANING[Skip(why)]) + "." if why in list(Skip) else words.why(why)


def _flat_finding(row: sweeps.FindingRow) -> Flat:
    return {
        "order": row.order,
        "customer": row.customer,
        "kind": row.kind.value,
        "why": row.why,
        "new": row.is_new,
        "state": row.state,
    }


def _found(request: Request, database: Connection) -> Sweep:
    number = int(request.path_params["id"])
    found = sweeps.find_sweep(database, number)
    if found is None:
        raise Problem(404, f"There is no sweep {number}.")
    return found


async def begin_sweep(request: Request) -> Response:
    """Begin a run now."""
    form, person, service = await read_form(request), must_act(request), service_of(request)
    name = str(form.get("connection", ""))
    if name not in service.running:
        raise Problem(404, "There is no such connection.")
    begun = await service.writer.write_async(
        lambda database: sweeps.begin_sweep(database, name, person.name, None, utc_now())
    )
    if begun is None:
        raise Problem(409, f"A sweep of {name} is under way already, or it has no orders yet.")
    service.wake(name)
    return RedirectResponse(f"/sweeps/{begun.id}", 303)


async def stop_sweep(request: Request) -> Response:
    """Stop a run; what it found so far stays."""
    await read_form(request)
    person, service = must_act(request), service_of(request)
    number = int(request.path_params["id"])
    await service.writer.write_async(
        lambda database: sweeps.stop_sweep(database, number, person.name, utc_now())
    )
    return RedirectResponse(f"/sweeps/{number}", 303)
