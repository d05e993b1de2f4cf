"""The soak adds up over runs, goes on where it was, and runs what failed again first."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from countermand.simulation.history import Outcome
from countermand.simulation.soak import soak, told
from countermand.simulation.soak_book import SoakBook

_FINE = Outcome(
    seed=1, days=3, orders=2, digest="d", counts={"killed by time": 1, "killed resting": 2, "write cancel": 4}
)
_BROKEN = replace(_FINE, seed=2, violation="promise: broken", invariant="promise")


def _book(folder: Path) -> SoakBook:
    return SoakBook(folder / "soak" / "histories.db", 3, 2)


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
    other = SoakBook(tmp_path / "soak" / "histories.db", 30, 40)
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
