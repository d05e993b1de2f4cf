"""printIQ's HTTP calls: the envelope, OData's header and the SOAP post; no meaning.

Sources: `webhooks-create-quote` (LoginToken, envelope), public client code (the token call with its
fall-backs, OData), `api-soap-status-update` (SOAP).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import httpx2 as httpx
import msgspec

from countermand.printiq import soap
from countermand.printiq.login import Login, Token
from countermand.printiq.settings import PrintIQSettings
from countermand.vendor_http.bucket import Clock, Sleep, TokenBucket
from countermand.vendor_http.fields import as_flag, as_text, pick
from countermand.vendor_http.reply import CallOutcome, Content, Reply
from countermand.vendor_http.transport import WRITE_PATIENCE, OnCall, VendorHttp

_QUOTE_PROCESS = "api/QuoteProcess"
_ODATA = "api/v1/odata"
#: Words by which an error text blames the login (a guess: error texts are not documented).
_BLAMES_LOGIN = re.compile(r"token|log[ -]?in|logged|session|expired|unauthori[sz]ed", re.IGNORECASE)


class PrintIQClient:
    """One printIQ instance's JSON API, OData and SOAP service."""

    def __init__(
        self,
        settings: PrintIQSettings,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        on_call: OnCall | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._http = VendorHttp(
            system="printIQ",
            base_url=settings.base_url,
            timeout_seconds=settings.timeout_seconds,
            bucket=TokenBucket(
                rate=settings.calls_per_second, burst=settings.burst, clock=clock, sleep=sleep
            ),
            clock=clock,
            secrets=settings.secrets,
            transport=transport,
            on_call=on_call,
        )
        self._login = Login(self._http, settings, clock)

    async def quote_process(self, method: str, request: Mapping[str, object]) -> Reply:
        """One *reading* call of the JSON API; `IsError` comes back as a refusal with its message.

        A failure that may be the token's is tried once more with a fresh token, so never send a write
        through here.
        """
        token = await self._login.token()
        if isinstance(token, Reply):
            return token
        reply = await self._post(method, request, token)
        if not _may_be_the_token(reply):
            return reply
        renewed = await self._login.renew(token)
        return renewed if isinstance(renewed, Reply) else await self._post(method, request, renewed)

    def without_secrets(self, text: str) -> str:
        return self._http.without_secrets(text)

    def clock_problem(self) -> str | None:
        return self._http.clock_problem()

    async def log_in(self) -> Reply | None:
        """Mint a token; none when that worked, else how it failed."""
        token = await self._login.anew()
        return token if isinstance(token, Reply) else None

    async def odata(self, entity: str, query: Mapping[str, str]) -> Reply:
        """The first page of an OData query."""
        # OData servers read `+` as a plus sign, so blanks have to travel as %20.
        text = urlencode(query, quote_via=quote, safe="$'(),:")
        return await self.odata_page(entity, f"{_ODATA}/{quote(entity)}?{text}")

    async def odata_page(self, entity: str, url: str) -> Reply:
        """One page of OData by its address, which is on this instance's host."""
        headers = {"PrintIQ-Access-Token": self._settings.odata_token, "Accept": "application/json"}
        return await self._http.call(f"OData.{entity}", "GET", url, headers=headers)

    def is_own(self, url: str) -> bool:
        """Whether an address leads to this instance's host."""
        return self._http.is_own(url)

    async def cancel_job(self, job_no: str) -> Reply:
        """`RunEvent` with `CHANGE_STATUS` to 17. Not repeated whatever happens."""
        body = soap.cancel_request(
            job_no=job_no,
            system=self._settings.soap_system,
            file_refs=self._settings.file_refs,
            note="Cancelled in the storefront",
        )
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{soap.ACTION}"'}
        path = self._settings.soap_path
        return await self._http.call(
            "RunEvent", "POST", path, content=Content.XML, body=body, headers=headers, patience=WRITE_PATIENCE
        )

    async def wsdl(self) -> Reply:
        path = f"{self._settings.soap_path}?wsdl"
        return await self._http.call("wsdl", "GET", path, content=Content.XML)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _post(self, method: str, request: Mapping[str, object], token: Token) -> Reply:
        reply = await self._http.call(
            method,
            "POST",
            f"{_QUOTE_PROCESS}/{method}",
            params={"LoginToken": token.text},
            json=dict(request),
            headers={"Accept": "application/json"},
        )
        return self._opened(reply)

    def _opened(self, reply: Reply) -> Reply:
        """The reply with its envelope read: errors come as HTTP 200 with `IsError`."""
        if not reply.ok:
            return reply
        if not isinstance(reply.value, Mapping):
            return _as(reply, CallOutcome.UNEXPECTED, "printIQ answered without its envelope (IsError)")
        flag = pick(reply.value, "IsError")
        if flag is None or as_flag(flag) is False:
            return reply
        message = as_text(pick(reply.value, "ErrorMessage")) or "an error without a message"
        return _as(reply, CallOutcome.REFUSED, self._http.mask(f"printIQ answered: {message}"))


def blames_login(reply: Reply) -> bool:
    """Whether a refusal may be about our login and so about nothing that was asked for."""
    return reply.outcome is CallOutcome.REFUSED and bool(_BLAMES_LOGIN.search(reply.said))


def _may_be_the_token(reply: Reply) -> bool:
    if reply.outcome is CallOutcome.UNEXPECTED or reply.status in (401, 403):
        return True
    return blames_login(reply)


def _as(reply: Reply, outcome: CallOutcome, said: str) -> Reply:
    return msgspec.structs.replace(reply, outcome=outcome, said=said)
