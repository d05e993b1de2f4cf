"""What people do from the console: every act is a form that was sent, by somebody with a name.

Each act says which version of the task it was made on. When somebody or something changed the task
meanwhile, nothing is done, and the page says who did what.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countermand.access import Role
from countermand.app import Service, utc_now
from countermand.bridge import people
from countermand.bridge.go_ahead import REFUSABLE, approve_task, refuse_task
from countermand.bridge.ports import MisItemKind, MisRef
from countermand.core.command import RefusalReason
from countermand.core.status import Facts
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.ledger import views
from countermand.ledger.tasks import OvertakenError, touch
from countermand.web.pages import service_of
from countermand.web.person import clean_name, must_act, read_form, reason_in
from countermand.web.problem import Problem
from countermand.web.task_page import render_task
from countermand.web.task_view import find_task, must_approve


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act on one task: who, what the form says, and where it is kept."""

    service: Service
    row: views.TaskRow
    form: FormData
    by: str
    at: datetime

    @property
    def version(self) -> int | None:
        text = str(self.form.get("version", ""))
        return int(text[:18]) if text.isdecimal() else None

    @property
    def reason(self) -> str:
        return reason_in(self.form)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(filter(None, self.row.line_ids.split(", ")))

    async def touch(self, how: str, note: str = "", *, fenced: bool = True, **news: object) -> None:
        """Put the act on the task, or tell that somebody was faster (`fenced`)."""
        version, note = self.version if fenced else None, note or self.reason
        await self.service.writer.write_async(
            lambda database: touch(database, self.row.id, version, self.by, how, self.at, news, note)
        )

    async def orders(self) -> list[str]:
        """Every order of the task, or those that were chosen on the page."""
        chosen = [str(value) for value in self.form.getlist("order")]
        with self.service.engine.begin() as database:
            every = [ref for _, ref in views.orders_of_task(database, self.row.id)]
        return [ref for ref in every if ref in set(chosen)] if chosen else every

    async def do(self, deed: people.Deed) -> None:
        """The deed on every order concerned.

        Raises:
            RefusedError: it was refused for all of them.
        """
        orders = await self.orders()
        refused = await people.do_for_all(self.service.store, self.row.connection, orders, deed, self.at)
        self.service.wake(self.row.connection)
        if refused and len(refused) == len(orders):
            raise people.RefusedError(next(iter(refused.values())))


Doing = Callable[[Act], Awaitable[str]]


async def task_act(request: Request) -> Response:
    """Do what the form asks for, then show the task again."""
    doing = ACTS.get(request.path_params["act"])
    if doing is None:
        raise Problem(404, "There is no such act.")
    needs = Role.APPROVER if doing in _FOR_APPROVERS else Role.OPERATOR
    person, form, service = must_act(request, needs), await read_form(request), service_of(request)
    task_id = int(request.path_params["id"])
    with service.engine.begin() as database:
        row = find_task(database, task_id)
    if row.state != "open" and doing is _done:
        # Whoever did the work and then says so finds it closed already: that is good news, no refusal.
        return RedirectResponse(f"/needs-a-person/{task_id}", 303)
    act = Act(service=service, row=row, form=form, by=person.name, at=utc_now())
    try:
        done = await doing(act)
    except (OvertakenError, people.RefusedError) as refused:
        with service.engine.begin() as database:
            if doing is _done and find_task(database, task_id).state != "open":
                return RedirectResponse(f"/needs-a-person/{task_id}", 303)
            return render_task(request, database, task_id, problem=str(refused), status_code=409)
    return RedirectResponse(f"/needs-a-person/{task_id}?done={done}", 303)


async def _done(act: Act) -> str:
    """Asking for a look overwrites nobody; a word that closes does, so that one is fenced."""
    fenced = TASK_TYPES[TaskKind(act.row.kind)].proof == "word"
    await act.touch("says it is done", act.reason or "says it is done", fenced=fenced)
    await act.do(people.check_now(act.row.id, act.by, act.at, act.reason))
    return "checking"


async def _settle(act: Act) -> str:
    _needs_reason(act, "Please say why the two systems may stay different.")
    await act.touch("left the two systems different")
    await act.do(people.settle_task(act.row.id, act.by, act.at, act.reason))
    return "settled"


async def _refuse(act: Act) -> str:
    _needs_reason(act, "Please say why the cancellation is refused.")
    try:
        why = RefusalReason(str(act.form.get("why", RefusalReason.OTHER)))
    except ValueError:
        raise people.RefusedError("That is no reason for refusing a cancellation.") from None
    kind = TaskKind(act.row.kind)
    if kind not in REFUSABLE:
        raise people.RefusedError("This task holds no cancel: there is nothing to refuse.")
    await act.touch("refused the cancellation")
    await act.do(refuse_task(kind, act.lines, act.by, act.at, act.reason, why))
    return "refused"


async def _approve(act: Act) -> str:
    must_approve(act.row)
    await act.touch("gave the go-ahead", act.reason or "gave the go-ahead")
    await act.do(approve_task(TaskKind(act.row.kind), act.lines, act.by, act.at, act.reason))
    return "approved"


async def _accept(act: Act) -> str:
    await act.touch("looked through them and let them be brought in step")
    await act.do(people.accept_import(act.by, act.at))
    return "accepted"


async def _assign(act: Act) -> str:
    to = clean_name(str(act.form.get("to", "")))
    how = f"assigned it to {to}" if to else "took everybody's name off it"
    await act.touch(how, assigned_to=to)
    return "assigned" if to else "unassigned"


async def _snooze(act: Act) -> str:
    until = _until(act)
    if until is None:
        await act.touch("put it back on the list", snoozed_until=None)
        return "woken"
    await act.touch(f"put it off until {until:%d %b %H:%M} UTC", snoozed_until=until)
    return "snoozed"


_MOST_SNOOZE = timedelta(days=14)


def _until(act: Act) -> datetime | None:
    minutes = str(act.form.get("minutes", "")).strip()
    if minutes == "0":
        return None
    if not minutes.isdecimal() or timedelta(minutes=int(minutes[:9])) > _MOST_SNOOZE:
        raise people.RefusedError("A task can be put off for up to 14 days.")
    return act.at.astimezone(UTC) + timedelta(minutes=int(minutes))


async def _note(act: Act) -> str:
    _needs_reason(act, "The note is empty.")
    await act.touch("wrote a note")
    return "noted"


async def _link(act: Act) -> str:
    line, _, ref = str(act.form.get("match", "")).partition(" ")
    running = act.service.running.get(act.row.connection)
    if running is None:
        raise people.RefusedError("Nobody looks after this connection any more.")
    kind = MisItemKind.SALES_ORDER if act.form.get("kind") == "sales_order" else MisItemKind.JOB
    items = await running.mis.read([MisRef(ref=ref, kind=kind)])
    if not items or not isinstance(items[0].status, Facts):
        raise people.RefusedError(f"{ref or 'It'} cannot be read at this moment; please check the number.")
    await act.touch(f"matched {ref} to line {line}")
    await act.do(people.link_item(line, items[0], act.by, act.at))
    return "linked"


def _needs_reason(act: Act, why: str) -> None:
    if not act.reason:
        raise people.RefusedError(why)


ACTS: dict[str, Doing] = {
    "done": _done,
    "settle": _settle,
    "refuse": _refuse,
    "approve": _approve,
    "accept": _accept,
    "assign": _assign,
    "snooze": _snooze,
    "note": _note,
    "link": _link,
}
#: What lets a write pass that a guard holds.
_FOR_APPROVERS = (_approve, _accept)
