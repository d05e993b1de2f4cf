"""What other rules would have done with what happened: an order's history, judged again. Pure.

A history is what both systems showed, in order. It is played against the rules with a clock that stops at
every sighting and at every moment a guard was waiting for. What is noted is the first answer to each wish:
written by itself, or asked of a person, and why. What people decided then is left out on purpose: the
question is what the rules would have done by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from countermand.core.line import Line
from countermand.core.order import Job, LineKind, MisItemKind, Order, OrderLine
from countermand.core.plan import Later, NeedsPerson, Plan, Write, plan
from countermand.core.policy import Direction, Policy, direction_of
from countermand.core.rules import Override, facts_of, resolve
from countermand.core.status import (
    OPEN,
    UNSEEN,
    Facts,
    LineStatus,
    Pair,
    Progress,
    Reading,
    Side,
    combine,
    furthest,
    with_history,
)
from countermand.core.verdict import InStep, Settled

#: A guard's waits are followed this often between two sightings.
_MOST_WAITS = 20


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One system showed something new; `ref` is a line id (storefront) or a job's number (MIS)."""

    at: datetime
    side: Side
    ref: str
    status: LineStatus


class HistoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line and the jobs that make it."""

    line_id: str
    kind: LineKind | None = None
    jobs: tuple[str, ...] = ()


class History(msgspec.Struct, frozen=True, kw_only=True):
    """An order as far as the rules look at it, and everything both systems showed, oldest first.

    `watched`: it was placed while the connection was live, so it began as open on both sides.
    """

    order_id: str
    lines: tuple[HistoryLine, ...]
    shown: tuple[Shown, ...]
    job_kinds: dict[str, MisItemKind] = {}
    customer: str = ""
    value: float | None = None
    watched: bool = True
    offered: frozenset[str] = frozenset()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules answer to one wish. `what`: `written`, or `asked: <kind of task>`."""

    at: datetime
    direction: Direction
    what: str
    because: str


class _Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at one moment of the history."""

    storefront: Mapping[str, Reading]
    mis: Mapping[str, Reading]
    furthest: Mapping[str, Progress]
    bases: Mapping[str, Pair]


def answers(history: History, policy: Policy, overrides: Sequence[Override] = ()) -> tuple[Answer, ...]:
    """The first answer to each wish of an order, in order of time."""
    scene = _Scene(storefront={}, mis={}, furthest={}, bases={})
    found: list[Answer] = []
    open_wishes: frozenset[Direction] = frozenset()
    moments = [shown.at for shown in history.shown]
    for index, shown in enumerate(history.shown):
        scene = _see(scene, shown)
        end = moments[index + 1] if index + 1 < len(moments) else None
        for now in _moments(history, scene, policy, overrides, shown.at, end):
            judged = _judge(history, scene, policy, overrides, now)
            scene = _agree(history, scene, judged)
            new = [answer for answer in _answered(judged, now) if answer.direction not in open_wishes]
            found += new
            answered = {answer.direction for answer in new}
            open_wishes = (open_wishes | answered) & _wishes(judged)
    return tuple(found)


def _see(scene: _Scene, shown: Shown) -> _Scene:
    reading = Reading(status=shown.status, began_at=shown.at, since=shown.at)
    if shown.side is Side.STOREFRONT:
        return replace(scene, storefront={**scene.storefront, shown.ref: reading})
    seen = dict(scene.furthest)
    if isinstance(shown.status, Facts) and shown.status.history_known:
        seen[shown.ref] = furthest([shown.status.progress, seen.get(shown.ref, Progress.NONE)])
    return replace(scene, mis={**scene.mis, shown.ref: reading}, furthest=seen)


def _moments(
    history: History,
    scene: _Scene,
    policy: Policy,
    overrides: Sequence[Override],
    start: datetime,
    end: datetime | None,
) -> Iterator[datetime]:
    """The moment something was shown, and each later one that a guard waits for, until the next sighting."""
    now = start
    for _ in range(_MOST_WAITS):
        yield now
        judged = _judge(history, scene, policy, overrides, now)
        waits = [action.until for action in judged.actions if isinstance(action, Later) and action.until]
        later = [until for until in waits if until > now]
        if not later or (end is not None and min(later) >= end):
            return
        now = min(later)


def _judge(
    history: History, scene: _Scene, policy: Policy, overrides: Sequence[Override], now: datetime
) -> Plan:
    lines = tuple(
        _order_line(history, scene, line) for line in history.lines if line.line_id in scene.storefront
    )
    order = Order(order_id=history.order_id, lines=lines, offered=history.offered, value=history.value)
    rules = resolve(policy, overrides, facts_of(history.customer, lines))
    return plan(order, rules.policy, now, rules.by_direction)


def _order_line(history: History, scene: _Scene, line: HistoryLine) -> OrderLine:
    jobs = [ref for ref in line.jobs if ref in scene.mis]
    storefront = scene.storefront[line.line_id]
    base = scene.bases.get(line.line_id) or (Pair(OPEN, OPEN) if history.watched else None)
    readings = [_mis_reading(scene, ref) for ref in jobs]
    return OrderLine(
        line_id=line.line_id,
        kind=line.kind,
        line=Line(storefront=storefront, mis=_combined(readings, storefront), base=base),
        jobs=tuple(_job(history, scene, ref) for ref in jobs),
    )


def _mis_reading(scene: _Scene, ref: str) -> Reading:
    reading = scene.mis[ref]
    return replace(reading, status=with_history(reading.status, scene.furthest.get(ref)))


def _combined(readings: list[Reading], storefront: Reading) -> Reading:
    if not readings:
        return Reading(status=UNSEEN, began_at=storefront.began_at, since=storefront.began_at)
    return Reading(
        status=combine(reading.status for reading in readings),
        began_at=max(reading.began_at for reading in readings),
        since=max(reading.since for reading in readings),
    )


def _job(history: History, scene: _Scene, ref: str) -> Job:
    made = frozenset(line.line_id for line in history.lines if ref in line.jobs)
    kind = history.job_kinds.get(ref, MisItemKind.JOB)
    return Job(ref=ref, kind=kind, status=_mis_reading(scene, ref).status, line_ids=made)


def _agree(history: History, scene: _Scene, judged: Plan) -> _Scene:
    bases = dict(scene.bases)
    for line in history.lines:
        verdict = judged.verdicts.get(line.line_id)
        if isinstance(verdict, InStep | Settled):
            storefront = scene.storefront[line.line_id]
            mis = _combined([_mis_reading(scene, ref) for ref in line.jobs if ref in scene.mis], storefront)
            bases[line.line_id] = Pair(storefront.status, mis.status)
    return replace(scene, bases=bases)


def _answered(judged: Plan, now: datetime) -> Iterator[Answer]:
    for action in judged.actions:
        if isinstance(action, Write):
            way = direction_of(action.change, action.target)
            yield Answer(at=now, direction=way, what="written", because="no guard objects")
        elif isinstance(action, NeedsPerson) and action.direction is not None:
            what = f"asked: {action.kind.value}"
            yield Answer(at=now, direction=action.direction, what=what, because=action.because)


def _wishes(judged: Plan) -> frozenset[Direction]:
    return judged.wanted


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An order that would have gone another way: both answers, as texts."""

    order_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def difference(history: History, judge: Callable[[History], tuple[Answer, ...]],
               other: Callable[[History], tuple[Answer, ...]]) -> Difference | None:  # fmt: skip
    """How two sets of rules differ on one order; none where both answer the same."""
    before, after = (tuple(map(_text, rules(history))) for rules in (judge, other))
    if before == after:
        return None
    return Difference(order_id=history.order_id, before=before, after=after)


def _text(answer: Answer) -> str:
    return f"{answer.direction.value}: {answer.what} ({answer.because})"
