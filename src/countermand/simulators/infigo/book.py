"""The order book: every order of the storefront, found by any of its numbers."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from countermand.simulators.infigo.orders import Line, Order


class ShopError(Exception):
    """A request that the shop cannot fulfil; the text is one sentence for the caller."""


class NotFoundError(ShopError):
    """There is no such order or line."""


class RefusedError(ShopError):
    """The shop's rules do not allow the change."""


class OrderBook:
    """Orders by id, and which order a job, an order line or an outside order number belongs to."""

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}
        self._order_of_job: dict[int, int] = {}
        self._order_of_opv: dict[int, int] = {}
        self._order_of_external_id: dict[str, int] = {}

    def order(self, order_id: int) -> Order:
        """Return one order. Raises `NotFoundError`."""
        try:
            return self._orders[order_id]
        except KeyError:
            raise NotFoundError(f"There is no order {order_id}.") from None

    def orders(self) -> Iterator[Order]:
        """Return all orders, oldest first."""
        return iter(self._orders.values())

    def find_order(self, order_id: int) -> Order | None:
        return self._orders.get(order_id)

    def order_of_opv(self, opv_id: int) -> Order | None:
        order_id = self._order_of_opv.get(opv_id)
        return None if order_id is None else self._orders[order_id]

    def find_line(self, job_id: str) -> Line | None:
        """Return the line with this job id, `s2001` or the bare number 2001."""
        number = job_id.strip().lower().lstrip("dsm")
        if not (number.isascii() and number.isdecimal()) or len(number) > 18:
            return None
        order_id = self._order_of_job.get(int(number))
        if order_id is None:
            return None
        line = next(line for line in self._orders[order_id].lines if line.job_number == int(number))
        return line if job_id.strip().lower() in (line.job_id, number) else None

    def line(self, job_id: str) -> Line:
        """Return one line by its job id. Raises `NotFoundError`."""
        line = self.find_line(job_id)
        if line is None:
            raise NotFoundError(f"There is no order line {job_id}.")
        return line

    def search(
        self,
        *,
        order_status: str = "",
        shipping_status: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Order]:
        """Find orders by status and by the time they were placed, oldest first."""
        for order in self._orders.values():
            if (
                (not order_status or order.status.name == order_status)
                and (not shipping_status or order.shipping.name == shipping_status)
                and (since is None or order.created >= since)
                and (until is None or order.created <= until)
            ):
                yield order

    def _save(self, order: Order) -> None:
        self._orders[order.id] = order

    def _save_line(self, changed: Line) -> None:
        order = self.order(changed.order_id)
        lines = tuple(changed if line.opv_id == changed.opv_id else line for line in order.lines)
        self._save(replace(order, lines=lines))
