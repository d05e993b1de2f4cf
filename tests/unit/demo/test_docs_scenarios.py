"""docs/demo.md lists every scenario, as the code has it."""

from __future__ import annotations

import demo_docs

from countermand.demo.scenarios import SCENARIOS


def test_the_page_is_as_the_code_is() -> None:
    assert demo_docs.in_page() == demo_docs.table(), f"docs/demo.md is behind: run {demo_docs.__file__}"


def test_names_are_unique_and_titles_are_one_sentence() -> None:
    names = [one.name for one in SCENARIOS]
    assert len(set(names)) == len(names)
    assert [one.name for one in SCENARIOS if not one.title.endswith(".") or "|" in one.title] == []
