"""What is said of one journal entry: what happened, and for a task what a person needs to know of it."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection

from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.ledger import views
from countermand.ledger.journal import Body
from countermand.ledger.records import JournalRow
from countermand.outbound.destination import Destination

_body = msgspec.json.Decoder(Body)


class AboutTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it stands when it is told of. `orders`: a few of them; `order_count`: how many there are."""

    id: int
    kind: str
    title: str
    urgency: str
    cost_of_waiting: str
    state: str
    due_at: datetime
    orders: tuple[str, ...]
    order_count: int


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One journal entry. `subject`: what it is about, such as `order/10001/line/5001`."""

    connection: str
    subject: str
    who: str
    why: str = ""
    before: str = ""
    after: str = ""
    extra: dict[str, str] = {}
    order: str = ""
    task: AboutTask | None = None
    url: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a message. `type`: a journal event; `timestamp`: when it happened."""

    type: str
    timestamp: datetime
    data: About


def message_id(entry: JournalRow) -> str:
    """The same each time an entry is told of, so that a receiver knows what it has had already.

    Its place alone would not do: once an older copy of the ledger is put back, another entry has that place.
    """
    return f"{entry.chain}-{entry.seq}-{entry.hash[:16]}"


def message_of(database: Connection, entry: JournalRow, destination: Destination) -> Message:
    body = _body.decode(entry.body)
    order = entry.subject.split("/")[1] if entry.subject.startswith("order/") else ""
    task = _task(database, body.extra.get("task", ""))
    return Message(
        type=entry.event,
        timestamp=entry.at,
        data=About(
            connection=entry.chain,
            subject=entry.subject,
            who=entry.actor,
            why=body.why,
            before=body.before,
            after=body.after,
            extra=body.extra,
            order=order,
            task=task,
            url=_url(destination.console, entry.chain, order, task),
        ),
    )


def _task(database: Connection, number: str) -> AboutTask | None:
    """None too where it is of a kind that this version does not know: the entry itself says enough."""
    rows = views.list_tasks(database, task_id=int(number)) if number.isdecimal() else []
    if not rows or rows[0].kind not in list(TaskKind):
        return None
    (row,) = rows
    kind = TASK_TYPES[TaskKind(row.kind)]
    return AboutTask(
        id=row.id,
        kind=row.kind,
        title=kind.title,
        urgency=kind.urgency.value,
        cost_of_waiting=kind.cost,
        state=row.state,
        due_at=row.due_at,
        orders=row.orders,
        order_count=row.order_count,
    )


def _url(console: str, connection: str, order: str, task: AboutTask | None) -> str:
    if not console or not (task or order):
        return ""
    place = f"needs-a-person/{task.id}" if task else f"orders/{quote(connection)}/{quote(order)}"
    return f"{console.rstrip('/')}/{place}"
