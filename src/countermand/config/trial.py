"""Trying the systems of a set-up for real: one sentence per system that names the setting to look at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

import msgspec

from countermand.bridge.ports import Capability
from countermand.config.model import SetUp
from countermand.infigo import InfigoSettings, InfigoStorefront
from countermand.printiq import PrintIQMis, PrintIQSettings

#: So many systems are tried at a time: with thousands at once their answers would be waited for in vain, and
#: their connections would be more than a process may open.
MOST_AT_ONCE = 50


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """How one system answered. `problem` is empty when it is good; `place` is its table in the file."""

    place: str
    address: str
    problem: str
    seconds: float
    capabilities: tuple[Capability, ...]


class System(Protocol):
    """What both vendors' ports have for this."""

    @property
    def capabilities(self) -> Mapping[str, Capability]: ...

    async def check(self) -> str | None: ...

    async def aclose(self) -> None: ...


async def try_systems(
    setup: SetUp, places: Container[str] | None = None, at_once: int | None = None
) -> list[Tried]:
    """Try the systems of the file, `at_once` at a time; `places`: only these of its tables."""
    free = asyncio.Semaphore(at_once or MOST_AT_ONCE)
    return list(
        await asyncio.gather(
            *(
                _try(setup, place, settings, free)
                for place, settings in setup.systems.items()
                if places is None or place in places
            )
        )
    )


def _now() -> datetime:
    return datetime.now(UTC)


async def _try(
    setup: SetUp, place: str, settings: InfigoSettings | PrintIQSettings, free: asyncio.Semaphore
) -> Tried:
    async with free:
        began = monotonic()
        # Not made before its turn: each has connections of its own.
        system = _system(settings)
        try:
            problem = await system.check()
        finally:
            await system.aclose()
    return Tried(
        place=place,
        address=settings.base_url,
        problem=_located(problem, setup, place) if problem else "",
        seconds=monotonic() - began,
        capabilities=tuple(system.capabilities.values()),
    )


def _system(settings: InfigoSettings | PrintIQSettings) -> System:
    if isinstance(settings, InfigoSettings):
        return InfigoStorefront(settings, clock=_now)
    return PrintIQMis(settings, clock=_now)


def _located(problem: str, setup: SetUp, place: str) -> str:
    """The sentence, with the lines of the settings that it names."""
    advice = problem.rpartition(": ")[2]
    lines = [
        f"{name} in line {line}"
        for name in dict.fromkeys(re.findall(r"[a-z_]+(?:\.[a-z_]+)*", advice))
        if (line := setup.lines.get(f"{place}.{name}")) is not None
    ]
    return f"{problem} ({setup.file.name}: {', '.join(lines)})" if lines else problem
