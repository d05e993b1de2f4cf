"""What the commands around the set-up file share."""

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
