"""Looking after what is stored: copies under load, what is kept how long, and what is erased on request."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, insert, select

from countermand.bridge.case import Case
from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.core.status import Side
from countermand.ledger.backup import back_up, check, restore
from countermand.ledger.columns import encode
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.inspection import inspect
from countermand.ledger.journal import append, stored
from countermand.ledger.privacy import NotErasedError, drop_raw, erase_order
from countermand.ledger.proof import NoProofError, prove
from countermand.ledger.schema import inbox, orders, sighting
from countermand.ledger.upgrade import upgrade
from countermand.ledger.writer import GroupWriter
from countermand.proof import verify_proof

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SHOP = "harbour-print"
CUSTOMER = "Harbour Coffee Roasters"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.execution_options(writing=True).begin() as database:
        remember_connection(database, SHOP, NOW, NOW)
        for number in ("10001", "10002"):
            case = Case(
                order_id=number, first_seen_at=NOW, storefront_read_at=NOW, mis_read_at=NOW,
                customer=CUSTOMER, po_number=f"PO-{number}",
            )  # fmt: skip
            row = {
                "connection": SHOP, "order_ref": number, "version": 1, "state": "in_step", "case_file": case,
                "customer": CUSTOMER, "po_number": f"PO-{number}", "first_seen_at": NOW, "changed_at": NOW,
            }  # fmt: skip
            order_id = database.scalar(insert(orders).values(row).returning(orders.c.id))
            for day in (0, 90):
                seen = {
                    "order_id": order_id, "side": "storefront", "ref": number, "before": "", "after": "open",
                    "began_at": NOW + timedelta(days=day), "raw": f"raw answer about {CUSTOMER}",
                }  # fmt: skip
                database.execute(insert(sighting).values(seen))
            about = Entry(at=NOW, event=Event.ORDER_SEEN, subject=f"order/{number}", why=f"for {CUSTOMER}")
            append(database, SHOP, [about])
    yield engine
    engine.dispose()


def everything(path: Path) -> bytes:
    """All that stands in the file, freed pages left out."""
    with closing(sqlite3.connect(path)) as raw:
        return "\n".join(raw.iterdump()).encode()


# Erasing


def test_erasing_takes_the_customer_out_of_one_order_and_the_chain_holds(engine: Engine, path: Path) -> None:
    with engine.execution_options(writing=True).begin() as database:
        assert erase_order(database, SHOP, "10001", "Priya Shah", NOW) == 1
    assert inspect(engine) == []
    with engine.begin() as database:
        rows = {row.order_ref: row for row in database.execute(select(orders))}
        raw = list(database.scalars(select(sighting.c.raw).where(sighting.c.order_id == rows["10001"].id)))
    assert (rows["10001"].customer, rows["10001"].po_number) == ("", "")
    assert (rows["10001"].case_file.customer, rows["10001"].case_file.po_number) == ("", "")
    assert rows["10001"].version == 2, "a worker with the old picture could put it back"
    assert raw == ["", ""]
    assert rows["10002"].customer == CUSTOMER
    # Once each in the other order's row, its case file, its two answers and its entry.
    assert everything(path).count(CUSTOMER.encode()) == 5


def test_what_is_left_of_an_erased_order_is_who_asked_for_it(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as database:
        erase_order(database, SHOP, "10001", "Priya Shah", NOW)
        proof = json.loads(msgspec.json.encode(prove(database, SHOP, "10001")))
    assert verify_proof.problems(proof) == []
    assert [link["event"] for link in proof["links"] if isinstance(link, dict)] == ["data.erased"]
    assert CUSTOMER not in json.dumps(proof)


def test_the_proof_of_another_order_still_holds(engine: Engine) -> None:
    with engine.begin() as database:
        before = json.loads(msgspec.json.encode(prove(database, SHOP, "10002")))
    with engine.execution_options(writing=True).begin() as database:
        erase_order(database, SHOP, "10001", "Priya Shah", NOW)
        after = json.loads(msgspec.json.encode(prove(database, SHOP, "10002")))
    assert verify_proof.problems(before) == verify_proof.problems(after) == []


def test_only_an_order_that_is_there_can_be_erased(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as database:
        with pytest.raises(NotErasedError, match="There is no order 99999 in connection harbour-print"):
            erase_order(database, SHOP, "99999", "Priya Shah", NOW)
        with pytest.raises(NoProofError):
            prove(database, SHOP, "99999")


# Retention


def test_old_raw_messages_and_answers_are_emptied_and_the_chain_holds(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as database:
        for day, state in ((0, "done"), (0, "waiting"), (90, "done")):
            receive(database, [SHOP], Side.MIS, "application/json", b"{}", NOW + timedelta(days=day))
            newest = database.scalars(select(inbox.c.id).order_by(inbox.c.id.desc())).first()
            database.execute(inbox.update().where(inbox.c.id == newest).values(state=state))
        assert drop_raw(database, NOW + timedelta(days=30)) == (1, 2)
    with engine.begin() as database:
        assert list(database.scalars(select(inbox.c.body).order_by(inbox.c.id))) == [b"", b"{}", b"{}"]
        assert sorted(database.scalars(select(sighting.c.raw)))[:3:2] == ["", f"raw answer about {CUSTOMER}"]
    assert inspect(engine) == []


# Copies


class Busy:
    """Writes entries for as long as it is entered; `done` counts those that were acknowledged."""

    def __init__(self, engine: Engine) -> None:
        self._writer = GroupWriter(engine)
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(3)]
        self.done = 0

    def _run(self, chain: int) -> None:
        about = Entry(at=NOW, event=Event.LINE_DECIDED, subject="order/10001", extra={"x": "y" * 500})
        while not self._end.is_set():
            self._writer.write(lambda database: append(database, f"busy-{chain}", [about] * 5))
            self.done += 5

    def __enter__(self) -> Busy:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)
        self._writer.close()


def entries(path: Path) -> dict[str, list[str]]:
    """The hashes of every chain, in order."""
    engine = open_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as database:
            return {
                chain: [row.hash for row in stored(database, chain)]
                for chain in ("busy-0", "busy-1", "busy-2")
            }
    finally:
        engine.dispose()


def test_backups_while_it_writes_hold_restore_and_are_a_beginning_of_what_there_is(
    engine: Engine, path: Path, tmp_path: Path
) -> None:
    copies = [tmp_path / f"copy-{number}.db" for number in range(4)]
    acknowledged = []
    with Busy(engine) as busy:
        for copy in copies:
            before = busy.done
            while busy.done < before + 60:
                threading.Event().wait(0.005)
            acknowledged.append(busy.done)
            back_up(path, copy)
    engine.dispose()
    whole = entries(path)
    for copy, least in zip(copies, acknowledged, strict=True):
        check(copy)
        kept = entries(copy)
        assert sum(map(len, kept.values())) >= least, "something acknowledged before the copy is not in it"
        for chain, hashes in kept.items():
            assert hashes == whole[chain][: len(hashes)]
    previous = restore(copies[0], path)
    check(path)
    assert entries(path) == entries(copies[0])
    assert previous is not None
    assert entries(previous) == whole


def test_a_case_file_reads_back_from_a_copy(engine: Engine, path: Path, tmp_path: Path) -> None:
    back_up(path, tmp_path / "copy.db")
    other = open_engine(f"sqlite:///{tmp_path / 'copy.db'}")
    with engine.begin() as here, other.begin() as there:
        ours, theirs = (list(one.scalars(select(orders.c.case_file))) for one in (here, there))
    other.dispose()
    assert encode(ours) == encode(theirs)
