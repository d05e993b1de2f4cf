"""Every page over real HTTP: it answers plainly, gives the same rows as CSV and JSON, bears bad input."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from countermand.bridge.store import Entry, State
from countermand.core.cancellation import Cancellation, CancellationState
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.core.status import OPEN
from countermand.core.tasks import TaskKind
from countermand.ledger import schema
from web_bench import CANCELLED, NOW, PRIYA, SENT, SHOP, STARTED, Bench, Console, case, wish

PAGES = (
    "/", "/orders", "/orders?state=needs_person", "/orders?q=coffee", "/orders?q=nothing-of-that",
    "/orders?state=settled", "/orders/harbour-print/10001", "/orders/harbour-print/10001/cancel",
    "/orders/harbour-print/10007/cancel?line=s20070",
    "/needs-a-person", "/needs-a-person?who=nobody", "/needs-a-person?state=closed",
    "/needs-a-person?snoozed=1", "/needs-a-person/1", "/needs-a-person/2", "/sweeps", "/connections",
    "/rules", "/rules?storefront=open/none&mis=cancelled/none", "/rules/what-if?cancel_to_mis=automatic",
    "/journal", "/journal?event=line.sighted",
    "/journal?about=10001", "/you", "/start", "/try", "/raw/answers/1", "/raw/messages/1",
)  # fmt: skip
LISTS = (
    "/orders",
    "/orders?state=needs_person",
    "/needs-a-person",
    "/sweeps",
    "/connections",
    "/rules",
    "/journal",
)
#: Words of the code that must not reach a page; what the vendors' own screens say is allowed.
INTERNAL = re.compile(
    r"\b(verdict|merge|facts|intent|pushe?s?|converge|idempotent|payload|posture|authority|ledger|sighting"
    r"|hints?|deed|milestone|reconcil\w+|guards?|unmapped|settlement|capabilit\w+|exception|traceback)\b"
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    bench = Bench(tmp_path_factory.mktemp("console"))
    bench.task(1)
    bench.task(2, TaskKind.CANCELLED_BUT_MADE)
    bench.save(case(3, SENT, SENT, lines=3, customer="=HYPERLINK(1)"))
    bench.save(case(5, customer="<script>alert(1)</script>"))
    bench.save(case(7, lines=2))
    bench.save(case(15, OPEN, STARTED))
    for number in range(8, 14):
        order = case(number, CANCELLED, STARTED)
        bench.save(
            order, State.NEEDS_PERSON, opens=(wish(order, TaskKind.IMPORT_REVIEW, group_key="review"),)
        )
    bench.message('{"data": [{"Id": "s20010"}]}', at=NOW - timedelta(minutes=1))
    with bench.served() as served:
        yield served
    bench.engine.dispose()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_plainly_and_small(console: Console, path: str) -> None:
    text = console.get(path)
    assert text.startswith("<!doctype html>")
    assert "<h1" in text or "<h2" in text
    assert len(text.encode()) < 150_000
    shown = html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<(pre|script).*?</\1>", "", text, flags=re.S)))
    found = set(INTERNAL.findall(shown.lower()))
    assert not found, f"{path} says {found}"


def plain(text: str) -> str:
    """What a page says, without its marks and with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


@pytest.mark.parametrize("path", ["/", "/needs-a-person"])
def test_a_row_of_the_worklist_says_which_system_shows_what(console: Console, path: str) -> None:
    row = re.search(r'<article[^>]*data-task="1".*?</article>', console.get(path), re.S)
    assert row is not None
    assert re.search(r"Infigo Cancelled [a-z ]+ printIQ [A-Z]", plain(row.group(0)))


@pytest.mark.parametrize("path", ["/orders", "/needs-a-person/3"])
def test_a_list_of_orders_says_in_each_row_which_system_shows_what(console: Console, path: str) -> None:
    """On a small screen the row stands without the table's head."""
    row = re.search(r'<tr data-order="harbour-print/100(?:01|08)".*?</tr>', console.get(path), re.S)
    assert row is not None
    assert re.findall(r'<td class="side" data-label="(\w+)">', row.group(0)) == ["Infigo", "printIQ"]


def test_the_steps_of_a_task_about_many_orders_name_no_order(console: Console) -> None:
    text = plain(console.get("/needs-a-person/3"))
    assert "6 orders" in text
    assert "Put right those that are still alive" in text
    assert "Order the order" not in text
    assert "Order in Infigo" not in text


@pytest.mark.parametrize("typed", ["Order 10003", "job J29030-01", "Line s20030"])
def test_an_order_is_found_by_what_a_screen_says_of_it(console: Console, typed: str) -> None:
    """People copy a number with the word before it."""
    found = console.rows(f"/orders.json?q={typed.replace(' ', '+')}")
    assert [row["order"] for row in found] == ["10003"]


def test_the_table_of_rules_passes_no_cancel_on_once_production_has_begun(console: Console) -> None:
    """The cut-off comes before every mode; a page that promises otherwise is wrong at the worst moment."""
    text = plain(console.get("/rules?storefront=cancelled/none&mis=open/started"))
    assert "Ask a person: cancelled after production started: decide" in text
    assert "Production may have started, so a person decides." in text
    cell = re.compile(r'<a class="(\w+)" href="/rules\?storefront=cancelled/none&amp;mis=open/(\w+)#')
    tones = {far: tone for tone, far in cell.findall(console.get("/rules"))}
    assert tones["none"] == "go"
    assert tones["started"] == "warn"


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_loaded_from_another_host(console: Console, path: str) -> None:
    answer = console.http.get(path, follow_redirects=True)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    loaded = re.findall(r'<(?:script|link|img|use)[^>]*(?:src|href)="([^"]+)"', answer.text)
    assert loaded
    assert all(address.startswith("/") for address in loaded)
    assert not re.search(r"\son\w+=", answer.text)
    assert not re.search(r"\sstyle=", answer.text)


def test_static_files_are_there_and_kept(console: Console) -> None:
    text = console.get("/")
    for address in set(re.findall(r'(?:src|href)="(/static/[^"#]+)', text)):
        answer = console.http.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]


def test_what_customers_write_is_never_code(console: Console) -> None:
    text = console.get("/orders")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_page_csv_and_json_of_the_same_rows(console: Console, path: str) -> None:
    base, _, query = path.partition("?")
    rows = console.rows(f"{base}.json?{query}")
    table = list(csv.DictReader(io.StringIO(console.get(f"{base}.csv?{query}"))))
    assert len(table) == len(rows)
    if not rows:
        return
    assert list(table[0]) == list(rows[0])
    key = "order" if "order" in rows[0] else next(iter(rows[0]))
    assert [row[key] for row in table] == [str(row[key]) for row in rows]
    page = console.get(path)
    if key == "order":
        assert re.findall(r'data-open="/orders/harbour-print/(\d+)"', page) == [row["order"] for row in rows]


def test_a_cell_of_a_spreadsheet_is_never_a_formula(console: Console) -> None:
    (row,) = csv.DictReader(io.StringIO(console.get("/orders.csv?q=10003")))
    assert row["customer"] == "'=HYPERLINK(1)"
    assert console.rows("/orders.json?q=10003")[0]["customer"] == "=HYPERLINK(1)"


def test_lists_are_paged_by_their_links(console: Console) -> None:
    seen: list[str] = []
    address = "/orders.json?limit=4"
    while address:
        answer = console.http.get(address)
        seen += [row["order"] for row in answer.json()["rows"]]
        address = answer.json()["next"]
        assert ("link" in answer.headers) == bool(address)
    assert len(seen) == len(set(seen)) == 12


def test_the_whole_journal_can_be_taken_along(console: Console) -> None:
    whole = console.rows("/journal.json?all=1")
    table = list(csv.DictReader(io.StringIO(console.get("/journal.csv?all=1"))))
    assert [row["hash"] for row in table] == [row["hash"] for row in whole]
    assert len(whole) > 20
    only = console.rows("/journal.json?all=1&about=10001")
    assert {row["about"].split("/")[1] for row in only} == {"10001"}


def test_one_order_found_leads_straight_to_it(console: Console) -> None:
    answer = console.http.get("/orders?q=PO-7003")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/orders/harbour-print/10003")
    assert console.http.get("/orders/J29030-01").headers["location"] == "/orders/harbour-print/10003"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orders/99999", 404), ("/orders/99999.json", 404), ("/needs-a-person/999", 404), ("/nowhere", 404),
        ("/orders?state=nonsense", 400), ("/orders?limit=0", 400), ("/orders?after=x", 400),
        ("/orders?after=99999999999999999999-1", 400), ("/needs-a-person?kind=x", 400),
        ("/needs-a-person?owner=x", 400), ("/needs-a-person?state=x", 400), ("/journal?event=x", 400),
        ("/journal?from=yesterday", 400), ("/journal?after=1-2", 400), ("/rules?storefront=x", 400),
        ("/sweeps?after=x", 400), ("/sweeps/9", 404), ("/brakes/9", 404), ("/raw/answers/999", 404),
        ("/raw/messages/999", 404), ("/try?first=1&second=2", 404),
    ],
)  # fmt: skip
def test_bad_input_is_said_in_one_sentence(console: Console, path: str, status: int) -> None:
    text = console.get(path, status)
    assert "Traceback" not in text
    if path.endswith(".json"):
        assert text.startswith('{"error":')
    else:
        assert 'class="empty"' in text


def test_the_timeline_holds_answers_and_messages_as_received(console: Console) -> None:
    text = console.get("/orders/harbour-print/10001")
    raws = set(re.findall(r'data-raw="([^"]+)"', text))
    assert any(address.startswith("/raw/answers/") for address in raws)
    (message,) = (address for address in raws if address.startswith("/raw/messages/"))
    assert '"s20010"' in console.get(f"{message}?plain=1")
    assert "/raw/messages/" not in console.get("/orders/harbour-print/10003")


def test_secrets_are_on_no_page(console: Console) -> None:
    for path in (*PAGES, "/connections.csv", "/connections.json", "/api/health"):
        text = console.http.get(path, follow_redirects=True).text
        assert "out-of-reach" not in text
        assert "a-token-that-nobody-guesses" not in text


def test_times_are_in_the_viewers_zone(console: Console) -> None:
    with console.named(PRIYA) as own:
        own.http.cookies.set("countermand_zone", "Pacific%2FAuckland")
        assert re.search(r'title="[^"]+ NZ[DS]T"', own.get("/orders/harbour-print/10001"))
    with console.named(PRIYA) as own:
        own.http.cookies.set("countermand_zone", "Nowhere%2FAtAll")
        assert re.search(r'title="[^"]+ UTC"', own.get("/orders/harbour-print/10001"))


def test_the_theme_is_remembered(console: Console) -> None:
    with console.named(PRIYA) as own:
        assert "data-theme" not in own.get("/").partition("<body")[0]
        assert own.send("/orders", "/you/theme", theme="dark").status_code == 303
        assert '<html lang="en" data-theme="dark">' in own.get("/")
        assert own.send("/orders", "/you/theme", theme="nonsense").status_code == 303
        assert 'data-theme="dark"' in own.get("/")


def test_a_banner_stands_on_the_first_page_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.served(banner="This is a demonstration.") as served:
        assert "This is a demonstration." in served.get("/")
        assert "This is a demonstration." not in served.get("/orders")
    bench.engine.dispose()


def test_a_connection_says_which_calls_failed_and_how_many_it_may_be_asked_for(console: Console) -> None:
    console.send("/connections", f"/connections/{SHOP}/try")
    text = console.get("/connections")
    assert "Asked at most</dt><dd>5 calls a second, 10 at once" in text
    assert re.search(r'<b class="differ">\d+</b> <span class="none">\(100\.0 %\)', text), (
        "both are out of reach"
    )


def test_work_under_way_is_a_warning_where_it_is_cancelled(console: Console) -> None:
    assert "It may be in production already" in console.get("/orders/harbour-print/10015/cancel")
    assert "may be in production already" not in console.get("/orders/harbour-print/10007/cancel")


def test_the_check_of_the_chain_finds_a_changed_entry(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.save(case(1), journal=[Entry(at=NOW, event=Event.LINE_DECIDED, subject="order/10001")])
    with bench.served() as served:
        assert "not checked since the start" in served.get("/journal")
        assert served.send("/journal", "/journal/verify").status_code == 303
        assert "The chain holds." in served.get("/journal")
        with bench.engine.begin() as database:
            database.exec_driver_sql("UPDATE journal SET actor = 'somebody else' WHERE seq = 3")
        served.send("/journal", "/journal/verify")
        text = served.get("/journal")
        assert "The chain does not hold." in text
        assert f"{SHOP}, entry 3" in text
    bench.engine.dispose()


def test_the_check_of_the_chain_finds_one_that_was_emptied(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.served() as served:
        with bench.engine.begin() as database:
            for table in ("journal", "journal_head"):
                database.exec_driver_sql(f"DELETE FROM {table}")
        served.send("/journal", "/journal/verify")
        assert f"{SHOP}, entry 1: entry missing" in served.get("/journal")
    bench.engine.dispose()


def test_an_empty_installation_says_what_would_be_here(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.served(connections=()) as served:
        for path in ("/", "/orders", "/needs-a-person", "/sweeps", "/connections", "/rules", "/try"):
            text = served.get(path)
            assert 'class="empty"' in text or "nothing" in text or path == "/rules"
        assert "No systems are connected yet" in served.get("/")
        assert "/start" in served.get("/orders")
    bench.engine.dispose()


def test_a_brake_shows_what_it_holds_while_it_can_still_be_taken_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for number, state in (
        (1, CancellationState.ACCEPTED),
        (2, CancellationState.DONE),
        (3, CancellationState.ACCEPTED),
    ):
        order = case(number, CANCELLED)
        wanted = Cancellation(
            id=f"{order.order_id}-c1",
            direction=Direction.CANCEL_TO_MIS,
            line_ids=tuple(line.line_id for line in order.lines),
            requested_at=NOW,
            changed_at=NOW,
            state=state,
            released_by=PRIYA if number == 3 else "",
        )
        bench.save(order.with_cancellation(wanted), State.ON_THE_WAY, cancellations=(wanted,))
    tripped = {
        "connection": SHOP,
        "direction": "cancel_to_mis",
        "tripped_at": NOW,
        "because": "3 orders wanted a cancel",
    }
    bench.writer.write(lambda database: database.execute(insert(schema.brake), tripped))
    with bench.served() as served:
        assert "The brake is on: 1 order held" in served.get("/brakes/1")
        assert [row["order"] for row in served.rows("/brakes/1.json")] == ["10001"]
        with served.named(PRIYA) as priya:
            assert "is read again, and cancelled in" in plain(priya.get("/brakes/1"))
            none = priya.send("/brakes/1", "/brakes/1/release", reason="the press is down")
            assert "Choose the orders that were meant to be cancelled." in none.text
            assert ">the press is down</textarea>" in none.text, "what was typed is not lost"
        with served.named(PRIYA) as priya:
            answer = priya.send("/brakes/1", "/brakes/1/release", order="10001", reason="it was meant")
        assert answer.status_code == 303
        assert served.rows("/brakes/1.json") == []
    bench.engine.dispose()
