"""What can be exported: the columns of each export, and its rows, streamed in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Connection, Select, func, select

from countermand.bridge.case import Case, as_order
from countermand.exports.lines import MIS_COLUMNS, STOREFRONT_COLUMNS, mis_rows, storefront_rows
from countermand.ledger.engine import LedgerError
from countermand.ledger.journal import Body
from countermand.ledger.schema import journal, orders, sweep, sweep_finding, task, task_order

Row: TypeAlias = Mapping[str, object]
#: Column names with what they hold: `text`, `integer`, `number`, `yes_no` or `time` (UTC).
Columns: TypeAlias = Mapping[str, str]

_AT_ONCE = 500


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """One file's worth of rows. `side` is set where an export is one file per system."""

    name: str
    columns: Columns
    rows: Callable[[Connection, str], Iterator[Row]]
    side: str = ""


def _stream(database: Connection, statement: Select[Any]) -> Iterator[Any]:
    yield from database.execute(statement.execution_options(yield_per=_AT_ONCE))


# Orders and their lines

_ORDER_COLUMNS = {
    "connection": "text", "order": "text", "state": "text", "urgency": "integer", "customer": "text",
    "po_number": "text", "total": "text", "payment": "text", "lines": "integer", "storefront": "text",
    "mis": "text", "jobs": "text", "open_tasks": "text", "placed_at": "time", "first_seen_at": "time",
    "changed_at": "time", "in_step_at": "time",
}  # fmt: skip


def _orders(database: Connection, connection: str) -> Iterator[Row]:
    for row in _stream(database, _of(select(orders).order_by(orders.c.id), orders.c.connection, connection)):
        case: Case = row.case_file
        lines = as_order(case, live_since=None).lines
        yield {
            "connection": row.connection,
            "order": row.order_ref,
            "state": row.state,
            "urgency": row.urgency,
            "customer": row.customer,
            "po_number": row.po_number,
            "total": case.total,
            "payment": case.payment.value,
            "lines": len(lines),
            "storefront": _joined(str(entry.line.storefront.status) for entry in lines),
            "mis": _joined(str(entry.line.mis.status) for entry in lines),
            "jobs": _joined(item.ref for item in case.items),
            "open_tasks": _joined(open_task.kind.value for open_task in case.tasks),
            "placed_at": row.placed_at,
            "first_seen_at": row.first_seen_at,
            "changed_at": row.changed_at,
            "in_step_at": row.in_step_at,
        }


def _joined(texts: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def _of(statement: Select[Any], column: Any, connection: str) -> Select[Any]:
    return statement.where(column == connection) if connection else statement


def _lines_of(read: Callable[[str, Case], Iterator[Row]]) -> Callable[[Connection, str], Iterator[Row]]:
    def rows(database: Connection, connection: str) -> Iterator[Row]:
        statement = select(orders.c.connection, orders.c.case_file).order_by(orders.c.id)
        for row in _stream(database, _of(statement, orders.c.connection, connection)):
            yield from read(row.connection, row.case_file)

    return rows


# Tasks, journal, sweeps

_TASK_COLUMNS = {
    "task": "integer", "connection": "text", "kind": "text", "urgency": "integer", "owner": "text",
    "state": "text", "orders": "integer", "order": "text", "line_ids": "text", "because": "text",
    "detail": "text", "opened_at": "time", "due_at": "time", "assigned_to": "text", "snoozed_until": "time",
    "returned": "integer", "last_check": "text", "closed_at": "time", "closed_by": "text",
    "closed_how": "text", "close_reason": "text",
}  # fmt: skip


def _tasks(database: Connection, connection: str) -> Iterator[Row]:
    about = (
        select(
            task_order.c.task_id, func.count().label("orders"), func.min(orders.c.order_ref).label("order")
        )
        .join(orders, orders.c.id == task_order.c.order_id)
        .group_by(task_order.c.task_id)
        .subquery()
    )
    statement = (
        select(task, func.coalesce(about.c.orders, 0).label("orders"), about.c.order)
        .outerjoin(about, about.c.task_id == task.c.id)
        .order_by(task.c.id)
    )
    for row in _stream(database, _of(statement, task.c.connection, connection)):
        values = dict(row._mapping)
        yield {name: values["id"] if name == "task" else values[name] for name in _TASK_COLUMNS}


_JOURNAL_COLUMNS = {
    "chain": "text", "seq": "integer", "at": "time", "event": "text", "actor": "text", "subject": "text",
    "why": "text", "before": "text", "after": "text", "extra": "text", "prev": "text", "hash": "text",
}  # fmt: skip
_BODY = msgspec.json.Decoder(Body)


def _journal(database: Connection, connection: str) -> Iterator[Row]:
    statement = select(journal).order_by(journal.c.chain, journal.c.seq)
    try:
        for row in _stream(database, _of(statement, journal.c.chain, connection)):
            yield _entry(row)
    except (msgspec.DecodeError, TypeError) as error:
        raise LedgerError("The journal is damaged: `countermand journal verify` says where.") from error


def _entry(row: Any) -> Row:
    body = _BODY.decode(row.body)
    extra = "; ".join(f"{name} {value}" for name, value in sorted(body.extra.items()))
    own = {"why": body.why, "before": body.before, "after": body.after, "extra": extra}
    values = {**row._mapping, **own}
    return {name: values[name] for name in _JOURNAL_COLUMNS}


_SWEEP_COLUMNS = {
    "id": "integer", "connection": "text", "state": "text", "by": "text", "reason": "text", "since": "time",
    "started_at": "time", "finished_at": "time", "total": "integer", "compared": "integer",
    "agreed": "integer", "differing": "integer", "skipped": "integer", "calls": "integer",
    "seconds": "number",
}  # fmt: skip


def _sweeps(database: Connection, connection: str) -> Iterator[Row]:
    statement = _of(select(sweep).order_by(sweep.c.id), sweep.c.connection, connection)
    for row in _stream(database, statement):
        yield {name: row._mapping[name] for name in _SWEEP_COLUMNS}


_FINDING_COLUMNS = {
    "sweep": "integer", "connection": "text", "order": "text", "kind": "text", "why": "text", "new": "yes_no"
}  # fmt: skip


def _findings(database: Connection, connection: str) -> Iterator[Row]:
    statement = (
        select(
            sweep_finding.c.sweep_id.label("sweep"), orders.c.connection, orders.c.order_ref.label("order"),
            sweep_finding.c.kind, sweep_finding.c.why, sweep_finding.c.is_new.label("new"),
        )
        .join(orders, orders.c.id == sweep_finding.c.order_id)
        .order_by(sweep_finding.c.sweep_id, sweep_finding.c.order_id)
    )  # fmt: skip
    for row in _stream(database, _of(statement, orders.c.connection, connection)):
        yield dict(row._mapping)


#: By what a person asks for; lines are one file per side, which is what `compare` takes.
EXPORTS: Mapping[str, tuple[Export, ...]] = {
    "orders": (Export(name="orders", columns=_ORDER_COLUMNS, rows=_orders),),
    "lines": (
        Export(name="lines", side="storefront", columns=STOREFRONT_COLUMNS, rows=_lines_of(storefront_rows)),
        Export(name="lines", side="mis", columns=MIS_COLUMNS, rows=_lines_of(mis_rows)),
    ),
    "tasks": (Export(name="tasks", columns=_TASK_COLUMNS, rows=_tasks),),
    "journal": (Export(name="journal", columns=_JOURNAL_COLUMNS, rows=_journal),),
    "sweeps": (Export(name="sweeps", columns=_SWEEP_COLUMNS, rows=_sweeps),),
    "findings": (Export(name="findings", columns=_FINDING_COLUMNS, rows=_findings),),
}
