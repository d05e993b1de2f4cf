"""Stopping a cancel that waits: a person says no before anything was written.

It ends like any other cancellation that was refused: it is made and sent all the same, the two systems stay
different in that person's name, and any other change asks again. What has been sent cannot be called back.
"""

from __future__ import annotations

from datetime import datetime

from countermand.bridge.case import Case, Written
from countermand.bridge.lives import cancelled_in, cancels_sent
from countermand.bridge.people import Deed, RefusedError, refuse
from countermand.bridge.store import Entry
from countermand.core.cancellation import Cancellation
from countermand.core.command import NOT_DONE, RefusalReason
from countermand.core.events import Event
from countermand.core.policy import Direction

CANCELS = (Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT)


def waiting(case: Case) -> tuple[Cancellation, ...]:
    """The cancels of an order that can still be stopped."""
    found = (case.open_cancellation(way) for way in CANCELS)
    return tuple(one for one in found if one is not None and _sent(case, one) is None)


def stop(direction: Direction | None, by: str, at: datetime, reason: str) -> Deed:
    """Stop the cancel that waits in one direction; `direction` may be left out where only one does."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if not reason.strip():
            raise RefusedError("Please say why the cancel is stopped.")
        one = _chosen(case, direction)
        # Where it has arrived already, it is done and stays so.
        target = one.direction.target
        lines = tuple(line_id for line_id in one.line_ids if not cancelled_in(case, line_id, target))
        case, _ = refuse(one.direction, lines, by, at, reason, RefusalReason.OTHER)(case)
        return case, _entry(case, one, lines, by, at, reason)

    return deed


def _chosen(case: Case, direction: Direction | None) -> Cancellation:
    ways = CANCELS if direction is None else (direction,)
    wanted = [one for way in ways if (one := case.open_cancellation(way)) is not None]
    if not wanted:
        raise RefusedError(f"No cancel of order {case.order_id} is waiting; there is nothing to stop.")
    if len(wanted) > 1:
        raise RefusedError(f"Cancels of order {case.order_id} wait in both directions; say which to stop.")
    sent = _sent(case, wanted[0])
    if sent is not None:
        raise RefusedError(
            f"It is too late to stop it: the cancel was sent at {sent.command.sent_at:%H:%M:%S} UTC."
        )
    return wanted[0]


def _sent(case: Case, one: Cancellation) -> Written | None:
    """A cancel of these lines that is under way, or whose answer is not clear."""
    sent = cancels_sent(case, one.direction, one.line_ids)
    return next((written for written in sent if written.command.outcome not in NOT_DONE), None)


def _entry(
    case: Case, one: Cancellation, lines: tuple[str, ...], by: str, at: datetime, reason: str
) -> Entry:
    return Entry(
        at=at,
        event=Event.CANCELLATION_STOPPED,
        subject=f"order/{case.order_id}",
        actor=by,
        why=reason,
        before=one.state.value,
        after="refused",
        extra={"cancellation": one.id, "direction": one.direction.value, "lines": ", ".join(lines)},
    )
