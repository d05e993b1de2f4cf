"""The life of one cancellation: who wanted it, how far it got, how it ended (terms of CIP4 PrintTalk).

It is kept apart from the writes: one cancellation may need no write (a person does it by hand), one, or
several (line by line). Why it was wanted, why it was refused, who started it and what happened to the money
are separate fields, because they are answered by different people at different times.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from countermand.core.command import RefusalReason
from countermand.core.policy import Direction


class CancellationState(StrEnum):
    REQUESTED = "requested"
    ASSESSING = "assessing"
    ACCEPTED = "accepted"
    APPLYING = "applying"
    DONE = "done"
    PARTLY_DONE = "partly_done"
    FAILED = "failed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"

    @property
    def ended(self) -> bool:
        return not _NEXT[self]


_S = CancellationState
_ENDS = frozenset({_S.DONE, _S.PARTLY_DONE, _S.FAILED, _S.REFUSED, _S.WITHDRAWN, _S.EXPIRED})
_NEXT: dict[CancellationState, frozenset[CancellationState]] = {
    _S.REQUESTED: frozenset({_S.ASSESSING, _S.ACCEPTED, _S.APPLYING}) | _ENDS,
    _S.ASSESSING: frozenset({_S.ACCEPTED, _S.APPLYING}) | _ENDS,
    _S.ACCEPTED: frozenset({_S.ASSESSING, _S.APPLYING}) | _ENDS,
    _S.APPLYING: frozenset({_S.ASSESSING}) | _ENDS,
    **{state: frozenset() for state in _ENDS},
}


class MoneyState(StrEnum):
    """What happened to the money; recorded from what people say, never computed."""

    NOT_CONCERNED = "not_concerned"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"
    CREDIT_NOTE_DUE = "credit_note_due"
    CREDITED = "credited"


class IllegalMoveError(ValueError):
    """A cancellation was asked to go where its life does not lead."""


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """One cancellation of an order (or some of its lines) in one direction."""

    id: str
    direction: Direction
    line_ids: tuple[str, ...]
    requested_at: datetime
    changed_at: datetime
    state: CancellationState = CancellationState.REQUESTED
    #: Why the customer or the shop wanted it, in their words.
    wanted_because: str = ""
    #: Why it was refused, and the other system's or the person's own words.
    refusal: RefusalReason | None = None
    refused_because: str = ""
    #: The system it was started in, and the person where known.
    started_in: str = ""
    started_by: str = ""
    money: MoneyState = MoneyState.NOT_CONCERNED
    #: Who let it pass the mass-cancel brake.
    released_by: str = ""

    def move(self, state: CancellationState, at: datetime, **fields: object) -> Cancellation:
        """The same cancellation in its next state.

        Raises:
            IllegalMoveError: `state` does not follow from the present one.
        """
        if state is self.state:
            return msgspec.structs.replace(self, **fields)
        if state not in _NEXT[self.state]:
            raise IllegalMoveError(
                f"Cancellation {self.id} is {self.state.value} and cannot become {state.value}"
            )
        return msgspec.structs.replace(self, state=state, changed_at=at, **fields)
