"""`countermand rules`: what may happen by itself, in general and for one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from countermand.app import ConnectionSettings
from countermand.bridge.case import as_order
from countermand.cli.errors import plain_errors
from countermand.cli.groups import Group
from countermand.cli.remote import table
from countermand.cli.rules_test import test_rules
from countermand.cli.setup import config_option
from countermand.cli.which import connection_option, one_order
from countermand.config import SetUp, load
from countermand.config.database import missing_file, opened
from countermand.config.specs import RULES
from countermand.config.values import show_value
from countermand.core.policy import Direction
from countermand.core.rules import MODE_SETTINGS, Override, Resolved, facts_of, resolve
from countermand.ledger import views

_SPECS = {spec.name: spec for spec in RULES}


@click.group(cls=Group)
def rules() -> None:
    """Show the rules, or say which of them apply to one order, and why.

    Example: countermand rules explain 10001
    """


@rules.command("show")
@config_option
@plain_errors
def show(file: Path) -> None:
    """Every rule of every connection, and whether it comes from the file or is the default.

    Example: countermand rules show --config countermand.toml
    """
    setup = load(file, secrets=False)
    click.echo("\n\n".join(_connection(setup, one) for one in setup.installation.connections))


def _connection(setup: SetUp, settings: ConnectionSettings) -> str:
    rows = [
        [
            spec.name,
            show_value(spec, getattr(settings.policy, spec.name)),
            _origin(setup, settings, spec.name),
        ]
        for spec in RULES
    ]
    exceptions = [line for one in settings.overrides for line in _exception(one)]
    return "\n".join((f"connection {settings.name}", table(["rule", "value", "from"], rows), *exceptions))


def _origin(setup: SetUp, settings: ConnectionSettings, setting: str) -> str:
    line = setup.lines.get(f"connections.{settings.name}.rules.{setting}")
    return f"line {line}" if line else "default"


def _exception(one: Override) -> Iterator[str]:
    matchers = (
        ("customer", ", ".join(sorted(one.customers))),
        ("product", one.kind),
        ("direction", one.direction),
    )
    matched = ", ".join(f"{name} {value}" for name, value in matchers if value) or "every order"
    yield f"\nexception {one.name!r} for {matched}"
    for name, value in one.settings.items():
        yield f"  {name} = {show_value(_SPECS[name], value)}"


@rules.command("explain")
@click.argument("order")
@config_option
@connection_option
@plain_errors
def explain(order: str, file: Path, connection: str) -> None:
    """Say which rules apply to ORDER (any number it is known by), where each comes from, and why.

    Example: countermand rules explain 10001
    """
    setup = load(file, secrets=False)
    row = _find(setup.installation.database, order, connection)
    settings = next((one for one in setup.installation.connections if one.name == row.connection), None)
    if settings is None:
        raise click.ClickException(
            f"Order {row.order} belongs to the connection {row.connection}, which {setup.file.name} lacks."
        )
    facts = facts_of(row.case.customer, as_order(row.case, live_since=None).lines)
    resolved = resolve(settings.policy, settings.overrides, facts)
    kinds = ", ".join(sorted(kind.value if kind else "unknown" for kind in facts.kinds)) or "unknown"
    click.echo(f"order {row.order}, connection {row.connection}")
    click.echo(f"customer: {facts.customer or 'not known'}; kinds of lines: {kinds}\n")
    click.echo(
        table(["rule", "direction", "value", "from", "why"], list(_choices(setup, settings, resolved)))
    )
    for one in resolved.considered:
        verdict = {True: "applies", False: "does not apply", None: "may apply"}[one.matches]
        click.echo(f"\nexception {one.rule!r} {verdict}: {one.why}")
    for line in row.case.lines:
        click.echo(f"\nline {line.line_id}: last decided by {line.rule or 'nothing yet'}")


def _find(database: str, order: str, connection: str) -> views.OrderRow:
    if missing_file(database) is not None:
        raise click.ClickException("There is no database yet: the first `countermand serve` makes it.")
    with opened(database) as engine, engine.begin() as reading:
        return one_order(reading, order, connection, beginning=True)


def _choices(setup: SetUp, settings: ConnectionSettings, resolved: Resolved) -> Iterator[list[str]]:
    """Modes always, the other rules where an exception touches them."""
    chosen = {(choice.setting, choice.direction): choice for choice in resolved.trail}
    slots: Iterable[tuple[str, Direction | None]] = dict.fromkeys((*MODE_SETTINGS.items(), *chosen))
    for setting, way in slots:
        choice = chosen.get((setting, way))
        value = choice.value if choice else getattr(settings.policy, setting)
        origin = repr(choice.rule) if choice and choice.rule else _origin(setup, settings, setting)
        yield [
            "mode" if setting in MODE_SETTINGS else setting,
            way.value.replace("_", " ") if way else "all",
            show_value(_SPECS[setting], value),
            origin,
            choice.why if choice else "no exception sets it",
        ]


rules.add_command(test_rules)
