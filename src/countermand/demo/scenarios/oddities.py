"""What real shops do to a neat plan: renamed labels, PO numbers, split orders, old orders, two parcels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from countermand.bridge.connection import Polling
from countermand.core.policy import EmptiedOrder, PartDispatch
from countermand.core.tasks import TaskKind
from countermand.demo.scenarios.scenario import AUTOMATIC, BY_HOOK, Scenario
from countermand.demo.stage import Stage
from countermand.demo.world import OFTEN


def re_opened_in_printiq(stage: Stage) -> None:
    order = stage.place()
    stage.cancel_in_infigo(order)
    stage.prove_job_cancelled(order.jobs[0])
    stage.wait_rule(order, "both-cancelled")
    stage.set_status(order.jobs[0], 22)
    stage.prove_task(order, TaskKind.RE_OPENED)
    stage.prove_writes("printiq", 1, "RunEvent")


def renamed_status_labels(stage: Stage) -> None:
    order = stage.place()
    label = stage.job(order.jobs[0])["ProductionStatus"]
    stage.prove("the shop calls the first status “Cancelled”", label == "Cancelled", label)
    stage.wait_mis(order, "open/none")
    stage.prove_writes("infigo", 0, "Order.Cancel")
    stage.cancel_in_printiq(*order.jobs)
    stage.prove_order(order, OrderStatus="Cancelled")


def unmapped_status(stage: Stage) -> None:
    first, second = stage.place(), stage.place()
    for order in (first, second):
        stage.set_status(order.jobs[0], 99)
    task = stage.prove_task(first, TaskKind.UNMAPPED)
    stage.prove_soon(
        "it is one task for both orders",
        lambda: {first.id, second.id} <= set(stage.open_task(task["id"])["orders"]),
    )
    stage.prove_writes("infigo", 0, "Order.")


def po_number(stage: Stage) -> None:
    order = stage.place(PurchaseOrderNumber="PO-77120")
    reference = stage.job(order.jobs[0])["CustomerReference"]
    stage.prove("printIQ holds the PO number, not the order id", reference == "PO-77120", reference)
    stage.cancel_in_infigo(order)
    stage.prove_job_cancelled(order.jobs[0])


def ambiguous_link(stage: Stage) -> None:
    order_id = stage.place_only(PurchaseOrderNumber="PO-77121", send_to_printiq=False)
    made = [
        {"CustomerReference": "PO-77121", "JobTitle": title, "Quantity": 250}
        for title in ("Business cards", "Business cards, second batch")
    ]
    answer = stage.world.post(stage.world.printiq, "/_sim/orders", {"jobs": made})
    right, wrong = answer["orders"][0]["jobs"]
    order = stage.only_known(order_id)
    task = stage.prove_task(order, TaskKind.AMBIGUOUS_LINK)
    stage.post_order(order, "link", line=order.lines[0], ref=right)
    stage.prove_closed(task, "verified")
    stage.cancel_in_infigo(order)
    stage.prove_job_cancelled(right)
    stage.prove("the other job goes on", stage.job_status(wrong) != 17, stage.job_status(wrong))


def split_sales_order(stage: Stage) -> None:
    order = stage.place(stock=True)
    number = order.sales_orders[0]
    stage.world.post(stage.world.printiq, f"/_sim/salesorders/{number}/split")
    stage.wait_jobs(order, {number, f"{number}-001"})
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANCEL_STOCK_LINE)
    stage.world.post(stage.world.printiq, f"/_sim/salesorders/{number}/cancel")
    stage.done(task)
    stage.prove_soon("half of it is not enough", lambda: stage.open_task(task["id"])["last_check"])
    stage.world.post(stage.world.printiq, f"/_sim/salesorders/{number}-001/cancel")
    stage.done(task)
    stage.prove_closed(task, "verified")


def two_parcels(stage: Stage) -> None:
    order = stage.place()
    stage.dispatch(order.jobs[0], "JD01-A", deliveries=1)
    stage.prove_order(order, ShippingStatus="PartiallyShipped", TrackingNumber="JD01-A")
    stage.dispatch(order.jobs[0], "JD01-B")
    stage.prove_order(order, ShippingStatus="Shipped", TrackingNumber="JD01-A, JD01-B")


#: Where printIQ lists what changed.
_LISTS = ("OData.Jobs", "OData.SalesOrders")


def at_first_sight(stage: Stage) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    # Orders this old are found by their jobs. None can be listed until both cancels have happened: else the
    # bridge might see an order before it is cancelled.
    stage.faults("printiq", {"calls": [{"match": call, "kind": "5xx"} for call in _LISTS]})
    ids = [stage.place_only(CreatedOnUtc=long_ago) for _ in range(2)]
    jobs = [stage.job_in_printiq(order_id) for order_id in ids]
    stage.world.post(stage.world.infigo, f"/_sim/orders/{ids[0]}/cancel")
    stage.cancel_in_printiq(jobs[1])
    stage.faults("printiq", {})
    first, second = stage.only_known(ids[0]), stage.only_known(ids[1])
    task = stage.prove_task(first, TaskKind.IMPORT_REVIEW)
    stage.prove_task(second, TaskKind.IMPORT_REVIEW)
    stage.prove_writes("printiq", 0, "RunEvent")
    stage.prove_writes("infigo", 0, "Order.Cancel")
    stage.post_order(first, "accept")
    stage.prove_job_cancelled(jobs[0])
    stage.prove("the other waits for its review", stage.open_task(task["id"])["state"] == "open", task["id"])


def stale_read_after_write(stage: Stage) -> None:
    order = stage.place()
    stage.faults(
        "printiq",
        {"calls": [{"match": "GetAcceptanceDetails", "kind": "stale-read", "seconds": 4, "times": 3}]},
    )
    stage.cancel_in_infigo(order)
    stage.prove_job_cancelled(order.jobs[0])
    stage.wait_rule(order, "both-cancelled")
    stage.prove_writes("printiq", 1, "RunEvent")


def before_it_reached_printiq(stage: Stage) -> None:
    order_id = stage.place_only(send_to_printiq=False)
    order = stage.only_known(order_id)
    stage.cancel_in_infigo(order)
    stage.wait_rule(order, "cancelled-before-production")
    made = {"CustomerReference": order_id, "ExternalJobReference": order.lines[0], "JobTitle": "Late"}
    answer = stage.world.post(stage.world.printiq, "/_sim/orders", {"jobs": [made]})
    stage.prove_job_cancelled(answer["orders"][0]["jobs"][0])


def vendor_plugin_meanwhile(stage: Stage) -> None:
    order = stage.place()
    stage.dispatch(order.jobs[0], "JD014600009RF")
    stage.wait_rule(order, "dispatch-travels")
    storefront = stage.infigo_settings()["storefront_id"]
    stage.world.post(
        stage.world.infigo,
        f"/mishandler/{storefront}/Mis.PrintIQ/changestatus",
        {"OrderId": order.id, "Status": "Dispatched", "TrackingNumber": "JD014600009RF"},
    )
    stage.wait_rule(order, "both-dispatched")
    stage.prove_order(order, ShippingStatus="Shipped", TrackingNumber="JD014600009RF")
    stage.prove_writes("infigo", 0, "Order.UpdateShippingStatus")


def last_line_cancels_the_order(stage: Stage) -> None:
    order = stage.place(2)
    for line_id in order.lines:
        stage.cancel_in_printiq(stage.job_of(order, line_id))
        stage.wait_rule(order, "both-cancelled", line=line_id)
    stage.prove_order(order, OrderStatus="Cancelled")
    stage.prove_writes("infigo", 1, "Order.Cancel")


def cancelled_after_delivery(stage: Stage) -> None:
    order = stage.place()
    stage.dispatch(order.jobs[0], "JD014600010RF")
    stage.prove_order(order, ShippingStatus="Shipped")
    stage.wait_rule(order, "both-dispatched")
    stage.cancel_in_infigo(order)
    task = stage.prove_task(order, TaskKind.CANCELLED_AFTER_DELIVERY)
    stage.prove("it is not urgent", task["urgency"] == "low", task["urgency"])
    stage.prove_writes("printiq", 0, "RunEvent")


_QUICK = replace(AUTOMATIC, undo_window=timedelta(0), vendor_grace=timedelta(0))

SCENARIOS = (
    Scenario(
        name="re-opened-in-printiq",
        title="Cancelled in both, then opened again in printIQ: a person is asked, nothing is undone.",
        play=re_opened_in_printiq,
    ),
    Scenario(
        name="renamed-status-labels",
        title="A shop that calls its first status “Cancelled” is read by number, not by name.",
        play=renamed_status_labels,
        world=replace(BY_HOOK, printiq_sim={"status_labels": {"22": "Cancelled", "17": "Scrapped"}}),
    ),
    Scenario(
        name="unmapped-status",
        title="A status that nobody mapped: one task for all its orders, nothing guessed.",
        play=unmapped_status,
        world=replace(BY_HOOK, printiq_sim={"extra_status_ids": [99]}),
    ),
    Scenario(
        name="po-number-instead-of-order-id",
        title="printIQ holds the PO number instead of the order id: the line id still links it.",
        play=po_number,
        world=replace(BY_HOOK, infigo_sim={"plugin": {"customer_reference": "po_number"}}),
    ),
    Scenario(
        name="ambiguous-link",
        title="Two jobs carry only the PO number: a person links the right one.",
        play=ambiguous_link,
        world=replace(BY_HOOK, infigo={"read_by": "rest"}),
    ),
    Scenario(
        name="split-sales-order",
        title="A split sales order counts as cancelled only when both halves are.",
        play=split_sales_order,
        world=replace(BY_HOOK, polling=OFTEN),
    ),
    Scenario(
        name="two-parcels",
        title="Two parcels: partly shipped first, then shipped, with both tracking numbers.",
        play=two_parcels,
        world=replace(
            BY_HOOK,
            policy=replace(_QUICK, part_dispatch=PartDispatch.PARTIAL),
            printiq_sim={"deliveries_per_job": 2},
        ),
    ),
    Scenario(
        name="already-disagreeing-at-first-sight",
        title="Old orders that already differ when first seen: a review, and nothing written.",
        play=at_first_sight,
        world=replace(BY_HOOK, hooks=False, polling=Polling(interval=timedelta(seconds=5))),
    ),
    Scenario(
        name="stale-read-after-write",
        title="The read-back shows an old answer for a while: it is read again, never written again.",
        play=stale_read_after_write,
        world=replace(BY_HOOK, policy=_QUICK),
    ),
    Scenario(
        name="cancelled-before-it-reached-printiq",
        title="Cancelled before printIQ had it: the job that still appears is cancelled.",
        play=before_it_reached_printiq,
    ),
    Scenario(
        name="vendor-plugin-did-it-meanwhile",
        title="The vendors' plugin marks it shipped while we wait: nothing is written a second time.",
        play=vendor_plugin_meanwhile,
    ),
    Scenario(
        name="last-line-cancels-the-order",
        title="The last open line is cancelled after an earlier one: the order is closed as the rule says.",
        play=last_line_cancels_the_order,
        world=replace(BY_HOOK, policy=replace(AUTOMATIC, close_emptied_order=EmptiedOrder.CANCEL)),
    ),
    Scenario(
        name="cancelled-after-delivery",
        title="Cancelled after both agreed that it was delivered: a quiet question, nothing written.",
        play=cancelled_after_delivery,
    ),
)
