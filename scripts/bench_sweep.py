"""A sweep over many links with drifts, while orders change, half of the messages are lost and it is killed.

    .venv/bin/python scripts/bench_sweep.py --orders 100000 --drifts 1000

The two systems are in memory and answer at once; the ledger is a real SQLite file, flushed on every commit.
Ends with 1 when anything is found that should not be, missed, or written needlessly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "unit" / "sweeps"))

from sweep_world import Process, World, differ, sweep_killed

from countermand.core.status import Side


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--orders", type=int, default=100_000)
    options.add_argument("--drifts", type=int, default=1_000)
    options.add_argument("--kills", type=int, default=3)
    options.add_argument(
        "--change-every", type=float, default=0.05, help="seconds of the world between changes"
    )
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="countermand-sweep-") as folder:
        result = run(asked, Path(folder) / "ledger.db")
    print(json.dumps(result, indent=2))
    return 0 if not result["wrong"] else 1


def run(asked: argparse.Namespace, ledger: Path) -> dict[str, object]:
    world = World(asked.orders, asked.drifts, asked.seed, asked.change_every)
    began = perf_counter()
    process = Process(world, ledger)
    process.fill()
    before = process.versions()
    process.end()
    filled = perf_counter() - began
    world.drift()
    world.keep_changing()
    # A batch takes about eight steps: some calls, and three for each commit.
    steps = asked.orders // 100 * 8 // (asked.kills + 1)
    began, busy, base = perf_counter(), process_time(), _peak()
    process, sweep = sweep_killed(world, ledger, kills=[steps] * asked.kills)
    took, busy = perf_counter() - began, process_time() - busy
    world.stop_changing()
    after = process.versions()
    size = ledger.stat().st_size // 2**20
    found = process.found(sweep, "differing")
    skipped = process.found(sweep, "skipped")
    untouched = set(world.drifted) - world.changed
    seen_wrong = [
        number
        for number in found.keys() & world.changed
        if not differ(world.swept[number][Side.STOREFRONT], world.swept[number][Side.MIS])
    ]
    asyncio.run(process.come_to_rest())
    world.clock.now += timedelta(minutes=5)
    unheard = world.still_differing()
    second = asyncio.run(process.sweep())
    found_later = process.found(second, "differing")
    asyncio.run(process.come_to_rest())
    process.end()
    checks = {
        "drifts missed": len(untouched - found.keys()),
        "found and not so": len(found.keys() - world.changed - untouched) + len(seen_wrong),
        "skipped and nobody touched them": len(skipped.keys() - world.changed),
        "orders not dealt with": asked.orders - sweep.compared - sweep.skipped,
        "missed by the sweep after it": len(unheard ^ found_later.keys()),
        "needless writes": len(world.needless()),
        "orders written to twice": len(world.writes) - len({write.number for write in world.writes}),
        "left differing without need": sum(
            not world.waits_for_a_person(number) for number in world.still_differing()
        ),
        "stored anew though nobody touched them": len(
            {n for n in after if after[n] != before[n]} - set(world.drifted) - world.changed
        ),
    }
    return {
        "orders": asked.orders,
        "drifts": asked.drifts,
        "changed meanwhile": len(world.changed),
        "messages lost": world.hooks_lost,
        "killed": asked.kills,
        "differing": sweep.differing,
        "agreed": sweep.agreed,
        "skipped": sweep.skipped,
        "calls": sweep.calls,
        "seconds": round(took, 1),
        "processor seconds": round(busy, 1),
        "links a second": round(asked.orders / took),
        "writes": len(world.writes),
        "second sweep found": len(found_later),
        "seconds to make the ledger": round(filled, 1),
        "ledger MiB": size,
        "memory before MiB": base,
        "peak memory MiB": _peak(),
        "wrong": {what: count for what, count in checks.items() if count},
        "checked": list(checks),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
