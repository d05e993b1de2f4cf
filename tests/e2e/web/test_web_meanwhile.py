"""What an open page does meanwhile: somebody else acts, the server goes away, half a word is typed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from web_stage import TOM, Desk, chromium

from countermand.core.tasks import TaskKind
from web_bench import Bench, Console

pytestmark = pytest.mark.browser

WIDE = {"width": 1800, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def filled(folder: Path) -> Bench:
    """Three tasks, the last of them one that closes on a person's word."""
    bench = Bench(folder)
    bench.task(1)
    bench.task(2)
    bench.task(3, TaskKind.REFUND)
    return bench


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    # The browser's own event loop holds this thread, and filling needs one too.
    with ThreadPoolExecutor(1) as elsewhere:
        bench = elsewhere.submit(filled, tmp_path).result()
    with bench.served() as served:
        yield served
    bench.engine.dispose()


def note(console: Console, task: int, text: str) -> None:
    """Somebody else writes a note on a task."""
    with console.named(TOM) as tom:
        tom.send(f"/needs-a-person/{task}", f"/needs-a-person/{task}/note", reason=text)


def live(page: Page) -> None:
    expect(page.locator("[data-live-state]")).to_have_text("Live")


def out_of_reach(route: Route) -> None:
    """What a web server before the console answers while that starts anew."""
    route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")


def test_a_page_that_a_web_server_turned_away_is_live_again_and_shows_what_it_missed(
    browser: Browser, console: Console
) -> None:
    with Desk(browser, console.url) as desk:
        desk.page.route("**/live", out_of_reach)
        page = desk.go("/needs-a-person/1")
        expect(page.locator("[data-live-state]")).to_have_text("Not connected, trying again")
        note(console, 1, "The press has been told")
        page.unroute("**/live")
        live(page)
        desk.shows("The press has been told")
        desk.errors = [error for error in desk.errors if "502" not in error]


def test_a_small_screen_says_that_the_page_is_not_connected(browser: Browser, console: Console) -> None:
    with Desk(browser, console.url, viewport={"width": 390, "height": 800}) as desk:
        page = desk.go("/needs-a-person")
        live(page)
        expect(page.locator("[data-live-state]")).to_be_hidden()
        page.route("**/live", out_of_reach)
        page.reload()
        expect(page.get_by_text("Not connected, trying again")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        desk.errors = [error for error in desk.errors if "502" not in error]


def test_the_task_beside_the_list_stays_and_shows_what_somebody_else_did(
    browser: Browser, console: Console
) -> None:
    with Desk(browser, console.url, viewport=WIDE) as desk:
        page = desk.go("/needs-a-person")
        live(page)
        page.get_by_label("Choose task 2:").locator("xpath=..").locator("h3 a").click()
        beside = page.locator("[data-detail]")
        expect(beside.locator("[data-live-task='2']")).to_be_visible()
        note(console, 2, "Rang the customer")
        expect(beside).to_contain_text("Rang the customer")
        expect(beside.locator("[data-live-task='2']")).to_be_visible()


def test_the_task_beside_the_list_stays_when_the_whole_page_is_drawn_anew(
    browser: Browser, console: Console
) -> None:
    with Desk(browser, console.url, viewport=WIDE) as desk:
        page = desk.go("/needs-a-person")
        live(page)
        page.get_by_label("Choose task 2:").locator("xpath=..").locator("h3 a").click()
        beside = page.locator("[data-detail]")
        expect(beside.locator("[data-live-task='2']")).to_be_visible()
        # Another page before it: this one lets go of its stream, and catches up when it is looked at again.
        page.evaluate(
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'));"
        )
        note(console, 1, "Somebody is on it")
        note(console, 2, "Rang the customer")
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'));")
        expect(beside).to_contain_text("Rang the customer")
        expect(beside.locator("[data-live-task='2']")).to_be_visible()


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 900}, WIDE])
def test_a_word_that_was_typed_and_not_sent_is_not_lost(
    browser: Browser, console: Console, viewport: dict[str, int]
) -> None:
    with Desk(browser, console.url, viewport=viewport) as desk:
        page = desk.go("/needs-a-person?kind=refund")
        live(page)
        if viewport == WIDE:
            expect(page.locator("[data-detail] h1")).to_be_visible()  # the only task, without a click
        else:
            page.locator("[data-task] h3 a").click()
        word = page.get_by_label("What was done")
        word.fill("refunded in the gateway, reference 4711")
        page.locator("h1").last.click()  # and looks elsewhere
        note(console, 3, "Accounts know")
        expect(page.get_by_text("Something new was seen while you write or choose.")).to_be_visible()
        expect(word).to_have_value("refunded in the gateway, reference 4711")
        page.get_by_role("button", name="Load it").click()
        expect(page.locator(".timeline")).to_contain_text("Accounts know")


def test_a_click_on_a_task_that_cannot_be_shown_beside_opens_its_page(
    browser: Browser, console: Console
) -> None:
    with Desk(browser, console.url, viewport=WIDE) as desk:
        page = desk.go("/needs-a-person")
        expect(page.locator("[data-detail] h1")).to_be_visible()
        page.route("**/needs-a-person/2", lambda route: route.abort(), times=1)
        page.get_by_label("Choose task 2:").locator("xpath=..").locator("h3 a").click()
        page.wait_for_url("**/needs-a-person/2")
        desk.errors = [error for error in desk.errors if "ERR_FAILED" not in error]
