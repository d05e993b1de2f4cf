"""Many writes at once: none is sent on a picture that grew old while it waited for its turn."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from bridge_fakes import AT_ONCE, Clock, FakeMis, Small, run
from msgspec.structs import replace

from countermand.bridge.ports import MisRef
from countermand.core.command import Answer

AT_A_TIME = 4
SECONDS = 4.0


class SlowMis(FakeMis):
    """Takes a few cancels at a time, and seconds for each; everybody else waits."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._inside = 0
        self.sent: dict[str, datetime] = {}

    async def cancel(self, ref: MisRef) -> Answer:
        async with self._places:
            self.sent[ref.ref] = self._clock.now
            self._inside += 1
            for _ in range(10):
                await asyncio.sleep(0)
            if self._inside:  # those inside together take their time together
                self._clock.advance(SECONDS)
                self._inside = 0
            return await super().cancel(ref)


def test_each_write_of_many_was_read_at_most_five_seconds_before() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, brake_burst=1000, brake_daily=1000))
        slow = small.mis = SlowMis(small.clock)
        small.connect(small.connection.policy)
        order_ids = [str(10001 + number) for number in range(20)]
        for order_id in order_ids:
            await small.in_production(order_id)
        for order_id in order_ids:
            small.storefront.cancel_by_hand(order_id)
            small.order_hook(order_id)
        reads: dict[str, datetime] = {}
        read = slow.read

        async def noting(refs: list[MisRef]) -> object:
            reads.update((ref.ref, small.clock.now) for ref in refs if ref.ref not in slow.sent)
            return await read(refs)

        slow.read = noting  # type: ignore[method-assign, assignment]
        await small.settle(steps=30)
        assert len(slow.writes) == len(order_ids), "each is sent once"
        ages = {ref: sent - reads[ref] for ref, sent in slow.sent.items()}
        assert max(ages.values()) <= timedelta(seconds=5)

    run(story())
