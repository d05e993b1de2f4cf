"""Precision and recall are exactly one: every injected drift is found, as what it is, and nothing else."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from drift_exports import CASES, Exports, generate, write_export
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countermand.compare.classify import Class
from countermand.compare.errors import CompareError
from countermand.compare.result import Comparison, Difference
from countermand.compare.run import Request, compare_files

ENDINGS = st.sampled_from(["csv", "tsv", "xlsx", "jsonl", "parquet"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "mixed"])


def run(
    folder: Path,
    exports: Exports,
    files: tuple[str, str] = ("csv", "csv"),
    encodings: tuple[str, str] = ("utf-8",) * 2,
) -> tuple[Comparison, list[Difference]]:
    storefront = write_export(folder / f"infigo.{files[0]}", exports.storefront, encodings[0])
    mis = write_export(folder / f"printiq.{files[1]}", exports.mis, encodings[1])
    work = folder / "work"
    work.mkdir()
    with compare_files(Request(storefront=str(storefront), mis=str(mis)), work) as (comparison, found):
        return comparison, list(found(None))


def check(exports: Exports, comparison: Comparison, found: list[Difference]) -> None:
    wanted = {key: kind for key, kind in exports.expected.items() if kind.is_drift}
    assert {difference.key: difference.kind for difference in found} == wanted
    assert len(found) == len(wanted) == comparison.drift
    counts = {kind: count.found for kind, count in comparison.counts.items() if count.found}
    assert counts == Counter(exports.expected.values())
    assert sum(count.storefront_rows for count in comparison.counts.values()) == len(exports.storefront)
    assert sum(count.mis_rows for count in comparison.counts.values()) == len(exports.mis)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    orders=st.one_of(st.integers(1, 12), st.integers(1, 400), st.integers(1, 10_000)),
    by_line=st.booleans(),
    files=st.tuples(ENDINGS, ENDINGS),
    encodings=st.tuples(ENCODINGS, ENCODINGS),
)
def test_every_drift_is_found_and_nothing_else(
    seed: int, orders: int, by_line: bool, files: tuple[str, str], encodings: tuple[str, str]
) -> None:
    exports = generate(seed, orders, by_line=by_line)
    with tempfile.TemporaryDirectory() as folder:
        check(exports, *run(Path(folder), exports, files, encodings))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("by_line", [False, True])
def test_each_case_alone(tmp_path: Path, case: str, by_line: bool) -> None:
    from drift_exports import Generator

    make = Generator(7, by_line=by_line)
    make.add("both open")
    make.add(case)
    check(make.exports, *run(tmp_path, make.exports))


def test_the_worst_comes_first(tmp_path: Path) -> None:
    exports = generate(11, 600, by_line=False, drift=1.0)
    _, found = run(tmp_path, exports)
    ranks = [(difference.urgency, -(difference.value or 0)) for difference in found]
    assert [urgency for urgency, _ in ranks] == sorted(urgency for urgency, _ in ranks)
    assert found[0].kind in (Class.CANCELLED_BUT_DISPATCHED, Class.CANCELLED_IN_STOREFRONT_ONLY)


def test_slices_and_late_statuses_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pass in many slices, and statuses that the sample of the file did not show."""
    monkeypatch.setattr("countermand.compare.first_pass._SLICE_ROWS", 100)
    monkeypatch.setattr("countermand.compare.gather._SLICE_ROWS", 50)
    monkeypatch.setattr("countermand.compare.source._SAMPLE_ROWS", 3)
    monkeypatch.setattr("countermand.compare.first_pass._MOST_CODED", 2)
    exports = generate(5, 900, by_line=True)
    check(exports, *run(tmp_path, exports))


@pytest.mark.parametrize("where", ["a blank line", "a line break in a value"])
def test_rows_that_are_not_lines_change_nothing(tmp_path: Path, where: str) -> None:
    """Suspects are looked up by the number of their line, which such a file moves."""
    exports = generate(21, 300, by_line=True)
    if where == "a line break in a value":
        exports.storefront[0] = exports.storefront[0] | {"Customer": "Hawthorn\nCaf\u00e9"}
        exports.mis[40] = exports.mis[40] | {"Job Title": "Cards,\r\nboth sides"}
        check(exports, *run(tmp_path, exports))
        return
    storefront = write_export(tmp_path / "infigo.csv", exports.storefront, "utf-8")
    lines = storefront.read_bytes().splitlines(keepends=True)
    storefront.write_bytes(b"".join([*lines[:5], b"\n\n", *lines[5:]]))
    mis = write_export(tmp_path / "printiq.csv", exports.mis, "utf-8")
    (tmp_path / "work").mkdir()
    request = Request(storefront=str(storefront), mis=str(mis))
    with compare_files(request, tmp_path / "work") as (comparison, found):
        check(exports, comparison, list(found(None)))


def test_a_file_that_changes_meanwhile_is_said_to(tmp_path: Path) -> None:
    exports = generate(22, 300, by_line=True)
    storefront = write_export(tmp_path / "infigo.csv", exports.storefront, "utf-8")
    mis = write_export(tmp_path / "printiq.csv", exports.mis, "utf-8")
    (tmp_path / "work").mkdir()

    def report(step: str, _share: float) -> None:
        if step == "Comparing":
            storefront.write_bytes(b"".join(storefront.read_bytes().splitlines(keepends=True)[:2]))

    request = Request(storefront=str(storefront), mis=str(mis))
    with (
        pytest.raises(CompareError, match=r"infigo\.csv changed while it was read: compare again\."),
        compare_files(request, tmp_path / "work", report),
    ):
        pass
