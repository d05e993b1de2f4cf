"""Runs a MegaScript in QuickJS: the real file that Countermand ships, not a copy of its logic."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from time import monotonic

import msgspec
import quickjs

from countermand.simulators.infigo.script_calls import ScriptCalls, order_snapshot
from countermand.simulators.infigo.shop import Shop

SCRIPT = Path(__file__).parents[2] / "infigo" / "countermand.megascript.js"
HOST = Path(__file__).with_name("megascript_host.js")
SECRET_PLACE = "PUT-YOUR-OWN-SECRET-HERE"  # noqa: S105  the text that a shop replaces
MEMORY_BYTES = 32 * 1024 * 1024
MOST_CALLS = 400
_NUMBER = re.compile(r"[0-9]{1,15}")


class ScriptError(Exception):
    """The script did not finish; the text says why in one sentence."""


class ScriptRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """`Run.Request`, as Infigo's published types name its members."""

    method: str = "POST"
    form: dict[str, str] = {}
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: str = ""
    client_ip_address: str = ""


class ScriptResponse(msgspec.Struct, frozen=True, rename="camel"):
    content: str = ""
    content_type: str = "text/plain"
    status: int = 200


class _Question(msgspec.Struct, frozen=True):
    call: str
    args: list[object]


class _Ending(msgspec.Struct, frozen=True):
    pending: _Question | None
    response: ScriptResponse | None


@cache
def _source(path: Path) -> str:
    return path.read_text("utf-8")


def installed_script(secret: str) -> str:
    """Return the shipped script with a shop's secret put in, as the shop would install it."""
    return _source(SCRIPT).replace(f'"{SECRET_PLACE}"', msgspec.json.encode(secret).decode())


def run_script(
    source: str,
    request: ScriptRequest,
    shop: Shop,
    *,
    seconds: float = 2.0,
    post: Callable[[str, str], None] = lambda _url, _body: None,
) -> ScriptResponse:
    """Run a script to its end and return what it answered. Raises `ScriptError`.

    The script starts anew after each question to the shop (see megascript_host.js), so it has to ask the
    same again each time; clock and randomness are pinned for that. Orders whose numbers stand in the body
    are handed over at the start, which spares most of these rounds.
    """
    calls = ScriptCalls(shop, post)
    known = _mentioned(request.body, shop)
    now = shop.clock().isoformat()
    answers: list[Mapping[str, object]] = []
    deadline = monotonic() + seconds
    while len(answers) <= MOST_CALLS:
        start = {"request": request, "now": now, "known": known, "answers": answers}
        ending = _run_once(source, msgspec.json.encode(start).decode(), deadline - monotonic())
        if ending.pending is None:
            return ending.response or ScriptResponse()
        answers.append(calls.answer(ending.pending.call, ending.pending.args))
    raise ScriptError(f"The MegaScript made more than {MOST_CALLS} calls and was stopped.")


def _mentioned(body: str, shop: Shop) -> list[tuple[int, object]]:
    numbers = dict.fromkeys(int(number) for number in _NUMBER.findall(body[:65536]))
    found = (shop.find_order(number) for number in numbers)
    return [(order.id, order_snapshot(order)) for order in found if order is not None]


def _run_once(source: str, start: str, seconds: float) -> _Ending:
    if seconds <= 0:
        raise ScriptError("The MegaScript took too long and was stopped.")
    context = quickjs.Context()
    context.set_memory_limit(MEMORY_BYTES)
    context.set_time_limit(seconds)
    failure = ""
    try:
        ending = context.eval(_source(HOST))(start)
        try:
            context.eval(source)
        except quickjs.JSException as error:
            # A question that ended the run shows as an error too; the ending tells them apart. Only its
            # text is kept: the error would hold this frame, and so the context, until the garbage collector
            # comes by in some other thread, and QuickJS must be freed by the thread that ran it.
            failure = str(error)
        result = msgspec.json.decode(ending(), type=_Ending)
    except quickjs.JSException as error:
        raise _script_error(failure or str(error)) from error
    except msgspec.ValidationError as error:
        raise ScriptError(f"The MegaScript returned something unusable: {error}.") from error
    if failure and result.pending is None:
        raise _script_error(failure)
    return result


def _script_error(text: str) -> ScriptError:
    said = (text.strip().splitlines() or ["unknown error"])[0].rstrip(".")
    if said == "InternalError: interrupted":
        return ScriptError("The MegaScript took too long and was stopped.")
    return ScriptError(f"The MegaScript failed: {said}.")
