"""Orders, lines and products as the REST API shows them."""

from collections.abc import Iterable

from countermand.simulators.infigo.catalogue import Product
from countermand.simulators.infigo.orders import Line, Order
from countermand.simulators.infigo.shop import Shop

View = dict[str, object]


def order_detail(order: Order, *, status_fields: bool) -> View:
    """Return `order/detail`: what is documented, and with `status_fields` (GUESS) the rest of the order."""
    view: View = {
        "Id": order.id,
        "OrderLineItems": [line.job_id for line in order.lines],
        "CheckoutAttributes": [
            {"Name": name, "Values": [{"Content": value}]} for name, value in order.checkout_attributes
        ],
        "CaptureTransactionId": order.transaction_id or None,
        "OrderTotal": float(order.total),
    }
    if status_fields:
        view |= {
            "OrderStatus": order.status.name,
            "ShippingStatus": order.shipping.name,
            "PaymentStatus": order.payment.name,
            "TrackingNumber": order.tracking,
            "CustomerId": order.customer_id,
            "PurchaseOrderNumber": order.po_number,
            "CreatedOnUtc": order.created.isoformat(),
            "OrderLineItems": [order_line(line) for line in order.lines],
        }
    return view


def order_line(line: Line) -> View:
    """Return a line as `order/detail` may carry it (GUESS)."""
    return {
        "Id": line.job_id,
        "OpvId": line.opv_id,
        "Name": line.name,
        "Sku": line.sku,
        "ProductType": line.product_type,
        "Quantity": line.quantity,
        "ShippedQuantity": line.shipped_quantity,
        "IsCancelled": line.is_cancelled,
        "Status": int(line.status),
        "Price": float(line.price),
        "Quote": {"Id": line.quote_id} if line.quote_id else None,
    }


def line_detail(line: Line, order: Order) -> View:
    """Return `orderlineitem/get`. GUESS: the words of `Type` and what a MIS configuration holds."""
    types = {"s": "Static", "d": "MegaEdit", "m": "Upload"}
    return {
        "Id": line.job_id,
        "Type": types[line.type_letter],
        "OpvId": line.opv_id,
        "OrderId": line.order_id,
        "CustomerId": order.customer_id,
        "Status": int(line.status),
        "Price": float(line.price),
        "Quote": {"Id": line.quote_id} if line.quote_id else None,
        "ProductAttributes": [{"Name": name, "Value": value} for name, value in line.attributes],
        "Variables": [],
        "MisConfigurations": [{"SystemName": "Mis.PrintIQ", "ProductCode": line.sku}],
    }


def product_view(product: Product) -> View:
    """Return a product of the catalogue (GUESS: the member names)."""
    return {
        "Id": product.id,
        "Sku": product.sku,
        "Name": product.name,
        "Price": float(product.unit_price),
        "ProductType": product.product_type,
    }


def product_page(products: Iterable[Product], index: int, size: int) -> View:
    """Return one page; the first has index 0 (GUESS: the member names around the items)."""
    everything = list(products)
    return {
        "PageIndex": index,
        "PageSize": size,
        "TotalCount": len(everything),
        "Items": [product_view(product) for product in everything[index * size : (index + 1) * size]],
    }


def full_state(order: Order, shop: Shop) -> View:
    """Return everything there is to know of an order, for tests and demonstrations."""
    submission = shop.submission(order.id)
    return order_detail(order, status_fields=True) | {
        "ExternalOrderId": order.external_id,
        "ExtraData": dict(order.extra),
        "Notes": [
            {"At": note.at, "Note": note.text, "DisplayToCustomer": note.display_to_customer}
            for note in order.notes
        ],
        "StockMovements": [
            {"At": move.at, "ProductId": move.product_id, "Quantity": move.quantity, "Reason": move.reason}
            for move in shop.stock_movements
            if move.order_id == order.id
        ],
        "Mails": [
            {"At": mail.at, "To": mail.to, "Subject": mail.subject}
            for mail in shop.mails
            if mail.order_id == order.id
        ],
        "PrintIQ": {
            "State": submission.state.value,
            "Reason": submission.reason,
            "Attempts": submission.attempts,
        },
    }
