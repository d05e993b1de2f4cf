"""One order's proof: what happened, what was read back from each system, and the chain that ties it.

A proof holds the order's own journal entries whole, and of every other entry between the first of them and
the end of the chain only the hash that it adds. Nothing about other orders leaves the house, and a small
stand-alone script (`countermand/proof/verify_proof.py`) can still walk from the first entry to the end.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection

from countermand.ledger.columns import from_micros
from countermand.ledger.journal import Stored, link_of, stored


class ProofEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the order itself. `micros`: the time in microseconds since 1970, as it was hashed."""

    seq: int
    at: str
    micros: int
    event: str
    actor: str
    subject: str
    body: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """`links`: for each entry from `first` on, an order's own entry or the hash another one adds."""

    format: str = "countermand-proof-1"
    order: str
    chain: str
    made_at: str
    before: str
    first: int
    links: tuple[ProofEntry | str, ...]
    head_seq: int
    head_hash: str

    @property
    def entries(self) -> tuple[ProofEntry, ...]:
        return tuple(link for link in self.links if isinstance(link, ProofEntry))


class NoProofError(LookupError):
    """There is nothing in the journal about this order."""


def prove(database: Connection, chain: str, order: str) -> Proof:
    """The proof of one order.

    Raises:
        NoProofError: the journal has no entry about it.
    """
    links: list[ProofEntry | str] = []
    first, before, head_seq, head_hash = 0, "", 0, ""
    for row in stored(database, chain):
        about = row.subject == f"order/{order}" or row.subject.startswith(f"order/{order}/")
        own = about and not row.erased
        if own and not links:
            first, before = row.seq, row.prev
        if own or links:
            links.append(_entry(row) if own else _link(chain, row))
        head_seq, head_hash = row.seq, row.hash
    if not links:
        raise NoProofError(f"The journal has no entry about order {order}.")
    return Proof(
        order=order,
        chain=chain,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        before=before,
        first=first,
        links=tuple(links),
        head_seq=head_seq,
        head_hash=head_hash,
    )


def _link(chain: str, row: Stored) -> str:
    return link_of(chain, row.seq, row.at, row.event, row.subject, row.content)


def _entry(row: Stored) -> ProofEntry:
    return ProofEntry(
        seq=row.seq,
        at=from_micros(row.at).isoformat(),
        micros=row.at,
        event=row.event,
        actor=row.actor,
        subject=row.subject,
        body=row.body,
    )
