"""`init`, `check`, `serve`, `db` and `rules`: what they say and how they end when nothing runs."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.cli import main
from countermand.config.sample import sample
from countermand.simulators.kit import ServerThread

COMMANDS = [
    ["init"],
    ["check"],
    ["serve"],
    ["db"],
    ["db", "upgrade"],
    ["rules"],
    ["rules", "show"],
    ["rules", "explain"],
    ["tell"],
]
VARIABLES = re.findall(r"\n[a-z_]+ = \{ env = \"([A-Z_]+)\"", sample())


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # It wants a standard error of the operating system, which click's runner replaces.
    monkeypatch.setattr("faulthandler.enable", lambda *_, **__: None)
    for name in VARIABLES:
        monkeypatch.setenv(name, "a-secret-of-the-test")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def sentence(result: Result) -> str:
    """The one sentence of a command that failed as it should."""
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ")
    assert isinstance(result.exception, SystemExit)
    return result.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_that_names_the_command(command: list[str]) -> None:
    said = run(*command, "--help").output
    example = re.search(r"Example: countermand ([a-z ]+)", said)
    assert example, said
    assert example[1].startswith(" ".join(command))


def test_init_writes_the_sample_and_says_what_comes_next(tmp_path: Path) -> None:
    result = run("init")
    assert result.exit_code == 0
    assert (tmp_path / "countermand.toml").read_text(encoding="utf-8") == sample()
    assert "countermand check --config countermand.toml" in result.output


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine")
    assert sentence(run("init", "mine.toml")) == "mine.toml exists and was left as it is; name another file."
    assert (tmp_path / "mine.toml").read_text() == "mine"


def test_init_says_where_it_cannot_write() -> None:
    assert sentence(run("init", "none/c.toml")) == "none/c.toml cannot be written: No such file or directory."


@pytest.mark.parametrize(
    "command", [["check"], ["serve"], ["db", "upgrade"], ["rules", "show"]], ids=" ".join
)
def test_without_a_set_up_file_the_way_to_one_is_said(command: list[str], tmp_path: Path) -> None:
    said = sentence(run(*command))
    assert said == f"{tmp_path}/countermand.toml: does not exist; `countermand init` writes one"


@pytest.mark.parametrize(
    "command",
    [["check"], ["serve"], ["db", "upgrade"], ["rules", "show"], ["rules", "explain", "1"]],
    ids=" ".join,
)
def test_a_wrong_file_is_told_by_line_and_nothing_is_begun(command: list[str], tmp_path: Path) -> None:
    run("init")
    file = tmp_path / "countermand.toml"
    file.write_text(sample().replace('# cancel_to_mis = "manual"', 'cancel_to_mis = "automatik"'))
    assert re.fullmatch(
        r'.*/countermand\.toml, line \d+: connections\.main\.rules\.cancel_to_mis is "automatik"; it must be '
        r'"observe", "manual", "assisted" or "automatic"\.',
        sentence(run(*command)),
    )
    assert list(tmp_path.iterdir()) == [file]


def test_the_file_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", "other.toml")
    monkeypatch.setenv("COUNTERMAND_CONFIG", "other.toml")
    assert run("rules", "show").exit_code == 0


def test_what_init_writes_leaves_everything_to_people() -> None:
    run("init")
    said = run("rules", "show").output
    for direction in ("cancel_to_mis", "cancel_to_storefront", "ship_to_storefront"):
        assert re.search(rf'^{direction} +"manual" +default$', said, re.MULTILINE), said


def test_rules_show_tells_the_line_and_the_exceptions(tmp_path: Path) -> None:
    text = sample().replace('# undo_window = "5 min"', 'undo_window = "1 h"', 1)
    text += '[[connections.main.when]]\ncustomer = "1042"\nproduct = "print"\n'
    text += 'mode = "observe"\nvalue_limit = "none"\n'
    (tmp_path / "countermand.toml").write_text(text)
    said = run("rules", "show").output
    line = text[: text.index("undo_window =")].count("\n") + 1
    assert re.search(rf'^undo_window +"1 h" +line {line}$', said, re.MULTILINE), said
    assert "exception 'when 1' for customer 1042, product print\n" in said
    assert '  cancel_to_mis = "observe"\n' in said
    assert '  value_limit = "none"\n' in said


def test_rules_explain_needs_a_database_and_an_order() -> None:
    run("init")
    assert sentence(run("rules", "explain", "10001")) == (
        "There is no database yet: the first `countermand serve` makes it."
    )
    assert run("db", "upgrade").exit_code == 0
    assert sentence(run("rules", "explain", "10001")) == "No order is known by the number 10001."


def test_db_upgrade_may_be_run_again(tmp_path: Path) -> None:
    run("init")
    first, second = run("db", "upgrade"), run("db", "upgrade")
    assert first.output == second.output
    assert re.fullmatch(r"The database is at schema \w+\.\n", first.output)
    assert (tmp_path / "countermand.db").exists()


def test_a_database_that_is_none_is_said(tmp_path: Path) -> None:
    run("init")
    (tmp_path / "countermand.db").write_text("no database at all, but long enough to be looked at " * 20)
    for command in (["db", "upgrade"], ["serve"], ["rules", "explain", "1"]):
        assert "file is not a database" in sentence(run(*command))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("")
    text = sample().replace('# database = "countermand.db"', 'database = "blocked/data/c.db"')
    (tmp_path / "countermand.toml").write_text(text)
    assert "The data folder" in sentence(run("db", "upgrade"))
    checked = run("check")
    assert checked.exit_code == 1
    assert "blocked" in checked.stdout
    assert "the database" in checked.stderr


def test_check_names_every_system_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "countermand.toml").write_text(_nowhere(sample()))
    checked = run("check")
    assert checked.exit_code == 1
    assert "infigo.shop at http://127.0.0.1:9: " in checked.stdout
    assert "check base_url (countermand.toml: base_url in line" in checked.stdout
    assert checked.stderr == "\nNot good yet: infigo.shop, printiq.plant.\n"
    assert not (tmp_path / "countermand.db").exists()


def test_check_tries_one_connection_of_many(tmp_path: Path) -> None:
    text = _nowhere(sample()) + '[infigo.trade]\nbase_url = "http://127.0.0.1:9/trade"\n'
    text += 'token = { env = "COUNTERMAND_INFIGO_SHOP_TOKEN" }\n'
    text += '[connections.trade]\nstorefront = "trade"\nmis = "plant"\n'
    (tmp_path / "countermand.toml").write_text(text)
    checked = run("check", "--connection", "trade")
    assert checked.stderr == "\nNot good yet: infigo.trade, printiq.plant.\n"
    assert "infigo.shop at" not in checked.stdout
    assert "connection trade: " in checked.stdout
    assert "connection main: " not in checked.stdout
    missing = sentence(run("check", "--connection", "trad"))
    assert missing == "There is no [connections.trad]; did you mean trade?"


def test_check_notes_what_is_worth_a_thought(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a-secret-of-the-test")
    key.chmod(0o644)
    text = _nowhere(sample()).replace('{ env = "COUNTERMAND_INFIGO_SHOP_TOKEN" }', '{ file = "key" }')
    text += '[infigo.spare]\nbase_url = "http://127.0.0.1:9"\ntoken = { file = "key" }\n'
    text = text.replace('# host = "127.0.0.1"', 'host = "0.0.0.0"')
    (tmp_path / "countermand.toml").write_text(text)
    said = run("check").stdout
    assert "note: infigo.spare is in no connection" in said
    assert f"note: the key file {key} can be read by other users" in said
    assert "note: host = 0.0.0.0 lets others on the network in" in said
    key.chmod(0o600)
    assert "can be read by other users" not in run("check").stdout


def test_check_warns_of_shops_that_share_a_mis(tmp_path: Path) -> None:
    text = _nowhere(sample())
    assert "share printiq.plant" not in _checked(tmp_path, text)
    text += '[infigo.trade]\nbase_url = "http://127.0.0.1:9/trade"\n'
    text += 'token = { env = "COUNTERMAND_INFIGO_SHOP_TOKEN" }\n'
    text += '[connections.trade]\nstorefront = "trade"\nmis = "plant"\n'
    assert "note: shop and trade share printiq.plant: their order ids" in _checked(tmp_path, text)


def _checked(folder: Path, text: str) -> str:
    (folder / "countermand.toml").write_text(text)
    return run("check").stdout


def test_serve_strict_does_not_start_when_a_system_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "countermand.toml").write_text(_nowhere(sample()))
    first, second = sentence(run("serve", "--strict")).splitlines()
    assert first.startswith("infigo.shop: ")
    assert second.startswith("printiq.plant: ")


def test_serve_says_which_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = _nowhere(sample()).replace("# port = 8100", f"port = {port}")
        (tmp_path / "countermand.toml").write_text(text)
        assert sentence(run("serve")) == (
            f"Port {port} on 127.0.0.1 cannot be used: Address already in use; change countermand.port or "
            "countermand.host in the set-up file."
        )


def test_serve_says_when_a_host_is_not_this_machines(tmp_path: Path) -> None:
    text = _nowhere(sample()).replace('# host = "127.0.0.1"', 'host = "192.0.2.1"')
    (tmp_path / "countermand.toml").write_text(text)
    assert sentence(run("serve")).startswith("Port 8100 on 192.0.2.1 cannot be used: Cannot assign requested")


def test_the_commands_are_part_of_the_program() -> None:
    listed = main.list_commands(click.Context(main))
    assert {command[0] for command in COMMANDS} <= set(listed)


def _nowhere(text: str) -> str:
    return re.sub(r'"https://(shop|plant)\.example\.com"', '"http://127.0.0.1:9"', text)


def test_check_says_who_gets_in(tmp_path: Path) -> None:
    text = _nowhere(sample()).replace("# hosts = []", 'hosts = ["orders.example.com"]')
    said = _checked(tmp_path, text)
    assert "\npeople: nobody signs in; whoever reaches 127.0.0.1:8100 may act\n" in said
    assert "note: the console is reached as orders.example.com, and without sign_in anybody" in said
    text = text.replace('# header = ""', 'header = "X-Forwarded-User"')
    text += '[sign_in.people.priya]\nname = "Priya Shah"\nrole = "approver"\n'
    said = _checked(tmp_path, text)
    assert "\npeople: 1, named by X-Forwarded-User from 127.0.0.1, ::1; others are not let in\n" in said
    assert "without sign_in" not in said
    said = _checked(tmp_path, text.replace('# others = "nobody"', 'others = "viewer"'))
    assert "others have the role viewer\n" in said


def test_a_destination_can_be_tried_before_anything_depends_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELL", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    heard: list[bytes] = []

    async def receive(request: Request) -> Response:
        heard.append(await request.body())
        return Response(status_code=204)

    with ServerThread(Starlette(routes=[Route("/in", receive, methods=["POST"])])) as server:
        text = sample()
        for name, path in (("desk", "in"), ("wall", "elsewhere")):
            text += f'[tell.{name}]\nurl = "{server.url}/{path}"\nsecret = {{ env = "TELL" }}\n'
        (tmp_path / "countermand.toml").write_text(text)
        told = run("tell", "desk")
        assert (told.exit_code, told.output) == (0, "It arrived: desk answered well.\n")
        assert b'"type":"test"' in heard[0]
        assert sentence(run("tell", "wall")) == "It did not arrive: 127.0.0.1 answered with HTTP 404."
        assert sentence(run("tell", "dusk")) == (
            "There is no [tell.dusk] in countermand.toml; there is desk, wall."
        )
