"""The command line: one command per thing a person does."""

from __future__ import annotations

import faulthandler
import sys
from importlib import import_module

import click

from countermand import __version__
from countermand.cli.groups import Group
from countermand.logs import configure_logs

#: Where each command is. A command's module is imported only when it is used, so that `tasks list` does
#: not wait for the demo's servers or for the comparison's database engine to load.
COMMANDS: dict[str, str] = {
    "backup": "countermand.cli.keep:backup",
    "check": "countermand.cli.check:check",
    "compare": "countermand.compare.command:compare",
    "db": "countermand.cli.db:db",
    "demo": "countermand.cli.demo:demo",
    "erase": "countermand.cli.keep:erase",
    "export": "countermand.cli.export:export",
    "import": "countermand.cli.import_:import_",
    "init": "countermand.cli.init:init",
    "journal": "countermand.cli.journal:journal",
    "orders": "countermand.cli.orders:orders",
    "restore": "countermand.cli.keep:restore_command",
    "retain": "countermand.cli.keep:retain",
    "rules": "countermand.cli.rules:rules",
    "serve": "countermand.cli.serve:serve",
    "sim": "countermand.cli.sim:sim",
    "simulate": "countermand.cli.simulate:simulate",
    "sweep": "countermand.cli.sweep:sweep",
    "tasks": "countermand.cli.tasks:tasks",
    "tell": "countermand.cli.tell:tell",
}


class LazyGroup(Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)  # a crash in native code leaves its stack
    configure_logs(log_level)
