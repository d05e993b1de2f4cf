"""What the orders board shows: one row for each job and sales order, filtered, newest change first."""

from collections import Counter
from datetime import datetime

import msgspec

from countermand.simulators.printiq.books import Books
from countermand.simulators.printiq.records import Job, SalesOrder
from countermand.simulators.printiq.statuses import SO_STAGES, stage
from countermand.simulators.printiq.views import status_word, tracking_codes

PAGE_ROWS = 60

#: The filter tabs, in the order of work; *dispatched* is beside the status, as in printIQ itself.
TABS = {
    "": "Everything",
    "pre": "Pre-production",
    "run": "In production",
    "hold": "On hold",
    "done": "Produced",
    "dispatched": "Dispatched",
    "cancelled": "Cancelled",
}


class BoardRow(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    number: str
    customer: str
    title: str
    quantity: int
    reference: str
    external: str
    status: str
    stage: str
    consigned: int
    deliveries: int
    tracking: str
    modified: datetime

    @property
    def path(self) -> str:
        return f"/{'jobs' if self.kind == 'Job' else 'salesorders'}/{self.number}"

    @property
    def dispatched(self) -> bool:
        return self.consigned == self.deliveries

    def in_tab(self, tab: str) -> bool:
        return not tab or (self.dispatched if tab == "dispatched" else self.stage == tab)

    def matches(self, words: list[str]) -> bool:
        """Say whether every word occurs somewhere in the row."""
        texts = (self.number, self.customer, self.title, self.reference, self.external, self.tracking)
        whole = " ".join((*texts, self.status)).lower()
        return all(word in whole for word in words)


class Board(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[BoardRow]
    counts: dict[str, int]
    found: int
    pages: int


def board(books: Books, *, tab: str, search: str, page: int) -> Board:
    """Return one page of the board and how many rows each tab holds."""
    words = search.lower().split()
    rows = [row for row in all_rows(books) if row.matches(words)]
    counts: Counter[str] = Counter(name for row in rows for name in TABS if row.in_tab(name))
    shown = sorted((row for row in rows if row.in_tab(tab)), key=_newest_first, reverse=True)
    start = (page - 1) * PAGE_ROWS
    return Board(
        rows=shown[start : start + PAGE_ROWS],
        counts={name: counts[name] for name in TABS},
        found=len(shown),
        pages=max(1, -(-len(shown) // PAGE_ROWS)),
    )


def _newest_first(row: BoardRow) -> tuple[datetime, str]:
    return row.modified, row.number


def all_rows(books: Books) -> list[BoardRow]:
    jobs = [_job_row(books, job) for job in books.jobs.values()]
    return jobs + [_sales_order_row(books, order) for order in books.sales_orders.values()]


def _job_row(books: Books, job: Job) -> BoardRow:
    deliveries = books.deliveries_of_job(job)
    return BoardRow(
        kind="Job",
        number=job.number,
        customer=job.customer_code,
        title=job.title,
        quantity=job.quantity,
        reference=job.customer_reference,
        external=job.external_job_reference,
        status=status_word(books, job),
        stage=stage(job.status_id),
        consigned=sum(1 for delivery in deliveries if delivery.consignment_no),
        deliveries=len(deliveries),
        tracking=tracking_codes(deliveries),
        modified=job.modified,
    )


def _sales_order_row(books: Books, order: SalesOrder) -> BoardRow:
    deliveries = books.deliveries_of_sales_order(order)
    return BoardRow(
        kind="Sales order",
        number=order.number,
        customer=order.customer_code,
        title=", ".join(item.title for item in order.items),
        quantity=order.quantity,
        reference=order.customer_reference,
        external=", ".join(dict.fromkeys(item.notes for item in order.items if item.notes)),
        status=order.status,
        stage=SO_STAGES[order.status],
        consigned=sum(1 for delivery in deliveries if delivery.consignment_no),
        deliveries=len(deliveries),
        tracking=tracking_codes(deliveries),
        modified=order.modified,
    )
