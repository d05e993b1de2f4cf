"""Taking over a changed set-up file while the service runs, and refusing one that is not valid."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from countermand.app import Service
from countermand.config.load import fingerprint, load
from countermand.config.model import SetUp
from countermand.config.problems import SetUpError
from countermand.config.trial import try_systems

log = structlog.get_logger()

#: How often to look whether a file has changed, in seconds.
LOOK_SECONDS = 2.0
#: A system that is not good is tried again after the first of these, then ever more rarely.
TRY_SECONDS = (1.0, 60.0)
#: So many are tried at a time beside the service's own work, which goes on meanwhile.
AT_ONCE = 8


class Caretaker:
    """Keeps a running service at the newest valid set-up, and says which systems do not answer."""

    def __init__(self, setup: SetUp, service: Service, say: Callable[[str], None]) -> None:
        self.setup = setup
        self._started = setup.server
        self._watched = setup.watched
        self._taken = setup.fingerprint
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
        before = self._taken
        while True:
            asked = await _happens(self._asked, LOOK_SECONDS)
            now = await asyncio.to_thread(fingerprint, self._watched)
            # An editor may be half way through: what is taken over has to be the same at two looks.
            if asked or (now != self._taken and now == before):
                await self.take_over()
                now = self._taken
            before = now

    async def take_over(self) -> None:
        """Read the file and run by it; one that is not valid changes nothing."""
        try:
            new = await asyncio.to_thread(load, self.setup.file)
        except SetUpError as error:
            self._refuse(str(error), error.watched)
            return
        try:
            changed = await self._service.reconfigure(new.installation)
        except Exception as error:
            log.exception("set_up.failed")
            self._refuse(f"{type(error).__name__}: {error}", new.watched)
            return
        self._accept(new, changed)

    def _refuse(self, why: str, watched: tuple[Path, ...]) -> None:
        self._watched, self._taken = watched, fingerprint(watched)
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
        differs = new.installation != self.setup.installation
        if differs or recovered or waiting != self._service.needs_restart:
            log.info("set_up.taken_over", connections=", ".join(changed), needs_restart=", ".join(waiting))
        self.setup, self._watched, self._taken = new, new.watched, new.fingerprint
        self._service.set_up_refused, self._service.needs_restart = "", waiting
        self._changed.set()

    # The systems

    async def watch_systems(self) -> None:
        """Try every system, for ever: again while it does not answer, and when its settings change.

        One that is good is left alone then: thousands are not asked because one other does not answer.
        """
        failing: dict[str, str] = {}
        known: Mapping[str, object] = {}
        soonest, latest = TRY_SECONDS
        pause = soonest
        while True:
            setup, before, systems = self.setup, failing, self.setup.systems
            wanted = {place for place, one in systems.items() if place in before or known.get(place) != one}
            tried = await try_systems(setup, wanted, AT_ONCE)
            failing = {one.place: one.problem for one in tried if one.problem}
            known = systems
            self._service.systems_failing = failing
            self._tell(before, failing)
            if await _happens(self._changed, pause if failing else None):
                pause = soonest
            else:
                pause = min(2 * pause, latest)

    def _tell(self, before: dict[str, str], now: dict[str, str]) -> None:
        for place, problem in now.items():
            if before.get(place) != problem:
                log.warning("system.not_good", system=place, problem=problem)
                self._say(f"{place}: {problem}. It is tried again until it is good.")
        for place in sorted(before.keys() - now.keys()):
            log.info("system.good", system=place)
            self._say(f"{place} is good now.")


async def _happens(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, and whether it came in time; it is clear again afterwards."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
