"""What each rule and polling setting means, and the limits within which it makes sense."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

_NOTHING = timedelta(0)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)


class Words(msgspec.Struct, frozen=True):
    description: str
    least: timedelta | float | None = None
    most: timedelta | float | None = None


_MODES = "`observe`, `manual`, `assisted` or `automatic`."

#: By name of the field of `Policy`.
RULE_WORDS: Mapping[str, Words] = {
    "cancel_to_mis": Words(f"What happens when an order is cancelled in the storefront: {_MODES}"),
    "cancel_to_storefront": Words(f"What happens when an order is cancelled in the MIS: {_MODES}"),
    "ship_to_storefront": Words(f"What happens when an order is dispatched in the MIS: {_MODES}"),
    "undo_window": Words(
        "How long a cancel can be taken back before it is written to the other system.", _NOTHING, 7 * _DAY
    ),
    "vendor_grace": Words(
        "How long the vendors' own plugin gets to make the same change first.", _NOTHING, _DAY
    ),
    "vendor_may_ship": Words("Whether the vendors' own plugin passes dispatches on in this shop."),
    "vendor_may_cancel": Words("Whether the plugin's handlers for cancels may be switched on in this shop."),
    "brake_burst": Words(
        "Orders newly wanting a cancel within `brake_window`, per direction; one more stops them all until "
        "somebody has looked.",
        1,
        10_000,
    ),
    "brake_window": Words("The time over which `brake_burst` counts.", _SECOND, _DAY),
    "brake_daily": Words("As `brake_burst`, within 24 hours.", 1, 100_000),
    "fresh_for": Words("A read older than this is repeated right before a write.", _SECOND, _MINUTE),
    "part_dispatch": Words(
        "When some deliveries of an order have left: `wait` for the rest, or mark it `partial` (partially "
        "shipped)."
    ),
    "close_emptied_order": Words(
        "When the last open line of an order is cancelled after earlier ones: `ask`, or `cancel` the order "
        "itself too."
    ),
    "not_in_production_after": Words(
        "How long an order may stay unfound in the MIS before somebody is asked.", _MINUTE, 90 * _DAY
    ),
    "unreadable_after": Words(
        "How long a system may give no readable answer before somebody is asked.", _SECOND, _DAY
    ),
    "gone_after": Words(
        "How long something seen earlier may be missing before somebody is asked.", _SECOND, _DAY
    ),
    "request_expires_after": Words(
        "A cancellation that nobody answers ends by itself after this long.", _MINUTE, _YEAR
    ),
    "value_limit": Words(
        "Orders worth more than this need a second person, in the storefront's currency; `none`: no limit.",
        0,
        1_000_000_000,
    ),
    "opening_hours": Words(
        "Automatic cancels are written only within these hours, in UTC; `always`: at any time. For example\n"
        '{ days = ["mon", "tue"], opens = "07:00", closes = "19:00" }'
    ),
}

#: By name of the field of `Polling`.
POLLING_WORDS: Mapping[str, Words] = {
    "interval": Words(
        "How often to look for new and cancelled orders, and how soon a changed one is read again.",
        _SECOND,
        _DAY,
    ),
    "slowest": Words(
        "An order that rests is read ever more rarely, but at least this often.", _SECOND, 90 * _DAY
    ),
    "stop_after": Words(
        "An order that ended alike on both sides is not read any more after this long.", _HOUR, 10 * _YEAR
    ),
    "lookback": Words("How far back newly placed and cancelled orders are looked for.", _HOUR, 10 * _YEAR),
    "sweep_every": Words(
        "How often every order that does not rest for ever is read by id in both systems.", _HOUR, _YEAR
    ),
    "sweep_grace": Words(
        "Such a sweep leaves alone what changed within this time; it is being looked at anyway.",
        _SECOND,
        _DAY,
    ),
}
