"""What a read says about our own writes: pure.

An answer never proves a change; only a read that began after the answer and shows it does. Where a system
cannot be read back, a named person's word counts as *reported*, and is never called verified.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.case import Case, Written, as_order, awaits_search
from countermand.core.command import NOT_DONE, Answer, effect_visible
from countermand.core.merge import Settlement
from countermand.core.own_write import awaiting
from countermand.core.status import Pair, Reading, Side, Unreadable


def answered(case: Case, written: Written, answer: Answer, at: datetime) -> Case:
    """The case after the other system answered a write."""
    command = replace(
        written.command, answered_at=at, outcome=answer.outcome, reason=answer.reason, said=answer.said
    )
    return case.with_write(replace(written, command=command))


def verify(case: Case) -> Case:
    """Mark each open write as verified whose effect every line of it shows in a read made since.

    Lines that were cancelled one by one say nothing about the cancel of the order itself.
    """
    for written in case.open_writes:
        readings = _target_readings(case, written)
        if written.whole_order and not case.order_cancelled:
            continue
        if readings and all(_shows(written, reading) for reading in readings):
            proved_at = max(reading.began_at for reading in readings)
            case = case.with_write(replace(written, command=replace(written.command, verified_at=proved_at)))
    return case


def is_awaited(case: Case) -> bool:
    """Whether the effect of a write of ours may still show.

    One that was refused or never made, or that did not show in time, has none, however the lines stand now.
    """
    if not case.open_writes:
        return False
    return any(awaiting(entry.line) is not None for entry in as_order(case, live_since=None).lines)


def _shows(written: Written, reading: Reading) -> bool:
    command = written.command
    if command.outcome in NOT_DONE:
        return False
    since = command.answered_at or command.sent_at
    return reading.began_at >= since and effect_visible(command, reading)


def _target_readings(case: Case, written: Written) -> list[Reading]:
    if written.job_ref:
        item = case.item(written.job_ref)
        return [item.reading()] if item else []
    lines = as_order(case, live_since=None).lines
    return [
        entry.line.reading(written.command.target) for entry in lines if entry.line_id in written.line_ids
    ]


def verified_since(before: Case | None, case: Case) -> tuple[Written, ...]:
    """Our writes that a read proved between two versions of a case."""
    was = {written.id: written.command.verified_at for written in before.writes} if before else {}
    return tuple(
        written
        for written in case.writes
        if written.command.verified_at is not None and was.get(written.id) is None
    )


_DONE = "done by hand; this system cannot be read back"
_SEARCHED = "looked for by hand; its job could not be searched for, or not found"


def report(case: Case, line_ids: tuple[str, ...], by: str, at: datetime, *, not_found: bool = False) -> Case:
    """Take a person's word for lines of which one side cannot be read, or nothing can be searched.

    `not_found`: they were asked to look for the jobs of lines that have none here.
    """
    order = as_order(case, live_since=None)
    for entry in order.lines:
        unreadable = [side for side in Side if isinstance(entry.line.reading(side).status, Unreadable)]
        line = case.line(entry.line_id)
        if line is None or entry.line_id not in line_ids:
            continue
        not_known = awaits_search(case, line) or (not_found and not line.links)
        searched_by_hand = not unreadable and not_known
        if unreadable or searched_by_hand:
            settlement = Settlement(
                pairs=(Pair(entry.line.storefront.status, entry.line.mis.status),),
                by=by,
                reason=_SEARCHED if searched_by_hand else _DONE,
                at=at,
                reported=True,
            )
            case = case.with_line(replace(line, settlement=settlement))
    return case
