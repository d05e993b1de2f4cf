"""printIQ's hooks as hints.

That hooks come as JSON or XML is documented (supported-webhooks-events-in-printiq), their payloads are
not. So the whole body is searched for numbers under the names in the settings, and a hook only says
which job or sales order is worth reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from countermand.bridge.ports import Hint, MisItemKind, UnreadableHookError
from countermand.core.status import Side
from countermand.printiq.settings import HookNames
from countermand.printiq.xml import UnsafeXmlError, local_name, parse_xml
from countermand.vendor_http.bodies import BodyError, declared_charset, decode_json
from countermand.vendor_http.fields import as_text

MOST_HINTS = 10_000
_DEPTH = 20
_LONGEST_REF = 60

Leaf = tuple[str, str]


def parse_hook(body: bytes, content_type: str, names: HookNames | None = None) -> tuple[Hint, ...]:
    """What a hook says is worth looking at: each job and sales order it names, else an order reference.

    Nothing for a known event that is not about orders, such as a new quote.

    Raises:
        UnreadableHookError: it is neither JSON nor safe XML, or names nothing that can be looked up.
    """
    names = names or HookNames()
    leaves = list(
        _xml_leaves(body, content_type) if _is_xml(body, content_type) else _json_leaves(body, content_type)
    )
    claims = _claims(leaves, names)
    hints = tuple(dict.fromkeys(_hints(leaves, names, claims)))
    if not hints and _not_about_orders(leaves, names):
        return ()
    if not hints:
        raise UnreadableHookError(
            f"The hook ({claims or 'no event name'}) names no job, sales order or order reference"
        )
    if len(hints) > MOST_HINTS:
        raise UnreadableHookError(f"The hook names {len(hints)} jobs, more than {MOST_HINTS}")
    return hints


#: Events of the documented list that are about customers, quotes, invoices and purchases, not about orders
#: (supported-webhooks-events-in-printiq); without an order's number there is nothing to look at.
NOT_ABOUT_ORDERS = frozenset(
    {
        "createcustomer",
        "createcustomercontact",
        "createcustomeraddress",
        "createquote",
        "quotecreated",
        "rejectquote",
        "expirequote",
        "discardquote",
        "exportinvoice",
        "exportpurchaseorder",
        "failcxmljob",
        "failxmpiejob",
    }
)


def _not_about_orders(leaves: list[Leaf], names: HookNames) -> bool:
    events = _values(leaves, names.event)
    return bool(events) and all(event.casefold() in NOT_ABOUT_ORDERS for event in events)


def _hints(leaves: list[Leaf], names: HookNames, claims: str) -> Iterator[Hint]:
    groups = [group for group in _values(leaves, names.group) if group != "0"]
    # Of several it is not known which job belongs to which: each is then read by its own number.
    group = groups[0] if len(groups) == 1 else ""
    jobs, sales_orders = _values(leaves, names.job), _values(leaves, names.sales_order)
    for kind, refs in ((MisItemKind.JOB, jobs), (MisItemKind.SALES_ORDER, sales_orders)):
        for ref in refs:
            yield Hint(side=Side.MIS, mis_ref=ref, mis_kind=kind, mis_group=group, claims=claims)
    if not jobs and not sales_orders:
        for reference in _values(leaves, names.reference):
            yield Hint(side=Side.MIS, order_id=reference, claims=claims)


def _claims(leaves: list[Leaf], names: HookNames) -> str:
    event, status = _values(leaves, names.event), _values(leaves, names.status)
    return " ".join([*event[:1], *status[:1]])


def _values(leaves: list[Leaf], wanted: tuple[str, ...]) -> list[str]:
    lowered = {name.lower() for name in wanted}
    found = (value for name, value in leaves if name.lower() in lowered)
    return list(dict.fromkeys(value for value in found if value and len(value) <= _LONGEST_REF))


def _is_xml(body: bytes, content_type: str) -> bool:
    start = body.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    return "xml" in content_type.lower() or start == b"<"


def _json_leaves(body: bytes, content_type: str) -> Iterator[Leaf]:
    try:
        value = decode_json(body, content_type)
    except BodyError as error:
        raise UnreadableHookError(str(error)) from None
    if not isinstance(value, Mapping | list):
        raise UnreadableHookError("The hook is not a JSON object")
    return _walk("", value, 0)


def _walk(name: str, value: object, depth: int) -> Iterator[Leaf]:
    """Every text or number with the name it stands under; list entries stand under the list's name."""
    if depth > _DEPTH:
        raise UnreadableHookError("The hook is nested too deeply")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(str(key), inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(name, inner, depth + 1)
    elif text := as_text(value):
        yield name, text


def _xml_leaves(body: bytes, content_type: str) -> Iterator[Leaf]:
    try:
        root = parse_xml(body, declared_charset(content_type))
    except UnsafeXmlError as error:
        raise UnreadableHookError(str(error)) from None
    if event := root.get("name"):
        yield "Event", event
    for element in root.iter(etree.Element):
        yield from ((etree.QName(name).localname, str(value)) for name, value in element.attrib.items())
        if not len(element) and element.text:
            yield local_name(element), element.text.strip()
