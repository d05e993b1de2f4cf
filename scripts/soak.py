"""The long proof: thousands of simulated histories, and a kill storm. What earlier runs did is added to.

    .venv/bin/python scripts/soak.py                              # every part, with its usual length
    .venv/bin/python scripts/soak.py histories --minutes 30       # one part
    make soak SOAK_ARGS="histories --count 1000 --processes 1"

Each part keeps what it did in `soak-data/`, so a run can be stopped at any time; `record` moves what was
run on this machine to `docs/soak-histories.jsonl`, where runs of all machines add up. Ends with 1 when a
promise is broken.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from countermand.simulation.soak import soak, told
from countermand.simulation.soak_book import SoakBook
from countermand.simulation.soak_record import SoakRecord, seeds_of

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "e2e" / "storm"))

DATA = Path("soak-data")
RECORD = Path("docs/soak-histories.jsonl")
#: The size of a history that counts: days and orders.
MONTH = (30.0, 40)


@click.group(invoke_without_command=True, help=__doc__)
@click.pass_context
def main(context: click.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    failed = [part for part in (histories, storm) if context.invoke(part)]
    sys.exit(1 if failed else 0)


@main.command()
@click.option(
    "--minutes", type=click.FloatRange(min=0), default=60, show_default=True, help="How long to go on."
)
@click.option("--count", type=click.IntRange(min=1), help="How many histories at most.")
@click.option("--processes", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True)
@click.option(
    "--days", type=click.FloatRange(min=3), default=MONTH[0], show_default=True, help="Of each history."
)
@click.option(
    "--orders", type=click.IntRange(min=1), default=MONTH[1], show_default=True, help="In each history."
)
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.pass_context
def histories(
    context: click.Context,
    minutes: float,
    count: int | None,
    processes: int,
    days: float,
    orders: int,
    data: Path,
) -> int:
    """Simulated histories: the next seeds that were never run, after those that last broke a promise."""
    book = SoakBook(data / "histories.db", SoakRecord(RECORD), days, orders)
    until = time.monotonic() + minutes * 60
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as with Ctrl-C
    try:
        soak(book, days=days, orders=orders, most=count, processes=processes, version=version(),
             go_on=lambda: time.monotonic() < until, say=click.echo)  # fmt: skip
    except KeyboardInterrupt:
        click.echo("Stopped; what was done is kept.")
    totals, failing = book.totals(), book.failing()
    book.close()
    for line in told(totals):
        click.echo(line)
    return finish(context, failed=bool(failing))


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
def record(data: Path) -> None:
    """Move the histories that were run on this machine to the record that is kept with the code."""
    book = SoakBook(data / "histories.db", SoakRecord(RECORD), *MONTH)
    try:
        for run in book.record():
            click.echo(f"{run.version}: {sum(1 for _ in seeds_of(run.seeds)):,} histories, seeds {run.seeds}")
    except ValueError as error:
        raise click.ClickException(f"Nothing was recorded: {error}.") from error
    for line in told(book.totals()):
        click.echo(line)
    book.close()


@main.command()
@click.option("--kills", type=click.IntRange(min=1), default=500, show_default=True, help="How many more.")
@click.option("--at-a-time", type=click.IntRange(min=1), default=50, show_default=True, help="In each storm.")
@click.option("--database", help="SQLAlchemy URL that all storms share; none: a SQLite file for each.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.pass_context
def storm(context: click.Context, kills: int, at_a_time: int, database: str | None, data: Path) -> int:
    """Kill storms: real processes under load, SIGKILL at seeded moments, then both systems compared."""
    from storm_soak import StormBook  # in the tests' folder
    from storm_soak import soak as storms

    try:
        book = storms(data, kills, at_a_time=at_a_time, database=database, say=click.echo)
    except KeyboardInterrupt:
        book = StormBook(data / "storms.jsonl")
        click.echo("Stopped; storms that had ended are kept.")
    for line in book.told():
        click.echo(line)
    return finish(context, failed=bool(book.violations))


def finish(context: click.Context, *, failed: bool) -> int:
    """A part that runs by itself ends the program; one among all lets the others follow."""
    by_itself = context.parent is not None and context.parent.invoked_subcommand is not None
    if by_itself:
        sys.exit(int(failed))
    return int(failed)


def version() -> str:
    """The commit that is running, with `-dirty` when something was changed since."""
    asked = ("git", "describe", "--always", "--dirty")
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
