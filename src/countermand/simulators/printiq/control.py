"""Test control of the printIQ simulator: make orders, play the staff, read the whole state."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.simulators.kit import control_routes
from countermand.simulators.kit.control import BodyError, json_answer, read_body, sentence
from countermand.simulators.printiq.books import PlantError
from countermand.simulators.printiq.instance import Instance
from countermand.simulators.printiq.plant import Plant
from countermand.simulators.printiq.quoting import Wanted
from countermand.simulators.printiq.records import Acceptance, Tracking
from countermand.simulators.printiq.views import Row, state_of

MAX_ORDERS = 10_000
Endpoint = Callable[[Request], Awaitable[Response]]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="pascal"):
    """A body of test control: PascalCase like the vendor's, unknown fields refused."""


class WantedJob(_Body, frozen=True, kw_only=True):
    customer_reference: str = ""
    external_job_reference: str = ""
    job_title: str = ""
    quantity: int = 500
    product_code: str = "FLY-A5-150"
    notes: str = ""

    def wanted(self) -> Wanted:
        return Wanted(
            product_code=self.product_code,
            quantity=self.quantity,
            title=self.job_title,
            notes=self.notes,
            customer_reference=self.customer_reference,
            external_job_reference=self.external_job_reference,
        )


class WantedStock(_Body, frozen=True, kw_only=True):
    customer_reference: str = ""
    notes: str = ""
    quantity: int = 10
    product_code: str = "STOCK-MUG-WHITE"

    def wanted(self) -> Wanted:
        return Wanted(
            product_code=self.product_code,
            quantity=self.quantity,
            notes=self.notes,
            customer_reference=self.customer_reference,
        )


class WantedOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order: some jobs, some sales-order items."""

    jobs: tuple[WantedJob, ...] = ()
    salesorders: tuple[WantedStock, ...] = ()

    def place(self, plant: Plant) -> Acceptance:
        wanted = [job.wanted() for job in self.jobs] + [item.wanted() for item in self.salesorders]
        if not wanted:
            raise PlantError("An order needs at least one job or sales-order item")
        return plant.place(wanted)


class WantedOrders(WantedOrder, frozen=True, kw_only=True):
    """`{"count": n}`, one order, or `{"orders": [...]}`."""

    count: int = 0
    orders: tuple[WantedOrder, ...] = ()

    def place_all(self, plant: Plant) -> list[Acceptance]:
        if not 0 <= self.count <= MAX_ORDERS:
            raise PlantError(f"count is 0 to {MAX_ORDERS}, not {self.count}")
        if self.count:
            return plant.place_samples(self.count)
        return [order.place(plant) for order in self.orders or (self,)]


class StatusWanted(_Body, frozen=True, kw_only=True):
    prod_status_id: int = msgspec.field(name="ProdStatusID")


class SalesOrderStatusWanted(_Body, frozen=True, kw_only=True):
    status: str


class DispatchWanted(_Body, frozen=True, kw_only=True):
    consignment_no: str = ""
    consignment_tracking_code: str = ""
    consignment_tracking_url: str = msgspec.field(default="", name="ConsignmentTrackingURL")
    deliveries: int | None = msgspec.field(default=None, name="deliveries")

    def tracking(self) -> Tracking:
        return Tracking(
            consignment_no=self.consignment_no,
            code=self.consignment_tracking_code,
            url=self.consignment_tracking_url,
        )


Act = Callable[[Plant, str, bytes], None]


def _job_status(plant: Plant, number: str, body: bytes) -> None:
    plant.production.change_status(
        number, read_body(body, StatusWanted).prod_status_id, call="staff.change-status"
    )


def _job_dispatch(plant: Plant, number: str, body: bytes) -> None:
    wanted = read_body(body, DispatchWanted)
    plant.dispatch.dispatch_job(number, wanted.tracking(), first=wanted.deliveries, call="staff.dispatch")


def _job_invoice(plant: Plant, number: str, _: bytes) -> None:
    plant.production.invoice(plant.books.job(number).acceptance_key, call="staff.invoice")


def _sales_order_status(plant: Plant, number: str, body: bytes) -> None:
    plant.stock.move(number, read_body(body, SalesOrderStatusWanted).status, call="staff.change-status")


def _sales_order_dispatch(plant: Plant, number: str, body: bytes) -> None:
    tracking = read_body(body, DispatchWanted).tracking()
    plant.dispatch.dispatch_sales_order(number, tracking, call="staff.dispatch")


def _sales_order_cancel(plant: Plant, number: str, _: bytes) -> None:
    plant.stock.cancel(number, call="staff.cancel")


def _sales_order_reactivate(plant: Plant, number: str, _: bytes) -> None:
    plant.stock.reactivate(number, call="staff.reactivate")


def _sales_order_split(plant: Plant, number: str, _: bytes) -> None:
    plant.stock.split(number, call="staff.split")


_ACTS: dict[str, Act] = {
    "jobs/{number}/status": _job_status,
    "jobs/{number}/dispatch": _job_dispatch,
    "jobs/{number}/invoice": _job_invoice,
    "salesorders/{number}/status": _sales_order_status,
    "salesorders/{number}/dispatch": _sales_order_dispatch,
    "salesorders/{number}/cancel": _sales_order_cancel,
    "salesorders/{number}/reactivate": _sales_order_reactivate,
    "salesorders/{number}/split": _sales_order_split,
}


def printiq_control_routes(instance: Instance) -> list[Route]:
    """Return all of `/_sim`."""
    plant = instance.plant

    async def make_orders(request: Request) -> Response:
        try:
            with instance.at_work(request):
                placed = read_body(await request.body(), WantedOrders).place_all(plant)
        except (PlantError, BodyError) as error:
            return sentence(f"The orders cannot be made: {error}.")
        return json_answer({"orders": [_placed(acceptance) for acceptance in placed]}, 201)

    async def list_orders(_: Request) -> Response:
        return json_answer({"orders": [_placed(each) for each in plant.books.acceptances.values()]})

    async def show_order(request: Request) -> Response:
        number = request.path_params["number"]
        found = plant.find(number)
        if found is None:
            return sentence(f"There is no job, sales order or acceptance {number}.", 404)
        return json_answer(state_of(plant.books, found))

    async def show_link(request: Request) -> Response:
        jobs, orders = plant.linked(request.query_params.get("order", ""))
        return json_answer({"jobs": jobs, "salesorders": orders})

    return [
        Route("/_sim/orders", make_orders, methods=["POST"]),
        Route("/_sim/orders", list_orders),
        Route("/_sim/orders/{number}", show_order),
        Route("/_sim/link", show_link),
        *(Route(f"/_sim/{path}", _endpoint(instance, act), methods=["POST"]) for path, act in _ACTS.items()),
        *control_routes(
            ledger=plant.ledger,
            plan=instance.plan,
            counts=instance.counts,
            outbox=instance.outbox,
            settings=instance.box,
        ),
    ]


def _endpoint(instance: Instance, act: Act) -> Endpoint:
    """Return the handler of one staff act; it answers with the state after it."""

    async def handle(request: Request) -> Response:
        number, body = request.path_params["number"], await request.body()
        plant = instance.plant
        if number not in plant.books.jobs and number not in plant.books.sales_orders:
            return sentence(f"There is no job or sales order {number}.", 404)
        try:
            with instance.at_work(request):
                act(plant, number, body)
        except PlantError as refusal:
            return sentence(f"{refusal}.", 409)
        except BodyError as error:
            return sentence(f"The request cannot be used: {error}.")
        found = plant.find(number)
        assert found is not None
        return json_answer(state_of(plant.books, found))

    return handle


def _placed(acceptance: Acceptance) -> Row:
    return {"Id": acceptance.key, "jobs": acceptance.job_nos, "salesorders": acceptance.sales_order_nos}
