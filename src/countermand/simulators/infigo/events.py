"""Who asked for a write, and what happened in the shop that others may want to hear of."""

from enum import StrEnum
from typing import NamedTuple

import msgspec


class Origin(NamedTuple):
    """Who asked for a write: the call's name for the ledger, and the way it came in."""

    call: str
    via: str


STAFF = "staff"
REST = "REST"
MEGASCRIPT = "MegaScript"
PLUGIN = "Mis.PrintIQ"
CONTROL = "control"


class Action(StrEnum):
    """What happened, as the webhooks name it (GUESS)."""

    ORDER_PLACED = "OrderPlaced"
    ORDER_STATUS_CHANGED = "OrderStatusChanged"
    LINE_STATUS_CHANGED = "OrderLineItemStatusChanged"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    action: Action
    order_id: int
    job_ids: tuple[str, ...]
