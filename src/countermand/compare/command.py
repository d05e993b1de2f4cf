"""`countermand compare`: the command a shop runs on its first day."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from countermand.compare.errors import CompareError
from countermand.compare.run import Request, compare_files
from countermand.compare.screen import show

_ENDINGS = (".html", ".htm", ".csv", ".xlsx", ".json")
#: The exit codes are part of the interface: scripts and schedulers act on them.
NO_DRIFT, DRIFT, NOT_COMPARED = 0, 1, 2


@click.command()
@click.argument("storefront")
@click.argument("mis")
@click.option(
    "--out",
    "outs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Write a report: .html, .csv, .xlsx or .json. Can be given several times.",
)
@click.option(
    "--map",
    "map_path",
    type=click.Path(path_type=Path),
    help="Read corrections from this file; written with what was detected when it does not exist yet.",
)
@click.option(
    "--as-of",
    metavar="MOMENT",
    help=(
        "Leave out orders placed after this moment (2026-11-23 or 2026-11-23T09:30, UTC unless it says "
        "otherwise)."
    ),
)
@click.option("--memory", default="1200MB", show_default=True, help="Memory for the database's work.")
@click.option("--quiet", is_flag=True, help="No progress bar and no summary.")
def compare(
    storefront: str,
    mis: str,
    outs: tuple[Path, ...],
    map_path: Path | None,
    as_of: str | None,
    memory: str,
    quiet: bool,
) -> None:
    """List every order on which two exports disagree, worst first.

    STOREFRONT is an export of the storefront's orders, MIS one of the MIS's jobs: CSV, TSV, XLSX, JSON
    lines or Parquet, or - for standard input. Nothing is changed in either system.

    \b
    Example:
      countermand compare infigo.csv printiq.xlsx --out report.html

    Exit code: 0 no disagreement, 1 at least one, 2 the files could not be compared.
    """
    screen = Console(stderr=True, quiet=quiet)
    try:
        request = Request(
            storefront=storefront,
            mis=mis,
            outs=tuple(map(_report, outs)),
            map_path=map_path,
            as_of=_moment(as_of) if as_of else None,
            memory=memory,
        )
        drift = _run(request, screen)
    except (CompareError, OSError, duckdb.Error) as error:
        click.echo(f"Could not compare: {_why(error)}", err=True)
        sys.exit(NOT_COMPARED)
    except KeyboardInterrupt:
        click.echo("Stopped before anything was compared.", err=True)
        sys.exit(NOT_COMPARED)  # click's own code would say that there is a disagreement
    sys.exit(DRIFT if drift else NO_DRIFT)


def _run(request: Request, screen: Console) -> int:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
    with tempfile.TemporaryDirectory(prefix="countermand-") as folder, bar:
        task = bar.add_task("Reading", total=1.0)

        def report(step: str, share: float) -> None:
            bar.update(task, description=step, completed=share)

        with compare_files(request, Path(folder), report) as (comparison, found):
            bar.stop()
            if not screen.quiet:
                with suppress(SystemExit):  # rich's way to say that nobody reads on (`| head`)
                    show(comparison, found, request, Console())
            return comparison.drift


def _why(error: CompareError | OSError | duckdb.Error) -> str:
    """One sentence."""
    if isinstance(error, CompareError):
        return str(error)
    if isinstance(error, OSError):
        about = f"{error.filename}: " if error.filename else ""
        return f"{about}{error.strerror}; working copies are kept where TMPDIR says, so see that it has room."
    return f"a row cannot be read ({str(error).partition(chr(10))[0]}); export both files again."


def _report(path: Path) -> Path:
    if path.suffix.lower() not in _ENDINGS:
        raise CompareError(
            f"{path} is no report that can be written: end its name in .html, .csv, .xlsx or .json."
        )
    if not path.absolute().parent.is_dir():
        raise CompareError(f"There is no folder {path.parent} to write {path.name} into: make it first.")
    return path


def _moment(text: str) -> datetime:
    """A date is the end of that day; a moment without an offset is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CompareError(f"--as-of {text} is no date: write 2026-11-23 or 2026-11-23T09:30.") from None
    if len(text) <= len("2026-11-23"):
        moment = datetime.combine(moment, time.max)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
