"""What one Infigo connection can do, and how that is known: the rows of the capability matrix."""

from __future__ import annotations

from collections.abc import Mapping

from countermand.bridge.ports import Capability
from countermand.infigo.settings import InfigoSettings

_NO_REST = "Infigo documents no REST call for it; install countermand.megascript.js (megascript_secret)"
#: What a write does inside Infigo, by the official MegaScript types.
_WRITES = {
    "cancel_order": "Order.Cancel",
    "cancel_line": "OrderProductVariant.Cancel",
    "ship": "Order.UpdateShippingStatus and SetTrackingNumber",
    "track": "Order.SetTrackingNumber",
    "note": "Order.AddOrderNotes",
}


def capabilities(settings: InfigoSettings) -> Mapping[str, Capability]:
    script = settings.has_script
    rows = [
        Capability(name="read", offered=True, how=_how_read(settings)),
        Capability(
            name="list",
            offered=script,
            how="MegaScript order search by placing date (documented)" if script else _NO_REST,
        ),
    ]
    rows += [
        Capability(
            name=name, offered=script, how=f"MegaScript, {member} (documented)" if script else _NO_REST
        )
        for name, member in _WRITES.items()
    ]
    return {row.name: row for row in rows}


def _how_read(settings: InfigoSettings) -> str:
    if settings.reads_by_script:
        return "MegaScript, a hundred orders in one call (members documented, path a guess)"
    return "REST order/detail (documented; where it holds the statuses is a guess)"
