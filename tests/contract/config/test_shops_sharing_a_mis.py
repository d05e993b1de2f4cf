"""Connections that share one printIQ know each other's storefronts, also after a change of the set-up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from countermand.app import ConnectionSettings, Installation, Service, siblings
from countermand.infigo import InfigoSettings
from countermand.printiq import PrintIQSettings

PRINTIQ = PrintIQSettings(
    base_url="http://127.0.0.1:9", username="u", password="p", application_name="a", application_key="k"
)
ELSEWHERE = replace(PRINTIQ, base_url="http://127.0.0.1:10")


def shop(name: str, printiq: PrintIQSettings = PRINTIQ, token: str = "a-token") -> ConnectionSettings:
    infigo = InfigoSettings(base_url=f"http://127.0.0.1:9/{name}", token=token)
    return ConnectionSettings(name=name, infigo=infigo, printiq=printiq)


def test_only_shops_of_the_same_mis_are_siblings_however_its_address_is_spelt() -> None:
    shouted = replace(PRINTIQ, base_url="HTTP://127.0.0.1:9/")
    installation = Installation(
        database="sqlite://", connections=(shop("one"), shop("two", shouted), shop("three", ELSEWHERE))
    )
    assert siblings(installation)["one"] == {"two": installation.connections[1].infigo}
    assert siblings(installation)["three"] == {}


def test_a_shop_is_told_of_the_other_and_of_its_new_token(tmp_path: Path) -> None:
    async def story() -> None:
        before = Installation(
            database=f"sqlite:///{tmp_path / 'ledger.db'}", connections=(shop("one"), shop("two"))
        )
        async with Service(before) as service:
            running = service.running
            assert running["one"].bridge.connection.siblings == {"two": running["two"].storefront}
            changed = replace(before, connections=(shop("one"), shop("two", token="another-token")))
            assert await service.reconfigure(changed) == ("one", "two")
            assert running["one"].bridge.connection.siblings == {"two": running["two"].storefront}

    asyncio.run(story())
