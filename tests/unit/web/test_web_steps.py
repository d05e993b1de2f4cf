"""Steps of a task: every kind has them, for just this order, with the links and the guide's own words."""

from __future__ import annotations

import pytest

from countermand.bridge.steps import About, AboutItem, Step, steps
from countermand.core.order import MisItemKind
from countermand.core.tasks import TASK_TYPES, TaskKind

ORDER_URL = "https://shop.example.com/Admin/Order/Edit/10001"
JOB_URL = "https://plant.example.com/jobs/J29301-01"
ABOUT = About(
    order_id="10001",
    storefront="Infigo",
    mis="printIQ",
    order_url=ORDER_URL,
    line_ids=("s2001",),
    items=(AboutItem(ref="J29301-01", kind=MisItemKind.JOB, url=JOB_URL),),
    tracking=("1Z999",),
)


def _urls(found: tuple[Step, ...]) -> set[str]:
    return {place.url for step in found for place in step.places}


@pytest.mark.parametrize("kind", TaskKind)
def test_every_kind_has_steps_that_say_how_it_ends(kind: TaskKind) -> None:
    found = steps(kind, ABOUT)
    assert len(found) >= 2
    assert all(step.text.strip() and len(step.text) < 200 for step in found)
    text = " ".join(step.text for step in found)
    if TASK_TYPES[kind].proof == "word":
        assert "close this task" in text
    elif kind is TaskKind.BRAKE:
        assert "this task closes" in text
    elif kind not in (TaskKind.UNMAPPED, TaskKind.APPROVE):
        assert "check now" in text


@pytest.mark.parametrize("kind", sorted(set(TaskKind) - {TaskKind.BRAKE}))
def test_steps_lead_to_the_very_order(kind: TaskKind) -> None:
    assert _urls(steps(kind, ABOUT)) & {ORDER_URL, JOB_URL}


def test_a_cancel_in_the_storefront_follows_the_vendors_guide() -> None:
    found = steps(TaskKind.CANCEL_IN_STOREFRONT, ABOUT)
    assert found[0].text == "Log in to Infigo and open the order: Sales > Orders > 10001."
    assert found[0].places[0].url == ORDER_URL
    assert found[1].text == "Change its status to Cancelled."


def test_a_cancel_of_some_lines_names_them_and_leaves_the_others() -> None:
    about = About(**{name: getattr(ABOUT, name) for name in About.__struct_fields__} | {"whole_order": False})
    text = " ".join(step.text for step in steps(TaskKind.CANCEL_IN_STOREFRONT, about))
    assert "only the lines s2001" in text


def test_a_cancel_in_the_mis_names_each_job() -> None:
    two = (*ABOUT.items, AboutItem(ref="SO005101", kind=MisItemKind.SALES_ORDER))
    about = About(order_id="10001", storefront="Infigo", mis="printIQ", items=two)
    found = steps(TaskKind.CANCEL_IN_MIS, about)
    assert "J29301-01, SO005101" in found[0].text
    assert [place.name for place in found[0].places] == [
        "Job J29301-01 in printIQ",
        "Sales order SO005101 in printIQ",
    ]
    assert "each of them" in found[1].text


def test_the_button_is_offered_only_where_there_is_one() -> None:
    def offered(assisted: bool) -> bool:
        about = About(order_id="1", storefront="Infigo", mis="printIQ", assisted=assisted)
        return any("Do it for me" in step.text for step in steps(TaskKind.CANCEL_IN_MIS, about))

    assert offered(True)
    assert not offered(False)


def test_marking_shipped_names_the_tracking_number() -> None:
    assert any("1Z999" in step.text for step in steps(TaskKind.SHIP_IN_STOREFRONT, ABOUT))


@pytest.mark.parametrize("kind", [TaskKind.CANCEL_IN_MIS, TaskKind.PAST_CUT_OFF, TaskKind.CANCEL_STOCK_LINE])
def test_nobody_is_told_to_cancel_a_job_that_also_makes_other_lines(kind: TaskKind) -> None:
    shared = AboutItem(ref="J29302-01", kind=MisItemKind.JOB, shared=True)
    for items, named in (((*ABOUT.items, shared), "J29301-01"), ((shared,), "J29302-01")):
        about = About(order_id="10001", storefront="Infigo", mis="printIQ", items=items)
        found = [step.text for step in steps(kind, about)]
        find = next(
            at for at, text in enumerate(found) if "log in to printIQ and find" in text.replace("Log", "log")
        )
        assert named in found[find]
        warned = next(at for at, text in enumerate(found) if "J29302-01 also makes other lines" in text)
        marked = [at for at, text in enumerate(found) if text == "Mark it Cancelled."]
        assert marked == ([find + 1] if len(items) > 1 else [])
        assert warned > find


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("", "could not search printIQ since"),
        ("searched in vain before", "had searched printIQ in vain before"),
    ],
)
def test_who_looks_for_a_job_is_told_why_nobody_knows_it(detail: str, words: str) -> None:
    about = About(**{name: getattr(ABOUT, name) for name in About.__struct_fields__} | {"detail": detail})
    assert words in steps(TaskKind.CANCELLED_UNSEEN, about)[0].text
