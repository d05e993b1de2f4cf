"""Orders and their lines, as frozen values: the nopCommerce axes and Infigo's job statuses."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Literal

import msgspec

ProductType = Literal["print", "stock"]


class OrderStatus(IntEnum):
    Pending = 10
    Processing = 20
    Complete = 30
    Cancelled = 40


class ShippingStatus(IntEnum):
    ShippingNotRequired = 10
    NotYetShipped = 20
    PartiallyShipped = 25
    Shipped = 30
    Delivered = 40


class PaymentStatus(IntEnum):
    Pending = 10
    Authorized = 20
    Paid = 30
    PartiallyRefunded = 35
    Refunded = 40
    Voided = 50


class JobStatus(IntEnum):
    """Line statuses: names from Academy 3313; only the number of Approved is known, the rest is a GUESS."""

    Nothing = 0
    Creating = 1
    InBasket = 2
    Ordered = 3
    FutureOrder = 4
    UnapprovedOrder = 5
    OutputCreationStarted = 6
    OutputCreated = 7
    OutputCreationFailed = 8
    Approved = 23


class Note(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    text: str
    display_to_customer: bool = False


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    to: str
    subject: str
    order_id: int


class StockMovement(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a stock product's quantity: negative when ordered, positive when returned."""

    at: datetime
    product_id: int
    quantity: int
    order_id: int
    reason: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One order line (`OrderProductVariant`)."""

    opv_id: int
    order_id: int
    type_letter: str
    job_number: int
    product_id: int
    sku: str
    name: str
    product_type: ProductType
    quantity: int
    price: Decimal
    shipped_quantity: int = 0
    is_cancelled: bool = False
    status: JobStatus = JobStatus.Ordered
    status_info: str = ""
    custom_status: str = ""
    #: `Quote.Id`: the printIQ quote number. The job number is not kept anywhere in Infigo.
    quote_id: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    pdf_url: str = ""
    extra: Mapping[str, str] = {}

    @property
    def job_id(self) -> str:
        return f"{self.type_letter}{self.job_number}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    customer_id: int
    created: datetime
    lines: tuple[Line, ...]
    status: OrderStatus = OrderStatus.Pending
    shipping: ShippingStatus = ShippingStatus.NotYetShipped
    payment: PaymentStatus = PaymentStatus.Pending
    tracking: str = ""
    po_number: str = ""
    external_id: str = ""
    delivery_method: str = ""
    transaction_id: str = ""
    notes: tuple[Note, ...] = ()
    checkout_attributes: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, str] = {}

    @property
    def total(self) -> Decimal:
        return sum((line.price for line in self.lines), Decimal(0))

    @property
    def is_cancelled(self) -> bool:
        return self.status is OrderStatus.Cancelled


class NewLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line to be ordered; `job_number` 0 means that the shop gives the next one."""

    product_id: int
    sku: str
    name: str
    product_type: ProductType = "print"
    type_letter: str = "s"
    quantity: int = 1
    price: Decimal = Decimal(0)
    job_number: int = 0
    attributes: tuple[tuple[str, str], ...] = ()
    pdf_url: str = ""
    extra: Mapping[str, str] = {}


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    customer_id: int
    lines: tuple[NewLine, ...]
    paid: bool = False
    po_number: str = ""
    external_id: str = ""
    delivery_method: str = "Courier"
    checkout_attributes: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, str] = {}
    created: datetime | None = None
    #: False keeps the printIQ plugin from sending it (test control only).
    send: bool = True
