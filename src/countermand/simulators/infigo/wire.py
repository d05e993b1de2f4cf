"""What the REST calls share: the two spellings of Basic, JSON or XML answers, bounded JSON bodies."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MAX_BODY_BYTES = 1024 * 1024
XSI = "http://www.w3.org/2001/XMLSchema-instance"
T = TypeVar("T")
#: What one entry of a list is called in XML (GUESS).
ITEM_NAMES = {
    "OrderLineItems": "OrderLineItem",
    "CheckoutAttributes": "CheckoutAttribute",
    "Values": "Value",
    "ProductAttributes": "ProductAttribute",
    "MisConfigurations": "MisConfiguration",
    "Variables": "Variable",
    "Items": "Product",
    "Errors": "Error",
}


class BadRequestError(ValueError):
    """A body that cannot be used; carries the status to answer with."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def any_case(route: Route) -> Route:
    """Let the route's path match in any letter case, as the vendor's server does."""
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


def is_authorised(authorization: str, token: str) -> bool:
    """Accept the token as issued (official sample client) or as user name, no password (Academy 2290)."""
    scheme, _, given = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return False
    given = given.strip()
    return _same(given, token) or _same(_decoded(given), f"{token}:")


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def answer(request: Request, value: object, root: str, status: int = 200) -> Response:
    """Answer in JSON, or in XML when the caller prefers that."""
    if _prefers_xml(request.headers.get("accept", "")):
        return Response(to_xml(root, value), status, media_type="application/xml")
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _prefers_xml(accept: str) -> bool:
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    wanted = [kind for kind in kinds if kind in ("application/json", "application/xml", "text/xml")]
    return bool(wanted) and wanted[0] != "application/json"


def to_xml(root: str, value: object) -> bytes:
    """Write an answer as XML: members become elements, null becomes `xsi:nil`."""
    element = etree.Element(root, nsmap={"xsi": XSI})
    _fill(element, value)
    return etree.tostring(element, xml_declaration=True, encoding="utf-8")


def _fill(element: etree._Element, value: object) -> None:
    if value is None:
        element.set(f"{{{XSI}}}nil", "true")
    elif isinstance(value, Mapping):
        for name, each in value.items():
            _fill(etree.SubElement(element, str(name)), each)
    elif isinstance(value, list | tuple):
        for each in value:
            _fill(etree.SubElement(element, ITEM_NAMES.get(str(element.tag), "Item")), each)
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


async def read_json(request: Request, kind: type[T]) -> T:
    """Read the body as JSON of the given type. Raises `BadRequestError`."""
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise BadRequestError("The body is over 1 MiB.", 413)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"The body cannot be used: {error}.") from error
