"""What stands between wanting a cancel and writing it."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from countermand.core.policy import Direction
from countermand.core.tasks import TaskKind
from countermand.demo.scenarios.scenario import AT_ONCE, AUTOMATIC, BY_HOOK, MANUAL, Scenario, observing
from countermand.demo.stage import Order, Stage
from countermand.demo.world import wait_until

TO_MIS = Direction.CANCEL_TO_MIS.value


def undo_window(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.cancel_in_printiq(*order.jobs)
    stage.wait_rule(order, "cancel-travels-to-storefront")
    stage.set_status(order.jobs[0], 22)
    stage.wait_rule(order, "both-open")
    stage.prove_cancellation(order, "withdrawn")
    stage.prove_writes("infigo", 0, "Order.Cancel")
    stage.prove_order(order, OrderStatus="Pending")


def past_the_cut_off(stage: Stage) -> None:
    order = stage.place()
    stage.set_status(order.jobs[0], 4)
    stage.wait_mis(order, "open/started")
    stage.count_from_now()
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.PAST_CUT_OFF)
    stage.prove_writes("printiq", 0, "RunEvent")
    stage.act(task, "approve", "Tom Becker", "not printed yet, plates can be kept")
    stage.prove_job_cancelled(order.jobs[0])
    stage.prove_closed(task, "verified")


def held_after_printing_started(stage: Stage) -> None:
    order = stage.place()
    stage.set_status(order.jobs[0], 4)
    stage.wait_mis(order, "open/started")
    stage.set_status(order.jobs[0], 16)
    stage.wait_mis(order, "held/started")
    stage.cancel_in_infigo(order)
    stage.prove_task(order, TaskKind.PAST_CUT_OFF)
    stage.prove_writes("printiq", 0, "RunEvent")


def needs_a_second_person(stage: Stage) -> None:
    order = stage.place(2)
    stage.count_from_now()
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.APPROVE)
    stage.act(task, "approve", "Priya Shah", "customer called")
    stage.prove_refused(task, "approve", "Priya Shah", "again, the same person")
    stage.prove_writes("printiq", 0, "RunEvent")
    stage.act(task, "approve", "Tom Becker", "checked with production")
    for job in order.jobs:
        stage.prove_job_cancelled(job)


def mass_cancel_brake(stage: Stage) -> None:
    orders = stage.place_many(100)
    for order in orders:
        stage.cancel_in_infigo(order)
    task = stage.prove_task(orders[-1], TaskKind.BRAKE, any_order=True)
    wait_until(
        "every order to be judged",
        lambda: all((known := stage.known(order.id)) and known["tasks"] for order in orders),
        60,
    )
    stage.prove_writes("printiq", 0, "RunEvent")
    chosen = orders[3]
    stage.post_order(chosen, "release", direction=TO_MIS, reason="really cancelled, checked by phone")
    stage.prove_job_cancelled(chosen.jobs[0])
    stage.prove_writes("printiq", 1, "RunEvent")
    stage.prove("the others stay held", stage.open_task(task["id"])["state"] == "open", task["id"])


def mass_cancel_without_undo(stage: Stage) -> None:
    limit = stage.world.settings.policy.brake_burst
    orders = stage.place_many(100)
    for order in orders:
        stage.cancel_in_infigo(order)
    wait_until(
        "every order to be judged",
        lambda: all(_judged(stage, order) for order in orders),
        60,
    )
    written = stage.writes("printiq", "RunEvent")
    stage.prove(f"at most {limit} were written before the brake tripped", len(written) <= limit, len(written))


def _judged(stage: Stage, order: Order) -> bool:
    known = stage.known(order.id)
    return known is not None and (bool(known["tasks"]) or known["lines"][0]["rule"] == "both-cancelled")


def observe_only(stage: Stage) -> None:
    first, second, third = stage.place(), stage.place(), stage.place()
    stage.count_from_now()
    stage.cancel_in_infigo(first)
    stage.cancel_in_printiq(*second.jobs)
    stage.dispatch(third.jobs[0], "JD014600008RF")
    stage.prove_task(first, TaskKind.CANCEL_IN_MIS)
    stage.prove_task(second, TaskKind.CANCEL_IN_STOREFRONT)
    stage.prove_task(third, TaskKind.SHIP_IN_STOREFRONT)
    stage.prove_writes("printiq", 0, "RunEvent")
    stage.prove_writes("infigo", 0, "Order.")


def settled_then_changed(stage: Stage) -> None:
    order = stage.place()
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANCEL_IN_MIS)
    stage.act(task, "settle", "Priya Shah", "customer wants it after all, invoice goes by post")
    stage.wait_state(order, "settled")
    stage.prove_writes("printiq", 0, "RunEvent")
    stage.set_status(order.jobs[0], 4)
    stage.prove_task(order, TaskKind.PAST_CUT_OFF)


SCENARIOS = (
    Scenario(
        name="undo-window",
        title="Cancelled in printIQ and taken back within the undo window: nothing is written.",
        play=undo_window,
        world=replace(BY_HOOK, policy=replace(AUTOMATIC, undo_window=timedelta(seconds=30))),
    ),
    Scenario(
        name="past-the-cut-off",
        title="Production has started: a person decides, and only then it is written.",
        play=past_the_cut_off,
    ),
    Scenario(
        name="held-after-printing-started",
        title="On hold after printing started counts as started: a person is asked.",
        play=held_after_printing_started,
    ),
    Scenario(
        name="needs-a-second-person",
        title="Above the value limit two different people have to agree.",
        play=needs_a_second_person,
        world=replace(BY_HOOK, policy=replace(AUTOMATIC, value_limit=50.0)),
    ),
    Scenario(
        name="mass-cancel-brake",
        title="A hundred orders cancelled inside the undo window: none is written until released.",
        play=mass_cancel_brake,
        world=replace(BY_HOOK, policy=replace(AUTOMATIC, undo_window=timedelta(seconds=20))),
    ),
    Scenario(
        name="mass-cancel-without-undo-window",
        title="A hundred orders cancelled with no undo window: at most the limit is written.",
        play=mass_cancel_without_undo,
        world=replace(BY_HOOK, policy=AT_ONCE),
    ),
    Scenario(
        name="observe-only",
        title="Observe: three changes are recorded as tasks, and nothing at all is written.",
        play=observe_only,
        world=replace(BY_HOOK, policy=observing()),
    ),
    Scenario(
        name="settled-then-changed",
        title="Left different on purpose stays settled, until something else changes.",
        play=settled_then_changed,
        world=replace(BY_HOOK, policy=MANUAL),
    ),
)
