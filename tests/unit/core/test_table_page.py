"""The page about the table is made from the code, says it all, and is up to date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from countermand.core.gates import CANCEL_GUARDS, GATES, ORDER_RULES, SHIP_GUARDS, names
from countermand.core.table import ROWS
from countermand.core.table_examples import EXAMPLES
from countermand.core.table_page import page, structure

DOCS = Path(__file__).parents[3] / "docs" / "decision-table.md"
#: The cases that somebody who has read only that page must be able to predict.
CASES = [
    *(
        "undo-window",
        "past-the-cut-off",
        "needs-a-second-person",
        "mass-cancel-brake",
        "re-opened-in-printiq",
    ),
    *("renamed-status-labels", "unmapped-status", "po-number-instead-of-order-id", "ambiguous-link"),
    *("split-sales-order", "two-parcels", "observe-only", "already-disagreeing-at-first-sight"),
    *("stale-read-after-write", "cancelled-before-it-reached-printiq", "vendor-plugin-did-it-meanwhile"),
    *("last-line-cancels-the-order", "settled-then-changed", "held-after-printing-started"),
    "cancelled-after-delivery",
]


def test_the_page_in_the_docs_is_up_to_date() -> None:
    behind = (
        "docs/decision-table.md is behind: python -m countermand.core.table_page > docs/decision-table.md"
    )
    assert DOCS.read_text(encoding="utf-8") == page() + "\n", behind


def test_every_row_every_name_and_every_case_is_on_the_page() -> None:
    shown = page()
    every = names(GATES) | names(ORDER_RULES) | names(CANCEL_GUARDS) | names(SHIP_GUARDS)
    for name in every | {row.rule for row in ROWS} | set(CASES):
        assert f"`{name}`" in shown, name
    for row in ROWS:
        assert row.why in shown


def test_the_defaults_on_the_page_are_those_of_the_code() -> None:
    shown = " ".join(page().split())
    for words in ("less than 5 seconds ago", "undo window 5 minutes", "plug-in 10 minutes"):
        assert words in shown
    assert "brake 10 orders in 10 minutes and 30 in 24 hours" in shown


def test_every_table_on_the_page_is_well_formed() -> None:
    for block in page().split("\n\n"):
        rows = [row.replace("\\|", "") for row in block.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, rows[:1]


def test_the_same_as_data() -> None:
    told = structure()
    assert json.loads(json.dumps(told)) == told
    assert [row["rule"] for row in told["rows"]] == [row.rule for row in ROWS]
    made = next(row for row in told["rows"] if row["rule"] == "cancelled-but-made")
    assert made == {
        "rule": "cancelled-but-made",
        "storefront": "cancelled/*",
        "mis": "open|held/produced|part_dispatched|dispatched",
        "decision": "ask a person",
        "task": "cancelled_but_made",
        "urgency": "most_urgent",
        "why": "The customer's order is cancelled, and the goods are finished or have left.",
    }
    in_step = next(row for row in told["rows"] if row["rule"] == "both-open")
    assert (in_step["task"], in_step["urgency"]) == (None, None)
    for key, questions in (
        ("gates", GATES), ("order_rules", ORDER_RULES), ("cancel_guards", CANCEL_GUARDS),
        ("ship_guards", SHIP_GUARDS),
    ):  # fmt: skip
        assert told[key] == [
            {"ask": one.ask, "then": one.then, "names": list(one.names)} for one in questions
        ]
    assert told["examples"] == [
        {"name": one.name, "story": one.story, "outcome": one.outcome} for one in EXAMPLES
    ]


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_worked_out(name: str) -> None:
    example = next(one for one in EXAMPLES if one.name == name)
    assert example.story.endswith(".")
    assert example.outcome.endswith(".")
