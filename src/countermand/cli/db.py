"""`countermand db`: the database itself."""

from __future__ import annotations

from pathlib import Path

import click

from countermand.cli.errors import plain_errors
from countermand.cli.groups import Group
from countermand.cli.setup import config_option
from countermand.config import load
from countermand.config.database import upgrade_database


@click.group(cls=Group)
def db() -> None:
    """Look after the database.

    Example: countermand db upgrade
    """


@db.command("upgrade")
@config_option
@plain_errors
def upgrade(file: Path) -> None:
    """Bring the database to the schema of this version; run it before the first start on PostgreSQL.

    Example: countermand db upgrade --config countermand.toml
    """
    revision = upgrade_database(load(file, secrets=False).installation.database)
    click.echo(f"The database is at schema {revision}.")
