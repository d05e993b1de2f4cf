"""Properties of the plan for orders nobody thought of: random lines, jobs, settings and times."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

from core_space import (
    AUTOMATIC,
    EVERYTHING,
    FACTS,
    FEW_PAIRS,
    NO_FACTS,
    STEADY,
    T0,
    UNCERTAIN,
    applied,
    conflict,
    settlement,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from countermand.core.command import Change
from countermand.core.guards import Approval, BrakeState
from countermand.core.line import Line
from countermand.core.order import Job, LineKind, MisItemKind, Order, OrderLine
from countermand.core.plan import Later, NeedsPerson, Plan, Write, plan
from countermand.core.policy import Direction, EmptiedOrder, Mode, PartDispatch, Policy
from countermand.core.status import Facts, LineStatus, Pair, Reading, Side, combine
from countermand.core.verdict import Push, Settled

codes = st.frozensets(st.sampled_from(["1Z1", "1Z2", "1Z3"]), max_size=2)
storefront_status: st.SearchStrategy[LineStatus] = st.sampled_from([*FACTS, *NO_FACTS])
job_status: st.SearchStrategy[LineStatus] = st.sampled_from([*FACTS, *UNCERTAIN, *NO_FACTS])
bases = st.sampled_from([None, *FEW_PAIRS])
minutes = st.integers(0, 60).map(lambda number: timedelta(minutes=number))


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """One to four lines that share one to four jobs in any way, as the bridge would put them together."""
    ids = [f"s{number}" for number in range(1, draw(st.integers(1, 4)) + 1)]
    makes = {
        f"J{number}": draw(st.frozensets(st.sampled_from(ids), min_size=1))
        for number in range(draw(st.integers(0, 4)))
    }
    jobs = [
        Job(ref=ref, kind=draw(st.sampled_from(MisItemKind)), status=draw(job_status), line_ids=line_ids)
        for ref, line_ids in makes.items()
    ]
    return Order(
        order_id="1001",
        lines=tuple(_line(draw, line_id, jobs) for line_id in ids),
        offered=draw(st.sampled_from([EVERYTHING, EVERYTHING - {"cancel_line"}, frozenset[str]()])),
        value=draw(st.sampled_from([None, 10.0, 1000.0])),
        order_cancelled=draw(st.booleans()),
        brakes={way: BrakeState(tripped=draw(st.booleans())) for way in Direction},
        approvals={
            way: Approval(direction=way, by="Ana") for way in draw(st.sets(st.sampled_from(Direction)))
        },
    )


def _line(draw: st.DrawFn, line_id: str, jobs: list[Job]) -> OrderLine:
    own = tuple(one for one in jobs if line_id in one.line_ids)
    mis = combine(one.status for one in own)
    storefront = draw(storefront_status)
    kept = settlement(Pair(storefront, mis)) if draw(st.integers(0, 9)) == 0 else None
    return OrderLine(
        line_id=line_id,
        kind=draw(st.sampled_from([None, *LineKind])),
        jobs=own,
        line=Line(
            storefront=Reading(
                status=storefront, began_at=T0, since=T0 - draw(minutes), tracking=draw(codes)
            ),
            mis=Reading(status=mis, began_at=T0, since=T0 - draw(minutes), tracking=draw(codes)),
            base=draw(bases),
            settlement=kept,
        ),
    )


policies = st.builds(
    Policy,
    cancel_to_mis=st.sampled_from(Mode),
    cancel_to_storefront=st.sampled_from(Mode),
    ship_to_storefront=st.sampled_from(Mode),
    undo_window=minutes,
    vendor_grace=minutes,
    vendor_may_cancel=st.booleans(),
    part_dispatch=st.sampled_from(PartDispatch),
    close_emptied_order=st.sampled_from(EmptiedOrder),
    value_limit=st.sampled_from([None, 100.0]),
)
LOOSE = replace(AUTOMATIC, close_emptied_order=EmptiedOrder.CANCEL)


def lines_of(of: Order, write: Write) -> list[OrderLine]:
    return [entry for entry in of.lines if entry.line_id in write.line_ids]


@given(orders(), policies)
@STEADY
def test_the_plan_is_deterministic_and_says_something_about_every_line(of: Order, policy: Policy) -> None:
    planned = plan(of, policy, T0)
    assert planned == plan(of, policy, T0)
    assert list(planned.verdicts) == [entry.line_id for entry in of.lines]


@given(orders(), policies)
@STEADY
def test_every_wanted_change_is_written_held_or_a_persons(of: Order, policy: Policy) -> None:
    """Nothing that is recognised is silently dropped."""
    planned = plan(of, policy, T0)
    answered = {line_id for action in planned.actions for line_id in action.line_ids}
    for entry in of.lines:
        verdict = planned.verdicts[entry.line_id]
        if isinstance(verdict, Push):
            live = any(not job.cancelled for job in entry.jobs)
            assert entry.line_id in answered or not live


@given(orders(), policies)
@STEADY
def test_one_task_per_kind_and_tasks_come_last(of: Order, policy: Policy) -> None:
    actions = plan(of, policy, T0).actions
    tasks = [action for action in actions if isinstance(action, NeedsPerson)]
    assert len({task.kind for task in tasks}) == len(tasks)
    assert list(actions[len(actions) - len(tasks) :]) == tasks
    assert all(len(set(action.line_ids)) == len(action.line_ids) > 0 for action in actions)


@given(orders(), policies)
@STEADY
def test_no_line_is_written_about_against_what_it_says(of: Order, policy: Policy) -> None:
    planned = plan(of, policy, T0)
    for write in planned.writes:
        for entry in lines_of(of, write):
            assert not isinstance(planned.verdicts[entry.line_id], Settled) or write.whole_order
            target = entry.line.reading(write.target).status
            assert isinstance(target, Facts)
            if write.change is not Change.CANCEL:
                assert not target.cancelled
                becomes = applied(target, write.change)
                assert isinstance(becomes, Facts)
                assert becomes.progress.rank >= target.progress.rank
            if not write.whole_order:
                assert isinstance(planned.verdicts[entry.line_id], Push)
                assert entry.line.base is not None


@given(orders(), policies)
@STEADY
def test_modes_windows_brakes_and_offers_hold_for_every_write(of: Order, policy: Policy) -> None:
    for write in plan(of, policy, T0).writes:
        way = (
            Direction.SHIP_TO_STOREFRONT
            if write.change is not Change.CANCEL
            else Direction.CANCEL_TO_MIS if write.target is Side.MIS else Direction.CANCEL_TO_STOREFRONT
        )  # fmt: skip
        mode, approved = policy.mode(way), way in of.approvals
        assert mode is not Mode.OBSERVE
        assert mode is Mode.AUTOMATIC or approved
        assert of.offered
        since = max(entry.line.reading(write.target.other).since for entry in lines_of(of, write))
        if write.change is Change.CANCEL:
            assert not of.brakes[way].tripped
            assert policy.value_limit is None or of.value == 10.0
            assert approved or T0 - since >= policy.undo_window
        else:
            assert T0 - since >= policy.vendor_grace


@given(orders())
@STEADY
def test_a_job_is_cancelled_only_when_every_line_on_it_wants_that(of: Order) -> None:
    planned = plan(of, LOOSE, T0)
    for write in planned.writes:
        if write.target is not Side.MIS:
            continue
        assert write.job is not None
        assert write.job.kind is MisItemKind.JOB
        assert not write.job.cancelled
        for line_id in write.job.line_ids:
            verdict = planned.verdicts[line_id]
            assert isinstance(verdict, Push)
            assert verdict.target is Side.MIS
    refs = [write.job.ref for write in planned.writes if write.job is not None]
    assert len(refs) == len(set(refs))


@given(orders(), st.sampled_from(PartDispatch))
@STEADY
def test_shipping_is_said_once_per_order_and_never_too_early(of: Order, part: PartDispatch) -> None:
    planned = plan(of, replace(LOOSE, part_dispatch=part), T0)
    shipping = [write for write in planned.writes if write.change is not Change.CANCEL]
    assert len(shipping) <= 1
    for write in shipping:
        assert all(entry.line.storefront.tracking <= write.tracking for entry in of.lines)
        assert all(entry.line.mis.tracking <= write.tracking for entry in of.lines)
        if write.change is Change.SHIP:
            live = [entry for entry in of.lines if not entry.cancelled_in(Side.STOREFRONT)]
            assert all(entry.dispatched for entry in live)
        if write.change is Change.SHIP_PART:
            assert part is PartDispatch.PARTIAL
            assert not any(entry.sent_in(Side.STOREFRONT) for entry in of.lines)


@given(orders(), policies)
@STEADY
def test_a_whole_order_is_cancelled_only_when_every_line_is(of: Order, policy: Policy) -> None:
    planned = plan(of, policy, T0)
    for write in planned.writes:
        if write.whole_order:
            assert write.line_ids == tuple(entry.line_id for entry in of.lines)
            assert "cancel_order" in of.offered
            assert all(entry.cancelled_in(Side.MIS) for entry in of.lines)


def _agreed(planned: Plan) -> bool:
    return not planned.writes and not any(isinstance(action, Later) for action in planned.actions)


@given(orders())
@STEADY
def test_the_loop_ends_for_any_order_that_holds_still(of: Order) -> None:
    """Apply what the plan writes, read it back, plan again: soon there is nothing left to write."""
    for _ in range(6):
        planned = plan(of, LOOSE, T0)
        if not planned.writes:
            break
        for write in planned.writes:
            of = _written(of, write)
    assert not plan(of, LOOSE, T0).writes


def _written(of: Order, write: Write) -> Order:
    """The order after a write took effect; a job's lines read from their jobs, shipping is the order's."""
    if write.target is Side.MIS:
        assert write.job is not None
        return replace(of, lines=tuple(_job_cancelled(entry, write.job.ref) for entry in of.lines))
    touched = write.line_ids if write.change is Change.CANCEL else [entry.line_id for entry in of.lines]
    lines = tuple(
        replace(entry, line=_shown(entry.line, write)) if entry.line_id in touched else entry
        for entry in of.lines
    )
    return replace(of, lines=lines, order_cancelled=of.order_cancelled or write.whole_order)


def _job_cancelled(entry: OrderLine, ref: str) -> OrderLine:
    jobs = tuple(
        replace(one, status=applied(one.status, Change.CANCEL)) if one.ref == ref else one
        for one in entry.jobs
    )
    status = combine(one.status for one in jobs)
    return replace(entry, jobs=jobs, line=replace(entry.line, mis=replace(entry.line.mis, status=status)))


def _shown(line: Line, write: Write) -> Line:
    status = line.storefront.status
    if isinstance(status, Facts):
        status = applied(status, write.change)
    tracking = write.tracking or line.storefront.tracking
    return replace(line, storefront=replace(line.storefront, status=status, tracking=tracking))


def test_one_line_and_one_job_agree_with_the_conflict_rule() -> None:
    for storefront, mis, base in product(FACTS, FACTS, FEW_PAIRS):
        own = Line(
            storefront=Reading(status=storefront, began_at=T0, since=T0),
            mis=Reading(status=mis, began_at=T0, since=T0),
            base=base,
        )
        made = Job(ref="J1", kind=MisItemKind.JOB, status=mis, line_ids=frozenset({"s1"}))
        of = Order(
            order_id="1001", lines=(OrderLine(line_id="s1", line=own, jobs=(made,)),), offered=EVERYTHING
        )
        planned = plan(of, LOOSE, T0)
        if conflict(storefront, mis):
            assert not planned.writes
            assert any(isinstance(action, NeedsPerson) for action in planned.actions)
