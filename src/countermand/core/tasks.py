"""The kinds of work only a person can do, and what waiting costs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

import msgspec


class TaskKind(StrEnum):
    CANCELLED_BUT_MADE = "cancelled_but_made"
    SHIPPED_BUT_CANCELLED = "shipped_but_cancelled"
    BRAKE = "mass_cancel_brake"
    CANCEL_IN_MIS = "cancel_in_mis"
    CANCEL_STOCK_LINE = "cancel_stock_line"
    CANCEL_IN_STOREFRONT = "cancel_in_storefront"
    CANCELLED_UNSEEN = "cancelled_unseen"
    PAST_CUT_OFF = "past_cut_off"
    APPROVE = "second_person"
    CANNOT_READ = "cannot_read"
    PROGRAM_ERROR = "program_error"
    WRITE_REFUSED = "write_refused"
    WRITE_UNKNOWN = "write_unknown"
    NOT_VISIBLE = "written_not_visible"
    SHARED_JOB = "job_shared_with_open_lines"
    RE_OPENED = "re_opened"
    CLOSE_EMPTIED_ORDER = "close_emptied_order"
    GONE = "gone"
    UNMAPPED = "unmapped_status"
    AMBIGUOUS_LINK = "ambiguous_link"
    NOT_IN_PRODUCTION = "not_in_production"
    SHIP_IN_STOREFRONT = "ship_in_storefront"
    REFUND = "refund"
    CREDIT_NOTE = "credit_note"
    IMPORT_REVIEW = "import_review"
    UNKNOWN_REFERENCE = "unknown_reference"
    MARKED_BY_HAND = "marked_shipped_by_hand"
    CANCELLED_AFTER_DELIVERY = "cancelled_after_delivery"
    MOVED_BACK = "moved_back"


class Urgency(StrEnum):
    """By cost of delay; the worklist is ordered by it, then by age."""

    MOST_URGENT = "most_urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        return _URGENCY_RANK[self]


_URGENCY_RANK = {urgency: rank for rank, urgency in enumerate(Urgency)}


class Owner(StrEnum):
    ORDER_DESK = "order desk"
    PRODUCTION = "production"
    ACCOUNTS = "accounts"
    SET_UP = "set-up"


class TaskType(msgspec.Struct, frozen=True):
    """What every task of one kind has in common.

    `cost`: what it costs to wait, in words for the person. `due_in`: how soon it should be looked at.
    `proof`: how it closes: `read_back` (both systems are read again), or `word` (a name and a reason).
    """

    title: str
    urgency: Urgency
    owner: Owner
    due_in: timedelta
    cost: str
    proof: str = "read_back"


_NOW, _HIGH, _NORMAL, _LOW = Urgency.MOST_URGENT, Urgency.HIGH, Urgency.NORMAL, Urgency.LOW
_DESK, _PRODUCTION, _ACCOUNTS, _SET_UP = Owner.ORDER_DESK, Owner.PRODUCTION, Owner.ACCOUNTS, Owner.SET_UP

TASK_TYPES: dict[TaskKind, TaskType] = {
    TaskKind.CANCELLED_BUT_MADE: TaskType(
        "Cancelled, but made or sent",
        _NOW,
        _DESK,
        timedelta(minutes=15),
        "Goods nobody wants any more are finished or on their way; each minute the parcel is harder to stop.",
    ),
    TaskKind.SHIPPED_BUT_CANCELLED: TaskType(
        "Marked shipped, but production cancelled it",
        _HIGH,
        _DESK,
        timedelta(hours=1),
        "The customer was told it is on the way, and nobody is making it.",
    ),
    TaskKind.BRAKE: TaskType(
        "Too many cancels at once: everything is held",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "Real cancels wait with the wrong ones; jobs go on being made meanwhile.",
    ),
    TaskKind.CANCEL_IN_MIS: TaskType(
        "Cancel it in the MIS",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "The job may be printed although the customer cancelled it.",
    ),
    TaskKind.CANCEL_STOCK_LINE: TaskType(
        "Cancel the stock line in the MIS",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "The stock may be picked and sent although the customer cancelled it.",
    ),
    TaskKind.CANCELLED_UNSEEN: TaskType(
        "Cancelled, and its job is not known",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "If production has a job of it, it is printed although the customer cancelled it.",
    ),
    TaskKind.CANCEL_IN_STOREFRONT: TaskType(
        "Cancel it in the storefront",
        _NORMAL,
        _DESK,
        timedelta(hours=4),
        "The customer waits for an order that nobody makes.",
    ),
    TaskKind.PAST_CUT_OFF: TaskType(
        "Cancelled after production started: decide",
        _HIGH,
        _PRODUCTION,
        timedelta(minutes=30),
        "Each further production step is paid for by somebody.",
    ),
    TaskKind.APPROVE: TaskType(
        "A second person has to agree to this cancel",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "The job goes on until somebody agrees.",
    ),
    TaskKind.CANNOT_READ: TaskType(
        "One system cannot be read",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "Nobody knows whether the other side already follows.",
    ),
    TaskKind.PROGRAM_ERROR: TaskType(
        "Countermand itself failed on this order",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "This order is not kept in step until it is solved; all others are.",
    ),
    TaskKind.WRITE_REFUSED: TaskType(
        "The other system refused",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "The two systems disagree and nothing will change that by itself.",
    ),
    TaskKind.WRITE_UNKNOWN: TaskType(
        "No clear answer to a change",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "It may or may not have been done; only a person can find out.",
    ),
    TaskKind.NOT_VISIBLE: TaskType(
        "Changed, but it does not show",
        _HIGH,
        _DESK,
        timedelta(minutes=30),
        "The other system said yes and still shows the old status.",
    ),
    TaskKind.SHARED_JOB: TaskType(
        "The job also makes lines that are not cancelled",
        _HIGH,
        _PRODUCTION,
        timedelta(minutes=30),
        "Cancelling the job would stop the other lines; leaving it prints the cancelled one.",
    ),
    TaskKind.RE_OPENED: TaskType(
        "Cancelled on both sides, then opened again on one",
        _HIGH,
        _DESK,
        timedelta(hours=1),
        "Something is being made again that the other side calls cancelled.",
    ),
    TaskKind.CLOSE_EMPTIED_ORDER: TaskType(
        "Every line is cancelled: close the order too?",
        _LOW,
        _DESK,
        timedelta(days=2),
        "The order stays open in the storefront with nothing left in it.",
    ),
    TaskKind.GONE: TaskType(
        "No longer found in one system",
        _NORMAL,
        _DESK,
        timedelta(hours=4),
        "It was there before; absence is not a cancellation, so somebody has to look.",
    ),
    TaskKind.UNMAPPED: TaskType(
        "A status that this set-up does not know",
        _NORMAL,
        _SET_UP,
        timedelta(hours=4),
        "Every order with this status waits until somebody says what it means.",
    ),
    TaskKind.AMBIGUOUS_LINK: TaskType(
        "Which job belongs to this order?",
        _NORMAL,
        _DESK,
        timedelta(hours=4),
        "Until it is linked, a cancel or a dispatch of it cannot travel.",
    ),
    TaskKind.NOT_IN_PRODUCTION: TaskType(
        "Ordered, but not in production",
        _NORMAL,
        _PRODUCTION,
        timedelta(hours=4),
        "The customer waits and nobody has started.",
    ),
    TaskKind.SHIP_IN_STOREFRONT: TaskType(
        "Mark it shipped in the storefront",
        _NORMAL,
        _DESK,
        timedelta(hours=4),
        "The parcel is on its way and the customer does not know.",
    ),
    TaskKind.REFUND: TaskType(
        "Cancelled and paid: refund?",
        _NORMAL,
        _ACCOUNTS,
        timedelta(days=1),
        "Cancelling never refunds; the customer waits for the money.",
        "word",
    ),
    TaskKind.CREDIT_NOTE: TaskType(
        "Cancelled and invoiced: credit note?",
        _NORMAL,
        _ACCOUNTS,
        timedelta(days=1),
        "The invoice stands although the job was cancelled.",
        "word",
    ),
    TaskKind.IMPORT_REVIEW: TaskType(
        "Already different when first seen",
        _LOW,
        _DESK,
        timedelta(days=2),
        "Older than this connection; nothing is written until somebody has looked.",
    ),
    TaskKind.UNKNOWN_REFERENCE: TaskType(
        "A job names an order that the storefront does not have",
        _LOW,
        _DESK,
        timedelta(days=1),
        "It may be a typing mistake in the customer reference.",
        "word",
    ),
    TaskKind.MARKED_BY_HAND: TaskType(
        "Shipped in the storefront, still open in the MIS",
        _LOW,
        _PRODUCTION,
        timedelta(days=1),
        "Somebody marked it by hand; production still has it on its list.",
    ),
    TaskKind.CANCELLED_AFTER_DELIVERY: TaskType(
        "Cancelled after it was delivered",
        _LOW,
        _DESK,
        timedelta(days=1),
        "Perhaps a return or a mistake; nothing can be stopped any more.",
    ),
    TaskKind.MOVED_BACK: TaskType(
        "A delivered line moved back",
        _LOW,
        _DESK,
        timedelta(days=1),
        "One system has undone a delivery that both had agreed on.",
    ),
}


def most_urgent(kinds: Iterable[TaskKind]) -> Urgency | None:
    """The urgency of an order with open tasks of these kinds; none without any."""
    return min((TASK_TYPES[kind].urgency for kind in kinds), key=lambda one: one.rank, default=None)
