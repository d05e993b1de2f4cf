"""An event loop on simulated time: nothing waits, and what happens next is decided by time and order alone."""  # noqa: E501

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

Result = TypeVar("Result")

#: When every history begins: a Monday morning.
EPOCH = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


class _Call(asyncio.TimerHandle):
    """What to call, and whether it still shall be; nothing is kept for debugging, for there are millions."""

    __slots__ = ()

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> None:
        self._callback = callback
        self._args = args
        self._context = context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True


class SimulatedLoop(asyncio.AbstractEventLoop):
    """The part of an event loop that tasks, futures and timers need; time jumps from timer to timer.

    `after_each`: called after every callback, with nothing of ours half done: where invariants are checked.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._ready: deque[_Call] = deque()
        self._timers: list[tuple[float, int, _Call]] = []
        self._order = count()
        self.failure: BaseException | None = None
        self.after_each: Callable[[], None] = lambda: None

    # Time

    def time(self) -> float:
        """Seconds since the history began."""
        return self._now

    def moment(self) -> datetime:
        """The true time in this world, whatever our own clock says."""
        return EPOCH + timedelta(seconds=self._now)

    def next_at(self) -> float:
        """When something happens next, in seconds; now, where something is ready."""
        while self._timers and self._timers[0][2]._cancelled:
            heapq.heappop(self._timers)
        return self._now if self._ready or not self._timers else self._timers[0][0]

    # Running

    def run_until(self, end: float) -> None:
        """Let everything happen that is due before `end`; raises what a callback or a task raised."""
        events._set_running_loop(self)
        try:
            self._run(end)
        finally:
            events._set_running_loop(None)

    def _run(self, end: float) -> None:
        while True:
            while self._ready:
                call = self._ready.popleft()
                if not call._cancelled:
                    if call._context is None:
                        call._callback(*call._args)
                    else:
                        call._context.run(call._callback, *call._args)
                    if self.failure is not None:
                        raise self.failure
                    self.after_each()
            if not self._timers or self._timers[0][0] > end:
                self._now = max(self._now, end)
                return
            when, _, timer = heapq.heappop(self._timers)
            if not timer._cancelled:
                self._now = max(self._now, when)
                self._ready.append(timer)

    # What asyncio asks of a loop

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        call = _Call(callback, args, context)
        self._ready.append(call)
        return call

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = _Call(callback, args, context)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Result], **kwargs: Any) -> asyncio.Task[Result]:  # type: ignore[override]  # typeshed's signature differs between versions
        return asyncio.Task(coro, loop=self, **kwargs)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A bug in the simulation or in us; a task that dies with its process is nobody's bug."""
        error = context.get("exception")
        if error is not None and self.failure is None:
            self.failure = error
