"""The pure plant: quotes, jobs, dispatch, sales orders, and what it refuses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from countermand.simulators.printiq import Invoicing, Plant, PlantError, PrintIQSettings, Tracking, Wanted
from countermand.simulators.printiq.records import Acceptance, Artwork
from countermand.simulators.printiq.statuses import DEFAULT_LABELS, STATUS_CONSTANTS, stage
from countermand.simulators.printiq.views import JOB_FIELDS, SALES_ORDER_FIELDS, job_row, sales_order_rows

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
FLYERS = Wanted(product_code="FLY-A5-150", quantity=500, customer_reference="10001")
MUGS = Wanted(product_code="STOCK-MUG-WHITE", quantity=25, customer_reference="10001", notes="10001/s2003")


class Clock:
    """A clock that moves one second at each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def _plant(seed: int = 0, **settings: Any) -> Plant:
    return Plant(PrintIQSettings(**settings), clock=Clock(), seed=seed)


def _order(plant: Plant, *wanted: Wanted) -> Acceptance:
    return plant.place(list(wanted), customer_code="WEBSHOP")


def _names(plant: Plant) -> list[str]:
    return [event.name for event in plant.take_events()]


def _effects(plant: Plant, call: str) -> list[tuple[str, str]]:
    return [(entry["target"], entry["effect"]) for entry in plant.ledger.entries() if entry["call"] == call]


def test_the_status_ids_are_the_vendors() -> None:
    assert set(STATUS_CONSTANTS) == {22, 23, 24, 18, 1, 26, 2, 3, 4, 5, 6, 7, 8, 25, 27, 16, 17, 20, 21}
    assert STATUS_CONSTANTS[17] == "PRODUCTION_STATUS_CANCELLED"
    assert DEFAULT_LABELS[18] == "Pre-production 4"
    assert {stage(key) for key in STATUS_CONSTANTS} == {"pre", "run", "hold", "done", "cancelled"}


def test_an_accepted_quote_makes_a_job_for_each_print_product_and_one_sales_order() -> None:
    plant = _plant()
    acceptance = _order(plant, FLYERS, FLYERS, MUGS, MUGS)
    assert acceptance.job_nos == ("J29301-01", "J29301-02")
    assert acceptance.sales_order_nos == ("SO005101",)
    assert len(plant.books.sales_orders["SO005101"].items) == 2
    assert _names(plant) == ["CreateQuote", "AcceptanceCreated", "CreateJob", "CreateJob"]


def test_accepting_again_makes_new_jobs() -> None:
    plant = _plant()
    first = _order(plant, FLYERS)
    second = plant.quotes.accept(first.quote_no, call="AcceptQuote")
    assert second.job_nos != first.job_nos
    assert plant.books.by_order["10001"] == (*first.job_nos, *second.job_nos)


@pytest.mark.parametrize(
    ("wanted", "customer", "settings", "text"),
    [
        (Wanted(product_code="", quantity=1), "WEBSHOP", {}, "Invalid Product Code"),
        (
            Wanted(product_code="X", quantity=1),
            "WEBSHOP",
            {"any_product_code": False},
            "Invalid Product Code",
        ),
        (FLYERS, "", {}, "Invalid Customer Code"),
        (FLYERS, "NOBODY", {"any_customer_code": False}, "Invalid Customer Code"),
        (Wanted(product_code="FLY-A5-150", quantity=0), "WEBSHOP", {}, "Invalid Quantity"),
    ],
)
def test_a_quote_is_refused(wanted: Wanted, customer: str, settings: dict[str, Any], text: str) -> None:
    plant = _plant(**settings)
    with pytest.raises(PlantError, match=text):
        plant.quotes.add_line(customer, wanted, call="GetPrice")
    assert plant.books.quotes == {}
    assert [effect for _, effect in _effects(plant, "GetPrice")] == [f"refused: {text}"]


def test_one_unpriced_line_fails_the_whole_accept() -> None:
    plant = _plant()
    special = Wanted(product_code="CUSTOM-QUOTE", quantity=1)
    with pytest.raises(PlantError, match="Unable to accept a quote that has unpriced lines"):
        _order(plant, FLYERS, special)
    assert plant.books.jobs == {}
    assert len(_order(_plant(accept_unpriced=True), FLYERS, special).job_nos) == 2


def test_a_quote_number_may_carry_its_version() -> None:
    plant = _plant()
    number = plant.quotes.add_line("WEBSHOP", FLYERS, call="GetPrice").quote.number
    assert plant.quotes.accept(f"{number}v2", call="AcceptQuote").quote_no == number
    with pytest.raises(PlantError, match="Invalid Quote Number"):
        plant.quotes.accept("Q999999", call="AcceptQuote")


def test_a_status_change_is_kept_told_and_written_down_once() -> None:
    plant = _plant()
    (job_no,) = _order(plant, FLYERS).job_nos
    plant.take_events()
    plant.production.change_status(job_no, 17, call="RunEvent")
    plant.production.change_status(job_no, 17, call="RunEvent")
    assert plant.books.jobs[job_no].status_id == 17
    assert _names(plant) == ["JobStatusChanged", "JobCancelled"]
    assert _effects(plant, "RunEvent") == [(job_no, "cancelled"), (job_no, "no change")]


def test_a_cancelled_job_can_be_opened_again_by_staff() -> None:
    plant = _plant()
    (job_no,) = _order(plant, FLYERS).job_nos
    plant.production.change_status(job_no, 17, call="staff.change-status")
    assert plant.production.change_status(job_no, 2, call="staff.change-status").status_id == 2


@pytest.mark.parametrize(("job_no", "status_id"), [("J1-01", 17), ("", 17), ("J29301-01", 9)])
def test_an_unknown_job_or_status_is_refused(job_no: str, status_id: int) -> None:
    plant = _plant()
    _order(plant, FLYERS)
    with pytest.raises(PlantError, match=r"not found|Invalid production status 9"):
        plant.production.change_status(job_no, status_id, call="RunEvent")
    assert plant.books.jobs["J29301-01"].status_id == 22


def _dispatch(plant: Plant, job_no: str) -> None:
    plant.dispatch.dispatch_job(job_no, Tracking(), call="staff.dispatch")


def _complete(plant: Plant, job_no: str) -> None:
    plant.production.change_status(job_no, 21, call="staff.change-status")


def _invoice(plant: Plant, job_no: str) -> None:
    plant.production.invoice(plant.books.jobs[job_no].acceptance_key, call="staff.invoice")


@pytest.mark.parametrize(
    ("obstacle", "make"), [("dispatched", _dispatch), ("complete", _complete), ("invoiced", _invoice)]
)
def test_a_cancel_is_refused_only_where_the_settings_say_so(
    obstacle: str, make: Callable[[Plant, str], None]
) -> None:
    strict, free = _plant(refuse_cancel_when=(obstacle,)), _plant()
    for plant in (strict, free):
        make(plant, *_order(plant, FLYERS).job_nos)
    with pytest.raises(PlantError, match=f"is {obstacle} and cannot be cancelled"):
        strict.production.change_status("J29301-01", 17, call="RunEvent")
    assert free.production.change_status("J29301-01", 17, call="RunEvent").status_id == 17


def test_dispatch_is_beside_the_status_and_may_come_in_parts() -> None:
    plant = _plant(deliveries_per_job=3)
    (job_no,) = _order(plant, FLYERS).job_nos
    deliveries = plant.books.deliveries_of_job(plant.books.jobs[job_no])
    assert [delivery.quantity for delivery in deliveries] == [168, 166, 166]
    plant.dispatch.dispatch_job(job_no, Tracking(code="A"), first=1, call="staff.dispatch")
    plant.dispatch.dispatch_job(job_no, Tracking(code="B"), call="staff.dispatch")
    deliveries = plant.books.deliveries_of_job(plant.books.jobs[job_no])
    assert [delivery.tracking_code for delivery in deliveries] == ["A", "B", "B"]
    assert plant.books.jobs[job_no].status_id == 22
    with pytest.raises(PlantError, match="has no open delivery"):
        _dispatch(plant, job_no)


def test_a_consignment_is_all_or_nothing() -> None:
    plant = _plant(deliveries_per_job=2)
    job = plant.books.jobs[_order(plant, FLYERS).job_nos[0]]
    first, second = job.delivery_keys
    plant.dispatch.consign([first], Tracking(consignment_no="C1"), call="AddExternalConsignment")
    for keys, number in ([second, 1], ""), ([second, first], ""), ([second], "C1"), ([], ""):
        with pytest.raises(PlantError):
            plant.dispatch.consign(keys, Tracking(consignment_no=number), call="AddExternalConsignment")
    assert plant.books.deliveries[second].consignment_no == ""


def test_tracking_of_a_delivery_goes_before_that_of_its_consignment() -> None:
    plant = _plant(deliveries_per_job=2)
    job = plant.books.jobs[_order(plant, FLYERS).job_nos[0]]
    own = {job.delivery_keys[1]: Tracking(code="OWN")}
    plant.dispatch.consign(job.delivery_keys, Tracking(code="ALL"), per_delivery=own, call="x")
    assert [d.tracking_code for d in plant.books.deliveries_of_job(job)] == ["ALL", "OWN"]


def test_a_cancelled_job_leaves_unless_the_settings_stop_it() -> None:
    for allowed in (True, False):
        plant = _plant(cancelled_can_dispatch=allowed)
        (job_no,) = _order(plant, FLYERS).job_nos
        plant.production.change_status(job_no, 17, call="RunEvent")
        if allowed:
            _dispatch(plant, job_no)
        else:
            with pytest.raises(PlantError, match="is cancelled and cannot be dispatched"):
                _dispatch(plant, job_no)
        assert len(plant.books.consignments) == allowed


def test_dispatched_is_told_once_for_the_whole_storefront_order_or_for_each_job() -> None:
    for per, expected in ("order", 1), ("job", 2):
        plant = _plant(infigo_push_per=per)
        jobs = _order(plant, FLYERS).job_nos + _order(plant, FLYERS).job_nos
        for job_no in jobs:
            _dispatch(plant, job_no)
        assert _names(plant).count("Dispatched") == expected


def test_a_cancelled_sibling_does_not_hold_back_dispatched() -> None:
    plant = _plant()
    first, second, cancelled = _order(plant, FLYERS, FLYERS, FLYERS).job_nos
    plant.production.change_status(cancelled, 17, call="RunEvent")
    _dispatch(plant, first)
    assert "Dispatched" not in _names(plant)
    _dispatch(plant, second)
    assert "Dispatched" in _names(plant)


def test_a_sales_order_is_picked_packed_and_dispatched() -> None:
    plant = _plant()
    (number,) = _order(plant, MUGS).sales_order_nos
    plant.take_events()
    for status in ("Paid", "Picked", "Packed"):
        plant.stock.move(number, status, call="staff.change-status")
    plant.dispatch.dispatch_sales_order(number, Tracking(code="PF1"), call="staff.dispatch")
    assert plant.stock.move(number, "Completed", call="staff.change-status").status == "Completed"
    assert _names(plant).count("SalesOrderItemStatusChanged") == 5
    with pytest.raises(PlantError, match="it can become: nothing"):
        plant.stock.move(number, "Confirmed", call="staff.change-status")


def test_a_back_order_returns_to_confirmed() -> None:
    plant = _plant()
    (number,) = _order(plant, MUGS).sales_order_nos
    plant.stock.move(number, "On Backorder", call="staff.change-status")
    assert plant.stock.move(number, "Confirmed", call="staff.change-status").status == "Confirmed"


def test_a_cancelled_sales_order_can_be_reactivated_and_not_cancelled_twice() -> None:
    plant = _plant()
    quoted = plant.quotes.add_line("WEBSHOP", MUGS, call="GetPrice")
    paid = plant.quotes.accept(quoted.quote.number, Invoicing(as_paid=True), call="AcceptQuote")
    (number,) = paid.sales_order_nos
    plant.stock.cancel(number, call="staff.cancel")
    with pytest.raises(PlantError, match="cancelled already"):
        plant.stock.cancel(number, call="staff.cancel")
    assert plant.stock.reactivate(number, call="staff.reactivate").status == "Paid"
    with pytest.raises(PlantError, match="not Cancelled"):
        plant.stock.reactivate(number, call="staff.reactivate")


def test_a_split_sales_order_lives_on_by_itself() -> None:
    plant = _plant()
    acceptance = _order(plant, MUGS)
    (number,) = acceptance.sales_order_nos
    part = plant.stock.split(number, call="staff.split")
    plant.stock.cancel(part.number, call="staff.cancel")
    books = plant.books
    assert part.number == f"{number}-001"
    assert (books.sales_orders[number].quantity, books.sales_orders[part.number].quantity) == (13, 12)
    assert (books.sales_orders[number].status, books.sales_orders[part.number].status) == (
        "Confirmed",
        "Cancelled",
    )
    assert plant.linked("10001") == ([], [number, part.number])
    assert plant.stock.split(number, call="staff.split").number == f"{number}-002"


def test_what_cannot_be_split_is_refused() -> None:
    plant = _plant()
    single = Wanted(product_code="STOCK-TOTE-NAT", quantity=1)
    (number,) = _order(plant, single).sales_order_nos
    with pytest.raises(PlantError, match="nothing to split"):
        plant.stock.split(number, call="staff.split")
    plant.stock.cancel(number, call="staff.cancel")
    with pytest.raises(PlantError, match="cannot be split"):
        plant.stock.split(number, call="staff.split")


def test_the_last_artwork_moves_on_a_job_that_waited_for_it() -> None:
    plant = _plant(first_status_id=27)
    (job_no,) = _order(plant, FLYERS).job_nos
    art = Artwork("https://shop.example/a.pdf", is_supporting_document=False)
    assert plant.production.add_artwork(job_no, art, is_last=False, call="UploadArtworkURL").status_id == 27
    assert plant.production.add_artwork(job_no, art, is_last=True, call="UploadArtworkURL").status_id == 22


def test_links_are_found_by_reference_by_notes_and_by_the_plugins_own_word() -> None:
    plant = _plant()
    by_po = Wanted(product_code="FLY-A5-150", quantity=5, customer_reference="PO-7", sim_order="10002")
    notes = Wanted(product_code="STOCK-MUG-WHITE", quantity=5, customer_reference="PO-7", notes="10002/s9")
    (job_no,) = _order(plant, by_po).job_nos
    (number,) = _order(plant, notes).sales_order_nos
    assert plant.linked("10002") == ([job_no], [number])
    assert plant.linked("10003") == ([], [])


def test_nothing_done_in_a_rehearsal_shows() -> None:
    plant = _plant()
    (job_no,) = _order(plant, FLYERS).job_nos
    before = plant.ledger.entries()
    copy = plant.rehearsal()
    copy.production.change_status(job_no, 17, call="RunEvent")
    _order(copy, FLYERS)
    assert plant.books.jobs[job_no].status_id == 22
    assert plant.ledger.entries() == before
    assert _order(plant, FLYERS).job_nos == ("J29302-01",)


def test_the_same_seed_makes_the_same_plant_and_another_seed_another() -> None:
    def made(seed: int) -> list[tuple[str, str, int]]:
        plant = _plant(seed)
        plant.place_samples(5)
        return [(job.number, job.title, job.quantity) for job in plant.books.jobs.values()]

    assert made(7) == made(7)
    assert made(7) != made(8)


def test_the_fields_that_odata_announces_are_those_of_its_rows() -> None:
    plant = _plant()
    acceptance = _order(plant, FLYERS, MUGS)
    job = plant.books.jobs[acceptance.job_nos[0]]
    order = plant.books.sales_orders[acceptance.sales_order_nos[0]]
    assert tuple(job_row(plant.books, job)) == JOB_FIELDS
    assert [tuple(row) for row in sales_order_rows(plant.books, order)] == [SALES_ORDER_FIELDS]
