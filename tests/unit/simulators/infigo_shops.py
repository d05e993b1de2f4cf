"""A shop to test with: a clock that is told the time, and orders of known lines."""

from datetime import UTC, datetime, timedelta

from countermand.simulators.infigo.catalogue import line_of
from countermand.simulators.infigo.events import CONTROL, Origin
from countermand.simulators.infigo.orders import NewOrder, Order
from countermand.simulators.infigo.settings import InfigoSettings
from countermand.simulators.infigo.shop import Shop

BY = Origin("test", CONTROL)
CARDS, BANNER, UNPRICED, PENS = 101, 103, 190, 201


class FakeClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


def open_shop(settings: InfigoSettings | None = None, *, seed: int = 0) -> Shop:
    chosen = settings or InfigoSettings()
    return Shop(lambda: chosen, clock=FakeClock(), seed=seed)


def place(shop: Shop, *products: int, paid: bool = True, po_number: str = "PO-1", **more: str) -> Order:
    lines = tuple(line_of(shop.products[product], 50) for product in products or (CARDS,))
    customer = next(iter(shop.customers))
    return shop.place(NewOrder(customer_id=customer, lines=lines, paid=paid, po_number=po_number, **more), BY)  # type: ignore[arg-type]  # texts only
