"""Settings of one Infigo storefront connection.

A description says what a setting does; the comment above it says where its default comes from.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from countermand.vendor_http.settings import (
    VendorSettings,
    check_base_url,
    check_path,
    check_secret,
    check_template,
    setting,
)


class QueryNames(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a webhook by GET calls things in its query; its form is not documented."""

    #: Guess, after the rows of a webhook by POST.
    line: Annotated[
        tuple[str, ...],
        setting("Names under which a webhook by GET may give line ids or order numbers.", guess=True),
    ] = ("id", "ids")
    #: Guess, after the rows of a webhook by POST.
    order: Annotated[
        tuple[str, ...], setting("Names under which a webhook by GET may give order numbers.", guess=True)
    ] = ("orderId", "orderIds")
    #: Guess, after the envelope of a webhook by POST.
    claim: Annotated[
        tuple[str, ...], setting("Names under which a webhook by GET may say what happened.", guess=True)
    ] = ("action", "entity")


class InfigoSettings(VendorSettings, frozen=True, kw_only=True):
    """How to reach one storefront, and what its answers are called where that is not documented."""

    #: Documented: the REST API sits at {base_url}/services/api.
    base_url: Annotated[str, setting("Address of the storefront, without /services/api.")]
    #: Documented: the storefront's id is part of the address of its MIS plugin.
    storefront_id: Annotated[str, setting("Id of the storefront, as its address paths spell it.")] = ""
    #: Documented: one API token per storefront.
    token: Annotated[str, setting("API token of the storefront.", secret=True)]
    #: Documented in two ways: by the official sample client (raw) and by Academy 2290 (username).
    auth_style: Annotated[
        Literal["raw", "username"],
        setting(
            "`raw` sends `Basic <token>` as issued; `username` sends it as a user name without password."
        ),
    ] = "raw"
    #: Our choice: the script reads a hundred orders in one call and sees each line.
    read_by: Annotated[
        Literal["auto", "megascript", "rest"],
        setting("What orders are read through; `auto` takes the MegaScript when it is set up, else REST."),
    ] = "auto"
    #: Guess: which path triggers a script is not documented.
    megascript_path: Annotated[
        str, setting("Path that triggers countermand.megascript.js; empty for none.", guess=True)
    ] = "/services/api/megascript/countermand"
    #: Ours: the script checks it before anything else.
    megascript_secret: Annotated[
        str,
        setting("The text in SECRET of the installed script; empty means it is not installed.", secret=True),
    ] = ""
    #: Guess: where the order status sits in `order/detail` is not documented.
    order_status_field: Annotated[
        str, setting("Field of `order/detail` that holds the order status.", guess=True)
    ] = "OrderStatus"
    #: Guess: as above.
    shipping_status_field: Annotated[
        str, setting("Field of `order/detail` that holds the shipping status.", guess=True)
    ] = "ShippingStatus"
    #: Guess: as above.
    payment_status_field: Annotated[
        str, setting("Field of `order/detail` that holds the payment status.", guess=True)
    ] = "PaymentStatus"
    #: Guess: the MegaScript types call it TrackingNumber; that REST does too is inferred.
    tracking_field: Annotated[
        str, setting("Field of `order/detail` that holds the tracking text.", guess=True)
    ] = "TrackingNumber"
    #: Guess: `recordorder` takes a PurchaseOrderNumber; that `order/detail` gives it back is inferred.
    po_number_field: Annotated[
        str, setting("Field of `order/detail` that holds the PO number.", guess=True)
    ] = "PurchaseOrderNumber"
    #: Guess: as the lines have it.
    customer_field: Annotated[
        str, setting("Field of `order/detail` that names the customer.", guess=True)
    ] = "CustomerId"
    #: Guess: the MegaScript types call it CreatedOnUtc.
    created_field: Annotated[
        str, setting("Field of `order/detail` that says when it was placed.", guess=True)
    ] = "CreatedOnUtc"
    #: Guess: the MegaScript types call it IsCancelled.
    line_cancelled_field: Annotated[
        str, setting("Field of a line that says whether the line is cancelled.", guess=True)
    ] = "IsCancelled"
    #: Guess: no page names a field that tells print from stock.
    line_kind_field: Annotated[str, setting("Field of a line that says `print` or `stock`.", guess=True)] = (
        "ProductType"
    )
    #: Guess: the MegaScript types call it Quantity; that REST does too is inferred.
    line_quantity_field: Annotated[str, setting("Field of a line in REST with its quantity.", guess=True)] = (
        "Quantity"
    )
    #: Guess: as above.
    line_shipped_field: Annotated[
        str, setting("Field of a line in REST with the quantity of it that is shipped.", guess=True)
    ] = "ShippedQuantity"
    #: Guess: no page names a field with what a line is of.
    line_name_field: Annotated[
        str, setting("Field of a line in REST with the name of its product.", guess=True)
    ] = "Name"
    #: Guess: nothing says how a collected order looks; a completed one without shipping is the nearest.
    complete_means_dispatched_for_pickup: Annotated[
        bool,
        setting("A Complete order that needs no shipping counts as handed over.", guess=True),
    ] = True
    #: Documented: a shop may choose GET for its webhooks. Guess: what is in the query then.
    hook_query: QueryNames = QueryNames()
    #: Our choice: the MIS gets its cancel from us, with a read-back.
    notify_mis: Annotated[bool, setting("Let Infigo tell its own MIS plugin about our cancels.")] = False
    #: Our choice: mails to customers are the shop's decision.
    notify_customer: Annotated[bool, setting("Let Infigo mail the customer about our cancels.")] = False
    #: Our choice.
    timeout_seconds: Annotated[
        float, setting("Longest wait for one answer, in seconds.", least=0.1, most=300)
    ] = 20
    #: Our choice: no limit is documented.
    calls_per_second: Annotated[
        float, setting("Budget of API calls over time, in calls a second.", least=0.01, most=1000)
    ] = 5
    #: Our choice.
    burst: Annotated[int, setting("How many calls may be made at once.", least=1, most=1000)] = 10
    #: Guess: the path of nopCommerce's order page, which Infigo grew out of.
    admin_url_template: Annotated[
        str, setting("Where a person sees an order; `{base}` and `{id}` are filled in.", guess=True)
    ] = "{base}/Admin/Order/Edit/{id}"

    def __post_init__(self) -> None:
        check_base_url(self.base_url)
        if self.base_url.rstrip("/").lower().endswith("/services/api"):
            raise ValueError("base_url is the address of the storefront, without /services/api")
        check_path("megascript_path", self.megascript_path)
        check_template("admin_url_template", self.admin_url_template, frozenset({"base", "id"}))
        check_secret("token", self.token)
        check_secret("megascript_secret", self.megascript_secret)
        if not self.token:
            raise ValueError("token is empty; it is the API token of the storefront")
        if self.read_by == "megascript" and not self.has_script:
            raise ValueError("read_by = megascript needs megascript_path and megascript_secret")

    @property
    def has_script(self) -> bool:
        return bool(self.megascript_path and self.megascript_secret)

    @property
    def reads_by_script(self) -> bool:
        return self.has_script and self.read_by != "rest"
