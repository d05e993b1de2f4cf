"""Running sweeps: every order of a connection read by id in both systems, so that nothing stays unnoticed.

A sweep enumerates our own links, never a vendor's listing: what a listing leaves out proves nothing. What it
finds goes the way of everything else, through the converger with its guards and tasks; it has no writes of
its own. Whatever else happens to an order meanwhile wins: the sweep's row loses to it and counts as skipped.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from countermand.bridge.case import Case, as_order
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection
from countermand.bridge.converge import AtFault, Converger, log_fault
from countermand.bridge.faults import DAMAGE, FAULTS
from countermand.bridge.look import BOTH, NEITHER, Looking
from countermand.bridge.sightings import differences
from countermand.bridge.store import ITSELF, Change, StoredCase
from countermand.bridge.sweep import (
    SKIP_MEANING,
    Batch,
    Candidate,
    Finding,
    Found,
    Skip,
    Sweep,
    SweepMovedError,
    SweepState,
    SweepStore,
    Tally,
    counting,
)
from countermand.bridge.verification import is_awaited
from countermand.core.judge import judge
from countermand.core.rules import facts_of, resolve
from countermand.core.status import Side, Unreadable
from countermand.core.verdict import InStep, Settled, Verdict, Wait

#: A batch is cut so that it costs about so many calls: other calls never wait behind more than these.
CALLS_A_BATCH = 20
LEAST_ORDERS, MOST_ORDERS = 5, 100
#: When a system cannot be read at all, the sweep waits this long and tries again, this often.
BLOCKED_FOR = timedelta(minutes=1)
MOST_BLOCKS = 10


class _Share(msgspec.Struct, frozen=True, kw_only=True):
    """One batch's part of a sweep: where it ends, what it left alone and how many orders could be read."""

    sweep: Sweep
    began: datetime
    ends: int
    left: dict[int, Skip]
    readable: int


class Sweeper:
    """Runs the sweeps of one connection, batch after batch; the caller says when, and rests in between."""

    def __init__(
        self,
        connection: Connection,
        store: SweepStore,
        clock: Callable[[], datetime],
        at_fault: AtFault = log_fault,
    ) -> None:
        self._at_fault = at_fault
        self._connection = connection
        self._store = store
        self._clock = clock
        self._looking = Looking(connection, store, clock)
        self._tally = Tally()
        self._size = LEAST_ORDERS
        self._due_at: datetime | None = None
        self._blocks = 0
        self._blocked_until: datetime | None = None

    async def step(self) -> bool:
        """One batch of the sweep under way, or begin one whose time has come; false: nothing to do now."""
        sweep = await self._store.running_sweep(self._connection.name)
        if sweep is None:
            return await self._begin_if_due()
        self._due_at = None
        if self._blocked_until is not None and self._clock() < self._blocked_until:
            return False
        with counting(self._tally), suppress(SweepMovedError):
            try:
                await self._batch(sweep)
            except DAMAGE:
                raise
            except FAULTS as fault:
                await self._failed(sweep, fault)
        return self._blocked_until is None

    async def _failed(self, sweep: Sweep, fault: Exception) -> None:
        """Take the orders one by one; the one on which we fail alone is put off, and so left alone."""
        if self._size > 1:
            self._at_fault(f"orders/{self._size}", fault)
            self._size = 1
            return
        converger = Converger(self._connection, self._store, self._clock, self._at_fault)
        candidates = await self._store.next_orders(sweep, 1)
        if not candidates:
            raise fault  # at its end; it is about no order
        await converger.put_off(candidates[0].stored.case.order_id, fault)

    async def _begin_if_due(self) -> bool:
        now, polling = self._clock(), self._connection.polling
        if self._due_at is None:
            last = await self._store.last_sweep_at(self._connection.name) or now
            self._due_at = last + polling.sweep_every
        if now < self._due_at:
            return False
        # A sweep that somebody else begins meanwhile, or that has no orders, is looked at again later.
        self._due_at = now + polling.interval
        since = now - polling.stop_after
        begun = await self._store.begin_sweep(self._connection.name, ITSELF, since, now)
        return begun is not None

    async def _batch(self, sweep: Sweep) -> None:
        began, calls = self._clock(), self._tally.calls
        candidates = await self._store.next_orders(sweep, self._size)
        if not candidates:
            await self._end(sweep)
            return
        grace = self._connection.polling.sweep_grace
        left = {one.stored.id: skip for one in candidates if (skip := _left_alone(one, began, grace))}
        passes = await self._look([one.stored for one in candidates if one.stored.id not in left])
        calls = self._tally.calls - calls
        if blocked := self._blocked(passes):
            await self._wait(sweep, blocked)
            return
        self._blocks, self._blocked_until = 0, None
        left |= {_row(one): Skip.UNREADABLE for one in passes if _unreadable(one.case)}
        readable = [one for one in passes if _row(one) not in left]
        news = await self._confirm([one for one in readable if not self._quiet(one)])
        share = _Share(
            sweep=sweep, began=began, ends=candidates[-1].stored.id, left=left, readable=len(readable)
        )
        await self._store_share(share, news)
        # Only now: where our code fails on several orders, the next batch is one of them.
        self._resize(len(candidates), calls)

    async def _store_share(self, share: _Share, news: Sequence[Pass]) -> None:
        """Store how far the sweep has come together with what the orders with news became.

        Until that is stored no order is put off by itself: the counts are about all of them. What fails
        later, while something is written, is the converger's to deal with.
        """
        is_stored = asyncio.Event()

        def at_fault(about: str, fault: Exception) -> None:
            if not is_stored.is_set():
                raise fault
            self._at_fault(about, fault)

        def batch_of(changes: Sequence[Change], saved: Mapping[str, StoredCase]) -> Batch:
            return self._batch_of(share, [self._finding(one, one.case.order_id in saved) for one in changes])

        if news:
            store = self._store.saving_with(batch_of, is_stored.set)
            await Converger(self._connection, store, self._clock, at_fault).converge(news)
        else:
            await self._store.save_batch(batch_of((), {}))

    def _batch_of(self, share: _Share, judged: Sequence[Finding]) -> Batch:
        told = [one for one in judged if one.kind is not Found.AGREED]
        now = self._clock()
        return Batch(
            sweep=share.sweep.id,
            begins=share.sweep.position,
            ends=share.ends,
            agreed=share.readable - len(told),
            findings=(*(_skipped(row, skip) for row, skip in share.left.items()), *told),
            calls=self._tally.take(),
            seconds=(now - share.began).total_seconds(),
            at=now,
        )

    async def _look(self, stored: Sequence[StoredCase]) -> list[Pass]:
        """Read both sides of these orders by id; a read that was due by schedule is answered with it."""
        passes = [Pass(stored=one, case=one.case) for one in stored]
        looked = await self._looking.look(passes, lambda _: BOTH) if passes else []
        return [replace(one, case=replace(one.case, poll_at=None)) if one.polled else one for one in looked]

    async def _confirm(self, passes: Sequence[Pass]) -> list[Pass]:
        """The two sides were not read in the same instant: what newly seems to differ is read once more."""
        return await self._looking.look(passes, lambda one: BOTH if self._is_news(one.case) else NEITHER)

    def _is_news(self, case: Case) -> bool:
        """Both sides differ in a way that was not known; a case keeps its rules until it is concluded."""
        found, why = self._compare(case)
        return found is Found.DIFFERING and _is_new(why, case)

    def _quiet(self, one: Pass) -> bool:
        """Both sides agree, and are known to: there is nothing to store."""
        assert one.stored is not None
        if one.polled or one.entries or one.case.tasks or differences(one.stored.case, one.case, {}):
            return False
        verdicts = self._verdicts(one.case)
        return all(
            isinstance(verdict := verdicts[line.line_id], InStep | Settled) and verdict.rule == line.rule
            for line in one.case.lines
        )

    def _verdicts(self, case: Case) -> dict[str, Verdict]:
        connection = self._connection
        order = as_order(case, live_since=connection.live_since, offered=connection.offered)
        rules = resolve(connection.policy, connection.overrides, facts_of(case.customer, order.lines))
        return judge(order, rules.policy, self._clock())

    def _compare(self, case: Case) -> tuple[Found, str]:
        """Whether both sides agree on the order as it was read, and if not, why."""
        verdicts = self._verdicts(case)
        unlinked = {line.line_id for line in case.lines if not line.links}
        apart = {name: one for name, one in verdicts.items() if not isinstance(one, InStep | Settled)}
        rules = {one.rule for name, one in apart.items() if not isinstance(one, Wait) or name not in unlinked}
        if rules:
            return Found.DIFFERING, ", ".join(sorted(rules))
        return (Found.SKIPPED, Skip.NO_JOB.value) if apart else (Found.AGREED, "")

    def _finding(self, change: Change, saved: bool) -> Finding:
        stored = change.stored
        assert stored is not None, f"order {change.case.order_id} is new, and a sweep meets no new orders"
        if not saved:
            return _skipped(stored.id, Skip.OVERTAKEN)
        if _unreadable(change.case):
            return _skipped(stored.id, Skip.UNREADABLE)
        found, why = self._compare(change.case)
        is_new = found is Found.DIFFERING and _is_new(why, stored.case)
        return Finding(order=stored.id, kind=found, why=why, is_new=is_new)

    def _resize(self, orders: int, calls: int) -> None:
        """The next batch: as many orders as about `CALLS_A_BATCH` calls read."""
        fitting = orders * CALLS_A_BATCH // max(calls, 1)
        self._size = min(max(fitting, LEAST_ORDERS), MOST_ORDERS)

    # Ends

    def _blocked(self, passes: Sequence[Pass]) -> str:
        """Why nothing can be said: not one of several orders can be read in one of the systems."""
        if len(passes) < LEAST_ORDERS:
            return ""
        for side, name in (
            (Side.STOREFRONT, self._connection.storefront_name),
            (Side.MIS, self._connection.mis_name),
        ):
            reads = [reason for one in passes for reason in _reads(one.case, side)]
            if reads and all(reads):
                return f"{name} could not be read: {reads[0]}"
        return ""

    async def _wait(self, sweep: Sweep, why: str) -> None:
        """A system that is down says nothing about its orders: wait for it, but not for ever."""
        self._blocks += 1
        if self._blocks < MOST_BLOCKS:
            self._blocked_until = self._clock() + BLOCKED_FOR
            return
        self._blocks, self._blocked_until = 0, None
        await self._store.end_sweep(sweep, SweepState.FAILED, why, self._tally.take(), self._clock())

    async def _end(self, sweep: Sweep) -> None:
        state, reason = SweepState.DONE, ""
        if sweep.compared == 0:
            state, reason = SweepState.FAILED, await self._nothing_compared(sweep)
        await self._store.end_sweep(sweep, state, reason, self._tally.take(), self._clock())

    async def _nothing_compared(self, sweep: Sweep) -> str:
        """A run that compared nothing must never look like one that found nothing."""
        skipped = Counter(await self._store.skipped_because(sweep))
        if not skipped:
            return _NO_ORDERS
        reasons = "; ".join(f"{count}: {SKIP_MEANING[Skip(why)]}" for why, count in skipped.most_common())
        return f"Nothing was compared. All {sum(skipped.values())} orders were skipped ({reasons})."


_NO_ORDERS = "There was no order to compare."


def _left_alone(one: Candidate, now: datetime, grace: timedelta) -> Skip | None:
    """Why an order is left to the loop that is busy with it anyway."""
    case = one.stored.case
    if case.look_storefront_at or case.look_mis_at or case.checking:
        return Skip.LOOK_PENDING
    if is_awaited(case):
        return Skip.WRITE_OPEN
    if now - one.changed_at < grace:
        return Skip.YOUNG_CHANGE
    return None


def _is_new(why: str, known: Case) -> bool:
    """Whether a difference goes beyond what the stored judgement of the order says."""
    return not {line.rule for line in known.lines}.issuperset(why.split(", "))


def _skipped(order: int, why: Skip) -> Finding:
    return Finding(order=order, kind=Found.SKIPPED, why=why.value)


def _row(one: Pass) -> int:
    assert one.stored is not None
    return one.stored.id


def _reads(case: Case, side: Side) -> list[str]:
    """Of each line or item on one side, why it cannot be read; empty where it can."""
    seen = (
        [line.storefront for line in case.lines]
        if side is Side.STOREFRONT
        else [item.mis for item in case.items]
    )
    statuses = [one.reading().status for one in seen]
    return [
        status.reason or "it gave no clear answer" if isinstance(status, Unreadable) else ""
        for status in statuses
    ]


def _unreadable(case: Case) -> bool:
    return any(reason for side in Side for reason in _reads(case, side))
