"""The journal cannot lie: every changed byte is found, a proof stands alone, erasing keeps the chain."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.ledger.anchors import check_anchors, make_anchor
from countermand.ledger.backup import back_up, check, restore
from countermand.ledger.engine import LedgerError, open_engine
from countermand.ledger.journal import append, erase, verify
from countermand.ledger.proof import NoProofError, prove
from countermand.ledger.upgrade import upgrade
from countermand.proof import verify_proof
from countermand.proof.page import page

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CHAIN = "acme-print"


def entry(order: str, why: str = "both-cancelled", actor: str = "countermand") -> Entry:
    return Entry(
        at=NOW, event=Event.LINE_IN_STEP, subject=f"order/{order}/line/s1", why=why, actor=actor,
        extra={"mis": "cancelled/none"},
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.execution_options(writing=True).begin() as database:
        for number in range(6):
            append(database, CHAIN, [entry(f"1000{number % 3}", why=f"reason {number}")])
    yield engine
    engine.dispose()


def faults(engine: Engine) -> list[str]:
    with engine.begin() as database:
        return [fault.what for fault in verify(database, CHAIN)]


def test_an_untouched_chain_holds(engine: Engine) -> None:
    assert faults(engine) == []


def columns_of(path: Path) -> list[tuple[int, str, Any]]:
    """The columns of two entries in the middle: what stands before and behind them is whole."""
    names = ("chain", "at", "event", "actor", "subject", "body", "content", "prev", "hash")
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute(
            f"SELECT seq, {', '.join(names)} FROM journal WHERE seq IN (3, 4) ORDER BY seq"
        ).fetchall()
    return [(row[0], name, value) for row in rows for name, value in zip(names, row[1:], strict=True)]


def test_any_single_changed_byte_of_any_stored_row_is_found(engine: Engine, path: Path) -> None:
    tried = 0
    for seq, name, value in columns_of(path):
        text = str(value)
        for place in range(len(text)):
            flipped = chr(ord(text[place]) ^ 1)
            changed = text[:place] + flipped + text[place + 1 :]
            with closing(sqlite3.connect(path)) as raw, raw:
                raw.execute(f"UPDATE journal SET {name} = ? WHERE seq = ?", (changed, seq))
            try:
                found = faults(engine)
            except (ValueError, LookupError):
                found = ["cannot be read"]
            assert found, f"entry {seq}, {name}, byte {place}: {text[place]!r} -> {flipped!r}"
            with closing(sqlite3.connect(path)) as raw, raw:
                raw.execute(
                    f"UPDATE journal SET {name} = ? WHERE {name} = ? AND seq = ?", (value, changed, seq)
                )
            tried += 1
    assert faults(engine) == []
    assert tried > 600


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 6",
        "DELETE FROM journal WHERE seq = 1",
        "UPDATE journal SET seq = CASE seq WHEN 2 THEN 103 WHEN 3 THEN 102 ELSE seq END",
        "UPDATE journal_head SET seq = 5",
    ],
)
def test_a_missing_or_moved_entry_is_found(engine: Engine, path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(sql)
    assert faults(engine)


def test_erasing_keeps_the_chain_and_leaves_no_words(engine: Engine, path: Path) -> None:
    with engine.execution_options(writing=True).begin() as database:
        assert erase(database, CHAIN, ["order/10001"]) == 2
    assert any("nobody said" in fault for fault in faults(engine)), "erased without a word"
    with engine.execution_options(writing=True).begin() as database:
        said = Entry(at=NOW, event=Event.DATA_ERASED, subject="order/10001", actor="Priya Shah")
        append(database, CHAIN, [said])
    assert faults(engine) == []
    with closing(sqlite3.connect(path)) as raw:
        bodies = [row[0] for row in raw.execute("SELECT body FROM journal WHERE subject LIKE 'order/10001%'")]
    assert all("reason" not in body for body in bodies)


def test_erasing_one_order_leaves_one_whose_number_begins_alike(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as database:
        assert erase(database, CHAIN, ["order/1000"]) == 0


# Proofs


def proof_of(engine: Engine, order: str) -> dict[str, Any]:
    with engine.begin() as database:
        value: dict[str, Any] = json.loads(msgspec.json.encode(prove(database, CHAIN, order)))
    return value


def test_a_proof_holds_and_tells_nothing_of_other_orders(engine: Engine) -> None:
    proof = proof_of(engine, "10001")
    assert verify_proof.problems(proof) == []
    assert "10002" not in json.dumps(proof)
    assert [link["body"] for link in proof["links"] if isinstance(link, dict)]


def test_every_change_of_a_proof_is_found(engine: Engine) -> None:
    for field, value in (("body", "{}"), ("actor", "somebody"), ("micros", 1), ("event", "write.sent")):
        proof = proof_of(engine, "10001")
        proof["links"][0][field] = value
        assert verify_proof.problems(proof), field
    for change in ("before", "head_hash"):
        assert verify_proof.problems(proof_of(engine, "10001") | {change: "0" * 63 + "1"}), change
    shorter = proof_of(engine, "10001")
    del shorter["links"][1]
    assert verify_proof.problems(shorter)


def test_the_script_needs_nothing_but_python(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof_of(engine, "10002")), encoding="utf-8")
    command = [sys.executable, "-I", "-S", verify_proof.__file__, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "2 entries hold" in done.stdout) == (0, True), done.stdout + done.stderr
    file.write_text(file.read_text(encoding="utf-8").replace("reason", "excuse"), encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_the_page_says_who_and_what_and_escapes_it(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as database:
        append(database, CHAIN, [entry("10001", why="<script>alert(1)</script>", actor="Priya Shah")])
        text = page(prove(database, CHAIN, "10001"), lambda _: ("Both <agree>", "<b>really</b>"), "it's.json")
    assert "Priya Shah" in text
    assert "<script>" not in text
    assert "Both &lt;agree&gt;" in text
    assert "&lt;b&gt;really&lt;/b&gt;" in text
    assert "python verify_proof.py it&#39;s.json" in text
    assert "23 Nov 2026, 09:30:00" in text
    assert "Order 10001, line s1, entry 2" in text


def test_an_order_nobody_wrote_about_has_no_proof(engine: Engine) -> None:
    with engine.begin() as database, pytest.raises(NoProofError, match="no entry about order 99999"):
        prove(database, CHAIN, "99999")


# Anchors


def test_an_anchor_finds_a_chain_that_was_rebuilt(engine: Engine, path: Path) -> None:
    with engine.begin() as database:
        anchor = make_anchor(database, b"the shop's key", NOW)
        assert list(check_anchors(database, [anchor], b"the shop's key")) == []
        assert "not signed" in next(check_anchors(database, [anchor], b"another key")).what
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DELETE FROM journal")
        raw.execute("DELETE FROM journal_head")
    with engine.execution_options(writing=True).begin() as database:
        append(database, CHAIN, [entry("10001", why="a nicer story")] * 6)
    assert faults(engine) == []
    with engine.begin() as database:
        assert list(check_anchors(database, [anchor], b"the shop's key"))


# Backups


def test_a_backup_while_in_use_holds_and_restores(engine: Engine, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "backups" / "one.db"
    with engine.begin() as reading:
        reading.exec_driver_sql("SELECT 1 FROM journal")
        back_up(path, target)
    check(target)
    engine.dispose()
    previous = restore(target, path)
    assert previous is not None
    assert previous.exists()
    check(path)


def test_a_backup_never_overwrites(engine: Engine, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.db"
    target.write_bytes(b"precious")
    with pytest.raises(LedgerError, match="never overwrites"):
        back_up(path, target)
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_what_is_no_ledger_is_not_restored(path: Path, tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(content)
    with pytest.raises(LedgerError, match=r"broken\.db"):
        restore(broken, path)
    assert not path.exists()


def test_a_backup_with_a_changed_journal_is_refused(engine: Engine, path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE journal SET body = '{}' WHERE seq = 2")
    with pytest.raises(LedgerError, match="does not hold"):
        back_up(path, tmp_path / "one.db")
    assert list(tmp_path.glob("one.db*")) == []
