"""What must hold at every step of every history. Each has a name, and a test that shows that it can break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from countermand.bridge.case import Case, CaseLine, Written
from countermand.bridge.connection import Polling
from countermand.bridge.store import Change, StoredCase
from countermand.core.command import MOST_ATTEMPTS
from countermand.core.command import Change as WriteChange
from countermand.core.policy import Mode, PartDispatch, direction_of
from countermand.core.status import Facts, LineStatus, Progress, Side
from countermand.core.table import Decision, decide
from countermand.core.tasks import TaskKind
from countermand.simulation.ports import WriteCall
from countermand.simulation.watch import LineTruth, Violation, Watch, shown_mis

CONFLICT = "cancelled-and-sent-has-a-task"
CONVERGES = "still-lines-are-in-step-or-have-a-task"
TRUTH = "what-we-show-is-what-is-there"
ONCE = "each-command-once"
GUARDS = "no-cancel-without-its-guards"
VERDICT = "every-sighting-has-a-verdict"
NO_OLD_NEWS = "old-news-changes-nothing"
EXPLAINED = "the-journal-explains-every-write"
NEVER_BACK = "nothing-is-undone-by-us"

_MONEY = frozenset(
    {TaskKind.REFUND, TaskKind.CREDIT_NOTE, TaskKind.UNKNOWN_REFERENCE, TaskKind.CLOSE_EMPTIED_ORDER}
)
_ABOUT_CONFLICTS = frozenset(
    {
        TaskKind.CANCELLED_BUT_MADE, TaskKind.SHIPPED_BUT_CANCELLED, TaskKind.CANCELLED_AFTER_DELIVERY,
        TaskKind.IMPORT_REVIEW, TaskKind.CANNOT_READ, TaskKind.AMBIGUOUS_LINK, TaskKind.GONE,
        TaskKind.UNMAPPED, TaskKind.NOT_IN_PRODUCTION, TaskKind.MARKED_BY_HAND,
    }
)  # fmt: skip
_ABOUT_READING = frozenset(
    {
        TaskKind.AMBIGUOUS_LINK, TaskKind.NOT_IN_PRODUCTION, TaskKind.CANNOT_READ, TaskKind.GONE,
        TaskKind.MARKED_BY_HAND, TaskKind.UNMAPPED,
    }
)  # fmt: skip


# Lines that hold still


class Settling:
    """How long each thing that must not last has lasted; judged anew whenever something about it changes."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._since: dict[tuple[str, str, str], float] = {}
        policy = watch.policy
        slowest = Polling().slowest + policy.not_in_production_after + policy.undo_window
        self._bound = (slowest + policy.vendor_grace + timedelta(hours=3)).total_seconds()
        if policy.opening_hours is not None:
            self._bound += timedelta(days=3).total_seconds()

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
        for (name, order_id, line_id), since in self._since.items():
            if now - since > self._bound and self._watch.healthy(since, now) > self._bound:
                what = {(n, line): w for n, line, w in self._problems(order_id)}.get((name, line_id), "")
                raise Violation(name, f"order {order_id} line {line_id}", f"since {since:.0f} s: {what}")

    def _problems(self, order_id: str) -> Iterable[tuple[str, str, str]]:
        case = self._watch.case(order_id)
        if case is None:
            yield TRUTH, "", "the order is not known to us"
            return
        truths = list(self._watch.line_truths(order_id))
        for truth in truths:
            line, others = case.line(truth.line_id), _sent_by_others(truth, truths)
            if line is None:
                yield TRUTH, truth.line_id, "the line is not known to us"
                continue
            kinds = _kinds(case, truth.line_id)
            settled = _settled(case, line)
            conflict = _sent_and_cancelled(truth) and not others
            if conflict and not (settled or kinds & _ABOUT_CONFLICTS):
                yield CONFLICT, truth.line_id, f"{truth.storefront} and {truth.mis}; tasks {sorted(kinds)}"
            wrong = _wrong_view(self._watch, case, line, truth)
            if wrong and not kinds & _ABOUT_READING:
                yield TRUTH, truth.line_id, wrong
            elif not wrong and not settled and not kinds - _MONEY:
                undecided = _undecided(self._watch, case, line, by_others=others)
                if undecided:
                    yield CONVERGES, truth.line_id, undecided


def _kinds(case: Case, line_id: str) -> frozenset[TaskKind]:
    """Kinds of the open tasks that are about a line."""
    return frozenset(task.kind for task in case.tasks if line_id in task.line_ids)


def _settled(case: Case, line: CaseLine) -> bool:
    if line.settlement is None:
        return False
    pair = (line.storefront.reading().status, shown_mis(case, line))
    return any(
        (str(each.storefront), str(each.mis)) == tuple(map(str, pair)) for each in line.settlement.pairs
    )


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


def _wrong_view(watch: Watch, case: Case, line: CaseLine, truth: LineTruth) -> str:
    shown = line.storefront.reading().status
    if shown != truth.storefront:
        return f"the storefront shows {truth.storefront}, we have {shown}"
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
    storefront, mis = line.storefront.status, shown_mis(case, line)
    if by_others and isinstance(storefront, Facts):
        storefront = Facts(storefront.intent, Progress.NONE)
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
    partial = watch.policy.part_dispatch is PartDispatch.PARTIAL
    return not partial or _progress(storefront) is Progress.PART_DISPATCHED


def _is_cancelled(status: LineStatus) -> bool:
    return isinstance(status, Facts) and status.cancelled


def _progress(status: LineStatus) -> Progress | None:
    return status.progress if isinstance(status, Facts) and not status.cancelled else None


# Every save


def check_save(
    watch: Watch, before: Mapping[str, StoredCase], changes: Sequence[Change], saved: Mapping[str, StoredCase]
) -> None:
    """Hold each stored version against the one before it."""
    for change in changes:
        stored = saved.get(change.case.order_id)
        if stored is None:
            continue
        was = before.get(change.case.order_id)
        if was is not None and stored.version != was.version + 1:
            raise Violation(
                NO_OLD_NEWS, f"order {stored.case.order_id}", "a version was left out or used twice"
            )
        _check_order_of_reads(watch, was.case if was else None, stored.case)
        _check_verdicts(was.case if was else None, stored.case, change)


def _check_order_of_reads(watch: Watch, was: Case | None, case: Case) -> None:
    if was is None or watch.clock_set_back:
        return
    for line in case.lines:
        old = was.line(line.line_id)
        if old is not None and line.storefront.began_at < old.storefront.began_at:
            raise Violation(
                NO_OLD_NEWS, f"order {case.order_id}", f"an older read of {line.line_id} was taken"
            )
    for item in case.items:
        known = was.item(item.ref)
        if known is not None and item.mis.began_at < known.mis.began_at:
            raise Violation(NO_OLD_NEWS, f"order {case.order_id}", f"an older read of {item.ref} was taken")


def _check_verdicts(was: Case | None, case: Case, change: Change) -> None:
    """A status that is new is recorded as a sighting, and every line has a verdict."""
    recorded = {(sighting.side, sighting.ref): sighting.after for sighting in change.sightings}
    for line in case.lines:
        old = was.line(line.line_id) if was else None
        new = line.storefront.reading().status
        if (old is None or old.storefront.reading().status != new) and (
            recorded.get((Side.STOREFRONT, line.line_id)) != new
        ):
            raise Violation(VERDICT, f"order {case.order_id}", f"{line.line_id} is {new}: no sighting of it")
        if not line.rule or line.decided_at is None:
            raise Violation(VERDICT, f"order {case.order_id}", f"{line.line_id} is {new}: no verdict")
    for item in case.items:
        known = was.item(item.ref) if was else None
        shown = item.reading().status
        if (known is None or known.reading().status != shown) and recorded.get((Side.MIS, item.ref)) != shown:
            raise Violation(VERDICT, f"order {case.order_id}", f"{item.ref} is {shown}: no sighting of it")


# Every write of ours


class Writes:
    """Holds each write, at the moment it leaves, against what was stored before and what is really there."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._used: set[str] = set()
        self._calls: dict[tuple[str, str, str], int] = {}
        self._furthest: dict[str, Progress] = {}

    def seen(self, case: Case) -> None:
        """Remember the furthest progress that any stored version of an order has shown."""
        for item in case.items:
            status = item.mis.status
            if isinstance(status, Facts) and status.history_known:
                known = self._furthest.get(item.ref, Progress.NONE)
                if status.progress.rank > known.rank:
                    self._furthest[item.ref] = status.progress

    def check(self, call: WriteCall) -> None:
        case = self._watch.case(call.order_id)
        about = f"order {call.order_id}"
        if case is None:
            raise Violation(EXPLAINED, about, f"{call.change} was sent for an order we do not know")
        written = self._explained(case, call)
        if written is None:
            raise Violation(EXPLAINED, about, f"{call.change} of {call.about} was sent and not stored before")
        self._used.add(written.id)
        for target in call.about or (call.order_id,):
            key = (call.side, call.change, target)
            self._calls[key] = self._calls.get(key, 0) + 1
        if written.command.attempts > MOST_ATTEMPTS:
            raise Violation(ONCE, about, f"{written.id} is attempt {written.command.attempts}")
        if call.change == WriteChange.CANCEL.value:
            self._guarded(case, written, call)

    def _explained(self, case: Case, call: WriteCall) -> Written | None:
        """The stored write that stands for a call: sent, not answered, and not called before."""
        for written in case.writes:
            command = written.command
            fits = (
                command.target.value == call.side
                and command.change.value == call.change
                and written.id not in self._used
                and written.id in self._watch.sent
                and command.answered_at is None
                and (not written.job_ref or (written.job_ref,) == call.about)
            )
            if fits:
                return written
        return None

    def _guarded(self, case: Case, written: Written, call: WriteCall) -> None:
        command, policy = written.command, self._watch.policy
        direction = direction_of(command.change, command.target)
        about = f"order {call.order_id}"
        approved = direction in case.approvals
        if policy.mode(direction) is not Mode.AUTOMATIC and not approved:
            raise Violation(GUARDS, about, f"{written.id} was sent in mode {policy.mode(direction).value}")
        if not approved:
            self._check_undo_window(written, call)
            self._check_cut_off(case, written)
        self._check_freshness(case, written)
        for line_id in written.line_ids:
            line = case.line(line_id)
            if line is None:
                raise Violation(GUARDS, about, f"{written.id} is about the unknown line {line_id}")

    def _check_undo_window(self, written: Written, call: WriteCall) -> None:
        """The source had been cancelled for the whole undo window, by the two systems' own record."""
        if self._watch.clock_set_back:
            return
        since = self._cancelled_since(written, call)
        waited = call.at - since
        least = self._watch.policy.undo_window.total_seconds()
        if waited < least:
            raise Violation(
                GUARDS,
                f"order {call.order_id}",
                f"{written.id} left {waited:.1f} s after the cancel, not {least:.0f}",
            )

    def _cancelled_since(self, written: Written, call: WriteCall) -> float:  # noqa: ARG002
        """When the source of a cancel was last cancelled; the latest of its lines counts."""
        times = []
        for effect in self._watch.record.effects:
            if not (effect.applied and effect.what == "cancel"):
                continue
            source = written.command.target.other.value
            if effect.side == source and set(effect.lines) & set(written.line_ids):
                times.append(effect.at)
        return max(times, default=0.0)

    def _check_cut_off(self, case: Case, written: Written) -> None:
        for line_id in written.line_ids:
            line = case.line(line_id)
            refs = [link.ref for link in line.links] if line else []
            for ref in refs if not written.job_ref else [written.job_ref]:
                furthest = self._furthest.get(ref, Progress.NONE)
                if furthest is not Progress.NONE:
                    raise Violation(
                        GUARDS, f"order {case.order_id}", f"{written.id}: {ref} was seen {furthest.value}"
                    )

    def _check_freshness(self, case: Case, written: Written) -> None:
        oldest = written.command.sent_at - self._watch.policy.fresh_for - timedelta(seconds=1)
        if case.storefront_read_at < oldest:
            raise Violation(
                GUARDS, f"order {case.order_id}", f"{written.id} left on an old read of the storefront"
            )
        for line_id in written.line_ids:
            line = case.line(line_id)
            for link in line.links if line else ():
                item = case.item(link.ref)
                if item is not None and item.mis.began_at < oldest:
                    raise Violation(
                        GUARDS, f"order {case.order_id}", f"{written.id} left on an old read of {item.ref}"
                    )
