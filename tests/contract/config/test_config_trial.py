"""Trying real systems: one sentence per system that names the setting, and the line it is in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from config_systems import NOWHERE, Systems, both, read

from countermand.config import trial as trial_of
from countermand.config.trial import Tried, try_systems
from countermand.infigo import InfigoStorefront


@pytest.fixture(scope="module")
def systems() -> Iterator[Systems]:
    with both() as found:
        yield found


def trial(folder: Path, text: str, **environ: str) -> dict[str, Tried]:
    return {one.place: one for one in asyncio.run(try_systems(read(folder, text, **environ)))}


def test_good_systems_say_what_they_can_do(tmp_path: Path, systems: Systems) -> None:
    tried = trial(tmp_path, systems.text())
    assert {place: one.problem for place, one in tried.items()} == {"infigo.shop": "", "printiq.plant": ""}
    assert tried["infigo.shop"].address == systems.infigo
    offered = {row.name: row.offered for one in tried.values() for row in one.capabilities}
    assert (offered["cancel_order"], offered["cancel_job"], offered["cancel_sales_order"]) == (
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("environ", "place", "says", "line"),
    [
        ({"INFIGO_TOKEN": "wrong"}, "infigo.shop", "did not accept the token", "token in line 3"),
        ({"SCRIPT": "wrong"}, "infigo.shop", "did not accept the secret", "megascript_secret in line 4"),
        ({"PRINTIQ_PASSWORD": "wrong"}, "printiq.plant", "The login to printIQ failed", "password in line 8"),
        ({"ODATA": "wrong"}, "printiq.plant", "did not accept the OData token", "odata_token in line 11"),
    ],
)
def test_a_wrong_key_names_its_setting_and_line(
    tmp_path: Path, systems: Systems, environ: dict[str, str], place: str, says: str, line: str
) -> None:
    tried = trial(tmp_path, systems.text(), **environ)
    assert says in tried[place].problem
    assert "countermand.toml: " in tried[place].problem
    assert line in tried[place].problem
    assert [one.place for one in tried.values() if one.problem] == [place]
    assert not [secret for secret in environ.values() if f"{secret}-" in tried[place].problem]


def test_thousands_are_not_tried_at_once(
    tmp_path: Path, systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, most = 0, 0

    class Shop(InfigoStorefront):
        def __init__(self, *args: Any, **more: Any) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            super().__init__(*args, **more)

        async def aclose(self) -> None:
            nonlocal at_once
            at_once -= 1
            await super().aclose()

    monkeypatch.setattr(trial_of, "InfigoStorefront", Shop)
    monkeypatch.setattr(trial_of, "MOST_AT_ONCE", 3)
    more = "".join(
        f'[infigo.s{number}]\nbase_url = "{systems.infigo}"\ntoken = {{ env = "INFIGO_TOKEN" }}\n'
        for number in range(7)
    )
    tried = trial(tmp_path, systems.text(more))
    assert len(tried) == 9
    assert not [one for one in tried.values() if one.problem]
    assert 1 <= most <= 3


def test_only_those_that_are_asked_for_are_tried(tmp_path: Path, systems: Systems) -> None:
    setup = read(tmp_path, systems.text())
    assert [one.place for one in asyncio.run(try_systems(setup, {"printiq.plant", "infigo.gone"}))] == [
        "printiq.plant"
    ]


def test_a_wrong_host_names_the_address(tmp_path: Path, systems: Systems) -> None:
    nowhere = Systems(NOWHERE, systems.printiq)
    problem = trial(tmp_path, nowhere.text())["infigo.shop"].problem
    assert problem.endswith("check base_url (countermand.toml: base_url in line 2)")


def test_a_wrong_system_is_not_taken_for_the_right_one(tmp_path: Path, systems: Systems) -> None:
    swapped = Systems(systems.printiq, systems.infigo)
    tried = trial(tmp_path, swapped.text())
    assert all("base_url" in one.problem for one in tried.values()), tried


def test_a_setting_that_is_not_in_the_file_has_no_line(tmp_path: Path, systems: Systems) -> None:
    text = systems.text().replace("[connections", 'soap_path = "/nowhere"\n[connections')
    assert "soap_path in line 12" in trial(tmp_path, text)["printiq.plant"].problem
    text = systems.text().replace("[printiq", 'megascript_path = "/nowhere"\n[printiq')
    assert "megascript_path in line 5" in trial(tmp_path, text)["infigo.shop"].problem
