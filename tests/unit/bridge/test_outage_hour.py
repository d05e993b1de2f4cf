"""Both systems are away for an hour while people go on working in them; then everything catches up, once."""

from __future__ import annotations

from datetime import timedelta

from bridge_fakes import AT_ONCE, DISPATCHED, STARTED, Small, run
from msgspec.structs import replace

from countermand.bridge.connection import Polling
from countermand.core.command import Outcome
from countermand.core.status import Facts, Intent
from countermand.core.tasks import TaskKind

ORDERS = [str(number) for number in range(10001, 10019)]
POLLING = Polling(interval=timedelta(minutes=1), slowest=timedelta(minutes=10))
AWAY = "could not be reached: connection refused"


def job(order: str) -> str:
    return f"J{order}-01"


async def open_shop(brake_burst: int) -> Small:
    policy = replace(AT_ONCE, brake_burst=brake_burst, brake_daily=100)
    small = Small(replace(policy, ship_to_storefront=AT_ONCE.cancel_to_mis), POLLING)
    for order in ORDERS:
        small.storefront.place(order)
        small.mis.make(job(order), customer_reference=order, external_reference=f"s{order}")
        small.order_hook(order)
    await small.settle(1, 6)
    assert {small.state(order) for order in ORDERS} == {"in_step"}
    return small


async def go_on(small: Small, minutes: int) -> None:
    for _ in range(minutes * 2):
        small.clock.advance(30)
        await small.step(2)


async def away_for_an_hour(small: Small, cancelled: list[str]) -> None:
    """People cancel, start and dispatch meanwhile; every message about it is lost."""
    small.storefront.down = small.mis.down = AWAY
    await go_on(small, 20)
    for order in cancelled:
        small.storefront.cancel_by_hand(order)
    small.mis.cancel_by_hand(job("10011"))
    small.mis.cancel_by_hand(job("10012"))
    await go_on(small, 20)
    small.mis.change(job("10013"), status=DISPATCHED, tracking=frozenset({"1Z13"}))
    small.mis.change(job("10014"), status=STARTED)
    small.storefront.cancel_by_hand("10014")
    small.mis.change(job("10015"), status=DISPATCHED)
    small.storefront.cancel_by_hand("10015")
    await go_on(small, 20)


def cancelled_in_mis(small: Small, order: str) -> bool:
    status = small.mis.items[job(order)].status
    return isinstance(status, Facts) and status.intent is Intent.CANCELLED


def test_after_an_hour_everything_catches_up_and_no_write_is_doubled() -> None:
    async def story() -> None:
        small = await open_shop(brake_burst=10)
        before = ["10001", "10002", "10003"]
        await away_for_an_hour(small, before)
        assert (small.mis.writes, small.storefront.writes) == ([], []), "written while nobody could read"
        assert small.tasks(TaskKind.CANNOT_READ), "nobody was told"
        assert not small.tasks(TaskKind.GONE), "away is not gone"
        small.storefront.down = small.mis.down = ""
        await go_on(small, 30)
        assert sorted(small.mis.writes) == [job(order) for order in before]
        assert sorted((what, order) for what, order, _ in small.storefront.writes) == [
            ("cancel", "10011"),
            ("cancel", "10012"),
            ("ship", "10013"),
        ]
        assert all(cancelled_in_mis(small, order) for order in before)
        assert not cancelled_in_mis(small, "10014")
        needing = {order for order in ORDERS if small.state(order) == "needs_person"}
        assert needing == {"10014", "10015"}
        assert {small.state(order) for order in ORDERS if order not in needing} == {"in_step"}
        still_open = sorted(task.kind for task in small.tasks() if task.state == "open")
        assert still_open == [TaskKind.CANCELLED_BUT_MADE, TaskKind.PAST_CUT_OFF]

    run(story())


def test_writes_that_the_outage_cut_off_are_looked_at_and_only_the_one_without_effect_is_repeated() -> None:
    async def story() -> None:
        small = await open_shop(brake_burst=10)
        small.mis.answers.script = [(Outcome.UNKNOWN, True), (Outcome.UNKNOWN, False)]
        for order in ("10001", "10002"):
            small.storefront.cancel_by_hand(order)
            small.order_hook(order)
            await small.step()
        assert small.mis.writes == [job("10001"), job("10002")]
        small.storefront.down = small.mis.down = AWAY
        await go_on(small, 60)
        assert small.mis.writes == [job("10001"), job("10002")]
        small.storefront.down = small.mis.down = ""
        await go_on(small, 30)
        assert small.mis.writes == [job("10001"), job("10002"), job("10002")]
        assert {small.state(order) for order in ORDERS} == {"in_step"}
        assert [task for task in small.tasks() if task.state == "open"] == []

    run(story())


def test_more_cancels_than_usual_after_an_outage_wait_for_a_person() -> None:
    """An hour's cancels arrive at one moment, which looks like a mass cancel: a person decides."""

    async def story() -> None:
        small = await open_shop(brake_burst=3)
        many = ORDERS[:6]
        await away_for_an_hour(small, many)
        small.storefront.down = small.mis.down = ""
        await go_on(small, 30)
        assert len(small.mis.writes) <= 3
        assert small.task(TaskKind.BRAKE).state == "open"
        held = [order for order in many if not cancelled_in_mis(small, order)]
        assert len(held) >= 3
        assert sorted(small.mis.writes) == sorted(job(order) for order in many if order not in held)

    run(story())


def test_without_listings_it_catches_up_within_the_slowest_interval() -> None:
    async def story() -> None:
        small = await open_shop(brake_burst=10)
        small.storefront.down = small.mis.down = AWAY
        small.storefront.lists = small.mis.lists = False
        small.storefront.cancel_by_hand("10001")
        await go_on(small, 60)
        assert small.mis.writes == []
        small.storefront.down = small.mis.down = ""
        await go_on(small, 11)
        assert small.mis.writes == [job("10001")]

    run(story())
