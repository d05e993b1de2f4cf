"""Hints to looks: a message names something, and the orders it may be about are looked at.

A message is never believed and never lost: one that names an order nobody knows yet is tried again until
its order shows up, then kept as unlinked; one that cannot be read is kept with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta

from msgspec.structs import replace

from countermand.bridge.adoption import unknown
from countermand.bridge.case import Case
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.converge import Converger
from countermand.bridge.faults import DAMAGE, FAULTS, in_short
from countermand.bridge.ports import (
    Hint,
    MisItem,
    MisItemKind,
    MisRef,
    UnreadableHookError,
)
from countermand.bridge.sightings import to_be_kept_unlinked
from countermand.bridge.store import Hook, HookEnd, Store, StoredCase
from countermand.core.status import Facts, Side, Unmapped

HookParser = Callable[[bytes, str], tuple[Hint, ...]]

#: When to try again to find what a message is about; after the last it stays, shown as unlinked.
RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 60, 600, 3600))


class Intake:
    """Deals with the messages of one connection."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        converger: Converger,
        parsers: Mapping[Side, HookParser],
        clock: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._store = store
        self._converger = converger
        self._parsers = parsers
        self._clock = clock

    async def take(self, limit: int = 100) -> int:
        """Deal with waiting messages; returns how many there were."""
        hooks = await self._store.hooks(self._connection.name, self._clock(), limit)
        if not hooks:
            return 0
        hints, ends = self._parse(hooks)
        ends += await self._follow([hook for hook in hooks if hook.id in hints], hints)
        await self._store.finish_hooks(self._connection.name, ends, self._clock())
        return len(hooks)

    async def _follow(self, hooks: Sequence[Hook], hints: Mapping[int, tuple[Hint, ...]]) -> list[HookEnd]:
        """Look at what they are about. One on which we fail is tried again, and holds up no other."""
        try:
            found = await self._resolve([hint for hook in hooks for hint in hints[hook.id]])
            looked_at = await self._look_at(found)
        except DAMAGE:
            raise
        except FAULTS as fault:
            if len(hooks) > 1:
                self._converger.at_fault(f"messages/{len(hooks)}", fault)
                return [end for hook in hooks for end in await self._follow([hook], hints)]
            return [self._not_followed(hooks[0], fault)]
        settled = {hint for hint, order_ids in found.items() if looked_at.issuperset(order_ids)}
        return [self._end(hook, hints[hook.id], settled) for hook in hooks]

    def _not_followed(self, hook: Hook, fault: Exception) -> HookEnd:
        self._converger.at_fault(f"message/{hook.id}", fault)
        reason = f"Following it failed, which is a fault of ours: {in_short(fault, self._connection.mask)}"
        return self._again(hook, reason, at_last="quarantined")

    def _parse(self, hooks: Sequence[Hook]) -> tuple[dict[int, tuple[Hint, ...]], list[HookEnd]]:
        hints, ends = {}, []
        for hook in hooks:
            try:
                hints[hook.id] = self._parsers[hook.side](hook.body, hook.content_type)
            except UnreadableHookError as error:
                ends.append(HookEnd(id=hook.id, state="quarantined", reason=str(error)))
            except Exception as error:  # noqa: BLE001 - one message must never hold up all the others
                self._converger.at_fault(f"message/{hook.id}", error)
                said = in_short(error, self._connection.mask)
                reason = f"Reading it failed, which is a fault of ours: {said}"
                ends.append(HookEnd(id=hook.id, state="quarantined", reason=reason))
        return hints, ends

    # Which orders a message is about

    async def _resolve(self, hints: Sequence[Hint]) -> dict[Hint, tuple[str, ...]]:
        """The order ids each hint may be about; an empty tuple where it is known to be about none."""
        storefront = [hint for hint in hints if hint.side is Side.STOREFRONT]
        mis = [hint for hint in hints if hint.side is Side.MIS]
        return {**await self._of_storefront(storefront), **await self._of_mis(mis)}

    async def _of_storefront(self, hints: Sequence[Hint]) -> dict[Hint, tuple[str, ...]]:
        lines = [hint.line_id for hint in hints if hint.line_id and not hint.order_id]
        known = await self._orders_of("line", lines)
        found: dict[Hint, tuple[str, ...]] = {}
        for hint in hints:
            if hint.order_id:
                found[hint] = (hint.order_id,)
            elif hint.line_id in known:
                found[hint] = known[hint.line_id]
            else:
                order_id = await self._connection.storefront.find_order_of_line(hint.line_id)
                if isinstance(order_id, str):
                    found[hint] = (order_id,)
        return found

    async def _of_mis(self, hints: Sequence[Hint]) -> dict[Hint, tuple[str, ...]]:
        known = await self._orders_of("item", [hint.mis_ref for hint in hints if hint.mis_ref])
        found = {hint: known[hint.mis_ref] for hint in hints if hint.mis_ref in known}
        new = [hint for hint in hints if hint.mis_ref and hint not in found]
        found |= await self._of_new_items(new)
        for hint in hints:
            if not hint.mis_ref and (order_ids := await self._of_reference(hint.order_id)):
                found[hint] = order_ids
        return found

    async def _of_new_items(self, hints: Sequence[Hint]) -> dict[Hint, tuple[str, ...]]:
        """Jobs not seen before: read once, remembered, and matched to the orders whose keys they carry."""
        if not hints:
            return {}
        refs = {
            hint.mis_ref: MisRef(
                ref=hint.mis_ref, kind=hint.mis_kind or MisItemKind.JOB, group=hint.mis_group
            )
            for hint in hints
        }
        items = {item.ref: item for item in await self._connection.mis.read(list(refs.values()))}
        seen = {ref: item for ref, item in items.items() if isinstance(item.status, Facts | Unmapped)}
        named_by = {ref: await self._orders_named_by(item) for ref, item in seen.items()}
        stored = await self._store.load(self._connection.name, sorted(set().union(*named_by.values())))
        cases = {order_id: one.case for order_id, one in stored.items()}
        kept = to_be_kept_unlinked(seen.values(), named_by, cases)
        await self._store.keep_unlinked(self._connection.name, kept)
        return {hint: named_by[hint.mis_ref] for hint in hints if hint.mis_ref in seen}

    async def _orders_named_by(self, item: MisItem) -> tuple[str, ...]:
        by_line = await self._orders_of("line", [item.external_reference] if item.external_reference else [])
        return (*by_line.get(item.external_reference, ()), *await self._of_reference(item.customer_reference))

    async def _of_reference(self, reference: str) -> tuple[str, ...]:
        """Known orders with this order id or PO number."""
        if not reference:
            return ()
        by_id = await self._store.load(self._connection.name, [reference])
        by_po = await self._orders_of("po", [reference])
        return (*by_id, *by_po.get(reference, ()))

    async def _orders_of(self, kind: str, values: Sequence[str]) -> dict[str, tuple[str, ...]]:
        return await self._store.orders_of(self._connection.name, kind, values) if values else {}

    # Looking at them

    async def _look_at(self, found: Mapping[Hint, tuple[str, ...]]) -> frozenset[str]:
        """Look at the orders; returns those of which the look is stored."""
        sides: dict[str, set[Side]] = {}
        for hint, order_ids in found.items():
            for order_id in order_ids:
                sides.setdefault(order_id, set()).add(hint.side)
        stored = await self._store.load(self._connection.name, list(sides))
        passes = [self._hinted(one, sides[order_id]) for order_id, one in stored.items()]
        now = self._clock()
        new = [unknown(order_id, now) for order_id in sides if order_id not in stored]
        return await self._converger.converge([*passes, *new])

    def _hinted(self, stored: StoredCase, sides: set[Side]) -> Pass:
        case, now = stored.case, self._clock()
        if Side.STOREFRONT in sides:
            case = replace(case, look_storefront_at=self._look_time(case, Side.STOREFRONT, now))
        if Side.MIS in sides:
            case = replace(case, look_mis_at=self._look_time(case, Side.MIS, now))
        return Pass(stored=stored, case=case)

    def _look_time(self, case: Case, side: Side, now: datetime) -> datetime:
        """Now; or a little later, right after our own write there, when the message is likely its echo."""
        sent = [written.command.sent_at for written in case.writes if written.command.target is side]
        echo_ends = max(sent, default=now) + self._connection.echo_window if sent else now
        return max(now, echo_ends)

    def _end(self, hook: Hook, hints: Sequence[Hint], settled: Set[Hint]) -> HookEnd:
        open_hints = [hint for hint in hints if hint not in settled]
        if not open_hints:
            return HookEnd(id=hook.id, state="done")
        named = ", ".join(hint.order_id or hint.line_id or hint.mis_ref for hint in open_hints)
        return self._again(hook, f"Nothing is known yet of {named}", at_last="unlinked")

    def _again(self, hook: Hook, reason: str, *, at_last: str) -> HookEnd:
        if hook.tries >= len(RETRY_AFTER):
            return HookEnd(id=hook.id, state=at_last, reason=reason)
        due = self._clock() + RETRY_AFTER[hook.tries]
        return HookEnd(id=hook.id, state="waiting", reason=reason, due_at=due)
