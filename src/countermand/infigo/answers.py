"""What Infigo said to a write, as one of the closed set of outcomes.

`countermand.megascript.js` answers in its own words wherever it ran; everything else is judged by how
the call ended: a refusal by status code changes nothing, and anything uncertain is `unknown`, because
errors that cancelled the order anyway have been seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from countermand.core.command import Answer, Outcome, RefusalReason
from countermand.vendor_http.fields import as_text, pick
from countermand.vendor_http.reply import CallOutcome, Reply

#: The script's error codes that it answers before it has changed anything.
_BEFORE_ANY_WORK: Mapping[str, RefusalReason] = {
    "forbidden": RefusalReason.NOT_ALLOWED,
    "not_configured": RefusalReason.NOT_ALLOWED,
    "not_found": RefusalReason.NOT_FOUND,
    "bad_request": RefusalReason.OTHER,
    "unknown_action": RefusalReason.OTHER,
}
#: Words of a refusal -> why; the first that is found counts.
_REASONS: tuple[tuple[re.Pattern[str], RefusalReason], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"not found|no order|no line|does not exist", RefusalReason.NOT_FOUND),
        (r"order is cancelled|not allowed|permission|denied|forbidden", RefusalReason.NOT_ALLOWED),
        (r"invoice", RefusalReason.INVOICED),
        # "ShippingNotRequired, not NotYetShipped" names what the order is not.
        (
            r"(?<!not )(?<!not partially)(?<!notyet)(?<!not yet )(shipped|delivered|dispatched)",
            RefusalReason.DISPATCHED,
        ),
        (r"production|too late|complete", RefusalReason.MILESTONE),
        (r"duplicate", RefusalReason.DUPLICATE),
    )
)
_ALREADY_CANCELLED = re.compile(r"already\s+(been\s+)?cancell?ed", re.IGNORECASE)
_BY_STATUS: Mapping[int, RefusalReason] = {
    401: RefusalReason.NOT_ALLOWED,
    403: RefusalReason.NOT_ALLOWED,
    410: RefusalReason.NOT_FOUND,
}


def answer_of(reply: Reply, *, order_id: str, cancelling: bool) -> Answer:
    """The outcome of one write that was sent through the MegaScript."""
    if isinstance(reply.value, Mapping) and reply.value.get("ok") is True and reply.ok:
        return _by_result(reply.value, order_id, cancelling=cancelling)
    if reply.outcome is CallOutcome.HELD_BACK:
        return Answer(outcome=Outcome.NOT_SENT, said=reply.said)
    code = as_text(pick(reply.value, "error.code"))
    if code in _BEFORE_ANY_WORK:
        return Answer(
            outcome=Outcome.REFUSED,
            reason=_BEFORE_ANY_WORK[code],
            said=as_text(pick(reply.value, "error.message")) or code,
        )
    if reply.outcome is CallOutcome.REFUSED:
        hint = "; check megascript_path" if reply.status == 404 else ""
        return _refused(reply.said + hint, cancelling=cancelling, status=reply.status)
    said = reply.said or "The answer is not one of countermand.megascript.js: check megascript_path"
    return Answer(outcome=Outcome.UNKNOWN, said=said)


def _by_result(value: Mapping[object, object], order_id: str, *, cancelling: bool) -> Answer:
    result, reason = as_text(pick(value, "result")), as_text(pick(value, "reason"))
    answered_about = as_text(pick(value, "order.id"))
    if answered_about != order_id:
        return Answer(
            outcome=Outcome.UNKNOWN,
            said=f"Asked about order {order_id}, the script answered about {answered_about or 'none'}",
        )
    if result == "applied":
        return Answer(outcome=Outcome.APPLIED, said=reason)
    if result == "already":
        return Answer(outcome=Outcome.ALREADY, said=reason)
    if result == "refused":
        return _refused(reason or "Infigo refused it and did not say why", cancelling=cancelling)
    return Answer(outcome=Outcome.UNKNOWN, said=f"The script answered with the unknown result {result!r}")


def _refused(said: str, *, cancelling: bool, status: int = 0) -> Answer:
    if cancelling and _ALREADY_CANCELLED.search(said):
        return Answer(outcome=Outcome.ALREADY, said=said)
    by_words = next((reason for pattern, reason in _REASONS if pattern.search(said)), None)
    reason = by_words or _BY_STATUS.get(status, RefusalReason.OTHER)
    return Answer(outcome=Outcome.REFUSED, reason=reason, said=said)
