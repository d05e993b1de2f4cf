"""What is on record after a storm: both systems' own ledgers and state, and everything we stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from storm_shop import StormShop
from storm_staff import Story

from countermand.config.database import opened
from countermand.core.events import Event
from countermand.ledger.columns import from_micros
from countermand.ledger.journal import stored
from countermand.ledger.schema import inbox, orders, task, task_order

#: Staff and the storefront's own plugin write to the systems too; only these calls are Countermand's.
_OURS_IN_PRINTIQ = "RunEvent"
_OURS_IN_INFIGO = "MegaScript"


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One write that a system received from us, by its own ledger.

    `target`: a job, `order 10001` or `line s1001`. `what`: the call, with the values it carried.
    """

    system: str
    at: datetime
    what: str
    target: str
    effect: str

    @property
    def was_ignored(self) -> bool:
        """Answered with success, and nothing was done."""
        return self.effect.startswith("ignored by fault")


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One `write.sent` of our journal. `about`: a job, `order`, or line ids.

    `why`: the reason that the entry gives for it.
    """

    id: str
    order: str
    at: datetime
    what: str
    about: str
    answer: str = ""
    why: str = ""
    verified: bool = False

    @property
    def change(self) -> str:
        return self.what.partition(" in ")[0]

    def stands_for(self, effect: Effect) -> bool:
        """Whether this is the entry of a write of the kind that a system received."""
        if effect.system == "printIQ":
            return self.what == "cancel in mis" and self.about == effect.target
        if not self.what.endswith("in storefront"):
            return False
        word, _, number = effect.target.partition(" ")
        if word == "line":
            return self.change == "cancel" and number in self.about.split(", ")
        if self.order != number:
            return False
        if effect.what.startswith("Order.Cancel"):
            return self.change == "cancel" and self.about == "order"
        if "SetTrackingNumber" in effect.what:
            return self.change in ("track", "ship", "ship_part")
        wanted = "ship_part" if "PartiallyShipped" in effect.what else "ship"
        return "UpdateShippingStatus" in effect.what and self.change == wanted


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the checks look at. `storefront` and `jobs`: each system's own state, by id."""

    stories: tuple[Story, ...]
    storefront: dict[str, dict[str, Any]]
    jobs: dict[str, dict[str, Any]]
    effects: tuple[Effect, ...]
    sent: tuple[Sent, ...]
    tasks: dict[str, frozenset[str]]
    states: dict[str, str]
    acknowledged: tuple[str, ...]
    inbox: tuple[str, ...]
    journal_said: str
    journal_holds: bool


def gather(shop: StormShop, stories: Sequence[Story], acknowledged: Iterable[str]) -> Evidence:
    """Collect it; the stand-ins have to be running, and the service may be."""
    verified = shop.call("journal", "verify")
    in_infigo = _in_infigo(shop.get(shop.infigo, "ledger"))
    in_printiq = _in_printiq(shop.get(shop.printiq, "ledger"))
    with opened(shop.database) as engine, engine.begin() as database:
        return Evidence(
            stories=tuple(stories),
            storefront={one.order: shop.get(shop.infigo, f"orders/{one.order}") for one in stories},
            jobs={
                job: shop.get(shop.printiq, f"orders/{job}") for one in stories for job in one.jobs.values()
            },
            effects=(*in_infigo, *in_printiq),
            sent=tuple(_sent(database, shop.name)),
            tasks=_tasks(database, shop.name),
            states=_states(database, shop.name),
            acknowledged=(*acknowledged, *_delivered(shop)),
            inbox=_inbox(database, shop.name),
            journal_said=verified.stdout + verified.stderr,
            journal_holds=verified.returncode == 0,
        )  # fmt: skip


def _delivered(shop: StormShop) -> list[str]:
    """Messages of the stand-ins themselves that we acknowledged."""
    attempts = [one for base in (shop.infigo, shop.printiq) for one in shop.get(base, "outbox")["attempts"]]
    return [
        one["body"] for one in attempts if one["outcome"] == "delivered" and one["url"] in shop.hooks.values()
    ]


def _in_printiq(ledger: Iterable[Mapping[str, Any]]) -> Iterable[Effect]:
    for entry in ledger:
        if entry["call"] == _OURS_IN_PRINTIQ:
            yield _effect("printIQ", entry, f"status {entry['detail'].get('ProdStatusID')}")


def _in_infigo(ledger: Iterable[Mapping[str, Any]]) -> Iterable[Effect]:
    for entry in ledger:
        if entry["detail"].get("via") == _OURS_IN_INFIGO:
            carried = {
                name: entry["detail"][name]
                for name in ("shipping", "tracking", "note")
                if name in entry["detail"]
            }
            yield _effect("Infigo", entry, " ".join([entry["call"], *map(str, carried.values())]))


def _effect(system: str, entry: Mapping[str, Any], what: str) -> Effect:
    return Effect(
        system=system,
        at=datetime.fromisoformat(entry["at"]).astimezone(UTC),
        what=what,
        target=entry["target"],
        effect=entry["effect"],
    )


def _sent(database: Connection, chain: str) -> Iterable[Sent]:
    answers: dict[str, str] = {}
    verified: set[str] = set()
    found = []
    for row in stored(database, chain):
        if row.event not in (Event.WRITE_SENT, Event.WRITE_ANSWERED, Event.WRITE_VERIFIED):
            continue
        body = json.loads(row.body)
        if row.event == Event.WRITE_VERIFIED:
            verified.add(body["extra"]["write"])
            continue
        if row.event == Event.WRITE_ANSWERED:
            answers[body["extra"]["write"]] = body.get("after", "")
            continue
        found.append(
            Sent(
                id=body["extra"]["write"],
                order=row.subject.removeprefix("order/"),
                at=from_micros(row.at),
                what=body["after"],
                about=body["extra"]["about"],
                why=body.get("why", ""),
            )
        )
    return [
        msgspec.structs.replace(one, answer=answers.get(one.id, ""), verified=one.id in verified)
        for one in found
    ]


def _tasks(database: Connection, name: str) -> dict[str, frozenset[str]]:
    """Kinds of the open tasks of each order."""
    rows = database.execute(
        select(orders.c.order_ref, task.c.kind)
        .join(task_order, task_order.c.order_id == orders.c.id)
        .join(task, task.c.id == task_order.c.task_id)
        .where(orders.c.connection == name, task.c.state == "open")
    )
    kinds: dict[str, set[str]] = {}
    for order, kind in rows:
        kinds.setdefault(order, set()).add(kind)
    return {order: frozenset(each) for order, each in kinds.items()}


def _states(database: Connection, name: str) -> dict[str, str]:
    rows = database.execute(select(orders.c.order_ref, orders.c.state).where(orders.c.connection == name))
    return {row.order_ref: row.state for row in rows}


def _inbox(database: Connection, name: str) -> tuple[str, ...]:
    bodies = database.scalars(select(inbox.c.body).where(inbox.c.connection == name))
    return tuple(body.decode("utf-8", "replace") for body in bodies)
