"""Telling a program outside: everything, in order, until it has arrived; and nothing waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import msgspec
import pytest
import structlog
from msgspec.structs import replace
from sqlalchemy import text

from countermand.app.telling import keep_telling
from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.demo.world import wait_until
from countermand.ledger import told
from countermand.ledger.journal import append, erase
from countermand.outbound.destination import Destination
from countermand.outbound.sending import client, send
from countermand.outbound.signing import signed
from countermand.outbound.teller import WAITS, Teller
from web_bench import NOW, SHOP, Bench

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DESK = Destination(
    name="desk", url="https://hooks.example/t/path-that-lets-in", secret=SECRET, console="https://c.example/"
)


class Receiver:
    """The program outside. `answers`: what it says to the next messages; then 204."""

    def __init__(self) -> None:
        self.answers: list[int | Exception] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        if answer in range(200, 300):
            self.requests.append(request)
        return httpx.Response(answer)

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(request.content) for request in self.requests]

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]


class Desk:
    """A ledger, a receiver, and one life of a teller after the other."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.bench = Bench(folder)
        self.receiver = Receiver()
        self.now = NOW
        self.destination = DESK
        self.teller = self.born()

    def born(self) -> Teller:
        self.teller = Teller(
            self.destination, self.bench.engine, self.bench.writer, lambda: self.now,
            httpx.MockTransport(self.receiver),
        )  # fmt: skip
        return self.teller

    async def tell(self, seconds: float = 1, steps: int = 3) -> None:
        for _ in range(steps):
            await self.teller.step()
        self.now += timedelta(seconds=seconds)

    def note(self, event: Event, why: str = "", chain: str = SHOP) -> None:
        entry = Entry(at=self.now, event=event, subject="order/10001", why=why)
        self.bench.writer.write(lambda database: append(database, chain, [entry]))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    asyncio.run(made.teller.aclose())
    made.bench.engine.dispose()


def run(desk: Desk, story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await desk.tell()
        await story()

    asyncio.run(whole())


def test_a_new_task_is_told_with_all_that_a_person_needs(desk: Desk) -> None:
    async def story() -> None:
        await asyncio.to_thread(desk.bench.task, 1, TaskKind.CANCELLED_BUT_MADE)
        await desk.tell()
        (told,) = desk.receiver.heard
        kind = TASK_TYPES[TaskKind.CANCELLED_BUT_MADE]
        assert told["type"] == "task.opened"
        about = told["data"]["task"]
        assert (about["title"], about["urgency"], about["state"]) == (kind.title, kind.urgency.value, "open")
        assert (about["orders"], about["order_count"]) == (["10001"], 1)
        assert told["data"]["url"] == f"https://c.example/needs-a-person/{about['id']}"
        assert told["data"]["connection"] == SHOP

    run(desk, story)


def test_it_is_signed_over_what_was_sent(desk: Desk) -> None:
    async def story() -> None:
        await asyncio.to_thread(desk.bench.task, 1)
        await desk.tell()
        (request,) = desk.receiver.requests
        seconds = int(request.headers["webhook-timestamp"])
        own = signed(SECRET, request.headers["webhook-id"], seconds, request.content)
        assert request.headers["webhook-signature"] == own["webhook-signature"]
        assert abs(seconds - NOW.timestamp()) < 60

    run(desk, story)


def test_only_what_was_asked_for_is_told_and_nothing_from_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.bench.task(1)

    async def story() -> None:
        await asyncio.to_thread(desk.bench.task, 2)
        await desk.tell()
        assert [told["type"] for told in desk.receiver.heard] == ["task.opened"]
        assert desk.receiver.heard[0]["data"]["order"] == "10002"

    run(desk, story)
    asyncio.run(desk.teller.aclose())
    desk.bench.engine.dispose()


@pytest.mark.parametrize(
    "bad", [500, 404, 302, 410, httpx.ConnectError("refused"), httpx.ReadTimeout("slow")]
)
def test_what_did_not_arrive_is_told_again_and_what_follows_waits(desk: Desk, bad: int | Exception) -> None:
    async def story() -> None:
        desk.receiver.answers = [bad, bad]
        for why in ("first", "second", "third"):
            desk.note(Event.BRAKE_TRIPPED, why)
        await desk.tell()
        assert desk.receiver.heard == []
        assert desk.teller.trouble.startswith("hooks.example ")
        await desk.tell(WAITS[0].total_seconds() - 1)
        assert len(desk.receiver.answers) == 1, "not before its time"
        await desk.tell(WAITS[1].total_seconds())
        assert desk.receiver.answers == []
        assert desk.receiver.heard == []
        await desk.tell()
        assert [told["data"]["why"] for told in desk.receiver.heard] == ["first", "second", "third"]
        assert (desk.teller.trouble, len(set(desk.receiver.ids))) == ("", 3)

    run(desk, story)


def test_the_address_stands_in_no_trouble_because_it_may_let_somebody_in(desk: Desk) -> None:
    async def story() -> None:
        desk.receiver.answers = [500]
        desk.note(Event.BRAKE_TRIPPED)
        await desk.tell()
        assert "path-that-lets-in" not in desk.teller.trouble
        assert "path-that-lets-in" not in repr(desk.destination)

    run(desk, story)


def test_it_goes_on_where_it_was_after_a_restart(desk: Desk) -> None:
    async def story() -> None:
        desk.note(Event.BRAKE_TRIPPED, "before")
        await desk.tell()
        desk.note(Event.BRAKE_TRIPPED, "while it was down")
        await desk.teller.aclose()
        desk.born()
        await desk.tell()
        assert [told["data"]["why"] for told in desk.receiver.heard] == ["before", "while it was down"]

    run(desk, story)


def test_one_that_crashed_before_it_could_note_it_says_the_last_again_under_the_same_id(desk: Desk) -> None:
    async def story() -> None:
        desk.note(Event.BRAKE_TRIPPED, "once")
        write = desk.bench.writer.write_async

        async def crash(*_: object) -> None:
            raise ConnectionError

        desk.bench.writer.write_async = crash  # type: ignore[method-assign,assignment]
        with pytest.raises(ConnectionError):
            await desk.teller.step()
        await desk.teller.aclose()
        desk.bench.writer.write_async = write  # type: ignore[method-assign]
        desk.born()
        desk.note(Event.BRAKE_TRIPPED, "then")
        await desk.tell()
        assert [told["data"]["why"] for told in desk.receiver.heard] == ["once", "once", "then"]
        assert desk.receiver.ids[0] == desk.receiver.ids[1] != desk.receiver.ids[2]

    run(desk, story)


def test_a_long_journal_without_anything_to_tell_is_not_read_again(desk: Desk) -> None:
    async def story() -> None:
        entries = [Entry(at=desk.now, event=Event.LINE_SIGHTED, subject="order/10001")] * 1500
        desk.bench.writer.write(lambda database: append(database, SHOP, entries))
        desk.note(Event.BRAKE_TRIPPED, "at the end")
        while await desk.teller.step():
            pass
        assert [told["data"]["why"] for told in desk.receiver.heard] == ["at the end"]
        assert not await desk.teller.step()

    run(desk, story)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_connection_is_told_of_from_its_beginning_each_in_its_order(
    desk: Desk, restarted: bool
) -> None:
    async def story() -> None:
        desk.bench.shop("trade")
        if restarted:
            await desk.teller.aclose()
            desk.born()
        for why in ("one", "two"):
            desk.note(Event.BRAKE_TRIPPED, why, "trade")
            desk.note(Event.BRAKE_TRIPPED, why)
        await desk.tell()
        told = [(each["data"]["connection"], each["data"]["why"]) for each in desk.receiver.heard]
        assert [why for of, why in told if of == "trade"] == ["one", "two"]
        assert [why for of, why in told if of == SHOP] == ["one", "two"]
        assert len(set(desk.receiver.ids)) == 4

    run(desk, story)


def test_what_happens_after_an_older_copy_was_put_back_has_ids_of_its_own(tmp_path: Path) -> None:
    ids = []
    for why in ("before the copy was put back", "after"):
        desk = Desk(tmp_path / why.replace(" ", "-"))
        run(desk, lambda desk=desk, why=why: tell_of(desk, why))  # type: ignore[misc]
        ids += desk.receiver.ids
        asyncio.run(desk.teller.aclose())
        desk.bench.engine.dispose()
    assert len(set(ids)) == 2, "the same place in the journal, another entry"


async def tell_of(desk: Desk, why: str) -> None:
    desk.note(Event.BRAKE_TRIPPED, why)
    await desk.tell()


def test_of_many_connections_only_those_are_read_in_which_something_happened(desk: Desk) -> None:
    async def story() -> None:
        for number in range(50):
            desk.bench.shop(f"shop-{number}")
        await desk.tell()
        desk.note(Event.BRAKE_TRIPPED, "here", "shop-7")
        assert await desk.teller._places() == {"shop-7": 1}
        await desk.tell()
        assert [told["data"]["connection"] for told in desk.receiver.heard] == ["shop-7"]
        assert await desk.teller._places() == {}

    run(desk, story)


def test_a_clock_that_is_set_back_does_not_silence_it(desk: Desk) -> None:
    async def story() -> None:
        desk.receiver.answers = [500] * 5
        desk.note(Event.BRAKE_TRIPPED)
        for wait in WAITS[:5]:
            await desk.tell(wait.total_seconds())
        desk.receiver.answers = [500]
        await desk.tell(0)
        desk.now -= timedelta(days=1)
        await desk.tell()
        assert len(desk.receiver.heard) == 1

    run(desk, story)


def test_erased_and_odd_texts_are_told_too(desk: Desk) -> None:
    async def story() -> None:
        desk.note(
            Event.BRAKE_TRIPPED,
            "Zoë “said” \u2028 \ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
        )
        await desk.tell()
        assert desk.receiver.heard[0]["data"]["why"].startswith("Zoë “said”")

    run(desk, story)


def test_what_was_there_before_is_no_news_though_the_first_place_could_not_be_stored(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    desk.bench.shop("trade")
    for chain in (SHOP, "trade"):
        desk.note(Event.BRAKE_TRIPPED, "old", chain)
    write, attempts = desk.bench.writer.write_async, []

    async def fails_once(work: Callable[[Any], Any]) -> Any:
        attempts.append(work)
        if len(attempts) == 1:
            raise ConnectionError
        return await write(work)

    async def story() -> None:
        desk.bench.writer.write_async = fails_once  # type: ignore[method-assign]
        with suppress(ConnectionError):
            await desk.teller.step()
        await desk.tell()
        desk.note(Event.BRAKE_TRIPPED, "new", "trade")
        await desk.tell()
        assert [told["data"]["why"] for told in desk.receiver.heard] == ["new"]

    asyncio.run(story())
    asyncio.run(desk.teller.aclose())
    desk.bench.engine.dispose()


def test_set_up_before_anything_happened_it_is_told_of_what_happened_while_it_was_down(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    for table in ("journal", "journal_head"):
        desk.bench.writer.write(lambda database, table=table: database.execute(text(f"delete from {table}")))  # type: ignore[misc]

    async def story() -> None:
        await desk.tell()
        await desk.teller.aclose()
        desk.note(Event.BRAKE_TRIPPED, "while it was down")
        desk.born()
        await desk.tell()
        assert [told["data"]["why"] for told in desk.receiver.heard] == ["while it was down"]

    asyncio.run(story())
    asyncio.run(desk.teller.aclose())
    desk.bench.engine.dispose()


def test_what_is_erased_while_others_are_told_is_not_told_any_more(desk: Desk) -> None:
    async def story() -> None:
        for why in ("first", "Ann Smith, 12 High Street"):
            desk.note(Event.BRAKE_TRIPPED, why)
        send = desk.receiver.__call__

        def erases(request: httpx.Request) -> httpx.Response:
            desk.bench.writer.write(lambda database: erase(database, SHOP, ["order/10001"]))
            return send(request)

        await desk.teller.aclose()
        desk.teller = Teller(
            DESK, desk.bench.engine, desk.bench.writer, lambda: desk.now, httpx.MockTransport(erases)
        )
        await desk.tell()
        first, second = desk.receiver.heard
        assert first["data"]["why"] == "first"
        assert second["data"]["extra"] == {"erased": "yes"}
        assert b"Ann" not in desk.receiver.requests[1].content

    run(desk, story)


class Slow(httpx.AsyncByteStream):
    """A body that goes on for as long as somebody reads."""

    def __init__(self) -> None:
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.read += 1
            yield b"x" * 65_536
            await asyncio.sleep(0.001)


def test_an_answer_without_end_is_not_read(desk: Desk) -> None:
    async def story() -> None:
        body = Slow()
        http = client(httpx.MockTransport(lambda _: httpx.Response(200, stream=body)))
        assert await asyncio.wait_for(send(http, DESK, "1", {}, NOW), 1) == ""
        assert body.read <= 1
        await http.aclose()

    run(desk, story)


def test_one_that_never_answers_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(204)

    async def story() -> None:
        monkeypatch.setattr("countermand.outbound.sending.TIMEOUT_SECONDS", 0.05)
        http = client(httpx.MockTransport(answers))
        said = await asyncio.wait_for(send(http, DESK, "1", {}, NOW), 1)
        assert said == "hooks.example did not answer within 0.05 s"
        await http.aclose()

    run(desk, story)


def test_a_task_of_a_kind_that_is_not_known_any_more_holds_up_nothing(desk: Desk) -> None:
    async def story() -> None:
        await asyncio.to_thread(desk.bench.task, 1)
        desk.bench.writer.write(lambda database: database.execute(text("update task set kind = 'old_kind'")))
        desk.note(Event.BRAKE_TRIPPED, "then")
        await desk.tell()
        assert [told["type"] for told in desk.receiver.heard] == ["task.opened", "brake.tripped"]
        assert "task" not in desk.receiver.heard[0]["data"]
        assert desk.receiver.heard[0]["data"]["order"] == "10001"

    run(desk, story)


@pytest.mark.parametrize("event", [Event.BRAKE_TRIPPED, Event.LINE_SIGHTED])
def test_what_was_cut_off_before_it_could_be_noted_is_not_looked_at_again(desk: Desk, event: Event) -> None:
    async def story() -> None:
        desk.note(event, "once")
        write = desk.bench.writer.write_async

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        desk.bench.writer.write_async = never  # type: ignore[method-assign,assignment]
        with suppress(TimeoutError):
            await asyncio.wait_for(desk.teller.step(), 0.1)
        desk.bench.writer.write_async = write  # type: ignore[method-assign]
        await desk.teller.aclose()
        desk.destination = replace(DESK, events=tuple(Event))
        desk.born()
        await desk.tell()
        assert len(desk.receiver.heard) == (1 if event is Event.BRAKE_TRIPPED else 0)

    run(desk, story)


def test_an_error_of_ours_is_said_until_it_is_over_and_a_full_disk_once(desk: Desk) -> None:
    async def story() -> None:
        said: list[str] = []
        heard_all = asyncio.Event()
        full = sqlite3.OperationalError("full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        errors = [full, full]

        async def step() -> bool:
            said.append(desk.teller.trouble)
            if len(said) == 4:
                heard_all.set()
            if errors:
                raise errors.pop()
            return False

        desk.teller.step = step  # type: ignore[method-assign]
        with structlog.testing.capture_logs() as logs:
            loop = asyncio.create_task(keep_telling(desk.teller))
            await asyncio.wait_for(heard_all.wait(), 20)
        loop.cancel()
        assert [each.startswith("The disk is full") for each in said] == [False, True, True, False]
        assert [each["log_level"] for each in logs] == ["error"]

    run(desk, story)


def test_the_console_and_health_say_who_does_not_hear(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    deaf = Destination(name="wall", url="http://127.0.0.1:9/path-that-lets-in", secret=SECRET)
    with bench.served(destinations=(deaf,)) as console:
        wait_until("the teller", lambda: told_up_to(bench, "wall"), 20)
        bench.task(1)
        health = wait_until("that it is said", lambda: console.http.get("/health").json().get("untold"), 20)
        assert health == {"wall": "127.0.0.1 could not be reached (ConnectError)"}
        page = console.get("/connections")
        assert "127.0.0.1 could not be reached" in page
        assert "Person needed" in page
        assert "path-that-lets-in" not in page
        assert SECRET not in page
    bench.engine.dispose()


def told_up_to(bench: Bench, destination: str) -> dict[str, int]:
    with bench.engine.begin() as database:
        return told.told_up_to(database, destination)
