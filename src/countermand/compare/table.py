"""The differences as a table that people read: its columns, and the cells of one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from countermand.compare.result import URGENCY_WORDS, Difference
from countermand.compare.titles import TITLES

Differences = Callable[[], Iterator[Difference]]

#: Heading -> the cell, in the order of the table that people read.
COLUMNS: dict[str, Callable[[Difference], str | float | int | None]] = {
    "Urgency": lambda found: URGENCY_WORDS[found.urgency],
    "What is wrong": lambda found: TITLES[found.kind],
    "Stage": lambda found: found.stage,
    "Order": lambda found: found.order or found.key,
    "Order lines": lambda found: found.lines,
    "Jobs": lambda found: found.jobs,
    "Customer": lambda found: found.customer,
    "Product": lambda found: found.product,
    "Storefront status": lambda found: found.storefront_status,
    "MIS status": lambda found: found.mis_status,
    "Storefront quantity": lambda found: found.storefront_quantity,
    "MIS quantity": lambda found: found.mis_quantity,
    "Storefront tracking": lambda found: found.storefront_tracking,
    "MIS tracking": lambda found: found.mis_tracking,
    "Value": lambda found: found.value,
    "What to do": lambda found: found.advice,
    "Class": lambda found: found.kind.value,
    "Key": lambda found: found.key,
}


def cells(difference: Difference) -> list[str | float | int | None]:
    return [cell(difference) for cell in COLUMNS.values()]
