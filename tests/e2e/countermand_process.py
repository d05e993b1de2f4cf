"""`countermand` as its users have it: a process of its own, on free ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx

from countermand.demo.world import wait_until

ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "PYTHONFAULTHANDLER": "1"}


def countermand(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-c", "from countermand.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=ENVIRONMENT,
    )


def free_ports(count: int = 3) -> int:
    """The first of several neighbouring ports that nobody uses."""
    for base in range(21000 + os.getpid() % 20000, 60000, count):
        taken = [_taken(base + offset) for offset in range(count)]
        if not any(taken):
            return base
    raise AssertionError("no free ports")


def _taken(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


class Demo:
    """A running demo: its three addresses, and its process."""

    def __init__(self, base: int, folder: Path, *arguments: str) -> None:
        self.console, self.infigo, self.printiq = (f"http://127.0.0.1:{base + part}" for part in range(3))
        self.log = folder / "demo.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-c", "from countermand.cli import main; main()", "demo", "--no-browser",
                    "--port-base", str(base), "--data", str(folder / "data"), *arguments,
                ],
                stdout=log, stderr=log, env=ENVIRONMENT,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait(self) -> None:
        """Until it says that it runs."""

        def running() -> bool:
            assert self.process.poll() is None, self.said
            return "Countermand is running" in self.said

        wait_until("the demo to run", running, 60)


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[tuple[Demo, httpx.Client]]:
    """A demo that is stopped in the end, whatever happened."""
    running = Demo(free_ports(), folder, *arguments)
    try:
        running.wait()
        with httpx.Client(timeout=15, trust_env=False) as http:
            yield running, http
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
        running.process.wait(30)
