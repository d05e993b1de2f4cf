"""`python -m countermand.simulators.infigo --port 8101 --seed 0 --set plugin.enabled=false`."""

import click

from countermand.simulators.infigo import InfigoSettings, run
from countermand.simulators.kit import SettingsError, listen, settings_from_pairs


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8101,
    show_default=True,
    help="Loopback port to listen on.",
)
@click.option("--seed", default=0, show_default=True, help="Start of all sample data.")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Change one setting; repeatable.")
def main(port: int, seed: int, pairs: tuple[str, ...]) -> None:
    """Run the Infigo simulator with its staff screens and test control."""
    try:
        settings = settings_from_pairs(InfigoSettings(), pairs)
        listener = listen(port)
        click.echo(f"Infigo simulator: http://127.0.0.1:{port}/")
        run(listener, seed, settings)
    except (SettingsError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
