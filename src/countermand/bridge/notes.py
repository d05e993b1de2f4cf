"""Notes for the storefront's people: what is stored of those that were written. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.case import Case
from countermand.bridge.store import Change, Entry, State, StoredCase
from countermand.core.command import Answer
from countermand.core.events import Event
from countermand.core.tasks import most_urgent


def noted(stored: StoredCase, notes: Sequence[str], entries: Sequence[Entry], now: datetime) -> Change:
    """The order without these notes, due at once: whatever else became of it meanwhile is judged then."""
    left = list(stored.case.notes_due)
    for note in notes:
        if note in left:
            left.remove(note)
    kinds = [task.kind for task in stored.case.tasks]
    return Change(
        stored=stored,
        case=replace(stored.case, notes_due=tuple(left)),
        state=State.NEEDS_PERSON if kinds else State.ON_THE_WAY,
        urgency=most_urgent(kinds),
        due_at=now,
        journal=tuple(entries),
    )


def note_entry(case: Case, note: str, answer: Answer, at: datetime) -> Entry:
    return Entry(
        at=at,
        event=Event.NOTE_WRITTEN,
        subject=f"order/{case.order_id}",
        why=note,
        after=answer.outcome.value,
        extra={"said": answer.said} if answer.said else {},
    )
