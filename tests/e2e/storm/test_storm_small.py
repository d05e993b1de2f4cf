"""A small kill storm: real processes, killed at seeded moments; `make soak` runs the long ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from storm_book import StormBook, percentile
from storm_checks import Wrong, violations
from storm_evidence import Evidence
from storm_round import Plan, Report, storm
from storm_shop import Start, StormShop

KILLS = 5


@pytest.fixture(scope="module")
def stormed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Report, Evidence]]:
    folder = tmp_path_factory.mktemp("storm")
    plan = Plan(seed=7, kills=KILLS, order_pause=0.5, message_pause=0.2, faults=False, still_seconds=5)
    with StormShop(folder, f"sqlite:///{folder / 'storm.db'}", "storm", plan.seed, slowest=2) as shop:
        yield storm(shop, plan, lambda _text: None)


def test_nothing_is_lost_doubled_or_unexplained(stormed: tuple[Report, Evidence]) -> None:
    report, _ = stormed
    assert report.violations == ()
    assert report.kills == KILLS


def test_it_was_a_storm_at_all(stormed: tuple[Report, Evidence]) -> None:
    """Otherwise the test above would be content with a service that does nothing."""
    report, evidence = stormed
    assert report.orders >= 10
    assert {"cancelled", "applied"} <= {one.effect for one in evidence.effects}
    assert report.acknowledged >= 10
    assert report.starts


def test_its_own_evidence_with_one_thing_changed_is_caught(stormed: tuple[Report, Evidence]) -> None:
    evidence = stormed[1]
    cancel = next(one for one in evidence.effects if one.effect == "cancelled")
    again = replace(cancel, at=cancel.at + timedelta(hours=1))
    assert _found(replace(evidence, effects=(*evidence.effects, again))) == {Wrong.DOUBLED, Wrong.UNEXPLAINED}
    assert Wrong.UNEXPLAINED in _found(replace(evidence, sent=()))
    promised = evidence.acknowledged[0]
    fewer = tuple(body for body in evidence.inbox if body != promised)
    assert _found(replace(evidence, inbox=fewer)) == {Wrong.HOOK_LOST}
    open_again = evidence.jobs[cancel.target] | {"ProductionStatusID": 22}
    undone = replace(evidence, jobs=evidence.jobs | {cancel.target: open_again}, tasks={})
    assert Wrong.LOST in _found(undone)


def _found(evidence: Evidence) -> set[Wrong]:
    return {one.wrong for one in violations(evidence)}


def test_storms_add_up_over_runs(stormed: tuple[Report, Evidence], tmp_path: Path) -> None:
    report, path = stormed[0], tmp_path / "storms.jsonl"
    for seed in (3, 4):
        book = StormBook(path)
        book.add(replace(report, seed=seed, starts=(Start(1.0, 2.0), Start(3.0, 4.0))))
    again = StormBook(path)
    assert again.reports == book.reports
    assert (again.next_seed(), again.violations) == (5, 0)
    told = "\n".join(again.told())
    assert f"sqlite: {2 * KILLS} kills in 2 storms (seeds 3 to 4)" in told
    assert "start until it answers: p50 1.0 s, p90 3.0 s, p99 3.0 s" in told


def test_percentiles() -> None:
    assert percentile([], 50) == 0
    assert percentile([3.0, 1.0, 2.0], 50) == 2
    assert percentile([float(n) for n in range(1, 101)], 99) == 99
