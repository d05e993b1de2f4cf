"""What each result class is called on screen and on paper, and how money and numbers are written there."""

from __future__ import annotations

from countermand.compare.classify import Class

TITLES: dict[Class, str] = {
    Class.CANCELLED_BUT_DISPATCHED: "Cancelled, but sent",
    Class.CANCELLED_IN_STOREFRONT_ONLY: "Cancelled in storefront only",
    Class.CANCELLED_IN_MIS_ONLY: "Cancelled in MIS only",
    Class.SHIPPED_IN_MIS_ONLY: "Shipped in MIS only",
    Class.SHIPPED_IN_STOREFRONT_ONLY: "Shipped in storefront only",
    Class.QUANTITY_DIFFERS: "Quantity differs",
    Class.TRACKING_DIFFERS: "Tracking differs",
    Class.ONLY_IN_STOREFRONT: "Only in storefront",
    Class.ONLY_IN_MIS: "Only in MIS",
    Class.UNMAPPED_STATUS: "Unknown status",
    Class.AMBIGUOUS_KEY: "Ambiguous key",
    Class.IN_STEP: "In step",
    Class.WITHOUT_KEY: "Without an order number",
    Class.AFTER_AS_OF: "Placed later, set aside",
}


def money(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
