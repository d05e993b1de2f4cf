import pytest

from countermand.simulators.kit import CallFault, FaultPlan, Faults, HookFaults


def test_a_rule_strikes_only_the_call_it_names_and_only_as_often_as_it_says() -> None:
    plan = FaultPlan(Faults(calls=(CallFault(match="RunEvent", kind="5xx", times=2),)))
    assert plan.for_call("AcceptQuote") == []
    kinds = [[fault.kind for fault in plan.for_call("RunEvent")] for _ in range(3)]
    assert kinds == [["5xx"], ["5xx"], []]
    assert plan.hits == [2]


def test_a_star_strikes_every_call_and_replacing_clears() -> None:
    plan = FaultPlan(Faults(calls=(CallFault(kind="drop"),)))
    assert plan.for_call("anything")
    plan.replace(Faults())
    assert plan.for_call("anything") == []


def test_the_same_seed_draws_the_same_faults() -> None:
    faults = Faults(seed=7, calls=(CallFault(kind="5xx", probability=0.5),))
    draws = [[bool(plan.for_call("x")) for _ in range(40)] for plan in (FaultPlan(faults), FaultPlan(faults))]
    assert draws[0] == draws[1]
    assert {True, False} == set(draws[0])


@pytest.mark.parametrize(
    ("hooks", "copies"),
    [(HookFaults(), 1), (HookFaults(drop=1.0), 0), (HookFaults(duplicate=1.0), 2)],
)
def test_hook_faults_drop_and_double(hooks: HookFaults, copies: int) -> None:
    assert len(FaultPlan(Faults(hooks=hooks)).for_message().delays) == copies


def test_hook_faults_delay_and_hold_back() -> None:
    delayed = FaultPlan(Faults(hooks=HookFaults(delay_seconds=2))).for_message()
    held = FaultPlan(Faults(hooks=HookFaults(reorder=1.0))).for_message()
    assert delayed.delays == (2.0,)
    assert held.delays[0] > 0
