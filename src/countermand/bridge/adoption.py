"""Taking in orders that were not known before."""

from __future__ import annotations

from collections.abc import Sequence

from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.ports import StorefrontOrder
from countermand.bridge.sightings import open_case


async def adopt(connection: Connection, order_ids: Sequence[str]) -> list[Pass]:
    """Read orders by id and open a case for each that the storefront has; the rest are not ours."""
    if not order_ids:
        return []
    read = await connection.storefront.read_orders(order_ids)
    return [
        Pass(stored=None, case=open_case(order), raw={order.order_id: order.raw})
        for order in read
        if isinstance(order, StorefrontOrder)
    ]
