"""What waiting costs, over several tasks of one order."""

from __future__ import annotations

from countermand.core.tasks import TASK_TYPES, TaskKind, Urgency, most_urgent


def test_an_order_is_as_urgent_as_the_most_urgent_of_its_tasks() -> None:
    assert most_urgent([TaskKind.REFUND, TaskKind.CANCEL_IN_MIS, TaskKind.IMPORT_REVIEW]) is Urgency.HIGH
    assert most_urgent([TaskKind.CLOSE_EMPTIED_ORDER]) is Urgency.LOW
    assert most_urgent(TaskKind) is Urgency.MOST_URGENT
    assert most_urgent([]) is None


def test_every_kind_of_task_says_what_waiting_costs() -> None:
    assert set(TASK_TYPES) == set(TaskKind)
    assert all(kind.title and kind.cost.endswith(".") for kind in TASK_TYPES.values())
