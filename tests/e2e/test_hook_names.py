"""The set-up says under which names a message gives its numbers, and the service goes by it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from countermand.core.status import Side
from countermand.demo.world import NEVER, World, WorldSettings, wait_until


def outcome(world: World, folder: Path) -> tuple[str, str]:
    """State and reason of the only message, once it is dealt with."""

    def look() -> tuple[str, str] | None:
        with closing(sqlite3.connect(folder / "countermand.db")) as plain:
            rows = plain.execute("SELECT state, reason FROM inbox WHERE state <> 'new'").fetchall()
        return rows[0] if rows else None

    state, reason = wait_until("the message to be dealt with", look)
    return state, reason


def hook_address(world: World, side: Side) -> str:
    base, name = (world.infigo, "webhooks") if side is Side.STOREFRONT else (world.printiq, "hooks")
    return str(world.get(base, "/_sim/settings")[name][0]["url"])


def test_printiq_may_name_its_jobs_otherwise(tmp_path: Path) -> None:
    settings = WorldSettings(polling=NEVER, printiq={"hook": {"job": ["Auftrag"], "event": ["Ereignis"]}})
    with World(settings, tmp_path) as world:
        body = {"Ereignis": "JobStatusChanged", "Auftrag": "J99999-01"}
        assert world.http.post(hook_address(world, Side.MIS), json=body).status_code == 202
        assert outcome(world, tmp_path) == ("waiting", "Nothing is known yet of J99999-01")
