"""Jobs on the floor: production status, artwork, reference fields, invoices."""

from collections.abc import Callable

from msgspec.structs import replace

from countermand.simulators.printiq.books import Books, PlantError
from countermand.simulators.printiq.records import Acceptance, Artwork, Change, Job
from countermand.simulators.printiq.statuses import (
    AWAITING_ARTWORK,
    CANCELLED,
    COMPLETE,
    FINISHED_PRODUCTION,
    INVOICE_DRAFT,
    INVOICE_ISSUED,
    STATUS_CONSTANTS,
    label,
)


class Production:
    """Changes what happens to jobs."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def change_status(self, job_no: str, status_id: int, *, call: str, by: str = "") -> Job:
        """Set a production status; setting the present one again succeeds without an effect.

        Raises `PlantError` for an unknown job or id, or a cancel that the settings refuse.
        """
        with self._books.refusals_recorded(call, job_no):
            job = self._books.job(job_no)
            known = status_id in STATUS_CONSTANTS or status_id in self._books.settings.extra_status_ids
            if not known:
                raise PlantError(f"Invalid production status {status_id}")
            if job.status_id == status_id:
                self._books.ledger.record(call, job_no, "no change", {"ProdStatusID": status_id})
                return job
            if status_id == CANCELLED:
                self._check_cancel(job)
        job = self._set_status(job, status_id, by or call)
        effect = "cancelled" if status_id == CANCELLED else "status changed"
        self._books.ledger.record(call, job_no, effect, {"ProdStatusID": status_id})
        return job

    def add_artwork(self, job_no: str, artwork: Artwork, *, is_last: bool, call: str) -> Job:
        """Attach artwork; the last file moves a job on that was waiting for it (a guess)."""
        with self._books.refusals_recorded(call, job_no):
            job = self._books.job(job_no)
        job = self._changed(job, artwork=(*job.artwork, artwork))
        self._books.ledger.record(call, job_no, "artwork added", {"ArtworkUrl": artwork.url})
        if is_last and job.status_id == AWAITING_ARTWORK:
            job = self._set_status(job, 22, call)
        return job

    def set_reference(self, job_no: str, name: str, value: str, *, call: str) -> Job:
        """Set a job's reference field."""
        with self._books.refusals_recorded(call, job_no):
            job = self._books.job(job_no)
        self._books.ledger.record(
            call, job_no, "reference set", {"ReferenceName": name, "ReferenceValue": value}
        )
        return self._changed(job, references={**job.references, name: value})

    def invoice(self, acceptance_key: int, *, call: str) -> Acceptance:
        """Issue the invoice of an acceptance."""
        acceptance = self._books.acceptances[acceptance_key]
        if acceptance.invoice_status in ("", INVOICE_DRAFT):
            acceptance = replace(acceptance, invoice_status=INVOICE_ISSUED)
            self._books.acceptances[acceptance_key] = acceptance
            self._books.ledger.record(call, str(acceptance_key), "invoiced")
            self._books.emit("ExportInvoice", AcceptanceKey=acceptance_key, Jobs=list(acceptance.job_nos))
        return acceptance

    def _check_cancel(self, job: Job) -> None:
        obstacles: dict[str, Callable[[], bool]] = {
            "dispatched": lambda: any(d.consignment_no for d in self._books.deliveries_of_job(job)),
            "complete": lambda: job.status_id in (FINISHED_PRODUCTION, COMPLETE),
            "invoiced": lambda: (
                self._books.acceptances[job.acceptance_key].invoice_status not in ("", INVOICE_DRAFT)
            ),
        }
        for name in self._books.settings.refuse_cancel_when:
            if obstacles[name]():
                raise PlantError(f"Job {job.number} is {name} and cannot be cancelled")

    def _set_status(self, job: Job, status_id: int, by: str) -> Job:
        word = label(status_id, self._books.settings.status_labels)
        change = Change(self._books.clock(), f"status {status_id} ({word})", by)
        job = self._changed(job, status_id=status_id, history=(*job.history, change))
        self._books.emit("JobStatusChanged", JobNo=job.number, ProductionStatusID=status_id)
        if status_id == COMPLETE:
            self._books.emit("CompleteJob", JobNo=job.number, AcceptanceKey=job.acceptance_key)
        if status_id == CANCELLED:
            self._books.emit(
                "JobCancelled",
                OrderId=job.order_reference,
                JobNo=job.number,
                ExternalJobReference=job.external_job_reference,
            )
        return job

    def _changed(self, job: Job, **changes: object) -> Job:
        return self._books.keep_job(replace(job, modified=self._books.clock(), **changes))
