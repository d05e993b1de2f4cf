"""Two systems with very many orders, people who change them meanwhile, lost messages, a process that dies.

Both systems tell the truth as of the moment a read began and answer a moment later, when it may be old. The
world knows what is true, so it can say of every write whether it was needed and of every finding whether
it was right.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection as Database
from sqlalchemy import func, select

from countermand.bridge.bridge import Bridge
from countermand.bridge.case import as_order
from countermand.bridge.conclude import Pass, conclude
from countermand.bridge.connection import Connection, Polling
from countermand.bridge.linking import Candidate as LinkCandidate
from countermand.bridge.look import link
from countermand.bridge.ports import (
    Capability,
    Hint,
    LineKind,
    MisItem,
    MisItemKind,
    MisRef,
    OrderKeys,
    OrderNotRead,
    StorefrontLine,
    StorefrontOrder,
)
from countermand.bridge.sightings import open_case
from countermand.bridge.sweep import Sweep, SweepState, count_call
from countermand.bridge.sweeper import Sweeper
from countermand.core.command import Answer, Outcome
from countermand.core.plan import plan
from countermand.core.policy import Mode, Policy
from countermand.core.status import GONE, OPEN, Facts, Intent, Progress, Side
from countermand.ledger import schema, sweeps
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.store import DatabaseStore, save_changes
from countermand.ledger.sweeps import SweepDatabaseStore
from countermand.ledger.upgrade import upgrade
from countermand.ledger.writer import InlineWriter

Result = TypeVar("Result")

SHOP = "harbour-print"
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
#: What one call takes, in seconds of the world.
CALL_SECONDS = 0.05
#: Orders or jobs that one call reads, as the MegaScript and OData do.
PAGE = 100

POLICY = Policy(
    cancel_to_mis=Mode.AUTOMATIC,
    cancel_to_storefront=Mode.AUTOMATIC,
    undo_window=timedelta(seconds=20),
    vendor_grace=timedelta(seconds=10),
    brake_burst=1_000_000,
    brake_daily=1_000_000,
    gone_after=timedelta(seconds=5),
)
#: Nothing is read by schedule, so that what a lost message hid stays hidden until a sweep comes by.
NEVER = Polling(
    interval=timedelta(days=300),
    slowest=timedelta(days=300),
    stop_after=timedelta(days=900),
    sweep_every=timedelta(days=300),
)

CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)
STARTED = Facts(Intent.OPEN, Progress.STARTED)
DISPATCHED = Facts(Intent.OPEN, Progress.DISPATCHED)


class Killed(BaseException):
    """The process ends here; nothing after this line happens."""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Truth:
    """One order as it really is. `mis` is none once its job was deleted."""

    __slots__ = ("mis", "mis_tracking", "storefront", "storefront_tracking")

    def __init__(self) -> None:
        self.storefront: Facts = OPEN
        self.mis: Facts | None = OPEN
        self.storefront_tracking = ""
        self.mis_tracking = ""

    @property
    def differs(self) -> bool:
        return differ(self.storefront, self.mis)


def differ(storefront: object, mis: object) -> bool:
    """As a person would say it, apart from the product's own table."""
    assert isinstance(storefront, Facts)
    if not isinstance(mis, Facts):
        return True
    return storefront.cancelled != mis.cancelled or (mis.sent and not storefront.sent)


#: Kinds of change, by name: what somebody does to an order in one of the two systems.
def _cancel_order(truth: Truth) -> Side:
    truth.storefront = replace(truth.storefront, intent=Intent.CANCELLED)
    return Side.STOREFRONT


def _cancel_job(truth: Truth) -> Side:
    assert truth.mis is not None
    truth.mis = replace(truth.mis, intent=Intent.CANCELLED)
    return Side.MIS


def _dispatch(truth: Truth) -> Side:
    truth.mis, truth.mis_tracking = DISPATCHED, "TRK"
    return Side.MIS


def _start(truth: Truth) -> Side:
    truth.mis = STARTED
    return Side.MIS


def _cancel_started(truth: Truth) -> Side:
    truth.mis = STARTED
    return _cancel_order(truth)


def _delete_job(truth: Truth) -> Side:
    truth.mis = None
    return Side.MIS


DRIFTS: Mapping[str, Callable[[Truth], Side]] = {
    "cancelled in the storefront": _cancel_order,
    "cancelled in the MIS": _cancel_job,
    "dispatched": _dispatch,
    "cancelled while in production": _cancel_started,
    "job deleted": _delete_job,
}
_LIVE: tuple[tuple[Callable[[Truth], Side], int], ...] = (
    (_start, 6), (_dispatch, 3), (_cancel_order, 2), (_cancel_job, 1),
)  # fmt: skip


class Write(msgspec.Struct, frozen=True):
    number: int
    what: str
    needed: bool


class World:
    """`orders` of them, of which `drifts` drift unseen; one changes every `change_every` seconds."""

    def __init__(
        self, orders: int, drifts: int, seed: int, change_every: float, hooks_kept: float = 0.5
    ) -> None:
        self.clock = Clock()
        self.random = random.Random(seed)
        self.truth = [Truth() for _ in range(orders)]
        self.drifted: dict[int, str] = {}
        self.changed: set[int] = set()
        self.calls: Counter[str] = Counter()
        self.writes: list[Write] = []
        #: Whether the two sides differed when a sweep last read them, by order.
        self.swept: dict[int, dict[Side, object]] = {}
        self.hooks_lost = 0
        self._drifts = drifts
        self._change_every = change_every
        self._hooks_kept = hooks_kept
        self._next_change: datetime | None = None
        self._hooks: list[tuple[Side, bytes]] = []
        self._steps_left: int | None = None

    # What happens

    def drift(self) -> None:
        """Somebody changed these long ago, and no message of it arrived."""
        kinds = list(DRIFTS)
        for place, number in enumerate(self.random.sample(range(len(self.truth)), self._drifts)):
            kind = kinds[place % len(kinds)]
            DRIFTS[kind](self.truth[number])
            self.drifted[number] = kind

    def keep_changing(self) -> None:
        self._next_change = self.clock()

    def stop_changing(self) -> None:
        self._next_change = None

    def doom(self, steps: int) -> None:
        """The process ends so many steps from now."""
        self._steps_left = steps

    def step(self) -> None:
        if self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left < 0:
                self._steps_left = None
                raise Killed

    async def call(self, name: str) -> None:
        """One call to a system: time passes, and others go on meanwhile."""
        self.calls[name] += 1
        count_call()
        self.step()
        self.clock.now += timedelta(seconds=CALL_SECONDS)
        self._change()
        await asyncio.sleep(0)

    def _change(self) -> None:
        while self._next_change is not None and self.clock() >= self._next_change:
            self._next_change += timedelta(seconds=self._change_every)
            number = self.random.randrange(len(self.truth))
            if number in self.drifted or number in self.changed:
                self._somebody_helps(number)
                continue
            self.changed.add(number)
            (doing,) = self.random.choices([one for one, _ in _LIVE], [weight for _, weight in _LIVE])
            self._tell(doing(self.truth[number]), number)

    def _somebody_helps(self, number: int) -> None:
        """Now and then a person repeats a cancel by hand, just as the sweep comes by."""
        truth = self.truth[number]
        if truth.storefront.cancelled and truth.mis == OPEN:
            self._tell(_cancel_job(truth), number)
            self.changed.add(number)

    def _tell(self, side: Side, number: int) -> None:
        if self.random.random() < self._hooks_kept:
            self._hooks.append((side, str(number).encode()))
        else:
            self.hooks_lost += 1

    def take_hooks(self) -> Iterator[tuple[Side, bytes]]:
        while self._hooks:
            yield self._hooks.pop()

    # What it looks like

    def number(self, name: str) -> int:
        return int(name.removeprefix("J").partition("-")[0]) - 100_000

    def order(self, number: int) -> StorefrontOrder:
        truth, name = self.truth[number], 100_000 + number
        return StorefrontOrder(
            order_id=str(name),
            began_at=self.clock(),
            placed_at=START - timedelta(days=2),
            customer="Harbour Café",
            tracking=frozenset(filter(None, (truth.storefront_tracking,))),
            order_cancelled=truth.storefront.cancelled,
            lines=(
                StorefrontLine(
                    line_id=f"s{name}",
                    status=truth.storefront,
                    kind=LineKind.PRINT,
                    name="Flyers A5",
                    quantity=250,
                ),
            ),
        )

    def job(self, number: int) -> MisItem:
        truth, name = self.truth[number], 100_000 + number
        return MisItem(
            ref=f"J{name}-01",
            kind=MisItemKind.JOB,
            began_at=self.clock(),
            status=GONE if truth.mis is None else truth.mis,
            customer_reference=str(name),
            external_reference=f"s{name}",
            quantity=250,
            tracking=frozenset(filter(None, (truth.mis_tracking,))),
        )

    # What was right

    def waits_for_a_person(self, number: int) -> bool:
        """Cancelled and made, sent, or gone: no rule writes that by itself."""
        truth = self.truth[number]
        return truth.mis is None or truth.mis.progress is not Progress.NONE

    def needless(self) -> list[Write]:
        return [write for write in self.writes if not write.needed]

    def still_differing(self) -> set[int]:
        return {number for number, truth in enumerate(self.truth) if truth.differs}


class ManyOrders:
    """The storefront's port. `sweeping`: these reads are the sweep's."""

    def __init__(self, world: World, sweeping: bool = False) -> None:
        self._world = world
        self._sweeping = sweeping

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        names = ("read", "cancel_order", "cancel_line", "ship", "track")
        return {name: Capability(name=name, offered=True, how="fake") for name in names}

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[StorefrontOrder | OrderNotRead]:
        read: list[StorefrontOrder | OrderNotRead] = []
        for start in range(0, len(order_ids), PAGE):
            numbers = [self._world.number(name) for name in order_ids[start : start + PAGE]]
            shown = [self._world.order(number) for number in numbers]
            if self._sweeping:
                for number in numbers:
                    self._world.swept.setdefault(number, {})[Side.STOREFRONT] = self._world.truth[
                        number
                    ].storefront
            await self._world.call("storefront read")
            read += shown
        return read

    async def describe(self, order_id: str) -> StorefrontOrder | None:
        return None

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[StorefrontOrder] | None:
        return None

    async def find_order_of_line(self, line_id: str) -> str | None:
        return line_id.removeprefix("s")

    async def cancel(
        self, order_id: str, line_ids: Sequence[str] | None, *, note: str, fence: str = ""
    ) -> Answer:
        truth = self._truth(order_id)
        needed = truth.mis is not None and truth.mis.cancelled and not truth.storefront.cancelled
        return await self._write(order_id, "cancel order", needed, lambda: _cancel_order(truth))

    async def ship(self, order_id: str, *, tracking: str, partial: bool) -> Answer:
        truth = self._truth(order_id)
        needed = truth.mis is not None and truth.mis.sent and not truth.storefront.sent

        def do() -> None:
            truth.storefront = replace(truth.storefront, progress=Progress.DISPATCHED)
            truth.storefront_tracking = tracking

        return await self._write(order_id, "ship", needed and not truth.storefront.cancelled, do)

    async def track(self, order_id: str, *, tracking: str) -> Answer:
        return await self._write(order_id, "track", False, lambda: None)

    async def note(self, order_id: str, text: str) -> Answer:
        return Answer(outcome=Outcome.APPLIED)

    async def check(self) -> str | None:
        return None

    def order_url(self, order_id: str) -> str:
        return f"https://shop.example/orders/{order_id}"

    def _truth(self, order_id: str) -> Truth:
        return self._world.truth[self._world.number(order_id)]

    async def _write(self, order_id: str, what: str, needed: bool, do: Callable[[], object]) -> Answer:
        self._world.writes.append(Write(self._world.number(order_id), what, needed))
        do()
        await self._world.call("storefront write")
        return Answer(outcome=Outcome.APPLIED)


class ManyJobs:
    """The MIS's port."""

    def __init__(self, world: World, sweeping: bool = False) -> None:
        self._world = world
        self._sweeping = sweeping

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return {name: Capability(name=name, offered=True, how="fake") for name in ("read", "cancel_job")}

    async def find(self, keys: OrderKeys) -> Sequence[MisItem] | None:
        return None

    async def list_changed(self, since: datetime) -> Sequence[MisItem] | None:
        return None

    async def read(self, refs: Sequence[MisRef]) -> Sequence[MisItem]:
        read: list[MisItem] = []
        for start in range(0, len(refs), PAGE):
            numbers = [self._world.number(ref.ref) for ref in refs[start : start + PAGE]]
            shown = [self._world.job(number) for number in numbers]
            if self._sweeping:
                for number in numbers:
                    self._world.swept.setdefault(number, {})[Side.MIS] = self._world.truth[number].mis
            await self._world.call("MIS read")
            read += shown
        return read

    async def cancel(self, ref: MisRef) -> Answer:
        number = self._world.number(ref.ref)
        truth = self._world.truth[number]
        needed = truth.mis is not None and truth.storefront.cancelled and not truth.mis.cancelled
        self._world.writes.append(Write(number, "cancel job", needed))
        if truth.mis is not None:
            _cancel_job(truth)
        await self._world.call("MIS write")
        return Answer(outcome=Outcome.APPLIED)

    async def check(self) -> str | None:
        return None

    def item_url(self, ref: MisRef) -> str:
        return f"https://mis.example/{ref.ref}"


def parse(side: Side) -> Callable[[bytes, str], tuple[Hint, ...]]:
    def parser(body: bytes, _content_type: str) -> tuple[Hint, ...]:
        name = 100_000 + int(body)
        if side is Side.STOREFRONT:
            return (Hint(side=side, order_id=str(name)),)
        return (Hint(side=side, mis_ref=f"J{name}-01", mis_kind=MisItemKind.JOB),)

    return parser


PARSERS = {side: parse(side) for side in Side}


class MortalWriter(InlineWriter):
    """The process may end before a commit, inside a transaction, and right after a commit."""

    def __init__(self, engine: object, world: World) -> None:
        super().__init__(engine)  # type: ignore[arg-type]  # an Engine; named object to keep the import out
        self._world = world

    def write(self, work: Callable[[Database], Result]) -> Result:
        self._world.step()

        def inside(database: Database) -> Result:
            result = work(database)
            self._world.step()
            return result

        result = super().write(inside)
        self._world.step()
        return result


class Process:
    """One life of the service on the database at `path`; it begins with what is stored and nothing else."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.engine = open_engine(f"sqlite:///{path}")
        upgrade(self.engine)
        self.writer = MortalWriter(self.engine, world)
        InlineWriter(self.engine).write(
            lambda database: remember_connection(database, SHOP, START - timedelta(days=30), START)
        )
        self.store = DatabaseStore(self.engine, self.writer)
        self.connection = self._connection(sweeping=False)
        self.bridge = Bridge(self.connection, self.store, PARSERS, world.clock)
        self.sweeper = Sweeper(
            self._connection(sweeping=True), SweepDatabaseStore(self.engine, self.writer), world.clock
        )

    def _connection(self, sweeping: bool) -> Connection:
        return Connection(
            name=SHOP,
            storefront=ManyOrders(self.world, sweeping),
            mis=ManyJobs(self.world, sweeping),
            policy=POLICY,
            live_since=START - timedelta(days=30),
            polling=NEVER,
        )

    def fill(self, at_once: int = 2000) -> None:
        """Every order known, linked and in step since yesterday."""
        now = START - timedelta(days=1)
        self.world.clock.now = now
        for start in range(0, len(self.world.truth), at_once):
            numbers = range(start, min(start + at_once, len(self.world.truth)))
            changes = [conclude(self._in_step(number), self.connection, now) for number in numbers]
            InlineWriter(self.engine).write(lambda database: save_changes(database, SHOP, changes, now, {}))  # noqa: B023
        self.world.clock.now = START

    def _in_step(self, number: int) -> Pass:
        case = open_case(self.world.order(number), self.world.clock())
        item = self.world.job(number)
        case = link(
            case,
            LinkCandidate(item=item, line_id=case.lines[0].line_id, key="line id", certain=True, score=100),
            self.world.clock(),
        )
        judged = plan(as_order(case, live_since=self.connection.live_since), POLICY, self.world.clock())
        return Pass(stored=None, case=replace(case, described=True), plan=judged)

    # Running

    async def sweep(self, by: str = "Priya Shah") -> Sweep:
        """One sweep to its end, with the service's loop beside it; begins one unless one is under way."""
        if await self.sweeper_store.running_sweep(SHOP) is None:
            begun = await self.sweeper_store.begin_sweep(SHOP, by, None, self.world.clock())
            assert begun is not None
        async with asyncio.TaskGroup() as tasks:
            looking_after = tasks.create_task(self._look_after())
            while await self.sweeper_store.running_sweep(SHOP) is not None:
                await self.sweeper.step()
                await asyncio.sleep(0)
            looking_after.cancel()
        return self.newest()

    @property
    def sweeper_store(self) -> SweepDatabaseStore:
        return SweepDatabaseStore(self.engine, self.writer)

    async def _look_after(self) -> None:
        while True:
            await self._step()
            await asyncio.sleep(0)

    async def _step(self) -> int:
        for side, body in self.world.take_hooks():
            InlineWriter(self.engine).write(
                lambda database, side=side, body=body: receive(  # type: ignore[misc]  # bound in this round
                    database, [SHOP], side, "text/plain", body, self.world.clock()
                )
            )
        return await self.bridge.step()

    async def come_to_rest(self, days: int = 3) -> None:
        """Everything that is on its way arrives: time passes until nothing is due for days."""
        idle = 0
        while idle < 3:
            if await self._step():
                idle = 0
                continue
            due = self._next_due()
            if due is None or due > self.world.clock() + timedelta(days=days):
                idle += 1
            else:
                self.world.clock.now = max(self.world.clock(), due) + timedelta(seconds=0.1)

    def _next_due(self) -> datetime | None:
        with self.engine.begin() as database:
            due: datetime | None = database.scalar(select(func.min(schema.orders.c.due_at)))
            return due

    def end(self) -> None:
        self.engine.dispose()

    # Looking

    def newest(self) -> Sweep:
        with self.engine.begin() as database:
            return sweeps.list_sweeps(database, limit=1)[0]

    def found(self, sweep: Sweep, kind: str) -> dict[int, str]:
        """Orders and why, by kind of finding."""
        table = schema.sweep_finding
        statement = (
            select(schema.orders.c.order_ref, table.c.why)
            .join(table, table.c.order_id == schema.orders.c.id)
            .where(table.c.sweep_id == sweep.id, table.c.kind == kind)
        )
        with self.engine.begin() as database:
            return {self.world.number(row[0]): str(row[1]) for row in database.execute(statement)}

    def versions(self) -> dict[int, int]:
        statement = select(schema.orders.c.order_ref, schema.orders.c.version)
        with self.engine.begin() as database:
            return {self.world.number(row[0]): int(row[1]) for row in database.execute(statement)}


def sweep_killed(world: World, path: Path, kills: Sequence[int]) -> tuple[Process, Sweep]:
    """A sweep to its end in as many lives as it takes; `kills`: after how many steps each of them ends."""
    for steps in kills:
        process = Process(world, path)
        world.doom(steps)
        try:
            asyncio.run(process.sweep())
        except BaseExceptionGroup as group:
            if group.subgroup(Killed) is None:
                raise
        except Killed:
            pass
        else:
            raise AssertionError(
                f"The sweep came to its end before its process was killed after {steps} steps"
            )
        finally:
            process.end()
    process = Process(world, path)
    sweep = asyncio.run(process.sweep())
    assert sweep.state is SweepState.DONE, sweep
    return process, sweep
