"""Reading for people: lists by key, search by any number, journal filters, on a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from countermand.bridge.store import Entry, State
from countermand.core.events import Event
from countermand.core.tasks import TaskKind
from countermand.ledger import records, views
from countermand.ledger.finding import SeveralOrdersError, find_order
from countermand.ledger.journal import append
from countermand.ledger.records import JournalFilter
from countermand.ledger.tasks import touch
from countermand.ledger.views import ListPlaceError
from web_bench import CANCELLED, NOW, PRIYA, SENT, SHOP, STARTED, Bench, case, wish


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.engine.dispose()


def orders(database: Connection, **asked: object) -> list[str]:
    return [row.order for row in views.list_orders(database, **asked)]  # type: ignore[arg-type]  # as given


def test_pages_hold_every_order_once_whatever_the_size_of_a_page(bench: Bench) -> None:
    # Several share their time, as a bulk import makes them.
    for number in range(23):
        bench.save(case(number), at=NOW - timedelta(minutes=number // 4))
    with bench.engine.begin() as database:
        whole = orders(database, limit=1000)
        for size in (1, 2, 5, 22, 23):
            seen: list[str] = []
            after = ""
            while rows := views.list_orders(database, limit=size, after=after):
                seen += [row.order for row in rows]
                after = rows[-1].key
            assert seen == whole
    assert len(set(whole)) == 23
    assert whole[0] in {"10000", "10001", "10002", "10003"}


def test_a_page_skips_nothing_while_orders_change(bench: Bench) -> None:
    for number in range(6):
        bench.save(case(number), at=NOW - timedelta(minutes=number))
    with bench.engine.begin() as database:
        first = views.list_orders(database, limit=3)
    bench.save(case(50), at=NOW + timedelta(minutes=1))
    with bench.engine.begin() as database:
        rest = orders(database, limit=10, after=first[-1].key)
    assert [row.order for row in first] + rest == [f"1000{number}" for number in range(6)]


@pytest.mark.parametrize("place", ["x", "1", "1-", "-", "99999999999999999999999-1", "1-2-3-4", "1-x"])
def test_a_place_that_no_list_gave_out_is_refused(bench: Bench, place: str) -> None:
    with bench.engine.begin() as database:
        with pytest.raises(ListPlaceError):
            views.list_orders(database, after=place)
        with pytest.raises(ListPlaceError):
            views.list_tasks(database, after=place)


@pytest.mark.parametrize(
    "number",
    [
        "10003", "s20030", "J29030-01", "Q303", "PO-7003", "1Z00030", "503",
        "J29030", "j29030-01", "po-7003", "1z00030",
    ],
)  # fmt: skip
def test_any_number_a_person_may_hold_leads_to_the_order(bench: Bench, number: str) -> None:
    for each in range(6):
        bench.save(case(each, SENT, SENT))
    with bench.engine.begin() as database:
        assert orders(database, search=number) == ["10003"]
        found = find_order(database, number, beginning=True)
    assert found is not None
    assert found.order == "10003"


def test_nobody_acts_on_an_order_that_they_have_not_named(bench: Bench) -> None:
    bench.save(case(1, po_number="2026/113"))
    bench.save(case(2, po_number="PO-7"))
    bench.save(case(3, po_number="PO-7"))
    with bench.engine.begin() as database:
        for whole in ("10001", "2026/113", "J29010-01", "j29010-01"):
            found = find_order(database, whole)
            assert found is not None
            assert found.order == "10001"
        for part in ("1", "1000", "J29010", "Coffee", "Harbour Coffee Roasters", ""):
            assert find_order(database, part) is None
        for looking in (True, False):
            with pytest.raises(SeveralOrdersError, match=r"PO-7.*several orders: 10002, 10003\. "):
                find_order(database, "PO-7", beginning=looking)
        with pytest.raises(SeveralOrdersError, match=r": 10001, 10002, 10003\. "):
            find_order(database, "J290", beginning=True)
        assert find_order(database, "Coffee", beginning=True) is None


def test_a_part_of_a_customers_name_finds_its_orders_newest_first(bench: Bench) -> None:
    for each in range(6):
        bench.save(case(each), at=NOW - timedelta(minutes=each))
    with bench.engine.begin() as database:
        assert orders(database, search="coffee") == ["10001", "10003", "10005"]
        assert orders(database, search="DENTAL", limit=2) == ["10000", "10002"]
        assert orders(database, search="no such thing") == []


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "%%", "\U0010ffff", "a" * 100])
def test_a_search_text_is_never_a_pattern(bench: Bench, text: str) -> None:
    bench.save(case(1, po_number=""))
    with bench.engine.begin() as database:
        assert orders(database, search=text) == []


def test_orders_by_state_and_connection(bench: Bench) -> None:
    bench.save(case(1), State.IN_STEP)
    bench.save(case(2, CANCELLED, STARTED), State.ON_THE_WAY)
    with bench.engine.begin() as database:
        assert orders(database, state="on_the_way") == ["10002"]
        assert orders(database, connection=SHOP, state="in_step") == ["10001"]
        assert orders(database, connection="another") == []
        assert views.count_states(database) == {"in_step": 1, "on_the_way": 1}


# Tasks


def test_tasks_by_urgency_then_age_page_by_page(bench: Bench) -> None:
    kinds = [TaskKind.REFUND, TaskKind.CANCEL_IN_MIS, TaskKind.CANCELLED_BUT_MADE, TaskKind.MOVED_BACK]
    for number in range(12):
        bench.task(number, kinds[number % 4])
    with bench.engine.begin() as database:
        whole = views.list_tasks(database)
        seen: list[int] = []
        after = ""
        while rows := views.list_tasks(database, limit=5, after=after):
            seen += [row.id for row in rows]
            after = rows[-1].key
    assert seen == [row.id for row in whole]
    assert [row.urgency for row in whole] == sorted(row.urgency for row in whole)
    urgent = [row for row in whole if row.urgency == 0]
    assert [row.opened_at for row in urgent] == sorted(row.opened_at for row in urgent)


def test_a_grouped_task_names_a_few_orders_and_counts_all(bench: Bench) -> None:
    for number in range(9):
        order = case(number, CANCELLED, STARTED)
        opens = (wish(order, TaskKind.IMPORT_REVIEW, group_key="import_review:"),)
        bench.save(order, State.NEEDS_PERSON, opens=opens)
    with bench.engine.begin() as database:
        (row,) = views.list_tasks(database)
        every = views.orders_of_task(database, row.id)
        shown = views.task_order_rows(database, row.id, 4)
        found = views.find_group(database, SHOP, "import_review:")
    assert row.order_count == 9
    assert len(row.orders) == 5
    assert len(every) == 9
    assert [each.order for each in shown] == ["10000", "10001", "10002", "10003"]
    assert found is not None
    assert found.id == row.id


def test_tasks_by_owner_kind_person_and_put_off(bench: Bench) -> None:
    for number, kind in enumerate([TaskKind.REFUND, TaskKind.CANCEL_IN_MIS, TaskKind.PAST_CUT_OFF]):
        bench.task(number, kind)
    with bench.engine.begin() as database:
        ids = {row.kind: row.id for row in views.list_tasks(database)}
    bench.writer.write(
        lambda database: touch(database, ids["refund"], None, PRIYA, "took it", NOW, {"assigned_to": PRIYA})
    )
    later = NOW + timedelta(hours=1)
    bench.writer.write(
        lambda database: touch(
            database, ids["cancel_in_mis"], None, PRIYA, "put it off", NOW, {"snoozed_until": later}
        )
    )
    with bench.engine.begin() as database:

        def kinds(**asked: object) -> set[str]:
            return {row.kind for row in views.list_tasks(database, **asked)}  # type: ignore[arg-type]  # as given

        assert kinds(owner="accounts") == {"refund"}
        assert kinds(kind="past_cut_off") == {"past_cut_off"}
        assert kinds(assigned_to=PRIYA) == {"refund"}
        assert kinds(assigned_to="") == {"cancel_in_mis", "past_cut_off"}
        assert kinds(snoozed=True, now=NOW) == {"cancel_in_mis"}
        assert kinds(snoozed=False, now=NOW) == {"refund", "past_cut_off"}
        assert kinds(snoozed=False, now=later) == {"refund", "past_cut_off", "cancel_in_mis"}
        assert views.count_open_tasks(database, NOW) == 2
        assert views.count_snoozed(database, NOW) == 1
        assert views.count_tasks_by(database, "owner") == {"accounts": 1, "order desk": 1, "production": 1}


# The journal


def test_the_journal_of_an_order_holds_its_lines_and_not_its_neighbours(bench: Bench) -> None:
    subjects = ["order/1001", "order/1001/line/s1", "order/10011", "order/1001-x", "order/1000", "task/1001"]
    entries = [Entry(at=NOW, event=Event.ORDER_SEEN, subject=subject) for subject in subjects]
    bench.writer.write(lambda database: append(database, SHOP, entries))
    with bench.engine.begin() as database:
        found = [row.subject for row in records.order_journal(database, SHOP, "1001")]
        both = [row.subject for row in records.journal_about(database, SHOP, ["order/1001", "task/1001"])]
    assert found == ["order/1001", "order/1001/line/s1"]
    assert both == ["order/1001", "order/1001/line/s1", "task/1001"]


def test_the_journal_is_filtered_and_paged(bench: Bench) -> None:
    events = [Event.ORDER_SEEN, Event.TASK_OPENED, Event.WRITE_SENT]
    entries = [
        Entry(
            at=NOW + timedelta(seconds=number),
            event=events[number % 3],
            subject=f"order/{number % 4}",
            actor=PRIYA if number % 5 == 0 else "countermand",
        )
        for number in range(40)
    ]
    bench.writer.write(lambda database: append(database, SHOP, entries))
    bench.writer.write(lambda database: append(database, "another", entries[:3]))
    with bench.engine.begin() as database:
        for wanted, size in (
            (JournalFilter(), 44),
            (JournalFilter(chain="another"), 3),
            (JournalFilter(events=("task.opened",)), 14),
            (JournalFilter(events=("task.opened", "write.sent")), 28),
            (JournalFilter(actor=PRIYA), 9),
            (JournalFilter(actor="countermand"), 35),
            (JournalFilter(subject="order/2"), 11),
            (JournalFilter(subject="order/2", events=("task.opened",), actor=PRIYA), 1),
            (JournalFilter(since=NOW + timedelta(seconds=10), until=NOW + timedelta(seconds=12)), 2),
        ):
            whole = records.list_journal(database, wanted, limit=1000)
            paged: list[records.JournalRow] = []
            after = ""
            while rows := records.list_journal(database, wanted, limit=7, after=after):
                paged += rows
                after = rows[-1].key
            assert paged == whole
            assert len(whole) == size
            assert [row.at for row in whole] == sorted((row.at for row in whole), reverse=True)


def test_a_bad_place_in_the_journal_is_refused(bench: Bench) -> None:
    with bench.engine.begin() as database, pytest.raises(ListPlaceError):
        records.list_journal(database, JournalFilter(), after="yesterday")
