"""The words for statuses, counts and directions."""

from __future__ import annotations

import pytest

from countermand.core.policy import Direction
from countermand.core.status import Facts, Intent, Progress
from countermand.core.tasks import TaskKind
from countermand.web import words


@pytest.mark.parametrize(
    ("text", "side", "said"),
    [
        ("open/none", "storefront", "Open"),
        ("open/none", "mis", "Not started"),
        ("open/dispatched", "storefront", "Shipped"),
        ("open/dispatched", "mis", "Dispatched"),
        ("held/started", "mis", "On hold, in production"),
        ("cancelled/none", "mis", "Cancelled"),
        ("cancelled/dispatched", "storefront", "Cancelled, shipped"),
        ("unseen", "mis", "Not found yet"),
        ("unmapped(Trade Proof)", "mis", "Unknown status “Trade Proof”"),
        ("something/else", "mis", "something/else"),
    ],
)
def test_a_status_reads_as_its_system_would_say_it(text: str, side: str, said: str) -> None:
    assert words.status(text, side) == said


def test_every_status_has_words_and_a_colour() -> None:
    for intent in Intent:
        for progress in Progress:
            stored = str(Facts(intent, progress))
            for side in ("storefront", "mis"):
                assert "/" not in words.status(stored, side)
            assert words.tone(stored) in ("plain", "go", "good", "warn", "stop")


def test_cancelled_is_never_coloured_as_good() -> None:
    assert words.tone("cancelled/dispatched") == "stop"


def test_general_sentences_get_the_systems_names() -> None:
    names = words.Names("Web Shop", "Plant")
    assert names.named("Cancelled in the storefront and still open in the MIS.") == (
        "Cancelled in Web Shop and still open in Plant."
    )
    assert names.named("The storefront calls it shipped under the guards") == (
        "Web Shop calls it shipped within the safety limits"
    )


@pytest.mark.parametrize("way", Direction)
def test_every_direction_names_both_systems(way: Direction) -> None:
    said = words.Names().direction(way.value)
    assert "Infigo" in said
    assert "printIQ" in said


def test_counts_have_separators_and_the_right_number() -> None:
    assert words.count(1, "order") == "1 order"
    assert words.count(1204, "order") == "1,204 orders"
    assert words.count(2, "entry", "entries") == "2 entries"


def test_a_customer_known_by_a_number_only_is_called_so() -> None:
    assert words.customer("63") == "Customer 63"
    assert words.customer("Harbour Coffee") == "Harbour Coffee"


def test_first_sight_says_that_it_was_so_before() -> None:
    assert words.why("first-sight:both-cancelled").startswith("Cancelled in both systems.")
    assert "first seen" in words.why("first-sight:both-cancelled")


def test_an_event_of_a_newer_version_is_still_shown() -> None:
    assert words.event("parcel.lost") == "Parcel: lost"


@pytest.mark.parametrize(
    ("given", "shown"), [("7741", "PO 7741"), ("PO-7741", "PO-7741"), ("po 12", "po 12"), ("", "")]
)
def test_a_po_number_says_what_it_is_once(given: str, shown: str) -> None:
    assert words.po(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [("48.5", "48.50"), ("97", "97.00"), ("1234.567", "1,234.57"), ("£12", "£12"), ("", ""), ("NaN", "NaN")],
)
def test_an_amount_is_written_as_people_write_it(given: str, shown: str) -> None:
    assert words.money(given) == shown


def test_a_task_is_called_by_the_names_of_the_two_systems() -> None:
    """“In production” is a status of a job as well: of the system it can be read wrongly."""
    names = words.Names("Print Shop", "Plant MIS")
    titles = {kind: names.task(kind) for kind in TaskKind}
    assert titles[TaskKind.CANCEL_IN_MIS] == "Cancel it in Plant MIS"
    assert titles[TaskKind.CANCEL_IN_STOREFRONT] == "Cancel it in Print Shop"
    assert not [title for title in titles.values() if "the MIS" in title or "the storefront" in title]


def test_words_within_a_sentence_keep_the_capitals_of_names() -> None:
    assert words.inline("Shipped in Infigo, open in printIQ") == "shipped in Infigo, open in printIQ"
    assert words.inline("") == ""


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("Customer 63", "63"),
        ("order 10001", "10001"),
        ("Sales order SO005433", "SO005433"),
        ("Job J29301-01", "J29301-01"),
        ("PO 7741", "7741"),
        ("tracking number: 1Z999", "1Z999"),
        ("10001", ""),
        ("Order House Ltd", ""),
        ("Jobling 7", ""),
    ],
)
def test_a_number_is_looked_for_as_the_screens_write_it(typed: str, number: str) -> None:
    assert words.number_in(typed) == number
