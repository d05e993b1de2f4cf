"""How far in the journal each destination outside has been told of what happened."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from countermand.ledger.saving import upsert
from countermand.ledger.schema import told


def told_up_to(database: Connection, destination: str) -> dict[str, int]:
    """By chain; one that is not there was never told of."""
    statement = select(told.c.chain, told.c.seq).where(told.c.destination == destination)
    return {row[0]: row[1] for row in database.execute(statement)}


def note_told(database: Connection, destination: str, places: Mapping[str, int]) -> None:
    rows = [{"destination": destination, "chain": chain, "seq": seq} for chain, seq in places.items()]
    upsert(database, told, rows, ("destination", "chain"), ("seq",))
