"""`countermand journal`: verify the chain, export it, prove one order, keep anchors elsewhere."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import click
import msgspec
from sqlalchemy import Connection, Engine

from countermand.cli.errors import plain_errors
from countermand.cli.groups import Group
from countermand.cli.setup import config_option
from countermand.cli.which import connection_option, one_order
from countermand.config import load
from countermand.config.database import missing_file, opened
from countermand.ledger.anchors import Anchor, check_anchors, make_anchor
from countermand.ledger.columns import encode, from_micros
from countermand.ledger.connections import known_connections
from countermand.ledger.inspection import FILE, inspect
from countermand.ledger.journal import Fault, chains, stored, verify
from countermand.ledger.proof import NoProofError, ProofEntry, prove
from countermand.ledger.records import JournalRow
from countermand.proof.page import Telling, page
from countermand.web.timeline import moment
from countermand.web.words import Names

_key = click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The shop's own key."
)


#: An order may come from a file, under any number.
_NOT_IN_NAMES = re.compile(r"[^\w.-]")


@click.group(cls=Group)
def journal() -> None:
    """Check that the journal was not changed, export it, or prove one order.

    Example: countermand journal verify
    """


def database_of(file: Path) -> str:
    """The ledger that a set-up file names; it has to be there."""
    url = load(file, secrets=False).installation.database
    if missing_file(url) is not None:
        raise click.ClickException("There is no database yet: the first `countermand serve` makes it.")
    return url


@journal.command("verify")
@config_option
@click.option("--anchors", type=click.Path(exists=True, path_type=Path), help="Anchors kept elsewhere.")
@_key
@plain_errors
def verify_journal(file: Path, anchors: Path | None, key_file: Path | None) -> None:
    """Compare the file's pages, walk every chain, and say each place that does not hold.

    Example: countermand journal verify --anchors /backup/anchors.jsonl --key-file anchor.key
    """
    with opened(database_of(file)) as engine:
        found, kept = inspect(engine), _kept(anchors)
        if kept and not any(fault.chain == FILE for fault in found):
            with engine.begin() as database:
                found += check_anchors(database, kept, _key_of(key_file))
        for fault in found:
            click.echo(_fault(fault))
        if found:
            raise click.exceptions.Exit(1)
        with engine.begin() as database:
            known = chains(database)
            for chain in known:
                click.echo(f"{chain}: {_as_written(sum(1 for _ in stored(database, chain)))}")
        if not known:
            click.echo("The journal is empty, because no connection has been started yet. So it holds.")
        if kept:
            click.echo(f"{_counted(len(kept), 'anchor')} in {anchors}, up to {kept[-1].at}: as it was then")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _as_written(count: int) -> str:
    return "1 entry, as it was written" if count == 1 else f"{count} entries, every one as it was written"


def _fault(fault: Fault) -> str:
    if fault.chain == FILE:
        return f"{FILE} {fault.what}"
    return f"{fault.chain or 'anchor'} {fault.seq}: {fault.what}"


def _kept(path: Path | None) -> list[Anchor]:
    """The anchors of a file; one without any proves nothing, and must not look as if it did."""
    kept = [] if path is None else list(_anchors(path))
    if path is not None and not kept:
        raise click.ClickException(f"{path} holds no anchor, so there is nothing to compare with.")
    return kept


def _anchors(path: Path) -> Iterator[Anchor]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            yield msgspec.json.decode(line, type=Anchor)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise click.ClickException(f"{path}, line {number}, is no anchor: {error}.") from error


def _key_of(path: Path | None) -> bytes:
    if path is None:
        raise click.UsageError("Anchors need the key they were signed with: --key-file.")
    key = path.read_bytes().strip()
    if not key:
        raise click.ClickException(f"The key file {path} is empty: whoever likes could sign with that.")
    return key


@journal.command("anchor")
@config_option
@_key
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to add the anchor to.")
@plain_errors
def anchor(file: Path, key_file: Path | None, out: Path) -> None:
    """Add the present ends of all chains, signed, to a file that you keep elsewhere.

    Example: countermand journal anchor --key-file anchor.key --out /backup/anchors.jsonl
    """
    with opened(database_of(file)) as engine, engine.begin() as database:
        made = make_anchor(database, _key_of(key_file), datetime.now(UTC))
    _add_line(out, encode(made) + b"\n")
    click.echo(f"Anchored {_counted(len(made.heads), 'chain')} in {out}.")


def _add_line(path: Path, line: bytes) -> None:
    """On the disk, whole or not at all: half an anchor would spoil the one after it."""
    with path.open("ab", buffering=0) as target:
        before = target.tell()
        try:
            while line:
                line = line[target.write(line) :]
            os.fsync(target.fileno())
        except OSError as error:
            target.truncate(before)
            raise OSError(error.errno, error.strerror, str(path)) from error


@journal.command("export")
@config_option
@click.option("--format", "kind", type=click.Choice(["csv", "json"]), default="json", show_default=True,
              help="What to write.")  # fmt: skip
@click.option("--chain", default="", help="Only this connection.")
@plain_errors
def export(file: Path, kind: str, chain: str) -> None:
    """Every entry on standard output, oldest first: JSON lines or CSV.

    JSON is byte for byte what was hashed; in CSV an apostrophe stands before what a spreadsheet would run.

    Example: countermand journal export --format csv > journal.csv
    """
    with opened(database_of(file)) as engine:
        rows = _rows(engine, chain)
        if kind == "json":
            for row in rows:
                # Bytes that are no text, which only damage leaves behind, are written as they are.
                click.echo(json.dumps(row, ensure_ascii=False).encode(errors="surrogateescape"))
            return
        from countermand.exports.write import write_csv  # loads what only other formats need

        write_csv(sys.stdout.buffer, _COLUMNS, rows)


_NUMBERS = ("seq",)
_COLUMNS = {
    name: "integer" if name in _NUMBERS else "text"
    for name in ("chain", "seq", "at", "event", "actor", "subject", "body", "content", "prev", "hash")
}


def _rows(engine: Engine, only: str) -> Iterator[dict[str, object]]:
    with engine.begin() as database:
        for chain in _chosen(database, only):
            for row in stored(database, chain):
                at = from_micros(row.at).isoformat() if isinstance(row.at, int) else row.at
                known = {"chain": str(chain), **msgspec.structs.asdict(row), "at": at}
                yield {name: known[name] for name in _COLUMNS}


def _chosen(database: Connection, only: str) -> list[str]:
    known = chains(database)
    if only and only not in known:
        there = f"there are {', '.join(known)}" if known else "none has been started yet"
        raise click.ClickException(f"There is no chain {only}; {there}.")
    return [only] if only else known


def _told(chain: str) -> Telling:
    """Entries in the console's own words."""

    def tell(entry: ProofEntry) -> tuple[str, str]:
        row = JournalRow(
            chain=chain,
            seq=entry.seq,
            at=datetime.fromisoformat(entry.at),
            event=entry.event,
            actor=entry.actor,
            subject=entry.subject,
            body=entry.body,
            hash="",
        )
        one = moment(row, Names(), {})
        return one.text, one.more

    return tell


@journal.command("proof")
@click.argument("number")
@config_option
@connection_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder.")
@plain_errors
def proof(number: str, file: Path, connection: str, out: Path) -> None:
    """Write one order's proof: a file, a readable page, and the script that checks it.

    Example: countermand journal proof 10001 --out proofs
    """
    with opened(database_of(file)) as engine, engine.begin() as database:
        row = one_order(database, number, connection, beginning=True)
        if (fault := next(verify(database, row.connection), None)) is not None:
            raise click.ClickException(f"The journal does not hold, so it proves nothing: {_fault(fault)}.")
        try:
            made, several = prove(database, row.connection, row.order), len(known_connections(database)) > 1
        except NoProofError as error:
            raise click.ClickException(str(error)) from error
    out.mkdir(parents=True, exist_ok=True)
    # Another connection's order may have this number, and its proof a place in the same folder.
    about = f"{row.connection}-{row.order}" if several else row.order
    name = out / f"proof-{_NOT_IN_NAMES.sub('_', about)}"
    Path(f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(made)))
    Path(f"{name}.html").write_text(page(made, _told(made.chain), f"{name.name}.json"), encoding="utf-8")
    script = files("countermand.proof").joinpath("verify_proof.py").read_text(encoding="utf-8")
    (out / "verify_proof.py").write_text(script, encoding="utf-8")
    click.echo(f"Wrote {name}.json, {name}.html and {out / 'verify_proof.py'}.")
