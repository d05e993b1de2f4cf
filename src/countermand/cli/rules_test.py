"""`countermand rules test`: what would other rules have done with what happened?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec

from countermand.app import ConnectionSettings
from countermand.cli.errors import plain_errors
from countermand.cli.remote import table
from countermand.cli.setup import config_option
from countermand.config import load
from countermand.config.database import missing_file, opened
from countermand.core.replay import Difference, answers, difference
from countermand.infigo.capabilities import capabilities as infigo_capabilities
from countermand.ledger.connections import live_since
from countermand.ledger.histories import histories
from countermand.printiq.capabilities import capabilities as printiq_capabilities


class WhatIf(msgspec.Struct, kw_only=True):
    """How many orders were looked at, and those that would have gone another way."""

    looked_at: int = 0
    differences: list[Difference]


@click.command("test")
@click.argument("other", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How far back.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plain_errors
def test_rules(other: Path, file: Path, days: int, connection: str, as_json: bool) -> None:
    """Play what happened against the rules in the set-up file OTHER, and show which orders would differ.

    Nothing is written anywhere, and what people decided is left out: this is what the rules would do.

    Example: countermand rules test bolder.toml --days 30
    """
    setup, wanted = load(file, secrets=False), load(other, secrets=False)
    if missing_file(setup.installation.database) is not None:
        raise click.ClickException("There is no database yet: the first `countermand serve` makes it.")
    rules = {one.name: one for one in wanted.installation.connections}
    since = datetime.now(UTC) - timedelta(days=days)
    for settings in setup.installation.connections:
        if connection in ("", settings.name) and settings.name in rules:
            found = _compare(setup.installation.database, settings, rules[settings.name], since)
            click.echo(_as_json(settings.name, found) if as_json else _as_text(settings.name, found, days))


def _compare(
    database: str, settings: ConnectionSettings, other: ConnectionSettings, since: datetime
) -> WhatIf:
    both = (infigo_capabilities(settings.infigo), printiq_capabilities(settings.printiq))
    offered = frozenset(name for each in both for name, one in each.items() if one.offered)
    found = WhatIf(differences=[])
    with opened(database) as engine, engine.begin() as reading:
        began = settings.live_since or live_since(reading, settings.name) or since
        for history in histories(reading, settings.name, began, offered, since):
            found.looked_at += 1
            one = difference(
                history,
                lambda each: answers(each, settings.policy, settings.overrides),
                lambda each: answers(each, other.policy, other.overrides),
            )
            if one is not None:
                found.differences.append(one)
    return found


def _as_json(name: str, found: WhatIf) -> str:
    return json.dumps({"connection": name, **msgspec.to_builtins(found)}, indent=2)


def _as_text(name: str, found: WhatIf, days: int) -> str:
    head = (
        f"connection {name}: {found.looked_at} orders of the last {days} days, "
        f"{len(found.differences)} would have gone another way"
    )
    if not found.differences:
        return head
    kinds = Counter(kind for one in found.differences for kind in _kinds(one))
    counts = table(["now", "then", "orders"], [[*kind, str(count)] for kind, count in kinds.most_common()])
    rows = [[one.order_id, _joined(one.before), _joined(one.after)] for one in found.differences]
    return "\n\n".join((head, counts, table(["order", "now", "with the other rules"], rows)))


def _kinds(one: Difference) -> Iterator[tuple[str, str]]:
    yield _joined(one.before), _joined(one.after)


def _joined(texts: tuple[str, ...]) -> str:
    return "; ".join(texts) or "nothing"
