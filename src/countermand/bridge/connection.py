"""One connection: a storefront and a MIS that are kept in step, with the rules that hold between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from countermand.bridge.ports import MisPort, StorefrontPort
from countermand.bridge.store import BrakeLimits
from countermand.core.policy import Direction, Mode, Policy
from countermand.core.rules import Override, may_be

#: An order is read again when it has rested a fifth as long again.
_REST = 5
#: Reads fall on these multiples of the polling interval.
_GRID = (1, 2, 5, 10, 15, 30, 60)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CANCELS = (Direction.CANCEL_TO_MIS, Direction.CANCEL_TO_STOREFRONT)


class Polling(msgspec.Struct, frozen=True, kw_only=True):
    """How often to look without having been told.

    An order is read again after `interval`, later and later as it rests, at the latest after `slowest`, and
    together with others that come due about then, because one call reads many; an order on which both sides
    agree for good rests for ever after `stop_after`. Newly placed and cancelled orders are listed every
    `interval`, as far back as `lookback`. Every `sweep_every` all of them are read, but for those that rest
    for ever.
    """

    interval: timedelta = timedelta(seconds=60)
    slowest: timedelta = timedelta(hours=6)
    stop_after: timedelta = timedelta(days=60)
    lookback: timedelta = timedelta(days=30)
    sweep_every: timedelta = timedelta(hours=24)
    #: A sweep leaves an order alone that changed within this time: the loop is busy with it.
    sweep_grace: timedelta = timedelta(minutes=2)

    def next_after(self, now: datetime, quiet_since: datetime, final: bool) -> datetime | None:
        """When to read an order again that has shown nothing new since `quiet_since`."""
        quiet = now - quiet_since
        if final and quiet > self.stop_after:
            return None
        wait = min(max(self.interval, quiet / _REST), self.slowest)
        return self._with_others(now, wait)

    def _with_others(self, now: datetime, wait: timedelta) -> datetime:
        """A time about `wait` from now, at the latest after `slowest`, on which other orders fall too."""
        place = bisect_right(_GRID, wait // (self.interval * 4))
        if not place:
            return now + wait
        grid = self.interval * _GRID[place - 1]
        sooner = (now + wait - _EPOCH) // grid * grid + _EPOCH
        return sooner if sooner - now >= wait / 2 else min(sooner + grid, now + self.slowest)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """`live_since`: orders placed earlier have no implied common base, so first sight never writes."""

    name: str
    storefront: StorefrontPort
    mis: MisPort
    policy: Policy
    #: For which orders the policy differs, and how.
    overrides: tuple[Override, ...] = ()
    live_since: datetime
    polling: Polling = Polling()
    storefront_name: str = "Infigo"
    mis_name: str = "printIQ"
    #: Other connections that share this MIS, with their storefronts: their orders may claim the same jobs.
    siblings: Mapping[str, StorefrontPort] = {}
    #: After a write of ours, a message from that system within this time is most likely its echo.
    echo_window: timedelta = timedelta(seconds=10)
    #: Strikes the secrets of both systems out of a text.
    mask: Callable[[str], str] = str

    @property
    def offered(self) -> frozenset[str]:
        """Names of everything that either system offers."""
        both = (self.storefront.capabilities, self.mis.capabilities)
        return frozenset(name for each in both for name, one in each.items() if one.offered)

    @property
    def lists_orders(self) -> bool:
        """Whether the storefront can be asked for its orders."""
        lists = self.storefront.capabilities.get("list")
        return lists is not None and lists.offered

    @property
    def lists_jobs(self) -> bool:
        """Whether a job that a listing of the MIS does not show is not there."""
        lists = self.mis.capabilities.get("list")
        return lists is not None and lists.offered

    @property
    def searches(self) -> bool:
        """Whether a job that nobody told of can be found: by a search of the MIS, or in its listings."""
        return "find" in self.offered or self.lists_jobs

    @property
    def brake_limits(self) -> dict[Direction, BrakeLimits]:
        """The brake guards only what is written without a person."""
        limits = BrakeLimits(
            burst=self.policy.brake_burst,
            window=self.policy.brake_window,
            daily=self.policy.brake_daily,
        )
        automatic = may_be(Mode.AUTOMATIC, self.policy, self.overrides)
        return {way: limits for way in _CANCELS if way in automatic}
