"""Every write of ours, held at the moment it leaves against what was stored before and what is really there.

The guards are checked by the two systems' own record wherever it can tell, not by the code that asked them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from countermand.bridge.case import Case, Written
from countermand.core.command import MOST_ATTEMPTS, Change, Outcome
from countermand.core.guards import Approval
from countermand.core.policy import Direction, Mode, direction_of
from countermand.core.status import Facts, Progress, Side
from countermand.simulation.invariants import EXPLAINED, GUARDS, NEVER_BACK, ONCE
from countermand.simulation.line import WriteCall
from countermand.simulation.loop import EPOCH
from countermand.simulation.watch import Violation, Watch

#: How old a read may be when a write leaves on it, beyond what the rules allow, because calls take time.
_SLACK = timedelta(seconds=1)


class Writes:
    """Checks each write. `brakes`: directions in which the mass-cancel brake is on."""

    def __init__(self, watch: Watch, brakes: Callable[[], frozenset[Direction]]) -> None:
        self._watch = watch
        self._brakes = brakes
        self._used: set[str] = set()
        self._furthest: dict[str, Progress] = {}

    def seen(self, case: Case) -> None:
        """Remember the furthest progress that any stored version of an order has shown."""
        for item in case.items:
            status = item.mis.status
            if isinstance(status, Facts) and status.history_known:
                known = self._furthest.get(item.ref, Progress.NONE)
                if status.progress.rank > known.rank:
                    self._furthest[item.ref] = status.progress

    def check(self, call: WriteCall) -> None:
        pressed = (call.side, call.change) == (Side.STOREFRONT.value, Change.CANCEL.value)
        if pressed and call.order_id in self._watch.pressed:
            self._watch.pressed.remove(call.order_id)
            return
        case = self._watch.case(call.order_id)
        written = _standing_for(call, case, self._watch, self._used) if case else None
        if case is None or written is None:
            what = f"{call.change} of {call.about} was sent and not stored before"
            raise Violation(EXPLAINED, f"order {call.order_id}", what)
        self._used.add(written.id)
        self._check_offered(case, written)
        self._check_first_sight(case, written)
        self._check_once(case, written)
        if written.command.change is Change.CANCEL:
            _Guards(self._watch, case, written, call, self._furthest).check(self._brakes())
        elif written.command.change is not Change.TRACK:
            self._check_ship(case, written)

    def _check_offered(self, case: Case, written: Written) -> None:
        setup, name = self._watch.setup, _capability(written)
        lacks = setup.storefront_lacks if written.command.target is Side.STOREFRONT else setup.mis_lacks
        if name in lacks:
            _broken(GUARDS, written, case, f"was sent although {name} is not offered")

    def _check_first_sight(self, case: Case, written: Written) -> None:
        """Nothing is written about an old order on which both sides were never seen, or said, to agree."""
        old = self._watch.shop.orders[case.order_id].placed < self._watch.setup.live_since
        lines = [line for line_id in written.line_ids if (line := case.line(line_id)) is not None]
        if old and any(line.base is None for line in lines):
            _broken(GUARDS, written, case, "was sent at first sight of an old order")

    def _check_once(self, case: Case, written: Written) -> None:
        command = written.command
        if command.attempts > MOST_ATTEMPTS:
            _broken(ONCE, written, case, f"attempt {command.attempts}")
        for earlier in case.writes:
            was = earlier.command
            same = (was.target, was.change, was.tracking) == (
                command.target,
                command.change,
                command.tracking,
            )
            about = earlier.job_ref == written.job_ref and set(earlier.line_ids) & set(written.line_ids)
            if earlier.id == written.id or not (same and about) or earlier.whole_order != written.whole_order:
                continue
            if was.effective_outcome in (Outcome.APPLIED, Outcome.ALREADY) and was.because == command.because:
                _broken(ONCE, written, case, f"{earlier.id} was {was.effective_outcome.value} already")

    def _check_ship(self, case: Case, written: Written) -> None:
        lines = [line for line_id in written.line_ids if (line := case.line(line_id)) is not None]
        for line in lines:
            status = line.storefront.status
            if isinstance(status, Facts) and status.cancelled:
                _broken(NEVER_BACK, written, case, f"{line.line_id} is cancelled and was to be shipped")
            partly = written.command.change is Change.SHIP_PART
            if partly and isinstance(status, Facts) and status.progress is Progress.DISPATCHED:
                _broken(NEVER_BACK, written, case, f"{line.line_id} is shipped and was to be partly shipped")


def _capability(written: Written) -> str:
    """What a system has to offer for a write."""
    match written.command.change:
        case Change.CANCEL if written.job_ref:
            return "cancel_job"
        case Change.CANCEL:
            return "cancel_order" if written.whole_order else "cancel_line"
        case Change.TRACK:
            return "track"
        case _:
            return "ship"


def _broken(invariant: str, written: Written, case: Case, what: str) -> None:
    raise Violation(invariant, f"order {case.order_id}", f"{written.id}: {what}")


def _standing_for(call: WriteCall, case: Case, watch: Watch, used: set[str]) -> Written | None:
    """The stored write that stands for a call: sent, not answered, and not called before."""
    for written in case.writes:
        command = written.command
        fits = (command.target.value, command.change.value) == (call.side, call.change)
        fresh = written.id not in used and written.id in watch.sent and command.answered_at is None
        if fits and fresh and (not written.job_ref or (written.job_ref,) == call.about):
            return written
    return None


def _approval(case: Case, written: Written, direction: Direction) -> Approval | None:
    """What a person said, if it was said about all lines of this write."""
    given = case.approvals.get(direction)
    said = given is not None and (not given.line_ids or given.line_ids.issuperset(written.line_ids))
    return given if said else None


class _Guards:
    """The guards of one cancel, asked again by other means."""

    def __init__(
        self, watch: Watch, case: Case, written: Written, call: WriteCall, furthest: dict[str, Progress]
    ) -> None:
        self._watch = watch
        self._case = case
        self._written = written
        self._call = call
        self._furthest = furthest
        self._direction = direction_of(written.command.change, written.command.target)
        self._rules = watch.rules_of(case.order_id, self._direction)
        self._approval = _approval(case, written, self._direction)

    def check(self, brakes: frozenset[Direction]) -> None:
        self._check_freshness()
        self._check_brake(brakes)
        self._check_value()
        self._check_hours()
        if self._approval is None:
            modes = {policy.mode(self._direction) for policy in self._rules}
            if modes != {Mode.AUTOMATIC}:
                self._fail(f"was sent in mode {' and '.join(sorted(modes))}")
            self._check_undo_window()
            self._check_cut_off()

    def _fail(self, what: str) -> None:
        _broken(GUARDS, self._written, self._case, what)

    def _refs(self) -> list[str]:
        if self._written.job_ref:
            return [self._written.job_ref]
        lines = [self._case.line(line_id) for line_id in self._written.line_ids]
        return [link.ref for line in lines if line is not None for link in line.links]

    def _check_freshness(self) -> None:
        oldest = self._written.command.sent_at - self._watch.setup.policy.fresh_for - _SLACK
        if self._case.storefront_read_at < oldest:
            self._fail("left on an old read of the storefront")
        for ref in self._refs():
            item = self._case.item(ref)
            if item is not None and item.mis.began_at < oldest:
                self._fail(f"left on an old read of {ref}")

    def _check_brake(self, brakes: frozenset[Direction]) -> None:
        cancellation = self._case.open_cancellation(self._direction)
        released = cancellation is not None and cancellation.released_by != ""
        if self._direction in brakes and not released:
            self._fail("left although the brake was on")

    def _check_value(self) -> None:
        total = float(self._watch.shop.orders[self._case.order_id].total)
        second = self._approval.second if self._approval else ""
        limits = [policy.value_limit for policy in self._rules if policy.value_limit is not None]
        if total > min(limits, default=total) and not second:
            self._fail(f"is worth {total:g}, and no second person agreed")

    def _check_hours(self) -> None:
        now = self._written.command.sent_at
        for hours in [policy.opening_hours for policy in self._rules if policy.opening_hours is not None]:
            if now.weekday() not in hours.days or not hours.opens <= now.time() < hours.closes:
                self._fail(f"left at {now:%a %H:%M}, outside the opening hours")

    def _check_cut_off(self) -> None:
        """Each line of an emptied order that is closed has passed it by itself, or by somebody's word."""
        if self._written.whole_order and self._watch.shop.orders[self._case.order_id].emptied:
            return
        for ref in self._refs():
            furthest = self._furthest.get(ref, Progress.NONE)
            if furthest is not Progress.NONE:
                self._fail(f"{ref} had been seen {furthest.value}")

    def _check_undo_window(self) -> None:
        """The source had been cancelled for the whole undo window, by the two systems' own record."""
        since = self._cancelled_since()
        if self._watch.clock_changed_since(since):
            return
        waited = self._sent_at() - since
        least = max(policy.undo_window for policy in self._rules).total_seconds()
        if waited < least - 0.001:
            self._fail(f"left {waited:.1f} s after the cancel, not {least:.0f}")

    def _sent_at(self) -> float:
        sent: datetime = self._written.command.sent_at
        return (sent - EPOCH).total_seconds() - self._watch.clock_error

    def _cancelled_since(self) -> float:
        """Since when all lines are cancelled in the source.

        In the storefront nothing is ever taken back: a line is cancelled by the first cancel of it, whatever
        else of the order is cancelled later. A job can be re-opened, so the last cancel of it counts.
        """
        source = self._written.command.target.other
        which = min if source is Side.STOREFRONT else max
        return max(which(self._cancels(source.value, line), default=0.0) for line in self._written.line_ids)

    def _cancels(self, source: str, line_id: str) -> list[float]:
        return [
            effect.at
            for effect in self._watch.record.effects
            if (effect.applied, effect.what, effect.side) == (True, "cancel", source)
            and line_id in effect.lines
        ]
