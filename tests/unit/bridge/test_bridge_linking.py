"""Which job makes which line: every key, every doubt, and what a person said about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from bridge_fakes import AT_ONCE, START, STARTED, Small, run

from countermand.bridge import people
from countermand.bridge.adoption import unknown
from countermand.bridge.case import Case, CaseLine, Link, first_seen
from countermand.bridge.connection import Polling
from countermand.bridge.linking import KEY_SCORES, Candidate, match
from countermand.bridge.ports import LineKind, MisItem, MisItemKind
from countermand.bridge.store import StoredCase
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.core.status import OPEN, Facts, Intent, Progress, Side
from countermand.core.tasks import TaskKind

CANCELLED = Facts(Intent.CANCELLED, Progress.NONE)


def line(line_id: str, *linked: str, **fields: Any) -> CaseLine:
    links = tuple(Link(ref=ref, key="line id", by="countermand", at=START) for ref in linked)
    given: dict[str, Any] = {"quantity": 250, "kind": LineKind.PRINT} | fields
    return CaseLine(line_id=line_id, storefront=first_seen(OPEN, START, START), links=links, **given)


def case(*lines: CaseLine, **fields: Any) -> Case:
    return Case(
        order_id="10001",
        first_seen_at=START,
        storefront_read_at=START,
        mis_read_at=START,
        lines=lines,
        **fields,
    )


def job(ref: str = "J1", kind: MisItemKind = MisItemKind.JOB, **fields: Any) -> MisItem:
    given: dict[str, Any] = {"quantity": 250} | fields
    return MisItem(ref=ref, kind=kind, began_at=START, status=OPEN, **given)


def made(candidates: Sequence[Candidate]) -> list[tuple[str, str, str]]:
    return [(each.item.ref, each.line_id, each.key) for each in candidates]


@pytest.mark.parametrize(
    ("lines", "item", "key"),
    [
        ((line("s1"), line("s2")), job(external_reference="s2"), "line id"),
        ((line("s1"), line("s2", "SO7")), job("SO7-001"), "split of a linked one"),
        ((line("s1"), line("s2")), job(notes="Order 10001, line s2, urgent"), "order and line in the notes"),
        ((line("s1", quote_id="Q1"), line("s2", quote_id="Q2")), job(quote_no="Q2"), "quote"),
        ((line("s2"),), job(customer_reference="10001", quantity=99), "order id, only line left"),
        ((line("s2"),), job(notes="10001"), "order id, only line left"),
        (
            (line("s1", quantity=100), line("s2")),
            job(customer_reference="10001"),
            "order id, same quantity",
        ),
    ],
)
def test_each_certain_key_links_by_itself(lines: tuple[CaseLine, ...], item: MisItem, key: str) -> None:
    found = match(case(*lines), [item])
    assert made(found.links) == [(item.ref, "s2", key)]
    assert found.doubtful == ()
    assert found.links[0].score == KEY_SCORES[key]
    assert all(found.links[0].reasons)


def test_two_jobs_that_fit_the_one_line_left_are_a_doubt_both() -> None:
    """Seed 3730: of two lines of one quantity one was linked by hand; the copy of its job took the other."""
    copy, own = job("J1-1", customer_reference="10001"), job("J2", customer_reference="10001")
    found = match(case(line("s1", "J1"), line("s2")), [own, copy])
    assert found.links == ()
    assert not any(each.certain for each in found.doubtful)
    of_line = {each.item.ref: each.reasons for each in found.doubtful if each.line_id == "s2"}
    assert "against: J1-1 fits as well" in of_line["J2"]
    assert "against: J2 fits as well" in of_line["J1-1"]
    third = job("J3", customer_reference="10001")
    of_three = match(case(line("s1", "J1"), line("s2")), [own, copy, third]).doubtful
    assert "against: J1-1, J2 fit as well" in next(each for each in of_three if each.item.ref == "J3").reasons
    assert made(match(case(line("s1", "J1"), line("s2")), [own]).links) == [
        ("J2", "s2", "order id, same quantity")
    ]


def test_of_two_jobs_for_the_one_line_left_either_may_make_the_line_that_has_one() -> None:
    """Seed 4375: the copy's own line was not offered, and looked as if all of its jobs were known."""
    copy, own = job("J1-1", customer_reference="10001"), job("J2", customer_reference="10001")
    found = match(case(line("s1", "J1"), line("s2"), not_links=("s1 J2",)), [own, copy]).doubtful
    assert [(each.item.ref, each.line_id) for each in found] == [("J1-1", "s2"), ("J1-1", "s1"), ("J2", "s2")]
    assert "against: the line already has J1" in found[1].reasons


def test_a_job_that_a_person_has_ruled_out_leaves_the_line_to_the_other() -> None:
    copy, own = job("J1-1", customer_reference="10001"), job("J2", customer_reference="10001")
    found = match(case(line("s1", "J1"), line("s2"), not_links=("s2 J1-1",)), [own, copy])
    assert made(found.links) == [("J2", "s2", "order id, same quantity")]


def test_a_job_of_another_order_is_no_rival() -> None:
    copy, own = job("J1-1", customer_reference="10001"), job("J2", customer_reference="10001")
    found = match(case(line("s1", "J1"), line("s2")), [own, copy], taken={"J1-1"})
    assert made(found.links) == [("J2", "s2", "order id, same quantity")]
    assert {each.item.ref for each in found.doubtful} == {"J1-1"}


def test_a_key_that_names_the_line_comes_before_what_is_left() -> None:
    """Whatever the numbers of the jobs: the line that J9 names is not left for J1."""
    items = [job("J1", customer_reference="10001"), job("J9", external_reference="s1")]
    found = match(case(line("s1"), line("s2")), items)
    assert made(found.links) == [("J9", "s1", "line id"), ("J1", "s2", "order id, same quantity")]


@pytest.mark.parametrize(
    ("lines", "item", "key"),
    [
        ((line("s1"), line("s2")), job(customer_reference="10001"), "order id"),
        ((line("s1", "J0"), line("s2", "J9")), job(customer_reference="10001"), "order id"),
        ((line("s1"),), job(customer_reference="PO-7"), "PO number"),
    ],
)
def test_a_key_that_only_points_is_a_doubt(lines: tuple[CaseLine, ...], item: MisItem, key: str) -> None:
    found = match(case(*lines, po_number="PO-7"), [item])
    assert found.links == ()
    assert {each.key for each in found.doubtful} == {key}
    assert {each.line_id for each in found.doubtful} == {each.line_id for each in lines}


@pytest.mark.parametrize(
    ("item", "against"),
    [
        # A shop may hand over PO numbers in the same field, and a customer may call an order 10001.
        (
            job(customer_reference="10001", external_reference="s9"),
            "against: External Job Reference is s9",
        ),
        (
            job(customer_reference="10050", notes="as order 10001, please"),
            "against: Customer Reference is 10050",
        ),
    ],
)
def test_an_item_that_names_the_order_and_something_else_is_never_linked_by_itself(
    item: MisItem, against: str
) -> None:
    found = match(case(line("s1")), [item])
    assert found.links == ()
    (doubt,) = found.doubtful
    assert against in doubt.reasons
    assert match(case(line("s1"), po_number="PO-7"), [item]) == found
    assert match(case(line("s1"), po_number="PO-7"), [item], taken={"J1"}).doubtful == found.doubtful


def test_where_the_po_number_is_not_known_another_text_may_be_it() -> None:
    item = job(customer_reference="PO-7", notes="10001")
    assert made(match(case(line("s1")), [item]).links) == [("J1", "s1", "order id, only line left")]
    assert match(case(line("s1"), po_number="PO-8"), [item]).links == ()


@pytest.mark.parametrize(
    "item",
    [
        job(customer_reference="10001", external_reference="10001-1"),
        job(customer_reference="PO-7", notes="10001"),
        job(notes="10001"),
    ],
)
def test_what_contradicts_nothing_links_the_only_line(item: MisItem) -> None:
    found = match(case(line("s1"), po_number="PO-7"), [item])
    assert made(found.links) == [("J1", "s1", "order id, only line left")]


@pytest.mark.parametrize(
    "item",
    [
        job(customer_reference="10002", external_reference="s9"),
        job(customer_reference="100010"),
        job(notes="order 10001-2 for the fair"),
        job(customer_reference="PO-7", external_reference="s9"),
        job(quote_no="Q9"),
        job("SO7-1"),
        job("SO7-0011"),
        job(),
    ],
)
def test_what_names_something_else_is_not_even_a_doubt(item: MisItem) -> None:
    found = match(case(line("s1", "SO7"), line("s2"), po_number="PO-7"), [item])
    assert (found.links, found.doubtful) == ((), ())


@pytest.mark.parametrize(
    "named",
    [
        {"customer_reference": "10001"},
        {"external_reference": "s1"},
        {"notes": "10001/s1"},
        {"quote_no": "Q1"},
    ],
)
def test_a_job_that_was_there_before_the_order_is_only_a_doubt(named: dict[str, Any]) -> None:
    """Its number was used before: last year, by another system, or as a customer's own number."""
    of = case(line("s1", quote_id="Q1"), placed_at=START)
    old, young = START - timedelta(days=700), START - timedelta(hours=23)
    assert made(match(of, [job(changed_at=young, **named)]).links)
    found = match(of, [job(changed_at=old, **named)])
    assert (found.links, made(found.doubtful)) == ((), [("J1", "s1", "older than the order")])
    assert found.doubtful[0].reasons[-1] == (
        "against: last changed on 2024-12-23, before the order was placed"
    )
    with_own = match(of, [job(changed_at=old, **named), job("J2", changed_at=START, **named)])
    assert [(ref, line_id) for ref, line_id, _ in made(with_own.links)] == [("J2", "s1")]


def test_a_dispatch_of_years_ago_under_the_same_number_ships_nothing_today() -> None:
    async def story() -> None:
        small = Small(AT_ONCE)
        small.mis.make("J1", customer_reference="10001", status=Facts(Intent.OPEN, Progress.DISPATCHED))
        small.mis.changed_at["J1"] -= timedelta(days=700)
        small.storefront.place("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.storefront.writes == []
        assert small.task(TaskKind.AMBIGUOUS_LINK).state == "open"
        small.mis.make("J2", customer_reference="10001", external_reference="s10001")
        small.job_hook("J2")
        await small.settle()
        assert [link.ref for link in (await small.case()).lines[0].links] == ["J2"]
        assert small.task(TaskKind.AMBIGUOUS_LINK).state == "closed"

    run(story())


def test_an_order_without_a_po_number_is_not_matched_by_empty_references() -> None:
    found = match(case(line("s1", quote_id="")), [job(customer_reference="", quote_no="")])
    assert (found.links, found.doubtful) == ((), ())


def test_a_quote_that_two_lines_share_does_not_decide() -> None:
    lines = (line("s1", quote_id="Q1"), line("s2", quote_id="Q1"))
    assert match(case(*lines), [job(quote_no="Q1")]).links == ()


def test_a_job_of_the_same_quote_that_names_another_orders_line_is_only_a_doubt() -> None:
    """A quote that is accepted again makes a further job: that of a later order."""
    of = case(line("s1", quote_id="Q1"))
    own = job("J1", quote_no="Q1", external_reference="s1", customer_reference="10001")
    again = job("J2", quote_no="Q1", external_reference="s9", customer_reference="10002")
    found = match(of, [own, again])
    assert made(found.links) == [("J1", "s1", "line id")]
    assert [each.reasons[-1] for each in found.doubtful] == ["against: External Job Reference is s9"]
    assert made(match(of, [job("J3", quote_no="Q1", external_reference="sheet 7")]).links) == [
        ("J3", "s1", "quote")
    ]


def test_a_job_that_names_one_line_and_has_the_quote_of_another_makes_the_one_that_it_names() -> None:
    of = case(line("s1", quote_id="Q1"), line("s2", quote_id="Q2"))
    found = match(of, [job(quote_no="Q1", external_reference="s2")])
    assert made(found.links) == [("J1", "s2", "line id")]


def test_a_stock_line_is_made_by_a_sales_order_and_a_print_line_by_a_job() -> None:
    lines = (line("s1"), line("s2", kind=LineKind.STOCK))
    items = [
        job("J1", customer_reference="10001"),
        job("SO1", MisItemKind.SALES_ORDER, customer_reference="10001"),
    ]
    assert made(match(case(*lines), items).links) == [
        ("J1", "s1", "order id, only line left"),
        ("SO1", "s2", "order id, only line left"),
    ]


def test_doubts_say_what_speaks_for_and_against() -> None:
    lines = (line("s1", "J0"), line("s2", quantity=500))
    found = match(case(*lines), [job(customer_reference="10001", quantity=100)])
    for_s1, for_s2 = (each.reasons for each in found.doubtful)
    assert "against: the line already has J0" in for_s1
    assert "against: quantity 100, the line has 500" in for_s2
    assert "10001" in for_s1[0]


def test_an_item_that_makes_another_order_is_never_taken_silently() -> None:
    found = match(case(line("s1")), [job(external_reference="s1")], taken={"J1"})
    assert found.links == ()
    assert made(found.doubtful) == [("J1", "s1", "line id")]
    po = match(case(line("s1"), po_number="PO-7"), [job(customer_reference="PO-7")], taken={"J1"})
    assert (po.links, po.doubtful) == ((), ()), "a PO number is shared by many orders"


def test_what_a_person_ruled_out_is_not_proposed_again() -> None:
    told = case(line("s1"), not_links=("s1 J1",))
    found = match(told, [job(external_reference="s1")])
    assert (found.links, found.doubtful) == ((), ())


def test_two_jobs_may_make_one_line() -> None:
    items = [job("J1", external_reference="s1"), job("J2", external_reference="s1")]
    assert [ref for ref, _, _ in made(match(case(line("s1")), items).links)] == ["J1", "J2"]


def test_two_jobs_that_only_name_the_order_do_not_both_take_its_only_line() -> None:
    """Nothing says that the second belongs to the line, not even its quantity."""
    items = [job("J1", customer_reference="10001"), job("J2", customer_reference="10001", quantity=9)]
    found = match(case(line("s1")), items)
    assert [ref for ref, _, _ in made(found.links)] in ([], ["J1"])
    assert "J2" in {each.item.ref for each in found.doubtful}


def test_the_same_items_in_another_order_give_the_same_links() -> None:
    lines = (line("s1"), line("s2", quantity=100))
    items = [job("J1", external_reference="s1"), job("J2", customer_reference="10001", quantity=100)]
    assert match(case(*lines), items) == match(case(*lines), items[::-1])


# In the loop


def test_a_link_is_journalled_with_its_reason() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        ((subject, _, body),) = small.events(Event.LINE_LINKED)
        assert subject == "order/10001/line/s10001"
        assert "External Job Reference is the line s10001" in body

    run(story())


def test_an_ambiguous_match_is_one_task_and_a_person_decides() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.place("10001", "s1", po_number="PO-7")
        for ref in ("J1", "J2"):
            small.mis.make(ref, customer_reference="PO-7")
        small.order_hook("10001")
        await small.settle()
        task = small.task(TaskKind.AMBIGUOUS_LINK)
        assert task.detail == "J1, J2"
        assert small.state() == "needs_person"
        item = small.mis.items["J2"]
        await small.deed("10001", people.link_item("s1", item, "Priya Shah", small.clock()))
        await small.settle()
        assert small.task(TaskKind.AMBIGUOUS_LINK).state == "closed"
        small.clock.advance(60)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.mis.writes == ["J2"]

    run(story())


@pytest.mark.parametrize("search_works", [True, False])
def test_a_copy_that_is_heard_of_before_the_job_takes_no_line_by_itself(search_works: bool) -> None:
    """The message is about the copy alone; the search, which may fail just then, shows both that fit."""

    async def story() -> None:
        small = Small()
        small.storefront.place("10001", "s1", "s2")
        small.mis.make("J1", customer_reference="10001")
        small.order_hook("10001")
        await small.settle()
        item = small.mis.items["J1"]
        await small.deed("10001", people.link_item("s1", item, "Priya Shah", small.clock()))
        for ref in ("J1-1", "J2"):
            small.mis.make(ref, customer_reference="10001")
        small.mis.finds = search_works
        small.job_hook("J1-1")
        await small.settle()
        first, second = (await small.case()).lines
        assert [link.ref for link in first.links] == ["J1"]
        assert second.links == ()
        small.mis.finds = True
        small.order_hook("10001")
        small.job_hook("J1-1")
        await small.settle()
        first, second = (await small.case()).lines
        assert [link.ref for link in first.links] == ["J1"]
        assert second.links == ()
        assert small.tasks(TaskKind.AMBIGUOUS_LINK)[-1].detail == "J1-1, J2"

    run(story())


def test_a_job_stays_kept_until_its_link_is_stored() -> None:
    """A person changes its order at the moment in which it is linked, and the MIS cannot be searched."""

    async def story() -> None:
        small = Small()
        small.mis.finds = False
        small.mis.offers -= {"find"}
        small.storefront.place("10001", "s1", "s2")
        for ref in ("J1", "J2"):
            small.mis.make(ref, customer_reference="10001")
        await small.settle()
        assert small.task(TaskKind.AMBIGUOUS_LINK).detail == "J1, J2"
        item = small.mis.items["J1"]
        await small.deed("10001", people.link_item("s1", item, "Priya Shah", small.clock()))
        save = small.store.save

        async def after_a_person(*given: Any) -> dict[str, StoredCase]:
            small.store.save = save  # type: ignore[method-assign]
            await small.deed("10001", people.look_again("Priya Shah", small.clock()))
            return await save(*given)

        small.store.save = after_a_person  # type: ignore[assignment,method-assign]
        await small.settle()
        assert [link.ref for link in (await small.case()).lines[1].links] == ["J2"]

    run(story())


def test_a_cancelled_line_whose_job_may_be_known_waits_for_the_search() -> None:
    """The search fails while the listing goes well, which alone says nothing about the line's job."""

    async def story() -> None:
        small = Small(AT_ONCE, Polling(interval=timedelta(seconds=60), slowest=timedelta(hours=6)))
        small.mis.finds = False
        small.storefront.place("10001", "s1", "s2")
        small.storefront.orders["10001"].lines[1].quantity = 500
        small.mis.make("J1", customer_reference="10001", quantity=500)
        small.storefront.orders["10001"].lines[1].status = CANCELLED
        for _ in range(4):
            await small.settle()
            small.clock.advance(60)
        assert small.tasks(TaskKind.CANCELLED_UNSEEN) != []
        small.mis.finds = True
        small.clock.advance(1800)
        await small.settle()
        assert [link.ref for link in (await small.case()).lines[1].links] == ["J1"]

    run(story())


def test_where_nothing_can_be_searched_what_was_listed_is_all_there_is() -> None:
    async def story() -> None:
        small = Small(AT_ONCE, Polling(interval=timedelta(seconds=60), slowest=timedelta(hours=6)))
        small.mis.finds = False
        small.mis.offers -= {"find"}
        small.storefront.place("10001", "s1", "s2")
        small.storefront.orders["10001"].lines[1].quantity = 500
        small.mis.make("J1", customer_reference="10001", quantity=500)
        await small.settle()
        assert [link.ref for link in (await small.case()).lines[1].links] == ["J1"]

    run(story())


def test_what_a_job_showed_when_a_person_linked_it_is_in_the_journal() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.place("10001")
        small.order_hook("10001")
        await small.settle()
        item = small.mis.make("J7", status=STARTED)
        await small.deed("10001", people.link_item("s10001", item, "Priya Shah", small.clock()))
        seen = [body for _, _, body in small.events(Event.LINE_SIGHTED) if '"J7"' in body]
        assert len(seen) == 1
        assert '"open/started"' in seen[0]

    run(story())


def test_an_unlinked_job_is_never_linked_or_cancelled_again() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production()
        await small.deed("10001", people.unlink_item("s10001", "J10001-01", "Priya Shah", small.clock()))
        for _ in range(3):
            small.job_hook("J10001-01")
            small.order_hook("10001")
            await small.settle()
            small.clock.advance(60)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert (await small.case()).lines[0].links == ()
        assert small.mis.writes == []
        assert small.tasks(TaskKind.AMBIGUOUS_LINK) == []

    run(story())


def test_a_job_that_makes_two_orders_is_never_cancelled_by_one_of_them() -> None:
    """A person linked it to both: cancelling one order must not stop the other's goods."""

    async def story() -> None:
        small = Small()
        await small.in_production("10001")
        small.storefront.place("10002", "s2")
        small.order_hook("10002")
        await small.settle()
        item = small.mis.items["J10001-01"]
        await small.deed("10002", people.link_item("s2", item, "Priya Shah", small.clock()))
        await small.settle()
        small.clock.advance(60)
        for order_id in ("10001", "10002"):
            small.storefront.cancel_by_hand(order_id)
            small.order_hook(order_id)
            await small.settle()
            small.clock.advance(60)
        assert small.mis.writes == []
        assert len(small.tasks(TaskKind.SHARED_JOB)) == 2

    run(story())


def test_the_cancel_of_a_job_that_makes_two_orders_is_asked_about_in_each() -> None:
    """Whoever took one of them out by cancelling the whole job does not lose the other."""

    async def story() -> None:
        small = Small()
        await small.in_production("10001")
        small.storefront.place("10002", "s2")
        small.order_hook("10002")
        await small.settle()
        item = small.mis.items["J10001-01"]
        await small.deed("10002", people.link_item("s2", item, "Priya Shah", small.clock()))
        await small.settle()
        small.clock.advance(60)
        small.mis.cancel_by_hand("J10001-01")
        small.job_hook("J10001-01")
        await small.settle()
        assert small.storefront.writes == []
        assert {task.because for task in small.tasks(TaskKind.CANCEL_IN_STOREFRONT)} == {"of-others-too"}
        way, now = Direction.CANCEL_TO_STOREFRONT, small.clock()
        await small.deed("10001", people.approve(way, "Priya Shah", now, "only this one", ("s10001",)))
        await small.settle()
        assert small.storefront.writes == [("cancel", "10001", None)]
        assert {task.state for task in small.tasks(TaskKind.CANCEL_IN_STOREFRONT)} == {"closed", "open"}

    run(story())


def test_two_orders_of_one_quote_that_are_first_seen_together_do_not_both_take_its_job() -> None:
    """The cancel of one was written to the job, and came back as a cancel of the other."""

    async def story() -> None:
        small = Small(AT_ONCE)
        for order_id in ("10001", "10002"):
            small.storefront.place(order_id).lines[0].quote_id = "Q1"
            small.order_hook(order_id)
        small.mis.make("J1", quote_no="Q1")
        small.storefront.cancel_by_hand("10002")
        await small.settle()
        assert [link.ref for link in (await small.case("10001")).lines[0].links] == ["J1"]
        assert (await small.case("10002")).lines[0].links == ()
        assert (small.mis.writes, small.storefront.writes) == ([], [])
        assert small.orders_of_task(small.task(TaskKind.AMBIGUOUS_LINK).id) == {"10002"}

    run(story())


def test_a_job_that_came_to_make_another_order_right_before_the_write_is_not_cancelled() -> None:
    """A sweep, or another process, looks at the other order at the same moment."""

    async def story() -> None:
        small = Small(AT_ONCE)
        other = Small(AT_ONCE, engine=small.engine)
        other.use(small.connection)
        for order_id in ("10001", "10002"):
            small.storefront.place(order_id).lines[0].quote_id = "Q1"
        small.mis.make("J1", quote_no="Q1")
        small.storefront.cancel_by_hand("10001")
        save = small.store.save

        async def after_the_other(*given: Any) -> dict[str, StoredCase]:
            small.store.save = save  # type: ignore[method-assign]
            await other.bridge._converger.converge([unknown("10002", small.clock())])
            return await save(*given)

        small.store.save = after_the_other  # type: ignore[assignment,method-assign]
        await small.bridge._converger.converge([unknown("10001", small.clock())])
        assert small.mis.writes == []
        await small.settle()
        assert (small.mis.writes, small.storefront.writes) == ([], [])
        assert small.task(TaskKind.SHARED_JOB).state == "open"

    run(story())


def test_a_job_is_free_again_when_the_other_order_lost_it() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production("10001")
        small.storefront.place("10002", "s2")
        small.order_hook("10002")
        await small.settle()
        item = small.mis.items["J10001-01"]
        await small.deed("10002", people.link_item("s2", item, "Priya Shah", small.clock()))
        await small.settle()
        await small.deed("10002", people.unlink_item("s2", item.ref, "Priya Shah", small.clock()))
        small.clock.advance(60)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.mis.writes == ["J10001-01"]

    run(story())


def test_a_late_job_of_a_cancelled_order_is_cancelled() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.place("10001", "s1")
        small.order_hook("10001")
        await small.settle()
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert await small.rules() == {"cancelled-before-production"}
        small.clock.advance(60)
        small.mis.make("J1", external_reference="s1", customer_reference="10001")
        small.job_hook("J1")
        await small.settle()
        assert small.mis.writes == ["J1"]

    run(story())


def test_a_second_job_of_a_linked_line_is_linked_when_it_appears() -> None:
    """Both have to be cancelled then, not only the first."""

    async def story() -> None:
        small = Small()
        await small.in_production("10001", "s1")
        small.mis.make("J10001-02", external_reference="s1", customer_reference="10001")
        small.job_hook("J10001-02")
        await small.settle()
        small.clock.advance(60)
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.settle()
        assert small.mis.writes == ["J10001-01", "J10001-02"]
        assert await small.rules() == {"both-cancelled"}

    run(story())


def test_linking_a_started_job_is_no_reason_to_write() -> None:
    async def story() -> None:
        small = Small()
        small.storefront.place("10001", "s1")
        small.order_hook("10001")
        await small.settle()
        item = small.mis.make("J5", status=STARTED)
        await small.deed("10001", people.link_item("s1", item, "Priya Shah", small.clock()))
        await small.settle()
        assert await small.rules() == {"both-open"}
        assert small.mis.writes == []
        assert small.storefront.writes == []

    run(story())


def test_a_further_job_that_names_a_linked_order_is_asked_about() -> None:
    """A reprint carries the order number and no line: left alone, it would be made after a cancel."""

    async def story() -> None:
        small = Small()
        await small.in_production("10001", "s1")
        small.mis.make("J77", customer_reference="10001", quantity=20)
        small.job_hook("J77")
        await small.settle()
        task = small.task(TaskKind.AMBIGUOUS_LINK)
        assert (task.state, task.detail) == ("open", "J77")
        await small.deed("10001", people.unlink_item("s1", "J77", "Priya Shah", small.clock()))
        await small.settle()
        assert small.task(TaskKind.AMBIGUOUS_LINK).state == "closed"

    run(story())


def test_a_further_job_with_the_same_po_number_is_no_question_once_all_is_linked() -> None:
    async def story() -> None:
        small = Small()
        await small.in_production("10001", "s1", po_number="PO-7")
        small.mis.make("J78", customer_reference="PO-7")
        small.hook(Side.MIS, {"ref": "J78"})
        await small.settle()
        assert small.tasks() == []

    run(story())
