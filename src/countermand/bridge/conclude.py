"""From a case and its plan to what is stored: base, cancellations, tasks, journal, and when to look again.

Pure: the same case, plan and time give the same change. Nothing that a pass over an order learned may be
left out of it, because what is not in the change is forgotten.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from countermand.bridge.case import Case, CaseLine, Judged, Written, as_order, references
from countermand.bridge.connection import Connection
from countermand.bridge.entries import decision, held_back, observed, order_seen, sighted, verified
from countermand.bridge.faults import FAULT_REST, fault_task
from countermand.bridge.lives import follow, without_approval
from countermand.bridge.ports import MisItem, StorefrontOrder
from countermand.bridge.sightings import differences
from countermand.bridge.store import Change, Entry, State, StoredCase
from countermand.bridge.verification import is_awaited, verified_since
from countermand.bridge.worklist import TaskNews, task_news
from countermand.core.cancellation import CancellationState
from countermand.core.events import Event
from countermand.core.order import OrderLine
from countermand.core.plan import Later, Plan
from countermand.core.policy import Direction, direction_of
from countermand.core.status import Facts, Gone, LineStatus, Pair, Progress
from countermand.core.tasks import TaskKind, Urgency, most_urgent
from countermand.core.verdict import InStep, Push, Settled, Verdict, Wait

#: Never look again sooner than this: a time that has passed already must not become a busy loop.
_SOONEST = timedelta(milliseconds=50)


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One pass over one order: what was stored (none: new), what it became, what the plan says.

    `listed`: what a listing showed of it and is still to be taken in. `unknown`: nobody has shown the order
    yet; it is read, and left alone where the storefront has none of that number. `raw`: the vendors' own
    answers, by order id or item reference. `polled`: the reads were on schedule. `brakes`: those under which
    the plan was made; none where they did not matter.
    """

    stored: StoredCase | None
    case: Case
    listed: tuple[StorefrontOrder | MisItem, ...] = ()
    unknown: bool = False
    plan: Plan = Plan(verdicts={}, actions=())
    raw: dict[str, str] = {}
    entries: tuple[Entry, ...] = ()
    written: tuple[Written, ...] = ()
    sends: frozenset[Direction] = frozenset()
    polled: bool = False
    brakes: frozenset[Direction] | None = None


def conclude(one: Pass, connection: Connection, now: datetime, rules: str = "") -> Change:
    """Everything to store after a pass. `rules`: what it was judged by, see `bridge.quiet`."""
    before = one.stored.case if one.stored else None
    sightings = differences(before, one.case, one.raw)
    case, decided = _decide(one, connection, now)
    case, lives = follow(case, one.plan, now, connection.policy.request_expires_after)
    case = _with_used_approval(before, case)
    case, held = _hold(case, one.plan, now)
    news = task_news(before, case, one.plan, connection, now)
    case = replace(case, checking=())
    quiet = not (sightings or decided or lives.entries or news or one.entries or one.written or held)
    case = _schedule(case, before, one, connection, now, quiet)
    # A judgement that wants a write holds no longer than now: no quiet look may put the write off.
    until = now if one.plan.writes else _holds_until(case, one.plan, connection)
    version = one.stored.version + 1 if one.stored else 1
    case = replace(case, judged=Judged(rules=rules, version=version, until=until, brakes=one.brakes))
    return Change(
        stored=one.stored,
        case=case,
        state=_state(case, one.plan, news),
        urgency=_urgency(case, news),
        due_at=due_at(case, now, at_once=bool(one.plan.writes)),
        changed=not quiet,
        in_step_at=now if any(entry.event is Event.LINE_IN_STEP for entry in decided) else None,
        references=references(case) - (references(before) if before else frozenset()),
        sightings=tuple(sightings),
        written=(*one.written, *verified_since(before, case)),
        cancellations=lives.changed,
        opens=news.opens,
        closes=news.closes,
        checks=news.checks,
        journal=(
            *order_seen(before, case, now),
            *sighted(case, sightings),
            *one.entries,
            *verified(before, case),
            *decided,
            *lives.entries,
            *held,
            *observed(case, news, now),
        ),
        sends=one.sends,
    )


# Lines: verdicts and the common base


def _decide(one: Pass, connection: Connection, now: datetime) -> tuple[Case, list[Entry]]:
    case, entries = one.case, []
    for entry in as_order(case, live_since=connection.live_since).lines:
        line, verdict = case.line(entry.line_id), one.plan.verdicts[entry.line_id]
        assert line is not None, f"order {case.order_id} was judged on a line it does not have"
        updated = _with_verdict(line, entry, verdict, now)
        if updated != line:
            case = case.with_line(updated)
        if updated.rule != line.rule or updated.base != line.base:
            entries.append(decision(case, line, updated, entry, verdict, now))
    return case, entries


def _with_verdict(line: CaseLine, entry: OrderLine, verdict: Verdict, now: datetime) -> CaseLine:
    if verdict.rule != line.rule:
        line = replace(line, rule=verdict.rule, decided_at=now)
    shown = _is_shown(entry.line.pair)
    if isinstance(verdict, InStep) and shown and line.settlement is not None:
        # Both agree again: what somebody left different is over; the same change later is asked about anew.
        line = replace(line, settlement=None)
    # What is not found for once may be back at the next read: nothing known of it is forgotten, and nothing
    # that was never agreed on counts as agreed because one side had nothing to say.
    agreed = isinstance(verdict, InStep | Settled) and shown
    agreed = agreed or (isinstance(verdict, Settled) and line.base is None)
    return replace(line, base=entry.line.pair) if agreed and line.base != entry.line.pair else line


def _is_shown(pair: Pair) -> bool:
    return isinstance(pair.storefront, Facts) and isinstance(pair.mis, Facts)


def _with_used_approval(before: Case | None, case: Case) -> Case:
    """A "do it" was said about the parcels that were shown; of later ones nobody has said anything."""
    way = Direction.SHIP_TO_STOREFRONT
    used = any(
        direction_of(each.command.change, each.command.target) is way for each in verified_since(before, case)
    )
    return without_approval(case, way) if used and way in case.approvals else case


# What is held back, and what would have been written


def _hold(case: Case, plan: Plan, now: datetime) -> tuple[Case, list[Entry]]:
    """Say once that a guard holds a write back, not on every look."""
    later = [action for action in plan.actions if isinstance(action, Later)]
    held = ", ".join(sorted({f"{action.direction.value}: {action.guard}" for action in later}))
    if held == case.held:
        return case, []
    case = replace(case, held=held)
    return case, [held_back(case, action, now) for action in later]


# The order as a whole


def _state(case: Case, plan: Plan, news: TaskNews) -> State:
    if _open_kinds(case, news):
        return State.NEEDS_PERSON
    verdicts = list(plan.verdicts.values())
    if any(isinstance(verdict, Push) for verdict in verdicts) or plan.closing or is_awaited(case):
        return State.ON_THE_WAY
    if any(isinstance(verdict, Wait) for verdict in verdicts):
        return State.WAITING
    if any(isinstance(verdict, Settled) for verdict in verdicts):
        return State.SETTLED
    closed = bool(verdicts) and all(isinstance(verdict, InStep) and verdict.close for verdict in verdicts)
    return State.CLOSED if closed else State.IN_STEP


def _open_kinds(case: Case, news: TaskNews) -> list[TaskKind]:
    ended = {end.id for end in news.closes}
    kept = [task.kind for task in case.tasks if task.id not in ended]
    return kept + [wish.kind for wish in news.opens]


def _urgency(case: Case, news: TaskNews) -> Urgency | None:
    return most_urgent(_open_kinds(case, news))


def _schedule(
    case: Case, before: Case | None, one: Pass, connection: Connection, now: datetime, quiet: bool
) -> Case:
    """When to read this order next without being told."""
    return case if quiet and before is not None and not one.polled else scheduled(case, connection, now)


def scheduled(case: Case, connection: Connection, now: datetime) -> Case:
    """The case with its next read: later and later as it rests, soon where the program failed on it."""
    if fault_task(case) is not None:
        return replace(case, poll_at=now + FAULT_REST)
    return replace(case, poll_at=connection.polling.next_after(now, quiet_since(case), is_final(case)))


#: What becomes known of an order within this time of its first sight is no news about it.
_FIRST_LOOK = timedelta(minutes=10)


def quiet_since(case: Case) -> datetime:
    """Since when nothing has happened to the order itself.

    A failed read is tried again soon, but when it works again and shows what was known, that is no news: a
    system that is in trouble must not have every old order read at full speed. Nor must a first import: what
    an order showed when it was first seen, it may have shown since it was placed.
    """
    linked = {link.ref: link.at for line in case.lines for link in line.links}
    seen = [(line.storefront, case.first_seen_at) for line in case.lines]
    seen += [(item.mis, linked.get(item.ref, case.first_seen_at)) for item in case.items]
    moments = [case.placed_at or case.first_seen_at]
    moments += [at for at in linked.values() if at > case.first_seen_at + _FIRST_LOOK]
    moments += [at for each, known in seen if (at := each.unreadable_since or each.since) > known]
    moments += [written.command.answered_at or written.command.sent_at for written in case.writes]
    moments += [one.changed_at for one in case.cancellations]
    return max(moments)


def is_final(case: Case) -> bool:
    """Both sides have agreed on an end: nothing more is expected of this order."""
    return bool(case.lines) and all(_has_ended(case, line) for line in case.lines)


def _has_ended(case: Case, line: CaseLine) -> bool:
    if line.rule == "gone":
        items = [item for link in line.links if (item := case.item(link.ref)) is not None]
        return all(
            _is_over(status) for status in (line.storefront.status, *(item.mis.status for item in items))
        )
    return line.base is not None and _ended(line.base) and line.rule in ("both-cancelled", "both-dispatched")


def _is_over(status: LineStatus) -> bool:
    return isinstance(status, Gone) or (isinstance(status, Facts) and status.cancelled)


def _ended(pair: Pair) -> bool:
    return all(
        not isinstance(status, Facts) or status.cancelled or status.progress is Progress.DISPATCHED
        for status in (pair.storefront, pair.mis)
    )


def _holds_until(case: Case, plan: Plan, connection: Connection) -> datetime | None:
    """When time alone may change what is to be done."""
    times = [action.until for action in plan.actions if isinstance(action, Later)]
    times += [wait.until for wait in (*plan.verdicts.values(), plan.closing) if isinstance(wait, Wait)]
    times += [
        one.requested_at + connection.policy.request_expires_after
        for one in case.cancellations
        if one.state in (CancellationState.REQUESTED, CancellationState.ASSESSING)
    ]
    return min((moment for moment in times if moment is not None), default=None)


def due_at(case: Case, now: datetime, *, at_once: bool = False) -> datetime | None:
    """When somebody has to look at this order again.

    `at_once`: something is about to be done; if we crash or are stopped first, it is found again.
    """
    times = [
        case.judged.until if case.judged else now,
        case.look_storefront_at,
        case.look_mis_at,
        case.poll_at,
    ]
    times += [now] if at_once or case.notes_due else []
    soonest = min((moment for moment in times if moment is not None), default=None)
    return None if soonest is None else max(soonest, now + _SOONEST)
