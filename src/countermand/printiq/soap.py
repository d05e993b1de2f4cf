"""printIQ's SOAP call that sets a job's status, and what its answers mean.

printIQ help desk: api-soap-status-update. The documented success is the literal `Success`; every other
text is an error, and which texts there are is not documented: the words looked for here are a guess, and
the text itself is always kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from lxml import etree

from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.printiq.mapping import CANCELLED
from countermand.printiq.xml import UnsafeXmlError, local_name, parse_xml
from countermand.vendor_http.reply import CallOutcome, Reply

NAMESPACE = "http://iq.co.nz/"
ACTION = f"{NAMESPACE}RunEvent"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_SAID_LENGTH = 300

_ALREADY = re.compile(r"already (been |set to |in status )?cancell?ed|cancell?ed already", re.IGNORECASE)
_IS_CANCELLED = re.compile(r"\b(is|was|been) cancell?ed", re.IGNORECASE)
_DENIED = re.compile(r"\b(no|not|nothing|never)\b", re.IGNORECASE)
#: Words of an error text -> why (a guess); the first that is found counts.
_REASONS: tuple[tuple[re.Pattern[str], RefusalReason], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"not found|unknown job|does not exist|no such|invalid job", RefusalReason.NOT_FOUND),
        (r"invoice", RefusalReason.INVOICED),
        (r"dispatch|consign|shipped|delivered", RefusalReason.DISPATCHED),
        (r"not allowed|permission|denied|unauthori[sz]ed|forbidden|licen[cs]e", RefusalReason.NOT_ALLOWED),
        (r"too late|complete|finished|in production|printed|plated|started", RefusalReason.MILESTONE),
        (r"duplicate", RefusalReason.DUPLICATE),
    )
)
_BY_STATUS: Mapping[int, RefusalReason] = {
    401: RefusalReason.NOT_ALLOWED,
    403: RefusalReason.NOT_ALLOWED,
}


def cancel_request(*, job_no: str, system: str, file_refs: str, note: str) -> bytes:
    """The SOAP 1.1 body of `RunEvent` that sets a job to status 17."""
    envelope = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap={"soap": _ENVELOPE})
    body = etree.SubElement(envelope, f"{{{_ENVELOPE}}}Body")
    event = etree.SubElement(body, f"{{{NAMESPACE}}}RunEvent", nsmap={"iq": NAMESPACE})
    values = {
        "System": system,
        "EventType": "CHANGE_STATUS",
        "SystemData": msgspec.json.encode({"ProdStatusID": CANCELLED}).decode(),
        "JobRef": job_no,
        "FileRefs": file_refs,
        "EventText": note,
    }
    for name, value in values.items():
        etree.SubElement(event, f"{{{NAMESPACE}}}{name}").text = value
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


def cancel_answer(reply: Reply) -> Answer:
    """The outcome of one cancel; only `Success` counts as applied, anything uncertain as unknown."""
    if reply.outcome is CallOutcome.HELD_BACK:
        return Answer(outcome=Outcome.NOT_SENT, said=_shortened(reply.said))
    result = _text_of("RunEventResult", reply.body)
    if reply.ok and result is not None:
        return _by_text(result)
    said = result or _text_of("faultstring", reply.body) or reply.said
    if reply.outcome is CallOutcome.REFUSED:
        return _refused(said, reply.status)
    return Answer(outcome=Outcome.UNKNOWN, said=_shortened(said or "The answer holds no RunEventResult"))


def _by_text(text: str) -> Answer:
    if text == "Success":
        return Answer(outcome=Outcome.APPLIED, said=text)
    if not text:
        return Answer(outcome=Outcome.UNKNOWN, said="The RunEventResult is empty")
    return _refused(text)


def _refused(said: str, status: int = 0) -> Answer:
    if _says_already(said):
        return Answer(outcome=Outcome.ALREADY, said=_shortened(said))
    by_words = next((reason for pattern, reason in _REASONS if pattern.search(said)), None)
    reason = by_words or _BY_STATUS.get(status, RefusalReason.OTHER)
    return Answer(outcome=Outcome.REFUSED, reason=reason, said=_shortened(said))


def _says_already(said: str) -> bool:
    if _ALREADY.search(said):
        return True
    found = _IS_CANCELLED.search(said)
    return found is not None and not _DENIED.search(said[: found.start()])


def _text_of(name: str, body: bytes) -> str | None:
    """The text of the first element of that local name; none when the body holds none."""
    try:
        root = parse_xml(body)
    except UnsafeXmlError:
        return None
    element = next((found for found in root.iter(etree.Element) if local_name(found) == name), None)
    return None if element is None else "".join(map(str, element.itertext())).strip()


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SAID_LENGTH else words[: _SAID_LENGTH - 1] + "…"
