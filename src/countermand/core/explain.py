"""Why a line is where it is, in plain words for the people of the shop: pure.

"Cancelled in Infigo at 14:02; printIQ has it in production (started), past this shop's cut-off, so a person
must decide." No word of the program's own vocabulary may appear; a test holds every sentence to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta, tzinfo

import msgspec

from countermand.core.line import Line
from countermand.core.policy import Policy
from countermand.core.status import (
    Facts,
    Gone,
    Intent,
    Progress,
    Reading,
    Side,
    Unmapped,
    Unreadable,
    Unseen,
)
from countermand.core.verdict import Ask, InStep, Settled, Verdict

FIRST_SIGHT = "first-sight"


class SystemNames(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop calls its two systems, and the zone its clocks are in."""

    storefront: str = "Infigo"
    mis: str = "printIQ"
    zone: tzinfo = UTC

    def of(self, side: Side) -> str:
        return self.storefront if side is Side.STOREFRONT else self.mis


#: How the sentence goes on after both sides were named. `{storefront}` and `{mis}` are the systems' names,
#: `{undo}`, `{grace}` and `{limit}` the shop's settings, `{detail}` what the other system or the line said.
REASONS: Mapping[str, str] = {
    # The table
    "not-ours": ", so this is no order of {storefront}, as most jobs are",
    "sent-and-cancelled-unlinked": ", so a person must find out at once what left",
    "cancelled-before-production": ", so there is nothing to do unless a job of it still appears",
    "cancelled-not-searched": ", and {mis} could not be searched since, so a person must look there",
    "cancelled-not-found": ", and its job was missed already before that, so a person must look there",
    "shipped-unlinked": ", so a person must look which job made it, if any",
    "not-yet-in-production": ", so it is looked for again, and after a while a person is asked",
    "shipped-but-cancelled": ": the customer was told that it is on its way, so a person must decide",
    "sent-and-cancelled-here": ": shipped and cancelled at once, so a person must decide now",
    "sent-and-cancelled-there": ": some of it left although it is cancelled, so a person must decide now",
    "cancelled-but-made": ": goods that nobody wants are made or gone, so a person must decide now",
    "made-but-cancelled": ": the goods are made or gone, so a person must decide now",
    "both-cancelled": ", so both agree",
    "cancel-travels-to-mis": ", so it has to be cancelled in {mis} too",
    "cancel-travels-to-storefront": ", so it has to be cancelled in {storefront} too",
    "both-dispatched": ", so both agree",
    "dispatch-travels": ", so it has to be marked shipped in {storefront}",
    "both-part-dispatched": ", so both agree",
    "part-dispatch-travels": ", so {storefront} is told now or when the rest has left, as this shop has it",
    "marked-shipped-by-hand": ": somebody marked it by hand, so a person must put it right in {mis}",
    "both-open": ", so both agree",
    # Before and after the table
    "read-back": "; our change was sent, and it is being read back",
    "not-sent": "; the other system asked for a pause, and our change is sent after it if still needed",
    "unknown-outcome": "; no clear answer came to our change, and it is looked at again in a moment",
    "settled": "; {detail} has decided that the two may differ in just this way",
    "unmapped": ", so a person must say what that status means",
    "unreadable": ", so it is tried again for a while",
    "cannot-read": ", so a person must look",
    "cannot-read-cancelled": ": nobody knows whether it follows the cancel, so a person must look there",
    "gone": ", and missing is not cancelled, so it is read again and then a person is asked",
    "re-opened": ": both had it cancelled before, so a person must say which is right",
    "cancelled-after-delivery": ": both had it delivered before, so nothing can be stopped; a person looks",
    "moved-back": ": both had it further on before, so a person must say which is right",
    "written-not-visible": "; our change was answered well and does not show, so a person must look",
    "write-refused": "; our change was refused ({detail}), so a person must decide",
    "write-unknown": "; no clear answer came to our change, twice, so a person must look",
    "job-cancelled-and-sent": "; one of its jobs is cancelled and has left, so a person must decide now",
    FIRST_SIGHT: "; it was so when first seen, so nothing is written before a look at all such orders",
    # Before a write
    "not-offered": "; this cannot be done from outside, so a person does it by hand",
    "cut-off": ", past this shop's cut-off, so a person must decide",
    "left-different": "; somebody had let the two differ before, so a person must decide again",
    "of-others-too": "; its job makes, or may make, another order too, so a person must decide",
    "mode-observe": "; this connection only watches, so a person is told and nothing is written",
    "mode-manual": "; in this shop a person does that by hand",
    "mode-assisted": "; in this shop a person has to press the button",
    "undo-window": "; it is passed on {undo} after the cancel, so that it can still be taken back",
    "vendor-grace": "; the vendors' own plug-in gets {grace} to do it first",
    "brake": "; more orders than this shop allows were cancelled at once, so it is held until released",
    "value-limit": "; the order may be worth more than {limit}, so a second person has to agree",
    "opening-hours": "; it is passed on when the shop opens",
    "rest-of-order": "; it is passed on when the rest of the order has left",
    "shared-job": "; its job also makes lines that are not cancelled, so a person must decide",
    "close-emptied-order": "; every line is cancelled and the order itself is open, so a person may close it",
}
#: The end of a line that neither side has any more.
_CLOSED = ", so there is nothing left to do"


def explain(line: Line, verdict: Verdict, policy: Policy, names: SystemNames, gate: str | None = None) -> str:
    """One sentence: what both systems show, and what follows from it.

    `gate`: the guard or order rule that holds the change back or hands it to a person, if any. A name that
    is not known adds nothing to what both systems show.
    """
    first, second = _sides(line)
    begin = _shows(line, first, names)
    begin = f"C{begin[1:]}" if begin.startswith("cancelled") else begin
    reason = _reason(verdict, gate).format(
        storefront=names.storefront,
        mis=names.mis,
        undo=_span(policy.undo_window),
        grace=_span(policy.vendor_grace),
        limit="the limit" if policy.value_limit is None else f"{policy.value_limit:g}",
        detail=_detail(verdict),
    )
    return f"{begin}; {_shows(line, second, names)}{reason}."


def _reason(verdict: Verdict, gate: str | None) -> str:
    if isinstance(verdict, InStep) and verdict.close:
        return _CLOSED
    if gate is not None and gate.split(":")[0] in REASONS:
        return REASONS[gate.split(":")[0]]
    return REASONS.get(verdict.rule.split(":")[0], "")


def _detail(verdict: Verdict) -> str:
    match verdict:
        case Settled():
            return verdict.by or "a person"
        case Ask():
            return verdict.detail or "no reason given"
        case _:
            return ""


def _sides(line: Line) -> tuple[Side, Side]:
    """The side that has news comes first: a cancel before anything, else a dispatch."""
    here, there = line.storefront.status, line.mis.status
    cancelled_there = isinstance(there, Facts) and there.cancelled
    cancelled_here = isinstance(here, Facts) and here.cancelled
    sent_there = isinstance(there, Facts) and there.sent
    first = Side.MIS if not cancelled_here and (cancelled_there or sent_there) else Side.STOREFRONT
    return first, first.other


def _shows(line: Line, side: Side, names: SystemNames) -> str:
    reading, name = line.reading(side), names.of(side)
    since = _moment(reading, names.zone)
    match reading.status:
        case Facts() as status if status.cancelled:
            when = f"on {since}" if " at " in since else f"at {since}"
            return f"cancelled in {name} {when}{_CANCELLED_AFTER[status.progress]}"
        case Facts() as status:
            return f"{name} has it {_open(status, side)}{f' since {since}' if status.sent else ''}"
        case Unseen():
            return f"{name} does not have it" if side is Side.STOREFRONT else "no job of it is known"
        case Gone(partly=True):
            return f"{name} no longer has all of its jobs"
        case Gone():
            return f"{name} no longer has it"
        case Unreadable():
            return f"{name} cannot be read since {since}"
        case Unmapped(raw):
            return f"{name} shows a status that this set-up does not know ({raw})"


_CANCELLED_AFTER = {
    Progress.NONE: "",
    Progress.STARTED: ", after production had started",
    Progress.PRODUCED: ", after it was finished",
    Progress.PART_DISPATCHED: ", after part of it had left",
    Progress.DISPATCHED: ", after it had left",
}
_STOREFRONT_SHOWS = {Progress.PART_DISPATCHED: "partly shipped", Progress.DISPATCHED: "shipped"}
_MIS_SHOWS = {
    Progress.NONE: "open, not started",
    Progress.STARTED: "in production (started)",
    Progress.PRODUCED: "finished",
    Progress.PART_DISPATCHED: "partly dispatched",
    Progress.DISPATCHED: "dispatched",
}


def _open(status: Facts, side: Side) -> str:
    if side is Side.STOREFRONT:
        words = _STOREFRONT_SHOWS.get(status.progress, "open")
    else:
        words = _MIS_SHOWS[status.progress] if status.history_known else "open, perhaps started before"
    return f"on hold ({words})" if status.intent is Intent.HELD else words


def _moment(reading: Reading, zone: tzinfo) -> str:
    """The time; with the date when the last read was on another day."""
    since, read = reading.since.astimezone(zone), reading.began_at.astimezone(zone)
    clock = f"{since:%H:%M}{' UTC' if zone is UTC else ''}"
    return clock if since.date() == read.date() else f"{since.day} {since:%B %Y} at {clock}"


def _span(length: timedelta) -> str:
    """A length of time as people say it: `5 minutes`, `1 hour`, `90 seconds`."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}{'s' if seconds != size else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"
