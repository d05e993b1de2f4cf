"""One vendor is one folder; neither knows the other, and what they share knows neither."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import countermand

PACKAGE = Path(countermand.__file__).parent


def imported(folder: str) -> set[str]:
    """Every package of ours that a folder imports from, as its first name below `countermand`."""
    found: set[str] = set()
    for path in (PACKAGE / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[1] for name in names if name.startswith("countermand.")}
    return found - {folder}


@pytest.mark.parametrize("folder", ["infigo", "printiq"])
def test_a_vendor_knows_the_ports_and_the_core(folder: str) -> None:
    assert imported(folder) == {"bridge", "core", "vendor_http"}


def test_what_both_share_knows_neither() -> None:
    assert imported("vendor_http") == set()
