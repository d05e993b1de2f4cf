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


def hook_routes() -> list[Route]:
    return [Route("/hooks/{side}/{token}", receive_hook, methods=["POST"])]


async def receive_hook(request: Request) -> Response:
    """Take one message: 202 when stored, 404 for an unknown address, 413 when too large, 503 when it cannot
    be stored."""
    service: Service = request.app.state.service
    try:
        side = Side(request.path_params["side"])
    except ValueError:
        return _refused(404, "There is no such hook address; the sides are storefront and mis.")
    names = service.connections_by_token(side, request.path_params["token"])
    if not names:
        return _refused(404, "No connection has a hook address with this token.")
    body = await _limited_body(request)
    if body is None:
        return _refused(413, f"A message may have at most {MOST_BYTES} bytes.")
    if not body.strip():
        return _refused(400, "The message is empty.")
    try:
        await service.receive(names, side, request.headers.get("content-type", ""), body)
    except NotStoredError as error:
        return _refused(503, f"The message is not stored; send it again later. {error}")
    return JSONResponse({"stored": True}, status_code=202)


async def _limited_body(request: Request) -> bytes | None:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _refused(status: int, why: str) -> Response:
    # Closing ends the reading too: what is still being sent would be read and thrown away for ever.
    return JSONResponse({"error": why}, status_code=status, headers={"connection": "close"})
