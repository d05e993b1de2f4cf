"""`countermand backup`, `restore`, `erase` and `retain`: looking after what is stored."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import Engine, make_url

from countermand.cli.errors import plain_errors
from countermand.cli.journal import database_of
from countermand.cli.setup import config_option
from countermand.cli.which import connection_option, one_order
from countermand.config import load
from countermand.config.database import opened
from countermand.ledger.backup import back_up, restore
from countermand.ledger.privacy import NotErasedError, drop_raw, erase_order
from countermand.ledger.upgrade import assert_current
from countermand.ledger.wiping import wipe_freed

_file = click.Path(dir_okay=False, path_type=Path)


def _sqlite_path(url: str) -> Path:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise click.ClickException("For PostgreSQL use the tools of the database itself.")
    return Path(parsed.database)


def _wipe(engine: Engine) -> None:
    if not wipe_freed(engine):
        click.echo(
            "The rows are done; old bytes may still stand in the file, for it is in use or the disk is full. "
            "Run this again later, or while `serve` is stopped.",
            err=True,
        )


@click.command()
@click.argument("target", type=_file)
@config_option
@plain_errors
def backup(target: Path, file: Path) -> None:
    """Copy the ledger to TARGET while it is in use, and check the copy.

    Example: countermand backup backups/2026-11-23.db
    """
    size = back_up(_sqlite_path(database_of(file)), target)
    click.echo(f"Wrote {target} ({size:,} bytes); its pages and its journal hold.")


@click.command("restore")
@click.argument("source", type=_file)
@config_option
@plain_errors
def restore_command(source: Path, file: Path) -> None:
    """Put the backup SOURCE in place; the present ledger is kept beside it. Stop `serve` first.

    Example: countermand restore backups/2026-11-23.db
    """
    previous = restore(source, _sqlite_path(load(file, secrets=False).installation.database))
    click.echo(
        f"Restored from {source}." + (f" The ledger that was there is {previous}." if previous else "")
    )


@click.command()
@click.argument("number")
@config_option
@connection_option
@click.option("--by", default=getpass.getuser, help="Who asked for it; your login by default.")
@plain_errors
def erase(number: str, file: Path, connection: str, by: str) -> None:
    """Erase the personal data of one order; the journal's chain still holds. It cannot be undone.

    Example: countermand erase 10001 --by "Priya Shah"
    """
    with opened(database_of(file)) as engine:
        assert_current(engine)
        with engine.begin() as reading:
            row = one_order(reading, number, connection)
        try:
            with engine.execution_options(writing=True).begin() as writing:
                count = erase_order(writing, row.connection, row.order, by, datetime.now(UTC))
        except NotErasedError as error:
            raise click.ClickException(str(error)) from error
        _wipe(engine)
    click.echo(f"Erased what {count} entries said about order {row.order}.")


@click.command()
@config_option
@click.option("--days", type=click.IntRange(1, 36500), required=True, help="Keep raw messages this long.")
@plain_errors
def retain(file: Path, days: int) -> None:
    """Empty raw messages and raw answers older than some days; what they meant stays in the journal.

    Example: countermand retain --days 90
    """
    older_than = datetime.now(UTC) - timedelta(days=days)
    engine_url = database_of(file)
    with opened(engine_url) as engine:
        assert_current(engine)
        with engine.execution_options(writing=True).begin() as writing:
            messages, answers = drop_raw(writing, older_than)
        _wipe(engine)
    click.echo(f"Emptied {messages} messages and {answers} answers older than {days} days.")
