"""Infigo's HTTP calls: authentication, paths and content checks; no meaning.

Sources: Academy 2290 and the official sample client (authentication), Academy's REST pages (paths).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from urllib.parse import quote

import httpx2 as httpx

from countermand.infigo.settings import InfigoSettings
from countermand.vendor_http.bucket import Clock, Sleep, TokenBucket
from countermand.vendor_http.reply import Content, Reply
from countermand.vendor_http.transport import OnCall, VendorHttp

_API = "services/api"


class InfigoClient:
    """One storefront's REST API and, where it is installed, Countermand's MegaScript."""

    def __init__(
        self,
        settings: InfigoSettings,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        on_call: OnCall | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._authorization = f"Basic {_credentials(settings)}"
        self._http = VendorHttp(
            system="Infigo",
            base_url=settings.base_url,
            timeout_seconds=settings.timeout_seconds,
            bucket=TokenBucket(
                rate=settings.calls_per_second, burst=settings.burst, clock=clock, sleep=sleep
            ),
            clock=clock,
            secrets=(*settings.secrets, _credentials(settings)),
            transport=transport,
            on_call=on_call,
        )

    @property
    def host(self) -> str:
        return self._http.host

    async def auth(self) -> Reply:
        """`GET /auth/{token}`: any 2xx that is no web page is good."""
        path = f"{_API}/auth/{quote(self._settings.token, safe='')}"
        return await self._get("auth", path, content=Content.ANY)

    async def order_detail(self, order_id: str) -> Reply:
        return await self._get("order/detail", f"{_API}/order/detail/{quote(order_id, safe='')}")

    async def order_line(self, line_id: str) -> Reply:
        """`GET /orderlineitem/get`: answers the literal `null` when nothing matches."""
        return await self._get("orderlineitem/get", f"{_API}/orderlineitem/get", params={"id": line_id})

    async def run_script(
        self, action: str, fields: Mapping[str, object], *, patience: float | None = None
    ) -> Reply:
        """Trigger the MegaScript with one request of its protocol (see countermand.megascript.js)."""
        return await self._http.call(
            f"megascript/{action}",
            "POST",
            self._settings.megascript_path,
            json={"action": action, **fields},
            headers={
                "Authorization": self._authorization,
                "X-Countermand-Secret": self._settings.megascript_secret,
            },
            patience=patience,
        )

    def mask(self, text: str) -> str:
        return self._http.mask(text)

    def without_secrets(self, text: str) -> str:
        return self._http.without_secrets(text)

    def clock_problem(self) -> str | None:
        return self._http.clock_problem()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _get(
        self,
        name: str,
        path: str,
        *,
        content: Content = Content.JSON,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        headers = {"Authorization": self._authorization, "Accept": "application/json"}
        return await self._http.call(name, "GET", path, content=content, params=params, headers=headers)


def _credentials(settings: InfigoSettings) -> str:
    if settings.auth_style == "raw":
        return settings.token
    return base64.b64encode(f"{settings.token}:".encode()).decode()
