"""The `Mis.PrintIQ` plugin's way of sending an order to printIQ, without any I/O of its own.

`send_order` is a generator: it yields the calls to make and is sent their answers, so that an HTTP client or
a simulated plant can drive it. What it has to remember for the next try it keeps in the shop.

    quotes for all lines -> AcceptQuote, once for each quote -> an artwork link for each print line

One unpriced line keeps the whole order back. AcceptQuote makes new jobs each time (printIQ help desk:
acceptquote-end-point), so one that did not answer is looked up, never repeated by the plugin itself.
"""

from collections.abc import Generator, Mapping
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from countermand.simulators.infigo.orders import Line, Order
from countermand.simulators.infigo.settings import InfigoSettings, PluginSettings
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.infigo.submission import Acceptance


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call to make: a method of QuoteProcess with a body, or an OData entity with a filter."""

    name: str
    order_id: int
    body: Mapping[str, object] = {}
    odata_filter: str = ""


Answer: TypeAlias = Mapping[str, object]
Steps: TypeAlias = Generator[Call, Answer, None]
Finding: TypeAlias = Generator[Call, Answer, Mapping[str, str] | None]


class SendingError(Exception):
    """The order did not get through; the text says why in one sentence."""


class DeclinedError(SendingError):
    """printIQ said no; asking again would give the same answer."""


class NotAskedError(SendingError):
    """printIQ was not reached, so the call has had no effect."""


class NoAnswerError(SendingError):
    """No usable answer came; whether the call took effect is not known."""


class UnsureError(SendingError):
    """An AcceptQuote may have made jobs, and nothing shows whether it did: a person must look."""


def send_order(shop: Shop, settings: InfigoSettings, order_id: int, *, by_hand: bool = False) -> Steps:
    """Send one order from wherever the last try ended. Raises a `SendingError`.

    `by_hand` says that a person pressed "send again": only then is an AcceptQuote repeated, and only
    after a look shows no jobs of its quote.
    """
    order = shop.order(order_id)
    if order.is_cancelled:
        raise DeclinedError("The order is cancelled, so it is not sent.")
    if any(not line.quote_id for line in _open_lines(order)):
        yield from _get_quotes(shop, settings.plugin, order)
    job_nos: dict[str, str] = {}
    for quote_no in dict.fromkeys(line.quote_id for line in _open_lines(shop.order(order_id))):
        found = yield from _accept_once(shop, settings.plugin, order_id, quote_no, by_hand=by_hand)
        job_nos.update(found)
    yield from _send_artwork(shop, settings, order_id, job_nos)


def _open_lines(order: Order) -> list[Line]:
    return [line for line in order.lines if not line.is_cancelled]


def _get_quotes(shop: Shop, plugin: PluginSettings, order: Order) -> Steps:
    """Price every line before anything is accepted; quote numbers are kept once all have a price."""
    quotes: dict[str, str] = {}
    quote_no = ""
    for line in _open_lines(order):
        appended_to = quote_no if plugin.quote_mode == "per_order" else ""
        answer = yield Call(
            name="GetPrice", order_id=order.id, body=_price_body(plugin, order, line, appended_to)
        )
        quote_no = _quote_no(answer)
        if not _price(answer):
            raise DeclinedError(
                f"Line {line.job_id} ({line.name}) has no price in printIQ, so the whole order stays behind."
            )
        quotes[line.job_id] = quote_no
    for job_id, number in quotes.items():
        shop.set_quote(job_id, number)


def _price_body(plugin: PluginSettings, order: Order, line: Line, quote_no: str) -> dict[str, object]:
    reference = order.po_number if plugin.customer_reference == "po_number" else str(order.id)
    is_print = line.product_type == "print"
    body: dict[str, object] = {
        "CustomerCode": plugin.customer_code,
        "ProductCode": line.sku,
        "SelectedQuantity": {"Quantity": line.quantity, "Kinds": 1},
        "Deliveries": [],
        "AcceptQuote": False,
        "JobTitle": line.name,
        "JobDescription": "",
        "CustomerReference": reference,
        # Stock lines have no reference of their own in printIQ; the notes are their only place.
        "ExternalJobReference": line.job_id if is_print else "",
        "Notes": "" if is_print else f"{order.id}/{line.job_id}",
    }
    return body | ({"QuoteNo": quote_no} if quote_no else {})


def _accept_once(
    shop: Shop, plugin: PluginSettings, order_id: int, quote_no: str, *, by_hand: bool
) -> Generator[Call, Answer, Mapping[str, str]]:
    """Accept a quote unless that is done; returns the job numbers of its lines where it learns them."""
    known = shop.submission(order_id).acceptances.get(quote_no)
    if known is Acceptance.DONE:
        return {}
    if known is Acceptance.ASKED:
        found = yield from _look_up(plugin, order_id, quote_no)
        if found is not None:
            _remember(shop, order_id, quote_no, Acceptance.DONE)
            return found
        if not by_hand:
            raise UnsureError(f"Whether printIQ accepted quote {quote_no} is not known; look there first.")
    _remember(shop, order_id, quote_no, Acceptance.ASKED)
    try:
        answer = yield Call(name="AcceptQuote", order_id=order_id, body={"QuoteNo": quote_no})
    except (DeclinedError, NotAskedError):
        _remember(shop, order_id, quote_no, None)
        raise
    _remember(shop, order_id, quote_no, Acceptance.DONE)
    lines = [line for line in shop.order(order_id).lines if line.quote_id == quote_no and _is_print(line)]
    return dict(zip((line.job_id for line in lines), _job_nos(answer), strict=False))


def _look_up(plugin: PluginSettings, order_id: int, quote_no: str) -> Finding:
    """Return the jobs that came of a quote by their line, or None if nothing did or nothing can be seen."""
    found: dict[str, str] | None = None
    for entity in (plugin.odata_job_entity, plugin.odata_sales_order_entity):
        if not (entity and plugin.odata_token):
            continue
        try:
            answer = yield Call(name=entity, order_id=order_id, odata_filter=f"QuoteNo eq '{quote_no}'")
        except SendingError:
            continue
        rows = _rows(answer.get("value"))
        if rows:
            jobs = {str(row.get("ExternalJobReference", "")): str(row.get("JobNo", "")) for row in rows}
            found = {**(found or {}), **jobs}
    return found


def _send_artwork(shop: Shop, settings: InfigoSettings, order_id: int, job_nos: Mapping[str, str]) -> Steps:
    """Give printIQ a link to each print line's file; the job numbers are used here and kept nowhere."""
    lines = [line for line in _open_lines(shop.order(order_id)) if _is_print(line)]
    for line in lines:
        if line.job_id in shop.submission(order_id).artwork:
            continue
        if line.job_id not in job_nos:
            found = yield from _look_up(settings.plugin, order_id, line.quote_id)
            job_nos = {**job_nos, **(found or {})}
        if line.job_id not in job_nos:
            raise DeclinedError(
                f"The printIQ job of line {line.job_id} is not known, so its artwork is not sent."
            )
        url = line.pdf_url or f"{settings.public_url}/services/api/orderlineitem/download/{line.job_id}"
        body = {
            "JobNo": job_nos[line.job_id],
            "ArtworkUrl": url,
            "IsSupportingDocument": False,
            "IsLastArtworkFile": True,
        }
        yield Call(name="UploadArtworkURL", order_id=order_id, body=body)
        now = shop.submission(order_id)
        shop.set_submission(order_id, replace(now, artwork=now.artwork | {line.job_id}))


def _is_print(line: Line) -> bool:
    return line.product_type == "print"


def _remember(shop: Shop, order_id: int, quote_no: str, acceptance: Acceptance | None) -> None:
    now = shop.submission(order_id)
    kept = {number: state for number, state in now.acceptances.items() if number != quote_no}
    acceptances = kept if acceptance is None else {**kept, quote_no: acceptance}
    shop.set_submission(order_id, replace(now, acceptances=acceptances))


def _rows(value: object) -> list[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _under(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _quote_no(answer: Answer) -> str:
    number = _under(answer.get("QuoteDetails"), "QuoteNo")
    if not isinstance(number, str) or not number:
        raise NoAnswerError("printIQ answered a price without a quote number.")
    return number


def _price(answer: Answer) -> object:
    """Return the price of the line asked for: the last product of the quote."""
    products = _rows(_under(answer.get("QuoteDetails"), "Products"))
    quantities = _rows(products[-1].get("Quantities")) if products else []
    return quantities[0].get("Price") if quantities else None


def _job_nos(answer: Answer) -> list[str]:
    products = _rows(_under(answer.get("AcceptanceDetails"), "Products"))
    return [str(product["JobNo"]) for product in products if product.get("JobNo")]
