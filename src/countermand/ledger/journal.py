"""The journal: what happened, chained so that no entry can be changed, removed or moved unseen.

Each connection has a chain of its own, so that thousands of shops on one database do not queue behind one
another; the chain `countermand` holds what concerns the installation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import BigInteger, Connection, bindparam, insert, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from countermand.bridge.store import Entry
from countermand.ledger.columns import encode, to_micros
from countermand.ledger.schema import journal, journal_head

#: The hash before the first entry of every chain.
GENESIS = "0" * 64
#: The chain of the installation itself.
INSTALLATION = "countermand"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Where a chain does not hold, and what is wrong there."""

    chain: str
    seq: int
    what: str


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of an entry that is stored as one JSON text."""

    why: str = ""
    before: str = ""
    after: str = ""
    extra: dict[str, str] = {}


def entry_hash(
    prev: str, chain: str, seq: int, micros: int, event: str, actor: str, subject: str, body: str
) -> str:
    """SHA-256 over the previous hash and every stored field, each with its length before it.

    The lengths keep two different entries from giving the same bytes by moving text between fields.
    """
    digest = hashlib.sha256()
    for field in (prev, chain, str(seq), str(micros), event, actor, subject, body):
        raw = field.encode()
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def append(connection: Connection, chain: str, entries: Sequence[Entry]) -> None:
    """Add entries to the end of a chain, in the caller's transaction."""
    if not entries:
        return
    seq, prev = _lock_head(connection, chain)
    rows = []
    for entry in entries:
        seq += 1
        body = encode(Body(why=entry.why, before=entry.before, after=entry.after, extra=entry.extra)).decode()
        digest = entry_hash(
            prev, chain, seq, to_micros(entry.at), entry.event.value, entry.actor, entry.subject, body
        )
        rows.append(
            {
                "chain": chain, "seq": seq, "at": entry.at, "event": entry.event.value,
                "actor": entry.actor, "subject": entry.subject, "body": body, "prev": prev, "hash": digest,
            }
        )  # fmt: skip
        prev = digest
    connection.execute(insert(journal), rows)
    connection.execute(_MOVE_HEAD, {"head_chain": chain, "head_seq": seq, "head_hash": prev})


_HEAD = (
    select(journal_head.c.seq, journal_head.c.hash)
    .where(journal_head.c.chain == bindparam("head_chain"))
    .with_for_update()
)
_MOVE_HEAD = (
    update(journal_head)
    .where(journal_head.c.chain == bindparam("head_chain"))
    .values(seq=bindparam("head_seq"), hash=bindparam("head_hash"))
)


def _lock_head(connection: Connection, chain: str) -> tuple[int, str]:
    head = connection.execute(_HEAD, {"head_chain": chain}).one_or_none()
    if head is None:
        start = {"chain": chain, "seq": 0, "hash": GENESIS}
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(journal_head).on_conflict_do_nothing(), start)
        head = connection.execute(_HEAD, {"head_chain": chain}).one()
    return head.seq, head.hash


def chains(connection: Connection) -> list[str]:
    return list(connection.scalars(select(journal_head.c.chain).order_by(journal_head.c.chain)))


def verify(connection: Connection, chain: str) -> Iterator[Fault]:
    """Walk a chain from its beginning and say each place where it does not hold."""
    expected_seq, prev = 1, GENESIS
    for row in _stored(connection, chain):
        if row.seq != expected_seq:
            yield Fault(chain=chain, seq=expected_seq, what=f"entry missing: found {row.seq} instead")
            expected_seq = row.seq
        if row.prev != prev:
            yield Fault(chain=chain, seq=row.seq, what="does not continue the entry before it")
        right = entry_hash(row.prev, chain, row.seq, row.at, row.event, row.actor, row.subject, row.body)
        if row.hash != right:
            yield Fault(chain=chain, seq=row.seq, what="its content does not match its hash")
        expected_seq, prev = row.seq + 1, row.hash
    head = connection.execute(_HEAD, {"head_chain": chain}).one_or_none()
    if head is None or (head.seq, head.hash) != (expected_seq - 1, prev):
        yield Fault(chain=chain, seq=expected_seq - 1, what="the recorded end of the chain is another entry")


class _Stored(msgspec.Struct, frozen=True):
    seq: int
    at: int
    event: str
    actor: str
    subject: str
    body: str
    prev: str
    hash: str


def _stored(connection: Connection, chain: str) -> Iterable[_Stored]:
    """Rows exactly as stored: no conversion may hide a change."""
    columns = ("seq", "at", "event", "actor", "subject", "body", "prev", "hash")
    statement = (
        select(
            *(
                type_coerce(journal.c[name], BigInteger) if name == "at" else journal.c[name]
                for name in columns
            )
        )
        .where(journal.c.chain == chain)
        .order_by(journal.c.seq)
    )
    for row in connection.execute(statement.execution_options(yield_per=1000)):
        yield _Stored(*row)
