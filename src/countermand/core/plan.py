"""From the verdicts of an order's lines to what is done about the order.

Merge per line, plan per order: shipping status and tracking are per order in Infigo, a whole order is
cancelled in one write, a job only when every line on it is, and a person is asked once per order and kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from countermand.core.command import Change, Outcome
from countermand.core.guards import (
    Approval,
    BrakeState,
    Circumstances,
    Gate,
    Go,
    Hold,
    Stop,
    guard_cancel,
    guard_ship,
)
from countermand.core.judge import judge
from countermand.core.order import Job, LineKind, MisItemKind, Order, OrderLine
from countermand.core.own_write import has_failed, read_back
from countermand.core.policy import Direction, EmptiedOrder, PartDispatch, Policy, direction_of
from countermand.core.status import Reading, Side
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait


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
    """The verdict of each line (by line id) and what is to be done, in a fixed order.

    `closing`: our cancel of the order itself may still show; its lines wait for nothing.
    """

    verdicts: dict[str, Verdict]
    actions: tuple[Action, ...]
    closing: Wait | None = None

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(action for action in self.actions if isinstance(action, Write))

    @property
    def wanted(self) -> frozenset[Direction]:
        """Directions in which some line wants a change, written or held."""
        pushes = (verdict for verdict in self.verdicts.values() if isinstance(verdict, Push))
        return frozenset(direction_of(push.change, push.target) for push in pushes)


def plan(
    order: Order, policy: Policy, now: datetime, towards: Mapping[Direction, Policy] | None = None
) -> Plan:
    """What is to be done about an order, as of `now` (aware UTC); deterministic.

    `towards`: the rules of single directions, where they differ from `policy`.
    """
    verdicts = judge(order, policy, now)
    rules = {way: (towards or {}).get(way, policy) for way in Direction}
    closing = _closing_read_back(order)
    actions: list[Action] = [
        *_cancel_in_mis(order, verdicts, rules[Direction.CANCEL_TO_MIS], now),
        *_cancel_in_storefront(order, verdicts, rules[Direction.CANCEL_TO_STOREFRONT], now),
        *_ship(order, verdicts, rules[Direction.SHIP_TO_STOREFRONT], now),
        *(_emptied(order, verdicts, rules[Direction.CANCEL_TO_STOREFRONT], now) if closing is None else ()),
        *_asks(order, verdicts),
    ]
    return Plan(verdicts=verdicts, actions=_one_task_per_kind(actions), closing=closing)


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
        approval=_approval(order, lines, direction),
        value=order.value,
        left_different=any(_left_different(entry) for entry in lines),
        of_others_too=any(_makes_others(job, order) for entry in lines for job in entry.jobs),
    )


def _makes_others(job: Job, order: Order) -> bool:
    return not job.line_ids <= frozenset(_ids(order.lines))


def _left_different(entry: OrderLine) -> bool:
    """Somebody had decided against the change; a word that it was done by hand is no such decision."""
    settlement = entry.line.settlement
    return settlement is not None and not settlement.reported


def _approval(order: Order, lines: list[OrderLine], direction: Direction) -> Approval | None:
    """What a person said about these lines; a line that wants it only since then is asked about again."""
    approval = order.approvals.get(direction)
    if approval is None or not approval.line_ids:
        return approval
    return approval if approval.line_ids.issuperset(_ids(lines)) else None


def _gated(gate: Hold | Stop, lines: list[OrderLine], direction: Direction) -> Action:
    if isinstance(gate, Hold):
        return Later(guard=gate.guard, until=gate.until, line_ids=_ids(lines), direction=direction)
    return NeedsPerson(
        kind=gate.task, line_ids=_ids(lines), because=gate.guard, assisted=gate.assisted, direction=direction
    )


def _production(
    order: Order, verdicts: dict[str, Verdict], lines: list[OrderLine], source: Side
) -> list[Reading]:
    """How far production is with everything this cancel is about.

    That includes lines cancelled with the others which are made or sent already: those are asked about,
    and if any line is past the cut-off, a person is asked about the whole order.
    """
    made = [
        entry
        for entry in order.lines
        if isinstance(verdict := verdicts[entry.line_id], Ask)
        and verdict.task is TaskKind.CANCELLED_BUT_MADE
        and entry.cancelled_in(source)
    ]
    return [entry.line.mis for entry in (*lines, *made)]


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
    gate = guard_cancel(around, _production(order, verdicts, lines, Side.STOREFRONT), policy, now)
    if isinstance(gate, Go):
        yield from _job_cancels(lines)
    else:
        yield _gated(gate, lines, Direction.CANCEL_TO_MIS)


def _is_stock(entry: OrderLine) -> bool:
    sales_orders = [job for job in entry.jobs if job.kind is MisItemKind.SALES_ORDER]
    return bool(sales_orders) or (entry.kind is LineKind.STOCK and not entry.jobs)


def _job_cancels(lines: list[OrderLine]) -> Iterable[Action]:
    wanting = frozenset(_ids(lines))
    jobs = {
        job.ref: job
        for entry in lines
        for job in entry.jobs
        if not (job.cancelled or has_failed(job.command, entry.line))
    }
    for job in jobs.values():
        about = tuple(entry.line_id for entry in lines if job.ref in {own.ref for own in entry.jobs})
        if job.line_ids <= wanting:
            yield Write(target=Side.MIS, change=Change.CANCEL, line_ids=about, job=job)
        else:
            yield NeedsPerson(
                kind=TaskKind.SHARED_JOB, line_ids=about, because="shared-job", detail=job.ref,
                direction=Direction.CANCEL_TO_MIS,
            )  # fmt: skip


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
    gate = guard_cancel(around, _production(order, verdicts, lines, Side.MIS), policy, now)
    if isinstance(gate, Go):
        yield Write(target=Side.STOREFRONT, change=Change.CANCEL, line_ids=_ids(lines), whole_order=whole)
    else:
        yield _gated(gate, lines, Direction.CANCEL_TO_STOREFRONT)


def _emptied(order: Order, verdicts: dict[str, Verdict], policy: Policy, now: datetime) -> Iterable[Action]:
    """The last open line was cancelled by us, line by line: the order itself is still open."""
    agreed = all(isinstance(verdict, InStep | Settled) for verdict in verdicts.values())
    emptied = agreed and (order.closing is not None or any(map(_cancelled_by_us, order.lines)))
    if (
        order.order_cancelled
        or not emptied
        or not all(entry.cancelled_in(Side.STOREFRONT) for entry in order.lines)
    ):
        return
    line_ids = _ids(order.lines)
    gate = _closing(order, policy, now)
    if isinstance(gate, Go):
        yield Write(target=Side.STOREFRONT, change=Change.CANCEL, line_ids=line_ids, whole_order=True)
    elif isinstance(gate, Hold):
        yield _gated(gate, list(order.lines), Direction.CANCEL_TO_STOREFRONT)
    else:
        rule = "close-emptied-order"
        yield NeedsPerson(kind=TaskKind.CLOSE_EMPTIED_ORDER, line_ids=line_ids, because=rule)


def _closing_read_back(order: Order) -> Wait | None:
    """Until when our cancel of the order itself may still show; nobody need be asked to do it until then."""
    closing = order.closing
    if closing is None or closing.verified_at is not None or order.order_cancelled or not order.lines:
        return None
    return read_back(closing, min(entry.line.storefront.began_at for entry in order.lines))


def _closing(order: Order, policy: Policy, now: datetime) -> Gate | None:
    """Each line has passed the cut-off by itself; every other guard is asked about the order again."""
    tried = order.closing is not None and order.closing.effective_outcome is not Outcome.NOT_SENT
    if policy.close_emptied_order is EmptiedOrder.ASK or tried:
        return None
    offered = "cancel_order" in order.offered
    around = _circumstances(order, list(order.lines), Direction.CANCEL_TO_STOREFRONT, offered)
    return guard_cancel(around, [], policy, now)


def _cancelled_by_us(entry: OrderLine) -> bool:
    command = entry.line.command
    return (
        command is not None
        and command.change is Change.CANCEL
        and command.target is Side.STOREFRONT
        and command.verified_at is not None
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
    live = [entry for entry in order.lines if not entry.cancelled_in(Side.STOREFRONT)]
    if all(entry.dispatched for entry in live):
        return Change.SHIP
    already_part = any(entry.sent_in(Side.STOREFRONT) for entry in order.lines)
    if policy.part_dispatch is PartDispatch.PARTIAL and not already_part:
        return Change.SHIP_PART
    missing = any(entry.line.mis.tracking - entry.line.storefront.tracking for entry in live)
    return Change.TRACK if already_part and missing else None


def _tracking(order: Order) -> frozenset[str]:
    """Every code of every line, and what the storefront already holds: joined, never overwritten."""
    return frozenset().union(
        *(entry.line.mis.tracking | entry.line.storefront.tracking for entry in order.lines)
    )


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
    tasks: dict[TaskKind, list[NeedsPerson]] = {}
    for action in actions:
        if isinstance(action, NeedsPerson):
            tasks.setdefault(action.kind, []).append(action)
    others = [action for action in actions if not isinstance(action, NeedsPerson)]
    return (*others, *map(_joined, tasks.values()))


def _joined(needs: list[NeedsPerson]) -> NeedsPerson:
    line_ids = dict.fromkeys(line_id for need in needs for line_id in need.line_ids)
    details = dict.fromkeys(need.detail for need in needs if need.detail)
    return replace(needs[0], line_ids=tuple(line_ids), detail="; ".join(details))
