"""Migrations make exactly the schema in the code, and keep what was in the database."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from ledger_bench import DATABASES, NOW, SHOP, Ledger, case, change, database, entry
from sqlalchemy import Engine, event, insert, inspect, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from countermand.ledger import schema
from countermand.ledger.engine import (
    DurabilityError,
    LedgerError,
    assert_durable,
    durability,
    open_engine,
)
from countermand.ledger.journal import verify
from countermand.ledger.upgrade import _config, assert_current, upgrade


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with database(request.param, tmp_path) as made:
        yield made


def test_the_migrations_make_the_schema_of_the_code(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_every_table_and_index_is_there(engine: Engine) -> None:
    upgrade(engine)
    found = inspect(engine)
    for table in schema.metadata.tables.values():
        assert found.has_table(table.name)
        names = {index["name"] for index in found.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= names
        key = found.get_pk_constraint(table.name)["constrained_columns"]
        assert key == [column.name for column in table.primary_key.columns], table.name


def test_a_filled_database_survives_every_upgrade(engine: Engine) -> None:
    """Up to each revision in turn, filled at the newest, and upgraded once more."""
    with engine.execution_options(writing=True).begin() as connection:
        config = _config(connection)
        revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
        for revision in reversed(revisions):
            command.upgrade(config, revision)
    ledger = Ledger(engine)
    asyncio.run(ledger.save(change(case(), journal=(entry(),))))
    before = asyncio.run(ledger.stored())
    assert upgrade(engine) == revisions[0]
    assert asyncio.run(ledger.stored()) == before
    with engine.begin() as connection:
        assert list(verify(connection, SHOP)) == []


def test_what_was_written_before_keeps_its_row_when_its_key_grows(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as connection:
        command.upgrade(_config(connection), "0001_pre_first_tables")
        connection.execute(insert(schema.connection), {"name": SHOP, "live_since": NOW, "created_at": NOW})
        order = {
            "id": 7, "connection": SHOP, "order_ref": "10001", "version": 1, "state": "in_step",
            "first_seen_at": NOW, "changed_at": NOW, "case_file": case(),
        }  # fmt: skip
        connection.execute(insert(schema.orders), order)
        row = {
            "id": "10001-c1", "order_id": 7, "connection": SHOP, "direction": "cancel_to_mis",
            "state": "accepted", "requested_at": NOW, "changed_at": NOW, "released_by": "Tom Baker",
        }  # fmt: skip
        connection.execute(insert(schema.cancellation), row)
    upgrade(engine)
    with engine.begin() as connection:
        (kept,) = connection.execute(select(schema.cancellation)).mappings()
    assert dict(kept) == row


def test_a_database_of_another_version_is_refused_with_what_to_run(engine: Engine) -> None:
    with pytest.raises(LedgerError, match="countermand db upgrade"):
        assert_current(engine)
    upgrade(engine)
    assert_current(engine)


# Durability (SQLite)


def test_a_file_is_durable_by_default(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new' / 'ledger.db'}")
    found = assert_durable(engine)
    assert (found.journal_mode, found.synchronous, found.survives_power_failure) == ("wal", "FULL", True)
    engine.dispose()


@pytest.mark.parametrize("pragma", ["synchronous=NORMAL", "synchronous=OFF", "journal_mode=DELETE"])
def test_weaker_settings_are_refused_and_named(tmp_path: Path, pragma: str) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")

    @event.listens_for(engine, "connect")
    def weaken(dbapi: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        with closing(dbapi.cursor()) as cursor:
            cursor.execute(f"PRAGMA {pragma}")

    with pytest.raises(DurabilityError, match=pragma.split("=")[1].lower() + "|" + pragma.split("=")[1]):
        assert_durable(engine)
    assert not durability(engine).survives_power_failure
    engine.dispose()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LedgerError, match="cannot be made"):
        open_engine(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}")


# Two processes on one database

_RACER = """
import asyncio, sys
sys.path[:0] = sys.argv[2:]
from ledger_bench import SHOP, change
from msgspec.structs import replace
from countermand.ledger.engine import open_engine
from countermand.ledger.store import DatabaseStore
from countermand.ledger.writer import GroupWriter

async def race(engine, writer):
    store, won = DatabaseStore(engine, writer), 0
    for _ in range(40):
        stored = (await store.load(SHOP, ["10001"]))["10001"]
        wanted = change(stored, case=replace(stored.case, serial=stored.case.serial + 1))
        won += bool(await store.save(SHOP, [wanted], stored.case.first_seen_at, {}))
    return won

engine = open_engine(sys.argv[1])
writer = GroupWriter(engine)
print(asyncio.run(race(engine, writer)))
writer.close()
engine.dispose()
"""


def test_two_processes_on_one_order_never_both_win(engine: Engine) -> None:
    ledger = Ledger(engine)
    asyncio.run(ledger.save(change(case())))
    here = Path(__file__).parent
    url = engine.url.render_as_string(hide_password=False)
    arguments = [sys.executable, "-c", _RACER, url, str(here), str(here.parents[1])]
    racers = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [racer.communicate(timeout=60) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], said
    wins = sum(int(out) for out, _ in said)
    stored = asyncio.run(ledger.stored())
    assert wins > 0
    assert (stored.version, stored.case.serial) == (1 + wins, wins), "a change was lost or made twice"


def test_a_killed_writer_leaves_all_or_nothing(tmp_path: Path) -> None:
    """A process that dies in the middle of a transaction leaves the version before it."""
    path = tmp_path / "ledger.db"
    engine = open_engine(f"sqlite:///{path}")
    asyncio.run(Ledger(engine).save(change(case())))
    engine.dispose()
    dying = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); c.execute('UPDATE orders SET version = 99'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", dying, str(path)], timeout=30).returncode == 9
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT version FROM orders").fetchone() == (1,)
