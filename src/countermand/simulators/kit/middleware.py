"""ASGI middleware that counts vendor calls and makes the planned faults happen to them."""

import math
from collections.abc import Awaitable, Callable
from time import monotonic

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countermand.simulators.kit.calls import CallCounts, NameCall, VendorCall
from countermand.simulators.kit.faults import CallFault, FaultKind, FaultPlan
from countermand.simulators.kit.stale import Answer, AnswerHistory

MAX_BODY_BYTES = 4 * 1024 * 1024

#: The server puts a function under this extension that closes the connection without an answer.
ABORT_EXTENSION = "countermand.abort"
_FAULT_KEY = "countermand.fault"

HTML_PAGE = """<!DOCTYPE html>
<html><head><title>Sign in</title></head>
<body><h1>Sign in</h1><p>Your session has ended. Please sign in to continue.</p></body></html>
"""


def is_ignored(request: Request) -> bool:
    """Say whether this call must answer success without any effect (fault `ok-but-ignored`)."""
    return _fault_of(request, "ok-but-ignored") is not None


def lag_of(request: Request) -> float | None:
    """Return how many seconds ago this call has to see things (fault `lagging-read`), else None."""
    fault = _fault_of(request, "lagging-read")
    return None if fault is None else fault.seconds


def token_is_expired(request: Request) -> bool:
    """Say whether this call's token must be taken as expired (fault `expired-token`)."""
    return _fault_of(request, "expired-token") is not None


def _fault_of(request: Request, kind: FaultKind) -> CallFault | None:
    fault: CallFault | None = request.scope.get(_FAULT_KEY)
    return fault if fault is not None and fault.kind == kind else None


class FaultsMiddleware:
    """Counts the calls that `name_call` names and makes the faults of `plan` happen to them.

    Requests without a name (test control, staff screens) pass untouched. The application itself
    honours `ok-but-ignored`, `lagging-read` and `expired-token`, since only it knows its success, its
    past and its tokens: see `is_ignored`, `lag_of` and `token_is_expired`. `remember` is called before
    every request, so that there is a past.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        plan: FaultPlan,
        name_call: NameCall,
        counts: CallCounts,
        remember: Callable[[], None] = lambda: None,
    ) -> None:
        self.app = app
        self._plan = plan
        self._name_call = name_call
        self._counts = counts
        self._remember = remember
        self._history = AnswerHistory()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self._remember()
        body = await _read_body(receive)
        if body is None:
            await PlainTextResponse("The request body is over 4 MiB.", 413)(scope, receive, send)
            return
        call = _vendor_call(scope, body)
        name = self._name_call(call)
        replay = _replay(body, receive)
        if name is None:
            await self.app(scope, replay, send)
            return
        self._counts.add(name)
        await self._answer(call, self._plan.for_call(name), scope, replay, send)

    async def _answer(
        self, call: VendorCall, faults: list[CallFault], scope: Scope, receive: Receive, send: Send
    ) -> None:
        deciding: CallFault | None = None
        for fault in faults:
            if fault.kind == "latency":
                await anyio.sleep(fault.seconds)
            elif deciding is None:
                deciding = fault
        kind = deciding.kind if deciding else None
        seconds = deciding.seconds if deciding else 0.0
        if kind == "drop":
            await _drop(scope, receive)
        elif (instead := _answer_instead(kind, seconds)) is not None:
            await instead(scope, receive, send)
        else:
            scope[_FAULT_KEY] = deciding
            await self._work(call, kind, seconds, scope, receive, send)

    async def _work(
        self,
        call: VendorCall,
        kind: FaultKind | None,
        seconds: float,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Let the application do its work, then answer as the fault says."""
        answer = await _collect(self.app, scope, receive)
        fresh = answer
        if kind == "error-but-applied":
            await PlainTextResponse("Internal Server Error", 500)(scope, receive, send)
            return
        if kind == "stale-read":
            answer = self._history.as_of(call, monotonic() - seconds) or fresh
        if kind == "timeout":
            await _withhold(receive, seconds)
        self._history.keep(call, fresh, monotonic())
        for message in answer:
            await send(message)


def _answer_instead(kind: FaultKind | None, seconds: float) -> Response | None:
    if kind == "5xx":
        return PlainTextResponse("Service Unavailable", 503)
    if kind == "429":
        return PlainTextResponse("Too Many Requests", 429, {"Retry-After": str(math.ceil(seconds))})
    if kind == "html-200":
        return HTMLResponse(HTML_PAGE)
    return None


async def _drop(scope: Scope, receive: Receive) -> None:
    abort: Callable[[], None] | None = scope.get("extensions", {}).get(ABORT_EXTENSION)
    if abort is None:
        raise ConnectionResetError("fault: the connection was dropped before the work")
    abort()
    await _until_disconnect(receive)


async def _withhold(receive: Receive, seconds: float) -> None:
    with anyio.move_on_after(seconds):
        await _until_disconnect(receive)


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return tuple(messages)


async def _read_body(receive: Receive) -> bytes | None:
    """Return the whole body, or None when it is over the limit."""
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(chunks)
        chunks += message.get("body", b"")
        if len(chunks) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(chunks)


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _vendor_call(scope: Scope, body: bytes) -> VendorCall:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return VendorCall(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )
