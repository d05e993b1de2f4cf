"""The decision table with everything around it, as a page for people and as data for programs.

`python -m countermand.core.table_page > docs/decision-table.md` remakes the page; a test holds it up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from countermand.core.gates import CANCEL_GUARDS, GATES, ORDER_RULES, SHIP_GUARDS, Question
from countermand.core.policy import Policy
from countermand.core.table import ROWS, Row
from countermand.core.table_examples import EXAMPLES
from countermand.core.tasks import TASK_TYPES, TaskKind

_INTRODUCTION = """\
# How Countermand decides

<!-- Made from the code by `python -m countermand.core.table_page`; a test holds it up to date. -->

Everything Countermand does follows from this page. Nothing is ever done because a message said so: a
message is a reason to look. Both systems are read, what they show is compared line by line, and the answer
below is the same however often and however late it is asked.

## What is compared

A *line* is one line of a storefront order (Infigo), together with the job, jobs or sales orders in the MIS
(printIQ) that make it. Each side shows two things about a line: whether it is **open**, on **hold**
(*held*) or **cancelled**, and how far the goods are: *none* (not started), *started*, *produced*,
*part_dispatched*, *dispatched*. A side may also show nothing that can be compared: *unseen* (not found
yet), *gone* (not found any more), unreadable, or a status that nobody mapped.

- Statuses are known by their number, never by their label: a shop may rename every label and nothing
  changes.
- On hold and cancelled hide how far work had come; the furthest status ever seen counts instead.
- Of several jobs, or halves of a split sales order, the line is cancelled when every one is, and dispatched
  when every one that was not cancelled is. Work seen on any of them counts. One that is missing is never
  taken for cancelled.
- Which job belongs to which line is found by the shop's own references, in an order of trust: a link made
  before, the order id or line id, the quote, the notes. A PO number alone is a hint: it never links by
  itself when more than one job fits, and a person is asked. Repaired by hand, the loop goes on from there.
- What both last agreed on (or were left at) is remembered. An order placed while Countermand was watching
  begins as open on both sides.
"""

_AFTER_GATES = """\
## The table

Tried from the top; the first row that matches both sides decides. `|` stands between alternatives, `*` for
any.
"""

_GUARDS = """\
## Before a cancel is written

Wanting a cancel is not sending it. These questions are asked in order when it is first seen, and again
right before it is written, after both systems were read less than {fresh} seconds ago. Defaults: undo
window {undo} minutes, the vendors' plug-in {grace} minutes, brake {burst} orders in {window} minutes and
{daily} in 24 hours, no value limit, no opening hours, and **manual** in both directions until somebody says
otherwise.
"""

_WRITING = """\
## When something is written

One call, and then it is read back: only a read that began after the answer, and shows the change, proves
it. Where a system cannot be read back, a named person's word counts as *reported*, never as verified. A
system that says "that was so already" has answered well. Our own change, seen again, is simply agreement:
it never causes another one. A refusal goes to a person with the other system's own words.

A task closes by itself when both systems are read and agree; a person's "done" only makes Countermand look.
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_parts())


def structure() -> dict[str, Any]:
    """The same as plain lists and texts, ready for JSON."""
    return {
        "gates": _plain(GATES),
        "rows": [
            {
                "rule": row.rule,
                "storefront": row.storefront,
                "mis": row.mis,
                "decision": row.decision.value,
                "task": row.task.value if row.task else None,
                "urgency": TASK_TYPES[row.task].urgency.value if row.task else None,
                "why": row.why,
            }
            for row in ROWS
        ],
        "order_rules": _plain(ORDER_RULES),
        "cancel_guards": _plain(CANCEL_GUARDS),
        "ship_guards": _plain(SHIP_GUARDS),
        "examples": [{"name": one.name, "story": one.story, "outcome": one.outcome} for one in EXAMPLES],
    }


def _plain(questions: Iterable[Question]) -> list[dict[str, object]]:
    return [{"ask": one.ask, "then": one.then, "names": list(one.names)} for one in questions]


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Asked first, about each line\n"
    yield "The first question that holds decides; the table comes after the fourth.\n"
    yield from _questions(GATES)
    yield _AFTER_GATES
    yield from _table()
    yield "## Then, about the order as a whole\n"
    yield from _questions(ORDER_RULES)
    yield _guards()
    yield from _questions(CANCEL_GUARDS)
    yield "## Before a dispatch is written\n"
    yield from _questions(SHIP_GUARDS)
    yield _WRITING
    yield "## Worked examples\n"
    yield from _examples()


def _guards() -> str:
    policy = Policy()
    return _GUARDS.format(
        fresh=f"{policy.fresh_for.total_seconds():g}",
        undo=f"{policy.undo_window.total_seconds() / 60:g}",
        grace=f"{policy.vendor_grace.total_seconds() / 60:g}",
        burst=policy.brake_burst,
        window=f"{policy.brake_window.total_seconds() / 60:g}",
        daily=policy.brake_daily,
    )


def _questions(questions: Iterable[Question]) -> Iterator[str]:
    for number, one in enumerate(questions, start=1):
        names = f" ({', '.join(f'`{name}`' for name in one.names)})" if one.names else ""
        yield f"{number}. **{one.ask}** {one.then}{names}"
    yield ""


def _table() -> Iterator[str]:
    yield "| storefront | MIS | answer | why | name |"
    yield "|---|---|---|---|---|"
    for row in ROWS:
        cells = (_cell(row.storefront), _cell(row.mis), _answer(row), row.why, f"`{row.rule}`")
        yield f"| {' | '.join(cells)} |"
    yield ""


def _cell(pattern: str) -> str:
    return f"`{pattern}`".replace("|", "\\|")


def _answer(row: Row) -> str:
    if row.task is None:
        return row.decision.value
    return f"{row.decision.value}: {_task(row.task)}"


def _task(kind: TaskKind) -> str:
    work = TASK_TYPES[kind]
    return f"*{work.title}* ({work.urgency.value.replace('_', ' ')})"


def _examples() -> Iterator[str]:
    yield "| case | what happens | what follows |"
    yield "|---|---|---|"
    for one in EXAMPLES:
        yield f"| `{one.name}` | {one.story} | {one.outcome} |"


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
