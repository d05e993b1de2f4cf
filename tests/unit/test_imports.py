"""Imports point down: web, cli -> app -> bridge -> core; vendors know the ports and not each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import countermand

ROOT = Path(countermand.__file__).parent

#: What each part may import of ours, beside itself.
MAY_IMPORT = {
    "core": set(),
    "bridge": {"core"},
    "vendor_http": {"core", "bridge"},
    "infigo": {"core", "bridge", "vendor_http"},
    "printiq": {"core", "bridge", "vendor_http"},
    "ledger": {"core", "bridge"},
    "outbound": {"core", "bridge", "ledger"},
}
#: What each part must not import.
MUST_NOT_IMPORT = {
    "simulators": {"bridge", "ledger", "web", "app", "cli", "core", "demo", "config"},
    "compare": {"bridge", "ledger", "web", "app", "demo"},
    "app": {"web", "cli", "demo", "simulators"},
    "web": {"cli", "demo", "simulators"},
    "config": {"web", "cli", "demo", "simulators"},
}


def modules(part: str) -> list[Path]:
    folder = ROOT / part
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [ROOT / f"{part}.py"]


def imported(path: Path) -> Iterator[str]:
    """The parts of ours that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where they point"
            names = [f"{node.module}.{each.name}" for each in node.names]
        for name in names:
            if name.startswith("countermand.") and name != "countermand.__version__":
                yield name.split(".")[1]


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_what_lies_below_it(part: str) -> None:
    allowed = MAY_IMPORT[part] | {part}
    wrong = {f"{path.name} imports {name}" for path in modules(part) for name in imported(path)
             if name not in allowed}  # fmt: skip
    assert not wrong


@pytest.mark.parametrize("part", MUST_NOT_IMPORT)
def test_a_part_does_not_import_what_lies_above_it(part: str) -> None:
    wrong = {f"{path.name} imports {name}" for path in modules(part) for name in imported(path)
             if name in MUST_NOT_IMPORT[part]}  # fmt: skip
    assert not wrong


def test_only_the_cli_knows_the_cli() -> None:
    paths = [path for path in ROOT.rglob("*.py") if "cli" not in path.relative_to(ROOT).parts]
    allowed = {ROOT / "__main__.py", ROOT / "reference.py"}
    assert not {str(path) for path in paths if path not in allowed and "cli" in set(imported(path))}


def test_the_core_has_no_clock_no_input_and_no_framework() -> None:
    banned = {"asyncio", "sqlalchemy", "httpx2", "starlette", "time", "random", "os", "pathlib", "structlog"}
    for path in modules("core"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & {name.split(".")[0] for name in names}, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("now", "utcnow", "today"), f"{path} asks what time it is"


@pytest.mark.parametrize(
    "part", ["core", "bridge", "ledger", "infigo", "printiq", "vendor_http", "app", "web"]
)
def test_nothing_of_the_product_knows_the_simulators_test_control(part: str) -> None:
    assert not [path for path in modules(part) if "/_sim" in path.read_text("utf-8")]


def test_the_parts_named_here_exist() -> None:
    for part in {*MAY_IMPORT, *MUST_NOT_IMPORT}:
        assert modules(part), part
        assert all(path.exists() for path in modules(part)), part
