"""People who sign in at a web server in front: who gets in, as whom, and what each role may do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx2 as httpx
import pytest
from starlette.routing import Route

from countermand.access import Colleague, Role, SignIn
from countermand.app import Installation
from countermand.core.tasks import TaskKind
from countermand.web.acts import ACTS
from countermand.web.pages import STATIC_PREFIX
from countermand.web.server import create_app
from web_bench import PRIYA, SHOP, TOM, Bench, Console

HEADER = "X-Forwarded-User"
PEOPLE = {
    "vera@example.com": Colleague(name="Vera Lang", role=Role.VIEWER),
    "omar@example.com": Colleague(name="Omar Haddad", role=Role.OPERATOR),
    "priya@example.com": Colleague(name=PRIYA, role=Role.APPROVER),
    "ana@example.com": Colleague(name="Ana Duarte", role=Role.ADMIN),
}
LOGIN = {person.role: login for login, person in PEOPLE.items()}
SIGN_IN = SignIn(header=HEADER, proxies=frozenset({"127.0.0.1"}), people=PEOPLE)
REFUSED = "You are signed in as "

#: The least role for each thing that can be sent; a new one has to be decided on here.
LEAST = {
    "/api/orders/{number:path}/look": Role.OPERATOR,
    "/api/orders/{number:path}/cancel": Role.OPERATOR,
    "/api/orders/{number:path}/stop": Role.OPERATOR,
    "/api/orders/{number:path}/ask-again": Role.OPERATOR,
    "/api/orders/{number:path}/link": Role.OPERATOR,
    "/api/orders/{number:path}/unlink": Role.OPERATOR,
    "/api/orders/{number:path}/refuse": Role.OPERATOR,
    "/api/orders/{number:path}/release": Role.APPROVER,
    "/api/orders/{number:path}/accept": Role.APPROVER,
    "/api/tasks/{id:number}/done": Role.OPERATOR,
    "/api/tasks/{id:number}/settle": Role.OPERATOR,
    "/api/tasks/{id:number}/approve": Role.APPROVER,
    "/api/tasks/{id:number}/assign": Role.OPERATOR,
    "/api/tasks/{id:number}/snooze": Role.OPERATOR,
    "/api/tasks/{id:number}/note": Role.OPERATOR,
    "/api/connections/{name}/brakes/{direction}/clear": Role.APPROVER,
    "/api/sweeps": Role.OPERATOR,
    "/api/sweeps/{id:number}/stop": Role.OPERATOR,
    "/api/imports": Role.APPROVER,
    "/api/imports/known": Role.OPERATOR,
    "/api/imports/list": Role.OPERATOR,
    "/api/imports/review": Role.APPROVER,
    "/orders/{connection}/{number:path}/look": Role.OPERATOR,
    "/orders/{connection}/{number:path}/cancel": Role.OPERATOR,
    "/orders/{connection}/{number:path}/stop": Role.OPERATOR,
    "/orders/{connection}/{number:path}/ask-again": Role.OPERATOR,
    "/needs-a-person/many": Role.OPERATOR,
    "/needs-a-person/{id:number}/done": Role.OPERATOR,
    "/needs-a-person/{id:number}/settle": Role.OPERATOR,
    "/needs-a-person/{id:number}/refuse": Role.OPERATOR,
    "/needs-a-person/{id:number}/approve": Role.APPROVER,
    "/needs-a-person/{id:number}/accept": Role.APPROVER,
    "/needs-a-person/{id:number}/assign": Role.OPERATOR,
    "/needs-a-person/{id:number}/snooze": Role.OPERATOR,
    "/needs-a-person/{id:number}/note": Role.OPERATOR,
    "/needs-a-person/{id:number}/link": Role.OPERATOR,
    "/brakes/{id:number}/release": Role.APPROVER,
    "/brakes/{id:number}/clear": Role.APPROVER,
    "/sweeps/begin": Role.OPERATOR,
    "/sweeps/{id:number}/stop": Role.OPERATOR,
    "/connections/{name}/try": Role.OPERATOR,
    "/journal/verify": Role.VIEWER,
    "/start/{system}": Role.ADMIN,
    "/you": Role.OPERATOR,
    "/you/theme": Role.VIEWER,
}
VALUES = {"number": "10001", "id": "1", "connection": SHOP, "name": SHOP, "direction": "cancel_to_mis",
          "system": "infigo"}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("sign-in"))
    made.task(1)
    made.task(2, TaskKind.IMPORT_REVIEW)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def console(bench: Bench) -> Iterator[Console]:
    with bench.served(sign_in=SIGN_IN) as served:
        yield served


SignedInAs = Callable[[str | Role], Console]


@pytest.fixture
def who(console: Console) -> Iterator[SignedInAs]:
    """Browsers of people who have signed in."""
    with ExitStack() as open_ones:
        yield lambda login: open_ones.enter_context(signed_in(console, login))


def signed_in(console: Console, login: str | Role) -> Console:
    own = Console(console.url)
    own.http.headers[HEADER] = LOGIN[login] if isinstance(login, Role) else login
    return own


# Who gets in


@pytest.mark.parametrize("path", ["/", "/orders.csv", "/api/orders", "/api/openapi.json", "/live", "/you"])
def test_nobody_who_has_not_signed_in_sees_anything(console: Console, path: str) -> None:
    answer = console.http.get(path)
    assert answer.status_code == 401
    assert "signed in" in answer.text
    assert not any(told in answer.text for told in ("10001", SHOP, "tally", "not being looked after"))


@pytest.mark.parametrize("path", ["/health", f"{STATIC_PREFIX}/nothing", f"{STATIC_PREFIX}/console.css"])
def test_what_needs_no_sign_in_tells_no_more_when_it_is_used_wrongly(console: Console, path: str) -> None:
    answer = console.http.post(path)
    assert answer.status_code in (404, 405)
    assert not any(told in answer.text for told in ("10001", SHOP, "tally", "not being looked after"))


def test_a_name_that_is_only_typed_is_none(console: Console) -> None:
    with console.named(PRIYA) as typed:
        assert typed.http.get("/").status_code == 401
        assert typed.http.post("/api/tasks/1/assign", json={"by": PRIYA, "to": PRIYA}).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/hooks/storefront/a-token-that-nobody-guesses"])
def test_monitors_and_messages_need_no_sign_in(console: Console, path: str) -> None:
    answer = console.http.post(path, content=b"{}") if "hooks" in path else console.http.get(path)
    assert answer.status_code in (200, 202, 503)


def test_files_of_the_pages_need_none(console: Console, who: SignedInAs) -> None:
    page = who(Role.VIEWER).get("/")
    (style,) = re.findall(r'href="(/static/[^"]+\.css)"', page)
    assert console.http.get(style).status_code == 200


@pytest.mark.parametrize("values", [["vera@example.com", "ana@example.com"], [""]])
def test_a_header_that_is_there_twice_or_empty_names_nobody(console: Console, values: list[str]) -> None:
    """One of two may have come from the browser."""
    answer = console.http.get("/", headers=[(HEADER, value) for value in values])
    assert answer.status_code == 401


def test_the_header_is_believed_from_the_web_server_in_front_only(bench: Bench) -> None:
    elsewhere = SignIn(header=HEADER, proxies=frozenset({"10.9.8.7"}), people=PEOPLE)
    with bench.served(sign_in=elsewhere) as console:
        headers = {HEADER: "ana@example.com", "X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7"}
        answer = console.http.get("/", headers=headers)
    assert answer.status_code == 401
    assert "through the web server" in answer.text


def test_who_is_not_among_the_people_is_not_let_in(who: SignedInAs) -> None:
    answer = who("mallory@example.com").http.get("/api/orders")
    assert (answer.status_code, answer.json()["error"]) == (
        403,
        "mallory@example.com is not among the people in Countermand's set-up file.",
    )


@pytest.fixture(scope="module")
def open_to_all(bench: Bench) -> Iterator[Console]:
    anybody = SignIn(header=HEADER, proxies=frozenset({"127.0.0.1"}), people=PEOPLE, others=Role.APPROVER)
    with bench.served(sign_in=anybody) as served:
        yield served


def test_one_of_the_others_is_one_person_however_the_sign_in_is_typed(open_to_all: Console) -> None:
    """Else somebody would be their own second person."""
    for login in ("lee@example.com", "LEE@example.com", "Lee@Example.com"):
        with signed_in(open_to_all, login) as lee:
            assert "<h1>lee@example.com</h1>" in lee.get("/you")


@pytest.mark.parametrize("login", ["Countermand", "x" * 61, "Ｐriya Shah"])
def test_others_come_in_under_a_name_that_is_theirs_alone(open_to_all: Console, login: str) -> None:
    """Not under that of what happens by itself, nor under the beginning of a name that others begin with."""
    answer = open_to_all.http.get("/you", headers=[(HEADER.encode(), login.encode())])
    assert answer.status_code == 403


@pytest.mark.parametrize("said", ["Zoë".encode(), "zoe\u0308".encode(), "Zoë".encode("latin-1")])
def test_a_sign_in_with_an_accent_is_read_as_web_servers_write_it(bench: Bench, said: bytes) -> None:
    zoe = {"zoë": Colleague(name="Zoë Ek", role=Role.VIEWER)}
    sign_in = SignIn(header=HEADER, proxies=frozenset({"127.0.0.1"}), people=zoe)
    with bench.served(sign_in=sign_in) as served:
        answer = served.http.get("/you", headers=[(HEADER.encode(), said)])
    assert answer.status_code == 200
    assert "<h1>Zoë Ek</h1>" in answer.text


def test_others_may_be_let_in_but_never_under_the_name_of_somebody_else(bench: Bench) -> None:
    open_to_all = SignIn(header=HEADER, proxies=frozenset({"127.0.0.1"}), people=PEOPLE, others=Role.OPERATOR)
    with (
        bench.served(sign_in=open_to_all) as console,
        signed_in(console, "lee@example.com") as lee,
        signed_in(console, PRIYA.upper()) as mallory,
    ):
        assert "lee@example.com" in lee.get("/you")
        assert mallory.http.get("/").status_code == 403


# As whom


def test_what_is_done_stands_in_the_journal_under_the_name_of_the_set_up_file(who: SignedInAs) -> None:
    omar = who(Role.OPERATOR)
    assert omar.http.post("/api/tasks/1/note", json={"reason": "called the customer"}).status_code == 200
    omar.http.cookies.set("countermand_name", "Somebody%20else")
    sent = omar.send("/needs-a-person/1", "/needs-a-person/1/note", reason="and called again")
    assert sent.status_code == 303
    told = omar.http.get("/api/journal").json()["entries"]
    actors = [entry["actor"] for entry in told if entry["subject"] == "task/1"]
    assert actors == ["Omar Haddad", "Omar Haddad"]


def test_a_sign_in_is_read_whatever_its_case(who: SignedInAs) -> None:
    assert "Omar Haddad" in who("OMAR@Example.com").get("/you")


def test_a_program_cannot_act_in_the_name_of_somebody_else(who: SignedInAs) -> None:
    answer = who(Role.OPERATOR).http.post("/api/tasks/1/assign", json={"by": TOM, "to": TOM})
    assert answer.status_code == 403
    assert "leave `by` out" in answer.json()["error"]


# What each may do


def addresses() -> set[str]:
    """Everything that can be sent; the acts on a task one by one."""
    routes = create_app(Installation(database="sqlite://")).routes
    sent = {route.path for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())}
    one_by_one = {f"/needs-a-person/{{id:number}}/{act}" for act in ACTS}
    return (sent - {"/hooks/{side}/{token}", "/needs-a-person/{id:number}/{act}"}) | one_by_one


def test_for_everything_that_can_be_sent_it_is_decided_who_may() -> None:
    assert addresses() == set(LEAST)


@pytest.mark.parametrize("path", sorted(LEAST))
def test_each_role_may_send_what_is_for_it_and_nothing_else(who: SignedInAs, path: str) -> None:
    address = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: VALUES[found[1]], path)
    for role in Role:
        answer = _sent(who(role), address)
        refused = answer.status_code == 403 and REFUSED in answer.text
        assert refused is not role.includes(LEAST[path]), f"{role} at {path}: {answer.text[:200]}"


def _sent(own: Console, address: str) -> httpx.Response:
    """Nothing of it fits, so that whoever may send it changes nothing."""
    if address.startswith("/api/"):
        return own.http.post(address, content=b"[]", headers={"content-type": "application/json"})
    return own.http.post(address, data={})


@pytest.mark.parametrize("role", Role)
def test_everybody_may_look(who: SignedInAs, role: Role) -> None:
    own = who(role)
    for path in ("/", "/needs-a-person", "/needs-a-person/1", "/orders", f"/orders/{SHOP}/10001", "/sweeps",
                 "/connections", "/rules", "/journal", "/you", "/api/tasks", "/orders.csv"):  # fmt: skip
        own.get(path)


def test_pages_show_what_may_be_done_and_no_more(who: SignedInAs) -> None:
    pages = {role: who(role).get("/needs-a-person/2") for role in Role}
    assert "may look and not act" in pages[Role.VIEWER]
    assert "Say who you are" not in pages[Role.VIEWER]
    assert "/done" not in pages[Role.VIEWER]
    assert "/needs-a-person/2/done" in pages[Role.OPERATOR]
    assert "/needs-a-person/2/accept" not in pages[Role.OPERATOR]
    assert "/needs-a-person/2/accept" in pages[Role.APPROVER]


def test_whoever_may_not_begin_a_sweep_is_not_asked_who_they_are(who: SignedInAs) -> None:
    assert "Say who you are" not in who(Role.VIEWER).get("/sweeps")
    assert 'action="/sweeps/begin"' not in who(Role.VIEWER).get("/sweeps")
    assert 'action="/sweeps/begin"' in who(Role.OPERATOR).get("/sweeps")


def test_systems_are_connected_by_whoever_may_try_their_keys(bench: Bench) -> None:
    with bench.served(sign_in=SIGN_IN, connections=()) as console:
        pages = {}
        for role in Role:
            with signed_in(console, role) as own:
                pages[role] = own.get("/start")
    for role, page in pages.items():
        assert ('action="/start/infigo"' in page) is (role is Role.ADMIN)
        assert ("is for an admin" in page) is (role is not Role.ADMIN)
        assert ("/hooks/storefront/" in page) is (role is Role.ADMIN)
    assert "without them everybody may come in" in pages[Role.ADMIN]


def test_the_page_about_oneself_says_the_role_and_asks_for_no_name(who: SignedInAs) -> None:
    page = who(Role.APPROVER).get("/you")
    assert f"<h1>{PRIYA}</h1>" in page
    assert "as approver" in page
    assert 'name="name"' not in page


def test_where_nobody_signs_in_everybody_may_act_under_a_name(bench: Bench) -> None:
    with bench.served() as console, console.named(PRIYA) as typed:
        typed.http.headers[HEADER] = "vera@example.com"
        assert "/needs-a-person/2/accept" in typed.get("/needs-a-person/2")
        assert typed.http.post("/api/tasks/1/note", json={"by": TOM, "reason": "x"}).status_code == 200
