"""The whole space of line situations, and short ways to make one. Every test of the core builds on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import settings

from countermand.core.command import SETTLE_TIME, Change, Command, Outcome
from countermand.core.merge import Line, Settlement
from countermand.core.order import Job, LineKind, MisItemKind, Order, OrderLine
from countermand.core.policy import Mode, PartDispatch, Policy
from countermand.core.status import (
    GONE,
    OPEN,
    UNSEEN,
    Facts,
    Intent,
    LineStatus,
    Pair,
    Progress,
    Reading,
    Side,
    Unmapped,
    Unreadable,
)

#: pytest's own fixture type has no public name.
RecordProperty = Callable[[str, object], None]

#: Random tests that find the same on every machine: a failure is news about the code, not about the dice.
STEADY = settings(derandomize=True, deadline=None, database=None)

#: Monday morning. Reads are from then; commands are sent earlier or later, as a case needs it.
T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LATE = T0 + timedelta(days=30)
ZERO = timedelta(0)

FACTS = tuple(Facts(intent, progress) for intent, progress in product(Intent, Progress))
UNCERTAIN = tuple(Facts(one.intent, one.progress, history_known=False) for one in FACTS)
NO_FACTS: tuple[LineStatus, ...] = (UNSEEN, GONE, Unreadable("timed out"), Unmapped("status 99"))
STOREFRONT_STATUSES: tuple[LineStatus, ...] = (*FACTS, *NO_FACTS)
MIS_STATUSES: tuple[LineStatus, ...] = (*FACTS, *UNCERTAIN, *NO_FACTS)
BASES: tuple[Pair | None, ...] = (
    None,
    *(Pair(storefront, mis) for storefront, mis in product(STOREFRONT_STATUSES, STOREFRONT_STATUSES)),
)

#: Nothing stands in the way: what the judgement alone would do.
AUTOMATIC = Policy(
    cancel_to_mis=Mode.AUTOMATIC,
    cancel_to_storefront=Mode.AUTOMATIC,
    undo_window=ZERO,
    vendor_grace=ZERO,
    part_dispatch=PartDispatch.PARTIAL,
)
EVERYTHING = frozenset({"cancel_order", "cancel_line", "ship", "track", "cancel_job"})
#: The writes that exist: a cancel either way, shipping and tracking towards the storefront only.
WRITES = (
    (Side.MIS, Change.CANCEL),
    (Side.STOREFRONT, Change.CANCEL),
    (Side.STOREFRONT, Change.SHIP),
    (Side.STOREFRONT, Change.SHIP_PART),
    (Side.STOREFRONT, Change.TRACK),
)


def facts(text: str) -> LineStatus:
    """`open/started`, `cancelled/none?` (history unknown), `unseen`, `gone`, `unreadable`, `unmapped`."""
    if "/" not in text:
        return {"unseen": NO_FACTS[0], "gone": NO_FACTS[1], "unreadable": NO_FACTS[2]}.get(text, NO_FACTS[3])
    intent, progress = text.rstrip("?").split("/")
    return Facts(Intent(intent), Progress(progress), history_known=not text.endswith("?"))


def pair(storefront: str, mis: str) -> Pair:
    return Pair(facts(storefront), facts(mis))


IN_STEP_BASE = Pair(OPEN, OPEN)
#: The usual bases, and one of a settled difference.
FEW_PAIRS = (
    IN_STEP_BASE,
    pair("cancelled/none", "cancelled/none"),
    pair("open/dispatched", "open/dispatched"),
    pair("open/part_dispatched", "open/part_dispatched"),
    pair("cancelled/none", "open/started"),
)


def reading(
    status: LineStatus | str,
    *,
    began_at: datetime = T0,
    since: datetime = T0,
    tracking: Iterable[str] = (),
) -> Reading:
    status = facts(status) if isinstance(status, str) else status
    return Reading(status=status, began_at=began_at, since=since, tracking=frozenset(tracking))


def line(
    storefront: LineStatus | str,
    mis: LineStatus | str,
    *,
    base: Pair | None = IN_STEP_BASE,
    command: Command | None = None,
    settlement: Settlement | None = None,
    storefront_tracking: Iterable[str] = (),
    mis_tracking: Iterable[str] = (),
    began_at: datetime = T0,
    since: datetime = T0,
) -> Line:
    return Line(
        storefront=reading(storefront, began_at=began_at, since=since, tracking=storefront_tracking),
        mis=reading(mis, began_at=began_at, since=since, tracking=mis_tracking),
        base=base,
        command=command,
        settlement=settlement,
    )


def settlement(*pairs: Pair, reported: bool = False) -> Settlement:
    return Settlement(pairs=pairs, by="Ana", reason="made and shipped anyway", at=T0, reported=reported)


def job(
    ref: str = "J100-01",
    status: LineStatus | str = OPEN,
    line_ids: Iterable[str] = ("s1",),
    kind: MisItemKind = MisItemKind.JOB,
) -> Job:
    status = facts(status) if isinstance(status, str) else status
    return Job(ref=ref, kind=kind, status=status, line_ids=frozenset(line_ids))


def order_line(
    line_id: str, own: Line, jobs: Iterable[Job] | None = None, kind: LineKind | None = None
) -> OrderLine:
    """A line with one job of its own, unless told otherwise."""
    made = (job(f"J-{line_id}", own.mis.status, [line_id]),) if jobs is None else tuple(jobs)
    return OrderLine(line_id=line_id, line=own, jobs=made, kind=kind)


def order(*lines: OrderLine, offered: frozenset[str] = EVERYTHING) -> Order:
    return Order(order_id="1001", lines=lines, offered=offered)


def one_line_order(own: Line) -> Order:
    return order(order_line("s1", own))


# Writes of ours, in every state a write can be in, as seen from a read that began at T0


def command(
    target: Side,
    change: Change,
    outcome: Outcome | None = Outcome.APPLIED,
    *,
    answered: timedelta | None = timedelta(seconds=-10),
    attempts: int = 1,
    because: LineStatus | None = None,
    verified: bool = False,
    tracking: Iterable[str] = (),
) -> Command:
    """A write answered so long after (or, negative, before) the read at T0; sent a second earlier."""
    sent_at = T0 + (answered or timedelta(seconds=-10)) - timedelta(seconds=1)
    return Command(
        target=target,
        change=change,
        sent_at=sent_at,
        answered_at=None if answered is None else T0 + answered,
        outcome=outcome,
        attempts=attempts,
        because=because,
        verified_at=T0 if verified else None,
        tracking=frozenset(tracking),
    )


#: Before the answer, just after it, after the settle time, and after the last read-back.
ANSWERED = (timedelta(seconds=1), timedelta(seconds=-2), -SETTLE_TIME, timedelta(minutes=-5))


def command_states(because: LineStatus) -> Iterator[Command]:
    """Every state of every write that exists; `because` is what the source says now, or something else.

    That it is not known matters to refusals only.
    """
    other = Facts(Intent.HELD, Progress.PRODUCED)
    for (target, change), answered in product(WRITES, ANSWERED):
        codes = ["1Z999"] if change is Change.TRACK else []
        for outcome, attempts, reason in product(Outcome, (1, 2), (because, other, None)):
            matters = reason is not None or outcome is Outcome.REFUSED
            if matters and (attempts == 1 or outcome is Outcome.UNKNOWN):
                yield command(
                    target,
                    change,
                    outcome,
                    answered=answered,
                    attempts=attempts,
                    because=reason,
                    tracking=codes,
                )
        yield command(target, change, answered=answered, because=because, verified=True, tracking=codes)
        yield Command(
            target=target, change=change, sent_at=T0 + answered, because=because, tracking=frozenset(codes)
        )


# What may be said about a pair of states, independently of the decision table


def cancelled_and_sent(status: LineStatus) -> bool:
    return isinstance(status, Facts) and status.cancelled and status.sent


def conflict(storefront: LineStatus, mis: LineStatus) -> bool:
    """Cancelled and dispatched on one side, or cancelled on one and made or sent on the other."""
    if cancelled_and_sent(storefront) or cancelled_and_sent(mis):
        return True
    if not (isinstance(storefront, Facts) and isinstance(mis, Facts)):
        return False
    if storefront.cancelled == mis.cancelled:
        return False
    open_side = mis if storefront.cancelled else storefront
    return open_side.progress.rank >= Progress.PRODUCED.rank


def applied(status: LineStatus, change: Change) -> LineStatus:
    """What a line becomes when a write takes effect."""
    assert isinstance(status, Facts), f"nothing can be written on {status}"
    match change:
        case Change.CANCEL:
            return Facts(Intent.CANCELLED, status.progress, status.history_known)
        case Change.SHIP:
            return Facts(status.intent, Progress.DISPATCHED)
        case Change.SHIP_PART:
            return Facts(status.intent, Progress.PART_DISPATCHED)
        case Change.TRACK:
            return status
