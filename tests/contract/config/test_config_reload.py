"""A changed set-up file while the service runs: taken over without losing work, or refused as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from config_systems import ENVIRON, Systems, read, write

from countermand.app import Service
from countermand.config import SetUp, reload
from countermand.config.reload import Caretaker
from countermand.config.trial import Tried
from countermand.core.policy import Mode
from countermand.core.status import Side

NOBODY = Systems()
SLOW = '[connections.main.polling]\ninterval = "1 h"\n'
AUTOMATIC = '[connections.main.rules]\ncancel_to_mis = "automatic"\n'
SECOND = """\
[infigo.trade]
base_url = "http://127.0.0.1:9/trade"
token = { env = "INFIGO_TOKEN" }
[connections.trade]
storefront = "trade"
mis = "plant"
[connections.trade.hook_tokens]
storefront = { env = "HOOK" }
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRON, "HOOK": "an-unguessable-token"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(reload, "LOOK_SECONDS", 0.02)


class Running:
    """A service, its caretaker, and what it said."""

    def __init__(self, service: Service, caretaker: Caretaker, said: list[str]) -> None:
        self.service, self.caretaker, self.said = service, caretaker, said

    def mode(self) -> Mode:
        return self.service.running["main"].bridge.connection.policy.cancel_to_mis


@asynccontextmanager
async def running(folder: Path, text: str) -> AsyncIterator[Running]:
    setup = read(folder, text, HOOK="an-unguessable-token")
    said: list[str] = []
    async with Service(setup.installation) as service:
        yield Running(service, Caretaker(setup, service, said.append), said)


async def until(look: Callable[[], Any], seconds: float = 10) -> None:
    deadline = monotonic() + seconds
    while not look():
        assert monotonic() < deadline, "it did not come to pass in time"
        await asyncio.sleep(0.01)


def test_other_rules_hold_from_then_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text(SLOW)) as one:
            assert one.mode() is Mode.MANUAL
            write(tmp_path, NOBODY.text(SLOW + AUTOMATIC))
            await one.caretaker.take_over()
            assert one.mode() is Mode.AUTOMATIC
            assert one.said == []

    asyncio.run(story())


def test_what_did_not_change_goes_on_undisturbed(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text(SECOND)) as one:
            before = dict(one.service.running)
            write(tmp_path, NOBODY.text(SECOND + AUTOMATIC))
            await one.caretaker.take_over()
            after = one.service.running
            assert after["trade"] is before["trade"]
            assert after["main"] is not before["main"]
            assert before["main"].loop is not None
            assert before["main"].loop.done()
            assert after["main"].mis is before["main"].mis

    asyncio.run(story())


def test_the_step_that_is_being_taken_ends_first(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one:
            old = one.service.running["main"]
            entered, leave, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

            async def step() -> int:
                entered.set()
                await leave.wait()
                left.set()
                return 0

            old.bridge.step = step  # type: ignore[method-assign]  # a step that takes its time
            await entered.wait()
            write(tmp_path, NOBODY.text(AUTOMATIC))
            change = asyncio.create_task(one.caretaker.take_over())
            await until(lambda: old.ending)
            assert not change.done()
            assert one.service.running["main"] is old
            leave.set()
            await change
            assert left.is_set()
            assert one.mode() is Mode.AUTOMATIC

    asyncio.run(story())


def test_a_system_that_does_not_answer_is_tried_again_and_the_others_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host has thousands: one that is down must not have all of them asked again and again."""
    asked: list[set[str]] = []

    async def tries(setup: SetUp, places: set[str], at_once: int) -> list[Tried]:
        asked.append(places)
        return [
            Tried(
                place=place,
                address="",
                problem="Down" * (place == "printiq.plant"),
                seconds=0,
                capabilities=(),
            )
            for place in places
        ]

    monkeypatch.setattr(reload, "try_systems", tries)
    monkeypatch.setattr(reload, "TRY_SECONDS", (0.05, 0.05))

    async def story() -> None:
        async with running(tmp_path, NOBODY.text(SLOW)) as one:
            watch = asyncio.create_task(one.caretaker.watch_systems())
            await until(lambda: len(asked) >= 2)
            assert asked[0] == {"infigo.shop", "printiq.plant"}
            assert asked[1] == {"printiq.plant"}
            write(tmp_path, NOBODY.text(SLOW + SECOND))
            await one.caretaker.take_over()
            await until(lambda: {"printiq.plant", "infigo.trade"} in asked)
            assert set(map(frozenset, asked[1:])) == {
                frozenset({"printiq.plant"}),
                frozenset({"printiq.plant", "infigo.trade"}),
            }
            assert one.service.systems_failing == {"printiq.plant": "Down"}
            watch.cancel()

    asyncio.run(story())


def test_connections_come_and_go(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one:
            write(tmp_path, NOBODY.text(SECOND))
            await one.caretaker.take_over()
            assert set(one.service.running) == {"main", "trade"}
            assert one.service.running["main"].mis is one.service.running["trade"].mis
            assert one.service.connections_by_token(Side.STOREFRONT, "an-unguessable-token") == ["trade"]
            write(tmp_path, NOBODY.text())
            await one.caretaker.take_over()
            assert set(one.service.running) == {"main"}
            assert one.service.connections_by_token(Side.STOREFRONT, "an-unguessable-token") == []

    asyncio.run(story())


def test_a_file_that_is_not_valid_changes_nothing_and_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one:
            before = dict(one.service.running)
            write(tmp_path, NOBODY.text(AUTOMATIC.replace("automatic", "automatik")))
            await one.caretaker.take_over()
            assert one.service.running == before
            health = one.service.health()
            assert health.ok
            assert "line 16: connections.main.rules.cancel_to_mis is " in health.refused
            assert health.refused in one.said[0]
            write(tmp_path, NOBODY.text(AUTOMATIC))
            await one.caretaker.take_over()
            assert one.service.health().refused == ""
            assert one.mode() is Mode.AUTOMATIC

    asyncio.run(story())


def test_what_only_a_restart_takes_over_is_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one:
            database = one.service.installation.database
            write(tmp_path, '[countermand]\nport = 8111\ndatabase = "other.db"\n' + NOBODY.text(AUTOMATIC))
            await one.caretaker.take_over()
            assert one.service.health().needs_restart == ("database", "port")
            assert one.service.installation.database == database
            assert one.mode() is Mode.AUTOMATIC
            write(tmp_path, NOBODY.text(AUTOMATIC))
            await one.caretaker.take_over()
            assert one.service.health().needs_restart == ()

    asyncio.run(story())


def test_a_change_of_the_file_is_noticed(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one, _watching(one.caretaker):
            write(tmp_path, NOBODY.text(AUTOMATIC))
            await until(lambda: one.mode() is Mode.AUTOMATIC)

    asyncio.run(story())


def test_being_asked_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "LOOK_SECONDS", 3600)

    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one, _watching(one.caretaker):
            write(tmp_path, NOBODY.text(AUTOMATIC))
            one.caretaker.ask()
            await until(lambda: one.mode() is Mode.AUTOMATIC)

    asyncio.run(story())


def test_a_changed_key_file_is_taken_over(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("first-key")
    text = NOBODY.text().replace('{ env = "INFIGO_TOKEN" }', '{ file = "key" }')

    async def story() -> None:
        async with running(tmp_path, text) as one, _watching(one.caretaker):
            key.write_text("second-key")
            await until(lambda: one.service.installation.connections[0].infigo.token == "second-key")

    asyncio.run(story())


def test_a_key_file_that_comes_later_is_noticed_though_the_set_up_did_not_change(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one, _watching(one.caretaker):
            write(tmp_path, NOBODY.text(AUTOMATIC).replace('{ env = "INFIGO_TOKEN" }', '{ file = "key" }'))
            await until(lambda: one.service.health().refused)
            assert one.mode() is Mode.MANUAL
            (tmp_path / "key").write_text("a-key")
            await until(lambda: one.mode() is Mode.AUTOMATIC)

    asyncio.run(story())


def test_a_file_that_was_deleted_is_refused_and_the_old_one_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one:
            (tmp_path / "countermand.toml").unlink()
            await one.caretaker.take_over()
            assert "does not exist" in one.service.health().refused
            assert one.mode() is Mode.MANUAL

    asyncio.run(story())


def test_the_undo_window_of_a_waiting_order_follows_the_rules(tmp_path: Path) -> None:
    """The connection that comes after a change judges what it finds stored under the new rules."""

    async def story() -> None:
        async with running(tmp_path, NOBODY.text()) as one:
            write(tmp_path, NOBODY.text('[connections.main.rules]\nundo_window = "1 h"\n'))
            await one.caretaker.take_over()
            policy = one.service.running["main"].bridge.connection.policy
            assert policy.undo_window == timedelta(hours=1)

    asyncio.run(story())


@asynccontextmanager
async def _watching(caretaker: Caretaker) -> AsyncIterator[None]:
    watching = asyncio.create_task(caretaker.watch_file())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
