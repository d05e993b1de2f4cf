"""Which job or sales order makes which line: ordered keys, each with its reason.

Keys that name the order or the line exactly decide by themselves; a PO number only points, because two
orders may carry the same one. What is left ambiguous goes to a person with every candidate and the reasons
for and against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import timedelta
from typing import Protocol

import msgspec
from msgspec.structs import replace

from countermand.bridge.case import Case, CaseLine, Link
from countermand.bridge.ports import MisItem
from countermand.core.order import LineKind, MisItemKind


class Matching(Protocol):
    """`match`, or a narrower way of it."""

    def __call__(self, case: Case, items: Sequence[MisItem], taken: Set[str]) -> Linked: ...


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An item that may make a line. `certain`: the key decides without a person."""

    item: MisItem
    line_id: str
    key: str
    certain: bool
    score: int
    reasons: tuple[str, ...] = ()


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """What matching found: links to make, and candidates that only a person can decide on.

    `left`: items about which nothing can be said before the MIS, or another storefront on it, was asked.
    """

    links: tuple[Candidate, ...] = ()
    doubtful: tuple[Candidate, ...] = ()
    left: tuple[str, ...] = ()


#: Keys in the order in which they are trusted, with their score.
KEY_SCORES = {
    "line id": 100,
    "split of a linked one": 95,
    "order and line in the notes": 90,
    "quote": 80,
    "order id, only line left": 70,
    "order id, same quantity": 60,
    "order id": 30,
    "PO number": 10,
    "quote, another line": 10,
    "older than the order": 5,
}
_CERTAIN = 60
_OLDER = "older than the order"
#: A quote that is accepted again makes a further job: that of a later order.
_QUOTE_AGAIN = "quote, another line"
#: Keys that do not name the order for sure: another one may carry the same number.
POINTING = frozenset({"PO number", _QUOTE_AGAIN, _OLDER})
#: A job that was last changed by so much before the order was placed was made for another, of the same
#: number: more than a wrong time zone takes away.
_OLD = timedelta(days=1)
_SAME_QUANTITY = "order id, same quantity"
#: Keys that name the order only: which line it is follows from what is left.
_BY_ORDER = ("order id, only line left", _SAME_QUANTITY)
BY_LINE = "line id"
#: Keys that are numbers which a storefront has given: another one may have given the same.
BY_NUMBER = frozenset({BY_LINE, "order and line in the notes", *_BY_ORDER})


def match_named(case: Case, items: Iterable[MisItem], taken: Set[str] = frozenset()) -> Linked:
    """Match only those items that name the line they make: what else there is cannot change that."""
    linked_refs = {link.ref for line in case.lines for link in line.links}
    links: list[Candidate] = []
    for item in sorted(items, key=lambda item: item.ref):
        if item.ref in linked_refs or item.ref in taken:
            continue
        best = [one for one in _open_to(case, item) if one.certain and one.key not in _BY_ORDER]
        links.extend(best)
        case = _with_links(case, best)
    return Linked(links=tuple(links))


def match(
    case: Case, items: Sequence[MisItem], taken: Set[str] = frozenset(), *, complete: bool = True
) -> Linked:
    """Match items that are not linked yet to the lines of one order.

    `taken`: references that make lines of other orders already; only a person may share them. `complete`:
    whether there are no others. Which of several lines an item makes that names only the order follows from
    what is left, so it is left alone where there may be more.
    """
    links = list(match_named(case, items, taken).links)
    case = _with_links(case, links)
    linked_refs = {link.ref for line in case.lines for link in line.links}
    others = sorted((item for item in items if item.ref not in linked_refs), key=lambda item: item.ref)
    fitting = _fitting_by_quantity(case, [item for item in others if item.ref not in taken])
    doubtful: list[Candidate] = []
    left: list[str] = []
    for item in others:
        found = _open_to(case, item)
        if not complete and any(one.key == _SAME_QUANTITY for one in found):
            left.append(item.ref)
            continue
        candidates = [each for one in found for each in _contested(case, one, fitting)]
        best = [candidate for candidate in candidates if candidate.certain]
        if best and item.ref not in taken:
            links.extend(best)
            case = _with_links(case, best)
        elif item.ref not in taken or any(one.certain for one in found) or _contrary(case, item):
            doubtful.extend(candidates)
    return Linked(links=tuple(links), doubtful=tuple(doubtful), left=tuple(left))


def _open_to(case: Case, item: MisItem) -> list[Candidate]:
    """Candidates that nobody has ruled out."""
    candidates = [each for each in _candidates(case, item) if not _ruled_out(case, each)]
    return [_as_older(each) for each in candidates] if _is_older(case, item) else candidates


def _is_older(case: Case, item: MisItem) -> bool:
    """Whether it was there before the order: numbers are used again, and by more than one system."""
    if case.placed_at is None or item.changed_at is None:
        return False
    return item.changed_at < case.placed_at - _OLD


def _as_older(candidate: Candidate) -> Candidate:
    assert candidate.item.changed_at is not None, f"{candidate.item.ref} has no time to be older by"
    against = f"against: last changed on {candidate.item.changed_at:%Y-%m-%d}, before the order was placed"
    return _doubted(candidate, _OLDER, against)


def _doubted(candidate: Candidate, key: str, *against: str) -> Candidate:
    """The candidate by a key that only points, with what speaks against it."""
    reasons = (*candidate.reasons, *against)
    return replace(candidate, key=key, certain=False, score=KEY_SCORES[key], reasons=reasons)


def _fitting_by_quantity(case: Case, items: Iterable[MisItem]) -> dict[str, list[str]]:
    """By line: the items that fit it, and no other line, by their quantity alone."""
    fitting: dict[str, list[str]] = {}
    for item in items:
        for candidate in _open_to(case, item):
            if candidate.key == _SAME_QUANTITY:
                fitting.setdefault(candidate.line_id, []).append(item.ref)
    return fitting


def _contested(case: Case, candidate: Candidate, fitting: Mapping[str, Sequence[str]]) -> list[Candidate]:
    """The candidate; where another item fits its line as well, one of the two makes another line, or none.

    Then every line that the item may make is asked about: a copy of a job makes the line of its first.
    """
    item = candidate.item
    rivals = [ref for ref in fitting.get(candidate.line_id, ()) if ref != item.ref]
    if candidate.key != _SAME_QUANTITY or not rivals:
        return [candidate]
    fit = "fits" if len(rivals) == 1 else "fit"
    reasons = (*candidate.reasons, f"against: {', '.join(rivals)} {fit} as well")
    doubted = replace(candidate, certain=False, score=KEY_SCORES["order id"], reasons=reasons)
    others = [line for line in case.lines if _fits(line, item) and line.line_id != candidate.line_id]
    elsewhere = [
        _candidate(item, line, "order id", (candidate.reasons[0], *_against(line, item))) for line in others
    ]
    return [doubted, *(each for each in elsewhere if not _ruled_out(case, each))]


def _with_links(case: Case, made: Sequence[Candidate]) -> Case:
    """The case as the next item finds it: a line that one item took is not free for another."""
    for candidate in made:
        line = case.line(candidate.line_id)
        if line is not None:
            link = Link(ref=candidate.item.ref, key=candidate.key, by="", at=candidate.item.began_at)
            case = case.with_line(replace(line, links=(*line.links, link)))
    return case


def _ruled_out(case: Case, candidate: Candidate) -> bool:
    return f"{candidate.line_id} {candidate.item.ref}" in case.not_links


def _candidates(case: Case, item: MisItem) -> list[Candidate]:
    for line in case.lines:
        if origin := _split_from(line, item):
            return [_candidate(item, line, "split of a linked one", (f"Split from {origin}",))]
    fitting = [line for line in case.lines if _fits(line, item)]
    exact = [
        _candidate(item, line, key, (reason,))
        for line in fitting
        for key, reason in _exact_keys(case, line, item)
    ]
    if exact:
        best = max(exact, key=lambda candidate: candidate.score)
        against = _other_line(case, item) if best.key == "quote" else ()
        return [_doubted(best, _QUOTE_AGAIN, *against) if against else best]
    if _names_order(case, item):
        return _by_order(fitting, item, _contrary(case, item))
    # An item that names a line names another order's: this order's lines were tried above.
    if case.po_number and item.customer_reference == case.po_number and not item.external_reference:
        reason = f"Customer Reference is the PO number {case.po_number}"
        return [_candidate(item, line, "PO number", (reason, *_against(line, item))) for line in fitting]
    return []


def _split_from(line: CaseLine, item: MisItem) -> str:
    """A split sales order keeps its number with `-001` behind it and lives on by itself."""
    number, _, part = item.ref.rpartition("-")
    split = re.fullmatch(r"\d{3}", part) and any(link.ref == number for link in line.links)
    return number if split else ""


def _fits(line: CaseLine, item: MisItem) -> bool:
    stock = item.kind is MisItemKind.SALES_ORDER
    return line.kind is None or (line.kind is LineKind.STOCK) == stock


def _exact_keys(case: Case, line: CaseLine, item: MisItem) -> Iterable[tuple[str, str]]:
    if item.external_reference == line.line_id:
        yield "line id", f"External Job Reference is the line {line.line_id}"
    if _mentions(item.notes, case.order_id) and _mentions(item.notes, line.line_id):
        yield "order and line in the notes", f"Notes name order {case.order_id} and line {line.line_id}"
    same_quote = line.quote_id and item.quote_no == line.quote_id
    alone = sum(each.quote_id == line.quote_id for each in case.lines) == 1
    if same_quote and alone:
        yield "quote", f"Quote {item.quote_no} is the line's own"


def _names_order(case: Case, item: MisItem) -> bool:
    return item.customer_reference == case.order_id or _mentions(item.notes, case.order_id)


def _contrary(case: Case, item: MisItem) -> tuple[str, ...]:
    """What an item that names the order names beside it: an order's number may be another one's PO number."""
    against, reference = [*_other_line(case, item)], item.customer_reference
    # Where this order's PO number is not known, what is no order's number may be it.
    telling = case.po_number or _shape(reference) == _shape(case.order_id)
    if telling and reference not in ("", case.order_id, case.po_number):
        against.append(f"against: Customer Reference is {reference}")
    return tuple(against)


def _other_line(case: Case, item: MisItem) -> tuple[str, ...]:
    """The line that an item names, where that is none which it could make here."""
    named = item.external_reference
    if not named or _shape(named) not in {_shape(line.line_id) for line in case.lines}:
        return ()
    return (f"against: External Job Reference is {named}",)


def _shape(number: str) -> str:
    """A number without its digits: what is of another kind cannot be one of these."""
    return re.sub(r"\d+", "0", number)


def _by_order(fitting: Sequence[CaseLine], item: MisItem, contrary: tuple[str, ...] = ()) -> list[Candidate]:
    """The item names the order but no line: the one line without a job takes it, or the one that fits."""
    free = [line for line in fitting if not line.links and not contrary]
    reason = f"Customer Reference names the order ({item.customer_reference or 'in the notes'})"
    if len(free) == len(fitting) == 1:
        return [_candidate(item, free[0], "order id, only line left", (reason,))]
    same = [line for line in free if line.quantity is not None and line.quantity == item.quantity]
    if len(same) == 1:
        return [_candidate(item, same[0], _SAME_QUANTITY, (reason, f"Quantity {item.quantity}"))]
    return [
        _candidate(item, line, "order id", (reason, *contrary, *_against(line, item))) for line in fitting
    ]


def _against(line: CaseLine, item: MisItem) -> tuple[str, ...]:
    against = []
    if None not in (line.quantity, item.quantity) and line.quantity != item.quantity:
        against.append(f"against: quantity {item.quantity}, the line has {line.quantity}")
    if line.links:
        against.append(f"against: the line already has {line.links[0].ref}")
    return tuple(against)


def _candidate(item: MisItem, line: CaseLine, key: str, reasons: tuple[str, ...]) -> Candidate:
    score = KEY_SCORES[key]
    return Candidate(
        item=item, line_id=line.line_id, key=key, certain=score >= _CERTAIN, score=score, reasons=reasons
    )


def _mentions(text: str, word: str) -> bool:
    return (
        bool(word) and word in text and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None
    )
