"""Live news over real HTTP: what changed reaches every open page, once and soon; idle pages cost nothing."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx2 as httpx
import pytest

from countermand.access import Role, SignIn
from countermand.app import Service
from countermand.bridge.store import Entry, State
from countermand.core.events import Event
from countermand.ledger.journal import append
from countermand.web.live import Live
from countermand.web.memo import Memo
from web_bench import NOW, SHOP, Bench, Console, case

SOON = 10.0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.task(1)
    made.save(case(2))
    yield made
    made.engine.dispose()


class Stream:
    """One open page's stream, read in a thread."""

    def __init__(self, url: str) -> None:
        self.events: Queue[tuple[str, Any]] = Queue()
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._response = self._http.stream("GET", "/live")
        self._stream = self._response.__enter__()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        name = ""
        try:
            for line in self._stream.iter_lines():
                if line.startswith("event:"):
                    name = line.partition(":")[2].strip()
                elif line.startswith("data:"):
                    self.events.put((name, json.loads(line.partition(":")[2])))
        except httpx.HTTPError:
            return  # the page was closed

    def next(self, name: str) -> Any:
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            try:
                found, value = self.events.get(timeout=0.2)
            except Empty:
                continue
            if found == name:
                return value
        raise AssertionError(f"no {name} came within {SOON} s")

    def close(self) -> None:
        self._response.__exit__(None, None, None)
        self._http.close()


@contextmanager
def open_pages(console: Console, count: int) -> Iterator[list[Stream]]:
    streams = [Stream(console.url) for _ in range(count)]
    try:
        yield streams
    finally:
        for stream in streams:
            stream.close()


def happens(bench: Bench, *subjects: str) -> None:
    entries = [Entry(at=NOW, event=Event.LINE_DECIDED, subject=subject) for subject in subjects]
    bench.writer.write(lambda database: append(database, SHOP, entries))


def test_what_changed_comes_as_it_is_drawn(bench: Bench) -> None:
    with bench.served() as console, open_pages(console, 1) as (page,):
        before = page.next("pulse")
        happens(bench, "order/10001/line/s20010", "order/10002")
        news = page.next("news")
        assert set(news["orders"]) == {f"{SHOP}/10001", f"{SHOP}/10002"}
        assert 'data-open="/orders/harbour-print/10002"' in news["orders"][f"{SHOP}/10002"]
        assert set(news["tasks"]) == {"1"}
        assert "Cancel it in printIQ" in news["tasks"]["1"]
        assert news["counts"] == {"in_step": 1, "needs_person": 1}
        assert news["open_tasks"] == 1
        assert news["pulse"] == before + 2


def test_a_row_of_news_is_the_row_of_the_page(bench: Bench) -> None:
    with bench.served() as console, open_pages(console, 1) as (page,):
        page.next("pulse")
        happens(bench, "order/10002")
        row = page.next("news")["orders"][f"{SHOP}/10002"]
        shown = console.get("/orders")
        # Times are written by the page's script; all else is the same.
        for piece in ("10002", "Maple Dental Care", "PO-7002", "In step", "Business cards"):
            assert piece in row
            assert piece in shown
        assert "<script" not in row


def test_every_open_page_is_told(bench: Bench) -> None:
    with bench.served() as console, open_pages(console, 12) as pages:
        for page in pages:
            page.next("pulse")
        happens(bench, "order/10002")
        told = [page.next("news")["pulse"] for page in pages]
        assert len(set(told)) == 1


def test_the_pulse_of_a_page_is_that_of_its_stream_when_nothing_happened(bench: Bench) -> None:
    with bench.served() as console, open_pages(console, 1) as (page,):
        assert f'data-pulse="{page.next("pulse")}"' in console.get("/orders")


def test_many_changes_at_once_are_cut_and_said_so(bench: Bench) -> None:
    for number in range(3, 60):
        bench.save(case(number), State.IN_STEP)
    with bench.served() as console, open_pages(console, 1) as (page,):
        page.next("pulse")
        happens(bench, *(f"order/{10_000 + number}" for number in range(3, 60)))
        news = page.next("news")
        assert news["more"]
        assert len(news["orders"]) == 40


def test_a_closed_page_is_forgotten(bench: Bench) -> None:
    with bench.served() as console:
        with open_pages(console, 3) as pages:
            for page in pages:
                page.next("pulse")
        with open_pages(console, 1) as (page,):
            page.next("pulse")
            happens(bench, "order/10002")
            assert page.next("news")["orders"]


def test_what_happens_before_the_first_look_is_told_to_a_page_that_is_open(bench: Bench) -> None:
    async def story() -> None:
        async with Service(bench.installation()) as service:
            live = Live(service, Memo())
            page = live.stream()
            assert (await anext(page)).event == "pulse"
            happens(bench, "order/10002")
            looking = asyncio.create_task(live.run())
            async with asyncio.timeout(SOON):
                assert (await anext(page)).event == "news"
            looking.cancel()
            await page.aclose()

    asyncio.run(story())


def test_a_page_is_told_nothing_more_once_others_may_come_in(bench: Bench) -> None:
    """It asks for its stream anew, and is let in or not."""

    async def story() -> None:
        async with Service(bench.installation()) as service:
            live = Live(service, Memo())
            page = live.stream()
            assert (await anext(page)).event == "pulse"
            people = SignIn(header="X-Forwarded-User", proxies=frozenset({"127.0.0.1"}), others=Role.VIEWER)
            await service.reconfigure(bench.installation(sign_in=people))
            happens(bench, "order/10002")
            looking = asyncio.create_task(live.run())
            async with asyncio.timeout(SOON):
                assert [told async for told in page] == []
            looking.cancel()

    asyncio.run(story())
