"""OData ("V1"): `GET /api/v1/odata/{Entity}` with `PrintIQ-Access-Token`; 50 rows a page.

A bad token is answered with 200 and an HTML page, as clients have found. The entities for jobs and
sales orders are a GUESS and can be renamed or switched off.
"""

from collections.abc import Callable, Sequence
from hmac import compare_digest
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from countermand.simulators.kit import token_is_expired
from countermand.simulators.kit.control import json_answer
from countermand.simulators.printiq.books import Books
from countermand.simulators.printiq.catalogue import PROCESSES, STOCK_DEFINITIONS
from countermand.simulators.printiq.instance import Instance
from countermand.simulators.printiq.odata_query import QueryError, parse_filter, parse_orderby, sort_key
from countermand.simulators.printiq.settings import PrintIQSettings
from countermand.simulators.printiq.views import (
    JOB_FIELDS,
    SALES_ORDER_FIELDS,
    Row,
    job_row,
    sales_order_rows,
)

PAGE_ROWS = 50
PATH = "/api/v1/odata"

LOGIN_PAGE = """<!DOCTYPE html>
<html><head><title>Log in</title></head>
<body><form method="post" action="/Account/Login"><h1>Log in</h1>
<label>User name <input name="UserName"></label>
<label>Password <input name="Password" type="password"></label>
<button>Log in</button></form></body></html>
"""


def odata_routes(instance: Instance) -> list[Route]:
    async def query(request: Request) -> Response:
        given = request.headers.get("PrintIQ-Access-Token", "").encode()
        good = compare_digest(given, instance.settings.odata_token.encode())
        if not good or token_is_expired(request):
            return HTMLResponse(LOGIN_PAGE)
        name = request.path_params["entity"]
        found = _entity(instance.settings, instance.plant_for(request).books, name)
        if found is None:
            return _error(f"The resource '{name}' was not found.", 404)
        try:
            return json_answer(_page(request, *found))
        except QueryError as error:
            return _error(str(error), 400)

    return [Route(f"{PATH}/{{entity}}", query)]


def _error(text: str, status_code: int) -> Response:
    return json_answer({"error": {"code": "", "message": text}}, status_code)


#: The entity's name, its field names, and what makes its rows.
Entity = tuple[str, Sequence[str], Callable[[], list[Row]]]


def _entity(settings: PrintIQSettings, books: Books, name: str) -> Entity | None:
    """Return the entity of this name, in any casing; None when there is none or it is switched off."""
    entities: list[Entity] = [
        ("StockDefinitions", list(STOCK_DEFINITIONS[0]), lambda: STOCK_DEFINITIONS),
        ("Processes", list(PROCESSES[0]), lambda: PROCESSES),
        (settings.odata_job_entity, JOB_FIELDS, lambda: [job_row(books, job) for job in books.jobs.values()]),
        (
            settings.odata_sales_order_entity,
            SALES_ORDER_FIELDS,
            lambda: [row for order in books.sales_orders.values() for row in sales_order_rows(books, order)],
        ),
    ]
    return next((entity for entity in entities if entity[0] and entity[0].lower() == name.lower()), None)


def _page(request: Request, name: str, fields: Sequence[str], make_rows: Callable[[], list[Row]]) -> Row:
    query = request.query_params
    skip, top = _count(query.get("$skip")) or 0, _count(query.get("$top"))
    condition = parse_filter(query["$filter"], fields) if "$filter" in query else None
    rows = [row for row in make_rows() if condition is None or condition(row)]
    if "$orderby" in query:
        field, downwards = parse_orderby(query["$orderby"], fields)
        rows.sort(key=sort_key(field), reverse=downwards)
    rows = rows[skip:] if top is None else rows[skip : skip + top]
    base = str(request.base_url).rstrip("/")
    page: Row = {"@odata.context": f"{base}/api/v1/odata/$metadata#{name}", "value": rows[:PAGE_ROWS]}
    if len(rows) > PAGE_ROWS:
        page["@odata.nextLink"] = f"{base}/api/v1/odata/{name}?{_next_query(request, skip, top)}"
    return page


def _next_query(request: Request, skip: int, top: int | None) -> str:
    kept = {key: value for key, value in request.query_params.items() if key not in ("$skip", "$top")}
    if top is not None:
        kept["$top"] = str(top - PAGE_ROWS)
    return urlencode(kept | {"$skip": str(skip + PAGE_ROWS)}, safe="$'(),:", quote_via=quote)


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise QueryError(f"'{text}' is not a number of rows.")
    return int(text)
