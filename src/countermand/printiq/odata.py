"""Reading rows of an OData entity, page by page.

Public client code: 50 rows a page, `$skip`, `@odata.nextLink`; a bad token answers 2xx with a web page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from countermand.printiq.client import PrintIQClient
from countermand.vendor_http.fields import as_text, compact, pick, rows
from countermand.vendor_http.reply import CallOutcome, Reply

PAGE = 50
#: More pages than this are no answer to anything the bridge asks.
MOST_PAGES = 400
#: IIS refuses a query longer than 2,048 characters.
MOST_FILTER = 1400


class Rows(msgspec.Struct, frozen=True):
    """All rows that matched; `began_at` is when the first page was asked for."""

    rows: tuple[object, ...]
    began_at: datetime


async def read_all(
    client: PrintIQClient, entity: str, *, filter_text: str, key: str, one_each: bool = False
) -> Rows | Reply:
    """Every row of an entity that the filter matches, or the reply that ended the attempt.

    Ordered by its key, so that a row which changes meanwhile is never pushed over a page's edge; a row
    that was therefore seen twice is kept once. `one_each`: a row per key, so that what a later page shows
    of one takes the place of what an earlier page showed.
    """
    query = {"$filter": filter_text, "$orderby": key}
    reply = await client.odata(entity, query)
    began_at = reply.began_at
    found: dict[str, object] = {}
    followed: set[str] = set()
    seen = 0
    for _ in range(MOST_PAGES):
        page = rows(reply.value, "value") if reply.ok else None
        if page is None:
            return _not_odata(reply, entity)
        if one_each and found:
            shown = {as_text(pick(row, key)) for row in page}
            found = {text: row for text, row in found.items() if as_text(pick(row, key)) not in shown}
        found.update((compact(row), row) for row in page)
        seen += len(page)
        link = _next_link(reply.value)
        if not page or (not link and len(page) < PAGE):
            return Rows(tuple(found.values()), began_at)
        if "://" in link and client.is_own(link) and link not in followed:
            followed.add(link)
            reply = await client.odata_page(entity, link)
        else:
            # A next link to elsewhere (a proxy's inner name, say) is not followed; counting works too.
            reply = await client.odata(entity, {**query, "$skip": str(seen)})
    return _not_odata(reply, entity)


def _next_link(value: object) -> str:
    return as_text(value.get("@odata.nextLink")) if isinstance(value, dict) else ""


def _not_odata(reply: Reply, entity: str) -> Reply:
    said = reply.said or f"OData's answer about {entity} has no list of rows, or no end"
    if reply.status == 404:
        said = f"OData has no entity {entity} (HTTP 404): check odata.job_entity and odata.sales_order_entity"
    outcome = CallOutcome.UNEXPECTED if reply.ok else reply.outcome
    return msgspec.structs.replace(reply, outcome=outcome, said=said)


def equals(field: str, value: str) -> str:
    escaped = value.replace("'", "''")
    return f"{field} eq '{escaped}'"


def fits(term: str) -> bool:
    """Whether an address can hold the term at all."""
    return len(quote(term)) <= MOST_FILTER


def any_of(terms: Iterable[str]) -> Iterator[str]:
    """The terms joined by `or`, in as few filters as an address can hold."""
    chunk: list[str] = []
    length = 0
    for term in terms:
        cost = len(quote(f" or {term}"))
        if chunk and length + cost > MOST_FILTER:
            yield " or ".join(chunk)
            chunk, length = [], 0
        chunk.append(term)
        length += cost
    if chunk:
        yield " or ".join(chunk)


def since(field: str, moment: datetime) -> str:
    return f"{field} ge {moment.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"
