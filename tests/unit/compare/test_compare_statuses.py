"""Raw statuses: vendors' names and ids, everyday words, and nothing guessed."""

from __future__ import annotations

import pytest

from countermand.compare.statuses import Meaning, facts, looks_like_statuses, meaning
from countermand.compare.words import words
from countermand.core.status import Facts, Intent, Progress, Side

PRE_PRODUCTION = [22, 23, 24, 18, 1, 26, 25, 27]


def read(side: Side, **raw: str) -> str:
    found = facts({axis: meaning(side, axis, text, {}) for axis, text in raw.items()}, None)
    return str(found) if found else "unmapped"


@pytest.mark.parametrize(
    ("order", "shipping", "expected"),
    [
        ("Pending", "Not Yet Shipped", "open/none"),
        ("Processing", "ShippingNotRequired", "open/none"),
        ("20", "25", "open/part_dispatched"),
        ("Complete", "Shipping Not Required", "open/dispatched"),
        ("Complete", "Not Yet Shipped", "open/none"),
        ("Complete", "", "open/dispatched"),
        ("Cancelled", "Not Yet Shipped", "cancelled/none"),
        ("Canceled", "Delivered", "cancelled/dispatched"),
        ("40", "30", "cancelled/dispatched"),
        ("In Production", "", "open/started"),
        ("", "Shipped", "open/dispatched"),
        ("", "", "unmapped"),
        ("Awaiting moonrise", "Shipped", "unmapped"),
        ("Processing", "With the pigeon", "unmapped"),
    ],
)
def test_the_storefront_axes(order: str, shipping: str, expected: str) -> None:
    assert read(Side.STOREFRONT, order_status=order, shipping_status=shipping) == expected


def test_a_custom_line_status_is_fine_while_the_axes_that_decide_are_readable() -> None:
    assert read(Side.STOREFRONT, order_status="Processing", line_status="Sent to RIP 3") == "open/none"
    assert read(Side.STOREFRONT, line_status="Sent to RIP 3") == "unmapped"


def test_a_cancelled_line_is_cancelled_whatever_its_order_says() -> None:
    assert read(Side.STOREFRONT, order_status="Processing", line_cancelled="True") == "cancelled/none"
    assert read(Side.STOREFRONT, order_status="Processing", line_cancelled="No") == "open/none"
    assert read(Side.STOREFRONT, order_status="Processing", line_cancelled="perhaps") == "unmapped"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (PRE_PRODUCTION, "open/none"),
        (range(2, 9), "open/started"),
        ([16], "held/none"),
        ([20, 21], "open/produced"),
        ([17], "cancelled/none"),
        ([0, 9, 15, 19, 28, 170], "unmapped"),
    ],
)
def test_the_fixed_ids_of_the_mis(numbers: list[int], expected: str) -> None:
    for number in numbers:
        assert read(Side.MIS, status_id=str(number)) == expected
        assert read(Side.MIS, status=f"{number}.0") == expected


def test_a_known_id_beats_a_renamed_label() -> None:
    assert read(Side.MIS, status_id="17", status="Archiv") == "cancelled/none"
    assert read(Side.MIS, status_id="4", status="Cancelled") == "open/started"
    assert read(Side.MIS, status_id="99", status="In Production") == "unmapped"


def test_dispatch_stands_beside_the_status() -> None:
    assert read(Side.MIS, status="Complete", delivery_status="Dispatched") == "open/dispatched"
    assert read(Side.MIS, status="Complete", delivery_status="Part dispatched") == "open/part_dispatched"
    assert read(Side.MIS, status="Cancelled", dispatched="yes") == "cancelled/dispatched"
    assert read(Side.MIS, status="In Production", delivery_status="Somewhere") == "unmapped"


def test_quantities_shipped_say_part_or_all() -> None:
    said: dict[str, Meaning | None] = {"order_status": Meaning.OPEN}
    assert facts(said, Progress.PART_DISPATCHED) == Facts(Intent.OPEN, Progress.PART_DISPATCHED)


@pytest.mark.parametrize(
    "label", ["In Process 3", "Printed", "Processing?", "Cancel", "Cancelled by customer", "Waiting"]
)
def test_what_is_not_in_the_lists_is_never_guessed(label: str) -> None:
    assert read(Side.MIS, status=label) == "unmapped"


def test_a_correction_wins_over_the_lists() -> None:
    corrections = {"complete": Meaning.DISPATCHED, "parked": Meaning.HELD}
    assert meaning(Side.MIS, "status", "COMPLETE", corrections) is Meaning.DISPATCHED
    assert meaning(Side.MIS, "status", "Parked", corrections) is Meaning.HELD


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("NotYetShipped", "not yet shipped"),
        ("NOT_YET_SHIPPED", "not yet shipped"),
        ("  Not-yet shipped ", "not yet shipped"),
        ("ProdStatusID", "prod status id"),
        ("17.0", "17"),
        ("Order #", "order #"),
        ("PRODUCTION_STATUS_IN_PROCESS_4", "production status in process 4"),
    ],
)
def test_words(raw: str, expected: str) -> None:
    assert words(raw) == expected


def test_a_column_of_bare_numbers_is_not_taken_for_statuses() -> None:
    assert not looks_like_statuses(Side.MIS, "status", ["1", "2", "3", "17"])
    assert looks_like_statuses(Side.MIS, "status", ["In Production", "Dispatched", "Cancelled", "Odd one"])
