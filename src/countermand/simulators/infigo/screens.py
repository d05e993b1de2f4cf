"""The admin screens for the storefront's staff, in the manner of nopCommerce: Sales > Orders > an order."""

from collections.abc import Awaitable, Callable, Iterable
from math import ceil
from pathlib import Path

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from countermand.simulators.infigo.book import NotFoundError, RefusedError, ShopError
from countermand.simulators.infigo.catalogue import Customer, line_of
from countermand.simulators.infigo.events import STAFF, Origin
from countermand.simulators.infigo.orders import NewOrder, Order, OrderStatus, PaymentStatus, ShippingStatus
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.infigo.storefront import Storefront
from countermand.simulators.infigo.submission import SubmissionState
from countermand.simulators.kit import Pages

PAGE_SIZE = 25
NEW_ORDER_ROWS = 3
Change = Callable[[Shop, int, FormData], None]

#: What a page says after a change; the key stands in the address.
DONE = {
    "placed": "The order has been placed.",
    "status": "The order status has been saved.",
    "cancelled": "The order has been cancelled. A payment is not refunded by that.",
    "line": "The line has been cancelled.",
    "shipping": "The shipping status has been saved.",
    "note": "The note has been added.",
    "refund": "The payment has been marked as refunded.",
    "send": "The order is on its way to printIQ.",
}


class OrderSearch:
    """What the order list was asked to show; a value that means nothing shows everything."""

    def __init__(self, request: Request) -> None:
        query = request.query_params
        self.text = query.get("q", "").strip()[:100]
        self.status = query.get("status", "")
        self.shipping = query.get("shipping", "")
        page = query.get("page", "1")
        self.page = max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 7 else 1

    def find(self, shop: Shop) -> list[Order]:
        """Return the matching orders, newest first."""
        found = shop.search(order_status=self.status, shipping_status=self.shipping)
        matching = [order for order in found if self._matches(order, shop.customers[order.customer_id])]
        return matching[::-1]

    def _matches(self, order: Order, customer: Customer) -> bool:
        words = (str(order.id), order.po_number, order.tracking, customer.name, customer.company)
        return any(self.text.lower() in word.lower() for word in words)


def _change_status(shop: Shop, order_id: int, form: FormData) -> None:
    wanted = OrderStatus.__members__.get(_text(form, "status"))
    if wanted is None:
        raise RefusedError("Choose an order status first.")
    if wanted is OrderStatus.Cancelled:
        by = Origin("staff.cancel-order", STAFF)
        shop.cancel_order(order_id, by, notify_customer=bool(_text(form, "notify_customer")))
    else:
        shop.set_order_status(order_id, wanted, Origin("staff.change-status", STAFF))


def _change_shipping(shop: Shop, order_id: int, form: FormData) -> None:
    wanted = ShippingStatus.__members__.get(_text(form, "shipping"))
    if wanted is None:
        raise RefusedError("Choose a shipping status first.")
    tracking = _text(form, "tracking")[:500]
    shop.set_shipping(order_id, wanted, Origin("staff.ship", STAFF), tracking=tracking)


def _add_note(shop: Shop, order_id: int, form: FormData) -> None:
    text = _text(form, "note")[:2000]
    if not text:
        raise RefusedError("Write a note first.")
    by = Origin("staff.note", STAFF)
    shop.add_note(order_id, text, by, display_to_customer=bool(_text(form, "display_to_customer")))


def _cancel_line(shop: Shop, order_id: int, form: FormData) -> None:
    line = shop.line(_text(form, "job_id"))
    if line.order_id != order_id:
        raise NotFoundError(f"Order {order_id} has no line {line.job_id}.")
    shop.cancel_line(line.job_id, Origin("staff.cancel-line", STAFF))


def _refund(shop: Shop, order_id: int, _: FormData) -> None:
    shop.refund(order_id, Origin("staff.refund", STAFF))


CHANGES: dict[str, Change] = {
    "status": _change_status,
    "shipping": _change_shipping,
    "note": _add_note,
    "line": _cancel_line,
    "refund": _refund,
}


class Screens:
    """The pages, each a method."""

    def __init__(self, storefront: Storefront) -> None:
        self._storefront = storefront
        self._shop = storefront.shop
        self._pages = Pages(Path(__file__).parent / "templates", storefront=storefront, words=words)

    def routes(self) -> list[Route]:
        return [
            Route("/", _to_orders),
            Route("/admin", _to_orders),
            Route("/admin/orders", self.orders),
            Route("/admin/orders/new", self.new_order),
            Route("/admin/orders/new", self.place_order, methods=["POST"]),
            Route("/admin/orders/{order_id:int}", self.order),
            Route("/admin/orders/{order_id:int}/send", self.send, methods=["POST"]),
            *(
                Route(
                    f"/admin/orders/{{order_id:int}}/{name}", self._changing(name, change), methods=["POST"]
                )
                for name, change in CHANGES.items()
            ),
            Route("/admin/products", self.products),
            Route("/admin/messages", self.messages),
        ]

    async def orders(self, request: Request) -> Response:
        search = OrderSearch(request)
        found = search.find(self._shop)
        pages = max(1, ceil(len(found) / PAGE_SIZE))
        page = min(search.page, pages)
        return self._pages.show(
            "orders.html",
            search=search,
            orders=found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
            found=len(found),
            page=page,
            pages=pages,
            order_statuses=_names(OrderStatus),
            shipping_statuses=_names(ShippingStatus),
        )

    async def order(self, request: Request) -> Response:
        try:
            order = self._shop.order(request.path_params["order_id"])
        except NotFoundError as error:
            return self._pages.show("missing.html", 404, reason=str(error))
        return self._order_page(order, done=DONE.get(request.query_params.get("done", ""), ""))

    def _order_page(
        self, order: Order, *, done: str = "", error: str = "", status_code: int = 200
    ) -> Response:
        shop = self._shop
        return self._pages.show(
            "order.html",
            status_code,
            order=order,
            customer=shop.customers[order.customer_id],
            submission=shop.submission(order.id),
            can_send=shop.submission(order.id).state not in (SubmissionState.SENT, SubmissionState.WAITING),
            offer_refund=_may_owe_money(order),
            stock=[move for move in shop.stock_movements if move.order_id == order.id],
            mails=[mail for mail in shop.mails if mail.order_id == order.id],
            order_statuses=_names(OrderStatus),
            shipping_statuses=_names(ShippingStatus),
            done=done,
            error=error,
        )

    def _changing(self, name: str, change: Change) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            order_id, form = request.path_params["order_id"], await _form(request)
            try:
                with self._storefront.at_work(request) as shop:
                    change(shop, order_id, form)
            except ShopError as error:
                return self._refusal(order_id, error)
            cancelled = name == "status" and self._shop.order(order_id).is_cancelled
            return _back_to(order_id, "cancelled" if cancelled else name)

        return handle

    async def send(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        try:
            self._storefront.send_again(order_id)
        except ShopError as error:
            return self._refusal(order_id, error)
        return _back_to(order_id, "send")

    def _refusal(self, order_id: int, error: ShopError) -> Response:
        order = self._shop.find_order(order_id)
        if order is None:
            return self._pages.show("missing.html", 404, reason=str(error))
        return self._order_page(order, error=str(error), status_code=409)

    async def new_order(self, _: Request) -> Response:
        return self._new_order_page()

    def _new_order_page(self, error: str = "", status_code: int = 200) -> Response:
        return self._pages.show(
            "new_order.html",
            status_code,
            products=self._shop.products.values(),
            customers=self._shop.customers.values(),
            rows=range(NEW_ORDER_ROWS),
            error=error,
        )

    async def place_order(self, request: Request) -> Response:
        form = await _form(request)
        try:
            with self._storefront.at_work(request) as shop:
                order = shop.place(_ordered(form, shop), Origin("staff.place-order", STAFF))
        except ShopError as error:
            return self._new_order_page(str(error), 400)
        return _back_to(order.id, "placed")

    async def products(self, _: Request) -> Response:
        return self._pages.show("products.html", products=self._shop.products.values())

    async def messages(self, _: Request) -> Response:
        attempts = self._storefront.outbox.attempts()[-200:][::-1]
        return self._pages.show("messages.html", attempts=attempts)


def _may_owe_money(order: Order) -> bool:
    """Say whether something that was paid for is cancelled."""
    cancelled = order.is_cancelled or any(line.is_cancelled for line in order.lines)
    return cancelled and order.payment is PaymentStatus.Paid


def _ordered(form: FormData, shop: Shop) -> NewOrder:
    """Return the order that the form describes. Raises `RefusedError`."""
    lines = []
    for product, quantity in zip(_texts(form, "product"), _texts(form, "quantity"), strict=False):
        if product:
            chosen = shop.products.get(_whole(product, "product"))
            if chosen is None:
                raise RefusedError(f"There is no product {product}.")
            lines.append(line_of(chosen, _whole(quantity, "quantity")))
    return NewOrder(
        customer_id=_whole(_text(form, "customer"), "customer"),
        lines=tuple(lines),
        paid=bool(_text(form, "paid")),
        po_number=_text(form, "po_number")[:100],
        delivery_method=_text(form, "delivery")[:100] or "Courier",
    )


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=0)
    except HTTPException:
        return FormData()


def _text(form: FormData, name: str) -> str:
    return next(iter(_texts(form, name)), "")


def _texts(form: FormData, name: str) -> list[str]:
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]


def _whole(text: str, what: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= 1_000_000:
        return int(text)
    raise RefusedError(f"The {what} {text[:30] or '(empty)'} is not a whole number from 1 to 1,000,000.")


def words(name: str) -> str:
    """Write a status such as `NotYetShipped` as words: `Not yet shipped`."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.strip().capitalize()


def _names(statuses: Iterable[OrderStatus | ShippingStatus]) -> list[str]:
    return [status.name for status in statuses]


async def _to_orders(_: Request) -> Response:
    return RedirectResponse("/admin/orders")


def _back_to(order_id: int, done: str) -> Response:
    return RedirectResponse(f"/admin/orders/{order_id}?done={done}", 303)
