"""One life of the service while it sweeps, as a process that can be killed: `sweep_life.py FOLDER LIFE`.

Before each step (a commit, the inside of one, a call) it says `step` and waits for a line. What was written
to the two systems is in a file, as they go on when the service does not. At the end it says what came of it.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
from sweep_world import START, Process, Truth, World, Write

from countermand.ledger.sweeps import list_sweeps

ORDERS, DRIFTS, SEED = 400, 40, 4


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    drifted: set[int]
    found: set[int]
    total: int
    agreed: int
    differing: int
    skipped: int
    calls: int
    sweeps: int
    writes: list[Write]
    left_for_people: set[int]
    left: set[int]


class KilledWorld(World):
    """Both systems, which remember what was written to them by lives that are over."""

    def __init__(self, folder: Path, life: int) -> None:
        super().__init__(ORDERS, DRIFTS, SEED, change_every=1_000_000)
        self._file = folder / "systems.jsonl"
        self._gate = False
        self.born = START + timedelta(minutes=10 * life)

    def go_on(self) -> None:
        """The drifts, and what earlier lives wrote; from now on every step waits."""
        self.drift()
        self.clock.now = self.born
        for line in self._file.read_text().splitlines() if self._file.exists() else ():
            number, truth, write = msgspec.json.decode(line, type=tuple[int, dict[str, object], Write])
            self.writes.append(write)
            self._restore(self.truth[number], truth)
        self._gate = True

    @staticmethod
    def _restore(truth: Truth, kept: dict[str, object]) -> None:
        for name, value in kept.items():
            setattr(truth, name, msgspec.convert(value, type=type(getattr(truth, name))))

    def step(self) -> None:
        if self._gate:
            print("step", flush=True)
            sys.stdin.readline()

    async def call(self, name: str) -> None:
        if name.endswith("write"):
            self._remember(self.writes[-1])
        await super().call(name)

    def _remember(self, write: Write) -> None:
        truth = self.truth[write.number]
        kept = {name: getattr(truth, name) for name in Truth.__slots__ if getattr(truth, name) is not None}
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode((write.number, kept, write)) + b"\n")


def live(folder: Path, life: int) -> None:
    world = KilledWorld(folder, life)
    process = Process(world, folder / "ledger.db")
    if life == 0:
        process.fill()
    world.go_on()
    sweep = asyncio.run(process.sweep())
    asyncio.run(process.come_to_rest())
    with process.engine.begin() as database:
        count = len(list_sweeps(database, limit=10))
    outcome = Outcome(
        drifted=set(world.drifted),
        found=set(process.found(sweep, "differing")),
        total=sweep.total,
        agreed=sweep.agreed,
        differing=sweep.differing,
        skipped=sweep.skipped,
        calls=sweep.calls,
        sweeps=count,
        writes=world.writes,
        left_for_people={n for n in world.still_differing() if world.waits_for_a_person(n)},
        left=world.still_differing(),
    )
    print(msgspec.json.encode(outcome).decode(), flush=True)


if __name__ == "__main__":
    live(Path(sys.argv[1]), int(sys.argv[2]))
