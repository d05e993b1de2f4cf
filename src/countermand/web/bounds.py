"""What is too large, too long or no text at all is refused before any page or call looks at it."""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countermand.web.problem import Problem

#: Largest body of a form or a call, in bytes; a batch of orders to import is larger.
MOST_BODY = 1024 * 1024
MOST_IMPORT = 64 * MOST_BODY


class _Number(IntegerConvertor):
    """A number of ours in an address; a longer one leads nowhere, and no database would take it."""

    regex = "[0-9]{1,18}"


register_url_convertor("number", _Number())


class Bounds:
    """Refuses addresses with a zero byte, which no database takes as text, and bodies over the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/hooks/"):
            await self._app(scope, receive, send)  # messages have their limit and their answers in hooks.py
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            refusal = JSONResponse({"error": "There is a character in the address that is no text."}, 400)
            await refusal(scope, receive, send)
        else:
            body = _Body(scope["path"], receive, send)
            await self._app(scope, body.receive, body.send)


class _Body:
    """One request's body, counted while it is read."""

    def __init__(self, path: str, receive: Receive, send: Send) -> None:
        self._most = MOST_IMPORT if path == "/api/imports" else MOST_BODY
        self._receive, self._send, self._size = receive, send, 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise Problem(413, f"That is too large; what is sent here may have at most {self._most:,} bytes.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            # Text of a vendor is shown as text, and nobody's customers stay in a browser's or proxy's store.
            headers.setdefault("x-content-type-options", "nosniff")
            headers.setdefault("cache-control", "no-store")
            if self._size > self._most:
                # Closing ends the reading too: the rest would be read and thrown away.
                headers["connection"] = "close"
        await self._send(message)
