"""What one printIQ connection can do, and how that is known: the rows of the capability matrix."""

from __future__ import annotations

from collections.abc import Mapping

from countermand.bridge.ports import Capability
from countermand.printiq.settings import PrintIQSettings

_HOW_READ = {
    "acceptance": "GetAcceptanceDetails (documented; that it carries the status is a guess)",
    "odata": "OData (seen in client code; its job entity is a guess)",
    "none": "Nothing can be read back here: changes are reported, never verified (read_by)",
}


def capabilities(settings: PrintIQSettings) -> Mapping[str, Capability]:
    searched = settings.has_jobs_in_odata and settings.find_by == "odata"
    rows = (
        Capability(name="find", offered=searched, how=_how_found(settings)),
        Capability(name="list", offered=settings.has_jobs_in_odata, how=_how_listed(settings)),
        Capability(name="read", offered=settings.read_by != "none", how=_HOW_READ[settings.read_by]),
        Capability(
            name="cancel_job",
            offered=True,
            how="SOAP RunEvent, CHANGE_STATUS to 17 (documented: api-soap-status-update)",
        ),
        Capability(
            name="cancel_sales_order",
            offered=False,
            how="No way is known from outside; a person cancels stock lines in printIQ",
        ),
    )
    return {row.name: row for row in rows}


def _how_found(settings: PrintIQSettings) -> str:
    if settings.find_by != "odata":
        return f"Jobs are linked by a {settings.find_by}; nothing can be searched (find_by)"
    if not settings.has_jobs_in_odata:
        return _needs(settings)
    return "OData by references and notes (its job entity is a guess)"


def _how_listed(settings: PrintIQSettings) -> str:
    if settings.has_jobs_in_odata:
        return "OData by time of change (a guess)"
    if settings.has_odata:
        return "Sales orders only, OData by time of change (a guess); for jobs it needs odata.job_entity"
    return _needs(settings)


def _needs(settings: PrintIQSettings) -> str:
    return "Needs odata.job_entity" if settings.odata_token else "Needs odata_token"
