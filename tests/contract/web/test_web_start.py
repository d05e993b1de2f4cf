"""First run: what was typed as a secret goes to the address that it was typed for, and to no other."""

from __future__ import annotations

from pathlib import Path

from countermand.app import Installation
from countermand.simulators.kit import ServerThread
from countermand.web.server import create_app
from web_bench import Console

SHOP, OTHER = "http://127.0.0.1:9", "http://127.0.0.1:10"


def tried(console: Console, **typed: str) -> str:
    console.send("/start", "/start/infigo", storefront_id="acme", **typed)
    return console.get("/start")


def test_a_secret_is_not_sent_to_another_address(tmp_path: Path) -> None:
    empty = Installation(database=f"sqlite:///{tmp_path / 'countermand.db'}")
    with ServerThread(create_app(empty)) as server, Console(server.url) as console:
        page = tried(console, base_url=SHOP, token="the-token", megascript_secret="the-secret")
        assert "could not be reached" in page
        assert "the-token" not in page
        assert "could not be reached" in tried(console, base_url=SHOP, token="")
        page = tried(console, base_url=OTHER, token="")
        assert "Still to be filled in: API token." in page
        assert "kept; type to change it" not in page
