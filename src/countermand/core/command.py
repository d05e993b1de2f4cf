"""A write of ours to one system, and what is known about its effect.

Machine status (did our call work) and business outcome (what the other system said) stay apart: only a
read that *began after* the answer proves a change.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from countermand.core.status import Facts, LineStatus, Reading, Side

#: When to read back after an answer; after the last one a person is asked.
READ_BACK_AFTER = tuple(timedelta(seconds=seconds) for seconds in (0, 1, 5, 30, 120))
#: How long an unanswered write may still take effect before a read may call it ineffective.
SETTLE_TIME = timedelta(seconds=30)
#: A write whose outcome stays unknown is sent at most this often.
MOST_ATTEMPTS = 2


class Change(StrEnum):
    """What a write wants the target to become."""

    CANCEL = "cancel"
    SHIP = "ship"
    SHIP_PART = "ship_part"
    TRACK = "track"


class Outcome(StrEnum):
    """What the other system said: a closed set, whatever status code it came with."""

    APPLIED = "applied"
    ALREADY = "already"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"
    #: Never made: the other system had asked for a pause.
    NOT_SENT = "not_sent"


#: The other system said no, or was not asked: nothing of the write can still take effect.
NOT_DONE = frozenset({Outcome.REFUSED, Outcome.UNSUPPORTED, Outcome.NOT_SENT})


class RefusalReason(StrEnum):
    """Why a cancellation was refused (terms of CIP4 PrintTalk, extended)."""

    MILESTONE = "milestone"
    DISPATCHED = "dispatched"
    INVOICED = "invoiced"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    DUPLICATE = "duplicate"
    OTHER = "other"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's answer to one write, mapped to the closed set, with the raw words kept."""

    outcome: Outcome
    reason: RefusalReason | None = None
    said: str = ""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Our newest write for one line. `answered_at` is none while no answer came (or we crashed)."""

    target: Side
    change: Change
    sent_at: datetime
    answered_at: datetime | None = None
    outcome: Outcome | None = None
    reason: RefusalReason | None = None
    said: str = ""
    attempts: int = 1
    tracking: frozenset[str] = frozenset()
    #: What the source side said when the write was decided; a changed source reopens a closed write.
    because: LineStatus | None = None
    verified_at: datetime | None = None

    @property
    def effective_outcome(self) -> Outcome:
        return self.outcome or Outcome.UNKNOWN

    @property
    def settles_at(self) -> datetime:
        """From when on a read may say that the write had no effect, or, if it was never sent, it may be."""
        if self.effective_outcome in (Outcome.UNKNOWN, Outcome.NOT_SENT):
            return (self.answered_at or self.sent_at) + SETTLE_TIME
        return self.answered_at or self.sent_at


def effect_visible(command: Command, target: Reading) -> bool:
    """Whether the target now shows what the command wanted."""
    status = target.status
    if not isinstance(status, Facts):
        return False
    if command.change is Change.CANCEL:
        return status.cancelled
    if command.change is Change.SHIP:
        return status.progress.value == "dispatched"
    if command.change is Change.SHIP_PART:
        return status.sent
    return command.tracking <= target.tracking


def next_read_back(command: Command, now: datetime) -> datetime | None:
    """When to read the target again after an answer, or none when every read-back has been used."""
    answered = command.answered_at or command.sent_at
    return next((answered + wait for wait in READ_BACK_AFTER if answered + wait > now), None)
