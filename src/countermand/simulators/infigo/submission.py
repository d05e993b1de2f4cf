"""How far an order has come on its way to printIQ, as the plugin remembers it."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class SubmissionState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    #: An AcceptQuote never answered and could not be looked up: a person must look in printIQ first.
    UNSURE = "unsure"
    #: Not to be sent: the plugin is off, or whoever placed the order said so.
    NOT_SENT = "not sent"


class Acceptance(StrEnum):
    """What is known of one quote's AcceptQuote, which must never be repeated blindly."""

    ASKED = "asked"
    DONE = "done"


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    state: SubmissionState = SubmissionState.NOT_SENT
    reason: str = ""
    attempts: int = 0
    #: Quote number -> what is known of its acceptance.
    acceptances: Mapping[str, Acceptance] = {}
    #: Line job ids whose artwork link printIQ has taken.
    artwork: frozenset[str] = frozenset()
