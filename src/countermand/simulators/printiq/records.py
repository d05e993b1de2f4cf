"""What the plant keeps: frozen records, replaced as a whole when something changes."""

from datetime import datetime

import msgspec


class QuoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """One product on a quote; `price` none means unpriced."""

    product_key: int
    qqd_key: int
    product_code: str
    title: str
    quantity: int
    kinds: int = 1
    price: float | None = None
    description: str = ""
    notes: str = ""
    customer_reference: str = ""
    external_job_reference: str = ""
    due: str = ""
    addresses: tuple[str, ...] = ()
    #: The storefront's order id where the test plug-in tells it; printIQ itself would not know it.
    sim_order: str = ""

    @property
    def is_stock(self) -> bool:
        return self.product_code.upper().startswith("STOCK-")


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    customer_code: str
    status: str
    created: datetime
    lines: tuple[QuoteLine, ...] = ()


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted quote: the order. `key` is the vendor's `QQAKey` or `AcceptanceKey`."""

    key: int
    quote_no: str
    customer_code: str
    created: datetime
    job_nos: tuple[str, ...] = ()
    sales_order_nos: tuple[str, ...] = ()
    invoice_status: str = ""


class Change(msgspec.Struct, frozen=True):
    """One line of a history: when, what, by which call or person."""

    at: datetime
    what: str
    by: str


class Artwork(msgspec.Struct, frozen=True):
    url: str
    is_supporting_document: bool


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One production job. Dispatch is not here: it lives on the deliveries."""

    number: str
    acceptance_key: int
    detail_key: int
    quote_no: str
    customer_code: str
    product_code: str
    title: str
    quantity: int
    status_id: int
    created: datetime
    modified: datetime
    section_key: int
    delivery_keys: tuple[int, ...]
    description: str = ""
    notes: str = ""
    due: str = ""
    customer_reference: str = ""
    external_job_reference: str = ""
    references: dict[str, str] = {}
    artwork: tuple[Artwork, ...] = ()
    history: tuple[Change, ...] = ()
    sim_order: str = ""

    @property
    def order_reference(self) -> str:
        return self.sim_order or self.customer_reference


class SalesOrderItem(msgspec.Struct, frozen=True, kw_only=True):
    detail_key: int
    product_code: str
    title: str
    quantity: int
    delivery_key: int
    notes: str = ""


class SalesOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The stock items of one acceptance; a split-off part has a number of its own."""

    number: str
    acceptance_key: int
    quote_no: str
    customer_code: str
    status: str
    items: tuple[SalesOrderItem, ...]
    created: datetime
    modified: datetime
    customer_reference: str = ""
    was_paid: bool = False
    history: tuple[Change, ...] = ()
    sim_order: str = ""

    @property
    def order_reference(self) -> str:
        return self.sim_order or self.customer_reference

    @property
    def quantity(self) -> int:
        return sum(item.quantity for item in self.items)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One drop of a job or a sales-order item; `key` is the vendor's `FDKey`."""

    key: int
    owner: str
    quantity: int
    address: str = ""
    consignment_no: str = ""
    tracking_code: str = ""
    tracking_url: str = ""


class Consignment(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel or pallet that covers one or more deliveries."""

    number: str
    created: datetime
    delivery_keys: tuple[int, ...]
    tracking_code: str = ""
    tracking_url: str = ""
    price: float = 0.0


class Tracking(msgspec.Struct, frozen=True, kw_only=True):
    """What a dispatch may carry; an empty consignment number gets the next one."""

    consignment_no: str = ""
    code: str = ""
    url: str = ""
    price: float = 0.0


class Event(msgspec.Struct, frozen=True):
    """Something that happened in the plant; `hooks` turns it into messages."""

    name: str
    fields: dict[str, object]
