"""What a person does for a task, step by step, for just this order: pure.

The procedures follow the storefront vendor's own guide for cancelled orders (Academy 1977): *Sales > Orders >
the order > change status to Cancelled* on one side, *log in, find the order, mark it Cancelled* on the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from countermand.core.order import MisItemKind
from countermand.core.tasks import TaskKind


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A page in a vendor's own screens. `url` is empty where this set-up does not know the address."""

    name: str
    url: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do, in one sentence, and where."""

    text: str
    places: tuple[Place, ...] = ()


class AboutItem(msgspec.Struct, frozen=True, kw_only=True):
    """A job or sales order that the task concerns. `shared`: it makes other lines too."""

    ref: str
    kind: MisItemKind
    url: str = ""
    shared: bool = False


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps of a task are about: one order, the lines and jobs concerned, both systems' names."""

    order_id: str
    storefront: str
    mis: str
    order_url: str = ""
    line_ids: tuple[str, ...] = ()
    whole_order: bool = True
    items: tuple[AboutItem, ...] = ()
    tracking: tuple[str, ...] = ()
    detail: str = ""
    assisted: bool = False

    @property
    def order(self) -> Place:
        return Place(name=f"Order {self.order_id} in {self.storefront}", url=self.order_url)

    @property
    def made(self) -> tuple[Place, ...]:
        return tuple(
            Place(name=f"{_kind(item)} {item.ref} in {self.mis}", url=item.url) for item in self.items
        )

    @property
    def lines(self) -> str:
        return ", ".join(self.line_ids)


def _kind(item: AboutItem) -> str:
    return "Sales order" if item.kind is MisItemKind.SALES_ORDER else "Job"


def steps(kind: TaskKind, about: About) -> tuple[Step, ...]:
    """The steps of a task, in order; the last says how it closes."""
    return tuple(_STEPS[kind](about))


# Procedures of the two vendors' own screens


def _cancel_in_storefront(about: About) -> Iterable[Step]:
    yield Step(
        text=f"Log in to {about.storefront} and open the order: Sales > Orders > {about.order_id}.",
        places=(about.order,),
    )
    if about.whole_order or not about.line_ids:
        yield Step(text="Change its status to Cancelled.")
    else:
        yield Step(text=f"Cancel only the lines {about.lines}; the others stay.")


def _cancel_in_mis(about: About, so_that: str = "") -> Iterable[Step]:
    shared = ", ".join(item.ref for item in about.items if item.shared)
    own = [item.ref for item in about.items if not item.shared]
    named = ", ".join(own) or shared or f"the jobs of order {about.order_id}"
    text = f"log in to {about.mis} and find {named}."
    yield Step(text=f"{so_that}, {text}" if so_that else text[:1].upper() + text[1:], places=about.made)
    if own or not shared:
        yield Step(text=f"Mark {'each of them' if len(own) > 1 else 'it'} Cancelled.")
    if shared:
        yield Step(
            text=f"{shared} also makes other lines: take only the cancelled part out of it, or split it."
        )


def _look_at_both(about: About) -> Step:
    return Step(text="Look at the order in both systems.", places=(about.order, *about.made))


_CHECK = Step(text="Press “I did it, check now”: both systems are read, and the task closes when they agree.")
_BY_WORD = Step(text="Then close this task with a word on what you did.")


def _leave(about: About) -> Step:
    return Step(
        text=f"If {about.storefront} and {about.mis} may stay different, leave them so, with your reason."
    )


def _button(about: About) -> Iterable[Step]:
    if about.assisted:
        yield Step(text="Or press “Do it for me”: Countermand writes it and reads it back.")


# One procedure per kind of task


def _cancel_mis_task(about: About) -> Iterable[Step]:
    yield from _cancel_in_mis(about)
    yield _CHECK
    yield from _button(about)


def _cancel_storefront_task(about: About) -> Iterable[Step]:
    yield from _cancel_in_storefront(about)
    yield _CHECK
    yield from _button(about)


def _cancelled_but_made(about: About) -> Iterable[Step]:
    yield Step(text="Stop the parcel or the work, if that is still possible: call dispatch or the press now.")
    yield _look_at_both(about)
    yield Step(text="Decide with the customer: keep it (by a new order), take it back, or scrap it.")
    yield Step(
        text=f"Put {about.storefront} and {about.mis} right, then press “I did it, check now”; "
        "or leave them different, with your reason."
    )


def _shipped_but_cancelled(about: About) -> Iterable[Step]:
    yield _look_at_both(about)
    yield Step(text="Find out whether a parcel has really left.", places=about.made)
    yield Step(
        text=f"If it has: open the job in {about.mis} again. If not: tell the customer, and cancel the order."
    )
    yield _CHECK
    yield _leave(about)


def _brake(about: About) -> Iterable[Step]:
    yield Step(text="Look at the list of orders that are held: were they all meant to be cancelled?")
    yield Step(text="Choose the ones that were, and let them pass, with your reason.")
    yield Step(text=f"For those that were not: take the cancel back in {about.storefront} or {about.mis}.")
    yield Step(
        text="When nothing wrong is left, take the brake off: this task closes, and counting starts afresh."
    )


def _stock_line(about: About) -> Iterable[Step]:
    yield Step(text=f"{about.mis} lets nobody cancel a stock line from outside, so it is done by hand.")
    yield from _cancel_in_mis(about)
    yield _CHECK


def _cancelled_unseen(about: About) -> Iterable[Step]:
    looked = (
        f"had searched {about.mis} in vain before" if about.detail else f"could not search {about.mis} since"
    )
    yield Step(
        text=f"{about.storefront} shows it cancelled. Countermand knows no job of it, and {looked}.",
        places=(about.order,),
    )
    yield Step(text=f"Look for it in {about.mis} by its number {about.order_id}, PO number and customer.")
    yield Step(text="If there is a job of it, mark that Cancelled.")
    yield Step(
        text="Press “I did it, check now”. Where nothing can be found, this counts as reported by you."
    )


def _past_cut_off(about: About) -> Iterable[Step]:
    yield Step(text="Ask production how far the work is, and what stopping it saves.")
    yield from _cancel_in_mis(about, "To stop it")
    yield _CHECK
    yield from _button(about)
    yield Step(text="To make it and send it all the same, refuse the cancellation, with your reason.")


def _approve(about: About) -> Iterable[Step]:
    yield Step(
        text="The order is worth more than one person may cancel alone. Look at it.", places=(about.order,)
    )
    yield Step(text="If the cancel is right, agree to it. Two different people have to.")
    yield _leave(about)


def _cannot_read(about: About) -> Iterable[Step]:
    yield Step(text="See on the Connections page why the system cannot be read, and put that right.")
    yield Step(text="Until then, look for yourself:", places=(about.order, *about.made))
    yield Step(text="If one side is cancelled, do the same on the other by hand.")
    yield Step(
        text="Press “I did it, check now”. While the system cannot be read, this counts as reported by you."
    )


def _program_error(about: About) -> Iterable[Step]:
    yield Step(text="It is tried again every five minutes; the task closes by itself when that goes well.")
    yield Step(
        text="Until then, look for yourself; if one side is cancelled or sent, put the other right by hand.",
        places=(about.order, *about.made),
    )
    yield Step(
        text=f"Tell the makers the error above, and what the log says at order.failed about {about.order_id}."
    )
    yield Step(text="Update Countermand when they have mended it.")
    yield Step(text="Press “I did it, check now” to have it tried at once.")


def _refused(about: About) -> Iterable[Step]:
    if about.detail:
        yield Step(text=f"The system said: {about.detail}")
    yield _look_at_both(about)
    yield Step(text="Do by hand what was refused, or find out why it must not be done.")
    yield _CHECK
    yield _leave(about)


def _not_visible(about: About) -> Iterable[Step]:
    yield _look_at_both(about)
    yield Step(text="If the change is not there, make it by hand.")
    yield _CHECK


def _shared_job(about: About) -> Iterable[Step]:
    yield Step(
        text=f"Job {about.detail or 'of this order'} also makes lines that are not cancelled.",
        places=about.made,
    )
    yield Step(
        text=f"In {about.mis}, take the cancelled part ({about.lines}) out of the job, or split the job."
    )
    yield _CHECK
    yield _leave(about)


def _re_opened(about: About) -> Iterable[Step]:
    yield _look_at_both(about)
    yield Step(text="Find out who opened it again, and whether the customer wants it after all.")
    yield Step(
        text=f"If not: cancel it again. If so: {about.storefront} cannot undo a cancel, so place a new order "
        "and cancel this one on both sides."
    )
    yield _CHECK
    yield _leave(about)


def _close_emptied(about: About) -> Iterable[Step]:
    yield from _cancel_in_storefront(msgspec.structs.replace(about, whole_order=True))
    yield _CHECK
    yield Step(text="Or leave the empty order open, with your reason.")


def _gone(about: About) -> Iterable[Step]:
    yield Step(text="Look for it by its number and by the customer.", places=(about.order, *about.made))
    yield Step(text="If it was deleted or renumbered, find out by whom and why.")
    yield Step(
        text="If it is there, press “I did it, check now”; if it is gone, leave it so, with your reason."
    )


def _unmapped(about: About) -> Iterable[Step]:
    yield Step(
        text=f"See what the status means: {about.detail or 'it stands on the order’s page'}.",
        places=(about.order, *about.made),
    )
    yield Step(
        text="Say so in the settings of the connection; every order with this status is then read again."
    )


def _ambiguous(about: About) -> Iterable[Step]:
    yield Step(text="Compare the jobs that may belong to this order.", places=(about.order, *about.made))
    yield Step(
        text=f"In {about.mis}, put the order number {about.order_id} into the right job's Customer Reference."
    )
    yield _CHECK


def _not_in_production(about: About) -> Iterable[Step]:
    yield Step(
        text=f"Look for the order in {about.mis} by its number, PO number and customer.", places=about.made
    )
    yield Step(
        text=f"If it is missing, send it again from {about.storefront}, or enter it by hand.",
        places=(about.order,),
    )
    yield Step(text=f"If it is there under another number, put {about.order_id} into its Customer Reference.")
    yield _CHECK


def _ship(about: About) -> Iterable[Step]:
    yield Step(
        text=f"Log in to {about.storefront} and open the order: Sales > Orders > {about.order_id}.",
        places=(about.order,),
    )
    tracking = ", ".join(about.tracking)
    yield Step(text="Mark it shipped" + (f", with the tracking number {tracking}." if tracking else "."))
    yield _CHECK
    yield from _button(about)


def _refund(about: About) -> Iterable[Step]:
    worth = f" The order's total is {about.detail}." if about.detail else ""
    yield Step(
        text=f"The order was paid. Cancelling never gives the money back.{worth}", places=(about.order,)
    )
    yield Step(text="Refund it in the payment gateway, then in the order, or decide not to.")
    yield _BY_WORD


def _credit_note(about: About) -> Iterable[Step]:
    yield Step(text=f"The job is invoiced in {about.mis}, and it is cancelled now.", places=about.made)
    yield Step(text="A draft invoice can be voided; after that it takes a credit note.")
    yield _BY_WORD


def _import_review(about: About) -> Iterable[Step]:
    yield Step(
        text="These orders were different already when Countermand first saw them. Nothing was written."
    )
    yield Step(text="Look through them. Those that are history can be left as they are, together.")
    yield Step(
        text="Put right those that are still alive, in the system that is wrong.",
        places=(about.order, *about.made),
    )
    yield _CHECK


def _unknown_reference(about: About) -> Iterable[Step]:
    yield Step(
        text=f"Look at the Customer Reference of the job: {about.detail or 'is it a typing mistake?'}",
        places=about.made,
    )
    yield Step(text=f"Put the right {about.storefront} order number there; or it is no web order at all.")
    yield _BY_WORD


def _marked_by_hand(about: About) -> Iterable[Step]:
    yield Step(text=f"Somebody marked it shipped in {about.storefront}. Did it leave?", places=(about.order,))
    yield Step(
        text=f"If it did, dispatch it in {about.mis} too; nothing can be written there from outside.",
        places=about.made,
    )
    yield _CHECK
    yield _leave(about)


def _after_delivery(about: About) -> Iterable[Step]:
    yield _look_at_both(about)
    yield Step(text="Is it a return, or a slip? Nothing can be stopped any more.")
    yield _CHECK
    yield _leave(about)


_STEPS: dict[TaskKind, Callable[[About], Iterable[Step]]] = {
    TaskKind.CANCELLED_BUT_MADE: _cancelled_but_made,
    TaskKind.SHIPPED_BUT_CANCELLED: _shipped_but_cancelled,
    TaskKind.BRAKE: _brake,
    TaskKind.CANCEL_IN_MIS: _cancel_mis_task,
    TaskKind.CANCEL_STOCK_LINE: _stock_line,
    TaskKind.CANCEL_IN_STOREFRONT: _cancel_storefront_task,
    TaskKind.CANCELLED_UNSEEN: _cancelled_unseen,
    TaskKind.PAST_CUT_OFF: _past_cut_off,
    TaskKind.APPROVE: _approve,
    TaskKind.CANNOT_READ: _cannot_read,
    TaskKind.PROGRAM_ERROR: _program_error,
    TaskKind.WRITE_REFUSED: _refused,
    TaskKind.WRITE_UNKNOWN: _not_visible,
    TaskKind.NOT_VISIBLE: _not_visible,
    TaskKind.SHARED_JOB: _shared_job,
    TaskKind.RE_OPENED: _re_opened,
    TaskKind.CLOSE_EMPTIED_ORDER: _close_emptied,
    TaskKind.GONE: _gone,
    TaskKind.UNMAPPED: _unmapped,
    TaskKind.AMBIGUOUS_LINK: _ambiguous,
    TaskKind.NOT_IN_PRODUCTION: _not_in_production,
    TaskKind.SHIP_IN_STOREFRONT: _ship,
    TaskKind.REFUND: _refund,
    TaskKind.CREDIT_NOTE: _credit_note,
    TaskKind.IMPORT_REVIEW: _import_review,
    TaskKind.UNKNOWN_REFERENCE: _unknown_reference,
    TaskKind.MARKED_BY_HAND: _marked_by_hand,
    TaskKind.CANCELLED_AFTER_DELIVERY: _after_delivery,
    TaskKind.MOVED_BACK: _after_delivery,
}
