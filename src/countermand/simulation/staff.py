"""People at the screens of the two systems, doing what the script says."""

from __future__ import annotations

from countermand.bridge.ports import LineKind, MisItemKind, Payment
from countermand.simulation.dice import DiceOf
from countermand.simulation.loop import SimulatedLoop
from countermand.simulation.mis import Plant, PlantItem
from countermand.simulation.plugin import Plugin
from countermand.simulation.script import CUSTOMERS, Act, Do
from countermand.simulation.storefront import Shop, ShopLine, ShopOrder

BY = "staff"
#: What a sales order is called where a job has a status id.
_WORDS = {2: "Picked", 3: "Picked", 20: "Packed"}


class Staff:
    """Performs acts; one that makes no sense any more (the job is cancelled) is mostly left undone."""

    def __init__(self, loop: SimulatedLoop, dice: DiceOf, shop: Shop, plant: Plant, plugin: Plugin) -> None:
        self._loop = loop
        self._dice = dice
        self._shop = shop
        self._plant = plant
        self._plugin = plugin
        self._order_ids: dict[int, str] = {}

    def perform(self, act: Act) -> None:
        if act.do is Do.PLACE:
            self._place(act)
            return
        order = self._shop.orders.get(self._order_ids.get(act.order, ""))
        if order is None or act.line >= len(order.lines):
            return
        line = order.lines[max(act.line, 0)]
        items = self._plant.of_line(order.order_id, line.line_id)
        self._on_order(act, order, line)
        for item in items:
            self._on_item(act, order, line, item)

    def _place(self, act: Act) -> None:
        number = 10001 + act.order
        order_id = str(number)
        dice = self._dice(order_id)
        self._order_ids[act.order] = order_id
        lines = [
            ShopLine(
                line_id=f"{'d' if kind == 'p' else 's'}{number * 10 + place}",
                kind=LineKind.PRINT if kind == "p" else LineKind.STOCK,
                quantity=dice.pick((50, 100, 250, 500)),
            )
            for place, kind in enumerate(act.text)
        ]
        order = ShopOrder(
            order_id=order_id,
            number=number,
            placed=self._loop.time(),
            customer=dice.pick(CUSTOMERS),
            po_number=f"PO-{1 + act.order // 2}" if dice.chance(0.5) else "",
            total=str(dice.pick((45, 180, 620, 2400))),
            payment=dice.pick((Payment.PAID, Payment.UNPAID)),
            lines=lines,
        )
        self._shop.place(order)
        self._plugin.order_placed(order)

    # In the storefront

    def _on_order(self, act: Act, order: ShopOrder, line: ShopLine) -> None:
        match act.do:
            case Do.DELETE_ORDER if not order.deleted:
                self._shop.delete(order.order_id)
            case Do.CANCEL_ORDER if not order.cancelled:
                self._shop.cancel_order(order.order_id, BY)
            case Do.CANCEL_LINE if not (order.cancelled or line.cancelled):
                self._shop.cancel_lines(order.order_id, [line.line_id], BY)
            case Do.SHIP_BY_HAND:
                code = f"HAND-{order.number}" if self._dice(order.order_id).chance(0.5) else ""
                self._shop.ship(
                    order.order_id, BY, tracking=code, partial=self._dice(order.order_id).chance(0.3)
                )
            case Do.REFUND:
                self._shop.refund(order.order_id, BY)
            case _:
                pass

    # In the MIS

    def _on_item(self, act: Act, order: ShopOrder, line: ShopLine, item: PlantItem) -> None:
        unwanted = item.cancelled or order.cancelled or line.cancelled
        if unwanted and act.text != "anyway" and act.do in (Do.STATUS, Do.DISPATCH, Do.DISPATCH_PART):  # noqa: SIM102
            # They see that it is cancelled where it is; that it is cancelled elsewhere they mostly do not.
            if item.cancelled or self._dice(order.order_id).chance(0.2):
                return
        match act.do:
            case Do.STATUS:
                self._set_status(item, int(act.number))
            case Do.DISPATCH | Do.DISPATCH_PART:
                parcel = f"1Z{item.ref}{item.consigned + 1}"
                self._plant.dispatch(item, BY, parcel, only_one=act.do is Do.DISPATCH_PART)
            case Do.CANCEL_JOB:
                self._plant.cancel(item, BY)
            case Do.HOLD if not item.cancelled:
                self._set_status(item, 16)
            case Do.REACTIVATE:
                self._plant.reactivate(item, BY)
            case Do.REPRINT:
                self._plugin.make_another(item)
            case Do.DELETE_JOB:
                self._plant.delete(item, BY)
            case Do.INVOICE:
                self._plant.invoice(item, BY)
            case _:
                pass

    def _set_status(self, item: PlantItem, status: int) -> None:
        if item.kind is MisItemKind.JOB:
            self._plant.set_status(item, status, BY)
        elif status == 16:
            self._plant.set_status(item, "On Backorder", BY)
        elif status in _WORDS and item.status != "Dispatched":
            self._plant.set_status(item, _WORDS[status], BY)
