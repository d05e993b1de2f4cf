"""The life of a cancellation: only the drawn arrows, and every state that is not an end can end."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from core_space import STEADY, T0
from hypothesis import given
from hypothesis import strategies as st

from countermand.core.cancellation import Cancellation, CancellationState, IllegalMoveError, MoneyState
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction, Policy

_S = CancellationState
ENDS = {_S.DONE, _S.PARTLY_DONE, _S.FAILED, _S.REFUSED, _S.WITHDRAWN, _S.EXPIRED}
#: The arrows as the docs draw them; every state that is not an end also leads to each end.
ARROWS = {
    _S.REQUESTED: {_S.ASSESSING, _S.ACCEPTED, _S.APPLYING},
    _S.ASSESSING: {_S.ACCEPTED, _S.APPLYING},
    _S.ACCEPTED: {_S.ASSESSING, _S.APPLYING},
    _S.APPLYING: {_S.ASSESSING},
}
LATER = T0 + timedelta(hours=1)


def cancellation(state: CancellationState = _S.REQUESTED) -> Cancellation:
    return Cancellation(
        id="1001-c1",
        direction=Direction.CANCEL_TO_MIS,
        line_ids=("s1",),
        requested_at=T0,
        changed_at=T0,
        state=state,
        wanted_because="ordered twice",
        started_in="storefront",
        started_by="jo@example.com",
    )


def may(one: CancellationState, other: CancellationState) -> bool:
    return one not in ENDS and (other in ENDS or other in ARROWS[one])


@pytest.mark.parametrize(("one", "other"), [pair for pair in product(_S, _S) if pair[0] is not pair[1]])
def test_only_the_drawn_arrows_are_possible(one: CancellationState, other: CancellationState) -> None:
    before = cancellation(one)
    if may(one, other):
        after = before.move(other, LATER)
        assert (after.state, after.changed_at, after.requested_at) == (other, LATER, T0)
        assert after.wanted_because == "ordered twice"
    else:
        sentence = f"Cancellation 1001-c1 is {one.value} and cannot become {other.value}"
        with pytest.raises(IllegalMoveError, match=f"^{sentence}$"):
            before.move(other, LATER)


@pytest.mark.parametrize("state", list(_S))
def test_an_end_is_an_end_and_everything_else_can_end(state: CancellationState) -> None:
    assert state.ended == (state in ENDS)
    assert state.ended or any(may(state, end) for end in ENDS)


@pytest.mark.parametrize("state", list(_S))
def test_staying_in_a_state_changes_only_what_is_said(state: CancellationState) -> None:
    after = cancellation(state).move(state, LATER, money=MoneyState.REFUNDED, released_by="Ana")
    assert (after.state, after.changed_at) == (state, T0)
    assert (after.money, after.released_by) == (MoneyState.REFUNDED, "Ana")


@STEADY
@given(st.lists(st.sampled_from([state for state in _S if state not in ENDS]), max_size=12))
def test_however_it_wanders_it_can_be_ended(path: list[CancellationState]) -> None:
    life = cancellation()
    for state in path:
        if state is life.state or may(life.state, state):
            life = life.move(state, LATER)
        else:
            with pytest.raises(IllegalMoveError):
                life.move(state, LATER)
    for end in ENDS:
        assert life.move(end, LATER).state.ended


def test_why_it_was_wanted_and_why_it_was_refused_are_two_answers() -> None:
    """One status for "machine worked" and "business said no" was a mistake elsewhere."""
    refused = cancellation().move(
        _S.REFUSED, LATER, refusal=RefusalReason.MILESTONE, refused_because="on the press since ten"
    )
    assert (refused.wanted_because, refused.refused_because) == ("ordered twice", "on the press since ten")
    assert refused.refusal is RefusalReason.MILESTONE
    assert refused.money is MoneyState.NOT_CONCERNED


@pytest.mark.parametrize("state", sorted(set(_S) - ENDS))
def test_a_request_that_nobody_answers_can_expire_from_wherever_it_hangs(state: CancellationState) -> None:
    assert cancellation(state).move(_S.EXPIRED, LATER).state is _S.EXPIRED
    assert Policy().request_expires_after == timedelta(days=3)
