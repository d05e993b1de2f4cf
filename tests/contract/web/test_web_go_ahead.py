"""The go-ahead for a task: given where a change is held, and refused with what the task needs instead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from countermand.bridge.case import Case
from countermand.bridge.store import State
from countermand.core.cancellation import Cancellation, CancellationState
from countermand.core.policy import Direction
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.ledger import schema
from web_bench import CANCELLED, NOW, PRIYA, SHOP, STARTED, Bench, Console, case, wish

HELD = (TaskKind.CANCEL_IN_MIS, TaskKind.CANCEL_IN_STOREFRONT, TaskKind.SHIP_IN_STOREFRONT)
EITHER = (TaskKind.PAST_CUT_OFF, TaskKind.APPROVE)
OTHERS = [kind for kind in TaskKind if kind not in (*HELD, *EITHER)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.engine.dispose()


def held(number: int, direction: Direction) -> Case:
    """An order of which a cancel in this direction waits for a person."""
    order = case(number, CANCELLED, STARTED)
    asked = Cancellation(
        id=f"{order.order_id}-c1", direction=direction, line_ids=tuple(line.line_id for line in order.lines),
        requested_at=NOW, changed_at=NOW, state=CancellationState.ASSESSING,
    )  # fmt: skip
    return replace(order, cancellations=(asked,))


def ask(bench: Bench, kind: TaskKind, direction: Direction = Direction.CANCEL_TO_MIS, **more: object) -> None:
    order = held(1, direction)
    bench.save(order, State.NEEDS_PERSON, opens=(wish(order, kind, **more),), at=NOW - timedelta(hours=1))


def approve(console: Console, task: int = 1) -> httpx.Response:
    return console.http.post(f"/api/tasks/{task}/approve", json={"by": PRIYA, "reason": "checked by phone"})


def approvals(bench: Bench, order_id: str = "10001") -> set[Direction]:
    stored = asyncio.run(bench.store.load(SHOP, [order_id]))[order_id]
    return set(stored.case.approvals)


def touches(bench: Bench) -> int:
    with bench.engine.begin() as database:
        about = schema.journal.c.event == "task.changed"
        return database.scalar(select(func.count()).select_from(schema.journal).where(about)) or 0


def test_a_task_that_holds_no_change_says_what_it_needs_instead(bench: Bench) -> None:
    for number, kind in enumerate(OTHERS, start=1):
        bench.task(number, kind, assisted=True)
    with bench.served() as console:
        for number, kind in enumerate(OTHERS, start=1):
            answer = approve(console, number)
            assert answer.status_code == 409, kind
            said = answer.json()["error"]
            assert TASK_TYPES[kind].title in said
            before, matter, needs = said.partition("holds nothing that could be written.")
            assert before
            assert matter
            assert needs, f"it does not say what to do: {said}"
    for number, kind in enumerate(OTHERS, start=1):
        assert approvals(bench, str(10_000 + number)) == set(), kind
    assert touches(bench) == 0


def test_what_a_person_does_by_hand_is_not_written_by_a_go_ahead(bench: Bench) -> None:
    """In mode manual nothing is ever written; the screen has no button either."""
    kinds = (*HELD, TaskKind.PAST_CUT_OFF)
    for number, kind in enumerate(kinds, start=1):
        bench.task(number, kind, assisted=False)
    with bench.served() as console, console.named(PRIYA) as priya:
        for number, kind in enumerate(kinds, start=1):
            answer = approve(console, number)
            assert answer.status_code == 409, kind
            assert "by hand" in answer.json()["error"]
            page = f"/needs-a-person/{number}"
            assert f"{page}/approve" not in priya.get(page)
            sent = priya.send_as(page, f"{page}/note", f"{page}/approve")
            assert sent.status_code == 409, kind
            assert "by hand" in sent.text
            assert approvals(bench, str(10_000 + number)) == set()
    assert touches(bench) == 0


@pytest.mark.parametrize("way", [Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT])
@pytest.mark.parametrize("kind", EITHER)
def test_the_go_ahead_is_for_the_direction_that_waits(bench: Bench, kind: TaskKind, way: Direction) -> None:
    ask(bench, kind, way, assisted=True)
    with bench.served() as console:
        assert approve(console).status_code == 200
    assert approvals(bench) == {way}


@pytest.mark.parametrize("way", [Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT])
@pytest.mark.parametrize("kind", EITHER)
def test_the_screens_button_too(bench: Bench, kind: TaskKind, way: Direction) -> None:
    ask(bench, kind, way, assisted=True)
    with bench.served() as console, console.named(PRIYA) as priya:
        sent = priya.send("/needs-a-person/1", "/needs-a-person/1/approve", reason="checked")
        assert sent.status_code == 303, sent.text[:500]
    assert approvals(bench) == {way}


def test_a_no_to_what_cannot_be_refused_says_so(bench: Bench) -> None:
    ask(bench, TaskKind.REFUND)
    with bench.served() as console, console.named(PRIYA) as priya:
        sent = priya.send_as(
            "/needs-a-person/1", "/needs-a-person/1/note", "/needs-a-person/1/refuse", reason="no"
        )
        assert sent.status_code == 409
        assert "nothing to refuse" in sent.text
    assert touches(bench) == 0


@pytest.mark.parametrize(
    ("kind", "direction", "says"),
    [
        (TaskKind.CANCEL_IN_MIS, Direction.CANCEL_TO_MIS, "cancels J29010-01 in printIQ"),
        (TaskKind.PAST_CUT_OFF, Direction.CANCEL_TO_MIS, "cancels J29010-01 in printIQ"),
        (TaskKind.APPROVE, Direction.CANCEL_TO_MIS, "cancels J29010-01 in printIQ"),
        (TaskKind.CANCEL_IN_STOREFRONT, Direction.CANCEL_TO_STOREFRONT,
         "cancels order 10001 in Infigo, for good"),
        (TaskKind.SHIP_IN_STOREFRONT, Direction.SHIP_TO_STOREFRONT, "marks order 10001 shipped in Infigo"),
    ],
)  # fmt: skip
def test_the_button_says_what_it_writes_and_in_which_system(
    bench: Bench, kind: TaskKind, direction: Direction, says: str
) -> None:
    ask(bench, kind, direction, assisted=True)
    with bench.served() as served, served.named(PRIYA) as console:
        assert f"Countermand {says}, and reads it back." in console.get("/needs-a-person/1")


def test_a_refund_names_the_total_as_an_amount(bench: Bench) -> None:
    bench.task(1, TaskKind.REFUND, detail="60")
    with bench.served() as console:
        assert "The order&#39;s total is 60.00." in console.get("/needs-a-person/1")
