"""The end of a history: what is stored is held against itself and against what was seen on the way."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, Engine, func, select

from countermand.bridge.case import Case
from countermand.ledger import schema
from countermand.ledger.journal import chains, verify
from countermand.simulation.invariants import CHAIN, COUNTS
from countermand.simulation.watch import Violation, Watch


def journal_head(engine: Engine) -> str:
    with engine.begin() as database:
        head = schema.journal_head
        rows = database.execute(select(head.c.chain, head.c.seq, head.c.hash).order_by(head.c.chain))
        return "; ".join(f"{row.chain} {row.seq} {row.hash}" for row in rows)


def audit(engine: Engine, watch: Watch) -> None:
    """Raise what does not hold."""
    with engine.begin() as database:
        _chain(database)
        stored = {
            row.order_ref: row
            for row in database.execute(
                select(schema.orders.c.order_ref, schema.orders.c.version, schema.orders.c.case_file)
            )
        }
        if set(stored) != set(watch.cases):
            raise Violation(COUNTS, "orders", f"stored {len(stored)}, saved {len(watch.cases)}")
        for order_ref, row in stored.items():
            known = watch.cases[order_ref]
            if (row.version, row.case_file) != (known.version, known.case):
                raise Violation(COUNTS, f"order {order_ref}", "what is stored is not what was saved last")
        cases = [row.case_file for row in stored.values()]
        _details(database, cases, watch.presses)
        _messages(database, watch)


def _chain(database: Connection) -> None:
    for chain in chains(database):
        for fault in verify(database, chain):
            raise Violation(CHAIN, f"{fault.chain} entry {fault.seq}", fault.what)


def _count(database: Connection, table: object, *where: object) -> int:
    return database.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]


def _details(database: Connection, cases: list[Case], presses: int) -> None:
    """Tables beside the case files hold exactly what the case files say.

    `presses`: how often a person pressed the storefront's own button, which is no write of the loop.
    """
    events: Counter[str] = Counter()
    for event, number in database.execute(
        select(schema.journal.c.event, func.count()).group_by(schema.journal.c.event)
    ):
        events[event] = number
    writes = [written for case in cases for written in case.writes]
    open_tasks = {task.id for case in cases for task in case.tasks}
    pairs = {
        "sightings and their entries": (_count(database, schema.sighting), events["line.sighted"]),
        "orders and their first entries": (len(cases), events["order.seen"]),
        "writes in cases and commands": (len(writes), _count(database, schema.command)),
        "writes in cases and entries": (len(writes), events["write.sent"] - presses),
        "verified writes and entries": (
            sum(1 for written in writes if written.command.verified_at is not None),
            events["write.verified"],
        ),
        "cancellations": (
            sum(len(case.cancellations) for case in cases),
            _count(database, schema.cancellation),
        ),
        "open tasks": (len(open_tasks), _count(database, schema.task, schema.task.c.state == "open")),
        "tasks opened and entries": (_count(database, schema.task), events["task.opened"]),
        "tasks closed and entries": (
            _count(database, schema.task, schema.task.c.state == "closed"),
            events["task.closed"],
        ),
    }
    for what, (one, other) in pairs.items():
        if one != other:
            raise Violation(COUNTS, what, f"{one} and {other}")


def _messages(database: Connection, watch: Watch) -> None:
    kept = _count(database, schema.inbox)
    if kept < watch.acknowledged:
        raise Violation(COUNTS, "messages", f"{watch.acknowledged} acknowledged, {kept} kept")
