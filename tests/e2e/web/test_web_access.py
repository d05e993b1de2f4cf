"""Every page for everybody: no serious finding of axe in light and dark, nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser
from web_stage import Desk, chromium

from countermand.app import Installation
from countermand.core.policy import Mode
from countermand.core.tasks import TaskKind
from countermand.demo.stage import Stage
from countermand.demo.world import DEMO_POLICY, World, WorldSettings
from countermand.simulators.kit import ServerThread
from countermand.web.server import create_app

pytestmark = pytest.mark.browser

POLICY = replace(DEMO_POLICY, cancel_to_mis=Mode.ASSISTED)
PAGES = (
    "/", "/orders", "/orders?state=needs_person", "/orders?q=nothing-of-that", "/orders/{shop}/{order}",
    "/orders/{shop}/{order}/cancel", "/needs-a-person", "/needs-a-person/{task}",
    "/needs-a-person?state=closed",
    "/sweeps", "/sweeps/{sweep}", "/connections", "/rules", "/rules/what-if",
    "/rules/what-if?cancel_to_mis=automatic", "/journal", "/start", "/try", "/you", "/nowhere",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with World(WorldSettings(policy=POLICY), tmp_path_factory.mktemp("access")) as world:
        stage = Stage(world)
        first, second = stage.place(3, paid=True), stage.place()
        stage.dispatch(second.jobs[0], "1Z999AA10123456784")
        stage.wait_state(second, "in_step")
        stage.cancel_in_infigo(first)
        stage.wait_task(first, TaskKind.CANCEL_IN_MIS)
        yield stage


@pytest.fixture(scope="module")
def pages(shop: Stage) -> list[str]:
    """The addresses, with numbers that are really there."""
    base = shop.world.console
    task = shop.world.get(base, "/api/tasks")["tasks"][0]
    sweep = shop.world.post(base, "/api/sweeps", {"by": "Priya Shah"})
    names = {"shop": task["connection"], "order": task["orders"][0]}
    names |= {"task": task["id"], "sweep": sweep["id"]}
    return [page.format(**names) for page in PAGES]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    browser: Browser, shop: Stage, pages: list[str], theme: str
) -> None:
    found: list[str] = []
    with Desk(browser, shop.world.console, color_scheme=theme) as desk:
        for path in pages:
            desk.go(path)
            for details in desk.page.locator("main details:not(.raw)").all():
                details.evaluate("each => { each.open = true; }")
            found += [f"{path}: {one}" for one in desk.axe()]
        desk.errors = [error for error in desk.errors if "404" not in error]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", [360, 768, 1280, 2560])
def test_no_page_is_wider_than_the_screen(
    browser: Browser, shop: Stage, pages: list[str], width: int
) -> None:
    wide: list[str] = []
    with Desk(browser, shop.world.console, viewport={"width": width, "height": 900}) as desk:
        for path in pages:
            page = desk.go(path)
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                wide.append(f"{path}: {over} px")
        desk.errors = [error for error in desk.errors if "404" not in error]
    assert not wide, wide


@pytest.mark.parametrize("width", [360, 1280])
def test_the_first_run_fits_and_is_for_everybody(browser: Browser, tmp_path: Path, width: int) -> None:
    empty = Installation(database=f"sqlite:///{tmp_path / 'countermand.db'}")
    with (
        ServerThread(create_app(empty)) as server,
        Desk(browser, server.url, viewport={"width": width, "height": 900}) as desk,
    ):
        for path in ("/start", "/", "/orders", "/needs-a-person", "/connections", "/rules", "/journal"):
            page = desk.go(path)
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{path}: {over} px"
            assert not desk.axe(), path


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_the_stand_ins_fit_every_screen_too(browser: Browser, shop: Stage, width: int) -> None:
    order = shop.place(2)
    pages = (
        f"{shop.world.infigo}/admin/orders",
        f"{shop.world.infigo}/admin/orders/{order.id}",
        f"{shop.world.infigo}/admin/orders/new",
        f"{shop.world.printiq}/board",
        f"{shop.world.printiq}/jobs/{order.jobs[0]}",
        f"{shop.world.printiq}/consignments",
    )
    wide: list[str] = []
    with Desk(browser, shop.world.console, viewport={"width": width, "height": 900}) as desk:
        for page in pages:
            desk.page.goto(page)
            over = desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            wide += [f"{page}: {over} px"] if over > 0 else []
            wide += [f"{page}: {one}" for one in desk.axe()]
    assert not wide, "\n".join(wide)


def test_axe_can_find_something(browser: Browser, shop: Stage) -> None:
    with Desk(browser, shop.world.console) as desk:
        desk.go("/orders")
        desk.page.evaluate("document.querySelector('.find input').removeAttribute('aria-label')")
        desk.page.evaluate("document.querySelector('.find input').removeAttribute('placeholder')")
        assert any("label" in one for one in desk.axe())


def test_the_page_can_be_printed(browser: Browser, shop: Stage, pages: list[str]) -> None:
    with Desk(browser, shop.world.console) as desk:
        desk.go(pages[4])
        desk.page.emulate_media(media="print")
        assert not desk.page.locator(".frame").is_visible()
        assert not desk.page.locator(".order-acts").is_visible()
        assert desk.page.locator(".lines").is_visible()
        assert desk.page.locator(".timeline").is_visible()


def test_paper_shows_times_as_they_are_and_no_controls(
    browser: Browser, shop: Stage, pages: list[str]
) -> None:
    with Desk(browser, shop.world.console, viewport={"width": 794, "height": 1123}) as desk:
        for path in (pages[0], pages[4], pages[6], pages[7]):
            page = desk.go(path)
            page.emulate_media(media="print")
            shown = page.locator("main button:visible, main select:visible, main input:visible")
            assert shown.count() == 0, path
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{path} is {over} px too wide for paper"
        moment = page.locator("main time[data-style=relative]").first
        written = moment.evaluate("each => getComputedStyle(each, '::after').content")
        assert written == f'"{moment.get_attribute("title")}"'


@pytest.mark.parametrize("chosen", ["light", "dark"])
def test_on_paper_ink_is_dark_whatever_the_screen_shows(
    browser: Browser, shop: Stage, pages: list[str], chosen: str
) -> None:
    """Browsers print no backgrounds: pale ink would be lost on white paper."""
    with Desk(browser, shop.world.console, color_scheme="dark") as desk:
        theme = {"name": "countermand_theme", "value": chosen, "url": shop.world.console}
        desk.context.add_cookies([theme])  # type: ignore[list-item]  # a plain dictionary is one
        page = desk.go(next(path for path in pages if path.startswith("/orders/")))
        page.emulate_media(media="print")
        ink = page.evaluate(
            """() => [...document.querySelectorAll("main h1, main p, main time")].map(each =>
            getComputedStyle(each).color.match(/\\d+/g).slice(0, 3).map(Number))"""
        )
        assert ink
        assert max(max(colour) for colour in ink) < 190, ink
