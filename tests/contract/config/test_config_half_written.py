"""A set-up file that is half written while the service runs: the old rules stay, and the place is named."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest
from config_systems import ENVIRON, Systems, read, write

from countermand.app import Service
from countermand.config import SetUp, SetUpError, load, reload
from countermand.config.load import fingerprint
from countermand.config.reload import Caretaker
from countermand.core.policy import Mode

#: The rules stand last, and with them an exception that must not get lost while they hold.
NEW = Systems().text(
    """\
[connections.main.rules]
cancel_to_mis = "automatic"
undo_window = "0 s"
[[connections.main.when]]
name = "ask them"
customer = "1042"
mode = "manual"
"""
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(reload, "LOOK_SECONDS", 0.01)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Service, Caretaker]]:
    setup = read(folder, Systems().text())
    async with Service(setup.installation) as service:
        yield service, Caretaker(setup, service, lambda _text: None)


def mode(service: Service) -> Mode:
    return service.running["main"].bridge.connection.policy.cancel_to_mis


def test_wherever_it_breaks_off_it_is_a_whole_set_up_or_refused_with_the_place(tmp_path: Path) -> None:
    """TOML has no end mark: a file that breaks off between two lines may be a valid one."""
    refused = [place for place in range(len(NEW)) if problem(write(tmp_path, NEW[:place]))]
    for place in sorted(set(range(len(NEW))) - set(refused)):
        assert "\n" in NEW[place - 1 : place + 1], f"taken in the middle of a line: {NEW[:place]!r}"
    assert len(refused) > 0.9 * len(NEW)


def problem(file: Path) -> str:
    """Why it is refused, with its place; empty for a valid set-up."""
    try:
        load(file)
    except SetUpError as error:
        said = str(error)
        return said if re.search(r"countermand\.toml(, line \d+)?: .+", said) else ""
    return ""


def test_while_it_is_refused_the_old_rules_stay_and_health_says_why(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as (service, caretaker):
            before = dict(service.running)
            for place in (len(NEW) - 5, NEW.index("automatic") + 4, NEW.index("[printiq"), 10):
                write(tmp_path, NEW[:place])
                await caretaker.take_over()
                assert service.health().refused
                assert service.running == before
            write(tmp_path, NEW)
            await caretaker.take_over()
            assert service.health().refused == ""
            assert mode(service) is Mode.AUTOMATIC

    asyncio.run(story())


def test_a_file_that_grows_is_not_read_until_it_has_stopped_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off after its rules and before its exceptions it would be valid, and a customer not asked."""
    pieces = [NEW[:end] for end in range(100, len(NEW), 40)] + [NEW]
    looks = iter(pieces)
    taken: list[int] = []

    def growing(watched: tuple[Path, ...]) -> object:
        if (text := next(looks, None)) is not None:
            write(tmp_path, text)
        return fingerprint(watched)

    def loading(file: Path) -> SetUp:
        taken.append(file.stat().st_size)
        return load(file)

    async def story() -> None:
        async with running(tmp_path) as (service, caretaker):
            monkeypatch.setattr(reload, "fingerprint", growing)
            monkeypatch.setattr(reload, "load", loading)
            watching = asyncio.create_task(caretaker.watch_file())
            deadline = monotonic() + 20
            while mode(service) is not Mode.AUTOMATIC:
                assert monotonic() < deadline
                await asyncio.sleep(0.01)
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            assert service.running["main"].bridge.connection.overrides

    asyncio.run(story())
    assert taken == [len(NEW)]
