"""Stored JSON is decoded once as long as its text is the same, and never taken for another."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from countermand.ledger import columns
from countermand.ledger.columns import Json


class Note(msgspec.Struct, frozen=True):
    text: str


def _reading() -> Callable[[str | None], Note | None]:
    return Json(Note).result_processor(SQLiteDialect_pysqlite(), None)


def test_the_same_text_is_the_same_value() -> None:
    read = _reading()
    assert read('{"text":"a"}') is read('{"text":"a"}')
    assert read('{"text":"a"}') == Note("a")
    assert read('{"text":"b"}') == Note("b")
    assert read(None) is None


def test_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_KEPT", 2)
    read = _reading()
    first = read('{"text":"0"}')
    for number in range(1, 3):
        read(f'{{"text":"{number}"}}')
    again = read('{"text":"0"}')
    assert first == again
    assert first is not again


def test_a_text_that_is_none_of_the_kind_fails_each_time() -> None:
    read = _reading()
    for _ in range(2):
        with pytest.raises(msgspec.ValidationError):
            read('{"text":1}')
