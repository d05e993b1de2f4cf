"""Countermand answers to names of its own only, so that no page of another site can pass for its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from countermand.simulators.kit import ServerThread
from countermand.web.hosts import answers_to
from countermand.web.server import create_app
from web_bench import Bench, Console


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    bench = Bench(tmp_path_factory.mktemp("hosts"))
    bench.task(1)
    app = create_app(bench.installation(), ("Orders.Example.com",))
    with ServerThread(app) as server, Console(server.url) as served:
        yield served
    bench.engine.dispose()


@pytest.mark.parametrize("path", ["/", "/orders.csv", "/api/orders", "/live", "/static/x", "/health"])
def test_a_name_of_another_site_gets_nothing(console: Console, path: str) -> None:
    """A page at evil.example whose name is pointed at this machine would be of the same origin."""
    answer = console.http.get(path, headers={"host": "evil.example:8100"})
    assert answer.status_code == 421
    assert "evil.example" in answer.text
    assert "countermand.hosts" in answer.text
    assert "10001" not in answer.text


def test_nor_can_such_a_page_act(console: Console) -> None:
    headers = {"host": "evil.example", "origin": "http://evil.example"}
    answer = console.http.post("/api/tasks/1/assign", json={"by": "x", "to": "x"}, headers=headers)
    assert answer.status_code == 421
    assert console.http.get("/api/tasks/1").json()["assigned_to"] == ""


def test_the_name_in_the_set_up_file_is_its_own(console: Console) -> None:
    answer = console.http.get("/", headers={"host": "orders.example.COM"})
    assert answer.status_code == 200


def test_messages_come_under_any_name_for_their_address_is_secret(console: Console) -> None:
    url = "/hooks/storefront/a-token-that-nobody-guesses"
    answer = console.http.post(url, content=b"{}", headers={"host": "hooks.example.com"})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "localhost:8100", "127.0.0.1", "10.0.0.7:8100", "[::1]:8100", "printserver",
     "printserver:8100", "console.localhost", "orders.example.com", "ORDERS.example.com.:443"],
)  # fmt: skip
def test_addresses_machine_names_and_the_names_set_are_its_own(host: str) -> None:
    assert answers_to(host, frozenset({"orders.example.com"}))


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8100", "127.0.0.1.evil.example", "orders.example.com.evil.example",
     "localhost.evil.example", "[::1", "127.0.0.1@evil.example", "a b.c"],
)  # fmt: skip
def test_no_other_name_is(host: str) -> None:
    assert not answers_to(host, frozenset({"orders.example.com"}))
