"""An order's case file: everything known about one storefront order, as one frozen value.

The ledger stores a case whole and versioned, so that a change is all or nothing and two workers on one
order cannot both win. All that happens to a case is a function from a case to a case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from countermand.core.cancellation import Cancellation
from countermand.core.command import Command, Outcome
from countermand.core.guards import Approval, BrakeState
from countermand.core.merge import Line, Settlement
from countermand.core.order import Job, LineKind, MisItemKind, Order, OrderLine, Payment
from countermand.core.policy import Direction
from countermand.core.status import (
    OPEN,
    UNSEEN,
    Facts,
    LineStatus,
    Pair,
    Progress,
    Reading,
    Unreadable,
    combine,
    furthest,
    with_history,
)
from countermand.core.tasks import TaskKind

Row = TypeVar("Row")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one system last showed, kept apart from whether it can be read at this moment.

    A failed read never wipes the last good status or its `since`: when reading works again and shows the
    same, no wait starts over. `since` is when the read that first showed it was *answered*: what it showed
    may have happened at any moment until then, so a wait that runs from it is never too short.
    """

    status: LineStatus
    since: datetime
    began_at: datetime
    tracking: frozenset[str] = frozenset()
    unreadable_since: datetime | None = None
    unreadable_reason: str = ""

    def reading(self) -> Reading:
        status, since = self.status, self.since
        if self.unreadable_since is not None:
            status, since = Unreadable(self.unreadable_reason), self.unreadable_since
        return Reading(status=status, began_at=self.began_at, since=since, tracking=self.tracking)

    def read(
        self,
        status: LineStatus,
        began_at: datetime,
        answered_at: datetime,
        tracking: frozenset[str] = frozenset(),
    ) -> Seen:
        """This, after one more read. A read that began before the last one is older news and is dropped."""
        if began_at < self.began_at:
            return self
        if isinstance(status, Unreadable):
            since = self.unreadable_since or answered_at
            return replace(self, began_at=began_at, unreadable_since=since, unreadable_reason=status.reason)
        since = self.since if status == self.status else answered_at
        return Seen(status=status, since=since, began_at=began_at, tracking=self.tracking | tracking)


def first_seen(
    status: LineStatus, began_at: datetime, answered_at: datetime, tracking: frozenset[str] = frozenset()
) -> Seen:
    if isinstance(status, Unreadable):
        blank = Seen(status=UNSEEN, since=answered_at, began_at=began_at, tracking=tracking)
        return blank.read(status, began_at, answered_at)
    return Seen(status=status, since=answered_at, began_at=began_at, tracking=tracking)


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job or sales order counts as making a line: the key that matched, or the person who said so."""

    ref: str
    key: str
    by: str
    at: datetime


class CaseLine(msgspec.Struct, frozen=True, kw_only=True):
    line_id: str
    storefront: Seen
    kind: LineKind | None = None
    name: str = ""
    quantity: int | None = None
    quote_id: str = ""
    links: tuple[Link, ...] = ()
    base: Pair | None = None
    settlement: Settlement | None = None
    #: The rule of the last verdict, and since when it holds.
    rule: str = ""
    decided_at: datetime | None = None


class CaseItem(msgspec.Struct, frozen=True, kw_only=True):
    """A linked job or sales order. `furthest`: the furthest progress ever seen, none before any was."""

    ref: str
    kind: MisItemKind
    mis: Seen
    furthest: Progress | None = None
    group: str = ""
    title: str = ""
    quantity: int | None = None
    invoiced: bool | None = None
    #: Lines of other orders that this item makes too; it is never cancelled by itself then.
    shared: bool = False

    def reading(self) -> Reading:
        reading = self.mis.reading()
        status = with_history(reading.status, self.furthest)
        return reading if status is reading.status else replace(reading, status=status)

    def read(
        self, status: LineStatus, began_at: datetime, answered_at: datetime, tracking: frozenset[str]
    ) -> CaseItem:
        return replace(
            self,
            mis=self.mis.read(status, began_at, answered_at, tracking),
            furthest=further(self.furthest, status),
        )


def further(seen: Progress | None, status: LineStatus) -> Progress | None:
    """The furthest progress seen, after one more status that may show it."""
    if not isinstance(status, Facts) or not status.history_known:
        return seen
    return furthest([status.progress, seen or Progress.NONE])


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One write of ours about this order: the core's command, and what it was about."""

    id: str
    command: Command
    line_ids: tuple[str, ...]
    job_ref: str = ""
    whole_order: bool = False


class OpenTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task that is open for this order; the worklist's row (by `id`) carries the people's side of it."""

    id: int
    kind: TaskKind
    line_ids: tuple[str, ...]
    because: str
    detail: str = ""


class Checking(msgspec.Struct, frozen=True, kw_only=True):
    """A person said that a task is done; a read that begins after `at` will tell.

    `reason`: their words, which are all there is where no read can tell (a refund).
    """

    task: int
    by: str
    at: datetime
    reason: str = ""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A job or sales order that may make a line, with the reasons for and against; a person decides."""

    ref: str
    line_id: str
    reasons: tuple[str, ...] = ()
    #: The key that points to the line, see `bridge.linking`.
    key: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """That an order was judged whole: under which rules, in which version, and how long that holds.

    `until`: when time alone may change the answer; none when it never does. `brakes`: the mass-cancel brakes
    that were on; none where no cancel was wanted, so that they did not matter.
    """

    rules: str
    version: int
    until: datetime | None = None
    brakes: frozenset[Direction] | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about one storefront order."""

    order_id: str
    first_seen_at: datetime
    storefront_read_at: datetime
    mis_read_at: datetime
    placed_at: datetime | None = None
    po_number: str = ""
    customer: str = ""
    payment: Payment = Payment.UNKNOWN
    total: str = ""
    order_cancelled: bool = False
    #: What the storefront must still show for our cancel to go through (see `StorefrontOrder.fence`).
    fence: str = ""
    #: The storefront was asked once for what its status reads leave out.
    described: bool = False
    #: When the search or listing of the MIS began that found nothing more after a cancel; noted once each.
    searched_at: datetime | None = None
    lines: tuple[CaseLine, ...] = ()
    items: tuple[CaseItem, ...] = ()
    writes: tuple[Written, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    approvals: dict[Direction, Approval] = {}
    tasks: tuple[OpenTask, ...] = ()
    #: A message asked to look at this side; a read that began later answers it.
    look_storefront_at: datetime | None = None
    look_mis_at: datetime | None = None
    #: When the next read by schedule is due.
    poll_at: datetime | None = None
    #: A person said "done, check now" about these tasks.
    checking: tuple[Checking, ...] = ()
    #: Items that may belong here, for a person to decide; and pairs a person said do not ("line ref").
    doubts: tuple[Doubt, ...] = ()
    not_links: tuple[str, ...] = ()
    #: Order notes to write in the storefront.
    notes_due: tuple[str, ...] = ()
    #: The guard that holds a write back at the moment.
    held: str = ""
    judged: Judged | None = None
    #: Counts our own ids (writes, cancellations) within this order.
    serial: int = 0
    #: Whom it is for was erased: nothing of that is taken from what the systems go on to show.
    erased: bool = False

    def line(self, line_id: str) -> CaseLine | None:
        for line in self.lines:
            if line.line_id == line_id:
                return line
        return None

    def item(self, ref: str) -> CaseItem | None:
        for item in self.items:
            if item.ref == ref:
                return item
        return None

    def with_line(self, line: CaseLine) -> Case:
        return replace(self, lines=_put(self.lines, line, lambda each: each.line_id))

    def with_item(self, item: CaseItem) -> Case:
        return replace(self, items=_put(self.items, item, lambda each: each.ref))

    def with_write(self, written: Written) -> Case:
        return replace(self, writes=_put(self.writes, written, lambda each: each.id))

    def with_cancellation(self, one: Cancellation) -> Case:
        return replace(self, cancellations=_put(self.cancellations, one, lambda each: each.id))

    def open_cancellation(self, direction: Direction) -> Cancellation | None:
        return next(
            (one for one in self.cancellations if one.direction is direction and not one.state.ended), None
        )

    def newest_write(self, line_id: str) -> Written | None:
        """The newest write about a line; an older one is history.

        Several jobs of one line are cancelled one by one: what is not proven yet stands for them all.
        """
        newest = self.newest_writes(line_id)
        if not newest:
            return None
        cancelled = {item.ref for item in self.items if _is_cancelled(item.mis.status)}
        still = [written for written in newest if written.job_ref not in cancelled]
        return max(still or newest, key=_least_proven)

    def newest_writes(self, line_id: str) -> tuple[Written, ...]:
        """The newest write about a line, or, of a line that several jobs make, the newest about each job."""
        about = [written for written in self.writes if line_id in written.line_ids]
        newest = max(about, key=_newest, default=None)
        if newest is None or not newest.job_ref:
            return (newest,) if newest is not None else ()
        jobs = dict.fromkeys(written.job_ref for written in about if written.job_ref)
        of_jobs = (self.last_write(line_id, job_ref) for job_ref in jobs)
        return tuple(written for written in of_jobs if written is not None)

    def last_write(self, line_id: str, job_ref: str) -> Written | None:
        """The newest write about a line and one job of it, or (empty) about the line in the storefront."""
        about = [each for each in self.writes if line_id in each.line_ids and each.job_ref == job_ref]
        return max(about, key=_newest, default=None)

    @property
    def open_writes(self) -> tuple[Written, ...]:
        """Writes whose effect is not yet known."""
        if not self.writes:
            return ()
        newest = {written.id for line in self.lines for written in self.newest_writes(line.line_id)}
        return tuple(
            written for written in self.writes if written.id in newest and written.command.verified_at is None
        )


def _newest(written: Written) -> tuple[datetime, bool, bool, int]:
    return written.command.sent_at, *_unproven(written.command)


def _least_proven(written: Written) -> tuple[bool, bool, int, datetime]:
    return *_unproven(written.command), written.command.sent_at


def _unproven(command: Command) -> tuple[bool, bool, int]:
    failed = command.outcome not in (None, Outcome.APPLIED, Outcome.ALREADY)
    return command.verified_at is None, failed, command.attempts


def _is_cancelled(status: LineStatus) -> bool:
    return isinstance(status, Facts) and status.cancelled


def _put(rows: tuple[Row, ...], row: Row, key: Callable[[Row], str]) -> tuple[Row, ...]:
    """Replace the row of the same key, or append it."""
    name = key(row)
    for place, each in enumerate(rows):
        if key(each) == name:
            return (*rows[:place], row, *rows[place + 1 :])
    return (*rows, row)


def as_order(
    case: Case,
    *,
    live_since: datetime | None,
    offered: frozenset[str] = frozenset(),
    brakes: Mapping[Direction, BrakeState] | None = None,
) -> Order:
    """The case as the core judges it."""
    return Order(
        order_id=case.order_id,
        lines=tuple(_order_line(case, line, live_since) for line in case.lines),
        offered=offered,
        payment=case.payment,
        value=_value(case.total),
        order_cancelled=case.order_cancelled,
        closing=_closing(case),
        brakes=dict(brakes or {}),
        approvals=case.approvals,
    )


def _closing(case: Case) -> Command | None:
    tried = [written.command for written in case.writes if written.whole_order]
    return max(tried, key=lambda command: command.sent_at, default=None)


def awaits_search(case: Case, line: CaseLine) -> bool:
    """Whether a line was cancelled, is made by nothing we know, and the MIS was not searched since."""
    if line.links or not _is_cancelled(line.storefront.status):
        return False
    return case.searched_at is None or case.searched_at < line.storefront.since


def _order_line(case: Case, line: CaseLine, live_since: datetime | None) -> OrderLine:
    items = [item for link in line.links if (item := case.item(link.ref)) is not None]
    written = case.newest_write(line.line_id)
    return OrderLine(
        line_id=line.line_id,
        kind=line.kind,
        line=Line(
            storefront=line.storefront.reading(),
            mis=_mis_reading(case, items),
            base=line.base or _implied_base(case, live_since),
            command=written.command if written else None,
            settlement=line.settlement,
        ),
        jobs=tuple(_job(case, item) for item in items),
        searched=not awaits_search(case, line),
    )


def _implied_base(case: Case, live_since: datetime | None) -> Pair | None:
    """An order placed while we were watching began as open on both sides."""
    watched = case.placed_at is not None and live_since is not None and case.placed_at >= live_since
    return Pair(OPEN, OPEN) if watched else None


def _mis_reading(case: Case, items: list[CaseItem]) -> Reading:
    if not items:
        return Reading(status=UNSEEN, began_at=case.mis_read_at, since=case.first_seen_at)
    readings = [item.reading() for item in items]
    return Reading(
        status=combine(reading.status for reading in readings),
        began_at=min(reading.began_at for reading in readings),
        since=max(reading.since for reading in readings),
        tracking=frozenset().union(*(reading.tracking for reading in readings)),
    )


def _job(case: Case, item: CaseItem) -> Job:
    made = frozenset(line.line_id for line in case.lines if any(link.ref == item.ref for link in line.links))
    elsewhere = frozenset({"another order"}) if item.shared else frozenset()
    lasts = [last for line_id in made if (last := case.last_write(line_id, item.ref)) is not None]
    last = max(lasts, key=_newest, default=None)
    return Job(
        ref=item.ref, kind=item.kind, status=item.reading().status, line_ids=made | elsewhere,
        command=last.command if last else None,
    )  # fmt: skip


def _value(total: str) -> float | None:
    try:
        return float(total)
    except ValueError:
        return None


#: The kinds of numbers by which an order is found.
REFERENCE_KINDS = ("order", "po", "line", "quote", "item", "group", "tracking")


def references(case: Case) -> frozenset[tuple[str, str]]:
    """Every number by which somebody may look for this order: (kind, value)."""
    found = {("order", case.order_id), ("po", case.po_number)}
    for line in case.lines:
        found |= {("line", line.line_id), ("quote", line.quote_id)}
    for item in case.items:
        found |= {("item", item.ref), ("group", item.group)}
        found |= {("tracking", code) for code in item.mis.tracking}
    return frozenset((kind, value) for kind, value in found if value)
