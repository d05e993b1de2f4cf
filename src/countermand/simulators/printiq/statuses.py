"""printIQ's statuses: fixed production status ids, and the words for quotes, sales orders and invoices.

printIQ help desk: api-soap-status-update (job ids), quote-status-workflow, v47-webservice-updateall,
sales-order-item-limits. Ids are names, not a scale: they are never compared by size.
"""

from collections.abc import Mapping

CANCELLED = 17
FINISHED_PRODUCTION = 20
COMPLETE = 21
AWAITING_ARTWORK = 27

#: Constant names by id, in the order in which a job usually passes them.
STATUS_CONSTANTS: Mapping[int, str] = {
    25: "PRODUCTION_STATUS_AWAITING_PAYMENT",
    27: "PRODUCTION_STATUS_AWAITING_ARTWORK",
    22: "PRE_PRODUCTION_STATUS_IN_PROCESS_1",
    23: "PRE_PRODUCTION_STATUS_IN_PROCESS_2",
    24: "PRE_PRODUCTION_STATUS_IN_PROCESS_3",
    18: "PRE_PRODUCTION_STATUS_IN_PROCESS_4",
    1: "PRE_PRODUCTION_STATUS_IN_PROCESS_5",
    26: "PRE_PRODUCTION_STATUS_IN_PROCESS_6",
    2: "PRODUCTION_STATUS_IN_PROCESS_1",
    3: "PRODUCTION_STATUS_IN_PROCESS_2",
    4: "PRODUCTION_STATUS_IN_PROCESS_3",
    5: "PRODUCTION_STATUS_IN_PROCESS_4",
    6: "PRODUCTION_STATUS_IN_PROCESS_5",
    7: "PRODUCTION_STATUS_IN_PROCESS_6",
    8: "PRODUCTION_STATUS_IN_PROCESS_7",
    16: "PRODUCTION_STATUS_ON_HOLD",
    20: "PRODUCTION_STATUS_FINISHED_PRODUCTION",
    21: "PRODUCTION_STATUS_COMPLETE",
    17: "PRODUCTION_STATUS_CANCELLED",
}

PRE_PRODUCTION = frozenset({22, 23, 24, 18, 1, 26, 25, 27})
IN_PRODUCTION = frozenset(range(2, 9))


def _default_label(constant: str) -> str:
    words = constant.replace("PRE_PRODUCTION_STATUS_IN_PROCESS", "Pre-production")
    return words.removeprefix("PRODUCTION_STATUS_").replace("_", " ").capitalize()


#: What the screens say until a tenant renames it.
DEFAULT_LABELS: Mapping[int, str] = {key: _default_label(name) for key, name in STATUS_CONSTANTS.items()}


def label(status_id: int, renamed: Mapping[int, str]) -> str:
    """Return the tenant's word for a status id."""
    return renamed.get(status_id) or DEFAULT_LABELS.get(status_id, f"Status {status_id}")


def stage(status_id: int) -> str:
    """Return the colour group of a status on the screens."""
    if status_id in PRE_PRODUCTION:
        return "pre"
    if status_id in IN_PRODUCTION:
        return "run"
    return {16: "hold", 17: "cancelled", 20: "done", 21: "done"}.get(status_id, "run")


QUOTE_AWAITING_ACCEPTANCE = "Awaiting Acceptance"
QUOTE_ACCEPTED = "Accepted"

SO_CONFIRMED = "Confirmed"
SO_PAID = "Paid"
SO_PICKED = "Picked"
SO_PACKED = "Packed"
SO_BACKORDER = "On Backorder"
#: GUESS: the vendor's spelling of the dispatched state is not known.
SO_DISPATCHED = "Dispatched"
SO_COMPLETED = "Completed"
SO_CANCELLED = "Cancelled"

#: Where staff may move a sales order by hand; cancel, dispatch and reactivate are acts of their own.
SO_MOVES: Mapping[str, tuple[str, ...]] = {
    SO_CONFIRMED: (SO_PAID, SO_PICKED, SO_PACKED, SO_BACKORDER),
    SO_PAID: (SO_PICKED, SO_PACKED, SO_BACKORDER),
    SO_PICKED: (SO_PACKED, SO_BACKORDER),
    SO_PACKED: (SO_PICKED,),
    SO_BACKORDER: (SO_CONFIRMED, SO_PAID),
    SO_DISPATCHED: (SO_COMPLETED,),
    SO_COMPLETED: (),
    SO_CANCELLED: (),
}

SO_STAGES: Mapping[str, str] = {
    SO_CONFIRMED: "pre",
    SO_PAID: "pre",
    SO_PICKED: "run",
    SO_PACKED: "run",
    SO_BACKORDER: "hold",
    SO_DISPATCHED: "done",
    SO_COMPLETED: "done",
    SO_CANCELLED: "cancelled",
}

INVOICE_DRAFT = "Draft"
INVOICE_ISSUED = "Invoiced"
INVOICE_PAID = "Paid"
INVOICE_INTERNAL = "Internally Invoiced"
