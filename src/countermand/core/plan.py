"""From the verdicts of an order's lines to what is done about the order.

Merge per line, plan per order: shipping status and tracking are per order in Infigo, a whole order is
cancelled in one write, a job only when every line on it is, and a person is asked once per order and kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

import msgspec

from countermand.core.command import Change
from countermand.core.guards import (
    BrakeState,
    Circumstances,
    Go,
    Hold,
    Stop,
    guard_cancel,
    guard_ship,
)
from countermand.core.merge import merge
from countermand.core.order import Job, LineKind, MisItemKind, Order, OrderLine
from countermand.core.policy import Direction, EmptiedOrder, PartDispatch, Policy, direction_of
from countermand.core.status import Facts, Progress, Side
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, Push, Verdict, Wait


class Write(msgspec.Struct, frozen=True, tag="write", kw_only=True):
    """One call to make. `line_ids` are the lines it is about; `whole_order` cancels the order itself."""

    target: Side
    change: Change
    line_ids: tuple[str, ...]
    job: Job | None = None
    whole_order: bool = False
    tracking: frozenset[str] = frozenset()


class Later(msgspec.Struct, frozen=True, tag="later", kw_only=True):
    """A guard holds a write back until then (none: until something else changes)."""

    guard: str
    until: datetime | None
    line_ids: tuple[str, ...]
    direction: Direction


class NeedsPerson(msgspec.Struct, frozen=True, tag="needs_person", kw_only=True):
    """One task for the order: `because` is the rule or guard that asks."""

    kind: TaskKind
    line_ids: tuple[str, ...]
    because: str
    detail: str = ""
    assisted: bool = False
    direction: Direction | None = None


Action: TypeAlias = Write | Later | NeedsPerson


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of each line (by line id) and what is to be done, in a fixed order."""

    verdicts: dict[str, Verdict]
    actions: tuple[Action, ...]

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(action for action in self.actions if isinstance(action, Write))

    @property
    def wanted(self) -> frozenset[Direction]:
        """Directions in which some line wants a change, written or held."""
        pushes = (verdict for verdict in self.verdicts.values() if isinstance(verdict, Push))
        return frozenset(direction_of(push.change, push.target) for push in pushes)


def plan(order: Order, policy: Policy, now: datetime) -> Plan:
    """What is to be done about an order, as of `now` (aware UTC); deterministic."""
    verdicts = _judge(order, policy, now)
    actions: list[Action] = [
        *_cancel_in_mis(order, verdicts, policy, now),
        *_cancel_in_storefront(order, verdicts, policy, now),
        *_ship(order, verdicts, policy, now),
        *_emptied(order, policy),
        *_asks(order, verdicts),
    ]
    return Plan(verdicts=verdicts, actions=_one_task_per_kind(actions))


def _judge(order: Order, policy: Policy, now: datetime) -> dict[str, Verdict]:
    verdicts = {entry.line_id: merge(entry.line, policy, now) for entry in order.lines}
    some_left = any(_mis_progress(entry) in _SENT for entry in order.lines)
    for entry in order.lines:
        verdict = verdicts[entry.line_id]
        by_hand = isinstance(verdict, Ask) and verdict.task is TaskKind.MARKED_BY_HAND
        if by_hand and some_left and _storefront_progress(entry) is Progress.PART_DISPATCHED:
            # "Partially shipped" is the status of the whole order: other lines of it did leave.
            verdicts[entry.line_id] = Wait("rest-of-order")
    return verdicts


_SENT = frozenset({Progress.PART_DISPATCHED, Progress.DISPATCHED})


def _wanting(order: Order, verdicts: dict[str, Verdict], change: Change, target: Side) -> list[OrderLine]:
    return [
        entry
        for entry in order.lines
        if isinstance(verdict := verdicts[entry.line_id], Push)
        and verdict.change is change
        and verdict.target is target
    ]


def _ids(lines: Iterable[OrderLine]) -> tuple[str, ...]:
    return tuple(entry.line_id for entry in lines)


def _circumstances(
    order: Order, lines: list[OrderLine], direction: Direction, offered: bool
) -> Circumstances:
    source = direction.target.other
    return Circumstances(
        direction=direction,
        offered=offered,
        source_since=max(entry.line.reading(source).since for entry in lines),
        brake=order.brakes.get(direction, BrakeState()),
        approval=order.approvals.get(direction),
        value=order.value,
    )


def _gated(gate: Hold | Stop, lines: list[OrderLine], direction: Direction) -> Action:
    if isinstance(gate, Hold):
        return Later(guard=gate.guard, until=gate.until, line_ids=_ids(lines), direction=direction)
    return NeedsPerson(
        kind=gate.task, line_ids=_ids(lines), because=gate.guard, assisted=gate.assisted, direction=direction
    )


# Cancels towards the MIS


def _cancel_in_mis(
    order: Order, verdicts: dict[str, Verdict], policy: Policy, now: datetime
) -> Iterable[Action]:
    wanting = _wanting(order, verdicts, Change.CANCEL, Side.MIS)
    stock = [entry for entry in wanting if _is_stock(entry)]
    if stock:
        yield NeedsPerson(
            kind=TaskKind.CANCEL_STOCK_LINE, line_ids=_ids(stock), because="not-offered",
            direction=Direction.CANCEL_TO_MIS,
        )  # fmt: skip
    lines = [entry for entry in wanting if not _is_stock(entry)]
    if not lines:
        return
    around = _circumstances(order, lines, Direction.CANCEL_TO_MIS, "cancel_job" in order.offered)
    gate = guard_cancel(around, [entry.line.mis for entry in lines], policy, now)
    if isinstance(gate, Go):
        yield from _job_cancels(order, lines)
    else:
        yield _gated(gate, lines, Direction.CANCEL_TO_MIS)


def _is_stock(entry: OrderLine) -> bool:
    sales_orders = [job for job in entry.jobs if job.kind is MisItemKind.SALES_ORDER]
    return bool(sales_orders) or (entry.kind is LineKind.STOCK and not entry.jobs)


def _job_cancels(order: Order, lines: list[OrderLine]) -> Iterable[Action]:
    cancelled = {entry.line_id for entry in order.lines if _cancelled_in_storefront(entry)}
    jobs = {job.ref: job for entry in lines for job in entry.jobs if not job.cancelled}
    for job in jobs.values():
        about = tuple(entry.line_id for entry in lines if job.ref in {own.ref for own in entry.jobs})
        if job.line_ids <= cancelled:
            yield Write(target=Side.MIS, change=Change.CANCEL, line_ids=about, job=job)
        else:
            yield NeedsPerson(
                kind=TaskKind.SHARED_JOB, line_ids=about, because="shared-job", detail=job.ref,
                direction=Direction.CANCEL_TO_MIS,
            )  # fmt: skip


def _cancelled_in_storefront(entry: OrderLine) -> bool:
    status = entry.line.storefront.status
    return isinstance(status, Facts) and status.cancelled


# Cancels towards the storefront


def _cancel_in_storefront(
    order: Order, verdicts: dict[str, Verdict], policy: Policy, now: datetime
) -> Iterable[Action]:
    lines = _wanting(order, verdicts, Change.CANCEL, Side.STOREFRONT)
    if not lines:
        return
    whole = len(lines) == len(order.lines)
    offered = ("cancel_order" if whole else "cancel_line") in order.offered
    around = _circumstances(order, lines, Direction.CANCEL_TO_STOREFRONT, offered)
    gate = guard_cancel(around, [entry.line.mis for entry in lines], policy, now)
    if isinstance(gate, Go):
        yield Write(target=Side.STOREFRONT, change=Change.CANCEL, line_ids=_ids(lines), whole_order=whole)
    else:
        yield _gated(gate, lines, Direction.CANCEL_TO_STOREFRONT)


def _emptied(order: Order, policy: Policy) -> Iterable[Action]:
    """The last open line was cancelled by us, line by line: the order itself is still open."""
    ours = any(
        entry.line.command is not None
        and entry.line.command.change is Change.CANCEL
        and entry.line.command.target is Side.STOREFRONT
        and entry.line.command.verified_at is not None
        for entry in order.lines
    )
    if order.order_cancelled or not ours or not all(map(_cancelled_in_storefront, order.lines)):
        return
    may_write = "cancel_order" in order.offered and not order.close_tried
    if policy.close_emptied_order is EmptiedOrder.CANCEL and may_write:
        yield Write(
            target=Side.STOREFRONT, change=Change.CANCEL, line_ids=_ids(order.lines), whole_order=True
        )
    else:
        yield NeedsPerson(
            kind=TaskKind.CLOSE_EMPTIED_ORDER, line_ids=_ids(order.lines), because="close-emptied-order"
        )


# Dispatch towards the storefront


def _ship(order: Order, verdicts: dict[str, Verdict], policy: Policy, now: datetime) -> Iterable[Action]:
    shipping = {
        change: _wanting(order, verdicts, change, Side.STOREFRONT)
        for change in (Change.SHIP, Change.SHIP_PART, Change.TRACK)
    }
    lines = [entry for entries in shipping.values() for entry in entries]
    if not lines:
        return
    change = _ship_change(order, shipping, policy)
    if change is None:
        yield Later(
            guard="rest-of-order", until=None, line_ids=_ids(lines), direction=Direction.SHIP_TO_STOREFRONT
        )
        return
    offered = ("track" if change is Change.TRACK else "ship") in order.offered
    around = _circumstances(order, lines, Direction.SHIP_TO_STOREFRONT, offered)
    gate = guard_ship(around, policy, now)
    if isinstance(gate, Go):
        tracking = _tracking(order)
        yield Write(target=Side.STOREFRONT, change=change, line_ids=_ids(lines), tracking=tracking)
    else:
        yield _gated(gate, lines, Direction.SHIP_TO_STOREFRONT)


def _ship_change(order: Order, shipping: dict[Change, list[OrderLine]], policy: Policy) -> Change | None:
    """Shipping is per order: *shipped* needs every uncancelled line dispatched; else partial, or wait."""
    if not shipping[Change.SHIP] and not shipping[Change.SHIP_PART]:
        return Change.TRACK
    live = [entry for entry in order.lines if not _cancelled_in_storefront(entry)]
    if all(_mis_progress(entry) is Progress.DISPATCHED for entry in live):
        return Change.SHIP
    already_part = any(_storefront_progress(entry) is Progress.PART_DISPATCHED for entry in live)
    if policy.part_dispatch is PartDispatch.PARTIAL and not already_part:
        return Change.SHIP_PART
    missing = any(entry.line.mis.tracking - entry.line.storefront.tracking for entry in live)
    return Change.TRACK if already_part and missing else None


def _tracking(order: Order) -> frozenset[str]:
    """Every code of every line, and what the storefront already holds: joined, never overwritten."""
    return frozenset().union(
        *(entry.line.mis.tracking | entry.line.storefront.tracking for entry in order.lines)
    )


def _mis_progress(entry: OrderLine) -> Progress | None:
    status = entry.line.mis.status
    return status.progress if isinstance(status, Facts) and not status.cancelled else None


def _storefront_progress(entry: OrderLine) -> Progress | None:
    status = entry.line.storefront.status
    return status.progress if isinstance(status, Facts) else None


# Questions


def _asks(order: Order, verdicts: dict[str, Verdict]) -> Iterable[Action]:
    for entry in order.lines:
        verdict = verdicts[entry.line_id]
        if not isinstance(verdict, Ask):
            continue
        yield NeedsPerson(
            kind=verdict.task, line_ids=(entry.line_id,), because=verdict.rule, detail=verdict.detail
        )


def _one_task_per_kind(actions: list[Action]) -> tuple[Action, ...]:
    tasks: dict[TaskKind, NeedsPerson] = {}
    for action in actions:
        if isinstance(action, NeedsPerson):
            first = tasks.get(action.kind)
            tasks[action.kind] = action if first is None else _joined(first, action)
    others = [action for action in actions if not isinstance(action, NeedsPerson)]
    return (*others, *tasks.values())


def _joined(first: NeedsPerson, second: NeedsPerson) -> NeedsPerson:
    line_ids = tuple(dict.fromkeys((*first.line_ids, *second.line_ids)))
    details = dict.fromkeys(detail for detail in (first.detail, second.detail) if detail)
    return msgspec.structs.replace(first, line_ids=line_ids, detail="; ".join(details))
