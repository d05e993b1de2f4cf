"""The three inbound handlers of the `Mis.PrintIQ` plugin, where printIQ reports what happened there.

The routes are noted on Academy 1724; bodies, answers and that there is no sign-in are a GUESS.
"""

from collections.abc import Callable

import msgspec

from countermand.simulators.infigo.book import NotFoundError, RefusedError
from countermand.simulators.infigo.events import PLUGIN, Origin
from countermand.simulators.infigo.orders import Line, Order, ShippingStatus
from countermand.simulators.infigo.settings import PluginSettings
from countermand.simulators.infigo.shop import Shop


class MisMessage(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What printIQ sends to any of the three handlers."""

    order_id: str | int = ""
    job_no: str = ""
    sales_order_no: str = ""
    external_job_reference: str = ""
    #: Stock lines carry `{order id}/{line job id}` here.
    notes: str = ""
    status: str = ""
    tracking_number: str = ""
    tracking_url: str = ""


class MisAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    success: bool
    message: str = ""


Handler = Callable[[Shop, MisMessage], MisAnswer]


def handler_is_on(name: str, plugin: PluginSettings) -> bool:
    """Say whether the shop has switched this handler on."""
    return plugin.enabled and bool(getattr(plugin, f"handler_{name}"))


def changestatus(shop: Shop, message: MisMessage) -> MisAnswer:
    """Dispatched in printIQ: the order is Shipped, with its tracking number. Idempotent."""
    if message.status.lower() != "dispatched":
        return MisAnswer(False, f"The status {message.status or '(none)'} is not handled here.")
    order = _order(shop, message)
    tracking = _with_number(order.tracking, message.tracking_number)
    shipping = max(order.shipping, ShippingStatus.Shipped)
    try:
        shop.set_shipping(order.id, shipping, Origin("changestatus", PLUGIN), tracking=tracking)
    except RefusedError as refusal:
        return MisAnswer(False, str(refusal))
    return MisAnswer(True)


def cancel_line(shop: Shop, message: MisMessage, call: str) -> MisAnswer:
    """Cancelled in printIQ: the line is cancelled, and the order with its last line. Idempotent."""
    if message.status.lower() not in ("cancelled", "canceled"):
        return MisAnswer(False, f"The status {message.status or '(none)'} is not handled here.")
    line = _line(shop, message)
    by = Origin(call, PLUGIN)
    order = shop.order(line.order_id)
    if line.is_cancelled or order.is_cancelled:
        shop.ledger.record(call, f"line {line.job_id}", "already", {"via": PLUGIN})
        return MisAnswer(True)
    order = shop.cancel_line(line.job_id, by)
    if all(each.is_cancelled for each in order.lines):
        shop.cancel_order(order.id, by)
    return MisAnswer(True)


def updatejobstatus(shop: Shop, message: MisMessage) -> MisAnswer:
    """A job was cancelled in printIQ."""
    return cancel_line(shop, message, "updatejobstatus")


def updateorderstatus(shop: Shop, message: MisMessage) -> MisAnswer:
    """The sales order of a stock line was cancelled in printIQ."""
    return cancel_line(shop, message, "updateorderstatus")


HANDLERS: dict[str, Handler] = {
    "changestatus": changestatus,
    "updatejobstatus": updatejobstatus,
    "updateorderstatus": updateorderstatus,
}


def _order(shop: Shop, message: MisMessage) -> Order:
    """Find the order by its id or, where printIQ holds that, by its PO number."""
    reference = str(message.order_id).strip()
    if reference.isascii() and reference.isdecimal() and len(reference) <= 15:
        order = shop.find_order(int(reference))
        if order is not None:
            return order
    by_po = [order for order in shop.orders() if reference and order.po_number == reference]
    if len(by_po) == 1:
        return by_po[0]
    raise NotFoundError(f"There is no single order for {reference or '(none given)'}.")


def _line(shop: Shop, message: MisMessage) -> Line:
    """Find the line by its job id, in the reference or in the notes, else take the only stock line."""
    job_id = message.external_job_reference or message.notes.partition("/")[2]
    if job_id:
        return shop.line(job_id)
    lines = [line for line in _order(shop, message).lines if line.product_type == "stock"]
    if len(lines) == 1:
        return lines[0]
    raise NotFoundError("The message does not say which order line it is about.")


def _with_number(tracking: str, number: str) -> str:
    """Add a parcel's number to an order's tracking text (GUESS: the vendor may write over it)."""
    known = [each.strip() for each in tracking.split(",") if each.strip()]
    number = number.strip()
    return ", ".join(known if not number or number in known else [*known, number])
