"""Every kind of entry the journal can hold: `subject.what`, with what it means for a person."""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """A journal event. The value is stable: it is stored, exported and hashed."""

    ORDER_SEEN = "order.seen"
    ORDER_CLOSED = "order.closed"
    ORDER_FAILED = "order.failed"
    LINE_SIGHTED = "line.sighted"
    LINE_DECIDED = "line.decided"
    LINE_IN_STEP = "line.in_step"
    LINE_LINKED = "line.linked"
    LINE_UNLINKED = "line.unlinked"
    LINE_SETTLED = "line.settled"
    LINE_ASKED_AGAIN = "line.asked_again"
    LINE_REPORTED = "line.reported"
    CANCELLATION_MOVED = "cancellation.moved"
    CANCELLATION_STOPPED = "cancellation.stopped"
    WRITE_HELD = "write.held"
    WRITE_OBSERVED = "write.observed"
    WRITE_SENT = "write.sent"
    WRITE_ANSWERED = "write.answered"
    WRITE_VERIFIED = "write.verified"
    NOTE_WRITTEN = "note.written"
    TASK_OPENED = "task.opened"
    TASK_CHANGED = "task.changed"
    TASK_NOT_DONE = "task.not_done"
    TASK_CLOSED = "task.closed"
    APPROVAL_GIVEN = "approval.given"
    BRAKE_TRIPPED = "brake.tripped"
    BRAKE_RELEASED = "brake.released"
    BRAKE_CLEARED = "brake.cleared"
    HOOK_QUARANTINED = "hook.quarantined"
    DATA_ERASED = "data.erased"
    CONNECTION_STARTED = "connection.started"


EVENT_MEANING: dict[Event, str] = {
    Event.ORDER_SEEN: "An order was read for the first time.",
    Event.ORDER_CLOSED: "Neither system has the order any more, or it is delivered and done.",
    Event.ORDER_FAILED: "The program itself failed on an order; it has a task, and is tried again.",
    Event.LINE_SIGHTED: "A system shows another status for a line than it did before.",
    Event.LINE_DECIDED: "The comparison of both systems came to another answer for a line.",
    Event.LINE_IN_STEP: "Both systems agree on a line; the values are the new common base.",
    Event.LINE_LINKED: "A job or sales order was found to belong to a line.",
    Event.LINE_UNLINKED: "A person took a job or sales order away from a line.",
    Event.LINE_SETTLED: "A person left the two systems different on purpose, with a reason.",
    Event.LINE_ASKED_AGAIN: "A person took back that the two systems may differ; the rules judge it anew.",
    Event.LINE_REPORTED: "A person says it was done in a system that cannot be read back.",
    Event.CANCELLATION_MOVED: "A cancellation reached the next stage of its life.",
    Event.CANCELLATION_STOPPED: "A person stopped a cancel before it was written, with a reason.",
    Event.WRITE_HELD: "A change is wanted and a guard holds it back for now.",
    Event.WRITE_OBSERVED: "A change would have been written; this connection only observes.",
    Event.WRITE_SENT: "A change is about to be sent to a system (stored before the call is made).",
    Event.WRITE_ANSWERED: "What the system said to a change of ours.",
    Event.WRITE_VERIFIED: "A read that began after the answer shows the change.",
    Event.NOTE_WRITTEN: "A note for the shop's people was sent to the storefront, and what it answered.",
    Event.TASK_OPENED: "A person is needed.",
    Event.TASK_CHANGED: "A task was assigned, snoozed or noted on.",
    Event.TASK_NOT_DONE: "A person said done, and the read-back says that it is not.",
    Event.TASK_CLOSED: "A task ended, by a read-back or by a person's word.",
    Event.APPROVAL_GIVEN: "A person said that a change may be written.",
    Event.BRAKE_TRIPPED: "More orders than the limit wanted a cancel; everything unsent is held.",
    Event.BRAKE_RELEASED: "A person let chosen orders pass the brake.",
    Event.BRAKE_CLEARED: "A person ended the hold; counting starts afresh.",
    Event.HOOK_QUARANTINED: "A message could not be read; it is kept with the reason.",
    Event.DATA_ERASED: "Personal data of an order was erased; the chain of entries still holds.",
    Event.CONNECTION_STARTED: "The service started to look after a connection.",
}
