"""One vendor's HTTP endpoint: a call that never raises for what the vendor or the network did.

Redirects are never followed and no other host is ever contacted: the configured address is the allow-list.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import quote

import httpx2 as httpx
import msgspec

from countermand.vendor_http.bucket import Clock, TokenBucket
from countermand.vendor_http.reply import CallOutcome, Content, Reply, judge

#: Larger than anything a vendor has reason to send.
MOST_BYTES = 32 * 1024 * 1024
MOST_AT_ONCE = 4
#: Servers close an idle connection after a few seconds; a write on one that is just being closed would have
#: an unknown outcome, so ours are let go earlier.
_LIMITS = httpx.Limits(keepalive_expiry=2.0)
_SAID_LENGTH = 300
_SHORTEST_SECRET = 4
#: A write waits out no longer pause than this, in seconds: what it was decided on would be old by then.
WRITE_PATIENCE = 5.0
_DEFAULT_PAUSE = timedelta(seconds=5)
#: Clocks that differ by no more are the same to us: an answer shows whole seconds, at some moment of a call.
_SAME_TIME = timedelta(minutes=1)


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One API call that was made; `began_at` is UTC."""

    system: str
    name: str
    began_at: datetime
    seconds: float
    outcome: CallOutcome


OnCall = Callable[[CallRecord], None]


class VendorHttp:
    """Calls to one vendor's host, with a budget, a total time-out per call, and an observer.

    Use it within one event loop; `aclose` ends its connections.
    """

    def __init__(
        self,
        *,
        system: str,
        base_url: str,
        timeout_seconds: float,
        bucket: TokenBucket,
        clock: Clock,
        secrets: Sequence[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self._system = system
        self._base = httpx.URL(base_url.rstrip("/") + "/")
        self._timeout_seconds = timeout_seconds
        self._bucket = bucket
        self._clock = clock
        self._on_call = on_call
        self._given_secrets = tuple(secrets)
        self._secrets = _spellings(secrets)
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._ahead = timedelta()
        # Proxies and .netrc from the environment would carry tokens to hosts nobody configured.
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=timeout_seconds,
            limits=_LIMITS,
            follow_redirects=False,
            trust_env=False,
            verify=_trust(),
        )

    @property
    def host(self) -> str:
        return self._base.netloc.decode()

    def is_own(self, url: str) -> bool:
        """Whether an address, relative or whole, leads to the configured host."""
        try:
            target = self._base.join(url)
        except httpx.InvalidURL:
            return False
        return _origin(target) == _origin(self._base)

    async def call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        content: Content = Content.JSON,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        patience: float | None = None,
    ) -> Reply:
        """Make one call; `path` is relative to the base address, or a whole address on the same host.

        `patience`: for how many seconds a pause that the vendor asked for is waited out (none: one time-out);
        where it is longer, the call is answered as held back, and not made.

        Raises:
            ValueError: the address leads to another host (a programming error).
        """
        target = path if _is_whole(path) else path.lstrip("/")
        if not self.is_own(target):
            raise ValueError(f"{self._system} calls go to {self.host} only")
        request = self._client.build_request(
            method,
            self._base.join(target),
            params=params,
            headers=dict(headers or {}),
            content=body if json is None else msgspec.json.encode(json),
            data=form,
        )
        if json is not None:
            request.headers["Content-Type"] = "application/json"
        patience = self._timeout_seconds if patience is None else patience
        if self._bucket.pause_left() > patience:
            return self._held_back()
        async with self._places:
            if not await self._bucket.take(patience):
                return self._held_back()
            return await self._send(name, request, content)

    async def aclose(self) -> None:
        await self._client.aclose()

    def replace_secret(self, issued: str) -> None:
        """Mask one more secret that the vendor has issued, in place of the one issued before."""
        self._secrets = _spellings((*self._given_secrets, issued))

    def without_secrets(self, text: str) -> str:
        """The text with every configured secret, and the one issued last, struck out."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def mask(self, text: str) -> str:
        """The same on one line, shortened; only then, for half a secret would not be known for one."""
        text = " ".join(self.without_secrets(text).split())
        return text if len(text) <= _SAID_LENGTH else text[: _SAID_LENGTH - 1] + "…"

    def clock_problem(self) -> str | None:
        """By how much our clock differs from the vendor's, as its last answer had it; none if they agree."""
        if abs(self._ahead) <= _SAME_TIME:
            return None
        which, by = ("ahead of", self._ahead) if self._ahead > timedelta() else ("behind", -self._ahead)
        difference = timedelta(seconds=round(by.total_seconds()))
        return (
            f"This machine's clock is {difference} {which} that of {self.host}: set it right, because undo"
            " windows, opening hours and due times go by it"
        )

    def _held_back(self) -> Reply:
        """A long pause that the vendor asked for must not stop whoever wants other things meanwhile."""
        left = self._bucket.pause_left()
        return Reply(
            outcome=CallOutcome.HELD_BACK,
            began_at=self._clock(),
            said=f"{self._system} at {self.host} asked for a pause; {left:.0f} s of it are left",
        )

    async def _send(self, name: str, request: httpx.Request, content: Content) -> Reply:
        began_at = self._clock()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reply = await self._exchange(request, content, began_at)
        except (TimeoutError, httpx.TimeoutException):
            reply = Reply(
                outcome=CallOutcome.TIMED_OUT,
                began_at=began_at,
                said=f"{self._system} at {self.host} did not answer within {self._timeout_seconds:g} s",
            )
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            reply = Reply(
                outcome=CallOutcome.UNREACHABLE,
                began_at=began_at,
                said=self.mask(
                    f"{self._system} at {self.host} could not be reached: {error or type(error).__name__}"
                ),
            )
        if self._on_call:
            seconds = max(0.0, (self._clock() - began_at).total_seconds())
            self._on_call(
                CallRecord(
                    system=self._system, name=name, began_at=began_at, seconds=seconds, outcome=reply.outcome
                )
            )
        return reply

    async def _exchange(self, request: httpx.Request, content: Content, began_at: datetime) -> Reply:
        response = await self._client.send(request, stream=True)
        try:
            body = await _read_limited(response)
        finally:
            await response.aclose()
        self._ahead = _ahead_of(response, began_at)
        if (pause := _pause(response, began_at)) is not None:
            self._bucket.pause(pause)
        judged = judge(response.status_code, response.headers.get("Content-Type", ""), body, content)
        return Reply(
            outcome=judged.outcome,
            began_at=began_at,
            status=response.status_code,
            body=body or b"",
            value=judged.value,
            is_json=judged.is_json,
            said=self.mask(f"{self._system} at {self.host} answered {judged.why}") if judged.why else "",
        )


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that are trusted: read once, since reading them takes a twentieth of a second."""
    return httpx.create_ssl_context(trust_env=False)


def _is_whole(url: str) -> bool:
    return "://" in url or url.startswith("//")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _spellings(secrets: Sequence[str]) -> tuple[str, ...]:
    """Each secret as it stands, as it looks inside an address and as Python quotes it; longest first.

    What is shorter than four characters cannot be told from ordinary words.
    """
    spellings = {spelling for secret in secrets for spelling in _spelt(secret)}
    spellings = {spelling for spelling in spellings if len(spelling) >= _SHORTEST_SECRET}
    return tuple(sorted(spellings, key=len, reverse=True))


def _spelt(secret: str) -> tuple[str, str, str]:
    return secret, quote(secret, safe=""), repr(secret)[1:-1]


async def _read_limited(response: httpx.Response) -> bytes | None:
    """The whole body, or none when there is more of it than `MOST_BYTES`."""
    received = bytearray()
    async for chunk in response.aiter_bytes():
        received += chunk
        if len(received) > MOST_BYTES:
            return None
    return bytes(received)


def _pause(response: httpx.Response, now: datetime) -> timedelta | None:
    """How long the vendor asks to be left alone; none where it does not ask."""
    if response.status_code == 429:
        asked = _retry_after(response, now)
        return _DEFAULT_PAUSE if asked is None else asked
    return _retry_after(response, now) if response.status_code == 503 else None


def _retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """What `Retry-After` says, in seconds or as a time by the vendor's own clock; none if neither."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value), 86_400) if len(value) < 9 else 86_400)
    until = _time_in(value)
    vendors_now = _time_in(response.headers.get("Date", "")) or now
    return None if until is None else max(until - vendors_now, timedelta())


def _time_in(value: str) -> datetime | None:
    """An HTTP time; one without a zone is none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo is not None else None


def _ahead_of(response: httpx.Response, began_at: datetime) -> timedelta:
    """By how much our clock is ahead of the one that dated an answer; nothing where it has no date."""
    dated = _time_in(response.headers.get("Date", ""))
    return timedelta() if dated is None else began_at - dated


def _no_request_lines(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO


# httpx logs each request's address at INFO, and both vendors take tokens and passwords in addresses.
logging.getLogger("httpx2").addFilter(_no_request_lines)
