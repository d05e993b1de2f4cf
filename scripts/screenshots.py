"""Pictures of the console's main screens into docs/images, from a world with a bit of everything in it.

    .venv/bin/python scripts/screenshots.py [--out docs/images]

Each screen is taken as a person would see it at an ordinary size, the order's page also on a phone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace
from playwright.sync_api import Browser, sync_playwright

from countermand.core.policy import Mode
from countermand.core.tasks import TaskKind
from countermand.demo.sample import fill
from countermand.demo.stage import Order, Stage
from countermand.demo.world import DEMO_POLICY, World, WorldSettings

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
POLICY = replace(
    DEMO_POLICY,
    cancel_to_mis=Mode.ASSISTED,
    cancel_to_storefront=Mode.AUTOMATIC,
    undo_window=timedelta(seconds=1),
)


def set_the_stage(stage: Stage) -> dict[str, Order]:
    """Orders in every situation that the screens are about."""
    fill(stage.world, 14)
    shown = {
        "whole": stage.place(3, paid=True, PurchaseOrderNumber="PO-7741"),
        "late": stage.place(1),
        "back": stage.place(1, paid=True),
        "sent": stage.place(2),
        "both": stage.place(2),
        "stock": stage.place(1, stock=True),
    }
    stage.set_status(shown["late"].jobs[0], 4)
    stage.wait_mis(shown["late"], "open/started")
    stage.cancel_in_infigo(shown["late"])
    stage.cancel_in_printiq(shown["back"].jobs[0])
    for number, job in enumerate(shown["sent"].jobs):
        stage.dispatch(job, f"1Z999AA1012345678{number}")
    for number, job in enumerate(shown["both"].jobs):
        stage.dispatch(job, f"1Z999AA1012345690{number}")
    stage.cancel_in_infigo(shown["both"])
    stage.cancel_in_infigo(shown["stock"])
    stage.cancel_in_infigo(shown["whole"])
    stage.wait_task(shown["whole"], TaskKind.CANCEL_IN_MIS)
    stage.wait_task(shown["late"], TaskKind.PAST_CUT_OFF)
    stage.wait_task(shown["back"], TaskKind.REFUND)
    stage.wait_task(shown["both"], TaskKind.CANCELLED_BUT_MADE)
    stage.wait_task(shown["stock"], TaskKind.CANCEL_STOCK_LINE)
    stage.wait_state(shown["sent"], "in_step")
    stage.world.post(stage.world.console, "/api/sweeps", {"by": "Priya Shah"})
    return shown


def pictures(stage: Stage, shown: dict[str, Order]) -> list[tuple[str, str, int, int, str]]:
    """Name, address, width, height and theme of each picture."""
    task = stage.task(shown["whole"], TaskKind.CANCEL_IN_MIS)
    assert task is not None
    return [
        ("overview", "/", 1280, 900, "light"),
        ("needs-a-person", "/needs-a-person", 1280, 820, "light"),
        ("task", f"/needs-a-person/{task['id']}", 1280, 860, "light"),
        ("order", f"/orders/{shown['late'].id}", 1280, 960, "light"),
        ("order-narrow", f"/orders/{shown['late'].id}", 360, 760, "light"),
        ("cancel", f"/orders/acme-print/{10_003}/cancel", 1280, 700, "light"),
        ("connections", "/connections", 1280, 900, "light"),
        ("rules", "/rules", 1280, 1000, "light"),
        ("other-rules", "/rules/what-if?cancel_to_mis=automatic", 1280, 720, "light"),
        ("try", "/try", 1280, 820, "light"),
    ]


def take(browser: Browser, base: str, out: Path, wanted: list[tuple[str, str, int, int, str]]) -> None:
    for name, address, width, height, theme in wanted:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
        context.add_cookies([{"name": "countermand_name", "value": "Priya%20Shah", "url": base}])
        page = context.new_page()
        page.goto(base + address)
        page.locator("[data-live-state][data-on]").wait_for(state="attached")
        page.screenshot(path=out / f"console-{name}.png")
        context.close()
        print(f"console-{name}.png {(out / f'console-{name}.png').stat().st_size // 1000} kB")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path("docs/images"))
    out = options.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        World(WorldSettings(policy=POLICY, seed=7), Path(folder)) as world,
        sync_playwright() as playwright,
    ):
        stage = Stage(world)
        shown = set_the_stage(stage)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        take(browser, world.console, out, pictures(stage, shown))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
