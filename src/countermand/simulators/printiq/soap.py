"""The SOAP service `ProductionIntegration.asmx`: one operation, `RunEvent`, and the WSDL at `?wsdl`.

printIQ help desk: api-soap-status-update. Error texts, and what an empty `FileRefs` does, are a GUESS.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec
from lxml import etree
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from countermand.simulators.printiq.books import PlantError
from countermand.simulators.printiq.instance import Instance
from countermand.simulators.printiq.settings import PrintIQSettings

NAMESPACE = "http://iq.co.nz/"
ACTION = "http://iq.co.nz/RunEvent"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
PATH = "/webservice/productionintegration.asmx"
SUCCESS = "Success"

_WSDL = Path(__file__).with_name("production_integration.wsdl").read_text()
#: No entities, no network, no DTD, no huge trees.
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
)


class SoapFaultError(ValueError):
    """A request that is not a RunEvent call; answered as a SOAP fault."""


class RunEvent(NamedTuple):
    """The parameters of the operation; an absent element is an empty text."""

    system: str
    event_type: str
    system_data: str
    job_ref: str
    file_refs: str
    event_text: str


class ProdStatus(msgspec.Struct):
    """The JSON inside `SystemData`."""

    prod_status_id: int = msgspec.field(name="ProdStatusID")


def soap_routes(instance: Instance) -> list[Route]:
    async def describe(request: Request) -> Response:
        if "wsdl" not in {name.lower() for name in request.query_params}:
            return PlainTextResponse("ProductionIntegration: RunEvent. The description is at ?wsdl")
        location = str(request.url.replace(path="/WebService/ProductionIntegration.asmx", query=""))
        return Response(_WSDL.replace("@LOCATION@", location), media_type="text/xml")

    async def call(request: Request) -> Response:
        try:
            namespace, event = read_envelope(await request.body())
            check_action(request.headers)
        except SoapFaultError as fault:
            return _fault(str(fault))
        return _answer(namespace, _run(instance, request, event))

    return [Route(PATH, describe, methods=["GET"]), Route(PATH, call, methods=["POST"])]


def _run(instance: Instance, request: Request, event: RunEvent) -> str:
    with instance.at_work(request) as plant:
        try:
            with plant.books.refusals_recorded("RunEvent", event.job_ref):
                status_id = wanted_status(event, instance.settings)
            plant.production.change_status(
                event.job_ref, status_id, call="RunEvent", by=f"RunEvent ({event.system})"
            )
        except PlantError as refusal:
            return f"Error: {refusal}"
    return SUCCESS


def wanted_status(event: RunEvent, settings: PrintIQSettings) -> int:
    """Return the status id that a CHANGE_STATUS event asks for. Raises `PlantError`."""
    if event.system not in settings.soap_systems:
        raise PlantError(f"Unknown System '{event.system}'")
    if event.event_type != "CHANGE_STATUS":
        raise PlantError(f"Unknown EventType '{event.event_type}'")
    if settings.require_file_refs and not event.file_refs:
        raise PlantError("FileRefs is required")
    try:
        return msgspec.json.decode(event.system_data, type=ProdStatus).prod_status_id
    except msgspec.DecodeError:
        raise PlantError("SystemData is not valid; expected {'ProdStatusID': id}") from None


def read_envelope(body: bytes) -> tuple[str, RunEvent]:
    """Return the envelope's namespace and the call. Raises `SoapFaultError`."""
    try:
        root = etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError as error:
        raise SoapFaultError(f"The request is not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise SoapFaultError("A document type declaration is not accepted")
    namespace = etree.QName(root).namespace or ""
    if namespace not in (SOAP_11, SOAP_12) or etree.QName(root).localname != "Envelope":
        raise SoapFaultError("The request is not a SOAP envelope")
    operation = root.find(f"{{{namespace}}}Body/{{{NAMESPACE}}}RunEvent")
    if operation is None:
        raise SoapFaultError(f"The body holds no RunEvent of {NAMESPACE}")
    names = ("System", "EventType", "SystemData", "JobRef", "FileRefs", "EventText")
    texts = (operation.findtext(f"{{{NAMESPACE}}}{name}") or "" for name in names)
    return namespace, RunEvent(*(text.strip() for text in texts))


def check_action(headers: Headers) -> None:
    """Check the action, which SOAP 1.1 sends as a header and 1.2 inside the content type."""
    action = headers.get("soapaction", "").strip('"')
    if action != ACTION and f'action="{ACTION}"' not in headers.get("content-type", ""):
        raise SoapFaultError(f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")


def _answer(namespace: str, result: str) -> Response:
    envelope = etree.Element(f"{{{namespace}}}Envelope", nsmap={"soap": namespace})
    body = etree.SubElement(envelope, f"{{{namespace}}}Body")
    default = {None: NAMESPACE}
    response = etree.SubElement(body, f"{{{NAMESPACE}}}RunEventResponse", nsmap=default)  # type: ignore[arg-type]  # the stubs know no default namespace
    etree.SubElement(response, f"{{{NAMESPACE}}}RunEventResult").text = result
    media_type = "application/soap+xml" if namespace == SOAP_12 else "text/xml"
    return Response(_serialised(envelope), media_type=media_type)


def _fault(text: str) -> Response:
    envelope = etree.Element(f"{{{SOAP_11}}}Envelope", nsmap={"soap": SOAP_11})
    body = etree.SubElement(envelope, f"{{{SOAP_11}}}Body")
    fault = etree.SubElement(body, f"{{{SOAP_11}}}Fault")
    etree.SubElement(fault, "faultcode").text = "soap:Client"
    etree.SubElement(fault, "faultstring").text = text
    return Response(_serialised(envelope), 500, media_type="text/xml")


def _serialised(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
