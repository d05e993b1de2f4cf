"""`countermand tell`: try a destination before anything depends on it."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from countermand.cli.errors import plain_errors
from countermand.cli.setup import config_option
from countermand.config import load
from countermand.outbound.destination import Destination
from countermand.outbound.sending import client, send


@click.command()
@click.argument("name")
@config_option
@plain_errors
def tell(name: str, file: Path) -> None:
    """Send one signed message of the type `test` to the destination NAME of the set-up file.

    Ends with 1 when it did not arrive. Nothing is stored.

    Example: countermand tell desk
    """
    destinations = {one.name: one for one in load(file).installation.destinations}
    if name not in destinations:
        known = ", ".join(destinations) or "none"
        raise click.ClickException(f"There is no [tell.{name}] in {file.name}; there is {known}.")
    if trouble := asyncio.run(_try(destinations[name])):
        raise click.ClickException(f"It did not arrive: {trouble}.")
    click.echo(f"It arrived: {name} answered well.")


async def _try(destination: Destination) -> str:
    now = datetime.now(UTC)
    async with client() as http:
        message = {"type": "test", "timestamp": now, "data": {}}
        return await send(http, destination, f"test-{secrets.token_hex(8)}", message, now)
