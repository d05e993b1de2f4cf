"""Settings of one printIQ connection.

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

DispatchedWhen = Literal["all_deliveries", "first_consignment", "complete"]


class AcceptanceNames(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `GetAcceptanceDetails` calls things; lists and `FDKey` are documented, statuses are not."""

    #: Documented.
    jobs: Annotated[str, setting("Path of the list with a row per delivery of a job.")] = (
        "AcceptanceProductDeliveryDetails"
    )
    #: Documented.
    sales_orders: Annotated[str, setting("Path of the list with a row per delivery of a stock item.")] = (
        "AcceptanceItemDeliveryDetails"
    )
    #: Guess: as in `AcceptQuote`'s answer.
    job_no: Annotated[str, setting("Field with the job number.", guess=True)] = "JobNo"
    #: Guess.
    sales_order_no: Annotated[str, setting("Field with the sales order number.", guess=True)] = "SalesOrderNo"
    #: Guess: that a sales order's number finds its acceptance is documented, what the call names it is not.
    sales_order_asked: Annotated[
        str, setting("Field in which a sales order's number is asked about for its acceptance.", guess=True)
    ] = "SalesOrderNo"
    #: Guess: as above.
    sales_order_key: Annotated[
        str, setting("Field of the answer to that with the acceptance key.", guess=True)
    ] = "QQAKey"
    #: Documented as a key of the call; that the answer carries it is a guess.
    group: Annotated[str, setting("Field with the acceptance key.", guess=True)] = "AcceptanceKey"
    #: Guess: whether the answer carries the status at all is not known; then set `read_by`.
    status_id: Annotated[str, setting("Field of a job's row with its production status id.", guess=True)] = (
        "ProductionStatusID"
    )
    #: Guess.
    sales_order_status: Annotated[
        str, setting("Field of a stock item's row with the sales order's status.", guess=True)
    ] = "Status"
    #: Guess: named so in the quote calls.
    customer_reference: Annotated[
        str, setting("Field with the order id or PO number that the storefront sent.", guess=True)
    ] = "CustomerReference"
    #: Guess: named so in the quote calls.
    external_reference: Annotated[
        str, setting("Field with the storefront's line id (print lines only).", guess=True)
    ] = "ExternalJobReference"
    #: Guess: named so in the quote calls.
    notes: Annotated[str, setting("Field with the notes (all that stock lines carry).", guess=True)] = "Notes"
    #: Guess.
    quote_no: Annotated[str, setting("Field with the quote number.", guess=True)] = "QuoteNo"
    #: Guess: named so in the quote calls.
    title: Annotated[str, setting("Field with the job title.", guess=True)] = "JobTitle"
    #: Guess.
    quantity: Annotated[str, setting("Field with the quantity of the delivery.", guess=True)] = "Quantity"
    #: Guess: named so in `AddExternalConsignment`.
    consignment_no: Annotated[
        str, setting("Field that is filled once the delivery is consigned.", guess=True)
    ] = "ConsignmentNo"
    #: Guess: named so in `AddExternalConsignment`.
    tracking_code: Annotated[str, setting("Field with the consignment's tracking code.", guess=True)] = (
        "ConsignmentTrackingCode"
    )
    #: Guess: named so in `AddExternalConsignment`.
    tracking_url: Annotated[str, setting("Field with the consignment's tracking address.", guess=True)] = (
        "ConsignmentTrackingURL"
    )


class ODataNames(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What OData calls things; that job and sales order entities exist is itself a guess."""

    #: Guess: no job entity is known.
    job_entity: Annotated[
        str,
        setting(
            "Entity with a row per job; empty for none: then jobs are neither searched nor listed.",
            guess=True,
        ),
    ] = "Jobs"
    #: Guess: as above.
    sales_order_entity: Annotated[
        str, setting("Entity with a row per sales order; empty for none.", guess=True)
    ] = "SalesOrders"
    #: Guess.
    job_no: Annotated[str, setting("Field with the job number.", guess=True)] = "JobNo"
    #: Guess.
    sales_order_no: Annotated[str, setting("Field with the sales order number.", guess=True)] = "SalesOrderNo"
    #: Guess.
    group: Annotated[str, setting("Field with the acceptance key.", guess=True)] = "AcceptanceKey"
    #: Guess.
    status_id: Annotated[str, setting("Field of a job with its production status id.", guess=True)] = (
        "ProductionStatusID"
    )
    #: Guess.
    sales_order_status: Annotated[str, setting("Field with a sales order's status.", guess=True)] = "Status"
    #: Guess.
    customer_reference: Annotated[
        str, setting("Field with the order id or PO number that the storefront sent.", guess=True)
    ] = "CustomerReference"
    #: Guess.
    external_reference: Annotated[
        str, setting("Field with the storefront's line id (print lines only).", guess=True)
    ] = "ExternalJobReference"
    #: Guess.
    notes: Annotated[str, setting("Field with the notes (all that stock lines carry).", guess=True)] = "Notes"
    #: Guess.
    quote_no: Annotated[str, setting("Field of a job with its quote number.", guess=True)] = "QuoteNo"
    #: Guess.
    title: Annotated[str, setting("Field with the job title.", guess=True)] = "JobTitle"
    #: Guess.
    quantity: Annotated[str, setting("Field with the quantity.", guess=True)] = "Quantity"
    #: Guess.
    deliveries_total: Annotated[str, setting("Field with the number of deliveries.", guess=True)] = (
        "DeliveriesTotal"
    )
    #: Guess.
    deliveries_consigned: Annotated[
        str, setting("Field with the number of deliveries that are consigned.", guess=True)
    ] = "DeliveriesConsigned"
    #: Guess.
    tracking_codes: Annotated[str, setting("Field with the tracking codes.", guess=True)] = "TrackingCodes"
    #: Guess.
    tracking_urls: Annotated[str, setting("Field with the tracking addresses.", guess=True)] = "TrackingURLs"
    #: Guess.
    invoice_status: Annotated[str, setting("Field of a job with its invoice's status.", guess=True)] = (
        "InvoiceStatus"
    )
    #: Guess.
    modified: Annotated[str, setting("Field with the time of the last change, in UTC.", guess=True)] = (
        "ModifiedDate"
    )


class HookNames(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What hooks call things; no payload is documented, so several spellings are taken."""

    #: Guess; `JobNumber` is the Job XML's documented name.
    job: Annotated[tuple[str, ...], setting("Names under which a hook may give job numbers.", guess=True)] = (
        "JobNo",
        "JobNos",
        "JobNumber",
        "JobRef",
        "Jobs",
    )
    #: Guess.
    sales_order: Annotated[
        tuple[str, ...], setting("Names under which a hook may give sales order numbers.", guess=True)
    ] = ("SalesOrderNo", "SalesOrderNumber", "SONumber", "SalesOrders")
    #: Guess: the acceptance keys that the JSON API documents.
    group: Annotated[
        tuple[str, ...], setting("Names under which a hook may give the acceptance key.", guess=True)
    ] = ("AcceptanceKey", "QQAKey")
    #: Guess: named so in the quote calls.
    reference: Annotated[
        tuple[str, ...], setting("Names under which a hook may give the storefront's order id.", guess=True)
    ] = ("CustomerReference",)
    #: Guess.
    event: Annotated[tuple[str, ...], setting("Names under which a hook may say its event.", guess=True)] = (
        "Event",
        "EventName",
        "EventType",
    )
    #: Guess.
    status: Annotated[
        tuple[str, ...], setting("Names under which a hook may claim a status.", guess=True)
    ] = ("ProductionStatusID", "ProdStatusID", "Status", "ConsignmentNo")


class PrintIQSettings(VendorSettings, frozen=True, kw_only=True):
    """How to reach one printIQ instance, and what its answers are called where that is not documented."""

    #: Documented: https://{name}.printiq.com; custom hosts and sub-paths exist.
    base_url: Annotated[str, setting("Address of the printIQ instance, with its sub-path if it has one.")]
    #: Seen in public client code, as the next three.
    username: Annotated[str, setting("User name of the integration user.")]
    #: As above.
    password: Annotated[str, setting("Password of the integration user.", secret=True)]
    #: As above.
    application_name: Annotated[str, setting("Application name that printIQ has issued.")]
    #: As above.
    application_key: Annotated[str, setting("Application key that printIQ has issued.", secret=True)]
    #: Guess: public clients keep a token for ten minutes.
    token_minutes: Annotated[
        float, setting("How long a login token is used.", guess=True, least=0.01, most=1440)
    ] = 10
    #: Our choice among the documented ways, by how much one call tells.
    read_by: Annotated[
        Literal["acceptance", "odata", "none"],
        setting(
            "What statuses are read through: `acceptance` (GetAcceptanceDetails), `odata`, or `none` "
            "(changes are then reported, never verified)."
        ),
    ] = "acceptance"
    #: Our choice: the others need a hook, a file or a person.
    find_by: Annotated[
        Literal["odata", "hook", "export", "person"],
        setting("How the jobs of an order are found; only `odata` can be searched."),
    ] = "odata"
    #: Guesses and documented names, see below.
    acceptance: AcceptanceNames = AcceptanceNames()
    #: Seen in public client code: the header PrintIQ-Access-Token.
    odata_token: Annotated[str, setting("Access token of OData; empty for none.", secret=True)] = ""
    #: Guesses, see below.
    odata: ODataNames = ODataNames()
    #: Documented.
    soap_path: Annotated[str, setting("Path of the SOAP service that sets a job's status.")] = (
        "/WebService/ProductionIntegration.asmx"
    )
    #: Documented: one of the three.
    soap_system: Annotated[
        Literal["EnfocusSwitchScript", "prinergy", "esko"],
        setting("Which system the SOAP call says it comes from."),
    ] = "EnfocusSwitchScript"
    #: Guess: said to be required; whether it may be empty is not known.
    file_refs: Annotated[str, setting("What the SOAP call gives as FileRefs.", guess=True)] = ""
    #: Our choice: dispatch lives on deliveries, and what counts is the shop's view.
    dispatched_when: Annotated[
        DispatchedWhen,
        setting(
            "When a job counts as dispatched: `all_deliveries` consigned, `first_consignment`, or "
            "`complete` (status 21)."
        ),
    ] = "all_deliveries"
    #: Guess: the spelling of the dispatched and the completed state is not known.
    sales_order_dispatched: Annotated[
        tuple[str, ...], setting("Sales order statuses that mean the goods have left.", guess=True)
    ] = ("Dispatched", "Completed", "Complete")
    #: Guess: a cancelled end state is documented, its spelling is not.
    sales_order_cancelled: Annotated[
        tuple[str, ...], setting("Sales order statuses that mean cancelled.", guess=True)
    ] = ("Cancelled",)
    #: Guess: documented is that an invoice can be voided in Draft only.
    not_invoiced: Annotated[
        tuple[str, ...], setting("Invoice statuses that need no credit note.", guess=True)
    ] = ("", "None", "Not Invoiced", "Draft", "Void", "Voided")
    #: Guess: error texts are not documented.
    not_found_texts: Annotated[
        tuple[str, ...],
        setting("Parts of an error text that mean: there is no such job or sales order.", guess=True),
    ] = ("not found", "does not exist", "no such", "unknown job", "unknown sales order")
    #: Guess: a practitioner's notes say that stock lines can only carry notes.
    stock_notes: Annotated[
        str,
        setting(
            "What the storefront's plugin writes into the notes of a stock line; `{order_id}` and "
            "`{line_id}` are filled in.",
            guess=True,
        ),
    ] = "{order_id}/{line_id}"
    #: Guesses, see below.
    hook: HookNames = HookNames()
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
    #: Guess: the address of printIQ's own job page is not known.
    job_url_template: Annotated[
        str, setting("Where a person sees a job; `{base}` and `{ref}` are filled in.", guess=True)
    ] = "{base}/jobs/{ref}"
    #: Guess: as above.
    sales_order_url_template: Annotated[
        str, setting("Where a person sees a sales order; `{base}` and `{ref}` are filled in.", guess=True)
    ] = "{base}/salesorders/{ref}"

    def __post_init__(self) -> None:
        check_base_url(self.base_url)
        check_path("soap_path", self.soap_path)
        for name in ("password", "application_key"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty")
        check_secret("odata_token", self.odata_token)
        for name in ("job_url_template", "sales_order_url_template"):
            check_template(name, getattr(self, name), frozenset({"base", "ref"}))
        check_template("stock_notes", self.stock_notes, frozenset({"order_id", "line_id"}))
        if self.read_by == "odata" and not self.has_jobs_in_odata:
            raise ValueError("read_by = odata needs odata_token and odata.job_entity")

    @property
    def has_odata(self) -> bool:
        return bool(self.odata_token and (self.odata.job_entity or self.odata.sales_order_entity))

    @property
    def has_jobs_in_odata(self) -> bool:
        """Without them nothing may say that jobs were looked for, whatever sales orders there are."""
        return bool(self.odata_token and self.odata.job_entity)
