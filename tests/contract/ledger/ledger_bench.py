"""A ledger to test: each database that Countermand runs on, filled through its own front door."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from countermand.bridge.case import Case, CaseLine, first_seen
from countermand.bridge.store import BrakeLimits, Change, Entry, State, StoredCase, TaskEnd, TaskWish
from countermand.core.cancellation import Cancellation, CancellationState
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.core.status import OPEN
from countermand.core.tasks import TaskKind, Urgency
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.store import DatabaseStore
from countermand.ledger.upgrade import upgrade
from countermand.ledger.writer import InlineWriter
from postgres_server import postgres_database

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SHOP = "harbour-print"
MIS, STOREFRONT = Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT
DATABASES = ("sqlite", "postgresql")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Engine]:
    """An engine on an empty database of this kind."""
    with ExitStack() as stack:
        url = (
            f"sqlite:///{folder / 'ledger.db'}"
            if kind == "sqlite"
            else stack.enter_context(postgres_database())
        )
        engine = open_engine(url)
        stack.callback(engine.dispose)
        yield engine


class Ledger:
    """A database at the newest schema, with one connection and a store."""

    def __init__(self, engine: Engine) -> None:
        upgrade(engine)
        self.engine = engine
        self.writer = InlineWriter(engine)
        self.store = DatabaseStore(engine, self.writer)
        self.writer.write(lambda database: remember_connection(database, SHOP, NOW, NOW))

    async def save(
        self,
        *changes: Change,
        at: datetime = NOW,
        limits: dict[Direction, BrakeLimits] | None = None,
    ) -> dict[str, StoredCase]:
        return await self.store.save(SHOP, changes, at, limits or {})

    async def stored(self, order_id: str = "10001") -> StoredCase:
        return (await self.store.load(SHOP, [order_id]))[order_id]

    def rows(self, statement: Any) -> list[Any]:
        with self.engine.begin() as connection:
            return list(connection.execute(statement))


def case(order_id: str = "10001", **fields: Any) -> Case:
    line = CaseLine(line_id=f"s{order_id}", storefront=first_seen(OPEN, NOW, NOW))
    return Case(
        order_id=order_id,
        first_seen_at=NOW,
        storefront_read_at=NOW,
        mis_read_at=NOW,
        lines=(line,),
        **fields,
    )


def change(of: Case | StoredCase, *, due_at: datetime | None = NOW, **fields: Any) -> Change:
    """A change of a stored case, or the first one of a new case."""
    stored = of if isinstance(of, StoredCase) else None
    given = of.case if isinstance(of, StoredCase) else of
    return Change(stored=stored, case=fields.pop("case", given), state=State.IN_STEP, due_at=due_at, **fields)


def wish(key: str = "cancel_in_mis:order 10001", **fields: Any) -> TaskWish:
    given: dict[str, Any] = {
        "kind": TaskKind.CANCEL_IN_MIS,
        "group_key": key,
        "line_ids": ("s10001",),
        "because": "mode-manual",
        "detail": "",
        "assisted": False,
        "due_at": NOW + timedelta(minutes=30),
        "urgency": Urgency.HIGH,
        "owner": "order desk",
    } | fields
    return TaskWish(**given)


def cancellation(order_id: str, direction: Direction = MIS, at: datetime = NOW) -> Cancellation:
    return Cancellation(
        id=f"{order_id}-c1",
        direction=direction,
        line_ids=(f"s{order_id}",),
        requested_at=at,
        changed_at=at,
        state=CancellationState.ACCEPTED,
    )


def entry(subject: str = "order/10001", **fields: Any) -> Entry:
    given: dict[str, Any] = {"at": NOW, "event": Event.LINE_DECIDED, "why": "both-open"} | fields
    return Entry(subject=subject, **given)


def ends(task_id: int, how: Any, by: str = "Priya Shah") -> Sequence[TaskEnd]:
    return (TaskEnd(id=task_id, how=how, by=by, reason="seen"),)
