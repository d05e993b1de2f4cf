"""The procedure of the vendor's guide, with a task that proves that it was done."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from countermand.core.tasks import TaskKind
from countermand.demo.scenarios.scenario import AUTOMATIC, BY_HOOK, MANUAL, Scenario
from countermand.demo.stage import Stage

_BY_PEOPLE = replace(BY_HOOK, policy=MANUAL)
#: Reads again before each write, and asks soon when that fails.
_IMPATIENT = replace(AUTOMATIC, fresh_for=timedelta(milliseconds=200), unreadable_after=timedelta(seconds=1))


def cancelled_in_infigo(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANCEL_IN_MIS)
    stage.prove_steps(task, "Log in to printIQ", order.jobs[0], "Cancelled")
    stage.prove_writes("printiq", 0, "RunEvent")
    stage.cancel_in_printiq(*order.jobs)
    stage.done(task)
    stage.prove_task(order, TaskKind.CANCEL_IN_MIS, "closed")
    stage.prove_job_cancelled(order.jobs[0])
    stage.prove_closed(task, "verified")


def cancelled_in_printiq(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.cancel_in_printiq(*order.jobs)
    task = stage.prove_task(order, TaskKind.CANCEL_IN_STOREFRONT)
    stage.prove_steps(task, "Log in to Infigo", "Sales > Orders", order.id, "Cancelled")
    stage.prove_writes("infigo", 0, "Order.Cancel")
    stage.cancel_in_infigo(order)
    stage.done(task)
    stage.prove_task(order, TaskKind.CANCEL_IN_STOREFRONT, "closed")
    stage.prove_order(order, OrderStatus="Cancelled")
    stage.prove_closed(task, "verified")


def done_too_early(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANCEL_IN_MIS)
    stage.done(task)
    stage.prove_soon(
        "the task stays open and says what was seen", lambda: stage.open_task(task["id"])["last_check"]
    )
    stage.prove("printIQ does not show it cancelled", stage.job_status(order.jobs[0]) != 17, order.jobs[0])
    stage.cancel_in_printiq(*order.jobs)
    stage.done(task)
    stage.prove_closed(task, "verified")


def printiq_cannot_be_read(stage: Stage) -> None:
    order = stage.place()
    stage.count_from_now()
    stage.faults("printiq", {"calls": [{"match": "GetAcceptanceDetails", "kind": "html-200"}]})
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANNOT_READ)
    stage.cancel_in_printiq(*order.jobs)
    stage.done(task)
    stage.prove_closed(task, "reported")
    stage.prove_job_cancelled(order.jobs[0])
    stage.prove_writes("printiq", 0, "RunEvent")


def printiq_cannot_be_searched(stage: Stage) -> None:
    order = stage.only_known(stage.place_only(send_to_printiq=False))
    stage.count_from_now()
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANCELLED_UNSEEN)
    stage.prove_steps(task, "could not search printIQ", order.id, "mark that Cancelled")
    stage.done(task)
    stage.prove_closed(task, "reported")
    stage.prove_writes("printiq", 0, "RunEvent")


def stock_line(stage: Stage) -> None:
    order = stage.place(stock=True)
    stage.count_from_now()
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANCEL_STOCK_LINE)
    stage.world.post(stage.world.printiq, f"/_sim/salesorders/{order.sales_orders[0]}/cancel")
    stage.done(task)
    stage.prove_closed(task, "verified")
    state = stage.job(order.sales_orders[0])["Status"]
    stage.prove("printIQ shows the sales order as cancelled", state == "Cancelled", state)


SCENARIOS = (
    Scenario(
        name="cancelled-in-infigo-manual",
        title="Cancelled in Infigo: a task with the guide's steps; a person cancels in printIQ; verified.",
        play=cancelled_in_infigo,
        world=_BY_PEOPLE,
    ),
    Scenario(
        name="cancelled-in-printiq-manual",
        title="Cancelled in printIQ: a task with the guide's steps; a person cancels in Infigo; verified.",
        play=cancelled_in_printiq,
        world=_BY_PEOPLE,
    ),
    Scenario(
        name="printiq-cannot-be-read",
        title="printIQ cannot be read: a person's word counts as reported, never as verified.",
        play=printiq_cannot_be_read,
        world=replace(BY_HOOK, policy=_IMPATIENT),
    ),
    Scenario(
        name="printiq-cannot-be-searched",
        title="Cancelled, no job of it known, and printIQ cannot be searched: a person looks there.",
        play=printiq_cannot_be_searched,
        world=replace(BY_HOOK, policy=_IMPATIENT, printiq={"find_by": "hook", "odata_token": ""}),
    ),
    Scenario(
        name="stock-line",
        title="A stock line cannot be cancelled from outside printIQ: always a task.",
        play=stock_line,
    ),
    Scenario(
        name="done-too-early",
        title="A person says done, the read-back says no: the task stays open and says what was seen.",
        play=done_too_early,
        world=_BY_PEOPLE,
    ),
)
