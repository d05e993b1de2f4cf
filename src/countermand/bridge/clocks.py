"""Times from a clock that was ahead: they say nothing about what is old and what is new.

A clock that is put right leaves times in the future behind: reads that seem younger than any to come, and due
times that are far away. Taken at their word, an order would not be looked at, and no read of it would count,
until the clock has caught up with its own mistake. Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from countermand.bridge.case import Case, Seen, Written

#: Clocks of several machines may differ by so much without anything being wrong.
TOLERANCE = timedelta(seconds=2)


def put_right(case: Case, now: datetime, began_at: datetime) -> Case:
    """The case with every time that has not come yet, and cannot, set to now.

    Earlier reads are set to `began_at`, when the read began that is about to be taken in: it shall count.
    """
    latest = max(
        case.storefront_read_at,
        case.mis_read_at,
        case.searched_at or case.mis_read_at,
        *(line.storefront.began_at for line in case.lines),
        *(item.mis.began_at for item in case.items),
        *(written.command.answered_at or written.command.sent_at for written in case.writes),
    )
    if latest <= now + TOLERANCE:
        return case
    return replace(
        case,
        first_seen_at=min(case.first_seen_at, began_at),
        storefront_read_at=min(case.storefront_read_at, began_at),
        mis_read_at=min(case.mis_read_at, began_at),
        searched_at=_not_after(case.searched_at, began_at),
        lines=tuple(replace(line, storefront=_seen(line.storefront, began_at)) for line in case.lines),
        items=tuple(replace(item, mis=_seen(item.mis, began_at)) for item in case.items),
        writes=tuple(_written(written, now) for written in case.writes),
        look_storefront_at=_not_after(case.look_storefront_at, now),
        look_mis_at=_not_after(case.look_mis_at, now),
        poll_at=_not_after(case.poll_at, now),
    )


def _seen(seen: Seen, now: datetime) -> Seen:
    return replace(
        seen,
        since=min(seen.since, now),
        began_at=min(seen.began_at, now),
        unreadable_since=_not_after(seen.unreadable_since, now),
    )


def _written(written: Written, now: datetime) -> Written:
    command = written.command
    corrected = replace(
        command, sent_at=min(command.sent_at, now), answered_at=_not_after(command.answered_at, now)
    )
    return replace(written, command=corrected)


def _not_after(moment: datetime | None, now: datetime) -> datetime | None:
    return None if moment is None else min(moment, now)
