"""printIQ's login token: how it is minted, kept, and minted again.

Public client code: one call that answers with the token as a JSON string; clients ask by POST with a
query, fall back to a form-encoded POST and then to GET, and keep a token for ten minutes.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec

from countermand.printiq.settings import PrintIQSettings
from countermand.vendor_http.bucket import Clock
from countermand.vendor_http.fields import as_text, pick
from countermand.vendor_http.reply import CallOutcome, Reply
from countermand.vendor_http.transport import VendorHttp

_NAME = "GetApplicationLogInToken"
_PATH = f"api/QuoteProcess/{_NAME}"
#: Query of a POST, form of a POST, query of a GET.
_WAYS = ("query", "form", "get")
#: A refused login is not repeated for so long, lest the account is locked.
_DENIED_REST = timedelta(seconds=30)


class Token(msgspec.Struct, frozen=True):
    text: str
    minted_at: datetime

    def __repr__(self) -> str:
        return f"Token(minted_at={self.minted_at})"


class Login:
    """The present token of one instance. Callers at the same time share one login."""

    def __init__(self, http: VendorHttp, settings: PrintIQSettings, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._life = timedelta(minutes=settings.token_minutes)
        self._credentials = {
            "UserName": settings.username,
            "Password": settings.password,
            "ApplicationName": settings.application_name,
            "ApplicationKey": settings.application_key,
        }
        self._token: Token | None = None
        self._denied: Reply | None = None
        self._way = _WAYS[0]
        self._way_has_worked = False
        self._minting = asyncio.Lock()

    async def token(self) -> Token | Reply:
        """The token to use, or the reply of the login that failed."""
        token = self._token
        if token is not None and self._clock() - token.minted_at < self._life:
            return token
        return await self.renew(token)

    async def anew(self) -> Token | Reply:
        """A new token, although the present one may still hold."""
        return await self.renew(self._token)

    async def renew(self, spent: Token | None = None) -> Token | Reply:
        """A new token, unless somebody else has replaced the spent one in the meantime."""
        async with self._minting:
            if self._token is not None and self._token is not spent:
                return self._token
            if self._denied is not None and self._clock() - self._denied.began_at < _DENIED_REST:
                return self._denied
            reply = await self._mint()
            text = _token_of(reply)
            self._token = Token(text, reply.began_at) if text else None
            self._http.replace_secret(text)
            if self._token is not None:
                return self._token
            failure = self._failure(reply)
            self._denied = failure if failure.outcome is CallOutcome.REFUSED else None
            return failure

    async def _mint(self) -> Reply:
        """Ask in the way that has worked, or in each way until one works.

        An instance may overlook credentials that come in an unexpected way and call the login wrong, so
        even a wrong login is tried in the other ways as long as none has ever worked.
        """
        reply = await self._ask(self._way)
        for way in () if self._way_has_worked else _WAYS:
            if way == self._way or not _may_be_the_way(reply):
                continue
            reply = await self._ask(way)
            if _token_of(reply):
                self._way = way
        self._way_has_worked = self._way_has_worked or bool(_token_of(reply))
        return reply

    def _failure(self, reply: Reply) -> Reply:
        message = as_text(pick(reply.value, "ErrorMessage")) if reply.ok else reply.said
        outcome = CallOutcome.REFUSED if reply.ok else reply.outcome
        said = self._http.mask(f"The login to printIQ failed: {message or 'the answer is no token'}")
        return msgspec.structs.replace(reply, outcome=outcome, said=said)

    async def _ask(self, way: str) -> Reply:
        if way == "form":
            return await self._http.call(_NAME, "POST", _PATH, form=self._credentials)
        method = "GET" if way == "get" else "POST"
        return await self._http.call(_NAME, method, _PATH, params=self._credentials)


def _token_of(reply: Reply) -> str:
    return reply.value if reply.ok and isinstance(reply.value, str) else ""


def _may_be_the_way(reply: Reply) -> bool:
    """There is no token, and it is no fault of the network or the server."""
    if _token_of(reply):
        return False
    return reply.outcome in (CallOutcome.ANSWERED, CallOutcome.UNEXPECTED, CallOutcome.REFUSED)
