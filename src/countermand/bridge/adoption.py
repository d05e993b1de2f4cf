"""Taking in orders that were not known before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.ports import StorefrontOrder
from countermand.bridge.sightings import open_case


async def adopt(
    connection: Connection, order_ids: Sequence[str], clock: Callable[[], datetime]
) -> list[Pass]:
    """Read orders by id and open a case for each that the storefront has; the rest are not ours."""
    if not order_ids:
        return []
    read = await connection.storefront.read_orders(order_ids)
    now = clock()
    return [
        Pass(stored=None, case=open_case(order, now), raw={order.order_id: order.raw})
        for order in read
        if isinstance(order, StorefrontOrder)
    ]
