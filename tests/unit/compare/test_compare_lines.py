"""Rows copied out of a file by their number."""

from __future__ import annotations

from pathlib import Path

from countermand.compare.lines import copy_lines
from countermand.compare.mapping import FileChoices
from countermand.compare.source import Source, open_source

TABLE = "Orders of November\n\nOrder ID,Order Status\n" + "".join(f"{n},Processing\n" for n in range(10))


def opened(folder: Path, name: str = "infigo.csv", text: str = TABLE) -> Source:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return open_source(str(path), folder, FileChoices())


def test_a_copy_holds_the_rows_asked_for_and_no_headings(tmp_path: Path) -> None:
    copy = copy_lines(opened(tmp_path), [0, 3, 9], tmp_path / "copy")
    assert copy is not None
    assert copy.path.read_text() == "0,Processing\n3,Processing\n9,Processing\n"
    assert (copy.header_line, copy.headings) == (0, ("Order ID", "Order Status"))


def test_objects_in_lines_are_copied_as_well(tmp_path: Path) -> None:
    copy = copy_lines(
        opened(tmp_path, "o.jsonl", '{"Order ID": 1}\n{"Order ID": 2}\n'), [1], tmp_path / "copy"
    )
    assert copy is not None
    assert copy.path.read_text() == '{"Order ID": 2}\n'


def test_a_row_beyond_the_last_line_gives_no_copy(tmp_path: Path) -> None:
    assert copy_lines(opened(tmp_path), [3, 10], tmp_path / "copy") is None


def test_an_array_has_no_lines_to_copy(tmp_path: Path) -> None:
    assert (
        copy_lines(opened(tmp_path, "o.json", '[{"Order ID": 1},\n{"Order ID": 2}]'), [0], tmp_path / "c")
        is None
    )
