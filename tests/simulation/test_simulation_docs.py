"""The page about the simulation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from simulation_docs import PAGE, page

import countermand.simulation

_FOLDER = Path(countermand.simulation.__path__[0])


def test_the_page_has_every_promise() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run tests/simulation/simulation_docs.py"


def test_the_page_names_modules_that_exist() -> None:
    rows = re.findall(r"^\| (`.*`) \| .* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in rows if "-" not in row for name in re.findall(r"`(\w+)`", row)}
    assert named
    assert {name for name in named if not (_FOLDER / f"{name}.py").exists()} == set()
