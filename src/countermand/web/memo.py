"""Figures that many pages ask for, counted once: as long as nothing happened, they hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from countermand.ledger import records, views
from countermand.ledger.figures import Figures, figures

#: The counts hold while the journal stands still, but never longer than this.
_COUNTS_HOLD = timedelta(seconds=5)
#: Half a minute makes no difference to figures about two weeks.
_FIGURES_HOLD = timedelta(seconds=30)


class Memo:
    """What was counted last. Pages share it across threads; the worst a race does is count twice."""

    def __init__(self) -> None:
        self._counts: tuple[dict[str, int], datetime, dict[str, int]] | None = None
        self._figures: dict[timedelta, tuple[datetime, Figures]] = {}

    def counts(self, database: Connection, now: datetime) -> dict[str, int]:
        """Orders by how they stand."""
        ends, known = records.journal_ends(database), self._counts
        if known is not None and known[0] == ends and now - known[1] < _COUNTS_HOLD:
            return known[2]
        counted = views.count_states(database)
        self._counts = (ends, now, counted)
        return counted

    def figures(self, database: Connection, now: datetime, offset: timedelta) -> Figures:
        """The overview's figures, for viewers whose day begins at this offset from UTC."""
        known = self._figures.get(offset)
        if known is not None and now - known[0] < _FIGURES_HOLD:
            return known[1]
        counted = figures(database, now, offset)
        self._figures[offset] = (now, counted)
        return counted
