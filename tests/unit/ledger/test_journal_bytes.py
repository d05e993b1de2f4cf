"""One changed byte anywhere in a stored journal is found, in the file itself and not only by statements."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import StaticPool, create_engine

from countermand.bridge.store import Entry
from countermand.cli import main
from countermand.core.events import Event
from countermand.ledger import schema
from countermand.ledger.anchors import make_anchor
from countermand.ledger.engine import open_engine
from countermand.ledger.inspection import FILE, inspect
from countermand.ledger.journal import Fault, append
from countermand.ledger.upgrade import upgrade

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PAGE = 4096
KEY = b"the shop's own key"
SET_UP = """\
[infigo.shop]
base_url = "https://shop.example.com"
token = { env = "SECRET" }
[printiq.plant]
base_url = "https://plant.example.com"
username = "countermand"
password = { env = "SECRET" }
application_name = "Countermand"
application_key = { env = "SECRET" }
[connections.main]
storefront = "shop"
mis = "plant"
"""


def entries(count: int) -> list[Entry]:
    return [
        Entry(
            at=NOW + timedelta(seconds=number),
            event=Event.LINE_DECIDED,
            subject=f"order/{10001 + number}",
            why="wéird \U0001f375",
            actor="Priya",
            extra={"mis": "open"},
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a small ledger: two chains, nothing beside the journal."""
    path = tmp_path_factory.mktemp("journal") / "ledger.db"
    engine = open_engine(f"sqlite:///{path}")
    schema.metadata.create_all(engine, [schema.journal, schema.journal_head])
    with engine.execution_options(writing=True).begin() as database:
        append(database, "shop", entries(3))
        append(database, "b", entries(1))
    engine.dispose()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode=DELETE")
    return path.read_bytes()


def faults(image: bytes) -> list[Fault]:
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.deserialize(image)
        engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
        return inspect(engine)


# Where SQLite keeps rows (sqlite.org/fileformat2.html, section 1.6)


def _varint(image: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, at + 9):
        value = value << 7 | image[place] & 127
        if image[place] < 128:
            return value, place + 1
    raise AssertionError("no varint")


def _cells(image: bytes, page: int) -> Iterator[tuple[int, int]]:
    """Where each row of a table begins and ends in the file; the table has to be small."""
    start = (page - 1) * PAGE
    kind, count = image[start], int.from_bytes(image[start + 3 : start + 5], "big")
    first = start + (12 if kind == 5 else 8)
    pointers = [first + 2 * number for number in range(count)]
    places = [start + int.from_bytes(image[at : at + 2], "big") for at in pointers]
    if kind == 5:
        children = [int.from_bytes(image[at : at + 4], "big") for at in places]
        for child in [*children, int.from_bytes(image[start + 8 : start + 12], "big")]:
            yield from _cells(image, child)
        return
    assert kind == 13, "neither a leaf nor an inner page of a table"
    for at in places:
        length, payload = _varint(image, at)
        _, payload = _varint(image, payload)
        assert length < PAGE - 35, "this row goes on elsewhere"
        yield at, payload + length


def rows(image: bytes, table: str) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.deserialize(image)
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return list(_cells(image, page))


def changed(image: bytes, place: int, mask: int) -> bytes:
    return image[:place] + bytes([image[place] ^ mask]) + image[place + 1 :]


def test_the_file_as_it_was_written_holds(image: bytes) -> None:
    assert faults(image) == []
    assert len(rows(image, "journal")) == 4
    assert len(rows(image, "journal_head")) == 2


@pytest.mark.parametrize("table", ["journal", "journal_head"])
def test_every_single_byte_of_every_stored_row_is_guarded(image: bytes, table: str) -> None:
    """All of a row's bytes: its values, and what SQLite notes about their lengths and kinds before them."""
    unseen, tried = [], 0
    for begins, ends in rows(image, table):
        for place in range(begins, ends):
            mask = 1 << place % 8
            tried += 1
            if not faults(changed(image, place, mask)):
                unseen.append((place - begins, mask))
    assert unseen == []
    assert tried > (1000 if table == "journal" else 100)


def test_a_change_of_words_says_which_entry_it_is_in(image: bytes) -> None:
    place = image.index(b'"mis":"open"', image.index(b"order/10003"))
    found = faults(changed(image, place + 8, 1))
    assert {(fault.chain, fault.seq) for fault in found} <= {("shop", 3)}
    assert "who or what it says was changed" in [fault.what for fault in found]


def test_a_value_that_became_bytes_of_the_same_spelling_is_found(image: bytes) -> None:
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.deserialize(image)
        raw.execute("UPDATE journal SET body = CAST(body AS BLOB) WHERE chain = 'shop' AND seq = 2")
        raw.commit()
        found = faults(raw.serialize())
    assert [(fault.seq, fault.what) for fault in found] == [
        (2, "a value is stored as another kind than it was")
    ]


def test_a_copy_in_an_index_that_was_changed_is_found(image: bytes) -> None:
    """Reading goes by an index, so the row itself could say anything."""
    begins, ends = rows(image, "journal")[0]
    place = image.index(b"shop", begins, ends)
    found = faults(changed(image, place, 1))
    assert [fault.chain for fault in found] == [FILE] * len(found)
    assert "missing from index" in found[0].what


# As a person has it


def ledger(folder: Path) -> Path:
    """A folder with a set-up file, a ledger and an anchor; the anchors file."""
    path, anchors = folder / "countermand.db", folder / "anchors.jsonl"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.execution_options(writing=True).begin() as database:
        append(database, "shop", entries(3))
        anchor = make_anchor(database, KEY, NOW)
    engine.dispose()
    anchors.write_bytes(msgspec.json.encode(anchor) + b"\n")
    (folder / "anchor.key").write_bytes(KEY)
    (folder / "countermand.toml").write_text(SET_UP, encoding="utf-8")
    return anchors


def verify(folder: Path) -> tuple[int, str]:
    arguments = ["journal", "verify", "--config", str(folder / "countermand.toml")]
    kept = ["--anchors", str(folder / "anchors.jsonl"), "--key-file", str(folder / "anchor.key")]
    done = CliRunner().invoke(main, [*arguments, *kept], env={"SECRET": "something-secret"})
    return done.exit_code, done.output


def test_every_single_byte_of_an_anchor_is_guarded(tmp_path: Path) -> None:
    anchors = ledger(tmp_path)
    code, said = verify(tmp_path)
    assert (code, said.splitlines()) == (
        0,
        [
            "shop: 3 entries, every one as it was written",
            f"1 anchor in {anchors}, up to {NOW.isoformat()}: as it was then",
        ],
    )
    line = anchors.read_bytes()
    for place in range(len(line) - 1):
        anchors.write_bytes(changed(line, place, 1 << place % 8))
        code, said = verify(tmp_path)
        assert code == 1, f"byte {place} of {line!r}"
        assert "is not signed with this key" in said or "anchors.jsonl, line 1, is no anchor" in said


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    ledger(tmp_path)
    path = tmp_path / "countermand.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode=DELETE")
    image = path.read_bytes()
    path.write_bytes(image[: 2 * PAGE] + os.urandom(len(image) - 2 * PAGE))
    code, said = verify(tmp_path)
    assert code == 1
    assert said.startswith("the file ")
    assert "Traceback" not in said
