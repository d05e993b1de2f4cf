"""Each cancellation's life, followed from what the plan says about its lines: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from countermand.bridge.case import Case, Written
from countermand.bridge.store import Entry
from countermand.core.cancellation import Cancellation, CancellationState
from countermand.core.command import Change
from countermand.core.events import Event
from countermand.core.plan import Later, NeedsPerson, Plan
from countermand.core.policy import Direction, direction_of
from countermand.core.status import Facts, Side
from countermand.core.verdict import Ask, Push, Settled

_S = CancellationState
_CANCELS = (Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT)
_STARTED_IN = {Direction.CANCEL_TO_MIS: Side.STOREFRONT, Direction.CANCEL_TO_STOREFRONT: Side.MIS}


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    """Cancellations that began or moved in this pass, and the journal entries that say so."""

    changed: tuple[Cancellation, ...] = ()
    entries: tuple[Entry, ...] = ()


def follow(case: Case, plan: Plan, now: datetime, expires_after: timedelta) -> tuple[Case, Lives]:
    """Begin and move the cancellations of a case as its plan says."""
    changed, entries = [], []
    for direction in _CANCELS:
        before = case.open_cancellation(direction)
        after = _moved(case, plan, direction, before, now)
        if after is not None and _unanswered(after, now, expires_after):
            after = after.move(_S.EXPIRED, now)
        if after is None or after == before:
            continue
        if before is None:
            case = replace(case, serial=case.serial + 1)
        case = case.with_cancellation(after)
        if after.state.ended:
            case = without_approval(case, direction)
        changed.append(after)
        entries.append(_entry(case, before, after, now))
    return case, Lives(changed=tuple(changed), entries=tuple(entries))


def _moved(
    case: Case, plan: Plan, direction: Direction, before: Cancellation | None, now: datetime
) -> Cancellation | None:
    lines = _wanting(plan, direction)
    if before is None:
        begins = lines and not _expired_already(case, direction, lines)
        return _begin(case, plan, direction, lines, now) if begins else None
    if lines:
        both = tuple(dict.fromkeys((*before.line_ids, *lines)))
        stage = _stage(case, plan, direction, both)
        if before.state is _S.APPLYING and stage is _S.ACCEPTED:
            stage = _S.APPLYING  # some of it is done; the rest waits for its time
        return before.move(stage, now, line_ids=both)
    return _end(case, plan, before, now)


def _unanswered(one: Cancellation, now: datetime, expires_after: timedelta) -> bool:
    """Nobody has decided for too long: it ends by itself, because nothing may hang for ever."""
    asked = one.state in (_S.REQUESTED, _S.ASSESSING)
    return asked and now - one.requested_at >= expires_after


def without_approval(case: Case, direction: Direction) -> Case:
    """The case after a "do it" has been used; it says nothing about a later change."""
    kept = {way: given for way, given in case.approvals.items() if way is not direction}
    return replace(case, approvals=kept)


def _wanting(plan: Plan, direction: Direction) -> tuple[str, ...]:
    return tuple(
        line_id
        for line_id, verdict in plan.verdicts.items()
        if isinstance(verdict, Push)
        and verdict.change is Change.CANCEL
        and direction_of(verdict.change, verdict.target) is direction
    )


def _expired_already(case: Case, direction: Direction, lines: tuple[str, ...]) -> bool:
    """The same wish expired before; its task stays, and a person's act ends it."""
    last = next((one for one in reversed(case.cancellations) if one.direction is direction), None)
    return (
        last is not None
        and last.state is _S.EXPIRED
        and set(lines) <= set(last.line_ids)
        and direction not in case.approvals
    )


def _begin(
    case: Case, plan: Plan, direction: Direction, lines: tuple[str, ...], now: datetime
) -> Cancellation:
    begun = Cancellation(
        id=f"{case.order_id}-c{case.serial + 1}",
        direction=direction,
        line_ids=lines,
        requested_at=now,
        changed_at=now,
        started_in=_STARTED_IN[direction].value,
    )
    return begun.move(_stage(case, plan, direction, lines), now)


def cancels_sent(case: Case, direction: Direction, line_ids: Iterable[str]) -> tuple[Written, ...]:
    """Our own cancels of these lines in one direction of which the effect is not known yet."""
    lines = frozenset(line_ids)
    return tuple(
        written
        for written in case.open_writes
        if written.command.change is Change.CANCEL
        and written.command.target is direction.target
        and not lines.isdisjoint(written.line_ids)
    )


def _stage(case: Case, plan: Plan, direction: Direction, line_ids: tuple[str, ...]) -> CancellationState:
    """Where an open cancellation stands: with a person, waiting for its time, or being written."""
    if cancels_sent(case, direction, line_ids):
        return _S.APPLYING
    for action in plan.actions:
        if isinstance(action, NeedsPerson) and action.direction is direction:
            return _S.ASSESSING
        if isinstance(action, Later) and action.direction is direction:
            return _S.ACCEPTED
    return _S.ACCEPTED


def _end(case: Case, plan: Plan, before: Cancellation, now: datetime) -> Cancellation:
    """No line wants it any more: because it is done, was taken back, or a person has to decide."""
    verdicts = [plan.verdicts.get(line_id) for line_id in before.line_ids]
    if any(isinstance(verdict, Ask) for verdict in verdicts):
        return before.move(_S.ASSESSING, now) if before.state is not _S.ASSESSING else before
    if any(isinstance(verdict, Settled) for verdict in verdicts):
        return before.move(_S.REFUSED, now)
    done = [line_id for line_id in before.line_ids if cancelled_in(case, line_id, before.direction.target)]
    source = before.direction.target.other
    wanted = [line_id for line_id in before.line_ids if cancelled_in(case, line_id, source)]
    if done and len(done) == len(before.line_ids):
        return before.move(_S.DONE, now)
    if not wanted:
        return before.move(_S.PARTLY_DONE if done else _S.WITHDRAWN, now)
    if cancels_sent(case, before.direction, before.line_ids):
        return before.move(_S.APPLYING, now)
    return before


def cancelled_in(case: Case, line_id: str, side: Side) -> bool:
    """Whether one system shows a line as cancelled, with every job that makes it."""
    line = case.line(line_id)
    if line is None:
        return False
    if side is Side.STOREFRONT:
        return _is_cancelled(line.storefront.status)
    items = [case.item(link.ref) for link in line.links]
    return bool(items) and all(item is not None and _is_cancelled(item.mis.status) for item in items)


def _is_cancelled(status: object) -> bool:
    return isinstance(status, Facts) and status.cancelled


def _entry(case: Case, before: Cancellation | None, after: Cancellation, now: datetime) -> Entry:
    return Entry(
        at=now,
        event=Event.CANCELLATION_MOVED,
        subject=f"order/{case.order_id}",
        before=before.state.value if before else "",
        after=after.state.value,
        extra={
            "cancellation": after.id,
            "direction": after.direction.value,
            "lines": ", ".join(after.line_ids),
        },
    )
