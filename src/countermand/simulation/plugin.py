"""The vendors' own plugin: it sends orders to the MIS, and in some shops it passes changes back before us."""

from __future__ import annotations

import msgspec

from countermand.bridge.ports import LineKind, MisItemKind
from countermand.core.status import Facts, Progress
from countermand.simulation.dice import DiceOf
from countermand.simulation.loop import SimulatedLoop
from countermand.simulation.mis import Plant, PlantItem
from countermand.simulation.script import Setup
from countermand.simulation.storefront import Shop, ShopLine, ShopOrder

BY = "plugin"


class Plugin:
    """Moves orders and statuses between the two systems without us."""

    def __init__(self, setup: Setup, loop: SimulatedLoop, dice: DiceOf, shop: Shop, plant: Plant) -> None:
        self._setup = setup
        self._loop = loop
        self._dice = dice
        self._shop = shop
        self._plant = plant
        self._numbers = 0
        self._on_its_way: set[str] = set()

    # Orders to the MIS

    def order_placed(self, order: ShopOrder) -> None:
        """Send the order on after a while; a few never arrive, and a few only after hours."""
        if self._dice(order.order_id).chance(0.03):
            return
        self._loop.call_later(self._dice(order.order_id).soon(120.0, 8 * 3600.0), self._accept, order)

    def _accept(self, order: ShopOrder) -> None:
        if order.cancelled or order.deleted:
            return
        self._numbers += 1
        per_line = self._dice(order.order_id).chance(0.5)
        for place, line in enumerate(order.lines, start=1):
            if line.cancelled:
                continue
            if per_line:
                line.quote_id = f"Q{order.number:05d}{place}"
            self._plant.accept(self._item(order, line, place, per_line=per_line))

    def _item(self, order: ShopOrder, line: ShopLine, place: int, *, per_line: bool) -> PlantItem:
        is_job = line.kind is LineKind.PRINT
        by_line = self._setup.reference in ("line", "po")
        reference = order.po_number if self._setup.reference == "po" else order.order_id
        return PlantItem(
            ref=f"J{order.number:05d}-{place:02d}" if is_job else f"SO{order.number:05d}{place}",
            kind=MisItemKind.JOB if is_job else MisItemKind.SALES_ORDER,
            order_id=order.order_id,
            line_id=line.line_id,
            group=f"{order.number}{place}" if per_line else str(order.number),
            customer_reference=reference or order.order_id,
            external_reference=line.line_id if is_job and by_line else "",
            notes="" if is_job else f"{order.order_id}/{line.line_id}",
            quote_no=line.quote_id,
            quantity=line.quantity,
            status=22 if is_job else "Confirmed",
            before=22 if is_job else "Confirmed",
            deliveries=[""] * self._dice(order.order_id).weighted([(1, 7), (2, 2), (3, 1)]),
        )

    def make_another(self, item: PlantItem) -> None:
        """Part of it was spoilt: somebody copies the job, with every reference, and has it made once more.

        Not where jobs are known by messages alone: nobody could know of a copy whose messages are lost.
        """
        by_messages_alone = "list" in self._setup.mis_lacks
        if item.kind is not MisItemKind.JOB or item.cancelled or by_messages_alone:
            return
        made = sum(1 for ref in self._plant.items if ref.startswith(f"{item.ref}-"))
        copy = msgspec.structs.replace(
            item, ref=f"{item.ref}-{made + 1}", status=22, before=22, deliveries=[""], tracking=[], shown=[]
        )
        self._plant.accept(copy)

    # Statuses to the storefront

    def item_changed(self, item: PlantItem) -> None:
        """In shops where the plugin does it: pass a dispatch or a cancel on after a while."""
        order = self._shop.orders[item.order_id]
        items = self._plant.of_order[item.order_id]
        if self._setup.plugin_ships and all(map(self._has_left, items)) and self._any_sent(items):
            self._later(f"ship {order.order_id}", lambda: self._ship(order))
        if self._setup.plugin_cancels and item.cancelled and not item.consigned:
            self._later(f"cancel {item.ref}", lambda: self._cancel(item))

    def _later(self, what: str, act: object) -> None:
        dice = self._dice(what)
        if what in self._on_its_way or dice.chance(0.1):
            return
        self._on_its_way.add(what)

        def go() -> None:
            self._on_its_way.discard(what)
            act()  # type: ignore[operator]

        self._loop.call_later(dice.soon(30.0, 1800.0), go)

    def _has_left(self, item: PlantItem) -> bool:
        return item.cancelled or item.consigned == len(item.deliveries)

    def _any_sent(self, items: list[PlantItem]) -> bool:
        return any(item.consigned for item in items if not item.cancelled)

    def _ship(self, order: ShopOrder) -> None:
        tracking = sorted({code for item in self._plant.of_order[order.order_id] for code in item.tracking})
        self._shop.ship(order.order_id, BY, tracking=", ".join(tracking), partial=False)

    def _cancel(self, item: PlantItem) -> None:
        status = self._plant.status(item)
        if isinstance(status, Facts) and status.cancelled and status.progress is Progress.NONE:
            self._shop.cancel_lines(item.order_id, [item.line_id], BY)
