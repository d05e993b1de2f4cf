"""`countermand serve` as a process of its own, between two stand-ins: set up, change while it runs, stop."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.outbound.signing import signed
from countermand.simulators import infigo, printiq
from countermand.simulators.kit import ServerThread
from postgres_server import postgres_database

PROGRAM = (sys.executable, "-c", "from countermand.cli import main; main(prog_name='countermand')")
SHOP, PLANT = infigo.InfigoSettings(), printiq.PrintIQSettings()
SECRETS = {
    "COUNTERMAND_INFIGO_SHOP_TOKEN": SHOP.token,
    "COUNTERMAND_INFIGO_SHOP_MEGASCRIPT_SECRET": SHOP.megascript_secret,
    "COUNTERMAND_PRINTIQ_PLANT_PASSWORD": PLANT.password,
    "COUNTERMAND_PRINTIQ_PLANT_APPLICATION_KEY": PLANT.application_key,
    "COUNTERMAND_PRINTIQ_PLANT_ODATA_TOKEN": PLANT.odata_token,
}


def until(what: str, look: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = monotonic() + seconds
    while not (found := look()):
        assert monotonic() < deadline, f"waited {seconds:g} s for {what}"
        sleep(0.05)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Shop:
    """Both stand-ins, a folder with a set-up file, and the program."""

    def __init__(self, folder: Path, infigo_url: str, printiq_url: str) -> None:
        self.folder, self.infigo, self.printiq = folder, infigo_url, printiq_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        self.environ = {**os.environ, **SECRETS}

    def call(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def edit(self, *changes: tuple[str, str]) -> None:
        file = self.folder / "countermand.toml"
        text = file.read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after, 1)
        file.write_text(text, encoding="utf-8")

    @contextmanager
    def serving(self, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
        with (
            self.log.open("wb") as log,
            subprocess.Popen(
                [*PROGRAM, "serve"], cwd=self.folder, env=self.environ | environ, stdout=log, stderr=log
            ) as process,
        ):
            try:
                until("the service", lambda: self.answers() or process.poll() is not None)
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def get(self, url: str) -> Any:
        return httpx.get(url, timeout=30, trust_env=False).raise_for_status().json()

    def post(self, url: str, body: object) -> Any:
        return httpx.post(url, json=body, timeout=30, trust_env=False).raise_for_status().json()

    def state(self, order: str) -> str:
        found = [one for one in self.get(f"{self.url}/api/orders")["orders"] if one["order"] == order]
        return str(found[0]["state"]) if found else ""

    def jobs(self, order: str) -> list[str]:
        found: list[str] = self.get(f"{self.printiq}/_sim/link?order={order}")["jobs"]
        return found

    def writes(self) -> list[str]:
        return [
            entry["target"]
            for entry in self.get(f"{self.printiq}/_sim/ledger")
            if entry["call"] == "RunEvent"
        ]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with (
        ServerThread(infigo.create_app(seed=0, control=True)) as storefront,
        ServerThread(printiq.create_app(seed=0, control=True)) as mis,
    ):
        plugin = {"plugin": {"printiq_url": mis.url}}
        httpx.put(f"{storefront.url}/_sim/settings", json=plugin, trust_env=False).raise_for_status()
        one = Shop(tmp_path, storefront.url, mis.url)
        assert one.call("init").returncode == 0
        one.edit(
            ("https://shop.example.com", storefront.url),
            ("https://plant.example.com", mis.url),
            ("# megascript_secret", "megascript_secret"),
            ("# odata_token", "odata_token"),
            ("# port = 8100", f"port = {one.port}"),
            ('# interval = "1 min"', 'interval = "1 s"'),
        )
        yield one


def test_from_nothing_to_a_cancel_that_travels_by_itself(shop: Shop) -> None:
    checked = shop.call("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.endswith("All is good.\n")

    with shop.serving() as process:
        placed = shop.post(f"{shop.infigo}/_sim/orders", {"count": 2})["orders"]
        first, second = (str(order["Id"]) for order in placed)
        until("both orders in step", lambda: shop.state(first) == shop.state(second) == "in_step")

        shop.post(f"{shop.infigo}/_sim/orders/{first}/cancel", {})
        until("a task, for the mode is manual", lambda: shop.state(first) == "needs_person")
        assert shop.writes() == []

        shop.edit(('# cancel_to_mis = "manual"', 'cancel_to_mis = "automatik"'))
        until("the refusal", lambda: "cancel_to_mis is" in shop.said())
        assert "The changed set-up is not taken over, the old one goes on:" in shop.said()
        assert shop.answers()

        shop.edit(('"automatik"', '"automatic"'), ('# undo_window = "5 min"', 'undo_window = "0 s"'))
        until("the cancel", lambda: shop.state(first) == "in_step")
        assert sorted(shop.writes()) == sorted(shop.jobs(first))
        assert shop.state(second) == "in_step"

        explained = shop.call("rules", "explain", first).stdout
        assert re.search(r'mode +cancel to mis +"automatic" +line \d+ ', explained), explained
        assert re.search(r'mode +cancel to storefront +"manual" +default', explained), explained

        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    for secret in SECRETS.values():
        assert secret not in shop.said() + checked.stdout


def test_a_customers_exception_holds_and_is_explained(shop: Shop) -> None:
    order = shop.post(f"{shop.infigo}/_sim/orders", {"count": 1})["orders"][0]
    number = str(order["Id"])
    shop.edit(
        ('# cancel_to_mis = "manual"', 'cancel_to_mis = "automatic"'),
        ('# undo_window = "5 min"', 'undo_window = "0 s"'),
    )
    with shop.serving() as process:
        until("the order", lambda: shop.state(number))
        customer = shop.get(f"{shop.url}/api/orders")["orders"][0]["customer"]
        when = f'[[connections.main.when]]\nname = "ask them"\ncustomer = "{customer}"\nmode = "manual"\n'
        shop.edit(("# How often to look without", f"{when}# How often to look without"))
        process.send_signal(signal.SIGHUP)
        until("the change", lambda: "set_up.taken_over" in shop.said())
        shop.post(f"{shop.infigo}/_sim/orders/{number}/cancel", {})
        until("a task", lambda: shop.state(number) == "needs_person")
        assert shop.writes() == []
        explained = shop.call("rules", "explain", number).stdout
        assert re.search(r"mode +cancel to mis +\"manual\" +'ask them' +the exception matches", explained)
        assert f"exception 'ask them' applies: it names customer {customer}" in explained


class Listener:
    """A program outside. `deaf`: it answers 503, and has heard nothing."""

    def __init__(self) -> None:
        self.deaf = False
        self.heard: list[dict[str, Any]] = []
        self.app = Starlette(routes=[Route("/in", self._hear, methods=["POST"])])

    async def _hear(self, request: Request) -> Response:
        told = await request.json()
        if self.deaf:
            return Response(status_code=503)
        own = signed(
            TELL_SECRET, request.headers["webhook-id"], int(request.headers["webhook-timestamp"]),
            await request.body(),
        )  # fmt: skip
        assert request.headers["webhook-signature"] == own["webhook-signature"]
        self.heard.append(told)
        return Response(status_code=204)

    def kinds(self) -> list[tuple[str, str]]:
        return [(told["type"], told["data"]["task"]["kind"]) for told in self.heard]


def test_a_new_task_reaches_people_outside_also_what_happened_while_nobody_listened(shop: Shop) -> None:
    listener = Listener()
    with ServerThread(listener.app) as outside:
        desk = f'[tell.desk]\nurl = "{outside.url}/in"\nsecret = {{ env = "TELL" }}\n'
        shop.edit(("# One storefront.", f"{desk}# One storefront."))
        shop.environ["TELL"] = TELL_SECRET
        first, second = (
            str(order["Id"]) for order in shop.post(f"{shop.infigo}/_sim/orders", {"count": 2})["orders"]
        )
        with shop.serving() as process:
            until("both orders", lambda: shop.state(first) == shop.state(second) == "in_step")
            shop.post(f"{shop.infigo}/_sim/orders/{first}/cancel", {})
            until("the task outside", lambda: listener.kinds() == [("task.opened", "cancel_in_mis")])
            listener.deaf = True
            shop.post(f"{shop.infigo}/_sim/orders/{second}/cancel", {})
            until("a task", lambda: shop.state(second) == "needs_person")
            told = until("that it is said", lambda: shop.get(f"{shop.url}/health")["untold"])
            assert told == {"desk": "127.0.0.1 answered with HTTP 503"}
            process.kill()
        listener.deaf = False
        with shop.serving():
            until("the other task outside", lambda: len(listener.heard) == 2)
            assert [told["data"]["order"] for told in listener.heard] == [first, second]


TELL_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PRIYA = """
[sign_in.people.priya]
name = "Priya Shah"
role = "viewer"
"""


def test_people_who_sign_in_may_do_what_the_set_up_file_says_at_once(shop: Shop) -> None:
    shop.edit(('# header = ""', 'header = "X-Forwarded-User"'), ('# others = "nobody"', PRIYA))

    def begin(**headers: str) -> int:
        answer = httpx.post(f"{shop.url}/api/sweeps", json={}, headers=headers, trust_env=False)
        return answer.status_code

    shop.post(f"{shop.infigo}/_sim/orders", {"count": 1})
    with shop.serving():
        assert httpx.get(f"{shop.url}/orders", trust_env=False).status_code == 401
        assert "nobody is signed in" in shop.call("orders", "list", "--url", shop.url).stderr.lower()
        priya = {"X-Forwarded-User": "priya"}
        listed = shop.call("orders", "list", "--url", shop.url, COUNTERMAND_HEADER="X-Forwarded-User: priya")
        assert listed.returncode == 0, listed.stderr
        assert begin(**priya) == 403

        shop.edit(('role = "viewer"', 'role = "operator"'))
        until("the other role, and an order", lambda: begin(**priya) == 200)
        (sweep,) = httpx.get(f"{shop.url}/api/sweeps", headers=priya, trust_env=False).json()["sweeps"]
        assert sweep["by"] == "Priya Shah"
        until("the sweep's end", lambda: begin(**priya) == 200)
        command = ("sweep", "--url", shop.url, "--resume")
        refused = shop.call(*command, COUNTERMAND_HEADER="X-Forwarded-User: priya").stderr
        assert "leave `by` out" not in refused
        assert "said by COUNTERMAND_HEADER" in shop.call(*command).stderr

        shop.edit(('# proxies = ["127.0.0.1","::1"]', 'proxies = ["10.9.8.7"]'))
        until("nobody from here", lambda: begin(**priya) == 401)
        assert begin(**priya, **{"X-Forwarded-For": "10.9.8.7"}) == 401
        assert "set_up.taken_over" in shop.said()


def test_it_runs_on_postgresql_once_somebody_has_brought_it_to_the_schema(shop: Shop) -> None:
    shop.edit(
        ('# database = "countermand.db"', 'database = { env = "DATABASE" }'),
        ('# cancel_to_mis = "manual"', 'cancel_to_mis = "automatic"'),
        ('# undo_window = "5 min"', 'undo_window = "0 s"'),
    )
    with postgres_database() as url:
        early = shop.call("serve", DATABASE=url)
        assert early.returncode == 1
        assert "run `countermand db upgrade`" in early.stderr
        assert shop.call("db", "upgrade", DATABASE=url).returncode == 0
        with shop.serving(DATABASE=url) as process:
            number = str(shop.post(f"{shop.infigo}/_sim/orders", {"count": 1})["orders"][0]["Id"])
            until("the order in step", lambda: shop.state(number) == "in_step")
            shop.post(f"{shop.infigo}/_sim/orders/{number}/cancel", {})
            until("the cancel", lambda: sorted(shop.writes()) == sorted(shop.jobs(number)))
            process.kill()
            process.wait()
        with shop.serving(DATABASE=url):
            until("the cancel to be proven", lambda: shop.state(number) == "in_step")
        assert sorted(shop.writes()) == sorted(shop.jobs(number))
        verified = shop.call("journal", "verify", DATABASE=url)
        assert (verified.returncode, verified.stderr) == (0, "")


def test_a_system_that_does_not_answer_is_said_and_tried_again(shop: Shop) -> None:
    port = free_port()
    shop.edit((shop.printiq, f"http://127.0.0.1:{port}"))
    with shop.serving():
        until("the sentence", lambda: "printiq.plant: " in shop.said())
        assert "check base_url (countermand.toml: base_url in line" in shop.said()
        assert "infigo.shop: " not in shop.said()
        with ServerThread(printiq.create_app(seed=0, control=True), port):
            until("the good news", lambda: "printiq.plant is good now." in shop.said())


def test_a_wrong_token_is_said_and_with_strict_it_does_not_start(shop: Shop) -> None:
    with shop.serving(COUNTERMAND_INFIGO_SHOP_TOKEN="not-the-token"):
        until("the sentence", lambda: "infigo.shop: Infigo did not accept the token" in shop.said())
        assert shop.answers()
    strict = shop.call("serve", "--strict", COUNTERMAND_INFIGO_SHOP_TOKEN="not-the-token")
    assert strict.returncode == 1
    assert re.fullmatch(
        r"Error: infigo\.shop: Infigo did not accept the token \(HTTP 401\): check token "
        r"\(countermand\.toml: token in line \d+\)\.\n",
        strict.stderr,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told_and_leaves_the_port(shop: Shop, number: signal.Signals) -> None:
    with shop.serving() as process:
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
    assert "Traceback" not in shop.said()
    socket.create_server(("127.0.0.1", shop.port)).close()
