"""The review after a first import: what differed when first seen, settled by a person, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection as Database

from countermand.bridge import people
from countermand.bridge.case import Case, as_order
from countermand.bridge.people import Deed, RefusedError
from countermand.bridge.store import Entry, Store
from countermand.bridge.worklist import plain
from countermand.core.tasks import TaskKind
from countermand.ledger import views


class Act(StrEnum):
    #: Both systems stay as they are; it is history.
    LEAVE = "leave"
    #: From here on like an order watched from its start: what differs is passed on, under the guards.
    BRING_IN_STEP = "bring_in_step"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An order that waits for its review, line by line in everyday words."""

    connection: str
    order: str
    customer: str
    placed_at: datetime | None
    lines: tuple[tuple[str, str, str, str], ...]


def waiting(database: Database, connection: str = "", limit: int = 1000) -> list[Difference]:
    """Orders to review; each line as (line, storefront says, MIS says, why)."""
    tasks = views.list_tasks(database, kind=TaskKind.IMPORT_REVIEW.value)
    found: list[Difference] = []
    for task in tasks:
        if connection in ("", task.connection):
            rows = views.task_order_rows(database, task.id, limit - len(found))
            found += [_difference(row) for row in rows]
    return found


def _difference(row: views.OrderRow) -> Difference:
    rules = {line.line_id: line.rule for line in row.case.lines}
    lines = _lines_of_review(row.case)
    return Difference(
        connection=row.connection,
        order=row.order,
        customer=row.customer,
        placed_at=row.placed_at,
        lines=tuple(
            (
                entry.line_id,
                plain(entry.line.storefront.status),
                plain(entry.line.mis.status),
                rules[entry.line_id],
            )
            for entry in as_order(row.case, live_since=None).lines
            if entry.line_id in lines
        ),
    )


def _lines_of_review(case: Case) -> tuple[str, ...]:
    return next((task.line_ids for task in case.tasks if task.kind is TaskKind.IMPORT_REVIEW), ())


async def review(
    store: Store, connection: str, order_ids: Sequence[str], act: Act, by: str, reason: str, now: datetime
) -> dict[str, str]:
    """Do it to each of these orders; returns why it was refused, by order id."""
    if act is Act.LEAVE and not reason.strip():
        raise RefusedError("Please say why the two systems may stay different.")
    return await people.do_for_all(store, connection, order_ids, _deed(act, by, reason, now), now)


def _deed(act: Act, by: str, reason: str, now: datetime) -> Deed:
    """The deed, for an order that waits for its review and for no other."""

    def deed(case: Case) -> tuple[Case, Entry]:
        lines = _lines_of_review(case)
        if not lines:
            raise RefusedError(f"Order {case.order_id} does not wait for a review.")
        if act is Act.LEAVE:
            return people.settle(lines, by, now, reason)(case)
        return people.accept_import(by, now)(case)

    return deed


def named(differences: Iterable[Difference]) -> list[str]:
    return [one.order for one in differences]
