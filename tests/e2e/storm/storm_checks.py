"""What must hold after a storm, as pure questions to the evidence: nothing lost, doubled, or unexplained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec
from storm_ends import ASKED_ABOUT_A_WRITE, differences, is_excused, is_so, needless
from storm_evidence import Effect, Evidence
from storm_staff import Kind


class Wrong(StrEnum):
    """The ways in which a storm can end badly."""

    LOST = "lost"
    DOUBLED = "doubled"
    HOOK_LOST = "acknowledged message missing"
    UNEXPLAINED = "write without an entry"
    JOURNAL = "journal does not hold"
    UNTOLD = "story not finished"
    NEEDLESS = "task without a reason"
    CLAIMED = "answer to a write that did not arrive"
    UNPROVEN = "proof of what is not so"


class Violation(msgspec.Struct, frozen=True):
    wrong: Wrong
    what: str


def violations(evidence: Evidence) -> list[Violation]:
    """Everything that does not hold; empty after a good storm."""
    return [
        *_lost(evidence),
        *_doubled(evidence),
        *_hooks_lost(evidence),
        *_unexplained(evidence),
        *_claimed(evidence),
        *_unproven(evidence),
        *([] if evidence.journal_holds else [Violation(Wrong.JOURNAL, evidence.journal_said)]),
    ]


# Lost


def _lost(evidence: Evidence) -> Iterator[Violation]:
    for story in evidence.stories:
        about = f"order {story.order} ({story.kind.value})"
        if not story.finished:
            yield Violation(Wrong.UNTOLD, about)
            continue
        if story.order not in evidence.states:
            yield Violation(Wrong.LOST, f"{about} was never seen")
        missing = list(differences(story, evidence))
        lost = [one.what for one in missing if not is_excused(one, story, evidence)]
        if lost:
            tasks = ", ".join(sorted(evidence.tasks.get(story.order, ()))) or "none"
            yield Violation(Wrong.LOST, f"{about}: {'; '.join(lost)}; open tasks: {tasks}")
        if not missing and (left := needless(story, evidence)):
            yield Violation(Wrong.NEEDLESS, f"{about}: {', '.join(sorted(left))}")


def asked(evidence: Evidence) -> list[str]:
    """Orders of stories that should have ended by themselves and ended with a person."""
    usual = (Kind.CANCEL_AFTER_START, Kind.CANCEL_AND_DISPATCH)
    return [
        one.order
        for one in evidence.stories
        if one.kind not in usual and evidence.tasks.get(one.order, frozenset()) & ASKED_ABOUT_A_WRITE
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
            if sent.at > first.at and sent.stands_for(first):
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


# Explained


def _unexplained(evidence: Evidence) -> Iterator[Violation]:
    """Each write a system received was stored as sent before it arrived, once for each time."""
    for effects in _by_target(evidence.effects).values():
        for number, effect in enumerate(effects, 1):
            before = sum(1 for one in evidence.sent if one.at <= effect.at and one.stands_for(effect))
            if before < number:
                what = f"{effect.system} {effect.target}: {effect.what} at {effect.at}"
                yield Violation(Wrong.UNEXPLAINED, f"{what}: {before} entries before it, {number} writes")
    for sent in evidence.sent:
        if not sent.why:
            yield Violation(Wrong.UNEXPLAINED, f"{sent.id}: {sent.what} has no reason")


def _claimed(evidence: Evidence) -> Iterator[Violation]:
    """What we stored as answered well has reached the system, whether or not it did anything there."""
    for sent in evidence.sent:
        arrived = any(one.at >= sent.at and sent.stands_for(one) for one in evidence.effects)
        if sent.answer == "applied" and not arrived:
            yield Violation(Wrong.CLAIMED, f"order {sent.order}: {sent.what} ({sent.about}) at {sent.at}")


def _unproven(evidence: Evidence) -> Iterator[Violation]:
    """What we stored as verified is so. Nobody undoes anything in a storm."""
    for sent in evidence.sent:
        if sent.verified and sent.order in evidence.storefront and not is_so(sent, evidence):
            yield Violation(Wrong.UNPROVEN, f"order {sent.order}: {sent.what} ({sent.about}) at {sent.at}")


# Messages


def _hooks_lost(evidence: Evidence) -> Iterator[Violation]:
    missing = Counter(evidence.acknowledged) - Counter(evidence.inbox)
    for body, count in missing.items():
        yield Violation(Wrong.HOOK_LOST, f"{count} of {body[:200]}")
