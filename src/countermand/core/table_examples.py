"""Worked examples of how the questions and the table play together: what happens, what follows, and why."""

from __future__ import annotations

import msgspec


class Example(msgspec.Struct, frozen=True):
    """One case by the name under which the demo plays it."""

    name: str
    story: str
    outcome: str


EXAMPLES: tuple[Example, ...] = (
    Example(
        "undo-window",
        "Cancelled in printIQ, and taken back there within the undo window.",
        "The cancel waits; then both sides are open again. Nothing is written.",
    ),
    Example(
        "past-the-cut-off",
        "Cancelled in Infigo; printIQ has it in a production status.",
        "A task, with a button where writes are allowed. It is written only when somebody says so.",
    ),
    Example(
        "held-after-printing-started",
        "Cancelled in Infigo; printIQ has it on hold, and a production status was seen before.",
        "The furthest status seen counts, so it is past the cut-off: a person is asked.",
    ),
    Example(
        "needs-a-second-person",
        "Cancelled in Infigo; the order is worth more than the value limit.",
        "A task; after one person said yes it stays, after a second, different one it is written.",
    ),
    Example(
        "mass-cancel-brake",
        "100 orders are cancelled within a minute.",
        "Inside the undo window none is written: the brake trips before it ends, and all are held. Without "
        "an undo window at most the limit is written, then all others are held. Orders can be let pass.",
    ),
    Example(
        "re-opened-in-printiq",
        "Both have it cancelled; then printIQ opens it again.",
        "A question, high. It is not cancelled again, and Infigo cannot un-cancel: nothing is written.",
    ),
    Example(
        "renamed-status-labels",
        "The shop calls its first status “Cancelled”.",
        "Nothing: statuses are known by number.",
    ),
    Example(
        "unmapped-status",
        "printIQ shows a production status number that is not in the mapping, on several orders.",
        "One question for all of them. Nothing is written on any of them until it is answered.",
    ),
    Example(
        "po-number-instead-of-order-id",
        "printIQ holds the PO number as reference, and the line id stands elsewhere on the job.",
        "The line id links it; a cancel travels as usual.",
    ),
    Example(
        "ambiguous-link",
        "Two jobs carry only the PO number.",
        "A person says which one; then it goes on, and the other job is never touched.",
    ),
    Example(
        "split-sales-order",
        "A stock line is on two halves of a split sales order, and is cancelled in Infigo.",
        "Stock lines are always a person's. One half cancelled is not enough; both are.",
    ),
    Example(
        "two-parcels",
        "One of two deliveries leaves, then the other.",
        "With `part_dispatch = partial`: partially shipped with the first number, then shipped with both. "
        "With `wait`: shipped with both, once.",
    ),
    Example(
        "observe-only",
        "A cancel each way and a dispatch, while the mode is observe.",
        "Three tasks, and not one write.",
    ),
    Example(
        "already-disagreeing-at-first-sight",
        "An order from before the connection is cancelled in Infigo and open in printIQ when first seen.",
        "It joins the one review of such orders. Nothing is written until somebody has looked.",
    ),
    Example(
        "stale-read-after-write",
        "The cancel was accepted, and the next reads still show the old status.",
        "Read again at 1, 5, 30 and 120 seconds, never written again; then a person is asked.",
    ),
    Example(
        "cancelled-before-it-reached-printiq",
        "Cancelled in Infigo before printIQ has any job of it; later the job appears.",
        "Wait; the job is cancelled when it appears, under the same questions as every cancel.",
    ),
    Example(
        "vendor-plugin-did-it-meanwhile",
        "Dispatched in printIQ; the vendors' plug-in marks it shipped while Countermand waits for it.",
        "Read again after the wait: both agree. Nothing is written.",
    ),
    Example(
        "last-line-cancels-the-order",
        "One line was cancelled earlier; now the last open one is, in printIQ.",
        "That line is cancelled in Infigo. The order itself is asked about, or cancelled once if the setting "
        "says so.",
    ),
    Example(
        "settled-then-changed",
        "Somebody left a cancelled order to be made; then printIQ starts it.",
        "Settled as long as both show the same; the new status opens the question again, past the cut-off.",
    ),
    Example(
        "cancelled-after-delivery",
        "Both agreed that it was delivered; then Infigo cancels it.",
        "A quiet question. Never a cancel: nothing can be stopped any more.",
    ),
)
