"""The staff screens: orders board, job, sales order, consignments. No log-in: this is a stand-in."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from countermand.simulators.kit import Pages
from countermand.simulators.printiq.board import TABS, all_rows, board
from countermand.simulators.printiq.books import PlantError
from countermand.simulators.printiq.catalogue import CUSTOMERS
from countermand.simulators.printiq.instance import Instance
from countermand.simulators.printiq.plant import Plant
from countermand.simulators.printiq.records import Job, SalesOrder, Tracking
from countermand.simulators.printiq.statuses import (
    SO_CANCELLED,
    SO_COMPLETED,
    SO_DISPATCHED,
    SO_MOVES,
    SO_STAGES,
    STATUS_CONSTANTS,
    label,
    stage,
)
from countermand.simulators.printiq.views import status_word, tracking_codes

_GONE = (SO_DISPATCHED, SO_COMPLETED, SO_CANCELLED)


def screen_routes(instance: Instance) -> list[Route]:
    screens = Screens(instance)
    return [
        Route("/", lambda _: RedirectResponse("/board")),
        Route("/favicon.ico", lambda _: Response(status_code=204)),
        Route("/board", screens.board),
        Route("/consignments", screens.consignments),
        Route("/jobs/{number}", screens.job),
        Route("/jobs/{number}/status", screens.change_job_status, methods=["POST"]),
        Route("/jobs/{number}/dispatch", screens.dispatch_job, methods=["POST"]),
        Route("/salesorders/{number}", screens.sales_order),
        Route("/salesorders/{number}/act", screens.act_on_sales_order, methods=["POST"]),
        Route("/salesorders/{number}/dispatch", screens.dispatch_sales_order, methods=["POST"]),
    ]


class Screens:
    """Handlers of the staff screens of one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._plant = instance.plant
        self._books = instance.plant.books
        self._pages = Pages(
            Path(__file__).with_name("templates"),
            tenant=lambda: instance.settings.name,
            customers=CUSTOMERS,
            stage=stage,
            so_stages=SO_STAGES,
            tabs=TABS,
        )

    async def board(self, request: Request) -> Response:
        query = request.query_params
        tab = query.get("tab", "") if query.get("tab", "") in TABS else ""
        search = query.get("q", "").strip()
        page = max(1, _small_number(query.get("page", "")) or 1)
        shown = board(self._books, tab=tab, search=search, page=page)
        newest = max((row.modified.timestamp() for row in all_rows(self._books)), default=0)

        def link(**changes: object) -> str:
            return "/board?" + urlencode({"tab": tab, "q": search, **changes})

        return self._pages.show(
            "board.html",
            board=shown,
            tab=tab,
            search=search,
            page=page,
            link=link,
            version=f"{shown.counts['']}-{newest}",
        )

    async def consignments(self, _: Request) -> Response:
        rows = [
            (each, [self._books.deliveries[key] for key in each.delivery_keys])
            for each in reversed(self._books.consignments.values())
        ]
        return self._pages.show("consignments.html", rows=rows, jobs=self._books.jobs, version=len(rows))

    async def job(self, request: Request) -> Response:
        number = request.path_params["number"]
        found = self._books.jobs.get(number)
        if found is None:
            return self._missing("job", number)
        return self._job_page(found, saved="saved" in request.query_params)

    async def sales_order(self, request: Request) -> Response:
        number = request.path_params["number"]
        found = self._books.sales_orders.get(number)
        if found is None:
            return self._missing("sales order", number)
        return self._sales_order_page(found, saved="saved" in request.query_params)

    async def change_job_status(self, request: Request) -> Response:
        form = await request.form()
        number = request.path_params["number"]

        def act(plant: Plant) -> None:
            status_id = _status_id(_text(form, "status"))
            plant.production.change_status(number, status_id, call="staff.change-status", by="staff")

        return self._acted(request, act)

    async def dispatch_job(self, request: Request) -> Response:
        form = await request.form()
        job = self._books.jobs.get(request.path_params["number"])

        def act(plant: Plant) -> None:
            plant.dispatch.consign(_chosen(form, job), _tracking(form), call="staff.dispatch")

        return self._acted(request, act)

    async def act_on_sales_order(self, request: Request) -> Response:
        form = await request.form()
        number, name = request.path_params["number"], _text(form, "act")

        def act(plant: Plant) -> None:
            if name == "cancel":
                plant.stock.cancel(number, call="staff.cancel")
            elif name == "reactivate":
                plant.stock.reactivate(number, call="staff.reactivate")
            elif name == "split":
                plant.stock.split(number, call="staff.split")
            else:
                plant.stock.move(number, name, call="staff.change-status")

        return self._acted(request, act)

    async def dispatch_sales_order(self, request: Request) -> Response:
        form = await request.form()
        number = request.path_params["number"]

        def act(plant: Plant) -> None:
            plant.dispatch.dispatch_sales_order(number, _tracking(form), call="staff.dispatch")

        return self._acted(request, act)

    def _acted(self, request: Request, act: Callable[[Plant], None]) -> Response:
        """Do what staff asked for and show the job or sales order again, with the refusal if any."""
        number = request.path_params["number"]
        try:
            with self._instance.at_work(request) as plant:
                act(plant)
        except PlantError as refusal:
            return self._refused(number, refusal)
        return RedirectResponse(f"{request.url.path.rpartition('/')[0]}?saved=1", 303)

    def _refused(self, number: str, refusal: PlantError) -> Response:
        if number in self._books.jobs:
            return self._job_page(self._books.jobs[number], error=f"{refusal}.")
        if number in self._books.sales_orders:
            return self._sales_order_page(self._books.sales_orders[number], error=f"{refusal}.")
        return self._missing("job or sales order", number)

    def _job_page(self, job: Job, error: str = "", *, saved: bool = False) -> HTMLResponse:
        books, renamed = self._books, self._instance.settings.status_labels
        deliveries = books.deliveries_of_job(job)
        return self._pages.show(
            "job.html",
            409 if error else 200,
            job=job,
            error=error,
            saved=saved,
            acceptance=books.acceptances[job.acceptance_key],
            deliveries=deliveries,
            consigned=sum(1 for delivery in deliveries if delivery.consignment_no),
            tracking=tracking_codes(deliveries),
            word=status_word(books, job),
            statuses=[(key, label(key, renamed), name) for key, name in STATUS_CONSTANTS.items()],
            version=len(job.history),
        )

    def _sales_order_page(self, order: SalesOrder, error: str = "", *, saved: bool = False) -> HTMLResponse:
        return self._pages.show(
            "salesorder.html",
            409 if error else 200,
            order=order,
            error=error,
            saved=saved,
            acceptance=self._books.acceptances[order.acceptance_key],
            deliveries=self._books.deliveries,
            moves=SO_MOVES[order.status],
            can_leave=order.status not in _GONE,
            can_split=order.status not in _GONE and any(item.quantity > 1 for item in order.items),
            is_cancelled=order.status == SO_CANCELLED,
            version=len(order.history),
        )

    def _missing(self, what: str, number: str) -> HTMLResponse:
        return self._pages.show("missing.html", 404, what=what, number=number, version=0)


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, "")).strip()


def _small_number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _status_id(text: str) -> int:
    number = _small_number(text)
    if number is None:
        raise PlantError(f"Invalid production status {text[:20] or '(none)'}")
    return number


def _chosen(form: FormData, job: Job | None) -> list[int]:
    """Return the keys of the ticked deliveries, all of them the job's own. Raises `PlantError`."""
    ticked = [str(key) for key in form.getlist("delivery")]
    keys = [key for key in (job.delivery_keys if job else ()) if str(key) in ticked]
    if not ticked or len(keys) < len(set(ticked)):
        raise PlantError("Choose at least one delivery of this job")
    return keys


def _tracking(form: FormData) -> Tracking:
    return Tracking(
        consignment_no=_text(form, "consignment_no"),
        code=_text(form, "tracking_code"),
        url=_text(form, "tracking_url"),
    )
