"""Trying the systems of a set-up for real: one sentence per system that names the setting to look at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

import msgspec

from countermand.bridge.ports import Capability
from countermand.config.model import SetUp
from countermand.infigo import InfigoStorefront
from countermand.printiq import PrintIQMis


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


async def try_systems(setup: SetUp) -> list[Tried]:
    """Try every system of the file, all at once."""
    storefronts = [
        _try(setup, f"infigo.{name}", one.base_url, InfigoStorefront(one, clock=_now))
        for name, one in setup.storefronts.items()
    ]
    mises = [
        _try(setup, f"printiq.{name}", one.base_url, PrintIQMis(one, clock=_now))
        for name, one in setup.mises.items()
    ]
    return list(await asyncio.gather(*storefronts, *mises))


def _now() -> datetime:
    return datetime.now(UTC)


async def _try(setup: SetUp, place: str, address: str, system: System) -> Tried:
    began = monotonic()
    try:
        problem = await system.check()
    finally:
        await system.aclose()
    return Tried(
        place=place,
        address=address,
        problem=_located(problem, setup, place) if problem else "",
        seconds=monotonic() - began,
        capabilities=tuple(system.capabilities.values()),
    )


def _located(problem: str, setup: SetUp, place: str) -> str:
    """The sentence, with the lines of the settings that it names."""
    advice = problem.rpartition(": ")[2]
    lines = [
        f"{name} in line {line}"
        for name in dict.fromkeys(re.findall(r"[a-z_]+(?:\.[a-z_]+)*", advice))
        if (line := setup.lines.get(f"{place}.{name}")) is not None
    ]
    return f"{problem} ({setup.file.name}: {', '.join(lines)})" if lines else problem
