"""`countermand simulate`: months of a shop's life in seconds, with everything going wrong that can."""

from __future__ import annotations

import sys
import time

import click

from countermand.simulation.author import write_script
from countermand.simulation.history import run_history
from countermand.simulation.shorten import Shortener
from countermand.simulation.telling import line_of, replay, story_of


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="First seed; any when left out.")
@click.option("--days", type=click.FloatRange(min=3, max=3660), default=30, show_default=True,
              help="How long each history lasts, in simulated days.")  # fmt: skip
@click.option("--orders", type=click.IntRange(min=1, max=100_000), default=40, show_default=True,
              help="How many orders are placed in each.")  # fmt: skip
@click.option("--histories", type=click.IntRange(min=1), default=1, show_default=True, help="How many seeds.")
@click.option("--shorten/--no-shorten", default=True, help="Look for a shorter history that fails as well.")
def simulate(seed: int | None, days: float, orders: int, histories: int, shorten: bool) -> None:
    """Run the real core, bridge and ledger under simulated time, between two faulty systems.

    One seed gives one history, to the byte. Ends with 1 when a promise was broken, and then says how to see
    it again.

    Example: countermand simulate --seed 7 --days 30 --histories 20
    """
    first = seed if seed is not None else int(time.time()) % 1_000_000_000
    click.echo(f"Seeds {first} to {first + histories - 1}.")
    failed = 0
    for one in range(first, first + histories):
        script = write_script(one, days, orders)
        outcome = run_history(script)
        click.echo(line_of(outcome))
        if not outcome.violation:
            continue
        failed += 1
        click.echo(f"See it again: {replay(one, days, orders)}", err=True)
        if shorten:
            for line in story_of(*Shortener(script, outcome).shorten()):
                click.echo(f"  {line}", err=True)
    click.echo(f"{histories - failed} of {histories} histories kept every promise.")
    sys.exit(1 if failed else 0)
