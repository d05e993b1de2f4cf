"""printIQ's hooks in JSON and XML: what they hint at, and what cannot be read."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.bridge.ports import Hint, MisItemKind, UnreadableHookError
from countermand.core.status import Side
from countermand.printiq import parse_hook
from countermand.printiq.settings import HookNames

JSON, XML = "application/json", "application/xml; charset=utf-8"


def refs(hints: tuple[Hint, ...]) -> list[str]:
    return [hint.mis_ref for hint in hints]


def test_a_new_job() -> None:
    body = {
        "Event": "CreateJob",
        "JobNo": "J29328-01",
        "AcceptanceKey": 7001,
        "CustomerReference": "10001",
        "ExternalJobReference": "s2001",
    }
    assert parse_hook(msgspec.json.encode(body), JSON) == (
        Hint(
            side=Side.MIS,
            mis_ref="J29328-01",
            mis_kind=MisItemKind.JOB,
            mis_group="7001",
            claims="CreateJob",
        ),
    )


def test_a_consignment_of_two_jobs() -> None:
    body = b'{"Event": "CreateConsignment", "ConsignmentNo": "C1", "Jobs": ["J1-01", "J1-02", "J1-01"]}'
    hints = parse_hook(body, JSON)
    assert refs(hints) == ["J1-01", "J1-02"]
    assert hints[0].claims == "CreateConsignment C1"


@pytest.mark.parametrize(
    "body",
    [
        b'<Event name="Changed"><JobNo>J1</JobNo><ProductionStatusID>17</ProductionStatusID></Event>',
        b'<?xml version="1.0"?><Event name="Changed"><Status>17</Status><JobNo>J1</JobNo></Event>',
        b'<e:Event xmlns:e="urn:x" name="Changed"><e:JobNo> J1 </e:JobNo><Status>17</Status></e:Event>',
        '<Event name="Changed"><JobNo>J1</JobNo><Status>17</Status></Event>'.encode("utf-16"),
        b'<Event name="Changed" JobNo="J1" Status="17"/>',
    ],
)
def test_xml_in_its_shapes(body: bytes) -> None:
    (hint,) = parse_hook(body, XML)
    assert (hint.mis_ref, hint.mis_kind, hint.claims) == ("J1", MisItemKind.JOB, "Changed 17")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('<?xml version="1.0" encoding="utf-16"?><Job><JobNo>J1</JobNo><A>ü</A></Job>'.encode(), XML),
        ('<?xml version="1.0" encoding="utf-16"?><Job><JobNo>J1</JobNo><A>ü</A></Job>'.encode(), "text/xml"),
        (
            '<?xml version="1.0"?><Job><JobNo>J1</JobNo><A>ü</A></Job>'.encode("latin-1"),
            "text/xml; charset=ISO-8859-1",
        ),
        (
            '<?xml version="1.0" encoding="latin1"?><Job><JobNo>J1</JobNo><A>ü</A></Job>'.encode("latin-1"),
            XML,
        ),
        (b"<Job><JobNo>J1</JobNo></Job>", "text/xml; charset=no-such-encoding"),
        (b'<?xml version="1.0" encoding="klingon"?><Job><JobNo>J1</JobNo></Job>', XML),
    ],
)
def test_xml_is_read_whichever_of_its_two_encodings_is_wrong(body: bytes, content_type: str) -> None:
    assert refs(parse_hook(body, content_type)) == ["J1"]


def test_xml_is_known_by_its_first_character_too() -> None:
    assert refs(parse_hook(b"\xef\xbb\xbf <Job><JobNumber>J1</JobNumber></Job>", "text/plain")) == ["J1"]


def test_a_sales_order() -> None:
    (hint,) = parse_hook(b'{"Event":"SalesOrderItemStatusChanged","SalesOrderNo":"SO1-001"}', JSON)
    assert (hint.mis_ref, hint.mis_kind) == ("SO1-001", MisItemKind.SALES_ORDER)


def test_without_a_number_the_reference_is_the_hint() -> None:
    (hint,) = parse_hook(b'{"Event":"AcceptanceCreated","AcceptanceKey":7,"CustomerReference":10001}', JSON)
    assert (hint.order_id, hint.mis_ref) == ("10001", "")


def test_a_list_of_events_and_deep_fields() -> None:
    body = b'[{"Data": {"Job": {"JobNo": "J1"}}}, {"Deliveries": [{"JobNumber": "J2"}]}]'
    assert refs(parse_hook(body, JSON)) == ["J1", "J2"]


def test_the_names_are_settings() -> None:
    body = b'{"Auftrag": "J1"}'
    with pytest.raises(UnreadableHookError):
        parse_hook(body, JSON)
    assert refs(parse_hook(body, JSON, HookNames(job=("auftrag",)))) == ["J1"]


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"", JSON, "empty"),
        (b"", XML, "not well-formed"),
        (b"{", JSON, "not JSON"),
        (b"5", JSON, "not a JSON object"),
        (b"{}", JSON, "no event name"),
        (b'{"Event": "SomethingNew", "Code": "ACME"}', JSON, r"\(SomethingNew\) names no job"),
        (b'{"JobNo": ""}', JSON, "names no job"),
        (b'{"JobNo": null}', JSON, "names no job"),
        (b'{"JobNo": "%s"}' % (b"x" * 61), JSON, "names no job"),
        (b"<Event", XML, "not well-formed"),
        (b"<Event/>", XML, "names no job"),
        (
            b'<?xml version="1.0" encoding="utf-8"?><Event><JobNo>J\xff</JobNo></Event>',
            XML,
            "not well-formed",
        ),
        (b'{"JobNo": "J\xff"}', JSON, "not utf-8 text: byte 0xff"),
        (b"[" * 100_000, JSON, "nested too deeply"),
        (b"[" * 40 + b"]" * 40, JSON, "nested too deeply"),
        (b"<a>" * 5000, XML, "not well-formed"),
        (msgspec.json.encode({"Jobs": [f"J{number}" for number in range(10_001)]}), JSON, "10001 jobs"),
    ],
)
def test_what_cannot_be_read_says_why(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(UnreadableHookError, match=words):
        parse_hook(body, content_type)


_LAUGHS = "".join(f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in ("ab", "bc", "cx"))


@pytest.mark.parametrize(
    "head",
    [
        b"<!DOCTYPE Event>",
        b'<!DOCTYPE Event SYSTEM "http://127.0.0.1:9/x.dtd">',
        b'<!DOCTYPE Event [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        f'<!DOCTYPE Event [<!ENTITY a "ha">{_LAUGHS}]>'.encode(),
    ],
)
def test_a_document_type_is_refused(head: bytes) -> None:
    entity = b"&x;" if b"ENTITY" in head else b"J1"
    with pytest.raises(UnreadableHookError, match=r"document type|not well-formed") as caught:
        parse_hook(head + b"<Event><JobNo>" + entity + b"</JobNo></Event>", XML)
    assert "root:" not in str(caught.value)


@given(st.binary(max_size=200), st.sampled_from([JSON, XML, ""]))
def test_no_bytes_break_it(body: bytes, content_type: str) -> None:
    with pytest.raises(UnreadableHookError):
        parse_hook(body, content_type)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["JobNo", "Jobs", "SalesOrderNo", "CustomerReference", "Event"]), inner
        )
    ),
    max_leaves=10,
)


@given(_values)
def test_no_json_breaks_it(value: object) -> None:
    try:
        hints = parse_hook(msgspec.json.encode(value), JSON)
    except UnreadableHookError:
        return
    assert all(bool(hint.mis_ref) != bool(hint.order_id) for hint in hints)


@pytest.mark.parametrize("event", ["CreateQuote", "CreateCustomer", "ExportInvoice"])
def test_a_known_event_that_is_not_about_orders_asks_for_no_look(event: str) -> None:
    assert parse_hook(f'{{"Event": "{event}", "QuoteNo": "Q050201"}}'.encode(), "application/json") == ()


def test_such_an_event_with_a_job_in_it_is_looked_at() -> None:
    body = b'{"Event": "ExportInvoice", "JobNo": "J29328-01"}'
    assert [hint.mis_ref for hint in parse_hook(body, "application/json")] == ["J29328-01"]


def test_an_acceptance_key_of_0_is_none() -> None:
    (hint,) = parse_hook(b'{"Event":"CreateJob","JobNo":"J1","AcceptanceKey":0}', JSON)
    assert (hint.mis_ref, hint.mis_group) == ("J1", "")


def test_jobs_of_two_acceptances_are_not_looked_for_in_the_first() -> None:
    body = b'[{"JobNo": "J1", "AcceptanceKey": 7001}, {"JobNo": "J2", "AcceptanceKey": 7002}]'
    assert [(hint.mis_ref, hint.mis_group) for hint in parse_hook(body, JSON)] == [("J1", ""), ("J2", "")]
    same = b'[{"JobNo": "J1", "AcceptanceKey": 7001}, {"JobNo": "J2", "QQAKey": "7001"}]'
    assert {hint.mis_group for hint in parse_hook(same, JSON)} == {"7001"}
