"""One order line with everything its judgement looks at: both readings, the base, our write, a settlement."""

from __future__ import annotations

from datetime import datetime

import msgspec

from countermand.core.command import Command
from countermand.core.status import Pair, Reading, Side


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A person left the two sides different: for exactly these pairs of values, with a name and a reason.

    `reported`: the person says that it was done where nothing can be read back; never called verified.
    `first_sight`: the two sides were never in step before; taking it back lets nothing pass unreviewed.
    """

    pairs: tuple[Pair, ...]
    by: str
    reason: str
    at: datetime
    reported: bool = False
    first_sight: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """All that the merge knows about one line.

    `base`: the pair last in step or settled; none at first sight (an order placed after the connection
    went live has the implied base open/open). `command`: our newest write, if any.
    """

    storefront: Reading
    mis: Reading
    base: Pair | None = None
    command: Command | None = None
    settlement: Settlement | None = None

    def reading(self, side: Side) -> Reading:
        return self.storefront if side is Side.STOREFRONT else self.mis

    @property
    def pair(self) -> Pair:
        return Pair(self.storefront.status, self.mis.status)
