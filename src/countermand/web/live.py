"""Live updates: one look at the journal's ends for the whole process, told to every open page.

Everything that matters writes a journal entry, so the ends of the chains say when there is news. What
changed is read and rendered once, however many pages are open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import suppress

import msgspec
import structlog
from sqlalchemy import Connection
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from countermand.app import Service, utc_now
from countermand.ledger import records, views
from countermand.ledger.journal import Body
from countermand.web.memo import Memo
from countermand.web.order_view import order_view
from countermand.web.pages import render_part
from countermand.web.task_view import TaskView, task_views

log = structlog.get_logger()

#: How often the ends of the chains are looked at while any page is open, in seconds.
LOOK_SECONDS = 0.2
#: At most so many changed orders are told in one piece of news; the rest is found by loading the page.
MOST_TOLD = 40
_MOST_ENTRIES = 500
_PING_SECONDS = 20
#: How long to rest when the database could not be read.
_REST_SECONDS = 2
_BODY = msgspec.json.Decoder(Body)


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What changed: rows as they are drawn, by order (`connection/number`) and by task."""

    pulse: int
    counts: dict[str, int]
    open_tasks: int
    orders: dict[str, str] = {}
    tasks: dict[str, str] = {}
    closed: tuple[int, ...] = ()
    more: bool = False


class Live:
    """Tells open pages what is new. `run` goes on for as long as the application lives."""

    def __init__(self, service: Service, memo: Memo) -> None:
        self._service = service
        self._memo = memo
        self._pages: set[asyncio.Queue[bytes | None]] = set()
        self._ends: dict[str, int] | None = None
        self._opened = asyncio.Event()

    @property
    def pages(self) -> int:
        return len(self._pages)

    async def run(self) -> None:
        """Look, tell, rest; no page open, no work."""
        while True:
            if not self._pages:
                self._ends = None
                self._opened.clear()
                await self._opened.wait()
            try:
                news = await run_in_threadpool(self._look)
            except Exception:
                log.exception("live.look.failed")
                news = None
                await asyncio.sleep(_REST_SECONDS)
            if news is not None:
                self._tell(msgspec.json.encode(news))
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, news: bytes) -> None:
        for page in self._pages:
            with suppress(asyncio.QueueFull):
                page.put_nowait(news)

    def _look(self) -> News | None:
        with self._service.engine.begin() as database:
            ends = records.journal_ends(database)
            before, self._ends = self._ends, ends
            if before is None or before == ends:
                return None
            counts = self._memo.counts(database, utc_now())
            return news_since(self._service, database, before, ends, counts)

    def _read_ends(self) -> dict[str, int]:
        with self._service.engine.begin() as database:
            return records.journal_ends(database)

    async def stream(self) -> AsyncGenerator[ServerSentEvent]:
        """The news of one page, for as long as those may come in who might when it was opened.

        Then it ends: the page asks for it anew, and is let in or not.
        """
        may_come_in = self._service.installation.sign_in
        page: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=50)
        self._pages.add(page)
        try:
            # What happened between drawing the page and opening its stream would be missed otherwise; and so
            # would what happens from here on, if the first look of all found it there already.
            ends = await run_in_threadpool(self._read_ends)
            self._ends = ends if self._ends is None else self._ends
            self._opened.set()
            yield ServerSentEvent(data=str(sum(ends.values())), event="pulse")
            while (news := await page.get()) is not None:
                if self._service.installation.sign_in != may_come_in:
                    break
                yield ServerSentEvent(data=news.decode(), event="news")
        finally:
            self._pages.discard(page)

    def close(self) -> None:
        """End every stream."""
        for page in self._pages:
            with suppress(asyncio.QueueFull):
                page.put_nowait(None)


def news_since(
    service: Service,
    database: Connection,
    before: Mapping[str, int],
    ends: Mapping[str, int],
    counts: dict[str, int],
) -> News:
    """What the entries between two looks are about, as it stands now."""
    orders: dict[str, str] = {}
    task_ids: set[int] = set()
    more = False
    for chain, end in ends.items():
        if end == before.get(chain, 0):
            continue
        entries = records.journal_since(database, chain, before.get(chain, 0), _MOST_ENTRIES)
        task_ids |= set(_tasks_of(entries))
        refs = list(dict.fromkeys(_orders_of(entries)))
        more = more or len(refs) > MOST_TOLD or len(entries) == _MOST_ENTRIES
        for row in views.orders_named(database, chain, refs[:MOST_TOLD]):
            orders[f"{row.connection}/{row.order}"] = _order_row(service, row)
            task_ids |= {task.id for task in row.case.tasks}
    rows = [
        row for task_id in sorted(task_ids)[:MOST_TOLD] for row in views.list_tasks(database, task_id=task_id)
    ]
    tasks = task_views(database, rows, service)
    return News(
        pulse=sum(ends.values()),
        counts=counts,
        open_tasks=views.count_open_tasks(database, utc_now()),
        orders=orders,
        tasks={str(task.row.id): _task_row(service, task) for task in tasks if task.row.state == "open"},
        closed=tuple(row.id for row in rows if row.state != "open"),
        more=more,
    )


def _orders_of(entries: Iterable[records.JournalRow]) -> Iterable[str]:
    for entry in entries:
        kind, _, rest = entry.subject.partition("/")
        if kind == "order":
            yield rest.partition("/")[0]


def _tasks_of(entries: Iterable[records.JournalRow]) -> Iterable[int]:
    for entry in entries:
        task = _BODY.decode(entry.body).extra.get("task", "")
        if task.isdecimal():
            yield int(task)


def _order_row(service: Service, row: views.OrderRow) -> str:
    many = len(service.installation.connections) > 1
    return render_part("order_rows.html", "row", order_view(row, service.running.get(row.connection)), many)


def _task_row(service: Service, task: TaskView) -> str:
    return render_part("task_rows.html", "row", task, len(service.installation.connections) > 1)


async def live(request: Request) -> Response:
    """The stream of news of one page."""
    hub: Live = request.app.state.live
    return EventSourceResponse(hub.stream(), ping=_PING_SECONDS)
