"""Taking back that two systems may differ: the rules judge the order again, as if nobody had decided.

What then follows is what the rules say now, and may be a write at once; whoever takes it back is shown that
first.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from countermand.bridge.case import Case, CaseLine
from countermand.bridge.people import Deed, RefusedError
from countermand.bridge.store import Entry
from countermand.core.events import Event


def left_different(case: Case) -> tuple[CaseLine, ...]:
    """The lines that somebody left different, and that are so at this moment.

    A change that was only reported, because it cannot be read back, is done and not left different.
    """
    return tuple(
        line
        for line in case.lines
        if line.settlement is not None and not line.settlement.reported and line.rule == "settled"
    )


def undecided(case: Case) -> Case:
    """The order as if nobody had left anything different: what differed at first sight is reviewed again."""
    for line in left_different(case):
        first_sight = line.settlement is not None and line.settlement.first_sight
        case = case.with_line(replace(line, settlement=None, base=None if first_sight else line.base))
    return case


def ask_again(by: str, at: datetime, reason: str) -> Deed:
    """Take back what was left different; the order is judged anew by the rules as they are."""

    def deed(case: Case) -> tuple[Case, Entry]:
        if not reason.strip():
            raise RefusedError("Please say why it is taken back.")
        lines = left_different(case)
        if not lines:
            raise RefusedError(f"Nothing of order {case.order_id} is left different now.")
        entry = Entry(
            at=at,
            event=Event.LINE_ASKED_AGAIN,
            subject=f"order/{case.order_id}",
            actor=by,
            why=reason,
            before="settled",
            extra={"lines": ", ".join(line.line_id for line in lines)},
        )
        return replace(undecided(case), look_storefront_at=at, look_mis_at=at), entry

    return deed
