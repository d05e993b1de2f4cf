"""The journal: what happened, chained so that no entry can be changed, removed or moved unseen.

Each connection has a chain of its own, so that thousands of shops on one database do not queue behind one
another; the chain `countermand` holds what concerns the installation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    bindparam,
    cast,
    false,
    func,
    insert,
    inspect,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.ledger.columns import encode, storable, to_micros
from countermand.ledger.prepared import Prepared
from countermand.ledger.schema import connection as known_connection
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


#: What is hashed has to be what is stored, see `columns.Words`.
_SUBJECT_LENGTH = 128
_NUMBERS = ("seq", "at")
#: What stands in place of an actor and a body that were erased.
ERASED_ACTOR, ERASED_BODY = "erased", '{"extra":{"erased":"yes"}}'


def digest(*fields: str) -> str:
    """SHA-256 over several texts, each with its length before it.

    The lengths keep two different entries from giving the same bytes by moving text between fields.
    """
    parts: list[bytes] = []
    for field in fields:
        raw = field.encode(errors="surrogateescape")
        parts += (len(raw).to_bytes(8, "big"), raw)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def link_of(chain: str, seq: int, micros: int, event: str, subject: str, content: str) -> str:
    """What one entry adds to its chain: all that a proof has to show of the entries of other orders."""
    return digest(chain, str(seq), str(micros), event, subject, content)


def append(connection: Connection, chain: str, entries: Sequence[Entry]) -> None:
    """Add entries to the end of a chain, in the caller's transaction."""
    if not entries:
        return
    seq, prev = _lock_head(connection, chain)
    rows = []
    for entry in entries:
        seq += 1
        body = encode(Body(why=entry.why, before=entry.before, after=entry.after, extra=entry.extra)).decode()
        actor, subject = storable(entry.actor), storable(entry.subject, _SUBJECT_LENGTH)
        content = digest(actor, body)
        link = link_of(chain, seq, to_micros(entry.at), entry.event.value, subject, content)
        chained = digest(prev, link)
        rows.append(
            {
                "chain": chain, "seq": seq, "at": entry.at, "event": entry.event.value,
                "actor": actor, "subject": subject, "body": body, "content": content,
                "prev": prev, "hash": chained,
            }
        )  # fmt: skip
        prev = chained
    _INSERT.run_many(connection, rows)
    _MOVE_HEAD.run(connection, {"head_chain": chain, "head_seq": seq, "head_hash": prev})


def erase(connection: Connection, chain: str, subjects: Sequence[str]) -> int:
    """Erase who and what of every entry about these subjects (and what is below them); how many."""
    below = (journal.c.subject.startswith(f"{subject}/", autoescape=True) for subject in subjects)
    about = or_(journal.c.subject.in_(subjects), *below)
    statement = update(journal).where(journal.c.chain == chain, about)
    return connection.execute(statement.values(actor=ERASED_ACTOR, body=ERASED_BODY)).rowcount


_INSERT = Prepared(
    insert(journal),
    "chain", "seq", "at", "event", "actor", "subject", "body", "content", "prev", "hash",
)  # fmt: skip
_HEAD = Prepared(
    select(journal_head.c.seq, journal_head.c.hash)
    .where(journal_head.c.chain == bindparam("head_chain"))
    .with_for_update()
)
_MOVE_HEAD = Prepared(
    update(journal_head)
    .where(journal_head.c.chain == bindparam("head_chain"))
    .values(seq=bindparam("head_seq"), hash=bindparam("head_hash"))
)


def _lock_head(connection: Connection, chain: str) -> tuple[int, str]:
    if not (heads := _HEAD.all(connection, {"head_chain": chain})):
        start = {"chain": chain, "seq": 0, "hash": GENESIS}
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(journal_head).on_conflict_do_nothing(), start)
        heads = _HEAD.all(connection, {"head_chain": chain})
    ((seq, prev),) = heads
    return seq, prev


def _chains_with_entries() -> Select[Any]:
    """Walks the index from chain to chain, not through all entries."""
    found = select(func.min(journal.c.chain).label("chain")).cte(recursive=True)
    following = select(func.min(journal.c.chain)).where(journal.c.chain > found.c.chain).scalar_subquery()
    found = found.union_all(select(following).where(found.c.chain.is_not(None)))
    return select(found.c.chain)


_CHAINS_WITH_ENTRIES = _chains_with_entries()


def chains(connection: Connection) -> list[str]:
    """Every chain, also one whose recorded end was taken away."""
    known = set(connection.scalars(select(journal_head.c.chain)))
    known |= set(connection.scalars(_CHAINS_WITH_ENTRIES)) - {None}
    return sorted(known, key=str)  # SQLite may hold bytes for one, which `verify` then says


def emptied(connection: Connection) -> Iterator[Fault]:
    """Chains without an entry although their connection was started, of which the first entry tells."""
    if not inspect(connection).has_table(known_connection.name):
        return  # a journal by itself
    known = set(connection.scalars(select(known_connection.c.name)))
    what = "entry missing: the connection was started, and its chain is empty"
    yield from (Fault(chain=chain, seq=1, what=what) for chain in sorted(known - set(chains(connection))))


def verify(connection: Connection, chain: str) -> Iterator[Fault]:
    """Walk a chain from its beginning and say each place where it does not hold."""
    if not isinstance(chain, str):
        yield Fault(chain=str(chain), seq=0, what="its name is stored as another kind than it was")
        return
    expected_seq, prev = 1, GENESIS
    erased: dict[str, int] = {}
    for row in stored(connection, chain):
        if not isinstance(row.seq, int):
            yield Fault(chain=chain, seq=expected_seq, what=f"an entry has {row.seq!r} for its number")
            continue
        if row.seq != expected_seq:
            yield Fault(chain=chain, seq=expected_seq, what=f"entry missing: found {row.seq} instead")
            expected_seq = row.seq
        if row.retyped:
            yield Fault(chain=chain, seq=row.seq, what="a value is stored as another kind than it was")
        if row.prev != prev:
            yield Fault(chain=chain, seq=row.seq, what="does not continue the entry before it")
        if not row.erased and row.content != digest(row.actor, row.body):
            yield Fault(chain=chain, seq=row.seq, what="who or what it says was changed")
        link = link_of(chain, row.seq, row.at, row.event, row.subject, row.content)
        if row.hash != digest(row.prev, link):
            yield Fault(chain=chain, seq=row.seq, what="its content does not match its hash")
        if row.erased:
            erased.setdefault(_order_of(row.subject), row.seq)
        elif row.event == Event.DATA_ERASED.value:
            erased.pop(_order_of(row.subject), None)
        expected_seq, prev = row.seq + 1, row.hash
    for subject, seq in erased.items():
        yield Fault(chain=chain, seq=seq, what=f"was erased, and nobody said that {subject} was to be")
    heads = _HEAD.all(connection, {"head_chain": chain})
    if [tuple(head) for head in heads] != [(expected_seq - 1, prev)]:
        yield Fault(chain=chain, seq=expected_seq - 1, what="the recorded end of the chain is another entry")


def _order_of(subject: str) -> str:
    """`order/10001` of `order/10001/line/s1`: what an erasure is about."""
    return "/".join(subject.split("/")[:2])


class Stored(msgspec.Struct, frozen=True):
    seq: int
    at: int
    event: str
    actor: str
    subject: str
    body: str
    content: str
    prev: str
    hash: str
    #: Whether a value is of another kind than its column.
    retyped: bool | int

    @property
    def erased(self) -> bool:
        return (self.actor, self.body) == (ERASED_ACTOR, ERASED_BODY)


def stored(connection: Connection, chain: str, after: int = 0) -> Iterable[Stored]:
    """Rows exactly as stored: no conversion may hide a change."""
    columns = ("seq", "at", "event", "actor", "subject", "body", "content", "prev", "hash")
    bytewise = connection.dialect.name == "sqlite"
    statement = (
        select(
            *(_unconverted(name, bytewise) for name in columns), _retyped(columns) if bytewise else false()
        )
        .where(journal.c.chain == chain, journal.c.seq > after)
        .order_by(journal.c.seq)
    )
    for row in connection.execute(statement.execution_options(yield_per=1000)):
        yield Stored(*map(_text, row))


def _retyped(names: Iterable[str]) -> ColumnElement[bool]:
    """SQLite keeps bytes in a column for text as well, and they would read as the same."""
    return or_(
        *(func.typeof(journal.c[name]) != ("integer" if name in _NUMBERS else "text") for name in names)
    )


def _unconverted(name: str, bytewise: bool) -> ColumnElement[Any]:
    """SQLite keeps whatever bytes were put there, and its driver fails on those that are no text."""
    column: ColumnElement[Any] = journal.c[name]
    if name in _NUMBERS:
        return type_coerce(column, BigInteger)
    return cast(column, LargeBinary) if bytewise else column


def _text(value: Any) -> Any:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value
