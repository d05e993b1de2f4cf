"""What one call ended in, and how an answer is judged: by its status and by what it holds.

A 2xx alone proves nothing: both vendors send a login page with 200.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from countermand.vendor_http.bodies import BodyError, decode_json, looks_like_markup

#: So much of an error is looked at.
_MOST_EXCERPT = 65_536


class CallOutcome(StrEnum):
    """How a call ended, as far as the wire can tell."""

    ANSWERED = "answered"
    REFUSED = "refused"
    THROTTLED = "throttled"
    #: Not made: the vendor had asked for a pause.
    HELD_BACK = "held_back"
    SERVER_ERROR = "server_error"
    UNEXPECTED = "unexpected"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"


#: It may go well in a moment: nothing that was set up is shown to be wrong.
TRANSIENT = frozenset(
    {CallOutcome.THROTTLED, CallOutcome.HELD_BACK, CallOutcome.SERVER_ERROR, CallOutcome.TIMED_OUT}
)


class Content(StrEnum):
    """What a good answer holds."""

    JSON = "json"
    XML = "xml"
    #: Anything but a web page, for calls whose answer is only "yes".
    ANY = "any"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one call. `said` is a sentence about what went wrong, free of secrets.

    `value` is the parsed JSON wherever the body was JSON, on errors too. `began_at` is when the request
    left, after any wait for budget.
    """

    outcome: CallOutcome
    began_at: datetime
    status: int = 0
    body: bytes = b""
    value: object = None
    is_json: bool = False
    said: str = ""

    def __repr__(self) -> str:
        # The body may hold a token that the vendor has just issued.
        return f"Reply({self.outcome.value}, HTTP {self.status}, {self.said!r})"

    @property
    def ok(self) -> bool:
        return self.outcome is CallOutcome.ANSWERED


class Judgement(msgspec.Struct, frozen=True):
    """An answer judged; `why` completes "the vendor answered ..." and is empty for a good one."""

    outcome: CallOutcome
    why: str
    value: object = None
    is_json: bool = False


def judge(status: int, content_type: str, body: bytes | None, content: Content) -> Judgement:
    """Judge an answer; no body means that there was more of it than anybody reads."""
    if body is None:
        return Judgement(CallOutcome.UNEXPECTED, "with far more than any answer holds")
    value, problem = _parse(body, content_type)
    outcome = _by_status(status)
    if 300 <= status < 400:
        why = f"with a redirect (HTTP {status}), which is not followed"
    elif outcome is not CallOutcome.ANSWERED:
        why = f"HTTP {status}{_excerpt(body, content_type)}"
    elif why := _content_problem(content, content_type, body, problem):
        outcome = CallOutcome.UNEXPECTED
    return Judgement(outcome, why, value, is_json=not problem)


def _by_status(status: int) -> CallOutcome:
    if status in (429, 425):
        return CallOutcome.THROTTLED
    if status == 408:
        return CallOutcome.TIMED_OUT
    if 200 <= status < 300:
        return CallOutcome.ANSWERED
    if 400 <= status < 500:
        return CallOutcome.REFUSED
    return CallOutcome.SERVER_ERROR if status >= 500 else CallOutcome.UNEXPECTED


def _parse(body: bytes, content_type: str) -> tuple[object, str]:
    try:
        return decode_json(body, content_type), ""
    except BodyError as error:
        return None, str(error)


def _content_problem(content: Content, content_type: str, body: bytes, json_problem: str) -> str:
    if "html" in content_type.lower() or body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "with a web page (usually a login page) instead of data"
    if content is Content.JSON and json_problem:
        return f"with no JSON: {json_problem}"
    if content is Content.XML and not body.strip():
        return "with an empty body instead of XML"
    return ""


def _excerpt(body: bytes, content_type: str) -> str:
    """An error's own words, not yet cut short: half a secret is no longer known for one. No web page."""
    text = body[:_MOST_EXCERPT].decode("utf-8", "replace").strip()
    if not text or "html" in content_type.lower() or looks_like_markup(text):
        return ""
    return f": {text}"
