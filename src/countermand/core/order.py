"""An order as the bridge knows it: its lines, the jobs that make them, and what bears on its guards."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from countermand.core.command import Command
from countermand.core.guards import Approval, BrakeState
from countermand.core.merge import Line
from countermand.core.policy import Direction
from countermand.core.status import Facts, LineStatus, Progress, Side


class LineKind(StrEnum):
    PRINT = "print"
    STOCK = "stock"


class MisItemKind(StrEnum):
    JOB = "job"
    SALES_ORDER = "sales_order"


class Payment(StrEnum):
    """What the storefront says about the money; recorded, never computed."""

    UNPAID = "unpaid"
    PAID = "paid"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A printIQ job or sales order that makes one or several of the order's lines.

    `line_ids`: every line it makes, also such that are not to be cancelled. `command`: our own newest cancel
    of it.
    """

    ref: str
    kind: MisItemKind
    status: LineStatus
    line_ids: frozenset[str]
    command: Command | None = None

    @property
    def cancelled(self) -> bool:
        return isinstance(self.status, Facts) and self.status.cancelled


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """`searched`: a job of it would be known, had there been one when the storefront came to show this."""

    line_id: str
    line: Line
    kind: LineKind | None = None
    jobs: tuple[Job, ...] = ()
    searched: bool = True

    def progress_in(self, side: Side) -> Progress | None:
        status = self.line.reading(side).status
        return status.progress if isinstance(status, Facts) else None

    def cancelled_in(self, side: Side) -> bool:
        status = self.line.reading(side).status
        return isinstance(status, Facts) and status.cancelled

    def sent_in(self, side: Side) -> bool:
        status = self.line.reading(side).status
        return isinstance(status, Facts) and status.sent

    @property
    def dispatched(self) -> bool:
        """All of it has left production, and nobody there has cancelled it."""
        return self.progress_in(Side.MIS) is Progress.DISPATCHED and not self.cancelled_in(Side.MIS)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One storefront order with everything the plan looks at.

    `offered`: names of the writes that the two connections offer (`cancel_order`, `cancel_line`,
    `ship`, `track`, `cancel_job`, ...). `value`: in the storefront's currency, none when unknown.
    `order_cancelled`: the order itself, not only each of its lines, is cancelled in the storefront.
    """

    order_id: str
    lines: tuple[OrderLine, ...]
    offered: frozenset[str] = frozenset()
    payment: Payment = Payment.UNKNOWN
    value: float | None = None
    order_cancelled: bool = False
    #: Our newest cancel of the order itself; its lines cannot show whether it did anything.
    closing: Command | None = None
    brakes: dict[Direction, BrakeState] = {}
    approvals: dict[Direction, Approval] = {}
