"""Many connections in one service: each has its turn, and what concerns one wakes no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from config_systems import ENVIRON, NOWHERE, read
from msgspec.structs import replace

from countermand.app import Service, looking_after, utc_now
from countermand.bridge.adoption import unknown
from countermand.bridge.store import Change, State
from countermand.core.status import Side

SHOPS = ("one", "two", "three")
#: Nothing is listed by itself, and a rest is longer than any test.
SHOP = """\
[infigo.{name}]
base_url = "{nowhere}/{name}"
token = {{ env = "INFIGO_TOKEN" }}
[printiq.{name}]
base_url = "{nowhere}/{name}"
username = "countermand"
password = {{ env = "PRINTIQ_PASSWORD" }}
application_name = "Countermand"
application_key = {{ env = "PRINTIQ_KEY" }}
[connections.{name}]
storefront = "{name}"
mis = "{name}"
[connections.{name}.polling]
interval = "1 day"
slowest = "1 day"
"""


class Steps:
    """Which connections take steps, in order; the steps themselves do nothing."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.changed = asyncio.Event()

    def count(self, service: Service) -> None:
        for name in service.running:
            self._count(service, name)

    def _count(self, service: Service, name: str) -> None:
        async def step() -> int:
            self.taken.append(name)
            self.changed.set()
            return 0

        service.running[name].bridge.step = step  # type: ignore[method-assign]  # one that does nothing

    async def until(self, taken: list[str]) -> None:
        async with asyncio.timeout(10):
            while self.taken[: len(taken)] != taken:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def many(folder: Path) -> AsyncIterator[tuple[Service, Steps]]:
    setup = read(folder, "".join(SHOP.format(name=name, nowhere=NOWHERE) for name in SHOPS))
    async with Service(setup.installation) as service:
        steps = Steps()
        steps.count(service)
        await steps.until(list(SHOPS))
        steps.taken.clear()
        yield service, steps


@pytest.fixture(autouse=True)
def long_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(looking_after, "LOOKS_A_SECOND", len(SHOPS) / 3600)


def test_each_has_its_turn_and_a_message_wakes_only_the_one_that_it_is_for(tmp_path: Path) -> None:
    async def story() -> None:
        async with many(tmp_path) as (service, steps):
            await service.receive(["two"], Side.MIS, "application/json", b"{}")
            await steps.until(["two"])
            service.wake("three")
            await steps.until(["two", "three"])

    asyncio.run(story())


def test_a_message_does_not_wait_for_a_turn_among_looks(tmp_path: Path) -> None:
    async def story() -> None:
        # The turn is somebody else's for as long as this takes.
        async with many(tmp_path) as (service, steps), service._looking_after._turn, asyncio.timeout(10):
            waiting = asyncio.create_task(service._looking_after._wait_for_turn(service.running["two"]))
            await asyncio.sleep(0)
            assert not waiting.done()
            await service.receive(["two"], Side.MIS, "application/json", b"{}")
            await waiting
            await steps.until(["two"])

    asyncio.run(story())


def test_what_comes_during_a_step_is_looked_at_right_after_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with many(tmp_path) as (service, steps):
            counted = service.running["two"].bridge.step

            async def step() -> int:
                if not steps.taken:
                    service.wake("two")  # too late for this step to see it
                return await counted()

            service.running["two"].bridge.step = step  # type: ignore[method-assign]  # as above
            service.wake("two")
            await steps.until(["two", "two"])

    asyncio.run(story())


def test_an_order_is_looked_at_when_its_time_comes_however_long_a_rest_is(tmp_path: Path) -> None:
    async def story() -> None:
        async with many(tmp_path) as (service, steps):
            due = utc_now() + timedelta(seconds=0.3)
            new = unknown("10001", utc_now())
            change = Change(stored=None, case=new.case, state=State.ON_THE_WAY, due_at=due)
            await service.store.save("three", [change], utc_now(), {})
            service.wake("three")
            await steps.until(["three", "three"])
            assert utc_now() >= due

    asyncio.run(story())


def test_a_new_connection_begins_at_once_beside_those_that_go_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with many(tmp_path) as (service, steps):
            before = dict(service.running)
            first = service.installation.connections[0]
            infigo = replace(first.infigo, base_url=f"{NOWHERE}/four")
            printiq = replace(first.printiq, base_url=f"{NOWHERE}/four")
            new = replace(first, name="four", infigo=infigo, printiq=printiq)
            more = replace(service.installation, connections=(*service.installation.connections, new))
            assert await service.reconfigure(more) == ("four",)
            assert {name: service.running[name] for name in SHOPS} == before
            assert steps.taken == []
            assert await service.reconfigure(replace(more, connections=more.connections[:3])) == ("four",)
            assert service.running == before
            assert steps.taken == []

    asyncio.run(story())
