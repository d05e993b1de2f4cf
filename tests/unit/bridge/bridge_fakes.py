"""A tiny storefront, a tiny MIS and the real store on an in-memory database, moved by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from sqlalchemy import Engine, select

from countermand.bridge.bridge import Bridge
from countermand.bridge.case import Case
from countermand.bridge.connection import Connection, Polling
from countermand.bridge.people import Deed, do
from countermand.bridge.ports import (
    Capability,
    Hint,
    LineKind,
    MisItem,
    MisItemKind,
    MisRef,
    OrderKeys,
    OrderNotRead,
    Payment,
    StorefrontLine,
    StorefrontOrder,
    UnreadableHookError,
)
from countermand.bridge.store import StoredCase
from countermand.core.command import Answer, Outcome
from countermand.core.events import Event
from countermand.core.policy import Mode, Policy
from countermand.core.status import GONE, OPEN, UNSEEN, Facts, Intent, LineStatus, Progress, Side, Unreadable
from countermand.core.tasks import TaskKind
from countermand.ledger import schema
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.store import DatabaseStore
from countermand.ledger.writer import InlineWriter

T = TypeVar("T")

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SHOP = "harbour-print"
CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)
STARTED = Facts(Intent.OPEN, Progress.STARTED)
DISPATCHED = Facts(Intent.OPEN, Progress.DISPATCHED)

#: Nothing to wait for: each step shows its effect at once.
AT_ONCE = Policy(
    cancel_to_mis=Mode.AUTOMATIC,
    cancel_to_storefront=Mode.AUTOMATIC,
    undo_window=timedelta(0),
    vendor_grace=timedelta(0),
)
#: Listings and scheduled reads far away, so that only messages make something happen.
NEVER = Polling(interval=timedelta(days=300), slowest=timedelta(days=300), stop_after=timedelta(days=900))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Clock:
    """`clock()` is now; it only moves when told, and, as a real one, by `tick` each time it is asked."""

    def __init__(self) -> None:
        self.now = START
        self.tick = timedelta(0)

    def __call__(self) -> datetime:
        self.now += self.tick
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Crash(BaseException):
    """The process ends here; nothing after this line happens."""


class Answers:
    """What a fake says to its next writes: `script` entries are used up, then everything is applied.

    An entry is an outcome, or `(outcome, takes_effect)`, or `Crash`, or an error of ours.
    """

    def __init__(self) -> None:
        self.script: list[Any] = []

    def next(self) -> tuple[Outcome, bool]:
        entry: Any = self.script.pop(0) if self.script else Outcome.APPLIED
        if entry is Crash:
            raise Crash
        if isinstance(entry, Exception):
            raise entry
        if isinstance(entry, tuple):
            return entry[0], entry[1]
        return entry, entry in (Outcome.APPLIED, Outcome.ALREADY)


class ShopLine(msgspec.Struct):
    line_id: str
    status: LineStatus = OPEN
    kind: LineKind = LineKind.PRINT
    quantity: int | None = 250
    quote_id: str = ""


class ShopOrder(msgspec.Struct):
    order_id: str
    placed_at: datetime
    lines: list[ShopLine]
    po_number: str = ""
    customer: str = ""
    payment: Payment = Payment.UNPAID
    total: str = "48.50"
    cancelled: bool = False
    tracking: set[str] = msgspec.field(default_factory=set)
    notes: list[str] = msgspec.field(default_factory=list)


class FakeStorefront:
    """Orders in a dictionary. `down`: reads fail; `lists`: whether listings are offered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.orders: dict[str, ShopOrder] = {}
        self.calls: Counter[str] = Counter()
        self.writes: list[tuple[str, str, object]] = []
        self.answers = Answers()
        self.lists = True
        self.listing_fails = False
        self.listed_since: list[datetime] = []
        self.down = ""
        self.offers = {"read", "list", "cancel_order", "cancel_line", "ship", "track", "note"}
        #: What reads show instead of the truth, by order id: an answer that lags behind.
        self.lagging: dict[str, StorefrontOrder] = {}
        #: What only the slower interface tells, by order id; and orders of which it tells nothing now.
        self.descriptions: dict[str, dict[str, str]] = {}
        self.undescribed: set[str] = set()
        #: Orders that our own code fails to read, by order id.
        self.faults: dict[str, Exception] = {}
        #: The same about what a note that was written is answered, by order id.
        self.note_answer_faults: dict[str, Exception] = {}
        #: The same about finding the order of a line, by line id.
        self.find_faults: dict[str, Exception] = {}
        #: Why the order of a line cannot be asked for.
        self.finds_no_lines = ""
        #: Orders that a listing hands over in a way with which our own code cannot cope.
        self.garbled: set[str] = set()
        #: Our own code fails on the listing as such.
        self.listing_fault: Exception | None = None
        #: Orders that a listing names only, because our own code fails on the rest.
        self.named_only: set[str] = set()
        #: Orders that cannot be read by their number.
        self.unreadable: set[str] = set()

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return {name: Capability(name=name, offered=True, how="fake") for name in self.offers}

    def place(self, order_id: str, *line_ids: str, **fields: Any) -> ShopOrder:
        lines = [ShopLine(line_id=line_id) for line_id in line_ids or (f"s{order_id}",)]
        order = ShopOrder(order_id=order_id, placed_at=self._clock(), lines=lines, **fields)
        self.orders[order_id] = order
        return order

    def cancel_by_hand(self, order_id: str) -> None:
        order = self.orders[order_id]
        order.cancelled = True
        for line in order.lines:
            line.status = _cancelled(line.status)

    def shown(self, order_id: str) -> StorefrontOrder:
        order = self.orders[order_id]
        return StorefrontOrder(
            order_id=order_id,
            began_at=self._clock(),
            placed_at=order.placed_at,
            po_number=order.po_number,
            customer=order.customer,
            payment=order.payment,
            total=order.total,
            tracking=frozenset(order.tracking),
            order_cancelled=order.cancelled,
            raw="{}",
            lines=tuple(
                StorefrontLine(
                    line_id=line.line_id,
                    status=line.status,
                    kind=line.kind,
                    quantity=line.quantity,
                    quote_id=line.quote_id,
                )
                for line in order.lines
            ),
        )

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[StorefrontOrder | OrderNotRead]:
        self.calls["read"] += 1
        return [self._read(order_id) for order_id in order_ids]

    def _read(self, order_id: str) -> StorefrontOrder | OrderNotRead:
        if order_id in self.faults:
            raise self.faults[order_id]
        if self.down or order_id in self.unreadable:
            why = self.down or "a login page"
            return OrderNotRead(order_id=order_id, began_at=self._clock(), status=Unreadable(why))
        if order_id in self.lagging:
            return replace(self.lagging[order_id], began_at=self._clock())
        if order_id not in self.orders:
            return OrderNotRead(order_id=order_id, began_at=self._clock(), status=GONE)
        return self.shown(order_id)

    async def describe(self, order_id: str) -> StorefrontOrder | OrderNotRead | None:
        self.calls["describe"] += 1
        if order_id in self.undescribed:
            began, status = self._clock(), Unreadable("down")
            return OrderNotRead(order_id=order_id, began_at=began, status=status)
        told = self.descriptions.get(order_id)
        return replace(self.shown(order_id), **told) if told else None

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[StorefrontOrder | OrderNotRead] | None:
        if not cancelled_only:
            self.listed_since.append(since)
        if self.listing_fault is not None:
            raise self.listing_fault
        if not self.lists or self.listing_fails or self.down:
            return None
        self.calls["list"] += 1
        placed = [order for order in self.orders.values() if order.placed_at >= since]
        return [self._listed(one.order_id) for one in placed if one.cancelled or not cancelled_only]

    def _listed(self, order_id: str) -> StorefrontOrder | OrderNotRead:
        if order_id in self.named_only:
            return OrderNotRead(order_id=order_id, began_at=self._clock(), status=Unreadable("a fault"))
        shown = self.shown(order_id)
        lines: Any = None if order_id in self.garbled else shown.lines
        return replace(shown, lines=lines)

    async def find_order_of_line(self, line_id: str) -> str | Unreadable | None:
        self.calls["find"] += 1
        if self.finds_no_lines:
            return Unreadable(self.finds_no_lines)
        if line_id in self.find_faults:
            raise self.find_faults[line_id]
        for order in self.orders.values():
            if any(line.line_id == line_id for line in order.lines):
                return order.order_id
        return None

    async def cancel(
        self, order_id: str, line_ids: Sequence[str] | None, *, note: str, fence: str = ""
    ) -> Answer:
        outcome, takes_effect = self._write("cancel", order_id, line_ids)
        order = self.orders[order_id]
        if takes_effect:
            order.cancelled = order.cancelled or line_ids is None
            for line in order.lines:
                if line_ids is None or line.line_id in line_ids:
                    line.status = _cancelled(line.status)
        return Answer(outcome=outcome, said=f"storefront says {outcome.value}")

    async def ship(self, order_id: str, *, tracking: str, partial: bool) -> Answer:
        outcome, takes_effect = self._write("ship", order_id, tracking)
        if takes_effect:
            progress = Progress.PART_DISPATCHED if partial else Progress.DISPATCHED
            order = self.orders[order_id]
            order.tracking = set(filter(None, tracking.split(", ")))
            for line in order.lines:
                if isinstance(line.status, Facts):
                    line.status = replace(line.status, progress=progress)
        return Answer(outcome=outcome, said=outcome.value)

    async def track(self, order_id: str, *, tracking: str) -> Answer:
        outcome, takes_effect = self._write("track", order_id, tracking)
        if takes_effect:
            self.orders[order_id].tracking = set(filter(None, tracking.split(", ")))
        return Answer(outcome=outcome, said=outcome.value)

    async def note(self, order_id: str, text: str) -> Answer:
        self.calls["note"] += 1
        self.orders[order_id].notes.append(text)
        if order_id in self.note_answer_faults:
            raise self.note_answer_faults[order_id]
        return Answer(outcome=Outcome.APPLIED)

    def _write(self, what: str, order_id: str, about: object) -> tuple[Outcome, bool]:
        self.calls["write"] += 1
        self.writes.append((what, order_id, about))
        return self.answers.next()

    async def check(self) -> str | None:
        return None

    def order_url(self, order_id: str) -> str:
        return f"https://shop.example/orders/{order_id}"


class FakeMis:
    """Jobs and sales orders in a dictionary. `down`: reads fail; `finds`/`lists`: what is offered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.shows_times = True
        self.items: dict[str, MisItem] = {}
        self.changed_at: dict[str, datetime] = {}
        self.calls: Counter[str] = Counter()
        self.writes: list[str] = []
        self.answers = Answers()
        self.finds = True
        self.lists = True
        self.listed_since: list[datetime] = []
        self.asked: list[OrderKeys] = []
        self.down = ""
        self.offers = {"find", "list", "read", "cancel_job"}
        self.lagging: dict[str, LineStatus] = {}
        #: Orders for which our own code fails to find jobs, by order id.
        self.faults: dict[str, Exception] = {}
        #: Items that our own code fails to read, by reference.
        self.read_faults: dict[str, Exception] = {}
        #: Items that a listing hands over in a way with which our own code cannot cope.
        self.garbled: set[str] = set()
        #: Items that a listing names only, because our own code fails on the rest.
        self.named_only: set[str] = set()
        #: Items that cannot be read by their number.
        self.unreadable: set[str] = set()
        #: Our own code fails on the listing as such.
        self.listing_fault: Exception | None = None

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return {name: Capability(name=name, offered=True, how="fake") for name in self.offers}

    def make(self, ref: str, *, kind: MisItemKind = MisItemKind.JOB, **given: Any) -> MisItem:
        fields: dict[str, Any] = {"status": OPEN, "quantity": 250} | given
        item = MisItem(ref=ref, kind=kind, began_at=self._clock(), raw="{}", **fields)
        return self._put(item)

    def _put(self, item: MisItem) -> MisItem:
        self.items[item.ref] = item
        self.changed_at[item.ref] = self._clock()
        return item

    def change(self, ref: str, **fields: Any) -> None:
        self._put(replace(self.items[ref], **fields))

    def cancel_by_hand(self, ref: str) -> None:
        self.change(ref, status=_cancelled(self.items[ref].status))

    async def find(self, keys: OrderKeys) -> Sequence[MisItem] | None:
        self.calls["find"] += 1
        self.asked.append(keys)
        if keys.order_id in self.faults:
            raise self.faults[keys.order_id]
        if not self.finds or self.down:
            return None
        values = {keys.order_id, keys.po_number, *keys.line_ids} - {""}
        return [
            self._shown(item.ref)
            for item in self.items.values()
            if {item.customer_reference, item.external_reference} & values
            or item.quote_no in keys.quote_ids
            or keys.order_id in item.notes.split()
        ]

    async def list_changed(self, since: datetime) -> Sequence[MisItem] | None:
        self.listed_since.append(since)
        if self.listing_fault is not None:
            raise self.listing_fault
        if not self.lists or self.down:
            return None
        self.calls["list"] += 1
        return [self._listed(ref) for ref, changed_at in self.changed_at.items() if changed_at >= since]

    def _listed(self, ref: str) -> MisItem:
        shown = self._shown(ref)
        if ref in self.named_only:
            began, status = self._clock(), Unreadable("a fault")
            return MisItem(ref=ref, kind=shown.kind, began_at=began, status=status)
        tracking: Any = None if ref in self.garbled else shown.tracking
        return replace(shown, tracking=tracking)

    async def read(self, refs: Sequence[MisRef]) -> Sequence[MisItem]:
        self.calls["read"] += 1
        return [self._read(ref) for ref in refs]

    def _read(self, ref: MisRef) -> MisItem:
        if ref.ref in self.read_faults:
            raise self.read_faults[ref.ref]
        if self.down or ref.ref in self.unreadable:
            status: LineStatus = Unreadable(self.down or "a login page")
        elif ref.ref in self.items:
            return self._shown(ref.ref)
        else:
            status = UNSEEN
        return MisItem(ref=ref.ref, kind=ref.kind, began_at=self._clock(), status=status)

    def _shown(self, ref: str) -> MisItem:
        item = self.items[ref]
        changed_at = self.changed_at.get(ref) if self.shows_times else None
        status = self.lagging.get(ref, item.status)
        return replace(item, began_at=self._clock(), status=status, changed_at=changed_at)

    async def cancel(self, ref: MisRef) -> Answer:
        self.calls["write"] += 1
        self.writes.append(ref.ref)
        outcome, takes_effect = self.answers.next()
        if takes_effect:
            self.cancel_by_hand(ref.ref)
        return Answer(outcome=outcome, said=f"MIS says {outcome.value}")

    async def check(self) -> str | None:
        return None

    def item_url(self, ref: MisRef) -> str:
        return f"https://mis.example/{ref.ref}"


def _cancelled(status: LineStatus) -> LineStatus:
    progress = status.progress if isinstance(status, Facts) else Progress.NONE
    return Facts(Intent.CANCELLED, progress)


class Body(msgspec.Struct, frozen=True):
    order: str = ""
    line: str = ""
    ref: str = ""
    kind: MisItemKind | None = None


def parser(side: Side) -> Any:
    """Messages of the fakes: `{"order", "line", "ref"}`, or a list of such."""

    def parse(body: bytes, _content_type: str) -> tuple[Hint, ...]:
        try:
            rows = msgspec.json.decode(body, type=list[Body])
        except msgspec.DecodeError as error:
            raise UnreadableHookError(f"not JSON: {error}") from None
        return tuple(
            Hint(side=side, order_id=row.order, line_id=row.line, mis_ref=row.ref, mis_kind=row.kind)
            for row in rows
        )

    return parse


PARSERS = {side: parser(side) for side in Side}


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    kind: TaskKind
    state: str
    closed_how: str
    closed_by: str
    close_reason: str
    because: str
    detail: str
    returned: int
    last_check: str
    group_key: str


class Small:
    """One shop with everything it needs: `await small.step()`, `small.clock.advance(5)`, look, go on."""

    def __init__(self, policy: Policy = AT_ONCE, polling: Polling = NEVER, engine: Engine | None = None):
        self.clock = Clock()
        self.faults: list[tuple[str, Exception]] = []
        self.storefront = FakeStorefront(self.clock)
        self.mis = FakeMis(self.clock)
        self.engine = engine or open_engine("sqlite://")
        if engine is None:
            schema.metadata.create_all(self.engine)
        self.writer = InlineWriter(self.engine)
        self.store = DatabaseStore(self.engine, self.writer)
        self.writer.write(lambda database: remember_connection(database, SHOP, START, START))
        self.connect(policy, polling)

    def connect(self, policy: Policy, polling: Polling = NEVER) -> None:
        """As after a restart: nothing is carried over but what is stored."""
        self.connection = Connection(
            name=SHOP,
            storefront=self.storefront,
            mis=self.mis,
            policy=policy,
            live_since=START,
            polling=polling,
        )
        self.use(self.connection)

    def use(self, connection: Connection) -> None:
        self.connection = connection
        self.bridge = Bridge(self.connection, self.store, PARSERS, self.clock, self.at_fault)

    def at_fault(self, about: str, fault: Exception) -> None:
        """Kept, not logged: a traceback with all its values takes seconds to print."""
        self.faults.append((about, fault))

    # Hands

    def hook(self, side: Side, *rows: dict[str, str], body: bytes | None = None) -> None:
        content = body if body is not None else msgspec.json.encode(list(rows))
        now = self.clock()
        self.writer.write(lambda database: receive(database, [SHOP], side, "application/json", content, now))

    def order_hook(self, order_id: str) -> None:
        self.hook(Side.STOREFRONT, {"order": order_id})

    def job_hook(self, ref: str) -> None:
        self.hook(Side.MIS, {"ref": ref})

    async def step(self, times: int = 1) -> int:
        dealt_with = 0
        for _ in range(times):
            dealt_with += await self.bridge.step()
        return dealt_with

    async def settle(self, seconds: float = 0.1, steps: int = 4) -> None:
        """Some steps, with a moment between them, so that everything that is due at once is done."""
        for _ in range(steps):
            await self.bridge.step()
            self.clock.advance(seconds)

    async def in_production(self, order_id: str = "10001", *line_ids: str, **fields: Any) -> Case:
        """An order that both systems have, linked and in step; the clock stands a minute later."""
        order = self.storefront.place(order_id, *line_ids, **fields)
        for number, line in enumerate(order.lines, start=1):
            self.mis.make(
                f"J{order_id}-{number:02}", customer_reference=order_id, external_reference=line.line_id
            )
        self.order_hook(order_id)
        await self.settle()
        self.clock.advance(60)
        case = await self.case(order_id)
        assert {line.rule for line in case.lines} == {"both-open"}
        self.storefront.calls.clear()
        self.mis.calls.clear()
        return case

    async def deed(self, order_id: str, deed: Deed, **more: Any) -> Case:
        return await do(self.store, SHOP, order_id, deed, self.clock(), **more)

    # Eyes

    async def stored(self, order_id: str = "10001") -> StoredCase:
        return (await self.store.load(SHOP, [order_id]))[order_id]

    def known(self) -> set[str]:
        with self.engine.begin() as database:
            return set(database.scalars(select(schema.orders.c.order_ref)))

    async def case(self, order_id: str = "10001") -> Case:
        return (await self.stored(order_id)).case

    async def rules(self, order_id: str = "10001") -> set[str]:
        return {line.rule for line in (await self.case(order_id)).lines}

    def tasks(self, kind: TaskKind | None = None) -> list[TaskRow]:
        with self.engine.begin() as database:
            rows = database.execute(select(schema.task).order_by(schema.task.c.id)).all()
        found = [
            msgspec.convert({str(name): value for name, value in row._mapping.items()}, TaskRow)
            for row in rows
        ]
        return [row for row in found if kind is None or row.kind is kind]

    def task(self, kind: TaskKind) -> TaskRow:
        found = self.tasks(kind)
        assert len(found) == 1, f"{len(found)} tasks of kind {kind.value}; all: {self.tasks()}"
        return found[0]

    def orders_of_task(self, task_id: int) -> set[str]:
        statement = (
            select(schema.orders.c.order_ref)
            .join(schema.task_order, schema.task_order.c.order_id == schema.orders.c.id)
            .where(schema.task_order.c.task_id == task_id)
        )
        with self.engine.begin() as database:
            return set(database.scalars(statement))

    def state(self, order_id: str = "10001") -> str:
        statement = select(schema.orders.c.state).where(schema.orders.c.order_ref == order_id)
        with self.engine.begin() as database:
            return str(database.scalar(statement))

    def due_at(self, order_id: str = "10001") -> datetime | None:
        statement = select(schema.orders.c.due_at).where(schema.orders.c.order_ref == order_id)
        with self.engine.begin() as database:
            due: datetime | None = database.scalar(statement)
            return due

    def inbox(self) -> list[tuple[str, str, int]]:
        """(state, reason, tries) of every message."""
        table = schema.inbox
        statement = select(table.c.state, table.c.reason, table.c.tries).order_by(table.c.id)
        with self.engine.begin() as database:
            return [(row.state, row.reason, row.tries) for row in database.execute(statement)]

    def events(self, event: Event) -> list[tuple[str, str, str]]:
        """(subject, actor, body) of journal entries of one kind, oldest first."""
        table = schema.journal
        statement = (
            select(table.c.subject, table.c.actor, table.c.body)
            .where(table.c.event == event.value)
            .order_by(table.c.seq)
        )
        with self.engine.begin() as database:
            return [(row.subject, row.actor, row.body) for row in database.execute(statement)]

    def cancellations(self) -> list[str]:
        table = schema.cancellation
        with self.engine.begin() as database:
            return list(database.scalars(select(table.c.state).order_by(table.c.requested_at, table.c.id)))

    def unlinked(self) -> set[str]:
        with self.engine.begin() as database:
            return set(database.scalars(select(schema.unlinked_item.c.ref)))

    @property
    def calls(self) -> Counter[str]:
        return Counter(
            {f"storefront {name}": count for name, count in self.storefront.calls.items()}
        ) + Counter({f"mis {name}": count for name, count in self.mis.calls.items()})
