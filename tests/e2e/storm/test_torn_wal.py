"""What a killed process leaves on disk, cut off or changed anywhere: never a mixture, never silently wrong.

What is promised, exactly. SQLite's write-ahead log is a row of frames with running checksums; a transaction
counts from its last frame on. Therefore:

- A log that was *cut off* anywhere, as a power cut in the middle of a write leaves it, opens at the last
  transaction that is whole in it. Everything that was acknowledged before the cut is there: a flush to disk
  came before each acknowledgement.
- A log that was *changed* before its end (a disk that lies) opens at the last transaction before the change.
  What was acknowledged after it is gone, as a whole; the journal still holds up to there. That loss shows
  when the journal is compared with an anchor that was kept elsewhere, and with nothing else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

import msgspec
import pytest
from sqlalchemy import Connection, event, func, select

from countermand.ledger.anchors import Anchor, check_anchors
from countermand.ledger.engine import open_engine
from countermand.ledger.inspection import inspect
from countermand.ledger.journal import stored
from countermand.ledger.schema import inbox

ROUNDS = 6
KEY = b"the shop's own key"
#: A process that stores a message and a journal entry together, and tells of each only when it is on disk.
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import msgspec
from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.core.status import Side
from countermand.ledger.anchors import make_anchor
from countermand.ledger.engine import open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.journal import append
from countermand.ledger.upgrade import upgrade
from countermand.ledger.writer import GroupWriter

path, rounds = Path(sys.argv[1]), int(sys.argv[2])
engine = open_engine(f"sqlite:///{path}")
upgrade(engine)
with engine.connect() as connection:
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
writer, now = GroupWriter(engine), datetime.now(UTC)

def both(database):
    receive(database, ["shop"], Side.MIS, "application/json", b"message %d" % number, now)
    entry = Entry(at=now, event=Event.LINE_DECIDED, subject=f"order/{number}", why="x" * 300)
    append(database, "shop", [entry])

for number in range(1, rounds + 1):
    writer.write(both)
    with engine.begin() as database:
        anchor = make_anchor(database, b"the shop's own key", now)
    size = path.with_name(path.name + "-wal").stat().st_size
    print(size, msgspec.json.encode(anchor).decode(), flush=True)
print("done", flush=True)
sys.stdin.read()
"""


class Left(msgspec.Struct, frozen=True):
    """What a killed process left. `acknowledged`: after each round, how long the log was and the anchor."""

    path: Path
    acknowledged: list[tuple[int, Anchor]]

    @property
    def log(self) -> bytes:
        return self.path.with_name(self.path.name + "-wal").read_bytes()

    def opened(self, folder: Path, log: bytes) -> Path:
        """The same files with another log, in a folder of their own."""
        copy = folder / "copy.db"
        for old in folder.glob("copy.db*"):
            old.unlink()
        copyfile(self.path, copy)
        copy.with_name("copy.db-wal").write_bytes(log)
        return copy

    def before(self, place: int) -> int:
        """How many rounds were acknowledged when the log was no longer than this."""
        return sum(size <= place for size, _ in self.acknowledged)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    path = tmp_path_factory.mktemp("killed") / "ledger.db"
    command = [sys.executable, "-c", WRITER, str(path), str(ROUNDS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = []
        while (line := process.stdout.readline().strip()) != "done":
            size, _, anchor = line.partition(" ")
            acknowledged.append((int(size), msgspec.json.decode(anchor, type=Anchor)))
        os.kill(process.pid, signal.SIGKILL)
    return Left(path, acknowledged)


class Found(msgspec.Struct, frozen=True):
    """What opens: rounds in the inbox and in the journal, what is wrong, how many anchors disagree."""

    messages: int
    entries: int
    faults: list[str]
    contradicted: int


def read(path: Path, left: Left) -> Found:
    engine = open_engine(f"sqlite:///{path}")
    # The copy may be lost with the machine; reading it should not wait for the disk.
    event.listen(engine, "connect", lambda driver, _record: driver.execute("PRAGMA synchronous=OFF"))
    try:
        faults = [fault.what for fault in inspect(engine)]
        with engine.begin() as database:
            return Found(
                database.scalar(select(func.count()).select_from(inbox)) or 0,
                sum(1 for _ in stored(database, "shop")),
                faults,
                sum(bool(_against(database, anchor)) for _, anchor in left.acknowledged),
            )
    finally:
        engine.dispose()


def _against(database: Connection, anchor: Anchor) -> list[object]:
    return list(check_anchors(database, [anchor], KEY))


def whole(found: Found) -> bool:
    """No round that is there by half, and nothing that the checks complain of."""
    return found.messages == found.entries and found.faults == []


def test_all_that_was_acknowledged_is_there_after_a_kill(left: Left, tmp_path: Path) -> None:
    assert len(left.acknowledged) == ROUNDS
    found = read(left.opened(tmp_path, left.log), left)
    assert whole(found)
    assert (found.entries, found.contradicted) == (ROUNDS, 0)


def places(log: bytes) -> list[int]:
    """Every frame's beginning, the bytes around it, and some inside; a frame is 24 bytes and a page."""
    frames = range(32, len(log) + 1, 24 + 4096)
    around = (-1, 0, 8, 24, 2000)
    return sorted(
        {frame + more for frame in frames for more in around if 0 <= frame + more <= len(log)} | {0, 16}
    )


def test_a_log_cut_off_anywhere_opens_with_all_that_was_acknowledged_before(
    left: Left, tmp_path: Path
) -> None:
    log, seen = left.log, set()
    for place in places(log):
        found = read(left.opened(tmp_path, log[:place]), left)
        assert whole(found), f"cut off at {place}: {found}"
        assert found.entries == left.before(place), f"cut off at {place}"
        seen.add(found.entries)
    assert seen == set(range(ROUNDS + 1)), "the places were not in every round"


def test_a_log_changed_anywhere_loses_only_what_came_later_and_anchors_show_it(
    left: Left, tmp_path: Path
) -> None:
    log, shown = left.log, 0
    for place in places(log[:-1]):
        changed = log[:place] + bytes([log[place] ^ 0x40]) + log[place + 1 :]
        found = read(left.opened(tmp_path, changed), left)
        assert whole(found), f"changed at {place}: {found}"
        assert found.entries >= left.before(place), f"changed at {place}: lost what came before"
        assert found.contradicted == ROUNDS - found.entries, f"changed at {place}: an anchor does not show it"
        shown += found.contradicted > 0
    assert shown > 40


def test_what_a_torn_end_held_can_be_written_anew(left: Left, tmp_path: Path) -> None:
    """After the cut the ledger is a good one: it takes more, and the chain goes on."""
    path = left.opened(tmp_path, left.log[: left.acknowledged[3][0] + 100])
    command = [sys.executable, "-c", WRITER, str(path), "3"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = read(path, left)
    assert whole(found)
    assert found.entries == 4 + 3
    assert datetime.now(UTC) > datetime.fromisoformat(left.acknowledged[0][1].at)
