"""What the two systems send by themselves: webhooks, late, doubled, out of order or never."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from countermand.bridge.ports import MisItemKind
from countermand.core.status import Side
from countermand.simulation.dice import Dice, DiceOf
from countermand.simulation.loop import SimulatedLoop
from countermand.simulation.mis import PlantItem
from countermand.simulation.script import Setup
from countermand.simulation.storefront import ShopOrder

Deliver = Callable[[Side, bytes], bool]

_NOISE = (
    b"", b"\xff\xfe\x00", b"<html><body>Sign in</body></html>", b'{"webhook": {}, "data": []}', b"[1, 2",
    b'{"Event": "JobStatusChanged", "JobNo": "J99999-01"}',
    b'{"webhook": {"action": "updated", "entity": "order"}, "data": [{"Id": 99999}]}',
    b'{"Event": "CreateJob", "AcceptanceKey": 7}',
)  # fmt: skip


class Messages:
    """Sends each change out as a webhook of its system. `deliver`: false when nobody was there to take it."""

    def __init__(self, setup: Setup, loop: SimulatedLoop, dice: DiceOf, deliver: Deliver) -> None:
        self._setup = setup
        self._loop = loop
        self._dice = dice
        self._deliver = deliver

    def order_changed(self, order: ShopOrder) -> None:
        dice = self._dice(order.order_id)
        line = dice.pick(order.lines)
        row: dict[str, object] = {"Id": line.line_id, "Status": 23}
        if dice.chance(0.7):
            row["OrderId"] = int(order.order_id)
        envelope = {"webhook": {"action": "updated", "entity": "order"}, "data": [row]}
        self._send(dice, Side.STOREFRONT, envelope)

    def item_changed(self, item: PlantItem) -> None:
        number = "JobNo" if item.kind is MisItemKind.JOB else "SalesOrderNo"
        message: dict[str, object] = {"Event": "StatusChanged", number: item.ref}
        dice = self._dice(item.order_id)
        if dice.chance(0.5):
            message["AcceptanceKey"] = item.group
        self._send(dice, Side.MIS, message)

    def noise(self, which: int) -> None:
        """A message that is garbage, or about nothing that anybody knows."""
        side = Side.STOREFRONT if self._dice("noise").chance(0.5) else Side.MIS
        self._deliver(side, _NOISE[which % len(_NOISE)])

    def _send(self, dice: Dice, side: Side, message: object) -> None:
        if not self._setup.hooks or dice.chance(self._setup.hooks_lost):
            return
        body = msgspec.json.encode(message)
        for _ in range(1 + dice.chance(0.1)):
            self._loop.call_later(dice.soon(1.0, 3 * 3600.0), self._arrive, dice, side, body, 3)

    def _arrive(self, dice: Dice, side: Side, body: bytes, tries: int) -> None:
        if not self._deliver(side, body) and tries and dice.chance(0.5):
            self._loop.call_later(dice.soon(60.0, 3600.0), self._arrive, dice, side, body, tries - 1)
