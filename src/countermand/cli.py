"""The command line: one command per thing a person does."""

import click

from countermand import __version__


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Keep print orders in step between an Infigo storefront and a printIQ MIS."""
