"""Looking without having been told: what was placed, cancelled or changed since the last look.

Listings are a short cut. What they miss is found by reading each order when its own time comes, so that
everything works with no message and no listing at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta

from msgspec.structs import replace

from countermand.bridge.adoption import listed_order, unknown
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.converge import Converger
from countermand.bridge.faults import DAMAGE, FAULTS, in_short
from countermand.bridge.listed import Listed
from countermand.bridge.ports import MisItem, MisRef, OrderNotRead, StorefrontOrder
from countermand.bridge.sightings import to_be_kept_unlinked
from countermand.bridge.store import Store
from countermand.core.status import Facts, LineStatus, Unmapped, Unreadable

#: Listings overlap by this much: a commit may become visible late.
OVERLAP = timedelta(minutes=2)
#: So much may be listed again after a restart: how far listing has come is not stored for less.
STORE_EVERY = timedelta(minutes=10)
#: How often a listing goes further back, for what slipped through: part of an answer that was lost, an order
#: that became visible late. Then it is also asked again whose a job is that names no order we know, or that
#: was taken from its order since, and what a listing only names is read again.
THOROUGH_EVERY = timedelta(minutes=30)
#: So far back, which is more than a wrong time zone takes away.
THOROUGH = timedelta(days=2)
#: A listing that fails for longer than this is told to people: what is new may go unnoticed.
PATIENCE = timedelta(minutes=30)
#: So many items that a listing only named are read by their number in one round.
_MOST_READ = 20


class Poll:
    """Lists what is new in both systems of one connection."""

    def __init__(
        self, connection: Connection, store: Store, converger: Converger, clock: Callable[[], datetime]
    ) -> None:
        self._connection = connection
        self._store = store
        self._converger = converger
        self._clock = clock
        self._reached: dict[str, datetime] = {}
        self._stored: dict[str, datetime] = {}
        self._orders: Listed[StorefrontOrder | OrderNotRead] = Listed()
        self._items: Listed[MisItem] = Listed()
        self._thorough_at: datetime | None = None
        self._thorough = False
        #: Items of no order that a listing only named, and that could not be read by their number yet.
        self._named: dict[str, MisItem] = {}
        #: The systems whose last listing could not be taken in whole by an error of ours, and the error.
        self.failed: dict[str, str] = {}
        #: Since when a system that can be listed was not, by the first listing that failed.
        self._silent: dict[str, datetime] = {}

    @property
    def unlisted_since(self) -> dict[str, datetime]:
        """The systems that could not be listed for long, and since when."""
        now = self._clock()
        return {name: since for name, since in self._silent.items() if now - since >= PATIENCE}

    async def look(self) -> None:
        """One round over both systems."""
        now = self._clock()
        last = self._thorough_at
        self._thorough = last is not None and not timedelta(0) <= now - last < THOROUGH_EVERY
        if self._thorough or last is None:
            self._thorough_at = now
        await self._list("storefront", self._storefront)
        await self._list("mis", self._mis)

    async def _list(self, name: str, listing: Callable[[], Awaitable[str]]) -> None:
        """List one system; where our own code fails on it, that is said, and holds up nothing else."""
        try:
            said = await listing()
        except DAMAGE:
            raise
        except FAULTS as fault:
            self.failed[name] = in_short(fault, self._connection.mask)
            self._converger.at_fault(f"listing/{name}", fault)
        else:
            self.failed.pop(name, None)
            if said:
                self.failed[name] = said

    async def _storefront(self) -> str:
        now, name = self._clock(), "storefront"
        since = await self._since(name, now)
        placed = await self._connection.storefront.list_orders(since=since)
        lookback = now - self._connection.polling.lookback
        cancelled = await self._connection.storefront.list_orders(since=lookback, cancelled_only=True)
        whole = placed is not None and cancelled is not None
        self._heard(name, now, whole or not self._connection.lists_orders)
        orders = {order.order_id: order for order in (*(placed or ()), *(cancelled or ()))}
        if self._thorough:
            self._orders.ask_again()
        news = self._orders.news(orders)
        taken = await self._take_orders(list(news.values()))
        self._orders.take(
            {order_id: order for order_id, order in news.items() if order_id in taken},
            unsettled={order_id for order_id, order in news.items() if isinstance(order, OrderNotRead)},
        )
        if self._thorough:
            self._orders.keep(orders.keys())
        # One that could not be read, and is not known, would be forgotten.
        lost = [
            each for each in news.values() if isinstance(each, OrderNotRead) and each.order_id not in taken
        ]
        if placed is not None and not lost:
            times = [each.placed_at for each in placed if not isinstance(each, OrderNotRead)]
            await self._got_to(name, times, now)
        return _said(lost[-1].order_id, _reason(lost[-1].status), len(lost)) if lost else ""

    def _heard(self, name: str, now: datetime, heard: bool) -> None:
        if heard:
            self._silent.pop(name, None)
        else:
            self._silent[name] = min(self._silent.get(name, now), now)

    async def _take_orders(self, orders: Sequence[StorefrontOrder | OrderNotRead]) -> frozenset[str]:
        """Take in what was listed; returns the orders of which nothing is left to take in."""
        if not orders:
            return frozenset()
        known = await self._store.load(self._connection.name, [order.order_id for order in orders])
        now = self._clock()
        return await self._converger.converge(
            [listed_order(known.get(order.order_id), order, now) for order in orders]
        )

    async def _mis(self) -> str:
        now, name = self._clock(), "mis"
        items = await self._connection.mis.list_changed(await self._since(name, now))
        self._heard(name, now, items is not None or not self._connection.lists_jobs)
        shown = {item.ref: item for item in items or ()}
        if self._thorough:
            self._items.ask_again(also=await self._let_go(shown.keys()))
        await self._take_items(self._items.news(shown))
        if self._thorough:
            self._items.keep(shown.keys())
        said = await self._read_named()
        if items is not None:
            # While one is not read, nobody knows whose it is, and no order may be taken for one without it.
            if self._connection.lists_jobs and not self._named:
                self._converger.note_listing(now)
            times = [item.changed_at for item in items if not _is_only_named(item)]
            await self._got_to(name, times, now, whole=not self._named)
        return said

    async def _let_go(self, refs: Set[str]) -> Set[str]:
        """Which of these items are no order's, and are not kept as such: a person took them from one."""
        nobodys = refs - (await self._owners("item", refs)).keys()
        kept = await self._store.unlinked(self._connection.name, sorted(nobodys)) if nobodys else []
        return nobodys - {item.ref for item in kept}

    async def _take_items(self, items: Mapping[str, MisItem]) -> None:
        if not items:
            return
        owners = await self._store.orders_of(self._connection.name, "item", list(items))
        unsaved = await self._take_linked(items, owners)
        nobodys = {ref: item for ref, item in items.items() if ref not in owners}
        named = {ref: item for ref, item in nobodys.items() if _is_only_named(item)}
        self._named = {ref: item for ref, item in self._named.items() if ref not in items} | named
        unsettled = await self._take_unlinked([item for ref, item in nobodys.items() if ref not in named])
        self._items.take(
            {ref: item for ref, item in items.items() if not unsaved.intersection(owners.get(ref, ()))},
            unsettled={*unsettled, *(ref for ref, item in items.items() if _is_only_named(item))},
        )

    async def _read_named(self) -> str:
        """Read by its number what a listing only named; what is said of those that still cannot be read."""
        failed, owners = [], await self._owners("item", self._named.keys())
        for ref, named in list(self._named.items())[:_MOST_READ]:
            # One that has an order by now is read with that.
            why = "" if ref in owners else await self._read_by_number(named)
            del self._named[ref]
            if why:
                self._named[ref] = named  # behind those that are still to be tried
                failed.append((ref, why))
        return _said(*failed[-1], len(self._named)) if failed else ""

    async def _read_by_number(self, named: MisItem) -> str:
        """Take in an item of no order; why not, where it still cannot be read."""
        ref = MisRef(ref=named.ref, kind=named.kind, group=named.group)
        try:
            (item,) = await self._connection.mis.read([ref])
            if isinstance(item.status, Facts | Unmapped):
                await self._take_unlinked([item])
        except DAMAGE:
            raise
        except FAULTS as fault:
            self._converger.at_fault(f"item/{named.ref}", fault)
            return in_short(fault, self._connection.mask)
        return _reason(named.status) if isinstance(item.status, Unreadable) else ""

    async def _take_linked(
        self, items: Mapping[str, MisItem], owners: dict[str, tuple[str, ...]]
    ) -> frozenset[str]:
        """Returns the orders that somebody else changed meanwhile."""
        order_ids = sorted({order_id for each in owners.values() for order_id in each})
        stored = await self._store.load(self._connection.name, order_ids) if order_ids else {}
        passes = [
            Pass(stored=one, case=one.case, listed=own)
            for one in stored.values()
            if (own := tuple(items[item.ref] for item in one.case.items if item.ref in items))
        ]
        saved = await self._converger.converge(passes)
        return frozenset(one.case.order_id for one in passes) - saved

    async def _take_unlinked(self, items: Sequence[MisItem]) -> frozenset[str]:
        """Remember them, and look at the orders whose keys they carry, known yet or not.

        Returns the items that name an order which is not known after that: most are no web order's.
        """
        if not items:
            return frozenset()
        named_by = await self._orders_named(items)
        order_ids = sorted(set().union(*named_by.values()))
        stored = await self._store.load(self._connection.name, order_ids) if order_ids else {}
        cases = {order_id: one.case for order_id, one in stored.items()}
        kept = to_be_kept_unlinked(items, named_by, cases)
        await self._store.keep_unlinked(self._connection.name, kept)
        now = self._clock()
        known = [Pass(stored=one, case=replace(one.case, look_mis_at=now)) for one in stored.values()]
        new = [unknown(order_id, now) for order_id in order_ids if order_id not in stored]
        looked_at = await self._converger.converge([*known, *new])
        return frozenset(ref for ref, named in named_by.items() if not named <= looked_at)

    async def _orders_named(self, items: Sequence[MisItem]) -> dict[str, frozenset[str]]:
        """By item, the orders that it may be about; what it names may be an order that is not known."""
        by_line = await self._owners("line", {item.external_reference for item in items} - {""})
        by_origin = await self._owners("item", {_origin(item) for item in items} - {""})
        by_po = await self._owners("po", {item.customer_reference for item in items} - {""})
        return {
            item.ref: frozenset(
                (
                    *by_line.get(item.external_reference, ()),
                    *by_origin.get(_origin(item), ()),
                    *by_po.get(item.customer_reference, (item.customer_reference,)),
                )
            )
            - {""}
            for item in items
        }

    async def _owners(self, kind: str, values: Set[str]) -> dict[str, tuple[str, ...]]:
        return await self._store.orders_of(self._connection.name, kind, sorted(values)) if values else {}

    # How far listing has come

    async def _since(self, name: str, now: datetime) -> datetime:
        if name not in self._reached:
            reached = await self._store.watermark(self._connection.name, name)
            self._reached[name] = reached or now - self._connection.polling.lookback
        return min(self._reached[name], now) - (THOROUGH if self._thorough else OVERLAP)

    async def _got_to(
        self, name: str, shown: Sequence[datetime | None], now: datetime, *, whole: bool = True
    ) -> None:
        """As far as the newest of what a listing showed, by the system's own times: our clock may be wrong.

        A system that shows things without their times is taken at our clock's. `whole`: nothing of it is
        still to be read; else a restart lists from where it last was.
        """
        times = [time for time in shown if time is not None]
        newest = max(times, default=now if shown else self._reached[name])
        self._reached[name] = reached = min(max(newest, self._reached[name]), now)
        stored = self._stored.get(name)
        if whole and (stored is None or not timedelta(0) <= reached - stored < STORE_EVERY):
            await self._store.set_watermark(self._connection.name, name, reached)
            self._stored[name] = reached


def _origin(item: MisItem) -> str:
    """What a split sales order was split from."""
    return item.ref.rpartition("-")[0]


def _is_only_named(item: MisItem) -> bool:
    return isinstance(item.status, Unreadable) and not item.raw


def _reason(status: LineStatus) -> str:
    return status.reason if isinstance(status, Unreadable) else str(status)


def _said(which: str, why: str, count: int) -> str:
    return f"{which} (one of {count}): {why}" if count > 1 else f"{which}: {why}"
