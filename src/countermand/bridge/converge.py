"""The loop over some orders: look, judge, look at the other side, act, read back, conclude.

Every step is level-triggered and every change is fenced by the version of the order's row, so it does not
matter who runs it, how often, or where the last run stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import structlog
from msgspec.structs import replace

from countermand.bridge.act import prepare, send
from countermand.bridge.adoption import take_in
from countermand.bridge.case import Case, Checking, Written, as_order
from countermand.bridge.conclude import Pass, conclude
from countermand.bridge.connection import Connection
from countermand.bridge.faults import (
    FAULTS,
    Mask,
    failed,
    fault_task,
    in_short,
    over,
    shows_it_is_over,
    traceback_of,
)
from countermand.bridge.go_ahead import still_meant
from countermand.bridge.look import BOTH, Looking, needs_look, second_look, stale_sides
from countermand.bridge.notes import note_entry, noted
from countermand.bridge.quiet import is_quiet, looked, rules_of, wants_cancel
from countermand.bridge.store import Change, Entry, Store, StoredCase
from countermand.bridge.verification import answered, report, verify
from countermand.core.command import Answer, Outcome
from countermand.core.events import Event
from countermand.core.guards import BrakeState
from countermand.core.plan import NeedsPerson, Plan, plan
from countermand.core.policy import Direction
from countermand.core.rules import facts_of, resolve
from countermand.core.status import Side
from countermand.core.tasks import TaskKind

log = structlog.get_logger()

Clock = Callable[[], datetime]
#: Told of an error of ours, and of what it is about: `order/10001`, `note/10001`, `listing/mis`,
#: `message/17`; `orders/3` for so many that failed together, of which each is tried by itself next.
AtFault = Callable[[str, Exception], None]
#: An order as stored with its writes marked as sent; and what one of them was answered, and when.
Sent = tuple[StoredCase, tuple[Written, ...]]
Answered = tuple[Answer, datetime]

#: So many orders are written about together; more would wait in line while what was read of them grows old.
_AT_ONCE = 4
#: So often a change is made anew because another worker changed its order meanwhile.
_MOST_TRIES = 10


def log_fault(about: str, fault: Exception, mask: Mask = str) -> None:
    what, _, which = about.partition("/")
    log.error(f"{what}.failed", **{what: which}, exception=traceback_of(fault, mask))


_CANCELS = frozenset({Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT})


class Converger:
    """Brings orders of one connection in step."""

    def __init__(
        self, connection: Connection, store: Store, clock: Clock, at_fault: AtFault = log_fault
    ) -> None:
        self.at_fault = at_fault
        self._connection = connection
        self._store = store
        self._clock = clock
        self._looking = Looking(connection, store, clock)
        self._rules = rules_of(connection)

    def note_listing(self, began: datetime) -> None:
        """The MIS answered a listing that began then: a job of which it said nothing was not there."""
        self._looking.listed_at = began

    async def converge(self, passes: Sequence[Pass]) -> frozenset[str]:
        """Bring these orders as far as they can go now.

        Returns the order ids whose look is stored, or which showed nothing new. One that is missing was
        changed by another worker meanwhile, or is not there; whoever asked for the look has to ask again.

        An order with which we cannot cope is put off with a task (`bridge.faults`), and holds up no other.
        """
        if not passes:
            return frozenset()
        now = self._clock()
        failed_before = [
            one for one in passes if fault_task(one.case) and not one.listed and needs_look(one, now) == BOTH
        ]
        try:
            looked = await self._converge(passes)
        except FAULTS as fault:
            if len(passes) > 1:
                self.at_fault(f"orders/{len(passes)}", fault)
                return await self._one_by_one(passes)
            return await self.put_off(passes[0].case.order_id, fault)
        for one in failed_before:
            if one.case.order_id in looked:
                await self._end_fault(one.case)
        return looked

    # Errors of ours

    async def _one_by_one(self, passes: Sequence[Pass]) -> frozenset[str]:
        """Each by itself; one that was saved before another failed goes on from what is stored."""
        order_ids = [one.case.order_id for one in passes]
        stored = await self._store.load(self._connection.name, order_ids)
        looked: set[str] = set()
        for one in passes:
            known = stored.get(one.case.order_id)
            if known is None or (one.stored and one.stored.version == known.version):
                looked |= await self.converge([one])
            else:
                await self.converge([Pass(stored=known, case=known.case)])
        return frozenset(looked)

    async def put_off(self, order_id: str, fault: Exception) -> frozenset[str]:
        """Tell of an error of ours about an order, and let it rest; the order's id, once that is stored."""
        self.at_fault(f"order/{order_id}", fault)

        def resting(stored: StoredCase | None) -> Change:
            return failed(stored, order_id, fault, self._clock(), self._connection.mask)

        return await self._change(order_id, resting)

    async def _end_fault(self, before: Case) -> None:
        def end(stored: StoredCase | None) -> Change | None:
            if stored is None or not shows_it_is_over(stored.case, before):
                return None
            return over(stored, before, self._clock())

        await self._change(before.order_id, end)

    async def _change(
        self, order_id: str, change_of: Callable[[StoredCase | None], Change | None]
    ) -> frozenset[str]:
        """Change what is stored of an order, on whatever another worker makes of it meanwhile."""
        for _ in range(_MOST_TRIES):
            stored = await self._store.load(self._connection.name, [order_id])
            change = change_of(stored.get(order_id))
            if change is None:
                break
            if saved := await self._store.save(self._connection.name, [change], self._clock(), {}):
                return frozenset(saved)
        return frozenset()

    async def _converge(self, passes: Sequence[Pass]) -> frozenset[str]:
        taken = [(one, take_in(one, self._clock())) for one in passes]
        known = frozenset(one.case.order_id for one, after in taken if after is None)
        passes = [after for _, after in taken if after is not None]
        if not passes:
            return known
        fresh = _as_meant(await self._looking.look(passes, lambda one: needs_look(one, self._clock())))
        quiet = await self._quiet(fresh)
        unchanged = {one.case.order_id for one in quiet}
        news = [one for one in fresh if one.case.order_id not in unchanged]
        judged = await self._look(news) if news else []
        saved = await self._save(judged, quiet)
        acting = [one for one in saved if one.plan.writes and self._fresh(one)]
        lost = await self._act(acting) if acting else frozenset()
        await self._write_notes([one for one in saved if one.case.notes_due and one not in acting])
        return known.union(one.case.order_id for one in saved) - lost

    async def _quiet(self, passes: Sequence[Pass]) -> list[Pass]:
        wanting = any(wants_cancel(one.case) for one in passes)
        brakes = await self._store.brakes(self._connection.name) if wanting else frozenset()
        return [one for one in passes if is_quiet(one, self._rules, self._clock(), brakes)]

    def _fresh(self, one: Pass) -> bool:
        """A write that came due only now waits for the next pass, which reads before it writes."""
        return not stale_sides(one.case, self._connection, self._clock())

    # Look and judge

    async def _look(self, passes: list[Pass]) -> list[Pass]:
        first = await self._judge_all(passes)
        passes = await self._looking.look(
            first, lambda one: second_look(one, self._connection, self._clock())
        )
        passes = _as_meant(await self._looking.share(passes))
        anew = [one for one, before in zip(passes, first, strict=True) if one.case is not before.case]
        judged = {one.case.order_id: one for one in await self._judge_all(anew)}
        passes = [judged.get(one.case.order_id, one) for one in passes]
        checking = [one for one in passes if one.case.checking]
        heard = await self._judge_all([self._hear(one) for one in checking]) if checking else []
        said = {one.case.order_id: one for one in heard}
        return [said.get(one.case.order_id, one) for one in passes]

    async def _judge_all(self, passes: Sequence[Pass]) -> list[Pass]:
        """Judge orders; the brakes are asked for only where some order wants a cancel."""
        judged = [self._judge(one, None) for one in passes]
        if not any(one.plan.wanted & _CANCELS for one in judged):
            return judged
        brakes = await self._store.brakes(self._connection.name)
        return [self._judge(one, brakes) if brakes else replace(one, brakes=brakes) for one in judged]

    def _judge(self, one: Pass, brakes: frozenset[Direction] | None) -> Pass:
        case = verify(one.case)
        return replace(one, case=case, plan=self._plan(case, brakes or frozenset()), brakes=brakes)

    def _plan(self, case: Case, brakes: frozenset[Direction]) -> Plan:
        order = as_order(
            case,
            live_since=self._connection.live_since,
            offered=self._connection.offered,
            brakes={way: _brake(case, way) for way in brakes},
        )
        rules = resolve(
            self._connection.policy, self._connection.overrides, facts_of(case.customer, order.lines)
        )
        return plan(order, rules.policy, self._clock(), rules.by_direction)

    def _hear(self, one: Pass) -> Pass:
        """Where a system cannot be read back, a person's "done" is taken as their word."""
        wanted = {action.kind for action in one.plan.actions if isinstance(action, NeedsPerson)}
        for checking in one.case.checking:
            task = next((task for task in one.case.tasks if task.id == checking.task), None)
            if task is None or task.kind not in wanted:
                continue
            not_found = task.kind is TaskKind.CANCELLED_UNSEEN
            case = report(one.case, task.line_ids, checking.by, self._clock(), not_found=not_found)
            if case != one.case:
                entry = self._reported(case, task.line_ids, checking)
                one = replace(one, case=case, entries=(*one.entries, entry))
        return one

    def _reported(self, case: Case, line_ids: Sequence[str], checking: Checking) -> Entry:
        return Entry(
            at=self._clock(),
            event=Event.LINE_REPORTED,
            subject=f"order/{case.order_id}",
            actor=checking.by,
            why="done by hand; cannot be read back",
            extra={"lines": ", ".join(line_ids), "task": str(checking.task)},
        )

    # Save

    async def _save(self, passes: Sequence[Pass], quiet: Sequence[Pass]) -> list[Pass]:
        """Save; what is to be written is judged anew, for the brake may have tripped on these very orders."""
        changes = [self._conclude(one) for one in passes]
        changes += [looked(one, self._connection, self._clock()) for one in quiet]
        saved = await self._store.save(
            self._connection.name, changes, self._clock(), self._connection.brake_limits
        )
        await self._drop_linked([change for change in changes if change.case.order_id in saved])
        writing = {one.case.order_id for one in passes if one.plan.writes}
        kept = [Pass(stored=stored, case=stored.case) for stored in saved.values()]
        # Another order that is looked at elsewhere may have come to be made by the same job meanwhile.
        acting = await self._looking.share([one for one in kept if one.case.order_id in writing])
        acting = await self._judge_all(acting)
        return [one for one in kept if one.case.order_id not in writing] + acting

    def _conclude(self, one: Pass) -> Change:
        return conclude(one, self._connection, self._clock(), self._rules)

    async def _drop_linked(self, changes: Sequence[Change]) -> None:
        linked = [value for change in changes for kind, value in change.references if kind == "item"]
        await self._store.drop_unlinked(self._connection.name, linked)

    # Act and read back

    async def _act(self, passes: Sequence[Pass]) -> frozenset[str]:
        """Mark as sent, send, store the answers, read back, conclude; the orders with answers not stored.

        A few orders at a time; those whose turn comes too late are read anew in the next pass.
        """
        sent, stored = [], []
        for first in range(0, len(passes), _AT_ONCE):
            fresh = [one for one in passes[first : first + _AT_ONCE] if self._fresh(one)]
            some = await self._commit([prepare(one, self._clock()) for one in fresh]) if fresh else []
            answers = await asyncio.gather(*(self._send_all(case, written) for case, written in some))
            sent += [one.case.order_id for one, _ in some]
            stored += await self._store_answers(list(zip(some, answers, strict=True)))
        await self._read_back(stored)
        return frozenset(sent) - {one.case.order_id for one in stored}

    async def _store_answers(self, answered: Sequence[tuple[Sent, Sequence[Answered]]]) -> list[StoredCase]:
        """Store what was answered; where we fail on one order's, those of the others all the same."""
        if not answered:
            return []
        brakes = await self._store.brakes(self._connection.name)
        try:
            after = await self._commit([self._answer(sent, answers, brakes) for sent, answers in answered])
            return [stored for stored, _ in after]
        except FAULTS as fault:
            if len(answered) > 1:
                self.at_fault(f"orders/{len(answered)}", fault)
                return [one for each in answered for one in await self._store_answers([each])]
            ((stored, _), _), *_ = answered
            await self.put_off(stored.case.order_id, fault)
            return []

    async def _commit(self, prepared: Sequence[tuple[Pass, tuple[Written, ...]]]) -> list[Sent]:
        changes = [self._conclude(one) for one, _ in prepared]
        saved = await self._store.save(
            self._connection.name, changes, self._clock(), self._connection.brake_limits
        )
        return [
            (saved[one.case.order_id], written) for one, written in prepared if one.case.order_id in saved
        ]

    async def _send_all(self, stored: StoredCase, written: Iterable[Written]) -> list[Answered]:
        """One after the other: two writes about one order never race each other."""
        return [(await self._send(stored.case, one), self._clock()) for one in written]

    async def _send(self, case: Case, written: Written) -> Answer:
        """The call's answer. When it ends in an error of ours it may have taken effect: that is not known."""
        try:
            return await send(case, written, self._connection)
        except Exception as fault:  # noqa: BLE001 - what the writes of other orders were answered must be stored
            self.at_fault(f"write/{written.id}", fault)
            return self._unclear(case, "Sending it", fault)

    def _answer(
        self,
        sent: Sent,
        answers: Sequence[Answered],
        brakes: frozenset[Direction],
    ) -> tuple[Pass, tuple[Written, ...]]:
        stored, written = sent
        case, entries = stored.case, []
        for one, (answer, at) in zip(written, answers, strict=True):
            case = answered(case, one, answer, at)
            entries.append(_answer_entry(case, one, answer, at))
        news = tuple(each for each in case.writes if each.id in {one.id for one in written})
        judged = self._judge(Pass(stored=stored, case=case), brakes)
        return replace(judged, entries=tuple(entries), written=news), written

    async def _read_back(self, stored: Sequence[StoredCase]) -> None:
        if not stored:
            return
        brakes = await self._store.brakes(self._connection.name)
        passes = [Pass(stored=one, case=one.case) for one in stored]
        sides = {one.case.order_id: _written_sides(one.case) for one in stored}
        passes = await self._looking.look(passes, lambda one: sides[one.case.order_id])
        await self._commit([(self._judge(one, brakes), ()) for one in passes])

    # Order notes

    async def _write_notes(self, passes: Sequence[Pass]) -> None:
        """Tell the storefront's people, on the order itself, what was decided here.

        What was done about one order is stored before the next one's turn, so that it is never done again
        for what happens there.
        """
        for one in passes:
            entries = [await self._write_note(one.case, note) for note in one.case.notes_due]
            await self._drop_notes(one.case, entries)

    async def _write_note(self, case: Case, note: str) -> Entry:
        """One that ends in an error of ours may be there; it changes no status, so it is not repeated."""
        try:
            answer = await self._connection.storefront.note(case.order_id, note)
        except Exception as fault:  # noqa: BLE001 - what was written about other orders must be stored
            self.at_fault(f"note/{case.order_id}", fault)
            answer = self._unclear(case, "Writing it", fault)
        return note_entry(case, note, answer, self._clock())

    async def _drop_notes(self, before: Case, entries: Sequence[Entry]) -> None:
        def drop(stored: StoredCase | None) -> Change | None:
            return noted(stored, before.notes_due, entries, self._clock()) if stored else None

        await self._change(before.order_id, drop)

    def _unclear(self, case: Case, doing: str, fault: Exception) -> Answer:
        said = in_short(fault, self._connection.mask, (case.customer, case.po_number))
        return Answer(outcome=Outcome.UNKNOWN, said=f"{doing} failed, which is a fault of ours: {said}")


def _as_meant(passes: Sequence[Pass]) -> list[Pass]:
    """The passes, each with the go-aheads that still mean what was read now."""
    return [
        replace(one, case=still_meant(one.stored.case, one.case)) if one.stored else one for one in passes
    ]


def _brake(case: Case, direction: Direction) -> BrakeState:
    cancellation = case.open_cancellation(direction)
    return BrakeState(tripped=True, released=bool(cancellation and cancellation.released_by))


def _written_sides(case: Case) -> frozenset[Side]:
    answered_well = (Outcome.APPLIED, Outcome.ALREADY, Outcome.REFUSED)
    return frozenset(
        written.command.target for written in case.open_writes if written.command.outcome in answered_well
    )


def _answer_entry(case: Case, written: Written, answer: Answer, at: datetime) -> Entry:
    return Entry(
        at=at,
        event=Event.WRITE_ANSWERED,
        subject=f"order/{case.order_id}",
        why=answer.said,
        after=answer.outcome.value,
        extra={"write": written.id, "target": written.command.target.value},
    )
