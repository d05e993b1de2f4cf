"""Bringing in old orders: from exports, by number; nothing written; one review; many at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from import_shop import (
    CANCELLED,
    DISPATCHED,
    EXPORTED,
    NOW,
    SHOP,
    STARTED,
    Old,
    Shop,
    write_exports,
)

from countermand.bridge.people import RefusedError
from countermand.bridge.ports import MisItemKind
from countermand.compare.errors import CompareError
from countermand.core.status import Facts, Intent, Progress
from countermand.core.tasks import TaskKind
from countermand.imports import review
from countermand.imports.batch import ImportBatch, Taken
from countermand.imports.files import BATCH_ORDERS, batches, open_files, some_orders
from countermand.imports.review import Act
from countermand.imports.take_in import take_in

OLD = [
    Old(number=10001),
    Old(number=10002, mis=STARTED),
    Old(number=10003, storefront=DISPATCHED, mis=DISPATCHED),
    Old(number=10004, storefront=CANCELLED, mis=CANCELLED),
    Old(number=10005, storefront=CANCELLED),
    Old(number=10006, mis=CANCELLED),
    Old(number=10007, mis=DISPATCHED),
    Old(number=10008, storefront=CANCELLED, mis=DISPATCHED),
]
DIFFERING = {"10005", "10006", "10007", "10008"}


def bring_in(shop: Shop, batch: ImportBatch) -> Taken:
    return asyncio.run(take_in(batch, shop.connection, shop.store, shop.clock))


def from_files(shop: Shop, storefront: Path, mis: Path | None, work: Path) -> Taken:
    work.mkdir(exist_ok=True)
    taken = Taken()
    with open_files(storefront, mis, work, EXPORTED) as files:
        for batch in batches(files):
            taken += bring_in(shop, batch)
    return taken


def step(shop: Shop, times: int = 6, minutes: int = 30) -> None:
    for _ in range(times):
        asyncio.run(shop.bridge.step())
        shop.now += timedelta(minutes=minutes)


def test_from_exports_what_agrees_costs_no_call_and_what_differs_goes_to_one_review(tmp_path: Path) -> None:
    shop = Shop(OLD)
    taken = from_files(shop, *write_exports(tmp_path, OLD), tmp_path / "work")
    assert taken == Taken(in_step=4, to_review=4)
    assert shop.open_tasks() == [(TaskKind.IMPORT_REVIEW.value, 4)]
    assert shop.states() == {
        one.order_id: "needs_person" if one.order_id in DIFFERING else "in_step" for one in OLD
    }
    assert shop.calls == {"read orders": 4, "read jobs": 4}, "only what differs is read again"
    step(shop)
    assert shop.written == []


def test_an_export_that_is_old_news_opens_no_review(tmp_path: Path) -> None:
    """The file says that they differ; both systems agree by now."""
    files = write_exports(tmp_path, [Old(number=10005, storefront=CANCELLED)])
    shop = Shop([Old(number=10005, storefront=CANCELLED, mis=CANCELLED)])
    assert from_files(shop, *files, tmp_path / "work") == Taken(in_step=1)
    assert shop.open_tasks() == []


def test_without_the_mis_export_each_order_is_looked_for_in_the_mis(tmp_path: Path) -> None:
    shop = Shop(OLD)
    storefront, _ = write_exports(tmp_path, OLD)
    assert from_files(shop, storefront, None, tmp_path / "work") == Taken(in_step=4, to_review=4)
    assert shop.calls["find"] == len(OLD)


def test_by_number(tmp_path: Path) -> None:
    shop = Shop(OLD)
    numbers = tuple(one.order_id for one in OLD)
    taken = bring_in(shop, ImportBatch(order_ids=(*numbers, "99999")))
    assert taken == Taken(in_step=4, to_review=4, not_found=1)
    step(shop)
    assert shop.written == []


def test_it_can_be_stopped_and_repeated(tmp_path: Path) -> None:
    shop = Shop(OLD)
    files = write_exports(tmp_path, OLD)
    bring_in(shop, ImportBatch(order_ids=("10001", "10005")))
    first = asyncio.run(shop.case("10005"))
    assert from_files(shop, *files, tmp_path / "work") == Taken(known=2, in_step=3, to_review=3)
    assert from_files(shop, *files, tmp_path / "again") == Taken(known=8)
    assert asyncio.run(shop.case("10005")) == first, "an old export overwrote what was known"


def test_old_orders_that_ended_alike_are_never_read_again_and_open_ones_seldom(tmp_path: Path) -> None:
    shop = Shop(OLD)
    from_files(shop, *write_exports(tmp_path, OLD), tmp_path / "work")
    assert asyncio.run(shop.case("10003")).poll_at is None
    assert asyncio.run(shop.case("10004")).poll_at is None
    assert asyncio.run(shop.case("10001")).poll_at == NOW + shop.connection.polling.slowest


def test_an_order_whose_status_the_file_does_not_tell_is_read_by_id(tmp_path: Path) -> None:
    storefront, mis = write_exports(tmp_path, OLD[:2])
    storefront.write_text(storefront.read_text().replace("Processing", "Waiting for proof", 1))
    shop = Shop(OLD)
    with open_files(storefront, mis, tmp_path, EXPORTED) as files:
        (batch,) = batches(files)
    assert (batch.order_ids, [one.order_id for one in batch.orders]) == (("10001",), ["10002"])
    assert bring_in(shop, batch) == Taken(in_step=2)


def test_an_export_by_order_names_orders_to_read(tmp_path: Path) -> None:
    storefront = tmp_path / "orders.csv"
    storefront.write_text("Order ID,Order Status\n10001,Processing\n10005,Cancelled\n")
    with open_files(storefront, None, tmp_path) as files:
        (batch,) = batches(files)
    assert (batch.orders, batch.order_ids) == ((), ("10001", "10005"))


def test_two_rows_that_contradict_each_other_are_not_believed(tmp_path: Path) -> None:
    storefront = tmp_path / "orders.csv"
    rows = "10001,s1,Processing\n10001,s1,Cancelled\n10002,s2,Processing\n10002,s2,Processing\n"
    storefront.write_text(f"Order ID,Job ID,Order Status\n{rows}")
    with open_files(storefront, None, tmp_path) as files:
        (batch,) = batches(files)
    assert batch.order_ids == ("10001",)
    assert [len(order.lines) for order in batch.orders] == [1]


def test_every_order_is_in_one_batch_with_the_jobs_that_name_it(tmp_path: Path) -> None:
    old = [Old(number=20000 + number) for number in range(3 * BATCH_ORDERS + 7)]
    with open_files(*write_exports(tmp_path, old), tmp_path, EXPORTED) as files:
        found = list(batches(files))
        few = some_orders(files)
    assert [batch.size for batch in found] == [BATCH_ORDERS] * 3 + [7]
    assert [order.order_id for batch in found for order in batch.orders] == [one.order_id for one in old]
    for batch in found:
        assert {item.ref for item in batch.items} == {f"J{order.order_id}-01" for order in batch.orders}
    assert len(few) == 5
    assert set(few) <= {one.order_id for one in old}


def test_a_job_on_hold_or_cancelled_hides_how_far_it_had_come(tmp_path: Path) -> None:
    with open_files(*write_exports(tmp_path, [Old(number=10004, mis=CANCELLED)]), tmp_path) as files:
        (batch,) = batches(files)
    assert batch.items[0].status == Facts(Intent.CANCELLED, Progress.NONE, history_known=False)


def test_sales_orders_are_known_by_how_their_numbers_begin(tmp_path: Path) -> None:
    storefront, mis = write_exports(tmp_path, [Old(number=10001)])
    with mis.open("a") as file:
        file.write("SO7001,10001,,Confirmed,Not Dispatched,250\nX7002,10001,,Confirmed,Not Dispatched,250\n")
    kinds = {}
    for prefix in ("SO", "X"):
        (tmp_path / prefix).mkdir()
        with open_files(storefront, mis, tmp_path / prefix, sales_order_prefix=prefix) as files:
            (batch,) = batches(files)
        kinds[prefix] = {item.ref for item in batch.items if item.kind is MisItemKind.SALES_ORDER}
    assert kinds == {"SO": {"SO7001"}, "X": {"X7002"}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("Order ID,Order Status\n", "no orders below"),
        ("Name,Age\nPriya,40\n", "status"),
        ("Job ID,Order Status\ns1,Processing\n", "no column of order numbers"),
        ('Order ID,Order Status\n10001,"Processing\n', "Line: 2"),
    ],
)
def test_a_file_that_is_no_export_gives_one_sentence(tmp_path: Path, content: str, says: str) -> None:
    storefront = tmp_path / "orders.csv"
    storefront.write_text(content)
    with pytest.raises(CompareError, match=says), open_files(storefront, None, tmp_path):
        pass


def test_swapped_files_are_said_so(tmp_path: Path) -> None:
    storefront, mis = write_exports(tmp_path, OLD)
    with pytest.raises(CompareError, match="first"), open_files(mis, storefront, tmp_path):
        pass


# The review


def reviewed(shop: Shop, orders: list[str], act: Act, reason: str = "delivered in 2024") -> dict[str, str]:
    return asyncio.run(review.review(shop.store, SHOP, orders, act, "Priya Shah", reason, shop.now))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(OLD)
    from_files(shop, *write_exports(tmp_path, OLD), tmp_path / "work")
    return shop


def test_the_review_lists_what_both_systems_say(shop: Shop) -> None:
    with shop.engine.begin() as database:
        found = review.waiting(database)
    assert {one.order for one in found} == DIFFERING
    (one,) = (one for one in found if one.order == "10008")
    assert one.lines == (("s10008", "cancelled", "open, dispatched", "first-sight:cancelled-but-made"),)
    assert one.customer == "Harbour Café"


def test_left_as_they_are_the_review_ends_and_nothing_is_written(shop: Shop) -> None:
    assert reviewed(shop, sorted(DIFFERING), Act.LEAVE) == {}
    step(shop)
    assert shop.open_tasks() == []
    assert {shop.states()[order] for order in DIFFERING} == {"settled"}
    assert shop.written == []


def test_brought_in_step_what_differs_is_passed_on_under_the_guards(shop: Shop) -> None:
    assert reviewed(shop, sorted(DIFFERING), Act.BRING_IN_STEP) == {}
    step(shop)
    assert shop.written[:3] != []
    assert set(shop.written) <= {"cancel job J10005-01", "cancel order 10006", "ship 10007"}
    assert {"cancel job J10005-01", "ship 10007"} <= set(shop.written)
    assert (TaskKind.CANCELLED_BUT_MADE.value, 1) in shop.open_tasks()


def test_an_order_that_waits_for_no_review_is_refused_by_name(shop: Shop) -> None:
    refused = reviewed(shop, ["10001", "10005", "99999"], Act.LEAVE)
    assert refused.keys() == {"10001", "99999"}
    assert refused["10001"] == "Order 10001 does not wait for a review."


def test_leaving_them_needs_a_reason(shop: Shop) -> None:
    with pytest.raises(RefusedError, match="why"):
        reviewed(shop, ["10005"], Act.LEAVE, reason=" ")
    assert shop.states()["10005"] == "needs_person"


def test_orders_placed_since_the_start_are_no_history(tmp_path: Path) -> None:
    """They began as open on both sides while somebody was watching, so a cancel of theirs is passed on."""
    new = Old(number=30001, storefront=CANCELLED, placed_at=NOW + timedelta(minutes=1))
    shop = Shop([new])
    shop.now = NOW + timedelta(hours=1)
    taken = bring_in(shop, ImportBatch(order_ids=("30001",)))
    assert taken == Taken(other=1)
    step(shop)
    assert shop.written[:1] == ["cancel job J30001-01"]
