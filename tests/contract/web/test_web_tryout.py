"""The try-out promises what the rules of this installation do, and nothing else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermand.cli.demo import welcome
from countermand.core.policy import Mode, Policy
from web_bench import Bench, Console, case


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.engine.dispose()


def page(bench: Bench, policy: Policy) -> str:
    with bench.served(connections=(bench.connected(policy=policy),)) as console:
        return _said(console)


def _said(console: Console) -> str:
    answer = console.http.get("/try", follow_redirects=True)
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


@pytest.mark.parametrize(
    ("mode", "promised"),
    [
        (Mode.AUTOMATIC, "Countermand sees it, waits a moment, and cancels the job in printIQ."),
        (Mode.ASSISTED, "“Needs a person” asks for the job to be cancelled in printIQ."),
        (Mode.MANUAL, "“Needs a person” asks for the job to be cancelled in printIQ."),
        (Mode.OBSERVE, "Cancel the job in printIQ yourself."),
    ],
)
def test_what_follows_a_cancel_is_what_the_mode_does(bench: Bench, mode: Mode, promised: str) -> None:
    bench.save(case(1))
    bench.save(case(2))
    said = page(bench, Policy(cancel_to_mis=mode))
    assert promised in said
    assert ("cancels the job" in said) is (mode is Mode.AUTOMATIC)


@pytest.mark.parametrize(
    ("mode", "promised"),
    [
        (Mode.AUTOMATIC, "Watch: the order becomes Shipped in Infigo"),
        (Mode.MANUAL, "Mark the order shipped in Infigo yourself"),
        (Mode.OBSERVE, "Countermand only watches here. Mark the order shipped in Infigo yourself"),
    ],
)
def test_what_follows_a_dispatch_is_what_the_mode_does(bench: Bench, mode: Mode, promised: str) -> None:
    bench.save(case(1))
    bench.save(case(2))
    assert promised in page(bench, Policy(ship_to_storefront=mode))


def test_without_two_untouched_orders_it_says_how_to_get_them(bench: Bench) -> None:
    bench.save(case(1))
    assert "Place two in Infigo" in page(bench, Policy())


@pytest.mark.parametrize("mode", ["automatic", "manual", "observe"])
def test_the_demo_leads_to_it_and_promises_only_what_its_mode_does(mode: str) -> None:
    said = welcome("http://console", "http://shop", "http://plant", mode)
    assert "http://console/try" in said
    assert ("watch its jobs in printIQ" in " ".join(said.split())) is (mode == "automatic")
    assert max(map(len, said.splitlines())) <= 110
