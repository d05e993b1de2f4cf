"""The two systems as the bridge sees them: the state machines behind a bad line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from countermand.core.command import Answer, Outcome
from countermand.core.status import GONE, Unreadable
from countermand.simulation.line import INCOMPLETE, UNREADABLE, Line
from countermand.simulation.loop import EPOCH
from countermand.simulation.mis import Plant, PlantItem
from countermand.simulation.storefront import Shop
from countermand.simulation.weather import Fault


def _offers(*names: str, but: frozenset[str] = frozenset()) -> Mapping[str, Capability]:
    return {name: Capability(name=name, offered=name not in but, how="simulated") for name in names}


class SimulatedStorefront:
    """The shop as a `StorefrontPort`."""

    def __init__(self, shop: Shop, line: Line, *, lacks: frozenset[str] = frozenset()) -> None:
        self._shop = shop
        self._line = line
        self._capabilities = _offers(
            "read", "list", "cancel_order", "cancel_line", "ship", "track", "note", but=lacks
        )

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return self._capabilities

    def reads_well(self, at: float) -> bool:
        """Whether reading orders at that time would meet no fault."""
        return self._line.is_clear("read", at)

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[StorefrontOrder | OrderNotRead]:
        began = self._line.life.clock()
        call, lag = await self._line.read("read")
        return [self._one(order_id, began, call.fault, lag) for order_id in order_ids]

    def _one(
        self, order_id: str, began: datetime, fault: Fault | None, lag: float
    ) -> StorefrontOrder | OrderNotRead:
        if fault in UNREADABLE or (fault is Fault.PARTIAL and self._line.dice(order_id).chance(0.5)):
            status = Unreadable(fault.value if fault else "")
            return OrderNotRead(order_id=order_id, began_at=began, status=status)
        order = self._shop.read(order_id, began, lag)
        if order is None or fault is Fault.MISSING:
            return OrderNotRead(order_id=order_id, began_at=began, status=GONE)
        return order

    async def describe(self, order_id: str) -> StorefrontOrder | OrderNotRead:
        began = self._line.life.clock()
        call, lag = await self._line.read(f"describe {order_id}")
        failed = call.fault in UNREADABLE or call.fault in INCOMPLETE
        order = None if failed else self._shop.read(order_id, began, lag, whole=True)
        return order or OrderNotRead(order_id=order_id, began_at=began, status=Unreadable("not described"))

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[StorefrontOrder] | None:
        if not cancelled_only:
            self._line.life.listing_begins(self._line.loop.time())
        if not self._capabilities["list"].offered:
            return None
        began = self._line.life.clock()
        call, lag = await self._line.list_all(f"list {cancelled_only}")
        if call.fault in UNREADABLE:
            return None
        after = (since - EPOCH).total_seconds()
        found = []
        for order in self._shop.orders.values():
            if order.placed < after or (cancelled_only and not order.cancelled):
                continue
            left_out = call.fault in INCOMPLETE and call.dice.chance(0.5)
            shown = None if left_out else self._shop.read(order.order_id, began, lag)
            if shown is not None:
                found.append(shown)
        return found

    async def find_order_of_line(self, line_id: str) -> str | Unreadable | None:
        call, _ = await self._line.read(f"find {line_id}")
        if call.fault not in (None, Fault.SLOW, Fault.STALE):
            return Unreadable(call.fault.value)
        return self._shop.find_order_of_line(line_id)

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
        await self._line.read(f"note {order_id}")
        return Answer(outcome=Outcome.APPLIED)

    async def check(self) -> str | None:
        return None

    def order_url(self, order_id: str) -> str:
        return f"https://storefront.example/orders/{order_id}"


class SimulatedMis:
    """The plant as a `MisPort`."""

    def __init__(self, plant: Plant, line: Line, *, lacks: frozenset[str] = frozenset()) -> None:
        self._plant = plant
        self._line = line
        self._capabilities = _offers(
            "find", "list", "read", "cancel_job", "cancel_sales_order", but=lacks | {"cancel_sales_order"}
        )

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return self._capabilities

    async def find(self, keys: OrderKeys) -> Sequence[MisItem] | None:
        if not self._capabilities["find"].offered:
            return None
        began = self._line.life.clock()
        call, lag = await self._line.read(f"find {keys.order_id}")
        if call.fault in UNREADABLE:
            return None
        if call.fault in INCOMPLETE:
            return ()
        return self._shown(self._plant.carrying(keys), began, lag)

    async def list_changed(self, since: datetime) -> Sequence[MisItem] | None:
        began = self._line.life.clock()
        if not self._capabilities["list"].offered:
            self._line.life.listing_ends()
            return None
        call, lag = await self._line.list_all("list")
        self._line.life.listing_ends()
        if call.fault in UNREADABLE:
            return None
        after = (since - EPOCH).total_seconds()
        changed = [item for item in self._plant.items.values() if item.modified >= after]
        if call.fault in INCOMPLETE:
            changed = changed[: len(changed) // 2]
        return self._shown(changed, began, lag)

    def _shown(self, items: Iterable[PlantItem], began: datetime, lag: float) -> list[MisItem]:
        shown = (self._plant.read(item, began, lag) for item in items)
        return [item for item in shown if item is not None]

    def reads_well(self, at: float) -> bool:
        """Whether reading items at that time would meet no fault."""
        return self._line.is_clear("read", at)

    async def read(self, refs: Sequence[MisRef]) -> Sequence[MisItem]:
        began = self._line.life.clock()
        call, lag = await self._line.read("read")
        return [self._one(ref, began, call.fault, lag) for ref in refs]

    def _one(self, ref: MisRef, began: datetime, fault: Fault | None, lag: float) -> MisItem:
        blank = MisItem(ref=ref.ref, kind=ref.kind, group=ref.group, began_at=began, status=GONE)
        if fault in UNREADABLE or (fault is Fault.PARTIAL and self._line.dice(ref.ref).chance(0.5)):
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
