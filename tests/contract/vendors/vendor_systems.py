"""Both simulators as the vendor clients meet them: over real HTTP, with test control beside it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2 as httpx

from countermand.infigo import InfigoSettings, InfigoStorefront
from countermand.printiq import PrintIQMis, PrintIQSettings
from countermand.simulators import infigo as infigo_simulator
from countermand.simulators import printiq as printiq_simulator
from countermand.simulators.kit import ServerThread
from countermand.vendor_http.transport import CallRecord

T = TypeVar("T")
Json = dict[str, Any]


def now() -> datetime:
    return datetime.now(UTC)


class System:
    """One running simulator: `post` and `get` are test control, `calls` what a client's observer saw."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: Counter[str] = Counter()
        self._control = httpx.Client(base_url=f"{url}/_sim/", trust_env=False, timeout=10)

    def get(self, path: str) -> Any:
        return self._control.get(path).raise_for_status().json()

    def post(self, path: str, body: Json | None = None) -> Any:
        return self._control.post(path, json=body or {}).raise_for_status().json()

    def settings(self, **changes: object) -> None:
        self._control.put("settings", json=changes).raise_for_status()

    def fault(self, call: str, kind: str, **more: object) -> None:
        rule = {"match": call, "kind": kind, **more}
        self._control.put("faults", json={"calls": [rule]}).raise_for_status()

    def no_faults(self) -> None:
        self._control.put("faults", json={}).raise_for_status()

    def effects(self, call: str) -> list[str]:
        """The effects of all writes of that call, in order of arrival."""
        return [entry["effect"] for entry in self.get("ledger") if entry["call"] == call]

    def seen(self) -> Counter[str]:
        """The simulator's own count of vendor calls."""
        return Counter(self.get("calls"))

    def on_call(self, record: CallRecord) -> None:
        self.calls[record.name] += 1

    def close(self) -> None:
        self._control.close()


class Infigo(System):
    """A storefront; `use` runs one piece of work with a client of its own."""

    def use(self, work: Callable[[InfigoStorefront], Awaitable[T]], **settings: Any) -> T:
        values: dict[str, Any] = {
            "base_url": self.url,
            "token": "demo-infigo-token",
            "megascript_secret": "demo-megascript-secret",
            "timeout_seconds": 5,
            "calls_per_second": 1000,
            "burst": 1000,
        } | settings

        async def run() -> T:
            shop = InfigoStorefront(InfigoSettings(**values), clock=now, on_call=self.on_call)
            try:
                return await work(shop)
            finally:
                await shop.aclose()

        return asyncio.run(run())

    def place(self, *quantities: int, **order: object) -> tuple[str, list[str]]:
        """One order with a line per quantity: its id and its lines' ids."""
        lines = [{"Sku": "BC-350-SILK", "Quantity": quantity} for quantity in quantities or (500,)]
        placed = self.post("orders", {"OrderLineItems": lines, **order})["orders"][0]
        return str(placed["Id"]), [line["Id"] for line in placed["OrderLineItems"]]

    def order(self, order_id: str) -> Json:
        state: Json = self.get(f"orders/{order_id}")
        return state


class PrintIQ(System):
    """A MIS; `use` runs one piece of work with a client of its own."""

    def use(self, work: Callable[[PrintIQMis], Awaitable[T]], **settings: Any) -> T:
        values: dict[str, Any] = {
            "base_url": self.url,
            "username": "countermand",
            "password": "demo-printiq-password",
            "application_name": "Countermand",
            "application_key": "demo-printiq-application-key",
            "odata_token": "demo-odata-token",
            "timeout_seconds": 5,
            "calls_per_second": 1000,
            "burst": 1000,
        } | settings

        async def run() -> T:
            mis = PrintIQMis(PrintIQSettings(**values), clock=now, on_call=self.on_call)
            try:
                return await work(mis)
            finally:
                await mis.aclose()

        return asyncio.run(run())

    def place(self, *jobs: Json, stock: tuple[Json, ...] = ()) -> Json:
        """One acceptance: `{"Id", "jobs": [...], "salesorders": [...]}`."""
        placed: Json = self.post("orders", {"jobs": list(jobs), "salesorders": list(stock)})["orders"][0]
        return placed

    def state(self, number: str) -> Json:
        found: Json = self.get(f"orders/{number}")
        return found


@contextmanager
def running_infigo(settings: infigo_simulator.InfigoSettings | None = None) -> Iterator[Infigo]:
    with ServerThread(infigo_simulator.create_app(settings, control=True)) as server:
        system = Infigo(server.url)
        try:
            yield system
        finally:
            system.close()


@contextmanager
def running_printiq(settings: printiq_simulator.PrintIQSettings | None = None) -> Iterator[PrintIQ]:
    with ServerThread(printiq_simulator.create_app(settings, control=True)) as server:
        system = PrintIQ(server.url)
        try:
            yield system
        finally:
            system.close()
