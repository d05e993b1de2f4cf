"""What was erased is gone from the bytes of the files, not only from the rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, update

from countermand.bridge.case import Case
from countermand.bridge.store import Entry
from countermand.cli import main
from countermand.config.sample import sample
from countermand.core.events import Event
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.inspection import inspect
from countermand.ledger.journal import append
from countermand.ledger.schema import orders, sighting
from countermand.ledger.upgrade import upgrade
from countermand.ledger.wiping import wipe_freed

LONG_AGO = datetime(2025, 1, 5, 9, 30, tzinfo=UTC)
SHOP, CUSTOMER = "harbour-print", "Harbour Coffee Roasters"


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One order that was rewritten often, as orders are, with a long raw answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faulthandler.enable", lambda *_, **__: None)
    (tmp_path / "countermand.toml").write_text(sample())
    path = tmp_path / "countermand.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    case = Case(
        order_id="10001", first_seen_at=LONG_AGO, storefront_read_at=LONG_AGO, mis_read_at=LONG_AGO,
        customer=CUSTOMER,
    )  # fmt: skip
    with engine.execution_options(writing=True).begin() as database:
        remember_connection(database, SHOP, LONG_AGO, LONG_AGO)
        row = {
            "connection": SHOP, "order_ref": "10001", "version": 1, "state": "in_step", "case_file": case,
            "customer": CUSTOMER, "first_seen_at": LONG_AGO, "changed_at": LONG_AGO,
        }  # fmt: skip
        order_id = database.scalar(insert(orders).values(row).returning(orders.c.id))
        seen = {
            "order_id": order_id, "side": "storefront", "ref": "10001", "before": "", "after": "open",
            "began_at": LONG_AGO, "raw": f"answer about {CUSTOMER} " * 2000,
        }  # fmt: skip
        database.execute(insert(sighting).values(seen))
        about = Entry(at=LONG_AGO, event=Event.ORDER_SEEN, subject="order/10001", why=f"for {CUSTOMER}")
        append(database, SHOP, [about])
    for length in (30_000, 10):
        with engine.execution_options(writing=True).begin() as database:
            database.execute(update(orders).values(customer=CUSTOMER + " " * length))
    engine.dispose()
    return path


def mentions(path: Path, text: str = CUSTOMER) -> int:
    files = [path, path.with_name(f"{path.name}-wal")]
    return sum(file.read_bytes().count(text.encode()) for file in files if file.exists())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_an_erased_order_leaves_nothing_in_the_files(ledger: Path) -> None:
    assert mentions(ledger) > 0
    result = run("erase", "10001", "--by", "Priya Shah")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert mentions(ledger) == 0
    engine = open_engine(f"sqlite:///{ledger}")
    assert inspect(engine) == []
    engine.dispose()


def test_emptied_answers_leave_nothing_in_the_files(ledger: Path) -> None:
    assert mentions(ledger, "answer about") > 0
    result = run("retain", "--days", "90")
    assert result.exit_code == 0, result.output
    assert mentions(ledger, "answer about") == 0
    assert mentions(ledger) > 0, "what retention does not concern stays"


@pytest.mark.parametrize("holding", ["BEGIN", "BEGIN IMMEDIATE"])
def test_what_cannot_be_wiped_now_is_said(
    ledger: Path, holding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermand.ledger.wiping.PATIENCE", timedelta(seconds=0.1))
    engine = open_engine(f"sqlite:///{ledger}")
    with closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute(holding)
        other.execute("SELECT count(*) FROM orders").fetchone()
        assert not wipe_freed(engine)
        other.execute("ROLLBACK")
    assert wipe_freed(engine)
    engine.dispose()
