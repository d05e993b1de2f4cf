"""Whether another storefront on the same MIS has given a number too, by which a job is about to be linked.

Each storefront numbers its orders and lines for itself. It is asked itself: a job is made after its order, so
that whose job it is shows there, although nobody has told us of that order yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from countermand.bridge.absence import has_order
from countermand.bridge.case import Case
from countermand.bridge.connection import Connection
from countermand.bridge.linking import BY_LINE, Candidate
from countermand.bridge.ports import StorefrontPort
from countermand.bridge.store import Store
from countermand.core.status import Unreadable

#: A storefront that could not be read is not asked again for so long: each order would wait for it in turn.
_REST = timedelta(minutes=1)


class Doubled(msgspec.Struct, frozen=True):
    """The connection whose storefront has one of the numbers. `known`: it says so; else it cannot be read."""

    name: str
    known: bool


class Elsewhere:
    """Asks the other storefronts on a connection's MIS."""

    def __init__(self, connection: Connection, store: Store, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._store = store
        self._clock = clock
        self._failed_at: dict[str, datetime] = {}

    async def doubled(self, case: Case, made: Iterable[Candidate]) -> Doubled | None:
        """Where one of the numbers by which links are to be made was, or may have been, given too."""
        # A job that names the order by another number names its line alone.
        lines = {
            each.line_id
            for each in made
            if each.key == BY_LINE and each.item.customer_reference not in (case.order_id, "")
        }
        unread = None
        for name, storefront in self._connection.siblings.items():
            has = await self._has(name, storefront, case.order_id, lines)
            if has:
                return Doubled(name, known=True)
            if has is None:
                unread = Doubled(name, known=False)
        return unread

    async def _has(
        self, name: str, storefront: StorefrontPort, order_id: str, line_ids: Iterable[str]
    ) -> bool | None:
        """Whether it has the order or one of the lines; none where that cannot be told."""
        if self._rests(name):
            return None
        has = await has_order(name, storefront, order_id, self._store)
        for line_id in sorted(line_ids):
            if has is False:
                has = await _has_line(storefront, line_id)
        if has is None:
            self._failed_at[name] = self._clock()
        return has

    def _rests(self, name: str) -> bool:
        """A time from a clock that was set back since counts for nothing."""
        failed_at = self._failed_at.get(name)
        return failed_at is not None and timedelta() <= self._clock() - failed_at < _REST


async def _has_line(storefront: StorefrontPort, line_id: str) -> bool | None:
    found = await storefront.find_order_of_line(line_id)
    return None if isinstance(found, Unreadable) else found is not None
