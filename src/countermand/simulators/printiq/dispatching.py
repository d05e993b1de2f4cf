"""Deliveries and consignments: dispatch lives beside the job, never in its production status."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from countermand.simulators.printiq.books import Books, PlantError
from countermand.simulators.printiq.records import Change, Consignment, Delivery, Job, SalesOrder, Tracking
from countermand.simulators.printiq.statuses import CANCELLED, SO_CANCELLED, SO_COMPLETED, SO_DISPATCHED


class DispatchDesk:
    """Puts deliveries on consignments."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def dispatch_job(
        self, job_no: str, tracking: Tracking, *, first: int | None = None, call: str
    ) -> Consignment:
        """Consign a job's open deliveries, or only the `first` so many. Raises `PlantError`."""
        with self._books.refusals_recorded(call, job_no):
            job = self._books.job(job_no)
            waiting = [d.key for d in self._books.deliveries_of_job(job) if not d.consignment_no]
            if first is not None and not 1 <= first <= len(waiting):
                raise PlantError(f"Job {job_no} has {len(waiting)} open deliveries; cannot dispatch {first}")
            if not waiting:
                raise PlantError(f"Job {job_no} has no open delivery")
        return self.consign(waiting[:first], tracking, call=call)

    def dispatch_sales_order(self, number: str, tracking: Tracking, *, call: str) -> Consignment:
        """Consign everything on a sales order. Raises `PlantError`."""
        with self._books.refusals_recorded(call, number):
            order = self._books.sales_order(number)
            waiting = [d.key for d in self._books.deliveries_of_sales_order(order) if not d.consignment_no]
            if not waiting:
                raise PlantError(f"Sales order {number} has no open delivery")
        return self.consign(waiting, tracking, call=call)

    def consign(
        self,
        keys: Sequence[int],
        tracking: Tracking,
        *,
        per_delivery: Mapping[int, Tracking] | None = None,
        call: str,
    ) -> Consignment:
        """Put deliveries on one consignment (printIQ help desk: add-external-consigment-23-8-2023).

        `per_delivery` carries tracking of single deliveries. Raises `PlantError` for an unknown
        delivery, one that is consigned already, or a consignment number in use.
        """
        number = tracking.consignment_no
        with self._books.refusals_recorded(call, number or ",".join(map(str, keys))):
            deliveries = [self._open_delivery(key) for key in dict.fromkeys(keys)]
            if not deliveries:
                raise PlantError("A consignment needs at least one delivery")
            if number in self._books.consignments:
                raise PlantError(f"Consignment {number} exists already")
        consignment = Consignment(
            number=number or f"CON{self._books.next_number('consignment'):06d}",
            created=self._books.clock(),
            delivery_keys=tuple(delivery.key for delivery in deliveries),
            tracking_code=tracking.code,
            tracking_url=tracking.url,
            price=tracking.price,
        )
        self._books.consignments[consignment.number] = consignment
        for delivery in deliveries:
            self._load(delivery, consignment, (per_delivery or {}).get(delivery.key))
        self._announce(consignment, list(dict.fromkeys(d.owner for d in deliveries)), call)
        return consignment

    def _open_delivery(self, key: int) -> Delivery:
        delivery = self._books.deliveries.get(key)
        if delivery is None:
            raise PlantError(f"Delivery {key} not found")
        if delivery.consignment_no:
            raise PlantError(f"Delivery {key} is already on consignment {delivery.consignment_no}")
        self._check_owner(delivery.owner)
        return delivery

    def _check_owner(self, owner: str) -> None:
        order = self._books.sales_orders.get(owner)
        if order is not None:
            if order.status in (SO_CANCELLED, SO_COMPLETED):
                raise PlantError(f"Sales order {owner} is {order.status} and cannot be dispatched")
        elif (
            self._books.jobs[owner].status_id == CANCELLED and not self._books.settings.cancelled_can_dispatch
        ):
            raise PlantError(f"Job {owner} is cancelled and cannot be dispatched")

    def _load(self, delivery: Delivery, consignment: Consignment, own: Tracking | None) -> None:
        self._books.keep_delivery(
            delivery,
            consignment_no=consignment.number,
            tracking_code=(own and own.code) or consignment.tracking_code,
            tracking_url=(own and own.url) or consignment.tracking_url,
        )

    def _announce(self, consignment: Consignment, owners: Sequence[str], call: str) -> None:
        jobs = [self._books.jobs[owner] for owner in owners if owner in self._books.jobs]
        orders = [self._books.sales_orders[owner] for owner in owners if owner in self._books.sales_orders]
        detail = {"ConsignmentNo": consignment.number, "ConsignmentTrackingCode": consignment.tracking_code}
        for owner in owners:
            self._books.ledger.record(call, owner, "consigned", detail)
        self._books.emit(
            "CreateConsignment",
            ConsignmentNo=consignment.number,
            ConsignmentTrackingCode=consignment.tracking_code,
            ConsignmentTrackingURL=consignment.tracking_url,
            Jobs=[job.number for job in jobs],
            SalesOrders=[order.number for order in orders],
        )
        for job in jobs:
            self._job_left(job, consignment, call)
        for order in orders:
            self._sales_order_left(order, consignment, call)

    def _job_left(self, job: Job, consignment: Consignment, call: str) -> None:
        change = Change(consignment.created, f"consigned on {consignment.number}", call)
        self._books.keep_job(replace(job, modified=consignment.created, history=(*job.history, change)))
        self._tell_storefront(job.number, job.order_reference, consignment)

    def _sales_order_left(self, order: SalesOrder, consignment: Consignment, call: str) -> None:
        change = Change(consignment.created, f"{SO_DISPATCHED} on {consignment.number}", call)
        order = replace(
            order, status=SO_DISPATCHED, modified=consignment.created, history=(*order.history, change)
        )
        self._books.keep_sales_order(order)
        for item in order.items:
            self._books.emit(
                "SalesOrderItemStatusChanged",
                SalesOrderNo=order.number,
                AcceptanceDetailKey=item.detail_key,
                Status=SO_DISPATCHED,
            )
        self._tell_storefront(order.number, order.order_reference, consignment)

    def _tell_storefront(self, number: str, reference: str, consignment: Consignment) -> None:
        """Say *Dispatched* for the vendor's own push, once the job or the whole order has left."""
        per_order = self._books.settings.infigo_push_per == "order" and reference
        numbers = self._books.by_order[reference] if per_order else (number,)
        if not all(self._has_left(each) for each in numbers):
            return
        self._books.emit(
            "Dispatched",
            OrderId=reference,
            JobNo=number,
            Status="Dispatched",
            TrackingNumber=consignment.tracking_code,
            TrackingUrl=consignment.tracking_url,
        )

    def _has_left(self, number: str) -> bool:
        """Say whether nothing of a job or sales order is still to leave; cancelled ones do not count."""
        job = self._books.jobs.get(number)
        if job is not None:
            left = all(delivery.consignment_no for delivery in self._books.deliveries_of_job(job))
            return left or job.status_id == CANCELLED
        return self._books.sales_orders[number].status in (SO_DISPATCHED, SO_COMPLETED, SO_CANCELLED)
