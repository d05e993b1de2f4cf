"""Messages get doubled, reordered and lost; answers lie. The result stays the same."""

from __future__ import annotations

from countermand.demo.scenarios.scenario import Scenario
from countermand.demo.stage import Stage

_DOUBLED = {"seed": 11, "hooks": {"duplicate": 1.0, "reorder": 0.5}}


def every_message_twice(stage: Stage) -> None:
    stage.faults("infigo", _DOUBLED)
    stage.faults("printiq", _DOUBLED)
    first, second, third = stage.place(), stage.place(), stage.place()
    stage.count_from_now()
    stage.cancel_in_infigo(first)
    stage.cancel_in_printiq(*second.jobs)
    stage.dispatch(third.jobs[0], "JD014600007RF")
    stage.prove_job_cancelled(first.jobs[0])
    stage.prove_order(second, OrderStatus="Cancelled")
    stage.prove_order(third, ShippingStatus="Shipped", TrackingNumber="JD014600007RF")
    for order, rule in ((first, "both-cancelled"), (second, "both-cancelled"), (third, "both-dispatched")):
        stage.wait_rule(order, rule)
    stage.prove_writes("printiq", 1, "RunEvent")
    stage.prove_writes("infigo", 1, "Order.Cancel")
    stage.prove_writes("infigo", 1, "Order.UpdateShippingStatus")


SCENARIOS = (
    Scenario(
        name="every-message-twice",
        title="Each message doubled and reordered: one write each.",
        play=every_message_twice,
    ),
)
