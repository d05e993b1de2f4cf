"""Cancelling from the console: what it would do, what it does, and whatever the storefront says to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from countermand.bridge import people
from countermand.bridge.cancel_here import Preview, anything_to_cancel, begun, cancel, preview
from countermand.bridge.connection import Connection
from countermand.bridge.ports import (
    Capability,
    MisItem,
    MisPort,
    MisRef,
    StorefrontLine,
    StorefrontOrder,
    StorefrontPort,
)
from countermand.core.command import Answer, Outcome
from countermand.core.events import Event
from countermand.core.plan import NeedsPerson, Write
from countermand.core.policy import Direction, Mode, Policy
from countermand.core.status import OPEN, Facts, Unreadable
from countermand.core.tasks import TaskKind
from countermand.ledger import records
from web_bench import CANCELLED, NOW, PRIYA, SENT, SHOP, STARTED, Bench, case

TO_MIS = Direction.CANCEL_TO_MIS


class Shop:
    """A storefront that gives one answer to every cancel, and keeps what it was asked."""

    def __init__(
        self, outcome: Outcome = Outcome.APPLIED, offers: Sequence[str] = ("cancel_order", "cancel_line")
    ) -> None:
        self.outcome = outcome
        self.asked: list[tuple[str, list[str] | None, str]] = []
        self.capabilities: Mapping[str, Capability] = {
            name: Capability(name=name, offered=True, how="a fake") for name in offers
        }

    async def read_orders(self, order_ids: Sequence[str]) -> list[StorefrontOrder]:
        """Two open lines, as the bench's order has them."""
        lines = tuple(StorefrontLine(line_id=line.line_id, status=OPEN) for line in case(1, lines=2).lines)
        now = datetime.now(UTC)
        return [StorefrontOrder(order_id=order_id, began_at=now, lines=lines) for order_id in order_ids]

    async def cancel(
        self, order_id: str, line_ids: list[str] | None, *, note: str = "", fence: str = ""
    ) -> Answer:
        self.asked.append((order_id, line_ids, note))
        return Answer(outcome=self.outcome, said="as you say" if self.outcome is Outcome.APPLIED else "no")


class Plant:
    capabilities: Mapping[str, Capability] = {
        "cancel_job": Capability(name="cancel_job", offered=True, how="")
    }

    async def read(self, refs: Sequence[MisRef]) -> list[MisItem]:
        now = datetime.now(UTC)
        return [MisItem(ref=ref.ref, kind=ref.kind, began_at=now, status=OPEN) for ref in refs]


def connection(shop: Shop, **rules: Any) -> Connection:
    return Connection(
        name=SHOP,
        storefront=cast(StorefrontPort, shop),
        mis=cast(MisPort, Plant()),
        policy=Policy(**rules),
        live_since=NOW,
    )


def would(storefront: Facts, mis: Facts, *lines: str, **rules: Any) -> Preview:
    return preview(
        case(1, storefront, mis, lines=2), connection(Shop(), **rules), frozenset(), lines, PRIYA, NOW
    )


# What it would do


def test_the_other_side_follows_with_the_persons_go_ahead_whatever_the_mode() -> None:
    for mode in (Mode.MANUAL, Mode.ASSISTED, Mode.AUTOMATIC):
        found = would(OPEN, OPEN, cancel_to_mis=mode)
        assert found.hindrance == ""
        assert found.whole_order
        writes = [action for action in found.plan.actions if isinstance(action, Write)]
        assert [write.job.ref for write in writes if write.job] == ["J29010-01", "J29011-01"]


def test_a_connection_that_only_watches_writes_nothing_to_the_other_side() -> None:
    found = would(OPEN, OPEN, cancel_to_mis=Mode.OBSERVE)
    assert not found.plan.writes
    assert any(isinstance(action, NeedsPerson) for action in found.plan.actions)


def test_one_line_leaves_the_other_alone() -> None:
    found = would(OPEN, OPEN, "s20010")
    assert not found.whole_order
    assert found.line_ids == ("s20010",)
    assert [write.job.ref for write in found.plan.writes if write.job] == ["J29010-01"]


def test_work_that_has_started_is_cancelled_too_for_a_person_says_so() -> None:
    assert would(OPEN, STARTED).plan.writes


def test_the_value_limit_still_asks_a_second_person() -> None:
    found = would(OPEN, OPEN, value_limit=10.0)
    assert not found.plan.writes
    assert [each.kind for each in found.plan.actions if isinstance(each, NeedsPerson)] == [TaskKind.APPROVE]


@pytest.mark.parametrize(
    ("storefront", "mis", "why"),
    [
        (OPEN, SENT, "can stop nothing any more"),
        (SENT, SENT, "can stop nothing any more"),
        (CANCELLED, OPEN, "is cancelled in Infigo already"),
    ],
)
def test_what_cannot_be_cancelled_from_here_is_said(storefront: Facts, mis: Facts, why: str) -> None:
    assert why in would(storefront, mis).hindrance


def test_a_storefront_that_cannot_be_written_to_or_read_is_said() -> None:
    order = case(1)
    found = preview(order, connection(Shop(offers=())), frozenset(), (), PRIYA, NOW)
    assert "cannot write to Infigo" in found.hindrance
    blind = case(1).lines[0]
    now = datetime.now(UTC)
    read = blind.storefront.read(Unreadable("HTTP 503"), now, now)
    order = order.with_line(msgspec.structs.replace(blind, storefront=read))
    # What was last read still stands in the case; the reading says that it cannot be read now.
    found = preview(order, connection(Shop()), frozenset(), (), PRIYA, NOW)
    assert "cannot be read" in found.hindrance


@pytest.mark.parametrize(
    ("storefront", "mis", "wanted"),
    [
        (OPEN, OPEN, True),
        (OPEN, STARTED, True),
        (OPEN, SENT, False),
        (SENT, SENT, False),
        (CANCELLED, OPEN, False),
        (CANCELLED, CANCELLED, False),
    ],
)
def test_cancelling_is_offered_where_it_can_still_stop_something(
    storefront: Facts, mis: Facts, wanted: bool
) -> None:
    assert anything_to_cancel(case(1, storefront, mis, lines=2)) is wanted


def test_one_line_that_can_still_be_stopped_is_enough() -> None:
    order, other = case(1, OPEN, SENT, lines=2), case(1, lines=2)
    assert anything_to_cancel(order.with_item(other.items[0]))


def test_work_that_has_begun_is_told_before_not_after() -> None:
    order = case(1, OPEN, STARTED, lines=2)
    first, second = (line.line_id for line in order.lines)
    assert begun(order, (first, second)) == (first, second)
    assert begun(order, (second,)) == (second,)
    assert begun(case(1, lines=2), (first, second)) == ()


# What it does


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.save(case(1, lines=2))
    yield made
    made.engine.dispose()


def do(bench: Bench, shop: Shop, lines: tuple[str, ...] = (), reason: str = "the customer rang") -> Answer:
    return asyncio.run(
        cancel(bench.store, connection(shop), "10001", lines, PRIYA, reason, lambda: datetime.now(UTC))
    )


def events(bench: Bench) -> list[tuple[str, str]]:
    with bench.engine.begin() as database:
        rows = records.order_journal(database, SHOP, "10001")
    return [(row.event, row.actor) for row in rows if row.event.startswith("write.")]


def stored(bench: Bench) -> Any:
    return asyncio.run(bench.store.load(SHOP, ["10001"]))["10001"].case


def test_the_storefront_is_asked_once_and_the_loop_told_to_look(bench: Bench) -> None:
    shop = Shop()
    assert do(bench, shop).outcome is Outcome.APPLIED
    assert shop.asked == [("10001", None, f"Cancelled by {PRIYA}: the customer rang")]
    found = stored(bench)
    assert found.approvals[TO_MIS].by == PRIYA
    assert found.approvals[TO_MIS].line_ids == {"s20010", "s20011"}
    begun = found.open_cancellation(TO_MIS)
    assert (begun.started_by, begun.wanted_because) == (PRIYA, "the customer rang")
    assert found.look_storefront_at is not None
    assert found.writes == ()
    assert events(bench) == [(Event.WRITE_SENT, PRIYA), (Event.WRITE_ANSWERED, PRIYA)]


def test_some_lines_are_asked_for_by_their_numbers(bench: Bench) -> None:
    shop = Shop()
    do(bench, shop, ("s20011",))
    assert shop.asked[0][1] == ["s20011"]
    assert stored(bench).approvals[TO_MIS].line_ids == {"s20011"}


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNSUPPORTED, Outcome.UNKNOWN])
def test_an_answer_that_is_no_yes_gives_no_go_ahead_and_is_read_again(bench: Bench, outcome: Outcome) -> None:
    assert do(bench, Shop(outcome)).outcome is outcome
    found = stored(bench)
    assert found.approvals == {}
    assert found.cancellations == ()
    assert found.look_storefront_at is not None
    assert events(bench)[-1] == (Event.WRITE_ANSWERED, PRIYA)


@pytest.mark.parametrize("reason", ["", "  "])
def test_without_a_reason_nothing_is_asked(bench: Bench, reason: str) -> None:
    shop = Shop()
    with pytest.raises(people.RefusedError, match="say why"):
        do(bench, shop, reason=reason)
    assert shop.asked == []
    assert events(bench) == []


def test_a_line_that_is_not_there_cancels_nothing(bench: Bench) -> None:
    shop = Shop()
    with pytest.raises(people.RefusedError, match="has no line s99999"):
        do(bench, shop, ("s99999", "s20010"))
    assert shop.asked == []
