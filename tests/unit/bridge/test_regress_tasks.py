"""Tasks that stayed open without a reason: found by simulation."""

from __future__ import annotations

from bridge_fakes import Small, run

from countermand.bridge.ports import LineKind, MisItemKind
from countermand.core.tasks import TaskKind


def test_cannot_read_ends_when_it_can_be_read_although_another_line_waits_for_a_person() -> None:
    """Seed 10: a stock line waited for a person, and the order was said to be unreadable for days."""

    async def story() -> None:
        small = Small()
        order = small.storefront.place("10001", "s1", "d2")
        order.lines[0].kind = LineKind.STOCK
        small.mis.make("SO1", kind=MisItemKind.SALES_ORDER, external_reference="s1")
        small.mis.make("J2", external_reference="d2")
        small.order_hook("10001")
        await small.settle()
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.task(TaskKind.CANCEL_STOCK_LINE).state == "open"
        small.storefront.down = "502"
        small.order_hook("10001")
        await small.settle(60)
        assert small.task(TaskKind.CANNOT_READ).state == "open"
        small.storefront.down = ""
        small.order_hook("10001")
        await small.settle(60)
        assert small.task(TaskKind.CANNOT_READ).state == "closed"
        assert small.tasks(TaskKind.CANCEL_STOCK_LINE)[-1].state == "open"

    run(story())
