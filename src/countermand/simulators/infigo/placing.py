"""What callers send to place an order: `recordorder`, and the shorter form of test control."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec.structs import replace

from countermand.simulators.infigo.book import RefusedError
from countermand.simulators.infigo.catalogue import Product, line_of
from countermand.simulators.infigo.orders import NewLine, NewOrder, ProductType
from countermand.simulators.infigo.shop import Shop

Quantity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
TypeLetter = Annotated[str, msgspec.Meta(pattern="^[dsm]$")]
MOST_LINES = 200
UPLOAD = "m"


class KeyValue(msgspec.Struct, frozen=True, rename="pascal"):
    key: Text
    value: str | int | float | bool | None = None


class RecordedLine(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One of `OrderLineItems` of `recordorder`."""

    nop_product_id: int | None = None
    external_product_id: Text | None = None
    quantity: Quantity = 1
    job_id: str | int | None = None
    product_variant_attributes: list[KeyValue] | None = None
    pdf_external_url: Text | None = None
    delivery_type: Text | None = None
    extra_data: object = None


class RecordedOrder(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The body of `recordorder`. `CallbackUrl` and the addresses are taken and not used."""

    external_order_id: Text | None = None
    catfish_customer_id: int
    catfish_delivery_method: Text | None = None
    is_payment_paid: bool = False
    purchase_order_number: Text | None = None
    callback_url: Text | None = None
    delivery_address: object = None
    billing_address: object = None
    checkout_attributes: list[KeyValue] | None = None
    order_line_items: Annotated[list[RecordedLine], msgspec.Meta(max_length=MOST_LINES)]
    extra_data: object = None


class ControlLine(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    name: Text = ""
    sku: Text = ""
    quantity: Quantity = 100
    product_type: ProductType = "print"
    type_letter: TypeLetter | None = None
    price: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None


class ControlOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A full order of `POST /_sim/orders`; `Customer` is an id, or any name."""

    lines: Annotated[list[ControlLine], msgspec.Meta(min_length=1, max_length=MOST_LINES)] = msgspec.field(
        name="OrderLineItems"
    )
    customer: int | Text | None = msgspec.field(name="Customer", default=None)
    po_number: Text = msgspec.field(name="PurchaseOrderNumber", default="")
    paid: bool = msgspec.field(name="IsPaymentPaid", default=False)
    delivery_method: Text = msgspec.field(name="CatfishDeliveryMethod", default="Courier")
    external_id: Text = msgspec.field(name="ExternalOrderId", default="")
    created: datetime | None = msgspec.field(name="CreatedOnUtc", default=None)
    send_to_printiq: bool = True


class ControlOrders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{"count": n}` or `{"orders": [...]}`."""

    count: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    orders: Annotated[list[ControlOrder], msgspec.Meta(max_length=10_000)] | None = None
    send_to_printiq: bool = True


def recorded(body: RecordedOrder, shop: Shop) -> NewOrder:
    """Return what `recordorder` asks for. Raises `RefusedError` with the sentence for `Errors`."""
    return NewOrder(
        customer_id=body.catfish_customer_id,
        lines=tuple(_recorded_line(line, shop) for line in body.order_line_items),
        paid=body.is_payment_paid,
        po_number=body.purchase_order_number or "",
        external_id=body.external_order_id or "",
        delivery_method=body.catfish_delivery_method or "Courier",
        checkout_attributes=_pairs(body.checkout_attributes),
        extra=_extra(body.extra_data),
    )


def _recorded_line(line: RecordedLine, shop: Shop) -> NewLine:
    letter, number = _job(line.job_id)
    new = line_of(_product(line, shop), line.quantity)
    letter = letter or (UPLOAD if line.pdf_external_url else new.type_letter)
    return replace(
        new,
        type_letter=letter,
        job_number=number,
        attributes=_pairs(line.product_variant_attributes),
        pdf_url=line.pdf_external_url or "",
        extra=_extra(line.extra_data),
    )


def _product(line: RecordedLine, shop: Shop) -> Product:
    for product in shop.products.values():
        if line.nop_product_id == product.id or line.external_product_id == product.sku:
            return product
    raise RefusedError(
        f"There is no product {line.nop_product_id or line.external_product_id or '(none given)'}."
    )


def _job(given: str | int | None) -> tuple[str, int]:
    """Split a job id, `m1234` or 1234, into its letter and number."""
    text = str(given or "").strip().lower()
    letter, number = (text[0], text[1:]) if text[:1] in tuple("dsm") else ("", text)
    if not text:
        return "", 0
    if not (number.isascii() and number.isdecimal() and len(number) <= 15):
        raise RefusedError(f"{given} is not a job id.")
    return letter, int(number)


def _pairs(given: list[KeyValue] | None) -> tuple[tuple[str, str], ...]:
    return tuple((pair.key, "" if pair.value is None else str(pair.value)) for pair in given or ())


def _extra(given: object) -> dict[str, str]:
    """`ExtraData` as keys and texts. GUESS: an object, or a list of `{Key, Value}`."""
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    if isinstance(given, list):
        rows = [row for row in given if isinstance(row, Mapping) and "Key" in row]
        return {str(row["Key"]): str(row.get("Value", "")) for row in rows}
    return {}


def from_control(body: ControlOrder, shop: Shop) -> NewOrder:
    """Return what test control asks for; unknown customer names and product names are made up on the spot."""
    created = body.created
    if created is not None and created.tzinfo is None:
        created = created.replace(tzinfo=UTC)
    return NewOrder(
        customer_id=_customer(body.customer, shop),
        lines=tuple(_control_line(line, shop) for line in body.lines),
        paid=body.paid,
        po_number=body.po_number,
        external_id=body.external_id,
        delivery_method=body.delivery_method,
        created=created,
        send=body.send_to_printiq,
    )


def _customer(given: int | str | None, shop: Shop) -> int:
    if given is None:
        return next(iter(shop.customers))
    return given if isinstance(given, int) else shop.customer_named(given).id


def _control_line(line: ControlLine, shop: Shop) -> NewLine:
    product = next(
        (p for p in shop.products.values() if line.sku == p.sku or line.name in (p.sku, p.name)), None
    )
    if product is None and line.sku:
        raise RefusedError(f"There is no product {line.sku}.")
    product = product or next(p for p in shop.products.values() if p.product_type == line.product_type)
    new = line_of(product, line.quantity)
    return replace(
        new,
        name=line.name or new.name,
        type_letter=line.type_letter or new.type_letter,
        price=new.price if line.price is None else Decimal(str(line.price)),
    )
