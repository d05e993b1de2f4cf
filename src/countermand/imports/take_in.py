"""Taking in orders that a running service did not know: from an export's rows, or read by id.

The cases go through the converger like everything else. An order that differs is read again in both systems
before anything is concluded, so an export may be old; and at first sight nothing is ever written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.adoption import listed_order, unknown
from countermand.bridge.case import Case
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.converge import Converger
from countermand.bridge.ports import MisItem, StorefrontOrder
from countermand.bridge.store import Store
from countermand.core.status import Facts
from countermand.core.tasks import TaskKind
from countermand.imports.batch import ImportBatch, Taken


async def take_in(
    batch: ImportBatch, connection: Connection, store: Store, clock: Callable[[], datetime]
) -> Taken:
    """Open a case for every order of the batch that is not known yet; safe to repeat."""
    asked = dict.fromkeys((*(order.order_id for order in batch.orders), *batch.order_ids))
    known = await store.load(connection.name, list(asked))
    await _remember(batch.items, connection, store)
    passes = [_shown(order, clock()) for order in batch.orders if order.order_id not in known]
    passes += [unknown(one, clock()) for one in dict.fromkeys(batch.order_ids) if one not in known]
    await Converger(connection, store, clock).converge(passes)
    taken = await store.load(connection.name, [one.case.order_id for one in passes])
    review = sum(_to_review(one.case) for one in taken.values())
    in_step = sum(_in_step(one.case) for one in taken.values())
    return Taken(
        known=len(known),
        not_found=len(asked) - len(known) - len(taken),
        to_review=review,
        in_step=in_step,
        other=len(taken) - review - in_step,
    )


async def _remember(items: Sequence[MisItem], connection: Connection, store: Store) -> None:
    """Jobs that belong to no order yet are kept where the orders' keys find them."""
    refs = [item.ref for item in items]
    owned = await store.orders_of(connection.name, "item", refs) if refs else {}
    await store.keep_unlinked(connection.name, [item for item in items if item.ref not in owned])


def _shown(order: StorefrontOrder, now: datetime) -> Pass:
    """An order as an export shows it; nothing more is asked about it unless it differs."""
    one = listed_order(None, order, now)
    return replace(one, case=replace(one.case, described=True))


def _to_review(case: Case) -> bool:
    return any(task.kind is TaskKind.IMPORT_REVIEW for task in case.tasks)


def _in_step(case: Case) -> bool:
    return bool(case.lines) and all(
        line.base is not None and isinstance(line.storefront.status, Facts) for line in case.lines
    )
