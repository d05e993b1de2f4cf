"""What the bridge asks of storage: always for many orders at once, and every change fenced by a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from countermand.bridge.case import Case, Written
from countermand.bridge.ports import MisItem
from countermand.bridge.sightings import Sighting
from countermand.core.cancellation import Cancellation
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.core.status import Side
from countermand.core.tasks import TaskKind, Urgency

#: Who acts when no person does.
ITSELF = "countermand"


class State(StrEnum):
    """How an order stands as a whole; lists and counts go by it."""

    IN_STEP = "in_step"
    WAITING = "waiting"
    ON_THE_WAY = "on_the_way"
    NEEDS_PERSON = "needs_person"
    SETTLED = "settled"
    CLOSED = "closed"


class StoredCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case as stored. `id` is the ledger's own; `version` must still hold when a change is saved."""

    id: int
    version: int
    case: Case


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One journal entry: who, what, when (UTC), about what, why, before and after.

    `subject`: `order/10001`, `order/10001/line/s2001`, `task/12`, `brake/cancel_to_mis`, ...
    """

    at: datetime
    event: Event
    subject: str
    why: str = ""
    actor: str = ITSELF
    before: str = ""
    after: str = ""
    extra: dict[str, str] = {}


class TaskWish(msgspec.Struct, frozen=True, kw_only=True):
    """A task that should be open for an order. `group_key` joins one question about many orders."""

    kind: TaskKind
    group_key: str
    line_ids: tuple[str, ...]
    because: str
    detail: str
    assisted: bool
    due_at: datetime
    urgency: Urgency
    owner: str


class Closing(StrEnum):
    """How a task ended."""

    VERIFIED = "verified"
    REPORTED = "reported"
    WORD = "word"
    MOOT = "moot"


class TaskEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A task that is over for an order; a grouped task ends with its last order."""

    id: int
    how: Closing
    by: str
    reason: str


class TaskCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A person said done and the read-back says no: what was seen, in plain words."""

    id: int
    saw: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One order's next version with everything that goes with it, saved whole or not at all.

    `stored`: what it was made from, none for a new order. `sends`: cancels about to be sent, per direction;
    the brake is asked once more in the saving transaction. `state`: none where it stays what it is, and
    `urgency` with it.
    """

    stored: StoredCase | None
    case: Case
    state: State | None
    due_at: datetime | None
    #: Of the most urgent open task.
    urgency: Urgency | None = None
    #: Something that people would call news happened, not only another look.
    changed: bool = True
    in_step_at: datetime | None = None
    references: frozenset[tuple[str, str]] = frozenset()
    #: References that lead to this order no more.
    dropped: frozenset[tuple[str, str]] = frozenset()
    sightings: tuple[Sighting, ...] = ()
    written: tuple[Written, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    opens: tuple[TaskWish, ...] = ()
    closes: tuple[TaskEnd, ...] = ()
    checks: tuple[TaskCheck, ...] = ()
    journal: tuple[Entry, ...] = ()
    sends: frozenset[Direction] = frozenset()


class BrakeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many distinct orders may newly want a cancel before everything unsent is held."""

    burst: int
    window: timedelta
    daily: int


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A stored message that has not been dealt with yet."""

    id: int
    side: Side
    received_at: datetime
    content_type: str
    body: bytes
    tries: int


class HookEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message: `done`, `quarantined`, or `waiting` for its order until `due_at`."""

    id: int
    state: str
    reason: str = ""
    due_at: datetime | None = None


class Store(Protocol):
    """Storage of one installation, as the bridge sees it. `connection` is a connection's name."""

    async def due(self, connection: str, now: datetime, limit: int) -> list[StoredCase]:
        """Orders whose `due_at` has come, most overdue first."""
        ...

    async def bring_forward(self, connection: str, latest: datetime, now: datetime) -> None:
        """Make due now what is due after `latest`: only a clock that was ahead can have said so."""
        ...

    async def load(self, connection: str, order_ids: Sequence[str]) -> dict[str, StoredCase]:
        """The cases of storefront order ids that are known."""
        ...

    async def newest(self, connection: str, limit: int, without: Sequence[str]) -> list[StoredCase]:
        """The orders that became known last and are not closed, newest first, but for these order ids."""
        ...

    async def orders_of(
        self, connection: str, kind: str, values: Sequence[str]
    ) -> dict[str, tuple[str, ...]]:
        """Which orders a line id (`line`), job or sales order number (`item`) and so on belongs to."""
        ...

    async def save(
        self,
        connection: str,
        changes: Sequence[Change],
        now: datetime,
        limits: Mapping[Direction, BrakeLimits],
    ) -> dict[str, StoredCase]:
        """Save changes in one transaction; returns the new stored cases by order id.

        An order that is missing from the answer was changed by somebody else meanwhile, or the brake
        stopped its cancel: nothing of its change was saved.
        """
        ...

    async def brakes(self, connection: str) -> frozenset[Direction]:
        """Directions whose mass-cancel brake is on."""
        ...

    async def hooks(self, connection: str, now: datetime, limit: int) -> list[Hook]:
        """Messages to deal with, oldest first."""
        ...

    async def finish_hooks(self, connection: str, ends: Sequence[HookEnd], now: datetime) -> None: ...

    async def keep_unlinked(self, connection: str, items: Sequence[MisItem]) -> None:
        """Remember jobs and sales orders that belong to no known order yet."""
        ...

    async def unlinked(self, connection: str, references: Sequence[str]) -> list[MisItem]:
        """Remembered items whose own number, customer or external reference is one of these."""
        ...

    async def drop_unlinked(self, connection: str, refs: Sequence[str]) -> None: ...

    async def watermark(self, connection: str, name: str) -> datetime | None: ...

    async def set_watermark(self, connection: str, name: str, reached: datetime) -> None: ...
