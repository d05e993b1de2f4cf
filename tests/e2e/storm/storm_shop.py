"""The processes of a kill storm: both stand-ins, and a `countermand serve` that is killed again and again."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import httpx2 as httpx
import msgspec
from sqlalchemy import Connection, func, select

from countermand.config.database import opened
from countermand.ledger.schema import inbox, orders
from countermand.simulators import infigo, printiq

PROGRAM = (sys.executable, "-c", "from countermand.cli import main; main(prog_name='countermand')")
_SHOP, _PLANT = infigo.InfigoSettings(), printiq.PrintIQSettings()

#: Short waits, so that much happens between two kills; a brake that never trips, because what is in step
#: after a storm is the question here, not whether many cancels at once are stopped.
_SET_UP = """\
[countermand]
database = {{ env = "STORM_DATABASE" }}
port = {port}
[infigo.shop]
base_url = "{infigo}"
token = {{ env = "STORM_INFIGO_TOKEN" }}
megascript_secret = {{ env = "STORM_SCRIPT" }}
calls_per_second = 200
burst = 200
timeout_seconds = 1.5
[printiq.plant]
base_url = "{printiq}"
username = "countermand"
password = {{ env = "STORM_PASSWORD" }}
application_name = "Countermand"
application_key = {{ env = "STORM_KEY" }}
odata_token = {{ env = "STORM_ODATA" }}
read_by = "{read_by}"
calls_per_second = 200
burst = 200
timeout_seconds = 1.5
[connections.{name}]
storefront = "shop"
mis = "plant"
live_since = {live_since}
[connections.{name}.hook_tokens]
storefront = {{ env = "STORM_STOREFRONT_TOKEN" }}
mis = {{ env = "STORM_MIS_TOKEN" }}
[connections.{name}.rules]
cancel_to_mis = "automatic"
cancel_to_storefront = "automatic"
ship_to_storefront = "automatic"
undo_window = "0 s"
vendor_grace = "0 s"
vendor_may_ship = false
close_emptied_order = "cancel"
fresh_for = "1 s"
brake_burst = 10000
brake_daily = 10000
[connections.{name}.polling]
interval = "2 s"
slowest = "{slowest} s"
sweep_grace = "2 s"
"""


class NotInTimeError(AssertionError):
    """Something that should have come to pass did not, within its time."""


def until(what: str, look: Callable[[], Any], seconds: float = 30, pause: float = 0.02) -> Any:
    """Look again and again until something true comes back.

    Raises:
        NotInTimeError: it did not.
    """
    deadline = monotonic() + seconds
    while not (found := look()):
        if monotonic() > deadline:
            raise NotInTimeError(f"waited {seconds:g} s for {what}")
        sleep(pause)
    return found


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


class Start(msgspec.Struct, frozen=True):
    """One start of the service: seconds until it answered, and until what was open had been looked at."""

    answers: float
    looked: float


class StormShop:
    """Both stand-ins in processes of their own, and the program between them. Use it as a context manager.

    `database`: an SQLAlchemy URL. `slowest`: seconds after which every order is read anew. A connection's
    name is the storm's own, so that many storms may follow each other on one database.
    """

    def __init__(self, folder: Path, database: str, name: str, seed: int, *, slowest: int = 10) -> None:
        self.folder, self.database, self.name, self.seed = folder, database, name, seed
        self._slowest = slowest
        self._ports = free_ports(3)
        self.url, self.infigo, self.printiq = (f"http://127.0.0.1:{port}" for port in self._ports)
        self._tokens = {side: secrets.token_urlsafe(24) for side in ("storefront", "mis")}
        self.hooks = {side: f"{self.url}/hooks/{side}/{token}" for side, token in self._tokens.items()}
        self.http = httpx.Client(timeout=10, trust_env=False)
        self._stand_ins: list[subprocess.Popen[bytes]] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "serve.log"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        set_up = _SET_UP.format(
            port=self._ports[0],
            infigo=self.infigo,
            printiq=self.printiq,
            name=self.name,
            read_by="odata" if self.seed % 2 else "acceptance",
            slowest=self._slowest,
            live_since=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        (self.folder / "countermand.toml").write_text(set_up, encoding="utf-8")
        for system, port in (("infigo", self._ports[1]), ("printiq", self._ports[2])):
            self._stand_ins.append(
                self._spawn(system, "sim", system, "--port", str(port), "--seed", str(self.seed))
            )
        for url in (self.infigo, self.printiq):
            until(f"the stand-in at {url}", partial(self._up, f"{url}/_sim/calls"), 60)
        webhooks = [{"url": self.hooks["storefront"]}]
        self.put(self.infigo, "settings", {"plugin": {"printiq_url": self.printiq}, "webhooks": webhooks})
        self.put(self.printiq, "settings", {"hooks": [{"url": self.hooks["mis"]}]})
        done = self.call("db", "upgrade")
        assert done.returncode == 0, done.stderr
        return self

    def __exit__(self, *_exc: object) -> None:
        self.http.close()
        for one in [*self._stand_ins, *([self.process] if self.process else [])]:
            if one.poll() is None:
                one.kill()
            one.wait(10)

    def _environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "STORM_DATABASE": self.database,
            "STORM_INFIGO_TOKEN": _SHOP.token,
            "STORM_SCRIPT": _SHOP.megascript_secret,
            "STORM_PASSWORD": _PLANT.password,
            "STORM_KEY": _PLANT.application_key,
            "STORM_ODATA": _PLANT.odata_token,
            "STORM_STOREFRONT_TOKEN": self._tokens["storefront"],
            "STORM_MIS_TOKEN": self._tokens["mis"],
        }

    def _spawn(self, log: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("ab") as out:
            return subprocess.Popen(
                [*PROGRAM, *arguments], cwd=self.folder, env=self._environ(), stdout=out, stderr=out
            )

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program to its end, by the storm's set-up file."""
        return subprocess.run(
            [*PROGRAM, *arguments], cwd=self.folder, env=self._environ(), capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip

    # The service

    def start(self) -> datetime:
        """Start the service; returns when."""
        began = datetime.now(UTC)
        self.process = self._spawn("serve", "serve")
        return began

    def kill(self) -> None:
        """No warning and no clean-up: what a power cut leaves of a process."""
        assert self.process is not None
        assert self.process.poll() is None, f"it ended by itself:\n{self.log.read_text()[-2000:]}"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def recovered(self, began: datetime, seconds: float = 120) -> Start:
        """Wait until the service answers and everything that was open when it started was looked at.

        Raises:
            NotInTimeError: it does not come that far.
        """
        until("the service", lambda: self._up(f"{self.url}/health"), seconds, 0.005)
        answers = _since(began)
        with opened(self.database) as engine:

            def looked() -> bool:
                with engine.begin() as database:
                    return _nothing_open(database, self.name, began)

            until("a look at what was open", looked, seconds, 0.01)
        return Start(answers, _since(began))

    def _up(self, url: str) -> bool:
        try:
            return self.http.get(url).status_code == 200
        except httpx.HTTPError:
            assert self.process is None or self.process.poll() is None, self.log.read_text()[-2000:]
            return False

    # Both systems' test control

    def get(self, base: str, path: str) -> Any:
        return self._read(self.http.get(f"{base}/_sim/{path}"))

    def put(self, base: str, path: str, body: object) -> Any:
        return self._read(self.http.put(f"{base}/_sim/{path}", json=body))

    @staticmethod
    def _read(answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.request.url}: {answer.text[:300]}"
        return answer.json()


def _since(began: datetime) -> float:
    return (datetime.now(UTC) - began).total_seconds()


def _nothing_open(database: Connection, name: str, began: datetime) -> bool:
    """No order that was due, and no message that lay there, when the service started."""
    due = select(func.count()).where(orders.c.connection == name, orders.c.due_at <= began)
    new = select(func.count()).where(
        inbox.c.connection == name, inbox.c.state == "new", inbox.c.received_at <= began
    )
    return not database.scalar(due) and not database.scalar(new)


@contextmanager
def stopped_quietly(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends a process after the block, whatever happened."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait(10)
