"""A system that finds nothing any more (a gateway's 404 to everything, an empty list) has lost nothing."""

from __future__ import annotations

from datetime import timedelta

from bridge_fakes import AT_ONCE, NEVER, Small, run
from msgspec.structs import replace

from countermand.bridge.connection import Polling
from countermand.bridge.ports import LineKind, MisItemKind
from countermand.core.policy import Mode, Policy
from countermand.core.tasks import TaskKind

ORDERS = ["10001", "10002", "10003"]
POLLING = Polling(interval=timedelta(minutes=1), slowest=timedelta(minutes=5))
BY_HAND = replace(AT_ONCE, cancel_to_mis=Mode.MANUAL)


async def shop(policy: Policy = AT_ONCE, polling: Polling = POLLING) -> Small:
    small = Small(policy, polling)
    for order_id in ORDERS:
        await small.in_production(order_id)
    return small


async def go_on(small: Small, minutes: int) -> None:
    for _ in range(minutes * 2):
        small.clock.advance(30)
        await small.step(2)


def lose_jobs(small: Small, *refs: str) -> None:
    for ref in refs or tuple(small.mis.items):
        del small.mis.items[ref], small.mis.changed_at[ref]


def open_kinds(small: Small) -> set[TaskKind]:
    return {task.kind for task in small.tasks() if task.state == "open"}


def test_a_mis_that_finds_no_job_at_all_cannot_be_read_and_nothing_is_closed() -> None:
    async def story() -> None:
        small = await shop(BY_HAND)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        items, changed_at = dict(small.mis.items), dict(small.mis.changed_at)
        lose_jobs(small)
        await go_on(small, 60)
        assert {small.state(order) for order in ORDERS} == {"needs_person"}
        assert open_kinds(small) == {TaskKind.CANNOT_READ}
        assert not small.tasks(TaskKind.GONE)
        assert "verified" not in {task.closed_how for task in small.tasks()}
        small.mis.items, small.mis.changed_at = items, changed_at
        await go_on(small, 10)
        assert open_kinds(small) == {TaskKind.CANCEL_IN_MIS}
        assert (small.state("10001"), small.state("10002")) == ("needs_person", "in_step")
        assert (small.mis.writes, small.storefront.writes) == ([], [])

    run(story())


def test_a_storefront_that_finds_no_order_at_all_cannot_be_read_and_one_task_says_so() -> None:
    async def story() -> None:
        small = await shop()
        orders = dict(small.storefront.orders)
        small.storefront.orders.clear()
        await go_on(small, 60)
        assert not small.tasks(TaskKind.GONE)
        task = small.task(TaskKind.CANNOT_READ)
        assert small.orders_of_task(task.id) == set(ORDERS)
        assert (small.mis.writes, small.storefront.writes) == ([], [])
        small.storefront.orders = orders
        await go_on(small, 10)
        assert {small.state(order) for order in ORDERS} == {"in_step"}
        assert open_kinds(small) == set()

    run(story())


def test_one_order_at_a_time_is_not_believed_to_be_gone_either() -> None:
    async def story() -> None:
        small = await shop()
        small.storefront.orders.clear()
        small.order_hook("10002")
        await small.settle()
        assert await small.rules("10002") == {"unreadable"}
        reading = (await small.case("10002")).lines[0].storefront
        assert "finds nothing any more" in reading.unreadable_reason
        assert {"10001", "10003"} <= set(reading.unreadable_reason.replace(",", "").split())

    run(story())


def test_what_is_missing_beside_others_that_are_found_is_gone_at_the_cost_of_one_call() -> None:
    async def story() -> None:
        small = await shop(polling=NEVER)
        del small.storefront.orders["10001"]
        small.storefront.calls.clear()
        small.order_hook("10001")
        await small.step()
        assert small.storefront.calls["read"] == 2
        await go_on(small, 3)
        assert small.task(TaskKind.GONE).state == "open"
        lose_jobs(small, "J10002-01")
        small.job_hook("J10002-01")
        await go_on(small, 3)
        assert {order for task in small.tasks(TaskKind.GONE) for order in small.orders_of_task(task.id)} == {
            "10001",
            "10002",
        }

    run(story())


def test_sales_orders_of_which_none_is_found_are_not_gone_because_jobs_are_found() -> None:
    async def story() -> None:
        small = await shop()
        for order_id in ("20001", "20002"):
            small.storefront.place(order_id, f"s{order_id}", f"m{order_id}")
            small.storefront.orders[order_id].lines[1].kind = LineKind.STOCK
            small.mis.make(f"J{order_id}-01", external_reference=f"s{order_id}")
            small.mis.make(
                f"S{order_id}", kind=MisItemKind.SALES_ORDER, customer_reference=order_id,
                notes=f"{order_id}/m{order_id}",
            )  # fmt: skip
            small.order_hook(order_id)
            await small.settle()
            assert len((await small.case(order_id)).items) == 2
        lose_jobs(small, "S20001", "S20002")
        small.job_hook("S20001")
        await small.settle()
        assert await small.rules("20001") == {"both-open", "unreadable"}

    run(story())


def test_a_review_of_what_differs_at_first_sight_outlives_an_order_that_is_missing_for_a_while() -> None:
    """Found nowhere, it was closed as agreed on; when it was back, its cancel was written unreviewed."""

    async def story() -> None:
        small = Small(AT_ONCE, POLLING)
        small.storefront.place("10001").placed_at -= timedelta(days=10)
        small.mis.make("J1", customer_reference="10001", external_reference="s10001")
        small.mis.cancel_by_hand("J1")
        small.order_hook("10001")
        await small.settle()
        assert open_kinds(small) == {TaskKind.IMPORT_REVIEW}
        order = small.storefront.orders.pop("10001")
        small.order_hook("10001")
        await go_on(small, 10)
        assert small.state() == "closed"
        small.storefront.orders["10001"] = order
        small.order_hook("10001")
        await go_on(small, 30)
        assert small.storefront.writes == []
        assert open_kinds(small) == {TaskKind.IMPORT_REVIEW}

    run(story())


def test_a_task_that_ends_because_a_job_is_gone_is_not_called_verified() -> None:
    async def story() -> None:
        small = await shop(BY_HAND)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        lose_jobs(small, "J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        assert small.task(TaskKind.CANCEL_IN_MIS).state == "open", "one answer closes nothing"
        await go_on(small, 3)
        assert small.state() == "closed"
        assert small.task(TaskKind.CANCEL_IN_MIS).closed_how == "moot"

    run(story())
