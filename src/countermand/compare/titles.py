"""What each result class is called on screen and on paper."""

from __future__ import annotations

from countermand.compare.classify import Class

TITLES: dict[Class, str] = {
    Class.CANCELLED_BUT_DISPATCHED: "Cancelled, but sent",
    Class.CANCELLED_IN_STOREFRONT_ONLY: "Cancelled in the storefront only",
    Class.CANCELLED_IN_MIS_ONLY: "Cancelled in the MIS only",
    Class.SHIPPED_IN_MIS_ONLY: "Sent, and the storefront does not say so",
    Class.SHIPPED_IN_STOREFRONT_ONLY: "Shipped in the storefront only",
    Class.QUANTITY_DIFFERS: "Quantity differs",
    Class.TRACKING_DIFFERS: "Tracking differs",
    Class.ONLY_IN_STOREFRONT: "Only in the storefront",
    Class.ONLY_IN_MIS: "Only in the MIS",
    Class.UNMAPPED_STATUS: "A status that is not known",
    Class.AMBIGUOUS_KEY: "Rows that cannot be told apart",
    Class.IN_STEP: "In step",
    Class.WITHOUT_KEY: "Without an order number",
    Class.AFTER_AS_OF: "Placed after the moment compared",
}
