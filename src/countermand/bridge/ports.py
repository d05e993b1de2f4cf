"""What the bridge needs from a storefront and from a MIS, in the words of neither vendor.

A port never raises for something a vendor did: a read that failed *is* a reading (`Unreadable`), a
write that failed *is* an answer (`Outcome.UNKNOWN`). Only programming errors raise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from countermand.core.command import Answer
from countermand.core.order import LineKind as LineKind
from countermand.core.order import MisItemKind as MisItemKind
from countermand.core.order import Payment as Payment
from countermand.core.status import LineStatus, Side, Unreadable


class StorefrontLine(msgspec.Struct, frozen=True, kw_only=True):
    """One order line as the storefront shows it. `line_id` is the vendor's own (Infigo: `s1234`)."""

    line_id: str
    status: LineStatus
    kind: LineKind | None = None
    name: str = ""
    quantity: int | None = None
    shipped_quantity: int | None = None
    quote_id: str = ""


class StorefrontOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order, read at `began_at`. `raw` is the vendor's answer about this order, for the timeline."""

    order_id: str
    began_at: datetime
    lines: tuple[StorefrontLine, ...]
    placed_at: datetime | None = None
    po_number: str = ""
    customer: str = ""
    payment: Payment = Payment.UNKNOWN
    total: str = ""
    tracking: frozenset[str] = frozenset()
    order_cancelled: bool = False
    #: What the storefront must still show for a cancel to go through, in its own words; empty: no check.
    fence: str = ""
    raw: str = ""


class OrderNotRead(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order could not be read: `status` is `GONE` (the vendor says no such order) or `Unreadable`."""

    order_id: str
    began_at: datetime
    status: LineStatus
    raw: str = ""


class MisItem(msgspec.Struct, frozen=True, kw_only=True):
    """A job or a sales order as the MIS shows it, with everything a link could be made from.

    `status` carries what this one read said; the bridge adds the furthest progress seen before.
    `group` names what can be read in one call (printIQ: the acceptance key), empty when unknown.
    `invoiced` is none where the MIS does not say, and so is `changed_at`: its own time of the last change.
    """

    ref: str
    kind: MisItemKind
    began_at: datetime
    status: LineStatus
    customer_reference: str = ""
    external_reference: str = ""
    notes: str = ""
    quote_no: str = ""
    group: str = ""
    title: str = ""
    quantity: int | None = None
    tracking: frozenset[str] = frozenset()
    tracking_urls: frozenset[str] = frozenset()
    invoiced: bool | None = None
    changed_at: datetime | None = None
    raw: str = ""


class MisRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which job or sales order to read; `group` as learned when it was found."""

    ref: str
    kind: MisItemKind
    group: str = ""


class OrderKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What a MIS item may carry of a storefront order: the keys `find` may search by."""

    order_id: str
    po_number: str = ""
    line_ids: tuple[str, ...] = ()
    quote_ids: tuple[str, ...] = ()


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A message said that something may have changed. It is a reason to look, never a fact.

    One of the references is set; `claims` is what the message said, kept for the timeline only.
    `mis_kind` and `mis_group` come with a `mis_ref` where the message tells them.
    """

    side: Side
    order_id: str = ""
    line_id: str = ""
    mis_ref: str = ""
    mis_kind: MisItemKind | None = None
    mis_group: str = ""
    claims: str = ""


class UnreadableHookError(ValueError):
    """A hook whose body names nothing that can be looked up; it goes to quarantine with this reason."""


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the capability matrix: can this connection do it, and how do we know."""

    name: str
    offered: bool
    how: str


class StorefrontPort(Protocol):
    """A storefront that can be read and, where it offers it, written to."""

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        """By name: `read`, `list`, `cancel_order`, `cancel_line`, `ship`, `track`, `note`."""
        ...

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[StorefrontOrder | OrderNotRead]:
        """Read orders by id, in as few calls as the vendor allows; one result per id, in order."""
        ...

    async def describe(self, order_id: str) -> StorefrontOrder | OrderNotRead | None:
        """What `read_orders` leaves out (customer, PO number, total, product names); none where nothing is.

        Asked for each new order until it is told; costs a call only where another interface knows more.
        """
        ...

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[StorefrontOrder | OrderNotRead] | None:
        """Orders *placed* since a time, with present status; none if it failed or is not offered.

        An order on which our own code fails is there as not read, so that it is read by its number.
        """
        ...

    async def find_order_of_line(self, line_id: str) -> str | Unreadable | None:
        """The order id that a line id belongs to; none when there is no such line."""
        ...

    async def cancel(
        self, order_id: str, line_ids: Sequence[str] | None, *, note: str, fence: str = ""
    ) -> Answer:
        """Cancel the whole order (`line_ids` none) or some of its lines.

        With the `fence` of the read that decided it, the storefront refuses when it was shipped meanwhile:
        the check sits inside the write, not before it.
        """
        ...

    async def ship(self, order_id: str, *, tracking: str, partial: bool) -> Answer:
        """Set shipped (or partially shipped) with one tracking string."""
        ...

    async def track(self, order_id: str, *, tracking: str) -> Answer:
        """Set the order's one tracking string."""
        ...

    async def note(self, order_id: str, text: str) -> Answer:
        """Write an order note that customers do not see."""
        ...

    async def check(self) -> str | None:
        """Try the connection; none when good, else one sentence that names the setting to look at."""
        ...

    def order_url(self, order_id: str) -> str:
        """Where a person sees this order in the storefront's own screens."""
        ...


class MisPort(Protocol):
    """A MIS that can be searched, read and, where it offers it, told to cancel a job."""

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        """By name: `find`, `list`, `read`, `cancel_job`, `cancel_sales_order`.

        `find` and `list` are offered only where they cover jobs: what they do not show is taken as not made.
        """
        ...

    async def find(self, keys: OrderKeys) -> Sequence[MisItem] | None:
        """Items that carry any of the order's keys; none when the search failed or is not offered."""
        ...

    async def list_changed(self, since: datetime) -> Sequence[MisItem] | None:
        """Items changed since a time, with present status; none if it failed or nothing can be listed.

        An item on which our own code fails is there as unreadable and with nothing but its number (no
        `raw`), so that it is read by that.
        """
        ...

    async def read(self, refs: Sequence[MisRef]) -> Sequence[MisItem]:
        """Read items by reference, in as few calls as the vendor allows; one result per ref, in order."""
        ...

    async def cancel(self, ref: MisRef) -> Answer:
        """Cancel one job; sales orders answer `unsupported`."""
        ...

    async def check(self) -> str | None:
        """Try the connection; none when good, else one sentence that names the setting to look at."""
        ...

    def item_url(self, ref: MisRef) -> str:
        """Where a person sees this job or sales order in the MIS's own screens."""
        ...
