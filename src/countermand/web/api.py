"""The HTTP API's common parts: JSON answers, one sentence per refusal, and what a call says about itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from countermand.access import MOST_NAME, Role
from countermand.app import Service
from countermand.bridge import people
from countermand.ledger.tasks import OvertakenError
from countermand.ledger.views import OrderRow
from countermand.web.person import (
    MOST_REASON,
    clean_name,
    clean_reason,
    must_be,
    refuse_elsewhere,
    signed_in,
)
from countermand.web.problem import Problem
from countermand.web.whose import named_order

Endpoint = Callable[[Request], Awaitable[object]]

#: Rows in one answer.
USUAL_ROWS, MOST_ROWS = 100, 1000


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What the API's description says about one call beside its sentence.

    `query` and `body`: name to what it is for; a name in `needs` has to be given. `role`: who may, where
    people sign in; whoever only looks may not `POST` at all.
    """

    answer: Any = None
    query: Mapping[str, str] = {}
    body: Mapping[str, str] = {}
    needs: tuple[str, ...] = ()
    role: Role = Role.VIEWER


def operation(**about: Any) -> Callable[[Endpoint], Endpoint]:
    """Describe a call for the OpenAPI document."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__api__ = Operation(**about)  # type: ignore[attr-defined]  # read back in openapi.py
        return endpoint

    return mark


def as_json(answer: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The answer as JSON; what cannot be done is one sentence under `error`."""

    @wraps(answer)
    async def respond(request: Request) -> Response:
        try:
            if request.method == "POST":
                _from_a_program(request)
            about: Operation = getattr(answer, "__api__", Operation())
            must_be(request, about.role)
            value, status = await answer(request), 200
        except Problem as problem:
            value, status = {"error": problem.why}, problem.status
        except (people.RefusedError, OvertakenError) as refused:
            value, status = {"error": str(refused)}, 409
        body = msgspec.json.encode(value)
        return Response(body, status_code=status, media_type="application/json")

    return respond


def _from_a_program(request: Request) -> None:
    """A page of another site could make a browser send text, but never JSON without being asked first.

    Raises:
        Problem: it comes from such a page, or is something else than JSON.
    """
    refuse_elsewhere(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json":
        raise Problem(415, f"Send JSON with the content type application/json, not {kind}.")


def service_at(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def view(request: Request, read: Callable[..., Any], *args: object, **kwargs: object) -> Any:
    engine = service_at(request).engine

    def look() -> Any:
        with engine.begin() as database:
            return read(database, *args, **kwargs)

    return await run_in_threadpool(look)


async def order_of(request: Request, *, beginning: bool = False) -> OrderRow:
    """The order that a call is about, by its number and, where one is named, its connection."""
    number, connection = request.path_params["number"], request.query_params.get("connection", "")
    row: OrderRow = await view(request, named_order, number, connection, beginning=beginning)
    return row


PAGED = {"limit": f"How many rows, at most {MOST_ROWS}.", "after": "Where to go on: the `next` of a page."}
ACT = {
    "by": "Who does it; stands in the journal.",
    "reason": "Why, in their words.",
    "version": "The version of the task that was seen; refused if somebody changed it since.",
}


def limit_of(request: Request) -> int:
    text = request.query_params.get("limit", str(USUAL_ROWS))
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_ROWS:
        raise Problem(400, f"`limit` is a number from 1 to {MOST_ROWS}, not “{text[:20]}”.")
    return int(text)


def chosen(request: Request, name: str, known: Iterable[str], usual: str = "") -> str:
    """What a filter asks for; `usual` when nothing is.

    Raises:
        Problem: it is none of those known, for which an empty list would be taken for good news.
    """
    value = request.query_params.get(name, "") or usual
    if value and value not in (every := [str(one) for one in known]):
        raise Problem(400, f"`{name}` is one of {', '.join(every)}, not “{value[:40]}”.")
    return value


def named(request: Request, said: Mapping[str, Any]) -> str:
    """Who does it: one line, as it stands in the journal.

    Raises:
        Problem: nobody is named, or no name is that long, or it is not the name of who has signed in.
    """
    by = said.get("by")
    if (person := signed_in(request)) is not None:
        if by not in (None, "", person.name):
            raise Problem(403, f"You are signed in as {person.name}: leave `by` out.")
        return person.name
    name = clean_name(by) if isinstance(by, str) else ""
    if not isinstance(by, str) or not name:
        raise Problem(400, "Please say who you are: the field `by` is missing.")
    if len(by.strip()) > MOST_NAME:
        raise Problem(400, f"`by` is a name of at most {MOST_NAME} characters.")
    return name


def reason_of(said: Mapping[str, Any]) -> str:
    """Why, in their words; empty when nothing is said.

    Raises:
        Problem: it is no text, or too long to be kept in the journal for ever.
    """
    reason = said.get("reason", "")
    if not isinstance(reason, str):
        raise Problem(400, "`reason` is a text.")
    if len(reason := clean_reason(reason)) > MOST_REASON:
        raise Problem(400, f"`reason` is a text of at most {MOST_REASON} characters.")
    return reason


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        Problem: it is none.
    """
    try:
        value = msgspec.json.decode(await request.body() or b"{}")
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(400, f"The request is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The request must be a JSON object.")
    return value


def lines_of(said: Mapping[str, Any]) -> tuple[str, ...]:
    """The lines that a request is about; none means all.

    Raises:
        Problem: `lines` is no list of texts.
    """
    lines = said.get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Problem(400, "`lines` is a list of line numbers.")
    return tuple(lines)
