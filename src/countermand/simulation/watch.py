"""What is known of a history at any moment, from both ends: what we stored, and what the two systems show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from countermand.bridge.case import Case, CaseLine
from countermand.bridge.store import Change, Entry, StoredCase
from countermand.core.events import Event
from countermand.core.policy import Direction, Policy
from countermand.core.status import Facts, LineStatus, combine
from countermand.simulation.loop import SimulatedLoop
from countermand.simulation.mis import Plant
from countermand.simulation.record import Record
from countermand.simulation.script import Setup
from countermand.simulation.storefront import Shop


class Violation(AssertionError):  # noqa: N818 - the word of the field
    """A promise was broken. `invariant`: which; the text says where and how."""

    def __init__(self, invariant: str, about: str, what: str) -> None:
        super().__init__(f"{invariant}: {about}: {what}")
        self.invariant = invariant


class LineTruth(msgspec.Struct, frozen=True, kw_only=True):
    """One line as the two systems have it at this moment. `items`: references of what makes it."""

    line_id: str
    storefront: Facts
    mis: LineStatus
    items: tuple[str, ...]


class Watch:
    """The watcher of one history: both systems' truth, and a mirror of what we have stored."""

    def __init__(self, loop: SimulatedLoop, setup: Setup, shop: Shop, plant: Plant, record: Record) -> None:
        self.loop = loop
        self.setup = setup
        self.shop = shop
        self.plant = plant
        self.record = record
        self.cases: dict[str, StoredCase] = {}
        self.dirty: set[str] = set()
        self.sent: dict[str, datetime] = {}
        self.answered: set[str] = set()
        #: Orders of which a person has just pressed the storefront's button in our console; and how often.
        self.pressed: list[str] = []
        self.presses = 0
        self.acknowledged = 0
        self.saves = 0
        #: By how much our clock is wrong, in seconds, and when it was last set, in seconds of the history.
        self.clock_error = 0.0
        self.clock_set_at = -1.0
        self.clock_set_back = 0
        self.down: list[tuple[float, float]] = []

    def rules_of(self, order_id: str, direction: Direction) -> Sequence[Policy]:
        """The rules for each kind of product in an order; all of them hold for the order as a whole."""
        order = self.shop.orders[order_id]
        kinds = sorted({line.kind for line in order.lines})
        return [self.setup.policy_for(order.customer, kind, direction) for kind in kinds]

    def clock_changed_since(self, moment: float) -> bool:
        return self.clock_set_at >= moment

    def case(self, order_id: str) -> Case | None:
        stored = self.cases.get(order_id)
        return stored.case if stored else None

    def line_truths(self, order_id: str) -> Iterable[LineTruth]:
        order = self.shop.orders[order_id]
        for line in order.lines:
            items = self.plant.of_line(order_id, line.line_id)
            yield LineTruth(
                line_id=line.line_id,
                storefront=order.facts(line),
                mis=combine(self.plant.status(item) for item in items),
                items=tuple(item.ref for item in items),
            )

    def put_off(self, order_id: str, poll_at: datetime | None) -> None:
        """An idle look of this order was left out: only the next one has another time."""
        stored = self.cases[order_id]
        self.cases[order_id] = replace(stored, case=replace(stored.case, poll_at=poll_at))

    def mirror(self, changes: Sequence[Change], saved: Mapping[str, StoredCase]) -> None:
        """Take a durable save into the mirror."""
        self.saves += 1
        for change in changes:
            stored = saved.get(change.case.order_id)
            if stored is None:
                continue
            self.cases[change.case.order_id] = stored
            if not change.changed:
                continue
            self.dirty.add(change.case.order_id)
            for entry in change.journal:
                self._mirror_write(entry)

    def _mirror_write(self, entry: Entry) -> None:
        written = entry.extra.get("write")
        if entry.event is Event.WRITE_SENT and written is None:
            self.pressed.append(entry.subject.removeprefix("order/"))
            self.presses += 1
        elif entry.event is Event.WRITE_SENT and written is not None:
            self.sent[written] = entry.at
        elif entry.event in (Event.WRITE_ANSWERED, Event.WRITE_VERIFIED) and written is not None:
            self.answered.add(written)

    def healthy(self, since: float, until: float) -> float:
        """How much of a span both systems could be reached and our process was not down, in seconds."""
        lost = sum(max(0.0, min(until, end) - max(since, start)) for start, end in self.down)
        return until - since - lost


def shown_mis(case: Case, line: CaseLine) -> LineStatus:
    """What the stored case shows of a line in the MIS, with what history fills in."""
    items = [case.item(link.ref) for link in line.links]
    return combine(item.reading().status for item in items if item is not None)
