"""Test control of the Infigo simulator: place orders, play the staff, read the whole state."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.simulators.infigo.book import NotFoundError, ShopError
from countermand.simulators.infigo.events import CONTROL, STAFF, Origin
from countermand.simulators.infigo.orders import Order, ShippingStatus
from countermand.simulators.infigo.placing import ControlOrder, ControlOrders, from_control
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.infigo.storefront import Storefront
from countermand.simulators.infigo.views import View, full_state, order_detail
from countermand.simulators.kit import control_routes
from countermand.simulators.kit.control import json_answer, sentence

Endpoint = Callable[[Request], Awaitable[Response]]
PLACE = Origin("place order", CONTROL)


class ShipWanted(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    tracking_number: str = ""


class CancelWanted(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    notify_customer: bool = False


def infigo_control_routes(storefront: Storefront) -> list[Route]:
    """Return all of `/_sim`."""
    control = _Control(storefront)
    staff: tuple[tuple[str, Endpoint], ...] = (
        ("orders", control.place),
        ("orders/{order_id:int}/send", control.send),
        ("orders/{order_id:int}/cancel", control.cancel_order),
        ("orders/{order_id:int}/ship", control.ship),
        ("orders/{order_id:int}/refund", control.refund),
        ("lines/{job_id}/cancel", control.cancel_line),
    )
    return [
        *(Route(f"/_sim/{path}", _guarded(endpoint), methods=["POST"]) for path, endpoint in staff),
        Route("/_sim/orders", control.list_orders),
        Route("/_sim/orders/{order_id:int}", _guarded(control.show)),
        *control_routes(
            ledger=storefront.shop.ledger,
            plan=storefront.plan,
            counts=storefront.counts,
            outbox=storefront.outbox,
            settings=storefront.box,
        ),
    ]


class _Control:
    def __init__(self, storefront: Storefront) -> None:
        self._storefront = storefront
        self._shop = storefront.shop

    async def place(self, request: Request) -> Response:
        body = await request.body()
        with self._storefront.at_work(request) as shop:
            placed = _place(body, shop)
        return json_answer({"orders": [_placed(order) for order in placed]}, 201)

    async def list_orders(self, _: Request) -> Response:
        return json_answer({"orders": [_summary(order) for order in self._shop.orders()]})

    async def show(self, request: Request) -> Response:
        return self._state(request.path_params["order_id"])

    async def send(self, request: Request) -> Response:
        self._storefront.send_again(request.path_params["order_id"])
        return self._state(request.path_params["order_id"])

    async def cancel_order(self, request: Request) -> Response:
        wanted = msgspec.json.decode(await request.body() or b"{}", type=CancelWanted)
        order_id = request.path_params["order_id"]
        with self._storefront.at_work(request) as shop:
            by = Origin("staff.cancel-order", STAFF)
            shop.cancel_order(order_id, by, notify_customer=wanted.notify_customer)
        return self._state(order_id)

    async def cancel_line(self, request: Request) -> Response:
        with self._storefront.at_work(request) as shop:
            order = shop.cancel_line(request.path_params["job_id"], Origin("staff.cancel-line", STAFF))
        return self._state(order.id)

    async def ship(self, request: Request) -> Response:
        wanted = msgspec.json.decode(await request.body() or b"{}", type=ShipWanted)
        order_id = request.path_params["order_id"]
        with self._storefront.at_work(request) as shop:
            by = Origin("staff.ship", STAFF)
            shop.set_shipping(order_id, ShippingStatus.Shipped, by, tracking=wanted.tracking_number or None)
        return self._state(order_id)

    async def refund(self, request: Request) -> Response:
        with self._storefront.at_work(request) as shop:
            shop.refund(request.path_params["order_id"], Origin("staff.refund", STAFF))
        return self._state(request.path_params["order_id"])

    def _state(self, order_id: int) -> Response:
        return json_answer(full_state(self._shop.order(order_id), self._shop))


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def handle(request: Request) -> Response:
        try:
            return await endpoint(request)
        except NotFoundError as error:
            return sentence(str(error), 404)
        except ShopError as error:
            return sentence(str(error), 409)
        except msgspec.DecodeError as error:
            return sentence(f"The request cannot be used: {error}.")

    return handle


def _place(body: bytes, shop: Shop) -> list[Order]:
    """Place `{"count": n}`, `{"orders": [...]}` or one full order."""
    keys = msgspec.json.decode(body, type=dict[str, object])
    if "OrderLineItems" in keys:
        return [shop.place(from_control(msgspec.json.decode(body, type=ControlOrder), shop), PLACE)]
    wanted = msgspec.json.decode(body, type=ControlOrders)
    if wanted.orders is not None:
        return [shop.place(from_control(order, shop), PLACE) for order in wanted.orders]
    if wanted.count is None:
        raise msgspec.ValidationError("Give count, orders, or an order with OrderLineItems")
    return shop.place_samples(wanted.count, PLACE, send=wanted.send_to_printiq)


def _placed(order: Order) -> View:
    detail = order_detail(order, status_fields=True)
    return {name: detail[name] for name in ("Id", "PurchaseOrderNumber", "OrderLineItems")}


def _summary(order: Order) -> View:
    detail = order_detail(order, status_fields=True)
    names = ("Id", "OrderStatus", "ShippingStatus", "PaymentStatus", "TrackingNumber", "PurchaseOrderNumber")
    return {name: detail[name] for name in names}
