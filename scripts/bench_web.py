"""The console with 100,000 orders stored: each page's server time and size, and live updates to 200 pages.

    .venv/bin/python scripts/bench_web.py [--orders N] [--pages N] [--keep FOLDER]

It fills a ledger by bulk insert (ordinary orders: most at rest, some on the way, some with a person), starts
the service on it with both systems out of reach, and asks for every page again and again, one at a time.
Exits non-zero when a median is 50 ms or more, a page is 150 kB or more, or news is later than a second.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, insert

from countermand.app import ConnectionSettings, Installation
from countermand.bridge.case import Case, CaseItem, CaseLine, Link, OpenTask, Seen, Written, references
from countermand.bridge.connection import Polling
from countermand.bridge.store import Entry
from countermand.core.command import Change, Command, Outcome
from countermand.core.events import Event
from countermand.core.order import LineKind, MisItemKind, Payment
from countermand.core.status import OPEN, Facts, Intent, Pair, Progress, Side
from countermand.core.table import decide
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.infigo import InfigoSettings
from countermand.ledger import schema
from countermand.ledger.engine import open_engine
from countermand.ledger.journal import append
from countermand.ledger.upgrade import upgrade
from countermand.printiq import PrintIQSettings
from countermand.simulators.kit import ServerThread
from countermand.web.server import create_app

MEDIAN_MS, MOST_BYTES, NEWS_SECONDS = 50.0, 150_000, 1.0
NAME = "acme-print"
WORDS = [
    "Harbour",
    "Maple",
    "Northgate",
    "Juniper",
    "Old",
    "Mill",
    "Copper",
    "River",
    "Stonefield",
    "Lantern",
    "Willow",
    "Summit",
    "Anchor",
]
TRADES = [
    "Coffee Roasters",
    "Dental Care",
    "Estates",
    "Brewing",
    "Yoga Studio",
    "School",
    "Bakery",
    "Legal",
    "Cycles",
    "Theatre",
]
PRODUCTS = ["Business cards, 350 gsm silk", "Roller banner, 850 x 2000 mm", "Flyers A5, 150 gsm gloss",
            "A2 posters, 200 gsm satin", "Printed DL envelopes", "Branded ballpoint pen, blue"]  # fmt: skip
ON_ITS_WAY = Facts(Intent.OPEN, Progress.STARTED)
SENT = Facts(Intent.OPEN, Progress.DISPATCHED)
CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)


class Story(msgspec.Struct, frozen=True):
    """What an order's two sides show, how it stands, and its open task if a person is needed."""

    storefront: Facts
    mis: Facts
    state: str
    task: TaskKind | None = None


STORIES = (
    (620, Story(SENT, SENT, "in_step")),
    (250, Story(OPEN, ON_ITS_WAY, "in_step")),
    (70, Story(OPEN, OPEN, "in_step")),
    (40, Story(CANCELLED, CANCELLED, "in_step")),
    (8, Story(OPEN, SENT, "on_the_way")),
    (5, Story(CANCELLED, ON_ITS_WAY, "needs_person", TaskKind.PAST_CUT_OFF)),
    (4, Story(CANCELLED, CANCELLED, "needs_person", TaskKind.REFUND)),
    (2, Story(CANCELLED, SENT, "needs_person", TaskKind.CANCELLED_BUT_MADE)),
    (1, Story(OPEN, CANCELLED, "needs_person", TaskKind.CANCEL_IN_STOREFRONT)),
)


# Filling


def fill(url: str, count: int, seed: int = 7) -> None:
    """A ledger with `count` orders, their references, sightings, writes, tasks and journal."""
    engine, chance = open_engine(url), random.Random(seed)
    upgrade(engine)
    now = datetime.now(UTC)
    stories = [story for weight, story in STORIES for _ in range(weight)]
    with engine.execution_options(writing=True).begin() as database:
        row = {"name": NAME, "live_since": now - timedelta(days=400), "created_at": now - timedelta(days=400)}
        database.execute(insert(schema.connection), row)
        for first in range(0, count, 5000):
            some = range(first, min(first + 5000, count))
            _insert(database, [_order(number, chance, stories, now) for number in some], now, chance)
            print(f"\rfilled {some.stop:,} of {count:,} orders", end="", flush=True)
    print()
    with engine.connect() as database:
        database.exec_driver_sql("ANALYZE")
    engine.dispose()


def _order(
    number: int, chance: random.Random, stories: list[Story], now: datetime
) -> tuple[int, Case, Story]:
    story = chance.choice(stories)
    placed = now - timedelta(minutes=chance.randrange(1, 500_000))
    case = Case(
        order_id=str(100_000 + number),
        first_seen_at=placed,
        storefront_read_at=now,
        mis_read_at=now,
        placed_at=placed,
        po_number=f"PO-{chance.randrange(10_000, 99_999)}",
        customer=f"{chance.choice(WORDS)} {chance.choice(WORDS)} {chance.choice(TRADES)}",
        payment=chance.choice([Payment.PAID, Payment.UNPAID]),
        total=f"{chance.randrange(2_000, 90_000) / 100:.2f}",
    )
    for place in range(chance.choice([1, 1, 1, 2, 2, 3])):
        case = _with_line(case, number * 4 + place, story, placed, chance)
    if story.task is not None:
        lines = tuple(line.line_id for line in case.lines)
        case = replace(
            case, tasks=(OpenTask(id=number + 1, kind=story.task, line_ids=lines, because="cut-off"),)
        )
    if story.storefront == SENT or story.storefront == story.mis == CANCELLED:
        case = _with_write(case, story, placed)
    return number + 1, case, story


def _with_line(case: Case, line: int, story: Story, placed: datetime, chance: random.Random) -> Case:
    job, name = f"J{200_000 + line}-01", chance.choice(PRODUCTS)
    tracking = frozenset({f"1Z{line:010d}"}) if story.mis == SENT else frozenset()
    seen = Seen(status=story.mis, since=placed, began_at=placed, tracking=tracking)
    item = CaseItem(ref=job, kind=MisItemKind.JOB, mis=seen, group=str(700_000 + line), title=name)
    rule = decide(story.storefront, story.mis).rule
    made = CaseLine(
        line_id=f"s{300_000 + line}",
        storefront=Seen(status=story.storefront, since=placed, began_at=placed),
        kind=LineKind.PRINT,
        name=name,
        quantity=chance.choice([100, 250, 500, 1000]),
        quote_id=f"Q{400_000 + line}",
        links=(Link(ref=job, key="line id", by="countermand", at=placed),),
        base=Pair(story.storefront, story.mis),
        rule=rule,
        decided_at=placed,
    )
    return case.with_line(made).with_item(item)


def _with_write(case: Case, story: Story, placed: datetime) -> Case:
    change = Change.SHIP if story.storefront == SENT else Change.CANCEL
    sent = placed + timedelta(hours=20)
    command = Command(
        target=Side.STOREFRONT if change is Change.SHIP else Side.MIS,
        change=change,
        sent_at=sent,
        answered_at=sent + timedelta(seconds=0.4),
        outcome=Outcome.APPLIED,
        verified_at=sent + timedelta(seconds=1.1),
    )
    lines = tuple(line.line_id for line in case.lines)
    return case.with_write(
        Written(id=f"{case.order_id}-w1", command=command, line_ids=lines, whole_order=True)
    )


def _insert(
    database: Connection, some: list[tuple[int, Case, Story]], now: datetime, chance: random.Random
) -> None:
    database.execute(insert(schema.orders), [_order_row(*one, chance) for one in some])
    numbers = [
        {"connection": NAME, "kind": kind, "value": value, "order_id": row_id}
        for row_id, case, _ in some
        for kind, value in references(case)
    ]
    database.execute(insert(schema.reference), numbers)
    database.execute(insert(schema.sighting), [row for one in some for row in _sightings(one[0], one[1])])
    writes = [_command_row(row_id, written) for row_id, case, _ in some for written in case.writes]
    database.execute(insert(schema.command), writes)
    tasks = [(row_id, case, story.task) for row_id, case, story in some if story.task is not None]
    database.execute(insert(schema.task), [_task_row(*one, now, chance) for one in tasks])
    database.execute(insert(schema.task_order), [{"task_id": one[0], "order_id": one[0]} for one in tasks])
    append(database, NAME, [entry for _, case, _ in some for entry in _entries(case)])


def _order_row(row_id: int, case: Case, story: Story, chance: random.Random) -> dict[str, object]:
    assert case.placed_at is not None
    return {
        "id": row_id, "connection": NAME, "order_ref": case.order_id, "version": 3, "due_at": None,
        "state": story.state, "urgency": TASK_TYPES[story.task].urgency.rank if story.task else None,
        "customer": case.customer, "po_number": case.po_number, "placed_at": case.placed_at,
        "first_seen_at": case.placed_at, "in_step_at": None, "case_file": case,
        "changed_at": case.placed_at + timedelta(minutes=chance.randrange(1, 1000)),
    }  # fmt: skip


_RAW = json.dumps(
    {"Id": 1, "OrderStatus": "Processing", "Lines": [{"Id": n, "Name": "x" * 40} for n in range(6)]}
)


def _sightings(row_id: int, case: Case) -> Iterator[dict[str, object]]:
    for line in case.lines:
        yield {
            "order_id": row_id, "side": "storefront", "ref": line.line_id, "began_at": line.storefront.began_at,  # noqa: E501
            "before": "unseen", "after": str(line.storefront.status), "raw": _RAW,
        }  # fmt: skip
    for item in case.items:
        yield {
            "order_id": row_id, "side": "mis", "ref": item.ref, "began_at": item.mis.began_at,
            "before": "unseen", "after": str(item.mis.status), "raw": _RAW,
        }  # fmt: skip


def _command_row(row_id: int, written: Written) -> dict[str, object]:
    command = written.command
    return {
        "id": written.id, "order_id": row_id, "connection": NAME, "target": command.target.value,
        "change": command.change.value, "about": "order", "sent_at": command.sent_at,
        "answered_at": command.answered_at, "outcome": "applied", "said": "", "attempts": 1,
        "verified_at": command.verified_at,
    }  # fmt: skip


def _task_row(
    row_id: int, case: Case, kind: TaskKind, now: datetime, chance: random.Random
) -> dict[str, object]:
    about, opened = TASK_TYPES[kind], now - timedelta(minutes=chance.randrange(1, 3000))
    return {
        "id": row_id, "connection": NAME, "group_key": f"{kind.value}:order {case.order_id}",
        "kind": kind.value, "urgency": about.urgency.rank, "owner": about.owner.value, "because": "cut-off",
        "detail": "", "line_ids": ", ".join(line.line_id for line in case.lines), "assisted": True,
        "opened_at": opened, "due_at": opened + about.due_in, "state": "open",
    }  # fmt: skip


def _entries(case: Case) -> Iterator[Entry]:
    subject, at = f"order/{case.order_id}", case.first_seen_at
    yield Entry(at=at, event=Event.ORDER_SEEN, subject=subject, extra={"po_number": case.po_number})
    for line in case.lines:
        about = {"side": "storefront", "ref": line.line_id}
        after = str(line.storefront.status)
        yield Entry(
            at=at, event=Event.LINE_SIGHTED, subject=subject, before="unseen", after=after, extra=about
        )
        yield Entry(at=at, event=Event.LINE_IN_STEP, subject=f"{subject}/line/{line.line_id}", why=line.rule)
    for written in case.writes:
        extra = {"write": written.id, "target": written.command.target.value}
        sent = written.command.sent_at
        yield Entry(at=sent, event=Event.WRITE_SENT, subject=subject, after="ship in storefront", extra=extra)
        yield Entry(at=sent, event=Event.WRITE_VERIFIED, subject=subject, after="ship", extra=extra)


# Measuring


def installation(url: str) -> Installation:
    """Both systems out of reach, and nothing due: what is measured is the console."""
    connection = ConnectionSettings(
        name=NAME,
        infigo=InfigoSettings(base_url="http://127.0.0.1:9", token="out-of-reach"),
        printiq=PrintIQSettings(
            base_url="http://127.0.0.1:9",
            username="u",
            password="p",
            application_name="a",
            application_key="k",
        ),
        polling=Polling(
            interval=timedelta(days=1), slowest=timedelta(days=2), sweep_every=timedelta(days=300)
        ),
    )
    return Installation(database=url, connections=(connection,))


def pages(http: httpx.Client) -> dict[str, str]:
    """Every page, with numbers that are really there."""
    order = http.get("/orders.json?limit=1").json()["rows"][0]
    task = http.get("/needs-a-person.json?limit=1").json()["rows"][0]
    deep = (
        http.get("/orders.json?limit=2000")
        .json()["next"]
        .replace("limit=2000&", "")
        .replace("orders.json", "orders")
    )
    return {
        "Overview": "/",
        "Needs a person": "/needs-a-person",
        "A task": f"/needs-a-person/{task['task']}",
        "Orders": "/orders",
        "Orders, one state": "/orders?state=on_the_way",
        "Orders, page 41": deep,
        "Search: job": f"/orders?q={order['jobs'][0][:-4]}",
        "Search: customer": "/orders?q=coffee",
        "Search: nothing": "/orders?q=no-such-number",
        "An order": f"/orders/{order['connection']}/{order['order']}",
        "Cancel it": f"/orders/{order['connection']}/{order['order']}/cancel",
        "Sweeps": "/sweeps",
        "Connections": "/connections",
        "Rules": "/rules",
        "Other rules": "/rules/what-if",
        "Journal": "/journal",
        "Journal, one kind": "/journal?event=write.verified",
        "Journal, an order": f"/journal?about={order['order']}",
        "Orders as CSV": "/orders.csv",
        "Orders as JSON": "/orders.json",
    }  # fmt: skip


def measure(http: httpx.Client, address: str, times: int) -> tuple[float, float, float, int]:
    """Median and 95th percentile in ms, median of the processor's ms, and the size in bytes (not compressed).

    The processor's time is the server's and the asking client's together, and tells less of what else the
    machine is doing.
    """
    took, worked, size = [], [], 0
    for _ in range(times):
        began, working = time.perf_counter(), time.process_time()
        answer = http.get(address)
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - working) * 1000)
        answer.raise_for_status()
        size = len(answer.content)
    took = sorted(took[2:])
    return statistics.median(took), took[int(len(took) * 0.95) - 1], statistics.median(worked), size


async def news_latency(base: str, url: str, count: int, rounds: int) -> list[float]:
    """Seconds from the commit of a change to its arrival, on each of `count` open pages."""
    arrived: list[tuple[int, float]] = []
    engine = open_engine(url).execution_options(writing=True)
    limits = httpx.Limits(max_connections=count + 10)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60, trust_env=False) as http:
        opened = [asyncio.Event() for _ in range(count)]

        async def listen(number: int) -> None:
            async with http.stream("GET", "/live") as stream:
                opened[number].set()
                async for line in stream.aiter_lines():
                    if line.startswith("data:") and '"counts"' in line:
                        arrived.append((number, time.monotonic()))  # noqa: PERF401

        listeners = [asyncio.create_task(listen(number)) for number in range(count)]
        await asyncio.gather(*(each.wait() for each in opened))
        await asyncio.sleep(1)
        waits: list[float] = []
        for round_ in range(rounds):
            arrived.clear()
            entry = Entry(at=datetime.now(UTC), event=Event.ORDER_SEEN, subject=f"order/{100_000 + round_}")
            with engine.begin() as database:
                append(database, NAME, [entry])
            began = time.monotonic()
            while len(arrived) < count and time.monotonic() - began < 10:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            waits += [at - began for _, at in arrived]
            waits += [10.0] * (count - len(arrived))
            await asyncio.sleep(0.3)
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    return sorted(waits)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--orders", type=int, default=100_000)
    options.add_argument("--times", type=int, default=40)
    options.add_argument("--open", type=int, default=200, help="open pages that wait for news")
    options.add_argument("--keep", type=Path, help="fill this folder once and use it again")
    asked = options.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="countermand-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{folder / 'bench.db'}"
    try:
        if not (folder / "bench.db").exists():
            fill(url, asked.orders)
        return report(url, asked.times, asked.open)
    finally:
        if asked.keep is None:
            shutil.rmtree(folder)


def report(url: str, times: int, count: int) -> int:
    failed = False
    with ServerThread(create_app(installation(url))) as server:
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False, follow_redirects=True) as http:
            print(f"{'page':22} {'median ms':>10} {'p95 ms':>8} {'cpu ms':>7} {'kB':>7}")
            for name, address in pages(http).items():
                gc.collect()
                median, most, cpu, size = measure(http, address, times)
                bad = median >= MEDIAN_MS or (size >= MOST_BYTES and "as " not in name)
                failed = failed or bad
                figures = f"{median:10.1f} {most:8.1f} {cpu:7.1f} {size / 1000:7.1f}"
                print(f"{name:22} {figures}{'  <- over' if bad else ''}", flush=True)
        waits = asyncio.run(news_latency(server.url, url, count, 20))
    half, late, worst = waits[len(waits) // 2], waits[int(len(waits) * 0.99)], waits[-1]
    print(f"news to {count} open pages: p50 {half:.3f} s, p99 {late:.3f} s, worst {worst:.3f} s")
    print(f"machine: {os.cpu_count()} cores; all of it on one machine, the measuring included")
    return 1 if failed or worst >= NEWS_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
