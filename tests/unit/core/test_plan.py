"""From the verdicts of an order's lines to what is done: several lines, jobs, parcels, people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from core_space import (
    AUTOMATIC,
    EVERYTHING,
    T0,
    command,
    facts,
    job,
    line,
    order,
    order_line,
    pair,
    settlement,
)
from msgspec.structs import replace

from countermand.core.command import Change, Outcome
from countermand.core.guards import Approval, BrakeState
from countermand.core.order import LineKind, MisItemKind, Order
from countermand.core.plan import Action, Later, NeedsPerson, Write, plan
from countermand.core.policy import Direction, EmptiedOrder, Mode, PartDispatch, Policy
from countermand.core.status import Side
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Settled

TO_MIS, TO_STOREFRONT, SHIP = (
    Direction.CANCEL_TO_MIS,
    Direction.CANCEL_TO_STOREFRONT,
    Direction.SHIP_TO_STOREFRONT,
)
WAIT_FOR_REST = replace(AUTOMATIC, part_dispatch=PartDispatch.WAIT)

OPEN = line("open/none", "open/none")
TO_CANCEL = line("cancelled/none", "open/none")
CANCELLED_IN_MIS = line("open/none", "cancelled/none")
BOTH_CANCELLED = line("cancelled/none", "cancelled/none", base=pair("cancelled/none", "cancelled/none"))
DISPATCHED = line("open/none", "open/dispatched")


def actions(of: Order, policy: Policy = AUTOMATIC) -> tuple[Action, ...]:
    return plan(of, policy, T0).actions


def needs(kind: TaskKind, *line_ids: str, because: str, **more: object) -> NeedsPerson:
    return NeedsPerson(kind=kind, line_ids=line_ids, because=because, **more)  # type: ignore[arg-type]


def cancel_in_storefront(*line_ids: str, whole: bool = False) -> Write:
    return Write(target=Side.STOREFRONT, change=Change.CANCEL, line_ids=line_ids, whole_order=whole)


def ship(change: Change, *line_ids: str, tracking: frozenset[str] = frozenset()) -> Write:
    return Write(target=Side.STOREFRONT, change=change, line_ids=line_ids, tracking=tracking)


# Towards the MIS


def test_one_line_of_three_cancels_one_job() -> None:
    own = job("J1", line_ids=["s1"])
    of = order(
        order_line("s1", TO_CANCEL, [own]), order_line("s2", OPEN), order_line("s3", OPEN),
    )  # fmt: skip
    assert actions(of) == (Write(target=Side.MIS, change=Change.CANCEL, line_ids=("s1",), job=own),)


def test_every_job_of_a_line_is_cancelled_but_not_a_second_time() -> None:
    jobs = [job("J1"), job("J2", "cancelled/none"), job("J3", "held/none")]
    writes = plan(order(order_line("s1", TO_CANCEL, jobs)), AUTOMATIC, T0).writes
    assert [write.job for write in writes] == [jobs[0], jobs[2]]
    assert all(write.line_ids == ("s1",) and not write.whole_order for write in writes)


def test_a_job_that_makes_several_cancelled_lines_is_cancelled_once() -> None:
    shared, own = job("J1", line_ids=["s1", "s2"]), job("J2", line_ids=["s2"])
    of = order(order_line("s1", TO_CANCEL, [shared]), order_line("s2", TO_CANCEL, [shared, own]))
    assert actions(of) == (
        Write(target=Side.MIS, change=Change.CANCEL, line_ids=("s1", "s2"), job=shared),
        Write(target=Side.MIS, change=Change.CANCEL, line_ids=("s2",), job=own),
    )


def test_a_job_that_also_makes_an_open_line_is_left_to_a_person() -> None:
    shared = job("J1", line_ids=["s1", "s2"])
    of = order(order_line("s1", TO_CANCEL, [shared]), order_line("s2", OPEN, [shared]))
    assert actions(of) == (
        needs(TaskKind.SHARED_JOB, "s1", because="shared-job", detail="J1", direction=TO_MIS),
    )


def test_a_job_is_not_cancelled_under_a_line_that_is_made_anyway() -> None:
    """Both lines are cancelled in the storefront, but somebody has settled that one of them is made."""
    shared = job("J1", line_ids=["s1", "s2"])
    kept = line("cancelled/none", "open/none", settlement=settlement(pair("cancelled/none", "open/none")))
    of = order(order_line("s1", TO_CANCEL, [shared]), order_line("s2", kept, [shared]))
    assert actions(of) == (
        needs(TaskKind.SHARED_JOB, "s1", because="shared-job", detail="J1", direction=TO_MIS),
    )


def test_a_job_that_makes_a_line_of_another_order_is_left_to_a_person() -> None:
    shared = job("J1", line_ids=["s1", "another order"])
    assert [action.kind for action in actions(order(order_line("s1", TO_CANCEL, [shared])))
            if isinstance(action, NeedsPerson)] == [TaskKind.SHARED_JOB]  # fmt: skip


def test_several_shared_jobs_are_one_task() -> None:
    one, two = job("J1", line_ids=["s1", "s9"]), job("J2", line_ids=["s1", "s2", "s9"])
    of = order(order_line("s1", TO_CANCEL, [one, two]), order_line("s2", TO_CANCEL, [two]))
    assert actions(of) == (
        needs(TaskKind.SHARED_JOB, "s1", "s2", because="shared-job", detail="J1; J2", direction=TO_MIS),
    )


STOCK_TASK = needs(TaskKind.CANCEL_STOCK_LINE, "s1", because="not-offered", direction=TO_MIS)


@pytest.mark.parametrize("kind", [None, LineKind.PRINT, LineKind.STOCK])
def test_a_stock_line_on_a_sales_order_is_always_a_persons(kind: LineKind | None) -> None:
    jobs = [job("SO77-001", kind=MisItemKind.SALES_ORDER), job("SO77-002", kind=MisItemKind.SALES_ORDER)]
    assert actions(order(order_line("s1", TO_CANCEL, jobs, kind=kind))) == (STOCK_TASK,)
    assert actions(order(order_line("s1", TO_CANCEL, [*jobs, job("J1")], kind=kind))) == (STOCK_TASK,)


def test_a_stock_line_beside_a_print_line_does_not_stop_the_print_job() -> None:
    of = order(
        order_line("s1", TO_CANCEL, [job("SO77", kind=MisItemKind.SALES_ORDER)]), order_line("s2", TO_CANCEL)
    )
    written, asked = actions(of)
    assert isinstance(written, Write)
    assert written.line_ids == ("s2",)
    assert asked == STOCK_TASK


def test_a_stock_product_that_production_makes_to_order_is_an_ordinary_job() -> None:
    of = order(order_line("s1", TO_CANCEL, [job("J1")], kind=LineKind.STOCK))
    assert isinstance(actions(of)[0], Write)


def test_a_stock_line_without_any_number_in_the_mis_is_a_persons() -> None:
    assert actions(order(order_line("s1", TO_CANCEL, [], kind=LineKind.STOCK))) == (STOCK_TASK,)


@pytest.mark.parametrize("how_far", ["started", "none?"])
def test_one_line_past_the_cut_off_asks_once_for_the_whole_order(how_far: str) -> None:
    of = order(
        order_line("s1", TO_CANCEL), order_line("s2", line("cancelled/none", f"open/{how_far}")),
    )  # fmt: skip
    assert actions(of) == (
        needs(TaskKind.PAST_CUT_OFF, "s1", "s2", because="cut-off", assisted=True, direction=TO_MIS),
    )


def test_a_line_that_is_made_already_holds_the_other_cancelled_lines_of_its_order_too() -> None:
    of = order(
        order_line("s1", TO_CANCEL), order_line("s2", line("cancelled/none", "open/produced")),
    )  # fmt: skip
    assert actions(of) == (
        needs(TaskKind.PAST_CUT_OFF, "s1", because="cut-off", assisted=True, direction=TO_MIS),
        needs(TaskKind.CANCELLED_BUT_MADE, "s2", because="cancelled-but-made"),
    )


def test_what_somebody_let_differ_is_asked_about_when_it_changes_and_holds_the_others_of_its_cancel() -> None:
    then = settlement(pair("cancelled/none", "open/none"))
    made = line("cancelled/none", "held/none", settlement=then)
    of = order(order_line("s1", TO_CANCEL), order_line("s2", made))
    assert actions(of) == (
        needs(TaskKind.CANCEL_IN_MIS, "s1", "s2", because="left-different", assisted=True, direction=TO_MIS),
    )


def test_a_word_that_it_was_done_by_hand_is_no_decision_against_the_cancel() -> None:
    word = settlement(pair("cancelled/none", "unreadable"), reported=True)
    of = order(order_line("s1", line("cancelled/none", "open/none", settlement=word)))
    assert [write.line_ids for write in plan(of, AUTOMATIC, T0).writes] == [("s1",)]


def test_a_line_that_somebody_decided_to_make_holds_nothing() -> None:
    made = line(
        "cancelled/none", "open/produced", settlement=settlement(pair("cancelled/none", "open/produced"))
    )
    planned = plan(order(order_line("s1", TO_CANCEL), order_line("s2", made)), AUTOMATIC, T0)
    assert [write.line_ids for write in planned.writes] == [("s1",)]
    assert planned.verdicts["s2"] == Settled("settled", "Ana")


@pytest.mark.parametrize(
    ("offered", "because"), [(EVERYTHING - {"cancel_job"}, "not-offered"), (EVERYTHING, "mode-manual")]
)
def test_the_guides_procedure_is_one_task_per_order(offered: frozenset[str], because: str) -> None:
    of = order(order_line("s1", TO_CANCEL), order_line("s2", TO_CANCEL), offered=offered)
    assert actions(of, Policy()) == (
        needs(TaskKind.CANCEL_IN_MIS, "s1", "s2", because=because, direction=TO_MIS),
    )


def test_the_undo_window_runs_from_the_newest_of_the_lines() -> None:
    policy = replace(AUTOMATIC, undo_window=timedelta(minutes=5))
    newer = line("cancelled/none", "open/none", since=T0 + timedelta(minutes=2))
    of = order(order_line("s1", TO_CANCEL), order_line("s2", newer))
    until = T0 + timedelta(minutes=7)
    assert actions(of, policy) == (
        Later(guard="undo-window", until=until, line_ids=("s1", "s2"), direction=TO_MIS),
    )


def test_the_brake_is_kept_by_direction() -> None:
    braked = replace(order(order_line("s1", TO_CANCEL)), brakes={TO_MIS: BrakeState(tripped=True)})
    assert actions(braked) == (needs(TaskKind.BRAKE, "s1", because="brake", direction=TO_MIS),)
    other = replace(braked, brakes={TO_STOREFRONT: BrakeState(tripped=True)})
    assert isinstance(actions(other)[0], Write)


def test_the_value_limit_looks_at_the_order() -> None:
    policy = replace(AUTOMATIC, value_limit=100.0)
    dear = replace(order(order_line("s1", TO_CANCEL)), value=100.01)
    assert actions(dear, policy) == (
        needs(TaskKind.APPROVE, "s1", because="value-limit", assisted=True, direction=TO_MIS),
    )
    assert isinstance(actions(replace(dear, value=100.0), policy)[0], Write)


# What a person said


def test_an_approval_lets_one_direction_pass() -> None:
    policy = replace(AUTOMATIC, cancel_to_mis=Mode.ASSISTED)
    asked = order(order_line("s1", TO_CANCEL))
    assert actions(asked, policy) == (
        needs(TaskKind.CANCEL_IN_MIS, "s1", because="mode-assisted", assisted=True, direction=TO_MIS),
    )
    for direction, writes in ((TO_MIS, 1), (TO_STOREFRONT, 0)):
        approved = replace(asked, approvals={direction: Approval(direction=direction, by="Ana")})
        assert len(plan(approved, policy, T0).writes) == writes


@pytest.mark.parametrize(
    ("covered", "writes"), [(["s1", "s2"], 2), (["s1", "s2", "s3"], 2), (["s1"], 0), (["s3"], 0), ([], 2)]
)
def test_an_approval_covers_the_lines_it_was_given_for(covered: list[str], writes: int) -> None:
    """A line that is cancelled later, and past the cut-off, is asked about again."""
    started = line("cancelled/none", "open/started")
    word = Approval(direction=TO_MIS, by="Ana", line_ids=frozenset(covered))
    of = replace(order(order_line("s1", TO_CANCEL), order_line("s2", started)), approvals={TO_MIS: word})
    assert len(plan(of, AUTOMATIC, T0).writes) == writes


# Towards the storefront


def test_all_lines_cancelled_in_one_plan_are_one_order_cancel() -> None:
    of = order(order_line("s1", CANCELLED_IN_MIS), order_line("s2", CANCELLED_IN_MIS))
    assert actions(of) == (cancel_in_storefront("s1", "s2", whole=True),)


def test_some_lines_are_a_line_cancel() -> None:
    of = order(order_line("s1", CANCELLED_IN_MIS), order_line("s2", OPEN), order_line("s3", CANCELLED_IN_MIS))
    assert actions(of) == (cancel_in_storefront("s1", "s3"),)


def test_the_last_line_after_earlier_ones_is_a_line_cancel_too() -> None:
    of = order(order_line("s1", BOTH_CANCELLED), order_line("s2", CANCELLED_IN_MIS))
    assert actions(of) == (cancel_in_storefront("s2"),)


@pytest.mark.parametrize(
    ("lines", "offered", "writes"),
    [(1, {"cancel_order"}, 1), (1, {"cancel_line"}, 0), (2, {"cancel_line"}, 1), (2, {"cancel_order"}, 0)],
)
def test_what_the_storefront_offers_decides_who_does_it(lines: int, offered: set[str], writes: int) -> None:
    rest = [order_line("s2", OPEN)] if lines == 2 else []
    of = order(order_line("s1", CANCELLED_IN_MIS), *rest, offered=frozenset(offered))
    planned = plan(of, AUTOMATIC, T0)
    assert len(planned.writes) == writes
    if not writes:
        assert planned.actions == (
            needs(TaskKind.CANCEL_IN_STOREFRONT, "s1", because="not-offered", direction=TO_STOREFRONT),
        )


@pytest.mark.parametrize(("mis", "asks"), [("cancelled/none?", False), ("cancelled/started", True)])
def test_towards_the_storefront_only_work_really_seen_asks(mis: str, asks: bool) -> None:
    acted = actions(order(order_line("s1", line("open/none", mis))))
    assert isinstance(acted[0], NeedsPerson if asks else Write)


def test_a_line_made_and_cancelled_in_production_holds_its_neighbours() -> None:
    of = order(
        order_line("s1", CANCELLED_IN_MIS), order_line("s2", line("open/none", "cancelled/part_dispatched")),
        order_line("s3", OPEN),
    )  # fmt: skip
    assert actions(of) == (
        needs(TaskKind.PAST_CUT_OFF, "s1", because="cut-off", assisted=True, direction=TO_STOREFRONT),
        needs(TaskKind.CANCELLED_BUT_MADE, "s2", because="sent-and-cancelled-there"),
    )


def test_a_cancel_each_way_in_one_order_are_two_writes() -> None:
    own = job("J1", line_ids=["s1"])
    of = order(order_line("s1", TO_CANCEL, [own]), order_line("s2", CANCELLED_IN_MIS))
    assert actions(of) == (
        Write(target=Side.MIS, change=Change.CANCEL, line_ids=("s1",), job=own),
        cancel_in_storefront("s2"),
    )
    assert plan(of, AUTOMATIC, T0).wanted == {TO_MIS, TO_STOREFRONT}


# An order emptied line by line


def emptied(**changes: object) -> Order:
    ours = command(Side.STOREFRONT, Change.CANCEL, because=facts("cancelled/none"), verified=True)
    last = replace(BOTH_CANCELLED, command=ours)
    of = order(order_line("s1", BOTH_CANCELLED), order_line("s2", last))
    return replace(of, **changes) if changes else of


CLOSING = replace(AUTOMATIC, close_emptied_order=EmptiedOrder.CANCEL)
ASK_TO_CLOSE = needs(TaskKind.CLOSE_EMPTIED_ORDER, "s1", "s2", because="close-emptied-order")


def test_the_order_emptied_by_us_is_asked_about_or_closed() -> None:
    assert actions(emptied()) == (ASK_TO_CLOSE,)
    assert actions(emptied(), CLOSING) == (cancel_in_storefront("s1", "s2", whole=True),)


@pytest.mark.parametrize("policy", [AUTOMATIC, CLOSING])
def test_an_order_that_is_cancelled_itself_is_done(policy: Policy) -> None:
    assert actions(emptied(order_cancelled=True), policy) == ()


def test_closing_is_tried_once() -> None:
    """The lines are cancelled already, so none of them can show whether the order's own cancel worked."""
    closing = command(Side.STOREFRONT, Change.CANCEL, Outcome.REFUSED)
    assert actions(emptied(closing=closing), CLOSING) == (ASK_TO_CLOSE,)


@pytest.mark.parametrize("policy", [AUTOMATIC, CLOSING])
@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.ALREADY, Outcome.UNKNOWN, None])
def test_nobody_is_asked_to_close_what_our_own_cancel_may_still_close(
    policy: Policy, outcome: Outcome | None
) -> None:
    """Seen in passing: the task opened as soon as the write was answered, and closed with the read-back."""
    under_way = command(Side.STOREFRONT, Change.CANCEL, outcome, answered=timedelta(seconds=-2))
    assert actions(emptied(closing=under_way), policy) == ()
    long_ago = command(Side.STOREFRONT, Change.CANCEL, outcome, answered=timedelta(seconds=-121))
    assert actions(emptied(closing=long_ago), policy) == (ASK_TO_CLOSE,)


@pytest.mark.parametrize("policy", [AUTOMATIC, CLOSING])
def test_closing_that_no_read_shows_is_asked_about(policy: Policy) -> None:
    """It is the newest write about its lines, and hides from each line that we had cancelled it before."""
    answered = timedelta(seconds=-121)
    closing = command(Side.STOREFRONT, Change.CANCEL, Outcome.APPLIED, answered=answered)
    unproven = replace(BOTH_CANCELLED, command=closing)
    of = order(order_line("s1", unproven), order_line("s2", unproven))
    assert actions(replace(of, closing=closing), policy) == (ASK_TO_CLOSE,)


@pytest.mark.parametrize(
    "policy",
    [
        replace(CLOSING, cancel_to_storefront=Mode.MANUAL),
        replace(CLOSING, cancel_to_storefront=Mode.OBSERVE),
        replace(CLOSING, value_limit=1.0),
    ],
)
def test_closing_passes_the_guards_like_every_cancel(policy: Policy) -> None:
    assert actions(emptied(), policy) == (ASK_TO_CLOSE,)
    assert actions(emptied(offered=frozenset({"cancel_line"})), CLOSING) == (ASK_TO_CLOSE,)
    braked = emptied(brakes={TO_STOREFRONT: BrakeState(tripped=True)})
    assert actions(braked, CLOSING) == (ASK_TO_CLOSE,)


def test_closing_waits_for_the_undo_window() -> None:
    policy = replace(CLOSING, undo_window=timedelta(minutes=5))
    later = Later(
        guard="undo-window", until=T0 + timedelta(minutes=5), line_ids=("s1", "s2"), direction=TO_STOREFRONT
    )
    assert actions(emptied(), policy) == (later,)


@pytest.mark.parametrize(
    "own",
    [
        None,
        command(Side.STOREFRONT, Change.CANCEL, Outcome.APPLIED),
        command(Side.MIS, Change.CANCEL, verified=True),
        command(Side.STOREFRONT, Change.TRACK, verified=True),
    ],
)
def test_an_order_that_we_did_not_empty_is_not_our_concern(own: object) -> None:
    last = replace(BOTH_CANCELLED, command=own)
    assert actions(order(order_line("s1", BOTH_CANCELLED), order_line("s2", last)), CLOSING) == ()


@pytest.mark.parametrize("mis", ["open/none", "cancelled/dispatched", "unreadable"])
def test_an_order_on_which_the_sides_disagree_is_not_closed(mis: str) -> None:
    ours = command(Side.STOREFRONT, Change.CANCEL, because=facts("cancelled/none"), verified=True)
    open_again = line("cancelled/none", mis, base=BOTH_CANCELLED.base, command=ours)
    of = order(order_line("s1", BOTH_CANCELLED), order_line("s2", open_again))
    planned = plan(of, CLOSING, T0)
    assert planned.writes == ()
    kinds = {action.kind for action in planned.actions if isinstance(action, NeedsPerson)}
    assert TaskKind.CLOSE_EMPTIED_ORDER not in kinds


def test_an_order_with_an_open_line_is_not_empty() -> None:
    of = emptied()
    assert actions(replace(of, lines=(*of.lines, order_line("s3", OPEN))), CLOSING) == ()


# Shipping: per order


def test_shipped_needs_every_line_that_is_not_cancelled() -> None:
    of = order(order_line("s1", DISPATCHED), order_line("s2", DISPATCHED), order_line("s3", BOTH_CANCELLED))
    for policy in (AUTOMATIC, WAIT_FOR_REST):
        assert actions(of, policy) == (ship(Change.SHIP, "s1", "s2"),)


def test_a_part_of_the_order_waits_for_the_rest_or_is_partly_shipped() -> None:
    of = order(order_line("s1", DISPATCHED), order_line("s2", OPEN))
    assert actions(of) == (ship(Change.SHIP_PART, "s1"),)
    assert actions(of, WAIT_FOR_REST) == (
        Later(guard="rest-of-order", until=None, line_ids=("s1",), direction=SHIP),
    )


@pytest.mark.parametrize("other", ["cancelled/none", "cancelled/dispatched", "unreadable", "unmapped"])
def test_a_line_cancelled_or_unknown_in_production_alone_is_not_shipped(other: str) -> None:
    """Else *shipped* would tell the customer that a cancelled line is on its way."""
    of = order(order_line("s1", DISPATCHED), order_line("s2", line("open/none", other)))
    changes = {write.change for write in plan(of, AUTOMATIC, T0).writes}
    assert Change.SHIP not in changes


def test_some_deliveries_of_a_line_are_partly_shipped_once() -> None:
    part = line("open/none", "open/part_dispatched", mis_tracking=["1Z1"])
    assert actions(order(order_line("s1", part))) == (
        ship(Change.SHIP_PART, "s1", tracking=frozenset({"1Z1"})),
    )
    assert actions(order(order_line("s1", part)), WAIT_FOR_REST) == ()
    told = line(
        "open/part_dispatched", "open/part_dispatched", storefront_tracking=["1Z1"], mis_tracking=["1Z1"]
    )
    assert actions(order(order_line("s1", told))) == ()


def partly_shipped(*parcels: str) -> Order:
    """s1 has left and the storefront says *partly*; s2 leaves now, s3 is still in production."""
    first = line("open/part_dispatched", "open/dispatched", storefront_tracking=["1Z1"], mis_tracking=["1Z1"])
    second = line(
        "open/part_dispatched", "open/dispatched", storefront_tracking=["1Z1"], mis_tracking=parcels
    )
    third = line("open/part_dispatched", "open/none", storefront_tracking=["1Z1"])
    return order(order_line("s1", first), order_line("s2", second), order_line("s3", third))


@pytest.mark.parametrize("policy", [AUTOMATIC, WAIT_FOR_REST])
def test_a_second_parcel_of_a_partly_shipped_order_is_added(policy: Policy) -> None:
    added = ship(Change.TRACK, "s1", "s2", tracking=frozenset({"1Z1", "1Z2"}))
    assert actions(partly_shipped("1Z2"), policy) == (added,)


@pytest.mark.parametrize("policy", [AUTOMATIC, WAIT_FOR_REST])
def test_a_partly_shipped_order_with_nothing_new_waits_for_the_rest(policy: Policy) -> None:
    rest = Later(guard="rest-of-order", until=None, line_ids=("s1", "s2"), direction=SHIP)
    assert actions(partly_shipped("1Z1"), policy) == (rest,)


def test_an_order_that_says_shipped_anywhere_never_goes_back_to_partly_shipped() -> None:
    shipped = line("open/dispatched", "open/dispatched")
    of = order(order_line("s1", shipped), order_line("s2", DISPATCHED), order_line("s3", OPEN))
    assert plan(of, AUTOMATIC, T0).writes == ()


def test_two_parcels_are_joined_and_never_overwritten() -> None:
    first = line("open/none", "open/dispatched", mis_tracking=["1Z1", "1Z2"])
    second = line("open/none", "open/dispatched", storefront_tracking=["1Z0"], mis_tracking=["1Z3"])
    written = plan(order(order_line("s1", first), order_line("s2", second)), AUTOMATIC, T0).writes
    assert written == (ship(Change.SHIP, "s1", "s2", tracking=frozenset({"1Z0", "1Z1", "1Z2", "1Z3"})),)


def test_missing_tracking_of_a_shipped_order_is_added_with_what_is_there() -> None:
    own = line("open/dispatched", "open/dispatched", storefront_tracking=["1Z0"], mis_tracking=["1Z1"])
    tracked = ship(Change.TRACK, "s1", tracking=frozenset({"1Z0", "1Z1"}))
    assert actions(order(order_line("s1", own))) == (tracked,)
    assert actions(order(order_line("s1", own), offered=frozenset({"ship"}))) == (
        needs(TaskKind.SHIP_IN_STOREFRONT, "s1", because="not-offered", direction=SHIP),
    )


def test_tracking_known_to_the_storefront_only_is_left_alone() -> None:
    own = line("open/dispatched", "open/dispatched", storefront_tracking=["1Z0"])
    assert actions(order(order_line("s1", own))) == ()


def test_shipping_by_hand_where_it_is_not_offered() -> None:
    of = order(order_line("s1", DISPATCHED), offered=frozenset({"track"}))
    assert actions(of) == (needs(TaskKind.SHIP_IN_STOREFRONT, "s1", because="not-offered", direction=SHIP),)


def test_the_vendors_plugin_gets_its_time_from_the_newest_dispatch() -> None:
    policy = replace(AUTOMATIC, vendor_grace=timedelta(minutes=10))
    newer = line("open/none", "open/dispatched", since=T0 + timedelta(minutes=3))
    of = order(order_line("s1", DISPATCHED), order_line("s2", newer))
    until = T0 + timedelta(minutes=13)
    assert actions(of, policy) == (
        Later(guard="vendor-grace", until=until, line_ids=("s1", "s2"), direction=SHIP),
    )


# Questions


def test_one_task_per_order_and_kind_with_every_line_and_detail() -> None:
    of = order(
        order_line("s1", line("unmapped", "open/none")),
        order_line("s2", line("open/none", "unmapped")),
        order_line("s3", line("cancelled/none", "open/dispatched")),
        order_line("s4", line("unmapped", "open/none")),
    )
    assert actions(of) == (
        needs(
            TaskKind.UNMAPPED, "s1", "s2", "s4", because="unmapped",
            detail="storefront: status 99; mis: status 99",
        ),
        needs(TaskKind.CANCELLED_BUT_MADE, "s3", because="cancelled-but-made"),
    )  # fmt: skip


def test_writes_and_waits_come_before_tasks() -> None:
    of = order(
        order_line("s1", line("cancelled/none", "open/dispatched")),
        order_line("s2", CANCELLED_IN_MIS),
        order_line("s3", DISPATCHED),
    )
    kinds = [type(action) for action in actions(of, WAIT_FOR_REST)]
    assert kinds == [Write, Later, NeedsPerson]


def test_an_order_in_step_has_nothing_to_do() -> None:
    planned = plan(order(order_line("s1", OPEN), order_line("s2", BOTH_CANCELLED)), AUTOMATIC, T0)
    assert planned.actions == ()
    assert planned.wanted == frozenset()


def test_an_order_without_lines_has_nothing_to_do() -> None:
    for policy in (AUTOMATIC, CLOSING):
        assert actions(order(), policy) == ()


@pytest.mark.parametrize(
    ("storefront", "mis"), [("cancelled/none", "open/none"), ("open/none", "cancelled/none")]
)
def test_the_undo_window_runs_from_the_change_and_not_from_the_other_side(storefront: str, mis: str) -> None:
    policy = replace(AUTOMATIC, undo_window=timedelta(minutes=5))
    own = line(storefront, mis)
    newer = replace(own.storefront, since=T0 + timedelta(minutes=2))
    changed = replace(own, storefront=newer)
    later = actions(order(order_line("s1", changed)), policy)[0]
    assert isinstance(later, Later)
    minutes = 7 if storefront == "cancelled/none" else 5
    assert later.until == T0 + timedelta(minutes=minutes)


def test_an_order_whose_line_is_gone_from_the_storefront_is_not_closed() -> None:
    of = emptied()
    gone = order_line("s3", line("gone", "cancelled/none"))
    assert actions(replace(of, lines=(*of.lines, gone)), CLOSING) == ()


def test_wanted_names_every_direction_in_which_a_line_wants_a_change() -> None:
    for own, direction in ((TO_CANCEL, TO_MIS), (CANCELLED_IN_MIS, TO_STOREFRONT), (DISPATCHED, SHIP)):
        assert plan(order(order_line("s1", own)), Policy(), T0).wanted == {direction}


# Rules that differ by direction


@pytest.mark.parametrize("different", list(Direction))
def test_each_direction_obeys_its_own_rules(different: Direction) -> None:
    """Everything is by hand, but for one direction."""
    wanting = {TO_MIS: TO_CANCEL, TO_STOREFRONT: CANCELLED_IN_MIS, SHIP: DISPATCHED}
    by_hand = Policy(ship_to_storefront=Mode.MANUAL)
    for way, own in wanting.items():
        of = order(order_line("s1", own))
        assert len(plan(of, by_hand, T0, {different: AUTOMATIC}).writes) == (way is different)
        assert plan(of, by_hand, T0, {}).writes == ()
        assert len(plan(of, AUTOMATIC, T0).writes) == 1


def test_closing_an_emptied_order_obeys_the_rules_towards_the_storefront() -> None:
    assert plan(emptied(), AUTOMATIC, T0, {TO_STOREFRONT: CLOSING}).actions == (
        cancel_in_storefront("s1", "s2", whole=True),
    )
    assert plan(emptied(), CLOSING, T0, {TO_STOREFRONT: AUTOMATIC}).actions == (ASK_TO_CLOSE,)
