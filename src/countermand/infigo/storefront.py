"""Infigo as a `StorefrontPort`: reads by REST or MegaScript, writes by MegaScript only.

No REST call that cancels an order, ships it or sets a status is known, so without the script every write
is `unsupported`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx2 as httpx
import structlog

from countermand.bridge.ports import Capability, OrderNotRead, StorefrontOrder
from countermand.core.command import Answer, Outcome
from countermand.core.status import GONE, Unreadable
from countermand.infigo.answers import answer_of
from countermand.infigo.capabilities import capabilities
from countermand.infigo.checking import check_connection
from countermand.infigo.client import InfigoClient
from countermand.infigo.orders import SCRIPT_NAMES, BadAnswerError
from countermand.infigo.reading import ReadResult, RestReading, ScriptReading
from countermand.infigo.settings import InfigoSettings
from countermand.vendor_http.bucket import Clock, Sleep
from countermand.vendor_http.fields import as_text, pick
from countermand.vendor_http.transport import WRITE_PATIENCE, OnCall

_ORDER_ID = re.compile(r"[1-9][0-9]{0,14}")

#: In the script's own way to count, which takes some characters for two.
_MOST_NOTE = 2000

_log = structlog.get_logger()


class InfigoStorefront:
    """One storefront. Give it a clock in UTC; close it with `aclose` in the event loop it was used in."""

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
        self._clock = clock
        self._client = InfigoClient(settings, clock=clock, transport=transport, on_call=on_call, sleep=sleep)
        self._script = ScriptReading(self._client, settings)
        self._rest = RestReading(self._client, settings)
        self._capabilities = capabilities(settings)

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return self._capabilities

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[ReadResult]:
        """Read orders by id; the script takes a hundred in one call, REST one."""
        asked = [order_id for order_id in dict.fromkeys(order_ids) if _ORDER_ID.fullmatch(order_id)]
        source = self._script if self._settings.reads_by_script else self._rest
        found = await source.read(asked)
        return [found.get(order_id) or self._no_such_id(order_id) for order_id in order_ids]

    async def describe(self, order_id: str) -> StorefrontOrder | OrderNotRead | None:
        """What the script cannot see, by REST; without the script `read_orders` has it all already."""
        if not self._settings.reads_by_script or not _ORDER_ID.fullmatch(order_id):
            return None
        return (await self._rest.read([order_id])).get(order_id)

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[ReadResult] | None:
        """Orders placed since a time; by script only.

        An order of which a single line was cancelled is not among the cancelled ones.
        """
        if not self._settings.has_script:
            return None
        try:
            return await self._script.placed_since(since, cancelled_only=cancelled_only)
        except BadAnswerError as error:
            _log.warning("infigo.list.failed", why=str(error))
            return None

    async def placed_between(self, since: datetime, until: datetime) -> Sequence[ReadResult] | None:
        """Orders placed within a span of time, for a first import; by script only, none if it failed."""
        if not self._settings.has_script:
            return None
        try:
            return await self._script.placed_since(since, until=until)
        except BadAnswerError as error:
            _log.warning("infigo.list.failed", why=str(error))
            return None

    async def find_order_of_line(self, line_id: str) -> str | Unreadable | None:
        reply = await self._client.order_line(line_id)
        if not reply.ok:
            return None if reply.status == 404 else Unreadable(reply.said)
        answered = as_text(pick(reply.value, "Id")).lower()
        # Its type letter stands in a field of its own too, so the number alone may be the id.
        if not answered or answered not in (line_id.lower(), line_id[1:]):
            return None
        return as_text(pick(reply.value, "OrderId")) or None

    async def cancel(
        self, order_id: str, line_ids: Sequence[str] | None, *, note: str, fence: str = ""
    ) -> Answer:
        """Cancel the whole order, or some of its lines.

        `fence` is the shipping status that was read, in Infigo's own words: the script refuses the cancel
        when it has changed since.
        """
        fields: dict[str, object] = {"note": _fitting(note), **_expectation(fence)}
        if line_ids is not None:
            return await self._write("lines.cancel", order_id, {**fields, "jobIds": list(line_ids)})
        flags = {
            "notifyCustomer": self._settings.notify_customer,
            "notifyMis": self._settings.notify_mis,
        }
        return await self._write("order.cancel", order_id, {**fields, **flags})

    async def ship(self, order_id: str, *, tracking: str, partial: bool) -> Answer:
        status = "PartiallyShipped" if partial else "Shipped"
        fields = {"shippingStatus": status, "trackingNumber": tracking}
        return await self._write("order.ship", order_id, fields)

    async def track(self, order_id: str, *, tracking: str) -> Answer:
        return await self._write("order.track", order_id, {"trackingNumber": tracking})

    async def note(self, order_id: str, text: str) -> Answer:
        fields = {"note": _fitting(text), "displayToCustomer": False}
        return await self._write("order.note", order_id, fields, patience=None)

    async def check(self) -> str | None:
        return await check_connection(self._client, self._settings, self._clock())

    def order_url(self, order_id: str) -> str:
        base = self._settings.base_url.rstrip("/")
        return self._settings.admin_url_template.format(base=base, id=order_id)

    def without_secrets(self, text: str) -> str:
        """The text with the secrets of this system struck out."""
        return self._client.without_secrets(text)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _write(
        self,
        action: str,
        order_id: str,
        fields: Mapping[str, object],
        patience: float | None = WRITE_PATIENCE,
    ) -> Answer:
        if not self._settings.has_script:
            return Answer(
                outcome=Outcome.UNSUPPORTED,
                said="Infigo's REST API has no such call, and no MegaScript is set up (megascript_secret)",
            )
        request = {"orderId": order_id, **fields}
        reply = await self._client.run_script(action, request, patience=patience)
        return answer_of(reply, order_id=order_id, cancelling=action.endswith(".cancel"))

    def _no_such_id(self, order_id: str) -> OrderNotRead:
        return OrderNotRead(
            order_id=order_id, began_at=self._clock(), status=GONE, raw="not an Infigo order number"
        )


def _fitting(note: str) -> str:
    """The note within what the script takes: it refuses a cancel with a longer one."""
    fits = len(note.encode("utf-16-le")) <= 2 * _MOST_NOTE
    return note if fits else f"{note[: _MOST_NOTE // 2 - 1]}…"


def _expectation(fence: str) -> dict[str, object]:
    return {"expect": {SCRIPT_NAMES.shipping_status: fence}} if fence else {}
