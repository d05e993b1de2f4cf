"""docs/configuration.md has every setting, as the code has it, and no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import config_docs
import msgspec
import pytest
from config_docs import PAGE, in_page
from setup_files import SMALL, read

from countermand.bridge.connection import Polling
from countermand.cli import main
from countermand.config.model import (
    ConnectionTable,
    DestinationTable,
    HookTokens,
    PersonTable,
    Server,
    SignInTable,
)
from countermand.config.reference import reference
from countermand.config.words import POLLING_WORDS, RULE_WORDS
from countermand.core.policy import Policy
from countermand.infigo import InfigoSettings
from countermand.printiq import PrintIQSettings

STRUCTS: dict[str, type[msgspec.Struct]] = {
    "countermand": Server,
    "sign_in": SignInTable,
    'sign_in.people."LOGIN"': PersonTable,
    "tell.NAME": DestinationTable,
    "infigo.NAME": InfigoSettings,
    "printiq.NAME": PrintIQSettings,
    "connections.NAME": ConnectionTable,
    "connections.NAME.hook_tokens": HookTokens,
    "connections.NAME.rules": Policy,
    "connections.NAME.polling": Polling,
}


@pytest.mark.parametrize("name", list(reference()))
def test_the_page_is_as_the_code_is(name: str) -> None:
    assert in_page(name) == reference()[name], f"docs/configuration.md is behind: run {config_docs.__file__}"


@pytest.mark.parametrize(("name", "struct"), STRUCTS.items())
def test_every_setting_of_the_code_has_its_row(name: str, struct: type[msgspec.Struct]) -> None:
    rows = re.findall(r"^\| `([a-z_]+)[.`]", in_page(name) or "", re.MULTILINE)
    assert list(dict.fromkeys(rows)) == [field.name for field in msgspec.structs.fields(struct)]


def test_words_describe_settings_that_exist() -> None:
    assert set(RULE_WORDS) == {field.name for field in msgspec.structs.fields(Policy)}
    assert set(POLLING_WORDS) == {field.name for field in msgspec.structs.fields(Polling)}


def test_guesses_and_secrets_are_marked() -> None:
    rows = (in_page("infigo.NAME") or "").splitlines()
    marks = {row.split("`")[1]: row.rsplit("|", 2)[1].strip() for row in rows[2:]}
    assert marks["token"] == "secret"
    assert marks["megascript_path"] == "guess"
    assert marks["auth_style"] == ""


def test_the_page_says_that_no_secret_is_stored() -> None:
    assert "Countermand stores no\nsecret" in PAGE.read_text(encoding="utf-8")


PAGES = [PAGE, PAGE.with_name("set-up.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_of_a_set_up_is_valid(page: Path, tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in map(str, examples):
        tomllib.loads(example.replace("\ntoken =", "\nother ="))
        if "[connections." in example:
            key_files = re.sub(r'\{ file = "[^"]*-([a-z]+)" \}', _from_environment, example)
            assert read(tmp_path, SMALL + key_files)


def _from_environment(found: re.Match[str]) -> str:
    return f'{{ env = "{"HOOK" if found[1] == "infigo" else "OTHER_HOOK"}" }}'


def test_no_address_of_the_web_server_in_front_lets_the_browser_say_who_it_is() -> None:
    """It passes addresses on as they came: `/orders/x/../../hooks/y` is one of `/hooks/` only to itself."""
    section = PAGES[1].read_text(encoding="utf-8").partition("### Who may come in")[2].partition("\n## ")[0]
    locations = re.findall(r"^    location .*?\}$", section, re.MULTILINE | re.DOTALL)
    assert len(locations) == 2
    assert all("proxy_set_header X-Forwarded-User " in each for each in locations)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    named = re.findall(
        r"(?:^    |`|/)countermand (?!--)([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {"check", "serve", "init"} <= set(named) <= set(main.list_commands(click.Context(main)))


def test_every_sentence_that_the_table_explains_is_one_that_is_said() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ", PAGES[1].read_text(encoding="utf-8"), re.MULTILINE)
    source = "".join(
        file.read_text(encoding="utf-8")
        for folder in ("infigo", "printiq", "vendor_http")
        for file in (PAGE.parents[1] / "src" / "countermand" / folder).glob("*.py")
    )
    assert len(rows) >= 8
    for sentence in rows:
        assert re.split(r" at \.\.\.| \.\.\.|:", sentence)[0] in source, sentence
