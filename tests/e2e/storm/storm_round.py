"""One storm: a load, so many kills at seeded moments, rest, and the questions that have to be answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from threading import Event
from time import monotonic

import msgspec
from sqlalchemy import func, select
from storm_checks import Violation, asked, violations
from storm_evidence import Evidence, gather
from storm_sender import Sender
from storm_shop import NotInTimeError, Start, StormShop, until
from storm_staff import LONGEST_LAG, Staff

from countermand.bridge.store import State
from countermand.config.database import opened
from countermand.ledger.schema import inbox, orders

#: States in which nothing more happens by itself.
_AT_REST = frozenset({State.IN_STEP, State.NEEDS_PERSON, State.SETTLED, State.CLOSED})
#: What goes wrong with writes: answers lost, late or wrong, each with the work done or not; and an answer of
#: success with no work behind it.
_FAULTY_WRITES = (
    ("timeout", 0.05, 2.0),
    ("drop", 0.05, 1.0),
    ("error-but-applied", 0.08, 1.0),
    ("5xx", 0.05, 1.0),
    ("html-200", 0.04, 1.0),
    ("ok-but-ignored", 0.05, 1.0),
    ("latency", 0.3, 0.2),
)
#: And with reads: no answer, or one that is some seconds old and does not say so.
_FAULTY_READS = (
    ("lagging-read", 0.06, 1.5),
    ("lagging-read", 0.06, LONGEST_LAG),
    ("timeout", 0.01, 2.0),
    ("drop", 0.02, 1.0),
    ("5xx", 0.02, 1.0),
    ("html-200", 0.01, 1.0),
)
_ACTIONS = ("order.cancel", "lines.cancel", "order.ship", "order.track")
_WRITES = {"infigo": tuple(f"megascript/{name}" for name in _ACTIONS), "printiq": ("RunEvent",)}
_READS = {
    "infigo": ("megascript/orders.read", "megascript/orders.list"),
    "printiq": ("OData.Jobs", "GetAcceptanceDetails"),
}
_MESSAGES = {"drop": 0.1, "duplicate": 0.1, "reorder": 0.1}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a storm is to be. `order_pause`, `message_pause`: seconds between two, on the average.

    `faults`: whether calls and messages go wrong, too. It has ended when everything has been at rest for
    `still_seconds`, which are two rounds of reads that change nothing.
    """

    seed: int
    kills: int
    order_pause: float = 1.0
    message_pause: float = 0.3
    faults: bool = True
    still_seconds: float = 25
    rest_seconds: float = 240
    orders_per_kill: int = 3


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a storm went. `cut_off`: writes of ours that a kill left without an answer.

    `ignored`: writes that a system answered with success and did not do. `lagging_reads`: reads that were
    answered with an earlier state.
    """

    seed: int
    database: str
    began: str
    seconds: float
    kills: int
    kills_during_a_write: int
    kills_while_starting: int
    orders: int
    writes_sent: int
    effects: int
    cut_off: int
    asked: int
    acknowledged: int
    stored: int
    starts: tuple[Start, ...]
    violations: tuple[Violation, ...]
    ignored: int = 0
    lagging_reads: int = 0


def storm(shop: StormShop, plan: Plan, say: Callable[[str], None]) -> tuple[Report, Evidence]:
    """Run one storm in a shop that has been entered.

    Raises:
        NotInTimeError: the service does not recover, or does not come to rest.
    """
    began, clock = datetime.now(UTC), monotonic()
    if plan.faults:
        _faults(shop, plan.seed)
    staff = Staff(shop.infigo, shop.printiq, plan.seed, plan.order_pause, plan.kills * plan.orders_per_kill)
    sender = Sender(shop.hooks, staff.stories, plan.seed, plan.message_pause)
    killing = _Killing(shop, plan)
    staff.start()
    sender.start()
    try:
        killing.run(say)
        shop.recovered(shop.start())
    finally:
        staff.stop()
        sender.stop()
    lagging_reads = _lagging_reads(shop)
    _calm(shop)
    _wait_for_rest(shop, plan)
    evidence = gather(shop, staff.stories, sender.acknowledged)
    received = [one for one in evidence.effects if "AddOrderNotes" not in one.what]
    report = Report(
        seed=plan.seed,
        database=shop.database.partition(":")[0],
        began=began.isoformat(timespec="seconds"),
        seconds=round(monotonic() - clock, 1),
        kills=plan.kills,
        kills_during_a_write=killing.during_a_write,
        kills_while_starting=killing.while_starting,
        orders=len(evidence.stories),
        writes_sent=len(evidence.sent),
        effects=len(received),
        cut_off=sum(1 for one in evidence.sent if not one.answer),
        asked=len(asked(evidence)),
        acknowledged=len(evidence.acknowledged),
        stored=len(evidence.inbox),
        starts=tuple(killing.starts),
        violations=tuple(violations(evidence)),
        ignored=sum(1 for one in received if one.was_ignored),
        lagging_reads=lagging_reads,
    )
    return report, evidence


class _Killing:
    """Starts and kills: many die while starting, many in the very moment of a write, the rest anywhere."""

    def __init__(self, shop: StormShop, plan: Plan) -> None:
        self._shop, self._plan = shop, plan
        self._random = Random(f"{plan.seed}-kills")
        self.starts: list[Start] = []
        self.while_starting = self.during_a_write = 0

    def run(self, say: Callable[[str], None]) -> None:
        for number in range(1, self._plan.kills + 1):
            began, way = self._shop.start(), self._random.random()
            if way < 0.4:
                _pause(self._random.uniform(0.05, 3.0))
                self.while_starting += 1
            elif way < 0.8:
                self._await_write(self._random.uniform(0, 0.03))
            else:
                self.starts.append(self._shop.recovered(began))
                _pause(self._random.uniform(0, 1.5))
            self._shop.kill()
            if number % 10 == 0:
                say(f"seed {self._plan.seed}: {number} of {self._plan.kills} kills")

    def _await_write(self, after: float) -> None:
        """Until a write has arrived in one of the systems, and a moment longer."""
        before = self._writes()
        try:
            until("a write", lambda: self._writes() != before, 5, 0.003)
        except NotInTimeError:
            return
        self.during_a_write += 1
        _pause(after)

    def _writes(self) -> int:
        """How many writes both systems have received, counted when each arrives."""
        return sum(
            self._shop.get(base, "calls").get(name, 0)
            for base, names in (
                (self._shop.infigo, _WRITES["infigo"]),
                (self._shop.printiq, _WRITES["printiq"]),
            )
            for name in names
        )


def _pause(seconds: float) -> None:
    Event().wait(seconds)


def _faults(shop: StormShop, seed: int) -> None:
    for base, name in ((shop.infigo, "infigo"), (shop.printiq, "printiq")):
        rules = [
            {"match": call, "kind": kind, "probability": probability, "seconds": seconds}
            for calls, faulty in ((_WRITES[name], _FAULTY_WRITES), (_READS[name], _FAULTY_READS))
            for call in calls
            for kind, probability, seconds in faulty
        ]
        shop.put(base, "faults", {"seed": seed, "calls": rules, "hooks": _MESSAGES})


def _lagging_reads(shop: StormShop) -> int:
    """How many reads were answered with an earlier state: of all rules that strike, the first decides."""
    told = [shop.get(base, "faults") for base in (shop.infigo, shop.printiq)]
    return sum(
        hits
        for one in told
        for rule, hits in zip(one["faults"]["calls"], one["hits"], strict=True)
        if rule["kind"] == "lagging-read"
    )


def _calm(shop: StormShop) -> None:
    for base in (shop.infigo, shop.printiq):
        shop.put(base, "faults", {})


def _wait_for_rest(shop: StormShop, plan: Plan) -> None:
    """Until every order has come to rest and stays there, and no message waits."""
    with opened(shop.database) as engine:

        def moving() -> int:
            with engine.begin() as database:
                states = database.scalars(select(orders.c.state).where(orders.c.connection == shop.name))
                new = select(func.count()).where(inbox.c.connection == shop.name, inbox.c.state == "new")
                return sum(1 for one in states if one not in _AT_REST) + (database.scalar(new) or 0)

        still_since: list[float] = []

        def at_rest() -> bool:
            if moving():
                still_since.clear()
            elif not still_since:
                still_since.append(monotonic())
            return bool(still_since) and monotonic() - still_since[0] > plan.still_seconds

        until("everything to come to rest", at_rest, plan.rest_seconds, 0.2)
