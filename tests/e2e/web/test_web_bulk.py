"""Many at once in a real browser: tasks that are chosen, a review that is passed, a view that is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect
from web_stage import PRIYA, TOM, Desk, chromium

from countermand.bridge.store import State
from countermand.core.tasks import TaskKind
from web_bench import CANCELLED, STARTED, Bench, Console, case, wish

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def filled(folder: Path) -> Bench:
    """Four tasks about an order each, and one review of six orders that differed when first seen."""
    bench = Bench(folder)
    for number in range(1, 5):
        bench.task(number)
    for number in range(10, 16):
        order = case(number, CANCELLED, STARTED)
        review = wish(order, TaskKind.IMPORT_REVIEW, group_key="review")
        bench.save(order, State.NEEDS_PERSON, opens=(review,))
    return bench


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    # The browser's own event loop holds this thread, and filling needs one too.
    with ThreadPoolExecutor(1) as elsewhere:
        bench = elsewhere.submit(filled, tmp_path).result()
    with bench.served() as served:
        yield served
    bench.engine.dispose()


def choose(page: Page, *numbers: int) -> None:
    for number in numbers:
        page.get_by_label(f"Choose task {number}:").check()


def answer(page: Page, asked: list[str], *, yes: bool) -> None:
    """What the next question is, and the answer to it."""

    def reply(dialog: Dialog) -> None:
        asked.append(dialog.message)
        if yes:
            dialog.accept()
        else:
            dialog.dismiss()

    page.once("dialog", reply)


def owners(console: Console) -> dict[int, str]:
    return {row["task"]: row["assigned_to"] for row in console.rows("/needs-a-person.json")}


def test_chosen_tasks_are_assigned_after_a_question_that_names_how_many(
    browser: Browser, console: Console
) -> None:
    with Desk(browser, console.url) as desk:
        page, asked = desk.go("/needs-a-person"), list[str]()
        bar = page.get_by_label("What to do with the chosen ones")
        expect(bar).to_be_hidden()
        choose(page, 1, 3)
        button = page.get_by_role("button", name="Assign 2 tasks to me")
        answer(page, asked, yes=False)
        button.click()
        assert set(owners(console).values()) == {""}, "no was the answer"
        answer(page, asked, yes=True)
        button.click()
        desk.shows("They are yours now.")
        assert asked == [f"Assign 2 tasks to you, {PRIYA}?"] * 2
    assert {task for task, owner in owners(console).items() if owner == PRIYA} == {1, 3}


def test_where_somebody_was_faster_that_one_is_left_and_said(browser: Browser, console: Console) -> None:
    with Desk(browser, console.url) as desk:
        page = desk.go("/needs-a-person?owner=order+desk")
        choose(page, 1, 2)
        with console.named(TOM) as tom:
            tom.send("/needs-a-person/2", "/needs-a-person/2/assign", to=TOM)
        answer(page, [], yes=True)
        page.get_by_role("button", name="Assign 2 tasks to me").click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("1 task of 2 done.")
        expect(alert).to_contain_text(f"Task 2: Meanwhile {TOM} assigned it to {TOM}")
        expect(page).to_have_url(re.compile(r"/needs-a-person\?owner=order\+desk$"))
        desk.expect_refusal()
    found = owners(console)
    assert (found[1], found[2]) == (PRIYA, TOM)


def test_by_keys_alone_several_are_put_off(browser: Browser, console: Console) -> None:
    with Desk(browser, console.url) as desk:
        page = desk.go("/needs-a-person")
        for key in ("j", "x", "j", "x"):
            page.keyboard.press(key)
        button = page.get_by_role("button", name="Put 2 tasks off")
        answer(page, [], yes=True)
        button.focus()
        page.keyboard.press("Enter")
        desk.shows("Put off. They come back by themselves.")
    assert len(console.rows("/needs-a-person.json?snoozed=1")) == 2


def test_without_scripts_the_chosen_ones_are_assigned_too(browser: Browser, console: Console) -> None:
    with Desk(browser, console.url, java_script_enabled=False) as desk:
        page = desk.go("/needs-a-person")
        choose(page, 4)
        page.get_by_role("button", name="Assign to me").click()
        desk.shows("They are yours now.")
    assert owners(console)[4] == PRIYA


def test_a_review_of_many_is_passed_after_a_question_that_names_how_many(
    browser: Browser, console: Console
) -> None:
    with Desk(browser, console.url) as desk:
        page, asked = desk.go("/needs-a-person"), list[str]()
        page.locator("[data-task]", has_text="6 orders").locator("h3 a").click()
        expect(page.locator("table [data-order]")).to_have_count(6)
        page.locator("summary", has_text="Bring them in step").click()
        button = page.get_by_role("button", name="Bring 6 orders in step")
        answer(page, asked, yes=False)
        button.click()
        assert not console.rows("/journal.json?event=approval.given")
        answer(page, asked, yes=True)
        button.click()
        # The rules may be faster than the page: then the review has closed when it is shown again.
        desk.shows(re.compile("They are treated like any other order from now on|Closed not needed any more"))
        assert asked == ["Bring 6 orders in step?"] * 2
    given = console.rows("/journal.json?event=approval.given")
    assert len(given) == 6
    assert {row["who"] for row in given} == {PRIYA}


def test_a_view_is_saved_under_a_name_found_again_and_forgotten(browser: Browser, console: Console) -> None:
    with Desk(browser, console.url) as desk:
        page = desk.go("/orders?state=needs_person&q=coffee")
        page.once("dialog", lambda dialog: dialog.accept("Coffee, open"))
        page.get_by_role("button", name="Save this view").click()
        expect(page.get_by_role("link", name="★ Coffee, open")).to_be_visible()
        desk.go("/orders")
        page.get_by_role("link", name="★ Coffee, open").click()
        expect(page).to_have_url(re.compile(r"state=needs_person&q=coffee$"))
        page.get_by_role("button", name="Forget this view").click()
        expect(page.get_by_role("button", name="Save this view")).to_be_visible()
        desk.go("/orders")
        assert page.get_by_role("link", name="★ Coffee, open").count() == 0


def test_times_are_relative_with_the_exact_time_in_the_viewers_zone(
    browser: Browser, console: Console
) -> None:
    """Half an hour off the full hours, so that no other zone gives the same."""
    with Desk(browser, console.url, timezone_id="Asia/Kolkata") as desk:
        page = desk.go("/orders")
        desk.go("/orders")  # the first page tells the zone, the second is written in it
        moment = page.locator("td.when time").first
        expect(moment).to_have_text(re.compile(r"ago|just now"))
        shown = page.evaluate(
            """() => { const time = document.querySelector("td.when time");
            const digits = "2-digit", form = {hour: digits, minute: digits, timeZone: "Asia/Kolkata"};
            return [time.title, new Intl.DateTimeFormat("en-GB", form).format(new Date(time.dateTime))]; }"""
        )
        assert shown[1] in shown[0], shown


def test_keys_go_on_after_a_task_was_ticked_with_the_mouse(browser: Browser, console: Console) -> None:
    with Desk(browser, console.url, name=PRIYA) as desk:
        page = desk.go("/needs-a-person")
        page.get_by_label("Choose task 2:").click()
        page.keyboard.press("j")
        expect(page.locator("[data-current]")).to_have_count(1)


@pytest.mark.parametrize("tally", ["7", "110", "1,234"])
def test_the_places_of_the_console_are_one_line_each(browser: Browser, console: Console, tally: str) -> None:
    with Desk(browser, console.url, viewport={"width": 1280, "height": 900}) as desk:
        page = desk.go("/needs-a-person")
        page.evaluate("tally => { document.querySelector('.tally').textContent = tally; }", tally)
        heights = page.evaluate("[...document.querySelectorAll('.frame nav a')].map(a => a.offsetHeight)")
        assert len(set(heights)) == 1, heights
        over = page.evaluate("(a => a.scrollWidth - a.clientWidth)(document.querySelector('.frame'))")
        assert over <= 0


def test_the_facts_of_tasks_stand_below_each_other(browser: Browser, console: Console) -> None:
    with Desk(browser, console.url, viewport={"width": 1280, "height": 900}) as desk:
        page = desk.go("/needs-a-person")
        page.locator(".task-facts dd").last.evaluate("dd => { dd.textContent = 'Aleksandra Brzozowska'; }")
        left = page.locator(".task-facts div").evaluate_all("all => all.map(one => one.offsetLeft)")
        assert len(left) > 8
        assert len(set(left)) == 2, left
