"""How things stood some seconds ago: never longer ago than was asked for."""

from countermand.simulators.kit import CallFault, FaultPlan, Faults, Past
from countermand.simulators.kit.past import MAX_PICTURES


class World:
    """Something that changes, with a clock that tests move."""

    def __init__(self, lag: float) -> None:
        self.now, self.state = 100.0, "new"
        rule = CallFault(kind="lagging-read", seconds=lag)
        self.plan = FaultPlan(Faults(calls=(rule,) if lag else ()))
        self.pictures = 0
        self.past = Past(self.plan, self._picture, now=lambda: self.now)

    def _picture(self) -> str:
        self.pictures += 1
        return self.state

    def request(self, at: float, changes_to: str | None = None) -> None:
        self.now = at
        self.past.remember()
        self.state = changes_to or self.state


def test_what_was_there_then_is_what_is_seen() -> None:
    world = World(lag=5)
    world.request(100, "started")
    world.request(102, "cancelled")
    world.request(104)
    assert [world.past.as_of(seconds) for seconds in (5, 3, 2, 1, 0)] == [
        "new", "started", "started", "cancelled", "cancelled",
    ]  # fmt: skip


def test_nothing_is_older_than_was_asked_for_however_long_nobody_came() -> None:
    world = World(lag=5)
    world.request(100, "started")
    world.request(160)
    assert world.past.as_of(5) == "started"


def test_pictures_are_kept_only_while_a_fault_needs_them() -> None:
    world = World(lag=0)
    world.request(100, "started")
    assert (world.pictures, world.past.as_of(5)) == (0, "started")
    world = World(lag=3600)
    for second in range(MAX_PICTURES + 5):
        world.request(100 + second, str(second))
    assert world.past.as_of(3600) == "4"
    world.plan.replace(Faults())
    world.request(3000)
    assert world.past.as_of(3600) == str(MAX_PICTURES + 4)
