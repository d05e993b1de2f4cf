"""A little world: a storefront, a MIS and the bridge between them, each a real HTTP server on loopback."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2 as httpx
import msgspec

from countermand.app import ConnectionSettings, Installation
from countermand.bridge.connection import Polling
from countermand.core.policy import Mode, Policy
from countermand.core.status import Side
from countermand.demo.value_types import prepare_types
from countermand.infigo import InfigoSettings
from countermand.printiq import PrintIQSettings
from countermand.simulators import infigo as infigo_simulator
from countermand.simulators import printiq as printiq_simulator
from countermand.simulators.kit import ServerThread
from countermand.web.server import create_app

#: The demo's waits are short, so that somebody watching sees the whole story.
DEMO_POLICY = Policy(
    ship_to_storefront=Mode.AUTOMATIC,
    undo_window=timedelta(seconds=1),
    vendor_grace=timedelta(seconds=2),
)
BANNER = "This is a demonstration: both systems are stand-ins on this machine, and every order is invented."
_SOON = timedelta(seconds=2)
NEVER = Polling(interval=timedelta(days=1), slowest=timedelta(days=1), sweep_grace=_SOON)
OFTEN = Polling(interval=_SOON, slowest=_SOON, sweep_grace=_SOON)


class WorldSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a world is set up. `infigo_sim` and `printiq_sim` go to the simulators as they are.

    `hooks`: whether the two systems send messages at all. `port_base` none: any free ports. `database`: an
    SQLAlchemy URL at the newest schema; none for a file in the world's folder.
    """

    policy: Policy = DEMO_POLICY
    polling: Polling = OFTEN
    hooks: bool = True
    vendor_pushes: bool = False
    infigo: dict[str, Any] = {}
    printiq: dict[str, Any] = {}
    infigo_sim: dict[str, Any] = {}
    printiq_sim: dict[str, Any] = {}
    port_base: int | None = None
    seed: int = 0
    database: str | None = None


class NotSeenError(AssertionError):
    """Something that should have come to pass did not, within its time."""


class World:
    """The three servers, and hands to play both shops' staff with. Use it as a context manager."""

    def __init__(self, settings: WorldSettings, folder: Path) -> None:
        self.settings = settings
        self._folder = folder
        self._stack = ExitStack()
        self._tokens = {side: secrets.token_urlsafe(24) for side in Side}

    def __enter__(self) -> Self:
        with self._stack:  # what runs already is stopped when the rest cannot start
            self._start()
            self._stack = self._stack.pop_all()
        return self

    def _start(self) -> None:
        prepare_types()
        base, seed = self.settings.port_base, self.settings.seed
        ports = (base, base + 1, base + 2) if base is not None else (0, 0, 0)
        self.infigo = self._serve(infigo_simulator.create_app(seed=seed, control=True), ports[1])
        self.printiq = self._serve(printiq_simulator.create_app(seed=seed, control=True), ports[2])
        self.console = self._serve(create_app(self._installation()), ports[0])
        self.http = self._stack.enter_context(httpx.Client(timeout=30, trust_env=False))
        self._connect_simulators()

    def _serve(self, app: Any, port: int) -> str:
        return self._stack.enter_context(ServerThread(app, port)).url

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _installation(self) -> Installation:
        demo = infigo_simulator.InfigoSettings()
        mis = printiq_simulator.PrintIQSettings()
        infigo = {
            "base_url": self.infigo,
            "storefront_id": demo.storefront_id,
            "token": demo.token,
            "megascript_secret": demo.megascript_secret,
            "admin_url_template": "{base}/admin/orders/{id}",
            "calls_per_second": 200.0,
            "burst": 200,
        } | self.settings.infigo
        printiq = {
            "base_url": self.printiq,
            "username": mis.username,
            "password": mis.password,
            "application_name": mis.application_name,
            "application_key": mis.application_key,
            "odata_token": mis.odata_token,
            "calls_per_second": 200.0,
            "burst": 200,
        } | self.settings.printiq
        connection = ConnectionSettings(
            name=demo.storefront_id,
            infigo=msgspec.convert(infigo, InfigoSettings),
            printiq=msgspec.convert(printiq, PrintIQSettings),
            policy=self.settings.policy,
            polling=self.settings.polling,
            hook_tokens=self._tokens,
        )
        database = self.settings.database or f"sqlite:///{self._folder / 'countermand.db'}"
        return Installation(database=database, connections=(connection,), banner=BANNER)

    def _connect_simulators(self) -> None:
        hook = f"{self.console}/hooks"
        storefront = infigo_simulator.InfigoSettings().storefront_id
        handler = f"{self.infigo}/mishandler/{storefront}/Mis.PrintIQ"
        infigo: dict[str, Any] = {"public_url": self.infigo, "plugin": {"printiq_url": self.printiq}}
        printiq: dict[str, Any] = {}
        if self.settings.hooks:
            infigo["webhooks"] = [{"url": f"{hook}/storefront/{self._tokens[Side.STOREFRONT]}"}]
            printiq["hooks"] = [{"url": f"{hook}/mis/{self._tokens[Side.MIS]}"}]
        if self.settings.vendor_pushes:
            printiq |= {
                "infigo_changestatus_url": f"{handler}/changestatus",
                "infigo_updatejobstatus_url": f"{handler}/updatejobstatus",
                "infigo_updateorderstatus_url": f"{handler}/updateorderstatus",
            }
        self.put(self.infigo, "/_sim/settings", _merged(infigo, self.settings.infigo_sim))
        self.put(self.printiq, "/_sim/settings", _merged(printiq, self.settings.printiq_sim))

    # Plain HTTP

    def get(self, base: str, path: str) -> Any:
        return self._answer(self.http.get(f"{base}{path}"))

    def post(self, base: str, path: str, body: object = None) -> Any:
        return self._answer(self.http.post(f"{base}{path}", json=body if body is not None else {}))

    def put(self, base: str, path: str, body: object) -> Any:
        return self._answer(self.http.put(f"{base}{path}", json=body))

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_error:
            raise RuntimeError(f"{response.request.method} {response.request.url}: {response.text[:300]}")
        return response.json()


def _merged(ours: dict[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(ours)
    for key, value in theirs.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def wait_until(what: str, look: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Look again and again until something true comes back.

    Raises:
        NotSeenError: it did not within `seconds`; names what was waited for and what was last seen.
    """
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        last = look()
        if last:
            return last
        time.sleep(0.03)
    raise NotSeenError(f"waited {seconds:g} s for {what}; last seen: {last!r}")
