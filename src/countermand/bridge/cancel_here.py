"""Cancelling an order from the console: Countermand presses the storefront's own button for a person.

It is done as if the person had cancelled in the storefront's screens: the loop reads that it is cancelled,
and passes it on to the MIS, with this person's go-ahead. Nothing here is believed; a read tells.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from countermand.bridge import people
from countermand.bridge.case import Case, as_order
from countermand.bridge.connection import Connection
from countermand.bridge.ports import MisRef
from countermand.bridge.sightings import see_items, see_order
from countermand.bridge.store import Entry, Store
from countermand.core.cancellation import Cancellation, CancellationState
from countermand.core.command import Answer, Outcome
from countermand.core.events import Event
from countermand.core.guards import Approval, BrakeState, past_cut_off
from countermand.core.order import Order
from countermand.core.plan import Plan, plan
from countermand.core.policy import Direction
from countermand.core.rules import facts_of, resolve
from countermand.core.status import Facts, Intent, Pair
from countermand.core.table import CONFLICTS, decide

_TO_MIS = Direction.CANCEL_TO_MIS
_DONE = (Outcome.APPLIED, Outcome.ALREADY)


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What cancelling some lines would do. `hindrance`: why it cannot be done from here, empty when it can.

    `plan`: what follows once the storefront shows it as cancelled.
    """

    line_ids: tuple[str, ...]
    whole_order: bool
    hindrance: str
    plan: Plan


def preview(
    case: Case,
    connection: Connection,
    brakes: frozenset[Direction],
    line_ids: tuple[str, ...],
    by: str,
    now: datetime,
) -> Preview:
    """What would happen if this person cancelled these lines (none: all) in the storefront now."""
    open_lines = tuple(line.line_id for line in case.lines if not _cancelled(case, line.line_id))
    wanted = tuple(line_id for line_id in open_lines if not line_ids or line_id in line_ids)
    order = as_order(
        case,
        live_since=connection.live_since,
        offered=connection.offered,
        brakes={way: BrakeState(tripped=True) for way in brakes},
    )
    after = _as_if_cancelled(order, wanted, by, now)
    rules = resolve(connection.policy, connection.overrides, facts_of(case.customer, after.lines))
    whole = wanted == tuple(line.line_id for line in case.lines)
    return Preview(
        line_ids=wanted,
        whole_order=whole,
        hindrance=_no_such_line(case, line_ids) or _hindrance(order, connection, wanted, whole),
        plan=plan(after, rules.policy, now, rules.by_direction),
    )


def _no_such_line(case: Case, line_ids: tuple[str, ...]) -> str:
    unknown = [line_id for line_id in line_ids if case.line(line_id) is None]
    return f"Order {case.order_id} has no line {unknown[0]}." if unknown else ""


def _cancelled(case: Case, line_id: str) -> bool:
    line = case.line(line_id)
    return line is not None and isinstance(line.storefront.status, Facts) and line.storefront.status.cancelled


def _as_if_cancelled(order: Order, line_ids: tuple[str, ...], by: str, now: datetime) -> Order:
    lines = []
    for entry in order.lines:
        status = entry.line.storefront.status
        if entry.line_id in line_ids and isinstance(status, Facts):
            cancelled = Facts(Intent.CANCELLED, status.progress)
            reading = replace(entry.line.storefront, status=cancelled, since=now)
            entry = replace(entry, line=replace(entry.line, storefront=reading))
        lines.append(entry)
    approval = Approval(direction=_TO_MIS, by=by, line_ids=frozenset(line_ids))
    return replace(order, lines=tuple(lines), approvals={**order.approvals, _TO_MIS: approval})


def _hindrance(order: Order, connection: Connection, line_ids: tuple[str, ...], whole: bool) -> str:
    if not line_ids:
        return f"Everything in it is cancelled in {connection.storefront_name} already."
    if ("cancel_order" if whole else "cancel_line") not in connection.offered:
        return f"This connection cannot write to {connection.storefront_name}; cancel it there yourself."
    for entry in order.lines:
        if entry.line_id not in line_ids:
            continue
        pair = entry.line.pair
        if not isinstance(pair.storefront, Facts):
            return f"{connection.storefront_name} cannot be read for line {entry.line_id} at this moment."
        if _would_conflict(pair):
            return f"Line {entry.line_id} is finished or has left; a cancel can stop nothing any more."
    return ""


def anything_to_cancel(case: Case) -> bool:
    """Whether any line of an order is open in the storefront and not made or sent yet."""
    pairs = [entry.line.pair for entry in as_order(case, live_since=None).lines]
    readable = [pair for pair in pairs if isinstance(pair.storefront, Facts)]
    return any(
        not _would_conflict(pair)
        for pair in readable
        if isinstance(pair.storefront, Facts) and not pair.storefront.cancelled
    )


def begun(case: Case, line_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Those of these lines that production may have begun with."""
    lines = [entry for entry in as_order(case, live_since=None).lines if entry.line_id in line_ids]
    known = [entry for entry in lines if isinstance(entry.line.mis.status, Facts)]
    return tuple(entry.line_id for entry in known if past_cut_off(entry.line.mis, _TO_MIS))


def _would_conflict(pair: Pair) -> bool:
    assert isinstance(pair.storefront, Facts)
    if pair.storefront.sent:
        return True
    if not isinstance(pair.mis, Facts):
        return False
    return decide(Facts(Intent.CANCELLED, pair.storefront.progress), pair.mis).task in CONFLICTS


async def cancel(
    store: Store,
    connection: Connection,
    order_id: str,
    line_ids: tuple[str, ...],
    by: str,
    reason: str,
    clock: Callable[[], datetime],
) -> Answer:
    """Cancel these lines (none: the whole order) in the storefront, then let the loop do the rest.

    What the person was shown may be hours old, so both systems are read first.

    Raises:
        RefusedError: no reason, no such order, it cannot be done from here, or production has begun since.
    """
    if not reason.strip():
        raise people.RefusedError("Please say why it is cancelled.")
    brakes = await store.brakes(connection.name)
    as_read = await _read(store, connection, order_id, clock)
    asked: list[Preview] = []
    fences: list[str] = []

    def begin(case: Case) -> tuple[Case, Entry]:
        now = as_read(case)
        asked[:] = [preview(now, connection, brakes, line_ids, by, clock())]
        if hindrance := asked[0].hindrance or _begun_since(case, now, asked[0].line_ids, connection):
            raise people.RefusedError(hindrance)
        fences[:] = [now.fence]
        return case, _entry(case, Event.WRITE_SENT, by, clock(), reason, asked[0])

    try:
        await people.do(store, connection.name, order_id, begin, clock())
    except people.RefusedError:
        if asked:  # what was read just now is what people are to see next
            await people.do(store, connection.name, order_id, people.look_again(by, clock()), clock())
        raise
    wanted = asked[0]
    lines = None if wanted.whole_order else list(wanted.line_ids)
    note = f"Cancelled by {by}: {reason}"
    answer = await connection.storefront.cancel(order_id, lines, note=note, fence=fences[0])

    def end(case: Case) -> tuple[Case, Entry]:
        at = clock()
        if answer.outcome in _DONE:
            case = _go_ahead(case, wanted.line_ids, by, reason, at)
        case = replace(case, look_storefront_at=at, look_mis_at=at)
        return case, _answered(case, by, at, answer)

    await people.do(store, connection.name, order_id, end, clock())
    return answer


async def _read(
    store: Store, connection: Connection, order_id: str, clock: Callable[[], datetime]
) -> Callable[[Case], Case]:
    """Read both systems now; returns what that makes of the order's case."""
    stored = (await store.load(connection.name, [order_id])).get(order_id)
    refs = (
        [MisRef(ref=item.ref, kind=item.kind, group=item.group) for item in stored.case.items]
        if stored
        else []
    )
    orders = await connection.storefront.read_orders([order_id])
    items = await connection.mis.read(refs) if refs else ()
    answered_at = clock()

    def as_read(case: Case) -> Case:
        for order in orders:
            case = see_order(case, order, answered_at)
        return see_items(case, items, answered_at)

    return as_read


def _begun_since(before: Case, now: Case, line_ids: tuple[str, ...], connection: Connection) -> str:
    """A go-ahead is about what was shown: not about work that has begun since."""
    news = [line_id for line_id in begun(now, line_ids) if line_id not in begun(before, line_ids)]
    if not news:
        return ""
    return (
        f"Production has begun with line {news[0]} in {connection.mis_name} since this was shown. "
        "Look at the order again; who cancels it all the same says so once more."
    )


def _go_ahead(case: Case, line_ids: tuple[str, ...], by: str, reason: str, at: datetime) -> Case:
    """The person's go-ahead for the other side, and whose cancellation it is."""
    approval = Approval(direction=_TO_MIS, by=by, line_ids=frozenset(line_ids))
    case = replace(case, approvals={**case.approvals, _TO_MIS: approval})
    known = case.open_cancellation(_TO_MIS)
    if known is not None:
        return case.with_cancellation(replace(known, started_by=by, wanted_because=reason))
    case = replace(case, serial=case.serial + 1)
    begun = Cancellation(
        id=f"{case.order_id}-c{case.serial}",
        direction=_TO_MIS,
        line_ids=line_ids,
        requested_at=at,
        changed_at=at,
        state=CancellationState.ACCEPTED,
        wanted_because=reason,
        started_in="countermand",
        started_by=by,
    )
    return case.with_cancellation(begun)


def _entry(case: Case, event: Event, by: str, at: datetime, reason: str, wanted: Preview) -> Entry:
    about = "order" if wanted.whole_order else ", ".join(wanted.line_ids)
    return Entry(
        at=at,
        event=event,
        subject=f"order/{case.order_id}",
        actor=by,
        why=reason,
        after="cancel in storefront",
        extra={"about": about, "attempt": "1"},
    )


def _answered(case: Case, by: str, at: datetime, answer: Answer) -> Entry:
    return Entry(
        at=at,
        event=Event.WRITE_ANSWERED,
        subject=f"order/{case.order_id}",
        actor=by,
        why=answer.said,
        after=answer.outcome.value,
        extra={"target": "storefront"},
    )
