"""What our own newest write means for the judgement of its line.

A write is awaited until a read that began after its answer shows it; it is never repeated after it was
applied, once after no clear answer, and after a refusal only when the other side has changed since; one that
was never sent is decided anew. What it made both sides say counts as agreed from then on.
"""

from __future__ import annotations

from datetime import datetime

from countermand.core.command import (
    MOST_ATTEMPTS,
    Change,
    Command,
    Outcome,
    effect_visible,
    next_read_back,
)
from countermand.core.line import Line
from countermand.core.policy import direction_of
from countermand.core.status import Facts, Intent, Pair, Progress, Reading, same
from countermand.core.table import CONFLICTS, decide
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask, Push, Verdict, Wait


def awaiting(line: Line) -> Wait | None:
    """Our own write is on its way: only a read that began after the answer tells. A conflict never waits."""
    command = line.command
    if command is None or command.verified_at is not None or _conflict(line):
        return None
    target = line.reading(command.target)
    return None if _shows(command, target) else read_back(command, target.began_at)


def read_back(command: Command, began_at: datetime) -> Wait | None:
    """Until when an effect may still show that a read begun at that time did not; none: it should have."""
    match command.effective_outcome:
        case Outcome.APPLIED | Outcome.ALREADY:
            until = next_read_back(command, began_at)
            return Wait("read-back", until) if until is not None else None
        case Outcome.UNKNOWN if began_at < command.settles_at:
            return Wait("unknown-outcome", command.settles_at)
        case Outcome.NOT_SENT if began_at < command.settles_at:
            return Wait("not-sent", command.settles_at)
        case _:
            return None


def _shows(command: Command, target: Reading) -> bool:
    """Whether a read that began after the answer shows what the write wanted."""
    return target.began_at >= (command.answered_at or command.sent_at) and effect_visible(command, target)


def _conflict(line: Line) -> bool:
    storefront, mis = line.storefront.status, line.mis.status
    if not (isinstance(storefront, Facts) and isinstance(mis, Facts)):
        return False
    return decide(storefront, mis).task in CONFLICTS


def not_again(line: Line, verdict: Verdict) -> Verdict:
    """A write that failed is a person's, as long as it is still needed: never sent again by itself."""
    command = line.command
    if command is None or command.verified_at is not None or not isinstance(verdict, Push):
        return verdict
    same = direction_of(verdict.change, verdict.target) is direction_of(command.change, command.target)
    if not same or _shows(command, line.reading(command.target)):
        return verdict
    return _failed(command, line) or verdict


def has_failed(command: Command | None, line: Line) -> bool:
    """Whether a write about one of a line's jobs is a person's by now, whatever became of the others."""
    return command is not None and command.verified_at is None and _failed(command, line) is not None


def _failed(command: Command, line: Line) -> Ask | None:
    match command.effective_outcome:
        case Outcome.APPLIED | Outcome.ALREADY:
            return Ask("written-not-visible", TaskKind.NOT_VISIBLE, command.change.value)
        case Outcome.UNKNOWN:
            asked_enough = command.attempts >= MOST_ATTEMPTS
            return Ask("write-unknown", TaskKind.WRITE_UNKNOWN, command.said) if asked_enough else None
        case Outcome.REFUSED | Outcome.UNSUPPORTED:
            source = line.reading(command.target.other).status
            if command.because is not None and not same(command.because, source):
                return None
            said = command.said or command.effective_outcome.value
            return Ask("write-refused", TaskKind.WRITE_REFUSED, said)
        case Outcome.NOT_SENT:
            return None


def brought_about(line: Line) -> Pair | None:
    """What our own newest write made both sides say: as good as a base, before it is stored as one.

    Without it, a side that is re-opened before the next pass would make our own write look like news.
    """
    command = line.command
    if command is None or command.change not in _AGREED:
        return None
    if command.verified_at is None and not effect_visible(command, line.reading(command.target)):
        return None
    return Pair(_AGREED[command.change], _AGREED[command.change])


_AGREED = {
    Change.CANCEL: Facts(Intent.CANCELLED, Progress.NONE),
    Change.SHIP: Facts(Intent.OPEN, Progress.DISPATCHED),
    Change.SHIP_PART: Facts(Intent.OPEN, Progress.PART_DISPATCHED),
}
