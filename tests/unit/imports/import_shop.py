"""Two systems that only answer reads, the real store beside them, and exports of both as files."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import select

from countermand.bridge.bridge import Bridge
from countermand.bridge.case import Case
from countermand.bridge.connection import Connection, Polling
from countermand.bridge.ports import (
    Capability,
    MisItem,
    MisItemKind,
    MisRef,
    OrderKeys,
    OrderNotRead,
    StorefrontLine,
    StorefrontOrder,
)
from countermand.core.command import Answer, Outcome
from countermand.core.policy import Mode, Policy
from countermand.core.status import GONE, OPEN, UNSEEN, Facts, Intent, Progress, Side
from countermand.ledger import schema
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.store import DatabaseStore
from countermand.ledger.writer import InlineWriter

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
EXPORTED = NOW - timedelta(hours=3)
SHOP = "harbour-print"
CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)
STARTED = Facts(Intent.OPEN, Progress.STARTED)
DISPATCHED = Facts(Intent.OPEN, Progress.DISPATCHED)

STOREFRONT_WORDS = {
    OPEN: ("Processing", "Not Yet Shipped"),
    CANCELLED: ("Cancelled", "Not Yet Shipped"),
    DISPATCHED: ("Complete", "Shipped"),
}
MIS_WORDS = {
    OPEN: ("Awaiting Artwork", "Not Dispatched"),
    STARTED: ("In Production", "Not Dispatched"),
    CANCELLED: ("Cancelled", "Not Dispatched"),
    DISPATCHED: ("Complete", "Dispatched"),
}


class Old(msgspec.Struct, kw_only=True):
    """An order of the past as it is now in both systems; `mis` is none where there is no job."""

    number: int
    storefront: Facts = OPEN
    mis: Facts | None = OPEN
    placed_at: datetime = NOW - timedelta(days=400)

    @property
    def order_id(self) -> str:
        return str(self.number)

    @property
    def line_id(self) -> str:
        return f"s{self.number}"

    @property
    def job(self) -> str:
        return f"J{self.number}-01"


class Shop:
    """Both ports in one: it has the orders it was given, counts calls, and refuses to be written to."""

    def __init__(self, old: Sequence[Old], policy: Policy | None = None) -> None:
        self.old = {one.order_id: one for one in old}
        self.now = NOW
        self.calls: Counter[str] = Counter()
        self.written: list[str] = []
        self.engine = open_engine("sqlite://")
        schema.metadata.create_all(self.engine)
        self.writer = InlineWriter(self.engine)
        self.store = DatabaseStore(self.engine, self.writer)
        self.writer.write(lambda database: remember_connection(database, SHOP, NOW, NOW))
        self.connection = Connection(
            name=SHOP,
            storefront=self,
            mis=Plant(self),
            policy=policy or Policy(cancel_to_mis=Mode.AUTOMATIC, cancel_to_storefront=Mode.AUTOMATIC),
            live_since=NOW,
            polling=Polling(),
        )
        self.bridge = Bridge(self.connection, self.store, dict.fromkeys(Side, _no_hooks), self.clock)

    def clock(self) -> datetime:
        """A real clock moves on between two questions."""
        self.now += timedelta(microseconds=5)
        return self.now

    # The storefront

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        names = ("read", "list", "cancel_order", "cancel_line", "ship", "track")
        return {name: Capability(name=name, offered=True, how="fake") for name in names}

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[StorefrontOrder | OrderNotRead]:
        self.calls["read orders"] += len(order_ids)
        return [self._shown(order_id) for order_id in order_ids]

    def _shown(self, order_id: str) -> StorefrontOrder | OrderNotRead:
        one = self.old.get(order_id)
        if one is None:
            return OrderNotRead(order_id=order_id, began_at=self.now, status=GONE)
        line = StorefrontLine(line_id=one.line_id, status=one.storefront, quantity=250)
        cancelled = one.storefront.cancelled
        return StorefrontOrder(
            order_id=order_id,
            began_at=self.now,
            lines=(line,),
            placed_at=one.placed_at,
            order_cancelled=cancelled,
        )

    async def describe(self, order_id: str) -> StorefrontOrder | None:
        self.calls["describe"] += 1
        return None

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[StorefrontOrder] | None:
        return None

    async def find_order_of_line(self, line_id: str) -> str | None:
        return None

    async def cancel(
        self, order_id: str, line_ids: Sequence[str] | None, *, note: str, fence: str = ""
    ) -> Answer:
        return self._write(f"cancel order {order_id}")

    async def ship(self, order_id: str, *, tracking: str, partial: bool) -> Answer:
        return self._write(f"ship {order_id}")

    async def track(self, order_id: str, *, tracking: str) -> Answer:
        return self._write(f"track {order_id}")

    async def note(self, order_id: str, text: str) -> Answer:
        return self._write(f"note {order_id}")

    def _write(self, what: str) -> Answer:
        self.written.append(what)
        return Answer(outcome=Outcome.UNKNOWN)

    async def check(self) -> str | None:
        return None

    def order_url(self, order_id: str) -> str:
        return ""

    # Looking

    async def case(self, order_id: str) -> Case:
        return (await self.store.load(SHOP, [order_id]))[order_id].case

    def states(self) -> dict[str, str]:
        with self.engine.begin() as database:
            rows = database.execute(select(schema.orders.c.order_ref, schema.orders.c.state))
            return {row[0]: row[1] for row in rows}

    def open_tasks(self) -> list[tuple[str, int]]:
        """Kind of each open task and how many orders it is about."""
        task, about = schema.task, schema.task_order
        with self.engine.begin() as database:
            rows = database.execute(
                select(task.c.kind, about.c.order_id).join(about).where(task.c.state == "open")
            ).all()
        return sorted(Counter(row.kind for row in rows).items())


class Plant:
    """The MIS's port of a shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return {
            name: Capability(name=name, offered=True, how="fake") for name in ("find", "read", "cancel_job")
        }

    async def find(self, keys: OrderKeys) -> Sequence[MisItem] | None:
        self._shop.calls["find"] += 1
        one = self._shop.old.get(keys.order_id)
        return [self._item(one)] if one is not None and one.mis is not None else []

    async def list_changed(self, since: datetime) -> Sequence[MisItem] | None:
        return None

    async def read(self, refs: Sequence[MisRef]) -> Sequence[MisItem]:
        self._shop.calls["read jobs"] += len(refs)
        by_ref = {one.job: one for one in self._shop.old.values()}
        return [self._item(by_ref[ref.ref]) if ref.ref in by_ref else self._missing(ref) for ref in refs]

    def _item(self, one: Old) -> MisItem:
        return MisItem(
            ref=one.job,
            kind=MisItemKind.JOB,
            began_at=self._shop.now,
            status=one.mis or GONE,
            customer_reference=one.order_id,
            external_reference=one.line_id,
            quantity=250,
        )

    def _missing(self, ref: MisRef) -> MisItem:
        return MisItem(ref=ref.ref, kind=ref.kind, began_at=self._shop.now, status=UNSEEN)

    async def cancel(self, ref: MisRef) -> Answer:
        self._shop.written.append(f"cancel job {ref.ref}")
        return Answer(outcome=Outcome.UNKNOWN)

    async def check(self) -> str | None:
        return None

    def item_url(self, ref: MisRef) -> str:
        return ""


def _no_hooks(body: bytes, content_type: str) -> tuple[()]:
    return ()


# Exports


def write_exports(folder: Path, old: Sequence[Old]) -> tuple[Path, Path]:
    """Both systems' exports of these orders, with the headings that the vendors use."""
    storefront, mis = folder / "infigo.csv", folder / "printiq.csv"
    orders = [
        [one.order_id, one.line_id.upper(), *STOREFRONT_WORDS[one.storefront], "250",
         one.placed_at.strftime("%Y-%m-%d %H:%M"), "Harbour Café"]
        for one in old
    ]  # fmt: skip
    jobs = [
        [one.job, f"#{one.order_id}", one.line_id, *MIS_WORDS[one.mis], "250"]
        for one in old
        if one.mis is not None
    ]
    jobs.append(["J900001-01", "phone order", "", "In Production", "Not Dispatched", "50"])
    _csv(
        storefront,
        ["Order ID", "Job ID", "Order Status", "Shipping Status", "Quantity", "Order Date", "Customer"],
        orders,
    )
    _csv(
        mis,
        ["Job No", "Customer Reference", "External Job Reference", "Status", "Delivery Status", "Quantity"],
        jobs,
    )
    return storefront, mis


def _csv(path: Path, headings: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(rows)
