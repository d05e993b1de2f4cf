"""The API's description: it covers every route, and real answers fit what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from countermand.app import Installation
from countermand.core.tasks import TaskKind
from countermand.web.openapi import described, operation_of
from countermand.web.server import create_app
from web_bench import PRIYA, SENT, Bench, Console, case


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    bench = Bench(tmp_path_factory.mktemp("api"))
    bench.task(1, TaskKind.REFUND)
    bench.task(2)
    bench.save(case(3, SENT, SENT))
    with bench.served() as served:
        assert served.http.post("/api/sweeps", json={"by": PRIYA}).status_code == 200
        yield served
    bench.engine.dispose()


@pytest.fixture(scope="module")
def document(console: Console) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(console.get("/api/openapi.json"))
    return found


def test_every_route_below_api_is_described(document: dict[str, Any]) -> None:
    routes = described(create_app(Installation(database="sqlite://")).routes)
    assert len(routes) > 20
    for route in routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        for method in (route.methods or set()) - {"HEAD"}:
            call = document["paths"][path][method.lower()]
            assert call["summary"], f"{method} {path} has no sentence about it"
    described_calls = sum(len(calls) for calls in document["paths"].values())
    assert described_calls == sum(len((route.methods or set()) - {"HEAD"}) for route in routes)


def test_the_document_is_sound(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    names = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]
    assert len(names) == len(set(names))
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            given = [one["name"] for one in call["parameters"] if one["in"] == "path"]
            assert given == re.findall(r"\{(\w+)\}", path)
            assert "200" in call["responses"]
            assert ("requestBody" in call) == (method == "post")
    references = re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', json.dumps(document))
    assert references
    assert set(references) <= set(document["components"]["schemas"])


def test_every_call_says_what_it_takes_and_gives() -> None:
    for route in described(create_app(Installation(database="sqlite://")).routes):
        about = operation_of(route)
        assert about.answer is not None, route.path
        if "POST" in (route.methods or ()):
            assert about.body, route.path
        if about.needs:
            assert set(about.needs) <= set(about.body)


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether a value has the shape that a schema tells; what the API uses of schemas."""
    if "$ref" in schema:
        return fits(value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        return any(fits(value, each, document) for each in schema["anyOf"])
    kind = schema.get("type")
    if kind == "object":
        known = schema.get("properties", {})
        return (
            isinstance(value, dict)
            and all(
                name in known and fits(each, known[name], document) for name, each in value.items() if known
            )
            and all(name in value for name in schema.get("required", []))
        )
    if kind == "array":
        return isinstance(value, list) and all(
            fits(each, schema.get("items", {}) or {}, document) for each in value
        )
    types: dict[str, Any] = {
        "string": str,
        "integer": int,
        "boolean": bool,
        "null": type(None),
        "number": (int, float),
    }
    return kind is None or isinstance(value, types[kind])


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/orders", "/api/orders"), ("/api/orders?state=in_step&limit=1", "/api/orders"),
        ("/api/orders/10003", "/api/orders/{number}"), ("/api/orders/J29030-01", "/api/orders/{number}"),
        ("/api/tasks", "/api/tasks"), ("/api/tasks/1", "/api/tasks/{id}"), ("/api/journal", "/api/journal"),
        ("/api/decisions", "/api/decisions"), ("/api/health", "/api/health"),
        ("/api/sweeps", "/api/sweeps"), ("/api/sweeps/1", "/api/sweeps/{id}"),
        ("/api/imports/review", "/api/imports/review"),
    ],
)  # fmt: skip
def test_a_real_answer_fits_its_schema(
    console: Console, document: dict[str, Any], path: str, template: str
) -> None:
    value = console.http.get(path).json()
    schema = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert fits(value, schema, document), json.dumps(value)[:500]


def test_the_check_of_schemas_can_fail(document: dict[str, Any]) -> None:
    schema = document["paths"]["/api/tasks/{id}"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    assert not fits({"id": 1}, schema, document)
    assert not fits([], schema, document)


# What is refused


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/orders/none", 404), ("/api/tasks/99", 404), ("/api/orders?limit=x", 400),
        ("/api/orders?after=x", 400), ("/api/journal?after=x", 400), ("/api/nothing", 404),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence(console: Console, path: str, status: int) -> None:
    answer = console.http.get(path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400), ("[]", 400), ("{}", 400), ('{"by": ""}', 400), ('{"by": 7}', 400),
        ('{"by": "Priya", "version": "new"}', 400), ('{"by": "Priya", "minutes": -1}', 400),
        ('{"by": "Priya", "minutes": true}', 400), ('{"by": "Priya", "minutes": 99999}', 400),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_changes_nothing(console: Console, body: str, status: int) -> None:
    before = console.http.get("/api/tasks/2").json()
    answer = console.http.post(
        "/api/tasks/2/snooze", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status
    assert answer.json()["error"]
    assert console.http.get("/api/tasks/2").json() == before


@pytest.mark.parametrize("lines", [5, "s1", [1], {"s1": True}, None])
@pytest.mark.parametrize("act", ["refuse", "cancel"])
def test_lines_that_are_no_list_of_numbers_are_refused_in_a_sentence(
    console: Console, act: str, lines: object
) -> None:
    number = console.http.get("/api/orders").json()["orders"][0]["order"]
    said = {"by": PRIYA, "reason": "on the press", "direction": "cancel_to_mis", "lines": lines}
    answer = console.http.post(f"/api/orders/{number}/{act}", json=said)
    assert (answer.status_code, answer.json()) == (400, {"error": "`lines` is a list of line numbers."})


def test_another_sites_page_cannot_act(console: Console) -> None:
    body = json.dumps({"by": "Mallory", "to": "Mallory"})
    for headers in (
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "origin": "https://evil.example"},
        {"content-type": "application/json", "sec-fetch-site": "cross-site"},
    ):
        answer = console.http.post("/api/tasks/2/assign", content=body, headers=headers)
        assert answer.status_code in (403, 415), headers
    assert console.http.get("/api/tasks/2").json()["assigned_to"] == ""


# Acts


def test_a_task_is_assigned_put_off_and_noted_on(console: Console) -> None:
    def post(what: str, **body: Any) -> int:
        return console.http.post(f"/api/tasks/2/{what}", json={"by": PRIYA} | body).status_code

    def task() -> dict[str, Any]:
        found: dict[str, Any] = console.http.get("/api/tasks/2").json()
        return found

    assert post("assign", to=PRIYA) == 200
    assert task()["assigned_to"] == PRIYA
    assert post("snooze", minutes=30) == 200
    assert task()["snoozed_until"] is not None
    assert post("snooze", minutes=0) == 200
    assert task()["snoozed_until"] is None
    assert post("note") == 400
    assert post("note", reason="the customer rang") == 200
    assert post("assign", to="", version=task()["version"]) == 200
    assert post("assign", to="Tom", version=task()["version"] - 1) == 409
    entries = console.http.get(f"/api/journal?who={PRIYA}").json()["entries"]
    assert [entry["subject"] for entry in entries] == ["task/2"] * 5


def test_a_settlement_needs_a_reason(console: Console) -> None:
    answer = console.http.post("/api/tasks/2/settle", json={"by": PRIYA, "reason": "  "})
    assert answer.status_code == 409
    assert "Please say why" in answer.json()["error"]
