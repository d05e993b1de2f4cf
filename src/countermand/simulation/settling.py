"""Lines that hold still: what must not last, and how long it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec.structs import replace

from countermand.bridge.case import Case, CaseLine
from countermand.bridge.connection import Polling
from countermand.core.policy import Direction, PartDispatch, Policy
from countermand.core.status import Facts, Gone, LineStatus, Progress, Unseen
from countermand.core.table import Decision, decide
from countermand.core.tasks import TaskKind
from countermand.simulation.invariants import CONFLICT, CONVERGES, EXPLAINED, NO_IDLE_TASK, TRUTH
from countermand.simulation.script import Rules, Setup
from countermand.simulation.watch import LineTruth, Violation, Watch, shown_mis

_K = TaskKind
_MONEY = frozenset({_K.REFUND, _K.CREDIT_NOTE, _K.UNKNOWN_REFERENCE, _K.CLOSE_EMPTIED_ORDER})
_IN_THE_STOREFRONT = frozenset({_K.CANCEL_IN_STOREFRONT, _K.SHIP_IN_STOREFRONT})
_ABOUT_READING = frozenset(
    {_K.AMBIGUOUS_LINK, _K.NOT_IN_PRODUCTION, _K.CANNOT_READ, _K.GONE, _K.MARKED_BY_HAND, _K.UNMAPPED,
     _K.CANCELLED_UNSEEN}
)  # fmt: skip
_ABOUT_CONFLICTS = _ABOUT_READING | {
    _K.CANCELLED_BUT_MADE, _K.SHIPPED_BUT_CANCELLED, _K.CANCELLED_AFTER_DELIVERY, _K.IMPORT_REVIEW
}  # fmt: skip
#: Tasks that have no reason once both systems agree.
_MADE_NEEDLESS = frozenset(
    {
        _K.CANCELLED_BUT_MADE, _K.SHIPPED_BUT_CANCELLED, _K.CANCEL_IN_MIS, _K.CANCEL_IN_STOREFRONT,
        _K.CANCEL_STOCK_LINE, _K.PAST_CUT_OFF, _K.SHIP_IN_STOREFRONT, _K.WRITE_REFUSED, _K.WRITE_UNKNOWN,
        _K.NOT_VISIBLE, _K.CANNOT_READ, _K.SHARED_JOB, _K.APPROVE, _K.CANCELLED_UNSEEN,
    }
)  # fmt: skip


class Settling:
    """How long each thing that must not last has lasted; judged anew whenever something about it changes."""

    def __init__(self, watch: Watch, later: Sequence[Rules] = ()) -> None:
        self._watch = watch
        self._since: dict[tuple[str, str, str], float] = {}
        setups = (watch.setup, *(_with_rules(watch.setup, rules) for rules in later))
        self._bound = max(_bound(policy) for setup in setups for policy in setup.policies())

    def judge(self, order_id: str) -> None:
        """Look at an order of which something changed."""
        found = {(name, order_id, line_id): what for name, line_id, what in self._problems(order_id)}
        for key in [key for key in self._since if key[1] == order_id and key not in found]:
            del self._since[key]
        now = self._watch.loop.time()
        for key in found:
            self._since.setdefault(key, now)

    def overdue(self) -> None:
        """Raise for what has lasted too long."""
        now = self._watch.loop.time()
        for (name, order_id, line_id), since in list(self._since.items()):
            if now - since > self._bound and self._watch.healthy(since, now) > self._bound:
                self.judge(order_id)  # a look that changed nothing of note may have ended it
                if (name, order_id, line_id) not in self._since:
                    continue
                what = {(n, line): w for n, line, w in self._problems(order_id)}.get((name, line_id), "")
                raise Violation(name, f"order {order_id} line {line_id}", f"since {since:.0f} s: {what}")

    def _problems(self, order_id: str) -> Iterable[tuple[str, str, str]]:
        case = self._watch.case(order_id)
        if self._watch.shop.orders[order_id].deleted:
            yield from _without_an_order(case) if case is not None else ()
            return
        if case is None:
            # Where the storefront lists nothing, an order whose messages are lost cannot be known.
            if "list" not in self._watch.setup.storefront_lacks:
                yield TRUTH, "", "the order is not known to us"
            return
        yield from _unanswered(case)
        truths = list(self._watch.line_truths(order_id))
        for truth in truths:
            line, others = case.line(truth.line_id), _sent_by_others(truth, truths)
            if line is None:
                yield TRUTH, truth.line_id, "the line is not known to us"
                continue
            kinds = _kinds(case, truth.line_id)
            settled = _settled(case, line, by_others=others)
            conflict = _sent_and_cancelled(truth) and not others
            asked = settled or kinds & _ABOUT_CONFLICTS
            if conflict and not (asked or _was_cancelled_before(self._watch, case, line)):
                yield CONFLICT, truth.line_id, f"{truth.storefront} and {truth.mis}; tasks {sorted(kinds)}"
            wrong_here, wrong_there = (
                _wrong_storefront(line, truth),
                _wrong_mis(self._watch, case, line, truth),
            )
            wrong = wrong_here or wrong_there
            excused = not wrong_here and self._left_to_people(case, line, kinds)
            if wrong and not (kinds & _ABOUT_READING or excused):
                yield TRUTH, truth.line_id, wrong
            if not wrong:
                yield from _idle_tasks(line, case, kinds)
            if not wrong and not settled and not kinds - _MONEY:
                undecided = _undecided(self._watch, case, line, by_others=others)
                if undecided:
                    yield CONVERGES, truth.line_id, undecided

    def _left_to_people(self, case: Case, line: CaseLine, kinds: frozenset[TaskKind]) -> bool:
        """Where the MIS cannot be read or searched at all, people are all there is.

        That is their word on what we see, or a question to them about it; old orders are history.
        """
        setup = self._watch.setup
        if setup.mis_readable and not setup.mis_lacks >= {"find", "list"}:
            return False
        old = self._watch.shop.orders[case.order_id].placed < setup.live_since
        settled = _settled(case, line, by_others=False) or _settled(case, line, by_others=True)
        return old or settled or bool(kinds - _MONEY - _IN_THE_STOREFRONT)


def _with_rules(setup: Setup, rules: Rules) -> Setup:
    return replace(setup, policy=rules.policy, exceptions=rules.exceptions)


def _bound(policy: Policy) -> float:
    """How long anything may last under these rules, in seconds."""
    waits = policy.not_in_production_after + policy.undo_window + policy.vendor_grace
    closed = timedelta(days=3) if policy.opening_hours is not None else timedelta()
    return (Polling().slowest + waits + closed + timedelta(hours=3)).total_seconds()


def _without_an_order(case: Case) -> Iterable[tuple[str, str, str]]:
    """The storefront has no such order any more: that is known, and closed, left so or asked about."""
    for line in case.lines:
        shown, kinds = line.storefront.reading().status, _kinds(case, line.line_id)
        if not isinstance(shown, Gone) and not kinds:
            yield TRUTH, line.line_id, f"the order was deleted, we have {shown}"
        elif line.rule not in ("gone", "settled") and not kinds:
            yield CONVERGES, line.line_id, f"the order was deleted, and nobody is asked: rule {line.rule}"


def _unanswered(case: Case) -> Iterable[tuple[str, str, str]]:
    """A write of which nobody knows what became of it: no answer, no proof, no later write, no task."""
    for written in case.open_writes:
        tasks = _kinds(case, written.line_ids[0]) - _MONEY
        if written.command.answered_at is None and not tasks:
            yield EXPLAINED, written.line_ids[0], f"{written.id} has neither an answer nor a proof nor a task"


def _was_cancelled_before(watch: Watch, case: Case, line: CaseLine) -> bool:
    """Whether a line was cancelled already when we first saw it, in an order older than the connection.

    Such an order is history. That a job of it goes on shows in a search or a listing of the MIS, or is told:
    where there is none of these, nobody can know, and people are not asked about each cancelled order.
    """
    old = watch.shop.orders[case.order_id].placed < watch.setup.live_since
    cannot_be_known = watch.setup.mis_lacks >= {"find", "list"} and not line.links
    return old and cannot_be_known and line.storefront.since <= case.first_seen_at


def _idle_tasks(line: CaseLine, case: Case, kinds: frozenset[TaskKind]) -> Iterable[tuple[str, str, str]]:
    """Tasks that are still open although both systems show the same."""
    needless = kinds & _MADE_NEEDLESS
    if any(_cancelled_and_sent(case, link.ref) for link in line.links):
        needless -= {_K.CANCELLED_BUT_MADE}  # whatever the line's other jobs say
    storefront, mis = line.storefront.status, shown_mis(case, line)
    if needless and isinstance(mis, Facts | Unseen) and decide(storefront, mis).decision is Decision.IN_STEP:
        tracking = frozenset().union(*(item.mis.tracking for item in case.items))
        if not tracking - line.storefront.tracking:
            yield NO_IDLE_TASK, line.line_id, f"{storefront} and {mis}; tasks {sorted(needless)}"


def _cancelled_and_sent(case: Case, ref: str) -> bool:
    status = item.mis.status if (item := case.item(ref)) else None
    return isinstance(status, Facts) and status.cancelled and status.sent


def _kinds(case: Case, line_id: str) -> frozenset[TaskKind]:
    """Kinds of the open tasks that are about a line."""
    return frozenset(task.kind for task in case.tasks if line_id in task.line_ids)


def _settled(case: Case, line: CaseLine, *, by_others: bool) -> bool:
    """Whether a person left it as it is; that its neighbours leave afterwards changes nothing about it."""
    if line.settlement is None:
        return False
    shown, mis = line.storefront.reading().status, shown_mis(case, line)
    pairs = {(str(status), str(mis)) for status in (shown, _own(shown, by_others=by_others))}
    return any((str(each.storefront), str(each.mis)) in pairs for each in line.settlement.pairs)


def _own(storefront: LineStatus, *, by_others: bool) -> LineStatus:
    """What the storefront shows of a line itself, without how far its neighbours are."""
    if by_others and isinstance(storefront, Facts):
        return Facts(storefront.intent, Progress.NONE)
    return storefront


def _sent_and_cancelled(truth: LineTruth) -> bool:
    facts = [each for each in (truth.storefront, truth.mis) if isinstance(each, Facts)]
    return any(each.cancelled for each in facts) and any(each.sent for each in facts)


def _sent_by_others(truth: LineTruth, truths: Sequence[LineTruth]) -> bool:
    """Whether a line only looks sent: the shipping status is the order's, and its neighbours left."""
    if not truth.storefront.sent or (isinstance(truth.mis, Facts) and truth.mis.sent):
        return False
    others = [each for each in truths if each.line_id != truth.line_id]
    if truth.storefront.progress is Progress.PART_DISPATCHED:
        return any(_progress(each.mis) in (Progress.PART_DISPATCHED, Progress.DISPATCHED) for each in others)
    live = [each for each in others if not each.storefront.cancelled]
    sent = bool(live) and all(_progress(each.mis) is Progress.DISPATCHED for each in live)
    return truth.storefront.cancelled and sent


def _wrong_storefront(line: CaseLine, truth: LineTruth) -> str:
    shown = line.storefront.reading().status
    return "" if shown == truth.storefront else f"the storefront shows {truth.storefront}, we have {shown}"


def _wrong_mis(watch: Watch, case: Case, line: CaseLine, truth: LineTruth) -> str:
    linked = {link.ref for link in line.links}
    for ref in truth.items:
        item = case.item(ref)
        if ref not in linked or item is None:
            return f"{ref} makes it, we have {sorted(linked)}"
        there = watch.plant.status(watch.plant.items[ref])
        if item.mis.unreadable_since is not None or item.mis.status != there:
            return f"{ref} is {there}, we have {item.mis.reading().status}"
    return ""


def _undecided(watch: Watch, case: Case, line: CaseLine, *, by_others: bool) -> str:
    """Why a line that we see rightly should not be left alone; empty when all is well."""
    storefront, mis = _own(line.storefront.status, by_others=by_others), shown_mis(case, line)
    if not isinstance(mis, Facts | Unseen):
        over = isinstance(mis, Gone) and _is_cancelled(storefront)
        return "" if over else f"{storefront} and {mis}: nobody is asked"
    row = decide(storefront, mis)
    match row.decision:
        case Decision.IN_STEP | Decision.WAIT | Decision.NOT_OURS:
            return ""
        case Decision.SHIP | Decision.SHIP_PART:
            left_alone = _rest_has_not_left(watch, case, storefront)
            return "" if left_alone else f"{storefront} and {mis}: {row.decision.value}, rule {line.rule}"
        case _:
            return f"{storefront} and {mis}: {row.decision.value}, rule {line.rule}"


def _rest_has_not_left(watch: Watch, case: Case, storefront: LineStatus) -> bool:
    """Whether a dispatch may wait for the other lines of its order."""
    live = [line for line in case.lines if not _is_cancelled(line.storefront.status)]
    whole = all(_progress(shown_mis(case, line)) is Progress.DISPATCHED for line in live)
    if whole:
        return False
    rules = watch.rules_of(case.order_id, Direction.SHIP_TO_STOREFRONT)
    partial = all(policy.part_dispatch is PartDispatch.PARTIAL for policy in rules)
    return not partial or _progress(storefront) is Progress.PART_DISPATCHED


def _is_cancelled(status: LineStatus) -> bool:
    return isinstance(status, Facts) and status.cancelled


def _progress(status: LineStatus) -> Progress | None:
    return status.progress if isinstance(status, Facts) and not status.cancelled else None
