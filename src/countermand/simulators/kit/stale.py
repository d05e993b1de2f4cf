"""Earlier answers to the same request, for the `stale-read` fault."""

from collections import OrderedDict, deque
from urllib.parse import parse_qsl

from starlette.types import Message

from countermand.simulators.kit.calls import VendorCall

#: The messages of one complete ASGI answer.
Answer = tuple[Message, ...]

#: A session token in the query changes without changing what is asked.
TOKEN_PARAMETERS = frozenset({"LoginToken"})
MAX_REQUESTS = 2000
MAX_ANSWERS = 16


class AnswerHistory:
    """The last answers of each distinct request; the least used requests are forgotten first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[object, deque[tuple[float, Answer]]] = OrderedDict()

    def keep(self, call: VendorCall, answer: Answer, at: float) -> None:
        """Remember a successful `answer` given at monotonic time `at`."""
        if not answer or answer[0].get("status", 500) >= 400:
            return
        key = _key(call)
        self._answers.setdefault(key, deque(maxlen=MAX_ANSWERS)).append((at, answer))
        self._answers.move_to_end(key)
        if len(self._answers) > MAX_REQUESTS:
            self._answers.popitem(last=False)

    def as_of(self, call: VendorCall, at: float) -> Answer | None:
        """Return the newest answer given at or before `at`, else the oldest known, else None."""
        known = self._answers.get(_key(call))
        if not known:
            return None
        return next((answer for given, answer in reversed(known) if given <= at), known[0][1])


def _key(call: VendorCall) -> object:
    query = tuple(pair for pair in sorted(parse_qsl(call.query)) if pair[0] not in TOKEN_PARAMETERS)
    return (call.method, call.path.lower(), query, call.body)
