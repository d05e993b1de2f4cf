"""Figures for the overview: how much was passed on by itself, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import BigInteger, Connection, func, select, type_coerce

from countermand.core.command import Change
from countermand.core.status import Side
from countermand.ledger.columns import to_micros
from countermand.ledger.schema import command, sighting

#: How far back the figures look.
PERIOD = timedelta(days=14)
#: At most so many of the newest changes are timed.
MOST_TIMED = 2000
_DAY = 86_400_000_000


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that were passed on and proven on one day; `number` counts days since 1970 in the zone."""

    number: int
    cancels: int = 0
    dispatches: int = 0

    @property
    def total(self) -> int:
        return self.cancels + self.dispatches


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What happened by itself within the period. The two times are none when nothing was timed."""

    days: tuple[Day, ...]
    cancels: int
    dispatches: int
    jobs_stopped: int
    timed: int
    half_within: timedelta | None
    most_within: timedelta | None

    @property
    def saved(self) -> int:
        """Changes that nobody had to repeat by hand in the other system."""
        return self.cancels + self.dispatches


def figures(database: Connection, now: datetime, offset: timedelta) -> Figures:
    """The figures up to `now`; `offset`: the viewer's zone from UTC, for where a day begins."""
    shift = int(offset.total_seconds() * 1_000_000)
    today = (to_micros(now) + shift) // _DAY
    first = today - PERIOD.days + 1
    days, jobs_stopped = _days(database, first, shift)
    waits = sorted(_waits(database, now))
    return Figures(
        days=tuple(days.get(number, Day(number=number)) for number in range(first, today + 1)),
        cancels=sum(day.cancels for day in days.values()),
        dispatches=sum(day.dispatches for day in days.values()),
        jobs_stopped=jobs_stopped,
        timed=len(waits),
        half_within=_part(waits, 0.5),
        most_within=_part(waits, 0.95),
    )


def _days(database: Connection, first: int, shift: int) -> tuple[dict[int, Day], int]:
    verified = type_coerce(command.c.verified_at, BigInteger)
    # Floor division by subtraction: the databases disagree on how `/` rounds.
    shifted = verified + shift
    number = (shifted - shifted % _DAY) / _DAY
    statement = (
        select(number, command.c.change, command.c.target, func.count())
        .where(verified >= first * _DAY - shift)
        .group_by(number, command.c.change, command.c.target)
    )
    days: dict[int, Day] = {}
    jobs_stopped = 0
    for raw, change, target, count in database.execute(statement):
        day = days.get(int(raw), Day(number=int(raw)))
        if change == Change.CANCEL:
            day = msgspec.structs.replace(day, cancels=day.cancels + count)
            jobs_stopped += count if target == Side.MIS else 0
        else:
            day = msgspec.structs.replace(day, dispatches=day.dispatches + count)
        days[day.number] = day
    return days, jobs_stopped


def _waits(database: Connection, now: datetime) -> list[timedelta]:
    """From the moment one system was seen to have changed to the proof in the other, newest changes first."""
    recent = (
        select(command.c.order_id, command.c.target, command.c.sent_at, command.c.verified_at)
        .where(command.c.verified_at >= now - PERIOD)
        .order_by(command.c.verified_at.desc())
        .limit(MOST_TIMED)
        .subquery()
    )
    seen = (
        select(func.max(sighting.c.began_at))
        .where(
            sighting.c.order_id == recent.c.order_id,
            sighting.c.side != recent.c.target,
            sighting.c.began_at <= recent.c.sent_at,
        )
        .scalar_subquery()
    )
    statement = select(recent.c.verified_at, seen)
    return [proven - began for proven, began in database.execute(statement) if began is not None]


def _part(waits: Sequence[timedelta], part: float) -> timedelta | None:
    return waits[min(int(len(waits) * part), len(waits) - 1)] if waits else None
