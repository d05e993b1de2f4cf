"""Both shops' people during a storm: they place orders, cancel on either side, start work, dispatch.

Each order has a story of its own, with a seeded choice of what is done and when. What could be done is
remembered, so that in the end each story knows what both systems have to show.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import count
from random import Random
from time import monotonic
from typing import Any

import httpx2 as httpx
import msgspec

CANCELLED_ID, AT_WORK_ID = 17, 4


class Kind(StrEnum):
    """What happens to an order, and so what both systems have to show in the end."""

    LEFT_ALONE = "left alone"
    CANCEL_IN_INFIGO = "cancelled in Infigo"
    CANCEL_IN_PRINTIQ = "cancelled in printIQ"
    CANCEL_LINE = "one line cancelled in Infigo"
    CANCEL_JOB = "one job cancelled in printIQ"
    DISPATCH = "dispatched"
    DISPATCH_IN_PARTS = "dispatched job by job"
    CANCEL_AFTER_START = "cancelled in Infigo after work began"
    CANCEL_BOTH = "cancelled in both at once"
    CANCEL_AND_DISPATCH = "cancelled in one and dispatched in the other"


_WEIGHTS = {
    Kind.LEFT_ALONE: 1,
    Kind.CANCEL_IN_INFIGO: 4,
    Kind.CANCEL_IN_PRINTIQ: 4,
    Kind.CANCEL_LINE: 2,
    Kind.CANCEL_JOB: 2,
    Kind.DISPATCH: 3,
    Kind.DISPATCH_IN_PARTS: 2,
    Kind.CANCEL_AFTER_START: 2,
    Kind.CANCEL_BOTH: 1,
    Kind.CANCEL_AND_DISPATCH: 1,
}
_TWO_LINES = frozenset({Kind.CANCEL_LINE, Kind.CANCEL_JOB, Kind.DISPATCH_IN_PARTS})
_NAMES = ("Business cards, 350 gsm silk", "Flyers A5, 150 gsm gloss")
#: A read that lags shows how things stood so many seconds ago, at most.
LONGEST_LAG = 4.0
#: A job whose work has begun is left alone for this long before its order is cancelled: our own reads are
#: trusted for one second here (`fresh_for`) and may lag as well, and within that nobody can know.
_NOTICED_AFTER = 3.0 + LONGEST_LAG


class Story(msgspec.Struct, kw_only=True):
    """One order's story. `jobs`: the printIQ job of each line. `finished`: everything in it was done."""

    kind: Kind
    order: str
    lines: tuple[str, ...]
    jobs: dict[str, str] = {}
    tracking: tuple[str, ...] = ()
    finished: bool = False


Step = Callable[[], None]


class Staff(threading.Thread):
    """Works until `stop` is called, then ends every story that was begun; `most` orders at most."""

    def __init__(self, infigo: str, printiq: str, seed: int, pause: float, most: int) -> None:
        super().__init__(name="staff", daemon=True)
        self._infigo, self._printiq, self._pause, self._most = infigo, printiq, pause, most
        self._random = Random(f"{seed}-staff")
        self._due: list[tuple[float, int, Iterator[float]]] = []
        self._numbers = count()
        self._ending = threading.Event()
        self._http = httpx.Client(timeout=10, trust_env=False)
        self.stories: list[Story] = []
        self.failed: BaseException | None = None

    def stop(self, seconds: float = 60) -> None:
        """No new orders; returns when every story has been told.

        Raises:
            AssertionError: a stand-in refused what its staff may do, or a story did not end.
        """
        self._ending.set()
        self.join(seconds)
        assert not self.is_alive(), "the stories did not come to an end"
        if self.failed is not None:
            raise AssertionError(f"the staff's work failed: {self.failed!r}") from self.failed

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - told to whoever stops us
            self.failed = error
        finally:
            self._http.close()

    def _work(self) -> None:
        next_order = monotonic()
        while not self._ending.is_set() or self._due:
            now = monotonic()
            more = not self._ending.is_set() and len(self.stories) < self._most
            if more and now >= next_order:
                self._begin()
                next_order = now + self._random.uniform(0, 2 * self._pause)
            while self._due and self._due[0][0] <= now:
                self._go_on(heapq.heappop(self._due)[2])
            self._ending.wait(0.01) if not self._ending.is_set() else threading.Event().wait(0.01)

    def _go_on(self, steps: Iterator[float]) -> None:
        pause = next(steps, None)
        if pause is not None:
            heapq.heappush(self._due, (monotonic() + pause, next(self._numbers), steps))

    def _begin(self) -> None:
        kinds = list(_WEIGHTS)
        kind = self._random.choices(kinds, [_WEIGHTS[each] for each in kinds])[0]
        many = 2 if kind in _TWO_LINES or self._random.random() < 0.3 else 1
        items = [
            {"Name": name, "Quantity": 250, "ProductType": "print", "TypeLetter": "s", "Price": 48.5}
            for name in _NAMES[:many]
        ]
        body = {"Customer": "Harbour Coffee Roasters", "OrderLineItems": items}
        placed = self._post(self._infigo, "orders", body)["orders"][0]
        lines = tuple(line["Id"] for line in placed["OrderLineItems"])
        story = Story(kind=kind, order=str(placed["Id"]), lines=lines)
        self.stories.append(story)
        self._go_on(self._told(story))

    def _told(self, story: Story) -> Iterator[float]:
        """Each step, and how long until the next."""
        while not self._linked(story):
            yield 0.1
        yield self._random.uniform(0, 3)
        for step in self._steps(story):
            step()
            pause = _NOTICED_AFTER if story.kind is Kind.CANCEL_AFTER_START else 0
            yield pause + self._random.uniform(0, 0 if story.kind is Kind.CANCEL_BOTH else 2)
        story.finished = True

    def _linked(self, story: Story) -> bool:
        answer = self._http.get(f"{self._printiq}/_sim/link?order={story.order}").json()
        found = [self._http.get(f"{self._printiq}/_sim/orders/{job}").json() for job in answer["jobs"]]
        story.jobs = {job["ExternalJobReference"]: job["JobNo"] for job in found}
        return len(story.jobs) == len(story.lines)

    def _steps(self, story: Story) -> list[Step]:
        jobs = [story.jobs[line] for line in story.lines]
        cancel_order = self._doing(self._infigo, f"orders/{story.order}/cancel")
        cancel_jobs = [self._status(job, CANCELLED_ID) for job in jobs]
        dispatch = [self._dispatch(story, job) for job in jobs]
        match story.kind:
            case Kind.LEFT_ALONE:
                return []
            case Kind.CANCEL_IN_INFIGO:
                return [cancel_order]
            case Kind.CANCEL_IN_PRINTIQ:
                return cancel_jobs
            case Kind.CANCEL_LINE:
                return [self._doing(self._infigo, f"lines/{story.lines[0]}/cancel")]
            case Kind.CANCEL_JOB:
                return cancel_jobs[:1]
            case Kind.DISPATCH | Kind.DISPATCH_IN_PARTS:
                return dispatch
            case Kind.CANCEL_AFTER_START:
                return [*(self._status(job, AT_WORK_ID) for job in jobs), cancel_order]
            case Kind.CANCEL_BOTH:
                return self._shuffled([cancel_order, *cancel_jobs])
            case Kind.CANCEL_AND_DISPATCH:
                return self._shuffled([cancel_order, *dispatch])

    def _shuffled(self, steps: list[Step]) -> list[Step]:
        self._random.shuffle(steps)
        return steps

    def _status(self, job: str, status_id: int) -> Step:
        return self._doing(self._printiq, f"jobs/{job}/status", {"ProdStatusID": status_id})

    def _dispatch(self, story: Story, job: str) -> Step:
        code = f"T-{job}"
        story.tracking = (*story.tracking, code)
        body = {"ConsignmentNo": f"C-{code}", "ConsignmentTrackingCode": code}
        return self._doing(self._printiq, f"jobs/{job}/dispatch", body)

    def _doing(self, base: str, path: str, body: object = None) -> Step:
        def step() -> None:
            self._post(base, path, body)

        return step

    def _post(self, base: str, path: str, body: object = None) -> Any:
        answer = self._http.post(f"{base}/_sim/{path}", json={} if body is None else body)
        # Whoever comes second to a cancelled order is told so by the system itself.
        assert answer.is_success or answer.status_code == 409, f"{path}: {answer.text[:300]}"
        return answer.json()
