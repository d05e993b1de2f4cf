"""The task about an error of the program itself: shown with the error and its steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from msgspec.structs import replace

from countermand.app import looking_after
from countermand.bridge.bridge import Bridge
from countermand.bridge.connection import Polling
from countermand.bridge.faults import failed
from countermand.bridge.ports import StorefrontOrder
from countermand.bridge.sweeper import Sweeper
from countermand.infigo import InfigoStorefront
from web_bench import NOW, PRIYA, SHOP, Bench, Console, case


def test_the_pages_say_what_happened_and_what_to_do(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.save(case(1))
    stored = asyncio.run(bench.store.load(SHOP, ["10001"]))["10001"]
    fault = ValueError("a status of 7 parts")
    changes = [failed(stored, "10001", fault, NOW), failed(None, "10002", fault, NOW)]
    asyncio.run(bench.store.save(SHOP, changes, NOW, {}))
    with bench.served() as console, console.named(PRIYA) as priya:
        assert "Countermand itself failed on this order" in console.get("/needs-a-person")
        task = priya.get("/needs-a-person/1")
        assert "ValueError: a status of 7 parts" in task
        assert "order.failed" in task
        assert "check now" in task
        assert "/settle" not in task
        for order in ("10001", "10002"):
            assert "Countermand itself failed on this order" in console.get(f"/orders/harbour-print/{order}")
    bench.engine.dispose()


def test_a_listing_on_which_the_program_fails_is_told_on_every_page_and_by_health(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [True]

    async def listing(_self: InfigoStorefront, **_asked: object) -> list[StorefrontOrder]:
        if failing:
            raise ValueError("a status of 7 parts")
        return []

    monkeypatch.setattr(InfigoStorefront, "list_orders", listing)
    bench = Bench(tmp_path)
    often = replace(bench.installation().connections[0], polling=Polling(interval=timedelta(seconds=1)))
    with bench.served(connections=(often,)) as console:
        health = eventually(lambda: _health(console, ok=False))
        assert health["failing"][SHOP].startswith("What Infigo lists cannot be taken in")
        assert console.http.get("/health").status_code == 503
        assert f"Countermand itself fails on a part of its work for {SHOP}" in console.get("/orders")
        assert "ValueError: a status of 7 parts" in console.get("/connections")
        assert "not being looked after" not in console.get("/connections")
        assert "in trouble" in console.get("/")
        failing.clear()
        eventually(lambda: _health(console, ok=True))
    bench.engine.dispose()


def test_a_sweep_on_which_the_program_fails_is_told_until_it_goes_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [True]

    async def step(_self: Sweeper) -> bool:
        if failing:
            raise RuntimeError("no such sweep")
        return False

    monkeypatch.setattr(Sweeper, "step", step)
    monkeypatch.setattr(looking_after, "SWEEP_FAILED_SECONDS", 0.05)
    bench = Bench(tmp_path)
    with bench.served() as console:
        health = eventually(lambda: _health(console, ok=False))
        assert "Sweeps cannot go on: RuntimeError: no such sweep" in health["failing"][SHOP]
        assert "Sweeps cannot go on: RuntimeError: no such sweep" in console.get("/connections")
        failing.clear()
        eventually(lambda: _health(console, ok=True))
    bench.engine.dispose()


def test_no_page_and_no_answer_carries_a_secret_that_stands_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`out-of-reach` is every vendor secret of the bench, and the hook address has a secret part."""
    text = "refused: out-of-reach, /hooks/storefront/a-token-that-nobody-guesses"

    async def listing(_self: InfigoStorefront, **_asked: object) -> list[StorefrontOrder]:
        raise ValueError(text)

    async def step(_self: object) -> bool:
        raise RuntimeError(text)

    monkeypatch.setattr(InfigoStorefront, "list_orders", listing)
    monkeypatch.setattr(Sweeper, "step", step)
    bench = Bench(tmp_path)
    with bench.served() as console:
        said = eventually(lambda: _all_said(console, "What Infigo lists", "Sweeps cannot go on"))
        assert said.count("refused: ***, /hooks/storefront/***") >= 4
    monkeypatch.setattr(Bridge, "step", step)
    with bench.served() as console:
        said += eventually(lambda: _all_said(console, "not being looked after", "refused: ***"))
    assert "out-of-reach" not in said
    assert "a-token-that-nobody-guesses" not in said
    bench.engine.dispose()


def _all_said(console: Console, *wanted: str) -> str:
    """Health and the page of connections, once they say all of it."""
    said = str(console.http.get("/health").text) + console.get("/connections")
    return said if all(text in said for text in wanted) else ""


def _health(console: Console, *, ok: bool) -> Any:
    found = console.http.get("/health").json()
    return found if found["ok"] is ok else None


def eventually(look: Callable[[], Any]) -> Any:
    """What a look finds as soon as it finds anything."""
    deadline = monotonic() + 20
    while not (found := look()):
        assert monotonic() < deadline, "it did not come to pass in time"
        sleep(0.05)
    return found


def test_no_log_carries_a_secret_that_stands_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def listing(_self: InfigoStorefront, **_asked: object) -> list[StorefrontOrder]:
        raise ValueError("listing refused: out-of-reach")

    async def sweep(_self: object) -> bool:
        raise RuntimeError("sweep refused: out-of-reach")

    async def step(_self: object) -> int:
        raise RuntimeError("step refused: out-of-reach")

    monkeypatch.setattr(InfigoStorefront, "list_orders", listing)
    monkeypatch.setattr(Sweeper, "step", sweep)
    bench = Bench(tmp_path)
    with bench.served() as console:
        eventually(lambda: _all_said(console, "What Infigo lists", "Sweeps cannot go on"))
    monkeypatch.setattr(Bridge, "step", step)
    with bench.served() as console:
        eventually(lambda: _all_said(console, "not being looked after"))
    logged = "".join(capfd.readouterr())
    for what in ("listing", "sweep", "step"):
        assert f"{what} refused: ***" in logged
    assert "out-of-reach" not in logged
    bench.engine.dispose()
