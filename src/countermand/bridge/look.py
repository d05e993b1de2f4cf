"""Reading the truth: which side of which order has to be read now, and reading many in few calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from countermand.bridge.absence import items_as_believed, orders_as_believed
from countermand.bridge.case import Case, CaseLine, Doubt, Link, awaits_search
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.elsewhere import Elsewhere
from countermand.bridge.linking import BY_NUMBER, Candidate, Linked, Matching, match, match_named
from countermand.bridge.ports import MisItem, MisItemKind, MisRef, OrderKeys, OrderNotRead, StorefrontOrder
from countermand.bridge.sightings import described, new_item, open_case, see_items, see_order, to_be_kept
from countermand.bridge.store import ITSELF, Entry, Store
from countermand.core.events import Event
from countermand.core.status import Side, Unreadable
from countermand.core.verdict import Ask, Push, Wait

Sides = frozenset[Side]
NEITHER: Sides = frozenset()
BOTH: Sides = frozenset(Side)
#: An interface that tells nothing for so long never will, and each look would cost one more call.
_ASK_AGAIN_FOR = timedelta(days=1)
#: Parts of a split sales order that are recognised by their number alone (`-001`, `-002`, ...).
_MOST_SPLITS = 20


def needs_look(one: Pass, now: datetime) -> Sides:
    """Sides to read before judging: somebody hinted at them, or their time has come."""
    case, sides = one.case, set()
    if one.unknown:
        return frozenset({Side.STOREFRONT})
    if case.poll_at is not None and case.poll_at <= now:
        return BOTH
    if case.checking:
        return BOTH
    if case.look_storefront_at is not None and case.look_storefront_at <= now:
        sides.add(Side.STOREFRONT)
    if case.look_mis_at is not None and case.look_mis_at <= now:
        sides.add(Side.MIS)
    for written in case.open_writes:
        sides.add(written.command.target)
    return frozenset(sides)


def second_look(one: Pass, connection: Connection, now: datetime) -> Sides:
    """Sides to read before acting: a write needs both fresh; a new answer needs the other side once."""
    sides = stale_sides(one.case, connection, now) if one.plan.writes else set()
    for line in one.case.lines:
        verdict = one.plan.verdicts[line.line_id]
        waited = isinstance(verdict, Wait) and verdict.until is not None and verdict.until <= now
        news = isinstance(verdict, Push | Ask) and verdict.rule != line.rule
        if waited or news:
            sides |= stale_sides(one.case, connection, now)
            if awaits_search(one.case, line) and connection.searches:
                sides.add(Side.MIS)
    return frozenset(sides)


def stale_sides(case: Case, connection: Connection, now: datetime) -> set[Side]:
    """Sides whose last read is too old to write on."""
    sides = set()
    if now - case.storefront_read_at > connection.policy.fresh_for:
        sides.add(Side.STOREFRONT)
    if any(now - item.mis.began_at > connection.policy.fresh_for for item in case.items):
        sides.add(Side.MIS)
    return sides


class Looking:
    """Reads for many orders at once: one batch per system."""

    def __init__(self, connection: Connection, store: Store, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._store = store
        self._clock = clock
        self._elsewhere = Elsewhere(connection, store, clock)
        #: When the newest listing of the MIS began that was answered.
        self.listed_at: datetime | None = None

    async def look(self, passes: Sequence[Pass], sides_of: Callable[[Pass], Sides]) -> list[Pass]:
        """Read the sides that `sides_of` names, and take what was read into each pass.

        Orders that are unknown, and that the storefront has not, are left out.
        """
        sides = [sides_of(one) for one in passes]
        if not any(sides) and not any(_is_new(one) for one in passes):
            return list(passes)
        storefront = [one for one, wanted in zip(passes, sides, strict=True) if Side.STOREFRONT in wanted]
        mis = [one for one, wanted in zip(passes, sides, strict=True) if Side.MIS in wanted]
        began = self._clock()
        orders, items = await self._read(storefront, mis)
        answered = self._clock()
        looked = [
            self._take(one, wanted, orders.get(one.case.order_id), items, began, answered)
            for one, wanted in zip(passes, sides, strict=True)
        ]
        there = [(one, wanted) for one, wanted in zip(looked, sides, strict=True) if not one.unknown]
        gaining = {one.case.order_id for one in passes if _may_gain(one.case)}
        new = {one.case.order_id for one, wanted in there if _lacks_description(one, wanted)}
        described = await self._describe([one for one, _ in there], new)
        return await self._link(described, [wanted for _, wanted in there], gaining)

    async def _read(
        self, storefront: Sequence[Pass], mis: Sequence[Pass]
    ) -> tuple[dict[str, StorefrontOrder | OrderNotRead], dict[str, MisItem]]:
        """Both systems at the same time, where both are asked."""
        if storefront and mis:
            return await asyncio.gather(self._orders(storefront), self._items(mis))
        return await self._orders(storefront), await self._items(mis)

    async def _describe(self, passes: list[Pass], new: Set[str]) -> list[Pass]:
        """Fill in, for orders that are new, what rules and people need beyond the statuses."""
        if not new:
            return passes
        storefront, now, asked = self._connection.storefront, self._clock(), sorted(new)
        told = dict(zip(asked, await asyncio.gather(*map(storefront.describe, asked)), strict=True))
        return [
            replace(one, case=_told(one.case, told[one.case.order_id], now))
            if one.case.order_id in told
            else one
            for one in passes
        ]

    async def _orders(self, passes: Sequence[Pass]) -> dict[str, StorefrontOrder | OrderNotRead]:
        if not passes:
            return {}
        cases = [one.case for one in passes]
        read = await self._connection.storefront.read_orders([case.order_id for case in cases])
        shown = {order.order_id: order for order in read}
        return await orders_as_believed(cases, shown, self._connection, self._store)

    async def _items(self, passes: Sequence[Pass]) -> dict[str, MisItem]:
        refs = {
            item.ref: MisRef(ref=item.ref, kind=item.kind, group=item.group)
            for one in passes
            for item in one.case.items
        }
        if not refs:
            return {}
        shown = {item.ref: item for item in await self._connection.mis.read(list(refs.values()))}
        return await items_as_believed([one.case for one in passes], shown, self._connection, self._store)

    def _take(
        self,
        one: Pass,
        wanted: Sides,
        order: StorefrontOrder | OrderNotRead | None,
        items: dict[str, MisItem],
        began: datetime,
        answered: datetime,
    ) -> Pass:
        case, raw = one.case, dict(one.raw)
        if one.unknown:
            return _opened(one, order, answered)
        if order is not None:
            case = see_order(case, order, answered)
            raw[case.order_id] = order.raw
        if Side.MIS in wanted:
            own = [items[item.ref] for item in case.items if item.ref in items]
            case = see_items(case, own, answered)
            raw |= {item.ref: item.raw for item in own}
        polled = one.polled or (case.poll_at is not None and case.poll_at <= began and wanted == BOTH)
        return replace(one, case=_looked(case, wanted, began), raw=raw, polled=polled)

    # Linking

    async def _link(self, passes: list[Pass], sides: Sequence[Sides], gaining: Set[str]) -> list[Pass]:
        """Find jobs for lines: among those already seen, then, for a line without any, by asking the MIS."""
        looking = {
            one.case.order_id
            for one, wanted in zip(passes, sides, strict=True)
            if _is_new(one) or (Side.MIS in wanted and one.case.order_id in gaining)
        }
        kept = await self._kept([one.case for one in passes if one.case.order_id in looking])
        linked, makes = [], {ref: one.case.order_id for one in passes for ref in _linked_refs(one.case)}
        for one in passes:
            if one.case.order_id in looking:
                one = await self._linked(one, kept, makes)
                makes |= dict.fromkeys(_linked_refs(one.case) - makes.keys(), one.case.order_id)
            linked.append(one)
        return linked

    async def _kept(self, cases: Sequence[Case]) -> list[MisItem]:
        """Items seen earlier that carry a key of any of these orders: one query for all of them."""
        references = {value for case in cases for value in _keys(case)}
        if not references:
            return []
        return await self._store.unlinked(self._connection.name, sorted(references))

    async def _linked(self, one: Pass, kept: Sequence[MisItem], makes: Mapping[str, str]) -> Pass:
        """What was seen earlier comes first where it names its line; the rest is judged by all there is.

        `makes`: by item, the order among those looked at together that it makes; no ledger knows of that yet.
        A copy of a job may be heard of before the job, and would take the line that is left for that.
        """
        one = self._with_links(one, await self._matched(one.case, kept, makes, match_named))
        if all(line.links for line in one.case.lines):
            return self._with_links(one, await self._matched(one.case, kept, makes, match))
        began = self._clock()
        found = await self._connection.mis.find(search_keys(one.case))
        items = list({item.ref: item for item in (*kept, *(found or ()))}.values())
        searched_at = began if found is not None else self.listed_at
        whole = found is not None or "find" not in self._connection.offered
        matched = await self._matched(one.case, items, makes, partial(match, complete=whole))
        one = self._with_links(one, matched)
        return one if matched.left else replace(one, case=_searched(one.case, searched_at))

    async def _matched(
        self, case: Case, items: Sequence[MisItem], makes: Mapping[str, str], matching: Matching
    ) -> Linked:
        """What matching finds; nothing is linked by a number that another storefront may have given too."""
        refs = [item.ref for item in items]
        others = {ref for ref in refs if makes.get(ref, case.order_id) != case.order_id}
        found = matching(case, items, others | await self._taken(case, refs))
        by_number = [each for each in found.links if each.key in BY_NUMBER]
        if not by_number or not (doubled := await self._elsewhere.doubled(case, by_number)):
            return found
        if not doubled.known and self._can_wait(case):
            # Each order would become a task for as long as that storefront is down.
            return Linked(left=tuple(refs))
        found = matching(case, items, frozenset(refs))
        against = f"against: {doubled.name} {'has' if doubled.known else 'cannot be read, and may have'}"
        against += " an order of the same number"
        doubtful = (replace(each, reasons=(*each.reasons, against)) for each in found.doubtful)
        return replace(found, doubtful=tuple(doubtful))

    def _can_wait(self, case: Case) -> bool:
        """Whether nothing is lost yet by not knowing whose a job is: it is not late, nor to be stopped."""
        late_at = case.first_seen_at + self._connection.policy.not_in_production_after
        return self._clock() < late_at and not any(awaits_search(case, line) for line in case.lines)

    async def _taken(self, case: Case, refs: Sequence[str]) -> frozenset[str]:
        """Which of these items make lines of other orders, or may."""
        if not refs:
            return frozenset()
        owners = await self._store.orders_of(self._connection.name, "item", refs)
        taken = frozenset(ref for ref, order_ids in owners.items() if set(order_ids) - {case.order_id})
        return taken | await self._claimed_elsewhere(case, refs)

    async def _claimed_elsewhere(self, case: Case, refs: Sequence[str]) -> frozenset[str]:
        """Which of these items another storefront on the same MIS may claim.

        Two storefronts number their orders and lines each for itself. So an item is in doubt when it makes a
        line over there already, and all of them are when an order or a line over there has the same number.
        """
        claimed: set[str] = set()
        numbers = {"order": [case.order_id], "line": [line.line_id for line in case.lines]}
        for sibling in self._connection.siblings:
            claimed |= (await self._store.orders_of(sibling, "item", refs)).keys()
            for kind, values in numbers.items():
                if await self._store.orders_of(sibling, kind, values):
                    return frozenset(refs)
        return frozenset(claimed)

    async def share(self, passes: list[Pass]) -> list[Pass]:
        """Note which items make lines of other orders too: those are never cancelled by one order alone."""
        refs = sorted({item.ref for one in passes for item in one.case.items})
        if not refs:
            return passes
        owners = await self._store.orders_of(self._connection.name, "item", refs)
        doubles: set[str] = set()
        for sibling in self._connection.siblings:
            for ref, order_ids in (await self._store.orders_of(sibling, "item", refs)).items():
                also = tuple(f"{sibling} {order_id}" for order_id in order_ids)
                owners[ref] = (*owners.get(ref, ()), *also)
            numbers = [one.case.order_id for one in passes]
            doubles |= (await self._store.orders_of(sibling, "order", numbers)).keys()
        shared = [_shared(one.case, owners, one.case.order_id in doubles) for one in passes]
        return [
            one if case is one.case else replace(one, case=case)
            for one, case in zip(passes, shared, strict=True)
        ]

    def _with_links(self, one: Pass, found: Linked) -> Pass:
        now = self._clock()
        case, entries = one.case, list(one.entries)
        for candidate in found.links:
            case = link(case, candidate, now)
            entries.append(_link_entry(case, candidate, now))
        raw = one.raw | {candidate.item.ref: candidate.item.raw for candidate in found.links}
        return replace(one, case=with_doubts(case, found), entries=tuple(entries), raw=raw)


def _opened(one: Pass, order: StorefrontOrder | OrderNotRead | None, answered: datetime) -> Pass:
    """The case of an order that nobody has shown yet, where the storefront has one of that number."""
    if not isinstance(order, StorefrontOrder):
        return one
    return replace(one, case=open_case(order, answered), raw={order.order_id: order.raw}, unknown=False)


def _is_new(one: Pass) -> bool:
    """Whether nothing was known of an order before this pass, but its number where an earlier one failed."""
    return one.stored is None or not one.stored.case.lines


def _linked_refs(case: Case) -> set[str]:
    return {link.ref for line in case.lines for link in line.links}


def _lacks_description(one: Pass, wanted: Sides) -> bool:
    return not one.case.described and (Side.STOREFRONT in wanted or _is_new(one))


def _may_gain(case: Case) -> bool:
    """Whether a job may be found for an order: a line has none, or a message was about the MIS.

    Whoever hears of a job that belongs to no order yet asks for a look at the orders that it names.
    """
    return case.look_mis_at is not None or not all(line.links for line in case.lines)


def search_keys(case: Case) -> OrderKeys:
    """What the MIS is searched by for an order's jobs and sales orders."""
    return OrderKeys(
        order_id=case.order_id,
        po_number=case.po_number,
        line_ids=tuple(line.line_id for line in case.lines),
        quote_ids=tuple(line.quote_id for line in case.lines if line.quote_id),
    )


def _keys(case: Case) -> Iterable[str]:
    """Everything by which an item may name this order."""
    yield case.order_id
    yield from (value for value in (case.po_number,) if value)
    yield from (line.line_id for line in case.lines)
    sales_orders = (item.ref for item in case.items if item.kind is MisItemKind.SALES_ORDER)
    yield from (f"{ref}-{part:03}" for ref in sales_orders for part in range(1, _MOST_SPLITS + 1))


def _shared(case: Case, owners: Mapping[str, tuple[str, ...]], doubled: bool) -> Case:
    """`doubled`: another storefront has an order of the same number, so only a person's link is sure."""
    by_person = {link.ref for line in case.lines for link in line.links if link.key == "person"}
    for item in case.items:
        others = bool(set(owners.get(item.ref, ())) - {case.order_id})
        shared = others or (doubled and item.ref not in by_person)
        if shared != item.shared:
            case = case.with_item(replace(item, shared=shared))
    return case


def with_doubts(case: Case, found: Linked) -> Case:
    """Doubts last until the item is linked somewhere or a person has ruled it out."""
    linked = {each.ref for line in case.lines for each in line.links}
    fresh = tuple(
        Doubt(ref=each.item.ref, line_id=each.line_id, reasons=each.reasons, key=each.key)
        for each in found.doubtful
    )
    known = {(each.ref, each.line_id) for each in fresh}
    old = tuple(each for each in case.doubts if (each.ref, each.line_id) not in known)
    doubts = tuple(
        each
        for each in (*old, *fresh)
        if each.ref not in linked and f"{each.line_id} {each.ref}" not in case.not_links
    )
    return case if doubts == case.doubts else replace(case, doubts=doubts)


def _told(case: Case, order: StorefrontOrder | OrderNotRead | None, now: datetime) -> Case:
    """The case with what was told; where it could not be, it is asked for again at the order's next look."""
    match order:
        case StorefrontOrder():
            return replace(described(case, order), described=True)
        case OrderNotRead(status=Unreadable()) if now - case.first_seen_at < _ASK_AGAIN_FOR:
            return case
        case _:
            return replace(case, described=True)


def _looked(case: Case, wanted: Sides, began: datetime) -> Case:
    """Hints that these reads have answered are done with."""
    if Side.STOREFRONT in wanted and case.look_storefront_at is not None and case.look_storefront_at <= began:
        case = replace(case, look_storefront_at=None)
    if Side.MIS in wanted and case.look_mis_at is not None and case.look_mis_at <= began:
        case = replace(case, look_mis_at=None)
    return case


def _searched(case: Case, began: datetime | None) -> Case:
    """The case with a search that was answered, where a cancel waits for one."""
    if began is None or not any(awaits_search(case, line) for line in case.lines):
        return case
    return replace(case, searched_at=began)


def link(case: Case, candidate: Candidate, now: datetime, by: str = ITSELF) -> Case:
    """The case with one more item that makes one of its lines."""
    line = case.line(candidate.line_id)
    assert line is not None, f"order {case.order_id} has no line {candidate.line_id}"
    made = Link(ref=candidate.item.ref, key=candidate.key, by=by, at=now)
    if case.item(made.ref) is None:
        case = case.with_item(new_item(to_be_kept(case, candidate.item), now))
    return case.with_line(_with_link(line, made))


def _with_link(line: CaseLine, made: Link) -> CaseLine:
    if any(each.ref == made.ref for each in line.links):
        return line
    return replace(line, links=(*line.links, made))


def _link_entry(case: Case, candidate: Candidate, now: datetime) -> Entry:
    return Entry(
        at=now,
        event=Event.LINE_LINKED,
        subject=f"order/{case.order_id}/line/{candidate.line_id}",
        why="; ".join(candidate.reasons),
        after=candidate.item.ref,
        extra={"key": candidate.key},
    )
