"""The task about an error of the program itself: shown with the error and its steps."""

from __future__ import annotations

import asyncio
from pathlib import Path

from countermand.bridge.faults import failed
from web_bench import NOW, PRIYA, SHOP, Bench, case


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
            assert "Countermand itself failed on this order" in console.get(f"/orders/{order}")
    bench.engine.dispose()
