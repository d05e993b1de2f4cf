"""`countermand demo`: the whole product in one command."""

from __future__ import annotations

import json
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from signal import SIGINT, SIGTERM
from signal import signal as handle
from tempfile import TemporaryDirectory
from threading import Event

import click
import msgspec

from countermand.cli.errors import plain_errors
from countermand.demo.once import Result, play_all
from countermand.demo.sample import fill, world_settings
from countermand.demo.scenarios import SCENARIOS
from countermand.demo.world import World
from countermand.simulators.kit import PortError


@click.command()
@click.option("--once", is_flag=True, help="Play every scenario unattended, print the proofs, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print the report as JSON.")
@click.option(
    "--only", multiple=True, metavar="NAME", help="With --once: only this scenario; may be repeated."
)
@click.option("--port-base", type=click.IntRange(1, 65533), default=8100, show_default=True,
              help="Console here, Infigo on the next port, printIQ on the one after.")  # fmt: skip
@click.option("--data", type=click.Path(file_okay=False, path_type=Path),
              help="Folder for the database; a temporary one by default, gone at the end.")  # fmt: skip
@click.option("--orders", type=click.IntRange(0, 500), default=12, show_default=True, help="Sample orders.")
@click.option("--seed", type=int, default=7, show_default=True, help="Makes the sample orders repeatable.")
@click.option("--no-browser", is_flag=True, help="Do not open the console in a browser.")
@click.option("--mode", type=click.Choice(["automatic", "manual", "observe"]), default="automatic",
              show_default=True, help="What happens to a cancel.")  # fmt: skip
@plain_errors
def demo(
    once: bool,
    as_json: bool,
    only: tuple[str, ...],
    port_base: int,
    data: Path | None,
    orders: int,
    seed: int,
    no_browser: bool,
    mode: str,
) -> None:
    """Both systems, the bridge between them and the console, with sample orders.

    \b
    Examples:
      countermand demo --orders 20 --mode manual
      countermand demo --once --only two-parcels
    """
    if once:
        _once(as_json, only)
        return
    if as_json or only:
        raise click.UsageError("--json and --only belong to --once.")
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(TemporaryDirectory(prefix="countermand-")))
        try:
            world = stack.enter_context(World(world_settings(mode, port_base, seed), folder))
        except PortError as error:
            raise click.ClickException(f"{error} Choose three others with --port-base.") from error
        click.echo("Both stand-ins and Countermand run; placing sample orders ...", err=True)
        fill(world, orders)
        click.echo(welcome(world.console, world.infigo, world.printiq, mode))
        if not no_browser:
            webbrowser.open(world.console)
        _wait_for_stop()
        click.echo("\nStopping.")


def _wait_for_stop() -> None:
    """Until Ctrl-C, or until whoever started us asks us to end."""
    stop = Event()
    for signal in (SIGINT, SIGTERM):
        handle(signal, lambda *_: stop.set())
    stop.wait()


#: What to try, and what follows in each mode.
_TRY = {
    "automatic": """\
  1. In Infigo open an order that the console shows as Not started in printIQ, change its status to Cancelled,
     and watch its jobs in printIQ.
  2. In printIQ open another order's job, change its status to Cancelled, and watch Infigo.
  3. In printIQ dispatch a job with a tracking number, and watch the order become Shipped.
  4. In Infigo cancel an order that is in production: nothing is written, the console asks a person.
  5. In the console open any of these orders and read what happened, and the proof.""",
    "manual": """\
  1. In Infigo open an order and change its status to Cancelled: the console asks a person to cancel its jobs.
  2. Open that task, do its steps in printIQ, press "I did it, check now": both are read, and it closes.
  3. In printIQ dispatch a job with a tracking number, and watch the order become Shipped.
  4. In the console open any of these orders and read what happened, and the proof.""",
    "observe": """\
  1. In Infigo open an order and change its status to Cancelled: the console says what it would have done,
     and writes nothing.
  2. Cancel its jobs in printIQ yourself: the console sees that both agree.
  3. In the console open the order and read what happened.""",
}


def welcome(console: str, infigo: str, printiq: str, mode: str) -> str:
    """What the demo says when it runs: the three addresses, and what to try in this mode."""
    return f"""
Countermand is running, in {mode} mode.

  Console   {console}
  Infigo    {infigo}   (a stand-in: Sales > Orders)
  printIQ   {printiq}   (a stand-in: orders board)

Step by step, in two minutes: {console}/try. Or by yourself:
{_TRY[mode]}

Ctrl-C stops everything.
"""


# Unattended


def _once(as_json: bool, only: tuple[str, ...]) -> None:
    chosen = [scenario for scenario in SCENARIOS if not only or scenario.name in only]
    unknown = set(only) - {scenario.name for scenario in SCENARIOS}
    if unknown:
        raise click.UsageError(f"There is no scenario {', '.join(sorted(unknown))}.")
    results = play_all(chosen, (lambda _: None) if as_json else _tell)
    failed = [result for result in results if not result.passed]
    if as_json:
        click.echo(
            json.dumps({"passed": not failed, "scenarios": [_as_dict(one) for one in results]}, indent=2)
        )
    else:
        click.echo(f"\n{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise click.exceptions.Exit(1)


def _as_dict(result: Result) -> dict[str, object]:
    return {**msgspec.to_builtins(result), "call_count": result.call_count}


def _tell(result: Result) -> None:
    mark = click.style("passed", fg="green") if result.passed else click.style("FAILED", fg="red")
    calls = ", ".join(f"{count} {name}" for name, count in result.calls.items())
    click.echo(f"{mark}  {result.name}  {result.seconds:.1f} s, {result.call_count} calls ({calls})")
    click.echo(f"        {result.title}")
    for proof in result.proofs:
        click.echo(f"        {'ok' if proof.holds else 'NO'}  {proof.says}  [{proof.read[:160]}]")
    if result.failure:
        click.echo(f"        {result.failure}")
