"""The clients of all systems that a service talks to, and the count of what they ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from countermand.app.clock import utc_now
from countermand.app.installation import ConnectionSettings
from countermand.bridge.sweep import count_call
from countermand.infigo import InfigoSettings, InfigoStorefront
from countermand.printiq import PrintIQMis, PrintIQSettings
from countermand.vendor_http.reply import CallOutcome
from countermand.vendor_http.transport import CallRecord


class Calls:
    """Counts API calls by system and name; those of a sweep are counted for it, too."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str]] = Counter()

    def __call__(self, record: CallRecord) -> None:
        self.counts[(record.system, record.name)] += 1
        if record.outcome is not CallOutcome.ANSWERED:
            self.failed[(record.system, record.name)] += 1
        count_call()


class Clients:
    """One client per system, so that connections which share a system share its budget and login."""

    def __init__(self) -> None:
        self.calls = Calls()
        self._storefronts: dict[InfigoSettings, InfigoStorefront] = {}
        self._mises: dict[PrintIQSettings, PrintIQMis] = {}

    def storefront(self, settings: InfigoSettings) -> InfigoStorefront:
        if settings not in self._storefronts:
            self._storefronts[settings] = InfigoStorefront(settings, clock=utc_now, on_call=self.calls)
        return self._storefronts[settings]

    def mis(self, settings: PrintIQSettings) -> PrintIQMis:
        if settings not in self._mises:
            self._mises[settings] = PrintIQMis(settings, clock=utc_now, on_call=self.calls)
        return self._mises[settings]

    async def close_all_but(self, kept: Sequence[ConnectionSettings]) -> None:
        """Close the clients of systems that none of these connections has."""
        storefronts, mises = {one.infigo for one in kept}, {one.printiq for one in kept}
        for infigo in self._storefronts.keys() - storefronts:
            await self._storefronts.pop(infigo).aclose()
        for printiq in self._mises.keys() - mises:
            await self._mises.pop(printiq).aclose()
