"""A port that is taken: one sentence, how to choose another, and no address that is not served."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from countermand_process import countermand, free_ports

from countermand.cli.demo import demo
from countermand.cli.serve import serve
from countermand.cli.sim import sim

SET_UP = """\
[countermand]
port = {port}
[infigo.shop]
base_url = "http://127.0.0.1:9"
token = {{ file = "key" }}
[printiq.plant]
base_url = "http://127.0.0.1:9"
username = "countermand"
password = {{ file = "key" }}
application_name = "Countermand"
application_key = {{ file = "key" }}
[connections.main]
storefront = "shop"
mis = "plant"
"""


def said(port: int, *arguments: str) -> str:
    """What a command says, and all that it says, when a port is taken."""
    with socket.create_server(("127.0.0.1", port)):
        ended = countermand(*arguments)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("Error: ")
    return ended.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.mark.parametrize("system", ["infigo", "printiq"])
def test_a_stand_in(system: str) -> None:
    port = free_ports(1)
    assert said(port, "sim", system, "--port", str(port)) == (
        f"Port {port} on 127.0.0.1 cannot be used: Address already in use. Choose another with --port."
    )


@pytest.mark.parametrize("part", range(3))
def test_each_port_of_the_demo(part: int) -> None:
    base = free_ports()
    told = said(base + part, "demo", "--no-browser", "--orders", "0", "--port-base", str(base))
    assert told == (
        f"Port {base + part} on 127.0.0.1 cannot be used: Address already in use. "
        "Choose three others with --port-base."
    )


def test_the_service(tmp_path: Path) -> None:
    port = free_ports(1)
    (tmp_path / "key").write_text("a-secret-of-the-test")
    (tmp_path / "countermand.toml").write_text(SET_UP.format(port=port))
    assert said(port, "serve", "--config", str(tmp_path / "countermand.toml")) == (
        f"Port {port} on 127.0.0.1 cannot be used: Address already in use; change countermand.port or "
        "countermand.host in the set-up file."
    )


def test_the_options_that_are_named_are_there() -> None:
    stand_ins = [{option for each in one.params for option in each.opts} for one in sim.commands.values()]
    assert all("--port" in options for options in stand_ins)
    assert "--port-base" in {option for each in demo.params for option in each.opts}
    assert "--config" in {option for each in serve.params for option in each.opts}
