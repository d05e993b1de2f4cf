"""Records as the outside sees them: acceptance details, OData rows, and full state for test control."""

from collections.abc import Iterable

from countermand.simulators.printiq.books import Books
from countermand.simulators.printiq.records import Acceptance, Change, Delivery, Job, SalesOrder
from countermand.simulators.printiq.statuses import label

Row = dict[str, object]

JOB_FIELDS = (
    "JobNo",
    "QuoteNo",
    "AcceptanceKey",
    "AcceptanceDetailKey",
    "CustomerCode",
    "CustomerReference",
    "ExternalJobReference",
    "JobTitle",
    "Notes",
    "Quantity",
    "ProductionStatusID",
    "ProductionStatus",
    "DeliveriesTotal",
    "DeliveriesConsigned",
    "TrackingCodes",
    "TrackingURLs",
    "InvoiceStatus",
    "CreatedDate",
    "ModifiedDate",
)
SALES_ORDER_FIELDS = (
    "SalesOrderNo",
    "QuoteNo",
    "AcceptanceKey",
    "AcceptanceDetailKey",
    "CustomerCode",
    "CustomerReference",
    "ItemTitle",
    "Notes",
    "Quantity",
    "Status",
    "TrackingCodes",
    "TrackingURLs",
    "CreatedDate",
    "ModifiedDate",
)


def status_word(books: Books, job: Job) -> str:
    return label(job.status_id, books.settings.status_labels)


def product_delivery_details(books: Books, job: Job) -> list[Row]:
    """Return the `AcceptanceProductDeliveryDetails` of one job; only `FDKey` is documented."""
    rows = []
    for delivery in books.deliveries_of_job(job):
        row: Row = {
            "FDKey": delivery.key,
            "JobNo": job.number,
            "AcceptanceDetailKey": job.detail_key,
            "AcceptanceKey": job.acceptance_key,
            "CustomerReference": job.customer_reference,
            "ExternalJobReference": job.external_job_reference,
            "Quantity": delivery.quantity,
        }
        if books.settings.acceptance_carries_status:
            row |= {"ProductionStatusID": job.status_id, "ProductionStatus": status_word(books, job)}
            row |= _consignment_fields(delivery)
        rows.append(row)
    return rows


def item_delivery_details(books: Books, order: SalesOrder) -> list[Row]:
    """Return the `AcceptanceItemDeliveryDetails` of one sales order; only `FDKey` is documented."""
    rows = []
    for item in order.items:
        row: Row = {
            "FDKey": item.delivery_key,
            "SalesOrderNo": order.number,
            "AcceptanceDetailKey": item.detail_key,
            "AcceptanceKey": order.acceptance_key,
            "CustomerReference": order.customer_reference,
            "Notes": item.notes,
            "Quantity": item.quantity,
        }
        if books.settings.acceptance_carries_status:
            row["Status"] = order.status
            row |= _consignment_fields(books.deliveries[item.delivery_key])
        rows.append(row)
    return rows


def _consignment_fields(delivery: Delivery) -> Row:
    return {
        "ConsignmentNo": delivery.consignment_no,
        "ConsignmentTrackingCode": delivery.tracking_code,
        "ConsignmentTrackingURL": delivery.tracking_url,
    }


def job_row(books: Books, job: Job) -> Row:
    """Return the OData row of a job (GUESS: no job entity is known)."""
    deliveries = books.deliveries_of_job(job)
    return {
        "JobNo": job.number,
        "QuoteNo": job.quote_no,
        "AcceptanceKey": job.acceptance_key,
        "AcceptanceDetailKey": job.detail_key,
        "CustomerCode": job.customer_code,
        "CustomerReference": job.customer_reference,
        "ExternalJobReference": job.external_job_reference,
        "JobTitle": job.title,
        "Notes": job.notes,
        "Quantity": job.quantity,
        "ProductionStatusID": job.status_id,
        "ProductionStatus": status_word(books, job),
        "DeliveriesTotal": len(deliveries),
        "DeliveriesConsigned": sum(1 for delivery in deliveries if delivery.consignment_no),
        "TrackingCodes": tracking_codes(deliveries),
        "TrackingURLs": _joined(delivery.tracking_url for delivery in deliveries),
        "InvoiceStatus": books.acceptances[job.acceptance_key].invoice_status,
        "CreatedDate": job.created,
        "ModifiedDate": job.modified,
    }


def sales_order_rows(books: Books, order: SalesOrder) -> list[Row]:
    """Return the OData rows of a sales order, one for each item (GUESS as above)."""
    return [
        {
            "SalesOrderNo": order.number,
            "QuoteNo": order.quote_no,
            "AcceptanceKey": order.acceptance_key,
            "AcceptanceDetailKey": item.detail_key,
            "CustomerCode": order.customer_code,
            "CustomerReference": order.customer_reference,
            "ItemTitle": item.title,
            "Notes": item.notes,
            "Quantity": item.quantity,
            "Status": order.status,
            "TrackingCodes": tracking_codes([books.deliveries[item.delivery_key]]),
            "TrackingURLs": books.deliveries[item.delivery_key].tracking_url,
            "CreatedDate": order.created,
            "ModifiedDate": order.modified,
        }
        for item in order.items
    ]


def tracking_codes(deliveries: list[Delivery]) -> str:
    """Return the distinct tracking codes, comma separated."""
    return _joined(delivery.tracking_code for delivery in deliveries)


def _joined(values: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(value for value in values if value))


def state_of(books: Books, found: Job | SalesOrder | Acceptance) -> Row:
    """Return the full state for test control."""
    if isinstance(found, Job):
        return _job_state(books, found)
    if isinstance(found, SalesOrder):
        return _sales_order_state(books, found)
    return {
        "Kind": "acceptance",
        "Id": found.key,
        "QuoteNo": found.quote_no,
        "CustomerCode": found.customer_code,
        "InvoiceStatus": found.invoice_status,
        "CreatedDate": found.created,
        "jobs": [_job_state(books, books.jobs[number]) for number in found.job_nos],
        "salesorders": [
            _sales_order_state(books, books.sales_orders[number]) for number in found.sales_order_nos
        ],
    }


def _job_state(books: Books, job: Job) -> Row:
    return {
        "Kind": "job",
        **job_row(books, job),
        "References": job.references,
        "Artwork": [artwork.url for artwork in job.artwork],
        "Deliveries": product_delivery_details(books, job),
        "History": _history(job.history),
    }


def _sales_order_state(books: Books, order: SalesOrder) -> Row:
    deliveries = books.deliveries_of_sales_order(order)
    return {
        "Kind": "salesorder",
        "SalesOrderNo": order.number,
        "AcceptanceKey": order.acceptance_key,
        "QuoteNo": order.quote_no,
        "CustomerCode": order.customer_code,
        "CustomerReference": order.customer_reference,
        "Notes": _joined(item.notes for item in order.items),
        "Quantity": order.quantity,
        "Status": order.status,
        "TrackingCodes": tracking_codes(deliveries),
        "Deliveries": item_delivery_details(books, order),
        "History": _history(order.history),
        "CreatedDate": order.created,
        "ModifiedDate": order.modified,
    }


def _history(changes: tuple[Change, ...]) -> list[Row]:
    return [{"at": change.at, "what": change.what, "by": change.by} for change in changes]
