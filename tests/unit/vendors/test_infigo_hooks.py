"""Infigo's webhooks: what they hint at, and what cannot be read."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.bridge.ports import Hint, UnreadableHookError
from countermand.core.status import Side
from countermand.infigo import parse_hook

JSON = "application/json"


def hook(*rows: object, action: str = "OrderStatusChanged") -> bytes:
    return msgspec.json.encode({"webhook": {"action": action, "entity": "OrderLineItem"}, "data": rows})


def refs(hints: tuple[Hint, ...]) -> list[tuple[str, str]]:
    return [(hint.order_id, hint.line_id) for hint in hints]


def test_the_body_that_was_seen() -> None:
    (hint,) = parse_hook(hook({"Id": "s1234", "CustomerId": 55, "Status": 23}), JSON)
    assert hint == Hint(
        side=Side.STOREFRONT, line_id="s1234", claims="OrderStatusChanged OrderLineItem status 23"
    )


def test_rows_of_one_order_are_one_hint() -> None:
    rows = [{"Id": "s1", "OrderId": 10001}, {"Id": "s2", "OrderId": "10001"}, {"Id": "d3", "OrderId": 10002}]
    assert refs(parse_hook(hook(*rows), JSON)) == [("10001", ""), ("10002", "")]


def test_a_number_alone_is_an_order() -> None:
    assert refs(parse_hook(hook({"Id": 10001}), JSON)) == [("10001", "")]


def test_rows_that_name_nothing_are_passed_over() -> None:
    rows = [None, 5, {"Id": True}, {"Id": "../x"}, {"OrderId": -4}, {"Id": "s7"}]
    assert refs(parse_hook(hook(*rows), JSON)) == [("", "s7")]


def test_one_row_may_stand_without_its_list_and_the_envelope_may_be_missing() -> None:
    assert refs(parse_hook(b'{"data": {"Id": "s1"}}', JSON)) == [("", "s1")]
    assert refs(parse_hook(b'{"Data": [{"id": "s1"}]}', JSON)) == [("", "s1")]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xef\xbb\xbf" + hook({"Id": "s1"}), JSON),
        (hook({"Id": "s1"}), "text/plain"),
        (hook({"Id": "s1"}), ""),
        (hook({"Id": "s1"}), "application/x-www-form-urlencoded"),
        (b"\xef\xbb\xbf\r\n" + hook({"Id": "s1"}), "application/x-www-form-urlencoded; charset=utf-8"),
        (hook({"Id": "s1"}).decode().encode("utf-16"), "application/json; charset=utf-16"),
    ],
)
def test_encodings_that_can_be_told(body: bytes, content_type: str) -> None:
    assert refs(parse_hook(body, content_type)) == [("", "s1")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "not JSON"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'"hello"', "not a JSON object"),
        (b"{}", "no list called data"),
        (b'{"data": "s1"}', "no list called data"),
        (b'{"data": []}', "names neither"),
        (b'{"data": [{"Id": ""}]}', "names neither"),
        (b"<order><Id>s1</Id></order>", "markup"),
        (b"OrderId=10001&Id=s1", "not JSON"),
        ('{"data": [{"Id": "s1", "Name": "Müller"}]}'.encode("latin-1"), "not utf-8 text: byte 0xfc"),
        (hook({"Id": "s1"}).decode().encode("utf-16"), "not utf-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (hook(*[{"Id": "s1"}] * 10_001), "10001 rows"),
    ],
)
def test_what_cannot_be_read_says_why(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableHookError, match=words):
        parse_hook(body, JSON)


@pytest.mark.parametrize("charset", ["klingon", "utf-32", "base64"])
def test_an_encoding_that_is_wrong_or_none(charset: str) -> None:
    with pytest.raises(UnreadableHookError):
        parse_hook(hook({"Id": "s1"}), f"application/json; charset={charset}")


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_bytes_break_it(body: bytes, content_type: str) -> None:
    with pytest.raises(UnreadableHookError):
        parse_hook(body, content_type)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Id", "OrderId"]), inner),
    max_leaves=8,
)


@given(_values)
def test_no_rows_break_it(rows: object) -> None:
    try:
        hints = parse_hook(msgspec.json.encode({"data": rows}), JSON)
    except UnreadableHookError:
        return
    assert all(bool(hint.order_id) != bool(hint.line_id) for hint in hints)
