"""The rules a shop sets: what may happen by itself, how long to wait, when to ask."""

from __future__ import annotations

from datetime import time, timedelta
from enum import StrEnum

import msgspec

from countermand.core.command import Change
from countermand.core.status import Side


class Direction(StrEnum):
    """Which way a change travels; modes, brakes and counts are kept per direction."""

    CANCEL_TO_MIS = "cancel_to_mis"
    CANCEL_TO_STOREFRONT = "cancel_to_storefront"
    SHIP_TO_STOREFRONT = "ship_to_storefront"

    @property
    def target(self) -> Side:
        return Side.MIS if self is Direction.CANCEL_TO_MIS else Side.STOREFRONT


def direction_of(change: Change, target: Side) -> Direction:
    if change is not Change.CANCEL:
        return Direction.SHIP_TO_STOREFRONT
    return Direction.CANCEL_TO_MIS if target is Side.MIS else Direction.CANCEL_TO_STOREFRONT


class Mode(StrEnum):
    OBSERVE = "observe"
    MANUAL = "manual"
    ASSISTED = "assisted"
    AUTOMATIC = "automatic"


class PartDispatch(StrEnum):
    WAIT = "wait"
    PARTIAL = "partial"


class EmptiedOrder(StrEnum):
    ASK = "ask"
    CANCEL = "cancel"


class OpeningHours(msgspec.Struct, frozen=True, kw_only=True):
    """When automatic cancels may be written. `days`: Monday is 0. Times are UTC."""

    days: frozenset[int] = frozenset(range(5))
    opens: time = time(7, 0)
    closes: time = time(19, 0)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a connection's rules can say. The defaults are those of production: a person does it."""

    #: What happens to a cancel made in the storefront: observe, manual, assisted or automatic.
    cancel_to_mis: Mode = Mode.MANUAL
    #: What happens to a cancel made in the MIS.
    cancel_to_storefront: Mode = Mode.MANUAL
    #: What happens to a dispatch made in the MIS.
    ship_to_storefront: Mode = Mode.AUTOMATIC
    #: How long a cancel can be taken back before it is written to the other system.
    undo_window: timedelta = timedelta(minutes=5)
    #: How long the vendors' own plugin gets to do the same write first.
    vendor_grace: timedelta = timedelta(minutes=10)
    #: Whether the vendors' own plugin passes dispatches on ("Dispatched" becomes "Shipped").
    vendor_may_ship: bool = True
    #: Whether the plugin's handlers for cancels may be switched on in this shop.
    vendor_may_cancel: bool = False
    #: Orders newly wanting a cancel within `brake_window`, per direction; one more trips the brake.
    brake_burst: int = 10
    brake_window: timedelta = timedelta(minutes=10)
    #: Orders newly wanting a cancel within 24 hours, per direction.
    brake_daily: int = 30
    #: A target read older than this is read again before a write.
    fresh_for: timedelta = timedelta(seconds=5)
    #: Some deliveries of an order have left: wait for the rest, or mark partially shipped.
    part_dispatch: PartDispatch = PartDispatch.WAIT
    #: The last open line of an order is cancelled after earlier ones: ask, or cancel the order.
    close_emptied_order: EmptiedOrder = EmptiedOrder.ASK
    #: How long an order may stay unfound in the MIS before somebody is asked.
    not_in_production_after: timedelta = timedelta(hours=4)
    #: How long a system may stay unreadable, or a line missing, before somebody is asked.
    unreadable_after: timedelta = timedelta(minutes=2)
    gone_after: timedelta = timedelta(minutes=1)
    #: A request that nobody answers ends by itself after this long.
    request_expires_after: timedelta = timedelta(days=3)
    #: Orders worth more than this need a second person (none: no limit), in the storefront's currency.
    value_limit: float | None = None
    #: Automatic cancels are written only within these hours (none: always).
    opening_hours: OpeningHours | None = None

    def mode(self, direction: Direction) -> Mode:
        match direction:
            case Direction.CANCEL_TO_MIS:
                return self.cancel_to_mis
            case Direction.CANCEL_TO_STOREFRONT:
                return self.cancel_to_storefront
            case Direction.SHIP_TO_STOREFRONT:
                return self.ship_to_storefront
