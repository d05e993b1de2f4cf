"""The part of docs/demo.md that is made from code: run this file to write it anew."""

from __future__ import annotations

from pathlib import Path

from countermand.demo.scenarios import SCENARIOS

PAGE = Path(__file__).parents[3] / "docs" / "demo.md"
_BEGIN, _END = "<!-- begin: scenarios -->\n", "<!-- end -->"


def table() -> str:
    """Every scenario with its sentence, in the order in which they are played."""
    rows = "".join(f"| `{one.name}` | {one.title} |\n" for one in SCENARIOS)
    return f"| scenario | what it shows |\n|---|---|\n{rows}"


def in_page() -> str:
    """The table as the page has it now."""
    return PAGE.read_text(encoding="utf-8").split(_BEGIN)[1].split(_END)[0]


def rewrite() -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}{table()}{_END}{rest.split(_END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    rewrite()
