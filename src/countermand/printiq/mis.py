"""printIQ as a `MisPort`: reads by acceptance or OData, finds by OData, cancels jobs by SOAP.

No way is known to cancel a stock line from outside, so sales orders answer `unsupported`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import httpx2 as httpx
import structlog
from msgspec.structs import replace

from countermand.bridge.ports import Capability, MisItem, MisItemKind, MisRef, OrderKeys
from countermand.core.command import Answer, Outcome
from countermand.core.status import Unreadable
from countermand.printiq import odata
from countermand.printiq.capabilities import capabilities
from countermand.printiq.checking import check_connection
from countermand.printiq.client import PrintIQClient
from countermand.printiq.reading import AcceptanceReader, Found, ODataReader, ReadFailedError, blank
from countermand.printiq.settings import PrintIQSettings
from countermand.printiq.soap import cancel_answer
from countermand.vendor_http.bucket import Clock, Sleep
from countermand.vendor_http.transport import OnCall

_log = structlog.get_logger()

_NOT_READ_BACK = "printIQ's statuses cannot be read back here (read_by = none)"


class PrintIQMis:
    """One printIQ instance. Give it a clock in UTC; close it with `aclose` in the loop it was used in."""

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
        self._clock = clock
        self._client = PrintIQClient(settings, clock=clock, transport=transport, on_call=on_call, sleep=sleep)
        self._by_acceptance = AcceptanceReader(self._client, settings)
        self._by_odata = ODataReader(self._client, settings)
        self._capabilities = capabilities(settings)

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        return self._capabilities

    async def find(self, keys: OrderKeys) -> Sequence[MisItem] | None:
        """Items that carry the order id, a line id, a quote id or, as candidates only, the PO number."""
        if not self._capabilities["find"].offered:
            return None
        try:
            jobs = await self._by_odata.search(MisItemKind.JOB, self._job_terms(keys))
            sales_orders = await self._by_odata.search(MisItemKind.SALES_ORDER, self._sales_order_terms(keys))
        except ReadFailedError as error:
            _log.warning("printiq.find.failed", order=keys.order_id, why=str(error))
            return None
        return self._as_readable([*jobs.values(), *sales_orders.values()])

    async def list_changed(self, since: datetime) -> Sequence[MisItem] | None:
        """What changed of what OData has: also where that is sales orders alone, and no job can be listed."""
        if not self._settings.has_odata:
            return None
        try:
            found = [await self._by_odata.changed(kind, since) for kind in MisItemKind]
        except ReadFailedError as error:
            _log.warning("printiq.list.failed", why=str(error))
            return None
        return self._as_readable([item for items in found for item in items.values()])

    def _as_readable(self, items: Sequence[MisItem]) -> Sequence[MisItem]:
        """Where a shop says that statuses cannot be read back, none is taken from a search or a list either.

        Otherwise an order would go back and forth between what a list shows and what cannot be read.
        """
        if self._settings.read_by != "none":
            return items
        return [
            item if isinstance(item.status, Unreadable) else replace(item, status=Unreadable(_NOT_READ_BACK))
            for item in items
        ]

    async def read(self, refs: Sequence[MisRef]) -> Sequence[MisItem]:
        """Read items; those of one acceptance (`group`) in one call."""
        now = self._clock()
        distinct = list(dict.fromkeys(refs))
        found: Found
        if self._settings.read_by == "none":
            found = {ref: blank(ref, now, Unreadable(_NOT_READ_BACK)) for ref in distinct}
        elif self._settings.read_by == "odata":
            found = await self._by_odata.read(distinct, now)
        else:
            found = await self._by_acceptance.read(distinct)
        return [found[ref] for ref in refs]

    async def cancel(self, ref: MisRef) -> Answer:
        if ref.kind is not MisItemKind.JOB:
            return Answer(
                outcome=Outcome.UNSUPPORTED, said="printIQ offers no way to cancel a sales order from outside"
            )
        return cancel_answer(await self._client.cancel_job(ref.ref))

    async def check(self) -> str | None:
        return await check_connection(self._client, self._settings)

    def item_url(self, ref: MisRef) -> str:
        is_job = ref.kind is MisItemKind.JOB
        template = self._settings.job_url_template if is_job else self._settings.sales_order_url_template
        return template.format(base=self._settings.base_url.rstrip("/"), ref=quote(ref.ref, safe=""))

    def without_secrets(self, text: str) -> str:
        """The text with the secrets of this system struck out."""
        return self._client.without_secrets(text)

    async def aclose(self) -> None:
        await self._client.aclose()

    def _job_terms(self, keys: OrderKeys) -> Iterator[str]:
        names = self._settings.odata
        yield from self._reference_terms(keys)
        yield from (odata.equals(names.external_reference, line_id) for line_id in keys.line_ids)
        yield from (odata.equals(names.quote_no, quote_id) for quote_id in keys.quote_ids)

    def _sales_order_terms(self, keys: OrderKeys) -> Iterator[str]:
        yield from self._reference_terms(keys)
        for line_id in keys.line_ids:
            notes = self._settings.stock_notes.format(order_id=keys.order_id, line_id=line_id)
            yield odata.equals(self._settings.odata.notes, notes)

    def _reference_terms(self, keys: OrderKeys) -> Iterator[str]:
        for value in dict.fromkeys((keys.order_id, keys.po_number)):
            term = odata.equals(self._settings.odata.customer_reference, value)
            # Some write a letter into the field for the PO number; that must not fail the whole search.
            if value and odata.fits(term):
                yield term
