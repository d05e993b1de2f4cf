"""The line to one system: time both ways, faults, and calls that arrive although nobody waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.simulation.dice import Dice
from countermand.simulation.life import Life
from countermand.simulation.loop import SimulatedLoop
from countermand.simulation.weather import READ_FAULTS, WRITE_FAULTS, Fault, Weather

#: How long a client of ours waits for an answer, in seconds.
PATIENCE = 30.0

_NOT_APPLIED = frozenset(
    {Fault.ERROR, Fault.HTML, Fault.THROTTLED, Fault.UNREACHABLE, Fault.TIME_OUT, Fault.IGNORED}
)
_UNKNOWN = frozenset(
    {Fault.ERROR, Fault.ERROR_APPLIED, Fault.HTML, Fault.THROTTLED, Fault.UNREACHABLE, Fault.TIME_OUT,
     Fault.TIME_OUT_APPLIED}
)  # fmt: skip
#: Faults after which nothing was read at all.
UNREADABLE = frozenset(
    {Fault.TIME_OUT, Fault.ERROR, Fault.HTML, Fault.THROTTLED, Fault.UNREACHABLE, Fault.EXPIRED}
)
#: Faults after which something is left out.
INCOMPLETE = frozenset({Fault.PARTIAL, Fault.MISSING})


class WriteCall(msgspec.Struct, frozen=True, kw_only=True):
    """A write of ours at the moment it leaves: what the invariants hold against what was stored before."""

    at: float
    side: str
    change: str
    order_id: str
    about: tuple[str, ...]


class Call:
    """One call over the line: its own luck, whatever else happens at the time."""

    def __init__(self, line: Line, faults: Sequence[Fault], about: str) -> None:
        self._line = line
        self.dice = line.dice(about)
        self.fault = line.weather.meets(line.side, line.loop.time(), faults, self.dice)

    async def travel(self) -> None:
        """One way over the line; the process may be dead when it is through."""
        typical = 6.0 if self.fault is Fault.SLOW else 0.15
        await self._wait(self.dice.soon(typical, 14.0))

    async def wait_in_vain(self) -> None:
        await self._wait(PATIENCE)

    async def wait_for(self, answers: Sequence[Answer]) -> None:
        deadline = self._line.loop.time() + PATIENCE
        while not answers and self._line.loop.time() < deadline:
            await self._wait(0.5)

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._line.life.step(f"waiting for the {self._line.side}")


class Line:
    """One side's line: time, faults and the watcher of what we send."""

    def __init__(
        self,
        side: str,
        loop: SimulatedLoop,
        life: Life,
        weather: Weather,
        seed: int,
        sent: Callable[[WriteCall], None],
    ) -> None:
        self.side = side
        self.loop = loop
        self.life = life
        self.weather = weather
        self._seed = seed
        self._sent = sent

    def dice(self, about: str, at: float | None = None) -> Dice:
        return Dice(self._seed, f"{self.side} {about} {self.loop.time() if at is None else at:.3f}")

    def is_clear(self, about: str, at: float) -> bool:
        """Whether a read that left at that time would meet no fault."""
        return self.weather.meets(self.side, at, READ_FAULTS, self.dice(about, at)) is None

    async def read(self, about: str) -> tuple[Call, float]:
        """Go there and back; also how old the news is that comes back, in seconds."""
        self.life.step(f"before a read of the {self.side}")
        call = Call(self, READ_FAULTS, about)
        if call.fault is Fault.TIME_OUT:
            await call.wait_in_vain()
            return call, 0.0
        await call.travel()
        if call.fault is Fault.EXPIRED and call.dice.chance(0.7):
            await call.travel()
            call.fault = None
        return call, call.dice.between(1, 60) if call.fault is Fault.STALE else 0.0

    async def list_all(self, about: str) -> tuple[Call, float]:
        """Like `read`, of everything that is new."""
        call, lag = await self.read(about)
        if call.fault not in (None, Fault.SLOW):
            self.life.listing_fails()
        return call, lag

    async def write(
        self, change: str, order_id: str, about: Sequence[str], act: Callable[[], Answer]
    ) -> Answer:
        """Send one write; what arrives there takes effect whether or not we live to hear of it."""
        self.life.step(f"before a write to the {self.side}")
        call = Call(self, WRITE_FAULTS, f"{change} {order_id} {' '.join(about)}")
        leaving = WriteCall(
            at=self.loop.time(), side=self.side, change=change, order_id=order_id, about=tuple(about)
        )
        self._sent(leaving)
        if call.fault is Fault.EXPIRED:
            await call.travel()
            if call.dice.chance(0.2):
                return Answer(outcome=Outcome.REFUSED, reason=RefusalReason.NOT_ALLOWED, said="401")
            call.fault = None
        answers: list[Answer] = []
        if call.fault not in _NOT_APPLIED:
            self.loop.call_later(call.dice.soon(0.15, 20.0), lambda: answers.append(act()))
        if call.fault in (Fault.TIME_OUT, Fault.TIME_OUT_APPLIED):
            await call.wait_in_vain()
        else:
            await call.travel()
            if call.fault not in _NOT_APPLIED:
                await call.wait_for(answers)
        return _answer(call.fault, answers)


def _answer(fault: Fault | None, answers: Sequence[Answer]) -> Answer:
    """What our client makes of what came back."""
    if fault is Fault.IGNORED:
        return Answer(outcome=Outcome.APPLIED, said="Success")
    if fault in _UNKNOWN or not answers:
        return Answer(outcome=Outcome.UNKNOWN, said=fault.value if fault else "no answer in time")
    return answers[0]
