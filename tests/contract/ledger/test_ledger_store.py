"""The same promises on every database: fences, tasks, the brake, references, messages, marks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ledger_bench import (
    DATABASES,
    MIS,
    NOW,
    SHOP,
    STOREFRONT,
    Ledger,
    cancellation,
    case,
    change,
    database,
    ends,
    entry,
    wish,
)
from msgspec.structs import replace
from sqlalchemy import Connection, func, select

from countermand.bridge.case import OpenTask, Written
from countermand.bridge.faults import failed, over
from countermand.bridge.ports import MisItem, MisItemKind
from countermand.bridge.store import BrakeLimits, Closing, HookEnd, State, StoredCase, TaskCheck
from countermand.core.command import Change as Asked
from countermand.core.command import Command
from countermand.core.policy import Direction
from countermand.core.status import OPEN, Side
from countermand.core.tasks import TaskKind
from countermand.ledger import schema
from countermand.ledger.brakes import clear_brake
from countermand.ledger.connections import remember_connection
from countermand.ledger.inbox import receive
from countermand.ledger.journal import chains, verify
from countermand.ledger.tasks import OvertakenError, touch

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture(params=DATABASES)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with database(request.param, tmp_path) as engine:
        yield Ledger(engine)


def tasks(ledger: Ledger) -> list[Any]:
    return ledger.rows(select(schema.task).order_by(schema.task.c.id))


# Fences


def test_what_is_saved_is_loaded_the_same(ledger: Ledger) -> None:
    saved = run(ledger.save(change(case(po_number="PO-7", customer="Ōtautahi Coffee \U0001f375"))))
    assert run(ledger.stored()) == saved["10001"]
    assert saved["10001"].version == 1


def test_of_two_changes_of_one_version_exactly_one_wins(ledger: Ledger) -> None:
    first = run(ledger.save(change(case())))["10001"]
    one, other = replace(first.case, held="one"), replace(first.case, held="other")
    assert run(ledger.save(change(first, case=one, journal=(entry(),))))
    assert run(ledger.save(change(first, case=other, journal=(entry(),), opens=(wish(),)))) == {}
    assert run(ledger.stored()).case.held == "one"
    assert run(ledger.stored()).version == 2
    assert tasks(ledger) == []
    decided = select(func.count()).where(schema.journal.c.event == "line.decided")
    assert ledger.rows(decided)[0][0] == 1, "the loser left a journal entry"


def test_the_others_of_a_batch_are_saved_when_one_was_overtaken(ledger: Ledger) -> None:
    first = run(ledger.save(change(case())))["10001"]
    run(ledger.save(change(first)))
    saved = run(ledger.save(change(first), change(case("10002"))))
    assert set(saved) == {"10002"}


def test_a_new_order_that_is_known_already_is_not_opened_twice(ledger: Ledger) -> None:
    run(ledger.save(change(case())))
    assert run(ledger.save(change(case()))) == {}
    assert ledger.rows(select(func.count()).select_from(schema.orders))[0][0] == 1


def test_a_change_of_an_order_that_is_not_there_is_not_saved(ledger: Ledger) -> None:
    ghost = StoredCase(id=77, version=1, case=case("77777"))
    assert run(ledger.save(change(ghost))) == {}


def test_due_orders_come_most_overdue_first_and_only_their_own(ledger: Ledger) -> None:
    for minutes, order_id in ((3, "10001"), (9, "10002"), (1, "10003"), (-1, "10004")):
        run(ledger.save(change(case(order_id), due_at=NOW - timedelta(minutes=minutes))))
    run(ledger.save(change(case("10005"), due_at=None)))
    due = run(ledger.store.due(SHOP, NOW, 10))
    assert [one.case.order_id for one in due] == ["10002", "10001", "10003"]
    assert len(run(ledger.store.due(SHOP, NOW, 2))) == 2
    assert run(ledger.store.due("another-shop", NOW, 10)) == []


def test_the_newest_orders_come_without_some_and_without_closed_ones(ledger: Ledger) -> None:
    for order_id in ("10001", "10002", "10003", "10004"):
        state = State.CLOSED if order_id == "10003" else State.IN_STEP
        run(ledger.save(replace(change(case(order_id)), state=state)))
    newest = run(ledger.store.newest(SHOP, 10, ["10004"]))
    assert [one.case.order_id for one in newest] == ["10002", "10001"]
    assert [one.case.order_id for one in run(ledger.store.newest(SHOP, 1, []))] == ["10004"]
    assert run(ledger.store.newest("another-shop", 10, [])) == []


def test_a_naive_time_is_refused(ledger: Ledger) -> None:
    naive = NOW.replace(tzinfo=None)  # the bug itself
    with pytest.raises(Exception, match="without a zone"):
        run(ledger.save(change(case(), due_at=naive)))
    assert run(ledger.store.load(SHOP, ["10001"])) == {}


# References


def test_references_lead_to_every_order_that_has_them(ledger: Ledger) -> None:
    for order_id in ("10001", "10002"):
        refs = frozenset({("po", "PO-7"), ("line", f"s{order_id}")})
        run(ledger.save(change(case(order_id), references=refs)))
    assert run(ledger.store.orders_of(SHOP, "po", ["PO-7", "PO-8"])) == {"PO-7": ("10001", "10002")}
    assert run(ledger.store.orders_of(SHOP, "line", ["PO-7"])) == {}
    assert run(ledger.store.orders_of("another-shop", "po", ["PO-7"])) == {}
    assert run(ledger.store.orders_of(SHOP, "po", [])) == {}


def test_a_reference_can_be_told_twice_and_dropped_for_one(ledger: Ledger) -> None:
    refs = frozenset({("item", "J1")})
    for order_id in ("10001", "10002"):
        run(ledger.save(change(case(order_id), references=refs)))
    first = run(ledger.stored())
    again = run(ledger.save(change(first, references=refs)))["10001"]
    run(ledger.save(change(again, dropped=refs)))
    assert run(ledger.store.orders_of(SHOP, "item", ["J1"])) == {"J1": ("10002",)}


# Tasks


def test_one_open_task_per_key_that_orders_join_and_the_last_one_out_closes(ledger: Ledger) -> None:
    key = "unmapped_status:mis: 99"
    for order_id in ("10001", "10002"):
        run(ledger.save(change(case(order_id), opens=(wish(key, kind=TaskKind.UNMAPPED),))))
    (task,) = tasks(ledger)
    for order_id, state in (("10001", "open"), ("10002", "closed")):
        stored = run(ledger.stored(order_id))
        assert [one.id for one in stored.case.tasks] == [task.id]
        saved = run(ledger.save(change(stored, closes=ends(task.id, Closing.VERIFIED))))
        assert saved[order_id].case.tasks == ()
        assert tasks(ledger)[0].state == state
    assert tasks(ledger)[0].closed_by == "Priya Shah"


def test_a_word_closes_it_for_all(ledger: Ledger) -> None:
    for order_id in ("10001", "10002"):
        run(ledger.save(change(case(order_id), opens=(wish("brake:x", kind=TaskKind.BRAKE),))))
    task_id = tasks(ledger)[0].id
    run(ledger.save(change(run(ledger.stored()), closes=ends(task_id, Closing.WORD))))
    assert (tasks(ledger)[0].state, tasks(ledger)[0].closed_how) == ("closed", "word")


def test_a_task_that_comes_back_counts_how_often(ledger: Ledger) -> None:
    run(ledger.save(change(case())))
    for returned in range(3):
        run(ledger.save(change(run(ledger.stored()), opens=(wish(),))))
        task = tasks(ledger)[-1]
        assert task.returned == returned
        run(ledger.save(change(run(ledger.stored()), closes=ends(task.id, Closing.VERIFIED))))


def test_a_task_of_the_same_kind_and_another_key_takes_the_place_of_the_first(ledger: Ledger) -> None:
    run(ledger.save(change(case(), opens=(wish("unmapped_status:99", kind=TaskKind.UNMAPPED),))))
    run(
        ledger.save(change(run(ledger.stored()), opens=(wish("unmapped_status:98", kind=TaskKind.UNMAPPED),)))
    )
    assert [(task.state, task.closed_how) for task in tasks(ledger)] == [("closed", "moot"), ("open", "")]
    assert [task.id for task in run(ledger.stored()).case.tasks] == [tasks(ledger)[1].id]


def test_asked_again_with_other_lines_it_is_the_same_task(ledger: Ledger) -> None:
    run(ledger.save(change(case(), opens=(wish(),))))
    run(ledger.save(change(run(ledger.stored()), opens=(wish(line_ids=("s1", "s2"), detail="both"),))))
    (task,) = tasks(ledger)
    assert (task.line_ids, task.detail, task.state) == ("s1, s2", "both", "open")
    assert run(ledger.stored()).case.tasks == (
        OpenTask(
            id=task.id,
            kind=TaskKind.CANCEL_IN_MIS,
            line_ids=("s1", "s2"),
            because="mode-manual",
            detail="both",
        ),
    )


def test_what_a_check_saw_stands_on_the_task(ledger: Ledger) -> None:
    run(ledger.save(change(case(), opens=(wish(),))))
    task_id = tasks(ledger)[0].id
    checks = (TaskCheck(id=task_id, saw="printIQ says open"),)
    run(ledger.save(change(run(ledger.stored()), checks=checks)))
    assert tasks(ledger)[0].last_check == "printIQ says open"


def test_who_acts_on_an_older_picture_is_told_what_happened_meanwhile(ledger: Ledger) -> None:
    run(ledger.save(change(case(), opens=(wish(),))))
    (task,) = tasks(ledger)
    ledger.writer.write(lambda db: touch(db, task.id, task.version, "Priya Shah", "assigned it to Tom", NOW))
    with pytest.raises(OvertakenError, match="Priya Shah assigned it to Tom at 10:00:00"):
        ledger.writer.write(lambda db: touch(db, task.id, task.version, "Tom Baker", "snoozed it", NOW))
    with pytest.raises(OvertakenError, match="no task 99"):
        ledger.writer.write(lambda db: touch(db, 99, None, "Tom Baker", "snoozed it", NOW))


def test_who_answers_what_was_asked_of_fewer_lines_or_orders_has_to_look_again(ledger: Ledger) -> None:
    run(ledger.save(change(case(), opens=(wish(),))))
    (first,) = tasks(ledger)
    run(ledger.save(change(run(ledger.stored()), opens=(wish(line_ids=("s1", "s2")),))))
    with pytest.raises(OvertakenError, match="something new was seen"):
        ledger.writer.write(lambda db: touch(db, first.id, first.version, "Tom Baker", "agreed", NOW))
    (second,) = tasks(ledger)
    ledger.writer.write(lambda db: touch(db, second.id, second.version, "Tom Baker", "agreed", NOW))

    review = wish("import_review:", kind=TaskKind.IMPORT_REVIEW)
    run(ledger.save(change(case("10002"), opens=(review,))))
    asked = tasks(ledger)[-1]
    run(ledger.save(change(case("10003"), opens=(review,))))
    with pytest.raises(OvertakenError, match="something new was seen"):
        ledger.writer.write(lambda db: touch(db, asked.id, asked.version, "Tom Baker", "agreed", NOW))


# The brake

LIMITS = {MIS: BrakeLimits(burst=2, window=timedelta(minutes=10), daily=4)}


async def wanting(ledger: Ledger, *order_ids: str, at: Any = NOW, way: Direction = MIS) -> None:
    for order_id in order_ids:
        one = cancellation(order_id, way, at)
        made = case(order_id, cancellations=(one,))
        await ledger.save(change(made, cancellations=(one,)), at=at, limits=LIMITS)


def test_one_more_than_the_limit_trips_and_only_that_direction(ledger: Ledger) -> None:
    async def story() -> None:
        await wanting(ledger, "10001", "10002")
        assert await ledger.store.brakes(SHOP) == frozenset()
        await wanting(ledger, "10003")
        assert await ledger.store.brakes(SHOP) == {MIS}
        await wanting(ledger, "10004", "10005", "10006", way=STOREFRONT)
        assert await ledger.store.brakes(SHOP) == {MIS}, "a direction without limits tripped"
        assert len(ledger.rows(select(schema.brake))) == 1

    run(story())


def test_two_shops_with_the_same_numbers_each_count_their_own(ledger: Ledger) -> None:
    """Cancellations are numbered by their order, and each storefront numbers its orders for itself."""
    other = "trade-print"
    ledger.writer.write(lambda database: remember_connection(database, other, NOW, NOW))

    async def story() -> None:
        await wanting(ledger, "10001", "10002", "10003")
        for number in ("10001", "10002"):
            one = cancellation(number)
            new = change(case(number, cancellations=(one,)), cancellations=(one,))
            assert await ledger.store.save(other, [new], NOW, LIMITS)
        assert await ledger.store.brakes(other) == frozenset()
        one = cancellation("10003")
        new = change(case("10003", cancellations=(one,)), cancellations=(one,))
        await ledger.store.save(other, [new], NOW, LIMITS)
        assert await ledger.store.brakes(other) == {MIS}
        stored = (await ledger.store.load(other, ["10003"]))["10003"]
        let_past = replace(one, released_by="Tom Baker")
        passed = change(stored, case=stored.case.with_cancellation(let_past), cancellations=(let_past,))
        await ledger.store.save(other, [passed], NOW, LIMITS)

    run(story())
    table = schema.cancellation
    rows = ledger.rows(select(table.c.connection, table.c.released_by).where(table.c.id == "10003-c1"))
    assert set(rows) == {(SHOP, ""), (other, "Tom Baker")}


def test_two_shops_with_the_same_numbers_each_keep_their_own_writes(ledger: Ledger) -> None:
    other = "trade-print"
    ledger.writer.write(lambda database: remember_connection(database, other, NOW, NOW))
    for shop, said in ((SHOP, "done"), (other, "no")):
        sent = Command(target=Side.MIS, change=Asked.CANCEL, sent_at=NOW, answered_at=NOW, said=said)
        written = Written(id="10001-w1", command=sent, line_ids=("s10001",))
        new = change(case(writes=(written,)), written=(written,))
        assert run(ledger.store.save(shop, [new], NOW, {}))
    rows = ledger.rows(select(schema.command.c.connection, schema.command.c.said))
    assert set(rows) == {(SHOP, "done"), (other, "no")}


def test_one_batch_trips_it_before_anything_is_sent(ledger: Ledger) -> None:
    async def story() -> None:
        batch = []
        for number in range(10001, 10004):
            one = cancellation(str(number))
            batch.append(change(case(str(number), cancellations=(one,)), cancellations=(one,)))
        saved = await ledger.save(*batch, limits=LIMITS)
        assert len(saved) == 3
        assert await ledger.store.brakes(SHOP) == {MIS}
        sends = [change(saved[str(number)], sends=frozenset({MIS})) for number in range(10001, 10004)]
        assert await ledger.save(*sends, limits=LIMITS) == {}

    run(story())


def test_slow_cancels_trip_by_the_day(ledger: Ledger) -> None:
    async def story() -> None:
        for number in range(4):
            await wanting(ledger, str(10001 + number), at=NOW + timedelta(hours=number))
        assert await ledger.store.brakes(SHOP) == frozenset()
        await wanting(ledger, "10009", at=NOW + timedelta(hours=5))
        assert await ledger.store.brakes(SHOP) == {MIS}

    run(story())


def test_what_is_a_day_old_is_not_counted(ledger: Ledger) -> None:
    async def story() -> None:
        for number in range(9):
            await wanting(ledger, str(10001 + number), at=NOW + timedelta(hours=7 * number))
        assert await ledger.store.brakes(SHOP) == frozenset()

    run(story())


def test_one_order_wanting_twice_counts_once(ledger: Ledger) -> None:
    async def story() -> None:
        await wanting(ledger, "10001", "10002")
        stored = await ledger.stored()
        again = replace(cancellation("10001"), id="10001-c2")
        made = replace(stored.case, cancellations=(*stored.case.cancellations, again))
        await ledger.save(change(stored, case=made, cancellations=(again,)), limits=LIMITS)
        assert await ledger.store.brakes(SHOP) == frozenset()

    run(story())


def test_cleared_it_counts_afresh_and_makes_what_it_held_due(ledger: Ledger) -> None:
    async def story() -> None:
        await wanting(ledger, "10001", "10002", "10003")
        stored = await ledger.stored()
        held = wish(f"{TaskKind.BRAKE.value}:{MIS.value}", kind=TaskKind.BRAKE)
        await ledger.save(change(stored, due_at=None, opens=(held,)))
        later = NOW + timedelta(minutes=1)
        assert ledger.writer.write(lambda db: clear_brake(db, SHOP, MIS, "Tom Baker", "meant", later))
        assert not ledger.writer.write(lambda db: clear_brake(db, SHOP, MIS, "Tom Baker", "twice", later))
        assert await ledger.store.brakes(SHOP) == frozenset()
        assert "10001" in {one.case.order_id for one in await ledger.store.due(SHOP, later, 10)}
        await wanting(ledger, "10004", "10005", at=later + timedelta(seconds=1))
        assert await ledger.store.brakes(SHOP) == frozenset()
        await wanting(ledger, "10006", at=later + timedelta(seconds=2))
        assert await ledger.store.brakes(SHOP) == {MIS}

    run(story())


def test_a_released_order_may_send_while_the_brake_is_on(ledger: Ledger) -> None:
    async def story() -> None:
        await wanting(ledger, "10001", "10002", "10003")
        stored = await ledger.stored()
        released = replace(stored.case.cancellations[0], released_by="Tom Baker")
        made = replace(stored.case, cancellations=(released,))
        assert await ledger.save(change(stored, case=made, sends=frozenset({MIS})))

    run(story())


# Messages, items, marks


def test_messages_come_oldest_first_and_wait_for_their_time(ledger: Ledger) -> None:
    async def story() -> None:
        for body in (b"one", b"two", b"three"):
            ledger.writer.write(partial(receive_one, body))
        hooks = await ledger.store.hooks(SHOP, NOW, 10)
        assert [hook.body for hook in hooks] == [b"one", b"two", b"three"]
        assert len(await ledger.store.hooks(SHOP, NOW, 2)) == 2
        later = NOW + timedelta(seconds=2)
        ends = [
            HookEnd(id=hooks[0].id, state="done"),
            HookEnd(id=hooks[1].id, state="waiting", reason="10001 unknown", due_at=later),
            HookEnd(id=hooks[2].id, state="quarantined", reason="not JSON"),
        ]
        await ledger.store.finish_hooks(SHOP, ends, NOW)
        assert await ledger.store.hooks(SHOP, NOW, 10) == []
        (again,) = await ledger.store.hooks(SHOP, later, 10)
        assert (again.body, again.tries) == (b"two", 1)
        assert len(await ledger.store.hooks("b", NOW, 10)) == 3
        kept = ledger.rows(select(schema.inbox.c.body).where(schema.inbox.c.state == "quarantined"))
        assert bytes(kept[0][0]) == b"three"

    run(story())


def receive_one(body: bytes, db: Connection) -> None:
    receive(db, [SHOP, "b"], Side.MIS, "x/y", body, NOW)


@pytest.mark.parametrize("body", [b"\x00\xff\xfe", b"\xed\xa0\x80", bytes(range(256)) * 4])
def test_a_message_is_kept_byte_for_byte(ledger: Ledger, body: bytes) -> None:
    ledger.writer.write(lambda db: receive(db, [SHOP], Side.STOREFRONT, "", body, NOW))
    (hook,) = run(ledger.store.hooks(SHOP, NOW, 10))
    assert hook.body == body


@pytest.mark.parametrize("text", ["a\x00b", "x" * 5000, "Ω" * 300])
def test_no_reference_from_outside_can_break_the_ledger(ledger: Ledger, text: str) -> None:
    """Numbers come from two vendors and from forged messages: any text, any length."""

    async def story() -> None:
        await ledger.store.load(SHOP, [text])
        await ledger.store.orders_of(SHOP, "item", [text])
        await ledger.store.unlinked(SHOP, [text])
        await ledger.store.keep_unlinked(SHOP, [item(text, customer_reference=text)])
        await ledger.store.drop_unlinked(SHOP, [text])
        made = change(
            case(customer=text, po_number=text),
            references=frozenset({("po", text)}),
            journal=(entry(why=text, subject=f"order/{text}"),),
        )
        assert await ledger.save(made)

    run(story())


def item(ref: str, **fields: Any) -> MisItem:
    return MisItem(ref=ref, kind=MisItemKind.JOB, began_at=NOW, status=OPEN, **fields)


def test_unlinked_items_are_found_by_every_number_and_kept_once(ledger: Ledger) -> None:
    async def story() -> None:
        await ledger.store.keep_unlinked(SHOP, [item("J1", customer_reference="10001")])
        await ledger.store.keep_unlinked(SHOP, [item("J1", external_reference="s1"), item("J2")])
        for reference in ("J1", "s1"):
            found = await ledger.store.unlinked(SHOP, [reference])
            assert [one.ref for one in found] == ["J1"], reference
        assert await ledger.store.unlinked(SHOP, ["10001"]) == [], "an older reference is still found"
        assert await ledger.store.unlinked(SHOP, []) == []
        await ledger.store.drop_unlinked(SHOP, ["J1", "J9"])
        assert await ledger.store.unlinked(SHOP, ["J1", "J2"]) == [item("J2")]

    run(story())


def test_marks_are_kept_per_connection_and_name(ledger: Ledger) -> None:
    async def story() -> None:
        assert await ledger.store.watermark(SHOP, "mis") is None
        await ledger.store.set_watermark(SHOP, "mis", NOW)
        await ledger.store.set_watermark(SHOP, "mis", NOW + timedelta(microseconds=1))
        assert await ledger.store.watermark(SHOP, "mis") == NOW + timedelta(microseconds=1)
        assert await ledger.store.watermark(SHOP, "storefront") is None
        assert await ledger.store.watermark("another-shop", "mis") is None

    run(story())


def test_after_all_this_the_journal_holds(ledger: Ledger) -> None:
    for number in range(5):
        run(ledger.save(change(case(str(number)), opens=(wish(f"k{number}"),), journal=(entry(),))))
    with ledger.engine.begin() as connection:
        assert chains(connection) == [SHOP]
        assert list(verify(connection, SHOP)) == []


# An error of the program itself


def test_an_order_on_which_the_program_fails_is_stored_with_its_task(ledger: Ledger) -> None:
    first = run(ledger.save(change(case())))["10001"]
    fault = failed(first, "10001", ValueError("seven"), NOW)
    unknown = failed(None, "10002", ValueError("seven"), NOW)
    saved = run(ledger.save(fault, unknown))
    assert set(saved) == {"10001", "10002"}
    (one,) = tasks(ledger)
    assert one.detail == "ValueError: seven"
    assert [{task.id for task in each.case.tasks} for each in saved.values()] == [{one.id}] * 2
    assert run(ledger.save(fault)) == {}, "an older version won"
    run(ledger.save(failed(saved["10001"], "10001", KeyError("x"), NOW)))
    assert sorted(row.detail for row in tasks(ledger)) == ["KeyError: 'x'", "ValueError: seven"]
    run(ledger.save(over(run(ledger.stored()), first.case, NOW)))
    assert sorted(row.state for row in tasks(ledger)) == ["closed", "open"]
    assert run(ledger.stored()).case.tasks == ()
