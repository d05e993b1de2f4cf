"""`journal verify` where there is no entry yet, and where every entry of a connection was taken away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete

from countermand.cli import main
from countermand.config.sample import sample
from countermand.ledger import schema
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture(autouse=True)
def empty_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faulthandler.enable", lambda *_, **__: None)
    (tmp_path / "countermand.toml").write_text(sample())
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0


def verify() -> Result:
    return CliRunner().invoke(main, ["journal", "verify"])


def start(*names: str) -> None:
    engine = open_engine("sqlite:///countermand.db")
    with engine.execution_options(writing=True).begin() as database:
        for name in names:
            remember_connection(database, name, None, NOW)
    engine.dispose()


def empty_chain(name: str) -> None:
    engine = open_engine("sqlite:///countermand.db")
    with engine.execution_options(writing=True).begin() as database:
        for table in (schema.journal, schema.journal_head):
            database.execute(delete(table).where(table.c.chain == name))
    engine.dispose()


def test_an_empty_journal_says_that_it_is_empty_and_therefore_holds() -> None:
    result = verify()
    assert result.exit_code == 0
    assert result.stdout == (
        "The journal is empty, because no connection has been started yet. So it holds.\n"
    )


def test_a_started_connection_has_its_first_entry() -> None:
    start("harbour-print")
    result = verify()
    assert result.exit_code == 0
    assert result.stdout == "harbour-print: 1 entry, as it was written\n"


@pytest.mark.parametrize("others", [(), ("riverside",)])
def test_a_journal_that_was_emptied_does_not_hold(others: tuple[str, ...]) -> None:
    start("harbour-print", *others)
    empty_chain("harbour-print")
    result = verify()
    assert result.exit_code == 1
    assert result.stdout == (
        "harbour-print 1: entry missing: the connection was started, and its chain is empty\n"
    )
