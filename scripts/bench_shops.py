"""A host's installation: thousands of connections in one `countermand serve`, with a stand-in pair for all.

    .venv/bin/python scripts/bench_shops.py --shops 2000

It writes a set-up file with a key file for every secret, serves both stand-ins on an address of its own for
each shop (127.1.x.y: Linux has all of 127/8), and starts the real service as a process. Three shops are
broken from the start: a wrong password, a host that never answers, a host that answers with web pages only.
Times are on the clock, so compare them within one run only; processor time is the service's own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2 as httpx
import uvicorn
from starlette.applications import Starlette

from countermand.simulators import infigo, printiq

CONSOLE, STOREFRONT, MIS, PAGES, SILENT = (9340 + number for number in range(5))
URL = f"http://127.0.0.1:{CONSOLE}"
KEYS = {
    "token": "demo-infigo-token", "script": "demo-megascript-secret", "password": "demo-printiq-password",
    "key": "demo-printiq-application-key", "odata": "demo-odata-token",
}  # fmt: skip
SHOP = """
[infigo.{name}]
base_url = "{storefront}"
token = {{ file = "keys/{name}/token" }}
megascript_secret = {{ file = "keys/{name}/script" }}
[printiq.{name}]
base_url = "{mis}"
username = "countermand"
password = {{ file = "keys/{name}/password" }}
application_name = "Countermand"
application_key = {{ file = "keys/{name}/key" }}
odata_token = {{ file = "keys/{name}/odata" }}
[connections.{name}]
storefront = "{name}"
mis = "{name}"
[connections.{name}.hook_tokens]
storefront = {{ file = "keys/{name}/hook" }}
[connections.{name}.polling]
interval = "{interval}"
"""
WRONG_KEY, NO_ANSWER, WEB_PAGES, FLOODED, GOOD = range(5)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--shops", type=int, default=2000)
    options.add_argument("--interval", default="5 min")
    options.add_argument("--seconds", type=float, default=240, help="the longest wait for every shop's turn")
    options.add_argument("--stand-in", choices=["infigo", "printiq"], help=argparse.SUPPRESS)
    asked = options.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if asked.stand_in:
        stand_in(asked.stand_in, asked.shops)
        return
    with tempfile.TemporaryDirectory(prefix="countermand-shops-") as folder:
        print(json.dumps(run(asked, Path(folder)), indent=2))


# The shops and their systems


def name_of(number: int) -> str:
    return f"shop{number:04}"


def address(number: int, port: int) -> str:
    return f"http://127.1.{number // 250}.{number % 250 + 1}:{port}"


def stand_in(which: str, shops: int) -> None:
    app: Starlette
    if which == "infigo":
        plugin = infigo.PluginSettings(printiq_url=f"http://127.0.0.1:{MIS}")
        app, port = infigo.create_app(infigo.InfigoSettings(plugin=plugin), control=True), STOREFRONT
    else:
        app, port = printiq.create_app(control=True), MIS
    hosts = ["127.0.0.1", *(address(number, port)[7:].partition(":")[0] for number in range(shops + 1))]
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="error", access_log=False))
    server.run(sockets=[socket.create_server((host, port), backlog=64) for host in hosts])


def write_set_up(folder: Path, shops: int, interval: str) -> None:
    """The file, put in its place whole, and the keys of every shop that has none yet."""
    text = f"[countermand]\nport = {CONSOLE}\n"
    for number in range(shops):
        storefront, mis = address(number, STOREFRONT), address(number, MIS)
        if number in (NO_ANSWER, WEB_PAGES):
            storefront = mis = address(number, SILENT if number == NO_ANSWER else PAGES)
        text += SHOP.format(name=name_of(number), storefront=storefront, mis=mis, interval=interval)
        keys = folder / "keys" / name_of(number)
        if not keys.exists():
            keys.mkdir(parents=True)
            for key, secret in (KEYS | {"hook": token_of(number)}).items():
                (keys / key).write_text("wrong" if (number, key) == (WRONG_KEY, "password") else secret)
                (keys / key).chmod(0o600)
    (folder / "new.toml").write_text(text)
    (folder / "new.toml").rename(folder / "countermand.toml")


def token_of(number: int) -> str:
    return f"an-unguessable-token-of-{name_of(number)}"


class WebPages(BaseHTTPRequestHandler):
    """Answers everything with a sign-in page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Please sign in</html>")

    do_POST = do_GET  # noqa: N815  a name of the base class

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def systems(shops: int) -> Iterator[None]:
    host = address(NO_ANSWER, SILENT)[7:].partition(":")[0]
    page_host = address(WEB_PAGES, PAGES)[7:].partition(":")[0]
    pages = ThreadingHTTPServer((page_host, PAGES), WebPages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    both = [
        subprocess.Popen([sys.executable, __file__, "--shops", str(shops), "--stand-in", which])
        for which in ("infigo", "printiq")
    ]
    try:
        with socket.create_server((host, SILENT), backlog=64):
            for port in (STOREFRONT, MIS):
                until(partial(answers, f"http://127.0.0.1:{port}/_sim/calls"), 60)
            orders = f"http://127.0.0.1:{STOREFRONT}/_sim/orders"
            httpx.post(orders, json={"count": 3}, timeout=30, trust_env=False)
            yield
    finally:
        for one in both:
            one.terminate()
        pages.shutdown()


# Measuring


def run(asked: argparse.Namespace, folder: Path) -> dict[str, object]:
    write_set_up(folder, asked.shops, asked.interval)
    found: dict[str, object] = {"shops": asked.shops, "interval": asked.interval}
    with systems(asked.shops):
        command = [sys.executable, "-c", "from countermand.cli import main; main()", "serve"]
        began = time.perf_counter()
        with (folder / "log").open("w") as log:
            service = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            until(lambda: answers(f"{URL}/health"), 120)
            found["start until it answers, s"] = round(time.perf_counter() - began, 1)
            measure(found, asked, folder, service.pid, began)
        finally:
            began = time.perf_counter()
            service.send_signal(signal.SIGTERM)
            service.wait(120)
            found["stop, s"] = round(time.perf_counter() - began, 1)
    return found


def measure(
    found: dict[str, object], asked: argparse.Namespace, folder: Path, pid: int, began: float
) -> None:
    ledger, turns = folder / "countermand.db", asked.shops - 2  # two of the broken ones are never listed
    while listed(ledger) < turns and time.perf_counter() - began < asked.seconds:
        time.sleep(1)
    found["shops that had their turn"] = f"{listed(ledger)} of {turns}, after "
    found["shops that had their turn"] += f"{time.perf_counter() - began:.0f} s"  # type: ignore[operator]
    found["processor until then, s"] = round(processor(pid), 1)
    until(lambda: bool(health()["systems"]), asked.seconds)
    found["every system tried, and the broken ones told of by /health, after, s"] = round(
        time.perf_counter() - began
    )
    before, at = processor(pid), time.perf_counter()
    time.sleep(40)
    found["processor a minute from then on, s"] = round(
        (processor(pid) - before) * 60 / (time.perf_counter() - at), 1
    )
    found["memory, MiB"], found["file handles"] = memory(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))
    found["pages, ms and kB"] = {
        path: page(path) for path in ("/health", "/", "/orders", "/connections", "/rules")
    }
    found["a message until it is dealt with, ms"] = median(message(ledger, GOOD) for _ in range(10))
    found["the same while one shop is flooded"] = while_flooded(ledger)
    for what, shops in (("added", asked.shops + 1), ("removed", asked.shops)):
        before, at = processor(pid), time.perf_counter()
        write_set_up(folder, shops, asked.interval)
        os.kill(pid, signal.SIGHUP)
        until(partial(is_answered, asked.shops, 202 if what == "added" else 404), 60)
        found[f"one shop {what}, s on the clock and of processor"] = [
            round(time.perf_counter() - at, 1),
            round(processor(pid) - before, 1),
        ]
    found["not good, by /health"] = {place: said[:80] for place, said in sorted(health()["systems"].items())}
    log = (folder / "log").read_text()
    found["lines of log"] = log.count("\n")
    others = [
        line
        for line in log.splitlines()
        if ("level=warning" in line or "level=error" in line)
        and not any(name_of(number) in line or f"{address(number, 0)[7:-1]}" in line for number in range(3))
    ]
    found["lines of log about shops that are not broken"] = [len(others), *others[:3]]


def health() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = httpx.get(f"{URL}/health", timeout=60, trust_env=False).json()
    return found


def while_flooded(ledger: Path) -> dict[str, object]:
    """Another shop's messages while one gets as many as eight senders can send, for ten seconds."""
    sent, stop = [0] * 8, threading.Event()

    def flood(sender: int) -> None:
        with httpx.Client(trust_env=False, timeout=60) as http:
            while not stop.is_set():
                http.post(f"{URL}/hooks/storefront/{token_of(FLOODED)}", json={"n": sent[sender]})
                sent[sender] += 1

    threads = [threading.Thread(target=flood, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    at = time.perf_counter()
    took = []
    while time.perf_counter() - at < 10:
        took.append(message(ledger, GOOD))
    stop.set()
    for thread in threads:
        thread.join()
    return {"ms": median(took), "flood, messages a second": round(sum(sent) / (time.perf_counter() - at))}


def message(ledger: Path, number: int) -> float:
    """Seconds from sending a message until the loop has dealt with it."""
    at = time.perf_counter()
    send(number)
    with closing(read_only(ledger)) as database:
        query = "select count(*) from inbox where connection = ? and state = 'new'"
        until(lambda: database.execute(query, (name_of(number),)).fetchone() == (0,), 60)
    return time.perf_counter() - at


def send(number: int) -> int:
    address_of = f"{URL}/hooks/storefront/{token_of(number)}"
    return httpx.post(address_of, json={"at": time.time()}, timeout=60, trust_env=False).status_code


def is_answered(number: int, status: int) -> bool:
    return send(number) == status


def page(path: str) -> list[float]:
    took, size = [], 0
    for _ in range(5):
        at = time.perf_counter()
        size = len(httpx.get(f"{URL}{path}", timeout=60, trust_env=False).content)
        took.append(time.perf_counter() - at)
    return [median(took), round(size / 1000, 1)]


def listed(ledger: Path) -> int:
    """How many shops have had both of their systems listed."""
    query = "select count(*) from (select connection from watermark group by connection having count(*) = 2)"
    with closing(read_only(ledger)) as database:
        return int(database.execute(query).fetchone()[0])


def read_only(ledger: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=30)


def processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


def median(seconds: Iterator[float] | list[float]) -> float:
    return round(statistics.median(seconds) * 1000, 1)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def until(look: Callable[[], bool], seconds: float) -> None:
    deadline = time.perf_counter() + seconds
    while not look():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"It did not come to pass within {seconds:.0f} s.")
        time.sleep(0.005)


if __name__ == "__main__":
    main()
