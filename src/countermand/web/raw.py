"""What a system answered or sent, exactly as it was received."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from countermand.ledger import records
from countermand.web.order_view import names_of
from countermand.web.pages import service_of, show
from countermand.web.problem import Problem


def raw_answer(request: Request) -> Response:
    """The answer of a system in which something new was seen."""
    with service_of(request).engine.begin() as database:
        seen = records.find_sighting(database, int(request.path_params["id"]))
        if seen is None:
            raise Problem(404, "This answer is not kept, or not any more.")
        text = readable(seen.raw)
        if request.query_params.get("plain"):
            return PlainTextResponse(text)
        title = f"Answer of {names_of(None).side(seen.side)} about {seen.ref}"
        return show(request, "raw.html", database, title=title, at=seen.began_at, text=text, about="")


def raw_message(request: Request) -> Response:
    """A message that a system sent."""
    with service_of(request).engine.begin() as database:
        found = records.find_message(database, int(request.path_params["id"]))
        if found is None:
            raise Problem(404, "This message is not kept, or not any more.")
        text = readable(found.body.decode("utf-8", "replace"))
        if request.query_params.get("plain"):
            return PlainTextResponse(text)
        title = f"Message from {names_of(None).side(found.side)}"
        return show(
            request,
            "raw.html",
            database,
            title=title,
            at=found.received_at,
            text=text,
            about=found.content_type,
        )


def readable(raw: str) -> str:
    """JSON set out over several lines; anything else as it is."""
    try:
        return msgspec.json.format(raw, indent=2)
    except (msgspec.DecodeError, ValueError):
        return raw
