"""Sales orders: stock items that are picked, back-ordered, split, cancelled and reactivated."""

from msgspec.structs import replace

from countermand.simulators.printiq.books import Books, PlantError
from countermand.simulators.printiq.records import Change, SalesOrder, SalesOrderItem
from countermand.simulators.printiq.statuses import (
    SO_CANCELLED,
    SO_COMPLETED,
    SO_CONFIRMED,
    SO_DISPATCHED,
    SO_MOVES,
    SO_PAID,
)


class Stockroom:
    """Changes what happens to sales orders (printIQ help desk: v47-webservice-updateall)."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def move(self, number: str, status: str, *, call: str) -> SalesOrder:
        """Move a sales order to another status. Raises `PlantError` where staff could not."""
        with self._books.refusals_recorded(call, number):
            order = self._books.sales_order(number)
            if status not in SO_MOVES[order.status]:
                allowed = ", ".join(SO_MOVES[order.status]) or "nothing"
                raise PlantError(f"Sales order {number} is {order.status}; it can become: {allowed}")
        was_paid = order.was_paid or status == SO_PAID
        return self._set_status(replace(order, was_paid=was_paid), status, call, "status changed")

    def cancel(self, number: str, *, call: str) -> SalesOrder:
        """Cancel a sales order. Raises `PlantError` when it is cancelled already, or refused."""
        with self._books.refusals_recorded(call, number):
            order = self._books.sales_order(number)
            if order.status == SO_CANCELLED:
                raise PlantError(f"Sales order {number} is cancelled already")
            gone = {"dispatched": SO_DISPATCHED, "complete": SO_COMPLETED}
            for name in self._books.settings.refuse_cancel_when:
                if order.status == gone.get(name):
                    raise PlantError(f"Sales order {number} is {order.status} and cannot be cancelled")
        order = self._set_status(order, SO_CANCELLED, call, "cancelled")
        for item in order.items:
            self._books.emit(
                "SalesOrderCancelled", OrderId=order.order_reference, SalesOrderNo=number, Notes=item.notes
            )
        return order

    def reactivate(self, number: str, *, call: str) -> SalesOrder:
        """Bring a cancelled sales order back. Raises `PlantError` when it is not cancelled."""
        with self._books.refusals_recorded(call, number):
            order = self._books.sales_order(number)
            if order.status != SO_CANCELLED:
                raise PlantError(f"Sales order {number} is {order.status}, not {SO_CANCELLED}")
        return self._set_status(order, SO_PAID if order.was_paid else SO_CONFIRMED, call, "reactivated")

    def split(self, number: str, *, call: str) -> SalesOrder:
        """Move half of each item to a new sales order, numbered `-001` and so on, and return it.

        Raises `PlantError` when it has left, is cancelled, or has nothing to split.
        """
        with self._books.refusals_recorded(call, number):
            order = self._books.sales_order(number)
            if order.status in (SO_CANCELLED, SO_DISPATCHED, SO_COMPLETED):
                raise PlantError(f"Sales order {number} is {order.status} and cannot be split")
            if all(item.quantity < 2 for item in order.items):
                raise PlantError(f"Sales order {number} has nothing to split")
        part_no = self._next_part(number)
        moved = tuple(self._moved(item, part_no) for item in order.items if item.quantity > 1)
        now = self._books.clock()
        part = replace(
            order,
            number=part_no,
            items=moved,
            created=now,
            modified=now,
            history=(Change(now, f"split from {number}", call),),
        )
        self._books.keep_sales_order(part)
        kept = tuple(self._kept(item) for item in order.items)
        self._books.keep_sales_order(
            replace(
                order,
                items=kept,
                modified=now,
                history=(*order.history, Change(now, f"split to {part_no}", call)),
            )
        )
        self._add_to_acceptance(order.acceptance_key, part_no)
        self._books.ledger.record(call, number, "split", {"SalesOrderNo": part_no})
        return part

    def _next_part(self, number: str) -> str:
        n = 1
        while (part := f"{number}-{n:03d}") in self._books.sales_orders:
            n += 1
        return part

    def _moved(self, item: SalesOrderItem, owner: str) -> SalesOrderItem:
        quantity = item.quantity // 2
        address = self._books.deliveries[item.delivery_key].address
        delivery = self._books.new_delivery(owner, quantity, address)
        return replace(
            item,
            detail_key=self._books.next_number("detail"),
            quantity=quantity,
            delivery_key=delivery.key,
        )

    def _kept(self, item: SalesOrderItem) -> SalesOrderItem:
        quantity = item.quantity - item.quantity // 2
        self._books.keep_delivery(self._books.deliveries[item.delivery_key], quantity=quantity)
        return replace(item, quantity=quantity)

    def _add_to_acceptance(self, key: int, number: str) -> None:
        acceptance = self._books.acceptances[key]
        numbers = (*acceptance.sales_order_nos, number)
        self._books.acceptances[key] = replace(acceptance, sales_order_nos=numbers)

    def _set_status(self, order: SalesOrder, status: str, call: str, effect: str) -> SalesOrder:
        now = self._books.clock()
        order = replace(
            order,
            status=status,
            modified=now,
            history=(*order.history, Change(now, f"status {status}", call)),
        )
        self._books.keep_sales_order(order)
        self._books.ledger.record(call, order.number, effect, {"Status": status})
        for item in order.items:
            self._books.emit(
                "SalesOrderItemStatusChanged",
                SalesOrderNo=order.number,
                AcceptanceDetailKey=item.detail_key,
                Status=status,
            )
        return order
