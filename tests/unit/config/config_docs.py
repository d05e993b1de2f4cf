"""The tables of docs/configuration.md that are made from code: run this file to write them anew."""

from __future__ import annotations

import re
from pathlib import Path

from countermand.config.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def in_page(name: str) -> str | None:
    """The table of that name as the page has it now."""
    pattern = rf"<!-- begin: {re.escape(name)} -->\n(.*?)<!-- end -->"
    found = re.search(pattern, PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found[1] if found else None


def rewrite() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, table in reference().items():
        begin, end = f"<!-- begin: {name} -->\n", "<!-- end -->"
        before, mark, rest = text.partition(begin)
        assert mark, f"{PAGE.name} has no place for {name}"
        text = before + begin + table + end + rest.partition(end)[2]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
