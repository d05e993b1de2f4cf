"""The scenarios that `demo --once` plays and proves, in the order of its report."""

from countermand.demo.scenarios import (
    automatic,
    by_hand,
    conflicts,
    dispatch,
    guards,
    oddities,
    unreliable,
)
from countermand.demo.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    *dispatch.SCENARIOS,
    *by_hand.SCENARIOS,
    *automatic.SCENARIOS,
    *conflicts.SCENARIOS,
    *unreliable.SCENARIOS,
    *guards.SCENARIOS,
    *oddities.SCENARIOS,
)

__all__ = ["SCENARIOS", "Scenario"]
