"""Prices, quotes and their acceptance: where jobs and sales orders come from."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from countermand.simulators.printiq.books import Books, PlantError
from countermand.simulators.printiq.catalogue import CUSTOMERS, PRODUCTS, priced
from countermand.simulators.printiq.records import (
    Acceptance,
    Change,
    Job,
    Quote,
    QuoteLine,
    SalesOrder,
    SalesOrderItem,
)
from countermand.simulators.printiq.statuses import (
    INVOICE_DRAFT,
    INVOICE_INTERNAL,
    INVOICE_PAID,
    QUOTE_ACCEPTED,
    QUOTE_AWAITING_ACCEPTANCE,
    SO_CONFIRMED,
    SO_PAID,
)

MAX_QUANTITY = 10_000_000
MAX_KINDS = 1_000
_VERSION = re.compile(r"v\d+$")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One product that somebody asks a price for."""

    product_code: str
    quantity: int
    kinds: int = 1
    title: str = ""
    description: str = ""
    notes: str = ""
    customer_reference: str = ""
    external_job_reference: str = ""
    due: str = ""
    addresses: tuple[str, ...] = ()
    sim_order: str = ""


class Invoicing(msgspec.Struct, frozen=True, kw_only=True):
    """What `AcceptQuote` was asked to do about an invoice."""

    create: bool = False
    as_paid: bool = False
    as_internal: bool = False

    @property
    def status(self) -> str:
        if self.as_paid:
            return INVOICE_PAID
        if self.as_internal:
            return INVOICE_INTERNAL
        return INVOICE_DRAFT if self.create else ""


NO_INVOICE = Invoicing()


class Quoted(NamedTuple):
    quote: Quote
    line: QuoteLine


class QuoteDesk:
    """Makes quotes and accepts them."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def add_line(self, customer_code: str, wanted: Wanted, *, quote_no: str = "", call: str) -> Quoted:
        """Price a product on a new quote, or append it to `quote_no`.

        Raises `PlantError`: `Invalid Product Code` (printIQ help desk: webhooks-create-quote); the
        other texts are a guess.
        """
        with self._books.refusals_recorded(call, quote_no or wanted.product_code):
            self._check(customer_code, wanted)
            quote = self.quote(quote_no) if quote_no else self._new_quote(customer_code)
            line = self._priced_line(wanted)
            quote = replace(quote, lines=(*quote.lines, line))
            self._books.quotes[quote.number] = quote
        self._books.ledger.record(
            call, quote.number, "quote line added", {"ProductCode": line.product_code, "QQDKey": line.qqd_key}
        )
        return Quoted(quote, line)

    def quote(self, number: str) -> Quote:
        """Return a quote; a version suffix such as `v2` is accepted. Raises `PlantError`."""
        try:
            return self._books.quotes[_VERSION.sub("", number)]
        except KeyError:
            raise PlantError("Invalid Quote Number") from None

    def accept(self, quote_no: str, invoicing: Invoicing = NO_INVOICE, *, call: str) -> Acceptance:
        """Accept a quote. Not idempotent: every accept makes new jobs (acceptquote-end-point).

        Raises `PlantError` for an unknown quote or one with unpriced lines.
        """
        with self._books.refusals_recorded(call, quote_no):
            quote = self.quote(quote_no)
            if not quote.lines:
                raise PlantError("Unable to accept a quote that has no lines")
            if not self._books.settings.accept_unpriced and any(line.price is None for line in quote.lines):
                raise PlantError("Unable to accept a quote that has unpriced lines")
        acceptance = self._accepted(quote, invoicing)
        made = [*acceptance.job_nos, *acceptance.sales_order_nos]
        self._books.ledger.record(
            call, quote.number, "accepted", {"AcceptanceKey": acceptance.key, "made": made}
        )
        return acceptance

    def _check(self, customer_code: str, wanted: Wanted) -> None:
        settings = self._books.settings
        known = settings.any_product_code or wanted.product_code.upper() in PRODUCTS
        if not wanted.product_code or not known:
            raise PlantError("Invalid Product Code")
        if not customer_code or not (settings.any_customer_code or customer_code in CUSTOMERS):
            raise PlantError("Invalid Customer Code")
        if not (1 <= wanted.quantity <= MAX_QUANTITY and 1 <= wanted.kinds <= MAX_KINDS):
            raise PlantError("Invalid Quantity")

    def _new_quote(self, customer_code: str) -> Quote:
        quote = Quote(
            number=f"Q{self._books.next_number('quote'):06d}",
            customer_code=customer_code,
            status=QUOTE_AWAITING_ACCEPTANCE,
            created=self._books.clock(),
        )
        self._books.emit("CreateQuote", QuoteNo=quote.number, CustomerCode=customer_code)
        return quote

    def _priced_line(self, wanted: Wanted) -> QuoteLine:
        price = priced(wanted.product_code, wanted.quantity * wanted.kinds)
        return QuoteLine(
            product_key=self._books.next_number("product"),
            qqd_key=self._books.next_number("qqd"),
            product_code=wanted.product_code,
            title=wanted.title or price.title,
            quantity=wanted.quantity,
            kinds=wanted.kinds,
            price=price.amount,
            description=wanted.description,
            notes=wanted.notes,
            customer_reference=wanted.customer_reference,
            external_job_reference=wanted.external_job_reference,
            due=wanted.due,
            addresses=wanted.addresses,
            sim_order=wanted.sim_order,
        )

    def _accepted(self, quote: Quote, invoicing: Invoicing) -> Acceptance:
        books = self._books
        acceptance = Acceptance(
            key=books.next_number("acceptance"),
            quote_no=quote.number,
            customer_code=quote.customer_code,
            created=books.clock(),
            invoice_status=invoicing.status,
        )
        jobs = self._jobs(acceptance, [line for line in quote.lines if not line.is_stock])
        stock = [line for line in quote.lines if line.is_stock]
        orders = [self._sales_order(acceptance, stock)] if stock else []
        acceptance = replace(
            acceptance,
            job_nos=tuple(job.number for job in jobs),
            sales_order_nos=tuple(order.number for order in orders),
        )
        books.acceptances[acceptance.key] = acceptance
        books.quotes[quote.number] = replace(quote, status=QUOTE_ACCEPTED)
        self._announce(acceptance, jobs, quote)
        return acceptance

    def _announce(self, acceptance: Acceptance, jobs: Sequence[Job], quote: Quote) -> None:
        reference = quote.lines[0].customer_reference
        self._books.emit(
            "AcceptanceCreated",
            AcceptanceKey=acceptance.key,
            QuoteNo=quote.number,
            CustomerReference=reference,
            Jobs=list(acceptance.job_nos),
            SalesOrders=list(acceptance.sales_order_nos),
        )
        for job in jobs:
            self._books.emit(
                "CreateJob",
                JobNo=job.number,
                AcceptanceKey=job.acceptance_key,
                CustomerReference=job.customer_reference,
                ExternalJobReference=job.external_job_reference,
            )

    def _jobs(self, acceptance: Acceptance, lines: Sequence[QuoteLine]) -> list[Job]:
        if not lines:
            return []
        series = self._books.next_number("job")
        return [self._job(acceptance, line, f"J{series}-{n:02d}") for n, line in enumerate(lines, 1)]

    def _job(self, acceptance: Acceptance, line: QuoteLine, number: str) -> Job:
        books = self._books
        deliveries = [
            books.new_delivery(number, quantity, address)
            for quantity, address in _drops(line, books.settings.deliveries_per_job)
        ]
        job = Job(
            number=number,
            acceptance_key=acceptance.key,
            detail_key=books.next_number("detail"),
            quote_no=acceptance.quote_no,
            customer_code=acceptance.customer_code,
            product_code=line.product_code,
            title=line.title,
            description=line.description,
            notes=line.notes,
            quantity=line.quantity * line.kinds,
            due=line.due,
            status_id=books.settings.first_status_id,
            created=acceptance.created,
            modified=acceptance.created,
            section_key=books.next_number("section"),
            delivery_keys=tuple(delivery.key for delivery in deliveries),
            customer_reference=line.customer_reference,
            external_job_reference=line.external_job_reference,
            history=(Change(acceptance.created, f"created from {acceptance.quote_no}", "acceptance"),),
            sim_order=line.sim_order,
        )
        return books.keep_job(job)

    def _sales_order(self, acceptance: Acceptance, lines: Sequence[QuoteLine]) -> SalesOrder:
        books = self._books
        number = f"SO{books.next_number('sales_order'):06d}"
        was_paid = acceptance.invoice_status == INVOICE_PAID
        order = SalesOrder(
            number=number,
            acceptance_key=acceptance.key,
            quote_no=acceptance.quote_no,
            customer_code=acceptance.customer_code,
            status=SO_PAID if was_paid else SO_CONFIRMED,
            was_paid=was_paid,
            items=tuple(self._item(number, line) for line in lines),
            created=acceptance.created,
            modified=acceptance.created,
            customer_reference=lines[0].customer_reference,
            history=(Change(acceptance.created, f"created from {acceptance.quote_no}", "acceptance"),),
            sim_order=lines[0].sim_order,
        )
        return books.keep_sales_order(order)

    def _item(self, owner: str, line: QuoteLine) -> SalesOrderItem:
        quantity = line.quantity * line.kinds
        address = line.addresses[0] if line.addresses else ""
        return SalesOrderItem(
            detail_key=self._books.next_number("detail"),
            product_code=line.product_code,
            title=line.title,
            quantity=quantity,
            notes=line.notes,
            delivery_key=self._books.new_delivery(owner, quantity, address).key,
        )


def _drops(line: QuoteLine, default_count: int) -> list[tuple[int, str]]:
    """Share a job's quantity among its deliveries; the first takes what does not divide."""
    addresses = line.addresses or ("",) * default_count
    total = line.quantity * line.kinds
    share, rest = divmod(total, len(addresses))
    return [(share + (rest if n == 0 else 0), address) for n, address in enumerate(addresses)]
