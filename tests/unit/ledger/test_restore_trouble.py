"""Putting a backup back when something is wrong: the ledger that is there is never lost for it."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from countermand.bridge.store import Entry
from countermand.cli import main
from countermand.config.sample import sample
from countermand.core.events import Event
from countermand.ledger.backup import back_up, check, restore
from countermand.ledger.engine import LedgerError, open_engine
from countermand.ledger.journal import append
from countermand.ledger.upgrade import assert_current, upgrade

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "countermand.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    write(path, 3)
    return path


@pytest.fixture
def backup(ledger: Path, tmp_path: Path) -> Path:
    """A copy from before the last two entries."""
    target = tmp_path / "backups" / "one.db"
    back_up(ledger, target)
    write(ledger, 2)
    return target


def write(path: Path, count: int) -> None:
    engine = open_engine(f"sqlite:///{path}")
    about = Entry(at=NOW, event=Event.ORDER_SEEN, subject="order/10001", extra={"x": "y" * 500})
    with engine.execution_options(writing=True).begin() as database:
        append(database, "shop", [about] * count)
    engine.dispose()


def entries(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("SELECT count(*) FROM journal").fetchone()[0])


def beside(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir() if each.is_file() and each != path)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond this, which is how a full disk looks from within."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_ledger_itself_is_no_backup_of_itself(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "linked.db").symlink_to(ledger)
    for name in ("countermand.db", "linked.db"):
        with pytest.raises(LedgerError, match="is the ledger itself"):
            restore(tmp_path / name, ledger)
    assert entries(ledger) == 3


def test_a_disk_that_gets_full_leaves_the_ledger_where_it_was(ledger: Path, backup: Path) -> None:
    with room_for(backup.stat().st_size // 2), pytest.raises(LedgerError, match="cannot be copied"):
        restore(backup, ledger)
    assert entries(ledger) == 5
    assert beside(ledger) == []
    assert restore(backup, ledger) is not None
    assert entries(ledger) == 3


def test_half_a_backup_is_not_kept_and_one_that_was_left_is_in_nobodys_way(
    ledger: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backups" / "one.db"
    with room_for(ledger.stat().st_size // 2), pytest.raises(LedgerError, match="cannot be copied"):
        back_up(ledger, target)
    assert list(target.parent.iterdir()) == []
    target.with_name("one.db.unfinished").write_bytes(b"what a power cut left of an earlier one" * 100)
    back_up(ledger, target)
    assert beside(target) == []
    assert entries(target) == 3


@pytest.mark.parametrize("where", [0, 2])
def test_a_damaged_ledger_gives_way_to_a_backup_and_is_kept(ledger: Path, backup: Path, where: int) -> None:
    with ledger.open("r+b") as file:
        file.seek(where * 4096)
        file.write(os.urandom(20 * 4096))
    damaged = ledger.read_bytes()
    previous = restore(backup, ledger)
    assert previous is not None
    assert previous.read_bytes() == damaged
    assert entries(ledger) == 3


def test_the_log_of_a_ledger_that_is_gone_is_not_read_into_another(ledger: Path, backup: Path) -> None:
    """A log stands for itself: beside any file of its name its pages would count."""
    with closing(sqlite3.connect(ledger)) as other:
        other.execute("SELECT 1 FROM journal").fetchone()
        write(ledger, 40)
        log = Path(f"{ledger}-wal").read_bytes()
    ledger.unlink()
    Path(f"{ledger}-wal").write_bytes(log)
    assert restore(backup, ledger) is None
    check(ledger)
    assert entries(ledger) == 3
    assert any(name.endswith("-wal") for name in beside(ledger)), "it is kept"


def test_a_ledger_that_is_in_use_stays(ledger: Path, backup: Path) -> None:
    engine = open_engine(f"sqlite:///{ledger}")
    with engine.begin() as database:
        database.exec_driver_sql("SELECT 1 FROM journal")
        with pytest.raises(LedgerError, match="stop `countermand serve` first"):
            restore(backup, ledger)
    engine.dispose()
    assert entries(ledger) == 5


def test_a_backup_that_somebody_holds_is_not_waited_for_for_ever(
    ledger: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermand.ledger.backup.PATIENCE", timedelta(seconds=0.1))
    with closing(sqlite3.connect(backup, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="another process holds it"):
            restore(backup, ledger)
    assert entries(ledger) == 5


def test_what_cannot_be_a_ledger_is_not_replaced(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(LedgerError, match=r"folder\.db cannot be replaced"):
        restore(backup, tmp_path / "folder.db")


def test_each_ledger_that_was_there_is_kept(ledger: Path, backup: Path) -> None:
    kept = {restore(backup, ledger) for _ in range(3)}
    assert len(kept) == 3
    assert all(one is not None and one.exists() for one in kept)


def test_a_backup_is_not_changed_by_being_put_back(ledger: Path, backup: Path) -> None:
    before, names = backup.read_bytes(), beside(backup)
    restore(backup, ledger)
    assert (backup.read_bytes(), beside(backup)) == (before, names)


def test_a_copy_may_be_read_by_whoever_may_read_the_ledger(ledger: Path, tmp_path: Path) -> None:
    ledger.chmod(0o600)
    back_up(ledger, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "copy.db").chmod(0o444)
    restore(tmp_path / "copy.db", ledger)
    assert ledger.stat().st_mode & 0o777 == 0o600


# Another version


@pytest.fixture
def newer(ledger: Path, tmp_path: Path) -> Path:
    path = tmp_path / "newer.db"
    path.write_bytes(ledger.read_bytes())
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '0999_of_next_year'")
    return path


def test_what_a_newer_version_made_is_said_and_left_alone(ledger: Path, newer: Path) -> None:
    engine = open_engine(f"sqlite:///{newer}")
    for refused in (upgrade, assert_current):
        with pytest.raises(LedgerError, match="a newer version of Countermand made it"):
            refused(engine)
    engine.dispose()
    with pytest.raises(LedgerError, match="a newer version of Countermand made it"):
        restore(newer, ledger)
    assert entries(ledger) == 3
    assert beside(ledger) == ["newer.db"]


@pytest.mark.parametrize(
    "arguments",
    [["db", "upgrade"], ["erase", "10001"], ["retain", "--days", "1"]],
    ids=["upgrade", "erase", "retain"],
)
def test_nothing_is_written_into_what_a_newer_version_made(
    arguments: list[str], newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(newer.parent)
    monkeypatch.setattr("faulthandler.enable", lambda *_, **__: None)
    text = sample().replace('# database = "countermand.db"', 'database = "newer.db"')
    Path("countermand.toml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "a newer version of Countermand made it" in result.output
