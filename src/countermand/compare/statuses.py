"""What a raw status says, as facts: the vendors' names and ids, and the everyday words for them.

Infigo: three independent axes, nopCommerce values (that Infigo keeps exactly these is inferred).
printIQ: production status ids are fixed, labels can be renamed, so a known id beats its label
(printIQ help desk: api-soap-status-update). What is in none of these lists is *unmapped*, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from countermand.compare.words import words
from countermand.core.status import Facts, Intent, Progress, Side, furthest


class Meaning(StrEnum):
    """What one value on one axis says; the words a mapping file uses."""

    OPEN = "open"
    HELD = "held"
    STARTED = "started"
    PRODUCED = "produced"
    PART_DISPATCHED = "part_dispatched"
    DISPATCHED = "dispatched"
    CANCELLED = "cancelled"
    #: Storefront "Complete": sent, or collected where nothing is shipped; the shipping axis decides.
    COMPLETE = "complete"
    #: The value is fine and says nothing about cancelling or progress.
    NOTHING = "nothing"
    UNMAPPED = "unmapped"


_SAYS_PROGRESS = {
    Meaning.STARTED: Progress.STARTED,
    Meaning.PRODUCED: Progress.PRODUCED,
    Meaning.PART_DISPATCHED: Progress.PART_DISPATCHED,
    Meaning.DISPATCHED: Progress.DISPATCHED,
}


def _table(entries: Mapping[Meaning, Sequence[str]]) -> dict[str, Meaning]:
    return {word: meaning for meaning, spelled in entries.items() for word in spelled}


_CANCELLED = ("cancelled", "canceled", "order cancelled", "order canceled", "job cancelled", "job canceled")
_PART = (
    *("partially shipped", "part shipped", "partly shipped", "partially dispatched", "part dispatched"),
    *(
        "partly dispatched",
        "partially despatched",
        "part despatched",
        "part delivered",
        "partially delivered",
    ),
)
_SENT = ("shipped", "dispatched", "despatched", "delivered", "collected", "picked up")

_EVERYDAY = _table(
    {
        Meaning.CANCELLED: _CANCELLED,
        Meaning.PART_DISPATCHED: _PART,
        Meaning.DISPATCHED: _SENT,
        Meaning.STARTED: ("in production", "in progress", "started", "printing"),
        Meaning.HELD: ("on hold", "held", "hold"),
        Meaning.OPEN: (
            "open",
            "new",
            "not started",
            "awaiting payment",
            "awaiting artwork",
            "pre production",
        ),
    }
)
# Infigo order axis: 10, 20, 30, 40.
_ORDER = _EVERYDAY | _table(
    {
        Meaning.OPEN: ("pending", "processing", "10", "20"),
        Meaning.COMPLETE: ("complete", "completed", "30"),
        Meaning.CANCELLED: ("40",),
    }
)
# Infigo shipping axis: 10, 20, 25, 30, 40.
_SHIPPING = _table(
    {
        Meaning.NOTHING: ("shipping not required", "not required", "10"),
        Meaning.OPEN: ("not yet shipped", "not shipped", "not yet dispatched", "not dispatched", "20"),
        Meaning.PART_DISPATCHED: (*_PART, "25"),
        Meaning.DISPATCHED: (*_SENT, "30", "40"),
    }
)
# Infigo line: readable names from Academy 3313; 23 is the one integer known. None of them decides.
_LINE = _EVERYDAY | _table(
    {
        Meaning.OPEN: (
            *("nothing", "creating", "in basket", "ordered", "future order", "unapproved order"),
            *("output creation started", "output created", "output creation failed", "approved", "23"),
        ),
        Meaning.COMPLETE: ("complete", "completed"),
    }
)
_PRE_PRODUCTION = ("22", "23", "24", "18", "1", "26")
# printIQ: fixed ids, their constants, the sales-order states, and plain labels of the constants.
_JOB = _EVERYDAY | _table(
    {
        Meaning.OPEN: (
            *_PRE_PRODUCTION,
            *(f"pre production status in process {number}" for number in range(1, 7)),
            *("25", "production status awaiting payment", "27", "production status awaiting artwork"),
            *("confirmed", "paid"),
        ),
        Meaning.STARTED: (
            *(str(number) for number in range(2, 9)),
            *(f"production status in process {number}" for number in range(1, 8)),
            # That goods taken from stock count as work begun is our reading.
            *("picked", "packed"),
        ),
        Meaning.HELD: ("16", "production status on hold", "on backorder"),
        Meaning.CANCELLED: ("17", "production status cancelled"),
        Meaning.PRODUCED: (
            *("20", "production status finished production", "finished production", "finished"),
            *("21", "production status complete", "complete", "completed"),
        ),
    }
)
_DELIVERY = _table(
    {
        Meaning.OPEN: (
            "not yet dispatched",
            "not dispatched",
            "not despatched",
            "not shipped",
            "not consigned",
        ),
        Meaning.PART_DISPATCHED: (*_PART, "partially consigned", "part consigned"),
        Meaning.DISPATCHED: (*_SENT, "consigned"),
    }
)
_YES, _NO = ("yes", "true", "y", "1"), ("no", "false", "n", "0")

_AXES: Mapping[Side, Mapping[str, Mapping[str, Meaning]]] = {
    Side.STOREFRONT: {
        "order_status": _ORDER,
        "shipping_status": _SHIPPING,
        "line_status": _LINE,
        "line_cancelled": _table({Meaning.CANCELLED: (*_YES, *_CANCELLED), Meaning.NOTHING: _NO}),
    },
    Side.MIS: {
        "status_id": _JOB,
        "status": _JOB,
        "delivery_status": _DELIVERY,
        "dispatched": _table({Meaning.DISPATCHED: (*_YES, *_SENT), Meaning.OPEN: _NO}),
    },
}
# A custom Infigo line status is not "unmapped" as long as one of the axes that decide is readable.
_LINE_ONLY = "line_status"
_SPEAKS_FOR_LINE = ("order_status", "shipping_status")


def meaning(side: Side, axis: str, raw: str | None, corrections: Mapping[str, Meaning]) -> Meaning | None:
    """What one value says; none when the cell is empty. `corrections`: words -> meaning, from a mapping."""
    if raw is None or not raw.strip():
        return None
    word = words(raw)
    return corrections.get(word) or _AXES[side][axis].get(word, Meaning.UNMAPPED)


def facts(said: Mapping[str, Meaning | None], shipped: Progress | None) -> Facts | None:
    """One row's facts from what its axes say; none when a status that decides is unmapped.

    `shipped`: part_dispatched or dispatched where the shipped quantity tells.
    """
    spoken = {axis: word for axis, word in said.items() if word is not None}
    if spoken.get("status_id", Meaning.UNMAPPED) is not Meaning.UNMAPPED:
        spoken.pop("status", None)
    if spoken.get(_LINE_ONLY) is Meaning.UNMAPPED and any(axis in spoken for axis in _SPEAKS_FOR_LINE):
        del spoken[_LINE_ONLY]
    told = set(spoken.values())
    if Meaning.UNMAPPED in told or not told - {Meaning.NOTHING}:
        return None
    return Facts(_intent(spoken), _progress(spoken, shipped))


def _intent(known: Mapping[str, Meaning]) -> Intent:
    if Meaning.CANCELLED in known.values():
        return Intent.CANCELLED
    return Intent.HELD if Meaning.HELD in known.values() else Intent.OPEN


def _progress(known: Mapping[str, Meaning], shipped: Progress | None) -> Progress:
    said = [_SAYS_PROGRESS[word] for word in known.values() if word in _SAYS_PROGRESS]
    if shipped is not None:
        said.append(shipped)
    shipping = known.get("shipping_status")
    if Meaning.COMPLETE in known.values() and shipping in (None, Meaning.NOTHING):
        # A guess of ours for collected orders and for exports without a shipping column; a setting.
        said.append(Progress.DISPATCHED)
    return furthest(said)


def looks_like_statuses(side: Side, axis: str, values: Sequence[str]) -> bool:
    """Whether most of a column's values are words of this axis (bare numbers prove nothing)."""
    distinct = {words(value) for value in values if value.strip()}
    if not distinct or len(distinct) > 60 or all(word.isdigit() for word in distinct):
        return False
    known = sum(1 for value in values if words(value) in _AXES[side][axis])
    return known >= 0.5 * sum(1 for value in values if value.strip())
