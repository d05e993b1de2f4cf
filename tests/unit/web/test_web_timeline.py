"""The timeline's sentences: every journal event in plain words, messages told from what stands in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from countermand.core.events import Event
from countermand.core.tasks import TaskKind
from countermand.ledger.columns import encode
from countermand.ledger.journal import Body
from countermand.ledger.records import JournalRow
from countermand.web.timeline import Moment, _joined, _names_one_of, _windows, moment
from countermand.web.words import Names

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
NAMES = Names()


def entry(event: str, actor: str = "countermand", subject: str = "order/10001", **body: Any) -> JournalRow:
    text = encode(Body(**body)).decode()
    return JournalRow(
        chain="shop", seq=1, at=NOW, event=event, actor=actor, subject=subject, body=text, hash="0" * 64
    )


def said(event: str, **body: Any) -> Moment:
    return moment(entry(event, **body), NAMES, {})


@pytest.mark.parametrize("event", Event)
def test_every_event_can_be_told_with_nothing_in_it(event: Event) -> None:
    told = said(event)
    assert told.text
    assert told.text[0].isupper() or told.text.startswith("printIQ")


def test_an_event_of_a_newer_version_is_told_by_its_name() -> None:
    assert said("parcel.lost").text == "Parcel: lost"


@pytest.mark.parametrize(
    ("event", "body", "text"),
    [
        (
            Event.LINE_SIGHTED,
            {"before": "open/none", "after": "cancelled/none", "extra": {"side": "storefront", "ref": "s1"}},
            "Infigo shows: cancelled",
        ),
        (
            Event.LINE_SIGHTED,
            {"before": "open/none", "after": "open/dispatched", "extra": {"side": "mis", "ref": "J1"}},
            "printIQ shows: dispatched",
        ),
        (Event.LINE_DECIDED, {"after": "cancel in mis"}, "To do: cancel it in printIQ"),
        (Event.NOTE_WRITTEN, {"after": "applied"}, "A note was written on the order"),
        (Event.NOTE_WRITTEN, {"after": "unknown"}, "Whether a note is on the order in Infigo is not known"),
        (Event.NOTE_WRITTEN, {"after": "refused"}, "Infigo did not take a note on the order"),
        (
            Event.LINE_DECIDED,
            {"after": "ask: cancelled_but_made"},
            "A person is needed: cancelled, but made or sent",
        ),
        (Event.LINE_IN_STEP, {"after": "in step"}, "Both systems agree"),
        (Event.LINE_IN_STEP, {"after": "settled"}, "Left different"),
        (
            Event.WRITE_SENT,
            {"after": "ship in storefront", "why": "mis shows open/dispatched"},
            "Sent: mark it shipped in Infigo",
        ),
        (
            Event.WRITE_ANSWERED,
            {"after": "refused", "extra": {"target": "mis"}},
            "printIQ answered: refused",
        ),
        (Event.WRITE_VERIFIED, {"extra": {"target": "mis"}}, "Read back: printIQ shows the change"),
        (
            Event.TASK_OPENED,
            {"after": TaskKind.REFUND.value},
            "A person is needed: Cancelled and paid: refund?",
        ),
        (Event.TASK_CLOSED, {"after": "verified"}, "Task closed: seen in both systems"),
        (
            Event.CANCELLATION_MOVED,
            {"after": "done", "extra": {"direction": "cancel_to_mis"}},
            "Cancellation: done on both sides",
        ),
        (
            Event.TASK_CHANGED,
            {"why": "mine", "extra": {"did": "assigned it to Priya"}},
            "Assigned it to Priya",
        ),
    ],
)
def test_what_happened_in_a_sentence(event: Event, body: dict[str, object], text: str) -> None:
    assert said(event, **body).text == text


def test_a_write_says_because_of_what() -> None:
    told = said(Event.WRITE_SENT, after="cancel in mis", why="storefront shows cancelled/none")
    assert told.more == "Because Infigo shows: cancelled."


def test_who_did_it_is_named_unless_it_was_the_program() -> None:
    assert moment(entry(Event.TASK_CLOSED, actor="Priya Shah"), NAMES, {}).who == "Priya Shah"
    assert moment(entry(Event.TASK_CLOSED), NAMES, {}).who == ""


def test_an_answer_as_received_is_a_click_away() -> None:
    row = entry(
        Event.LINE_SIGHTED, before="unseen", after="open/none", extra={"side": "storefront", "ref": "s1"}
    )
    told = moment(row, NAMES, {(NOW, "storefront", "s1", "open/none"): 7})
    assert told.raws == (("/raw/answers/7", "Infigo’s answer as received"),)
    assert moment(row, NAMES, {(NOW, "mis", "s1", "open/none"): 7}).raws == ()


def test_the_same_about_several_lines_is_said_once() -> None:
    one = said(Event.LINE_DECIDED, after="wait")
    both = _joined([replace(one, about="s1"), replace(one, about="s2"), replace(one, about="s1")])
    assert [each.about for each in both] == ["s1, s2"]
    later = replace(one, about="s3", at=NOW + timedelta(seconds=1))
    assert len(_joined([one, later])) == 2


def test_messages_in_a_row_are_counted() -> None:
    def mail(seconds: int) -> Moment:
        return Moment(
            at=NOW + timedelta(seconds=seconds),
            icon="mail",
            tone="quiet",
            who="",
            text="Message from Infigo",
            quiet=True,
            raws=((f"/raw/messages/{seconds}", "Message as received"),),
        )

    (told,) = _joined([mail(0), mail(2), mail(5)])
    assert told.text == "3 messages from Infigo"
    assert [url for url, _ in told.raws] == ["/raw/messages/0", "/raw/messages/2", "/raw/messages/5"]
    assert len(_joined([mail(0), mail(500)])) == 2


@pytest.mark.parametrize(
    ("body", "number", "named"),
    [
        (b'{"Id": "s2001"}', b"s2001", True),
        (b'{"Id": "s20011"}', b"s2001", False),
        (b'{"Id": "xs2001"}', b"s2001", False),
        (b'{"Ids": "s20011, s2001"}', b"s2001", True),
        (b"s2001", b"s2001", True),
        (b"<JobNo>J29301-01</JobNo>", b"J29301-01", True),
        (b"", b"s2001", False),
        ('"ü10001"'.encode(), b"10001", True),
    ],
)
def test_a_message_names_a_number_as_a_whole(body: bytes, number: bytes, named: bool) -> None:
    assert _names_one_of(body, [number]) is named


def test_spans_of_time_before_looks_are_joined() -> None:
    looks = [NOW, NOW + timedelta(seconds=30), NOW + timedelta(hours=2)]
    spans = _windows(looks)
    assert len(spans) == 2
    assert spans[0][0] < NOW < spans[0][1]
    assert _windows([]) == []
