"""The order desk's day in a real browser, over both systems' own staff screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, TimeoutError, expect
from web_stage import PRIYA, TOM, Desk, chromium

from countermand.app import Installation
from countermand.core.policy import Mode
from countermand.core.tasks import TaskKind
from countermand.demo.stage import Order, Stage
from countermand.demo.world import DEMO_POLICY, World, WorldSettings, wait_until
from countermand.simulators.infigo import InfigoSettings as ShopSettings
from countermand.simulators.kit import ServerThread
from countermand.simulators.printiq import PrintIQSettings as PlantSettings
from countermand.web.server import create_app

pytestmark = pytest.mark.browser

BY_HAND = replace(
    DEMO_POLICY,
    cancel_to_mis=Mode.ASSISTED,
    cancel_to_storefront=Mode.MANUAL,
    ship_to_storefront=Mode.AUTOMATIC,
)
BY_ITSELF = replace(
    DEMO_POLICY,
    cancel_to_mis=Mode.AUTOMATIC,
    cancel_to_storefront=Mode.AUTOMATIC,
    undo_window=timedelta(seconds=3),
    brake_burst=3,
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop in which people do the cancels, with a button towards production."""
    with World(WorldSettings(policy=BY_HAND), tmp_path_factory.mktemp("by-hand")) as world:
        yield Stage(world)


@pytest.fixture(scope="module")
def busy_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop in which cancels travel by themselves, with a tight brake."""
    with World(WorldSettings(policy=BY_ITSELF), tmp_path_factory.mktemp("by-itself")) as world:
        yield Stage(world)


@pytest.fixture
def desk(browser: Browser, shop: Stage) -> Iterator[Desk]:
    with Desk(browser, shop.world.console) as made:
        yield made


def open_task(desk: Desk, order: Order, title: str) -> Page:
    """From the worklist to the task of this order."""
    page = desk.go("/needs-a-person")
    row = page.locator("[data-task]", has_text=order.id).filter(has_text=title)
    row.locator("h3 a").click()
    expect(page.locator("h1")).to_have_text(title)
    return page


def say_done(page: Page) -> None:
    """Press the button, unless the other system's message was faster and the task has closed by itself."""
    page.bring_to_front()
    with suppress(TimeoutError):
        page.get_by_role("button", name="I did it, check now").click(timeout=1500)


# The two scenarios of the vendor's guide


def test_cancelled_in_the_storefront_then_by_hand_in_production(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    staff = desk.tab()
    staff.goto(f"{shop.world.infigo}/admin/orders/{order.id}")
    staff.locator("select[name=status]").select_option("Cancelled")
    staff.locator("form[action$='/status'] button").click()
    shop.wait_task(order, TaskKind.CANCEL_IN_MIS)

    page = open_task(desk, order, "Cancel it in printIQ")
    steps = page.locator(".steps-list li")
    expect(steps.nth(0)).to_contain_text(f"Log in to printIQ and find {order.jobs[0]}")
    page.get_by_role("button", name="I did it, check now").click()
    desk.shows("Looked, and not done yet")
    desk.shows(re.compile(r"Infigo says cancelled, printIQ says open"))

    with desk.context.expect_page() as opened:
        page.get_by_role("link", name=f"Job {order.jobs[0]} in printIQ").first.click()
    plant = opened.value
    plant.locator("select[name=status]").select_option("17")
    plant.locator("form[action$='/status'] button").click()
    say_done(page)
    desk.shows("Closed seen in both systems")
    shop.prove_job_cancelled(order.jobs[0])
    desk.go(f"/orders/{order.id}")
    desk.shows("Both systems agree")


def test_cancelled_in_production_then_by_hand_in_the_storefront(desk: Desk, shop: Stage) -> None:
    order = shop.place(paid=True)
    staff = desk.tab()
    staff.goto(f"{shop.world.printiq}/jobs/{order.jobs[0]}")
    staff.locator("select[name=status]").select_option("17")
    staff.locator("form[action$='/status'] button").click()
    shop.wait_task(order, TaskKind.CANCEL_IN_STOREFRONT)

    page = open_task(desk, order, "Cancel it in Infigo")
    expect(page.locator(".steps-list")).to_contain_text(f"Sales > Orders > {order.id}")
    with desk.context.expect_page() as opened:
        page.get_by_role("link", name=f"Order {order.id} in Infigo").first.click()
    admin = opened.value
    admin.locator("select[name=status]").select_option("Cancelled")
    admin.locator("form[action$='/status'] button").click()
    say_done(page)
    desk.shows("Closed seen in both systems")

    # It was paid, and cancelling never refunds: that is a person's word.
    shop.wait_task(order, TaskKind.REFUND)
    page = open_task(desk, order, "Cancelled and paid: refund?")
    page.get_by_label("What was done").fill("refunded in the gateway, 23 November")
    page.get_by_role("button", name="Close it with this word").click()
    desk.shows("on a person's word")
    desk.shows("refunded in the gateway")


# What travels by itself, watched


def test_a_dispatch_shows_without_loading_the_page_again(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    page = desk.go(f"/orders/{order.id}")
    desk.shows("Not started")
    page.evaluate("window.same = true")
    shop.dispatch(order.jobs[0], "1Z999AA10123456784")
    expect(page.locator(".storefront .status")).to_have_text("Shipped")
    expect(page.locator(".storefront")).to_contain_text("1Z999AA10123456784")
    desk.shows("Read back: Infigo shows the change")
    assert page.evaluate("window.same"), "the page was loaded again"


def test_both_shops_own_screens_show_what_was_done_elsewhere(desk: Desk, shop: Stage) -> None:
    """Somebody who tries it out watches the one system while working in the other."""
    order = shop.place()
    page = desk.page
    page.goto(f"{shop.world.infigo}/admin/orders/{order.id}")
    shop.dispatch(order.jobs[0], "1Z-WATCHED")
    expect(page.locator("main")).to_contain_text("1Z-WATCHED")

    note = page.get_by_label("Add a note")
    note.fill("The customer rang")
    shop.cancel_in_infigo(order)
    expect(page.get_by_text("This page has changed since you opened it.")).to_be_visible()
    expect(note).to_have_value("The customer rang")
    page.get_by_role("link", name="Show it as it is now").click()
    expect(page.locator("main")).to_contain_text("A cancelled order cannot be opened again.")


def test_a_tracking_number_leads_to_its_order(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    shop.dispatch(order.jobs[0], "JD014600003SE")
    shop.wait_state(order, "in_step")
    page = desk.go("/")
    page.keyboard.press("/")
    page.keyboard.type("jd0146")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(f"Order {order.id}")
    page.locator(".find input").fill("no such number")
    page.keyboard.press("Enter")
    desk.shows("Nothing is known by “no such number”")


def test_cancelled_while_dispatched_is_the_first_thing_one_sees(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    shop.dispatch(order.jobs[0], "1Z555")
    shop.cancel_in_infigo(order)
    shop.wait_task(order, TaskKind.CANCELLED_BUT_MADE)
    page = desk.go("/needs-a-person")
    first = page.locator("[data-task]").first
    expect(first).to_contain_text("Cancelled, but made or sent")
    first.locator("h3 a").click()
    page.get_by_text("Leave the two systems different").first.click()
    page.get_by_label("Why they may stay different").fill("The customer keeps it after all")
    page.get_by_role("button", name="Leave them so").click()
    shop.wait_task(order, TaskKind.CANCELLED_BUT_MADE, state="closed")
    desk.go(f"/orders/{order.id}")
    desk.shows("Left different")
    desk.shows("The customer keeps it after all")


def test_one_button_writes_it_and_reads_it_back(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    shop.cancel_in_infigo(order)
    shop.wait_task(order, TaskKind.CANCEL_IN_MIS)
    page = open_task(desk, order, "Cancel it in printIQ")
    page.locator("summary", has_text="Do it for me").click()
    page.get_by_role("button", name="Do it for me").click()
    desk.shows("Closed seen in both systems")
    shop.prove_job_cancelled(order.jobs[0])


def test_new_work_waits_for_a_press(desk: Desk, shop: Stage) -> None:
    shop.place()
    page = desk.go("/orders")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    top = page.locator("[data-order]").first.get_attribute("data-order")
    order = shop.place()
    fresh = page.locator("[data-fresh] button")
    expect(fresh).to_be_visible()
    assert page.locator("[data-order]").first.get_attribute("data-order") == top
    fresh.click()
    expect(page.locator(f"[data-order$='/{order.id}']")).to_be_visible()


def test_a_row_on_screen_changes_in_place(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    page = desk.go("/orders")
    row = page.locator(f"[data-order$='/{order.id}']")
    expect(row).to_contain_text("In step")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    shop.cancel_in_infigo(order)
    expect(row).to_contain_text("Needs a person")
    expect(row).to_contain_text("Cancelled")


# Cancelling from here


def test_cancel_from_here_with_a_preview_and_a_reason(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    page = desk.go(f"/orders/{order.id}")
    page.get_by_role("link", name="Cancel it").click()
    follows = page.locator(".follows li")
    expect(follows.nth(0)).to_contain_text("The order becomes Cancelled in Infigo")
    expect(follows.nth(1)).to_contain_text(f"Cancel job {order.jobs[0]} in printIQ")
    page.get_by_label("Why is it cancelled?").fill("The customer rang: wrong artwork")
    page.get_by_role("button", name="Cancel the order").click()
    shop.prove_job_cancelled(order.jobs[0])
    shop.wait_state(order, "in_step")
    page.reload()
    desk.shows("The customer rang: wrong artwork")
    desk.shows(PRIYA)
    expect(page.locator(".storefront .status")).to_have_text("Cancelled")
    expect(page.locator(".mis .status")).to_have_text("Cancelled")
    assert len(shop.writes("infigo", "cancel", order.id)) <= 1


def test_what_has_left_cannot_be_cancelled_from_here(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    shop.dispatch(order.jobs[0], "1Z777")
    shop.wait_state(order, "in_step")
    desk.go(f"/orders/acme-print/{order.id}/cancel")
    desk.shows("a cancel can stop nothing any more")
    assert desk.page.get_by_role("button", name="Cancel the order").count() == 0


def test_one_line_of_three(desk: Desk, shop: Stage) -> None:
    order = shop.place(3)
    page = desk.go(f"/orders/acme-print/{order.id}/cancel")
    for box in page.locator("input[name=line]").all()[1:]:
        box.uncheck()
    page.get_by_role("button", name="Show what that would do").click()
    desk.shows(f"{order.lines[0].capitalize()} becomes Cancelled in Infigo")
    page.get_by_label("Why is it cancelled?").fill("only the banner is wanted")
    page.get_by_role("button", name="Cancel 1 line").click()
    shop.prove_job_cancelled(order.jobs[0])
    assert shop.job_status(order.jobs[1]) != 17
    assert shop.job_status(order.jobs[2]) != 17


# People


def test_nobody_acts_without_a_name(browser: Browser, shop: Stage) -> None:
    order = shop.place()
    shop.cancel_in_infigo(order)
    shop.wait_task(order, TaskKind.CANCEL_IN_MIS)
    with Desk(browser, shop.world.console, name="") as desk:
        page = open_task(desk, order, "Cancel it in printIQ")
        assert page.get_by_role("button", name="I did it, check now").count() == 0
        page.get_by_role("link", name="Say who you are").click()
        page.get_by_label("Your name").fill("Zoë Ó Briain")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Cancel it in printIQ")
        page.get_by_role("button", name="Assign to me").click()
        desk.shows("Zoë Ó Briain")


def test_of_two_people_the_second_is_told(browser: Browser, shop: Stage) -> None:
    order = shop.place()
    shop.cancel_in_infigo(order)
    shop.wait_task(order, TaskKind.CANCEL_IN_MIS)
    with Desk(browser, shop.world.console) as first, Desk(browser, shop.world.console, TOM) as second:
        open_task(first, order, "Cancel it in printIQ")
        # What Tom has before him is older: his page takes no live news.
        second.context.route(
            "**/live", lambda route: route.fulfill(content_type="text/event-stream", body="")
        )
        open_task(second, order, "Cancel it in printIQ")
        first.page.get_by_role("button", name="Assign to me").click()
        expect(first.page.locator(".facts")).to_contain_text(PRIYA)
        second.page.get_by_role("button", name="Assign to me").click()
        expect(second.page.get_by_role("alert")).to_contain_text(f"Meanwhile {PRIYA} assigned it to {PRIYA}")
        expect(second.page.get_by_role("alert")).to_contain_text("Nothing of yours was saved")
        expect(second.page.locator(".facts")).to_contain_text(PRIYA)
        second.expect_refusal()


def test_without_scripts_everything_works_too(browser: Browser, shop: Stage) -> None:
    order = shop.place()
    shop.cancel_in_infigo(order)
    shop.wait_task(order, TaskKind.CANCEL_IN_MIS)
    with Desk(browser, shop.world.console, java_script_enabled=False) as desk:
        page = open_task(desk, order, "Cancel it in printIQ")
        page.get_by_role("button", name="I did it, check now").click()
        desk.shows("Both systems are being read now")
        task = shop.wait_task(order, TaskKind.CANCEL_IN_MIS)
        wait_until(
            "the look", lambda: shop.world.get(shop.world.console, f"/api/tasks/{task['id']}")["last_check"]
        )
        desk.go(f"/needs-a-person/{task['id']}")
        desk.shows("Looked, and not done yet")
        shop.cancel_in_printiq(*order.jobs)
        shop.wait_task(order, TaskKind.CANCEL_IN_MIS, state="closed")
        page.reload()
        desk.shows("Closed seen in both systems")
        desk.go(f"/orders?q={order.id}")
        expect(page.locator("h1")).to_have_text(f"Order {order.id}")


# Keyboard only


def test_a_task_from_the_list_to_the_check_by_keys(desk: Desk, shop: Stage) -> None:
    order = shop.place()
    shop.cancel_in_infigo(order)
    shop.wait_task(order, TaskKind.CANCEL_IN_MIS)
    page = desk.go("/")
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("Needs a person")
    rows = page.locator("[data-task]")
    for _ in range(rows.count()):
        page.keyboard.press("j")
        if order.id in page.locator("[data-current]").inner_text():
            break
    expect(page.locator("[data-current]")).to_contain_text(order.id)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Cancel it in printIQ")
    page.keyboard.press("a")
    expect(page.locator(".facts")).to_contain_text(PRIYA)
    page.keyboard.press("r")
    desk.shows("Looked, and not done yet")
    page.keyboard.press("s")
    expect(page.get_by_label("Put off for")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    desk.shows("Put off until")


def test_the_list_of_keys_opens_and_closes(desk: Desk) -> None:
    page = desk.go("/orders")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("jjj?")
    expect(page.locator(".find input")).to_have_value("jjj?")
    expect(page.locator("dialog")).to_be_hidden()


def test_the_first_tab_skips_to_the_page(desk: Desk) -> None:
    page = desk.go("/orders")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


# The brake: many at once


def test_the_brake_holds_a_burst_and_chosen_orders_pass(browser: Browser, busy_shop: Stage) -> None:
    orders = [busy_shop.place() for _ in range(5)]
    for order in orders:
        busy_shop.cancel_in_infigo(order)
    for order in orders:
        busy_shop.wait_task(order, TaskKind.BRAKE)
    with Desk(browser, busy_shop.world.console) as desk:
        page = desk.go("/")
        banner = page.get_by_label("Brake", exact=True)
        expect(banner).to_contain_text("The brake is on")
        banner.get_by_role("link").click()
        expect(page.locator("h1")).to_contain_text("5 orders held")
        for order in orders[:2]:
            page.get_by_label(f"Let order {order.id} pass").check()
        button = page.get_by_role("button", name="Let 2 orders pass")
        expect(button).to_be_visible()
        page.get_by_label("Why these may be cancelled").fill("asked for by the customer, by mail")
        button.click()
        for order in orders[:2]:
            busy_shop.prove_job_cancelled(order.jobs[0])
        for order in orders[2:]:
            assert busy_shop.job_status(order.jobs[0]) != 17
        page.locator("summary", has_text="Take the brake off").click()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_label("Why it may come off").fill("all of them were meant")
        page.get_by_role("button", name="Take the brake off").click()
        desk.shows("The brake is off")
        for order in orders[2:]:
            busy_shop.prove_job_cancelled(order.jobs[0])


# First run, and the try-out


def test_first_run_tries_each_system_for_real(
    browser: Browser, shop: Stage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = f"sqlite:///{tmp_path_factory.mktemp('first') / 'countermand.db'}"
    storefront, plant = ShopSettings(), PlantSettings()
    with (
        ServerThread(create_app(Installation(database=database))) as server,
        Desk(browser, server.url) as desk,
    ):
        page = desk.go("/")
        page.get_by_role("link", name="Connect Infigo and printIQ").click()
        infigo, printiq = page.locator("#infigo"), page.locator("#printiq")
        infigo.get_by_label("Address of the storefront").fill(shop.world.infigo)
        infigo.get_by_label("API token").fill("wrong")
        infigo.get_by_role("button").click()
        expect(infigo.get_by_role("alert")).to_contain_text("did not accept the token")
        infigo.get_by_label("API token").fill(storefront.token)
        infigo.get_by_label("Secret of the installed").fill(storefront.megascript_secret)
        infigo.get_by_role("button").click()
        expect(infigo).to_contain_text("Works")
        printiq.get_by_label("Address of printIQ").fill(shop.world.printiq)
        printiq.get_by_label("User name").fill(plant.username)
        printiq.get_by_label("Password").fill(plant.password)
        printiq.get_by_label("Application name").fill(plant.application_name)
        printiq.get_by_label("Application key").fill(plant.application_key)
        printiq.get_by_role("button").click()
        expect(printiq).to_contain_text("Works")
        file = page.locator("pre").inner_text()
        assert f'base_url = "{shop.world.infigo}"' in file
        assert "COUNTERMAND_PRINTIQ_PLANT_PASSWORD" in file
        for secret in (storefront.token, storefront.megascript_secret, plant.password, plant.application_key):
            assert secret not in page.content()


def test_the_try_out_ticks_what_happened(browser: Browser, busy_shop: Stage) -> None:
    busy_shop.place()
    busy_shop.place()
    with Desk(browser, busy_shop.world.console) as desk:
        page = desk.go("/")
        page.get_by_role("link", name="Try it out").click()
        expect(page.locator("h1")).to_contain_text("Try it out")
        first = page.locator(".try-part").first
        expect(first.locator("li.done")).to_have_count(0)
        order = re.findall(r"\d+", first.locator("li").first.inner_text().partition("order ")[2])[0]
        busy_shop.world.post(busy_shop.world.infigo, f"/_sim/orders/{order}/cancel")
        expect(first.locator("li.done")).to_have_count(3)
