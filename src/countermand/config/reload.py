"""Taking over a changed set-up file while the service runs, and refusing one that is not valid."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from countermand.app import Service
from countermand.config.load import load
from countermand.config.model import SetUp
from countermand.config.problems import SetUpError
from countermand.config.trial import try_systems

log = structlog.get_logger()

#: How often to look whether a file has changed, and to try a system that was not good, in seconds.
LOOK_SECONDS = 2.0
TRY_SECONDS = 60.0


class Caretaker:
    """Keeps a running service at the newest valid set-up, and says which systems do not answer."""

    def __init__(self, setup: SetUp, service: Service, say: Callable[[str], None]) -> None:
        self.setup = setup
        self._started = setup.server
        self._watched = setup.watched
        self._service = service
        self._say = say
        self._asked = asyncio.Event()
        self._changed = asyncio.Event()

    def ask(self) -> None:
        """Read the file now, whether it has changed or not (SIGHUP)."""
        self._asked.set()

    # The file

    async def watch_file(self) -> None:
        """Look every few seconds, for ever."""
        taken = before = await asyncio.to_thread(fingerprint, self._watched)
        while True:
            asked = await _happens(self._asked, LOOK_SECONDS)
            now = await asyncio.to_thread(fingerprint, self._watched)
            # An editor may be half way through: what is taken over has to be the same at two looks.
            if asked or (now != taken and now == before):
                taken = now
                await self.take_over()
            before = now

    async def take_over(self) -> None:
        """Read the file and run by it; one that is not valid changes nothing."""
        try:
            new = await asyncio.to_thread(load, self.setup.file)
        except SetUpError as error:
            self._watched = error.watched or self._watched
            self._refuse(str(error))
            return
        try:
            changed = await self._service.reconfigure(new.installation)
        except Exception as error:
            log.exception("set_up.failed")
            self._refuse(f"{type(error).__name__}: {error}")
            return
        self._accept(new, changed)

    def _refuse(self, why: str) -> None:
        self._service.set_up_refused = why
        log.error("set_up.refused", why=why)
        self._say(f"The changed set-up is not taken over, the old one goes on:\n{why}")

    def _accept(self, new: SetUp, changed: tuple[str, ...]) -> None:
        waiting = tuple(
            name
            for name in new.server.__struct_fields__
            if getattr(new.server, name) != getattr(self._started, name)
        )
        recovered = bool(self._service.set_up_refused)
        if changed or recovered or waiting != self._service.needs_restart:
            log.info("set_up.taken_over", connections=", ".join(changed), needs_restart=", ".join(waiting))
        self.setup, self._watched = new, new.watched
        self._service.set_up_refused, self._service.needs_restart = "", waiting
        self._changed.set()

    # The systems

    async def watch_systems(self) -> None:
        """Try every system, again while some do not answer or when the set-up changes, for ever."""
        failing: dict[str, str] = {}
        while True:
            before, failing = failing, {one.place: one.problem for one in await try_systems(self.setup)}
            failing = {place: problem for place, problem in failing.items() if problem}
            self._service.systems_failing = failing
            self._tell(before, failing)
            await _happens(self._changed, TRY_SECONDS if failing else None)

    def _tell(self, before: dict[str, str], now: dict[str, str]) -> None:
        for place, problem in now.items():
            if before.get(place) != problem:
                log.warning("system.not_good", system=place, problem=problem)
                self._say(f"{place}: {problem}. It is tried again every {TRY_SECONDS:.0f} s.")
        for place in before.keys() - now.keys():
            log.info("system.good", system=place)


async def _happens(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, and whether it came in time; it is clear again afterwards."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True


def fingerprint(files: Iterable[Path]) -> str:
    """What a change of any of these files changes."""
    digest = hashlib.sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            content = repr(error.errno).encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
