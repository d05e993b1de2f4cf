"""Two storefronts on one MIS: each numbers its orders for itself, so a number alone links nothing."""

from __future__ import annotations

import asyncio

from bridge_fakes import NEVER, PARSERS, START, Small, run
from msgspec.structs import replace

from countermand.bridge import people
from countermand.bridge.adoption import unknown
from countermand.bridge.bridge import Bridge
from countermand.bridge.case import Case
from countermand.core.tasks import TaskKind
from countermand.ledger.connections import remember_connection

OTHER = "other-shop"


class TwoShops(Small):
    """`Small` is one storefront; the other shares its MIS, its ledger and its clock."""

    def __init__(self) -> None:
        super().__init__()
        self.writer.write(lambda database: remember_connection(database, OTHER, START, START))
        second = Small(engine=self.engine)
        self.other_storefront = second.storefront
        self.other_storefront._clock = self.clock
        self.connection = replace(self.connection, siblings={OTHER: self.other_storefront})
        self.bridge = Bridge(self.connection, self.store, PARSERS, self.clock)
        connection = replace(
            self.connection, name=OTHER, storefront=self.other_storefront,
            siblings={self.connection.name: self.storefront}, polling=NEVER,
        )  # fmt: skip
        self.other = Bridge(connection, self.store, PARSERS, self.clock)

    async def other_sees(self, order_id: str) -> Case:
        await self.other._converger.converge([unknown(order_id, self.clock())])
        return (await self.store.load(OTHER, [order_id]))[order_id].case


def test_an_order_of_the_same_number_elsewhere_makes_every_job_doubtful() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.place("10001")
        await shops.other_sees("10001")
        shops.storefront.place("10001")
        shops.mis.make("J1", customer_reference="10001", external_reference="s1")
        shops.order_hook("10001")
        await shops.settle()
        case = await shops.case("10001")
        assert [line.links for line in case.lines] == [()]
        assert [task.kind for task in case.tasks] == [TaskKind.AMBIGUOUS_LINK]

    run(story())


def test_a_job_linked_before_the_other_order_appeared_is_never_cancelled_by_itself() -> None:
    async def story() -> None:
        shops = TwoShops()
        await shops.in_production("10001", "s1")
        shops.other_storefront.place("10001")
        await shops.other_sees("10001")
        shops.storefront.cancel_by_hand("10001")
        shops.order_hook("10001")
        await shops.settle()
        case = await shops.case("10001")
        assert shops.mis.writes == []
        assert [task.kind for task in case.tasks] == [TaskKind.SHARED_JOB]

    run(story())


def test_what_a_person_linked_is_sure() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.place("10001")
        await shops.other_sees("10001")
        shops.storefront.place("10001")
        item = shops.mis.make("J1", customer_reference="10001", external_reference="s1")
        shops.order_hook("10001")
        await shops.settle()
        line_id = (await shops.case("10001")).lines[0].line_id
        await shops.deed("10001", people.link_item(line_id, item, "Priya Shah", shops.clock()))
        await shops.settle()
        shops.storefront.cancel_by_hand("10001")
        shops.order_hook("10001")
        await shops.settle()
        assert shops.mis.writes == ["J1"]

    run(story())


async def cancelled(shops: TwoShops, order_id: str) -> Case:
    shops.storefront.cancel_by_hand(order_id)
    shops.order_hook(order_id)
    await shops.settle()
    return await shops.case(order_id)


def test_a_job_of_the_other_shop_is_not_taken_although_its_order_is_not_known_yet() -> None:
    """Its message is late: the other storefront itself says that it has an order of that number."""

    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.place("10001")
        shops.storefront.place("10001")
        shops.mis.make("J1", customer_reference="10001")
        shops.order_hook("10001")
        await shops.settle()
        case = await cancelled(shops, "10001")
        assert (shops.mis.writes, [line.links for line in case.lines]) == ([], [()])
        assert [task.kind for task in case.tasks] == [TaskKind.AMBIGUOUS_LINK]
        assert case.doubts[0].reasons[-1] == f"against: {OTHER} has an order of the same number"

    run(story())


def test_a_job_that_names_a_line_of_the_other_shop_is_not_taken() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.place("777", "s1")
        shops.storefront.place("10001", "s1")
        shops.mis.make("J1", customer_reference="777", external_reference="s1")
        shops.order_hook("10001")
        await shops.settle()
        await cancelled(shops, "10001")
        assert shops.mis.writes == []

    run(story())


#: As long as another storefront is left alone that could not be read.
A_MINUTE = 60


def test_while_the_other_storefront_cannot_be_read_nobody_knows_whose_a_job_is() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.storefront.place("10001")
        shops.mis.make("J1", customer_reference="10001", external_reference="s10001")
        shops.other_storefront.down = "HTTP 503"
        shops.order_hook("10001")
        await shops.settle()
        assert [line.links for line in (await cancelled(shops, "10001")).lines] == [()]
        shops.clock.advance(shops.connection.policy.unreadable_after.total_seconds())
        await shops.settle()
        assert [task.kind for task in (await shops.case("10001")).tasks] == [TaskKind.AMBIGUOUS_LINK]
        shops.other_storefront.down = ""
        shops.clock.advance(A_MINUTE)
        shops.job_hook("J1")
        await shops.settle()
        case = await shops.case("10001")
        assert [link.ref for link in case.lines[0].links] == ["J1"]
        assert TaskKind.AMBIGUOUS_LINK not in {task.kind for task in case.tasks}

    run(story())


def test_while_the_other_storefront_is_down_orders_wait_and_nobody_is_asked_about_each() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.down = "HTTP 503"
        for number in range(10001, 10031):
            shops.storefront.place(str(number))
            shops.mis.make(f"J{number}", customer_reference=str(number))
            shops.order_hook(str(number))
        await shops.settle()
        assert shops.tasks() == []
        assert shops.other_storefront.calls["read"] == 1
        shops.other_storefront.down = ""
        shops.clock.advance(A_MINUTE)
        shops.job_hook("J10001")
        await shops.settle()
        assert [link.ref for link in (await shops.case("10001")).lines[0].links] == ["J10001"]

    run(story())


def test_a_clock_set_back_does_not_keep_the_other_storefront_from_being_asked() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.down = "HTTP 503"
        shops.storefront.place("10001")
        shops.mis.make("J10001", customer_reference="10001")
        shops.order_hook("10001")
        await shops.settle()
        shops.other_storefront.down = ""
        shops.clock.advance(-3600)
        shops.job_hook("J10001")
        await shops.settle()
        assert [link.ref for link in (await shops.case("10001")).lines[0].links] == ["J10001"]

    run(story())


def test_a_job_that_is_late_and_may_be_the_other_shops_is_asked_about() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.storefront.place("10001")
        shops.mis.make("J1", customer_reference="10001")
        shops.other_storefront.down = "HTTP 503"
        shops.order_hook("10001")
        await shops.settle()
        assert shops.tasks() == []
        shops.clock.advance(shops.connection.policy.not_in_production_after.total_seconds())
        shops.job_hook("J1")
        await shops.settle()
        case = await shops.case("10001")
        assert TaskKind.AMBIGUOUS_LINK in {task.kind for task in case.tasks}
        why = f"against: {OTHER} cannot be read, and may have an order of the same number"
        assert case.doubts[0].reasons[-1] == why

    run(story())


def test_a_line_that_the_other_storefront_cannot_be_asked_for_links_nothing() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.place("777", "s1")
        shops.other_storefront.finds_no_lines = "HTTP 401"
        shops.storefront.place("10001", "s1")
        shops.mis.make("J1", customer_reference="777", external_reference="s1")
        shops.order_hook("10001")
        await shops.settle()
        await cancelled(shops, "10001")
        assert shops.mis.writes == []

    run(story())


def test_an_order_costs_one_read_in_the_other_storefront_once() -> None:
    async def story() -> None:
        shops = TwoShops()
        await shops.in_production("10001")
        shops.other_storefront.calls.clear()
        await cancelled(shops, "10001")
        assert shops.other_storefront.calls == {}
        shops.storefront.place("10002")
        shops.mis.make("J2", customer_reference="10002")
        shops.order_hook("10002")
        await shops.settle()
        assert shops.other_storefront.calls == {"read": 1}

    run(story())


def test_that_the_other_shop_removed_its_newest_order_holds_nothing_up() -> None:
    """Its orders have rested for so long that nobody reads them any more."""

    async def story() -> None:
        shops = TwoShops()
        for number in ("777", "778"):
            shops.other_storefront.place(number)
            await shops.other_sees(number)
        del shops.other_storefront.orders["778"]
        shops.storefront.place("10001")
        shops.mis.make("J1", customer_reference="10001")
        shops.order_hook("10001")
        await shops.settle()
        assert [link.ref for link in (await shops.case("10001")).lines[0].links] == ["J1"]

    run(story())


def test_whose_a_job_is_that_is_told_by_its_quote_needs_nobody_to_be_asked() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.storefront.place("10001").lines[0].quote_id = "Q1"
        shops.mis.make("J1", quote_no="Q1")
        shops.order_hook("10001")
        await shops.settle()
        assert [link.ref for link in (await shops.case("10001")).lines[0].links] == ["J1"]
        assert shops.other_storefront.calls["read"] == 0

    run(story())


def test_two_shops_that_find_the_same_job_at_the_same_moment_both_leave_it() -> None:
    async def story() -> None:
        shops = TwoShops()
        shops.storefront.place("10001")
        shops.other_storefront.place("10001")
        shops.mis.make("J1", customer_reference="10001")
        shops.order_hook("10001")
        await asyncio.gather(shops.step(), shops.other_sees("10001"))
        own, others = await shops.case("10001"), (await shops.store.load(OTHER, ["10001"]))["10001"].case
        assert [line.links for line in (*own.lines, *others.lines)] == [(), ()]

    run(story())


def test_while_the_other_storefront_finds_nothing_any_more_nobody_knows_whose_a_job_is() -> None:
    """A gateway that answers "no such order" to everything says nothing about this one."""

    async def story() -> None:
        shops = TwoShops()
        shops.other_storefront.place("777")
        await shops.other_sees("777")
        orders = dict(shops.other_storefront.orders)
        shops.other_storefront.orders.clear()
        shops.storefront.place("10001")
        shops.mis.make("J1", customer_reference="10001", external_reference="s10001")
        shops.order_hook("10001")
        await shops.settle()
        assert (await shops.case("10001")).lines[0].links == ()
        shops.other_storefront.orders |= orders
        shops.clock.advance(A_MINUTE)
        shops.job_hook("J1")
        await shops.settle()
        assert [link.ref for link in (await shops.case("10001")).lines[0].links] == ["J1"]

    run(story())
