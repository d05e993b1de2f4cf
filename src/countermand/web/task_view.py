"""A task as the screens show it: what is the matter, what may be done about it, its steps for this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from countermand.app import Running, Service, utc_now
from countermand.bridge.case import Case, CaseItem, CaseLine
from countermand.bridge.go_ahead import APPROVABLE, REFUSABLE
from countermand.bridge.lives import cancelled_in
from countermand.bridge.people import RefusedError
from countermand.bridge.ports import MisRef
from countermand.bridge.steps import About, AboutItem, Step, steps
from countermand.core.status import Side
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.ledger import views
from countermand.web import words
from countermand.web.order_view import OrderView, names_of, order_view
from countermand.web.problem import Problem
from countermand.web.tables import Flat

_NEVER_SETTLED = frozenset(
    {
        TaskKind.BRAKE,
        TaskKind.UNMAPPED,
        TaskKind.UNKNOWN_REFERENCE,
        TaskKind.REFUND,
        TaskKind.CREDIT_NOTE,
        TaskKind.CANNOT_READ,
        TaskKind.PROGRAM_ERROR,
        TaskKind.AMBIGUOUS_LINK,
        TaskKind.NOT_IN_PRODUCTION,
    }
)
#: What a task needs that no go-ahead can end; all others: see `must_approve`.
_NEEDS: Mapping[TaskKind, str] = {
    TaskKind.BRAKE: "Let the orders that are right pass the brake, or end its hold",
    TaskKind.IMPORT_REVIEW: "Bring in step the orders that are right, or leave them different",
    TaskKind.AMBIGUOUS_LINK: "Say which job or sales order makes the line",
}


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """A task as the screens show it. The flags say what may be done about it from here."""

    row: views.TaskRow
    title: str
    cost: str
    why: str
    by_word: bool
    #: What a go-ahead has written, and where; empty where it has nothing written.
    writes: str
    can_approve: bool
    can_settle: bool
    can_refuse: bool
    brake: bool
    import_review: bool
    snoozed: bool
    overdue: bool
    #: The order, where the task is about one only.
    order: OrderView | None = None

    @property
    def grouped(self) -> bool:
        return self.row.order_count > 1


def task_view(row: views.TaskRow, running: Running | None, order: OrderView | None = None) -> TaskView:
    kind = TaskKind(row.kind)
    about, now = TASK_TYPES[kind], utc_now()
    is_open = row.state == "open"
    names = names_of(running)
    return TaskView(
        row=row,
        title=names.task(kind),
        cost=names.named(about.cost),
        why=_why(row, names, order),
        by_word=about.proof == "word",
        writes=_writes(row, names, order),
        can_approve=is_open and _holds_a_write(row),
        can_settle=is_open and kind not in _NEVER_SETTLED,
        can_refuse=is_open and kind in REFUSABLE,
        brake=kind is TaskKind.BRAKE,
        import_review=kind is TaskKind.IMPORT_REVIEW,
        snoozed=row.snoozed_until is not None and row.snoozed_until > now,
        overdue=is_open and row.due_at < now,
        order=order,
    )


def _holds_a_write(row: views.TaskRow) -> bool:
    """Whether a go-ahead lets something be written; what a person does by hand is nothing of that kind."""
    kind = TaskKind(row.kind)
    return kind in APPROVABLE and (row.assisted or kind is TaskKind.APPROVE)


def _writes(row: views.TaskRow, names: words.Names, order: OrderView | None) -> str:
    """What a go-ahead has written, and in which system: whoever presses the button should know before."""
    if not _holds_a_write(row):
        return ""
    if order is None:
        return "Countermand writes it in the other system, and reads it back."
    kind, ids = TaskKind(row.kind), row.line_ids.split(", ")
    lines = [line for line in order.lines if line.line_id in ids]
    whole = len(lines) == len(order.lines)
    about = f"order {order.number}" if whole else f"line {', '.join(line.line_id for line in lines)}"
    if kind is TaskKind.SHIP_IN_STOREFRONT:
        return f"Countermand marks {about} shipped in {names.storefront}, and reads it back."
    there = kind is TaskKind.CANCEL_IN_STOREFRONT or any(line.storefront.startswith("open") for line in lines)
    if not there:
        jobs = dict.fromkeys(
            item.ref for line in lines for item in line.items if not item.status.startswith("cancelled")
        )
        about = ", ".join(jobs) or f"what makes {about}"
        return f"Countermand cancels {about} in {names.mis}, and reads it back."
    return f"Countermand cancels {about} in {names.storefront}, for good, and reads it back."


def must_approve(row: views.TaskRow) -> None:
    """Insist that a go-ahead for this task lets something be written.

    Raises:
        RefusedError: it would not; the text says what the task needs instead.
    """
    if _holds_a_write(row):
        return
    kind = TaskKind(row.kind)
    needs = _NEEDS.get(kind, "Follow its steps, then say that it is done")
    if kind in APPROVABLE:
        needs = f"It is done by hand. {needs}"
    title = TASK_TYPES[kind].title
    raise RefusedError(f"Task {row.id}, “{title}”, holds nothing that could be written. {needs}.")


def _why(row: views.TaskRow, names: words.Names, order: OrderView | None) -> str:
    """What is the matter, and what keeps it from being done by itself."""
    own = names.why(row.because)
    ids = row.line_ids.split(", ")
    lines = [line for line in order.lines if line.line_id in ids and line.rule] if order else []
    if lines and lines[0].explained:
        return lines[0].why  # a whole sentence, which names what holds it back itself
    matter = next((line.why for line in lines if line.rule != row.because), "")
    return f"{matter} {own}" if matter and matter != own else own


def task_views(database: Connection, rows: Sequence[views.TaskRow], service: Service) -> list[TaskView]:
    """Tasks with their orders, read together."""
    wanted: dict[str, list[str]] = {}
    for row in rows:
        if row.order_count == 1:
            wanted.setdefault(row.connection, []).append(row.orders[0])
    orders = {
        (order.connection, order.order): order_view(order, service.running.get(order.connection))
        for connection, refs in wanted.items()
        for order in views.orders_named(database, connection, refs)
    }
    return [
        task_view(
            row,
            service.running.get(row.connection),
            orders.get((row.connection, row.orders[0])) if row.order_count == 1 else None,
        )
        for row in rows
    ]


def find_task(database: Connection, task_id: int) -> views.TaskRow:
    """One task.

    Raises:
        Problem: there is none with this number.
    """
    rows = views.list_tasks(database, task_id=task_id)
    if not rows:
        raise Problem(404, f"There is no task {task_id}.")
    return rows[0]


def flat(task: TaskView) -> Flat:
    """A task as one row of plain values."""
    row = task.row
    return {
        "task": row.id,
        "connection": row.connection,
        "kind": row.kind,
        "title": task.title,
        "urgency": words.URGENCIES[row.urgency][0],
        "owner": row.owner,
        "why": task.why,
        "detail": row.detail,
        "orders": row.orders,
        "order_count": row.order_count,
        "customer": row.customer,
        "lines": row.line_ids,
        "opened_at": row.opened_at,
        "due_at": row.due_at,
        "state": row.state,
        "assigned_to": row.assigned_to,
        "snoozed_until": row.snoozed_until,
        "returned": row.returned,
        "last_check": row.last_check,
        "closed_at": row.closed_at,
        "closed_by": row.closed_by,
        "close_reason": row.close_reason,
    }


def task_steps(
    row: views.TaskRow, case: Case | None, running: Running | None, alone: bool
) -> tuple[Step, ...]:
    """The steps of a task; those of a task about many orders name none of them."""
    kind = TaskKind(row.kind)
    if case is not None and alone:
        return steps(kind, _about(row, case, running, alone))
    about = About(order_id="the order", storefront="Infigo", mis="printIQ")
    if case is not None:
        about = _about(row, case, running, alone)
    # There is no one place to go to.
    return tuple(msgspec.structs.replace(step, places=()) for step in steps(kind, about))


def _about(row: views.TaskRow, case: Case, running: Running | None, alone: bool) -> About:
    names = names_of(running)
    line_ids = tuple(filter(None, row.line_ids.split(", ")))
    lines = [line for line in case.lines if not line_ids or line.line_id in line_ids]
    refs = dict.fromkeys(link.ref for line in lines for link in line.links)
    items = [item for ref in refs if (item := case.item(ref)) is not None]
    return About(
        order_id=case.order_id if alone else "the order",
        storefront=names.storefront,
        mis=names.mis,
        order_url=running.storefront.order_url(case.order_id) if running and alone else "",
        line_ids=line_ids,
        whole_order=len(lines) == len(case.lines),
        items=tuple(
            AboutItem(
                ref=item.ref,
                kind=item.kind,
                url=running.mis.item_url(MisRef(ref=item.ref, kind=item.kind, group=item.group))
                if running
                else "",
                shared=item.shared or _makes_others(case, item.ref, lines),
            )
            for item in items
        )
        if alone
        else (),
        tracking=_tracking(items) if alone else (),
        detail=words.money(row.detail) if row.kind == TaskKind.REFUND else row.detail,
        assisted=row.assisted,
    )


def _makes_others(case: Case, ref: str, lines: Sequence[CaseLine]) -> bool:
    """Whether a job also makes a line that is not cancelled in the storefront, beside those of the task."""
    about = {line.line_id for line in lines}
    others = [line for line in case.lines if line.line_id not in about]
    return any(
        link.ref == ref and not cancelled_in(case, line.line_id, Side.STOREFRONT)
        for line in others
        for link in line.links
    )


def _tracking(items: Sequence[CaseItem]) -> tuple[str, ...]:
    codes = (item.mis.tracking for item in items)
    return tuple(sorted(frozenset().union(*codes)))
