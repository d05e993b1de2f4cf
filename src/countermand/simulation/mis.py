"""The MIS as a small state machine: printIQ's jobs and sales orders, their status ids and deliveries.

The rules are those of `simulators.printiq.plant`: dispatch lives on deliveries beside the status, a job that
is cancelled already answers success without an effect, sales orders cannot be cancelled from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from countermand.bridge.ports import MisItem, MisItemKind, OrderKeys
from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.core.status import LineStatus, Unreadable
from countermand.printiq.mapping import CANCELLED, COMPLETE, Deliveries, job_status, sales_order_status
from countermand.printiq.settings import PrintIQSettings
from countermand.simulation.loop import EPOCH
from countermand.simulation.record import Effect, Record

_APPLIED = Answer(outcome=Outcome.APPLIED, said="Success")
_FINISHED = 20


class PlantItem(msgspec.Struct, kw_only=True):
    """A job (`status` is an id) or a sales order (`status` is a word), and the order line it makes."""

    ref: str
    kind: MisItemKind
    order_id: str
    line_id: str
    group: str
    customer_reference: str
    status: int | str
    deliveries: list[str]
    external_reference: str = ""
    notes: str = ""
    quote_no: str = ""
    quantity: int = 1
    invoiced: bool = False
    tracking: list[str] = []
    #: What it was before it was put on hold or cancelled.
    before: int | str = 22
    modified: float = 0.0
    shown: list[tuple[float, MisItem]] = []

    @property
    def cancelled(self) -> bool:
        return self.status in (CANCELLED, "Cancelled")

    @property
    def consigned(self) -> int:
        return sum(1 for number in self.deliveries if number)


class Plant:
    """Every job and sales order of one printIQ. `changed` is called with an item after each change of it.

    `readable` false: it shows no item's status, so people's word has to do.
    """

    def __init__(
        self,
        now: Callable[[], float],
        record: Record,
        settings: PrintIQSettings,
        *,
        cancelled_can_dispatch: bool,
        refuses_cancel_of: frozenset[str],
        readable: bool,
    ) -> None:
        self._now = now
        self._record = record
        self._settings = settings
        self._cancelled_can_dispatch = cancelled_can_dispatch
        self._refuses_cancel_of = refuses_cancel_of
        self.readable = readable
        self._statuses: dict[tuple[int | str, tuple[int, int]], LineStatus] = {}
        self.items: dict[str, PlantItem] = {}
        self.of_order: dict[str, list[PlantItem]] = {}
        self.changed: Callable[[PlantItem], None] = lambda _item: None

    def accept(self, item: PlantItem) -> None:
        self.items[item.ref] = item
        self.of_order.setdefault(item.order_id, []).append(item)
        self._show(item)

    def delete(self, item: PlantItem, by: str) -> None:
        """Nothing of it is left: whoever asks for it is told that there is no such job."""
        del self.items[item.ref]
        self.of_order[item.order_id].remove(item)
        self._done(by, "delete", item, _APPLIED, applied=False)
        self.changed(item)

    def of_line(self, order_id: str, line_id: str) -> list[PlantItem]:
        return [item for item in self.of_order.get(order_id, ()) if item.line_id == line_id]

    def carrying(self, keys: OrderKeys) -> list[PlantItem]:
        """What a search by these keys finds."""
        return [item for item in self.items.values() if _carries(item, keys)]

    # Reading

    def status(self, item: PlantItem) -> LineStatus:
        status, deliveries = item.status, (len(item.deliveries), item.consigned)
        if (status, deliveries) not in self._statuses:
            self._statuses[status, deliveries] = self._mapped(status, Deliveries(*deliveries))
        return self._statuses[status, deliveries]

    def _mapped(self, status: int | str, deliveries: Deliveries) -> LineStatus:
        if isinstance(status, int):
            return job_status(status, deliveries, self._settings.dispatched_when)
        return sales_order_status(status, deliveries, self._settings)

    def read(self, item: PlantItem, began_at: datetime, lag: float = 0.0) -> MisItem | None:
        """The item as it was `lag` seconds ago; none if there was no such item."""
        if not lag:
            return replace(item.shown[-1][1], began_at=began_at)
        seen = [shown for since, shown in item.shown if since <= self._now() - lag]
        return replace(seen[-1], began_at=began_at) if seen else None

    def _show(self, item: PlantItem) -> None:
        item.modified = self._now()
        shown = MisItem(
            ref=item.ref,
            kind=item.kind,
            began_at=EPOCH,
            status=self.status(item) if self.readable else Unreadable("read_by = none"),
            customer_reference=item.customer_reference,
            external_reference=item.external_reference,
            notes=item.notes,
            quote_no=item.quote_no,
            group=item.group,
            quantity=item.quantity,
            tracking=frozenset(item.tracking),
            invoiced=item.invoiced,
            changed_at=EPOCH + timedelta(seconds=self._now()),
            raw=str(item.status),
        )
        item.shown = [*item.shown[-9:], (self._now(), shown)]
        self.changed(item)

    # Changing, by anybody

    def set_status(self, item: PlantItem, status: int | str, by: str) -> Answer:
        if item.status == status:
            return self._done(by, "status", item, _APPLIED, applied=False)
        if not item.cancelled and item.status not in (16, "On Backorder"):
            item.before = item.status
        item.status = status
        return self._done(by, "status", item, _APPLIED, applied=True)

    def cancel(self, item: PlantItem, by: str) -> Answer:
        if item.cancelled:
            return self._done(by, "cancel", item, _APPLIED, applied=False)
        for obstacle in self._obstacles(item):
            said = f"Job {item.ref} is {obstacle} and cannot be cancelled"
            refused = Answer(outcome=Outcome.REFUSED, reason=RefusalReason.OTHER, said=said)
            return self._done(by, "cancel", item, refused, applied=False)
        if item.status not in (16, "On Backorder"):
            item.before = item.status
        item.status = CANCELLED if item.kind is MisItemKind.JOB else "Cancelled"
        return self._done(by, "cancel", item, _APPLIED, applied=True)

    def _obstacles(self, item: PlantItem) -> list[str]:
        found = {
            "dispatched": item.consigned > 0,
            "complete": item.status in (_FINISHED, COMPLETE),
            "invoiced": item.invoiced,
        }
        return [name for name, is_so in found.items() if is_so and name in self._refuses_cancel_of]

    def reactivate(self, item: PlantItem, by: str) -> None:
        """Staff set it back to what it was before it was cancelled or put on hold."""
        if item.cancelled or item.status in (16, "On Backorder"):
            item.status = item.before
            self._done(by, "reactivate", item, _APPLIED, applied=True)

    def dispatch(self, item: PlantItem, by: str, tracking: str, *, only_one: bool) -> bool:
        """Consign the open deliveries, or one of them; false when there is none or it is not allowed."""
        waiting = [place for place, number in enumerate(item.deliveries) if not number]
        if not waiting or (item.cancelled and not self._cancelled_can_dispatch):
            return False
        for place in waiting[:1] if only_one else waiting:
            item.deliveries[place] = tracking
        item.tracking.append(tracking)
        if item.kind is MisItemKind.SALES_ORDER and item.consigned == len(item.deliveries):
            item.status = item.status if item.cancelled else "Dispatched"
        self._done(by, "dispatch", item, _APPLIED, applied=True)
        return True

    def invoice(self, item: PlantItem, by: str) -> None:
        item.invoiced = True
        self._done(by, "invoice", item, _APPLIED, applied=True)

    def _done(self, by: str, what: str, item: PlantItem, answer: Answer, *, applied: bool) -> Answer:
        self._record.add(
            Effect(at=self._now(), side="mis", by=by, what=what, target=item.ref, lines=(item.line_id,),
                   applied=applied)
        )  # fmt: skip
        if applied:
            self._show(item)
        return answer


def _carries(item: PlantItem, keys: OrderKeys) -> bool:
    return (
        item.customer_reference in (keys.order_id, keys.po_number)
        or item.external_reference in keys.line_ids
        or (item.quote_no != "" and item.quote_no in keys.quote_ids)
        or (item.notes != "" and any(f"{keys.order_id}/{line_id}" in item.notes for line_id in keys.line_ids))
    )
