"""The API's description (OpenAPI 3.1), made from the routes themselves, so that it cannot fall behind."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from countermand import __version__
from countermand.access import Role
from countermand.web.api import Operation

#: What is no text in the body of a call.
_KINDS: dict[str, dict[str, Any]] = {
    "version": {"type": "integer"},
    "minutes": {"type": "integer"},
    "lines": {"type": "array", "items": {"type": "string"}},
    "orders": {"type": "array", "items": {"type": "string"}},
    "all": {"type": "boolean"},
    "resume": {"type": "boolean"},
    "batch": {"type": "object"},
}
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")


class Which(msgspec.Struct, frozen=True):
    """An order that may have been meant: the connection to name, and its number there."""

    connection: str
    order: str


class ApiError(msgspec.Struct, frozen=True):
    """Why it was not done, in one sentence. `orders`: with 409, those that a number leads to."""

    error: str
    orders: list[Which] = []


def described(routes: Iterable[BaseRoute]) -> list[Route]:
    """The routes of the API, its description aside."""
    return [
        route
        for route in routes
        if isinstance(route, Route) and route.path.startswith("/api/") and route.path != "/api/openapi.json"
    ]


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    known = described(routes)
    answers = [about.answer for route in known if (about := operation_of(route)).answer is not None]
    schemas, components = msgspec.json.schema_components(
        [*answers, ApiError], ref_template="#/components/schemas/{name}"
    )
    by_answer = {id(answer): schema for answer, schema in zip(answers, schemas, strict=False)}
    paths: dict[str, dict[str, Any]] = {}
    for route in known:
        path = _PARAMETER.sub(r"{\1}", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(path, {})[method.lower()] = _call(route, method, by_answer, schemas[-1])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Countermand",
            "version": __version__,
            "description": "Keeps print orders in step between an Infigo storefront and a printIQ MIS.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def operation_of(route: Route) -> Operation:
    """What the route's function says about itself."""
    about: Operation = getattr(route.endpoint, "__api__", Operation())
    return about


def _call(route: Route, method: str, answers: Mapping[int, Any], error: Any) -> dict[str, Any]:
    about = operation_of(route)
    said = inspect.getdoc(route.endpoint) or ""
    call: dict[str, Any] = {
        "operationId": route.endpoint.__name__,
        "summary": said.partition("\n")[0].strip(),
        "parameters": [*_in_path(route.path), *_in_query(about)],
        "responses": {
            "200": _response("Done.", answers.get(id(about.answer), {})),
            "default": _response("Why it was not done.", error),
        },
    }
    if method == "POST":
        call["requestBody"] = _body(about)
        call["description"] = f"Where people sign in: {_who_may(about)}. `by` is then left out."
    return call


def _who_may(about: Operation) -> str:
    least = max(Role.OPERATOR, about.role, key=list(Role).index)
    return f"needs the role {least.value}"


def _response(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer" if kind == "number" else "string"},
        }
        for name, kind in _PARAMETER.findall(path)
    ]


def _in_query(about: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": said, "schema": {"type": "string"}}
        for name, said in about.query.items()
    ]


def _body(about: Operation) -> dict[str, Any]:
    fields = {
        name: {**_KINDS.get(name, {"type": "string"}), "description": said}
        for name, said in about.body.items()
    }
    schema: dict[str, Any] = {"type": "object", "properties": fields}
    if about.needs:
        schema["required"] = list(about.needs)
    return {"required": bool(about.needs), "content": {"application/json": {"schema": schema}}}


async def openapi(request: Request) -> Response:
    """The description of everything below /api."""
    body = msgspec.json.format(msgspec.json.encode(document(request.app.routes)), indent=2)
    return Response(body, media_type="application/json")
