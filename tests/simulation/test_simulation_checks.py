"""What the simulation calls a task without a reason, where a wrong word of it would accuse the product."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from countermand.bridge.case import Case, CaseLine, Link, OpenTask, first_seen
from countermand.bridge.ports import MisItem, MisItemKind
from countermand.bridge.sightings import new_item
from countermand.core.status import Facts, Intent, Progress
from countermand.core.tasks import TaskKind
from countermand.simulation.settling import _idle_tasks, _was_cancelled_before
from countermand.simulation.watch import Watch

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SENT = Facts(Intent.OPEN, Progress.DISPATCHED)
CANCELLED_AND_SENT = Facts(Intent.CANCELLED, Progress.DISPATCHED)


def job(ref: str, status: Facts) -> MisItem:
    return MisItem(ref=ref, kind=MisItemKind.JOB, began_at=START, status=status)


def idle_kinds(kind: TaskKind, copy: Facts) -> list[str]:
    """A dispatched line with two dispatched jobs, the copy of which shows `copy`, and an open task."""
    refs = ("J1", "J1-1")
    links = tuple(Link(ref=ref, key="line id", by="countermand", at=START) for ref in refs)
    line = CaseLine(line_id="s1", storefront=first_seen(SENT, START, START), links=links)
    items = tuple(new_item(job(ref, status), START) for ref, status in zip(refs, (SENT, copy), strict=True))
    case = Case(
        order_id="10001", first_seen_at=START, storefront_read_at=START, mis_read_at=START,
        lines=(line,), items=items,
        tasks=(OpenTask(id=1, kind=kind, line_ids=("s1",), because="a rule"),),
    )  # fmt: skip
    return [what for _, _, what in _idle_tasks(line, case, frozenset({kind}))]


@pytest.mark.parametrize("kind", [TaskKind.CANCELLED_BUT_MADE, TaskKind.NOT_VISIBLE])
def test_a_task_whose_reason_has_gone_is_needless(kind: TaskKind) -> None:
    (told,) = idle_kinds(kind, copy=SENT)
    assert kind.value in told


def test_a_job_that_is_cancelled_and_sent_is_asked_about_whatever_the_others_say() -> None:
    """Seed 5806: both systems show the line as dispatched, and one of its jobs is cancelled all the same."""
    assert idle_kinds(TaskKind.CANCELLED_BUT_MADE, copy=CANCELLED_AND_SENT) == []
    assert idle_kinds(TaskKind.NOT_VISIBLE, copy=CANCELLED_AND_SENT) != []


@pytest.mark.parametrize(
    ("lacks", "placed", "cancelled_later", "linked", "history"),
    [
        ({"find", "list"}, 1.0, False, False, True),
        ({"find"}, 1.0, False, False, False),
        ({"find", "list"}, 3.0, False, False, False),
        ({"find", "list"}, 1.0, True, False, False),
        ({"find", "list"}, 1.0, False, True, False),
    ],
)
def test_only_an_old_order_that_nothing_tells_of_may_be_cancelled_and_sent_unasked(
    lacks: set[str], placed: float, cancelled_later: bool, linked: bool, history: bool
) -> None:
    """Seed 11972: cancelled before the connection began; its jobs show in no search and in no message."""
    cancelled_at = START + timedelta(hours=1) * cancelled_later
    cancelled = Facts(Intent.CANCELLED, Progress.NONE)
    links = (Link(ref="J1", key="line id", by="countermand", at=START),) if linked else ()
    line = CaseLine(line_id="s1", storefront=first_seen(cancelled, cancelled_at, cancelled_at), links=links)
    case = Case(
        order_id="10001", first_seen_at=START, storefront_read_at=START, mis_read_at=START, lines=(line,)
    )
    watch = SimpleNamespace(
        setup=SimpleNamespace(mis_lacks=frozenset(lacks), live_since=2.0),
        shop=SimpleNamespace(orders={"10001": SimpleNamespace(placed=placed)}),
    )
    assert _was_cancelled_before(cast(Watch, watch), case, line) is history
