"""What a MegaScript may ask of the shop: snapshots of orders, and the documented calls on them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from countermand.simulators.infigo.book import NotFoundError, RefusedError, ShopError
from countermand.simulators.infigo.events import MEGASCRIPT, Origin
from countermand.simulators.infigo.orders import Line, Order, OrderStatus, ShippingStatus
from countermand.simulators.infigo.shop import Shop

MOST_FOUND = 1000
Snapshot = dict[str, object]


def order_snapshot(order: Order) -> Snapshot:
    """Return the members of an order that Infigo's published types name.

    GUESS: that `ExtraData` reads as a plain object.
    """
    return {
        "Id": order.id,
        "OrderStatus": order.status.name,
        "ShippingStatus": order.shipping.name,
        "PaymentStatus": order.payment.name,
        "TrackingNumber": order.tracking,
        "OrderNotes": [note.text for note in order.notes],
        "OrderLineItems": [line_snapshot(line) for line in order.lines],
        "ExtraData": dict(order.extra),
        "CreatedOnUtc": order.created.isoformat(),
    }


def line_snapshot(line: Line) -> Snapshot:
    """Return the members of a line that the published types name. GUESS: `JobId` has no letter."""
    return {
        "Id": line.opv_id,
        "OrderId": line.order_id,
        "JobId": str(line.job_number),
        "TypeLetter": line.type_letter,
        "Quantity": line.quantity,
        "ShippedQuantity": line.shipped_quantity,
        "OrderProductStatus": line.custom_status or line.status.name,
        "IsCancelled": line.is_cancelled,
        "Quote": {"Id": line.quote_id} if line.quote_id else None,
        "ExtraData": dict(line.extra),
    }


class ScriptCalls:
    """Answers one script's calls; `post` takes what `Run.ExternalApi.PostJson` sends."""

    def __init__(self, shop: Shop, post: Callable[[str, str], None]) -> None:
        self._shop = shop
        self._post = post

    def answer(self, call: str, args: list[object]) -> Mapping[str, object]:
        """Do one call. Gives its value, what it threw, and for a call on an order the order afterwards."""
        value: object = None
        error: str | None = None
        try:
            value = self._do(call, args)
        except ShopError as refusal:
            error = str(refusal)
        changed = self._shop.find_order(_number(args[0])) if call.startswith("Order") and args else None
        return {
            "call": call,
            "value": value,
            "error": error,
            "order": order_snapshot(changed) if changed and not call.startswith("Orders.") else None,
        }

    def _do(self, call: str, args: list[object]) -> object:
        family, _, name = call.partition(".")
        if family == "Order":
            return self._order_call(name, args, Origin(call, MEGASCRIPT))
        if family == "OrderProductVariant":
            return self._line_call(name, args, Origin(call, MEGASCRIPT))
        if call == "Orders.FindById":
            return _snapshot_or_none(self._shop.find_order(_number(args[0])))
        if call == "Orders.FindByOrderProductVariantId":
            return _snapshot_or_none(self._shop.order_of_opv(_number(args[0])))
        if call == "Orders.FindAll":
            return self._find_all(*args)
        self._post(str(args[0]), str(args[1]))
        return True

    def _order_call(self, name: str, args: list[object], by: Origin) -> bool:
        shop, order_id = self._shop, _number(args[0])
        first = _argument(args, 1)
        if name == "Cancel":
            shop.cancel_order(
                order_id, by, notify_customer=first is True, notify_mis=_argument(args, 2) is True
            )
        elif name == "SetStatus":
            status = OrderStatus.__members__.get(str(first))
            return status is not None and _allowed(lambda: shop.set_order_status(order_id, status, by))
        elif name == "UpdateShippingStatus":
            shipping = ShippingStatus.__members__.get(str(first))
            return shipping is not None and _allowed(lambda: shop.set_shipping(order_id, shipping, by))
        elif name == "SetTrackingNumber":
            shop.set_tracking(order_id, _text(first), by)
        elif name == "AddOrderNotes":
            shop.add_note(order_id, _text(first), by, display_to_customer=_argument(args, 2) is True)
        else:
            value = _argument(args, 2)
            shop.set_extra(order_id, str(first), None if value is None else str(value), by)
        return True

    def _line_call(self, name: str, args: list[object], by: Origin) -> object:
        line = self._line(_number(args[0]), _number(args[1]))
        if name == "GetLatestStatus":
            return {
                "Id": line.opv_id,
                "Info": line.status_info,
                "Status": line.status.name,
                "CustomStatus": line.custom_status,
            }
        if name == "Cancel":
            self._shop.cancel_line(line.job_id, by)
        else:
            self._shop.set_line_status(line.job_id, _text(_argument(args, 2)), _text(_argument(args, 3)), by)
        return True

    def _line(self, order_id: int, opv_id: int) -> Line:
        for line in self._shop.order(order_id).lines:
            if line.opv_id == opv_id:
                return line
        raise NotFoundError(f"Order {order_id} has no order product variant {opv_id}.")

    def _find_all(self, search: object = None, page: object = 1, size: object = 0) -> Snapshot:
        """A page as the published types have it: they count from 1 and hold their orders as `List`.

        GUESS: there is no page 0, and the oldest order comes first.
        """
        wanted = search if isinstance(search, dict) else {}
        order_status, shipping_status = (
            _text(wanted.get(name)) for name in ("order_status", "shipping_status")
        )
        if order_status and order_status not in OrderStatus.__members__:
            raise RefusedError(f"There is no order status {order_status}.")
        if shipping_status and shipping_status not in ShippingStatus.__members__:
            raise RefusedError(f"There is no shipping status {shipping_status}.")
        found = self._shop.search(
            order_status=order_status,
            shipping_status=shipping_status,
            since=_time(wanted.get("since")),
            until=_time(wanted.get("until")),
        )
        count = min(max(_number(size), 0), MOST_FOUND)
        if _number(page) < 1:
            raise RefusedError("Pages count from 1.")
        start = (_number(page) - 1) * count
        matches = list(found)
        return {
            "TotalCount": len(matches),
            "PageIndex": _number(page),
            "PageSize": count,
            "List": [order_snapshot(order) for order in matches[start : start + count]],
        }


def _snapshot_or_none(order: Order | None) -> Snapshot | None:
    return None if order is None else order_snapshot(order)


def _allowed(change: Callable[[], object]) -> bool:
    """Make a change; the status calls answer false where `Cancel` throws."""
    try:
        change()
    except RefusedError:
        return False
    return True


def _argument(args: list[object], index: int) -> object:
    return args[index] if index < len(args) else None


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) < 2**53 else 0


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _time(value: object) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise RefusedError(f"{value} is not a date.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
