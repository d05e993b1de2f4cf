"""A valid set-up file becomes an installation; of any other each problem is told by line and setting."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from setup_files import CONNECTION, ENVIRON, INFIGO, NEXT, PRINTIQ, SMALL, read, refused

from countermand.bridge.connection import Polling
from countermand.config import SetUpError, load
from countermand.config.model import PRODUCTION, Server
from countermand.core.policy import Mode, OpeningHours
from countermand.core.status import Side


def test_a_small_file_gives_everything_its_default(tmp_path: Path) -> None:
    setup = read(tmp_path, SMALL)
    (connection,) = setup.installation.connections
    assert (connection.name, connection.policy, connection.polling) == ("main", PRODUCTION, Polling())
    assert (connection.overrides, connection.live_since, connection.hook_tokens) == ((), None, {})
    assert connection.infigo is setup.storefronts["shop"]
    assert connection.infigo.token == ENVIRON["INFIGO_TOKEN"]
    assert connection.printiq is setup.mises["plant"]
    assert setup.pairs == {"main": ("shop", "plant")}
    assert setup.installation.database == f"sqlite:///{tmp_path}/countermand.db"
    assert (setup.server.host, setup.server.port, setup.server.log_level) == ("127.0.0.1", 8100, "info")
    assert setup.watched == (tmp_path / "countermand.toml",)


def test_in_production_a_person_does_everything_until_somebody_says_otherwise(tmp_path: Path) -> None:
    (connection,) = read(tmp_path, SMALL).installation.connections
    policy = connection.policy
    modes = {policy.cancel_to_mis, policy.cancel_to_storefront, policy.ship_to_storefront}
    assert modes == {Mode.MANUAL}


def test_every_kind_of_value_is_taken(tmp_path: Path) -> None:
    setup = read(
        tmp_path,
        f"""\
[countermand]
port = 8200
log_level = "debug"
{SMALL}
live_since = 2026-10-01T08:00:00+02:00
[connections.main.hook_tokens]
storefront = {{ env = "HOOK" }}
[connections.main.rules]
cancel_to_mis = "automatic"
undo_window = "1 h 30 min"
brake_burst = 3
value_limit = 2500
vendor_may_cancel = true
[connections.main.rules.opening_hours]
days = ["Monday", "fri"]
opens = 08:30:00
closes = "17:00"
[connections.main.polling]
interval = "30 s"
""",
    )
    (connection,) = setup.installation.connections
    policy = connection.policy
    assert setup.server.port == 8200
    assert connection.live_since == datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
    assert connection.hook_tokens == {Side.STOREFRONT: ENVIRON["HOOK"]}
    assert (policy.cancel_to_mis, policy.cancel_to_storefront) == (Mode.AUTOMATIC, Mode.MANUAL)
    assert (policy.undo_window, policy.brake_burst) == (timedelta(minutes=90), 3)
    assert (policy.value_limit, policy.vendor_may_cancel) == (2500.0, True)
    assert policy.opening_hours == OpeningHours(days=frozenset({0, 4}), opens=time(8, 30), closes=time(17, 0))
    assert connection.polling == Polling(interval=timedelta(seconds=30))


def test_vendor_settings_reach_into_their_tables(tmp_path: Path) -> None:
    text = INFIGO + PRINTIQ + '[printiq.plant.odata]\njob_entity = "Orders"\n' + CONNECTION
    printiq = read(tmp_path, text).mises["plant"]
    assert printiq.odata.job_entity == "Orders"
    assert printiq.odata.sales_order_entity == "SalesOrders"


def test_one_mis_serves_two_storefronts_and_the_reverse(tmp_path: Path) -> None:
    second_shop = INFIGO.replace("shop", "trade")
    second_plant = PRINTIQ.replace("plant", "annex")
    connections = "".join(
        f'[connections.{storefront}-{mis}]\nstorefront = "{storefront}"\nmis = "{mis}"\n'
        for storefront, mis in (("shop", "plant"), ("trade", "plant"), ("shop", "annex"))
    )
    setup = read(tmp_path, INFIGO + second_shop + PRINTIQ + second_plant + connections)
    one, two, three = setup.installation.connections
    assert one.printiq is two.printiq
    assert one.infigo is three.infigo
    assert one.infigo is not two.infigo


def test_a_mis_shared_by_two_connections_may_have_one_hook_address(tmp_path: Path) -> None:
    token = '[connections.{}.hook_tokens]\nmis = {{ env = "HOOK" }}\n'
    text = (
        f"{SMALL}{token.format('main')}{INFIGO.replace('shop', 'trade')}"
        f'[connections.trade]\nstorefront = "trade"\nmis = "plant"\n{token.format("trade")}'
    )
    one, two = read(tmp_path, text).installation.connections
    assert one.hook_tokens == two.hook_tokens == {Side.MIS: ENVIRON["HOOK"]}


def test_relative_names_start_at_the_file_not_where_the_program_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (tmp_path / "token").write_text("from-a-file\n")
    text = SMALL.replace('{ env = "INFIGO_TOKEN" }', '{ file = "token" }')
    for name in ("data/orders.db", "sqlite:///data/orders.db"):
        setup = read(tmp_path, f'[countermand]\ndatabase = "{name}"\n{text}')
        assert setup.installation.database == f"sqlite:///{tmp_path}/data/orders.db"
    assert setup.storefronts["shop"].token == "from-a-file"
    assert setup.watched == (tmp_path / "countermand.toml", tmp_path / "token")


def test_lines_end_as_on_windows_and_the_file_may_begin_with_a_mark(tmp_path: Path) -> None:
    file = tmp_path / "countermand.toml"
    text = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    file.write_bytes(text)
    assert load(file, ENVIRON).installation.connections[0].name == "main"
    file.write_bytes(text + b"x = 1\r\n")
    with pytest.raises(SetUpError, match=f"line {NEXT}: there is no setting connections.main.x"):
        load(file, ENVIRON)


MAIN = "connections.main"
AT = "countermand.toml, line "
#: What follows the small file, and what is said about it.
WRONG = [
    ("[countrmand]\n", 0, "there is no section [countrmand]; did you mean countermand?"),
    ("[billing]\n", 0, "there is no section [billing]."),
    ('storefrnt = "x"\n', 0, "there is no setting connections.main.storefrnt; did you mean storefront?"),
    ("rulez = 1\n", 0, "there is no setting connections.main.rulez; did you mean rules?"),
    ("rules = 1\n", 0, "connections.main.rules is 1; it must be a table, [connections.main.rules]."),
    ("live_since = 2026-10-01\n", 0, f"{MAIN}.live_since is 2026-10-01; it must be a time with its zone"),
    (
        "live_since = 2026-10-01T08:00:00\n",
        0,
        "it must be a time with its zone, such as 2026-10-01T08:00:00Z",
    ),
    (
        f'[{MAIN}.rules]\ncancel_to_mis = "automatik"\n',
        1,
        'cancel_to_mis is "automatik"; it must be "observe", "manual", "assisted" or "automatic".',
    ),
    (
        f"[{MAIN}.rules]\nundo_window = 5\n",
        1,
        f'{MAIN}.rules.undo_window is 5; it must be a duration such as "10 s", "5 min" or "3 days", from ',
    ),
    (f'[{MAIN}.rules]\nundo_window = "8 days"\n', 1, "from 0 s to 7 days."),
    (f'[{MAIN}.rules]\nundo_windw = "8 days"\n', 1, "did you mean undo_window?"),
    (f"[{MAIN}.rules]\nbrake_burst = 0\n", 1, "it must be a whole number from 1 to 10000."),
    (f"[{MAIN}.rules]\nbrake_burst = true\n", 1, "brake_burst is true; it must be a whole number"),
    (f'[{MAIN}.rules]\nvendor_may_ship = "yes"\n', 1, "it must be true or false."),
    (f"[{MAIN}.rules]\nvalue_limit = -1\n", 1, 'it must be a number from 0 to 1000000000, or "none".'),
    (f"[{MAIN}.rules]\nvalue_limit = nan\n", 1, "value_limit is nan; it must be a number from 0"),
    (f'[{MAIN}.rules]\nopening_hours = "9-5"\n', 1, "it must be hours such as { days"),
    (
        f'[{MAIN}.rules]\nopening_hours = {{ opens = "17:00", closes = "09:00" }}\n',
        1,
        "is a table; it must be",
    ),
    (f'[{MAIN}.rules]\nopening_hours = {{ days = ["mon", "fun"] }}\n', 1, "it must be hours such as"),
    (f"[{MAIN}.rules]\nopening_hours = {{ days = [] }}\n", 1, "it must be hours such as"),
    (f'[{MAIN}.rules]\nopening_hours = {{ opens = "7" }}\n', 1, "it must be hours such as"),
    (f'[{MAIN}.polling]\ninterval = "0 s"\n', 1, "from 1 s to 1 day."),
    (
        f'[{MAIN}.polling]\ninterval = "5 h"\nslowest = "4 h"\n',
        2,
        f'{MAIN}.polling.slowest is "4 h"; it must be at least the interval, "5 h".',
    ),
    (f'[{MAIN}.hook_tokens]\nmis = "an-unguessable-token-01"\n', 1, "no secret may stand"),
    (f'[{MAIN}.hook_tokens]\nmis = {{ env = "SHORT" }}\n', 1, "16 to 200 letters, digits, -, _, . or ~"),
    (
        "[countermand]\nport = 70000\n",
        1,
        "countermand.port is 70000; it must be a whole number from 1 to 65535.",
    ),
    (
        '[countermand]\nhosts = ["orders.example.com", "https://desk.example/"]\n',
        1,
        'countermand.hosts has "https://desk.example/", which is no name: leave out scheme, port and path.',
    ),
    ('[countermand]\nlog_level = "loud"\n', 1, 'it must be "debug", "error", "info" or "warning".'),
    ("[countermand]\ndatabase = 3\n", 1, "countermand.database must be a file name or the address"),
    ('[countermand]\ndatabase = ""\n', 1, "countermand.database must be a file name or the address"),
    ('[countermand]\ndatabase = "://"\n', 1, "countermand.database is not the address of a database."),
    ('[countermand]\ndatabase = "mysql://localhost/x"\n', 1, "must be SQLite or PostgreSQL."),
    ('[countermand]\ndatabase = "postgresql://me:hunter2@localhost/x"\n', 1, "holds a password"),
    ('[countermand]\ndatabase = { env = "NOPE" }\n', 1, "environment variable NOPE, which is not set"),
    ('[infigo.shop2]\ntoken = { env = "INFIGO_TOKEN" }\n', 0, "infigo.shop2.base_url is missing: Address of"),
    ('[infigo."my shop"]\n', 0, "'my shop' is no name: use letters, digits, - and _, at most 64."),
    (
        '[connections.two]\nstorefront = "shopp"\nmis = "plant"\n',
        1,
        "there is no [infigo.shopp]; did you mean shop?",
    ),
    (
        '[connections.two]\nstorefront = "shop"\nmis = "x"\n',
        2,
        'connections.two.mis is "x", but there is no [printiq.x].',
    ),
    (
        '[connections.two]\nstorefront = "shop"\nmis = 4\n',
        2,
        "connections.two.mis is 4; it must be a text in quotes.",
    ),
    ('[connections.two]\nmis = "plant"\n', 0, "connections.two.storefront is missing: Which storefront"),
    (
        '[connections.two]\nstorefront = "shop"\nmis = "plant"\n',
        0,
        "[connections.two] keeps the same two systems in step as [connections.main].",
    ),
]


@pytest.mark.parametrize(("text", "after", "says"), WRONG)
def test_a_problem_is_told_with_its_line_and_what_would_be_right(
    tmp_path: Path, text: str, after: int, says: str
) -> None:
    problems = refused(tmp_path, SMALL + text, {**ENVIRON, "SHORT": "too-short"})
    assert any(one.startswith(f"{AT}{NEXT + after}: ") and says in one for one in problems), problems
    assert "hunter2" not in str(problems)


def test_a_system_needs_a_name(tmp_path: Path) -> None:
    text = 'infigo.base_url = "https://shop.example.com"\n' + PRINTIQ + CONNECTION
    assert f"{AT}1: [infigo] needs a name of your choice: [infigo.NAME]." in refused(tmp_path, text)
    text = "infigo = 3\n" + PRINTIQ + CONNECTION
    assert "infigo is 3; it must be a table, [infigo]" in refused(tmp_path, text)[0]


def test_what_a_system_refuses_as_a_whole_names_its_setting(tmp_path: Path) -> None:
    plain = SMALL.replace("https://shop", "http://shop")
    assert refused(tmp_path, plain) == [
        f"{AT}2: infigo.shop.base_url must start with https, since shop.example.com is not this machine."
    ]
    blank = SMALL.replace("shop.example.com", "shop.example.com/sub ")
    assert refused(tmp_path, blank) == [
        f"{AT}2: infigo.shop.base_url has a blank in it; an address has none."
    ]
    script = SMALL.replace("[printiq", 'read_by = "megascript"\n[printiq')
    assert refused(tmp_path, script) == [
        f"{AT}4: infigo.shop.read_by = megascript needs megascript_path and megascript_secret."
    ]


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace("token =", "tokn =").replace('mis = "plant"', "mis = 3") + "[billing]\n"
    problems = refused(tmp_path, text)
    assert [one.partition(": ")[0] for one in problems] == [f"{AT}{line}" for line in (1, 3, NEXT - 1, NEXT)]


def test_a_file_without_connections_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "") == [
        "countermand.toml: there is no [connections.NAME], so there is nothing to keep in step."
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a = \n", 1, "this is not TOML: Invalid value"),
        ("[a]\nb = 1\nb = 2\n", 3, "this is not TOML: Cannot overwrite a value"),
        ("a = b\n", 1, 'this is not TOML: Invalid value; a text stands in quotes, "like this"'),
        (
            "[a]\nb = 1\nb = 2\n",
            3,
            "this is not TOML: Cannot overwrite a value; the same setting is further up",
        ),
        ("x = 1\n[a\n", 2, "this is not TOML: "),
        ('x = """\n\n', 3, "this is not TOML: Unterminated string"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (problem,) = refused(tmp_path, text)
    assert problem.startswith(f"{AT}{line}: {says}"), problem


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("\n\nname = 'Müller'".encode("latin-1"), ", line 3: is not UTF-8 from here on: save it as UTF-8"),
        (b"# " + b"x" * 16 * 1024 * 1024, ": has more than 16 MiB"),
        (b"\x00", ", line 1: this is not TOML"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, ": is nested too deeply"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "countermand.toml"
    file.write_bytes(content)
    with pytest.raises(SetUpError) as caught:
        load(file, ENVIRON)
    assert str(caught.value).startswith(f"{file}{says}")


@pytest.mark.parametrize(
    ("above", "table", "line"),
    [
        ("[connections.main.rules]\na = 1\n", "connections.main.rules", 1),
        ('\n# x\n[printiq.plant]\nb = """\n\n"""\n', "printiq.plant", 3),
    ],
)
def test_a_table_that_stands_twice_names_the_first_one(
    tmp_path: Path, above: str, table: str, line: int
) -> None:
    (problem,) = refused(tmp_path, f"{above}[{table}]\nc = 1\n")
    second = above.count("\n") + 1
    assert problem.startswith(f"{AT}{second}: this is not TOML: ")
    assert problem.rstrip(".").endswith(f"; [{table}] is in line {line} already: write these settings there")


def test_two_names_for_the_same_two_systems_are_refused(tmp_path: Path) -> None:
    shop = INFIGO.replace(".shop]", ".again]").replace("example.com", "EXAMPLE.com/")
    twin = '[connections.two]\nstorefront = "again"\nmis = "plant"\n'
    (problem,) = refused(tmp_path, SMALL + shop + twin)
    assert problem == (
        f"{AT}{NEXT + 3}: [connections.two] keeps the same two systems in step as [connections.main]: "
        "their addresses are the same."
    )
    # A token is one storefront's: with another one it is another storefront at the same address.
    other = shop.replace("INFIGO_TOKEN", "OTHER_HOOK")
    assert len(read(tmp_path, SMALL + other + twin).installation.connections) == 2


def test_a_host_has_room_for_thousands_of_shops(tmp_path: Path) -> None:
    shops = 3_000
    text = SMALL + "".join(
        INFIGO.replace("shop", f"shop{number}") + PRINTIQ.replace("plant", f"plant{number}")
        + f'[connections.c{number}]\nstorefront = "shop{number}"\nmis = "plant{number}"\n'
        for number in range(shops)
    )  # fmt: skip
    assert len(text) > 1024 * 1024
    assert len(read(tmp_path, text).installation.connections) == shops + 1


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SetUpError, match=r"does not exist; `countermand init` writes one"):
        load(tmp_path / "none.toml", ENVIRON)
    with pytest.raises(SetUpError, match="cannot be read: Is a directory"):
        load(tmp_path, ENVIRON)


def test_storefronts_do_not_share_a_token_for_messages(tmp_path: Path) -> None:
    token = '[connections.{}.hook_tokens]\nstorefront = {{ env = "HOOK" }}\n'
    text = (
        f"{SMALL}{token.format('main')}{INFIGO.replace('shop', 'trade')}"
        f'[connections.trade]\nstorefront = "trade"\nmis = "plant"\n{token.format("trade")}'
    )
    (problem,) = refused(tmp_path, text)
    assert problem.startswith(
        f"{AT}{text.count(chr(10))}: connections.trade.hook_tokens.storefront is another"
    )
    assert problem.endswith("system's token, that of [connections.main]: give each system its own.")


def test_the_server_starts_with_these(tmp_path: Path) -> None:
    assert read(tmp_path, SMALL).server == Server(database=f"sqlite:///{tmp_path}/countermand.db")


@pytest.mark.parametrize(
    ("database", "address"),
    [
        ('"sqlite://"', "sqlite://"),
        ('"postgresql+psycopg://me@localhost/x"', "postgresql+psycopg://me@localhost/x"),
        ('{ env = "DATABASE" }', "postgresql+psycopg://me:hunter2@localhost/x"),
    ],
)
def test_addresses_of_databases(tmp_path: Path, database: str, address: str) -> None:
    environ = {**ENVIRON, "DATABASE": "postgresql+psycopg://me:hunter2@localhost/x"}
    setup = read(tmp_path, f"[countermand]\ndatabase = {database}\n{SMALL}", environ)
    assert setup.installation.database == address
    assert "hunter2" not in f"{setup!r} {setup.installation!r} {setup.server!r}"
