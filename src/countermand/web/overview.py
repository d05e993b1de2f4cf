"""Overview: is everything in step, what needs somebody, how long things take, what was saved."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from countermand.app import utc_now
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
            running=service.running,
            modes=[
                (name, names_of(one).direction(way.value), *words.MODES[one.settings.policy.mode(way)])
                for name, one in service.running.items()
                for way in Direction
            ],
            by_itself=bool(service.running)
            and all(
                one.settings.policy.mode(way) is Mode.AUTOMATIC
                for one in service.running.values()
                for way in (Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT)
            ),
            undo=[span(one.settings.policy.undo_window) for one in service.running.values()],
        )


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
