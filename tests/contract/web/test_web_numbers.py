"""By which numbers an order is looked at, and by which something may be done to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from countermand.cli import main
from countermand.ledger.views import orders_named
from web_bench import PRIYA, Bench, Console, case


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    bench = Bench(tmp_path)
    bench.save(case(1, po_number="2026/113"))
    bench.save(case(2, po_number="PO-7"))
    bench.save(case(3, po_number="PO-7"))
    with bench.served() as served, served.named(PRIYA) as priya:
        yield priya
    bench.engine.dispose()


@pytest.mark.parametrize("act", ["look", "cancel", "stop", "ask-again", "accept", "refuse", "link"])
@pytest.mark.parametrize("number", ["1", "1000", "J2901", "coffee"])
def test_an_act_needs_a_whole_number(console: Console, act: str, number: str) -> None:
    said = {"by": PRIYA, "reason": "because", "direction": "cancel_to_mis", "line": "s20010", "ref": "J1"}
    answer = console.http.post(f"/api/orders/{number}/{act}", json=said)
    assert answer.status_code == 404
    assert f"No order is known by the number {number}." in answer.text


def test_an_act_on_one_of_several_is_refused(console: Console) -> None:
    answer = console.http.post("/api/orders/PO-7/look", json={"by": PRIYA})
    assert answer.status_code == 409
    assert "several orders: 10002, 10003" in answer.text
    assert "several orders: 10002, 10003" in console.get("/orders/PO-7", 409)
    assert "several orders: 10002, 10003" in console.get("/api/orders/PO-7", 409)


@pytest.mark.parametrize("number", ["2026/113", "2026%2F113", "J29010"])
def test_a_number_may_have_a_slash_and_its_beginning_is_enough_to_look(console: Console, number: str) -> None:
    assert console.http.get(f"/api/orders/{number}").json()["order"] == "10001"


def test_the_command_shows_an_order_by_a_number_with_a_slash(console: Console) -> None:
    shown = CliRunner().invoke(main, ["orders", "show", "2026/113", "--url", console.url])
    assert shown.output.startswith("Order 10001 ")
    other = CliRunner().invoke(main, ["orders", "show", "10001?x=y", "--url", console.url])
    assert "No order is known by the number 10001?x=y." in other.output


def test_erasing_needs_a_whole_number(console: Console, tmp_path: Path) -> None:
    set_up = tmp_path / "countermand.toml"
    set_up.write_text('[countermand]\ndatabase = "console.db"\n[connections]\n', encoding="utf-8")
    for number in ("1", "coffee", "J29010"):
        refused = CliRunner().invoke(main, ["erase", number, "--config", str(set_up)])
        assert (refused.exit_code, refused.output) == (
            1,
            f"Error: No order is known by the number {number}.\n",
        )
    several = CliRunner().invoke(main, ["erase", "PO-7", "--config", str(set_up)])
    assert "several orders: 10002, 10003" in several.output
    assert console.http.get("/api/orders/10002").json()["customer"] == "Maple Dental Care"


def test_erasing_asks_which_shop_is_meant(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.save(case(1))
    bench.shop("trade-print")
    bench.save(case(1), shop="trade-print")
    bench.save(case(2), shop="trade-print")
    bench.engine.dispose()
    set_up = tmp_path / "countermand.toml"
    set_up.write_text('[countermand]\ndatabase = "console.db"\n[connections]\n', encoding="utf-8")

    def erase(*said: str) -> str:
        return CliRunner().invoke(main, ["erase", *said, "--config", str(set_up)]).output

    assert erase("10001") == (
        "Error: “10001” leads to several orders: 10001 of harbour-print, 10001 of trade-print. "
        "Say which connection is meant: --connection NAME.\n"
    )
    assert "No order is known" in erase("10002", "--connection", "harbour-print")
    assert "There is no connection “harbor-print”." in erase("10001", "--connection", "harbor-print")
    assert "about order 10001." in erase("10001", "--connection", "trade-print")
    with bench.engine.begin() as database:
        (kept,) = orders_named(database, "harbour-print", ["10001"])
        (gone,) = orders_named(database, "trade-print", ["10001"])
    assert (kept.customer, gone.customer) == ("Harbour Coffee Roasters", "")
    bench.engine.dispose()


def test_a_job_of_a_connection_that_nobody_looks_after_cannot_be_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.save(case(1))
    said = {"by": PRIYA, "line": "s20010", "ref": "J1"}
    with bench.served(connections=()) as served:
        answer = served.http.post("/api/orders/10001/link", json=said)
    assert answer.status_code == 409
    assert "Nobody looks after the connection" in answer.text
    bench.engine.dispose()
