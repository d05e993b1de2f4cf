"""The one place where two sides' facts become a result class, a stage, an urgency and an advice.

Follows the decision table of `countermand.core.table`; a test walks the whole space of states and holds
the two together. A key's rows are judged as sets of facts, so that one order line may be several jobs.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum

import msgspec

from countermand.core.status import Facts, Intent, Progress, combine


class Class(StrEnum):
    """What the comparison of one key can end in. The last three are no drift."""

    CANCELLED_BUT_DISPATCHED = "cancelled_but_dispatched"
    CANCELLED_IN_STOREFRONT_ONLY = "cancelled_in_storefront_only"
    CANCELLED_IN_MIS_ONLY = "cancelled_in_mis_only"
    SHIPPED_IN_MIS_ONLY = "shipped_in_mis_only"
    SHIPPED_IN_STOREFRONT_ONLY = "shipped_in_storefront_only"
    QUANTITY_DIFFERS = "quantity_differs"
    TRACKING_DIFFERS = "tracking_differs"
    ONLY_IN_STOREFRONT = "only_in_storefront"
    ONLY_IN_MIS = "only_in_mis"
    UNMAPPED_STATUS = "unmapped_status"
    AMBIGUOUS_KEY = "ambiguous_key"
    IN_STEP = "in_step"
    WITHOUT_KEY = "without_key"
    AFTER_AS_OF = "after_as_of"

    @property
    def is_drift(self) -> bool:
        return self not in (Class.IN_STEP, Class.WITHOUT_KEY, Class.AFTER_AS_OF)


class Urgency(IntEnum):
    """How soon somebody has to look: by the cost of delay, most urgent first."""

    NOW = 1
    TODAY = 2
    SOON = 3
    WHEN_CONVENIENT = 4
    NONE = 5


class Finding(msgspec.Struct, frozen=True):
    """The verdict on one key: `stage` says how far the other side is, in plain words."""

    kind: Class
    stage: str = ""
    urgency: Urgency = Urgency.NONE
    advice: str = ""


_STAGE = {
    Progress.NONE: "not started",
    Progress.STARTED: "in production",
    Progress.PRODUCED: "made, not sent",
    Progress.PART_DISPATCHED: "partly sent",
    Progress.DISPATCHED: "sent",
}
IN_STEP = Finding(Class.IN_STEP)
UNMAPPED = Finding(
    Class.UNMAPPED_STATUS,
    "",
    Urgency.SOON,
    "Say in the mapping file what this status means, and compare again.",
)
AMBIGUOUS = Finding(
    Class.AMBIGUOUS_KEY,
    "",
    Urgency.SOON,
    "Several rows share this key and do not say the same; look at each of them in both systems.",
)
ONLY_IN_MIS = Finding(
    Class.ONLY_IN_MIS,
    "",
    Urgency.WHEN_CONVENIENT,
    "The reference is not in the storefront's export: a job entered by hand, or the export is too short.",
)
QUANTITY_DIFFERS = Finding(
    Class.QUANTITY_DIFFERS,
    "",
    Urgency.SOON,
    "Ask the customer or the account manager which quantity is right before more is printed or billed.",
)
TRACKING_DIFFERS = Finding(
    Class.TRACKING_DIFFERS,
    "",
    Urgency.WHEN_CONVENIENT,
    "Copy the tracking number from the MIS to the storefront order, so that the customer can follow "
    "the parcel.",
)
_PART_CANCELLED = Finding(
    Class.CANCELLED_IN_MIS_ONLY,
    "some of its jobs",
    Urgency.TODAY,
    "Some jobs of this order are cancelled in the MIS: cancel those lines in the storefront, or "
    "have them remade.",
)


def judge(storefront: Facts | None, mis: Facts | None) -> Finding:
    """The finding for one storefront state against one MIS state; none means that side has no row."""
    if storefront is None:
        return ONLY_IN_MIS
    if mis is None:
        return _only_in_storefront(storefront)
    if (storefront.cancelled and storefront.sent) or (mis.cancelled and mis.sent):
        return _made_and_cancelled("sent", _cancelled_side(storefront, mis))
    if storefront.cancelled and mis.cancelled:
        return IN_STEP
    if storefront.cancelled:
        return _cancelled_in_storefront(mis)
    if mis.cancelled:
        return _cancelled_in_mis(storefront, mis)
    return _dispatch(storefront, mis)


def _cancelled_side(storefront: Facts, mis: Facts) -> str:
    if storefront.cancelled and mis.cancelled:
        return "both systems"
    return "the storefront" if storefront.cancelled else "the MIS"


def _made_and_cancelled(stage: str, where: str) -> Finding:
    return Finding(
        Class.CANCELLED_BUT_DISPATCHED,
        stage,
        Urgency.NOW,
        f"Cancelled in {where} although it was sent: stop the parcel if it can still be stopped, "
        "then settle the refund or the invoice.",
    )


def _cancelled_in_storefront(mis: Facts) -> Finding:
    if mis.sent:
        return _made_and_cancelled(_STAGE[mis.progress], "the storefront")
    if mis.progress is Progress.PRODUCED:
        return Finding(
            Class.CANCELLED_IN_STOREFRONT_ONLY,
            _STAGE[mis.progress],
            Urgency.NOW,
            "Keep the goods back: the customer's order is cancelled. Then cancel the job in the MIS and "
            "settle the cost.",
        )
    advice = (
        "Stop production and cancel the job in the MIS; agree who pays for the work done."
        if mis.progress is Progress.STARTED
        else "Cancel the job in the MIS before work on it starts."
    )
    stage = "on hold" if mis.intent is Intent.HELD else _STAGE[mis.progress]
    return Finding(Class.CANCELLED_IN_STOREFRONT_ONLY, stage, Urgency.TODAY, advice)


def _cancelled_in_mis(storefront: Facts, mis: Facts) -> Finding:
    if storefront.sent:
        return Finding(
            Class.CANCELLED_BUT_DISPATCHED,
            _STAGE[storefront.progress],
            Urgency.NOW if mis.progress is Progress.PRODUCED else Urgency.TODAY,
            "The customer was told it is on its way, and the MIS has it cancelled: find out what left the "
            "building.",
        )
    return Finding(
        Class.CANCELLED_IN_MIS_ONLY,
        "on hold" if storefront.intent is Intent.HELD else _STAGE[storefront.progress],
        Urgency.NOW if storefront.progress is Progress.PRODUCED else Urgency.TODAY,
        "The customer still waits for it: cancel the order in the storefront and tell the customer, or "
        "have it made.",
    )


def _dispatch(storefront: Facts, mis: Facts) -> Finding:
    there, here = mis.progress, storefront.progress
    if here is there or not (storefront.sent or mis.sent):
        return IN_STEP
    if there is Progress.DISPATCHED:
        return Finding(
            Class.SHIPPED_IN_MIS_ONLY,
            _STAGE[there],
            Urgency.SOON,
            "Mark the order as shipped in the storefront, with its tracking number, so that the "
            "customer knows.",
        )
    if mis.sent and not storefront.sent:
        return Finding(
            Class.SHIPPED_IN_MIS_ONLY,
            _STAGE[there],
            Urgency.WHEN_CONVENIENT,
            "Part of it has left: mark the order as partially shipped, or wait for the rest.",
        )
    return Finding(
        Class.SHIPPED_IN_STOREFRONT_ONLY,
        "on hold" if mis.intent is Intent.HELD and not mis.sent else _STAGE[there],
        Urgency.WHEN_CONVENIENT,
        "Marked as shipped by hand? Check that it left, and record the delivery in the MIS.",
    )


def _only_in_storefront(storefront: Facts) -> Finding:
    stage = "cancelled" if storefront.cancelled else _STAGE[storefront.progress]
    if storefront.cancelled and storefront.sent:
        return _made_and_cancelled("sent", "the storefront")
    if storefront.cancelled:
        urgency, advice = Urgency.WHEN_CONVENIENT, "Cancelled before it reached production: nothing to do."
    elif storefront.sent:
        urgency, advice = (
            Urgency.WHEN_CONVENIENT,
            "Shipped without a job in the MIS's export: is that export too short?",
        )
    else:
        urgency, advice = (
            Urgency.TODAY,
            "Not in production: find out why no job was made, and enter it in the MIS.",
        )
    return Finding(Class.ONLY_IN_STOREFRONT, stage, urgency, advice)


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """One side's rows for a key: the distinct facts (none: an unmapped status), and the number of lines."""

    facts: frozenset[Facts | None] = frozenset()
    lines: int = 0
    contradictory: bool = False


def judge_rows(storefront: Rows, mis: Rows, *, by_order: bool) -> Finding:
    """The finding for all rows of one key. `by_order`: the key names an order, its rows are lines and jobs.

    One storefront state is compared with all jobs together, as one line may be several jobs. Several
    storefront states are decided only where every way of pairing them with the jobs gives the same answer.
    """
    if not storefront.lines:
        return ONLY_IN_MIS
    known = [facts for facts in storefront.facts if facts is not None]
    if not mis.lines:
        return _only_here(known)
    if storefront.contradictory or mis.contradictory:
        return AMBIGUOUS
    jobs = [facts for facts in mis.facts if facts is not None]
    if None in storefront.facts or None in mis.facts:
        return UNMAPPED
    if len(known) == 1:
        return _against_all_jobs(known[0], jobs, by_order=by_order)
    if len(jobs) == 1 and storefront.lines == mis.lines:
        return worst(judge(line, jobs[0]) for line in known)
    return AMBIGUOUS


def _only_here(known: list[Facts]) -> Finding:
    if not known:
        return Finding(Class.ONLY_IN_STOREFRONT, "unmapped status", Urgency.SOON, UNMAPPED.advice)
    return worst(judge(facts, None) for facts in known)


def _against_all_jobs(line: Facts, jobs: list[Facts], *, by_order: bool) -> Finding:
    together = combine(jobs)
    assert isinstance(together, Facts), "known facts combine to facts"
    finding = judge(line, together)
    dead = [job for job in jobs if job.cancelled]
    if not by_order or line.cancelled or not dead or len(dead) == len(jobs):
        return finding
    sent = [judge(line, job) for job in dead if job.sent]
    return worst([finding, _PART_CANCELLED, *sent])


def worst(findings: Iterable[Finding]) -> Finding:
    """The most urgent finding; among equals the class that stands first."""
    order = list(Class)
    return min(findings, key=lambda finding: (finding.urgency, order.index(finding.kind), finding.stage))
