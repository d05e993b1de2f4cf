"""`countermand import`: bring in the orders that both systems have already."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from countermand.cli.groups import Group
from countermand.cli.remote import get, post, table, url_option, your_name
from countermand.imports.batch import ImportBatch, Taken

if TYPE_CHECKING:
    from countermand.imports.files import ExportFiles

_BATCH = 50
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_connection = click.option(
    "--connection", default="", help="Which connection; needed when there are several."
)


@click.group("import", cls=Group, invoke_without_command=True)
@url_option
@_connection
@click.option("--infigo", type=_file, help="An export of the storefront's orders, as `compare` takes it.")
@click.option("--printiq", type=_file, help="An export of the MIS's jobs; it saves asking for each of them.")
@click.option("--since", metavar="DATE", help="Search the storefront for orders placed since then.")
@click.option("--orders", metavar="NUMBERS", help="These orders: 10001,10005-10020.")
@click.option("--as-of", metavar="MOMENT", help="When the exports were made; their files' time by default.")
@click.option("--map", "map_path", type=_file, help="Corrections, as `compare --map` writes them.")
@click.option("--sales-orders", default="SO", show_default=True, metavar="PREFIX",
              help="How numbers of sales orders begin in the MIS's export (a guess).")  # fmt: skip
@click.option("--slice-days", type=click.IntRange(1, 366), default=7, show_default=True,
              help="With --since: how many days one search covers.")  # fmt: skip
@click.pass_context
def import_(
    context: click.Context,
    url: str,
    connection: str,
    infigo: Path | None,
    printiq: Path | None,
    since: str | None,
    orders: str | None,
    as_of: str | None,
    map_path: Path | None,
    sales_orders: str,
    slice_days: int,
) -> None:
    """Bring existing orders into a running Countermand: from exports, by search, or by number.

    Nothing is written to either system: orders that differ wait for one review (`import review`). It can be
    stopped and repeated; orders that are known are left alone.

    \b
    Example:
      countermand import --infigo orders.csv --printiq jobs.csv
      countermand import --since 2024-01-01
    """
    if context.invoked_subcommand is not None:
        _assert_none_given(context)
        return
    if sum(one is not None for one in (infigo, since, orders)) != 1:
        raise click.UsageError("Give one of --infigo FILE, --since DATE and --orders NUMBERS.")
    if printiq is not None and infigo is None:
        raise click.UsageError(
            "--printiq goes with --infigo: the storefront's export says which orders are ours."
        )
    if infigo is not None:
        taken = _from_files(url, connection, infigo, printiq, _moment(as_of), map_path, sales_orders)
    elif since is not None:
        begin = _moment(since)
        if begin is None:
            raise click.UsageError("--since names no date: write 2026-11-23 or 2026-11-23T09:30.")
        taken = _by_search(url, connection, begin, timedelta(days=slice_days))
    else:
        taken = _by_number(url, connection, _numbers(orders or ""))
    _show(taken)


def _assert_none_given(context: click.Context) -> None:
    """What stands before `review` would not count for it, and it would act somewhere else."""
    given = (ParameterSource.COMMANDLINE, ParameterSource.PROMPT)
    for parameter in context.command.params:
        if parameter.name and context.get_parameter_source(parameter.name) in given:
            called, name = context.invoked_subcommand, parameter.opts[0]
            raise click.UsageError(f"{name} does not count for `{called}` there: write it behind `{called}`.")


def _show(taken: Taken) -> None:
    new = taken.in_step + taken.to_review + taken.other
    click.echo(
        f"{new:,} orders taken in: {taken.in_step:,} in step, {taken.to_review:,} differ, {taken.other:,} "
        "still open (no job found yet, or not readable). "
        f"{taken.known:,} were known, {taken.not_found:,} not found."
    )
    if taken.to_review:
        click.echo("Nothing was written. To look at those that differ: countermand import review")


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text} is no date: write 2026-11-23 or 2026-11-23T09:30.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _numbers(text: str) -> list[str]:
    """10001,10005-10020: single numbers and spans."""
    found: list[str] = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        first, dash, last = part.partition("-")
        if dash and first.isdecimal() and last.isdecimal():
            if not 0 <= int(last) - int(first) <= 1_000_000:
                raise click.UsageError(f"{part} is no span of order numbers.")
            found += [str(number) for number in range(int(first), int(last) + 1)]
        else:
            found.append(part)
    if not found:
        raise click.UsageError("--orders names no order.")
    return found


# Bringing in


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _send(url: str, connection: str, batch: ImportBatch) -> Taken:
    body = {"connection": connection, "batch": msgspec.to_builtins(batch)}
    return msgspec.convert(post(url, "/api/imports", body, timeout=600), Taken)


def _all(
    what: str, total: int, batches: Iterator[ImportBatch], send: Callable[[ImportBatch], Taken]
) -> Taken:
    taken = Taken()
    with _progress() as bar:
        task = bar.add_task(what, total=total)
        for batch in batches:
            taken += send(batch)
            bar.advance(task, batch.size)
    return taken


def _from_files(
    url: str,
    connection: str,
    infigo: Path,
    printiq: Path | None,
    as_of: datetime | None,
    map_path: Path | None,
    sales_orders: str,
) -> Taken:
    from countermand.compare.errors import CompareError
    from countermand.imports.files import batches, open_files

    try:
        with (
            tempfile.TemporaryDirectory(prefix="countermand-") as folder,
            open_files(infigo, printiq, Path(folder), as_of, map_path, sales_orders) as files,
        ):
            _insist_known(url, connection, files)
            return _all(
                "Taking in", files.orders, batches(files), lambda batch: _send(url, connection, batch)
            )
    except CompareError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"The files cannot be worked on: {error.strerror}.") from error


def _insist_known(url: str, connection: str, files: ExportFiles) -> None:
    """A file of another shop must not fill the ledger with orders that this one never had."""
    from countermand.imports.files import some_orders

    tried = some_orders(files)
    found = post(url, "/api/imports/known", {"connection": connection, "orders": tried}, timeout=600)["found"]
    if not found:
        raise click.ClickException(
            f"The storefront knows none of {', '.join(tried)}: is {files.storefront.source.name} an export "
            "of this shop, and can the storefront be read (countermand check)?"
        )


def _by_number(url: str, connection: str, order_ids: list[str]) -> Taken:
    parts = (order_ids[start : start + _BATCH] for start in range(0, len(order_ids), _BATCH))
    batches = (ImportBatch(order_ids=tuple(part)) for part in parts)
    return _all("Taking in", len(order_ids), batches, lambda batch: _send(url, connection, batch))


def _by_search(url: str, connection: str, since: datetime, span: timedelta) -> Taken:
    taken, now = Taken(), datetime.now(UTC)
    slices = max(-((since - now) // span), 0)
    with _progress() as bar:
        task = bar.add_task("Searching", total=slices)
        while since < now:
            until = min(since + span, now)
            asked = {"connection": connection, "since": since.isoformat(), "until": until.isoformat()}
            listed = post(url, "/api/imports/list", dict(asked), timeout=600)
            taken += Taken(known=listed["known"])
            for start in range(0, len(listed["new"]), _BATCH):
                part = tuple(listed["new"][start : start + _BATCH])
                taken += _send(url, connection, ImportBatch(order_ids=part))
            bar.advance(task)
            since = until
    return taken


# The review


@import_.command("review")
@url_option
@_connection
@click.option("--leave", "act", flag_value="leave", help="Leave them as they are: they are history.")
@click.option("--bring-in-step", "act", flag_value="bring_in_step",
              help="Pass on what differs, under the rules and guards of the connection.")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="All that wait.")
@click.option("--reason", default="", help="Why; needed with --leave.")
@click.option("--by", default=your_name, help="Who decides; your login, or who signed in.")
@click.argument("orders", nargs=-1)
def review(
    url: str, connection: str, act: str | None, every: bool, reason: str, by: str, orders: tuple[str, ...]
) -> None:
    """List the orders that differed when they were first seen, or decide about ORDERS together.

    \b
    Example:
      countermand import review
      countermand import review --leave --reason "delivered in 2024" 10001 10002
      countermand import review --bring-in-step 10007
    """
    if act is None:
        if orders or every:
            raise click.UsageError("Say what to do with them: --leave or --bring-in-step.")
        _list(url, connection)
        return
    if bool(orders) == every:
        raise click.UsageError("Name the orders, or say --all.")
    body: dict[str, object] = {"connection": connection, "act": act, "by": by, "reason": reason}
    body |= {"all": True} if every else {"orders": list(orders)}
    answer = post(url, "/api/imports/review", body, timeout=600)
    for order, why in answer["refused"].items():
        click.echo(f"{order}: {why}", err=True)
    done = "left as they are" if act == "leave" else "being brought in step"
    click.echo(f"{answer['done']:,} orders {done}.")
    if answer["refused"]:
        raise click.exceptions.Exit(1)


def _list(url: str, connection: str) -> None:
    found = get(url, "/api/imports/review", connection=connection)["orders"]
    if not found:
        click.echo("No order waits for a review.")
        return
    rows = [_row(order, line) for order in found for line in order["lines"]]
    click.echo(table(["order", "customer", "line", "storefront", "MIS", "why"], rows))


def _row(order: dict[str, Any], line: list[str]) -> list[str]:
    return [order["order"], order["customer"] or "-", *line[:3], line[3].removeprefix("first-sight:")]
