"""printIQ's status ids and delivery counts as facts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermand.core.status import Facts, Intent, LineStatus, Progress, Unmapped, Unreadable
from countermand.printiq import PrintIQSettings
from countermand.printiq.mapping import (
    PRODUCTION_STATUSES,
    Deliveries,
    invoiced,
    job_status,
    sales_order_status,
)
from countermand.printiq.settings import DispatchedWhen

NONE_OF_2, ONE_OF_2, BOTH = Deliveries(2, 0), Deliveries(2, 1), Deliveries(2, 2)
NOT_KNOWN = Deliveries()


def settings(**values: Any) -> PrintIQSettings:
    return PrintIQSettings(
        **{
            "base_url": "https://acme.example.com",
            "username": "u",
            "password": "p-word",
            "application_name": "a",
            "application_key": "key",
        }
        | values
    )


@pytest.mark.parametrize("status_id", [22, 23, 24, 18, 1, 26, 25, 27])
def test_before_the_cut_off(status_id: int) -> None:
    assert job_status(status_id, NONE_OF_2, "all_deliveries") == Facts(Intent.OPEN, Progress.NONE)


@pytest.mark.parametrize("status_id", range(2, 9))
def test_in_production(status_id: int) -> None:
    assert job_status(status_id, NONE_OF_2, "all_deliveries") == Facts(Intent.OPEN, Progress.STARTED)


@pytest.mark.parametrize("status_id", [20, 21])
def test_finished(status_id: int) -> None:
    assert job_status(status_id, NOT_KNOWN, "all_deliveries") == Facts(Intent.OPEN, Progress.PRODUCED)


@pytest.mark.parametrize(("status_id", "intent"), [(16, Intent.HELD), (17, Intent.CANCELLED)])
def test_held_and_cancelled_hide_the_history_until_something_has_left(status_id: int, intent: Intent) -> None:
    assert job_status(status_id, NONE_OF_2, "all_deliveries") == Facts(
        intent, Progress.NONE, history_known=False
    )
    assert job_status(status_id, ONE_OF_2, "all_deliveries") == Facts(intent, Progress.PART_DISPATCHED)
    assert job_status(status_id, BOTH, "all_deliveries") == Facts(intent, Progress.DISPATCHED)
    assert job_status(status_id, BOTH, "complete") == Facts(intent, Progress.DISPATCHED)


@pytest.mark.parametrize(
    ("dispatched_when", "status_id", "deliveries", "progress"),
    [
        ("all_deliveries", 20, ONE_OF_2, Progress.PART_DISPATCHED),
        ("all_deliveries", 20, BOTH, Progress.DISPATCHED),
        ("all_deliveries", 22, BOTH, Progress.DISPATCHED),
        ("first_consignment", 20, NONE_OF_2, Progress.PRODUCED),
        ("first_consignment", 20, ONE_OF_2, Progress.DISPATCHED),
        ("complete", 20, NONE_OF_2, Progress.PRODUCED),
        ("complete", 20, BOTH, Progress.PART_DISPATCHED),
        ("complete", 21, NONE_OF_2, Progress.DISPATCHED),
        ("complete", 21, BOTH, Progress.DISPATCHED),
        # How many there are is not known, so nobody can say that all have left.
        ("all_deliveries", 20, Deliveries(0, 3), Progress.PART_DISPATCHED),
        ("all_deliveries", 20, Deliveries(2, -1), Progress.PRODUCED),
    ],
)
def test_what_counts_as_dispatched_is_a_setting(
    dispatched_when: DispatchedWhen, status_id: int, deliveries: Deliveries, progress: Progress
) -> None:
    assert job_status(status_id, deliveries, dispatched_when) == Facts(Intent.OPEN, progress)


def test_all_ids_are_there_and_no_other() -> None:
    assert set(PRODUCTION_STATUSES) == {*range(1, 9), 16, 17, 18, *range(20, 28)}
    constants = [status.constant for status in PRODUCTION_STATUSES.values()]
    assert len(set(constants)) == len(constants) == 19


@pytest.mark.parametrize("raw", [9, 19, 28, 0, -17, "Cancelled", "17.0", 17.5, True, [17]])
def test_an_unknown_id_is_unmapped_and_a_label_is_no_id(raw: object) -> None:
    status = job_status(raw, BOTH, "all_deliveries")
    assert status == Unmapped(f"production status {raw}")


@pytest.mark.parametrize("raw", ["17", 17, 17.0, " 17 "])
def test_an_id_may_come_as_text(raw: object) -> None:
    status = job_status(raw, BOTH, "all_deliveries")
    assert isinstance(status, Facts)
    assert status.cancelled


@pytest.mark.parametrize("raw", [None, ""])
def test_no_id_is_unreadable(raw: object) -> None:
    assert isinstance(job_status(raw, BOTH, "all_deliveries"), Unreadable)


@given(st.integers() | st.text() | st.floats() | st.none(), st.integers(0, 5), st.integers(0, 5))
def test_no_value_breaks_it(raw: object, total: int, consigned: int) -> None:
    status: LineStatus = job_status(raw, Deliveries(total, consigned), "all_deliveries")
    assert isinstance(status, Facts | Unmapped | Unreadable)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Confirmed", Facts(Intent.OPEN, Progress.NONE)),
        ("Paid", Facts(Intent.OPEN, Progress.NONE)),
        ("On Backorder", Facts(Intent.OPEN, Progress.NONE)),
        ("on  backorder", Facts(Intent.OPEN, Progress.NONE)),
        ("Picked", Facts(Intent.OPEN, Progress.STARTED)),
        ("Packed", Facts(Intent.OPEN, Progress.PRODUCED)),
        ("Dispatched", Facts(Intent.OPEN, Progress.DISPATCHED)),
        ("Completed", Facts(Intent.OPEN, Progress.DISPATCHED)),
        ("Cancelled", Facts(Intent.CANCELLED, Progress.NONE, history_known=False)),
        ("Parked", Unmapped("sales order status Parked")),
    ],
)
def test_sales_orders(raw: str, expected: LineStatus) -> None:
    assert sales_order_status(raw, NOT_KNOWN, settings()) == expected


def test_a_sales_order_without_a_status_is_unreadable() -> None:
    assert isinstance(sales_order_status("", BOTH, settings()), Unreadable)


def test_a_consigned_sales_order_has_left_whatever_its_word() -> None:
    assert sales_order_status("Packed", BOTH, settings()) == Facts(Intent.OPEN, Progress.DISPATCHED)
    assert sales_order_status("Packed", ONE_OF_2, settings()) == Facts(Intent.OPEN, Progress.PART_DISPATCHED)
    assert sales_order_status("Cancelled", BOTH, settings()) == Facts(Intent.CANCELLED, Progress.DISPATCHED)


def test_the_end_states_are_settings() -> None:
    own = settings(sales_order_dispatched=("Gone out",), sales_order_cancelled=("Void",))
    assert sales_order_status("gone out", NOT_KNOWN, own) == Facts(Intent.OPEN, Progress.DISPATCHED)
    assert sales_order_status("Cancelled", NOT_KNOWN, own) == Unmapped("sales order status Cancelled")
    status = sales_order_status("VOID", NOT_KNOWN, own)
    assert isinstance(status, Facts)
    assert status.cancelled


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(None, None), ("", False), ("Draft", False), ("voided", False), ("Invoiced", True), ("Paid", True)],
)
def test_invoiced(raw: str | None, expected: bool | None) -> None:
    assert invoiced(raw, settings()) is expected
