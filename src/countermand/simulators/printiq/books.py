"""The plant's state: records by number, running numbers, the write ledger, and what has happened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from random import Random
from typing import Self

from msgspec.structs import replace

from countermand.simulators.kit import SettingsBox, WriteLedger
from countermand.simulators.printiq.records import (
    Acceptance,
    Consignment,
    Delivery,
    Event,
    Job,
    Quote,
    SalesOrder,
)
from countermand.simulators.printiq.settings import PrintIQSettings


class PlantError(ValueError):
    """printIQ refuses; the text is what it answers."""


class Books:
    """Everything the plant knows. Records are frozen, so a copy of the books is cheap."""

    def __init__(
        self, settings: SettingsBox[PrintIQSettings], clock: Callable[[], datetime], seed: int
    ) -> None:
        self._settings = settings
        self.clock = clock
        self.random = Random(seed)
        self.ledger = WriteLedger(clock)
        self.quotes: dict[str, Quote] = {}
        self.acceptances: dict[int, Acceptance] = {}
        self.jobs: dict[str, Job] = {}
        self.sales_orders: dict[str, SalesOrder] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.consignments: dict[str, Consignment] = {}
        #: Job and sales-order numbers by the storefront reference they carry.
        self.by_order: dict[str, tuple[str, ...]] = {}
        self._events: list[Event] = []
        self._numbers = _first_numbers(seed)

    def rehearsal(self) -> Self:
        """Return a copy with an empty ledger; what is done to it leaves no trace here."""
        other = copy(self)
        for name in (
            "quotes",
            "acceptances",
            "jobs",
            "sales_orders",
            "deliveries",
            "consignments",
            "by_order",
        ):
            setattr(other, name, dict(getattr(self, name)))
        other.ledger = WriteLedger(self.clock)
        other.random = copy(self.random)
        other._events = []
        other._numbers = dict(self._numbers)
        return other

    @property
    def settings(self) -> PrintIQSettings:
        return self._settings.value

    def next_number(self, series: str) -> int:
        self._numbers[series] += 1
        return self._numbers[series]

    def emit(self, name: str, **fields: object) -> None:
        self._events.append(Event(name, fields))

    def take_events(self) -> list[Event]:
        """Return what has happened since the last time, in order, and forget it."""
        events, self._events = self._events, []
        return events

    @contextmanager
    def refusals_recorded(self, call: str, target: str) -> Iterator[None]:
        """Put a refusal raised inside into the write ledger and let it pass on."""
        try:
            yield
        except PlantError as refusal:
            self.ledger.record(call, target, f"refused: {refusal}")
            raise

    def job(self, number: str) -> Job:
        """Return a job. Raises `PlantError` when there is none of this number."""
        try:
            return self.jobs[number]
        except KeyError:
            raise PlantError(f"Job {number or '(none given)'} not found") from None

    def sales_order(self, number: str) -> SalesOrder:
        """Return a sales order. Raises `PlantError` when there is none of this number."""
        try:
            return self.sales_orders[number]
        except KeyError:
            raise PlantError(f"Sales order {number or '(none given)'} not found") from None

    def deliveries_of_job(self, job: Job) -> list[Delivery]:
        return [self.deliveries[key] for key in job.delivery_keys]

    def deliveries_of_sales_order(self, order: SalesOrder) -> list[Delivery]:
        return [self.deliveries[item.delivery_key] for item in order.items]

    def keep_job(self, job: Job) -> Job:
        """Store a new or changed job."""
        if job.number not in self.jobs:
            self._index(job.order_reference, job.number)
        self.jobs[job.number] = job
        return job

    def keep_sales_order(self, order: SalesOrder) -> SalesOrder:
        """Store a new or changed sales order."""
        if order.number not in self.sales_orders:
            self._index(order.order_reference, order.number)
        self.sales_orders[order.number] = order
        return order

    def _index(self, reference: str, number: str) -> None:
        if reference:
            self.by_order[reference] = (*self.by_order.get(reference, ()), number)

    def new_delivery(self, owner: str, quantity: int, address: str) -> Delivery:
        delivery = Delivery(key=self.next_number("delivery"), owner=owner, quantity=quantity, address=address)
        self.deliveries[delivery.key] = delivery
        return delivery

    def keep_delivery(self, delivery: Delivery, **changes: object) -> Delivery:
        self.deliveries[delivery.key] = replace(delivery, **changes)
        return self.deliveries[delivery.key]


def _first_numbers(seed: int) -> dict[str, int]:
    """Return where each series starts; seed 0 gives round numbers."""
    shift = Random(seed).randrange(1, 900) if seed else 0
    starts = {
        "quote": 50200,
        "job": 29300,
        "sales_order": 5100,
        "acceptance": 41000,
        "detail": 62000,
        "product": 88000,
        "qqd": 97000,
        "section": 120000,
        "delivery": 73000,
        "consignment": 3400,
    }
    return {series: start + shift for series, start in starts.items()}
