"""Infigo as a `StorefrontPort`: reads by REST or MegaScript, writes by MegaScript only.

No REST call that cancels an order, ships it or sets a status is known, so without the script every write
is `unsupported`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import httpx2 as httpx
import msgspec
import structlog

from countermand.bridge.ports import Capability, OrderNotRead, StorefrontOrder
from countermand.core.command import Answer, Outcome
from countermand.core.status import GONE, Unreadable
from countermand.infigo.answers import answer_of
from countermand.infigo.capabilities import capabilities
from countermand.infigo.checking import check_connection
from countermand.infigo.client import InfigoClient
from countermand.infigo.orders import (
    SCRIPT_NAMES,
    BadAnswerError,
    OrderReader,
    rest_names,
    script_lines,
)
from countermand.infigo.settings import InfigoSettings
from countermand.vendor_http.bucket import Clock, Sleep
from countermand.vendor_http.fields import as_flag, as_text, compact, pick, rows
from countermand.vendor_http.transport import OnCall, Reply

#: `orders.read` and `orders.list` of the script take at most this many.
PAGE = 100
#: A listing longer than this is no listing that anybody asked for.
MOST_PAGES = 1000
_ORDER_ID = re.compile(r"[1-9][0-9]{0,14}")

_log = structlog.get_logger()

ReadResult = StorefrontOrder | OrderNotRead


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
        self._client = InfigoClient(settings, clock=clock, transport=transport, on_call=on_call, sleep=sleep)
        self._clock = clock
        self._script_reader = OrderReader(SCRIPT_NAMES, settings)
        self._rest_reader = OrderReader(rest_names(settings), settings)
        self._capabilities = capabilities(settings)

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return self._capabilities

    async def read_orders(self, order_ids: Sequence[str]) -> Sequence[ReadResult]:
        """Read orders by id; the script takes a hundred in one call, REST one."""
        asked = [order_id for order_id in dict.fromkeys(order_ids) if _ORDER_ID.fullmatch(order_id)]
        if self._settings.reads_by_script:
            found = await self._read_by_script(asked)
        else:
            found = dict(zip(asked, await asyncio.gather(*map(self._read_by_rest, asked)), strict=True))
        return [found.get(order_id) or self._no_such_id(order_id) for order_id in order_ids]

    async def list_orders(
        self, *, since: datetime, cancelled_only: bool = False
    ) -> Sequence[StorefrontOrder] | None:
        """Orders placed since a time; the script only. An order of which a single line was cancelled
        does not count as cancelled."""
        if not self._settings.has_script:
            return None
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        request: dict[str, object] = {"since": moment, "size": PAGE}
        if cancelled_only:
            request["orderStatus"] = "Cancelled"
        orders: dict[str, StorefrontOrder] = {}
        for page in range(MOST_PAGES):
            reply = await self._client.run_script("orders.list", {**request, "page": page})
            try:
                listed = self._listed(reply)
            except BadAnswerError as error:
                _log.warning("infigo.list.failed", page=page, why=str(error))
                return None
            orders.update((order.order_id, order) for order in listed)
            if as_flag(pick(reply.value, "more")) is not True or not listed:
                return list(orders.values())
        return None

    async def find_order_of_line(self, line_id: str) -> str | None:
        reply = await self._client.order_line(line_id)
        if not reply.ok or as_text(pick(reply.value, "Id")).lower() != line_id.lower():
            return None
        return as_text(pick(reply.value, "OrderId")) or None

    async def cancel(
        self,
        order_id: str,
        line_ids: Sequence[str] | None,
        *,
        note: str,
        seen: StorefrontOrder | None = None,
    ) -> Answer:
        """Cancel the whole order, or some of its lines.

        With `seen` (an order as the script read it), the storefront itself refuses the cancel when the
        shipping status has changed since then.
        """
        fields: dict[str, object] = {"note": note, **_expectation(seen)}
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
        return await self._write("order.note", order_id, {"note": text, "displayToCustomer": False})

    async def check(self) -> str | None:
        return await check_connection(self._client, self._settings)

    def order_url(self, order_id: str) -> str:
        base = self._settings.base_url.rstrip("/")
        return self._settings.admin_url_template.format(base=base, id=order_id)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _write(self, action: str, order_id: str, fields: Mapping[str, object]) -> Answer:
        if not self._settings.has_script:
            return Answer(
                outcome=Outcome.UNSUPPORTED,
                said="Infigo's REST API has no such call, and no MegaScript is set up (megascript_secret)",
            )
        reply = await self._client.run_script(action, {"orderId": order_id, **fields})
        return answer_of(reply, order_id=order_id, cancelling=action.endswith(".cancel"))

    async def _read_by_script(self, order_ids: Sequence[str]) -> dict[str, ReadResult]:
        found: dict[str, ReadResult] = {}
        for start in range(0, len(order_ids), PAGE):
            chunk = order_ids[start : start + PAGE]
            reply = await self._client.run_script("orders.read", {"orderIds": chunk})
            found.update(self._from_script(chunk, reply))
        return found

    def _from_script(self, order_ids: Iterable[str], reply: Reply) -> dict[str, ReadResult]:
        answered = rows(reply.value, "orders") if reply.ok else None
        if answered is None:
            why = _script_problem(reply)
            return {order_id: _unreadable(order_id, reply, why) for order_id in order_ids}
        by_id = {as_text(pick(row, "id")): row for row in answered}
        missing = {as_text(value) for value in rows(reply.value, "missing") or ()}
        return {
            order_id: self._order_from_script(order_id, by_id.get(order_id), missing, reply)
            for order_id in order_ids
        }

    def _order_from_script(self, order_id: str, row: object, missing: set[str], reply: Reply) -> ReadResult:
        if row is None and order_id in missing:
            return OrderNotRead(order_id=order_id, began_at=reply.began_at, status=GONE)
        if row is None:
            return _unreadable(order_id, reply, f"The script's answer leaves out order {order_id}")
        try:
            return self._script_reader.order(row, script_lines(row), reply.began_at, asked_for=order_id)
        except BadAnswerError as error:
            return _unreadable(order_id, reply, str(error), raw=compact(row))

    def _listed(self, reply: Reply) -> list[StorefrontOrder]:
        answered = rows(reply.value, "orders") if reply.ok else None
        if answered is None:
            raise BadAnswerError(_script_problem(reply))
        return [self._script_reader.order(row, script_lines(row), reply.began_at) for row in answered]

    async def _read_by_rest(self, order_id: str) -> ReadResult:
        reply = await self._client.order_detail(order_id)
        if _says_no_such_order(reply):
            return OrderNotRead(order_id=order_id, began_at=reply.began_at, status=GONE, raw=reply.said)
        if not reply.ok:
            return _unreadable(order_id, reply, reply.said)
        raw = compact(reply.value)
        try:
            lines = await self._rest_lines(reply.value)
            return self._rest_reader.order(reply.value, lines, reply.began_at, asked_for=order_id)
        except BadAnswerError as error:
            return _unreadable(order_id, reply, str(error), raw=raw)

    async def _rest_lines(self, detail: object) -> Sequence[object]:
        """The lines of `order/detail`; where it carries their ids only, each is read by itself."""
        lines = rows(detail, "OrderLineItems")
        if lines is None:
            raise BadAnswerError("Infigo's answer has an order without OrderLineItems")
        return await asyncio.gather(*map(self._whole_line, lines))

    async def _whole_line(self, line: object) -> object:
        line_id = as_text(line)
        if not line_id:
            return line
        reply = await self._client.order_line(line_id)
        if not reply.ok or reply.value is None:
            raise BadAnswerError(reply.said or f"Infigo does not know line {line_id} of its own order")
        return reply.value

    def _no_such_id(self, order_id: str) -> OrderNotRead:
        return OrderNotRead(
            order_id=order_id, began_at=self._clock(), status=GONE, raw="not an Infigo order number"
        )


def _says_no_such_order(reply: Reply) -> bool:
    """`null`, or a 404 in JSON.

    A web server's own 404 (a page, an empty body, ASP.NET's words for an unknown path) says that the
    address is wrong, and must not make every order look deleted.
    """
    if reply.ok:
        return reply.value is None
    return reply.status == 404 and reply.is_json and b"No HTTP resource" not in reply.body


def _unreadable(order_id: str, reply: Reply, why: str, *, raw: str = "") -> OrderNotRead:
    return OrderNotRead(order_id=order_id, began_at=reply.began_at, status=Unreadable(why), raw=raw)


def _script_problem(reply: Reply) -> str:
    said = as_text(pick(reply.value, "error.message"))
    return said or reply.said or "The answer is not one of countermand.megascript.js: check megascript_path"


def _expectation(seen: StorefrontOrder | None) -> dict[str, object]:
    """What the script holds a cancel against: the shipping status that was read, in Infigo's own words."""
    if seen is None or not seen.raw:
        return {}
    name = SCRIPT_NAMES.shipping_status
    shipping = as_text(pick(msgspec.json.decode(seen.raw), name))
    return {"expect": {name: shipping}} if shipping else {}
