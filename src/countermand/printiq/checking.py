"""Trying a printIQ connection: one sentence that names the setting to look at."""

from __future__ import annotations

from countermand.printiq.client import PrintIQClient
from countermand.printiq.settings import PrintIQSettings
from countermand.vendor_http.reply import TRANSIENT, CallOutcome, Reply

_LOGIN = "username, password, application_name and application_key"


async def check_connection(client: PrintIQClient, settings: PrintIQSettings) -> str | None:
    """None when good, else what is wrong first: the host, the login, OData, the SOAP address, our clock."""
    failure = await client.log_in()
    if failure is not None:
        return _login_problem(failure)
    problem = await _odata_problem(client, settings) if settings.has_odata else None
    return problem or _soap_problem(await client.wsdl()) or client.clock_problem()


def _login_problem(reply: Reply) -> str:
    if reply.outcome is CallOutcome.UNREACHABLE:
        return f"{reply.said}: check base_url"
    if reply.outcome in TRANSIENT:
        return f"{reply.said}: try again later, or check base_url"
    if reply.status == 404 or reply.outcome is CallOutcome.UNEXPECTED:
        return f"{reply.said}: check base_url"
    return f"{reply.said}: check {_LOGIN}"


async def _odata_problem(client: PrintIQClient, settings: PrintIQSettings) -> str | None:
    names = settings.odata
    for field, entity in (
        ("odata.job_entity", names.job_entity),
        ("odata.sales_order_entity", names.sales_order_entity),
    ):
        reply = await client.odata(entity, {"$top": "1"}) if entity else None
        if reply is None or reply.ok:
            continue
        if reply.status == 404:
            return f"printIQ's OData has no entity {entity}: check {field}, or empty it"
        if reply.outcome is CallOutcome.UNEXPECTED or reply.status in (401, 403):
            return f"printIQ did not accept the OData token ({reply.said}): check odata_token"
        return f"{reply.said}: check {field}"
    return None


def _soap_problem(reply: Reply) -> str | None:
    if reply.ok and b"RunEvent" in reply.body:
        return None
    said = reply.said or "The address does not describe RunEvent"
    return f"{said}: check soap_path, without which no job can be cancelled"
