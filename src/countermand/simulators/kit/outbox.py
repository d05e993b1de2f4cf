"""Outgoing messages: queued by the application, delivered in the background, subject to hook faults."""

import asyncio
import heapq
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import count
from time import monotonic
from typing import TypedDict

import httpx2 as httpx
import msgspec

from countermand.simulators.kit.faults import FaultPlan
from countermand.simulators.kit.ledger import utc_now


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request to send; `kind` names it in the log, `delay_seconds` is the sender's own delay."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = {}
    body: bytes = b""
    kind: str = "hook"
    delay_seconds: float = 0.0


class Attempt(TypedDict):
    seq: int
    at: str
    kind: str
    url: str
    outcome: str  # delivered | refused | failed | dropped
    status: int | None
    error: str
    body: str


class Outbox:
    """Sends queued messages one after another, each once (no vendor retry is known).

    Used on the event loop only: `enqueue` from a handler, `run` as the application's background task.
    """

    def __init__(
        self, plan: FaultPlan, *, clock: Callable[[], datetime] = utc_now, timeout_seconds: float = 5.0
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._timeout = timeout_seconds
        self._due: list[tuple[float, int, Message]] = []
        self._order = count()
        self._wake = asyncio.Event()
        self._sending = 0
        self._attempts: list[Attempt] = []

    def enqueue(self, *messages: Message) -> None:
        """Queue messages to be sent in this order, unless a hook fault decides otherwise."""
        for message in messages:
            fate = self._plan.for_message()
            if not fate.delays:
                self._log(message, "dropped")
            for delay in fate.delays:
                due = monotonic() + message.delay_seconds + delay
                heapq.heappush(self._due, (due, next(self._order), message))
        self._wake.set()

    @property
    def pending(self) -> int:
        """How many messages have not been tried yet, the one under way included."""
        return len(self._due) + self._sending

    def attempts(self) -> list[Attempt]:
        """Return every attempt so far, dropped messages included, oldest first."""
        return list(self._attempts)

    async def run(self) -> None:
        """Deliver until cancelled."""
        # A connection that the receiver is just closing would lose the message, and none is sent twice.
        fresh = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=self._timeout, limits=fresh, trust_env=False) as client:
            while True:
                await self._wait_until_due()
                _, _, message = heapq.heappop(self._due)
                self._sending = 1
                await self._send(client, message)
                self._sending = 0

    async def _wait_until_due(self) -> None:
        while not self._due or self._due[0][0] > monotonic():
            self._wake.clear()
            wait = self._due[0][0] - monotonic() if self._due else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    async def _send(self, client: httpx.AsyncClient, message: Message) -> None:
        try:
            answer = await client.request(
                message.method, message.url, content=message.body, headers=dict(message.headers)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._log(message, "failed", error=f"{type(error).__name__}: {error}")
        else:
            outcome = "delivered" if answer.is_success else "refused"
            self._log(message, outcome, status=answer.status_code)

    def _log(self, message: Message, outcome: str, *, status: int | None = None, error: str = "") -> None:
        attempt = Attempt(
            seq=len(self._attempts) + 1,
            at=self._clock().isoformat(),
            kind=message.kind,
            url=message.url,
            outcome=outcome,
            status=status,
            error=error,
            body=message.body.decode("utf-8", "replace"),
        )
        self._attempts.append(attempt)
