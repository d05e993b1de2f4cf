"""What an event becomes outside: hooks in JSON or XML, and the vendor's own push to the storefront.

printIQ help desk: supported-webhooks-events-in-printiq. Payloads are a GUESS; so are the event names
`JobStatusChanged` and `SalesOrderItemStatusChanged`. Neither carries a secret but its address.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from lxml import etree

from countermand.simulators.kit import Message
from countermand.simulators.printiq.records import Event
from countermand.simulators.printiq.settings import Hook, PrintIQSettings

JSON_HEADERS = {"Content-Type": "application/json"}
XML_HEADERS = {"Content-Type": "application/xml; charset=utf-8"}

HOOK_EVENTS = frozenset(
    {
        "CreateQuote",
        "AcceptanceCreated",
        "CreateJob",
        "CompleteJob",
        "CreateConsignment",
        "ExportInvoice",
        "JobStatusChanged",
        "SalesOrderItemStatusChanged",
    }
)
#: What XML 1.0 has no way to say; people paste such characters into references.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: In XML, a list of numbers becomes one element for each, named after what it holds.
_ITEM_NAMES = {"Jobs": "JobNo", "SalesOrders": "SalesOrderNo"}


def messages_for(event: Event, settings: PrintIQSettings) -> list[Message]:
    """Return the messages that one event sends, hooks first."""
    return [*_hook_messages(event, settings), *_push_messages(event, settings)]


def _hook_messages(event: Event, settings: PrintIQSettings) -> Iterator[Message]:
    if event.name not in HOOK_EVENTS:
        return
    if event.name == "JobStatusChanged" and not settings.fires_cancel_hook:
        return
    for hook in settings.hooks:
        if not hook.events or event.name in hook.events:
            yield _hook_message(event, hook)


def _hook_message(event: Event, hook: Hook) -> Message:
    if hook.format == "xml":
        return Message(url=hook.url, headers=XML_HEADERS, body=event_xml(event), kind=event.name)
    body = msgspec.json.encode({"Event": event.name, **event.fields})
    return Message(url=hook.url, headers=JSON_HEADERS, body=body, kind=event.name)


def event_xml(event: Event) -> bytes:
    """Return `<Event name="..."><Field>..</Field></Event>`."""
    root = etree.Element("Event", name=event.name)
    _add_fields(root, event.fields)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _add_fields(parent: etree._Element, fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        child = etree.SubElement(parent, name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            for item in value:
                etree.SubElement(child, _ITEM_NAMES.get(name, "Item")).text = _xml_text(item)
        else:
            child.text = _xml_text(value)


def _xml_text(value: object) -> str:
    return _NOT_XML.sub("", str(value))


def _push_messages(event: Event, settings: PrintIQSettings) -> Iterator[Message]:
    """The vendor's push to its three handler paths; the bodies are a GUESS."""
    url, status = {
        "Dispatched": (settings.infigo_changestatus_url, "Dispatched"),
        "JobCancelled": (settings.infigo_updatejobstatus_url, "Cancelled"),
        "SalesOrderCancelled": (settings.infigo_updateorderstatus_url, "Cancelled"),
    }.get(event.name, ("", ""))
    if url:
        body = msgspec.json.encode({**event.fields, "Status": status})
        yield Message(url=url, headers=JSON_HEADERS, body=body, kind=f"push {event.name}")
