"""What events become outside, and the query language of OData."""

from datetime import UTC, datetime

import msgspec
import pytest
from lxml import etree

from countermand.simulators.printiq import Hook, PrintIQSettings
from countermand.simulators.printiq.hooks import event_xml, messages_for
from countermand.simulators.printiq.odata_query import QueryError, parse_filter, parse_orderby
from countermand.simulators.printiq.records import Event

CONSIGNED = Event("CreateConsignment", {"ConsignmentNo": "C1", "Jobs": ["J1-01", "J1-02"]})
ROW = {
    "JobNo": "J1-01",
    "Title": "Anna's flyers",
    "Quantity": 500,
    "ModifiedDate": datetime(2026, 11, 23, 10, tzinfo=UTC),
}


def test_a_hook_gets_only_the_events_it_wants() -> None:
    settings = PrintIQSettings(
        hooks=(Hook(url="http://a/", events=("CreateJob",)), Hook(url="http://b/"), Hook(url="http://c/"))
    )
    assert [message.url for message in messages_for(CONSIGNED, settings)] == ["http://b/", "http://c/"]


def test_json_and_xml_carry_the_same_fields() -> None:
    settings = PrintIQSettings(hooks=(Hook(url="http://a/"), Hook(url="http://b/", format="xml")))
    as_json, as_xml = messages_for(CONSIGNED, settings)
    assert msgspec.json.decode(as_json.body) == {"Event": CONSIGNED.name, **CONSIGNED.fields}
    root = etree.fromstring(as_xml.body)
    assert root.get("name") == "CreateConsignment"
    assert [job.text for job in root.iterfind("Jobs/JobNo")] == ["J1-01", "J1-02"]
    assert root.findtext("ConsignmentNo") == "C1"


def test_xml_escapes_what_people_type() -> None:
    root = etree.fromstring(event_xml(Event("CreateJob", {"CustomerReference": "<PO>\x00 & 'more'"})))
    assert root.findtext("CustomerReference") == "<PO> & 'more'"


def test_the_guessed_status_hook_can_be_switched_off() -> None:
    event = Event("JobStatusChanged", {"JobNo": "J1-01", "ProductionStatusID": 17})
    hook = (Hook(url="http://a/"),)
    assert len(messages_for(event, PrintIQSettings(hooks=hook))) == 1
    assert messages_for(event, PrintIQSettings(hooks=hook, fires_cancel_hook=False)) == []


def test_internal_events_reach_no_hook_and_the_push_only_where_an_address_is_set() -> None:
    event = Event("JobCancelled", {"OrderId": "10001", "JobNo": "J1-01", "ExternalJobReference": "s1"})
    silent = PrintIQSettings(
        hooks=(Hook(url="http://a/"),), infigo_changestatus_url="http://shop/changestatus"
    )
    assert messages_for(event, silent) == []
    told = PrintIQSettings(infigo_updatejobstatus_url="http://shop/updatejobstatus")
    (message,) = messages_for(event, told)
    assert message.url == "http://shop/updatejobstatus"
    assert msgspec.json.decode(message.body) == {**event.fields, "Status": "Cancelled"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("JobNo eq 'J1-01'", True),
        ("JobNo ne 'J1-01'", False),
        ("Title eq 'Anna''s flyers'", True),
        ("Quantity eq 500", True),
        ("Quantity gt 500 or JobNo eq 'J1-01'", True),
        ("Quantity gt 500 and JobNo eq 'J1-01' or Quantity lt 501", True),
        ("Quantity gt 500 and (JobNo eq 'J1-01' or Quantity lt 501)", False),
        ("ModifiedDate ge 2026-11-23T10:00:00Z", True),
        ("ModifiedDate gt 2026-11-23T11:00:00+01:00", False),
        ("ModifiedDate lt 2026-11-24", True),
    ],
)
def test_a_filter_selects(text: str, holds: bool) -> None:
    assert parse_filter(text, ROW)(ROW) is holds


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("JobNoo eq 'x'", "JobNoo"),
        ("JobNo like 'x'", "like"),
        ("JobNo eq", "ends too early"),
        ("JobNo eq 'x", "Syntax error"),
        ("JobNo eq 'x' 'y'", "Syntax error"),
        ("(JobNo eq 'x'", "not closed"),
        ("(" * 30 + "JobNo eq 'x'", "too deeply"),
        ("JobNo eq Title", "not a value"),
        ("JobNo gt 5", "cannot be compared"),
        ("ModifiedDate gt 2026-13-45", "not a date"),
        ("", "ends too early"),
        (f"Quantity eq {'9' * 5000}", "not a value"),
    ],
)
def test_an_unusable_filter_is_an_error_and_never_an_empty_answer(text: str, part: str) -> None:
    with pytest.raises(QueryError, match=part):
        parse_filter(text, ROW)(ROW)


def test_an_order_names_a_known_field_and_a_direction() -> None:
    assert parse_orderby("Quantity desc", ROW) == ("Quantity", True)
    assert parse_orderby("Quantity", ROW) == ("Quantity", False)
    for text in ("Nope", "Quantity sideways"):
        with pytest.raises(QueryError):
            parse_orderby(text, ROW)
