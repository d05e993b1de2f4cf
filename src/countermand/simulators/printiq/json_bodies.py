"""The request bodies of the JSON API: PascalCase, numbers and booleans also as text."""

from typing import TypeVar

import msgspec

from countermand.simulators.printiq.quoting import Wanted

T = TypeVar("T")


class UnreadableBodyError(ValueError):
    """A body that is not what the method takes; the text goes into the envelope (GUESS at wording)."""


def read(body: bytes, kind: type[T]) -> T:
    """Decode a body; fields that it does not know are ignored. Raises `UnreadableBodyError`."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableBodyError(f"The request is invalid: {error}") from error


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A body whose names are the snake_case ones in PascalCase."""


class SelectedQuantity(Body, frozen=True, kw_only=True):
    quantity: int = 0
    kinds: int = 1


class Address(Body, frozen=True, kw_only=True):
    """An address as clients send it; spellings differ, so only what a screen shows is read."""

    address_name: str | None = None
    company_name: str | None = None
    address_line1: str | None = None
    street: str | None = None
    city: str | None = None
    post_code: str | None = None

    def one_line(self) -> str:
        parts = (
            self.address_name or self.company_name,
            self.address_line1 or self.street,
            self.city,
            self.post_code,
        )
        return ", ".join(part for part in parts if part)


class DeliveryWanted(Body, frozen=True, kw_only=True):
    address: Address | None = None

    def one_line(self) -> str:
        return self.address.one_line() if self.address else ""


class QuoteRequest(Body, frozen=True, kw_only=True):
    """What both quote calls share."""

    customer_code: str = ""
    product_code: str = ""
    job_title: str | None = None
    notes: str | None = None
    customer_expected_date: str | None = None
    customer_reference: str | None = None
    external_job_reference: str | None = None

    def described(
        self, quantity: SelectedQuantity, addresses: tuple[str, ...], description: str, sim_order: str
    ) -> Wanted:
        return Wanted(
            product_code=self.product_code,
            quantity=quantity.quantity,
            kinds=max(quantity.kinds, 1),
            title=self.job_title or "",
            description=description,
            notes=self.notes or "",
            customer_reference=self.customer_reference or "",
            external_job_reference=self.external_job_reference or "",
            due=self.customer_expected_date or "",
            addresses=addresses,
            sim_order=sim_order,
        )


class GetPrice(QuoteRequest, frozen=True, kw_only=True):
    selected_quantity: SelectedQuantity = SelectedQuantity()
    deliveries: tuple[DeliveryWanted, ...] | None = None
    accept_quote: bool = False
    job_description: str | None = None
    quote_no: str | None = None

    def wanted(self, sim_order: str) -> Wanted:
        addresses = tuple(delivery.one_line() for delivery in self.deliveries or ())
        return self.described(self.selected_quantity, addresses, self.job_description or "", sim_order)


class CreateQuoteWithDelivery(QuoteRequest, frozen=True, kw_only=True):
    accept: bool = False
    quantity: SelectedQuantity = SelectedQuantity()
    address: Address | None = None
    special_instructions: str | None = None
    due_date: str | None = None

    def wanted(self, sim_order: str) -> Wanted:
        addresses = (self.address.one_line(),) if self.address else ()
        return self.described(self.quantity, addresses, self.special_instructions or "", sim_order)


class AcceptQuote(Body, frozen=True, kw_only=True):
    quote_no: str = ""
    create_invoice: bool = False
    create_invoice_as_paid: bool = False
    create_invoice_as_internally_invoiced: bool = False


class GetAcceptanceDetails(Body, frozen=True, kw_only=True):
    """One of the three names what is wanted."""

    job_no: str | None = None
    acceptance_key: int | None = None
    acceptance_detail_key: int | None = None


class ConsignedDelivery(Body, frozen=True, kw_only=True):
    """`DeliveryKey` is the `FDKey` of a delivery."""

    delivery_key: int
    delivery_tracking_code: str | None = None
    delivery_tracking_url: str | None = msgspec.field(default=None, name="DeliveryTrackingURL")


class ExternalConsignment(Body, frozen=True, kw_only=True):
    consignment_no: str | None = None
    consignment_price: float | None = None
    consignment_tracking_code: str | None = None
    consignment_tracking_url: str | None = msgspec.field(default=None, name="ConsignmentTrackingURL")
    external_consignment_deliveries: tuple[ConsignedDelivery, ...] = ()


class AddExternalConsignment(Body, frozen=True, kw_only=True):
    external_consignment: ExternalConsignment


class UploadArtworkURL(Body, frozen=True, kw_only=True):
    job_no: str = ""
    artwork_url: str = ""
    is_supporting_document: bool = False
    is_last_artwork_file: bool = False


def sales_order_number(body: bytes) -> str:
    """Read the number from a bare JSON text or from an object (GUESS: the field's name is not known)."""
    asked = read(body, str | dict[str, object])  # type: ignore[arg-type]  # a union is no `type`
    if isinstance(asked, str):
        return asked
    return next((str(asked[name]) for name in ("SalesOrderNo", "SONumber", "SoNumber") if name in asked), "")
