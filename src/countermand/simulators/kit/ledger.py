"""The write ledger: every write a simulator received, in order of arrival, with its effect.

Tests read it to prove that nothing was lost and nothing was done twice.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypedDict

import msgspec


class LedgerEntry(TypedDict):
    seq: int
    at: str
    call: str
    target: str
    effect: str
    detail: dict[str, object]


def utc_now() -> datetime:
    return datetime.now(UTC)


class WriteLedger:
    """Every write received, in order of arrival; `clock` gives the time of each entry."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._entries: list[LedgerEntry] = []

    def record(self, call: str, target: str, effect: str, detail: Mapping[str, object] | None = None) -> None:
        """Append one write: the call's name, what it was aimed at, and what it did."""
        entry = LedgerEntry(
            seq=len(self._entries) + 1,
            at=self._clock().isoformat(),
            call=call,
            target=target,
            effect=effect,
            detail=dict(detail or {}),
        )
        self._entries.append(entry)

    def record_ignored(self, rehearsed: "WriteLedger") -> None:
        """Append what a fault kept without effect, and what it would have done."""
        for entry in rehearsed.entries():
            effect = f"ignored by fault, would have been: {entry['effect']}"
            self.record(entry["call"], entry["target"], effect, entry["detail"])

    def entries(self) -> list[LedgerEntry]:
        """Return the entries as JSON-ready dicts, oldest first."""
        return list(self._entries)

    def since(self, count: int) -> list[LedgerEntry]:
        """Return the entries after the first `count`."""
        return self._entries[count:]

    def __len__(self) -> int:
        return len(self._entries)

    def to_json(self) -> bytes:
        return msgspec.json.encode(self._entries)
