"""Where the two systems contradict each other, nothing is written and a person is asked at once."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from countermand.core.tasks import TaskKind
from countermand.demo.scenarios.scenario import BY_HOOK, Scenario
from countermand.demo.stage import Stage

#: The dispatch has not been passed on yet when the cancel arrives.
_BEFORE_SHIPPED = replace(BY_HOOK, policy=replace(BY_HOOK.policy, vendor_grace=timedelta(minutes=5)))


def cancelled_after_dispatch(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.dispatch(order.jobs[0], "JD014600005RF")
    stage.wait_rule(order, "dispatch-travels")
    stage.cancel_in_infigo(order)
    _nothing_written(stage, order.id)
    stage.prove_most_urgent(order, TaskKind.CANCELLED_BUT_MADE)


def cancelled_while_dispatched(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.at_once(
        lambda: stage.cancel_in_infigo(order), lambda: stage.dispatch(order.jobs[0], "JD014600006RF")
    )
    stage.prove_most_urgent(order, TaskKind.CANCELLED_BUT_MADE)
    _nothing_written(stage, order.id)
    stage.prove_never_in_step(order)


def _nothing_written(stage: Stage, order_id: str) -> None:
    stage.prove_writes("printiq", 0, "RunEvent")
    ours = [
        entry
        for entry in stage.writes("infigo")
        if order_id in entry["target"] and entry["call"] in ("Order.Cancel", "Order.UpdateShippingStatus")
    ]
    stage.prove("Infigo received no write about it", not ours, ours)


SCENARIOS = (
    Scenario(
        name="cancelled-after-dispatch",
        title="Cancelled in Infigo after printIQ dispatched it: nothing is written, most urgent task.",
        play=cancelled_after_dispatch,
        world=_BEFORE_SHIPPED,
    ),
    Scenario(
        name="cancelled-while-dispatched",
        title="Cancelled and dispatched at the same moment: most urgent task, never in step.",
        play=cancelled_while_dispatched,
    ),
)
