"""A cancellation said to be where it was not, found by simulation; and what one such order may cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from bridge_fakes import AT_ONCE, DISPATCHED, PARSERS, STARTED, Small, run
from msgspec.structs import replace

from countermand.bridge import converge as converge_module
from countermand.bridge.bridge import Bridge
from countermand.bridge.conclude import Pass, conclude
from countermand.bridge.connection import Polling
from countermand.bridge.ports import MisItem, MisRef
from countermand.bridge.store import Change
from countermand.core.events import Event
from countermand.core.policy import Mode, PartDispatch

HALF_AN_HOUR = replace(
    AT_ONCE,
    ship_to_storefront=Mode.AUTOMATIC,
    part_dispatch=PartDispatch.PARTIAL,
    undo_window=timedelta(minutes=30),
)


def test_a_dispatch_of_another_line_is_no_step_of_a_cancel_that_waits() -> None:
    """Seed 5001: the order ended in an error at each look, and with it every order that was due."""

    async def story() -> None:
        small = Small(HALF_AN_HOUR)
        await small.in_production("10001", "s1", "s2")
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        assert small.cancellations() == ["accepted"]
        small.mis.change("J10001-02", status=DISPATCHED)
        small.job_hook("J10001-02")
        await small.settle(60)
        assert len(small.events(Event.WRITE_SENT)) == 1
        assert small.cancellations() == ["accepted"]
        await small.settle(1800)
        assert small.cancellations() == ["done"]

    run(story())


def test_a_cancellation_that_is_partly_written_stays_so_while_its_rest_waits() -> None:
    async def story() -> None:
        small = Small(HALF_AN_HOUR)
        await small.in_production("10001", "s1", "s2", "s3")
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        small.clock.advance(1700)
        small.mis.cancel_by_hand("J10001-02")
        small.job_hook("J10001-02")
        await small.settle()
        for _ in range(40):
            await small.settle(60)
        assert set(small.cancellations()) == {"done"}

    run(story())


def test_an_order_with_which_we_cannot_cope_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    real = conclude

    def stumbles(one: Pass, *more: Any) -> Change:
        if one.case.order_id == "10001":
            raise KeyError("a fault of ours")
        return real(one, *more)

    async def story() -> None:
        small = Small(polling=Polling())
        told: list[str] = []
        small.bridge = Bridge(
            small.connection, small.store, PARSERS, small.clock, lambda about, _fault: told.append(about)
        )
        for order_id in ("10001", "10002"):
            await small.in_production(order_id)
        monkeypatch.setattr(converge_module, "conclude", stumbles)
        for order_id in ("10001", "10002"):
            small.mis.change(f"J{order_id}-01", status=STARTED)
            small.job_hook(f"J{order_id}-01")
        await small.settle()
        assert (await small.case("10002")).items[0].mis.status == STARTED
        assert set(told) == {"orders/2", "order/10001"}
        due = small.due_at("10001")
        assert due is not None
        assert due > small.clock()
        monkeypatch.setattr(converge_module, "conclude", real)
        await small.settle(600)
        assert (await small.case("10001")).items[0].mis.status == STARTED

    run(story())


def test_the_undo_window_is_whole_although_the_read_that_saw_the_cancel_took_long() -> None:
    """Seed 1956418890: the window ran from when that read began, which was before the cancel."""

    async def story() -> None:
        small = Small(HALF_AN_HOUR)
        await small.in_production()
        answer, cancelled_at = small.mis.read, []

        async def cancelled_meanwhile(refs: Sequence[MisRef]) -> Sequence[MisItem]:
            began_at = small.clock()
            small.clock.advance(45)
            small.mis.cancel_by_hand("J10001-01")
            cancelled_at.append(small.clock())
            return [replace(item, began_at=began_at) for item in await answer(refs)]

        small.mis.read = cancelled_meanwhile  # type: ignore[method-assign]
        small.job_hook("J10001-01")
        await small.step()
        small.mis.read = answer  # type: ignore[method-assign]
        assert small.cancellations() == ["accepted"]
        while not small.storefront.writes:
            small.clock.advance(1)
            await small.step()
        assert small.clock() - cancelled_at[0] >= HALF_AN_HOUR.undo_window

    run(story())
