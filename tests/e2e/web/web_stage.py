"""A stage for the browser tests: a real headless Chromium, with eyes and hands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PRIYA, TOM = "Priya Shah", "Tom Óg"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: The machine may be busy; a page that is right is right a little later too.
PATIENCE_MS = 15_000


@contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Desk:
    """One person's browser at the console. Console errors are gathered and must be none at the end."""

    def __init__(self, browser: Browser, console: str, name: str = PRIYA, **options: Any) -> None:
        given = {"viewport": {"width": 1280, "height": 900}} | options
        self.console = console
        self.context: BrowserContext = browser.new_context(base_url=console, **given)
        self.context.set_default_timeout(PATIENCE_MS)
        if name:
            self.context.add_cookies([{"name": "countermand_name", "value": quote(name), "url": console}])
        self.errors: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: self.errors.append(f"{said.text} {said.location}") if said.type == "error" else None,
        )
        return page

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self.context.close()
        if kind is None:
            assert not self.errors, self.errors

    def go(self, path: str) -> Page:
        # A page in the background takes no live news, on purpose.
        self.page.bring_to_front()
        self.page.goto(path)
        return self.page

    def expect_refusal(self) -> None:
        """A refused act answers 409, which the browser notes as an error of its console."""
        self.errors = [error for error in self.errors if "409" not in error]

    def shows(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def axe(self) -> list[str]:
        """Serious and critical findings on the page as it is."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
