"""What a sweep is: its run, its batches, what it finds and leaves alone, and what it asks of storage.

A sweep reads every order of a connection by id in both systems (`bridge.sweeper`). Where it has come to is
stored with what it found, in one transaction, so that it goes on after a kill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from countermand.bridge.store import Change, Store, StoredCase


class SweepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    #: A person stopped it; it can be taken up again.
    STOPPED = "stopped"
    FAILED = "failed"


class Found(StrEnum):
    """What becomes of an order in a sweep; only the last two are stored one by one."""

    AGREED = "agreed"
    DIFFERING = "differing"
    SKIPPED = "skipped"


class Skip(StrEnum):
    """Why a sweep left an order alone."""

    LOOK_PENDING = "look_pending"
    WRITE_OPEN = "write_open"
    YOUNG_CHANGE = "young_change"
    OVERTAKEN = "overtaken"
    UNREADABLE = "unreadable"
    NO_JOB = "no_job"


SKIP_MEANING: dict[Skip, str] = {
    Skip.LOOK_PENDING: "it is about to be looked at anyway",
    Skip.WRITE_OPEN: "a change of ours is on its way",
    Skip.YOUNG_CHANGE: "it changed just now",
    Skip.OVERTAKEN: "it changed while it was being read",
    Skip.UNREADABLE: "it could not be read",
    Skip.NO_JOB: "no job of it is known yet",
}


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `position`: the ledger's id of the last order dealt with; `last`: where the run ends.

    `since`: only orders placed or changed since then, and those that do not rest yet; none: all orders.
    `seconds`: time at work.
    """

    id: int
    connection: str
    state: SweepState
    by: str
    reason: str
    since: datetime | None
    started_at: datetime
    moved_at: datetime
    finished_at: datetime | None
    position: int
    last: int
    total: int
    compared: int
    agreed: int
    differing: int
    skipped: int
    calls: int
    seconds: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An order whose turn it is. `changed_at`: when anything of it last changed."""

    stored: StoredCase
    changed_at: datetime


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An order that differs (`why`: the rules that say so) or was skipped (`why`: a `Skip`)."""

    order: int
    kind: Found
    why: str
    is_new: bool = False


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sweep has come with some orders, and what it found; stored whole or not at all."""

    sweep: int
    begins: int
    ends: int
    agreed: int
    findings: tuple[Finding, ...]
    calls: int
    seconds: float
    at: datetime


class SweepMovedError(Exception):
    """Somebody else moved the sweep on, stopped it or ended it; what was about to be stored is not."""


#: From the changes of a batch, and those of them that were saved, to what is stored with them.
BatchOf = Callable[[Sequence[Change], Mapping[str, StoredCase]], Batch]


class SweepStore(Store, Protocol):
    """What sweeps ask of storage, beyond what everything asks."""

    async def running_sweep(self, connection: str) -> Sweep | None: ...

    async def last_sweep_at(self, connection: str) -> datetime | None:
        """When the last sweep began; before the first, when the connection did."""
        ...

    async def begin_sweep(
        self, connection: str, by: str, since: datetime | None, now: datetime
    ) -> Sweep | None:
        """Begin one; none when one is under way already, or when there is no order to sweep."""
        ...

    async def next_orders(self, sweep: Sweep, limit: int) -> list[Candidate]: ...

    def saving_with(self, batch_of: BatchOf, stored: Callable[[], None]) -> Store:
        """A store whose first save also stores a batch: both or, raising `SweepMovedError`, neither.

        `stored` is called when both are.
        """
        ...

    async def save_batch(self, batch: Batch) -> None:
        """Store a batch by itself.

        Raises:
            SweepMovedError: the sweep is not where the batch begins, or is not running.
        """
        ...

    async def end_sweep(
        self, sweep: Sweep, state: SweepState, reason: str, calls: int, now: datetime
    ) -> None: ...

    async def skipped_because(self, sweep: Sweep) -> dict[str, int]:
        """How many orders were skipped for each reason."""
        ...


# Counting calls


class Tally:
    """API calls made on behalf of one sweep since they were last stored."""

    def __init__(self) -> None:
        self.calls = 0

    def take(self) -> int:
        calls, self.calls = self.calls, 0
        return calls


_TALLY: ContextVar[Tally | None] = ContextVar("sweep_tally", default=None)


@contextmanager
def counting(tally: Tally) -> Iterator[None]:
    """Calls made within count on this tally."""
    token = _TALLY.set(tally)
    try:
        yield
    finally:
        _TALLY.reset(token)


def count_call() -> None:
    """Vendor clients' observers say here that a call was made; it counts for the sweep that made it."""
    if (tally := _TALLY.get()) is not None:
        tally.calls += 1
