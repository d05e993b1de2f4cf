"""`python -m countermand.simulators.printiq --port 8102 --seed 0 --set deliveries_per_job=2`."""

import click

from countermand.simulators.kit import SettingsError, listen, settings_from_pairs
from countermand.simulators.printiq import PrintIQSettings, run


@click.command()
@click.option("--port", default=8102, show_default=True, help="Loopback port to listen on.")
@click.option("--seed", default=0, show_default=True, help="Start of all numbers and sample data.")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Change one setting; repeatable.")
def main(port: int, seed: int, pairs: tuple[str, ...]) -> None:
    """Run the printIQ simulator with its staff screens and test control."""
    try:
        settings = settings_from_pairs(PrintIQSettings(), pairs)
        listener = listen(port)
        click.echo(f"printIQ simulator: http://127.0.0.1:{port}/")
        run(listener, seed, settings)
    except (SettingsError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
