"""The two systems as the bridge sees them: the state machines behind a bad line.

Everything that crosses the line takes simulated time both ways, so that people, the vendors' own plugin and
other calls get in between; a call that has left arrives whether or not anybody still waits for its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from countermand.bridge.ports import (
    Capability,
    MisItem,
    MisItemKind,
    MisRef,
    OrderKeys,
    OrderNotRead,
    StorefrontOrder,
)
from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.core.status import GONE, Unreadable
from countermand.simulation.dice import Dice
from countermand.simulation.life import Life
from countermand.simulation.loop import EPOCH, SimulatedLoop
from countermand.simulation.mis import Plant, PlantItem
from countermand.simulation.storefront import Shop
from countermand.simulation.weather import READ_FAULTS, WRITE_FAULTS, Fault, Weather

#: How long a client of ours waits for an answer, in seconds.
PATIENCE = 30.0

_NOT_APPLIED = frozenset(
    {Fault.ERROR, Fault.HTML, Fault.THROTTLED, Fault.UNREACHABLE, Fault.TIME_OUT, Fault.IGNORED}
)
_UNKNOWN = frozenset(
    {Fault.ERROR, Fault.ERROR_APPLIED, Fault.HTML, Fault.THROTTLED, Fault.UNREACHABLE, Fault.TIME_OUT,
     Fault.TIME_OUT_APPLIED}
)  # fmt: skip
_UNREADABLE = frozenset(
    {Fault.TIME_OUT, Fault.ERROR, Fault.HTML, Fault.THROTTLED, Fault.UNREACHABLE, Fault.EXPIRED}
)


class WriteCall(msgspec.Struct, frozen=True, kw_only=True):
    """A write of ours at the moment it leaves: what the invariants hold against what was stored before."""

    at: float
    side: str
    change: str
    order_id: str
    about: tuple[str, ...]


class Line:
    """One side's line: time, faults and the watcher of what we send."""

    def __init__(
        self,
        side: str,
        loop: SimulatedLoop,
        life: Life,
        weather: Weather,
        dice: Dice,
        sent: Callable[[WriteCall], None],
    ) -> None:
        self.side = side
        self.loop = loop
        self.life = life
        self.dice = dice
        self._weather = weather
        self._sent = sent

    async def travel(self, fault: Fault | None) -> None:
        """One way over the line; the process may be dead when it is through."""
        typical = 6.0 if fault is Fault.SLOW else 0.15
        await asyncio.sleep(self.dice.soon(typical, 14.0))
        self.life.step(f"waiting for the {self.side}")

    async def wait_in_vain(self) -> None:
        await asyncio.sleep(PATIENCE)
        self.life.step(f"waiting for the {self.side}")

    def read_fault(self) -> Fault | None:
        self.life.step(f"before a read of the {self.side}")
        return self._weather.meets(self.side, self.loop.time(), READ_FAULTS)

    async def read(self) -> tuple[Fault | None, float]:
        """Go there and back: the fault that was met, and how old the news is that comes back."""
        fault = self.read_fault()
        if fault in (Fault.TIME_OUT, Fault.UNREACHABLE):
            await (self.wait_in_vain() if fault is Fault.TIME_OUT else self.travel(None))
            return fault, 0.0
        await self.travel(fault)
        if fault is Fault.EXPIRED and self.dice.chance(0.7):
            await self.travel(None)
            fault = None
        return fault, self.dice.between(1, 60) if fault is Fault.STALE else 0.0

    async def write(
        self, change: str, order_id: str, about: Sequence[str], act: Callable[[], Answer]
    ) -> Answer:
        """Send one write; what arrives there takes effect whether or not we live to hear of it."""
        self.life.step(f"before a write to the {self.side}")
        fault = self._weather.meets(self.side, self.loop.time(), WRITE_FAULTS)
        self._sent(
            WriteCall(at=self.loop.time(), side=self.side, change=change, order_id=order_id,
                      about=tuple(about))
        )  # fmt: skip
        if fault is Fault.EXPIRED:
            await self.travel(None)
            refused = Answer(outcome=Outcome.REFUSED, reason=RefusalReason.NOT_ALLOWED, said="401")
            if self.dice.chance(0.2):
                return refused
            fault = None
        answers: list[Answer] = []
        if fault not in _NOT_APPLIED:
            self.loop.call_later(self.dice.soon(0.15, 20.0), lambda: answers.append(act()))
        if fault in (Fault.TIME_OUT, Fault.TIME_OUT_APPLIED):
            await self.wait_in_vain()
        else:
            await self._await_answer(answers, fault)
        if fault is Fault.IGNORED:
            return Answer(outcome=Outcome.APPLIED, said="Success")
        if fault in _UNKNOWN or not answers:
            return Answer(outcome=Outcome.UNKNOWN, said=fault.value if fault else "no answer in time")
        return answers[0]

    async def _await_answer(self, answers: list[Answer], fault: Fault | None) -> None:
        deadline = self.loop.time() + PATIENCE
        await self.travel(fault)
        while not answers and fault not in _NOT_APPLIED and self.loop.time() < deadline:
            await asyncio.sleep(0.5)
            self.life.step(f"waiting for the {self.side}")


def _offers(*names: str, but: frozenset[str] = frozenset()) -> Mapping[str, Capability]:
    return {name: Capability(name=name, offered=name not in but, how="simulated") for name in names}


class SimulatedStorefront:
    """The shop as a `StorefrontPort`."""

    def __init__(self, shop: Shop, line: Line, *, not_offered: frozenset[str] = frozenset()) -> None:
        self._shop = shop
        self._line = line
        self._capabilities = _offers(
            "read", "list", "cancel_order", "cancel_line", "ship", "track", "note", but=not_offered
        )

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return self._capabilities

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[StorefrontOrder | OrderNotRead]:
        began = self._line.life.clock()
        fault, lag = await self._line.read()
        return [self._one(order_id, began, fault, lag) for order_id in order_ids]

    def _one(
        self, order_id: str, began: datetime, fault: Fault | None, lag: float
    ) -> StorefrontOrder | OrderNotRead:
        if fault in _UNREADABLE or (fault is Fault.PARTIAL and self._line.dice.chance(0.5)):
            status = Unreadable(fault.value if fault else "")
            return OrderNotRead(order_id=order_id, began_at=began, status=status)
        order = self._shop.read(order_id, began, lag)
        if order is None or fault is Fault.MISSING:
            return OrderNotRead(order_id=order_id, began_at=began, status=GONE)
        return order

    async def describe(self, order_id: str) -> StorefrontOrder | None:
        began = self._line.life.clock()
        fault, lag = await self._line.read()
        if fault in _UNREADABLE or fault in (Fault.PARTIAL, Fault.MISSING):
            return None
        return self._shop.read(order_id, began, lag, whole=True)

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[StorefrontOrder] | None:
        self._line.life.listed_at = self._line.loop.time()
        self._line.life.listed_by_clock = self._line.life.clock()
        if not self._capabilities["list"].offered:
            return None
        began = self._line.life.clock()
        fault, lag = await self._line.read()
        if fault in _UNREADABLE:
            return None
        after = (since - EPOCH).total_seconds()
        found = []
        for order in self._shop.orders.values():
            if order.placed < after or (cancelled_only and not order.cancelled):
                continue
            left_out = fault in (Fault.PARTIAL, Fault.MISSING) and self._line.dice.chance(0.5)
            shown = None if left_out else self._shop.read(order.order_id, began, lag)
            if shown is not None:
                found.append(shown)
        return found

    async def find_order_of_line(self, line_id: str) -> str | None:
        fault, _ = await self._line.read()
        if fault is not None and fault not in (Fault.SLOW, Fault.STALE):
            return None
        return self._shop.order_of_line.get(line_id)

    async def cancel(
        self,
        order_id: str,
        line_ids: Sequence[str] | None,
        *,
        note: str,  # noqa: ARG002
        fence: str = "",
    ) -> Answer:
        if line_ids is None:
            return await self._line.write(
                "cancel", order_id, ("order",), lambda: self._shop.cancel_order(order_id, "us", fence)
            )
        wanted = list(line_ids)
        return await self._line.write(
            "cancel", order_id, wanted, lambda: self._shop.cancel_lines(order_id, wanted, "us", fence)
        )

    async def ship(self, order_id: str, *, tracking: str, partial: bool) -> Answer:
        return await self._line.write(
            "ship_part" if partial else "ship",
            order_id,
            (),
            lambda: self._shop.ship(order_id, "us", tracking=tracking, partial=partial),
        )

    async def track(self, order_id: str, *, tracking: str) -> Answer:
        return await self._line.write(
            "track", order_id, (), lambda: self._shop.track(order_id, "us", tracking=tracking)
        )

    async def note(self, order_id: str, text: str) -> Answer:  # noqa: ARG002
        await self._line.travel(None)
        return Answer(outcome=Outcome.APPLIED)

    async def check(self) -> str | None:
        return None

    def order_url(self, order_id: str) -> str:
        return f"https://storefront.example/orders/{order_id}"


class SimulatedMis:
    """The plant as a `MisPort`. `readable` false: nothing can be read back, so people's word has to do."""

    def __init__(self, plant: Plant, line: Line, *, readable: bool = True) -> None:
        self._plant = plant
        self._line = line
        self._readable = readable
        self._capabilities = _offers(
            "find", "list", "read", "cancel_job", "cancel_sales_order", but=frozenset({"cancel_sales_order"})
        )

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return self._capabilities

    async def find(self, keys: OrderKeys) -> Sequence[MisItem] | None:
        began = self._line.life.clock()
        fault, lag = await self._line.read()
        if fault in _UNREADABLE:
            return None
        if fault in (Fault.PARTIAL, Fault.MISSING):
            return ()
        return self._shown((item for item in self._plant.items.values() if _carries(item, keys)), began, lag)

    async def list_changed(self, since: datetime) -> Sequence[MisItem] | None:
        began = self._line.life.clock()
        fault, lag = await self._line.read()
        if fault in _UNREADABLE:
            return None
        after = (since - EPOCH).total_seconds()
        changed = [item for item in self._plant.items.values() if item.modified >= after]
        if fault in (Fault.PARTIAL, Fault.MISSING):
            changed = changed[: len(changed) // 2]
        return self._shown(changed, began, lag)

    def _shown(self, items: Sequence[PlantItem] | object, began: datetime, lag: float) -> list[MisItem]:
        shown = (self._plant.read(item, began, lag) for item in items)  # type: ignore[union-attr]
        return [item for item in shown if item is not None]

    async def read(self, refs: Sequence[MisRef]) -> Sequence[MisItem]:
        began = self._line.life.clock()
        fault, lag = await self._line.read()
        return [self._one(ref, began, fault, lag) for ref in refs]

    def _one(self, ref: MisRef, began: datetime, fault: Fault | None, lag: float) -> MisItem:
        blank = MisItem(ref=ref.ref, kind=ref.kind, group=ref.group, began_at=began, status=GONE)
        if not self._readable:
            return msgspec.structs.replace(blank, status=Unreadable("read_by = none"))
        if fault in _UNREADABLE or (fault is Fault.PARTIAL and self._line.dice.chance(0.5)):
            return msgspec.structs.replace(blank, status=Unreadable(fault.value if fault else ""))
        item = self._plant.items.get(ref.ref)
        shown = self._plant.read(item, began, lag) if item and fault is not Fault.MISSING else None
        return shown or blank

    async def cancel(self, ref: MisRef) -> Answer:
        if ref.kind is not MisItemKind.JOB:
            return Answer(outcome=Outcome.UNSUPPORTED, said="no way to cancel a sales order from outside")
        item = self._plant.items[ref.ref]
        return await self._line.write(
            "cancel", item.order_id, (ref.ref,), lambda: self._plant.cancel(item, "us")
        )

    async def check(self) -> str | None:
        return None

    def item_url(self, ref: MisRef) -> str:
        return f"https://mis.example/items/{ref.ref}"


def _carries(item: PlantItem, keys: OrderKeys) -> bool:
    return (
        item.customer_reference in (keys.order_id, keys.po_number)
        or item.external_reference in keys.line_ids
        or (item.quote_no != "" and item.quote_no in keys.quote_ids)
        or any(f"{keys.order_id}/{line_id}" in item.notes for line_id in keys.line_ids)
    )
