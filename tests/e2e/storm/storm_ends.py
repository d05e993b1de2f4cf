"""How an order may end after a storm: as its story asks for, or with the task that the rules give for it.

Each thing that did not arrive is excused by itself: a task about a write counts only for what that very
write should have brought about, and only if that write really met what the task says.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from storm_evidence import Evidence, Sent
from storm_staff import CANCELLED_ID, Kind, Story

from countermand.core.command import MOST_ATTEMPTS
from countermand.core.tasks import TaskKind

#: When a write had no clear answer twice, was refused, or does not show, a person is asked: by the rules.
ASKED_ABOUT_A_WRITE = frozenset({TaskKind.WRITE_UNKNOWN, TaskKind.WRITE_REFUSED, TaskKind.NOT_VISIBLE})
#: Which one it is depends on what came first, and on whether the dispatch had been passed on by then.
_CONFLICTS = frozenset(
    {
        TaskKind.CANCELLED_BUT_MADE,
        TaskKind.SHIPPED_BUT_CANCELLED,
        TaskKind.CANCELLED_AFTER_DELIVERY,
    }
)
#: About money, whatever became of the order.
_ABOUT_MONEY = frozenset({TaskKind.REFUND, TaskKind.CREDIT_NOTE})
_SHIPPED, _NOT_SHIPPED = ("Shipped", "Delivered"), "NotYetShipped"


class Mend(msgspec.Struct, frozen=True):
    """The write that should have brought something about: words it begins with, and what it is about."""

    system: str
    change: tuple[str, ...]
    order: str
    about: tuple[str, ...] = ()

    def is_sent(self, sent: Sent) -> bool:
        side = "mis" if self.system == "printIQ" else "storefront"
        about = not self.about or bool({*sent.about.split(", ")} & {*self.about})
        right = sent.order == self.order and sent.what.endswith(f" in {side}")
        return right and sent.change in self.change and about


class Difference(msgspec.Struct, frozen=True):
    """One thing that an order does not show. `mend`: the write of ours that it waits for, if one does."""

    what: str
    mend: Mend | None = None


def differences(story: Story, evidence: Evidence) -> Iterator[Difference]:
    """Where an order is not as it should be, by both systems' own state."""
    yield from _between_systems(story, evidence)
    yield from _not_as_told(story, evidence)


def is_excused(difference: Difference, story: Story, evidence: Evidence) -> bool:
    """Whether an open task says so, of a kind that the rules give for it."""
    tasks = evidence.tasks.get(story.order, frozenset())
    mend = difference.mend
    if story.kind is Kind.CANCEL_AND_DISPATCH:
        return bool(tasks & _CONFLICTS)
    if story.kind is Kind.CANCEL_AFTER_START:
        return mend is not None and mend.system == "printIQ" and TaskKind.PAST_CUT_OFF in tasks
    return mend is not None and any(_met(TaskKind(kind), mend, evidence) for kind in tasks)


def needless(story: Story, evidence: Evidence) -> frozenset[str]:
    """Open tasks of an order that is as it should be in both systems."""
    return evidence.tasks.get(story.order, frozenset()) - _ABOUT_MONEY


def _met(kind: TaskKind, mend: Mend, evidence: Evidence) -> bool:
    """Whether a write met what a task of this kind says of it."""
    attempts = [one for one in evidence.sent if mend.is_sent(one)]
    match kind:
        case TaskKind.NOT_VISIBLE:
            said_well = [one for one in attempts if one.answer in ("applied", "already")]
            return any(_was_ignored(one, evidence) for one in said_well)
        case TaskKind.WRITE_UNKNOWN:
            unclear = [one for one in attempts if one.answer in ("", "unknown")]
            return len(unclear) >= MOST_ATTEMPTS
        case TaskKind.WRITE_REFUSED:
            return any(one.answer in ("refused", "unsupported") for one in attempts)
        case TaskKind.CLOSE_EMPTIED_ORDER:
            # Tried once: the lines cannot show whether it worked, so an unclear answer is enough.
            closing = [one for one in attempts if one.about == "order"]
            return any(one.answer in ("", "unknown") or _was_ignored(one, evidence) for one in closing)
        case _:
            return False


def _was_ignored(sent: Sent, evidence: Evidence) -> bool:
    return any(one.was_ignored and one.at >= sent.at and sent.stands_for(one) for one in evidence.effects)


def is_so(sent: Sent, evidence: Evidence) -> bool:
    """Whether the system that it was sent to shows in the end what a write wanted."""
    if sent.what == "cancel in mis":
        return _is_cancelled(evidence.jobs[sent.about])
    order = evidence.storefront[sent.order]
    if sent.change == "cancel":
        gone = {line["Id"] for line in order["OrderLineItems"] if line["IsCancelled"]}
        lines = set() if sent.about == "order" else set(sent.about.split(", "))
        return bool(order["OrderStatus"] == "Cancelled" or (lines and lines <= gone))
    if sent.change == "ship":
        return order["ShippingStatus"] in _SHIPPED
    return bool(
        order["TrackingNumber"] if sent.change == "track" else order["ShippingStatus"] != _NOT_SHIPPED
    )


def _between_systems(story: Story, evidence: Evidence) -> Iterator[Difference]:
    order = evidence.storefront[story.order]
    whole = order["OrderStatus"] == "Cancelled"
    open_jobs = []
    for line in order["OrderLineItems"]:
        job_no = story.jobs[line["Id"]]
        job = evidence.jobs[job_no]
        here, there = whole or line["IsCancelled"], job["ProductionStatusID"] == CANCELLED_ID
        if here and not there:
            mend = Mend("printIQ", ("cancel",), story.order, (job_no,))
            yield Difference(f"line {line['Id']} is cancelled in Infigo only", mend)
        if there and not here:
            mend = Mend("Infigo", ("cancel",), story.order, ("order", line["Id"]))
            yield Difference(f"line {line['Id']} is cancelled in printIQ only", mend)
        if (here or there) and _left(job):
            yield Difference(f"line {line['Id']} is cancelled and job {job_no} has left")
        if not here:
            open_jobs.append(job)
    all_left = bool(open_jobs) and all(map(_left, open_jobs))
    shipped = order["ShippingStatus"] in _SHIPPED
    if all_left and not shipped:
        mend = Mend("Infigo", ("ship",), story.order)
        yield Difference(f"every open job has left, and Infigo shows {order['ShippingStatus']}", mend)
    if shipped and not all_left:
        yield Difference(f"Infigo shows {order['ShippingStatus']}, and not every open job has left")


def _left(job: dict[str, object]) -> bool:
    return job["DeliveriesConsigned"] == job["DeliveriesTotal"]


def _not_as_told(story: Story, evidence: Evidence) -> Iterator[Difference]:
    """What a story's own end asks for, beyond that both systems agree."""
    order = evidence.storefront[story.order]
    gone = {line["Id"] for line in order["OrderLineItems"] if line["IsCancelled"]}
    cancelled = order["OrderStatus"] == "Cancelled"
    stopped = {line for line, job in story.jobs.items() if _is_cancelled(evidence.jobs[job])}
    match story.kind:
        case Kind.LEFT_ALONE if cancelled or gone or stopped:
            yield Difference("nobody cancelled it")
        case Kind.LEFT_ALONE if any(one.order == story.order for one in evidence.sent):
            yield Difference("nobody changed it, and a write was sent")
        case Kind.CANCEL_IN_PRINTIQ if not cancelled:
            yield Difference(
                "the order is not cancelled in Infigo",
                Mend("Infigo", ("cancel",), story.order, ("order", *story.lines)),
            )
        case Kind.CANCEL_AFTER_START if stopped:
            yield Difference("its job was cancelled past the cut-off")
        case Kind.CANCEL_LINE | Kind.CANCEL_JOB if cancelled or story.lines[1] in gone | stopped:
            yield Difference("its other line was cancelled too")
        case Kind.DISPATCH | Kind.DISPATCH_IN_PARTS:
            yield from _tracking(story, order["TrackingNumber"])


def _is_cancelled(job: dict[str, object]) -> bool:
    return job["ProductionStatusID"] == CANCELLED_ID


def _tracking(story: Story, text: str) -> Iterator[Difference]:
    if {code.strip() for code in text.split(",")} != set(story.tracking):
        mend = Mend("Infigo", ("ship", "track"), story.order)
        yield Difference(f"Infigo shows tracking {text!r}, not {', '.join(story.tracking)}", mend)
