"""`countermand sweep`: compare every order in both systems now."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from countermand.cli.remote import get, post, table, url_option, your_name

#: The exit codes are part of the interface: scripts and schedulers act on them (the same as `compare`).
NO_DIFFERENCE, DIFFERENCES, NOT_COMPARED = 0, 1, 2
_LOOK_EVERY = 0.3
_SHOWN = 20


class NotComparedError(click.ClickException):
    """There is no result to go by."""

    exit_code = NOT_COMPARED


@click.command()
@url_option
@click.option("--connection", default="", help="Which connection; needed when there are several.")
@click.option(
    "--since", default="", metavar="DATE", help="Only orders placed or changed since then, and open ones."
)
@click.option("--resume", is_flag=True, help="Go on with the last sweep where it was stopped or failed.")
@click.option("--by", default=your_name, help="Who asks for it; your login, or who signed in.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar and no summary.")
def sweep(url: str, connection: str, since: str, resume: bool, by: str, as_json: bool, quiet: bool) -> None:
    """Read every order by id in both systems, and say on which they differ.

    The running service does it, within its budget of calls; what it finds becomes a change or a task like
    everything else. Ctrl-C leaves it running.

    \b
    Example:
      countermand sweep --since 2026-11-01

    Exit code: 0 no difference, 1 at least one, 2 nothing could be compared.
    """
    screen = Console(stderr=True, quiet=quiet or as_json)
    try:
        asked = {"connection": connection, "since": since, "resume": resume, "by": by}
        begun = post(url, "/api/sweeps", dict(asked))
        found = _follow(url, begun, screen)
    except click.ClickException as error:
        raise NotComparedError(error.message) from error
    except KeyboardInterrupt:  # click's own exit code would say that something differs
        raise NotComparedError("It was not waited for; a sweep that was begun goes on by itself.") from None
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not quiet:
        _show(found)
    sys.exit(_exit_code(found))


def _follow(url: str, sweep: dict[str, Any], screen: Console) -> dict[str, Any]:
    columns = (
        TextColumn("Sweep {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(str(sweep["id"]), total=sweep["total"])
        while True:
            now: dict[str, Any] = get(url, f"/api/sweeps/{sweep['id']}")
            bar.update(task, total=now["total"], completed=now["compared"] + now["skipped"])
            if now["state"] != "running":
                return now
            time.sleep(_LOOK_EVERY)


def _exit_code(sweep: dict[str, Any]) -> int:
    if sweep["state"] != "done" or not sweep["compared"]:
        return NOT_COMPARED
    return DIFFERENCES if sweep["differing"] else NO_DIFFERENCE


def _show(sweep: dict[str, Any]) -> None:
    click.echo(
        f"Sweep {sweep['id']} of {sweep['connection']}: {sweep['state']}. {sweep['compared']:,} compared, "
        f"{sweep['agreed']:,} agree, {sweep['differing']:,} differ, {sweep['skipped']:,} skipped; "
        f"{sweep['calls']:,} calls, {sweep['seconds']:.1f} s."
    )
    if sweep["reason"]:
        click.echo(sweep["reason"])
    for count, why in sweep["skipped_because"].values():
        click.echo(f"  skipped {count:,}: {why}")
    shown = sweep["differences"][:_SHOWN]
    if shown:
        rows = [
            [one["order"], "new" if one["is_new"] else "known", one["why"], one["customer"] or "-"]
            for one in shown
        ]
        click.echo("\n" + table(["order", "", "why", "customer"], rows))
    if sweep["differing"] > len(shown):
        click.echo(
            f"... and {sweep['differing'] - len(shown):,} more: `countermand sweep --json` lists them."
        )
