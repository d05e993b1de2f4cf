"""Which tasks an order needs now, against those that are open for it: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from countermand.bridge.case import Case, Doubt, OpenTask, as_order
from countermand.bridge.connection import Connection
from countermand.bridge.linking import POINTING
from countermand.bridge.store import ITSELF, Closing, TaskCheck, TaskEnd, TaskWish
from countermand.core.order import Payment
from countermand.core.plan import Later, NeedsPerson, Plan
from countermand.core.status import Facts, Pair
from countermand.core.tasks import TASK_TYPES, TaskKind, TaskType
from countermand.core.verdict import InStep, Push, Settled, Verdict, Wait

#: Only a person's word tells that these are done; they stay until it is given.
WORD_ONLY = frozenset(kind for kind, one in TASK_TYPES.items() if one.proof == "word")

#: One question for many orders: joined per connection (and per detail).
_JOINED = frozenset({TaskKind.BRAKE, TaskKind.UNMAPPED, TaskKind.IMPORT_REVIEW, TaskKind.UNKNOWN_REFERENCE})


class TaskNews(msgspec.Struct, frozen=True, kw_only=True):
    """What changes about an order's tasks."""

    opens: tuple[TaskWish, ...] = ()
    closes: tuple[TaskEnd, ...] = ()
    checks: tuple[TaskCheck, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.opens or self.closes or self.checks)


def task_news(before: Case | None, case: Case, plan: Plan, connection: Connection, now: datetime) -> TaskNews:
    """Tasks to open, to end, and those that a person called done while the read-back says otherwise."""
    needs = [action for action in plan.actions if isinstance(action, NeedsPerson)]
    needs += [*_doubts(case), *_money(before, case)]
    wanted = {need.kind: need for need in needs}
    open_now = {task.kind: task for task in case.tasks}
    return TaskNews(
        opens=tuple(_wish(case, need, now) for need in needs if _is_news(need, open_now.get(need.kind))),
        closes=tuple(_ends(case, connection, wanted, plan)),
        checks=tuple(_checks(case, connection, wanted)),
    )


def _is_news(need: NeedsPerson, known: OpenTask | None) -> bool:
    return known is None or (known.line_ids, known.because, known.detail) != (
        need.line_ids, need.because, need.detail,
    )  # fmt: skip


def _wish(case: Case, need: NeedsPerson, now: datetime) -> TaskWish:
    kind: TaskType = TASK_TYPES[need.kind]
    return TaskWish(
        kind=need.kind,
        group_key=group_key(case.order_id, need),
        line_ids=need.line_ids,
        because=need.because,
        detail=need.detail,
        assisted=need.assisted,
        due_at=now + kind.due_in,
        urgency=kind.urgency,
        owner=kind.owner.value,
    )


def group_key(order_id: str, need: NeedsPerson) -> str:
    """One open task per key: per order and kind, or one for all orders with the same question."""
    if need.kind is TaskKind.BRAKE:
        return f"{need.kind.value}:{need.direction.value if need.direction else ''}"
    if need.kind in _JOINED:
        return f"{need.kind.value}:{need.detail}"
    if need.kind is TaskKind.CANNOT_READ and need.because == "cannot-read":
        return f"{need.kind.value}:{need.detail}"
    return f"{need.kind.value}:order {order_id}"


# Ends and checks


#: Waits after which it will show whether a task is really over.
_NOT_KNOWN_YET = frozenset({"read-back", "unknown-outcome", "not-sent", "unreadable", "gone"})


def _not_over_yet(task: OpenTask, plan: Plan) -> bool:
    """Whether a change to one of its lines is still on its way: that proves nothing.

    A line that a person is asked about in another way now (production has begun meanwhile, it can be read
    again) is not on its way: one question takes the other's place. Nor is one that is held until something
    else changes: a dispatch waits for the rest of its order for days.
    """
    resting = {
        line_id
        for action in plan.actions
        if isinstance(action, NeedsPerson) or (isinstance(action, Later) and action.until is None)
        for line_id in action.line_ids
    }
    for line_id in task.line_ids:
        verdict = plan.verdicts.get(line_id)
        if isinstance(verdict, Push) and line_id not in resting:
            return True
        if isinstance(verdict, Wait) and verdict.rule in _NOT_KNOWN_YET:
            return True
    return False


def _ends(
    case: Case, connection: Connection, wanted: dict[TaskKind, NeedsPerson], plan: Plan
) -> Iterable[TaskEnd]:
    said = {checking.task: checking for checking in case.checking}
    for task in case.tasks:
        if task.kind is TaskKind.PROGRAM_ERROR:
            continue  # ends when the whole pass went well, see `bridge.faults`
        if task.kind in WORD_ONLY:
            if word := said.get(task.id):
                yield TaskEnd(id=task.id, how=Closing.WORD, by=word.by, reason=word.reason or "done")
            continue
        verdicts = [plan.verdicts.get(line_id) for line_id in task.line_ids]
        if task.kind in wanted or _not_over_yet(task, plan):
            continue
        agreed = all(_is_agreed(verdict) for verdict in verdicts)
        reported = [line for line in case.lines if line.settlement and line.settlement.reported]
        by_word = [
            line.settlement.by for line in reported if line.settlement and line.line_id in task.line_ids
        ]
        yield TaskEnd(
            id=task.id,
            how=Closing.REPORTED if by_word else Closing.VERIFIED if agreed else Closing.MOOT,
            by=by_word[0] if by_word else said[task.id].by if task.id in said else ITSELF,
            reason=seen(case, connection, task.line_ids),
        )


def _is_agreed(verdict: Verdict | None) -> bool:
    """Whether both systems were read and agree; where one has nothing to show any more, nothing is proven."""
    return isinstance(verdict, Settled) or (isinstance(verdict, InStep) and not verdict.close)


def _checks(case: Case, connection: Connection, wanted: dict[TaskKind, NeedsPerson]) -> Iterable[TaskCheck]:
    said = {checking.task for checking in case.checking}
    for task in case.tasks:
        if task.id in said and task.kind in wanted:
            yield TaskCheck(id=task.id, saw=seen(case, connection, task.line_ids))


def seen(case: Case, connection: Connection, line_ids: Iterable[str]) -> str:
    """What both systems show for some lines, in a sentence."""
    wanted = set(line_ids)
    parts = []
    for entry in as_order(case, live_since=connection.live_since).lines:
        if entry.line_id in wanted:
            pair = entry.line.pair
            parts.append(
                f"{entry.line_id}: {connection.storefront_name} says {plain(pair.storefront)}, "
                f"{connection.mis_name} says {plain(pair.mis)}"
            )
    return "; ".join(parts)


def plain(status: object) -> str:
    """A line status in everyday words."""
    if not isinstance(status, Facts):
        return {"Unseen": "nothing yet", "Gone": "not found any more"}.get(type(status).__name__, str(status))
    progress = {
        "none": "not started", "started": "in production", "produced": "produced",
        "part_dispatched": "partly dispatched", "dispatched": "dispatched",
    }[status.progress.value]  # fmt: skip
    intent = {"open": "open", "held": "on hold", "cancelled": "cancelled"}[status.intent.value]
    return intent if status.cancelled and status.progress.rank == 0 else f"{intent}, {progress}"


# Links that only a person can decide on


def _doubts(case: Case) -> Iterable[NeedsPerson]:
    open_lines = {line.line_id for line in case.lines if not line.links}
    doubts = [doubt for doubt in case.doubts if doubt.line_id in open_lines or _names_order(doubt)]
    if doubts:
        refs = dict.fromkeys(doubt.ref for doubt in doubts)
        yield NeedsPerson(
            kind=TaskKind.AMBIGUOUS_LINK,
            line_ids=tuple(dict.fromkeys(doubt.line_id for doubt in doubts)),
            because="ambiguous-link",
            detail=", ".join(refs),
        )


def _names_order(doubt: Doubt) -> bool:
    """Some keys may be another order's; any other names this one, so the job must not be forgotten."""
    return doubt.key not in ("", *POINTING)


# Money: recorded, never computed


def _money(before: Case | None, case: Case) -> Iterable[NeedsPerson]:
    lines = newly_cancelled(before, case)
    if lines and case.payment is Payment.PAID:
        yield NeedsPerson(
            kind=TaskKind.REFUND, line_ids=lines, because="cancelled-and-paid", detail=case.total
        )
    invoiced = tuple(line_id for line_id in lines if _invoiced(case, line_id))
    if invoiced:
        yield NeedsPerson(kind=TaskKind.CREDIT_NOTE, line_ids=invoiced, because="cancelled-and-invoiced")


def newly_cancelled(before: Case | None, case: Case) -> tuple[str, ...]:
    """Lines on which both sides came to agree, just now, that they are cancelled.

    At first sight there is nothing new about it; nor where an earlier look failed and left only the number.
    """
    if before is None or not before.lines:
        return ()
    return tuple(
        line.line_id
        for line in case.lines
        if _both_cancelled(line.base) and not _both_cancelled(_base(before, line.line_id))
    )


def _base(case: Case, line_id: str) -> Pair | None:
    line = case.line(line_id)
    return line.base if line else None


def _both_cancelled(pair: Pair | None) -> bool:
    if pair is None:
        return False
    return all(isinstance(status, Facts) and status.cancelled for status in (pair.storefront, pair.mis))


def _invoiced(case: Case, line_id: str) -> bool:
    line = case.line(line_id)
    items = [case.item(link.ref) for link in line.links] if line else []
    return any(item is not None and item.invoiced for item in items)
