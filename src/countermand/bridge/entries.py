"""What the journal says of one pass over an order: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from countermand.bridge.case import Case, CaseLine
from countermand.bridge.sightings import Sighting
from countermand.bridge.store import Entry
from countermand.bridge.verification import verified_since
from countermand.bridge.worklist import TaskNews
from countermand.core.events import Event
from countermand.core.order import OrderLine
from countermand.core.plan import Later
from countermand.core.policy import Mode
from countermand.core.verdict import Ask, InStep, Push, Settled, Verdict, Wait


def order_seen(before: Case | None, case: Case, now: datetime) -> Iterable[Entry]:
    if before is None:
        yield Entry(
            at=now,
            event=Event.ORDER_SEEN,
            subject=f"order/{case.order_id}",
            extra={"po_number": case.po_number, "lines": ", ".join(line.line_id for line in case.lines)},
        )


def sighted(case: Case, sightings: Iterable[Sighting]) -> Iterable[Entry]:
    for sighting in sightings:
        yield Entry(
            at=sighting.began_at,
            event=Event.LINE_SIGHTED,
            subject=f"order/{case.order_id}",
            before=str(sighting.before),
            after=str(sighting.after),
            extra={"side": sighting.side.value, "ref": sighting.ref},
        )


def verified(before: Case | None, case: Case) -> Iterable[Entry]:
    for written in verified_since(before, case):
        assert written.command.verified_at is not None
        yield Entry(
            at=written.command.verified_at,
            event=Event.WRITE_VERIFIED,
            subject=f"order/{case.order_id}",
            after=written.command.change.value,
            extra={"write": written.id, "target": written.command.target.value},
        )


def decision(
    case: Case, before: CaseLine, after: CaseLine, entry: OrderLine, verdict: Verdict, now: datetime
) -> Entry:
    agreed = isinstance(verdict, InStep | Settled)
    pair = entry.line.pair
    return Entry(
        at=now,
        event=Event.LINE_IN_STEP if agreed else Event.LINE_DECIDED,
        subject=f"order/{case.order_id}/line/{after.line_id}",
        why=verdict.rule,
        before=before.rule,
        after=_said(verdict),
        extra={"storefront": str(pair.storefront), "mis": str(pair.mis)},
    )


def _said(verdict: Verdict) -> str:
    match verdict:
        case InStep():
            return "in step"
        case Settled():
            return "settled"
        case Push():
            return f"{verdict.change.value} in {verdict.target.value}"
        case Ask():
            return f"ask: {verdict.task.value}"
        case Wait():
            return "wait"


def held_back(case: Case, action: Later, now: datetime) -> Entry:
    until = action.until.isoformat(timespec="seconds") if action.until else "something changes"
    return Entry(
        at=now,
        event=Event.WRITE_HELD,
        subject=f"order/{case.order_id}",
        why=action.guard,
        after=f"until {until}",
        extra={"direction": action.direction.value, "lines": ", ".join(action.line_ids)},
    )


def observed(case: Case, news: TaskNews, now: datetime) -> Iterable[Entry]:
    for wish in news.opens:
        if wish.because == f"mode-{Mode.OBSERVE.value}":
            yield Entry(
                at=now,
                event=Event.WRITE_OBSERVED,
                subject=f"order/{case.order_id}",
                why=wish.because,
                after=wish.kind.value,
                extra={"lines": ", ".join(wish.line_ids)},
            )
