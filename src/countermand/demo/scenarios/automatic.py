"""Cancelled once, cancelled in both: safely, by itself, and proven."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from countermand.core.tasks import TaskKind
from countermand.demo.scenarios.scenario import BY_HOOK, Scenario
from countermand.demo.stage import Stage
from countermand.demo.world import OFTEN


def cancelled_in_infigo(stage: Stage) -> None:
    order = stage.place()
    stage.rest()
    stage.count_from_now()
    stage.cancel_in_infigo(order)
    stage.prove_job_cancelled(order.jobs[0])
    stage.wait_rule(order, "both-cancelled")
    stage.prove_writes("printiq", 1, "RunEvent")
    stage.prove_calls(4)


def cancelled_in_printiq(stage: Stage) -> None:
    order = stage.place(paid=True)
    stage.rest()
    stage.count_from_now()
    stage.cancel_in_printiq(*order.jobs)
    stage.prove_order(order, OrderStatus="Cancelled", PaymentStatus="Paid")
    stage.prove_writes("infigo", 1, "Order.Cancel")
    stage.prove_task(order, TaskKind.REFUND)
    stage.prove_calls(4)


def no_hooks_at_all(stage: Stage) -> None:
    first, second = stage.place(), stage.place()
    stage.count_from_now()
    stage.cancel_in_infigo(first)
    stage.cancel_in_printiq(*second.jobs)
    stage.prove_job_cancelled(first.jobs[0])
    stage.prove_order(second, OrderStatus="Cancelled")
    stage.prove_writes("printiq", 1, "RunEvent")
    stage.prove_writes("infigo", 1, "Order.Cancel")


def one_line_of_three(stage: Stage) -> None:
    order = stage.place(3)
    stage.count_from_now()
    stage.cancel_line_in_infigo(order.lines[1])
    mine = stage.job_of(order, order.lines[1])
    stage.prove_job_cancelled(mine)
    stage.wait_rule(order, "both-cancelled", line=order.lines[1])
    for job in order.jobs:
        if job != mine:
            stage.prove(f"job {job} goes on", stage.job_status(job) != 17, stage.job_status(job))
    stage.prove_writes("printiq", 1, "RunEvent")


def vendor_handler_on(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.cancel_in_printiq(*order.jobs)
    stage.prove_order(order, OrderStatus="Cancelled")
    stage.wait_rule(order, "both-cancelled")
    calls = stage.calls()
    stage.prove("the plugin's handler was called once", calls["updatejobstatus"] == 1, dict(calls))
    stage.prove_writes("infigo", 0, "Order.Cancel")


SCENARIOS = (
    Scenario(
        name="cancelled-in-infigo-automatic",
        title="Cancelled in Infigo becomes cancelled in printIQ, by itself.",
        play=cancelled_in_infigo,
    ),
    Scenario(
        name="cancelled-in-printiq-automatic",
        title="Cancelled in printIQ becomes cancelled in Infigo; the paid order gets a refund task.",
        play=cancelled_in_printiq,
    ),
    Scenario(
        name="no-hooks-at-all",
        title="Neither system sends a message: both directions work by polling.",
        play=no_hooks_at_all,
        world=replace(BY_HOOK, hooks=False, polling=OFTEN),
    ),
    Scenario(
        name="one-line-of-three",
        title="One line of three is cancelled: only that line is cancelled on the other side.",
        play=one_line_of_three,
    ),
    Scenario(
        name="cancelled-in-printiq-vendor-handler-on",
        title="The plugin's own cancel handler is on and races us: one write in all.",
        play=vendor_handler_on,
        world=replace(
            BY_HOOK,
            policy=replace(BY_HOOK.policy, vendor_may_cancel=True, vendor_grace=timedelta(seconds=2)),
            vendor_pushes=True,
            infigo_sim={"plugin": {"handler_updatejobstatus": True, "handler_updateorderstatus": True}},
        ),
    ),
)
