"""Writing: the record that is stored before a call is made, and the call itself."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.case import Case, Written, as_order
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.ports import MisRef
from countermand.bridge.store import Entry
from countermand.core.command import Answer, Change, Command, Outcome
from countermand.core.events import Event
from countermand.core.plan import Write
from countermand.core.policy import direction_of
from countermand.core.status import LineStatus, Side


def prepare(one: Pass, now: datetime) -> tuple[Pass, tuple[Written, ...]]:
    """The pass with its writes marked as sent, to be stored before any call is made."""
    case, entries, written = one.case, list(one.entries), []
    for write in one.plan.writes:
        record = _record(case, write, now)
        case = replace(case.with_write(record), serial=case.serial + 1)
        written.append(record)
        entries.append(_sent(case, record))
    sends = frozenset(
        direction_of(write.change, write.target) for write in one.plan.writes if write.change is Change.CANCEL
    )
    news = tuple(written)
    return replace(one, case=case, entries=tuple(entries), written=news, sends=sends), news


def _record(case: Case, write: Write, now: datetime) -> Written:
    job_ref = write.job.ref if write.job else ""
    return Written(
        id=f"{case.order_id}-w{case.serial + 1}",
        command=Command(
            target=write.target,
            change=write.change,
            sent_at=now,
            attempts=_attempt(write, case.last_write(write.line_ids[0], job_ref)),
            tracking=write.tracking,
            because=_source(case, write),
        ),
        line_ids=write.line_ids,
        job_ref=job_ref,
        whole_order=write.whole_order,
    )


def _attempt(write: Write, last: Written | None) -> int:
    """The how-manieth call this is about one change; one that was never made does not count."""
    if last is None or last.command.change is not write.change or last.command.verified_at is not None:
        return 1
    match last.command.effective_outcome:
        case Outcome.UNKNOWN:
            return last.command.attempts + 1
        case Outcome.NOT_SENT:
            return last.command.attempts
        case _:
            return 1


def _source(case: Case, write: Write) -> LineStatus | None:
    for entry in as_order(case, live_since=None).lines:
        if entry.line_id == write.line_ids[0]:
            return entry.line.reading(write.target.other).status
    return None


def _sent(case: Case, written: Written) -> Entry:
    command = written.command
    about = written.job_ref or ("order" if written.whole_order else ", ".join(written.line_ids))
    return Entry(
        at=command.sent_at,
        event=Event.WRITE_SENT,
        subject=f"order/{case.order_id}",
        why=f"{command.target.other.value} shows {command.because}",
        after=f"{command.change.value} in {command.target.value}",
        extra={"write": written.id, "about": about, "attempt": str(command.attempts)},
    )


async def send(case: Case, written: Written, connection: Connection) -> Answer:
    """Make the one call that a write stands for."""
    command = written.command
    if command.target is Side.MIS:
        return await connection.mis.cancel(_mis_ref(case, written.job_ref))
    storefront, tracking = connection.storefront, joined(command.tracking)
    match command.change:
        case Change.CANCEL:
            lines = None if written.whole_order else list(written.line_ids)
            note = _note(case, connection)
            return await storefront.cancel(case.order_id, lines, note=note, fence=case.fence)
        case Change.SHIP | Change.SHIP_PART:
            partial = command.change is Change.SHIP_PART
            return await storefront.ship(case.order_id, tracking=tracking, partial=partial)
        case Change.TRACK:
            return await storefront.track(case.order_id, tracking=tracking)


def joined(tracking: frozenset[str]) -> str:
    """Infigo holds one tracking string per order: every code, in a fixed order."""
    return ", ".join(sorted(tracking))


def _mis_ref(case: Case, ref: str) -> MisRef:
    item = case.item(ref)
    assert item is not None, f"order {case.order_id} was to cancel {ref}, which is not linked to it"
    return MisRef(ref=item.ref, kind=item.kind, group=item.group)


def _note(case: Case, connection: Connection) -> str:
    refs = ", ".join(item.ref for item in case.items) or "its jobs"
    return f"Cancelled by Countermand, because it was cancelled in {connection.mis_name} ({refs})."
