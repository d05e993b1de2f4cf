"""Statements made ready once say what the ordinary way would say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from countermand.ledger import prepared as prepared_module
from countermand.ledger.engine import open_engine
from countermand.ledger.prepared import Prepared
from countermand.ledger.schema import inbox, metadata, watermark

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_ADD = Prepared(insert(watermark), "connection", "name", "reached")
_NAMED = Prepared(
    select(watermark.c.name, watermark.c.reached)
    .where(
        watermark.c.name.in_(bindparam("names", expanding=True)), watermark.c.connection == bindparam("of")
    )
    .order_by(watermark.c.name)
    .limit(bindparam("most"))
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def _fill(database: Connection, *names: str) -> None:
    _ADD.run_many(database, [{"connection": "shop", "name": name, "reached": NOON} for name in names])


def test_values_go_in_and_come_out_as_they_are_meant(engine: Engine) -> None:
    with engine.begin() as database:
        _fill(database, "a", "b")
        assert database.execute(select(watermark.c.reached)).scalars().all() == [NOON, NOON]
        wanted = {"of": "shop", "names": ["a"], "most": 9}
        assert [tuple(row) for row in _NAMED.all(database, wanted)] == [("a", NOON)]


@pytest.mark.parametrize("names", [[], ["b"], ["a", "b", "c"], ["c", "b", "a", "nobody", "a"]])
def test_lists_of_any_length_find_what_the_ordinary_way_finds(engine: Engine, names: list[str]) -> None:
    with engine.begin() as database:
        _fill(database, "a", "b", "c")
        ordinary = select(watermark.c.name).where(watermark.c.name.in_(names)).order_by(watermark.c.name)
        expected = database.scalars(ordinary).all()
    found = _NAMED.read(engine, {"of": "shop", "names": names, "most": 9})
    assert [row[0] for row in found] == expected


def test_a_statement_says_anew_what_it_was_asked_last(engine: Engine) -> None:
    """What it was first asked must not stick to it."""
    with engine.begin() as database:
        _fill(database, "a", "b")
    assert len(_NAMED.read(engine, {"of": "nobody", "names": ["a", "b"], "most": 1})) == 0
    assert len(_NAMED.read(engine, {"of": "shop", "names": ["b", "a"], "most": 9})) == 2
    assert len(_NAMED.read(engine, {"of": "shop", "names": ["b", "a"], "most": 1})) == 1


def test_a_value_that_is_left_out_is_an_error(engine: Engine) -> None:
    with pytest.raises(KeyError, match="most"):
        _NAMED.read(engine, {"of": "shop", "names": ["a"]})


def test_it_tells_how_many_rows_it_changed(engine: Engine) -> None:
    move = Prepared(
        update(watermark).where(watermark.c.name == bindparam("called")).values(reached=bindparam("to"))
    )
    with engine.begin() as database:
        _fill(database, "a")
        assert move.run(database, {"called": "a", "to": NOON}) == 1
        assert move.run(database, {"called": "b", "to": NOON}) == 0


def test_what_stands_in_the_statement_itself_stays_in_it(engine: Engine) -> None:
    counting = Prepared(select(inbox.c.id).where(inbox.c.state == "new", inbox.c.side == bindparam("side")))
    row = {"connection": "shop", "received_at": NOON, "content_type": "", "body": b"", "state": "new"}
    with engine.begin() as database:
        database.execute(insert(inbox), [{**row, "side": "mis"}, {**row, "side": "mis", "state": "done"}])
    assert len(counting.read(engine, {"side": "mis"})) == 1


def test_many_forms_are_not_kept_for_ever(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared_module, "_MOST_FORMS", 3)
    for length in range(1, 9):
        _NAMED.read(engine, {"of": "shop", "names": ["a"] * length, "most": 1})
    assert len(_NAMED._forms) <= 3


def test_a_row_that_is_refused_is_told_as_everywhere(engine: Engine) -> None:
    with engine.begin() as database, pytest.raises(IntegrityError):
        _fill(database, "a", "a")


def test_a_locked_database_is_told_as_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    engine = open_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    with engine.execution_options(writing=True).begin():
        other = open_engine(f"sqlite:///{path}")
        with other.connect() as database:
            database.exec_driver_sql("PRAGMA busy_timeout = 0")
            with pytest.raises(OperationalError, match="locked"):
                _fill(database, "a")
    for each in (engine, other):
        each.dispose()


def test_a_file_that_cannot_be_opened_is_told_as_everywhere(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(OperationalError, match="unable to open"):
        _NAMED.read(engine, {"of": "shop", "names": [], "most": 1})
