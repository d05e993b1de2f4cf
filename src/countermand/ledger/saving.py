"""Saving changes of orders: whole or not at all, fenced by version, with everything that goes with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from countermand.bridge.case import Case, Written
from countermand.bridge.sightings import Sighting
from countermand.bridge.store import BrakeLimits, Change, Entry, StoredCase
from countermand.core.cancellation import Cancellation
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.ledger import schema
from countermand.ledger.columns import Moment
from countermand.ledger.journal import append
from countermand.ledger.prepared import Prepared
from countermand.ledger.tasks import apply_tasks

_orders = schema.orders


def upsert(
    database: Connection,
    table: Any,
    rows: Sequence[Mapping[str, object]],
    keys: tuple[str, ...],
    values: tuple[str, ...],
) -> None:
    """Insert rows, or update `values` of those whose `keys` are there already (none: leave them)."""
    statement = _upsert(database.dialect.name, table, tuple(rows[0]), keys, values)
    statement.run_many(database, rows)


@lru_cache(maxsize=64)
def _upsert(
    dialect_name: str, table: Any, columns: tuple[str, ...], keys: tuple[str, ...], values: tuple[str, ...]
) -> Prepared:
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    statement = dialect.insert(table)
    if not values:
        return Prepared(statement.on_conflict_do_nothing(index_elements=keys), *columns)
    new = {name: statement.excluded[name] for name in values}
    return Prepared(statement.on_conflict_do_update(index_elements=keys, set_=new), *columns)


def save_changes(
    database: Connection,
    connection: str,
    changes: Sequence[Change],
    now: datetime,
    limits: Mapping[Direction, BrakeLimits],
) -> dict[str, StoredCase]:
    """Save every change whose order nobody else changed and whose cancels no brake holds."""
    looks = _save_looks(database, [change for change in changes if change.state is None])
    changes = [change for change in changes if change.state is not None]
    if not changes:
        return looks
    valid = _unchanged(database, connection, changes)
    valid = _not_braked(database, connection, valid)
    ids = {**_insert_new(database, connection, valid, now), **_existing_ids(valid)}
    valid = [change for change in valid if change.case.order_id in ids]
    cases = apply_tasks(database, connection, valid, ids, now)
    _update_orders(database, valid, ids, cases, now)
    _insert_details(database, connection, valid, ids)
    entries = [entry for change in valid for entry in change.journal]
    entries += _trip_brakes(database, connection, valid, now, limits)
    append(database, connection, entries)
    return looks | {
        order_id: StoredCase(id=ids[order_id], version=_version(change) + 1, case=cases[order_id])
        for change in valid
        for order_id in (change.case.order_id,)
    }


def _save_looks(database: Connection, changes: Sequence[Change]) -> dict[str, StoredCase]:
    """Save looks that found nothing new, each if nobody else changed its order."""
    saved = {}
    for change in changes:
        stored = change.stored
        assert stored is not None, f"order {change.case.order_id} is stored without having been judged"
        look = {
            "row_id": stored.id,
            "old_version": stored.version,
            "new_due_at": change.due_at,
            "new_case_file": change.case,
        }
        if _LOOKED_AT.run(database, look) == 1:
            looked = StoredCase(id=stored.id, version=stored.version + 1, case=change.case)
            saved[change.case.order_id] = looked
    return saved


_LOOKED_AT = Prepared(
    update(_orders)
    .where(_orders.c.id == bindparam("row_id"), _orders.c.version == bindparam("old_version"))
    .values(
        version=_orders.c.version + 1, due_at=bindparam("new_due_at"), case_file=bindparam("new_case_file")
    )
)


def _version(change: Change) -> int:
    return change.stored.version if change.stored else 0


def _existing_ids(changes: Iterable[Change]) -> dict[str, int]:
    return {change.case.order_id: change.stored.id for change in changes if change.stored}


def _unchanged(database: Connection, connection: str, changes: Sequence[Change]) -> list[Change]:
    wanted = {"of": connection, "refs": [change.case.order_id for change in changes]}
    versions: dict[str, int] = dict(_VERSIONS.all(database, wanted))
    return [change for change in changes if versions.get(change.case.order_id, 0) == _version(change)]


_VERSIONS = Prepared(
    select(_orders.c.order_ref, _orders.c.version)
    .where(
        _orders.c.connection == bindparam("of"), _orders.c.order_ref.in_(bindparam("refs", expanding=True))
    )
    .with_for_update()
)


def _not_braked(database: Connection, connection: str, changes: list[Change]) -> list[Change]:
    if not any(change.sends for change in changes):
        return changes
    tripped = tripped_brakes(database, connection)
    return [change for change in changes if all(_may_send(change, way, tripped) for way in change.sends)]


def _may_send(change: Change, direction: Direction, tripped: frozenset[Direction]) -> bool:
    cancellation = change.case.open_cancellation(direction)
    released = cancellation is not None and cancellation.released_by != ""
    return direction not in tripped or released


def tripped_brakes(database: Connection, connection: str) -> frozenset[Direction]:
    return frozenset(Direction(name) for (name,) in TRIPPED.all(database, {"of": connection}))


TRIPPED = Prepared(
    select(schema.brake.c.direction).where(
        schema.brake.c.connection == bindparam("of"), schema.brake.c.cleared_at.is_(None)
    )
)


def _insert_new(
    database: Connection, connection: str, changes: Sequence[Change], now: datetime
) -> dict[str, int]:
    rows = [
        {
            "connection": connection,
            "order_ref": change.case.order_id,
            "version": 0,
            "state": _state(change),
            "first_seen_at": change.case.first_seen_at,
            "changed_at": now,
            "case_file": change.case,
        }
        for change in changes
        if change.stored is None
    ]
    if not rows:
        return {}
    return {row.order_ref: row.id for row in database.execute(_INSERT_ORDER, rows)}


def _state(change: Change) -> str:
    assert change.state is not None, f"order {change.case.order_id} is stored without having been judged"
    return change.state.value


_INSERT_ORDER = insert(_orders).returning(_orders.c.order_ref, _orders.c.id)


def _update_orders(
    database: Connection,
    changes: Sequence[Change],
    ids: Mapping[str, int],
    cases: Mapping[str, Case],
    now: datetime,
) -> None:
    rows = [
        {
            "row_id": ids[change.case.order_id],
            "new_version": _version(change) + 1,
            "new_due_at": change.due_at,
            "new_state": _state(change),
            "new_urgency": change.urgency.rank if change.urgency else None,
            "new_customer": change.case.customer,
            "new_po_number": change.case.po_number,
            "new_placed_at": change.case.placed_at,
            "new_changed_at": now if change.changed else None,
            "new_in_step_at": change.in_step_at,
            "new_case_file": cases[change.case.order_id],
        }
        for change in changes
    ]
    if rows:
        _UPDATE_ORDER.run_many(database, rows)


_UPDATE_ORDER = Prepared(
    update(_orders)
    .where(_orders.c.id == bindparam("row_id"))
    .values(
        version=bindparam("new_version"),
        due_at=bindparam("new_due_at"),
        state=bindparam("new_state"),
        urgency=bindparam("new_urgency"),
        customer=bindparam("new_customer"),
        po_number=bindparam("new_po_number"),
        placed_at=bindparam("new_placed_at"),
        changed_at=func.coalesce(bindparam("new_changed_at", type_=Moment), _orders.c.changed_at),
        in_step_at=func.coalesce(bindparam("new_in_step_at", type_=Moment), _orders.c.in_step_at),
        case_file=bindparam("new_case_file"),
    )
)


def _insert_details(
    database: Connection, connection: str, changes: Sequence[Change], ids: Mapping[str, int]
) -> None:
    references, sightings, commands, cancellations = [], [], [], []
    for change in changes:
        order_id = ids[change.case.order_id]
        for kind, value in sorted(change.dropped):
            database.execute(_DROP_REFERENCE, {"for_order": order_id, "of_kind": kind, "of_value": value})
        common = {"connection": connection, "order_id": order_id}
        references += [{**common, "kind": kind, "value": value} for kind, value in sorted(change.references)]
        sightings += [{"order_id": order_id, **_sighting_row(sighting)} for sighting in change.sightings]
        commands += [{**common, **_command_row(written)} for written in change.written]
        cancellations += [{**common, **_cancellation_row(one)} for one in change.cancellations]
    if references:
        upsert(database, schema.reference, references, ("connection", "kind", "value", "order_id"), ())
    if sightings:
        _INSERT_SIGHTING.run_many(database, sightings)
    if commands:
        upsert(database, schema.command, commands, _WITHIN, _COMMAND_NEWS)
    if cancellations:
        upsert(database, schema.cancellation, cancellations, _WITHIN, _CANCELLATION_NEWS)


_INSERT_SIGHTING = Prepared(
    insert(schema.sighting), "order_id", "side", "ref", "began_at", "before", "after", "raw"
)
_DROP_REFERENCE = delete(schema.reference).where(
    schema.reference.c.order_id == bindparam("for_order"),
    schema.reference.c.kind == bindparam("of_kind"),
    schema.reference.c.value == bindparam("of_value"),
)
#: Two connections may have orders of the same number, and writes and cancellations are numbered by it.
_WITHIN = ("connection", "id")
_COMMAND_NEWS = ("answered_at", "outcome", "said", "verified_at")
_CANCELLATION_NEWS = ("state", "changed_at", "released_by")


def _sighting_row(sighting: Sighting) -> dict[str, object]:
    return {
        "side": sighting.side.value,
        "ref": sighting.ref,
        "began_at": sighting.began_at,
        "before": str(sighting.before),
        "after": str(sighting.after),
        "raw": sighting.raw,
    }


def _command_row(written: Written) -> dict[str, object]:
    command = written.command
    return {
        "id": written.id,
        "target": command.target.value,
        "change": command.change.value,
        "about": written.job_ref or ("order" if written.whole_order else ", ".join(written.line_ids)),
        "sent_at": command.sent_at,
        "answered_at": command.answered_at,
        "outcome": command.outcome.value if command.outcome else None,
        "said": command.said,
        "attempts": command.attempts,
        "verified_at": command.verified_at,
    }


def _cancellation_row(one: Cancellation) -> dict[str, object]:
    return {
        "id": one.id,
        "direction": one.direction.value,
        "state": one.state.value,
        "requested_at": one.requested_at,
        "changed_at": one.changed_at,
        "released_by": one.released_by,
    }


# The mass-cancel brake


def _trip_brakes(
    database: Connection,
    connection: str,
    changes: Sequence[Change],
    now: datetime,
    limits: Mapping[Direction, BrakeLimits],
) -> list[Entry]:
    """Count orders newly wanting a cancel, before anything is written; trip where there are too many."""
    fresh = {one.direction for change in changes for one in _newly_wanted(change)}
    entries = []
    for direction in sorted(fresh & set(limits)):
        because = _too_many(database, connection, direction, now, limits[direction])
        if because and direction not in tripped_brakes(database, connection):
            row = {
                "connection": connection,
                "direction": direction.value,
                "tripped_at": now,
                "because": because,
            }
            database.execute(insert(schema.brake), row)
            entries.append(
                Entry(at=now, event=Event.BRAKE_TRIPPED, subject=f"brake/{direction.value}", why=because)
            )
    return entries


def _newly_wanted(change: Change) -> list[Cancellation]:
    known = {one.id for one in change.stored.case.cancellations} if change.stored else set()
    return [one for one in change.cancellations if one.id not in known]


def _too_many(
    database: Connection, connection: str, direction: Direction, now: datetime, limits: BrakeLimits
) -> str:
    cleared = database.scalar(
        select(func.max(schema.brake.c.cleared_at)).where(
            schema.brake.c.connection == connection, schema.brake.c.direction == direction.value
        )
    )
    for most, window in ((limits.burst, limits.window), (limits.daily, timedelta(days=1))):
        since = max(now - window, cleared) if cleared else now - window
        count = _orders_wanting(database, connection, direction, since)
        if count > most:
            minutes = int(window.total_seconds() // 60)
            return f"{count} orders wanted a cancel within {minutes} minutes; the limit is {most}"
    return ""


def _orders_wanting(database: Connection, connection: str, direction: Direction, since: datetime) -> int:
    table = schema.cancellation
    statement = select(func.count(func.distinct(table.c.order_id))).where(
        table.c.connection == connection,
        table.c.direction == direction.value,
        table.c.requested_at > since,
    )
    return database.scalar(statement) or 0
