"""`journal export`, `anchor`, `verify --anchors` and `proof`, as a person or a script runs them."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from countermand.bridge.case import Case
from countermand.bridge.store import Entry
from countermand.cli import main
from countermand.config.sample import sample
from countermand.core.events import Event
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.journal import append
from countermand.ledger.schema import orders
from countermand.proof import verify_proof

NOW = datetime(2026, 11, 26, tzinfo=UTC)
NUMBERS = ("2026.1", "2026.2", "../10003")


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faulthandler.enable", lambda *_, **__: None)
    Path("countermand.toml").write_text(sample(), encoding="utf-8")
    Path("anchor.key").write_bytes(b"a key of the shop")
    assert run("db", "upgrade").exit_code == 0
    engine = open_engine("sqlite:///countermand.db")
    with engine.execution_options(writing=True).begin() as database:
        remember_connection(database, "shop", NOW, NOW)
        for number in NUMBERS:
            case = Case(order_id=number, first_seen_at=NOW, storefront_read_at=NOW, mis_read_at=NOW)
            row = {
                "connection": "shop", "order_ref": number, "version": 1, "state": "in_step",
                "case_file": case, "first_seen_at": NOW, "changed_at": NOW,
            }  # fmt: skip
            database.execute(insert(orders).values(row))
            about = Entry(at=NOW, event=Event.ORDER_SEEN, subject=f"order/{number}", actor="=1+1", why="Zoë")
            append(database, "shop", [about])
    engine.dispose()
    return tmp_path / "countermand.db"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def one_sentence(result: Result, code: int = 1) -> str:
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


# Export


def test_both_formats_hold_every_entry() -> None:
    lines = [json.loads(line) for line in run("journal", "export").stdout.splitlines()]
    result = run("journal", "export", "--format", "csv")
    assert result.exit_code == 0, result.exception
    rows = list(csv.DictReader(io.StringIO(result.stdout.removeprefix("\ufeff"))))
    assert [row["hash"] for row in rows] == [line["hash"] for line in lines]
    assert list(rows[0]) == list(lines[0])
    assert lines[-1]["actor"] == "=1+1"
    assert rows[-1]["actor"] == "'=1+1", "a spreadsheet would run it"


# Anchors


def anchored() -> Path:
    assert run("journal", "anchor", "--key-file", "anchor.key", "--out", "anchors.jsonl").exit_code == 0
    return Path("anchors.jsonl")


def verified(*more: str) -> Result:
    return run("journal", "verify", "--anchors", "anchors.jsonl", "--key-file", "anchor.key", *more)


def test_how_many_anchors_were_compared_is_said() -> None:
    anchored()
    anchored()
    result = verified()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("2 anchors in anchors.jsonl, up to 20")


def test_a_file_without_an_anchor_is_no_comparison() -> None:
    Path("anchors.jsonl").touch()
    assert "anchors.jsonl holds no anchor" in one_sentence(verified())


def test_a_signature_in_other_letters_is_not_ours() -> None:
    path = anchored()
    path.write_text(path.read_text().replace('"signature":"', '"signature":"é'), encoding="utf-8")
    result = verified()
    assert result.exit_code == 1
    assert "is not signed with this key" in result.stdout


def test_nothing_is_signed_with_an_empty_key() -> None:
    Path("anchor.key").write_bytes(b"\n")
    said = one_sentence(run("journal", "anchor", "--key-file", "anchor.key", "--out", "anchors.jsonl"))
    assert "The key file anchor.key is empty" in said
    assert not Path("anchors.jsonl").exists()


# Proofs


def test_each_order_has_files_of_its_own_within_the_folder() -> None:
    for number in NUMBERS:
        result = run("journal", "proof", number, "--out", "proofs")
        assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path("proofs").iterdir()) == [
        "proof-.._10003.html", "proof-.._10003.json", "proof-2026.1.html", "proof-2026.1.json",
        "proof-2026.2.html", "proof-2026.2.json", "verify_proof.py",
    ]  # fmt: skip
    made = json.loads(Path("proofs/proof-2026.1.json").read_bytes())
    assert made["order"] == "2026.1"
    assert verify_proof.problems(made) == []


def test_a_changed_journal_proves_nothing(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as raw, raw:
        raw.execute("UPDATE journal SET body = 'changed' WHERE seq = 2")
    said = one_sentence(run("journal", "proof", "2026.1", "--out", "proofs"))
    assert said.startswith("Error: The journal does not hold, so it proves nothing: shop 2: ")
    assert not Path("proofs").exists()


# Damage


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE journal SET seq = 'abc' WHERE seq = 2", "has 'abc' for its number"),
        ("UPDATE journal SET seq = 2.5 WHERE seq = 2", "has 2.5 for its number"),
        ("UPDATE journal SET at = 'noon' WHERE seq = 2", "stored as another kind than it was"),
        ("UPDATE journal SET chain = CAST(chain AS BLOB) WHERE seq = 2", "b'shop' 0: its name is stored as"),
        ("UPDATE journal SET chain = x'ff00' WHERE seq = 2", "b'\\xff\\x00' 0: its name is stored as"),
        ("UPDATE journal_head SET chain = CAST(chain AS BLOB)", "b'shop' 0: its name is stored as"),
        ("UPDATE journal SET actor = x'ff00' WHERE seq = 2", "stored as another kind than it was"),
        ("UPDATE journal SET body = '{' WHERE seq = 2", "who or what it says was changed"),
    ],
)
def test_whatever_stands_in_a_row_is_named_and_can_be_written_out(
    ledger: Path, change: str, says: str
) -> None:
    with closing(sqlite3.connect(ledger)) as raw, raw:
        raw.execute(change)
    result = run("journal", "verify")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert says in result.stdout
    for kind in ("json", "csv"):
        result = run("journal", "export", "--format", kind)
        assert result.exit_code == 0, result.exception
    result = run("export", "journal")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
