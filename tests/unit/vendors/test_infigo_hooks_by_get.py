"""Infigo's webhooks by GET: the query is the message. That a shop may choose GET is known, its form not."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.bridge.ports import Hint, UnreadableHookError
from countermand.core.status import Side
from countermand.infigo import InfigoSettings, parse_hook
from countermand.infigo.settings import QueryNames

QUERY = "application/x-www-form-urlencoded"


def refs(query: str, names: QueryNames | None = None) -> list[tuple[str, str]]:
    return [(hint.order_id, hint.line_id) for hint in parse_hook(query.encode(), QUERY, names)]


def test_what_the_stand_in_sends() -> None:
    first, second = parse_hook(
        b"action=OrderLineItemStatusChanged&entity=OrderLineItem&id=d2001%2Cs2002", QUERY
    )
    claims = "OrderLineItemStatusChanged OrderLineItem"
    assert first == Hint(side=Side.STOREFRONT, line_id="d2001", claims=claims)
    assert second == Hint(side=Side.STOREFRONT, line_id="s2002", claims=claims)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("id=s1", [("", "s1")]),
        ("ID=s1&ID=s2", [("", "s1"), ("", "s2")]),
        ("Ids=s1, s2,,s1", [("", "s1"), ("", "s2")]),
        ("id=10001", [("10001", "")]),
        ("id=s1&orderId=10001", [("10001", "")]),
        ("OrderId=10001,10002&id=", [("10001", ""), ("10002", "")]),
        ("orderId=&id=s1", [("", "s1")]),
        ("?id=s1", [("", "s1")]),
        ("id=../x,s7,-4", [("", "s7")]),
        ("id=s1&customerId=55&key=k", [("", "s1")]),
    ],
)
def test_ids_stand_under_few_names_alone_or_as_a_list(query: str, found: list[tuple[str, str]]) -> None:
    assert refs(query) == found


def test_the_names_are_a_setting() -> None:
    names = QueryNames(line=("job",), order=("auftrag",), claim=("was",))
    (hint,) = parse_hook(b"was=Storno&job=s1", QUERY, names)
    assert (hint.line_id, hint.claims) == ("s1", "Storno")
    assert refs("auftrag=10001&id=s1", names) == [("10001", "")]
    assert InfigoSettings(base_url="https://a.example", token="t").hook_query == QueryNames()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (b"", "empty"),
        (b"&&", "no parameters"),
        (b"hello", "its parameters are hello"),
        (b"action=OrderPlaced&entity=Order", "its parameters are action, entity"),
        (b"customerId=55", "its parameters are customerId"),
        (b"id=", "names neither"),
        (b"id=%00%ff", "names neither"),
        (b"id=s1\xff", "not utf-8 text"),
        (b'{"data": [{"Name": "s1"}]}', "names neither"),
        (urlencode({"id": ",".join(f"s{one}" for one in range(10_001))}).encode(), "10001 ids"),
        (b"a&" * 20_001, "parameters"),
    ],
)
def test_what_cannot_be_read_says_why(query: bytes, words: str) -> None:
    with pytest.raises(UnreadableHookError, match=words):
        parse_hook(query, QUERY)


def test_what_came_is_not_told_at_length() -> None:
    with pytest.raises(UnreadableHookError) as caught:
        parse_hook(b"x" * 5000 + b"=1", QUERY)
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=200))
def test_no_query_breaks_it(query: bytes) -> None:
    try:
        hints = parse_hook(query, QUERY)
    except UnreadableHookError:
        return
    assert all(bool(hint.order_id) != bool(hint.line_id) for hint in hints)
