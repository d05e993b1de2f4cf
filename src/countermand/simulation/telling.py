"""Telling what came of histories: a line each, and for one that failed how to see it again."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from countermand.simulation.history import Outcome
from countermand.simulation.script import Script


def line_of(outcome: Outcome) -> str:
    """One history in one line."""
    said = outcome.violation or "every promise held"
    return f"seed {outcome.seed}  {outcome.orders} orders  {outcome.days:g} days  {outcome.digest}  {said}"


def replay(seed: int, days: float, orders: int) -> str:
    """The command that makes this very history happen again."""
    return f"countermand simulate --seed {seed} --days {days:g} --orders {orders}"


def story_of(script: Script, outcome: Outcome) -> Iterator[str]:
    """A script as people read it: the set-up, the weather, and who did what when."""
    yield f"broken: {outcome.violation}"
    yield f"after {outcome.ended / 3600:.2f} h, journal and records {outcome.digest}"
    yield "set-up:"
    for name, value in sorted(_set_up(script).items()):
        yield f"  {name} = {value}"
    for spell in script.spells:
        yield f"  {spell}"
    yield "acts:"
    for act in script.acts:
        if act.at <= outcome.ended:
            yield f"  {act}"


def _set_up(script: Script) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(script.setup)
    policy = plain.pop("policy")
    assert isinstance(policy, dict), "a policy is an object"
    return {**plain, **{f"policy.{name}": value for name, value in policy.items()}}
