"""The stories of the demo once more, with the ledger in PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from msgspec.structs import replace

from countermand.demo.once import play
from countermand.demo.scenarios import SCENARIOS, Scenario
from countermand.ledger.engine import open_engine
from countermand.ledger.journal import chains, verify
from countermand.ledger.upgrade import upgrade
from postgres_server import postgres_database

PLAYED = (
    "dispatched-becomes-shipped",
    "cancelled-in-infigo-manual",
    "cancelled-in-infigo-automatic",
    "cancelled-in-printiq-automatic",
    "no-hooks-at-all",
    "every-message-twice",
    "ambiguous-link",
    "unmapped-status",
    "already-disagreeing-at-first-sight",
)


@pytest.mark.parametrize(
    "scenario", [one for one in SCENARIOS if one.name in PLAYED], ids=lambda one: one.name
)
def test_a_scenario_is_proven_with_the_ledger_in_postgresql(scenario: Scenario) -> None:
    with postgres_database() as url, ExitStack() as stack:
        engine = open_engine(url)
        stack.callback(engine.dispose)
        upgrade(engine)
        told = play(replace(scenario, world=replace(scenario.world, database=url)))
        assert told.passed, told.failure
        with engine.begin() as connection:
            known = chains(connection)
            faults = [fault for chain in known for fault in verify(connection, chain)]
        assert known
        assert faults == []
