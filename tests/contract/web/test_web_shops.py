"""Two shops that both have an order 10001: every page, act, call and command reaches the one meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from sqlalchemy import insert
from starlette.requests import Request

from countermand.app import ConnectionSettings
from countermand.bridge.case import Case
from countermand.bridge.store import State
from countermand.cli import main
from countermand.core.cancellation import Cancellation, CancellationState
from countermand.core.policy import Direction, Mode, Policy
from countermand.core.status import OPEN
from countermand.core.tasks import TaskKind
from countermand.ledger import schema
from countermand.ledger.finding import MOST_TOLD, NoConnectionError, SeveralOrdersError, find_order
from countermand.ledger.records import journal_ends
from countermand.ledger.views import list_orders
from countermand.web.live import news_since
from countermand.web.overview import _looked_after
from countermand.web.shops import shown_of
from countermand.web.whose import order_address
from web_bench import CANCELLED, NOW, PRIYA, SHOP, STARTED, Bench, Console, case, wish

TRADE = "trade-print"
SHOPS = (SHOP, TRADE)
CUSTOMERS = {SHOP: "Harbour Coffee Roasters", TRADE: "Trade Signs"}


def waiting(shop: str) -> Case:
    """Order 10001 of a shop: cancelled in the storefront, its job still to follow."""
    order = case(1, CANCELLED, OPEN, customer=CUSTOMERS[shop])
    wanted = Cancellation(
        id=f"{order.order_id}-c1",
        direction=Direction.CANCEL_TO_MIS,
        line_ids=tuple(line.line_id for line in order.lines),
        requested_at=NOW,
        changed_at=NOW,
        state=CancellationState.ACCEPTED,
    )
    return order.with_cancellation(wanted)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Order 10001 in both; the trade shop's 10002 has a PO number that is the other's order number."""
    made = Bench(tmp_path)
    made.shop(TRADE)
    for shop in SHOPS:
        order = waiting(shop)
        made.save(
            order,
            State.NEEDS_PERSON,
            shop=shop,
            opens=(wish(order, TaskKind.CANCEL_IN_MIS),),
            cancellations=order.cancellations,
        )
    made.save(case(2), shop=TRADE)
    made.save(case(3, po_number="10003"), shop=SHOP)
    made.save(case(4, po_number="10003"), shop=TRADE)
    yield made
    made.engine.dispose()


def both(bench: Bench) -> tuple[ConnectionSettings, ...]:
    """Both shops, in which a cancel waits for an hour before it is passed on."""
    rules = Policy(cancel_to_mis=Mode.AUTOMATIC, undo_window=timedelta(hours=1))
    return tuple(bench.connected(name, rules) for name in SHOPS)


@pytest.fixture
def console(bench: Bench) -> Iterator[Console]:
    with bench.served(connections=both(bench)) as served, served.named(PRIYA) as priya:
        yield priya


def stored(bench: Bench, shop: str, number: str = "10001") -> Case:
    with bench.engine.begin() as database:
        row = find_order(database, number, shop)
    assert row is not None
    return row.case


def done_by(console: Console, shop: str, who: str = PRIYA) -> list[tuple[str, str]]:
    """What somebody did in one shop, by its journal."""
    rows = console.rows(f"/journal.json?chain={shop}&who={who}")
    return [(row["event"], row["about"]) for row in rows]


# The one that is meant


def test_a_number_of_two_shops_needs_the_shop(bench: Bench) -> None:
    with bench.engine.begin() as database:
        for beginning in (False, True):
            with pytest.raises(SeveralOrdersError) as several:
                find_order(database, "10001", beginning=beginning)
            assert "10001 of harbour-print, 10001 of trade-print. Say which connection" in str(several.value)
            assert [row.connection for row in several.value.rows] == [SHOP, TRADE]
        for shop in SHOPS:
            for number in ("10001", "s20010", "J29010-01", "PO-7001"):
                found = find_order(database, number, shop)
                assert found is not None
                assert (found.connection, found.order) == (shop, "10001")
        with pytest.raises(NoConnectionError, match="no connection “harbor-print”"):
            find_order(database, "10001", "harbor-print")
        assert find_order(database, "10002", SHOP) is None
        assert find_order(database, "10002") is not None


def test_an_orders_own_number_is_before_anothers_po_number_also_between_shops(bench: Bench) -> None:
    with bench.engine.begin() as database:
        own, other = find_order(database, "10003"), find_order(database, "10003", TRADE)
    assert own is not None
    assert other is not None
    assert (own.connection, own.order) == (SHOP, "10003")
    assert (other.connection, other.order) == (TRADE, "10004")


def test_hundreds_of_shops_with_one_number_are_told_in_short_and_each_is_found(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    names = [f"shop-{number:03}" for number in range(MOST_TOLD + 70)]
    for name in names:
        bench.shop(name)
        bench.save(case(1), shop=name)
    with bench.engine.begin() as database:
        with pytest.raises(SeveralOrdersError, match=r"shop-002 and more\. Say which") as several:
            find_order(database, "10001")
        assert (len(several.value.rows), several.value.more) == (MOST_TOLD, True)
        for name in (names[0], names[-1]):
            (found,) = list_orders(database, search="J29010", connection=name)
            assert found.connection == name
            by_job = find_order(database, "J29010-01", name)
            assert by_job is not None
            assert by_job.connection == name
    bench.engine.dispose()


# The console


@pytest.mark.parametrize("shop", SHOPS)
def test_each_shop_has_a_page_of_its_own(console: Console, shop: str) -> None:
    address = order_address(shop, "10001")
    text = console.get(address)
    assert f"<title>Order 10001 of {shop}" in text
    assert f"<dd>{shop}</dd>" in text
    assert f'data-live-order="{shop}/10001"' in text
    assert CUSTOMERS[shop] in text
    assert set(re.findall(r'(?:action|href)="(/orders/[^"]+)"', text)) == {
        address + end for end in ("/look", "/stop", ".json")
    }
    assert json.loads(console.get(f"{address}.json"))["customer"] == CUSTOMERS[shop]
    assert console.http.get(f"/orders/{shop}/J29010-01").headers["location"] == address


def test_a_number_alone_leads_to_a_choice_between_the_shops(console: Console) -> None:
    text = console.get("/orders/10001", 409)
    assert "Which shop’s order?" in text
    assert "Open the one that is meant." in text
    for shop in SHOPS:
        assert f'href="{order_address(shop, "10001")}"' in text
        assert CUSTOMERS[shop] in text
    assert json.loads(console.get("/orders/10001.json", 409))["orders"] == [
        {"connection": shop, "order": "10001"} for shop in SHOPS
    ]
    assert console.http.get("/orders/10002").headers["location"] == order_address(TRADE, "10002")


def test_a_page_of_no_such_shop_or_order_says_so(console: Console) -> None:
    assert "There is no connection “harbor-print”." in console.get("/orders/harbor-print/10001", 404)
    assert "number 10002 in harbour-print" in console.get("/orders/harbour-print/10002", 404)


@pytest.mark.parametrize("shop", SHOPS)
def test_every_list_leads_to_the_right_shops_order_and_names_it(console: Console, shop: str) -> None:
    address = order_address(shop, "10001")
    assert console.http.get(f"/orders?q=J29010&connection={shop}").headers["location"].startswith(address)
    for page in ("/orders?q=10001", f"/journal?chain={shop}", "/rules/what-if?cancel_to_mis=manual"):
        assert f'href="{address}"' in console.get(page), page
    for task in console.rows("/needs-a-person.json"):
        own = order_address(task["connection"], "10001")
        text = console.get(f"/needs-a-person/{task['task']}")
        assert set(re.findall(r'href="(/orders/[^"]+)"', text)) == {own}
        assert f"<dd>{task['connection']}</dd>" in text
    overview = console.get("/")
    assert f'href="{address}"' in overview
    assert f">{shop}</span>" in overview


def test_the_try_out_keeps_its_two_orders_by_their_shops(bench: Bench, console: Console) -> None:
    bench.save(case(2, customer="Harbour Quay"), shop=SHOP)
    kept = f"/try?first={SHOP}/10002&second={TRADE}/10002"
    text = console.get(kept)
    for shop in SHOPS:
        assert f'href="{order_address(shop, "10002")}"' in text
    chosen = console.http.get("/try").headers["location"]
    assert chosen.count("-print/1000") == 2
    assert console.http.get(chosen).status_code == 200
    assert "start the try-out again" in console.get("/try?first=harbor-print/10002&second=10003", 404)
    assert "Which shop’s order?" in console.get("/try?first=10002&second=10003", 409)


def test_the_findings_of_a_sweep_are_those_of_its_shop(bench: Bench, console: Console) -> None:
    with bench.engine.begin() as database:
        row = find_order(database, "10001", TRADE)
    assert row is not None
    ran = {
        "id": 1, "connection": TRADE, "state": "done", "by": PRIYA, "started_at": NOW, "moved_at": NOW,
        "finished_at": NOW, "position": row.id, "last": row.id, "total": 1, "compared": 1, "differing": 1,
    }  # fmt: skip
    found = {"sweep_id": 1, "order_id": row.id, "kind": "differing", "why": "cancel-to-mis", "is_new": True}
    bench.writer.write(lambda database: database.execute(insert(schema.sweep), ran))
    bench.writer.write(lambda database: database.execute(insert(schema.sweep_finding), found))
    assert f'data-open="{order_address(TRADE, "10001")}"' in console.get("/sweeps/1")


def test_a_brake_names_its_shop_and_lets_only_its_order_pass(bench: Bench, console: Console) -> None:
    tripped = {"connection": TRADE, "direction": "cancel_to_mis", "tripped_at": NOW, "because": "3 wanted it"}
    bench.writer.write(lambda database: database.execute(insert(schema.brake), tripped))
    text = console.get("/brakes/1")
    assert f'href="{order_address(TRADE, "10001")}"' in text
    assert '<p class="lead">trade-print. ' in text
    before = stored(bench, SHOP)
    assert console.send("/brakes/1", "/brakes/1/release", order="10001", reason="it was meant").is_redirect
    assert stored(bench, TRADE).cancellations[0].released_by == PRIYA
    assert stored(bench, SHOP) == before


@pytest.mark.parametrize(("shop", "other"), [SHOPS, SHOPS[::-1]])
def test_an_act_of_a_page_reaches_its_shops_order_only(
    bench: Bench, console: Console, shop: str, other: str
) -> None:
    address, before = order_address(shop, "10001"), stored(bench, other)
    stopped = console.send(address, f"{address}/stop", reason="the customer wants it", direction="")
    assert stopped.headers["location"] == f"{address}?done=stopped"
    looked = console.send(address, f"{address}/look")
    assert looked.headers["location"] == f"{address}?done=looking"
    assert stored(bench, shop).cancellations[0].state is CancellationState.REFUSED
    assert stored(bench, other) == before
    assert ("cancellation.stopped", "order/10001") in done_by(console, shop)
    assert done_by(console, other) == []


@pytest.mark.parametrize(("shop", "other"), [SHOPS, SHOPS[::-1]])
def test_an_act_that_is_refused_shows_that_shops_order_again(
    bench: Bench, console: Console, shop: str, other: str
) -> None:
    address = order_address(shop, "10001")
    answer = console.send_as(address, f"{address}/look", f"{address}/ask-again", reason="as it was")
    assert answer.status_code == 409
    assert "Nothing of order 10001 is left different now." in answer.text
    assert CUSTOMERS[shop] in answer.text
    assert CUSTOMERS[other] not in answer.text


def test_what_changed_in_one_shop_is_told_as_that_shops_order(bench: Bench, console: Console) -> None:
    with bench.engine.begin() as database:
        before = journal_ends(database)
    address = order_address(TRADE, "10001")
    console.send(address, f"{address}/stop", reason="the customer wants it")
    service = Told(bench.installation(connections=both(bench)))
    with bench.engine.begin() as database:
        news = news_since(service, database, before, journal_ends(database), {})  # type: ignore[arg-type]
    assert set(news.orders) == {f"{TRADE}/10001"}
    assert f'data-open="{address}"' in news.orders[f"{TRADE}/10001"]
    assert TRADE in news.orders[f"{TRADE}/10001"]


class Told:
    """What the live updates need of a service: nobody runs, two are set up."""

    def __init__(self, installation: Any) -> None:
        self.installation, self.running = installation, dict[str, Any]()


# The API


def test_a_call_about_a_number_of_two_shops_is_refused_with_both(bench: Bench, console: Console) -> None:
    said = {"by": PRIYA, "reason": "because", "direction": "cancel_to_mis", "line": "s20010", "ref": "J1"}
    before = {shop: stored(bench, shop) for shop in SHOPS}
    answers = [console.http.get("/api/orders/10001")]
    acts = ("look", "cancel", "stop", "ask-again", "link", "unlink", "refuse", "release", "accept")
    answers += [console.http.post(f"/api/orders/10001/{act}", json=said) for act in acts]
    for answer in answers:
        assert answer.status_code == 409, answer.url
        assert answer.json()["orders"] == [{"connection": shop, "order": "10001"} for shop in SHOPS]
        assert "Say which connection is meant." in answer.json()["error"]
    assert {shop: stored(bench, shop) for shop in SHOPS} == before


@pytest.mark.parametrize("act", ["look", "stop", "refuse", "release", "accept", "unlink"])
@pytest.mark.parametrize(("shop", "other"), [SHOPS, SHOPS[::-1]])
def test_a_call_reaches_the_order_of_the_connection_that_it_names(
    bench: Bench, console: Console, act: str, shop: str, other: str
) -> None:
    said = {"by": PRIYA, "reason": "because", "direction": "cancel_to_mis"}
    said |= {"line": "s20010", "ref": "J29010-01"}
    before, here = stored(bench, other), stored(bench, shop)
    answer = console.http.post(f"/api/orders/10001/{act}?connection={shop}", json=said)
    assert answer.status_code == 200, answer.text
    if act == "stop":
        assert answer.json()["customer"] == CUSTOMERS[shop]
    now = stored(bench, shop)
    if act == "accept":
        assert now.lines == here.lines  # all of them were compared already
    else:
        assert now != here
    assert stored(bench, other) == before
    assert {about for _, about in done_by(console, shop)} == {"order/10001"}
    assert done_by(console, other) == []


def test_a_call_shows_the_order_of_its_connection_and_knows_no_other(console: Console) -> None:
    for shop in SHOPS:
        order = console.http.get(f"/api/orders/10001?connection={shop}").json()
        assert (order["connection"], order["customer"]) == (shop, CUSTOMERS[shop])
        assert {entry["chain"] for entry in order["timeline"]} == {shop}
    unknown = console.http.get("/api/orders/10001?connection=harbor-print")
    assert (unknown.status_code, unknown.json()) == (
        404,
        {"error": "There is no connection “harbor-print”."},
    )
    assert console.http.get(f"/api/orders/10002?connection={SHOP}").status_code == 404
    look = console.http.post(f"/api/orders/10002/look?connection={SHOP}", json={"by": PRIYA})
    assert look.status_code == 404


def test_the_description_names_the_connection_at_every_call_about_an_order(console: Console) -> None:
    document = console.http.get("/api/openapi.json").json()
    calls = [
        call
        for path, methods in document["paths"].items()
        if path.startswith("/api/orders/{number}")
        for call in methods.values()
    ]
    assert len(calls) == 10
    for call in calls:
        assert "connection" in [one["name"] for one in call["parameters"] if one["in"] == "query"]
    assert "orders" in document["components"]["schemas"]["ApiError"]["properties"]


# The commands


def run(*said: str) -> str:
    return CliRunner().invoke(main, list(said)).output


SEVERAL = (
    "Error: “10001” leads to several orders: 10001 of harbour-print, 10001 of trade-print. "
    "Say which connection is meant: --connection NAME.\n"
)


def test_the_commands_of_a_running_service_ask_which_shop_is_meant(bench: Bench, console: Console) -> None:
    url = ("--url", console.url)
    assert run("orders", "show", "10001", *url) == SEVERAL
    assert run("orders", "stop", "10001", "--reason", "no", *url) == SEVERAL
    assert run("orders", "show", "10001", "--connection", TRADE, *url).startswith("Order 10001 (trade-print)")
    tasks = run("tasks", "list", *url)
    assert {line.split()[0] for line in tasks.splitlines()[2:]} == set(SHOPS)
    before = stored(bench, SHOP)
    said = ("--reason", "wanted after all", "--by", PRIYA, "--connection", TRADE)
    assert "is stopped" in run("orders", "stop", "10001", *said, *url)
    assert stored(bench, TRADE).cancellations[0].state is CancellationState.REFUSED
    assert stored(bench, SHOP) == before
    listed = run("orders", "list", "--search", "10001", *url)
    assert [line.split()[:2] for line in listed.splitlines()[2:]] == [[TRADE, "10001"], [SHOP, "10001"]]
    one = run("orders", "list", "--search", "10001", "--connection", TRADE, *url)
    assert [line.split()[0] for line in one.splitlines()[2:]] == ["10001"]


def test_a_proof_is_of_the_shop_that_is_named_and_two_stand_side_by_side(
    bench: Bench, tmp_path: Path
) -> None:
    set_up = tmp_path / "countermand.toml"
    set_up.write_text('[countermand]\ndatabase = "console.db"\n[connections]\n', encoding="utf-8")
    bench.engine.dispose()
    proof = ("journal", "proof", "10001", "--config", str(set_up), "--out", str(tmp_path / "proofs"))
    assert run(*proof) == SEVERAL
    for shop in SHOPS:
        assert f"proof-{shop}-10001.json" in run(*proof, "--connection", shop)
    for shop in SHOPS:
        made = json.loads((tmp_path / "proofs" / f"proof-{shop}-10001.json").read_text("utf-8"))
        assert (made["chain"], made["order"]) == (shop, "10001")
        page = (tmp_path / "proofs" / f"proof-{shop}-10001.html").read_text("utf-8")
        assert f"python verify_proof.py proof-{shop}-10001.json" in page
        assert "Infigo shows: " in page, "a proof is for people who were never told our words"
        assert "/none" not in page
    explain = ("rules", "explain", "10001", "--config", str(set_up))
    assert run(*explain) == SEVERAL
    assert "belongs to the connection trade-print" in run(*explain, "--connection", TRADE)


# One shop


def test_with_one_shop_its_name_stands_in_the_address_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    order = case(1, CANCELLED, STARTED, at=NOW - timedelta(minutes=1))
    bench.save(order, State.NEEDS_PERSON, opens=(wish(order, TaskKind.CANCEL_IN_MIS),))
    with bench.served() as console:
        assert console.http.get("/orders/10001").headers["location"] == order_address(SHOP, "10001")
        pages = ("/orders", order_address(SHOP, "10001"), "/needs-a-person", "/needs-a-person/1")
        for page in pages:
            visible = re.sub(r"<[^>]*>", "", console.get(page))
            assert SHOP not in visible, page
        assert console.http.get("/api/orders/10001").json()["connection"] == SHOP
    bench.engine.dispose()


# Many shops

MANY = [f"shop-{number}" for number in range(1, 15)]


def test_many_shops_are_counted_and_one_of_them_is_asked_for_by_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rules = [Policy()] * (len(MANY) - 1) + [Policy(cancel_to_mis=Mode.AUTOMATIC)]
    for number, name in enumerate(MANY, start=1):
        bench.shop(name)
        bench.save(case(number), shop=name)
    connections = tuple(bench.connected(name, policy) for name, policy in zip(MANY, rules, strict=True))
    with bench.served(connections=connections) as console:
        overview = console.get("/")
        how = overview[overview.index('id="how"') : overview.index('id="news"')]
        assert re.findall(r"<b>(.*?)</b>", how) == [
            "By hand: 13",
            "By itself: 1",
            "By hand: 14",
            "By itself: 14",
        ]
        assert "14 connections: " in how
        assert not any(f"{name}:" in how for name in MANY)
        orders = console.get("/orders?state=in_step")
        assert 'href="/orders?state=in_step&amp;connection=shop-3"' not in orders
        assert re.search(r'<form class="whose" action="/orders"><input type="hidden" name="state"', orders)
        one = console.get("/orders?connection=shop-3")
        assert re.findall(r'data-order="(.*?)"', one) == ["shop-3/10003"]
        assert "shop-3 ×" in one
        for address in ("/orders?connection=shop-99", "/api/orders?connection=shop-99"):
            assert "There is no connection “shop-99”" in console.get(address, 404)
    bench.engine.dispose()


def test_pages_about_connections_draw_a_few_of_many_and_the_one_that_is_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for name in MANY:
        bench.shop(name)
    connections = tuple(bench.connected(name, Policy()) for name in MANY)
    with bench.served(connections=connections) as console, console.named(PRIYA) as priya:
        page = priya.get("/connections")
        assert re.findall(r'<h2 id="c\d+">(.*?)</h2>', page) == MANY[:12]
        assert "2 more are not drawn" in page
        assert 'class="whose" action="/connections"' in page
        one = priya.get("/connections?connection=shop-13")
        assert re.findall(r'<h2 id="c\d+">(.*?)</h2>', one) == ["shop-13"]
        every = json.loads(priya.get("/connections.json"))["rows"]
        assert {row["connection"] for row in every} == set(MANY)
        few = json.loads(priya.get("/connections.json?connection=shop-13"))["rows"]
        assert {row["connection"] for row in few} == {"shop-13"}
        rules = priya.get("/rules")
        assert re.findall(r"What happens by itself: (.*?)</h2>", rules) == MANY[:12]
        only = priya.get("/rules?connection=shop-13")
        assert re.findall(r"What happens by itself: (.*?)</h2>", only) == ["shop-13"]
        assert "Sweep shop-" not in priya.get("/sweeps")
        assert re.findall(r"Sweep (shop-\d+) now", priya.get("/sweeps?connection=shop-13")) == ["shop-13"]
        assert "There is no connection “shop-99”" in priya.get("/rules?connection=shop-99", 404)
    bench.engine.dispose()


def test_of_many_connections_those_in_trouble_are_drawn_first() -> None:
    running = {name: SimpleNamespace(trouble="x" if name == "shop-14" else "") for name in MANY}
    shown = shown_of(
        Request({"type": "http", "query_string": b""}), cast(Any, SimpleNamespace(running=running))
    )
    assert shown.connections == [running[name] for name in ("shop-14", *MANY[:11])]
    assert shown.left_out == 2


@pytest.mark.parametrize(
    ("connections", "in_trouble", "told"),
    [
        (4, 1, ["shop-1 !", "shop-2", "shop-3", "shop-4"]),
        (5, 0, ["5 connections"]),
        (9, 2, ["shop-1 !", "shop-2 !", "7 others"]),
        (9, 9, ["shop-1 !", "shop-2 !", "shop-3 !", "shop-4 !", "5 more !"]),
    ],
)
def test_of_many_connections_those_in_trouble_are_named(
    connections: int, in_trouble: int, told: list[str]
) -> None:
    ones: Any = {
        f"shop-{number}": SimpleNamespace(trouble="x" if number <= in_trouble else "", last_step_at=NOW)
        for number in range(1, connections + 1)
    }
    assert [name + " !" * trouble for name, trouble, _ in _looked_after(ones)] == told
