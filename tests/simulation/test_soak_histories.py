"""The soak adds up over runs, goes on where it was, and runs what failed again first."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from msgspec.structs import replace

from countermand.simulation.history import Outcome
from countermand.simulation.soak import soak, told
from countermand.simulation.soak_book import SoakBook
from countermand.simulation.soak_record import RecordedRun, SoakRecord, digest_of, ranges, seeds_of

_FINE = Outcome(
    seed=1, days=3, orders=2, digest="d", counts={"killed by time": 1, "killed resting": 2, "write cancel": 4}
)
_BROKEN = replace(_FINE, seed=2, violation="promise: broken", invariant="promise")


def _book(folder: Path) -> SoakBook:
    return SoakBook(folder / "soak" / "histories.db", _record(folder), 3, 2)


def _record(folder: Path) -> SoakRecord:
    return SoakRecord(folder / "histories.jsonl")


def _soak(book: SoakBook, most: int, processes: int = 1) -> int:
    return soak(
        book, days=3, orders=2, most=most, processes=processes, version="v", go_on=lambda: True, say=print
    )


def test_runs_add_up(tmp_path: Path) -> None:
    for expected in (2, 4):
        book = _book(tmp_path)
        assert _soak(book, 2) == 0
        assert book.totals().histories == expected
        assert book.totals().days == 3 * expected
        book.close()


def test_several_processes_do_the_same_work(tmp_path: Path) -> None:
    one, two = _book(tmp_path / "one"), _book(tmp_path / "two")
    _soak(one, 3)
    _soak(two, 3, processes=2)
    assert replace(one.totals(), seconds=0) == replace(two.totals(), seconds=0)
    assert one.totals().seconds > 0
    for each in (one, two):
        each.close()


def test_it_stops_when_it_is_told_to(tmp_path: Path) -> None:
    book, asked = _book(tmp_path), iter([True, True, False])
    soak(book, days=3, orders=2, most=None, processes=1, version="v", go_on=lambda: next(asked), say=print)
    assert book.totals().histories == 2
    book.close()


def test_what_failed_is_run_again_first_and_stays_known(tmp_path: Path) -> None:
    book = _book(tmp_path)
    book.add(_FINE, "v1", 1.5)
    book.add(_BROKEN, "v1", 1.5)
    assert list(islice(book.seeds(), 3)) == [2, 3, 4]
    assert (book.totals().found, book.totals().open) == (1, 1)
    assert book.failing() == [(2, "promise: broken")]
    book.add(replace(_BROKEN, violation="", invariant=""), "v2", 1.5)
    assert list(islice(book.seeds(), 2)) == [3, 4]
    assert (book.totals().found, book.totals().open) == (1, 0)
    book.close()


def test_seeds_of_another_size_are_other_histories(tmp_path: Path) -> None:
    book = _book(tmp_path)
    book.add(_FINE, "v1", 1.5)
    book.close()
    other = SoakBook(tmp_path / "soak" / "histories.db", _record(tmp_path), 30, 40)
    assert next(other.seeds()) == 1
    other.close()


def test_the_totals_are_told(tmp_path: Path) -> None:
    book = _book(tmp_path)
    book.add(_FINE, "v1", 1.5)
    book.add(_BROKEN, "v1", 1.5)
    text = "\n".join(told(book.totals()))
    for part in (
        "2 histories, 6 simulated days",
        "4 orders, 8 writes, 6 kills",
        "1 histories break a promise",
    ):
        assert part in text
    book.close()


def test_what_is_recorded_adds_up_with_what_another_machine_runs(tmp_path: Path) -> None:
    book = _book(tmp_path)
    for seed, version in ((1, "v1"), (2, "v1"), (3, "v2")):
        book.add(replace(_FINE, seed=seed), version, 1.5)
    before = book.totals()
    assert [(run.version, run.seeds) for run in book.record()] == [("v1", "1-2"), ("v2", "3")]
    assert book.totals() == before
    book.close()
    (tmp_path / "soak" / "histories.db").unlink()
    elsewhere = _book(tmp_path)
    assert elsewhere.totals() == before
    assert next(elsewhere.seeds()) == 4
    elsewhere.add(replace(_FINE, seed=4), "v2", 1.5)
    assert [run.seeds for run in elsewhere.record()] == ["4"]
    assert elsewhere.totals().histories == 4
    elsewhere.close()


def test_a_history_that_breaks_a_promise_is_not_recorded(tmp_path: Path) -> None:
    book = _book(tmp_path)
    book.add(_FINE, "v1", 1.5)
    book.add(_BROKEN, "v1", 1.5)
    with pytest.raises(ValueError, match="seed 2 breaks a promise"):
        book.record()
    assert not (tmp_path / "histories.jsonl").exists()
    book.add(replace(_BROKEN, violation="", invariant=""), "v2", 1.5)
    assert [(run.seeds, run.found) for run in book.record()] == [("1", ()), ("2", (2,))]
    assert (book.totals().found, book.totals().open) == (1, 0)
    book.close()


def test_what_no_version_can_show_again_stays_on_its_machine(tmp_path: Path) -> None:
    book = _book(tmp_path)
    book.add(_FINE, "v1-dirty", 1.5)
    assert book.record() == []
    assert book.totals().histories == 1
    book.close()


def test_a_stop_between_recording_and_forgetting_counts_nothing_twice(tmp_path: Path) -> None:
    book, kept = _book(tmp_path), tmp_path / "kept.db"
    book.add(_FINE, "v1", 1.5)
    kept.write_bytes((tmp_path / "soak" / "histories.db").read_bytes())
    book.record()
    book.close()
    kept.replace(tmp_path / "soak" / "histories.db")
    again = _book(tmp_path)
    assert again.totals().histories == 1
    assert again.record() == []
    again.close()


def test_a_record_that_names_a_history_twice_is_refused(tmp_path: Path) -> None:
    run = RecordedRun(seeds="1-3", days=3, orders_each=2, version="v", orders=6, kills=0, writes=0)
    record = _record(tmp_path)
    record.add([run, replace(run, seeds="4")])
    with pytest.raises(ValueError, match="more than once: seeds 2-3"):
        record.add([replace(run, seeds="2-3 7")])
    with (tmp_path / "histories.jsonl").open("a") as file:
        file.write((tmp_path / "histories.jsonl").read_text())
    with pytest.raises(ValueError, match="more than once: seeds 1-3"):
        _record(tmp_path)


@pytest.mark.parametrize(
    ("seeds", "text"), [([], ""), ([7], "7"), ([3, 1, 2], "1-3"), ([1, 3, 4, 9], "1 3-4 9")]
)
def test_seeds_are_told_as_ranges(seeds: list[int], text: str) -> None:
    assert ranges(seeds) == text
    assert list(seeds_of(text)) == sorted(seeds)


def test_the_digest_of_many_histories_is_of_each_with_its_seed() -> None:
    assert digest_of([(1, "a"), (2, "b")]) == digest_of([(2, "b"), (1, "a")])
    assert len({digest_of(each) for each in ([(1, "a"), (2, "b")], [(1, "b"), (2, "a")], [(1, "a")])}) == 3


def test_the_record_in_the_documentation_can_be_read() -> None:
    record = SoakRecord(Path(__file__).parents[2] / "docs" / "soak-histories.jsonl")
    assert record.totals().histories == len(record.seeds(30, 40)) >= 1132
    assert record.totals().open == 0
