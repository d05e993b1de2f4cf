"""`countermand sim`: one of the two stand-ins by itself."""

from __future__ import annotations

from socket import socket
from typing import TypeVar

import click
import msgspec

from countermand.cli.errors import plain_errors
from countermand.cli.groups import Group
from countermand.simulators import infigo, printiq
from countermand.simulators.kit import PortError, SettingsError, listen, port_of, settings_from_pairs

Settings = TypeVar("Settings", bound=msgspec.Struct)

_port = click.option("--port", type=click.IntRange(0, 65535), help="Loopback port to listen on.")
_seed = click.option("--seed", type=int, default=0, show_default=True, help="Makes a run repeatable.")
_set = click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the stand-in, as its page in docs/ lists them; may be repeated.",
)


@click.group(cls=Group)
def sim() -> None:
    """Run a stand-in of Infigo or printIQ: a real HTTP server with its own staff screens.

    Example: countermand sim infigo --port 8101
    """


@sim.command("infigo")
@_port
@_seed
@_set
@plain_errors
def sim_infigo(port: int | None, seed: int, pairs: tuple[str, ...]) -> None:
    """A web-to-print storefront with its staff screens, its API and its printIQ plugin.

    \b
    Example:
      countermand sim infigo --port 8101 --set plugin.printiq_url=http://127.0.0.1:8102
    """
    settings = _settings(infigo.InfigoSettings(), pairs)
    infigo.run(_listen("Infigo", 8101 if port is None else port), seed, settings)


@sim.command("printiq")
@_port
@_seed
@_set
@plain_errors
def sim_printiq(port: int | None, seed: int, pairs: tuple[str, ...]) -> None:
    """A print MIS with its orders board, its JSON and SOAP interfaces and its hooks.

    Example: countermand sim printiq --port 8102 --set deliveries_per_job=2
    """
    settings = _settings(printiq.PrintIQSettings(), pairs)
    printiq.run(_listen("printIQ", 8102 if port is None else port), seed, settings)


def _listen(name: str, port: int) -> socket:
    """The port, and its address told; an address is told only when it is ours."""
    try:
        listener = listen(port)
    except PortError as error:
        raise click.ClickException(f"{error} Choose another with --port.") from error
    click.echo(f"{name} stand-in: http://127.0.0.1:{port_of(listener)}  (Ctrl-C stops it)")
    return listener


def _settings(settings: Settings, pairs: tuple[str, ...]) -> Settings:
    try:
        return settings_from_pairs(settings, list(pairs))
    except SettingsError as error:
        raise click.BadParameter(str(error), param_hint="--set") from error
