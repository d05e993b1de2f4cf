"""How things stood some seconds ago, for the `lagging-read` fault."""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from countermand.simulators.kit.faults import FaultPlan

T = TypeVar("T")

#: One is kept for each request; more than this many are no matter of seconds.
MAX_PICTURES = 2000


class Past(Generic[T]):
    """Pictures of the whole state, one from before each request, as long as a fault of `plan` needs them.

    `picture` makes one that later changes leave alone.
    """

    def __init__(
        self, plan: FaultPlan, picture: Callable[[], T], *, now: Callable[[], float] = monotonic
    ) -> None:
        self._plan = plan
        self._picture = picture
        self._now = now
        self._pictures: deque[tuple[float, T]] = deque(maxlen=MAX_PICTURES)

    def remember(self) -> None:
        """Keep how things stand now; forget what no fault can ask for any more."""
        oldest = self._now() - self._plan.longest_lag
        while self._pictures and self._pictures[0][0] < oldest:
            self._pictures.popleft()
        if self._plan.longest_lag:
            self._pictures.append((self._now(), self._picture()))

    def as_of(self, seconds: float) -> T:
        """Return how things stood `seconds` ago, or since pictures are kept: never longer ago than that.

        The first picture since then was taken before the first request since then, so it is how things stood.
        """
        since = self._now() - seconds
        found = next((picture for at, picture in self._pictures if at >= since), None)
        return self._picture() if found is None else found
