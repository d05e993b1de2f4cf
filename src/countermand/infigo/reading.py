"""Reading orders: through the MegaScript, a hundred in one call, or through REST, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from countermand.bridge.faults import FAULTS, in_short, traceback_of
from countermand.bridge.ports import OrderNotRead, StorefrontOrder
from countermand.core.status import GONE, Unreadable
from countermand.infigo.client import InfigoClient
from countermand.infigo.orders import (
    SCRIPT_NAMES,
    BadAnswerError,
    OrderReader,
    rest_names,
    script_lines,
)
from countermand.infigo.settings import InfigoSettings
from countermand.vendor_http.fields import as_flag, as_text, compact, pick, rows
from countermand.vendor_http.reply import Reply

#: `orders.read` and `orders.list` of the script take at most this many.
PAGE = 100
#: A listing longer than this is no listing that anybody asked for.
MOST_PAGES = 1000
#: A page may show nothing new, as where the first one comes twice; more of them in a row are past the end.
_MOST_REPEATS = 1

_log = structlog.get_logger()

ReadResult = StorefrontOrder | OrderNotRead


class ScriptReading:
    """Orders as countermand.megascript.js shows them."""

    def __init__(self, client: InfigoClient, settings: InfigoSettings) -> None:
        self._client = client
        self._reader = OrderReader(SCRIPT_NAMES, settings)

    async def read(self, order_ids: Sequence[str]) -> Mapping[str, ReadResult]:
        found: dict[str, ReadResult] = {}
        for start in range(0, len(order_ids), PAGE):
            chunk = order_ids[start : start + PAGE]
            found |= self._results(chunk, await self._client.run_script("orders.read", {"orderIds": chunk}))
        return found

    async def placed_since(
        self, since: datetime, *, until: datetime | None = None, cancelled_only: bool = False
    ) -> Sequence[ReadResult]:
        """Orders placed since a time (and until another), each once; those on which we fail as not read.

        Raises:
            BadAnswerError: a page could not be read, so the listing would not be whole.
        """
        request: dict[str, object] = {"since": moment_text(since), "size": PAGE}
        if until is not None:
            request["until"] = moment_text(until)
        if cancelled_only:
            request["orderStatus"] = "Cancelled"
        orders: dict[str, ReadResult] = {}
        repeats = 0
        for page in range(MOST_PAGES):
            reply = await self._client.run_script("orders.list", {**request, "page": page})
            listed = {one.order_id: one for one in (self._listed(row, reply) for row in _order_rows(reply))}
            repeats = repeats + 1 if listed.keys() <= orders.keys() else 0
            orders |= listed
            if as_flag(pick(reply.value, "more")) is not True or not listed or repeats > _MOST_REPEATS:
                return list(orders.values())
        raise BadAnswerError(f"The listing has more than {MOST_PAGES} pages")

    def _listed(self, row: object, reply: Reply) -> ReadResult:
        """One order of a listing. One that cannot be read, or on which we fail, holds up no other."""
        order_id = as_text(pick(row, "id"))
        try:
            return self._reader.order(row, script_lines(row), reply.began_at)
        except BadAnswerError as error:
            if not order_id:
                raise
            return _unreadable(order_id, reply, str(error))
        except FAULTS as fault:
            if not order_id:
                raise
            mask = self._client.without_secrets
            _log.error("infigo.order.failed", order=order_id, exception=traceback_of(fault, mask))
            return _unreadable(
                order_id, reply, f"Reading it failed, which is a fault of ours: {in_short(fault, mask)}"
            )

    def _results(self, order_ids: Sequence[str], reply: Reply) -> dict[str, ReadResult]:
        try:
            by_id = {as_text(pick(row, "id")): row for row in _order_rows(reply)}
        except BadAnswerError as error:
            return {order_id: _unreadable(order_id, reply, str(error)) for order_id in order_ids}
        missing = {as_text(value) for value in rows(reply.value, "missing") or ()}
        return {
            order_id: self._result(order_id, by_id.get(order_id), missing, reply) for order_id in order_ids
        }

    def _result(self, order_id: str, row: object, missing: set[str], reply: Reply) -> ReadResult:
        if row is None and order_id in missing:
            return OrderNotRead(order_id=order_id, began_at=reply.began_at, status=GONE)
        if row is None:
            return _unreadable(order_id, reply, f"The script's answer leaves out order {order_id}")
        try:
            return self._reader.order(row, script_lines(row), reply.began_at, asked_for=order_id)
        except BadAnswerError as error:
            return _unreadable(order_id, reply, str(error), raw=compact(row))


class RestReading:
    """Orders as `order/detail` shows them."""

    def __init__(self, client: InfigoClient, settings: InfigoSettings) -> None:
        self._client = client
        self._reader = OrderReader(rest_names(settings), settings)

    async def read(self, order_ids: Sequence[str]) -> Mapping[str, ReadResult]:
        return dict(zip(order_ids, await asyncio.gather(*map(self._read_one, order_ids)), strict=True))

    async def _read_one(self, order_id: str) -> ReadResult:
        reply = await self._client.order_detail(order_id)
        if _says_no_such_order(reply):
            return OrderNotRead(order_id=order_id, began_at=reply.began_at, status=GONE, raw=reply.said)
        if not reply.ok:
            return _unreadable(order_id, reply, reply.said)
        try:
            lines = await self._whole_lines(reply.value)
            return self._reader.order(reply.value, lines, reply.began_at, asked_for=order_id)
        except BadAnswerError as error:
            return _unreadable(order_id, reply, str(error), raw=compact(reply.value))

    async def _whole_lines(self, detail: object) -> Sequence[object]:
        """The lines of `order/detail`; where it carries their ids only, each is read by itself."""
        lines = rows(detail, "OrderLineItems")
        if lines is None:
            raise BadAnswerError("Infigo's answer has an order without OrderLineItems")
        ids = [as_text(line) for line in lines]
        replies = iter(
            await asyncio.gather(*(self._client.order_line(line_id) for line_id in ids if line_id))
        )
        return [
            _line_of(next(replies), line_id) if line_id else line
            for line, line_id in zip(lines, ids, strict=True)
        ]


def _line_of(reply: Reply, line_id: str) -> object:
    if not reply.ok or reply.value is None:
        raise BadAnswerError(reply.said or f"Infigo does not know line {line_id} of its own order")
    return reply.value


def moment_text(when: datetime) -> str:
    """A time as the script takes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _order_rows(reply: Reply) -> list[object]:
    answered = rows(reply.value, "orders") if reply.ok else None
    if answered is None:
        said = as_text(pick(reply.value, "error.message")) or reply.said
        raise BadAnswerError(
            said or "The answer is not one of countermand.megascript.js: check megascript_path"
        )
    return answered


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
