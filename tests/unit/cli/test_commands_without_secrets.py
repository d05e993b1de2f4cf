"""Only what talks to a vendor needs the vendors' secrets; everything else works without them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from countermand.cli import main
from countermand.config.sample import sample

#: How each of those is called that wants every secret.
NEEDS_SECRETS: dict[str, list[str]] = {"check": [], "serve": [], "tell": ["desk"]}
#: How each of the others is called, and how it ends on an empty ledger.
CALLS = {
    "backup": (["copy.db"], 0),
    "db upgrade": ([], 0),
    "erase": (["10001"], 1),
    "export": (["orders"], 0),
    "journal anchor": (["--key-file", "anchor.key", "--out", "anchors.jsonl"], 0),
    "journal export": ([], 0),
    "journal proof": (["10001"], 1),
    "journal verify": ([], 0),
    "restore": (["first.db"], 0),
    "retain": (["--days", "90"], 0),
    "rules explain": (["10001"], 1),
    "rules show": ([], 0),
    "rules test": (["countermand.toml"], 0),
}
#: Every setting that holds a secret is used, and the secret of none is there.
SET_UP = re.sub(r"\n# ([a-z_]+ = \{ env = )", r"\n\1", sample())


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        assert one is not None
        if isinstance(one, click.Group):
            yield from commands(one, *names, name)
        yield " ".join((*names, name)), one


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(autouse=True)
def without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faulthandler.enable", lambda *_, **__: None)
    (tmp_path / "countermand.toml").write_text(SET_UP)
    (tmp_path / "anchor.key").write_text("the shop's own key")


def test_every_secret_is_asked_for() -> None:
    assert len(re.findall(r"^[a-z_]+ = \{ env = ", SET_UP, re.MULTILINE)) == 7


def test_every_command_with_a_set_up_file_is_listed_here() -> None:
    taking = {name for name, one in commands(main) if any(p.name == "file" for p in one.params)}
    assert taking - {"init"} == NEEDS_SECRETS.keys() | CALLS.keys()


@pytest.mark.parametrize("command", CALLS)
def test_it_works_without_the_vendors_secrets(command: str) -> None:
    assert run("db", "upgrade").exit_code == 0
    assert run("backup", "first.db").exit_code == 0
    arguments, ends_with = CALLS[command]
    result = run(*command.split(), *arguments)
    assert "environment variable" not in result.output
    assert result.exit_code == ends_with, result.output
    assert ends_with == 0 or "No order is known by the number 10001" in result.stderr


@pytest.mark.parametrize("command", sorted(NEEDS_SECRETS))
def test_what_talks_to_a_vendor_says_which_secret_is_missing(command: str) -> None:
    result = run(command, *NEEDS_SECRETS[command])
    assert result.exit_code == 1
    assert "the environment variable COUNTERMAND_INFIGO_SHOP_TOKEN, which is not set" in result.stderr


def test_the_address_of_the_database_is_a_secret_that_everything_needs(tmp_path: Path) -> None:
    text = SET_UP.replace('# database = "countermand.db"', 'database = { env = "COUNTERMAND_DATABASE" }')
    (tmp_path / "countermand.toml").write_text(text)
    result = run("journal", "verify")
    assert result.exit_code == 1
    assert "the environment variable COUNTERMAND_DATABASE, which is not set" in result.stderr
    assert "INFIGO" not in result.stderr


def test_a_secret_written_into_the_file_is_refused_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "countermand.toml").write_text(
        SET_UP.replace('token = { env = "COUNTERMAND_INFIGO_SHOP_TOKEN" }', 'token = "hunter2-hunter2"')
    )
    result = run("rules", "show")
    assert result.exit_code == 1
    assert "infigo.shop.token is written into the file, where no secret may stand" in result.stderr
    assert "hunter2" not in result.output
