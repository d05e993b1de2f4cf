"""A cancel inside its time to be taken back: stopped on the order's page, by a program, or too late."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from playwright.sync_api import Browser, expect
from web_stage import PRIYA, Desk, chromium

from countermand.cli import main
from countermand.core.policy import Mode
from countermand.core.tasks import TaskKind
from countermand.demo.stage import Order, Stage
from countermand.demo.world import DEMO_POLICY, World, WorldSettings

pytestmark = pytest.mark.browser

PATIENT = replace(
    DEMO_POLICY,
    cancel_to_mis=Mode.AUTOMATIC,
    cancel_to_storefront=Mode.AUTOMATIC,
    undo_window=timedelta(minutes=5),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop with five minutes to take a cancel back."""
    with World(WorldSettings(policy=PATIENT), tmp_path_factory.mktemp("patient")) as world:
        yield Stage(world)


def waiting(shop: Stage) -> Order:
    """An order that was cancelled in the storefront a moment ago."""
    order = shop.place()
    shop.cancel_in_infigo(order)
    shop.wait_state(order, "on_the_way")
    return order


def test_a_waiting_cancel_is_stopped_from_its_page_with_a_reason(browser: Browser, shop: Stage) -> None:
    order = waiting(shop)
    with Desk(browser, shop.world.console) as desk:
        page = desk.go(f"/orders/{order.id}")
        following = page.locator(".nexts li").first
        expect(following).to_contain_text("It is cancelled in printIQ after a wait")
        expect(following).to_contain_text(re.compile(r"in [45] min"))
        page.locator("summary", has_text="Stop this cancel").click()
        desk.shows("made and sent although Infigo has it cancelled")
        assert not desk.axe()
        page.get_by_label("Why is it stopped?").fill("The customer rang: keep it")
        page.get_by_role("button", name="Stop it").click()
        desk.shows("Stopped, with your reason. Nothing is written")
        desk.shows(f"{PRIYA}: Stopped: it is not cancelled in printIQ")
        shop.wait_state(order, "settled")
        page.reload()
        desk.shows("Left different")
        expect(page.locator(".line .why")).to_contain_text("The customer rang: keep it")
        assert page.locator("summary", has_text="Stop this cancel").count() == 0
    shop.prove_cancellation(order, "refused")
    assert shop.job_status(order.jobs[0]) != 17
    assert not shop.writes("printiq", "cancel", order.jobs[0])
    shop.prove_soon(
        "the order in Infigo has a note that says so",
        lambda: "The customer rang: keep it" in str(shop.infigo_order(order.id)),
    )


def test_what_was_stopped_is_taken_back_after_a_look_at_what_follows(browser: Browser, shop: Stage) -> None:
    order, url = waiting(shop), shop.world.console
    shop.world.post(url, f"/api/orders/{order.id}/stop", {"by": "Tom", "reason": "keep it"})
    shop.wait_state(order, "settled")
    shop.set_status(order.jobs[0], 4)
    shop.wait_mis(order, "open/started")
    with Desk(browser, url) as desk:
        page = desk.go(f"/orders/{order.id}")
        left = page.locator(".left-card")
        expect(left).to_contain_text("Tom")
        expect(left).to_contain_text("“keep it”")
        page.locator("summary", has_text="Take this back").click()
        expect(left.locator(".follows")).to_contain_text(
            "A person is needed: Cancelled after production started"
        )
        assert not desk.axe()
        page.get_by_label("Why is it taken back?").fill("the customer rang again")
        page.get_by_role("button", name="Take it back").click()
        desk.shows("Taken back. Both systems are being read")
        shop.wait_task(order, TaskKind.PAST_CUT_OFF)
        page.reload()
        desk.shows(f"{PRIYA}: Took back that they may differ")
        assert page.locator(".left-card").count() == 0
    again = shop.world.http.post(f"{url}/api/orders/{order.id}/ask-again", json={"by": "Tom", "reason": "no"})
    assert (again.status_code, "left different now" in again.json()["error"]) == (409, True)


def test_the_other_direction_can_be_stopped_too(browser: Browser, shop: Stage) -> None:
    order = shop.place()
    shop.cancel_in_printiq(*order.jobs)
    shop.wait_state(order, "on_the_way")
    with Desk(browser, shop.world.console) as desk:
        page = desk.go(f"/orders/{order.id}")
        page.locator("summary", has_text="Stop this cancel").click()
        desk.shows("open it again in printIQ, or nobody makes it")
        page.get_by_label("Why is it stopped?").fill("a slip of the hand")
        page.get_by_role("button", name="Stop it").click()
        desk.shows("Stopped: it is not cancelled in Infigo")
        shop.wait_state(order, "settled")
    shop.set_status(order.jobs[0], 22)
    shop.wait_state(order, "in_step")
    assert not shop.writes("infigo", "cancel", order.id)


def test_who_is_nobody_is_asked_for_a_name_first(browser: Browser, shop: Stage) -> None:
    order = waiting(shop)
    with Desk(browser, shop.world.console, name="") as desk:
        page = desk.go(f"/orders/{order.id}")
        page.locator("summary", has_text="Stop this cancel").click()
        expect(page.locator(".stopping").get_by_role("link", name="Say who you are")).to_be_visible()
        assert page.get_by_role("button", name="Stop it").count() == 0


def test_a_program_and_the_command_line_stop_it_too(shop: Stage) -> None:
    first, second, url = waiting(shop), waiting(shop), shop.world.console
    answer = shop.world.http.post(f"{url}/api/orders/{first.id}/stop", json={"by": "Tom", "reason": ""})
    assert (answer.status_code, "say why" in answer.json()["error"]) == (409, True)
    answer = shop.world.http.post(
        f"{url}/api/orders/{first.id}/stop", json={"by": "Tom", "reason": "no", "direction": "sideways"}
    )
    assert answer.status_code == 400
    said = shop.world.post(url, f"/api/orders/{first.id}/stop", {"by": "Tom", "reason": "wanted after all"})
    assert said["cancellations"][-1]["state"] == "refused"
    shop.wait_state(first, "settled")
    command = ["orders", "stop", second.id, "--by", "Tom", "--reason", "wanted after all", "--url", url]
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, f"order {second.id} is stopped" in done.output) == (0, True), done.output
    again = CliRunner().invoke(main, command)
    assert (again.exit_code, "nothing to stop" in again.output) == (1, True), again.output


def test_too_late_is_said_on_the_page(browser: Browser, shop: Stage) -> None:
    """Somebody did it by hand while the page was open: who presses then is told, and nothing changes."""
    order = waiting(shop)
    with Desk(browser, shop.world.console) as desk:
        page = desk.go(f"/orders/{order.id}")
        page.locator("summary", has_text="Stop this cancel").click()
        page.get_by_label("Why is it stopped?").fill("keep it")
        shop.cancel_in_printiq(*order.jobs)
        shop.wait_state(order, "in_step")
        page.get_by_role("button", name="Stop it").click()
        expect(page.get_by_role("alert")).to_contain_text("there is nothing to stop")
        desk.expect_refusal()
    shop.prove_cancellation(order, "done")
