"""The parts of docs/vendors.md that are made from code: run this file to write them anew."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from countermand.core.status import Progress
from countermand.infigo import InfigoSettings
from countermand.infigo.mapping import ORDER_STATUSES, SHIPPING_STATUSES, Axes, line_status
from countermand.printiq import PrintIQSettings
from countermand.printiq.mapping import PRODUCTION_STATUSES, SALES_ORDER_STATUSES
from countermand.vendor_http.settings import settings_table

PAGE = Path(__file__).parents[3] / "docs" / "vendors.md"


def blocks() -> dict[str, str]:
    """Each generated block by the name in its mark."""
    return {
        "Infigo statuses": _infigo_statuses(),
        "InfigoSettings": settings_table(InfigoSettings),
        "production statuses": _production_statuses(),
        "sales order statuses": _sales_order_statuses(),
        "PrintIQSettings": settings_table(PrintIQSettings),
    }


def in_page(name: str) -> str | None:
    """The block of that name as the page has it now."""
    found = re.search(_pattern(name), PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found.group(2) if found else None


def rewrite() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, block in blocks().items():
        text = re.sub(
            _pattern(name), rf"\g<1>{block.replace(chr(92), chr(92) * 2)}\g<3>", text, flags=re.DOTALL
        )
    PAGE.write_text(text, encoding="utf-8")


def _pattern(name: str) -> str:
    return rf"(<!-- begin: {re.escape(name)} -->\n)(.*?)(<!-- end -->)"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _infigo_statuses() -> str:
    return _table(
        ("order status", "shipping status", "line"),
        (
            (
                f"{order} ({ORDER_STATUSES[order][0]})",
                f"{shipping} ({SHIPPING_STATUSES[shipping][0]})",
                str(line_status(Axes(order=order, shipping=shipping), pickup_counts=True)),
            )
            for order, shipping in product(ORDER_STATUSES, SHIPPING_STATUSES)
        ),
    ) + (
        "| any | not yet shipped | a line of which some is shipped: part_dispatched |\n"
        "| any | any | a line that is cancelled itself: cancelled, progress as shipping says |\n"
        "| not cancelled | any | the same, with a shipped quantity of 0: cancelled/none |\n"
    )


def _production_statuses() -> str:
    return _table(
        ("id", "constant", "job"),
        (
            (str(number), status.constant, f"{status.intent.value}/{_progress(status.progress)}")
            for number, status in PRODUCTION_STATUSES.items()
        ),
    )


def _progress(progress: Progress | None) -> str:
    return "hidden" if progress is None else progress.value


def _sales_order_statuses() -> str:
    known = [(word, f"open/{progress.value}") for word, progress in SALES_ORDER_STATUSES.items()]
    ends = [("`sales_order_dispatched`", "open/dispatched"), ("`sales_order_cancelled`", "cancelled/hidden")]
    return _table(("status", "sales order"), known + ends)


if __name__ == "__main__":
    rewrite()
