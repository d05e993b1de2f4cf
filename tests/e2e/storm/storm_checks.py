"""What must hold after a storm, as pure questions to the evidence: nothing lost, doubled, or unexplained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec
from storm_evidence import Effect, Evidence, Sent
from storm_staff import CANCELLED_ID, Kind, Story

from countermand.core.tasks import TaskKind


class Wrong(StrEnum):
    """The ways in which a storm can end badly."""

    LOST = "lost"
    DOUBLED = "doubled"
    HOOK_LOST = "acknowledged message missing"
    UNEXPLAINED = "write without an entry"
    JOURNAL = "journal does not hold"
    UNTOLD = "story not finished"


class Violation(msgspec.Struct, frozen=True):
    wrong: Wrong
    what: str


#: When a write had no clear answer twice, was refused, or does not show, a person is asked: by the rules.
_ASKED_ABOUT_A_WRITE = frozenset({TaskKind.WRITE_UNKNOWN, TaskKind.WRITE_REFUSED, TaskKind.NOT_VISIBLE})
#: Which one it is depends on what came first, and on whether the dispatch had been passed on by then.
_CONFLICTS = frozenset(
    {
        TaskKind.CANCELLED_BUT_MADE,
        TaskKind.SHIPPED_BUT_CANCELLED,
        TaskKind.CANCELLED_AFTER_DELIVERY,
    }
)
_SHIPPED = ("Shipped", "Delivered")


def violations(evidence: Evidence) -> list[Violation]:
    """Everything that does not hold; empty after a good storm."""
    return [
        *_lost(evidence),
        *_doubled(evidence),
        *_hooks_lost(evidence),
        *_unexplained(evidence),
        *([] if evidence.journal_holds else [Violation(Wrong.JOURNAL, evidence.journal_said)]),
    ]


# Lost


def _lost(evidence: Evidence) -> Iterator[Violation]:
    for story in evidence.stories:
        if not story.finished:
            yield Violation(Wrong.UNTOLD, f"order {story.order} ({story.kind.value})")
            continue
        if story.order not in evidence.states:
            yield Violation(Wrong.LOST, f"order {story.order} was never seen")
        missing = [*differences(story, evidence), *_not_as_told(story, evidence)]
        if missing and not _excused(story, evidence):
            tasks = ", ".join(sorted(evidence.tasks.get(story.order, ()))) or "none"
            what = f"order {story.order} ({story.kind.value}): {'; '.join(missing)}; open tasks: {tasks}"
            yield Violation(Wrong.LOST, what)


def differences(story: Story, evidence: Evidence) -> Iterator[str]:
    """Where the two systems disagree about an order, by their own state."""
    order = evidence.storefront[story.order]
    for line in order["OrderLineItems"]:
        job = evidence.jobs[story.jobs[line["Id"]]]
        here = order["OrderStatus"] == "Cancelled" or line["IsCancelled"]
        there = job["ProductionStatusID"] == CANCELLED_ID
        if here != there:
            yield f"line {line['Id']} is cancelled in {'Infigo' if here else 'printIQ'} only"
        if (here or there) and _left(job):
            yield f"line {line['Id']} is cancelled and job {job['JobNo']} has left"
    open_jobs = [
        evidence.jobs[story.jobs[line["Id"]]]
        for line in order["OrderLineItems"]
        if not (order["OrderStatus"] == "Cancelled" or line["IsCancelled"])
    ]
    if open_jobs and all(map(_left, open_jobs)) and order["ShippingStatus"] not in _SHIPPED:
        yield f"every open job has left, and Infigo shows {order['ShippingStatus']}"


def _left(job: dict[str, object]) -> bool:
    return job["DeliveriesConsigned"] == job["DeliveriesTotal"]


def _not_as_told(story: Story, evidence: Evidence) -> Iterator[str]:
    """What a story's own end asks for, beyond that both systems agree."""
    order = evidence.storefront[story.order]
    by_line = {line["Id"]: line for line in order["OrderLineItems"]}
    cancelled = order["OrderStatus"] == "Cancelled"
    status = {line: evidence.jobs[job]["ProductionStatusID"] for line, job in story.jobs.items()}
    match story.kind:
        case Kind.LEFT_ALONE if cancelled or CANCELLED_ID in status.values():
            yield "nobody cancelled it"
        case Kind.CANCEL_IN_PRINTIQ if not cancelled:
            yield "the order is not cancelled in Infigo"
        case Kind.CANCEL_LINE | Kind.CANCEL_JOB if cancelled or by_line[story.lines[1]]["IsCancelled"]:
            yield "its other line was cancelled too"
        case Kind.DISPATCH | Kind.DISPATCH_IN_PARTS:
            shown = {code.strip() for code in order["TrackingNumber"].split(",")}
            if shown != set(story.tracking):
                yield f"Infigo shows tracking {order['TrackingNumber']!r}, not {', '.join(story.tracking)}"


def _excused(story: Story, evidence: Evidence) -> bool:
    """Whether an open task says so, of a kind that the rules give for it."""
    tasks = evidence.tasks.get(story.order, frozenset())
    match story.kind:
        case Kind.CANCEL_AFTER_START:
            untouched = all(
                evidence.jobs[job]["ProductionStatusID"] != CANCELLED_ID for job in story.jobs.values()
            )
            return untouched and TaskKind.PAST_CUT_OFF in tasks
        case Kind.CANCEL_AND_DISPATCH:
            return bool(tasks & _CONFLICTS)
        case _:
            return bool(tasks & _ASKED_ABOUT_A_WRITE) and _had_no_clear_answer(story, evidence)


def _had_no_clear_answer(story: Story, evidence: Evidence) -> bool:
    """A task about a write excuses nothing unless a write of this order really went unanswered or wrong."""
    answers = [one.answer for one in evidence.sent if one.order == story.order]
    return any(answer not in ("applied", "already") for answer in answers)


def asked(evidence: Evidence) -> list[str]:
    """Orders of stories that should have ended by themselves and ended with a person."""
    usual = (Kind.CANCEL_AFTER_START, Kind.CANCEL_AND_DISPATCH)
    return [
        one.order
        for one in evidence.stories
        if one.kind not in usual and evidence.tasks.get(one.order, frozenset()) & _ASKED_ABOUT_A_WRITE
    ]


# Doubled


def _doubled(evidence: Evidence) -> Iterator[Violation]:
    for effects in _by_target(evidence.effects).values():
        worked = [one for one in effects if _worked(one)]
        if not worked:
            continue
        first, about = worked[0], f"{effects[0].system} {effects[0].target}: {effects[0].what}"
        for again in effects:
            if again.at > first.at:
                yield Violation(Wrong.DOUBLED, f"{about} came again at {again.at} ({again.effect})")
        for sent in evidence.sent:
            if sent.at > first.at and _is(sent, first, evidence):
                yield Violation(Wrong.DOUBLED, f"{about} was sent again at {sent.at} ({sent.id})")


def _by_target(effects: Iterable[Effect]) -> dict[tuple[str, str, str], list[Effect]]:
    """Writes of one kind to one thing; notes for staff may be written twice, they change no status."""
    grouped: dict[tuple[str, str, str], list[Effect]] = {}
    for one in sorted(effects, key=lambda effect: effect.at):
        if "AddOrderNotes" not in one.what:
            grouped.setdefault((one.system, one.target, one.what), []).append(one)
    return grouped


def _worked(effect: Effect) -> bool:
    return effect.effect in ("applied", "cancelled")


def _is(sent: Sent, effect: Effect, evidence: Evidence) -> bool:
    """Whether this entry of our journal stands for a write of the kind that a system received."""
    if effect.system == "printIQ":
        return sent.what == "cancel in mis" and sent.about == effect.target
    if not sent.what.endswith("in storefront"):
        return False
    word, _, number = effect.target.partition(" ")
    if word == "line":
        return sent.what.startswith("cancel") and number in sent.about.split(", ")
    if sent.order != number:
        return False
    if effect.what.startswith("Order.Cancel"):
        return sent.what.startswith("cancel") and sent.about == "order"
    if "AddOrderNotes" in effect.what:
        return True
    wanted = "track" if "SetTrackingNumber" in effect.what else "ship"
    return sent.what.startswith(wanted) or (wanted == "track" and sent.what.startswith("ship"))


# Explained


def _unexplained(evidence: Evidence) -> Iterator[Violation]:
    """Each write a system received was stored as sent before it arrived, once for each time."""
    for effects in _by_target(evidence.effects).values():
        for number, effect in enumerate(effects, 1):
            before = sum(1 for one in evidence.sent if one.at <= effect.at and _is(one, effect, evidence))
            if before < number:
                what = f"{effect.system} {effect.target}: {effect.what} at {effect.at}"
                yield Violation(Wrong.UNEXPLAINED, f"{what}: {before} entries before it, {number} writes")


# Messages


def _hooks_lost(evidence: Evidence) -> Iterator[Violation]:
    missing = Counter(evidence.acknowledged) - Counter(evidence.inbox)
    for body, count in missing.items():
        yield Violation(Wrong.HOOK_LOST, f"{count} of {body[:200]}")
