"""The table of folders in docs/architecture.md is the rule that imports follow."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import countermand

PACKAGE = Path(countermand.__file__).parent
PAGE = PACKAGE.parents[1] / "docs" / "architecture.md"


def _table() -> dict[str, set[str] | None]:
    """What each folder may import; none: everything."""
    text = PAGE.read_text(encoding="utf-8").split("<!-- begin: folders -->")[1].split("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.strip().splitlines()[2:]]
    return {
        folder.strip("`"): None if allowed == "everything" else set(re.findall(r"`(\w+)`", allowed))
        for folder, _, allowed in rows
    }


def _folders() -> set[str]:
    return {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def _imported(folder: str) -> set[str]:
    found: set[str] = set()
    for path in (PACKAGE / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[1] for name in names if name.startswith("countermand.")}
    return found - {folder}


def test_every_folder_is_in_the_table() -> None:
    missing = _folders() - set(_table())
    assert not missing, "put each folder, and what it may import, into docs/architecture.md"


@pytest.mark.parametrize("folder", sorted(_table()))
def test_a_folder_imports_only_what_the_table_allows(folder: str) -> None:
    allowed = _table()[folder]
    if allowed is not None:
        assert _imported(folder) <= allowed


def test_no_two_folders_need_each_other() -> None:
    table = {folder: allowed for folder, allowed in _table().items() if allowed is not None}
    both = {
        frozenset({folder, other})
        for folder, allowed in table.items()
        for other in allowed
        if folder in (table.get(other) or set())
    }
    assert not both
