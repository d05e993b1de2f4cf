"""Input that nobody sends by mistake: huge numbers and bodies, texts that no journal should hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from countermand.web.bounds import MOST_BODY
from web_bench import PRIYA, Bench, Console

HUGE = "9" * 5000
TOO_LONG = "9" * 19


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    bench = Bench(tmp_path_factory.mktemp("bounds"))
    bench.task(1)
    with bench.served() as served, served.named(PRIYA) as priya:
        yield priya
    bench.engine.dispose()


@pytest.mark.parametrize(
    "path", ["/needs-a-person/", "/brakes/", "/sweeps/", "/raw/answers/", "/raw/messages/", "/api/tasks/"]
)
@pytest.mark.parametrize("number", [TOO_LONG, HUGE])
def test_a_number_longer_than_any_of_ours_leads_nowhere(console: Console, path: str, number: str) -> None:
    console.get(f"{path}{number}", 404)


@pytest.mark.parametrize(
    "path", ["/orders", "/orders.json", "/needs-a-person.csv", "/journal", "/api/orders"]
)
def test_a_limit_longer_than_any_of_ours_is_refused(console: Console, path: str) -> None:
    assert "is a number from 1 to" in console.get(f"{path}?limit={HUGE}", 400)


@pytest.mark.parametrize("query", ["from=0001-01-01", "to=9999-12-31"])
def test_days_at_the_end_of_the_calendar_are_days(console: Console, query: str) -> None:
    console.http.cookies.set("countermand_zone", "Pacific/Kiritimati")
    console.get(f"/journal?{query}")
    console.http.cookies.set("countermand_zone", "Pacific/Pago_Pago")
    console.get(f"/journal?{query}")


@pytest.mark.parametrize("path", ["/orders?q=%00", "/orders/1%00", "/api/orders?q=a%00", "/journal?who=%00"])
def test_what_no_database_takes_as_text_is_refused(console: Console, path: str) -> None:
    assert "character" in console.get(path, 400)


def posted(console: Console, path: str, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    answer = console.http.post(path, content=body, headers={"content-type": kind})
    return answer.status_code, answer.text


def test_json_deeper_than_anything_here_is_refused(console: Console) -> None:
    for deep in (b"[" * 100_000, b'{"a":' * 3000 + b"1" + b"}" * 3000):
        status, said = posted(console, "/api/tasks/1/note", deep)
        assert (status, "not JSON" in said) == (400, True)


def test_a_body_larger_than_anything_here_is_refused_unread(console: Console) -> None:
    note = b'{"by": "Priya Shah", "reason": "' + b"r" * MOST_BODY + b'"}'
    status, said = posted(console, "/api/tasks/1/note", note)
    assert (status, "at most" in said) == (413, True)
    form = "application/x-www-form-urlencoded"
    assert posted(console, "/you", b"name=" + b"x" * MOST_BODY, form)[0] == 413
    file = b'--b\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * MOST_BODY
    assert posted(console, "/you", file, "multipart/form-data; boundary=b")[0] == 413


def test_a_batch_of_orders_may_be_larger(console: Console) -> None:
    batch = b'{"connection": "nowhere", "batch": {"order_ids": ["' + b"x" * MOST_BODY + b'"]}}'
    assert posted(console, "/api/imports", batch)[0] == 404


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("by", "x" * 61, "at most 60"),
        ("by", {"name": "Priya"}, "`by`"),
        ("by", "\u202e\n ", "`by`"),
        ("reason", "r" * 1001, "at most 1000"),
        ("reason", {"text": "why"}, "`reason`"),
        ("version", True, "`version`"),
    ],
)
def test_what_the_journal_keeps_is_a_short_text(
    console: Console, field: str, value: object, why: str
) -> None:
    said: dict[str, object] = {"by": PRIYA, "reason": "because", field: value}
    for path in ("/api/tasks/1/note", "/api/tasks/1/done"):
        answer = console.http.post(path, json=said)
        assert (answer.status_code, why in answer.text) == (400, True), answer.text
    if field != "version":
        for path in ("/api/orders/10001/stop", "/api/orders/10001/refuse"):
            answer = console.http.post(path, json={"direction": "cancel_to_mis"} | said)
            assert (answer.status_code, why in answer.text) == (400, True), answer.text


def test_a_name_is_one_line_and_a_reason_keeps_its_lines(console: Console) -> None:
    said = {"by": " Priya\u202e\nShah ", "reason": "first\r\nsecond\x00\x1b[31m\tthird"}
    assert console.http.post("/api/tasks/1/note", json=said).status_code == 200
    kept = console.http.get("/api/journal?event=task.changed&limit=1").json()["entries"][0]
    assert kept["actor"] == PRIYA
    assert "first\\nsecond[31m\\tthird" in kept["body"]


def test_a_form_keeps_no_such_characters_either(console: Console) -> None:
    console.send("/needs-a-person/1", "/needs-a-person/1/note", reason="call\x00 back\x1b", version="")
    kept = console.http.get("/api/journal?event=task.changed&limit=1").json()["entries"][0]
    assert "call back" in kept["body"]
    answer = console.send("/needs-a-person/1", "/needs-a-person/1/note", reason="again", version=HUGE)
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/api/orders?state=need_person", "needs_person"),
        ("/api/tasks?state=opened", "closed"),
        ("/api/tasks?kind=refunds", "refund"),
        ("/api/tasks?owner=orderdesk", "order desk"),
        ("/api/journal?event=write.veryfied", "write.verified"),
    ],
)
def test_a_misspelt_filter_is_no_empty_list(console: Console, path: str, known: str) -> None:
    assert known in console.get(path, 400)
    name, _, _ = path.rpartition("=")
    assert console.get(f"{name}=")
    assert console.get(f"{name}={known}")


@pytest.mark.parametrize(
    "path",
    ["/", "/orders.csv", "/orders.json", "/api/orders", "/orders/10001.json", "/raw/answers/1?plain=1"],
)
def test_what_is_shown_is_kept_nowhere_and_taken_for_nothing_else(console: Console, path: str) -> None:
    headers = console.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_files_of_the_console_are_kept(console: Console) -> None:
    (style,) = re.findall(r'href="(/static/[^"]+\.css)"', console.get("/"))
    assert "immutable" in console.http.get(style).headers["cache-control"]
