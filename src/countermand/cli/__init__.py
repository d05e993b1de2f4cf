"""The command line: one command per thing a person does."""

from __future__ import annotations

import click

from countermand import __version__
from countermand.cli.demo import demo
from countermand.cli.orders import orders
from countermand.cli.setup import add_to
from countermand.cli.sim import sim
from countermand.cli.tasks import tasks
from countermand.compare.command import compare
from countermand.logs import configure_logs


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="countermand")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="What to log to standard error.",
)
def main(log_level: str) -> None:
    """Keep print orders in step between an Infigo storefront and a printIQ MIS.

    Start with: countermand demo
    """
    configure_logs(log_level)


for command in (compare, demo, sim, orders, tasks):
    main.add_command(command)
add_to(main)
