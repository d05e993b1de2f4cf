"""Whether what a system does not find is gone, or the system finds nothing at all.

A gateway that answers "no such order" to everything, a login that is shown no rows, an empty list: each says
the same of every order. So what is missing for the first time is believed only beside something that is
found: another order of the same read, or else some of the newest ones, which are read for that. Only the one
order of a shop that has no other is believed by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec.structs import replace

from countermand.bridge.case import Case
from countermand.bridge.connection import Connection
from countermand.bridge.ports import (
    MisItem,
    MisItemKind,
    MisRef,
    OrderNotRead,
    StorefrontOrder,
    StorefrontPort,
)
from countermand.bridge.store import Store
from countermand.core.status import Facts, Gone, LineStatus, Unmapped, Unreadable, Unseen

Orders = Mapping[str, StorefrontOrder | OrderNotRead]
Items = Mapping[str, MisItem]

#: So many others are read, of so many of the newest orders.
_MOST_READ = 3
_AMONG = 20


async def orders_as_believed(
    cases: Sequence[Case], read: Orders, connection: Connection, store: Store
) -> dict[str, StorefrontOrder | OrderNotRead]:
    """What the storefront was read to show, where it newly finds nothing as not read."""
    was_there = {case.order_id for case in cases if _shown_orders([case])}
    missing = {
        one.order_id: one
        for one in read.values()
        if isinstance(one, OrderNotRead) and _is_missing(one.status) and one.order_id in was_there
    }
    if not missing or _finds_any(read.values()):
        return dict(read)
    others = _shown_orders(await _others(connection, store, read.keys()))[:_MOST_READ]
    found = await connection.storefront.read_orders(others) if others else ()
    if _finds_any(found) or len(missing) + len(others) == 1:
        return dict(read)
    status = _finds_nothing(connection.storefront_name, [*missing, *others])
    return {**read, **{order_id: replace(one, status=status) for order_id, one in missing.items()}}


async def has_order(name: str, storefront: StorefrontPort, order_id: str, store: Store) -> bool | None:
    """Whether a connection's storefront has an order of this number; none where that cannot be told.

    That it has none is believed only while it finds some of the newest that it had.
    """
    others = _shown_orders([one.case for one in await store.newest(name, _AMONG, [order_id])])[:_MOST_READ]
    read = {one.order_id: one for one in await storefront.read_orders([order_id, *others[:1]])}
    order = read.pop(order_id)
    if isinstance(order, StorefrontOrder):
        return True
    if not _is_missing(order.status):
        return None
    if not others or _finds_any(read.values()):
        return False
    # The very newest may have been removed since.
    return False if others[1:] and _finds_any(await storefront.read_orders(others[1:])) else None


def _finds_any(read: Iterable[StorefrontOrder | OrderNotRead]) -> bool:
    return any(isinstance(one, StorefrontOrder) for one in read)


async def items_as_believed(
    cases: Sequence[Case], read: Items, connection: Connection, store: Store
) -> dict[str, MisItem]:
    """What the MIS was read to show, where it newly finds nothing as unreadable.

    Jobs and sales orders are looked at apart: they may be read in different ways.
    """
    believed = dict(read)
    for kind in MisItemKind:
        own = {ref: item for ref, item in read.items() if item.kind is kind}
        was_there = {ref.ref for ref in _shown_items(cases, kind)}
        missing = {ref: item for ref, item in own.items() if _is_missing(item.status) and ref in was_there}
        if not missing or any(_is_shown(item.status) for item in own.values()):
            continue
        cases_of_others = await _others(connection, store, [case.order_id for case in cases])
        others = [ref for ref in _shown_items(cases_of_others, kind) if ref.ref not in read][:_MOST_READ]
        found = await connection.mis.read(others) if others else ()
        concerned = [case for case in cases if any(item.ref in missing for item in case.items)]
        if any(_is_shown(item.status) for item in found) or len(concerned) + len(others) == 1:
            continue
        status = _finds_nothing(connection.mis_name, [*missing, *(ref.ref for ref in others)])
        believed |= {ref: replace(item, status=status) for ref, item in missing.items()}
    return believed


async def _others(connection: Connection, store: Store, without: Sequence[str] | Set[str]) -> list[Case]:
    return [one.case for one in await store.newest(connection.name, _AMONG, sorted(without))]


def _shown_orders(cases: Sequence[Case]) -> list[str]:
    """Those of which the storefront has shown something that it was not seen to have lost since."""
    return [case.order_id for case in cases if any(_is_shown(line.storefront.status) for line in case.lines)]


def _shown_items(cases: Sequence[Case], kind: MisItemKind) -> list[MisRef]:
    return [
        MisRef(ref=item.ref, kind=item.kind, group=item.group)
        for case in cases
        for item in case.items
        if item.kind is kind and _is_shown(item.mis.status)
    ]


def _is_shown(status: LineStatus) -> bool:
    return isinstance(status, Facts | Unmapped)


def _is_missing(status: LineStatus) -> bool:
    return isinstance(status, Gone | Unseen)


def _finds_nothing(name: str, refs: Sequence[str]) -> Unreadable:
    named = ", ".join(refs[:_MOST_READ])
    return Unreadable(f"{name} finds nothing any more of what it had: none of {named}")
