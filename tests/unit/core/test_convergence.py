"""When both sides hold still, the loop ends: in step, settled, or with a person; and it ends soon."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import pytest
from core_space import (
    AUTOMATIC,
    FEW_PAIRS,
    LATE,
    MIS_STATUSES,
    STOREFRONT_STATUSES,
    T0,
    RecordProperty,
    applied,
    command_states,
    one_line_order,
    pair,
)
from msgspec.structs import replace

from countermand.core.command import Change, Command, Outcome
from countermand.core.merge import Line
from countermand.core.plan import Later, NeedsPerson, Plan, Write, plan
from countermand.core.status import Facts, Pair, Reading, Side
from countermand.core.verdict import InStep, Settled, Wait

BASES = (None, *FEW_PAIRS)
MOST_ROUNDS = 8


class TwoSystems:
    """A model of both systems and of the loop: it writes what the plan says, and reads back."""

    def __init__(self, line: Line, *, tracking: frozenset[str] = frozenset()) -> None:
        self.line = replace(line, mis=replace(line.mis, tracking=tracking))
        self.now = LATE
        self.writes: list[Write] = []

    def run(self) -> str:
        """How it ended: `in step`, `settled`, `person`, or `waits for news`."""
        for _ in range(MOST_ROUNDS):
            self._read()
            planned = plan(one_line_order(self.line), AUTOMATIC, self.now)
            end = self._end(planned)
            if end:
                return end
            for write in planned.writes:
                self._write(write)
        raise AssertionError(f"no end after {MOST_ROUNDS} rounds: {self.line}, wrote {self.writes}")

    def _read(self) -> None:
        self.now += timedelta(minutes=10)
        self.line = replace(
            self.line,
            storefront=replace(self.line.storefront, began_at=self.now),
            mis=replace(self.line.mis, began_at=self.now),
        )

    def _end(self, planned: Plan) -> str:
        verdict = planned.verdicts["s1"]
        if isinstance(verdict, InStep):
            return "in step"
        if isinstance(verdict, Settled):
            return "settled"
        if any(isinstance(action, NeedsPerson) for action in planned.actions):
            return "person"
        untils = [action.until for action in planned.actions if isinstance(action, Later)]
        untils += [verdict.until] if isinstance(verdict, Wait) else []
        if untils and not planned.writes:
            return self._pass_time(untils)
        return ""

    def _pass_time(self, untils: list[datetime | None]) -> str:
        soonest = min((until for until in untils if until is not None), default=None)
        if soonest is None:
            return "waits for news"
        self.now = max(self.now, soonest)
        return ""

    def _write(self, write: Write) -> None:
        self.writes.append(write)
        reading = self.line.reading(write.target)
        status = applied(reading.status, write.change)
        changed = Reading(
            status=status, began_at=self.now, since=self.now, tracking=reading.tracking | write.tracking
        )
        answer = Command(
            target=write.target,
            change=write.change,
            sent_at=self.now,
            answered_at=self.now + timedelta(seconds=1),
            outcome=Outcome.APPLIED,
            tracking=write.tracking,
            because=self.line.reading(write.target.other).status,
        )
        if write.target is Side.MIS:
            self.line = replace(self.line, mis=changed, command=answer)
        else:
            self.line = replace(self.line, storefront=changed, command=answer)


def _line(storefront: object, mis: object, base: Pair | None, own: Command | None = None) -> Line:
    assert isinstance(storefront, Reading)
    assert isinstance(mis, Reading)
    return Line(storefront=storefront, mis=mis, base=base, command=own)


_READ = {status: Reading(status=status, began_at=T0, since=T0) for status in MIS_STATUSES}


def test_both_sides_holding_still_always_come_to_an_end(record_property: RecordProperty) -> None:
    count = 0
    for storefront, mis, base in product(STOREFRONT_STATUSES, MIS_STATUSES, BASES):
        systems = TwoSystems(_line(_READ[storefront], _READ[mis], base))
        end = systems.run()
        count += 1
        if systems.writes:
            assert end == "in step", f"{storefront} | {mis}: wrote {systems.writes} and ended: {end}"
            assert len(systems.writes) == 1
            assert base is not None
    record_property("summary", f"core: {count:,} situations run until they end")


def test_every_state_of_a_write_comes_to_an_end(record_property: RecordProperty) -> None:
    count = 0
    statuses = [status for status in STOREFRONT_STATUSES if isinstance(status, Facts)]
    for storefront, mis in product(statuses, statuses):
        for own in command_states(mis):
            systems = TwoSystems(_line(_READ[storefront], _READ[mis], BASES[1], own))
            systems.run()
            count += 1
            assert len(systems.writes) <= 1, f"{storefront} | {mis}, {own}: wrote {systems.writes}"
    record_property("summary", f"core: {count:,} states of a write run until they end")


@pytest.mark.parametrize("storefront", ["open/none", "open/part_dispatched", "held/started"])
def test_a_dispatch_arrives_with_its_tracking_in_one_write(storefront: str) -> None:
    base = pair(storefront, "open/none")
    own = _line(_READ[base.storefront], _READ[pair("open/none", "open/dispatched").mis], base)
    systems = TwoSystems(own, tracking=frozenset({"1Z999", "1Z998"}))
    assert systems.run() == "in step"
    assert [write.change for write in systems.writes] == [Change.SHIP]
    assert systems.line.storefront.tracking == {"1Z999", "1Z998"}


def test_tracking_that_comes_later_is_added_once() -> None:
    both = pair("open/dispatched", "open/dispatched")
    systems = TwoSystems(_line(_READ[both.storefront], _READ[both.mis], both), tracking=frozenset({"1Z999"}))
    assert systems.run() == "in step"
    assert [write.change for write in systems.writes] == [Change.TRACK]


def test_without_a_base_nothing_is_ever_written() -> None:
    for storefront, mis in product(STOREFRONT_STATUSES, MIS_STATUSES):
        systems = TwoSystems(_line(_READ[storefront], _READ[mis], None), tracking=frozenset({"1Z999"}))
        systems.run()
        assert not systems.writes
