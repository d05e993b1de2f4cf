"""The printIQ plant as a pure state machine: no I/O; clock and seed are passed in.

    plant = Plant(PrintIQSettings(), clock=clock, seed=7)
    wanted = Wanted(product_code="FLY-A5-150", quantity=500)
    quoted = plant.quotes.add_line("WEBSHOP", wanted, call="GetPrice")
    acceptance = plant.quotes.accept(quoted.quote.number, call="AcceptQuote")
    plant.production.change_status(acceptance.job_nos[0], 17, call="RunEvent")
    plant.take_events()  # what a hook would tell

Everything it refuses is a `PlantError` whose text is what printIQ would answer. Each write names the
call it came by, and stands in `plant.ledger`.
"""

from collections.abc import Callable
from datetime import datetime

from countermand.simulators.kit import SettingsBox, WriteLedger
from countermand.simulators.printiq.books import Books
from countermand.simulators.printiq.catalogue import CUSTOMERS, sample_product
from countermand.simulators.printiq.dispatching import DispatchDesk
from countermand.simulators.printiq.production import Production
from countermand.simulators.printiq.quoting import QuoteDesk, Wanted
from countermand.simulators.printiq.records import Acceptance, Event, Job, SalesOrder
from countermand.simulators.printiq.settings import PrintIQSettings
from countermand.simulators.printiq.stockroom import Stockroom


class Plant:
    """One printIQ tenant: its quotes, jobs, sales orders, deliveries and consignments."""

    def __init__(
        self,
        settings: PrintIQSettings | SettingsBox[PrintIQSettings],
        *,
        clock: Callable[[], datetime],
        seed: int = 0,
    ) -> None:
        box = settings if isinstance(settings, SettingsBox) else SettingsBox(settings)
        self._open(Books(box, clock, seed))

    def _open(self, books: Books) -> None:
        self.books = books
        self.quotes = QuoteDesk(books)
        self.production = Production(books)
        self.dispatch = DispatchDesk(books)
        self.stock = Stockroom(books)

    def rehearsal(self) -> "Plant":
        """Return a copy to try a write on; nothing done to it shows here."""
        other = object.__new__(Plant)
        other._open(self.books.rehearsal())
        return other

    @property
    def ledger(self) -> WriteLedger:
        return self.books.ledger

    def take_events(self) -> list[Event]:
        """Return what has happened since the last time, in order, and forget it."""
        return self.books.take_events()

    def find(self, number: str) -> Job | SalesOrder | Acceptance | None:
        """Return the job, sales order or acceptance of this number."""
        books = self.books
        if found := books.jobs.get(number) or books.sales_orders.get(number):
            return found
        return next((each for key, each in books.acceptances.items() if str(key) == number), None)

    def linked(self, order_id: str) -> tuple[list[str], list[str]]:
        """Return the job and sales-order numbers that belong to a storefront order, as the plug-in knows."""
        numbers = dict.fromkeys(self.books.by_order.get(order_id, ()))
        for order in self.books.sales_orders.values():
            if any(item.notes.partition("/")[0] == order_id for item in order.items):
                numbers[order.number] = None
        return (
            [number for number in numbers if number in self.books.jobs],
            [number for number in numbers if number in self.books.sales_orders],
        )

    def place(
        self, wanted: list[Wanted], *, customer_code: str = "", call: str = "staff.new-order"
    ) -> Acceptance:
        """Quote some products together and accept them: a whole order at once. Raises `PlantError`."""
        customer = customer_code or self.books.random.choice(list(CUSTOMERS))
        quote_no = ""
        for each in wanted:
            quote_no = self.quotes.add_line(customer, each, quote_no=quote_no, call=call).quote.number
        return self.quotes.accept(quote_no, call=call)

    def place_samples(self, count: int) -> list[Acceptance]:
        """Place `count` invented orders of one print product each."""
        return [self.place([self._sample()]) for _ in range(count)]

    def _sample(self) -> Wanted:
        product, quantity = sample_product(self.books.random)
        reference = f"PO-{self.books.random.randrange(20000, 99999)}"
        return Wanted(product_code=product.code, quantity=quantity, customer_reference=reference)
