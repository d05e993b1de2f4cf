"""The storefront as a small state machine: Infigo's three axes, and its rules for changing them.

The rules are those of `simulators.infigo.shop` and of the MegaScript that the project ships: a cancel is
possible from every state but Cancelled, there is no un-cancel, and tracking numbers are joined.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from countermand.bridge.ports import LineKind, Payment, StorefrontLine, StorefrontOrder
from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.core.status import Facts
from countermand.infigo.mapping import Axes, line_status
from countermand.simulation.loop import EPOCH
from countermand.simulation.record import Effect, Record

_APPLIED, _ALREADY = Answer(outcome=Outcome.APPLIED), Answer(outcome=Outcome.ALREADY)
_NO_SUCH_ORDER = Answer(outcome=Outcome.REFUSED, reason=RefusalReason.NOT_FOUND, said="No such order")
_RANK = {"NotYetShipped": 0, "PartiallyShipped": 1, "Shipped": 2, "Delivered": 3}


class ShopLine(msgspec.Struct, kw_only=True):
    line_id: str
    kind: LineKind
    quantity: int
    quote_id: str = ""
    cancelled: bool = False
    shipped: int = 0


class ShopOrder(msgspec.Struct, kw_only=True):
    order_id: str
    number: int
    placed: float
    customer: str
    po_number: str
    total: str
    payment: Payment
    lines: list[ShopLine]
    status: str = "Processing"
    shipping: str = "NotYetShipped"
    tracking: list[str] = []
    deleted_at: float | None = None
    #: What a read shows, and from when on: older ones serve stale reads.
    shown: list[tuple[float, StorefrontOrder]] = []

    @property
    def cancelled(self) -> bool:
        return self.status == "Cancelled"

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def emptied(self) -> bool:
        """Every line is cancelled by itself."""
        return all(line.cancelled for line in self.lines)

    def line(self, line_id: str) -> ShopLine:
        return next(line for line in self.lines if line.line_id == line_id)

    def facts(self, line: ShopLine) -> Facts:
        return _facts(self.status, self.shipping, line.cancelled, line.quantity, line.shipped)


@lru_cache(4096)
def _facts(order: str, shipping: str, cancelled: bool, quantity: int, shipped: int) -> Facts:
    status = line_status(
        Axes(
            order=order,
            shipping=shipping,
            line_cancelled=cancelled,
            quantity=quantity,
            shipped_quantity=shipped,
        ),
        pickup_counts=True,
    )
    assert isinstance(status, Facts), f"{order}/{shipping} reads as {status}"
    return status


class Shop:
    """Every order of the storefront. `changed` is called with an order after each change of it."""

    def __init__(self, now: Callable[[], float], record: Record, *, cancelled_can_ship: bool) -> None:
        self._now = now
        self._record = record
        self._cancelled_can_ship = cancelled_can_ship
        self.orders: dict[str, ShopOrder] = {}
        self.order_of_line: dict[str, str] = {}
        self.changed: Callable[[ShopOrder], None] = lambda _order: None

    def place(self, order: ShopOrder) -> None:
        self.orders[order.order_id] = order
        self.order_of_line.update((line.line_id, order.order_id) for line in order.lines)
        self._show(order)

    # Reading

    def read(
        self, order_id: str, began_at: datetime, lag: float = 0.0, *, whole: bool = False
    ) -> StorefrontOrder | None:
        """The order as it was `lag` seconds ago; none if there was no such order.

        `whole`: with what only the slower interface tells.
        """
        order = self.orders.get(order_id)
        if order is None or (order.deleted_at is not None and order.deleted_at <= self._now() - lag):
            return None
        seen = [shown for since, shown in order.shown if since <= self._now() - lag]
        if not seen:
            return None
        if whole:
            return replace(seen[-1], began_at=began_at, customer=order.customer, total=order.total,
                           po_number=order.po_number)  # fmt: skip
        return replace(seen[-1], began_at=began_at)

    def _show(self, order: ShopOrder) -> None:
        shown = StorefrontOrder(
            order_id=order.order_id,
            began_at=EPOCH,
            lines=tuple(
                StorefrontLine(
                    line_id=line.line_id,
                    status=order.facts(line),
                    kind=line.kind,
                    quantity=line.quantity,
                    shipped_quantity=line.shipped,
                    quote_id=line.quote_id,
                )
                for line in order.lines
            ),
            placed_at=EPOCH + timedelta(seconds=order.placed),
            payment=order.payment,
            tracking=frozenset(order.tracking),
            order_cancelled=order.cancelled,
            fence=order.shipping,
            raw=f"{order.status}/{order.shipping}",
        )
        order.shown = [*order.shown[-9:], (self._now(), shown)]
        self.changed(order)

    def find_order_of_line(self, line_id: str) -> str | None:
        order_id = self.order_of_line.get(line_id)
        return None if order_id is None or self.orders[order_id].deleted else order_id

    # Changing, by anybody

    def delete(self, order_id: str) -> None:
        """Nothing of it is left: whoever asks for it is told that there is no such order."""
        order = self.orders[order_id]
        order.deleted_at = self._now()
        self.changed(order)

    def cancel_order(self, order_id: str, by: str, fence: str = "") -> Answer:
        order = self.orders[order_id]
        if order.deleted:
            return self._done(by, "cancel", order_id, _NO_SUCH_ORDER)
        if order.cancelled:
            return self._done(by, "cancel", order_id, _ALREADY)
        if fence and fence != order.shipping:
            return self._done(by, "cancel", order_id, _moved_on(order, fence))
        order.status = "Cancelled"
        return self._done(by, "cancel", order_id, _APPLIED)

    def cancel_lines(self, order_id: str, line_ids: list[str], by: str, fence: str = "") -> Answer:
        order = self.orders[order_id]
        if order.deleted:
            return self._done(by, "cancel", order_id, _NO_SUCH_ORDER, line_ids)
        open_lines = [line for line in order.lines if line.line_id in line_ids and not line.cancelled]
        if order.cancelled or not open_lines:
            return self._done(by, "cancel", order_id, _ALREADY, line_ids)
        if fence and fence != order.shipping:
            return self._done(by, "cancel", order_id, _moved_on(order, fence), line_ids)
        for line in open_lines:
            line.cancelled = True
        return self._done(by, "cancel", order_id, _APPLIED, line_ids)

    def ship(self, order_id: str, by: str, *, tracking: str, partial: bool) -> Answer:
        """Set shipped or partially shipped; by the script's rules, or a person's, who is refused less."""
        order, wanted = self.orders[order_id], "PartiallyShipped" if partial else "Shipped"
        if order.deleted:
            return self._done(by, "ship", order_id, _NO_SUCH_ORDER)
        added = [code for code in tracking.split(", ") if code and code not in order.tracking]
        if _RANK[order.shipping] >= _RANK[wanted] and not added:
            return self._done(by, "ship", order_id, _ALREADY)
        if order.cancelled and (by == "us" or not self._cancelled_can_ship):
            refused = Answer(
                outcome=Outcome.REFUSED, reason=RefusalReason.NOT_ALLOWED, said="The order is cancelled"
            )
            return self._done(by, "ship", order_id, refused)
        order.tracking.extend(added)
        if _RANK[order.shipping] < _RANK[wanted]:
            order.shipping = wanted
        if wanted == "Shipped":
            for line in order.lines:
                line.shipped = line.shipped if line.cancelled else line.quantity
        return self._done(by, "ship", order_id, _APPLIED)

    def track(self, order_id: str, by: str, *, tracking: str) -> Answer:
        order = self.orders[order_id]
        if order.deleted:
            return self._done(by, "track", order_id, _NO_SUCH_ORDER)
        added = [code for code in tracking.split(", ") if code and code not in order.tracking]
        if not added:
            return self._done(by, "track", order_id, _ALREADY)
        order.tracking.extend(added)
        return self._done(by, "track", order_id, _APPLIED)

    def refund(self, order_id: str, by: str) -> None:
        order = self.orders[order_id]
        if order.payment is Payment.PAID and not order.deleted:
            order.payment = Payment.REFUNDED
            self._done(by, "refund", order_id, _APPLIED)

    def _done(
        self, by: str, what: str, order_id: str, answer: Answer, line_ids: list[str] | None = None
    ) -> Answer:
        order = self.orders[order_id]
        applied = answer.outcome is Outcome.APPLIED
        about = tuple(line_ids) if line_ids is not None else tuple(line.line_id for line in order.lines)
        self._record.add(
            Effect(at=self._now(), side="storefront", by=by, what=what, target=order_id, lines=about,
                   applied=applied)
        )  # fmt: skip
        if applied:
            self._show(order)
        return answer


def _moved_on(order: ShopOrder, fence: str) -> Answer:
    said = f"The order is {order.shipping}, not {fence}."
    return Answer(outcome=Outcome.REFUSED, reason=RefusalReason.DISPATCHED, said=said)
