"""Looks that could find nothing: orders that rest, in both systems as we know them, and a clear line.

Most looks of a month find what the look before them found. Where nothing has changed and the line would let
the look through, all that it would do is put off the next one; so only that is done, by the same schedule. A
look that would meet any fault is made, and so is every look after anything has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from countermand.bridge.case import Case
from countermand.bridge.conclude import scheduled
from countermand.bridge.connection import Connection
from countermand.bridge.quiet import as_known
from countermand.bridge.sightings import see_items, see_order
from countermand.bridge.store import Change, StoredCase
from countermand.core.policy import Direction
from countermand.simulation.loop import EPOCH
from countermand.simulation.mis import Plant
from countermand.simulation.storefront import Shop


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """An order of which only the next look by schedule is due.

    `until`: when time alone changes something. `brakes`: those it was judged under, where they matter.
    """

    row_id: int
    case: Case
    until: datetime | None
    brakes: frozenset[Direction] | None

    def holds(self, now: datetime) -> bool:
        return self.until is None or self.until > now

    def next_look(self, connection: Connection, now: datetime) -> tuple[datetime | None, datetime | None]:
        """After a look now: when the next by schedule would be, and when the next for any reason."""
        poll_at = scheduled(self.case, connection, now).poll_at
        return poll_at, min((time for time in (poll_at, self.until) if time is not None), default=None)


class Idle:
    """Which orders rest. `every_look`: none is ever left out."""

    def __init__(self, shop: Shop, plant: Plant, *, every_look: bool) -> None:
        self._shop = shop
        self._plant = plant
        self.every_look = every_look
        self._resting: dict[str, Rest] = {}

    def saved(self, change: Change, stored: StoredCase) -> None:
        """An order was looked at: it rests if another look would show the same."""
        self._resting.pop(stored.case.order_id, None)
        due_by_schedule = change.due_at is not None and change.due_at == stored.case.poll_at
        if due_by_schedule and not self.every_look and self._is_at_rest(stored):
            self._resting[stored.case.order_id] = _rest(stored)

    def disturb(self, order_id: str) -> None:
        """Something about it changed in a system."""
        self._resting.pop(order_id, None)

    def disturb_all(self) -> None:
        self._resting.clear()

    def rests(
        self, order_ids: Iterable[str], now: datetime, brakes: Callable[[], frozenset[Direction]]
    ) -> list[Rest] | None:
        """These orders, if all of them rest. `brakes`: those that are on."""
        rests = []
        for order_id in order_ids:
            rest = self._resting.get(order_id)
            if rest is None or not rest.holds(now):
                return None
            rests.append(rest)
        minding = {rest.brakes for rest in rests if rest.brakes is not None}
        return rests if not minding or minding == {brakes()} else None

    def _is_at_rest(self, stored: StoredCase) -> bool:
        case = stored.case
        told = case.look_storefront_at or case.look_mis_at
        busy = case.open_writes or case.checking or case.notes_due or told
        judged = case.judged is not None and case.judged.version == stored.version
        whole = all(line.links for line in case.lines) and len(case.items) == self._made(case)
        return bool(judged and whole and not busy and self._shows_the_same(case))

    def _made(self, case: Case) -> int:
        return len(self._plant.of_order.get(case.order_id, ()))

    def _shows_the_same(self, case: Case) -> bool:
        """Whether a perfect look now would change nothing; asked of the code that takes real ones in."""
        latest = max(case.storefront_read_at, case.mis_read_at, EPOCH)
        order = self._shop.read(case.order_id, latest)
        items = [self._plant.items.get(item.ref) for item in case.items]
        if order is None or not all(items):
            return False
        shown = [self._plant.read(item, latest) for item in items if item]
        after = see_items(see_order(case, order, latest), [item for item in shown if item], latest)
        return as_known(case, after) == case


def _rest(stored: StoredCase) -> Rest:
    judged = stored.case.judged
    assert judged is not None, "an order that was never judged does not rest"
    return Rest(row_id=stored.id, case=stored.case, until=judged.until, brakes=judged.brakes)
