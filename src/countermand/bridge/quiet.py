"""Orders that a look found just as they were: nothing is judged again, only the look is stored.

Most looks find nothing new. What an order was judged to need is a function of what both systems show, of the
rules, of times that are known beforehand and, where it wants a cancel, of the mass-cancel brakes; while all
of these hold still, so does the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

import msgspec
from msgspec.structs import replace

from countermand import __version__
from countermand.bridge.case import Case, CaseItem, CaseLine
from countermand.bridge.conclude import Pass, due_at, scheduled
from countermand.bridge.connection import Connection
from countermand.bridge.store import Change
from countermand.core.policy import Direction


def rules_of(connection: Connection) -> str:
    """A short name of everything but the case itself that a judgement depends on."""
    offered, live_since = sorted(connection.offered), connection.live_since
    parts = (__version__, connection.policy, connection.overrides, offered, live_since)
    return f"{crc32(msgspec.json.encode(parts, order='deterministic')):08x}"


def wants_cancel(case: Case) -> bool:
    """Whether a cancellation is under way, so that the brakes may matter."""
    return any(not each.state.ended for each in case.cancellations)


def is_quiet(one: Pass, rules: str, now: datetime, brakes: frozenset[Direction]) -> bool:
    """Whether a pass that has just looked may be left at that.

    `brakes`: those that are on; they are looked at only where a cancellation is under way.
    """
    if one.stored is None or one.entries or one.case is one.stored.case:
        return False
    before, after = one.stored.case, one.case
    judged = before.judged
    if judged is None or judged.rules != rules or judged.version != one.stored.version:
        return False
    if judged.until is not None and judged.until <= now:
        return False
    if before.open_writes or before.checking or before.notes_due:
        return False
    if wants_cancel(before) and judged.brakes is not None and judged.brakes != brakes:
        return False
    return as_known(before, after) == before


def as_known(before: Case, after: Case) -> Case:
    """The later case without what every look changes: the times of the reads, and the hints they answered."""
    return replace(
        after,
        storefront_read_at=before.storefront_read_at,
        mis_read_at=before.mis_read_at,
        look_storefront_at=before.look_storefront_at,
        look_mis_at=before.look_mis_at,
        lines=_lines_as_known(before.lines, after.lines),
        items=_items_as_known(before.items, after.items),
    )


def _lines_as_known(before: Sequence[CaseLine], after: Sequence[CaseLine]) -> tuple[CaseLine, ...]:
    if len(before) != len(after):
        return tuple(after)
    return tuple(
        replace(new, storefront=replace(new.storefront, began_at=old.storefront.began_at))
        for old, new in zip(before, after, strict=True)
    )


def _items_as_known(before: Sequence[CaseItem], after: Sequence[CaseItem]) -> tuple[CaseItem, ...]:
    if len(before) != len(after):
        return tuple(after)
    return tuple(
        replace(new, mis=replace(new.mis, began_at=old.mis.began_at))
        for old, new in zip(before, after, strict=True)
    )


def looked(one: Pass, connection: Connection, now: datetime) -> Change:
    """What to store of a quiet pass: that it was looked at, and when to look again."""
    assert one.stored is not None, "an order that is new is never quiet"
    assert one.case.judged is not None, "an order that was never judged is never quiet"
    case = scheduled(one.case, connection, now) if one.polled else one.case
    case = replace(case, judged=replace(one.case.judged, version=one.stored.version + 1))
    return Change(stored=one.stored, case=case, state=None, due_at=due_at(case, now), changed=False)
