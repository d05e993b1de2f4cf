"""People at our own worklist: most do what a task asks, some say so too early, some settle or approve."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from sqlalchemy import Engine

from countermand.bridge import cancel_here, people
from countermand.bridge.case import Doubt
from countermand.bridge.connection import Connection
from countermand.bridge.go_ahead import approve_task, refuse_task
from countermand.bridge.stopping import stop, waiting
from countermand.bridge.store import Store
from countermand.core.command import RefusalReason
from countermand.core.policy import Direction
from countermand.core.tasks import TaskKind
from countermand.ledger.brakes import clear_brake
from countermand.ledger.views import TaskRow, list_tasks
from countermand.simulation.dice import Dice
from countermand.simulation.life import Life, MortalWriter
from countermand.simulation.mis import Plant
from countermand.simulation.storefront import Shop, ShopLine, ShopOrder

BY = "staff"
_CANCELS = (Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT)
_PEOPLE = ("Priya Shah", "Tom Becker", "Ana Duarte")
_MANNERS = (
    ("honest", 50), ("too early", 15), ("settle", 12), ("approve", 12), ("refuse", 5), ("release", 8),
    ("only say so", 5),
)  # fmt: skip


class Desk:
    """Works on open tasks, within one life of our process."""

    def __init__(
        self,
        connection: Connection,
        engine: Engine,
        store: Store,
        writer: MortalWriter,
        life: Life,
        dice: Dice,
        shop: Shop,
        plant: Plant,
    ) -> None:
        self._connection = connection
        self._name = connection.name
        self._engine = engine
        self._store = store
        self._writer = writer
        self._life = life
        self._dice = dice
        self._shop = shop
        self._plant = plant

    async def work(self, count: int, pause: Callable[[float], Awaitable[None]]) -> None:
        """Take up to `count` open tasks and deal with each in some manner."""
        if self._shop.orders and self._dice.chance(0.3):
            with contextlib.suppress(people.RefusedError):
                await self._look_into(self._dice.pick(list(self._shop.orders)))
        with self._engine.begin() as database:
            tasks = list_tasks(database, limit=12)
        for _ in range(min(count, len(tasks))):
            task = tasks.pop(self._dice.below(min(len(tasks), 4)))
            with contextlib.suppress(people.RefusedError):
                await self._deal_with(task, pause)
            await pause(self._dice.soon(60, 900))

    async def _look_into(self, order_id: str) -> None:
        """Open one order's page, and do what can be done there."""
        stored = (await self._store.load(self._name, [order_id])).get(order_id)
        if stored is None:
            return
        case, by = stored.case, self._dice.pick(_PEOPLE)
        if waiting(case) and self._dice.chance(0.5):
            await self._do(order_id, stop(None, by, self._life.clock(), "the customer wants it after all"))
        elif case.doubts:
            await self._say_which(order_id, case.doubts[0], by)
        elif cancel_here.anything_to_cancel(case) and self._dice.chance(0.2):
            lines = (self._dice.pick(case.lines).line_id,) if self._dice.chance(0.5) else ()
            await cancel_here.cancel(
                self._store, self._connection, order_id, lines, by, "the customer called", self._life.clock
            )

    async def _say_which(self, order_id: str, doubt: Doubt, by: str) -> None:
        """Whether a job makes a line, as it is."""
        made, now = self._plant.items.get(doubt.ref), self._life.clock()
        shown = self._plant.read(made, now) if made is not None else None
        if made is not None and shown is not None and made.line_id == doubt.line_id:
            await self._do(order_id, people.link_item(doubt.line_id, shown, by, now))
        else:
            await self._do(order_id, people.unlink_item(doubt.line_id, doubt.ref, by, now))

    async def _deal_with(self, task: TaskRow, pause: Callable[[float], Awaitable[None]]) -> None:
        by, kind = self._dice.pick(_PEOPLE), TaskKind(task.kind)
        manner = self._dice.weighted(_MANNERS)
        if kind is TaskKind.BRAKE:
            await self._brake(task, by)
            return
        for order_id in task.orders:
            if kind is TaskKind.IMPORT_REVIEW:
                await self._do(order_id, people.accept_import(by, self._life.clock()))
                continue
            match manner:
                case "honest":
                    self._make_so(order_id, task)
                    await pause(self._dice.soon(5, 60))
                    await self._say_done(order_id, task, by)
                case "too early":
                    await self._say_done(order_id, task, by)
                    await pause(self._dice.soon(120, 3600))
                    self._make_so(order_id, task)
                case "only say so":
                    await self._say_done(order_id, task, by)
                case _:
                    await self._decide(manner, order_id, task, by)

    async def _decide(self, manner: str, order_id: str, task: TaskRow, by: str) -> None:
        now, kind = self._life.clock(), TaskKind(task.kind)
        lines = tuple(filter(None, task.line_ids.split(", ")))
        match manner:
            case "settle":
                await self._do(order_id, people.settle(lines, by, now, "make and ship anyway"))
            case "refuse":
                reason, why = "on the press already", RefusalReason.MILESTONE
                await self._do(order_id, refuse_task(kind, lines, by, now, reason, why))
            case "approve":
                await self._do(order_id, approve_task(kind, lines, by, now, "go ahead"))
                if self._dice.chance(0.5):
                    second = _PEOPLE[(_PEOPLE.index(by) + 1) % len(_PEOPLE)]
                    await self._do(order_id, approve_task(kind, lines, second, now, "agreed"))
            case _:
                await self._do(order_id, people.release(self._dice.pick(_CANCELS), by, now, "these are real"))

    async def _brake(self, task: TaskRow, by: str) -> None:
        for direction in _CANCELS:
            if self._dice.chance(0.5):
                now = self._life.clock()
                await self._writer.write_async(
                    lambda database, way=direction, at=now: clear_brake(  # type: ignore[misc]
                        database, self._name, way, by, "looked at all of them", at
                    )
                )
            else:
                for order_id in task.orders[: 1 + self._dice.below(3)]:
                    try:
                        await self._do(
                            order_id, people.release(direction, by, self._life.clock(), "a real one")
                        )
                    except people.RefusedError:
                        continue

    async def _say_done(self, order_id: str, task: TaskRow, by: str) -> None:
        await self._do(order_id, people.check_now(task.id, by, self._life.clock(), "done"))

    async def _do(self, order_id: str, deed: people.Deed) -> None:
        await people.do(self._store, self._name, order_id, deed, self._life.clock())

    # In the two systems

    def _make_so(self, order_id: str, task: TaskRow) -> None:
        """Do by hand what makes the two systems agree, as far as the two systems let a person do it."""
        order = self._shop.orders[order_id]
        if task.kind == TaskKind.REFUND.value:
            self._shop.refund(order_id, BY)
        about = [line for line in order.lines if line.line_id in task.line_ids]
        for line in about or order.lines:
            self._align(order, line)

    def _align(self, order: ShopOrder, line: ShopLine) -> None:
        items = self._plant.of_line(order.order_id, line.line_id)
        if order.cancelled or line.cancelled:
            for item in items:
                if not item.cancelled and not item.consigned:
                    self._plant.cancel(item, BY)
        elif items and all(item.cancelled for item in items):
            self._shop.cancel_lines(order.order_id, [line.line_id], BY)
        elif items and all(item.cancelled or item.consigned == len(item.deliveries) for item in items):
            codes = ", ".join(sorted({code for item in items for code in item.tracking}))
            others = self._plant.of_order[order.order_id]
            left = all(item.cancelled or item.consigned == len(item.deliveries) for item in others)
            self._shop.ship(order.order_id, BY, tracking=codes, partial=not left)
