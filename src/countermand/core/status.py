"""What one system says about one line, as two independent facts.

Cancelling and dispatching are independent axes in both systems (Infigo: order status beside shipping
status; printIQ: production status 17 beside a delivery), so a line has an *intent* and a *progress*,
and never one enum that would have to choose between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec


class Side(StrEnum):
    STOREFRONT = "storefront"
    MIS = "mis"

    @property
    def other(self) -> Side:
        return Side.MIS if self is Side.STOREFRONT else Side.STOREFRONT


class Intent(StrEnum):
    OPEN = "open"
    HELD = "held"
    CANCELLED = "cancelled"


class Progress(StrEnum):
    """How far the goods are; `rank` orders it."""

    NONE = "none"
    STARTED = "started"
    PRODUCED = "produced"
    PART_DISPATCHED = "part_dispatched"
    DISPATCHED = "dispatched"

    @property
    def rank(self) -> int:
        return _RANK[self]


_RANK = {progress: rank for rank, progress in enumerate(Progress)}
_SENT = frozenset({Progress.PART_DISPATCHED, Progress.DISPATCHED})


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """A line as one system reports it.

    `history_known` is false when the system reports a state that hides how far work had come (on
    hold, cancelled) and no earlier status was seen: the guards treat that as "may have started".
    """

    intent: Intent
    progress: Progress
    history_known: bool = True

    def __str__(self) -> str:
        return f"{self.intent.value}/{self.progress.value}"

    @property
    def cancelled(self) -> bool:
        return self.intent is Intent.CANCELLED

    @property
    def sent(self) -> bool:
        """Some or all of the goods have left."""
        return self.progress in _SENT


class Unseen(msgspec.Struct, frozen=True, tag="unseen"):
    """Not found in this system yet."""

    def __str__(self) -> str:
        return "unseen"


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """Not found any more, after it was seen. Absence is never a cancellation.

    `partly`: only some of the jobs that make the line are gone.
    """

    partly: bool = False

    def __str__(self) -> str:
        return "partly gone" if self.partly else "gone"


class Unreadable(msgspec.Struct, frozen=True, tag="unreadable"):
    """The system answered with something that is no status, or did not answer."""

    reason: str = ""

    def __str__(self) -> str:
        return "unreadable"


class Unmapped(msgspec.Struct, frozen=True, tag="unmapped"):
    """A raw status this connection's mapping does not know; it is asked about once, never guessed."""

    raw: str = ""

    def __str__(self) -> str:
        return f"unmapped({self.raw})"


LineStatus: TypeAlias = Facts | Unseen | Gone | Unreadable | Unmapped

UNSEEN = Unseen()
GONE = Gone()
OPEN = Facts(Intent.OPEN, Progress.NONE)


def parse_status(text: str) -> LineStatus:
    """A status from its text form, as it stands in what was stored about a sighting.

    The text does not say whether the history behind a hold or a cancel was known, so it counts as unknown.

    Raises:
        ValueError: the text is no status.
    """
    named: dict[str, LineStatus] = {
        "unseen": UNSEEN, "gone": GONE, "partly gone": Gone(partly=True), "unreadable": Unreadable(),
    }  # fmt: skip
    if text in named:
        return named[text]
    if text.startswith("unmapped(") and text.endswith(")"):
        return Unmapped(text.removeprefix("unmapped(").removesuffix(")"))
    intent, slash, progress = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is not a line status such as open/none")
    return Facts(Intent(intent), Progress(progress), history_known=intent == Intent.OPEN.value)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A line status as last read from one system.

    `began_at`: when the read began (a read that began before a write says nothing about that write).
    `since`: when a read that showed this status was first answered; the undo window and the vendor's grace
    run from it.
    `tracking`: every tracking code seen, a set, because one parcel never overwrites another.
    """

    status: LineStatus
    began_at: datetime
    since: datetime
    tracking: frozenset[str] = frozenset()


class Pair(msgspec.Struct, frozen=True):
    """Both sides' facts at one moment: the base of the three-way merge, or what a settlement covers."""

    storefront: LineStatus
    mis: LineStatus

    def side(self, side: Side) -> LineStatus:
        return self.storefront if side is Side.STOREFRONT else self.mis


def with_history(status: LineStatus, furthest_seen: Progress | None) -> LineStatus:
    """Fill in what a status hides: on hold and cancelled hide the furthest progress ever seen.

    A job that was sent back hides it too: it says "not started", and its paper may be printed already.
    `furthest_seen` is none when no status that shows progress was ever read.
    """
    if not isinstance(status, Facts) or furthest_seen is None:
        return status
    if not status.history_known:
        return Facts(status.intent, furthest([status.progress, furthest_seen]))
    if status.progress.rank >= furthest_seen.rank:
        return status
    return Facts(status.intent, status.progress, history_known=False)


def furthest(progresses: Iterable[Progress]) -> Progress:
    """The furthest of several progresses; `NONE` when there are none."""
    return max(progresses, key=lambda progress: progress.rank, default=Progress.NONE)


def combine(statuses: Iterable[LineStatus]) -> LineStatus:
    """One line status from the several jobs (or split sales orders) that make the line.

    Anything unknown about one part makes the whole unknown; a line counts as cancelled only when
    every part is, and as dispatched only when every part that was not cancelled is.
    """
    parts = list(statuses)
    if len(parts) == 1:
        return parts[0]
    for kind in (Unreadable, Unmapped):
        found = next((part for part in parts if isinstance(part, kind)), None)
        if found is not None:
            return found
    if any(isinstance(part, Gone) for part in parts):
        return Gone(partly=not all(part == GONE for part in parts))
    facts = [part for part in parts if isinstance(part, Facts)]
    if not facts:
        return UNSEEN
    if len(facts) < len(parts):
        return Unreadable("not all of its jobs were found")
    return _combine_facts(facts)


def _combine_facts(facts: list[Facts]) -> Facts:
    live = [fact for fact in facts if not fact.cancelled]
    if not live:
        intent = Intent.CANCELLED
    elif any(fact.intent is Intent.HELD for fact in live):
        intent = Intent.HELD
    else:
        intent = Intent.OPEN
    progress = _joint_progress([fact.progress for fact in live or facts], [fact.progress for fact in facts])
    return Facts(intent, progress, history_known=all(fact.history_known for fact in facts))


def _joint_progress(counted: list[Progress], every: list[Progress]) -> Progress:
    if all(progress is Progress.DISPATCHED for progress in counted):
        return Progress.DISPATCHED
    if any(progress in _SENT for progress in every):
        return Progress.PART_DISPATCHED
    return furthest(every)


def same(one: LineStatus, other: LineStatus) -> bool:
    """Equal as facts: whether the history is known is no part of a status."""
    if isinstance(one, Facts) and isinstance(other, Facts):
        return one.intent is other.intent and one.progress is other.progress
    if isinstance(one, Unreadable) and isinstance(other, Unreadable):
        return True
    return one == other


def same_pair(one: Pair, other: Pair) -> bool:
    return same(one.storefront, other.storefront) and same(one.mis, other.mis)
