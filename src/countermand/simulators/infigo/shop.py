"""The storefront as a pure state machine: orders, their three axes, stock, notes and mails.

No I/O: time and seed come in, and whatever should leave the shop is queued as an `Event` for others to send.
The rules of cancelling are nopCommerce's, see docs/simulators-infigo.md.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from itertools import islice
from random import Random
from typing import Self

from msgspec.structs import replace

from countermand.simulators.infigo.book import OrderBook, RefusedError
from countermand.simulators.infigo.catalogue import PRODUCTS, Customer, Product, customers, sample_orders
from countermand.simulators.infigo.events import STAFF, Action, Event, Origin
from countermand.simulators.infigo.orders import (
    JobStatus,
    Line,
    Mail,
    NewLine,
    NewOrder,
    Note,
    Order,
    OrderStatus,
    PaymentStatus,
    ShippingStatus,
    StockMovement,
)
from countermand.simulators.infigo.settings import InfigoSettings
from countermand.simulators.infigo.submission import Submission, SubmissionState
from countermand.simulators.kit import WriteLedger

FIRST_ORDER_ID = 10001
FIRST_JOB_NUMBER = 2001
FIRST_OPV_ID = 50001
PICK_UP = ("pick up", "pickup", "collect")


class Shop(OrderBook):
    """Every order of one storefront. Not thread-safe: one caller at a time."""

    def __init__(
        self,
        settings: Callable[[], InfigoSettings],
        *,
        clock: Callable[[], datetime],
        seed: int = 0,
        ledger: WriteLedger | None = None,
    ) -> None:
        super().__init__()
        self._settings = settings
        self.clock = clock
        self.ledger = ledger if ledger is not None else WriteLedger(clock)
        self.customers: dict[int, Customer] = customers(seed)
        self.products: dict[int, Product] = {product.id: product for product in PRODUCTS}
        self._samples = sample_orders(Random(seed), tuple(self.customers))
        self._submissions: dict[int, Submission] = {}
        self.on_shelf = {
            product.id: product.on_shelf for product in PRODUCTS if product.product_type == "stock"
        }
        self.stock_movements: list[StockMovement] = []
        self.mails: list[Mail] = []
        self._events: list[Event] = []
        self._last_job = FIRST_JOB_NUMBER - 1

    def customer_named(self, name: str) -> Customer:
        """Return the customer of this name, company or mail address; a new one if there is none."""
        for customer in self.customers.values():
            if name in (customer.name, customer.company, customer.email):
                return customer
        number = max(self.customers) + 1
        added = Customer(id=number, name=name, company=name, email=f"customer{number}@shop.example")
        self.customers[number] = added
        return added

    def submission(self, order_id: int) -> Submission:
        return self._submissions.get(order_id, Submission())

    def drain_events(self) -> list[Event]:
        """Return what happened since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    # Placing

    def place(self, new: NewOrder, by: Origin) -> Order:
        """Place an order. Raises `RefusedError` for an `external_id` or job id that is already taken."""
        self._check_new(new)
        order_id = FIRST_ORDER_ID + len(self._orders)
        lines = tuple(self._new_line(order_id, line) for line in new.lines)
        order = Order(
            id=order_id,
            customer_id=new.customer_id,
            created=new.created or self.clock(),
            lines=lines,
            status=OrderStatus.Processing if new.paid else OrderStatus.Pending,
            shipping=_first_shipping_status(new.delivery_method),
            payment=PaymentStatus.Paid if new.paid else PaymentStatus.Pending,
            po_number=new.po_number,
            external_id=new.external_id,
            delivery_method=new.delivery_method,
            transaction_id=f"TX{order_id}" if new.paid else "",
            notes=(Note(at=self.clock(), text="Order placed"),),
            checkout_attributes=new.checkout_attributes,
            extra=new.extra,
        )
        self._orders[order_id] = order
        if new.external_id:
            self._order_of_external_id[new.external_id] = order_id
        for line in lines:
            self._move_stock(line, -line.quantity, "ordered")
        sends = new.send and self._settings().plugin.enabled and bool(self._settings().plugin.printiq_url)
        state = SubmissionState.WAITING if sends else SubmissionState.NOT_SENT
        self._submissions[order_id] = Submission(state=state)
        self._record(by, f"order {order_id}", "applied", lines=[line.job_id for line in lines])
        self._happened(Action.ORDER_PLACED, order)
        return order

    def place_samples(self, count: int, by: Origin, *, send: bool = True) -> list[Order]:
        """Place `count` invented orders."""
        return [self.place(replace(new, send=send), by) for new in islice(self._samples, count)]

    def _check_new(self, new: NewOrder) -> None:
        if not new.lines:
            raise RefusedError("An order needs at least one line.")
        if new.customer_id not in self.customers:
            raise RefusedError(f"There is no customer {new.customer_id}.")
        if new.external_id in self._order_of_external_id:
            raise RefusedError(f"There is already an order with ExternalOrderId {new.external_id}.")
        taken = [line.job_number for line in new.lines if line.job_number]
        if len(set(taken)) < len(taken) or any(number in self._order_of_job for number in taken):
            raise RefusedError("A job can be ordered only once.")

    def _new_line(self, order_id: int, new: NewLine) -> Line:
        number = new.job_number or self._next_job_number()
        opv_id = FIRST_OPV_ID + len(self._order_of_opv)
        self._order_of_job[number] = order_id
        self._order_of_opv[opv_id] = order_id
        return Line(
            opv_id=opv_id,
            order_id=order_id,
            type_letter=new.type_letter,
            job_number=number,
            product_id=new.product_id,
            sku=new.sku,
            name=new.name,
            product_type=new.product_type,
            quantity=new.quantity,
            price=new.price,
            attributes=new.attributes,
            pdf_url=new.pdf_url,
            extra=new.extra,
        )

    def _next_job_number(self) -> int:
        self._last_job += 1
        while self._last_job in self._order_of_job:
            self._last_job += 1
        return self._last_job

    # Changing an order

    def cancel_order(
        self, order_id: int, by: Origin, *, notify_customer: bool = False, notify_mis: bool = False
    ) -> Order:
        """Cancel from any state but Cancelled; restocks, notes, mails if asked, and never refunds.

        Payment, shipping and the lines' own cancel flags stay as they are. A second cancel raises
        `RefusedError`.
        """
        order = self.order(order_id)
        if order.is_cancelled:
            raise self._refused(by, f"order {order_id}", f"Order {order_id} is already cancelled.")
        for line in order.lines:
            if not line.is_cancelled:
                self._move_stock(line, line.quantity, "order cancelled")
        changed = self._with_note(replace(order, status=OrderStatus.Cancelled), "Order has been cancelled")
        self._save(changed)
        if notify_customer:
            self._mail(changed, f"Your order {order_id} has been cancelled")
        self._record(by, f"order {order_id}", "applied", notifyCustomer=notify_customer, notifyMis=notify_mis)
        if notify_mis:
            # What the flag does is not known; here it is noted and nothing is sent.
            self._record(Origin("notifyMis", by.via), f"order {order_id}", "no effect")
        self._happened(Action.ORDER_STATUS_CHANGED, changed)
        return changed

    def set_order_status(self, order_id: int, status: OrderStatus, by: Origin) -> Order:
        """Change the order's status; to Cancelled means to cancel it, and nothing leads back from there."""
        order = self.order(order_id)
        if status is OrderStatus.Cancelled:
            return self.cancel_order(order_id, by)
        target = f"order {order_id}"
        if order.is_cancelled:
            raise self._refused(by, target, f"Order {order_id} is cancelled; a cancel cannot be taken back.")
        if order.status is status:
            self._record(by, target, "already", status=status.name)
            return order
        changed = self._with_note(
            replace(order, status=status), f"Order status has been changed to {status.name}"
        )
        self._save(changed)
        self._record(by, target, "applied", status=status.name)
        self._happened(Action.ORDER_STATUS_CHANGED, changed)
        return changed

    def set_shipping(
        self, order_id: int, shipping: ShippingStatus, by: Origin, *, tracking: str | None = None
    ) -> Order:
        """Change the shipping status, and the tracking text if one is given, in one write.

        Shipped sends the whole of every line that is not cancelled, and mails the customer the tracking text.
        Raises `RefusedError` for a cancelled order, unless this storefront allows that.
        """
        order, target = self.order(order_id), f"order {order_id}"
        text = order.tracking if tracking is None else tracking
        if (order.shipping, order.tracking) == (shipping, text):
            self._record(by, target, "already", shipping=shipping.name, tracking=text)
            return order
        if order.is_cancelled and not self._settings().cancelled_order_can_ship:
            raise self._refused(by, target, f"Order {order_id} is cancelled and cannot be shipped.")
        changed = replace(order, shipping=shipping, tracking=text)
        if order.shipping is not shipping:
            changed = self._moved_to(changed, shipping)
        self._save(changed)
        self._record(by, target, "applied", shipping=shipping.name, tracking=text)
        self._happened(Action.ORDER_STATUS_CHANGED, changed)
        return self.order(order_id)

    def _moved_to(self, order: Order, shipping: ShippingStatus) -> Order:
        """Everything that follows from a new shipping status."""
        order = self._with_note(order, f"Shipping status has been changed to {shipping.name}")
        if shipping in (ShippingStatus.Shipped, ShippingStatus.Delivered):
            order = replace(order, lines=tuple(_fully_shipped(line) for line in order.lines))
        if shipping is ShippingStatus.Shipped:
            self._mail(order, f"Your order {order.id} has been shipped {order.tracking}".strip())
        return replace(order, status=_status_after_shipping(order))

    def set_tracking(self, order_id: int, tracking: str, by: Origin) -> Order:
        order, target = self.order(order_id), f"order {order_id}"
        if order.tracking == tracking:
            self._record(by, target, "already", tracking=tracking)
            return order
        changed = replace(order, tracking=tracking)
        self._save(changed)
        self._record(by, target, "applied", tracking=tracking)
        self._happened(Action.ORDER_STATUS_CHANGED, changed)
        return changed

    def add_note(self, order_id: int, text: str, by: Origin, *, display_to_customer: bool = False) -> Order:
        changed = self._with_note(self.order(order_id), text, display_to_customer=display_to_customer)
        self._save(changed)
        self._record(by, f"order {order_id}", "applied", note=text)
        return changed

    def set_extra(self, order_id: int, key: str, value: str | None, by: Origin) -> Order:
        """Keep a value with the order under a key, or forget it when the value is None."""
        order = self.order(order_id)
        kept = {name: text for name, text in order.extra.items() if name != key}
        changed = replace(order, extra=kept if value is None else {**kept, key: value})
        self._save(changed)
        self._record(by, f"order {order_id}", "applied", extra=key)
        return changed

    def refund(self, order_id: int, by: Origin) -> Order:
        """Note that the payment was given back: a separate act, which no cancel does by itself."""
        order, target = self.order(order_id), f"order {order_id}"
        if order.payment is not PaymentStatus.Paid:
            raise self._refused(by, target, f"Order {order_id} is not paid, so there is nothing to refund.")
        changed = self._with_note(replace(order, payment=PaymentStatus.Refunded), "Order has been refunded")
        self._save(changed)
        self._record(by, target, "applied", payment="Refunded")
        self._happened(Action.ORDER_STATUS_CHANGED, changed)
        return changed

    # Changing a line

    def cancel_line(self, job_id: str, by: Origin) -> Order:
        """Cancel one line; the order's own status stays as it is. Raises `RefusedError` the second time."""
        line = self.line(job_id)
        if line.is_cancelled:
            raise self._refused(by, f"line {line.job_id}", f"Line {line.job_id} is already cancelled.")
        if not self.order(line.order_id).is_cancelled:
            self._move_stock(line, line.quantity, "line cancelled")
        self._save_line(replace(line, is_cancelled=True))
        changed = self._with_note(self.order(line.order_id), f"Line {line.job_id} has been cancelled")
        self._save(changed)
        self._record(by, f"line {line.job_id}", "applied", order=line.order_id)
        self._happened(Action.LINE_STATUS_CHANGED, changed, (line.job_id,))
        return changed

    def set_line_status(self, job_id: str, status: str, description: str, by: Origin) -> Line:
        """Set one of Infigo's job statuses, or with any other name one of the shop's own."""
        line = self.line(job_id)
        known = JobStatus.__members__.get(status)
        changed = replace(
            line,
            status=line.status if known is None else known,
            custom_status=status if known is None else "",
            status_info=description,
        )
        self._save_line(changed)
        self._record(by, f"line {line.job_id}", "applied", status=status)
        self._happened(Action.LINE_STATUS_CHANGED, self.order(line.order_id), (line.job_id,))
        return changed

    # What the plugin remembers; not writes of anybody outside, so not in the ledger

    def set_quote(self, job_id: str, quote_id: str) -> None:
        self._save_line(replace(self.line(job_id), quote_id=quote_id))

    def set_submission(self, order_id: int, submission: Submission) -> None:
        self._submissions[self.order(order_id).id] = submission

    @contextmanager
    def without_effect(self) -> Iterator[None]:
        """Undo all that happens inside (fault `ok-but-ignored`); the ledger keeps what it would have been."""
        kept = {name: _shallow_copy(value) for name, value in vars(self).items()}
        rehearsed = self.ledger = WriteLedger(self.clock)
        try:
            yield
        finally:
            vars(self).update(kept)
            self.ledger.record_ignored(rehearsed)

    def picture(self) -> Self:
        """Return a copy of how things stand, with an empty ledger; nothing done to one shows in the other."""
        other = copy(self)
        vars(other).update({name: _shallow_copy(value) for name, value in vars(self).items()})
        other.ledger = WriteLedger(self.clock)
        return other

    def start_output(self, job_id: str, by: Origin) -> Line:
        """Begin to make a line's output file."""
        return self.set_line_status(job_id, JobStatus.OutputCreationStarted.name, "", by)

    def finish_output(self, job_id: str) -> Line:
        return self.set_line_status(job_id, JobStatus.OutputCreated.name, "", Origin("output", STAFF))

    # The parts of a write

    def _with_note(self, order: Order, text: str, *, display_to_customer: bool = False) -> Order:
        note = Note(at=self.clock(), text=text, display_to_customer=display_to_customer)
        return replace(order, notes=(*order.notes, note))

    def _mail(self, order: Order, subject: str) -> None:
        to = self.customers[order.customer_id].email
        self.mails.append(Mail(at=self.clock(), to=to, subject=subject, order_id=order.id))

    def _move_stock(self, line: Line, quantity: int, reason: str) -> None:
        """Take from or return to the shelf; only stock products have one."""
        if line.product_id not in self.on_shelf:
            return
        self.on_shelf[line.product_id] += quantity
        movement = StockMovement(
            at=self.clock(),
            product_id=line.product_id,
            quantity=quantity,
            order_id=line.order_id,
            reason=reason,
        )
        self.stock_movements.append(movement)

    def _happened(self, action: Action, order: Order, job_ids: tuple[str, ...] = ()) -> None:
        rows = job_ids or tuple(line.job_id for line in order.lines)
        self._events.append(Event(action=action, order_id=order.id, job_ids=rows))

    def _record(self, by: Origin, target: str, effect: str, **detail: object) -> None:
        self.ledger.record(by.call, target, effect, {"via": by.via, **detail})

    def _refused(self, by: Origin, target: str, sentence: str) -> RefusedError:
        self._record(by, target, "refused", reason=sentence)
        return RefusedError(sentence)


def _first_shipping_status(delivery_method: str) -> ShippingStatus:
    collected = delivery_method.strip().lower() in PICK_UP
    return ShippingStatus.ShippingNotRequired if collected else ShippingStatus.NotYetShipped


def _fully_shipped(line: Line) -> Line:
    return line if line.is_cancelled else replace(line, shipped_quantity=line.quantity)


def _status_after_shipping(order: Order) -> OrderStatus:
    """nopCommerce: a pending order that moves is processing; paid and delivered is complete."""
    if order.status is OrderStatus.Pending:
        return OrderStatus.Processing
    if (
        order.status is OrderStatus.Processing
        and order.payment is PaymentStatus.Paid
        and order.shipping is ShippingStatus.Delivered
    ):
        return OrderStatus.Complete
    return order.status


def _shallow_copy(value: object) -> object:
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, list) else value
