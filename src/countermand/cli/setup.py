"""The commands around the set-up file, and what they share."""

from __future__ import annotations

from pathlib import Path

import click

from countermand.config import FILE_NAME

config_option = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    default=FILE_NAME,
    envvar="COUNTERMAND_CONFIG",
    show_default=True,
    help="The set-up file.",
)


def add_to(main: click.Group) -> None:
    """Add `init`, `check`, `serve`, `db` and `rules`."""
    from countermand.cli.check import check
    from countermand.cli.db import db
    from countermand.cli.init import init
    from countermand.cli.rules import rules
    from countermand.cli.serve import serve

    for command in (init, check, serve, db, rules):
        main.add_command(command)
