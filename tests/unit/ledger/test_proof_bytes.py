"""One changed byte anywhere in a proof file is found by the script that goes with it, run by bare Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from countermand.bridge.store import Entry
from countermand.core.events import Event
from countermand.ledger import schema
from countermand.ledger.engine import open_engine
from countermand.ledger.journal import append
from countermand.ledger.proof import prove
from countermand.proof import verify_proof

NOW = datetime(2026, 11, 23, 9, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def proof() -> bytes:
    engine = open_engine("sqlite://")
    schema.metadata.create_all(engine)
    with engine.begin() as database:
        for number, order in enumerate(("10001", "10002", "10001", "10002")):
            at = NOW + timedelta(seconds=number)
            subject = f"order/{order}/line/s1"
            append(database, "shop", [Entry(at=at, event=Event.LINE_IN_STEP, subject=subject, why="wéird")])
        return msgspec.json.encode(prove(database, "shop", "10001"))


def proven(content: bytes) -> bool:
    """What the script would say, without starting a process for each of a thousand files."""
    try:
        return not verify_proof.problems(json.loads(content.decode("utf-8")))
    except (ValueError, TypeError, LookupError, AttributeError):
        return False


def not_hashed(proof: bytes) -> set[int]:
    """The places of when the file was made: no part of what happened, and the script does not show it."""
    begins = proof.index(b'"made_at"')
    return set(range(begins, proof.index(b",", begins)))


def changes(proof: bytes) -> Iterator[tuple[int, bytes]]:
    for place in set(range(len(proof))) - not_hashed(proof):
        for mask in (1, 1 << place % 8):
            yield place, proof[:place] + bytes([proof[place] ^ mask]) + proof[place + 1 :]


def test_every_changed_byte_of_a_proof_is_found(proof: bytes) -> None:
    assert proven(proof)
    unseen = [content[place - 20 : place + 5] for place, content in changes(proof) if proven(content)]
    assert unseen == []


def run(content: bytes, folder: Path) -> tuple[int, str]:
    file = folder / "proof-10001.json"
    file.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-I", "-S", verify_proof.__file__, str(file)],
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (b"shop", b"shoq", "the entries do not lead to the end of the chain"),
        (b"09:30:15", b"09:30:16", "entry 1 shows another time than the one that was hashed"),
        (
            b'"order":"10001"',
            b'"order":"10002"',
            "entry 1 is about order/10001/line/s1, not",
        ),
        (b'"links"', b'"lines"', "this file is damaged"),
        (b'"seq":1', b'"seq":"', "this file is damaged"),
        (b"{", b"[", "this file is damaged"),
        ("wéird".encode(), b"w\xff\xffird", "this file is damaged"),
    ],
)
def test_the_script_says_what_is_wrong(
    proof: bytes, tmp_path: Path, before: bytes, after: bytes, says: str
) -> None:
    assert run(proof, tmp_path)[0] == 0
    code, said = run(proof.replace(before, after, 1), tmp_path)
    assert code == 1
    assert said.startswith("NOT PROVEN: ")
    assert says in said


def test_a_proof_of_nothing_proves_nothing(proof: bytes, tmp_path: Path) -> None:
    """Where every entry is given by its hash only, the chain holds and says nothing."""
    made = json.loads(proof)
    hashes = []
    for link in made["links"]:
        if isinstance(link, dict):
            content = verify_proof.digest(link["actor"], link["body"])
            told = (str(link["seq"]), str(link["micros"]), link["event"], link["subject"], content)
            link = verify_proof.digest(made["chain"], *told)
        hashes.append(link)
    code, said = run(json.dumps({**made, "links": hashes}).encode(), tmp_path)
    assert (code, said) == (1, "NOT PROVEN: it holds no entry of the order\n")
    nothing = {**made, "links": [], "first": 1, "head_seq": 0, "head_hash": made["before"]}
    assert run(json.dumps(nothing).encode(), tmp_path)[0] == 1


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"format": 1e999}'], ids=["deep", "endless"])
def test_the_script_has_a_sentence_for_any_file(content: bytes, tmp_path: Path) -> None:
    code, said = run(content, tmp_path)
    assert code == 1
    assert said.startswith("NOT PROVEN: ")


def test_a_time_beyond_the_calendar_is_damage(proof: bytes, tmp_path: Path) -> None:
    made = json.loads(proof)
    made["links"][0]["micros"] = 10**30
    code, said = run(json.dumps(made).encode(), tmp_path)
    assert (code, said[:33]) == (1, "NOT PROVEN: this file is damaged ")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for name in ("nowhere.json", "."):
        done = subprocess.run(
            [sys.executable, "-I", "-S", verify_proof.__file__, str(tmp_path / name)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "cannot be read" in done.stderr
