"""The JSON API ("V0"): `POST /api/QuoteProcess/{Method}?LoginToken=...`.

Every answer is HTTP 200 with the envelope `IsError`, `ErrorMessage`, `IsWarning`, `WarningMessage`
(printIQ help desk: webhooks-create-quote). Method names and fields: acceptquote-end-point,
add-external-consigment-23-8-2023, and public client code.
"""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.simulators.kit.control import json_answer
from countermand.simulators.printiq import json_bodies as bodies
from countermand.simulators.printiq.books import PlantError
from countermand.simulators.printiq.instance import Instance
from countermand.simulators.printiq.plant import Plant
from countermand.simulators.printiq.quoting import Invoicing, Quoted
from countermand.simulators.printiq.records import Acceptance, Artwork, Job, SalesOrder, Tracking
from countermand.simulators.printiq.settings import Account, TokenStyle
from countermand.simulators.printiq.views import Row, item_delivery_details, product_delivery_details

BAD_TOKEN = "Invalid or expired login token"  # noqa: S105  # GUESS at the text
BAD_LOGIN = "Invalid login details"  # GUESS at the text
TOKEN_METHOD = "GetApplicationLogInToken"  # noqa: S105


def envelope(fields: Row, error: str = "") -> Row:
    """Return an answer in the vendor's envelope."""
    return {
        **fields,
        "IsError": bool(error),
        "ErrorMessage": error or None,
        "IsWarning": False,
        "WarningMessage": None,
    }


Method = Callable[[Plant, bytes, str], Row]


def get_price(plant: Plant, body: bytes, sim_order: str) -> Row:
    asked = bodies.read(body, bodies.GetPrice)
    quoted = plant.quotes.add_line(
        asked.customer_code, asked.wanted(sim_order), quote_no=asked.quote_no or "", call="GetPrice"
    )
    answer = {"ProductKey": quoted.line.product_key, "QuoteDetails": _quote_details(quoted)}
    if asked.accept_quote:
        answer |= _accepted(plant, plant.quotes.accept(quoted.quote.number, call="GetPrice"))
    return answer


def create_quote_with_delivery(plant: Plant, body: bytes, sim_order: str) -> Row:
    asked = bodies.read(body, bodies.CreateQuoteWithDelivery)
    call = "CreateQuoteWithDelivery"
    quoted = plant.quotes.add_line(asked.customer_code, asked.wanted(sim_order), call=call)
    answer: Row = {"QuoteDetails": _quote_details(quoted), "QQDKey": quoted.line.qqd_key}
    if asked.accept:
        answer |= _accepted(plant, plant.quotes.accept(quoted.quote.number, call=call))
    return answer


def accept_quote(plant: Plant, body: bytes, _: str) -> Row:
    asked = bodies.read(body, bodies.AcceptQuote)
    invoicing = Invoicing(
        create=asked.create_invoice,
        as_paid=asked.create_invoice_as_paid,
        as_internal=asked.create_invoice_as_internally_invoiced,
    )
    return _accepted(plant, plant.quotes.accept(asked.quote_no, invoicing, call="AcceptQuote"))


def get_acceptance_details(plant: Plant, body: bytes, _: str) -> Row:
    asked = bodies.read(body, bodies.GetAcceptanceDetails)
    jobs, orders = _asked_for(plant, asked)
    books = plant.books
    return {
        "AcceptanceProductDeliveryDetails": [
            row for job in jobs for row in product_delivery_details(books, job)
        ],
        "AcceptanceItemDeliveryDetails": [
            row for order in orders for row in item_delivery_details(books, order)
        ],
    }


def get_qqa_key_from_so_number(plant: Plant, body: bytes, _: str) -> Row:
    number = bodies.sales_order_number(body)
    return {"QQAKey": plant.books.sales_order(number).acceptance_key}


def add_external_consignment(plant: Plant, body: bytes, _: str) -> Row:
    asked = bodies.read(body, bodies.AddExternalConsignment).external_consignment
    tracking = Tracking(
        consignment_no=asked.consignment_no or "",
        code=asked.consignment_tracking_code or "",
        url=asked.consignment_tracking_url or "",
        price=asked.consignment_price or 0.0,
    )
    own = {
        each.delivery_key: Tracking(
            code=each.delivery_tracking_code or "", url=each.delivery_tracking_url or ""
        )
        for each in asked.external_consignment_deliveries
    }
    plant.dispatch.consign(list(own), tracking, per_delivery=own, call="AddExternalConsignment")
    return {}


def update_reference_field(plant: Plant, body: bytes, _: str) -> Row:
    """Set a job's reference; a wrong type is silently ignored, as the vendor's users found."""
    asked = bodies.read(body, dict[str, object])
    values = [asked.get(name) for name in ("Customer", "Job", "ReferenceName", "ReferenceValue")]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        plant.ledger.record("UpdateReferenceField", str(asked.get("Job")), "ignored: wrong type")
        return {}
    _, job_no, name, value = texts
    plant.production.set_reference(job_no, name, value, call="UpdateReferenceField")
    return {}


def upload_artwork_url(plant: Plant, body: bytes, _: str) -> Row:
    asked = bodies.read(body, bodies.UploadArtworkURL)
    artwork = Artwork(asked.artwork_url, asked.is_supporting_document)
    plant.production.add_artwork(
        asked.job_no, artwork, is_last=asked.is_last_artwork_file, call="UploadArtworkURL"
    )
    return {}


METHODS: Mapping[str, Method] = {
    "GetPrice": get_price,
    "CreateQuoteWithDelivery": create_quote_with_delivery,
    "AcceptQuote": accept_quote,
    "GetAcceptanceDetails": get_acceptance_details,
    "QuoteProcess_GetQQAKeyFromSONumber": get_qqa_key_from_so_number,
    "AddExternalConsignment": add_external_consignment,
    "UpdateReferenceField": update_reference_field,
    "UploadArtworkURL": upload_artwork_url,
}
#: IIS does not tell upper from lower case in a path.
_BY_LOWER_NAME = {name.lower(): method for name, method in METHODS.items()}


def json_routes(instance: Instance) -> list[Route]:
    async def token(request: Request) -> Response:
        style, account = await _login(request)
        minted = instance.tokens.mint(account) if style in instance.settings.token_styles else None
        return json_answer(minted if minted is not None else envelope({}, BAD_LOGIN))

    async def call(request: Request) -> Response:
        method = _BY_LOWER_NAME.get(request.path_params["method"].lower())
        if method is None:
            return json_answer({"Message": "No HTTP resource was found that matches the request URI."}, 404)
        if not instance.login_is_good(request):
            return json_answer(envelope({}, BAD_TOKEN))
        body, sim_order = await request.body(), request.headers.get("X-Sim-Order", "")
        try:
            with instance.at_work(request) as plant:
                return json_answer(envelope(method(plant, body, sim_order)))
        except (PlantError, bodies.UnreadableBodyError) as error:
            return json_answer(envelope({}, str(error)))

    base = "/api/quoteprocess"
    return [
        Route(f"{base}/{TOKEN_METHOD.lower()}", token, methods=["GET", "POST"]),
        Route(f"{base}/{{method}}", call, methods=["POST"]),
    ]


async def _login(request: Request) -> tuple[TokenStyle, Account]:
    """Read the login from wherever this spelling of the token call puts it."""
    given: Mapping[str, object] = request.query_params
    style: TokenStyle = "get" if request.method == "GET" else "query"
    if style == "query" and "UserName" not in given:
        style, given = "form", await request.form()
    names = ("UserName", "Password", "ApplicationName", "ApplicationKey")
    user, password, application, key = (str(given.get(name, "")) for name in names)
    return style, Account(username=user, password=password, application_name=application, application_key=key)


def _quote_details(quoted: Quoted) -> Row:
    return {
        "QuoteNo": quoted.quote.number,
        "Products": [
            {
                "ProductKey": line.product_key,
                "Quantities": [
                    {
                        "Quantity": line.quantity,
                        "Price": line.price,
                        "RetailPrice": line.price,
                        "WholesalePrice": line.price,
                        "MiddlewareProductDetail": {"QQDKey": line.qqd_key},
                    }
                ],
            }
            for line in quoted.quote.lines
        ],
    }


def _accepted(plant: Plant, acceptance: Acceptance) -> Row:
    """Return `AcceptanceDetails`; the keys beside `Products` are a GUESS."""
    jobs = [plant.books.jobs[number] for number in acceptance.job_nos]
    products = [
        {"JobNo": job.number, "MiddlewareProductDetail": {"Sections": [{"QSTKey": job.section_key}]}}
        for job in jobs
    ]
    return {
        "AcceptanceDetails": {
            "AcceptanceKey": acceptance.key,
            "Products": products,
            "SalesOrders": [{"SalesOrderNo": number} for number in acceptance.sales_order_nos],
        }
    }


def _asked_for(plant: Plant, asked: bodies.GetAcceptanceDetails) -> tuple[list[Job], list[SalesOrder]]:
    """Return what one key names: a whole acceptance, or one accepted line of it."""
    books = plant.books
    if asked.job_no:
        return [books.job(asked.job_no)], []
    if asked.acceptance_key is not None:
        acceptance = books.acceptances.get(asked.acceptance_key)
        if acceptance is None:
            raise PlantError(f"Acceptance {asked.acceptance_key} not found")
        jobs = [books.jobs[number] for number in acceptance.job_nos]
        return jobs, [books.sales_orders[number] for number in acceptance.sales_order_nos]
    key = asked.acceptance_detail_key
    if key is None:
        raise PlantError("Give JobNo, AcceptanceKey or AcceptanceDetailKey")
    jobs = [job for job in books.jobs.values() if job.detail_key == key]
    orders = [
        order for order in books.sales_orders.values() if any(item.detail_key == key for item in order.items)
    ]
    if not jobs and not orders:
        raise PlantError(f"Acceptance detail {key} not found")
    return jobs, orders
