"""The decision table: for every pair of readable states, one right answer, as data.

Rows are tried from the top; the first that matches decides. The page in the docs, the console's
explorer and the merge itself all read these rows. A state is written `intent/progress`, with
`|` between alternatives and `*` for any; `unseen` means not found in that system yet.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import msgspec

from countermand.core.status import Facts, Intent, LineStatus, Progress, Unseen
from countermand.core.tasks import TaskKind


class Decision(StrEnum):
    """What a row decides; `merge` turns it into a verdict."""

    IN_STEP = "in step"
    CANCEL_IN_MIS = "cancel in the MIS"
    CANCEL_IN_STOREFRONT = "cancel in the storefront"
    SHIP = "mark shipped in the storefront"
    SHIP_PART = "mark partially shipped, or wait for the rest"
    ASK = "ask a person"
    WAIT = "wait"
    NOT_OURS = "not ours"


#: Tasks of rows where goods nobody wants are made or sent: no open write and no refusal hides them.
CONFLICTS = frozenset({TaskKind.CANCELLED_BUT_MADE, TaskKind.SHIPPED_BUT_CANCELLED})


class Row(msgspec.Struct, frozen=True):
    """One row: which pairs of states it covers, what it decides, and why, in plain words."""

    rule: str
    storefront: str
    mis: str
    decision: Decision
    why: str
    task: TaskKind | None = None

    def matches(self, storefront: LineStatus, mis: LineStatus) -> bool:
        return _matches(self.storefront, storefront) and _matches(self.mis, mis)


#: The rule of a line that is cancelled and that nothing we know makes.
CANCELLED_UNSEEN = "cancelled-before-production"
_OPEN = "open|held"
_BEFORE = "none|started|produced"
_SENT = "part_dispatched|dispatched"

ROWS: tuple[Row, ...] = (
    Row(
        "not-ours",
        "unseen",
        "*",
        Decision.NOT_OURS,
        "Most jobs in a MIS are no web orders; this one has no order line here.",
    ),
    Row(
        "sent-and-cancelled-unlinked",
        f"cancelled/{_SENT}",
        "unseen",
        Decision.ASK,
        "The storefront calls it both shipped and cancelled, and no job of it is known.",
        TaskKind.CANCELLED_BUT_MADE,
    ),
    Row(
        CANCELLED_UNSEEN,
        f"cancelled/{_BEFORE}",
        "unseen",
        Decision.WAIT,
        "Cancelled before it reached production; a job that still appears is cancelled under the guards.",
    ),
    Row(
        "shipped-unlinked",
        f"{_OPEN}/{_SENT}",
        "unseen",
        Decision.WAIT,
        "Shipped in the storefront, and no job of it is known.",
        TaskKind.MARKED_BY_HAND,
    ),
    Row(
        "not-yet-in-production",
        f"{_OPEN}/{_BEFORE}",
        "unseen",
        Decision.WAIT,
        "Ordered, and no job of it is known yet.",
        TaskKind.NOT_IN_PRODUCTION,
    ),
    Row(
        "shipped-but-cancelled",
        f"{_OPEN}/{_SENT}",
        "cancelled/none|started",
        Decision.ASK,
        "The customer was told it is on its way, and production has cancelled it.",
        TaskKind.SHIPPED_BUT_CANCELLED,
    ),
    Row(
        "sent-and-cancelled-here",
        f"cancelled/{_SENT}",
        "*/*",
        Decision.ASK,
        "The storefront calls it both shipped and cancelled.",
        TaskKind.CANCELLED_BUT_MADE,
    ),
    Row(
        "sent-and-cancelled-there",
        "*/*",
        f"cancelled/{_SENT}",
        Decision.ASK,
        "The MIS calls it cancelled, and some of it has been dispatched.",
        TaskKind.CANCELLED_BUT_MADE,
    ),
    Row(
        "cancelled-but-made",
        "cancelled/*",
        f"{_OPEN}/produced|{_SENT}",
        Decision.ASK,
        "The customer's order is cancelled, and the goods are finished or have left.",
        TaskKind.CANCELLED_BUT_MADE,
    ),
    Row(
        "made-but-cancelled",
        f"{_OPEN}/produced|{_SENT}",
        "cancelled/*",
        Decision.ASK,
        "Production has cancelled it, and the storefront calls the goods finished or sent.",
        TaskKind.CANCELLED_BUT_MADE,
    ),
    Row("both-cancelled", "cancelled/*", "cancelled/*", Decision.IN_STEP, "Cancelled in both systems."),
    Row(
        "cancel-travels-to-mis",
        "cancelled/*",
        f"{_OPEN}/none|started",
        Decision.CANCEL_IN_MIS,
        "Cancelled in the storefront and still open in the MIS.",
    ),
    Row(
        "cancel-travels-to-storefront",
        f"{_OPEN}/none|started",
        "cancelled/*",
        Decision.CANCEL_IN_STOREFRONT,
        "Cancelled in the MIS and still open in the storefront.",
    ),
    Row(
        "both-dispatched",
        f"{_OPEN}/dispatched",
        f"{_OPEN}/dispatched",
        Decision.IN_STEP,
        "Shipped in both systems; tracking that is missing in the storefront is added.",
    ),
    Row(
        "dispatch-travels",
        f"{_OPEN}/*",
        f"{_OPEN}/dispatched",
        Decision.SHIP,
        "Dispatched in the MIS, and the storefront does not say so yet.",
    ),
    Row(
        "both-part-dispatched",
        f"{_OPEN}/part_dispatched",
        f"{_OPEN}/part_dispatched",
        Decision.IN_STEP,
        "Part of it has left, and both systems say so.",
    ),
    Row(
        "part-dispatch-travels",
        f"{_OPEN}/{_BEFORE}",
        f"{_OPEN}/part_dispatched",
        Decision.SHIP_PART,
        "Some of its deliveries have left; the shop's rule says whether that is passed on.",
    ),
    Row(
        "marked-shipped-by-hand",
        f"{_OPEN}/{_SENT}",
        f"{_OPEN}/{_BEFORE}|part_dispatched",
        Decision.ASK,
        "Somebody marked it shipped in the storefront; a dispatch cannot be written to the MIS.",
        TaskKind.MARKED_BY_HAND,
    ),
    Row(
        "both-open",
        f"{_OPEN}/{_BEFORE}",
        f"{_OPEN}/{_BEFORE}",
        Decision.IN_STEP,
        "Open in both systems; the storefront knows no finer state.",
    ),
)


@lru_cache(maxsize=4096)
def decide(storefront: LineStatus, mis: LineStatus) -> Row:
    """The row for two states that are facts or unseen.

    Raises:
        LookupError: a state of another kind (the gates before the table take those), or a hole in it.
    """
    for row in ROWS:
        if row.matches(storefront, mis):
            return row
    raise LookupError(
        f"No row of the decision table covers {storefront} in the storefront and {mis} in the MIS"
    )


@lru_cache(maxsize=4096)
def _matches(pattern: str, status: LineStatus) -> bool:
    if isinstance(status, Unseen):
        return pattern in ("unseen", "*")
    if pattern == "*":
        return True
    if not isinstance(status, Facts) or pattern == "unseen":
        return False
    intents, progresses = _parse(pattern)
    return status.intent in intents and status.progress in progresses


@lru_cache(maxsize=256)
def _parse(pattern: str) -> tuple[frozenset[Intent], frozenset[Progress]]:
    intent, progress = pattern.split("/")
    intents = frozenset(Intent) if intent == "*" else frozenset(map(Intent, intent.split("|")))
    progresses = frozenset(Progress) if progress == "*" else frozenset(map(Progress, progress.split("|")))
    return intents, progresses
