"""What is wrong with a disk or a database, in a sentence; and nothing is said of errors that are ours."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from countermand.ledger.engine import DurabilityError, open_engine
from countermand.ledger.trouble import trouble
from countermand.ledger.writer import GroupWriter


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = open_engine(f"sqlite:///{tmp_path / 'small.db'}")
    with made.execution_options(writing=True).begin() as database:
        database.execute(text("CREATE TABLE word (w TEXT NOT NULL)"))
    return made


def error_of(engine: Engine, *statements: str) -> Exception:
    try:
        with engine.begin() as database:
            for statement in statements:
                database.exec_driver_sql(statement)
    except DBAPIError as error:
        return error
    raise AssertionError("it went well")


def test_a_full_file(engine: Engine) -> None:
    fill = "INSERT INTO word VALUES (zeroblob(1000000))"
    assert trouble(error_of(engine, "PRAGMA max_page_count=10", fill)).startswith("The disk is full")


def test_a_read_only_file(engine: Engine) -> None:
    error = error_of(engine, "PRAGMA query_only=ON", "INSERT INTO word VALUES ('x')")
    assert "is read-only: nothing can be stored" in trouble(error)


def test_no_database_at_all(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises((DBAPIError, sqlite3.Error)) as caught, open_engine(f"sqlite:///{path}").begin():
        pass
    assert trouble(caught.value).startswith("The database file is no database: put a backup back")


def test_an_error_of_ours_is_no_trouble_of_the_disk(engine: Engine) -> None:
    assert trouble(error_of(engine, "INSERT INTO word VALUES (NULL)")) == ""
    assert trouble(error_of(engine, "SELECT nothing FROM nowhere")) == ""
    assert trouble(ValueError("x")) == ""


def test_what_a_ledger_says_itself_stays(engine: Engine) -> None:
    assert trouble(DurabilityError("It runs with synchronous=OFF.")) == "It runs with synchronous=OFF."


def test_a_database_server_that_went_away() -> None:
    gone = OperationalError(
        "SELECT 1", None, Exception("server closed the connection"), connection_invalidated=True
    )
    assert trouble(gone).startswith("The database does not answer")


def test_the_reason_behind_an_error_that_hides_it_is_found() -> None:
    hiding = ValueError("no such savepoint")
    hiding.__context__ = sqlite3_full()
    assert trouble(hiding).startswith("The disk is full")


def test_the_writer_says_it_until_something_is_stored_again(engine: Engine) -> None:
    def fill(_database: object) -> None:
        raise sqlite3_full()

    writer = GroupWriter(engine)
    assert writer.trouble == ""
    with pytest.raises(sqlite3.OperationalError):
        writer.write(fill)
    assert writer.trouble.startswith("The disk is full")
    writer.write(lambda database: database.execute(text("INSERT INTO word VALUES ('x')")))
    assert writer.trouble == ""
    with pytest.raises(DBAPIError):
        writer.write(lambda database: database.execute(text("nonsense")))
    assert writer.trouble == "", "an error of ours is no trouble of the disk"
    writer.close()
    engine.dispose()


def sqlite3_full() -> sqlite3.OperationalError:
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.execute("PRAGMA max_page_count=2")
        try:
            raw.execute("CREATE TABLE x AS SELECT zeroblob(100000)")
        except sqlite3.OperationalError as error:
            return error
    raise AssertionError("it was not full")
