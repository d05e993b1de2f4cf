"""A disk that is full, fails, or is read-only, and a database that somebody holds: said in one sentence,
nothing is acknowledged that is not stored, and the work goes on when the trouble is over.

Real processes on a real file; the disk is made to fail by the operating system.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import event
from storm_shop import StormShop, until

from countermand.config.database import assert_usable, upgrade_database
from countermand.core.status import Side
from countermand.ledger.engine import LedgerError, open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.writer import GroupWriter

JSON = {"content-type": "application/json"}


class Shop(StormShop):
    """A running service with the questions of these tests."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        super().__init__(folder, f"sqlite:///{ledger}", "main", 1, slowest=2)
        self.ledger = ledger

    def up(self) -> None:
        self.recovered(self.start())

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"{self.url}/api/health").json()
        return answer

    def hook(self, body: bytes) -> httpx.Response:
        return self.http.post(self.hooks["mis"], content=body, headers=JSON, timeout=30)

    def place(self) -> str:
        line = {"Name": "Flyers", "Quantity": 250, "ProductType": "print", "TypeLetter": "s", "Price": 1}
        placed = self.http.post(f"{self.infigo}/_sim/orders", json={"OrderLineItems": [line]}).json()
        return str(placed["orders"][0]["Id"])

    def state(self, order: str) -> str:
        answer = self.http.get(f"{self.url}/api/orders/{order}")
        return str(answer.json()["state"]) if answer.status_code == 200 else ""

    def in_step(self, order: str) -> None:
        until(f"order {order} in step", lambda: self.state(order) == "in_step", 60)

    def bodies(self) -> list[bytes]:
        with closing(sqlite3.connect(self.ledger)) as plain:
            return [bytes(row[0]) for row in plain.execute("SELECT body FROM inbox ORDER BY id")]

    def calls(self) -> int:
        return sum(sum(self.get(base, "calls").values()) for base in (self.infigo, self.printiq))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Shop(tmp_path, tmp_path / "countermand.db") as one:
        one.up()
        yield one


def refused(shop: Shop, number: int, sentence: str) -> None:
    """A message is refused with the sentence, and health and API say the same."""
    answer = shop.hook(b'{"JobNo": "J%d-01"}' % number)
    assert answer.status_code == 503, answer.text
    said = answer.json()["error"]
    assert said.startswith("The message is not stored; send it again later. ")
    assert sentence in said
    health = shop.health()
    assert not health["ok"]
    assert sentence in health["storage"]
    assert shop.http.get(f"{shop.url}/health").status_code == 503


def goes_on(shop: Shop, known: str) -> None:
    """What came in the meantime is caught up with, a message is taken, and all is well."""
    assert shop.hook(b'{"JobNo": "J99999-01"}').status_code == 202
    shop.in_step(known)
    until("health", lambda: shop.health()["ok"])
    stored = shop.bodies()
    assert b'{"JobNo": "J99999-01"}' in stored
    assert not [body for body in stored if b"J7777" in body], "a message that was refused is there"
    verified = shop.call("journal", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


# A full disk


@contextmanager
def no_file_may_grow(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Every write to any file fails, as on a failing disk: also those to the log."""
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_a_disk_that_fails_is_said_and_the_work_goes_on_afterwards(shop: Shop) -> None:
    shop.in_step(shop.place())
    assert shop.process is not None
    with no_file_may_grow(shop.process):
        refused(shop, 7777, "The disk gives errors: nothing can be stored until it works again")
        unseen = shop.place()
        until("the loop to say so, too", lambda: "The disk gives errors" in str(shop.health()["failing"]))
        assert shop.state(unseen) == ""
        assert shop.http.get(f"{shop.url}/").status_code == 200, "the console can still be read"
    goes_on(shop, unseen)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes of its own, where the machine allows to make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be made here; a failing one is tested above")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


def test_a_full_disk_is_said_and_the_work_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    with Shop(tmp_path, small_disk / "countermand.db") as shop:
        shop.up()
        shop.in_step(shop.place())
        ballast = fill_up(small_disk)
        # What room the file had inside is used up first; then it is full.
        large = b'{"JobNo": "J1-01", "x": "' + b"x" * 500_000 + b'"}'
        answers = [shop.hook(large) for _ in range(8)]
        assert answers[-1].status_code == 503
        refused(shop, 7777, "The disk is full: nothing can be stored until there is room on it")
        unseen = shop.place()
        ballast.unlink()
        goes_on(shop, unseen)
        taken = sum(answer.status_code == 202 for answer in answers)
        assert shop.bodies().count(large) == taken


def test_nobody_is_asked_again_and_again_while_nothing_can_be_stored(shop: Shop) -> None:
    """Each step reads in both systems; what it finds would be thrown away."""
    assert shop.process is not None
    with no_file_may_grow(shop.process):
        shop.place()
        until("the trouble", lambda: shop.health()["failing"])
        said, before = shop.log.stat().st_size, shop.calls()
        steps = shop.health()
        until("some more steps", lambda: shop.calls() > before + 3, 60)
        assert shop.health() == steps
        assert shop.log.stat().st_size == said


# Somebody else holds it


def test_a_database_that_another_process_holds(shop: Shop) -> None:
    known = shop.place()
    shop.in_step(known)
    with closing(sqlite3.connect(shop.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        # A statement waits ten seconds for another writer before it gives up.
        refused(shop, 7777, "Another process holds the database: nothing can be stored until it lets go")
        other.execute("ROLLBACK")
    goes_on(shop, known)


def test_a_database_that_another_process_holds_at_the_start(tmp_path: Path) -> None:
    with Shop(tmp_path, tmp_path / "countermand.db") as shop:
        with closing(sqlite3.connect(shop.ledger, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            done = shop.call("serve")
        assert done.returncode == 1
        assert "Another process holds the database" in done.stderr
        assert done.stderr.count("\n") == 1
        shop.up()


# Read-only


@contextmanager
def without_privileges() -> Iterator[None]:
    """File permissions hold for the superuser only while it has given its own up."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def ledger() -> Iterator[Path]:
    """A ledger in a folder that every user can reach."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        upgrade_database(f"sqlite:///{folder / 'countermand.db'}")
        yield folder / "countermand.db"


def test_a_read_only_file_is_said_before_anything_starts(ledger: Path) -> None:
    ledger.chmod(0o444)
    ledger.parent.chmod(0o555)
    with without_privileges(), pytest.raises(LedgerError, match="read-only") as caught:
        assert_usable(f"sqlite:///{ledger}")
    assert str(caught.value).count("\n") == 0
    ledger.parent.chmod(0o755)


def test_a_file_that_becomes_read_only_while_it_runs(ledger: Path) -> None:
    """Files that are open stay so; a disk that was made read-only after an error of its own says this."""
    engine = open_engine(f"sqlite:///{ledger}")
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA query_only=ON"))
    writer = GroupWriter(engine)
    with pytest.raises(Exception, match="readonly database"):
        writer.write(lambda database: receive(database, ["main"], Side.MIS, "", b"x", datetime.now(UTC)))
    assert writer.trouble.startswith("The database file, its folder or its disk is read-only")
    writer.close()
    engine.dispose()
