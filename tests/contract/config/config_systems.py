"""Both stand-ins on free ports, and a set-up file that leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from countermand.config import SetUp, load
from countermand.simulators import infigo, printiq
from countermand.simulators.kit import ServerThread

_SHOP, _PLANT = infigo.InfigoSettings(), printiq.PrintIQSettings()
ENVIRON = {
    "INFIGO_TOKEN": _SHOP.token,
    "SCRIPT": _SHOP.megascript_secret,
    "PRINTIQ_PASSWORD": _PLANT.password,
    "PRINTIQ_KEY": _PLANT.application_key,
    "ODATA": _PLANT.odata_token,
}
#: An address where nothing listens.
NOWHERE = "http://127.0.0.1:9"
TEXT = """\
[infigo.shop]
base_url = "{infigo}"
token = {{ env = "INFIGO_TOKEN" }}
megascript_secret = {{ env = "SCRIPT" }}
[printiq.plant]
base_url = "{printiq}"
username = "countermand"
password = {{ env = "PRINTIQ_PASSWORD" }}
application_name = "Countermand"
application_key = {{ env = "PRINTIQ_KEY" }}
odata_token = {{ env = "ODATA" }}
[connections.main]
storefront = "shop"
mis = "plant"
"""


class Systems(msgspec.Struct, frozen=True):
    """Where both stand-ins are, and the set-up file about them."""

    infigo: str = NOWHERE
    printiq: str = NOWHERE

    def text(self, more: str = "") -> str:
        return TEXT.format(infigo=self.infigo, printiq=self.printiq) + more


@contextmanager
def both() -> Iterator[Systems]:
    with (
        ServerThread(infigo.create_app(seed=0, control=True)) as shop,
        ServerThread(printiq.create_app(seed=0, control=True)) as plant,
    ):
        yield Systems(shop.url, plant.url)


def write(folder: Path, text: str) -> Path:
    file = folder / "countermand.toml"
    file.write_text(text, encoding="utf-8")
    return file


def read(folder: Path, text: str, **environ: str) -> SetUp:
    return load(write(folder, text), ENVIRON | environ)
