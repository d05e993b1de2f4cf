"""Invented master data: products, customers, stock and processes of a print shop."""

from random import Random
from typing import NamedTuple

import msgspec


class Product(msgspec.Struct, frozen=True):
    """A priced product; `set_up` none means that it must be priced by an estimator."""

    code: str
    title: str
    set_up: float | None
    each: float = 0.0


PRODUCTS: dict[str, Product] = {
    product.code: product
    for product in (
        Product("BC-350-SILK", "Business cards 350gsm silk, 85 x 55 mm", 14.50, 0.032),
        Product("FLY-A5-150", "A5 flyers 150gsm gloss, 4/4", 19.00, 0.041),
        Product("FLY-DL-170", "DL flyers 170gsm silk, 4/4", 18.00, 0.038),
        Product("BRO-A4-8PP", "A4 brochure 8pp, saddle stitched", 48.00, 0.39),
        Product("BAN-ROLLER-850", "Roller banner 850 x 2000 mm with cassette", 6.00, 38.50),
        Product("BAN-PVC-2X1", "PVC banner 2000 x 1000 mm, hemmed and eyeleted", 8.00, 29.00),
        Product("POS-A2-200", "A2 posters 200gsm satin", 11.00, 0.92),
        Product("LAB-ROLL-50", "Labels on a roll, 50 mm circle", 32.00, 0.024),
        Product("NCR-A5-DUP", "NCR pads A5 duplicate, numbered", 27.50, 3.10),
        Product("ENV-DL-PRINT", "Printed DL envelopes, 1 colour", 22.00, 0.058),
        Product("CUSTOM-QUOTE", "Special work, priced by an estimator", None),
        Product("STOCK-MUG-WHITE", "Mug, white, 11 oz", 0.0, 3.95),
        Product("STOCK-PEN-BLUE", "Ballpoint pen, blue barrel", 0.0, 0.42),
        Product("STOCK-FOLDER-A4", "Presentation folder A4, oversized", 0.0, 0.88),
        Product("STOCK-TOTE-NAT", "Tote bag, natural cotton", 0.0, 2.35),
    )
}


class Customer(msgspec.Struct, frozen=True, rename="pascal"):
    customer_code: str
    customer_name: str
    town: str


CUSTOMERS: dict[str, Customer] = {
    customer.customer_code: customer
    for customer in (
        Customer("ASHDOWN", "Ashdown Garden Centres", "Lewes"),
        Customer("BRIGHTWATER", "Brightwater Dental Group", "Poole"),
        Customer("CALDER", "Calder Valley Brewing", "Hebden Bridge"),
        Customer("FENWICKHR", "Fenwick Harrow Solicitors", "York"),
        Customer("HARTLEY", "Hartley Community Theatre", "Derby"),
        Customer("MARLOWE", "Marlowe Estates", "Canterbury"),
        Customer("NORTHSTAR", "Northstar Logistics", "Gateshead"),
        Customer("WEBSHOP", "Web storefront (account holders)", "Leeds"),
    )
}

STOCK_DEFINITIONS: list[dict[str, object]] = [
    {"StockDefinitionKey": 100 + n, "StockCode": code, "Description": text, "Weight": gsm, "IsActive": True}
    for n, (code, text, gsm) in enumerate(
        [
            ("SILK350SRA3", "Silk 350gsm SRA3", 350),
            ("SILK170SRA3", "Silk 170gsm SRA3", 170),
            ("GLOSS150SRA3", "Gloss 150gsm SRA3", 150),
            ("SATIN200-24", "Satin 200gsm 24 inch roll", 200),
            ("PVC440-1600", "PVC 440gsm 1600 mm roll", 440),
            ("NCR80-CB", "NCR CB white 80gsm", 80),
        ]
    )
]

PROCESSES: list[dict[str, object]] = [
    {"ProcessKey": 10 + n, "ProcessName": name, "Department": department}
    for n, (name, department) in enumerate(
        [
            ("Preflight and imposition", "Prepress"),
            ("Digital press, sheet", "Press"),
            ("Wide format, roll", "Press"),
            ("Guillotine", "Finishing"),
            ("Saddle stitch", "Finishing"),
            ("Hem and eyelet", "Finishing"),
            ("Pack and label", "Dispatch"),
        ]
    )
]


class Price(NamedTuple):
    title: str
    amount: float | None


def priced(code: str, quantity: int) -> Price:
    """Return title and price for a quantity; a code that the shop does not know gets a plain tariff."""
    product = PRODUCTS.get(code.upper())
    if product is None:
        return Price(code, round(12.0 + 0.05 * quantity, 2))
    if product.set_up is None:
        return Price(product.title, None)
    return Price(product.title, round(product.set_up + product.each * quantity, 2))


def sample_product(random: Random) -> tuple[Product, int]:
    """Draw a print product that can be priced, and a usual quantity of it."""
    product = random.choice([p for p in PRODUCTS.values() if p.set_up and not p.code.startswith("STOCK-")])
    few = product.each > 2
    return product, random.choice([1, 2, 5, 10] if few else [100, 250, 500, 1000, 2500])
