"""Reading jobs and sales orders back: through `GetAcceptanceDetails` or through OData."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
import structlog

from countermand.bridge.faults import in_short, traceback_of
from countermand.bridge.ports import MisItem, MisItemKind, MisRef
from countermand.core.status import GONE, LineStatus, Unreadable
from countermand.printiq import odata
from countermand.printiq.client import PrintIQClient, blames_login
from countermand.printiq.items import Instead, NamelessRowsError, items_from, key_in, raising
from countermand.printiq.settings import PrintIQSettings
from countermand.vendor_http.fields import as_text, pick, rows
from countermand.vendor_http.reply import CallOutcome, Reply

_log = structlog.get_logger()

Found = Mapping[MisRef, MisItem]


class ReadFailedError(Exception):
    """A search that has no result; the text is a sentence about why."""


class AcceptanceReader:
    """Reads by acceptance: all jobs and sales orders of one storefront order in one call."""

    def __init__(self, client: PrintIQClient, settings: PrintIQSettings) -> None:
        self._client = client
        self._settings = settings

    async def read(self, refs: Sequence[MisRef]) -> Found:
        """By acceptance; what that does not list by its own number, for a message may have named another."""
        found = await self._read(refs)
        lost = [ref for ref, item in found.items() if item.status == GONE and ref.group]
        if not lost:
            return found
        alone = {ref: msgspec.structs.replace(ref, group="") for ref in lost}
        by_number = await self._read(list(alone.values()))
        return {**found, **{ref: by_number[own] for ref, own in alone.items()}}

    async def _read(self, refs: Sequence[MisRef]) -> Found:
        groups: dict[str, list[MisRef]] = {}
        alone: list[MisRef] = []
        found: dict[MisRef, MisItem] = {}
        for ref in refs:
            if not ref.group and ref.kind is MisItemKind.JOB:
                alone.append(ref)
                continue
            group = ref.group or await self._group_of_sales_order(ref.ref)
            if isinstance(group, Reply):
                found[ref] = self._missing(ref, group)
            else:
                groups.setdefault(group, []).append(ref)
        calls = [self._read_one({"AcceptanceKey": _key(group)}, own) for group, own in groups.items()]
        calls += [self._read_one({"JobNo": ref.ref}, [ref]) for ref in alone]
        for part in await asyncio.gather(*calls):
            found.update(part)
        return found

    async def _read_one(self, request: Mapping[str, object], refs: Sequence[MisRef]) -> Found:
        reply = await self._client.quote_process("GetAcceptanceDetails", request)
        if not reply.ok:
            return {ref: self._missing(ref, reply) for ref in refs}
        names = self._settings.acceptance
        jobs, sales_orders = rows(reply.value, names.jobs), rows(reply.value, names.sales_orders)
        if jobs is None and sales_orders is None:
            why = f"printIQ's answer has neither {names.jobs} nor {names.sales_orders}"
            return {ref: blank(ref, reply.began_at, Unreadable(why)) for ref in refs}
        try:
            items = {
                kind: items_from(own, kind, names, self._settings, reply.began_at)
                for kind, own in ((MisItemKind.JOB, jobs), (MisItemKind.SALES_ORDER, sales_orders))
                if own is not None
            }
        except NamelessRowsError as error:
            return {ref: blank(ref, reply.began_at, Unreadable(str(error))) for ref in refs}
        return {ref: self._of_list(items.get(ref.kind), ref, reply.began_at) for ref in refs}

    def _of_list(self, items: Mapping[str, MisItem] | None, ref: MisRef, began_at: datetime) -> MisItem:
        """Only a list that is there, and leaves something out, says that it is gone."""
        if items is not None:
            return _found(items, ref, began_at)
        names = self._settings.acceptance
        path = names.jobs if ref.kind is MisItemKind.JOB else names.sales_orders
        return blank(ref, began_at, Unreadable(f"printIQ's answer has no list {path}"))

    async def _group_of_sales_order(self, number: str) -> str | Reply:
        names = self._settings.acceptance
        reply = await self._client.quote_process(
            "QuoteProcess_GetQQAKeyFromSONumber", {names.sales_order_asked: number}
        )
        if not reply.ok:
            return reply
        return (
            key_in(as_text(pick(reply.value, name)) for name in (names.sales_order_key, names.group)) or reply
        )

    def _missing(self, ref: MisRef, reply: Reply) -> MisItem:
        """`GONE` where printIQ says that there is no such thing, else unreadable.

        "Login token not found" is said of us: else all jobs would look deleted with one wrong login.
        """
        said = reply.said.lower()
        not_found = reply.outcome is CallOutcome.REFUSED and reply.status == 200 and not blames_login(reply)
        if not_found and any(text.lower() in said for text in self._settings.not_found_texts):
            return blank(ref, reply.began_at, GONE, raw=reply.said)
        return blank(
            ref, reply.began_at, Unreadable(reply.said or "printIQ's answer holds no acceptance key")
        )


class ODataReader:
    """Reads and searches by OData, where the instance has entities for jobs and sales orders."""

    def __init__(self, client: PrintIQClient, settings: PrintIQSettings) -> None:
        self._client = client
        self._settings = settings

    async def read(self, refs: Sequence[MisRef], now: datetime) -> Found:
        found: dict[MisRef, MisItem] = {}
        for kind in MisItemKind:
            own = [ref for ref in refs if ref.kind is kind]
            if own:
                found.update(await self._read_kind(kind, own, now))
        return found

    async def _read_kind(self, kind: MisItemKind, refs: Sequence[MisRef], now: datetime) -> Found:
        if not self._entity(kind):
            why = f"printIQ's OData has no entity for a {kind.value}: odata.{kind.value}_entity is empty"
            return {ref: blank(ref, now, Unreadable(why)) for ref in refs}
        number = self._number(kind)
        try:
            items = await self.search(kind, (odata.equals(number, ref.ref) for ref in refs))
        except ReadFailedError as error:
            return {ref: blank(ref, now, Unreadable(str(error))) for ref in refs}
        return {ref: _found(items, ref, now) for ref in refs}

    async def changed(self, kind: MisItemKind, since: datetime) -> dict[str, MisItem]:
        """Items changed since a time; one on which our own code fails is unreadable and holds up no other.

        Raises:
            ReadFailedError: one of the calls failed, so the result would not be whole.
        """
        term, mask = odata.since(self._settings.odata.modified, since), self._client.without_secrets

        def unreadable(number: str, fault: Exception, began_at: datetime) -> MisItem:
            _log.error("printiq.item.failed", item=number, exception=traceback_of(fault, mask))
            why = f"Reading it failed, which is a fault of ours: {in_short(fault, mask)}"
            return blank(MisRef(ref=number, kind=kind), began_at, Unreadable(why))

        return await self.search(kind, [term], unreadable)

    async def search(
        self, kind: MisItemKind, terms: Iterable[str], instead: Instead = raising
    ) -> dict[str, MisItem]:
        """Items that meet any of the terms, by number; empty where the entity is switched off.

        Raises:
            ReadFailedError: one of the calls failed, so the result would not be whole.
        """
        items: dict[str, MisItem] = {}
        entity, number = self._entity(kind), self._number(kind)
        for filter_text in odata.any_of(terms) if entity else ():
            found = await odata.read_all(
                self._client,
                entity,
                filter_text=filter_text,
                key=number,
                one_each=kind is MisItemKind.JOB,
            )
            if isinstance(found, Reply):
                raise ReadFailedError(found.said)
            try:
                items |= items_from(
                    found.rows, kind, self._settings.odata, self._settings, found.began_at, instead
                )
            except NamelessRowsError as error:
                raise ReadFailedError(str(error)) from None
        return items

    def _entity(self, kind: MisItemKind) -> str:
        names = self._settings.odata
        return names.job_entity if kind is MisItemKind.JOB else names.sales_order_entity

    def _number(self, kind: MisItemKind) -> str:
        names = self._settings.odata
        return names.job_no if kind is MisItemKind.JOB else names.sales_order_no


def _found(items: Mapping[str, MisItem], ref: MisRef, began_at: datetime) -> MisItem:
    item = items.get(ref.ref)
    if item is None:
        return blank(ref, began_at, GONE)
    return item if item.group else msgspec.structs.replace(item, group=ref.group)


def blank(ref: MisRef, began_at: datetime, status: LineStatus, *, raw: str = "") -> MisItem:
    """An item of which nothing but its number and the reason is known."""
    return MisItem(ref=ref.ref, kind=ref.kind, group=ref.group, began_at=began_at, status=status, raw=raw)


def _key(group: str) -> int | str:
    return int(group) if group.isascii() and group.isdecimal() else group
