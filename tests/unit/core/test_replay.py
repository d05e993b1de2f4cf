"""Other rules against what happened: which orders would have gone another way, and why."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from countermand.core.policy import Direction, Mode, Policy
from countermand.core.replay import Answer, Difference, History, HistoryLine, Shown, answers, difference
from countermand.core.status import (
    GONE,
    UNSEEN,
    Facts,
    Gone,
    Intent,
    LineStatus,
    Progress,
    Side,
    Unmapped,
    Unreadable,
    parse_status,
)

T0 = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MANUAL = Policy()
AUTOMATIC = Policy(cancel_to_mis=Mode.AUTOMATIC, cancel_to_storefront=Mode.AUTOMATIC)
OFFERED = frozenset({"cancel_job", "cancel_order", "cancel_line", "ship", "track"})


def shown(minutes: int, side: Side, status: str) -> Shown:
    ref = "s1" if side is Side.STOREFRONT else "J1"
    return Shown(at=T0 + timedelta(minutes=minutes), side=side, ref=ref, status=parse_status(status))


def history(*events: Shown, value: float | None = 40.0) -> History:
    return History(
        order_id="10001",
        lines=(HistoryLine(line_id="s1", jobs=("J1",)),),
        shown=events,
        value=value,
        offered=OFFERED,
    )


CANCELLED_EARLY = history(
    shown(0, Side.STOREFRONT, "open/none"),
    shown(1, Side.MIS, "open/none"),
    shown(60, Side.STOREFRONT, "cancelled/none"),
)
CANCELLED_LATE = history(
    shown(0, Side.STOREFRONT, "open/none"),
    shown(1, Side.MIS, "open/none"),
    shown(30, Side.MIS, "open/started"),
    shown(60, Side.STOREFRONT, "cancelled/none"),
)


def only(found: tuple[Answer, ...]) -> Answer:
    assert len(found) == 1
    return found[0]


def test_manual_rules_ask_at_once() -> None:
    answer = only(answers(CANCELLED_EARLY, MANUAL))
    assert (answer.what, answer.because) == ("asked: cancel_in_mis", "mode-manual")
    assert answer.at == T0 + timedelta(minutes=60)


def test_automatic_rules_write_when_the_undo_window_has_passed() -> None:
    answer = only(answers(CANCELLED_EARLY, AUTOMATIC))
    assert (answer.what, answer.direction) == ("written", Direction.CANCEL_TO_MIS)
    assert answer.at == T0 + timedelta(minutes=60) + AUTOMATIC.undo_window


def test_past_the_cut_off_both_rules_ask_for_the_same_reason() -> None:
    assert only(answers(CANCELLED_LATE, AUTOMATIC)).what == "asked: past_cut_off"
    assert difference(CANCELLED_LATE, lambda h: answers(h, MANUAL), lambda h: answers(h, AUTOMATIC)) is None


def test_taken_back_within_the_window_is_never_written() -> None:
    taken_back = history(
        shown(0, Side.STOREFRONT, "open/none"),
        shown(1, Side.MIS, "open/none"),
        shown(60, Side.MIS, "cancelled/none"),
        shown(62, Side.MIS, "open/none"),
    )
    assert answers(taken_back, AUTOMATIC) == ()
    hasty = replace(AUTOMATIC, undo_window=timedelta(0))
    assert [answer.what for answer in answers(taken_back, hasty)] == ["written"]


def test_an_order_that_differed_when_first_seen_is_never_written() -> None:
    old = replace(
        history(shown(0, Side.MIS, "open/none"), shown(0, Side.STOREFRONT, "cancelled/none")), watched=False
    )
    assert all(answer.what != "written" for answer in answers(old, AUTOMATIC))


def test_a_value_limit_asks_for_a_second_person() -> None:
    limited = replace(AUTOMATIC, value_limit=10.0)
    assert only(answers(CANCELLED_EARLY, limited)).what == "asked: second_person"


def test_the_difference_names_both_answers() -> None:
    found = difference(CANCELLED_EARLY, lambda h: answers(h, MANUAL), lambda h: answers(h, AUTOMATIC))
    assert found == Difference(
        order_id="10001",
        before=("cancel_to_mis: asked: cancel_in_mis (mode-manual)",),
        after=("cancel_to_mis: written (no guard objects)",),
    )


def test_a_second_wish_gets_its_own_answer() -> None:
    twice = history(
        shown(0, Side.STOREFRONT, "open/none"),
        shown(1, Side.MIS, "open/none"),
        shown(60, Side.MIS, "cancelled/none"),
        shown(70, Side.MIS, "open/none"),
        shown(90, Side.MIS, "cancelled/none"),
    )
    assert len(answers(twice, MANUAL)) == 2


@pytest.mark.parametrize(
    "status",
    [
        UNSEEN, GONE, Gone(partly=True), Unreadable(), Unmapped("99"),
        Facts(Intent.OPEN, Progress.PART_DISPATCHED),
        Facts(Intent.HELD, Progress.STARTED, history_known=False),
        Facts(Intent.CANCELLED, Progress.NONE, history_known=False),
    ],
)  # fmt: skip
def test_a_status_reads_back_from_its_text(status: LineStatus) -> None:
    assert parse_status(str(status)) == status


@pytest.mark.parametrize("text", ["", "open", "open/half", "maybe/none"])
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_status(text)
