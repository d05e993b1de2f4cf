"""Overview: is everything in step, what needs somebody, how long things take, what was saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from countermand.app import Running, utc_now
from countermand.core.events import Event
from countermand.core.policy import Direction, Mode
from countermand.ledger import records, views
from countermand.ledger.figures import Figures
from countermand.web import words
from countermand.web.charts import day_bars
from countermand.web.clock import span, zone_of
from countermand.web.memo import Memo
from countermand.web.order_view import names_of
from countermand.web.pages import service_of, show
from countermand.web.task_view import task_views
from countermand.web.timeline import moment

_SHOWN_TASKS = 6
_SHOWN_NEWS = 12
#: More connections than this are counted, not listed.
_FEW = 4
#: What counts as news; the reads and answers in between stand on the order's own page.
_NEWS = (
    Event.WRITE_VERIFIED,
    Event.WRITE_HELD,
    Event.LINE_SETTLED,
    Event.LINE_REPORTED,
    Event.TASK_OPENED,
    Event.TASK_CHANGED,
    Event.TASK_NOT_DONE,
    Event.TASK_CLOSED,
    Event.APPROVAL_GIVEN,
    Event.BRAKE_TRIPPED,
    Event.BRAKE_RELEASED,
    Event.BRAKE_CLEARED,
    Event.HOOK_QUARANTINED,
    Event.CONNECTION_STARTED,
)


def overview(request: Request) -> Response:
    service = service_of(request)
    now = utc_now()
    with service.engine.begin() as database:
        memo: Memo = request.app.state.memo
        counts = memo.counts(database, now)
        found = memo.figures(database, now, now.astimezone(zone_of(request)).utcoffset() or timedelta(0))
        tasks = views.list_tasks(database, snoozed=False, now=now, limit=_SHOWN_TASKS)
        news = records.list_journal(database, records.JournalFilter(events=_NEWS), limit=_SHOWN_NEWS)
        return show(
            request,
            "overview.html",
            database,
            counts=counts,
            total=sum(counts.values()),
            headline=headline(counts),
            figures=found,
            speed=_speed(found),
            chart=day_bars(found.days),
            tasks=task_views(database, tasks, service),
            news=[(entry, moment(entry, names_of(service.running.get(entry.chain)), {})) for entry in news],
            looked_after=_looked_after(service.running),
            modes=_modes(service.running),
            by_itself=bool(service.running)
            and all(
                one.settings.policy.mode(way) is Mode.AUTOMATIC
                for one in service.running.values()
                for way in (Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT)
            ),
            undo=[span(one.settings.policy.undo_window) for one in service.running.values()],
        )


def _modes(running: Mapping[str, Running]) -> list[tuple[str, str, str, str]]:
    """How each connection acts: its name, the direction, how, and what that means. Many are counted."""
    acts = [
        (name, names_of(one).direction(way.value), *words.MODES[one.settings.policy.mode(way)])
        for name, one in running.items()
        for way in Direction
    ]
    if len(running) <= _FEW:
        return acts
    ways = list(dict.fromkeys(way for _, way, _, _ in acts))
    counted = Counter(act[1:] for act in acts)
    together = sorted(counted.items(), key=lambda one: (ways.index(one[0][0]), -one[1]))
    return [("", way, f"{label}: {count:,}", meaning) for (way, label, meaning), count in together]


def _looked_after(running: Mapping[str, Running]) -> list[tuple[str, bool, datetime | None]]:
    """Each connection, whether it is in trouble, and its last turn. Of many those in trouble are named."""
    ones = [(name, bool(one.trouble), one.last_step_at) for name, one in running.items()]
    if len(ones) <= _FEW:
        return ones
    troubled = [one for one in ones if one[1]]
    well = [at for _, trouble, at in ones if not trouble]
    oldest = min((at for at in well if at is not None), default=None)
    others = [(f"{len(well):,} {'others' if troubled else 'connections'}", False, oldest)] if well else []
    more = [(f"{len(troubled) - _FEW:,} more", True, None)] if len(troubled) > _FEW else []
    return [*troubled[:_FEW], *more, *others]


def headline(counts: dict[str, int]) -> str:
    """The state of everything in one sentence."""
    total = sum(counts.values())
    if not total:
        return "No orders yet."
    person, moving = counts.get("needs_person", 0), counts.get("on_the_way", 0)
    if not person and not moving:
        return f"Nothing needs you. {words.count(total, 'order')} looked after."
    parts = []
    if person:
        parts.append(f"{words.count(person, 'order')} need{'s' if person == 1 else ''} a person")
    if moving:
        parts.append(f"{words.count(moving, 'change')} {'is' if moving == 1 else 'are'} on the way")
    return words.sentence("; ".join(parts)) + "."


def _speed(found: Figures) -> list[tuple[str, str, str]]:
    if found.half_within is None or found.most_within is None:
        return []
    return [
        (
            "Half of all changes",
            span(found.half_within),
            "from being seen in one system to being proven in the other",
        ),
        (
            "95 of 100",
            span(found.most_within),
            f"of {words.count(found.timed, 'change')} in the last 14 days",
        ),
    ]
