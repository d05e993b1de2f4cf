"""Reading what happened: the journal by order, by filter and by place; sightings; messages as they came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, func, literal, or_, select, tuple_

from countermand.bridge.store import ITSELF
from countermand.ledger.columns import Moment, from_micros, to_micros
from countermand.ledger.schema import BY_PEOPLE, inbox, journal, journal_head, sighting
from countermand.ledger.views import ListPlaceError, rows_of


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    chain: str
    seq: int
    at: datetime
    event: str
    actor: str
    subject: str
    body: str
    hash: str

    @property
    def key(self) -> str:
        return f"{to_micros(self.at)}-{self.seq}-{self.chain}"


class SightingRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    side: str
    ref: str
    began_at: datetime
    before: str
    after: str
    raw: str


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it came from one of the systems."""

    id: int
    connection: str
    side: str
    received_at: datetime
    content_type: str
    body: bytes
    state: str
    reason: str


_JOURNAL = (
    journal.c.chain, journal.c.seq, journal.c.at, journal.c.event, journal.c.actor,
    journal.c.subject, journal.c.body, journal.c.hash,
)  # fmt: skip
_SIGHTING = (
    sighting.c.id, sighting.c.side, sighting.c.ref, sighting.c.began_at,
    sighting.c.before, sighting.c.after, sighting.c.raw,
)  # fmt: skip
_MESSAGE = (
    inbox.c.id, inbox.c.connection, inbox.c.side, inbox.c.received_at, inbox.c.content_type,
    inbox.c.body, inbox.c.state, inbox.c.reason,
)  # fmt: skip


def order_journal(database: Connection, connection: str, order_ref: str) -> list[JournalRow]:
    """Everything that happened to one order, oldest first."""
    return journal_about(database, connection, [f"order/{order_ref}"])


def journal_about(database: Connection, chain: str, subjects: Sequence[str]) -> list[JournalRow]:
    """Entries about some subjects and what is below them, oldest first."""
    # One span of the index per subject; an "or" of both forms would go through the whole chain.
    found: list[JournalRow] = []
    for subject in subjects:
        own = or_(journal.c.subject == subject, func.substr(journal.c.subject, len(subject) + 1, 1) == "/")
        span = and_(journal.c.subject >= subject, journal.c.subject < f"{subject}0")
        found += rows_of(database, select(*_JOURNAL).where(journal.c.chain == chain, span, own), JournalRow)
    return sorted(found, key=lambda row: row.seq)


class JournalFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are asked for; what is empty leaves nothing out. `subject`: `order/10001`, `task/7`."""

    chain: str = ""
    events: tuple[str, ...] = ()
    actor: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, row: JournalRow) -> bool:
        return (
            self.chain in ("", row.chain)
            and (not self.events or row.event in self.events)
            and self.actor in ("", row.actor)
            and (self.since is None or row.at >= self.since)
            and (self.until is None or row.at < self.until)
        )


def list_journal(
    database: Connection, wanted: JournalFilter, *, limit: int = 100, after: str = ""
) -> list[JournalRow]:
    """Entries of all chains, newest first."""
    place = _journal_place(after) if after else None
    if wanted.subject:
        chains = [wanted.chain] if wanted.chain else list(journal_ends(database))
        rows = [row for chain in chains for row in journal_about(database, chain, [wanted.subject])]
        rows = [row for row in rows if wanted.takes(row)]
    else:
        # One walk down an index per event; a sort of all that match would grow with the journal.
        events = wanted.events or ("",)
        rows = [row for event in events for row in _newest(database, wanted, event, limit, place)]
    newest = sorted(rows, key=_at, reverse=True)
    return [row for row in newest if place is None or _at(row) < place][:limit]


def _at(row: JournalRow) -> tuple[datetime, str, int]:
    return row.at, row.chain, row.seq


def _newest(
    database: Connection,
    wanted: JournalFilter,
    event: str,
    limit: int,
    place: tuple[datetime, str, int] | None,
) -> list[JournalRow]:
    key = (journal.c.at, journal.c.chain, journal.c.seq)
    statement = select(*_JOURNAL).order_by(*(column.desc() for column in key)).limit(limit)
    if event:
        statement = statement.where(journal.c.event == event)
    if wanted.chain:
        statement = statement.where(journal.c.chain == wanted.chain)
    if wanted.actor:
        statement = statement.where(journal.c.actor == wanted.actor)
        if wanted.actor != ITSELF:
            statement = statement.where(BY_PEOPLE)
    if wanted.since is not None:
        statement = statement.where(journal.c.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(journal.c.at < wanted.until)
    if place is not None:
        at, chain, seq = place
        statement = statement.where(tuple_(*key) < tuple_(literal(at, Moment), chain, seq))
    return rows_of(database, statement, JournalRow)


def _journal_place(key: str) -> tuple[datetime, str, int]:
    try:
        micros, seq, chain = key.split("-", 2)
        return from_micros(int(micros)), chain, int(seq)
    except (ValueError, OverflowError):
        raise ListPlaceError(key) from None


def order_sightings(database: Connection, order_row_id: int) -> list[SightingRow]:
    """What either system showed anew of one order, with the raw answers, oldest first."""
    statement = select(*_SIGHTING).where(sighting.c.order_id == order_row_id).order_by(sighting.c.id)
    return rows_of(database, statement, SightingRow)


def find_sighting(database: Connection, sighting_id: int) -> SightingRow | None:
    return next(
        iter(rows_of(database, select(*_SIGHTING).where(sighting.c.id == sighting_id), SightingRow)), None
    )


def messages_between(
    database: Connection, connection: str, windows: Sequence[tuple[datetime, datetime]], limit: int = 500
) -> list[MessageRow]:
    """Messages received within some spans of time, oldest first."""
    if not windows:
        return []
    within = or_(*(and_(inbox.c.received_at >= start, inbox.c.received_at <= end) for start, end in windows))
    statement = (
        select(*_MESSAGE)
        .where(inbox.c.connection == connection, within)
        .order_by(inbox.c.received_at, inbox.c.id)
        .limit(limit)
    )
    return rows_of(database, statement, MessageRow)


def find_message(database: Connection, message_id: int) -> MessageRow | None:
    return next(iter(rows_of(database, select(*_MESSAGE).where(inbox.c.id == message_id), MessageRow)), None)


def last_messages(database: Connection, connection: str) -> dict[str, datetime]:
    """When each side last sent a message."""
    statement = select(inbox.c.side, func.max(inbox.c.received_at)).where(inbox.c.connection == connection)
    return {row[0]: row[1] for row in database.execute(statement.group_by(inbox.c.side))}


def journal_ends(database: Connection) -> dict[str, int]:
    """How far each chain has come: changes with every entry."""
    return {row[0]: row[1] for row in database.execute(select(journal_head.c.chain, journal_head.c.seq))}


def journal_since(database: Connection, chain: str, seq: int, limit: int) -> list[JournalRow]:
    """Entries of one chain after a place, oldest first."""
    statement = (
        select(*_JOURNAL)
        .where(journal.c.chain == chain, journal.c.seq > seq)
        .order_by(journal.c.seq)
        .limit(limit)
    )
    return rows_of(database, statement, JournalRow)
