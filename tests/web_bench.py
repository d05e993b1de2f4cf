"""A ledger filled through its own front door, and the console over it with both systems out of reach."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2 as httpx

from countermand.app import ConnectionSettings, Installation
from countermand.bridge.case import Case, CaseItem, CaseLine, Link, Seen, references
from countermand.bridge.connection import Polling
from countermand.bridge.sightings import Sighting
from countermand.bridge.store import Change, Entry, State, TaskWish
from countermand.core.events import Event
from countermand.core.order import LineKind, MisItemKind, Payment
from countermand.core.policy import Policy
from countermand.core.status import OPEN, UNSEEN, Facts, Intent, Pair, Progress, Side
from countermand.core.table import decide
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.infigo import InfigoSettings
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.inbox import receive
from countermand.ledger.store import DatabaseStore
from countermand.ledger.upgrade import upgrade
from countermand.ledger.writer import InlineWriter
from countermand.printiq import PrintIQSettings
from countermand.simulators.kit import ServerThread
from countermand.web.server import create_app

SHOP = "harbour-print"
NOW = datetime.now(UTC).replace(microsecond=0)
STARTED = Facts(Intent.OPEN, Progress.STARTED)
SENT = Facts(Intent.OPEN, Progress.DISPATCHED)
CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)
PRIYA, TOM = "Priya Shah", "Tom Óg"
#: No sweep begins by itself while a test looks: the stored orders are as old as the run of all tests.
_NEVER = timedelta(days=3650)


def case(
    number: int,
    storefront: Facts = OPEN,
    mis: Facts = OPEN,
    *,
    at: datetime = NOW,
    lines: int = 1,
    **fields: Any,
) -> Case:
    """An order with its lines and jobs; `number` also numbers those."""
    given: dict[str, Any] = {
        "order_id": str(10_000 + number),
        "first_seen_at": at,
        "storefront_read_at": at,
        "mis_read_at": at,
        "placed_at": at,
        "po_number": f"PO-{7000 + number}",
        "customer": "Harbour Coffee Roasters" if number % 2 else "Maple Dental Care",
        "payment": Payment.PAID,
        "total": "48.50",
    }
    made = Case(**(given | fields))
    for place in range(lines):
        line_id, job = f"s{20_000 + number * 10 + place}", f"J{29_000 + number * 10 + place}-01"
        tracking = frozenset({f"1Z{number:04}{place}"}) if mis == SENT else frozenset[str]()
        made = made.with_item(
            CaseItem(
                ref=job,
                kind=MisItemKind.JOB,
                mis=Seen(status=mis, since=at, began_at=at, tracking=tracking),
                group=str(500 + number),
            )
        ).with_line(
            CaseLine(
                line_id=line_id,
                storefront=Seen(status=storefront, since=at, began_at=at),
                kind=LineKind.PRINT,
                name="Business cards, 350 gsm silk",
                quantity=250,
                quote_id=f"Q{300 + number}",
                links=(Link(ref=job, key="line id", by="countermand", at=at),),
                base=Pair(storefront, mis),
                rule=decide(storefront, mis).rule,
                decided_at=at,
            )
        )
    return made


def wish(order: Case, kind: TaskKind, **fields: Any) -> TaskWish:
    about = TASK_TYPES[kind]
    given: dict[str, Any] = {
        "kind": kind,
        "group_key": f"{kind.value}:order {order.order_id}",
        "line_ids": tuple(line.line_id for line in order.lines),
        "because": "mode-manual",
        "detail": "",
        "assisted": False,
        "due_at": NOW + about.due_in,
        "urgency": about.urgency,
        "owner": about.owner.value,
    }
    return TaskWish(**(given | fields))


class Bench:
    """A ledger file, a store to fill it with, and the console over it while it is served."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'console.db'}"
        self.engine = open_engine(self.url)
        upgrade(self.engine)
        self.writer = InlineWriter(self.engine)
        self.store = DatabaseStore(self.engine, self.writer)
        self.shop(SHOP)

    def shop(self, name: str) -> None:
        """Make a connection known."""
        self.writer.write(lambda database: remember_connection(database, name, NOW - timedelta(days=9), NOW))

    def save(
        self,
        order: Case,
        state: State = State.IN_STEP,
        *,
        at: datetime = NOW,
        shop: str = SHOP,
        **fields: Any,
    ) -> None:
        """Store a new order with its numbers, a first sighting of each side, and a journal entry."""
        raw = '{"OrderStatus": "Processing"}'
        seen = [
            *(Sighting(side=Side.STOREFRONT, ref=line.line_id, began_at=at, before=UNSEEN,
                       after=line.storefront.status, raw=raw) for line in order.lines),
            *(Sighting(side=Side.MIS, ref=item.ref, began_at=at, before=UNSEEN, after=item.mis.status)
              for item in order.items),
        ]  # fmt: skip
        entries = [Entry(at=at, event=Event.ORDER_SEEN, subject=f"order/{order.order_id}")]
        entries += [
            Entry(
                at=one.began_at,
                event=Event.LINE_SIGHTED,
                subject=f"order/{order.order_id}",
                before=str(one.before),
                after=str(one.after),
                extra={"side": one.side.value, "ref": one.ref},
            )
            for one in seen
        ]
        change = Change(
            stored=None,
            case=order,
            state=state,
            due_at=None,
            references=references(order),
            sightings=tuple(seen),
            journal=(*entries, *fields.pop("journal", ())),
            **fields,
        )
        assert asyncio.run(self.store.save(shop, [change], at, {}))

    def task(self, number: int, kind: TaskKind = TaskKind.CANCEL_IN_MIS, **fields: Any) -> Case:
        """An order that needs a person, with its task."""
        order = case(number, CANCELLED, STARTED, at=NOW - timedelta(minutes=number))
        opens = (wish(order, kind, **fields),)
        self.save(order, State.NEEDS_PERSON, at=NOW - timedelta(minutes=number), opens=opens)
        return order

    def message(self, body: str, at: datetime = NOW, side: Side = Side.STOREFRONT) -> None:
        self.writer.write(
            lambda database: receive(database, [SHOP], side, "application/json", body.encode(), at)
        )

    def connected(self, name: str = SHOP, policy: Policy = Policy()) -> ConnectionSettings:  # noqa: B008
        """A connection with both systems out of reach."""
        return ConnectionSettings(
            name=name,
            policy=policy,
            infigo=InfigoSettings(base_url="http://127.0.0.1:9", token="out-of-reach", megascript_secret="x"),
            printiq=PrintIQSettings(
                base_url="http://127.0.0.1:9",
                username="countermand",
                password="out-of-reach",
                application_name="Countermand",
                application_key="out-of-reach",
            ),
            polling=Polling(interval=timedelta(days=1), slowest=timedelta(days=2), sweep_every=_NEVER),
            hook_tokens={Side.STOREFRONT: "a-token-that-nobody-guesses"},
        )

    def installation(self, **fields: Any) -> Installation:
        given: dict[str, Any] = {"database": self.url, "connections": (self.connected(),)}
        return Installation(**(given | fields))

    @contextmanager
    def served(self, **fields: Any) -> Iterator[Console]:
        with ServerThread(create_app(self.installation(**fields))) as server, Console(server.url) as console:
            yield console


class Console:
    """A browser's part: keeps cookies, knows who it is, sends forms with their mark."""

    def __init__(self, url: str, name: str = "") -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        if name:
            self.http.cookies.set("countermand_name", quote(name))

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.http.close()

    def named(self, name: str) -> Console:
        """Another browser, of somebody with this name."""
        return Console(self.url, name)

    def get(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.text

    def rows(self, path: str) -> list[dict[str, Any]]:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text[:300]
        found: list[dict[str, Any]] = answer.json()["rows"]
        return found

    def send(self, page: str, action: str, **fields: Any) -> httpx.Response:
        """Send a form of a page, with the hidden fields that the page gave it."""
        return self.send_as(page, action, action, **fields)

    def send_as(self, page: str, form_of: str, action: str, **fields: Any) -> httpx.Response:
        """Send the form of one act to another, as somebody may who writes it themselves."""
        text = self.http.get(page).text
        form = re.search(rf'<form[^>]*action="{re.escape(form_of)}".*?</form>', text, re.S)
        assert form is not None, f"{page} has no form for {form_of}"
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.group(0)))
        return self.http.post(action, data=hidden | fields)
