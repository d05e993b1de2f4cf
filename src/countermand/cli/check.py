"""`countermand check`: is the set-up good, before anything depends on it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click
from sqlalchemy import make_url

from countermand.app import ConnectionSettings
from countermand.cli.errors import plain_errors
from countermand.cli.remote import table
from countermand.cli.setup import config_option
from countermand.config import SetUp, load
from countermand.config.database import inspect_database
from countermand.config.model import THIS_MACHINE
from countermand.config.problems import nearest
from countermand.config.trial import Tried, try_systems
from countermand.core.policy import Direction
from countermand.core.status import Side
from countermand.ledger.engine import LedgerError


@click.command()
@config_option
@click.option(
    "--connection", "only", multiple=True, help="Try only this connection's two systems; repeatable."
)
@plain_errors
def check(file: Path, only: tuple[str, ...]) -> None:
    """Check the set-up file, try every system in it, and show what each connection can do.

    Reads only; nothing is written to any system. Ends with 1 when something is wrong.

    Example: countermand check --config countermand.toml
    """
    setup = load(file)
    click.echo(f"{setup.file.name} is valid: {_counted(setup)}.\n")
    tried = asyncio.run(try_systems(setup, _places(setup, only) if only else None))
    for one in tried:
        click.echo(f"{one.place} at {one.address}: {one.problem or 'good'} ({one.seconds:.1f} s)")
    problems = [one.place for one in tried if one.problem]
    if not _show_database(setup):
        problems.append("the database")
    click.echo(_people(setup))
    for destination in setup.installation.destinations:
        events = ", ".join(destination.events)
        click.echo(f"told: {destination.name}, of {events}; `countermand tell {destination.name}` tries it")
    for note in _notes(setup):
        click.echo(f"note: {note}")
    by_place = {one.place: one for one in tried}
    for settings in setup.installation.connections:
        if not only or settings.name in only:
            click.echo(_connection(setup, settings, by_place))
    if problems:
        click.echo(f"\nNot good yet: {', '.join(problems)}.", err=True)
        sys.exit(1)
    click.echo("\nAll is good.")


def _places(setup: SetUp, connections: Iterable[str]) -> set[str]:
    """The tables of both systems of these connections."""
    places = set()
    for name in connections:
        if name not in setup.pairs:
            raise click.ClickException(f"There is no [connections.{name}]{nearest(name, setup.pairs) or '.'}")
        storefront, mis = setup.pairs[name]
        places |= {f"infigo.{storefront}", f"printiq.{mis}"}
    return places


def _counted(setup: SetUp) -> str:
    counts = (
        (len(setup.pairs), "connection"),
        (len(setup.storefronts), "storefront"),
        (len(setup.mises), "MIS"),
    )
    return ", ".join(f"{count} {word}{'' if count == 1 or word == 'MIS' else 's'}" for count, word in counts)


def _show_database(setup: SetUp) -> bool:
    """Say what the database promises; false when it cannot be used."""
    url = setup.installation.database
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        found = inspect_database(url)
    except LedgerError as error:
        click.echo(f"database: {error}")
        return False
    if found is None:
        click.echo(f"database {shown}: good; the first start makes it")
    else:
        promise = f"{found.journal_mode}, synchronous {found.synchronous}"
        click.echo(f"database {shown}: good; survives a power failure ({promise})")
    return True


def _people(setup: SetUp) -> str:
    """Who gets in, in one line."""
    sign_in, server = setup.installation.sign_in, setup.server
    if not sign_in.header:
        return f"people: nobody signs in; whoever reaches {server.host}:{server.port} may act"
    others = f"others have the role {sign_in.others.value}" if sign_in.others else "others are not let in"
    named = f"named by {sign_in.header} from {', '.join(sorted(sign_in.proxies))}"
    return f"people: {len(sign_in.people)}, {named}; {others}"


def _notes(setup: SetUp) -> Iterator[str]:
    """What is not wrong, but worth a thought."""
    used = {f"infigo.{storefront}" for storefront, _ in setup.pairs.values()}
    used |= {f"printiq.{mis}" for _, mis in setup.pairs.values()}
    systems = [
        *(f"infigo.{name}" for name in setup.storefronts),
        *(f"printiq.{name}" for name in setup.mises),
    ]
    yield from (f"{place} is in no connection" for place in systems if place not in used)
    for mis in setup.mises:
        sharing = sorted({storefront for storefront, own in setup.pairs.values() if own == mis})
        if len(sharing) > 1:
            yield (
                f"{' and '.join(sharing)} share printiq.{mis}: their order ids and PO numbers must never be "
                "the same, for a job in printIQ names its order by nothing else"
            )
    for path in setup.watched[1:]:
        if path.stat().st_mode & 0o077:
            yield f"the key file {path} can be read by other users of this machine (chmod 600 {path})"
    if setup.server.host not in THIS_MACHINE:
        yield f"host = {setup.server.host} lets others on the network in; a web server with https is safer"
    if setup.server.hosts and not setup.installation.sign_in.header:
        names = ", ".join(setup.server.hosts)
        yield f"the console is reached as {names}, and without sign_in anybody who gets there may act"


def _connection(setup: SetUp, settings: ConnectionSettings, tried: Mapping[str, Tried]) -> str:
    storefront, mis = setup.pairs[settings.name]
    rows = [
        [place, row.name.replace("_", " "), "yes" if row.offered else "no", row.how]
        for place in (f"infigo.{storefront}", f"printiq.{mis}")
        for row in tried[place].capabilities
    ]
    modes = ", ".join(f"{way.value.replace('_', ' ')} {settings.policy.mode(way).value}" for way in Direction)
    hooks = ", ".join(
        f"/hooks/{side.value}/TOKEN" if side in settings.hook_tokens else f"none from the {side.value}"
        for side in Side
    )
    return "\n".join(
        (
            f"\nconnection {settings.name}: infigo.{storefront} and printiq.{mis}",
            f"rules: {modes}; exceptions: {len(settings.overrides)}",
            f"messages: {hooks}",
            table(["system", "can it", "", "how"], rows),
        )
    )
