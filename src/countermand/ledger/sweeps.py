"""Sweeps in storage: how far each has come, stored in the transaction that stores what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from countermand.bridge.store import BrakeLimits, Change, Store, StoredCase
from countermand.bridge.sweep import Batch, BatchOf, Candidate, Found, Sweep, SweepMovedError, SweepState
from countermand.core.policy import Direction
from countermand.ledger import schema
from countermand.ledger.schema import orders, sweep, sweep_finding
from countermand.ledger.store import DatabaseStore, save_changes
from countermand.ledger.writer import Writer

Result = TypeVar("Result")


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep says about one order; `order`: the storefront's id."""

    order: str
    customer: str
    kind: Found
    why: str
    is_new: bool
    state: str


class SweepDatabaseStore(DatabaseStore):
    """The bridge's storage with what sweeps need of it (`bridge.sweep.SweepStore`)."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        batch_of: BatchOf | None = None,
        stored: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(engine, writer)
        self._batch_of = batch_of
        self._stored = stored

    def saving_with(self, batch_of: BatchOf, stored: Callable[[], None]) -> Store:
        return SweepDatabaseStore(self._engine, self._writer, batch_of, stored)

    async def save(
        self,
        connection: str,
        changes: Sequence[Change],
        now: datetime,
        limits: Mapping[Direction, BrakeLimits],
    ) -> dict[str, StoredCase]:
        batch_of, self._batch_of = self._batch_of, None
        if batch_of is None:
            return await super().save(connection, changes, now, limits)

        def work(database: Connection) -> dict[str, StoredCase]:
            saved = save_changes(database, connection, changes, now, limits)
            store_batch(database, batch_of(changes, saved))
            return saved

        saved = await self._writer.write_async(work)
        self._stored()
        return saved

    async def running_sweep(self, connection: str) -> Sweep | None:
        return self._read(lambda database: running_sweep(database, connection))

    async def last_sweep_at(self, connection: str) -> datetime | None:
        def read(database: Connection) -> datetime | None:
            last = select(func.max(sweep.c.started_at)).where(sweep.c.connection == connection)
            begun = select(schema.connection.c.created_at).where(schema.connection.c.name == connection)
            return database.scalar(last) or database.scalar(begun)

        return self._read(read)

    async def begin_sweep(
        self, connection: str, by: str, since: datetime | None, now: datetime
    ) -> Sweep | None:
        return await self._writer.write_async(
            lambda database: begin_sweep(database, connection, by, since, now)
        )

    async def next_orders(self, sweep: Sweep, limit: int) -> list[Candidate]:
        return self._read(lambda database: next_orders(database, sweep, limit))

    async def save_batch(self, batch: Batch) -> None:
        await self._writer.write_async(lambda database: store_batch(database, batch))

    async def end_sweep(
        self, sweep: Sweep, state: SweepState, reason: str, calls: int, now: datetime
    ) -> None:
        await self._writer.write_async(
            lambda database: end_sweep(database, sweep.id, sweep.position, state, reason, calls, now)
        )

    async def skipped_because(self, sweep: Sweep) -> dict[str, int]:
        return self._read(lambda database: findings_by(database, sweep.id, Found.SKIPPED))

    def _read(self, read: Callable[[Connection], Result]) -> Result:
        with self._engine.begin() as database:
            return read(database)


# Reading


def list_sweeps(
    database: Connection, *, connection: str = "", limit: int = 50, before: int | None = None
) -> list[Sweep]:
    """Sweeps, newest first; `before`: the id of the last one already seen."""
    statement = select(sweep).order_by(sweep.c.id.desc()).limit(limit)
    if connection:
        statement = statement.where(sweep.c.connection == connection)
    if before is not None:
        statement = statement.where(sweep.c.id < before)
    return [_sweep(row) for row in database.execute(statement)]


def find_sweep(database: Connection, sweep_id: int) -> Sweep | None:
    row = database.execute(select(sweep).where(sweep.c.id == sweep_id)).one_or_none()
    return None if row is None else _sweep(row)


def running_sweep(database: Connection, connection: str) -> Sweep | None:
    running = (sweep.c.connection == connection) & (sweep.c.state == SweepState.RUNNING.value)
    row = database.execute(select(sweep).where(running)).one_or_none()
    return None if row is None else _sweep(row)


def findings(
    database: Connection, sweep_id: int, kind: Found | None = None, limit: int = 100, after: int = 0
) -> list[FindingRow]:
    """What a sweep did not find in step, in the order in which it came to it."""
    statement = (
        select(
            orders.c.order_ref.label("order"), orders.c.customer, orders.c.state,
            sweep_finding.c.kind, sweep_finding.c.why, sweep_finding.c.is_new,
        )
        .join(orders, orders.c.id == sweep_finding.c.order_id)
        .where(sweep_finding.c.sweep_id == sweep_id, sweep_finding.c.order_id > after)
        .order_by(sweep_finding.c.order_id)
        .limit(limit)
    )  # fmt: skip
    if kind is not None:
        statement = statement.where(sweep_finding.c.kind == kind.value)
    return [FindingRow(**{**row._mapping, "kind": Found(row.kind)}) for row in database.execute(statement)]


def findings_by(database: Connection, sweep_id: int, kind: Found) -> dict[str, int]:
    """How many orders for each reason."""
    statement = (
        select(sweep_finding.c.why, func.count())
        .where(sweep_finding.c.sweep_id == sweep_id, sweep_finding.c.kind == kind.value)
        .group_by(sweep_finding.c.why)
    )
    return {str(row[0]): int(row[1]) for row in database.execute(statement)}


def _sweep(row: Any) -> Sweep:
    return Sweep(**{**row._mapping, "state": SweepState(row.state)})


def next_orders(database: Connection, under_way: Sweep, limit: int) -> list[Candidate]:
    """The orders that follow the sweep's position, in the one order that never changes: that of their ids."""
    statement = (
        select(orders.c.id, orders.c.version, orders.c.case_file, orders.c.changed_at)
        .where(*_in_sweep(under_way.connection, under_way.since, under_way.last))
        .where(orders.c.id > under_way.position)
        .order_by(orders.c.id)
        .limit(limit)
    )
    return [
        Candidate(
            stored=StoredCase(id=row.id, version=row.version, case=row.case_file), changed_at=row.changed_at
        )
        for row in database.execute(statement)
    ]


def _in_sweep(connection: str, since: datetime | None, last: int) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [orders.c.connection == connection, orders.c.id <= last]
    if since is not None:
        recent = (orders.c.changed_at >= since, orders.c.placed_at >= since, orders.c.due_at.is_not(None))
        where.append(or_(*recent))
    return where


# Writing


def begin_sweep(
    database: Connection, connection: str, by: str, since: datetime | None, now: datetime
) -> Sweep | None:
    """Begin a sweep of the orders known now; none when one is under way already, or there is no order."""
    if running_sweep(database, connection) is not None:
        return None
    last = database.scalar(select(func.max(orders.c.id)).where(orders.c.connection == connection)) or 0
    total = database.scalar(
        select(func.count()).select_from(orders).where(*_in_sweep(connection, since, last))
    )
    if not total:
        return None
    row = {
        "connection": connection, "state": SweepState.RUNNING.value, "by": by, "since": since,
        "started_at": now, "moved_at": now, "position": 0, "last": last, "total": total,
    }  # fmt: skip
    try:
        with database.begin_nested():
            sweep_id = database.scalar(insert(sweep).values(**row).returning(sweep.c.id))
    except IntegrityError:
        return None  # somebody else began one at the same moment
    assert sweep_id is not None
    return find_sweep(database, sweep_id)


def store_batch(database: Connection, batch: Batch) -> None:
    """Move a sweep on, fenced by where it was.

    Raises:
        SweepMovedError: it is not there any more, or is not running.
    """
    counts = [one.kind for one in batch.findings]
    differing, skipped = counts.count(Found.DIFFERING), counts.count(Found.SKIPPED)
    moved = database.execute(
        update(sweep)
        .where(
            sweep.c.id == batch.sweep,
            sweep.c.position == batch.begins,
            sweep.c.state == SweepState.RUNNING.value,
        )
        .values(
            position=batch.ends,
            moved_at=batch.at,
            compared=sweep.c.compared + batch.agreed + differing,
            agreed=sweep.c.agreed + batch.agreed,
            differing=sweep.c.differing + differing,
            skipped=sweep.c.skipped + skipped,
            calls=sweep.c.calls + batch.calls,
            seconds=sweep.c.seconds + batch.seconds,
        )
    )
    if moved.rowcount == 0:
        raise SweepMovedError(f"Sweep {batch.sweep} was moved on, stopped or ended by somebody else.")
    rows = [
        {
            "sweep_id": batch.sweep, "order_id": one.order, "kind": one.kind.value, "why": one.why,
            "is_new": one.is_new,
        }
        for one in batch.findings
    ]  # fmt: skip
    if rows:
        database.execute(insert(sweep_finding), rows)


def end_sweep(
    database: Connection,
    sweep_id: int,
    position: int,
    state: SweepState,
    reason: str,
    calls: int,
    now: datetime,
) -> bool:
    """End a running sweep that is at this position; false when it is not there or does not run."""
    ended = database.execute(
        update(sweep)
        .where(
            sweep.c.id == sweep_id,
            sweep.c.position == position,
            sweep.c.state == SweepState.RUNNING.value,
        )
        .values(
            state=state.value,
            reason=reason,
            calls=sweep.c.calls + calls,
            moved_at=now,
            finished_at=now,
            # Orders that came to rest meanwhile left the list.
            total=sweep.c.compared + sweep.c.skipped if state is SweepState.DONE else sweep.c.total,
        )
    )
    return ended.rowcount == 1


def stop_sweep(database: Connection, sweep_id: int, by: str, now: datetime) -> bool:
    """Stop a running sweep; the batch it is at is not stored any more."""
    stopped = database.execute(
        update(sweep)
        .where(sweep.c.id == sweep_id, sweep.c.state == SweepState.RUNNING.value)
        .values(state=SweepState.STOPPED.value, reason=f"stopped by {by}", moved_at=now, finished_at=now)
    )
    return stopped.rowcount == 1


def resume_sweep(database: Connection, connection: str, now: datetime) -> Sweep | None:
    """Let the newest sweep go on if it did not come to its end; none when there is nothing to go on with."""
    newest = list_sweeps(database, connection=connection, limit=1)
    if not newest or newest[0].state is SweepState.DONE or newest[0].position >= newest[0].last:
        return None
    if newest[0].state is not SweepState.RUNNING:
        going_on = {"state": SweepState.RUNNING.value, "reason": "", "finished_at": None, "moved_at": now}
        database.execute(update(sweep).where(sweep.c.id == newest[0].id).values(**going_on))
    return find_sweep(database, newest[0].id)
