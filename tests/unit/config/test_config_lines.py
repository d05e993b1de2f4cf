"""Lines of settings: the scan agrees with the standard library's reader on what stands where."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.config.lines import Place, line_of, lines_of

#: One text per line, so that the quotes of the one language stay out of the other's.
TRICKY = [
    "# [no]",
    "top = 1 # = [no]",
    "",
    "[plain]",
    'key = "a # b = [c]"',
    "\"quoted.name\" = 'its # [x'",
    "dotted.in.side = true",
    'several = """',
    "[no]",
    "key = 2",
    '"""""',
    "list = [",
    '  "one", # two',
    '  [ "]", 3 ],',
    "]",
    "inline = { a = 1, b = [",
    "  2,",
    "] }",
    "literal = '''",
    "[no]",
    "'''",
    "[plain.sub] # comment",
    "k = 1",
    "[[rows]]",
    "a = 1",
    "[[rows]]",
    "[rows.inner]",
    "b = 2",
    "[[rows.deep]]",
    "c = 3",
    "[[rows.deep]]",
    '[ "spaced" . name ]',
    "last = 0",
]


def test_every_kind_of_statement_has_its_line() -> None:
    text = "\n".join(TRICKY)
    tomllib.loads(text)
    assert lines_of(text) == {
        ("top",): 2,
        ("plain",): 4,
        ("plain", "key"): 5,
        ("plain", "quoted.name"): 6,
        ("plain", "dotted"): 7,
        ("plain", "dotted", "in"): 7,
        ("plain", "dotted", "in", "side"): 7,
        ("plain", "several"): 8,
        ("plain", "list"): 12,
        ("plain", "inline"): 16,
        ("plain", "literal"): 19,
        ("plain", "sub"): 22,
        ("plain", "sub", "k"): 23,
        ("rows", 0): 24,
        ("rows", 0, "a"): 25,
        ("rows", 1): 26,
        ("rows", 1, "inner"): 27,
        ("rows", 1, "inner", "b"): 28,
        ("rows", 1, "deep", 0): 29,
        ("rows", 1, "deep", 0, "c"): 30,
        ("rows", 1, "deep", 1): 31,
        ("spaced", "name"): 32,
        ("spaced", "name", "last"): 33,
    }


def test_what_has_no_line_of_its_own_has_that_of_what_is_around_it() -> None:
    lines: dict[Place, int] = {("a",): 3, ("a", "b"): 4}
    assert line_of(lines, ("a", "b", "c", 0)) == 4
    assert line_of(lines, ("a", "x")) == 3
    assert line_of(lines, ("x",)) is None
    assert line_of(lines, ()) is None


_key = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@given(st.lists(st.tuples(_key, _text), unique_by=lambda one: one[0], max_size=8), st.data())
def test_any_key_with_any_text_is_found(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    lines, expected = [], {}
    for key, value in pairs:
        gap = data.draw(st.integers(0, 2))
        lines += ["# = [x"] * gap
        expected[(key,)] = len(lines) + 1
        lines.append(f"{_quoted(key)} = {_quoted(value)} # [")
    text = "\n".join(lines)
    assert tomllib.loads(text) == dict(pairs)
    assert lines_of(text) == expected


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "[a]"])
def test_small_texts(text: str) -> None:
    values: dict[str, Any] = tomllib.loads(text)
    assert [place[0] for place in lines_of(text)] == list(values)
