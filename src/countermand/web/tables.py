"""Every list is a page, a CSV and a JSON of the same rows, at the same address."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.web.problem import Problem

#: Rows on a page, and the most that one request may ask for.
USUAL_ROWS = 50
MOST_ROWS = 5000

Flat = Mapping[str, object]


def list_routes(path: str, endpoint: Callable[[Request], Response]) -> list[Route]:
    """The page, and the same rows as `.csv` and `.json`."""
    return [Route(path, endpoint), *(Route(f"{path}.{suffix}", endpoint) for suffix in ("csv", "json"))]


def wanted_format(request: Request) -> str:
    """`html`, `csv` or `json`, by the end of the address."""
    _, dot, suffix = request.url.path.rpartition(".")
    return suffix if dot and suffix in ("csv", "json") else "html"


def limit_of(request: Request) -> int:
    """How many rows are asked for.

    Raises:
        Problem: not a number between 1 and the most.
    """
    text = request.query_params.get("limit", str(USUAL_ROWS))
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_ROWS:
        raise Problem(400, f"`limit` is a number from 1 to {MOST_ROWS}, not “{text[:20]}”.")
    return int(text)


def query(request: Request, **changes: str | None) -> str:
    """This request's query with some parameters changed, or taken out by none."""
    pairs = {**request.query_params, **changes}
    kept = {name: value for name, value in pairs.items() if value not in (None, "")}
    return f"?{urlencode(kept)}" if kept else ""


def next_page(request: Request, limit: int, last_keys: Sequence[str]) -> str:
    """The address of the following page, empty when this is the last."""
    if len(last_keys) < limit:
        return ""
    return f"{request.url.path}{query(request, after=last_keys[-1])}"


def rows_response(request: Request, name: str, rows: Sequence[Flat], next_url: str) -> Response:
    """The rows as CSV or JSON; a further page is named in the JSON and in the `Link` header."""
    headers = {"link": f'<{next_url}>; rel="next"'} if next_url else {}
    if wanted_format(request) == "csv":
        headers["content-disposition"] = f'attachment; filename="{name}.csv"'
        return Response(as_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)
    body = msgspec.json.encode({"rows": rows, "next": next_url})
    return Response(body, media_type="application/json", headers=headers)


def as_csv(rows: Sequence[Flat]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return _harmless(str(value))


def _harmless(text: str) -> str:
    """Spreadsheets run a cell that begins like a formula; a customer's name may begin so."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
