"""The journal's chain: any change of any stored byte is found and said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.ledger import schema
from countermand.ledger.engine import open_engine
from countermand.ledger.journal import Fault, append, chains, digest, verify

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TEXTS = [column.name for column in schema.journal.c if column.name not in ("chain", "seq", "at")]


def entries(count: int) -> list[Entry]:
    return [
        Entry(
            at=NOW + timedelta(seconds=number),
            event=Event.LINE_DECIDED,
            subject=f"order/{10001 + number}",
            why="cancelled, wéird \U0001f375",
            actor="Priya Shah",
            extra={"lines": "s1, s2"},
        )
        for number in range(count)
    ]


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = open_engine("sqlite://")
    schema.metadata.create_all(made)
    with made.begin() as connection:
        append(connection, "shop", entries(3))
        append(connection, "shop", entries(2))
        append(connection, "other", entries(1))
    yield made
    made.dispose()


def faults(connection: Connection, chain: str = "shop") -> list[Fault]:
    return list(verify(connection, chain))


def test_an_honest_journal_holds_and_each_shop_has_its_own_chain(engine: Engine) -> None:
    with engine.begin() as connection:
        assert chains(connection) == ["other", "shop"]
        assert faults(connection) == faults(connection, "other") == []


def test_nothing_to_append_writes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        append(connection, "third", [])
        assert "third" not in chains(connection)


@pytest.mark.parametrize("column", TEXTS)
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_every_byte_of_every_text_is_guarded(engine: Engine, column: str, seq: int) -> None:
    where = f"FROM journal WHERE chain = 'shop' AND seq = {seq}"
    with engine.begin() as connection:
        stored = connection.execute(text(f"SELECT CAST({column} AS BLOB) {where}")).scalar_one()
    for place, bit in ((place, bit) for place in range(len(stored)) for bit in (1, 128)):
        changed = stored[:place] + bytes([stored[place] ^ bit]) + stored[place + 1 :]
        with engine.connect() as connection, connection.begin() as doomed:
            tamper = f"UPDATE journal SET {column} = CAST(:new AS TEXT) WHERE chain = 'shop' AND seq = :seq"
            connection.execute(text(tamper), {"new": changed, "seq": seq})
            found = faults(connection)
            doomed.rollback()
        assert found, f"byte {place} of {column} in entry {seq}: {stored[place]:#x} -> {changed[place]:#x}"
        assert {fault.seq for fault in found} <= {seq, seq + 1}


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE journal SET at = at + 1 WHERE chain = 'shop' AND seq = 2",
        "UPDATE journal SET at = 'about ' || at WHERE chain = 'shop' AND seq = 2",
        "UPDATE journal SET seq = 9 WHERE chain = 'shop' AND seq = 2",
        "UPDATE journal SET seq = 6 WHERE chain = 'shop' AND seq = 5",
        "UPDATE journal SET chain = 'elsewhere' WHERE chain = 'shop' AND seq = 2",
        "DELETE FROM journal WHERE chain = 'shop' AND seq = 1",
        "DELETE FROM journal WHERE chain = 'shop' AND seq = 3",
        "DELETE FROM journal WHERE chain = 'shop' AND seq = 5",
        "DELETE FROM journal WHERE chain = 'shop'",
        "DELETE FROM journal_head WHERE chain = 'shop'",
        "UPDATE journal_head SET seq = 4 WHERE chain = 'shop'",
        "UPDATE journal_head SET hash = 'f' WHERE chain = 'shop'",
        "UPDATE journal SET body = NULL WHERE chain = 'shop' AND seq = 2",
        "UPDATE journal SET body = x'ff00' WHERE chain = 'shop' AND seq = 2",
    ],
)
def test_what_is_changed_removed_or_moved_is_found(engine: Engine, tampering: str) -> None:
    with engine.connect() as connection:
        connection.execute(text("PRAGMA ignore_check_constraints=ON"))
        try:
            connection.execute(text(tampering))
        except Exception as error:  # noqa: BLE001 - the database itself refused
            assert "NOT NULL" in str(error)  # noqa: PT017
            return
        assert faults(connection)


def test_two_entries_that_changed_places_are_found(engine: Engine) -> None:
    with engine.begin() as connection:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute(text(f"UPDATE journal SET seq = {new} WHERE chain = 'shop' AND seq = {old}"))
        assert faults(connection)


def test_an_entry_put_in_between_is_found(engine: Engine) -> None:
    names = ", ".join(TEXTS)
    forged = names.replace("actor", "'nobody'")
    copy = f"SELECT chain, 5, at, {forged} FROM journal WHERE chain = 'shop' AND seq = 4"
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM journal WHERE chain = 'shop' AND seq = 5"))
        connection.execute(text(f"INSERT INTO journal (chain, seq, at, {names}) {copy}"))
        assert faults(connection)


def test_a_chain_whose_end_was_taken_away_is_still_looked_at(engine: Engine) -> None:
    """Otherwise removing one row of another table would hide everything that was done to the chain."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM journal_head WHERE chain = 'shop'"))
        assert "shop" in chains(connection)


Fields = st.lists(st.text(max_size=6), max_size=5)


@given(Fields, Fields)
def test_two_different_entries_never_give_the_same_bytes(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_text_moved_from_one_field_to_the_next_is_another_entry() -> None:
    assert digest("order/1", "0001") != digest("order/10", "001")
