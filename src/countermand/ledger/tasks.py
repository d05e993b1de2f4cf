"""Tasks in storage: opened, joined and ended in the transaction that saves the orders they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from countermand.bridge.case import Case, OpenTask
from countermand.bridge.store import ITSELF, Change, Closing, Entry, TaskEnd, TaskWish
from countermand.core.events import Event
from countermand.ledger.journal import append
from countermand.ledger.prepared import Prepared
from countermand.ledger.schema import task, task_order


def apply_tasks(
    database: Connection,
    connection: str,
    changes: Sequence[Change],
    ids: Mapping[str, int],
    now: datetime,
) -> dict[str, Case]:
    """Open, join and end tasks; returns each order's case with the tasks that are open for it now."""
    cases = {change.case.order_id: change.case for change in changes}
    entries: list[Entry] = []
    for change in changes:
        if change.opens or change.closes or change.checks:
            order_id = change.case.order_id
            entries += _end(database, change, ids[order_id], now)
            opened, news = _open(database, connection, change, ids[order_id], now)
            entries += news
            ended = {end.id for end in change.closes}
            still = [each for each in change.case.tasks if each.id not in ended]
            asked_anew = {each.kind for each in opened}
            kept = tuple(each for each in still if each.kind not in asked_anew)
            moot = {each.id for each in still} - {each.id for each in (*kept, *opened)}
            entries += _end(database, replace(change, closes=_moot(moot), checks=()), ids[order_id], now)
            cases[order_id] = replace(change.case, tasks=(*kept, *opened))
    append(database, connection, entries)
    return cases


def _moot(task_ids: Iterable[int]) -> tuple[TaskEnd, ...]:
    """An order has one task of each kind: what it asked before, of another key, is asked no more."""
    reason = "asked anew, in another task"
    return tuple(TaskEnd(id=each, how=Closing.MOOT, by=ITSELF, reason=reason) for each in sorted(task_ids))


def _open(
    database: Connection, connection: str, change: Change, row_id: int, now: datetime
) -> tuple[list[OpenTask], list[Entry]]:
    opened, entries = [], []
    for wish in change.opens:
        task_id, is_new = _open_one(database, connection, wish, now)
        belongs = {"task_id": task_id, "order_id": row_id}
        if not _BELONGS.all(database, {"of_task": task_id, "of_order": row_id}):
            _JOIN.run(database, belongs)
        opened.append(
            OpenTask(
                id=task_id,
                kind=wish.kind,
                line_ids=wish.line_ids,
                because=wish.because,
                detail=wish.detail,
            )
        )
        if is_new:
            entries.append(
                Entry(
                    at=now,
                    event=Event.TASK_OPENED,
                    subject=f"order/{change.case.order_id}",
                    why=wish.because,
                    after=wish.kind.value,
                    extra={"task": str(task_id), "lines": ", ".join(wish.line_ids)},
                )
            )
    return opened, entries


def _open_one(database: Connection, connection: str, wish: TaskWish, now: datetime) -> tuple[int, bool]:
    keyed = {"of": connection, "key": wish.group_key}
    if open_one := _OPEN_OF_KEY.all(database, keyed):
        ((found,),) = open_one
        # Other lines, or one more order: who answers has to have seen them.
        news = {"line_ids": ", ".join(wish.line_ids), "detail": wish.detail, "because": wish.because}
        database.execute(update(task).where(task.c.id == found).values(**news, version=task.c.version + 1))
        return found, False
    ((before,),) = _COUNT_OF_KEY.all(database, keyed)
    row = {
        "connection": connection,
        "group_key": wish.group_key,
        "kind": wish.kind.value,
        "urgency": wish.urgency.rank,
        "owner": wish.owner,
        "because": wish.because,
        "detail": wish.detail,
        "line_ids": ", ".join(wish.line_ids),
        "assisted": wish.assisted,
        "opened_at": now,
        "due_at": wish.due_at,
        "state": "open",
        "returned": before,
    }
    ((new,),) = _INSERT_TASK.all(database, row)
    return int(new), True


_INSERT_TASK = Prepared(
    insert(task).returning(task.c.id),
    "connection", "group_key", "kind", "urgency", "owner", "because", "detail", "line_ids", "assisted",
    "opened_at", "due_at", "state", "returned",
)  # fmt: skip
_OF_KEY = (task.c.connection == bindparam("of"), task.c.group_key == bindparam("key"))
_OPEN_OF_KEY = Prepared(select(task.c.id).where(*_OF_KEY, task.c.state == "open"))
_COUNT_OF_KEY = Prepared(select(func.count()).select_from(task).where(*_OF_KEY))
_BELONGS = Prepared(
    select(task_order.c.task_id).where(
        task_order.c.task_id == bindparam("of_task"), task_order.c.order_id == bindparam("of_order")
    )
)
_JOIN = Prepared(insert(task_order), "task_id", "order_id")


def _end(database: Connection, change: Change, row_id: int, now: datetime) -> Iterable[Entry]:
    subject = f"order/{change.case.order_id}"
    for check in change.checks:
        _NOTE_CHECK.run(database, {"of_task": check.id, "saw": check.saw})
        yield Entry(
            at=now, event=Event.TASK_NOT_DONE, subject=subject, why=check.saw, extra={"task": str(check.id)}
        )
    for end in change.closes:
        if _leave(database, end, row_id, now):
            yield Entry(
                at=now,
                event=Event.TASK_CLOSED,
                subject=subject,
                actor=end.by,
                why=end.reason,
                after=end.how.value,
                extra={"task": str(end.id)},
            )


def _leave(database: Connection, end: TaskEnd, row_id: int, now: datetime) -> bool:
    """Take one order out of a task; the last one out closes it. A person's word closes it for all."""
    about = task_order.c.task_id == end.id
    if end.how is not Closing.WORD:
        ((others,),) = _OTHERS.all(database, {"of_task": end.id, "but": row_id})
        if others:
            database.execute(delete(task_order).where(about, task_order.c.order_id == row_id))
            return False
    closed = {
        "of_task": end.id,
        "new_closed_at": now,
        "new_closed_by": end.by,
        "new_closed_how": end.how.value,
        "new_close_reason": end.reason,
    }
    return _CLOSE.run(database, closed) == 1


_NOTE_CHECK = Prepared(
    update(task)
    .where(task.c.id == bindparam("of_task"))
    .values(last_check=bindparam("saw"), version=task.c.version + 1)
)
_OTHERS = Prepared(
    select(func.count())
    .select_from(task_order.join(task, task.c.id == task_order.c.task_id))
    .where(task_order.c.task_id == bindparam("of_task"), task_order.c.order_id != bindparam("but"))
)
_CLOSE = Prepared(
    update(task)
    .where(task.c.id == bindparam("of_task"), task.c.state == "open")
    .values(
        state="closed",
        closed_at=bindparam("new_closed_at"),
        closed_by=bindparam("new_closed_by"),
        closed_how=bindparam("new_closed_how"),
        close_reason=bindparam("new_close_reason"),
        version=task.c.version + 1,
    )
)


# What people do to a task, without touching its orders


class OvertakenError(Exception):
    """Somebody else changed the task since it was looked at; the text says who, what and when."""


def touch(
    database: Connection,
    task_id: int,
    version: int | None,
    by: str,
    how: str,
    now: datetime,
    news: Mapping[str, object] | None = None,
    note: str = "",
) -> None:
    """Put a person's act on a task, if it still is what they saw (`version`; none: whatever it is).

    `how`: what they did, as the next person is told: "assigned it to Priya Shah". `news`: columns to change.

    Raises:
        OvertakenError: there is no such task, it is closed, or somebody changed it meanwhile.
    """
    row = database.execute(select(task).where(task.c.id == task_id).with_for_update()).one_or_none()
    if row is None:
        raise OvertakenError(f"There is no task {task_id}.")
    if row.state != "open":
        raise OvertakenError(f"Task {task_id} is closed already, by {row.closed_by}. Nothing was changed.")
    if version is not None and version != row.version:
        raise OvertakenError(_overtaken(row))
    touched = {"touched_by": by, "touched_how": how, "touched_at": now, "version": row.version + 1}
    database.execute(update(task).where(task.c.id == task_id).values(**touched, **(news or {})))
    entry = Entry(
        at=now,
        event=Event.TASK_CHANGED,
        subject=f"task/{task_id}",
        actor=by,
        why=note or how,
        extra={"task": str(task_id), "did": how},
    )
    append(database, row.connection, [entry])


def _overtaken(row: Any) -> str:
    if row.touched_by and row.touched_at is not None:
        touched = f"{row.touched_by} {row.touched_how} at {row.touched_at:%H:%M:%S} UTC"
        what = f"{touched}, or something new was seen about it"
    else:
        what = "something new was seen about it"
    return f"Meanwhile {what}. Nothing of yours was saved; look at the task again, then decide."
