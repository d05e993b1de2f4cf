"""Taking in what a listing shows of orders, and orders that were not known before: pure.

It is done within the pass over the order, so that an error of ours about one of them holds up no other.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.case import Case
from countermand.bridge.clocks import put_right
from countermand.bridge.conclude import Pass
from countermand.bridge.ports import MisItem, OrderNotRead, StorefrontOrder
from countermand.bridge.sightings import blank_case, differences, see_items, see_order
from countermand.bridge.store import StoredCase


def unknown(order_id: str, now: datetime) -> Pass:
    """A pass over an order of which only the number is known; it may be none of this storefront's."""
    return Pass(stored=None, case=blank_case(order_id, now, now), unknown=True)


def listed_order(stored: StoredCase | None, order: StorefrontOrder | OrderNotRead, now: datetime) -> Pass:
    """A pass over an order that a listing shows; one that it only names is read."""
    if isinstance(order, OrderNotRead):
        return _named(stored, order.order_id, now)
    case = stored.case if stored else blank_case(order.order_id, now, order.began_at)
    return Pass(stored=stored, case=case, listed=(order,))


def _named(stored: StoredCase | None, order_id: str, now: datetime) -> Pass:
    if stored is None:
        return unknown(order_id, now)
    return Pass(stored=stored, case=replace(stored.case, look_storefront_at=now))


def take_in(one: Pass, now: datetime) -> Pass | None:
    """The pass with what was listed taken in; none when all of it is known."""
    began_at = min((now, *(shown.began_at for shown in one.listed)))
    case, raw = put_right(one.case, now, began_at), dict(one.raw)
    if not one.listed:
        return replace(one, case=case)
    for shown in one.listed:
        case = _shown(case, shown, now)
        raw[shown.ref if isinstance(shown, MisItem) else shown.order_id] = shown.raw
    if one.stored is not None and not differences(one.stored.case, case, {}):
        return None
    return replace(one, case=case, listed=(), raw=raw)


def _shown(case: Case, shown: StorefrontOrder | MisItem, now: datetime) -> Case:
    return see_items(case, [shown], now) if isinstance(shown, MisItem) else see_order(case, shown, now)
