"""Set-up files to test with: a small valid one, and ways to change it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from countermand.config import SetUp, SetUpError, load

ENVIRON = {
    "INFIGO_TOKEN": "token-of-the-shop",
    "PRINTIQ_PASSWORD": "password of the user",
    "PRINTIQ_KEY": "key-of-the-application",
    "HOOK": "an-unguessable-token-01",
    "OTHER_HOOK": "an-unguessable-token-02",
}

INFIGO = """\
[infigo.shop]
base_url = "https://shop.example.com"
token = { env = "INFIGO_TOKEN" }
"""
PRINTIQ = """\
[printiq.plant]
base_url = "https://plant.example.com"
username = "countermand"
password = { env = "PRINTIQ_PASSWORD" }
application_name = "Countermand"
application_key = { env = "PRINTIQ_KEY" }
"""
CONNECTION = """\
[connections.main]
storefront = "shop"
mis = "plant"
"""
SMALL = INFIGO + PRINTIQ + CONNECTION
#: The line after the small file, where a test's own text begins.
NEXT = SMALL.count("\n") + 1


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> SetUp:
    file = folder / "countermand.toml"
    file.write_text(dedent(text), encoding="utf-8")
    return load(file, ENVIRON if environ is None else environ)


def refused(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """What is said about a file that is not valid, without its folder."""
    with pytest.raises(SetUpError) as caught:
        read(folder, text, environ)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]
