"""Ways to break the code on purpose, each against one promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from countermand.bridge import conclude as conclude_module
from countermand.bridge import converge as converge_module
from countermand.bridge import look as look_module
from countermand.bridge.act import prepare
from countermand.bridge.case import Case, CaseItem
from countermand.bridge.conclude import Pass
from countermand.bridge.connection import Connection as Shop
from countermand.bridge.converge import Converger
from countermand.bridge.sightings import Sighting
from countermand.bridge.store import TaskWish
from countermand.bridge.verification import verify
from countermand.bridge.worklist import TaskNews, task_news
from countermand.core import cancellation as cancellation_module
from countermand.core import guards as guards_module
from countermand.core import judge as judge_module
from countermand.core import merge as merge_module
from countermand.core import plan as plan_module
from countermand.core.cancellation import CancellationState
from countermand.core.guards import GO, Circumstances, Gate, Hold
from countermand.core.plan import Plan
from countermand.core.policy import Policy
from countermand.core.rules import Resolved
from countermand.core.status import Facts, LineStatus, Progress
from countermand.core.table import Decision, Row, decide
from countermand.ledger import journal as journal_module
from countermand.ledger import saving as saving_module
from countermand.simulation import invariants as promise
from countermand.simulation import process as process_module

Break = Callable[[pytest.MonkeyPatch], None]


def asks_nobody_about_conflicts(patch: pytest.MonkeyPatch) -> None:
    """Cancelled here and sent there opens no task."""

    def silent(before: Case | None, case: Case, plan: Plan, shop: Shop, now: datetime) -> TaskNews:
        news = task_news(before, case, plan, shop, now)
        return TaskNews(opens=tuple(filter(_no_conflict, news.opens)), closes=news.closes, checks=news.checks)

    patch.setattr(conclude_module, "task_news", silent)


def _no_conflict(wish: TaskWish) -> bool:
    return wish.kind.value not in ("cancelled_but_made", "shipped_but_cancelled", "cancelled_after_delivery")


def holds_for_ever(patch: pytest.MonkeyPatch) -> None:
    """Every cancel is held back until nobody knows when, and nobody is asked."""
    patch.setattr(plan_module, "guard_cancel", lambda *_asked: Hold("mutant", None))


def believes_the_first_read(patch: pytest.MonkeyPatch) -> None:
    """What a job showed when it was first seen is what it shows for ever."""

    def deaf(
        item: CaseItem, _status: LineStatus, began_at: datetime, _at: datetime, _tracking: frozenset[str]
    ) -> CaseItem:
        return replace(item, mis=replace(item.mis, began_at=began_at))

    patch.setattr(CaseItem, "read", deaf)


def never_closes_a_task(patch: pytest.MonkeyPatch) -> None:
    def forgetful(before: Case | None, case: Case, plan: Plan, shop: Shop, now: datetime) -> TaskNews:
        return replace(task_news(before, case, plan, shop, now), closes=())

    patch.setattr(conclude_module, "task_news", forgetful)


def repeats_what_was_applied(patch: pytest.MonkeyPatch) -> None:
    """Neither waits for a write of its own to show, nor stops at one that does not."""
    patch.setattr(merge_module, "awaiting", lambda _line: None)
    patch.setattr(merge_module, "not_again", lambda _line, verdict: verdict)


def _always_go(*_asked: object) -> Gate:
    return GO


def guards_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plan_module, "guard_cancel", _always_go)


def has_no_undo_window(patch: pytest.MonkeyPatch) -> None:
    real = guards_module._waits

    def at_once(around: Circumstances, policy: Policy, now: datetime) -> Gate | None:
        return real(around, replace(policy, undo_window=timedelta(0)), now)

    patch.setattr(guards_module, "_waits", at_once)


def _asks_nothing(*_asked: object) -> None:
    return None


def has_no_brake(patch: pytest.MonkeyPatch) -> None:
    """Neither the guard asks for it nor whoever stores what is about to be sent."""
    patch.setattr(guards_module, "_brake", _asks_nothing)
    patch.setattr(saving_module, "_not_braked", lambda _database, _connection, changes: changes)


def needs_no_second_person(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guards_module, "_value", _asks_nothing)


def is_always_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guards_module, "_hours", _asks_nothing)


def knows_no_exceptions(patch: pytest.MonkeyPatch) -> None:
    """The connection's own rules hold for everybody."""
    patch.setattr(converge_module, "resolve", lambda policy, _overrides, _facts: Resolved(policy=policy))


def writes_at_first_sight(patch: pytest.MonkeyPatch) -> None:
    """Orders older than the connection are treated like any other."""
    for module in (merge_module, judge_module):
        patch.setattr(module, "first_sight", lambda _line, verdict: verdict)


def writes_what_is_not_offered(patch: pytest.MonkeyPatch) -> None:
    """Takes every system for one that offers everything."""
    everything = frozenset({"cancel_order", "cancel_line", "ship", "track", "note", "cancel_job"})
    patch.setattr(Shop, "offered", property(lambda _shop: everything))


def writes_on_old_reads(patch: pytest.MonkeyPatch) -> None:
    """What was read an hour ago is good enough."""
    for module in (converge_module, look_module):
        patch.setattr(module, "stale_sides", lambda *_asked: set())


def loses_answers(patch: pytest.MonkeyPatch) -> None:
    """What a system says to a write is not kept, nor what it shows after."""
    patch.setattr(converge_module, "answered", lambda case, *_answer: case)
    patch.setattr(converge_module, "verify", lambda case: case)


def records_no_sightings(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conclude_module, "differences", _no_differences)


def _no_differences(_before: Case | None, _after: Case, _raw: dict[str, str]) -> list[Sighting]:
    return []


def takes_old_news(patch: pytest.MonkeyPatch) -> None:
    """A change made on an old version of an order is stored all the same."""
    patch.setattr(saving_module, "_unchanged", lambda _database, _connection, changes: list(changes))


def writes_before_it_stores(patch: pytest.MonkeyPatch) -> None:
    """The call is made first; what was sent is stored after."""
    real = Converger._act

    async def hasty(self: Converger, passes: Sequence[Pass]) -> frozenset[str]:
        for one, written in [prepare(each, self._clock()) for each in passes]:
            assert one.stored is not None
            await self._send_all(replace(one.stored, case=one.case), written)
        return await real(self, passes)

    patch.setattr(Converger, "_act", hasty)


def takes_lines_for_the_order(patch: pytest.MonkeyPatch) -> None:
    """The cancel of an order itself is called verified as soon as each of its lines is cancelled."""

    def credulous(case: Case) -> Case:
        return replace(verify(replace(case, order_cancelled=True)), order_cancelled=case.order_cancelled)

    patch.setattr(converge_module, "verify", credulous)


def ships_what_is_cancelled(patch: pytest.MonkeyPatch) -> None:
    def reckless(storefront: LineStatus, mis: LineStatus) -> Row:
        row = decide(storefront, mis)
        if not (isinstance(storefront, Facts) and isinstance(mis, Facts)):
            return row
        if storefront.cancelled and mis.progress is Progress.DISPATCHED:
            return replace(row, decision=Decision.SHIP)
        return row

    patch.setattr(merge_module, "decide", reckless)


def loses_journal_entries(patch: pytest.MonkeyPatch) -> None:
    """Now and then the last entry of several is not written."""
    real = journal_module._INSERT

    class Lossy:
        def run_many(self, database: Connection, rows: Sequence[Mapping[str, object]]) -> None:
            real.run_many(database, rows[:-1] if len(rows) > 4 else rows)

    patch.setattr(journal_module, "_INSERT", Lossy())


def stores_no_sightings(patch: pytest.MonkeyPatch) -> None:
    """The journal has them, the table beside it has not."""

    class Lossy:
        def run_many(self, _database: Connection, _rows: Sequence[Mapping[str, object]]) -> None:
            pass

    patch.setattr(saving_module, "_INSERT_SIGHTING", Lossy())


def loses_messages(patch: pytest.MonkeyPatch) -> None:
    """Says that a message was taken, and does not keep it."""
    patch.setattr(process_module, "receive", lambda *_message: None)


def forgets_a_move(patch: pytest.MonkeyPatch) -> None:
    """A cancellation may not go from accepted to applying, and whoever wants that gets an error."""
    moves = cancellation_module._NEXT
    without = moves[CancellationState.ACCEPTED] - {CancellationState.APPLYING}
    patch.setitem(moves, CancellationState.ACCEPTED, without)


#: Each promise with the ways in which the code is made to break it.
MUTANTS: Mapping[str, Sequence[Break]] = {
    promise.CONFLICT: (asks_nobody_about_conflicts,),
    promise.CONVERGES: (holds_for_ever,),
    promise.TRUTH: (believes_the_first_read,),
    promise.NO_IDLE_TASK: (never_closes_a_task,),
    promise.ONCE: (repeats_what_was_applied,),
    promise.GUARDS: (
        guards_nothing,
        has_no_undo_window,
        has_no_brake,
        needs_no_second_person,
        is_always_open,
        knows_no_exceptions,
        writes_what_is_not_offered,
        writes_at_first_sight,
        writes_on_old_reads,
    ),
    promise.VERDICT: (records_no_sightings,),
    promise.NO_OLD_NEWS: (takes_old_news,),
    promise.EXPLAINED: (writes_before_it_stores, loses_answers, takes_lines_for_the_order),
    promise.NEVER_BACK: (ships_what_is_cancelled,),
    promise.CHAIN: (loses_journal_entries,),
    promise.COUNTS: (stores_no_sightings, loses_messages),
    promise.NO_ERROR: (forgets_a_move,),
}
