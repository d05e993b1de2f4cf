"""The bridge's storage (`bridge.store.Store`) on a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Connection, Engine, and_, bindparam, delete, select, true, union, update

from countermand.bridge.case import Case
from countermand.bridge.ports import MisItem
from countermand.bridge.store import BrakeLimits, Change, Entry, Hook, HookEnd, StoredCase
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.core.status import Side
from countermand.ledger import schema
from countermand.ledger.journal import append
from countermand.ledger.prepared import Prepared, Row, Values
from countermand.ledger.saving import TRIPPED, upsert
from countermand.ledger.saving import save_changes as save_changes
from countermand.ledger.writer import Writer

_orders = schema.orders
_ROW = (_orders.c.id, _orders.c.version, _orders.c.case_file)
_OF: BindParameter[str] = bindparam("of")
_VALUES: BindParameter[list[str]] = bindparam("values", expanding=True)

# Statements are made once: building one costs more than running it.

#: Orders whose time has come, most overdue first.
_DUE = Prepared(
    select(*_ROW)
    .where(_orders.c.connection == _OF, _orders.c.due_at <= bindparam("now"))
    .order_by(_orders.c.due_at)
    .limit(bindparam("most"))
)
#: When the next order's time comes.
_NEXT_ORDER = Prepared(
    select(_orders.c.due_at)
    .where(_orders.c.connection == _OF, _orders.c.due_at.is_not(None))
    .order_by(_orders.c.due_at)
    .limit(1)
)
#: When the next message is tried again.
_NEXT_HOOK = Prepared(
    select(schema.inbox.c.due_at)
    .where(schema.inbox.c.connection == _OF, schema.inbox.c.state == "waiting")
    .order_by(schema.inbox.c.due_at)
    .limit(1)
)
#: Orders by the storefront's own ids.
_LOAD = Prepared(
    select(_orders.c.order_ref, *_ROW).where(_orders.c.connection == _OF, _orders.c.order_ref.in_(_VALUES))
)
#: The newest orders, but for some.
_NEWEST = Prepared(
    select(*_ROW)
    .where(_orders.c.connection == _OF, _orders.c.order_ref.not_in(_VALUES), _orders.c.state != "closed")
    .order_by(_orders.c.id.desc())
    .limit(bindparam("most"))
)
#: Which orders some numbers lead to.
_ORDERS_OF = Prepared(
    select(schema.reference.c.value, _orders.c.order_ref)
    .join(_orders, _orders.c.id == schema.reference.c.order_id)
    .where(
        schema.reference.c.connection == _OF,
        schema.reference.c.kind == bindparam("kind"),
        schema.reference.c.value.in_(_VALUES),
    )
    .order_by(_orders.c.id)
)
#: Messages that are new, and those whose next try is due. The states come as a list, by which the index is
#: used: the messages of years, which are kept and done with, are never walked through.
_HOOKS = Prepared(
    select(
        schema.inbox.c.id,
        schema.inbox.c.side,
        schema.inbox.c.received_at,
        schema.inbox.c.content_type,
        schema.inbox.c.body,
        schema.inbox.c.tries,
    )
    .where(
        schema.inbox.c.connection == _OF,
        schema.inbox.c.state.in_(bindparam("states", expanding=True)),
        (schema.inbox.c.state == "new") | (schema.inbox.c.due_at <= bindparam("now")),
    )
    .order_by(schema.inbox.c.id)
    .limit(bindparam("most"))
)
#: Items without an order that carry any of these numbers: one index for each place where a number can stand,
#: for most of what a MIS makes belongs to no storefront, and is kept all the same.
_UNLINKED = Prepared(
    union(
        *(
            select(schema.unlinked_item.c.item).where(
                schema.unlinked_item.c.connection == _OF, column.in_(_VALUES)
            )
            for column in (
                schema.unlinked_item.c.customer_reference,
                schema.unlinked_item.c.external_reference,
                schema.unlinked_item.c.ref,
            )
        )
    )
)
_DROP_UNLINKED = delete(schema.unlinked_item).where(
    schema.unlinked_item.c.connection == _OF, schema.unlinked_item.c.ref.in_(_VALUES)
)
_WATERMARK = Prepared(
    select(schema.watermark.c.reached).where(
        schema.watermark.c.connection == _OF, schema.watermark.c.name == bindparam("called")
    )
)
#: What became of a message.
_FINISH_HOOK = Prepared(
    update(schema.inbox)
    .where(schema.inbox.c.id == bindparam("hook_id"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        due_at=bindparam("new_due_at"),
        tries=schema.inbox.c.tries + 1,
    )
)


class DatabaseStore:
    """Reads on the engine, writes through the one writer."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    def _rows(self, statement: Prepared, wanted: Values) -> Sequence[Row]:
        return statement.read(self._engine, wanted)

    async def due(self, connection: str, now: datetime, limit: int) -> list[StoredCase]:
        return [_stored(*row) for row in self._rows(_DUE, {"of": connection, "now": now, "most": limit})]

    def next_due(self, connection: str) -> datetime | None:
        """When there is something to do for an order or a message, as it is stored; none: not by itself."""
        rows = (*self._rows(_NEXT_ORDER, {"of": connection}), *self._rows(_NEXT_HOOK, {"of": connection}))
        return min((due_at for (due_at,) in rows if due_at is not None), default=None)

    async def bring_forward(self, connection: str, latest: datetime, now: datetime) -> None:
        await self._writer.write_async(lambda database: _bring_forward(database, connection, latest, now))

    async def load(self, connection: str, order_ids: Sequence[str]) -> dict[str, StoredCase]:
        rows = self._rows(_LOAD, {"of": connection, "values": list(order_ids)})
        return {order_ref: _stored(*row) for order_ref, *row in rows}

    async def newest(self, connection: str, limit: int, without: Sequence[str]) -> list[StoredCase]:
        wanted = {"of": connection, "most": limit, "values": list(without)}
        return [_stored(*row) for row in self._rows(_NEWEST, wanted)]

    async def orders_of(
        self, connection: str, kind: str, values: Sequence[str]
    ) -> dict[str, tuple[str, ...]]:
        if not values:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for value, order_ref in self._rows(
            _ORDERS_OF, {"of": connection, "kind": kind, "values": list(values)}
        ):
            found[value] = (*found.get(value, ()), order_ref)
        return found

    async def save(
        self,
        connection: str,
        changes: Sequence[Change],
        now: datetime,
        limits: Mapping[Direction, BrakeLimits],
    ) -> dict[str, StoredCase]:
        if not changes:
            return {}
        return await self._writer.write_async(
            lambda database: save_changes(database, connection, changes, now, limits)
        )

    async def brakes(self, connection: str) -> frozenset[Direction]:
        rows = self._rows(TRIPPED, {"of": connection})
        return frozenset(Direction(name) for (name,) in rows)

    async def hooks(self, connection: str, now: datetime, limit: int) -> list[Hook]:
        return [
            Hook(
                id=hook_id,
                side=Side(side),
                received_at=received_at,
                content_type=content_type,
                body=body,
                tries=tries,
            )
            for hook_id, side, received_at, content_type, body, tries in self._rows(
                _HOOKS, {"of": connection, "states": ["new", "waiting"], "now": now, "most": limit}
            )
        ]

    async def finish_hooks(self, connection: str, ends: Sequence[HookEnd], now: datetime) -> None:
        if ends:
            await self._writer.write_async(lambda database: _finish_hooks(database, connection, ends, now))

    async def keep_unlinked(self, connection: str, items: Sequence[MisItem]) -> None:
        if items:
            await self._writer.write_async(lambda database: _keep_unlinked(database, connection, items))

    async def unlinked(self, connection: str, references: Sequence[str]) -> list[MisItem]:
        return [item for (item,) in self._rows(_UNLINKED, {"of": connection, "values": list(references)})]

    async def drop_unlinked(self, connection: str, refs: Sequence[str]) -> None:
        wanted = {"of": connection, "values": list(refs)}
        if refs:
            await self._writer.write_async(lambda database: database.execute(_DROP_UNLINKED, wanted) and None)

    async def watermark(self, connection: str, name: str) -> datetime | None:
        rows = self._rows(_WATERMARK, {"of": connection, "called": name})
        return rows[0][0] if rows else None

    async def set_watermark(self, connection: str, name: str, reached: datetime) -> None:
        row = {"connection": connection, "name": name, "reached": reached}
        await self._writer.write_async(
            lambda database: upsert(database, schema.watermark, [row], ("connection", "name"), ("reached",))
        )


def _stored(row_id: int, version: int, case: Case) -> StoredCase:
    return StoredCase(id=row_id, version=version, case=case)


# Messages and items without an order


def _bring_forward(database: Connection, connection: str, latest: datetime, now: datetime) -> None:
    waits = schema.inbox.c.state == "waiting"
    for table, also in ((_orders, true()), (schema.inbox, waits)):
        late = and_(table.c.connection == connection, also, table.c.due_at > latest)
        database.execute(update(table).where(late).values(due_at=now))


def _finish_hooks(database: Connection, connection: str, ends: Sequence[HookEnd], now: datetime) -> None:
    rows = [
        {"hook_id": end.id, "new_state": end.state, "new_reason": end.reason, "new_due_at": end.due_at}
        for end in ends
    ]
    _FINISH_HOOK.run_many(database, rows)
    quarantined = [
        Entry(at=now, event=Event.HOOK_QUARANTINED, subject=f"hook/{end.id}", why=end.reason)
        for end in ends
        if end.state == "quarantined"
    ]
    append(database, connection, quarantined)


def _keep_unlinked(database: Connection, connection: str, items: Sequence[MisItem]) -> None:
    rows = [
        {
            "connection": connection,
            "ref": item.ref,
            "customer_reference": item.customer_reference,
            "external_reference": item.external_reference,
            "item": item,
            "first_seen_at": item.began_at,
        }
        for item in items
    ]
    upsert(
        database,
        schema.unlinked_item,
        rows,
        ("connection", "ref"),
        ("item", "customer_reference", "external_reference"),
    )
