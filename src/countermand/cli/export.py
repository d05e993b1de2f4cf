"""`countermand export`: what is stored, as files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from sqlalchemy import Connection

from countermand.cli.errors import plain_errors
from countermand.cli.setup import config_option
from countermand.config import load
from countermand.config.database import missing_file, opened
from countermand.exports.tables import EXPORTS, Export
from countermand.exports.write import FORMATS, ExportError
from countermand.ledger.connections import known_connections
from countermand.ledger.journal import chains


@click.command()
@click.argument("what", type=click.Choice(list(EXPORTS)))
@config_option
@click.option("--database", default="", metavar="URL", help="This database instead of the set-up file's.")
@click.option("--connection", default="", help="Only this connection.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="By default what the file's name ends in, else csv.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here; standard output by default."
)
@plain_errors
def export(what: str, file: Path, database: str, connection: str, kind: str | None, out: Path | None) -> None:
    """Write WHAT is stored to a file: orders, lines, tasks, journal, sweeps, or findings of sweeps.

    `lines` makes two files, NAME-storefront and NAME-mis, which `countermand compare` reads.

    \b
    Example:
      countermand export journal --out journal.parquet
      countermand export lines --out today.csv && countermand compare today-storefront.csv today-mis.csv
    """
    kind = _format(kind, out)
    exports = EXPORTS[what]
    if out is None and (len(exports) > 1 or kind in ("xlsx", "parquet")):
        raise click.UsageError(f"{what} as {kind} needs a file: add --out {what}.{kind}.")
    url = database or load(file, secrets=False).installation.database
    if (path := missing_file(url)) is not None:
        raise click.ClickException(
            f"There is no database {path} yet: the first `countermand serve` makes it."
        )
    with opened(url) as engine:
        at_once = (
            engine.execution_options(isolation_level="REPEATABLE READ")
            if engine.dialect.name == "postgresql"
            else engine
        )
        with at_once.begin() as reading:
            _assert_known(reading, connection)
            for one in exports:
                _write(one, reading, connection, kind, out)


def _assert_known(reading: Connection, connection: str) -> None:
    """A mistyped name must not look as if nothing had happened there."""
    known = sorted({str(name) for name in (*known_connections(reading), *chains(reading))})
    if connection and connection not in known:
        there = f"there are {', '.join(known)}" if known else "none has been started yet"
        raise click.ClickException(f"There is no connection {connection}; {there}.")


def _format(kind: str | None, out: Path | None) -> str:
    ending = out.suffix.lower().lstrip(".") if out is not None else ""
    return kind or (ending if ending in FORMATS else "csv")


def _write(one: Export, reading: Connection, connection: str, kind: str, out: Path | None) -> None:
    path = _path(one, kind, out)
    with _target(path) as file:
        count = FORMATS[kind](file, one.columns, one.rows(reading, connection))
    if path is not None:
        click.echo(f"{path}: {count:,} rows", err=True)


def _path(one: Export, kind: str, out: Path | None) -> Path | None:
    if out is None or not one.side:
        return out
    return out.with_name(f"{out.stem}-{one.side}{out.suffix or f'.{kind}'}")


@contextmanager
def _target(path: Path | None) -> Iterator[BinaryIO]:
    """The file, put in its place only when it is whole; or standard output."""
    if path is None:
        yield sys.stdout.buffer
        return
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
