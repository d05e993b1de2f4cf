"""Running one script: a whole world, watched at every step, and what came of it."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from countermand.bridge.store import Change, StoredCase
from countermand.core.policy import Direction
from countermand.core.status import Side
from countermand.ledger.engine import open_engine
from countermand.ledger.saving import tripped_brakes
from countermand.ledger.schema import metadata
from countermand.printiq.settings import PrintIQSettings
from countermand.simulation.agenda import PutOff
from countermand.simulation.audit import audit, journal_head
from countermand.simulation.desk import Desk
from countermand.simulation.dice import Dice, dice_of
from countermand.simulation.idle import Idle
from countermand.simulation.invariants import NO_ERROR
from countermand.simulation.life import Life, MortalWriter
from countermand.simulation.line import Line, WriteCall
from countermand.simulation.loop import EPOCH, SimulatedLoop
from countermand.simulation.messages import Messages
from countermand.simulation.mis import Plant, PlantItem
from countermand.simulation.plugin import Plugin
from countermand.simulation.ports import SimulatedMis, SimulatedStorefront
from countermand.simulation.process import NAME, Process, WatchedStore
from countermand.simulation.record import Record
from countermand.simulation.saves import check_save
from countermand.simulation.script import Act, Do, Rules, Script
from countermand.simulation.settling import Settling
from countermand.simulation.staff import Staff
from countermand.simulation.storefront import Shop, ShopOrder
from countermand.simulation.watch import Violation, Watch
from countermand.simulation.weather import Fault, Weather
from countermand.simulation.writes import Writes

_PRINTIQ = PrintIQSettings(
    base_url="https://mis.example",
    username="u",
    password="p",  # noqa: S106
    application_name="a",
    application_key="k",
)
#: How often overdue matters are looked for, and how long a history goes on after its last act, in seconds.
_SWEEP = 3600.0
_TICK = timedelta(microseconds=1)
#: How many new objects there are until Python looks for garbage in cycles, and how seldom it looks further.
_COLLECTING = (50_000, 20, 20)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one history. `digest`: of the journal's end and both systems' records."""

    seed: int
    days: float
    orders: int
    digest: str
    violation: str = ""
    invariant: str = ""
    #: How far the history came, in seconds.
    ended: float = 0.0
    counts: dict[str, int] = {}


def run_history(script: Script, *, every_look: bool = False) -> Outcome:
    """Let a history happen; a broken promise ends it and is told in the outcome, and so is an error of ours.

    `every_look`: make also those looks that could find nothing, see `simulation.idle`.
    """
    with _collecting_seldom():
        return _run(script, every_look)


def _run(script: Script, every_look: bool) -> Outcome:
    world = World(script, every_look=every_look)
    try:
        world.run()
    except Violation as broken:
        return world.outcome(str(broken), broken.invariant)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the seed has to be told
        return world.outcome(f"{NO_ERROR}: {_told(error)}", NO_ERROR)
    return world.outcome()


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """A history leaves next to no garbage in cycles, and what is loaded stays: to look for it as often as
    Python does takes an eighth of the time.
    """
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_COLLECTING)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def _told(error: Exception) -> str:
    """The error, and the innermost place it came from."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name}, line {place.lineno}: {error}"


class World:
    """Two systems, people, trouble, and our process between them."""

    def __init__(self, script: Script, *, every_look: bool = False) -> None:
        self.script = script
        self.setup = setup = script.setup
        self.loop = SimulatedLoop()  # type: ignore[abstract]
        self.record = Record()
        self.counts: Counter[str] = Counter()
        now = self.loop.time
        self.shop = Shop(now, self.record, cancelled_can_ship=setup.cancelled_can_ship)
        self.plant = Plant(
            now,
            self.record,
            _PRINTIQ,
            cancelled_can_dispatch=setup.cancelled_can_dispatch,
            refuses_cancel_of=setup.refuses_cancel_of,
            readable=setup.mis_readable,
        )
        self.plugin = Plugin(setup, self.loop, dice_of(script.seed, "plugin"), self.shop, self.plant)
        self.messages = Messages(setup, self.loop, dice_of(script.seed, "messages"), self._deliver)
        self.staff = Staff(self.loop, dice_of(script.seed, "staff"), self.shop, self.plant, self.plugin)
        self.shop.changed, self.plant.changed = self._order_changed, self._item_changed
        self.weather = Weather(script.spells, setup.steady)
        self.watch = Watch(self.loop, setup, self.shop, self.plant, self.record)
        self.watch.down = [
            (spell.start, spell.end) for spell in script.spells if spell.fault is Fault.UNREACHABLE
        ]
        self.settling = Settling(self.watch, script.rules)
        self.idle = Idle(self.shop, self.plant, mis_lacks=setup.mis_lacks, every_look=every_look)
        self.put_off = PutOff(self.watch.put_off)
        self.engine: Engine = open_engine("sqlite://")
        metadata.create_all(self.engine)
        self.writes = Writes(self.watch, self._brakes)
        self._clock_error = 0.0
        self._clock_read = 0.0, EPOCH
        self._busy_until = 0.0
        self._lives = 0
        self._former: set[Process] = set()
        self._died_at = 0.0
        self._changed_at = 0.0
        self.process = self._born()

    def _dice(self, name: str) -> Dice:
        return Dice(self.script.seed, name)

    # Running

    def run(self) -> None:
        self.process.start()
        for act in self.script.acts:
            self.loop.call_at(act.at, self._perform, act)
        self.loop.call_later(_SWEEP, self._sweep)
        self.loop.after_each = self._after_each
        self.loop.run_until(self.script.end)
        self.loop.after_each = lambda: None
        with self.engine.begin() as database:
            self.put_off.write(database)
        audit(self.engine, self.watch)

    def outcome(self, violation: str = "", invariant: str = "") -> Outcome:
        digest = hashlib.sha256(journal_head(self.engine).encode())
        for effect in self.record.effects:
            digest.update(repr(effect).encode())
        self.engine.dispose()
        return Outcome(
            seed=self.script.seed,
            days=self.script.days,
            orders=len(self.shop.orders),
            digest=digest.hexdigest()[:16],
            violation=violation,
            invariant=invariant,
            ended=self.loop.time(),
            counts=dict(sorted(self.counts.items())),
        )

    def _after_each(self) -> None:
        while self.watch.dirty:
            self.settling.judge(self.watch.dirty.pop())

    def _sweep(self) -> None:
        self.settling.overdue()
        self.loop.call_later(_SWEEP, self._sweep)

    # Acts

    def _perform(self, act: Act) -> None:
        self.counts[act.do.value] += 1
        match act.do:
            case Do.KILL:
                self.process.life.doom(int(act.number))
                if act.number == 0:
                    self.process.life.kill("by time")
            case Do.OVERLAP:
                self._overlap(act.number)
            case Do.CLOCK:
                self._jump(act.number)
            case Do.BUSY:
                self._busy_until = self.loop.time() + act.number
            case Do.DESK:
                if self.process.life.alive:
                    self.process.run(self._desk().work(int(act.number), self._pause))
            case Do.RULES:
                self._set_rules(self.script.rules[int(act.number)])
            case Do.NOISE:
                self.messages.noise(int(act.number))
            case _:
                self.staff.perform(act)

    def _desk(self) -> Desk:
        one = self.process
        return Desk(
            one.connection, self.engine, one.store, one.writer, one.life,
            self._dice(f"desk {self.loop.time()}"), self.shop, self.plant,
        )  # fmt: skip

    async def _pause(self, seconds: float) -> None:
        life = self.process.life
        await asyncio.sleep(seconds)
        life.step("at the desk")
        self.process.wake()

    # Our process

    def _set_rules(self, rules: Rules) -> None:
        """Somebody sets other rules: whatever ran by the old ones stops, and what starts runs by these."""
        self.setup = replace(self.setup, policy=rules.policy, exceptions=rules.exceptions)
        self.watch.setup = self.setup
        for each in (*self._former, self.process):
            each.life.kill("for other rules")

    def _clock(self) -> datetime:
        """Our own clock: it moves on a little each time it is asked, as a real one does."""
        now = self.loop.time() + self._clock_error
        same = now == self._clock_read[0]
        moment = self._clock_read[1] + _TICK if same else EPOCH + timedelta(seconds=now)
        self._clock_read = now, moment
        return moment

    def _jump(self, seconds: float) -> None:
        self._clock_error += seconds
        self.watch.clock_error = self._clock_error
        self.watch.clock_set_at = self.loop.time()
        self.watch.clock_set_back += seconds < 0
        self.idle.disturb_all()
        self.process.wake()

    def _born(self) -> Process:
        self._lives += 1
        life = Life(self._clock)
        life.on_death = lambda where: self._died(life, where)
        writer = MortalWriter(self.engine, life, self._is_busy)
        dice = self._dice(f"life {self._lives}")
        lines = {
            side: Line(side, self.loop, life, self.weather, self.script.seed, self._sent)
            for side in ("storefront", "mis")
        }
        setup = self.setup
        self._busy_dice = dice
        return Process(
            engine=self.engine,
            loop=self.loop,
            life=life,
            writer=writer,
            store=WatchedStore(self.engine, writer, self._saved, self.put_off),
            storefront=SimulatedStorefront(self.shop, lines["storefront"], lacks=setup.storefront_lacks),
            mis=SimulatedMis(self.plant, lines["mis"], lacks=setup.mis_lacks),
            policy=setup.policy,
            exceptions=setup.exceptions,
            dice=dice,
            live_since=EPOCH + timedelta(seconds=setup.live_since),
            changed_at=lambda: self._changed_at,
            idle=self.idle,
            put_off=self.put_off,
        )

    def _is_busy(self) -> bool:
        if self._lives == 0 or not self.watch.cases:
            return False
        rate = 0.5 if self.loop.time() < self._busy_until else self.setup.busy
        return self._busy_dice.chance(rate)

    def _overlap(self, seconds: float) -> None:
        """A second process starts while the first still runs: a deployment, or one that was believed dead."""
        old = self.process
        if not old.life.alive:
            return
        try:
            self.process = self._born()
        except OperationalError:
            return
        self._former.add(old)
        self.process.start()
        self.loop.call_later(seconds, old.life.kill, "after its successor came")

    def _died(self, life: Life, where: str) -> None:
        self.counts[f"killed {where}"] += 1
        self.watch.pressed.clear()
        dead = next(each for each in (self.process, *self._former) if each.life is life)
        dead.bury()
        if dead in self._former:
            self._former.discard(dead)
            return
        self._died_at = self.loop.time()
        dice = self._dice(f"death {self._lives}")
        self.loop.call_later(dice.soon(20.0, 3 * 3600.0), self._restart)

    def _restart(self) -> None:
        try:
            self.process = self._born()
        except OperationalError:  # whoever supervises it starts it again
            self.loop.call_later(5.0, self._restart)
            return
        self.watch.down.append((self._died_at, self.loop.time()))
        self.process.start()

    def _deliver(self, side: Side, body: bytes) -> bool:
        taken = self.process.take(side, body)
        self.watch.acknowledged += taken
        return taken

    # Watching

    def _order_changed(self, order: ShopOrder) -> None:
        self._changed_at = self.loop.time()
        self.watch.dirty.add(order.order_id)
        self.idle.disturb(order.order_id)
        self.messages.order_changed(order)

    def _item_changed(self, item: PlantItem) -> None:
        self._changed_at = self.loop.time()
        self.watch.dirty.add(item.order_id)
        self.idle.disturb(item.order_id)
        self.messages.item_changed(item)
        self.plugin.item_changed(item)

    def _saved(self, changes: Sequence[Change], saved: Mapping[str, StoredCase], _now: datetime) -> None:
        check_save(self.watch, self.watch.cases, changes, saved)
        self.watch.mirror(changes, saved)
        for change in changes:
            if change.case.order_id in saved:
                self.counts["saves"] += 1
                self.counts["quiet saves"] += not change.changed
                self.put_off.saved(change.case.order_id)
                self.writes.seen(change.case)
                self.idle.saved(change, saved[change.case.order_id])

    def _brakes(self) -> frozenset[Direction]:
        with self.engine.begin() as database:
            return tripped_brakes(database, NAME)

    def _sent(self, call: WriteCall) -> None:
        self.counts[f"write {call.change}"] += 1
        self.writes.check(call)
