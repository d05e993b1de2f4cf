"""What a person may do to an order: pure functions from a case to a case, and how they are stored.

Everything a person does goes through the same fenced save as everything else; when somebody or something
else changed the order meanwhile, it is tried again on the new version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.case import Case, CaseLine, Checking, as_order, references
from countermand.bridge.entries import sighted
from countermand.bridge.linking import Candidate
from countermand.bridge.lives import cancelled_in
from countermand.bridge.look import link
from countermand.bridge.ports import MisItem
from countermand.bridge.sightings import differences
from countermand.bridge.store import Change, Entry, State, Store, StoredCase, TaskEnd
from countermand.core.cancellation import CancellationState
from countermand.core.command import RefusalReason
from countermand.core.events import Event
from countermand.core.guards import Approval
from countermand.core.merge import Settlement
from countermand.core.policy import Direction
from countermand.core.status import OPEN, Facts, Intent, Pair, Progress, Side
from countermand.core.tasks import TaskKind, most_urgent

Deed = Callable[[Case], tuple[Case, Entry]]

_MOST_TRIES = 10
#: So many orders share one transaction when a deed is for many.
_TOGETHER = 200


class RefusedError(Exception):
    """What a person asked for cannot be done; the text says why and what to do instead."""


async def do(
    store: Store,
    connection: str,
    order_id: str,
    deed: Deed,
    now: datetime,
    closes: tuple[TaskEnd, ...] = (),
) -> Case:
    """Apply a deed to an order and store it, due at once; `closes`: tasks that end with it.

    Raises:
        RefusedError: there is no such order, or the deed itself refuses.
    """
    for _ in range(_MOST_TRIES):
        stored = (await store.load(connection, [order_id])).get(order_id)
        if stored is None:
            raise RefusedError(f"There is no order {order_id} in connection {connection}.")
        case, entry = deed(stored.case)
        saved = await store.save(connection, [_change(stored, case, entry, now, closes)], now, {})
        if saved:
            return saved[order_id].case
    raise RefusedError(f"Order {order_id} is being changed all the time; please try again.")


async def do_for_all(
    store: Store, connection: str, order_ids: Sequence[str], deed: Deed, now: datetime
) -> dict[str, str]:
    """Apply a deed to many orders; returns why it was refused, by order id."""
    refused: dict[str, str] = {}
    for first in range(0, len(order_ids), _TOGETHER):
        some = order_ids[first : first + _TOGETHER]
        done = await _together(store, connection, some, deed, now)
        for order_id in some:
            if order_id not in done:
                try:
                    await do(store, connection, order_id, deed, now)
                except RefusedError as error:
                    refused[order_id] = str(error)
    return refused


async def _together(
    store: Store, connection: str, order_ids: Sequence[str], deed: Deed, now: datetime
) -> frozenset[str]:
    """Save what goes in one transaction; what is refused or was changed meanwhile is left for one by one."""
    changes = []
    for stored in (await store.load(connection, order_ids)).values():
        with suppress(RefusedError):
            case, entry = deed(stored.case)
            changes.append(_change(stored, case, entry, now))
    return frozenset(await store.save(connection, changes, now, {}))


def _change(
    stored: StoredCase, case: Case, entry: Entry, now: datetime, closes: tuple[TaskEnd, ...] = ()
) -> Change:
    changed = tuple(one for one in case.cancellations if one not in stored.case.cancellations)
    seen = differences(stored.case, case, {})  # a job that a person links is seen with it
    ended = {end.id for end in closes}
    left = [task for task in case.tasks if task.id not in ended]
    return Change(
        stored=stored,
        case=case,
        state=State.NEEDS_PERSON if left else State.ON_THE_WAY,
        due_at=now,
        urgency=most_urgent(task.kind for task in left),
        closes=closes,
        cancellations=changed,
        references=references(case) - references(stored.case),
        dropped=references(stored.case) - references(case),
        sightings=tuple(seen),
        journal=(*sighted(case, seen), entry),
    )


def check_now(task_id: int, by: str, at: datetime, reason: str = "") -> Deed:
    """ "I did it, check now": the next pass reads both sides before the task may close."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if all(task.id != task_id for task in case.tasks):
            raise RefusedError(f"Task {task_id} is not open for order {case.order_id}.")
        others = tuple(each for each in case.checking if each.task != task_id)
        checking = (*others, Checking(task=task_id, by=by, at=at, reason=reason))
        entry = _entry(case, Event.TASK_CHANGED, by, at, "says it is done; reading both systems", task_id)
        return replace(case, checking=checking), entry

    return deed


def approve(direction: Direction, by: str, at: datetime, reason: str, line_ids: tuple[str, ...] = ()) -> Deed:
    """ "Do it": a write that waits for a person may go; the second name counts where two are needed.

    `line_ids`: what was asked about (none: all of it); a line that wants it later is asked about again, and
    what somebody said before that line was added counts no more.
    """
    lines = frozenset(line_ids)

    def deed(case: Case) -> tuple[Case, Entry]:
        given = case.approvals.get(direction)
        if given is not None and not _about_all(given, lines):
            given = None
        if given is not None and given.by == by:
            raise RefusedError(f"{by} has agreed already; a second, different person is needed.")
        approval = (
            replace(given, second=by) if given else Approval(direction=direction, by=by, line_ids=lines)
        )
        entry = _entry(case, Event.APPROVAL_GIVEN, by, at, reason)
        return replace(case, approvals={**case.approvals, direction: approval}), entry

    return deed


def _about_all(given: Approval, lines: frozenset[str]) -> bool:
    return not given.line_ids or (bool(lines) and lines <= given.line_ids)


def settle(line_ids: tuple[str, ...], by: str, at: datetime, reason: str) -> Deed:
    """Leave the two sides different, for exactly what they show now."""
    return _settling(line_ids, by, at, reason, lambda pair: (pair,))


def settle_task(task_id: int, by: str, at: datetime, reason: str) -> Deed:
    """The same for what a task asks about; one task may be about many orders, each with lines of its own."""

    def deed(case: Case) -> tuple[Case, Entry]:
        task = next((task for task in case.tasks if task.id == task_id), None)
        if task is None:
            raise RefusedError(f"Task {task_id} is not open for order {case.order_id}.")
        if task.kind is TaskKind.PROGRAM_ERROR:
            raise RefusedError("This is an error of the program: there is nothing to leave different.")
        return settle(task.line_ids, by, at, reason)(case)

    return deed


def refuse(
    direction: Direction, line_ids: tuple[str, ...], by: str, at: datetime, reason: str, why: RefusalReason
) -> Deed:
    """Say no to a cancellation: the goods are made and sent anyway, and the asking side is told.

    The two systems may then stay different also while the work goes on; any other change reopens it.
    `line_ids`: none means all that are cancelled on the asking side.
    """

    def deed(case: Case) -> tuple[Case, Entry]:
        open_one, wanting = case.open_cancellation(direction), _cancelled_one_sided(case, direction)
        if open_one is None and not wanting:
            raise RefusedError(f"No cancel of order {case.order_id} waits for an answer: nothing to refuse.")
        lines = line_ids or wanting
        case, entry = _settling(lines, by, at, reason, lambda pair: _as_work_goes_on(pair, direction))(case)
        if open_one is not None:
            refused = open_one.move(CancellationState.REFUSED, at, refusal=why, refused_because=reason)
            case = case.with_cancellation(refused)
        # A "do it" that was said about this cancellation says nothing about a later one.
        kept = {way: given for way, given in case.approvals.items() if way is not direction}
        case = replace(case, approvals=kept)
        if direction.target is Side.MIS:
            note = f"The cancellation was refused ({why.value.replace('_', ' ')}): {reason}"
            case = replace(case, notes_due=(*case.notes_due, note))
        return case, entry

    return deed


def _cancelled_one_sided(case: Case, direction: Direction) -> tuple[str, ...]:
    source, target = direction.target.other, direction.target
    return tuple(
        line.line_id
        for line in case.lines
        if cancelled_in(case, line.line_id, source) and not cancelled_in(case, line.line_id, target)
    )


def _settling(
    line_ids: tuple[str, ...],
    by: str,
    at: datetime,
    reason: str,
    pairs_of: Callable[[Pair], tuple[Pair, ...]],
) -> Deed:
    def deed(case: Case) -> tuple[Case, Entry]:
        if not reason.strip():
            raise RefusedError("Please say why the two systems may stay different.")
        for line_id in line_ids:
            if case.line(line_id) is None:
                raise RefusedError(f"Order {case.order_id} has no line {line_id}.")
        for entry in as_order(case, live_since=None).lines:
            line = case.line(entry.line_id)
            if line is not None and (not line_ids or entry.line_id in line_ids):
                settlement = Settlement(
                    pairs=pairs_of(entry.line.pair),
                    by=by,
                    reason=reason,
                    at=at,
                    first_sight=_at_first_sight(line),
                )
                case = case.with_line(replace(line, settlement=settlement))
        return case, _entry(case, Event.LINE_SETTLED, by, at, reason)

    return deed


def _at_first_sight(line: CaseLine) -> bool:
    """Whether nothing but a person's word was ever agreed on for this line."""
    return line.base is None or (line.settlement is not None and line.settlement.first_sight)


def _as_work_goes_on(pair: Pair, direction: Direction) -> tuple[Pair, ...]:
    """This pair, and those that follow while the side that was not cancelled goes on to be made and sent."""
    side = direction.target
    now = pair.side(side)
    if not isinstance(now, Facts):
        return (pair,)
    later = [Facts(Intent.OPEN, progress) for progress in Progress if progress.rank >= now.progress.rank]
    if side is Side.MIS:
        return (pair, *(Pair(pair.storefront, status) for status in later))
    return (pair, *(Pair(status, pair.mis) for status in later))


def accept_import(by: str, at: datetime) -> Deed:
    """After a look at an order that differed when first seen: treat it like one watched from the start."""

    def deed(case: Case) -> tuple[Case, Entry]:
        for line in case.lines:
            if line.base is None:
                case = case.with_line(replace(line, base=Pair(OPEN, OPEN)))
        return case, _entry(case, Event.APPROVAL_GIVEN, by, at, "reviewed; bring it in step")

    return deed


# Links


def link_item(line_id: str, item: MisItem, by: str, at: datetime) -> Deed:
    """A person says which job or sales order makes a line."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if case.line(line_id) is None:
            raise RefusedError(f"Order {case.order_id} has no line {line_id}.")
        candidate = Candidate(item=item, line_id=line_id, key="person", certain=True, score=100)
        case = link(case, candidate, at, by)
        doubts = tuple(doubt for doubt in case.doubts if doubt.line_id != line_id)
        entry = _entry(case, Event.LINE_LINKED, by, at, f"{item.ref} makes line {line_id}")
        return replace(case, doubts=doubts, look_mis_at=at), entry

    return deed


def unlink_item(line_id: str, ref: str, by: str, at: datetime) -> Deed:
    """A person says that a job or sales order does not make a line; it is not linked to it again."""

    def deed(case: Case) -> tuple[Case, Entry]:
        line = case.line(line_id)
        if line is None:
            raise RefusedError(f"Order {case.order_id} has no line {line_id}.")
        doubted = any((doubt.line_id, doubt.ref) == (line_id, ref) for doubt in case.doubts)
        if not doubted and all(each.ref != ref for each in line.links):
            linked = ", ".join(each.ref for each in line.links) or "nothing"
            raise RefusedError(f"{ref or 'It'} is not linked to line {line_id}; linked is {linked}.")
        links = tuple(each for each in line.links if each.ref != ref)
        case = case.with_line(replace(line, links=links, base=line.base if links else None))
        not_links = tuple(dict.fromkeys((*case.not_links, f"{line_id} {ref}")))
        doubts = tuple(doubt for doubt in case.doubts if (doubt.line_id, doubt.ref) != (line_id, ref))
        used = {each.ref for each_line in case.lines for each in each_line.links}
        items = tuple(item for item in case.items if item.ref in used)
        entry = _entry(case, Event.LINE_UNLINKED, by, at, f"{ref} does not make line {line_id}")
        return replace(case, not_links=not_links, doubts=doubts, items=items), entry

    return deed


def release(direction: Direction, by: str, at: datetime, reason: str) -> Deed:
    """Let this order pass the mass-cancel brake."""

    def deed(case: Case) -> tuple[Case, Entry]:
        case = _lives_again(case, direction, at)
        cancellation = case.open_cancellation(direction)
        if cancellation is None:
            raise RefusedError(f"Order {case.order_id} has no cancel waiting in this direction.")
        released = replace(cancellation, released_by=by)
        return case.with_cancellation(released), _entry(case, Event.BRAKE_RELEASED, by, at, reason)

    return deed


def _lives_again(case: Case, direction: Direction, at: datetime) -> Case:
    """A cancellation that expired while it was held begins anew: a person wants it now."""
    last = next((one for one in reversed(case.cancellations) if one.direction is direction), None)
    if last is None or last.state is not CancellationState.EXPIRED:
        return case
    case = replace(case, serial=case.serial + 1)
    number = f"{case.order_id}-c{case.serial}"
    state = CancellationState.ASSESSING
    return case.with_cancellation(replace(last, id=number, state=state, requested_at=at, changed_at=at))


def look_again(by: str, at: datetime) -> Deed:
    """Read both systems now, whatever was heard of them."""

    def deed(case: Case) -> tuple[Case, Entry]:
        case = replace(case, look_storefront_at=at, look_mis_at=at)
        return case, _entry(case, Event.TASK_CHANGED, by, at, "asked for both systems to be read now")

    return deed


def _entry(case: Case, event: Event, by: str, at: datetime, why: str, task: int | None = None) -> Entry:
    extra = {"task": str(task)} if task is not None else {}
    return Entry(at=at, event=event, subject=f"order/{case.order_id}", actor=by, why=why, extra=extra)
