"""Two storefronts on one MIS: each numbers its orders for itself, so a number alone links nothing."""

from __future__ import annotations

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
        self.connection = replace(self.connection, siblings=(OTHER,))
        self.bridge = Bridge(self.connection, self.store, PARSERS, self.clock)
        self.writer.write(lambda database: remember_connection(database, OTHER, START, START))
        second = Small(engine=self.engine)
        self.other_storefront = second.storefront
        self.other_storefront._clock = self.clock
        connection = replace(
            self.connection, name=OTHER, storefront=self.other_storefront, siblings=(self.connection.name,),
            polling=NEVER,
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
