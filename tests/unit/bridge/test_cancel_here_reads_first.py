"""Cancelling from the console: what a person was shown may be hours old, so both systems are read first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from bridge_fakes import DISPATCHED, STARTED, Clock, FakeStorefront, Small, run
from msgspec.structs import replace

from countermand.bridge.cancel_here import cancel
from countermand.bridge.people import RefusedError
from countermand.bridge.ports import StorefrontOrder
from countermand.core.command import Answer, Outcome
from countermand.core.policy import Direction
from countermand.core.status import Facts, Intent, Progress

PRIYA = "Priya Shah"


class Fenced(FakeStorefront):
    """Remembers what each cancel depended on."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.fences: list[str] = []

    def shown(self, order_id: str) -> StorefrontOrder:
        status = self.orders[order_id].lines[0].status
        assert isinstance(status, Facts)
        return replace(super().shown(order_id), fence=f"progress {status.progress.value}")

    async def cancel(
        self, order_id: str, line_ids: Sequence[str] | None, *, note: str, fence: str = ""
    ) -> Answer:
        self.fences.append(fence)
        return await super().cancel(order_id, line_ids, note=note, fence=fence)


async def press(small: Small, *line_ids: str) -> Answer:
    reason = "the customer rang"
    return await cancel(small.store, small.connection, "10001", line_ids, PRIYA, reason, small.clock)


async def unseen_change(small: Small, **changes: Any) -> None:
    """Something happens in a system, and nobody tells."""
    await small.in_production()
    if "shop" in changes:
        small.storefront.orders["10001"].lines[0].status = changes["shop"]
    if "mis" in changes:
        small.mis.change("J10001-01", status=changes["mis"])


@pytest.mark.parametrize(
    "changes",
    [{"shop": DISPATCHED}, {"mis": DISPATCHED}, {"mis": Facts(Intent.OPEN, Progress.PRODUCED)}],
    ids=["shipped", "dispatched", "finished"],
)
def test_what_was_sent_or_finished_since_it_was_shown_is_not_cancelled(changes: dict[str, Facts]) -> None:
    async def story() -> None:
        small = Small()
        await unseen_change(small, **changes)
        with pytest.raises(RefusedError, match="finished or has left"):
            await press(small)
        assert small.storefront.writes == []

    run(story())


def test_a_go_ahead_is_not_stretched_to_work_that_has_begun_since() -> None:
    async def story() -> None:
        small = Small()
        await unseen_change(small, mis=STARTED)
        with pytest.raises(RefusedError, match="Production has begun with line s10001"):
            await press(small)
        await small.settle()
        assert (small.storefront.writes, small.mis.writes) == ([], [])
        # Now it is shown; who says it again knows.
        assert (await press(small)).outcome is Outcome.APPLIED
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


@pytest.mark.parametrize("side", ["storefront", "mis"])
def test_a_storefront_that_cannot_be_read_now_is_not_written_to(side: str) -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        getattr(small, side).down = "HTTP 503"
        if side == "storefront":
            with pytest.raises(RefusedError, match="cannot be read"):
                await press(small)
        else:
            assert (await press(small)).outcome is Outcome.APPLIED
        assert len(small.storefront.writes) == (side == "mis")

    run(story())


def test_the_cancel_depends_on_what_was_read() -> None:
    async def story() -> None:
        small = Small()
        fenced = small.storefront = Fenced(small.clock)
        small.connect(small.connection.policy)
        await small.in_production()
        await press(small)
        assert fenced.fences == ["progress none"]
        assert Direction.CANCEL_TO_MIS in (await small.case()).approvals

    run(story())
