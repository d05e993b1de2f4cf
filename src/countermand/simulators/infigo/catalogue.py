"""What the storefront sells and to whom: invented products, customers and sample orders."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random

import msgspec

from countermand.simulators.infigo.orders import NewLine, NewOrder, ProductType


class Product(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    #: Also the product code by which printIQ knows it.
    sku: str
    name: str
    product_type: ProductType
    type_letter: str
    unit_price: Decimal
    usual_quantities: tuple[int, ...]
    #: Stock products only: how many lie on the shelf at the start.
    on_shelf: int = 0


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    company: str
    email: str


def _print(
    number: int, sku: str, name: str, letter: str, unit_price: str, quantities: tuple[int, ...]
) -> Product:
    return Product(
        id=number,
        sku=sku,
        name=name,
        product_type="print",
        type_letter=letter,
        unit_price=Decimal(unit_price),
        usual_quantities=quantities,
    )


def _stock(
    number: int, sku: str, name: str, unit_price: str, quantities: tuple[int, ...], on_shelf: int
) -> Product:
    return Product(
        id=number,
        sku=sku,
        name=name,
        product_type="stock",
        type_letter="s",
        unit_price=Decimal(unit_price),
        usual_quantities=quantities,
        on_shelf=on_shelf,
    )


PRODUCTS = (
    _print(101, "BC-350-SILK", "Business cards, 350 gsm silk", "d", "0.09", (100, 250, 500)),
    _print(102, "FLY-A5-150", "A5 flyers, 150 gsm gloss", "m", "0.07", (500, 1000, 2500)),
    _print(103, "BAN-ROLLER-850", "Roller banner, 850 × 2000 mm", "m", "62.00", (1, 2, 4)),
    _print(104, "FLY-DL-170", "DL flyers, 170 gsm silk", "d", "0.06", (250, 500, 1000)),
    _print(105, "BRO-A4-8PP", "A4 brochure, 8 pages, stapled", "s", "0.86", (100, 200, 500)),
    _print(106, "POS-A2-200", "A2 posters, 200 gsm satin", "m", "3.40", (10, 25, 50)),
    _print(107, "ENV-DL-PRINT", "Printed DL envelopes, one colour", "d", "0.10", (250, 500)),
    _print(108, "LAB-ROLL-50", "Round labels on a roll, 50 mm", "s", "0.08", (500, 1000)),
    # printIQ has no price for this one, so an order with it stays behind until somebody gives one.
    _print(190, "CUSTOM-QUOTE", "Special work, price on request", "m", "0.00", ()),
    _stock(201, "STOCK-PEN-BLUE", "Branded ballpoint pen, blue", "0.48", (50, 100, 250), 12000),
    _stock(202, "STOCK-FOLDER-A4", "Presentation folder, A4", "0.95", (25, 50, 100), 4000),
    _stock(203, "STOCK-TOTE-NAT", "Tote bag, natural cotton", "2.60", (25, 50), 1500),
)

_FIRST_NAMES = (
    "Amelia",
    "Callum",
    "Priya",
    "Oliver",
    "Sofia",
    "Hamish",
    "Ngaio",
    "Tomás",
    "Freya",
    "Isaac",
    "Mei",
    "Ruth",
)
_LAST_NAMES = (
    "Hartley",
    "Okafor",
    "Sandhu",
    "Whitmore",
    "Bianchi",
    "McRae",
    "Parata",
    "Delgado",
    "Lindqvist",
    "Abrams",
    "Chen",
    "Kowalski",
)
_COMPANIES = (
    "Harbour Street Dental",
    "Northfield Academy",
    "Bright & Low Solicitors",
    "Kereru Coffee Roasters",
    "Alder Homes",
    "Fenwick Engineering",
    "The Tide Theatre",
    "Larkspur Florists",
    "Summit Physiotherapy",
    "Oak & Anchor Inns",
    "Meridian Travel",
    "Castle Cycles",
)
FIRST_CUSTOMER_ID = 51


def customers(seed: int) -> dict[int, Customer]:
    """Invent the storefront's customers; ids start at 51 whatever the seed."""
    random = Random(seed)
    firsts, lasts, companies = (
        random.sample(names, len(names)) for names in (_FIRST_NAMES, _LAST_NAMES, _COMPANIES)
    )
    invented = {}
    for offset, (first, last, company) in enumerate(zip(firsts, lasts, companies, strict=True)):
        domain = "".join(letter for letter in company.lower() if letter.isascii() and letter.isalnum())
        customer = Customer(
            id=FIRST_CUSTOMER_ID + offset,
            name=f"{first} {last}",
            company=company,
            email=f"{first.lower().replace('á', 'a')}@{domain}.example",
        )
        invented[customer.id] = customer
    return invented


def line_of(product: Product, quantity: int) -> NewLine:
    """Return an order line for `quantity` of a product at its list price."""
    return NewLine(
        product_id=product.id,
        sku=product.sku,
        name=product.name,
        product_type=product.product_type,
        type_letter=product.type_letter,
        quantity=quantity,
        price=(product.unit_price * quantity).quantize(Decimal("0.01")),
    )


def sample_orders(random: Random, customer_ids: tuple[int, ...]) -> Iterator[NewOrder]:
    """Invent print orders of one to three lines without end; about two in three are paid."""
    everyday = [product for product in PRODUCTS if product.product_type == "print" and product.unit_price]
    number = 0
    while True:
        number += 1
        products = random.sample(everyday, random.choice((1, 1, 2, 3)))
        yield NewOrder(
            customer_id=random.choice(customer_ids),
            lines=tuple(line_of(product, random.choice(product.usual_quantities)) for product in products),
            paid=random.random() < 0.66,
            po_number=f"PO-{random.randint(2000, 9899)}-{number:03}",
        )
