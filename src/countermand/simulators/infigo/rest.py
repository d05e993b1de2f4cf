"""The REST API: `/services/api`, any letter case, PascalCase JSON or XML.

Paths: Infigo Academy's REST pages; the status codes of refusals are a GUESS.
"""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from countermand.simulators.infigo import views
from countermand.simulators.infigo.book import NotFoundError, ShopError
from countermand.simulators.infigo.events import REST, Origin
from countermand.simulators.infigo.orders import JobStatus, Line
from countermand.simulators.infigo.output_file import output_pdf
from countermand.simulators.infigo.placing import RecordedOrder, recorded
from countermand.simulators.infigo.storefront import Storefront
from countermand.simulators.infigo.wire import BadRequestError, answer, any_case, is_authorised, read_json
from countermand.simulators.kit import is_ignored, token_is_expired

API = "/services/api"
MAX_PAGE = 500
MEGAEDIT = "d"
Endpoint = Callable[[Request], Awaitable[Response]]

#: Method, path below the API, and the name by which faults, counts and the ledger know the call.
CALLS = (
    ("GET", "/auth/{token}", "auth"),
    ("POST", "/order/recordorder", "order/recordorder"),
    ("GET", "/order/detail/{order_id}", "order/detail"),
    ("GET", "/order", "order"),
    ("GET", "/orderlineitem/get", "orderlineitem/get"),
    ("POST", "/orderlineitem/createoutputfor/{job_id}", "orderlineitem/createoutputfor"),
    ("GET", "/orderlineitem/download/{job_id}", "orderlineitem/download"),
    ("GET", "/catalog/v2/product", "catalog/v2/product"),
    ("GET", "/catalog/v2/product/{product_id}", "catalog/v2/product"),
)


class OutputWanted(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The body of `createoutputfor`. What `DirectDownload` changes is not known; it is taken and not used."""

    callback_url: str | None = None
    direct_download: bool = False


class Rest:
    """The calls, each a method; `routes` wraps them with the sign-in and the errors."""

    def __init__(self, storefront: Storefront) -> None:
        self._storefront = storefront
        self._shop = storefront.shop

    async def auth(self, request: Request) -> Response:
        """Any 2xx means a good token (GUESS: the member names)."""
        settings = self._storefront.settings
        if request.path_params["token"] != settings.token:
            return _sentence(request, "This token is not known.", 401)
        return answer(
            request, {"StorefrontId": settings.storefront_id, "Name": settings.storefront_name}, "Storefront"
        )

    async def recordorder(self, request: Request) -> Response:
        try:
            body = await read_json(request, RecordedOrder)
            with self._storefront.at_work(request) as shop:
                order = shop.place(recorded(body, shop), Origin("order/recordorder", REST))
        except (ShopError, BadRequestError) as error:
            status = error.status if isinstance(error, BadRequestError) else 200
            result: views.View = {"Id": 0, "Success": False, "Errors": [str(error)]}
            return answer(request, result, "RecordOrderResult", status)
        return answer(request, {"Id": order.id, "Success": True, "Errors": []}, "RecordOrderResult")

    async def order_detail(self, request: Request) -> Response:
        order = self._storefront.shop_for(request).order(_number(request.path_params["order_id"]))
        view = views.order_detail(order, status_fields=self._storefront.settings.rest_status_fields)
        return answer(request, view, "Order")

    async def orders_of_customer(self, request: Request) -> Response:
        """A bare array of order numbers."""
        customer_id = _number(_query(request, "customerid"))
        orders = self._storefront.shop_for(request).orders()
        numbers = [order.id for order in orders if order.customer_id == customer_id]
        return answer(request, numbers, "ArrayOfInt")

    async def line(self, request: Request) -> Response:
        """The line, or the literal `null` when nothing matches."""
        shop = self._storefront.shop_for(request)
        line = shop.find_line(_query(request, "id"))
        view = None if line is None else views.line_detail(line, shop.order(line.order_id))
        return answer(request, view, "OrderLineItem")

    async def create_output(self, request: Request) -> Response:
        wanted = await read_json(request, OutputWanted)
        callback = wanted.callback_url or ""
        if callback and not callback.startswith(("http://", "https://")):
            raise BadRequestError("CallbackUrl is not an http or https address.")
        with self._storefront.at_work(request) as shop:
            line = shop.start_output(
                request.path_params["job_id"], Origin("orderlineitem/createoutputfor", REST)
            )
        if not is_ignored(request):
            self._storefront.finish_output_later(line.job_id, callback)
        return answer(request, {"Id": line.job_id, "Success": True}, "CreateOutputResult")

    async def download(self, request: Request) -> Response:
        line = self._shop.line(request.path_params["job_id"])
        if not _has_output(line):
            raise NotFoundError(f"The output of line {line.job_id} has not been made yet.")
        name = f'attachment; filename="{line.job_id}.pdf"'
        return Response(output_pdf(line), media_type="application/pdf", headers={"Content-Disposition": name})

    async def products(self, request: Request) -> Response:
        index = _number(_query(request, "pageindex") or "0")
        size = _number(_query(request, "pagesize") or "50")
        if not 1 <= size <= MAX_PAGE:
            raise BadRequestError(f"pageSize is 1 to {MAX_PAGE}.")
        page = views.product_page(self._shop.products.values(), index, size)
        return answer(request, page, "ProductPage")

    async def product(self, request: Request) -> Response:
        product = self._shop.products.get(_number(request.path_params["product_id"]))
        if product is None:
            raise NotFoundError(f"There is no product {request.path_params['product_id']}.")
        return answer(request, views.product_view(product), "Product")

    def routes(self) -> list[Route]:
        endpoints: tuple[Endpoint, ...] = (
            self.auth,
            self.recordorder,
            self.order_detail,
            self.orders_of_customer,
            self.line,
            self.create_output,
            self.download,
            self.products,
            self.product,
        )
        calls = [
            Route(f"{API}{path}", self._guarded(endpoint, open_to_all=name == "auth"), methods=[method])
            for (method, path, name), endpoint in zip(CALLS, endpoints, strict=True)
        ]
        about = [Route(API, api_page), Route(f"{API}/openapi.json", openapi)]
        return [any_case(route) for route in (*calls, *about)]

    def _guarded(self, endpoint: Endpoint, *, open_to_all: bool) -> Endpoint:
        async def handle(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            signed_in = open_to_all or is_authorised(given, self._storefront.settings.token)
            if not signed_in or token_is_expired(request):
                refusal = _sentence(request, "The storefront's API token is missing, wrong or expired.", 401)
                refusal.headers["WWW-Authenticate"] = "Basic"
                return refusal
            try:
                return await endpoint(request)
            except NotFoundError as error:
                return _sentence(request, str(error), 404)
            except ShopError as error:
                return _sentence(request, str(error), 400)
            except BadRequestError as error:
                return _sentence(request, str(error), error.status)

        return handle


async def api_page(_: Request) -> Response:
    """Reported: since July 2026 each storefront links its own OpenAPI file from here."""
    return HTMLResponse(
        f'<!DOCTYPE html><title>API</title><h1>Storefront API</h1><a href="{API}/openapi.json">OpenAPI</a>'
    )


async def openapi(_: Request) -> Response:
    """The calls there are (GUESS: how much a real file says)."""
    paths: dict[str, dict[str, object]] = {}
    for method, path, name in CALLS:
        call = {"operationId": f"{method.lower()} {name}", "responses": {"200": {"description": "OK"}}}
        paths.setdefault(f"{API}{path}", {})[method.lower()] = call
    described = {"openapi": "3.0.3", "info": {"title": "Storefront API", "version": "1"}, "paths": paths}
    return Response(msgspec.json.encode(described), media_type="application/json")


def _sentence(request: Request, text: str, status: int) -> Response:
    return answer(request, {"Message": text}, "Error", status)


def _query(request: Request, name: str) -> str:
    """Return a query value whatever the letter case of its name."""
    return next((value for key, value in request.query_params.items() if key.lower() == name), "")


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 15:
        return int(text)
    raise BadRequestError(f"{text[:50] or '(nothing)'} is not a number.")


def _has_output(line: Line) -> bool:
    """A MegaEdit job has to be made first; static and uploaded files are there from the start."""
    return line.type_letter != MEGAEDIT or line.status is JobStatus.OutputCreated
