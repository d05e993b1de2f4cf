"""Anchors: the ends of all chains at one moment, signed, for a shop to keep somewhere else.

Whoever can write the database could rebuild a whole chain. An anchor kept elsewhere, signed with a key that
is not in the database, makes that visible: the entry it names must still carry the hash it names.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from countermand.ledger.columns import encode
from countermand.ledger.journal import Fault
from countermand.ledger.schema import journal, journal_head


class Head(msgspec.Struct, frozen=True, kw_only=True):
    seq: int
    hash: str


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """`signature`: HMAC-SHA-256 over the time and the heads, with the shop's key."""

    at: str
    heads: dict[str, Head]
    signature: str = ""


def make_anchor(database: Connection, key: bytes, now: datetime) -> Anchor:
    rows = database.execute(select(journal_head.c.chain, journal_head.c.seq, journal_head.c.hash))
    heads = {row.chain: Head(seq=row.seq, hash=row.hash) for row in rows}
    anchor = Anchor(at=now.isoformat(timespec="seconds"), heads=heads)
    return msgspec.structs.replace(anchor, signature=_sign(anchor, key))


def _sign(anchor: Anchor, key: bytes) -> str:
    unsigned = msgspec.structs.replace(anchor, signature="")
    return hmac.new(key, encode(unsigned), "sha256").hexdigest()


def check_anchors(database: Connection, anchors: Iterable[Anchor], key: bytes) -> Iterator[Fault]:
    """Say where the journal no longer holds what an anchor saw, or an anchor is not ours."""
    for anchor in anchors:
        if not hmac.compare_digest(anchor.signature.encode(errors="replace"), _sign(anchor, key).encode()):
            yield Fault(chain="", seq=0, what=f"the anchor of {anchor.at} is not signed with this key")
            continue
        for chain, head in anchor.heads.items():
            statement = select(journal.c.hash).where(journal.c.chain == chain, journal.c.seq == head.seq)
            if head.seq and database.scalar(statement) != head.hash:
                yield Fault(chain=chain, seq=head.seq, what=f"is not what the anchor of {anchor.at} saw")
