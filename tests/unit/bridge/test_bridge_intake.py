"""Messages: never believed, never lost, and never able to stop the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bridge_fakes import DISPATCHED, PARSERS, SHOP, STARTED, Small, run

from countermand.bridge.bridge import Bridge
from countermand.bridge.intake import RETRY_AFTER
from countermand.bridge.ports import Hint, MisItemKind
from countermand.core.events import Event
from countermand.core.status import Side


@pytest.fixture
def small() -> Small:
    return Small()


def test_a_hint_to_an_unknown_order_opens_a_case(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001", "s1", "s2")
        small.order_hook("10001")
        assert await small.step() >= 1
        case = await small.case()
        assert [line.line_id for line in case.lines] == ["s1", "s2"]
        assert small.inbox() == [("done", "", 1)]
        assert len(small.events(Event.ORDER_SEEN)) == 1

    run(story())


def test_a_line_id_finds_its_order_first_by_asking_then_by_memory(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001", "s1")
        small.hook(Side.STOREFRONT, {"line": "s1"})
        await small.settle()
        assert small.known() == {"10001"}
        assert small.storefront.calls["find"] == 1
        small.clock.advance(60)
        small.storefront.cancel_by_hand("10001")
        small.hook(Side.STOREFRONT, {"line": "s1"})
        await small.settle()
        assert small.storefront.calls["find"] == 1
        assert (await small.case()).order_cancelled

    run(story())


def test_a_message_before_its_order_is_tried_again_until_the_order_is_there(small: Small) -> None:
    async def story() -> None:
        small.order_hook("10001")
        await small.step()
        assert small.inbox() == [("waiting", "Nothing is known yet of 10001", 1)]
        assert small.known() == set()
        await small.step()
        assert small.inbox()[0][2] == 1, "it was tried again before its time"
        small.storefront.place("10001")
        small.clock.advance(2)
        await small.step()
        assert small.inbox() == [("done", "", 2)]
        assert small.known() == {"10001"}

    run(story())


@pytest.mark.parametrize("side", list(Side))
def test_a_message_about_nothing_we_ever_find_stays_as_unlinked(small: Small, side: Side) -> None:
    async def story() -> None:
        small.hook(side, {"order": "99999"})
        for wait in (timedelta(0), *RETRY_AFTER):
            small.clock.advance(wait.total_seconds())
            await small.step()
        ((state, reason, tries),) = small.inbox()
        assert (state, tries) == ("unlinked", len(RETRY_AFTER) + 1)
        assert "99999" in reason
        small.clock.advance(86400)
        await small.step()
        assert small.inbox()[0][2] == tries, "an unlinked message is tried for ever"

    run(story())


def test_a_message_about_several_waits_until_the_last_is_known(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001")
        small.hook(Side.STOREFRONT, {"order": "10001"}, {"order": "10002"})
        await small.step()
        assert small.known() == {"10001"}
        assert small.inbox() == [("waiting", "Nothing is known yet of 10002", 1)]

    run(story())


def test_a_job_hook_before_its_order_is_remembered_and_linked_later(small: Small) -> None:
    async def story() -> None:
        small.mis.make("J1-01", customer_reference="10001", external_reference="s1")
        small.job_hook("J1-01")
        await small.step()
        assert small.unlinked() == {"J1-01"}
        assert small.inbox()[0][0] == "done"
        small.mis.finds = False
        small.storefront.place("10001", "s1")
        small.order_hook("10001")
        await small.settle()
        case = await small.case()
        assert [link.ref for link in case.lines[0].links] == ["J1-01"]
        assert small.unlinked() == set(), "a linked job is still kept as unlinked"

    run(story())


def test_a_job_that_cannot_be_read_is_asked_about_again(small: Small) -> None:
    async def story() -> None:
        small.mis.down = "HTTP 503"
        small.job_hook("J1-01")
        await small.step()
        assert small.inbox()[0][0] == "waiting"
        assert small.unlinked() == set()

    run(story())


def test_a_job_hook_names_its_order_by_the_job(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001", "s1")
        small.order_hook("10001")
        await small.settle()
        assert (await small.case()).lines[0].links == ()
        small.clock.advance(60)
        small.mis.make("J1-01", customer_reference="10001", external_reference="s1", status=STARTED)
        small.job_hook("J1-01")
        await small.settle()
        assert [link.ref for link in (await small.case()).lines[0].links] == ["J1-01"]

    run(story())


def test_a_reference_alone_is_enough_of_a_hint(small: Small) -> None:
    async def story() -> None:
        await small.in_production(po_number="PO-7")
        for reference in ("10001", "PO-7"):
            small.mis.calls.clear()
            small.hook(Side.MIS, {"order": reference})
            await small.settle()
            assert small.mis.calls["read"] == 1, reference
            small.clock.advance(60)

    run(story())


def test_what_cannot_be_read_is_kept_with_the_reason_and_the_rest_goes_on(small: Small) -> None:
    async def story() -> None:
        small.storefront.place("10001")
        small.hook(Side.STOREFRONT, body=b"\xff\xfe not json")
        small.order_hook("10001")
        await small.step()
        (first, reason, _), (second, _, _) = small.inbox()
        assert (first, second) == ("quarantined", "done")
        assert "not JSON" in reason
        ((subject, _, body),) = small.events(Event.HOOK_QUARANTINED)
        assert subject == "hook/1"
        assert "not JSON" in body

    run(story())


def test_a_parser_that_fails_does_not_stop_the_shop(small: Small) -> None:
    """One message that trips a fault of ours must not hold up every other for ever."""

    def faulty(_body: bytes, _content_type: str) -> tuple[Hint, ...]:
        raise RecursionError("maximum recursion depth exceeded")

    async def story() -> None:
        small.bridge = Bridge(small.connection, small.store, {**PARSERS, Side.MIS: faulty}, small.clock)
        small.storefront.place("10001")
        small.hook(Side.MIS, {"ref": "J1"})
        small.order_hook("10001")
        await small.step()
        states = [state for state, _, _ in small.inbox()]
        assert states == ["quarantined", "done"]
        assert "RecursionError" in small.inbox()[0][1]

    run(story())


def test_our_own_echo_is_looked_at_a_little_later(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.storefront.cancel_by_hand("10001")
        small.order_hook("10001")
        await small.step()
        assert small.mis.writes == ["J10001-01"]
        reads = small.mis.calls["read"]
        small.job_hook("J10001-01")
        await small.step()
        assert small.mis.calls["read"] == reads, "the echo was answered with a read at once"
        look_at = (await small.case()).look_mis_at
        assert look_at is not None
        small.clock.now = look_at
        await small.step()
        assert small.mis.calls["read"] == reads + 1
        assert small.mis.writes == ["J10001-01"]
        assert await small.rules() == {"both-cancelled"}

    run(story())


def test_a_hint_is_answered_only_by_reading_its_own_side(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        small.job_hook("J10001-01")
        await small.step()
        assert (small.mis.calls["read"], small.storefront.calls["read"]) == (1, 0)

    run(story())


def test_the_same_message_many_times_costs_one_look(small: Small) -> None:
    async def story() -> None:
        await small.in_production()
        for _ in range(20):
            small.job_hook("J10001-01")
        await small.step()
        assert small.mis.calls["read"] == 1
        assert {state for state, _, _ in small.inbox()} == {"done"}

    run(story())


def test_a_sales_order_hook_is_read_as_a_sales_order(small: Small) -> None:
    async def story() -> None:
        small.mis.make("SO1", kind=MisItemKind.SALES_ORDER, status=DISPATCHED)
        small.hook(Side.MIS, {"ref": "SO1", "kind": "sales_order"})
        await small.step()
        (item,) = await small.store.unlinked(SHOP, ["SO1"])
        assert item.kind is MisItemKind.SALES_ORDER

    run(story())


def test_a_message_does_not_count_as_dealt_with_when_another_worker_changed_its_order(small: Small) -> None:
    """The look was not stored, so the hint must come again."""

    async def story() -> None:
        await small.in_production()
        small.job_hook("J10001-01")
        honest = small.store.save

        async def overtaken(*args: object, **more: object) -> dict[str, object]:
            return {}

        small.store.save = overtaken  # type: ignore[assignment]  # this worker loses every race
        await small.step()
        assert small.inbox()[-1][0] == "waiting"
        small.store.save = honest  # type: ignore[method-assign]
        small.clock.advance(2)
        await small.step()
        assert small.inbox()[-1][0] == "done"

    run(story())
