"""`countermand init`: the first set-up file."""

from __future__ import annotations

from pathlib import Path

import click

from countermand.cli.errors import plain_errors
from countermand.config import FILE_NAME
from countermand.config.sample import sample

_NEXT = """\
Wrote {file}. What now:
  1. Put in the addresses of your systems, and their keys where the file says they come from.
  2. countermand check --config {file}
  3. countermand serve --config {file}
Nothing is written to either system until a rule in the file says so."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=FILE_NAME)
@plain_errors
def init(file: Path) -> None:
    """Write a commented set-up file with every setting and its default.

    FILE is countermand.toml unless given; a file that exists is never overwritten.

    Example: countermand init
    """
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(sample())
    except FileExistsError:
        raise click.ClickException(f"{file} exists and was left as it is; name another file.") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(_NEXT.format(file=file))
