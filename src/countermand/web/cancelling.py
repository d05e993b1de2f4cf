"""Cancel an order from here: first what would happen, then, with a reason, the act."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.app import Running, utc_now
from countermand.bridge.cancel_here import Preview, begun, cancel, preview
from countermand.bridge.case import Case
from countermand.bridge.people import RefusedError
from countermand.core.command import Answer, Outcome
from countermand.ledger import views
from countermand.web import words
from countermand.web.judging import Next, next_of
from countermand.web.order_page import render_order
from countermand.web.order_view import brakes_of, names_of, order_view
from countermand.web.pages import service_of, show
from countermand.web.person import acting, must_act, read_form, reason_in
from countermand.web.problem import Problem
from countermand.web.whose import order_address, order_at
from countermand.web.words import Names


def cancel_page(request: Request) -> Response:
    """What cancelling this order, or some of its lines, would do."""
    service = service_of(request)
    with service.engine.begin() as database:
        row, running = _found(request, database)
        chosen = tuple(request.query_params.getlist("line"))
        person = acting(request)
        wanted = preview(
            row.case,
            running.bridge.connection,
            brakes_of(database, row.connection),
            chosen,
            person.name if person else "",
            utc_now(),
        )
        names, shown = names_of(running), order_view(row, running)
        return show(
            request,
            "cancel.html",
            database,
            order=shown,
            names=names,
            wanted=wanted,
            chosen=chosen,
            nexts=_follows(row.case, wanted, names, running),
            open_lines=any(not _shown_cancelled(line.storefront) for line in shown.lines),
        )


def _found(request: Request, database: Connection) -> tuple[views.OrderRow, Running]:
    row = order_at(request, database)
    running = service_of(request).running.get(row.connection)
    if running is None:
        raise Problem(409, f"Nobody looks after the connection {row.connection} any more.")
    return row, running


def _shown_cancelled(status: str) -> bool:
    return status.startswith("cancelled")


def _follows(case: Case, wanted: Preview, names: Names, running: Running) -> list[Next]:
    if wanted.hindrance:
        return []
    about = "The order" if wanted.whole_order else words.sentence(", ".join(wanted.line_ids))
    first = Next(
        icon="shop",
        tone="stop",
        text=f"{about} becomes Cancelled in {names.storefront}. It cannot be opened again there.",
        why=_told(running),
    )
    follows = [next_of(action, names) for action in wanted.plan.actions]
    rest = follows or [Next(icon="check", tone="good", text=f"Nothing more is to do in {names.mis}.", why="")]
    money = Next(
        icon="hand",
        tone="warn",
        text="The money is not touched: a refund or a credit note stays with people.",
    )
    return [first, *_begun(case, wanted, names), *rest, money]


def _begun(case: Case, wanted: Preview, names: Names) -> list[Next]:
    """What is made already is lost: whoever cancels should know before, not after."""
    lines = begun(case, wanted.line_ids)
    if not lines:
        return []
    about = "It" if len(wanted.line_ids) == 1 else words.sentence(", ".join(lines))
    text = f"{about} may be in production already: what is made so far is lost."
    why = f"{names.mis} shows work that has begun, or did not show where it began."
    return [Next(icon="alert", tone="warn", text=text, why=why)]


def _told(running: Running) -> str:
    mails = "mails" if running.settings.infigo.notify_customer else "does not mail"
    return f"{names_of(running).storefront} {mails} the customer about it."


async def cancel_act(request: Request) -> Response:
    """Cancel it in the storefront, with this person's name and reason."""
    form, person, service = await read_form(request), must_act(request), service_of(request)
    with service.engine.begin() as database:
        row, running = _found(request, database)
    lines = tuple(str(line) for line in form.getlist("line"))
    reason = reason_in(form)
    try:
        answer = await cancel(
            service.store, running.bridge.connection, row.order, lines, person.name, reason, utc_now
        )
        problem = _not_done(answer, names_of(running))
    except RefusedError as refused:
        problem = str(refused)
    service.wake(row.connection)
    if problem:
        with service.engine.begin() as database:
            row, _ = _found(request, database)
            return render_order(request, database, row, problem=problem, status_code=409)
    return RedirectResponse(f"{order_address(row.connection, row.order)}?done=cancelling", 303)


def _not_done(answer: Answer, names: Names) -> str:
    if answer.outcome in (Outcome.APPLIED, Outcome.ALREADY):
        return ""
    said = f": {answer.said}" if answer.said else ""
    if answer.outcome is Outcome.UNKNOWN:
        return (
            f"{names.storefront} gave no clear answer{said}. It is being read; this page shows what it says."
        )
    return f"{names.storefront} did not do it ({words.OUTCOMES[answer.outcome]}){said}."
