"""Where both systems' messages arrive: stored durably before the 2xx, judged later.

The only things refused here are those that cannot be stored as a message at all: a wrong address, a body
over the limit, a method that carries none.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from countermand.app import NotStoredError, Service
from countermand.core.status import Side

#: Largest message that is taken, in bytes.
MOST_BYTES = 1024 * 1024
#: Whose messages may come by GET, with the query as the message: a shop may choose that in Infigo only.
_BY_GET = frozenset({Side.STOREFRONT})
_QUERY = "application/x-www-form-urlencoded"


def hook_routes() -> list[Route]:
    return [Route("/hooks/{side}/{token}", receive_hook, methods=["GET", "POST"])]


async def receive_hook(request: Request) -> Response:
    """Take one message, the body of a POST or, from the storefront, the query of a GET: 202 when stored, 404
    for an unknown address, 413 when too large, 503 when it cannot be stored."""
    service: Service = request.app.state.service
    try:
        side = Side(request.path_params["side"])
    except ValueError:
        return _refused(404, "There is no such hook address; the sides are storefront and mis.")
    names = service.connections_by_token(side, request.path_params["token"])
    if not names:
        return _refused(404, "No connection has a hook address with this token.")
    if request.method == "HEAD" or (request.method == "GET" and side not in _BY_GET):
        allow = "GET, POST" if side in _BY_GET else "POST"
        return _refused(405, "Messages come to this address by POST.", allow=allow)
    content_type, body = await _message(request)
    if body is None:
        return _refused(413, f"A message may have at most {MOST_BYTES} bytes.")
    if not body.strip():
        return _refused(400, "The message is empty.")
    try:
        await service.receive(names, side, content_type, body)
    except NotStoredError as error:
        return _refused(503, f"The message is not stored; send it again later. {error}")
    return JSONResponse({"stored": True}, status_code=202, headers=_NOT_KEPT)


async def _message(request: Request) -> tuple[str, bytes | None]:
    """The type and the bytes of a message; none when it is too large."""
    if request.method == "GET":
        query: bytes = request.scope["query_string"]
        return _QUERY, query if len(query) <= MOST_BYTES else None
    return request.headers.get("content-type", ""), await _limited_body(request)


async def _limited_body(request: Request) -> bytes | None:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


#: A proxy that answers a second GET by itself would swallow a message.
_NOT_KEPT = {"cache-control": "no-store"}


def _refused(status: int, why: str, **headers: str) -> Response:
    # Closing ends the reading too: what is still being sent would be read and thrown away for ever.
    return JSONResponse(
        {"error": why}, status_code=status, headers={"connection": "close"} | _NOT_KEPT | headers
    )
