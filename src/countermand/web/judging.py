"""What the loop would do about an order now, and why in plain words: the core asked, nothing done."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

import msgspec

from countermand.app import Running, utc_now
from countermand.bridge.asking_again import left_different, undecided
from countermand.bridge.case import Case, as_order
from countermand.bridge.stopping import CANCELS
from countermand.core.explain import SystemNames, explain
from countermand.core.guards import BrakeState
from countermand.core.order import Order
from countermand.core.plan import Later, NeedsPerson, Plan, Write, plan
from countermand.core.policy import Direction
from countermand.core.rules import facts_of, resolve
from countermand.web import words
from countermand.web.order_view import OrderView
from countermand.web.words import Names


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What happens next about an order, in a sentence; `until`: when, where that is known.

    `stops`: the direction in which a person can stop it, empty where they cannot. `task`: what is asked of a
    person, by its kind.
    """

    icon: str
    tone: str
    text: str
    why: str = ""
    until: datetime | None = None
    stops: str = ""
    task: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the core sees it now, and what it would do."""

    order: Order
    plan: Plan


def judged(case: Case, running: Running, brakes: frozenset[Direction]) -> Judged:
    connection = running.bridge.connection
    order = as_order(
        case,
        live_since=connection.live_since,
        offered=connection.offered,
        brakes={way: BrakeState(tripped=True, released=_released(case, way)) for way in brakes},
    )
    rules = resolve(connection.policy, connection.overrides, facts_of(case.customer, order.lines))
    return Judged(order=order, plan=plan(order, rules.policy, utc_now(), rules.by_direction))


def _released(case: Case, direction: Direction) -> bool:
    cancellation = case.open_cancellation(direction)
    return bool(cancellation and cancellation.released_by)


def explained(order: OrderView, found: Judged, running: Running, zone: tzinfo = UTC) -> OrderView:
    """The order with a whole sentence for each line: what both systems show, and what follows."""
    connection = running.bridge.connection
    names = SystemNames(storefront=connection.storefront_name, mis=connection.mis_name, zone=zone)
    sentences = {
        entry.line_id: explain(
            entry.line,
            found.plan.verdicts[entry.line_id],
            connection.policy,
            names,
            _gate(found.plan, entry.line_id),
        )
        for entry in found.order.lines
    }
    lines = tuple(
        msgspec.structs.replace(line, why=sentences[line.line_id], explained=True) for line in order.lines
    )
    return msgspec.structs.replace(order, lines=lines)


def _gate(found: Plan, line_id: str) -> str | None:
    """The limit that holds a line's change back, or hands it to a person."""
    for action in found.actions:
        if isinstance(action, Later) and line_id in action.line_ids:
            return action.guard
        if isinstance(action, NeedsPerson) and line_id in action.line_ids:
            return action.because
    return None


def would_follow(case: Case, running: Running, brakes: frozenset[Direction]) -> tuple[Next, ...]:
    """What the rules would do if nobody had left the two sides different; empty where nobody has."""
    if not left_different(case):
        return ()
    found, connection = judged(undecided(case), running, brakes), running.bridge.connection
    names = Names(connection.storefront_name, connection.mis_name)
    nothing = Next(icon="check", tone="good", text="Nothing: by the rules both agree as they are.")
    return tuple(next_of(action, names) for action in found.plan.actions) or (nothing,)


def next_of(action: Write | Later | NeedsPerson, names: Names) -> Next:
    """One thing that the loop would do, in a sentence."""
    match action:
        case Write():
            side = names.side(action.target.value)
            about = "the order" if action.whole_order else "the lines"
            about = f"job {action.job.ref}" if action.job else about
            text = words.sentence(words.CHANGES[action.change]).replace("it", about, 1)
            return Next(icon="moving", tone="go", text=f"{text} in {side}, then read it back.")
        case Later():
            side = names.side(action.direction.target.value)
            return Next(
                icon="clock",
                tone="go",
                text=_later(action, side),
                why=names.why(action.guard),
                until=action.until,
                stops=action.direction.value if action.direction in CANCELS else "",
            )
        case NeedsPerson():
            title = names.task(action.kind)
            text = f"A person is needed: {title}"
            why = names.why(action.because)
            return Next(icon="person", tone="warn", text=text, why=why, task=action.kind.value)


def _later(action: Later, side: str) -> str:
    what = "cancelled" if action.direction in CANCELS else "marked shipped"
    return f"It is {what} in {side} after a wait"
