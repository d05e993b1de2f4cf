"""What is asked before and after the decision table, and before every write: in order, as data.

The docs page and the console show these lines; the names are those that verdicts, waits and tasks carry. A
test holds that the judgement produces exactly these names and those of the table's rows.
"""

from __future__ import annotations

import msgspec


class Question(msgspec.Struct, frozen=True):
    """One question in its place: what is asked, what happens on yes, and the names this can produce."""

    ask: str
    then: str
    names: tuple[str, ...]


#: Asked about each line, from the top; the first that holds decides. The table comes after the fourth.
GATES: tuple[Question, ...] = (
    Question(
        "Is a change that Countermand sent itself still on its way, and nothing most urgent to be seen?",
        "Wait, and read again 0, 1, 5, 30 and 120 seconds after the answer. Only a read that began after "
        "the answer counts. Without a clear answer, wait 30 seconds before any read may say that it had no "
        "effect.",
        ("read-back", "unknown-outcome", "not-sent"),
    ),
    Question(
        "Did a person leave the two systems different, for exactly what they show now?",
        "Leave it. Any other value in either system opens the question again.",
        ("settled",),
    ),
    Question(
        "Can one side not be judged: a status nobody mapped, a system that cannot be read, a line that is no "
        "longer found?",
        "Nothing is guessed and nothing is written. An unknown status is asked about once per value; an "
        "unreadable system or a missing line is read again for a while, then a person is asked; one that is "
        "missing on both sides, or beside a cancel of goods that never left, is closed then. A system that "
        "finds nothing any more of what it had counts as one that cannot be read.",
        ("unmapped", "unreadable", "cannot-read", "cannot-read-cancelled", "gone"),
    ),
    Question(
        "Did a side go back on what both had agreed on, or on what our own change made both say?",
        "Ask, never write: re-opened after both were cancelled; cancelled after both had it delivered; a "
        "delivery undone. Where it is made or sent on one side and cancelled on the other, the table's most "
        "urgent rows take over.",
        ("re-opened", "cancelled-after-delivery", "moved-back"),
    ),
    Question(
        "The table says that something should be written, and our own change of that kind has failed?",
        "Ask, never send it again: it was answered well and does not show after 120 seconds; it was refused, "
        "and the side it came from has not changed since; no clear answer came, twice. After one unclear "
        "answer it is sent once more.",
        ("written-not-visible", "write-refused", "write-unknown"),
    ),
    Question(
        "Have both systems never been seen to agree on this line, and was it ordered before Countermand "
        "was watching?",
        "A difference joins one review of all such orders, and nothing is written. Agreement is agreement.",
        ("first-sight",),
    ),
)

#: Asked about the lines of one order together, once each line has its answer.
ORDER_RULES: tuple[Question, ...] = (
    Question(
        "Does the storefront call a line shipped only because other lines of its order have left?",
        "The line is judged without that: the shipping status is the order's, not the line's.",
        (),
    ),
    Question(
        "Is a line cancelled in the storefront, no job of it known, and could the MIS not be searched since "
        "(nothing can be searched in this set-up, or it does not answer)?",
        "A job of it may be made all the same: after the undo window a person is asked to look there.",
        ("cancelled-not-searched",),
    ),
    Question(
        "Is a line cancelled in the storefront, no job of it known, and had it been open for so long before "
        "(`not_in_production_after`) that its job was missed already?",
        "It may be made under a number that nothing finds: a person is asked to look there.",
        ("cancelled-not-found",),
    ),
    Question(
        "Is one of a line's several jobs both cancelled and dispatched?",
        "Most urgent question, whatever the other jobs say.",
        ("job-cancelled-and-sent",),
    ),
    Question(
        "Should a job be cancelled that also makes lines which do not want that?",
        "A person is asked; the job is not touched.",
        ("shared-job",),
    ),
    Question(
        "Are all lines of the order to be cancelled in the storefront at once?",
        "One cancel of the whole order; else a cancel of just those lines.",
        (),
    ),
    Question(
        "Was the last open line of an order cancelled after earlier ones?",
        "The order itself stays open: a person is asked, or it is cancelled, as the setting "
        "`close_emptied_order` says (default: ask).",
        ("close-emptied-order",),
    ),
    Question(
        "Is only a part of an order dispatched?",
        "*Shipped* needs every line that is not cancelled. Until then wait for the rest, or write *partially "
        "shipped* once, as the setting `part_dispatch` says (default: wait). Tracking numbers are a set: new "
        "ones are joined to what is there, never written over it.",
        ("rest-of-order",),
    ),
)

#: Asked before every cancel, from the top, and again right before it is written.
CANCEL_GUARDS: tuple[Question, ...] = (
    Question(
        "Does the other system offer no way to do it from outside (always so for stock lines in the MIS)?",
        "A person does it; the task closes when both systems are read and agree.",
        ("not-offered",),
    ),
    Question(
        "Was any production status ever seen on any line of this cancel? On hold, or sent back to "
        "pre-production, counts as the furthest status seen; towards the MIS an unknown past, or a job that "
        "cannot be read, counts as started.",
        "One question for the whole order; it is written only on a person's word.",
        ("cut-off",),
    ),
    Question(
        "Had a person left the two systems different on one of these lines, and has something changed since?",
        "That person's decision still counts: it is written only on a person's word.",
        ("left-different",),
    ),
    Question(
        "Is a job cancelled that makes, or may make, another order too, and is this one to follow it in the "
        "storefront?",
        "Which of the orders was meant the job does not say: it is written only on a person's word.",
        ("of-others-too",),
    ),
    Question(
        "Is the mode for this direction not *automatic*, and has nobody said “do it”?",
        "Observe: a task, nothing is ever written. Manual: a task with the steps. Assisted: a task with a "
        "button.",
        ("mode-observe", "mode-manual", "mode-assisted"),
    ),
    Question(
        "Is it less than the undo window since the cancel was first seen, and has nobody said “do it”?",
        "Wait until it ends. If the cancel is taken back before that, nothing is ever written.",
        ("undo-window",),
    ),
    Question(
        "May the vendors' own plug-in pass cancels on in this shop, and is its time not over?",
        "Wait, read again, and write only what is still needed then.",
        ("vendor-grace",),
    ),
    Question(
        "Has the mass-cancel brake tripped in this direction, and was this order not released?",
        "Held until a person lets this order pass. The brake counts *orders newly wanting a cancel*, before "
        "anything is written, so those still in their undo window are held too.",
        ("brake",),
    ),
    Question(
        "Is the order worth more than the value limit, or is its worth not known while there is a limit?",
        "Two different people have to agree.",
        ("value-limit",),
    ),
    Question("Is it outside the opening hours?", "Wait until they begin.", ("opening-hours",)),
)

#: Asked before *shipped*, *partially shipped* or tracking is written to the storefront.
SHIP_GUARDS: tuple[Question, ...] = (
    Question("Does the storefront offer no way to do it?", "A person does it.", ("not-offered",)),
    Question(
        "Is the mode for dispatches not *automatic*, and has nobody said “do it”?",
        "As for cancels.",
        ("mode-observe", "mode-manual", "mode-assisted"),
    ),
    Question(
        "May the vendors' own plug-in mark it shipped, and is its time not over?",
        "Wait, read again, and write only what is still needed then.",
        ("vendor-grace",),
    ),
)


def names(questions: tuple[Question, ...]) -> frozenset[str]:
    return frozenset(name for question in questions for name in question.names)
