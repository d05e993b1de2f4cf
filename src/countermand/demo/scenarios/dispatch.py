"""Dispatched in printIQ becomes shipped in Infigo: the one thing that works by itself today."""

from __future__ import annotations

from msgspec.structs import replace

from countermand.demo.scenarios.scenario import BY_HOOK, Scenario
from countermand.demo.stage import Stage


def dispatched_becomes_shipped(stage: Stage) -> None:
    order = stage.place()
    stage.rest()
    stage.count_from_now()
    stage.dispatch(order.jobs[0], "JD014600003RF")
    stage.prove_order(order, ShippingStatus="Shipped", TrackingNumber="JD014600003RF")
    stage.wait_rule(order, "both-dispatched")
    stage.prove_calls(4)
    stage.prove_writes("infigo", 1, "Order.UpdateShippingStatus")


def vendor_sync_on(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.dispatch(order.jobs[0], "JD014600004RF")
    stage.prove_order(order, ShippingStatus="Shipped", TrackingNumber="JD014600004RF")
    stage.wait_rule(order, "both-dispatched")
    stage.prove_writes("infigo", 1, "changestatus")
    stage.prove_writes("infigo", 0, "Order.UpdateShippingStatus")


SCENARIOS = (
    Scenario(
        name="dispatched-becomes-shipped",
        title="A job dispatched in printIQ becomes shipped in Infigo, with its tracking number.",
        play=dispatched_becomes_shipped,
    ),
    Scenario(
        name="dispatched-becomes-shipped-vendor-sync-on",
        title="The vendors' own plugin marks it shipped first, so nothing is written a second time.",
        play=vendor_sync_on,
        world=replace(BY_HOOK, vendor_pushes=True),
    ),
)
