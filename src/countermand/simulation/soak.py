"""Histories by the thousand: on several processes, each seed once, added to what earlier runs have done."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec

from countermand.simulation.author import write_script
from countermand.simulation.history import Outcome, run_history
from countermand.simulation.soak_book import SoakBook
from countermand.simulation.soak_record import Totals
from countermand.simulation.telling import line_of, replay


class Done(msgspec.Struct, frozen=True):
    """One history, and the processor seconds that it took."""

    outcome: Outcome
    seconds: float


class Job(msgspec.Struct, frozen=True):
    """One history to run."""

    seed: int
    days: float
    orders: int


def run_job(job: Job) -> Done:
    began = time.process_time()
    outcome = run_history(write_script(job.seed, job.days, job.orders))
    return Done(outcome, time.process_time() - began)


def soak(
    book: SoakBook,
    *,
    days: float,
    orders: int,
    most: int | None,
    processes: int,
    version: str,
    go_on: Callable[[], bool],
    say: Callable[[str], None],
) -> int:
    """Run histories until there were `most` or `go_on` says no; how many of them broke a promise."""
    jobs = (Job(seed, days, orders) for seed in islice(book.seeds(), most))
    failed = 0
    for done in _run_all(jobs, processes, go_on):
        book.add(done.outcome, version, done.seconds)
        if done.outcome.violation:
            failed += 1
            say(line_of(done.outcome))
            say(f"See it again: {replay(done.outcome.seed, days, orders)}")
    return failed


def _run_all(jobs: Iterator[Job], processes: int, go_on: Callable[[], bool]) -> Iterable[Done]:
    """Jobs are handed out one by one, so that a stop loses no more than those that are under way."""
    wanted = _while(jobs, go_on)
    if processes == 1:
        yield from map(run_job, wanted)
        return
    # Started fresh rather than forked: one seed gives one history whatever ran before it.
    with multiprocessing.get_context("spawn").Pool(processes, _leave_stopping_to_parent) as pool:
        under_way = [pool.apply_async(run_job, (job,)) for job in islice(wanted, processes)]
        while under_way:
            ready = next((each for each in under_way if each.ready()), None)
            if ready is None:
                under_way[0].wait(0.05)
                continue
            under_way.remove(ready)
            yield ready.get()
            under_way += [pool.apply_async(run_job, (job,)) for job in islice(wanted, 1)]


def _leave_stopping_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _while(jobs: Iterator[Job], go_on: Callable[[], bool]) -> Iterator[Job]:
    while go_on():
        job = next(jobs, None)
        if job is None:
            return
        yield job


def told(totals: Totals) -> Iterator[str]:
    """Everything that was run so far, in a few lines."""
    years = totals.days / 365.25
    yield f"{totals.histories:,} histories, {totals.days:,.0f} simulated days ({years:,.0f} years)"
    yield f"{totals.orders:,} orders, {totals.writes:,} writes, {totals.kills:,} kills"
    yield f"{totals.seconds / 3600:,.1f} processor hours"
    yield f"{totals.open:,} histories break a promise; {totals.found:,} once did"
