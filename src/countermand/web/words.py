"""The words of the console: what a stored value is called on a screen, in plain English.

Nothing internal may reach a person: a test holds every text here, and every template, against a list.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from countermand.access import Role
from countermand.core.cancellation import CancellationState, MoneyState
from countermand.core.command import Change, Outcome
from countermand.core.events import Event
from countermand.core.policy import Direction, Mode
from countermand.core.table import ROWS
from countermand.core.tasks import TASK_TYPES, TaskKind, Urgency

#: How an order stands: label, icon, colour, and what the list of them holds.
STATES: dict[str, tuple[str, str, str, str]] = {
    "needs_person": ("Needs a person", "person", "warn", "Somebody has to decide or do something."),
    "on_the_way": ("On the way", "moving", "go", "A change is being passed on from one system to the other."),
    "waiting": ("Waiting", "clock", "quiet", "Not found in production yet, or waiting for the rest."),
    "in_step": ("In step", "check", "good", "Both systems agree on every line."),
    "settled": ("Left different", "unequal", "plum", "Somebody decided that they may differ here."),
    "closed": ("Closed", "check", "quiet", "Neither system has the order any more."),
}  # fmt: skip

URGENCIES: dict[int, tuple[str, str]] = {
    Urgency.MOST_URGENT.rank: ("Most urgent", "stop"),
    Urgency.HIGH.rank: ("Urgent", "warn"),
    Urgency.NORMAL.rank: ("Today", "go"),
    Urgency.LOW.rank: ("When there is time", "quiet"),
}

#: What each answer of the comparison means, where the decision table does not say it itself.
_GATES: dict[str, str] = {
    "read-back": "Written; it is being read back.",
    "written-not-visible": "The system said yes to the change and still shows the old status.",
    "not-sent": "The other system asked for a pause; the change is sent after it, if it is still needed.",
    "unknown-outcome": "No clear answer came to the change; it is being looked at again.",
    "write-refused": "The other system refused the change.",
    "write-unknown": "No clear answer came to the change, twice.",
    "settled": "Somebody decided that the two systems may differ here.",
    "unmapped": "One system shows a status that this set-up does not know.",
    "unreadable": "One system cannot be read just now.",
    "program-error": "An error in the program itself keeps it from comparing the two systems here.",
    "cannot-read": "One system cannot be read.",
    "cannot-read-cancelled": "It is cancelled on one side, and the other side cannot be read.",
    "gone": "One system does not have it any more.",
    "re-opened": "Both systems had it cancelled, and one has opened it again.",
    "cancelled-after-delivery": "It was delivered, and one side has cancelled it since.",
    "moved-back": "It was delivered, and one system has gone back since.",
    "rest-of-order": "Part of the order has left; the rest is still to come.",
    "undo-window": "Held for a short while, so that the cancel can still be taken back.",
    "vendor-grace": "Held for a short while: the vendor's own plug-in may do it first.",
    "brake": "Held: more orders wanted a cancel at once than this shop allows.",
    "value-limit": "It is worth more than one person may cancel alone.",
    "opening-hours": "Held until opening time.",
    "cut-off": "Production may have started, so a person decides.",
    "left-different": "Somebody had decided to let the two systems differ, and something has changed since.",
    "of-others-too": "Its job makes, or may make, another order too: a person knows which was meant.",
    "not-offered": "This set-up has no way to do it from outside, so a person does it.",
    "mode-manual": "This shop lets a person do it.",
    "mode-assisted": "This shop lets a person press the button.",
    "mode-observe": "This connection only watches; nothing is written.",
    "cancelled-not-searched": "It is cancelled, and nobody could look whether a job of it exists.",
    "cancelled-not-found": "It is cancelled, and its job had been looked for in vain long before that.",
    "job-cancelled-and-sent": "One job of it is cancelled and has been dispatched all the same.",
    "ambiguous-link": "More than one job may belong to it.",
    "shared-job": "The job also makes lines that are not cancelled.",
    "close-emptied-order": "Every line is cancelled, and the order itself is still open.",
    "cancelled-and-paid": "It was paid, and it is cancelled now.",
    "cancelled-and-invoiced": "It was invoiced, and it is cancelled now.",
}  # fmt: skip
_TABLE = {row.rule: row.why for row in ROWS}
#: Every rule, limit and reason that has a sentence.
KNOWN_RULES = frozenset({*_GATES, *_TABLE})

CHANGES: dict[Change, str] = {
    Change.CANCEL: "cancel it",
    Change.SHIP: "mark it shipped",
    Change.SHIP_PART: "mark it partly shipped",
    Change.TRACK: "add the tracking number",
}
OUTCOMES: dict[Outcome, str] = {
    Outcome.APPLIED: "done",
    Outcome.ALREADY: "it was done already",
    Outcome.REFUSED: "refused",
    Outcome.UNSUPPORTED: "cannot be done from outside",
    Outcome.UNKNOWN: "no clear answer",
    Outcome.NOT_SENT: "not sent, because of a pause that it asked for",
}
LIVES: dict[CancellationState, str] = {
    CancellationState.REQUESTED: "asked for",
    CancellationState.ASSESSING: "a person decides",
    CancellationState.ACCEPTED: "accepted",
    CancellationState.APPLYING: "being written",
    CancellationState.DONE: "done on both sides",
    CancellationState.PARTLY_DONE: "done in part",
    CancellationState.FAILED: "failed",
    CancellationState.REFUSED: "refused",
    CancellationState.WITHDRAWN: "taken back",
    CancellationState.EXPIRED: "expired",
}
MONEY: dict[MoneyState, str] = {
    MoneyState.NOT_CONCERNED: "no money concerned",
    MoneyState.REFUND_DUE: "refund due",
    MoneyState.REFUNDED: "refunded",
    MoneyState.CREDIT_NOTE_DUE: "credit note due",
    MoneyState.CREDITED: "credited",
}
MODES: dict[Mode, tuple[str, str]] = {
    Mode.OBSERVE: ("Watch only", "Compare, record, tell people; write nothing."),
    Mode.MANUAL: ("By hand", "A person does it, with the steps and a link; Countermand checks."),
    Mode.ASSISTED: ("With a button", "A person presses one button; Countermand writes and checks."),
    Mode.AUTOMATIC: ("By itself", "Countermand writes it and checks, within the safety limits."),
}
ROLES: dict[Role, str] = {
    Role.VIEWER: "Look at everything.",
    Role.OPERATOR: "Deal with tasks, cancel, stop a cancel that waits, have orders read.",
    Role.APPROVER: "Let pass what a guard holds: a task's go-ahead, the brake, orders of a first import.",
    Role.ADMIN: "Try addresses and keys of new systems.",
}
CLOSED_HOW = {
    "verified": "seen in both systems",
    "reported": "on a person's word; it cannot be read back",
    "word": "on a person's word",
    "moot": "not needed any more",
}

#: What the journal's events are called in lists and filters.
EVENTS: dict[Event, str] = {
    Event.ORDER_SEEN: "Order first seen",
    Event.ORDER_CLOSED: "Order closed",
    Event.ORDER_FAILED: "Program failed",
    Event.LINE_SIGHTED: "New status seen",
    Event.LINE_DECIDED: "Answer changed",
    Event.LINE_IN_STEP: "In step",
    Event.LINE_LINKED: "Job found",
    Event.LINE_UNLINKED: "Job taken away",
    Event.LINE_SETTLED: "Left different",
    Event.LINE_ASKED_AGAIN: "Taken back",
    Event.LINE_REPORTED: "Reported done",
    Event.CANCELLATION_MOVED: "Cancellation moved on",
    Event.CANCELLATION_STOPPED: "Cancel stopped",
    Event.WRITE_HELD: "Change held",
    Event.WRITE_OBSERVED: "Change only noted",
    Event.WRITE_SENT: "Change sent",
    Event.WRITE_ANSWERED: "Change answered",
    Event.WRITE_VERIFIED: "Change proven",
    Event.NOTE_WRITTEN: "Note written",
    Event.TASK_OPENED: "Person needed",
    Event.TASK_CHANGED: "Task changed",
    Event.TASK_NOT_DONE: "Not done yet",
    Event.TASK_CLOSED: "Task closed",
    Event.APPROVAL_GIVEN: "Go-ahead given",
    Event.BRAKE_TRIPPED: "Brake went on",
    Event.BRAKE_RELEASED: "Let past the brake",
    Event.BRAKE_CLEARED: "Brake taken off",
    Event.HOOK_QUARANTINED: "Unreadable message",
    Event.CONNECTION_STARTED: "Connection started",
    Event.DATA_ERASED: "Personal data erased",
}


def event(value: str) -> str:
    """What a journal event is called; one that this version does not know keeps its own name."""
    known = EVENTS.get(Event(value)) if value in list(Event) else None
    return known or sentence(value.replace(".", ": ").replace("_", " "))


#: What the page says after an act.
DONE = {
    "checking": "Thank you. Both systems are being read now; this page shows what they say.",
    "settled": "Left different, with your reason. If anything else changes, it comes back.",
    "refused": "The cancellation is refused, with your reason; the side that asked is told.",
    "stopped": "Stopped, with your reason. Nothing is written; the two systems are left different.",
    "asked-again": "Taken back. Both systems are being read, and the rules judge it anew.",
    "approved": "Your go-ahead is kept. It is written as soon as nothing else stands in the way.",
    "assigned": "Assigned.",
    "assigned-many": "They are yours now.",
    "snoozed-many": "Put off. They come back by themselves.",
    "unassigned": "Nobody has it now.",
    "snoozed": "Put off. It comes back by itself.",
    "woken": "It is back on the list.",
    "noted": "Your note is kept.",
    "linked": "Matched. Both systems are being read now.",
    "unlinked": "Taken apart.",
    "released": "Let past the brake, one by one. Each is read again before anything is written.",
    "cleared": "The brake is off. Counting starts afresh.",
    "looking": "Both systems are being read now; this page shows what they say.",
    "cancelling": "Cancelled from here. This page shows how far it is in both systems.",
    "accepted": "They are treated like any other order from now on.",
}


class Names:
    """What the two systems of a connection are called."""

    def __init__(self, storefront: str = "Infigo", mis: str = "printIQ") -> None:
        self.storefront = storefront
        self.mis = mis

    def side(self, side: str) -> str:
        return self.mis if side == "mis" else self.storefront

    def named(self, text: str) -> str:
        """A general sentence with these systems' names in it."""
        text = text.replace("under the guards", "within the safety limits")
        text = re.sub(r"\b[Tt]he MIS\b", self.mis, text)
        text = re.sub(r"\b(?:a|the) storefront\b", self.storefront, text)
        return re.sub(r"\bThe storefront\b", self.storefront, text)

    def task(self, kind: str) -> str:
        """What a task is called."""
        return self.named(TASK_TYPES[TaskKind(kind)].title)

    def direction(self, direction: str) -> str:
        way = Direction(direction)
        if way is Direction.SHIP_TO_STOREFRONT:
            return f"Dispatched in {self.mis} → shipped in {self.storefront}"
        if way is Direction.CANCEL_TO_MIS:
            return f"Cancelled in {self.storefront} → cancelled in {self.mis}"
        return f"Cancelled in {self.mis} → cancelled in {self.storefront}"

    def why(self, rule: str) -> str:
        """Why a line or a task stands as it does, by the rule that says so."""
        return self.named(why(rule)) if rule else ""


def why(rule: str) -> str:
    """The sentence of a rule of the comparison, or of a guard."""
    first, _, rest = rule.partition(":")
    if first == "first-sight":
        return f"{why(rest)} It was so already when this order was first seen."
    return _GATES.get(rule) or _TABLE.get(rule) or rule.replace("-", " ").capitalize() + "."


#: What each system calls how far the goods are.
_STOREFRONT_PROGRESS = {
    "none": "open",
    "started": "in production",
    "produced": "produced",
    "part_dispatched": "partly shipped",
    "dispatched": "shipped",
}
_MIS_PROGRESS = {
    "none": "not started",
    "started": "in production",
    "produced": "produced",
    "part_dispatched": "partly dispatched",
    "dispatched": "dispatched",
}
_OTHERS = {"unseen": "Not found yet", "gone": "Not found any more", "unreadable": "Cannot be read"}


def status(text: str, side: str = "mis") -> str:
    """A stored line status (`open/started`, `unseen`, ...) in everyday words, as that system would say it."""
    if text.startswith("unmapped("):
        return f"Unknown status “{text[9:-1]}”"
    intent, slash, progress = text.partition("/")
    known = (_STOREFRONT_PROGRESS if side == "storefront" else _MIS_PROGRESS).get(progress)
    if not slash or known is None:
        return _OTHERS.get(text, text)
    if intent == "open":
        return sentence(known)
    word = {"held": "On hold", "cancelled": "Cancelled"}.get(intent, intent)
    return word if progress == "none" else f"{word}, {known}"


def tone(text: str) -> str:
    """The colour of a stored line status."""
    if text.startswith("cancelled"):
        return "stop"
    if text.endswith("/dispatched"):
        return "good"
    if text.startswith(("held", "unmapped")) or text in ("gone", "unreadable"):
        return "warn"
    if text == "unseen":
        return "quiet"
    return "go" if text.rpartition("/")[2] in ("started", "produced", "part_dispatched") else "plain"


def customer(name: str) -> str:
    """Some storefronts name a customer by a number only."""
    return f"Customer {name}" if name.isdecimal() else name


#: What the screens write before a number, and a person then types or copies with it.
_BEFORE_A_NUMBER = re.compile(
    r"(?:customer|(?:sales )?order|line|job|quote|po|tracking)(?: number)?[ :#]+(?=\S*\d)", re.IGNORECASE
)


def number_in(text: str) -> str:
    """The number in `Customer 63` or `Job J29301-01`; empty where no such word stands before one."""
    found = _BEFORE_A_NUMBER.match(text)
    return text[found.end() :] if found else ""


def po(number: str) -> str:
    """A PO number that is known as one: `PO 7741`, and `PO-7741` as it is."""
    return number if not number or number.upper().startswith("PO") else f"PO {number}"


def money(amount: str) -> str:
    """An amount as people write it; what is no plain number stays as the system said it."""
    try:
        return f"{Decimal(amount):,.2f}"
    except (InvalidOperation, ValueError):
        return amount


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def inline(text: str) -> str:
    """A sentence's words as they stand within another; names keep their capitals."""
    return text[:1].lower() + text[1:]


def count(number: int, one: str, many: str = "") -> str:
    """`1 order`, `2 orders`, `1,204 orders`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
