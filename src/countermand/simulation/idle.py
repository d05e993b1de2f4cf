"""Looks that could find nothing: orders that rest, in both systems as we know them, and a clear line.

Most looks of a month find what the look before them found. Where nothing has changed and the line would let
the look through, all that it would do is put off the next one; so only that is done, by the same schedule.
Every look after anything has changed is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from countermand.bridge.case import Case, awaits_search
from countermand.bridge.conclude import is_final, quiet_since
from countermand.bridge.connection import Connection
from countermand.bridge.faults import fault_task
from countermand.bridge.linking import match
from countermand.bridge.look import search_keys, with_doubts
from countermand.bridge.quiet import as_known
from countermand.bridge.sightings import see_items, see_order
from countermand.bridge.store import Change, StoredCase
from countermand.core.policy import Direction
from countermand.simulation.loop import EPOCH
from countermand.simulation.mis import Plant
from countermand.simulation.storefront import Shop


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """An order of which only the next look by schedule is due.

    `since`: since when it has been quiet. `final`: both sides have agreed on an end. `until`: when time alone
    changes something. `brakes`: those it was judged under, where they matter.
    """

    row_id: int
    since: datetime
    final: bool
    until: datetime | None
    brakes: frozenset[Direction] | None

    def holds(self, now: datetime) -> bool:
        return self.until is None or self.until > now

    def next_look(self, connection: Connection, now: datetime) -> tuple[datetime | None, datetime | None]:
        """After a look now: when the next by schedule would be, and when the next for any reason."""
        poll_at = connection.polling.next_after(now, self.since, self.final)
        return poll_at, min((time for time in (poll_at, self.until) if time is not None), default=None)


class Idle:
    """Which orders rest. `mis_lacks`: of finding and listing jobs. `every_look`: none is ever left out."""

    def __init__(self, shop: Shop, plant: Plant, *, mis_lacks: frozenset[str], every_look: bool) -> None:
        self._shop = shop
        self._plant = plant
        self._mis_lacks = mis_lacks
        self.every_look = every_look
        self._resting: dict[str, Rest] = {}
        #: Resting orders with a line that nothing makes yet: every look of theirs searches.
        self._seeking: set[str] = set()
        self._refs: dict[str, set[str]] = {}

    def saved(self, change: Change, stored: StoredCase) -> None:
        """An order was looked at: it rests if another look would show the same."""
        self._note_refs(stored.case)
        self._resting.pop(stored.case.order_id, None)
        due_by_schedule = change.due_at is not None and change.due_at == stored.case.poll_at
        if due_by_schedule and not self.every_look and self._is_at_rest(stored):
            self._resting[stored.case.order_id] = _rest(stored)
            if not _is_whole(stored.case):
                self._seeking.add(stored.case.order_id)

    def _note_refs(self, case: Case) -> None:
        refs = {item.ref for item in case.items}
        if refs != self._refs.get(case.order_id, set()):
            self._refs[case.order_id] = refs
            self._disturb_seekers()

    def disturb(self, order_id: str) -> None:
        """Something about it changed in a system."""
        self._resting.pop(order_id, None)
        self._disturb_seekers()

    def _disturb_seekers(self) -> None:
        """What an order's search finds may be another order's, or change with what others have."""
        while self._seeking:
            self._resting.pop(self._seeking.pop(), None)

    def disturb_all(self) -> None:
        self._resting.clear()

    def rests(
        self, order_ids: Iterable[str], now: datetime, brakes: Callable[[], frozenset[Direction]]
    ) -> dict[str, Rest]:
        """Those of these orders that rest. `brakes`: those that are on."""
        rests = {order_id: rest for order_id in order_ids if (rest := self._resting.get(order_id))}
        held = {order_id: rest for order_id, rest in rests.items() if rest.holds(now)}
        if all(rest.brakes is None for rest in held.values()):
            return held
        on = brakes()
        return {order_id: rest for order_id, rest in held.items() if rest.brakes in (None, on)}

    def _is_at_rest(self, stored: StoredCase) -> bool:
        case = stored.case
        told = case.look_storefront_at or case.look_mis_at
        busy = case.open_writes or case.checking or case.notes_due or told or fault_task(case)
        judged = case.judged is not None and case.judged.version == stored.version
        return bool(judged and not busy and self._finds_no_more(case) and self._shows_the_same(case))

    def _finds_no_more(self, case: Case) -> bool:
        """Whether every line has what makes it, or a perfect search now would find nothing new for it."""
        if _is_whole(case):
            return len(case.items) == len(self._plant.of_order.get(case.order_id, ()))
        if self._mis_lacks >= {"find", "list"}:
            return True
        if any(awaits_search(case, line) for line in case.lines):
            return False
        if "find" in self._mis_lacks:
            return True
        items = [self._plant.read(item, EPOCH) for item in self._plant.carrying(search_keys(case))]
        others = (refs for order_id, refs in self._refs.items() if order_id != case.order_id)
        found = match(case, [item for item in items if item], set().union(*others))
        return not found.links and with_doubts(case, found) is case

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


def _is_whole(case: Case) -> bool:
    return all(line.links for line in case.lines)


def _rest(stored: StoredCase) -> Rest:
    judged = stored.case.judged
    assert judged is not None, "an order that was never judged does not rest"
    return Rest(
        row_id=stored.id, since=quiet_since(stored.case), final=is_final(stored.case),
        until=judged.until, brakes=judged.brakes,
    )  # fmt: skip
